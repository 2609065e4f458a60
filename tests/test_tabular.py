"""Models of rows: scaling inside, the loss against NumPy, scores of columns, imputation, export."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from architectures import table_rows
from keras import ops

import kerasae
from kerasae import anomaly
from kerasae.builders import BUILDERS
from kerasae.builders.tabular import BASES
from kerasae.layers import RandomGaps
from kerasae.layers.tables import TableBound, raw_rows, scaling_stem
from kerasae.losses.tables import Layout, column_losses, row_losses
from kerasae.training import TrainConfig, train
from kerasae_export import ConversionError
from kerasae_export.runtime.litemodel import LiteModel

COLUMNS = BUILDERS["tabular"].variants[0]["columns"]
LAYOUT = Layout.of(COLUMNS)
NUMBERS, CATEGORIES = [0, 2, 3], {1: 3, 4: 2}


def tabular(base: str = "undercomplete", **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_tabular(columns=COLUMNS, base=base, **{"code_size": 4, **options})


def scaled(rows: np.ndarray) -> np.ndarray:
    """What a network sees, in NumPy."""
    parts = []
    for i in NUMBERS:
        z = (rows[:, i].astype(float) - COLUMNS[i]["mean"]) / COLUMNS[i]["deviation"]
        parts.append(np.nan_to_num(z)[:, None])
    for i, n in CATEGORIES.items():
        parts.append((rows[:, i, None] == np.arange(n)).astype(float))
    return np.concatenate(parts, axis=1)


def losses_in_numpy(rows: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    found, place = np.zeros(rows.shape), len(NUMBERS)
    for k, i in enumerate(NUMBERS):
        found[:, i] = np.square(scaled(rows)[:, k] - outputs[:, k])
    for i, n in CATEGORIES.items():
        logits = outputs[:, place : place + n].astype(float)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        index = np.nan_to_num(rows[:, i]).astype(int)
        found[:, i] = -log_p[np.arange(len(rows)), index]
        place += n
    return np.where(np.isnan(rows), 0, found)


def with_gaps(count: int = 60) -> np.ndarray:
    rows = table_rows(COLUMNS, count)
    rows[np.random.default_rng(1).random(rows.shape) < 0.2] = np.nan
    return rows


def test_the_stem_scales_and_the_decoder_undoes_it():
    rows = with_gaps()
    seen = ops.convert_to_numpy(scaling_stem(LAYOUT)(rows))
    np.testing.assert_allclose(seen, scaled(rows), atol=1e-5)
    marked = ops.convert_to_numpy(scaling_stem(LAYOUT, marks=True)(rows))
    np.testing.assert_array_equal(marked[:, LAYOUT.size :], np.isnan(rows))
    whole = table_rows(COLUMNS)[1:9]
    entry = keras.Input((LAYOUT.size,))
    back = keras.Model(entry, raw_rows(entry, LAYOUT))(scaling_stem(LAYOUT)(whole))
    np.testing.assert_allclose(ops.convert_to_numpy(back), whole, rtol=1e-5)


def test_losses_are_those_of_numpy_and_what_is_missing_has_none(rng):
    rows, outputs = with_gaps(), rng.normal(size=(60, LAYOUT.size)).astype(np.float32)
    found = ops.convert_to_numpy(column_losses(rows, outputs, LAYOUT))
    expected = losses_in_numpy(rows, outputs)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    means = ops.convert_to_numpy(row_losses(rows, found))
    count = np.maximum((~np.isnan(rows)).sum(axis=1), 1)
    np.testing.assert_allclose(means, expected.sum(axis=1) / count, rtol=1e-4, atol=1e-6)
    nothing = np.full((1, len(COLUMNS)), np.nan, np.float32)
    assert float(row_losses(nothing, column_losses(nothing, outputs[:1], LAYOUT))[0]) == 0


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_loss_of_a_model_is_the_mean_over_what_rows_have(weight):
    rows, model = with_gaps(), tabular(category_weight=weight)
    code = kerasae.encoder(model)(rows)
    outputs = ops.convert_to_numpy(model.get_layer("decoder")(code)[1])
    each = losses_in_numpy(rows, outputs) * np.where(np.isin(range(5), [1, 4]), weight, 1)
    expected = (each.sum(axis=1) / np.maximum((~np.isnan(rows)).sum(axis=1), 1)).mean()
    found = model.evaluate(rows, rows, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected, rel=1e-4)
    assert set(found) == {"loss", "numbers", "categories"}


def test_missing_values_change_nothing_else_and_have_no_gradient(eager):
    """Whatever stands in the columns that are missing, the code is that of their means."""
    rows = table_rows(COLUMNS)[1:33]
    gone, means = rows.copy(), rows.copy()
    gone[:, 0], means[:, 0] = np.nan, COLUMNS[0]["mean"]
    model = tabular()
    np.testing.assert_allclose(
        kerasae.encoder(model)(gone), kerasae.encoder(model)(means), atol=1e-5
    )
    only = np.full_like(rows, np.nan)
    before = model.get_weights()
    model.fit(only, only, batch_size=16, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_bound_is_a_gaussian_of_numbers_and_a_categorical_of_categories(rng):
    rows, outputs = with_gaps(), rng.normal(size=(60, LAYOUT.size)).astype(np.float32)
    bound = TableBound("gaussian", columns=COLUMNS, sigma=0.5)
    found = ops.convert_to_numpy(bound.log_likelihood(ops.convert_to_tensor(rows), outputs))
    each = losses_in_numpy(rows, outputs)
    gaussian = -0.5 * each / 0.25 - np.log(0.5) - 0.5 * np.log(2 * np.pi)
    nats = np.where(np.isin(range(5), NUMBERS), gaussian, -each)
    expected = np.where(np.isnan(rows), 0, nats).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_masked_model_weighs_what_it_did_not_see():
    rows = table_rows(COLUMNS)[1:41]
    model = tabular("masked", hole_weight=5.0, mask_fraction=0.5)
    objective = model.get_layer("objective")
    hidden = np.where(np.random.default_rng(2).random(rows.shape) < 0.5, np.nan, rows)
    outputs = np.random.default_rng(3).normal(size=(40, LAYOUT.size)).astype(np.float32)
    objective(rows, rows, outputs, hidden)
    weights = np.where(np.isnan(hidden), 5.0, 1.0)
    each = (losses_in_numpy(rows, outputs) * weights).sum(axis=1)
    expected = (each / (~np.isnan(rows)).sum(axis=1)).mean()
    assert float(objective.added) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("base", BASES)
def test_every_dense_base_takes_rows_by_name(base):
    options = {"overcomplete": {"code_size": 9, "regularizer": "l1"}, "sparse": {"code_size": 30}}
    options |= {"contractive": {}, "masked": {"hidden": ()}}
    model = tabular(base, **options.get(base, {}))
    assert model.name == "tabular"
    assert model.input_shape == model.output_shape == (None, 5)
    assert np.isfinite(ops.convert_to_numpy(model(with_gaps()))).all()


def test_wrong_bases_and_options_are_refused_in_a_sentence():
    for options, words in (
        ({"base": "convolutional"}, "`base` must be one of 'undercomplete'"),
        ({"base": "rate_distortion"}, "`base` must be one of"),
        ({"loss": "mse"}, "`loss` follows from `columns`"),
        ({"input_shape": (5,)}, "`input_shape` follows from `columns`"),
        ({"base": "variational", "likelihood": "bernoulli"}, "`likelihood` must be 'gaussian'"),
        ({"base": "denoising", "corruption": "salt_and_pepper"}, "no black and white"),
        ({"code_size": 8}, "smaller than the 8 values"),
        ({"columns": ()}, "`columns` must be the columns of a table"),
        ({"columns": [{"name": "a", "deviation": 0}]}, "`deviation` must be"),
        ({"columns": [{"name": "a", "categories": ["x"]}]}, "at least 2 categories"),
        ({"columns": [{"name": "a"}, {"name": "a"}]}, "its own name"),
    ):
        with pytest.raises(ValueError, match=words):
            kerasae.build_tabular(**{"columns": COLUMNS, "code_size": 4, **options})
    with pytest.raises(TypeError, match="`masked` of a table takes.*Received: mask"):
        tabular("masked", mask="block")


@pytest.mark.parametrize("base", ["undercomplete", "variational", "vector_quantized"])
def test_scores_of_columns_are_the_losses_and_tell_the_odd_one(base):
    model, rows = tabular(base), with_gaps()
    found = anomaly.column_scores(model, rows)
    assert (found[np.isnan(rows)] == 0).all()
    count = np.maximum((~np.isnan(rows)).sum(axis=1), 1)
    scores = anomaly.reconstruction_scores(model, rows)
    np.testing.assert_allclose(found.sum(axis=1) / count, scores, rtol=1e-6)
    odd = rows.copy()
    odd[0, 2] = COLUMNS[2]["mean"] + 50 * COLUMNS[2]["deviation"]
    assert anomaly.column_scores(model, odd)[0].argmax() == 2
    for per, expected in (("row", scores), ("column", found)):
        alone = anomaly.scores(anomaly.scorer(model, per=per), rows)
        np.testing.assert_allclose(alone, expected, rtol=1e-4, atol=1e-5)


def test_scorers_of_rows_reload_and_refuse_what_rows_have_not(tmp_path):
    model, rows = tabular(), table_rows(COLUMNS)
    for kind in ("reconstruction", "code", "likelihood"):
        scorer = anomaly.scorer(model, kind, images=rows)
        scorer.save(tmp_path / "s.keras")
        again = keras.saving.load_model(tmp_path / "s.keras", safe_mode=True)
        np.testing.assert_array_equal(anomaly.scores(again, rows), anomaly.scores(scorer, rows))
    with pytest.raises(ValueError, match="`kind` must be 'reconstruction', 'code' or 'likelihood'"):
        anomaly.scorer(model, "relative")
    with pytest.raises(ValueError, match="`per` must be 'row'"):
        anomaly.scorer(model, "code", images=rows, per="column")
    images = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
    with pytest.raises(ValueError, match="`per` must be 'row'"):
        anomaly.scorer(images, per="column")
    with pytest.raises(ValueError, match=r"`model` must take rows \(values,\)"):
        anomaly.column_scores(images, np.zeros((2, 8, 8, 1)))


def test_plain_rows_have_scores_of_their_values(rng):
    model = kerasae.build_undercomplete(input_shape=(6,), code_size=2, hidden=(), loss="mse")
    rows = rng.normal(size=(5, 6)).astype(np.float32)
    expected = np.square(ops.convert_to_numpy(model(rows)) - rows)
    np.testing.assert_allclose(anomaly.column_scores(model, rows), expected, rtol=1e-5)


def test_imputation_keeps_what_is_known_and_beats_the_mean(made):
    table = kerasae.load_table("machines", limit=600)

    def make(path) -> None:
        keras.utils.set_random_seed(0)
        model = kerasae.build_tabular(
            columns=table.columns, base="masked", code_size=12, hidden=(48,)
        )
        config = TrainConfig(epochs=40, batch_size=64, learning_rate=5e-3)
        train(model, table, config, progress=False)
        model.save(path)

    model = keras.saving.load_model(made("machines.keras", make))
    normal = table.test[table.test_labels == table.label_names.index("normal")]
    whole = normal[~np.isnan(normal).any(axis=1)]
    for name, by in (("speed", 0.75), ("power", 0.75), ("temperature", 0.75)):
        i = [column.name for column in table.columns].index(name)
        gone = np.where(np.arange(8) == i, np.nan, whole)
        filled = kerasae.impute(model, gone)
        np.testing.assert_array_equal(np.delete(filled, i, axis=1), np.delete(whole, i, axis=1))
        error = np.sqrt(np.mean(np.square(filled[:, i] - whole[:, i])))
        mean = np.sqrt(np.mean(np.square(table.columns[i].mean - whole[:, i])))
        assert error < by * mean, name
    with pytest.raises(ValueError, match="`model` must take NaN"):
        kerasae.impute(kerasae.build_undercomplete(), whole)


def test_rows_convert_to_floats_and_int8_is_refused_with_the_reason(converter, tmp_path):
    model, rows = tabular(), with_gaps()
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    path = converter.convert(encoder, tmp_path / "e.tflite", scheme="dynamic")
    lite = LiteModel(path.read_bytes())
    assert lite.input.dtype == "float32"
    np.testing.assert_allclose(lite.run(rows), encoder(rows), atol=0.05)  # missing ones, too
    words = r"columns that '\w+' scales have ranges that differ"
    for part, values in ((encoder, np.nan_to_num(rows)), (decoder, np.asarray(encoder(rows)))):
        for edges in ("uint8", "float32"):
            with pytest.raises(ConversionError, match=words):
                converter.convert(part, tmp_path / "q.tflite", calibration=values, edges=edges)
    assert not (tmp_path / "q.tflite").exists()


@pytest.mark.parametrize(
    ("kind", "shape"), [("values", (9,)), ("values", (9, 2)), ("gap", (9, 2)), ("suffix", (9, 2))]
)
def test_gaps_are_of_their_kind_and_draw_anew(kind, shape):
    layer = RandomGaps(kind, fraction=0.4, seed=0)
    x = np.random.default_rng(0).normal(size=(400, *shape)).astype(np.float32)
    outputs = ops.convert_to_numpy(layer(x, training=True))
    missing = np.isnan(outputs)
    np.testing.assert_array_equal(outputs[~missing], x[~missing])
    steps = missing if len(shape) == 1 else missing.all(axis=-1)
    np.testing.assert_array_equal(steps, missing if len(shape) == 1 else missing.any(axis=-1))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.holes), steps)
    assert steps.mean() == pytest.approx(0.4, abs=0.06)
    assert not np.array_equal(np.isnan(ops.convert_to_numpy(layer(x, training=True))), missing)
    if kind != "values":
        assert (np.abs(np.diff(np.pad(steps.astype(int), ((0, 0), (1, 1))))).sum(axis=1) == 2).all()
    if kind == "gap":
        assert set(steps.sum(axis=1)) == {4}
    if kind == "suffix":
        assert steps[:, -1].all()
        assert not steps[:, 0].any()
    cut = layer.cut_holes(x, seed=3)
    np.testing.assert_array_equal(cut, layer.cut_holes(x, seed=3))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), x)


def test_a_masked_model_of_rows_learns_from_what_is_known_only(rng):
    model = kerasae.build_masked(
        input_shape=(6,), code_size=4, hidden=(), loss="mse", hole_weight=3.0
    )
    y = rng.normal(size=(8, 6)).astype(np.float32)
    y[0, :4] = np.nan
    x = y.copy()
    x[1, 2] = np.nan
    predicted = ops.convert_to_numpy(model(x))
    errors = np.square(predicted - y) * np.where(np.isnan(x), 3.0, 1.0)
    expected = np.nanmean(errors, axis=1).mean()
    loss = model.compute_loss(x, y, ops.convert_to_tensor(predicted), training=False)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
