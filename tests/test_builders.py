"""The contract of every architecture; a new entry of BUILDERS is tested without a new line."""

from __future__ import annotations

import hashlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest
from architectures import (
    BY_ARCHITECTURE,
    CASES,
    FIRST,
    FIRST_BY_WEEK,
    SAMPLED,
    Trained,
    assert_learned,
    at_inference,
    check_files,
    check_one_file,
    draws,
    each,
    examples,
    for_export,
    learn,
    loss_of,
    make,
    shape_of,
    values,
)
from conftest import Made
from keras import ops

import kerasae
from kerasae.builders import BUILDERS, build
from kerasae.data import Examples, Images, Volumes
from kerasae.training import TrainConfig, train
from kerasae.training.compilation import all_layers
from kerasae.training.validation import drawing_in_validation
from kerasae_export import ConversionError

WEIGHED = [case for case in BY_ARCHITECTURE if case.values[0] not in ("segmentation", "recurrent")]


DRAWN = [
    case
    if case.values[0] in ("convolutional", "variational", "vector_quantized")
    else pytest.param(*case.values, id=case.id, marks=[*case.marks, pytest.mark.slow])
    for case in BY_ARCHITECTURE
]


@pytest.fixture
def trained(made: Made) -> Callable[..., Trained]:
    """One training of a case for all tests that want one."""

    def of(name: str, variant: dict, *, compiled: bool = False) -> Trained:
        digest = hashlib.sha256(repr((name, variant, compiled)).encode()).hexdigest()[:12]
        folder = made(f"{name}-{digest}", lambda path: learn(path, name, variant, compiled))
        story = json.loads((folder / "story.json").read_text())
        return Trained(folder / "m.keras", **story, outputs=np.load(folder / "outputs.npy"))

    return of


# The two differ in the digits that they keep; what one does by default, the other does once a week.
@pytest.fixture(params=["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.weekly)])
def half(request) -> Iterator[str]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.fixture
def double() -> Iterator[None]:
    if keras.backend.backend() == "jax":
        pytest.skip("JAX computes in float64 only where it is configured to")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_shapes_and_names(name, variant):
    model = make(name, variant)
    shape = shape_of(variant)
    assert model.name == name
    assert model.compiled
    result = shape
    if BUILDERS[name].kind == "segmentation":
        result = (*shape[:-1], variant["classes"])
    (image, *labels), (code, *told) = (
        getattr(kerasae, part)(model).inputs for part in ("encoder", "decoder")
    )
    assert model.inputs[0].shape == image.shape == (None, *shape)
    assert [entry.shape for entry in model.inputs[1:]] == [entry.shape for entry in labels]
    if BUILDERS[name].kind == "conditional":
        assert [entry.name for entry in labels] == [entry.name for entry in told] == ["label"]
    else:
        assert not labels
    assert model.output_shape == kerasae.decoder(model).output_shape == (None, *result)
    if not labels:
        assert kerasae.encoder(model).output_shape == kerasae.decoder(model).input_shape
    else:
        assert kerasae.encoder(model).output_shape == code.shape
    layers = [layer for part in ("encoder", "decoder") for layer in model.get_layer(part).layers]
    default = {"dense", "reshape"} | {
        f"{kind}{n}d{rest}"
        for n in (1, 2, 3)
        for kind, rest in (("conv", ""), ("conv", "_transpose"), ("cropping", ""))
    }
    assert not [layer.name for layer in layers if layer.name.rstrip("_0123456789") in default]


def of_numpy(value: object) -> object:
    """A hyperparameter as a sweep over arrays gives it."""
    if isinstance(value, (list, tuple)):
        return [of_numpy(item) for item in value]
    return np.asarray(value)[()] if isinstance(value, (bool, int, float)) else value


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_hyperparameters_of_numpy_are_saved_as_those_of_python(name, variant):
    model = build(name, **{key: of_numpy(value) for key, value in variant.items()})
    assert json.loads(model.to_json())["class_name"] == type(model).__name__
    assert json.dumps([layer.get_config() for layer in model.layers[1:]])


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_the_model_is_its_decoder_after_its_encoder(name, variant):
    model = make(name, variant)
    inputs, _ = examples(name, variant, 8)
    code = at_inference(kerasae.encoder(model), inputs)
    (expected,) = at_inference(model, inputs)
    told = inputs[1:] if isinstance(inputs, tuple) else ()
    for output in (
        at_inference(kerasae.decoder(model), *code, *told)[0],
        at_inference(kerasae.inference_model(model), inputs)[0],
    ):
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "variant"), SAMPLED)
def test_training_lowers_the_loss_by_fit_alone(name, variant, trained):
    assert_learned(trained(name, variant))


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the other backends always compile"
)
@pytest.mark.parametrize(("name", "variant"), FIRST)
def test_training_lowers_the_loss_when_compiled_by_xla(name, variant, trained):
    assert_learned(trained(name, variant, compiled=True))


@pytest.mark.parametrize(("name", "variant"), BY_ARCHITECTURE)
def test_a_seed_decides_weights_and_training(name, variant, eager):
    x, y = examples(name, variant, 4)
    one, same, other = (make(name, variant, seed=seed) for seed in (1, 1, 2))
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
    for model in (one, same):
        keras.utils.set_random_seed(3)
        model.fit(x, y, batch_size=4, verbose=0)
    assert fingerprint(one) == fingerprint(same)


def fingerprint(model: keras.Model) -> list[bytes]:
    return [value.tobytes() for value in values(model)]


@pytest.mark.parametrize(("name", "variant"), SAMPLED)
def test_reload_in_safe_mode_is_equal_and_trains_on(name, variant, trained, eager):
    before = trained(name, variant)
    inputs, targets = examples(name, variant)
    again = keras.saving.load_model(before.model, safe_mode=True)
    # XLA, as CI has it optimise least, rounds a recurrent loop otherwise in another process.
    tolerance = 0 if keras.backend.backend() == "tensorflow" else 1e-6
    outputs = at_inference(again, inputs)[0]
    np.testing.assert_allclose(outputs, before.outputs, rtol=0, atol=tolerance)
    steps = int(again.optimizer.iterations.value)
    again.fit(inputs, targets, batch_size=64, verbose=0)
    assert int(again.optimizer.iterations.value) == steps + 2
    assert not np.array_equal(at_inference(again, inputs)[0], before.outputs)


LOAD_ALONE = """
import sys, numpy as np, keras
for folder in sys.argv[1:]:
    for part in ("encoder", "decoder"):
        model = keras.saving.load_model(f"{folder}/{part}.keras", safe_mode=True)
        inputs = list(np.load(f"{folder}/{part}_in.npz").values())
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        np.savez(f"{folder}/{part}.npz", *map(keras.ops.convert_to_numpy, outputs))
assert not [name for name in sys.modules if name.startswith("kerasae")]
"""


@pytest.mark.slow
def test_encoders_and_decoders_reload_without_kerasae(tmp_path):
    """One process for all of them: importing a backend takes seconds."""
    expected = {}
    for i, case in enumerate(CASES):
        name, variant = case.values
        model, folder = make(name, variant), tmp_path / str(i)
        folder.mkdir()
        values = keras.tree.flatten(examples(name, variant, 4)[0])
        told = values[1:]
        for part in ("encoder", "decoder"):
            net = getattr(kerasae, part)(model)
            net.save(folder / f"{part}.keras")
            np.savez(folder / f"{part}_in.npz", *values)
            expected[folder / f"{part}.npz"] = at_inference(net, *values)
            values = [*expected[folder / f"{part}.npz"], *told]
    folders = [str(tmp_path / str(i)) for i in range(len(CASES))]
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALONE, *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for path, values in expected.items():
        for got, value in zip(np.load(path).values(), values, strict=True):
            np.testing.assert_allclose(got, value, rtol=1e-5, atol=1e-6)


# Two inputs are more than a `LiteModel` has: tests/test_conditional.py converts those.
ONE_INPUT = [case for case in BY_ARCHITECTURE if case.values[0] != "conditional"]


@pytest.mark.parametrize(("name", "variant"), ONE_INPUT)
def test_tflite_has_built_in_ops_only_and_computes_what_keras_does(
    name, variant, trained, converter, tmp_path
):
    model = keras.saving.load_model(trained(name, variant).model)
    model, inputs, schemes = for_export(name, variant, model)
    check = check_one_file
    if len(kerasae.decoder(model).inputs) > 1:  # skips are no code
        check = check_files
    if "int8" in schemes:
        check(model, inputs, "int8", converter, tmp_path)
        return
    check(model, inputs, "float32", converter, tmp_path)
    with pytest.raises(ConversionError, match=r"'int8' does not fit model .*'\w+'"):
        check(model, np.nan_to_num(inputs), "int8", converter, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the same process converts on every backend"
)
@pytest.mark.parametrize(
    ("name", "variant"), [case for case in FIRST_BY_WEEK if case.values[0] != "conditional"]
)
def test_every_scheme_fits_as_two_files_and_as_one(name, variant, trained, converter, tmp_path):
    """One file in int8 is tested above, with every variant."""
    model = keras.saving.load_model(trained(name, variant).model)
    model, inputs, schemes = for_export(name, variant, model)
    several = len(kerasae.decoder(model).inputs) > 1
    for scheme in schemes:
        if not (several and scheme == "int8"):
            check_files(model, inputs, scheme, converter, tmp_path)
        if not (several or scheme == "int8"):
            check_one_file(model, inputs, scheme, converter, tmp_path)


def never_right(name: str, default: object) -> list[object]:
    """Values that no builder takes for a hyperparameter of this name, or of this default."""
    nan, other = float("nan"), object()
    if name == "input_shape":
        return [None, 8, "8x8", (), (0, 8, 1), (8, 2.5, 1), (8, -8, 1), (2, 2, 2, 2, 2), (None,)]
    if name == "hidden":
        return [None, 8, "64", (0,), (-1,), (8.5,), (True,), other]
    if name in ("code_size", "classes", "kernel_size", "k", "codebook_size", "convolutions"):
        return [0, -1, True, 1.5, "8", nan, [3], other]
    if name == "backbone":
        return [3, "mobilenet", [1.0], other]
    if name == "residual":
        return [-1, 1.5, "2", nan, other]
    if name in ("levels", "class_weights"):
        return [8, "even", (nan,), (0,), other]
    if name == "ignored_class":
        return [-1, 1.5, "road", other]
    if isinstance(default, bool):
        return ["yes", 2, None, other]
    if isinstance(default, str) or name in ("activation", "likelihood", "normalization"):
        return ["nonsense", 3, ("mse",), other]
    return [nan, -1.0, "much", [1.0], other]


WRONG = [
    pytest.param(name, hyperparameter, id=f"{name}-{hyperparameter}")
    for name, builder in BUILDERS.items()
    for hyperparameter in builder.hyperparameters
]


@pytest.mark.parametrize(("name", "hyperparameter"), WRONG)
def test_wrong_hyperparameters_are_refused_whether_used_or_not(name, hyperparameter):
    builder = BUILDERS[name]
    for value in never_right(hyperparameter, builder.hyperparameters[hyperparameter]):
        with pytest.raises((ValueError, TypeError)) as refused:
            build(name, **{**builder.variants[0], hyperparameter: value})
        message = str(refused.value)
        assert f"`{hyperparameter}`" in message, value
        assert "Received: " in message, value
        assert len(message) < 400, value


@pytest.mark.parametrize(("name", "builder"), BUILDERS.items())
def test_every_builder_is_documented_typed_and_public(name, builder):
    function = builder.function
    assert getattr(kerasae, f"build_{name}") is function
    assert "input_shape" in builder.hyperparameters or builder.passes_on
    for word in ("Args:", "Returns:", "Raises:", "Example:"):
        assert word in function.__doc__
    for hyperparameter in builder.hyperparameters:
        assert f"    {hyperparameter}: " in function.__doc__
        assert hyperparameter in function.__annotations__
    assert builder.kind in ("image", "sequence", "masked", "segmentation", "table", "conditional")
    assert json.dumps([dict(v) for v in builder.variants])


@pytest.mark.parametrize("builder", BUILDERS.values(), ids=list(BUILDERS))
def test_the_listed_hyperparameters_are_those_of_the_function(builder):
    parameters = inspect.signature(builder.function).parameters.values()
    named = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert dict(builder.hyperparameters) == named
    rest = [p.name for p in parameters if p.kind is p.VAR_KEYWORD]
    assert builder.passes_on == (rest[0] if rest else None)


@pytest.mark.parametrize(("name", "variant"), BY_ARCHITECTURE)
def test_validation_draws_the_same_each_time_and_leaves_training_alone(name, variant, eager):
    model = make(name, variant)
    x, y = examples(name, variant, 8)
    before = values(model)

    def loss(callbacks: list[keras.callbacks.Callback]) -> float:
        logs = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True, callbacks=callbacks)
        return logs["loss"]

    plain = loss([])
    with drawing_in_validation(model, 3) as drawing, drawing_in_validation(model, 4) as others:
        drawn = loss([drawing])
        assert loss([drawing]) == drawn
        assert (drawn != plain) == (loss([others]) != drawn) == draws(model)
    assert loss([]) == plain
    for old, new in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(("name", "variant"), BY_ARCHITECTURE)
def test_a_weight_counts_an_image_as_often_as_it_says(name, variant):
    model = make(name, variant)
    x, y = examples(name, variant, 6)
    weights = np.array([0, 1, 2, 3, 0, 1], np.float32)
    often = weights.astype(int)
    weighted = loss_of(model, x, y, weights)
    repeated = loss_of(
        model,
        each(lambda part: np.repeat(part, often, axis=0), x),
        np.repeat(y, often, axis=0),
        None,
    )
    # Keras divides by the number of images, not by the sum of their weights.
    assert weighted == pytest.approx(repeated * weights.sum() / len(weights), rel=2e-3)
    assert loss_of(model, x, y, np.ones(6, np.float32)) == pytest.approx(
        loss_of(model, x, y, None), rel=1e-5
    )
    assert loss_of(model, x, y, np.zeros(6, np.float32)) == 0


@pytest.mark.parametrize(("name", "variant"), WEIGHED)
def test_images_without_weight_teach_nothing(name, variant, eager):
    model = make(name, variant)
    x, y = examples(name, variant, 16)
    before = [np.array(ops.convert_to_numpy(v)) for v in model.trainable_variables]
    nothing = np.zeros(16, np.float32)
    history = model.fit(
        x, y, sample_weight=nothing, validation_data=(x, y, nothing), batch_size=8, verbose=0
    ).history
    assert history["loss"] == history["val_loss"] == [0.0]
    for old, new in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


@pytest.mark.parametrize(("name", "variant"), BY_ARCHITECTURE)
def test_half_precision_has_the_loss_of_full_precision(name, variant, half):
    x, y = examples(name, variant, 16)
    model = make(name, variant)
    assert {np.dtype(ops.convert_to_numpy(v).dtype) for v in model.trainable_variables} == {
        np.dtype(np.float32)
    }
    assert any(layer.compute_dtype == half[6:] for layer in all_layers(model))
    outputs = model(x, training=False)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    loss = loss_of(model, x, y, None)
    keras.config.set_dtype_policy("float32")
    reference = make(name, variant)
    reference.set_weights(model.get_weights())
    exact = loss_of(reference, x, y, None)
    assert loss == pytest.approx(exact, rel=2e-2 if half == "mixed_bfloat16" else 2e-3)


@pytest.mark.filterwarnings("ignore::kerasae.training.CollapseWarning")  # of a few steps
@pytest.mark.parametrize(("name", "variant"), DRAWN)
def test_half_precision_trains_as_full_precision(name, variant, half, eager):
    """By `train`, with the loss scaled for float16 by a factor that lets no step go by."""
    x, y = examples(name, variant, 48)
    labels = y if BUILDERS[name].kind == "segmentation" else np.zeros(48, int)
    if BUILDERS[name].kind == "conditional":
        x, labels = x
    if BUILDERS[name].kind == "table":
        data = kerasae.Table(x[:32], x[32:], x[32:], variant["columns"])
    else:
        kind = {2: Examples, 3: kerasae.Sequences, 4: Images}.get(x.ndim, Volumes)
        given = (labels[:32], labels[32:], labels[32:])
        data = kind(x[:32], x[32:], x[32:], *given)
    config = TrainConfig(epochs=2, batch_size=16, jit_compile=False, steps_per_execution=1)
    losses = []
    for policy in (half, "float32"):
        keras.config.set_dtype_policy(policy)
        model = make(name, variant)
        if policy == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(
                keras.optimizers.Adam(), initial_scale=1.0
            )
            model.compile(optimizer, loss=model.loss)
        losses.append(train(model, data, config, progress=False).history)
    for key in ("loss", "val_loss"):
        tolerance = 5e-2 if half == "mixed_bfloat16" else 1e-2
        np.testing.assert_allclose(losses[0][key], losses[1][key], rtol=tolerance)


@pytest.mark.parametrize(("name", "variant"), BY_ARCHITECTURE)
def test_double_precision_trains(name, variant, double, eager):
    x, y = examples(name, variant, 8)
    model = make(name, variant)
    x = each(lambda part: part.astype(np.float64), x)
    history = model.fit(x, y, batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    outputs = model(x, training=False)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float64"
