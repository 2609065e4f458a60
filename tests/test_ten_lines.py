"""The plain-Keras versions: short, of Keras alone, and equal to what the builders make."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kerasae
from kerasae import BUILDERS
from kerasae.layers import Distortion, EntropyBottleneck

DOCS = Path(__file__).resolve().parents[1] / "docs"
SOURCE = (DOCS / "ten_lines.py").read_text(encoding="utf-8")
TREE = ast.parse(SOURCE)
SNIPPETS = {
    node.name: ast.get_source_segment(SOURCE, node)
    for node in TREE.body
    if isinstance(node, ast.FunctionDef | ast.ClassDef)
}
OF_BUILDER = {name: (name, name.title().replace("_", "")) for name in BUILDERS}


@pytest.fixture(scope="module")
def plain() -> Any:
    spec = importlib.util.spec_from_file_location("ten_lines", DOCS / "ten_lines.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def images(*shape: int, seed: int = 0) -> np.ndarray:
    """Away from 0 and 1, at which losses clip."""
    return np.random.default_rng(seed).uniform(0.05, 0.95, (6, *shape)).astype(np.float32)


def lively(model: keras.Model) -> keras.Model:
    """With biases and zero kernels that a mistake would show."""
    rng = np.random.default_rng(1)
    model.set_weights([w + 0.02 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def same_outputs(one: keras.Model, other: keras.Model, x: np.ndarray) -> None:
    np.testing.assert_allclose(
        one.predict(x, verbose=0), other.predict(x, verbose=0), rtol=1e-4, atol=1e-5
    )


def loss_of(
    model: keras.Model, x: np.ndarray, y: np.ndarray | None = None, **options: Any
) -> float:
    """Of one batch, as training computes it."""
    y = x if y is None else y
    outputs = model(x, **options)
    return float(model.compute_loss(x, ops.convert_to_tensor(y), outputs, training=False))


def test_each_builder_has_a_version_of_ten_to_twenty_five_lines():
    assert not {name for name in BUILDERS if not set(OF_BUILDER[name]) & set(SNIPPETS)}
    for name, code in SNIPPETS.items():
        lines = [line for line in code.splitlines() if line.strip()]
        assert 10 <= len(lines) <= 25, (name, len(lines))
        assert max(map(len, lines)) <= 100


def test_they_need_keras_alone():
    imported = [node for node in ast.walk(TREE) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {getattr(node, "module", None) or node.names[0].name for node in imported}
    assert names == {"keras"}


def test_the_page_shows_them_as_they_are():
    page = (DOCS / "ten_lines.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    for name, code in SNIPPETS.items():
        assert f"{code}\n" in shown, name
    assert shown[0] == "import keras\nfrom keras import layers, ops\n"
    assert len(shown) == len(SNIPPETS) + 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("undercomplete", {}),
        ("overcomplete", {"regularizer": "l1"}),
        ("sparse", {"penalty": "topk", "k": 25}),
        ("convolutional", {}),
        ("denoising", {"base": "undercomplete"}),
    ],
)
def test_models_of_layers_alone(plain, name, options):
    builder, model = lively(kerasae.build(name, **options)), getattr(plain, name)()
    model.set_weights(builder.get_weights()[: len(model.get_weights())])
    x = images(28, 28, 1)
    same_outputs(model, builder, x)
    # Keras divides the penalty of a regulariser by the batch, as the builder's does.
    assert loss_of(model, x) == pytest.approx(loss_of(builder, x), rel=1e-4)


def test_sparse_keeps_k_values(plain):
    model = plain.sparse(code_size=100, k=7)
    pixels = model.layers[-2]  # before it is an image again
    code = keras.Model(model.input, pixels.input)(images(28, 28, 1))
    np.testing.assert_array_equal(np.count_nonzero(ops.convert_to_numpy(code), axis=1), 7)


def test_denoising_draws_the_noise_of_the_builder(plain):
    builder, model = kerasae.build("denoising", base="undercomplete"), plain.denoising()
    noise = next(layer for layer in model.layers if layer.name.startswith("gaussian_noise"))
    layer = builder.get_layer("corruption")
    x = images(28, 28, 1)
    for each in (noise, layer):
        each.seed_generator.state.assign([3, 5])
    wanted = ops.convert_to_numpy(layer(x, training=True))
    got = ops.convert_to_numpy(ops.clip(noise(x, training=True), 0, 1))
    np.testing.assert_allclose(got, wanted, atol=1e-6)
    assert np.abs(got - x).mean() > 0.2


def test_contractive(plain):
    builder, model = lively(kerasae.build("contractive")), plain.Contractive()
    x = images(28, 28, 1)
    model(x)
    dense = builder.get_layer("encoder").get_layer("code")
    model.encoder.set_weights(dense.get_weights())
    # A copy: on JAX a variable that shares another's array is deleted with it.
    bias = builder.get_layer("decoder").get_layer("pixels").bias
    model.bias.assign(ops.convert_to_numpy(bias))
    same_outputs(model, builder, x)
    assert loss_of(model, x) == pytest.approx(loss_of(builder, x), rel=1e-4)
    model.weight = 0.0
    assert loss_of(model, x) < loss_of(builder, x) - 1e-3  # the penalty is worth something here


def test_variational(plain):
    builder = kerasae.build("variational", code_size=2, likelihood="bernoulli")
    builder, model = lively(builder), plain.Variational()
    x = images(28, 28, 1)
    model(x)
    encoder, decoder = builder.get_layer("encoder"), builder.get_layer("decoder")
    model.encoder.set_weights(
        [w for i in (1, 2) for w in encoder.get_layer(f"encode_{i}").get_weights()]
    )
    for name in ("mean", "log_variance"):
        getattr(model, name).set_weights(encoder.get_layer(name).get_weights())
    model.decoder.set_weights(decoder.get_weights())
    same_outputs(model, builder, x)
    assert loss_of(model, x) == pytest.approx(loss_of(builder, x), rel=1e-5)
    builder.get_layer("sampling").seed_generator.state.assign([3, 5])
    model.seed.state.assign([3, 5])
    drawn = loss_of(model, x, training=True)
    assert drawn == pytest.approx(loss_of(builder, x, training=True), rel=1e-5)
    assert drawn != pytest.approx(loss_of(model, x), rel=1e-6)


def test_conditional(plain):
    builder = lively(kerasae.build("conditional", code_size=2, likelihood="bernoulli"))
    model = plain.Conditional()
    x, label = images(28, 28, 1), np.eye(10, dtype=np.float32)[[3, 1, 4, 1, 5, 9]]
    model((x, label))
    encoder, decoder = builder.get_layer("encoder"), builder.get_layer("decoder")
    model.encoder.set_weights(
        [w for i in (1, 2) for w in encoder.get_layer(f"encode_{i}").get_weights()]
    )
    for name in ("mean", "log_variance"):
        getattr(model, name).set_weights(encoder.get_layer(name).get_weights())
    model.plane.set_weights(encoder.get_layer("label_plane").get_weights())
    model.decoder.set_weights(decoder.get_weights())
    same_outputs(model, builder, (x, label))
    told = loss_of(model, (x, label), x)
    assert told == pytest.approx(loss_of(builder, (x, label), x), rel=1e-5)
    nothing = (x, np.zeros_like(label))
    assert loss_of(model, nothing, x) == pytest.approx(loss_of(builder, nothing, x), rel=1e-5)
    assert loss_of(model, nothing, x) != pytest.approx(told, rel=1e-6)
    model.missing, drawn = 1.0, []  # all labels are left out
    for seen in ((x, label), nothing):
        model.seed.state.assign([3, 5])
        drawn.append(loss_of(model, seen, x, training=True))
    assert drawn[0] == pytest.approx(drawn[1], rel=1e-6)


def test_masked_transformer(plain):
    builder, model = lively(kerasae.build("masked_transformer")), plain.MaskedTransformer()
    x = images(32, 32, 3)
    model(x)
    parts = [builder.get_layer(name).get_weights() for name in ("stem", "encoder", "decoder")]
    model.stem.set_weights(parts[0])
    model.encoder.set_weights(parts[1])
    model.placed.set_weights(parts[2][:2])
    model.decoder.set_weights(parts[2][2:-2])
    model.pixels.set_weights(parts[2][-2:])
    token = builder.get_layer("hidden_patches").get_weights()[0]
    model.token.assign(token)
    same_outputs(model, builder, x)
    assert loss_of(model, x) == pytest.approx(loss_of(builder, x), rel=1e-4)
    builder.get_layer("mask").seed_generator.state.assign([3, 5])
    model.seed.state.assign([3, 5])
    drawn = loss_of(model, x, training=True)
    assert drawn == pytest.approx(loss_of(builder, x, training=True), rel=1e-4)
    assert drawn > 1.5 * loss_of(model, x)  # hidden patches count six times


def test_vector_quantized(plain):
    builder, model = lively(kerasae.build("vector_quantized")), plain.vector_quantized()
    quantizer = next(layer for layer in model.layers if layer.name.startswith("quantizer"))
    encoder, decoder = (builder.get_layer(name).get_weights() for name in ("encoder", "decoder"))
    codebook = ops.convert_to_numpy(builder.get_layer("quantizer").codebook)
    x = images(32, 32, 3)
    # Entries where the vectors are, so that several are in use.
    codebook = 0.1 * codebook + ops.convert_to_numpy(builder.get_layer("encoder")(x)).mean(
        (0, 1, 2)
    )
    builder.get_layer("quantizer").codebook.assign(codebook)
    model.set_weights([*encoder, codebook, *decoder])
    same_outputs(model, builder, x)
    # The builder moves entries by running means, for which it needs no term of the loss.
    whole = loss_of(model, x)
    moving = float(quantizer.losses[0])
    assert whole - moving == pytest.approx(loss_of(builder, x), rel=1e-4)
    assert moving > 0.01 * whole


def test_the_gradient_passes_straight_through(plain):
    layer = plain.Quantizer(entries=8, channels=3)
    x = keras.Variable(np.random.default_rng(0).normal(size=(2, 4, 4, 3)))
    weights = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    if keras.backend.backend() == "jax":
        import jax

        gradient = jax.grad(lambda value: ops.sum(weights * layer(value)))(x.value)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            total = ops.sum(weights * layer(x.value))
        gradient = tape.gradient(total, x.value)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), weights, rtol=1e-6)


def test_rate_distortion(plain):
    builder = lively(kerasae.build("rate_distortion", hidden=(32, 48)))
    model = plain.RateDistortion()
    x = images(64, 64, 3)
    model(x)
    model.encoder.set_weights(builder.get_layer("encoder").get_weights())
    model.decoder.set_weights(builder.get_layer("decoder").get_weights())
    same_outputs(model, builder, x)
    # A cumulative without hidden layers is the logistic curve.
    logistic = EntropyBottleneck(filters=())
    code = builder.get_layer("encoder")(x)
    logistic(code)
    slope, shift = (np.random.default_rng(2).normal(size=32).astype("float32") for _ in range(2))
    logistic.set_weights([slope[:, None, None], shift[:, None, None]])
    model.slope.assign(slope)
    model.shift.assign(shift)
    rounded = logistic(code)
    rate = float(ops.mean(logistic.bits(rounded)))
    distortion = Distortion(0.01)
    distortion(x, builder.get_layer("decoder")(rounded))
    model(x)
    assert float(sum(model.losses)) == pytest.approx(rate + float(distortion.added), rel=1e-3)
    assert rate > 10


def test_masked(plain):
    builder, model = lively(kerasae.build("masked")), plain.Masked()
    x = images(28, 28, 1)
    model(x)
    model.encoder.set_weights(builder.get_layer("encoder").get_weights())
    model.decoder.set_weights(builder.get_layer("decoder").get_weights())
    holed = x.copy()
    holed[:, 4:18, 9:23] = -1
    same_outputs(model, builder, holed)
    loss = loss_of(model, holed, x)
    assert loss == pytest.approx(loss_of(builder, holed, x), rel=1e-4)
    assert loss > 1.5 * loss_of(model, x)  # pixels in the hole count six times
    model(x, training=True)
    holes = ops.convert_to_numpy(model.hole)
    assert holes.sum((1, 2)).tolist() == [14 * 14] * 6
    assert len({hole.tobytes() for hole in holes}) > 1


def test_segmentation(plain):
    builder = kerasae.build(
        "segmentation", hidden=(16, 32), code_size=64, convolutions=1, normalization=None
    )
    builder, model = lively(builder), plain.segmentation()
    model.set_weights(builder.get_weights())
    x = images(64, 96, 3)
    same_outputs(model, builder, x)
    labels = np.random.default_rng(0).integers(0, 8, (6, 64, 96))
    assert loss_of(model, x, labels) == pytest.approx(loss_of(builder, x, labels), rel=1e-4)


def test_tabular(plain):
    columns = [
        {"name": "speed", "mean": 0.0, "deviation": 1.0},
        {"name": "heat", "mean": 5.0, "deviation": 2.0},
        {"name": "state", "categories": ("on", "off", "idle")},
    ]
    builder = kerasae.build("tabular", columns=columns, code_size=4, hidden=(24,))
    model = plain.tabular()
    lively(model)
    for part, weights in (
        ("encoder", model.get_weights()[:4]),
        ("decoder", model.get_weights()[4:]),
    ):
        builder.get_layer(part).set_weights(weights)
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(size=9), rng.normal(5, 2, 9), rng.integers(0, 3, 9)], axis=1)
    rows = rows.astype(np.float32)
    assert loss_of(model, rows) == pytest.approx(loss_of(builder, rows), rel=1e-4)
    numbers = model.predict(rows, verbose=0)[:, :2] * [1, 2] + [0, 5]
    np.testing.assert_allclose(
        builder.predict(rows, verbose=0)[:, :2], numbers, rtol=1e-3, atol=1e-4
    )


def test_recurrent(plain):
    builder = lively(kerasae.build("recurrent", loss="categorical_crossentropy"))
    model = plain.recurrent()
    model.set_weights(builder.get_weights())
    melodies = kerasae.load_sequences("melodies", limit=20).train[:6]
    same_outputs(model, builder, melodies)
    assert loss_of(model, melodies) == pytest.approx(loss_of(builder, melodies), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in SNIPPETS if n not in ("Quantizer", "transformer")])
def test_each_learns(plain, name):
    """Runnable as it stands: a few steps of `fit` lower the error."""
    keras.utils.set_random_seed(0)
    model = getattr(plain, name)()
    shape = {
        "vector_quantized": (32, 32, 3),
        "MaskedTransformer": (32, 32, 3),
        "RateDistortion": (64, 64, 3),
    }.get(name, (28, 28, 1))
    x = y = 0.8 * np.ones((24, *shape), np.float32) * np.linspace(0, 1, shape[1])[:, None]
    if name == "segmentation":
        x, y = np.repeat(images(64, 96, 3), 2, 0), np.zeros((12, 64, 96), np.int64)
    elif name == "tabular":
        numbers = np.random.default_rng(0).normal(size=(48, 2))
        x = y = np.column_stack([numbers, numbers[:, 0] > 0]).astype(np.float32)
    elif name == "recurrent":
        x = y = kerasae.load_sequences("melodies", limit=60).train
    elif name == "Conditional":
        x = (x, np.eye(10, dtype=np.float32)[np.arange(24) % 10])
    # Of a VQ-VAE the distance to the entries grows first: its picture is what must get better.
    metrics = {"metrics": ["mse"]} if name == "vector_quantized" else {}
    if metrics:
        model.compile("adam", loss="mse", **metrics)
    history = model.fit(x, y, epochs=6, batch_size=6, verbose=0).history
    errors = history["mse" if metrics else "loss"]
    assert errors[-1] < errors[0]
