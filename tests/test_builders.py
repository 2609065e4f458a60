"""The contract of every architecture; a new entry of BUILDERS is tested without a new line."""

from __future__ import annotations

import hashlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import Made

import kerasae
from kerasae.builders import BUILDERS, build
from kerasae_export.conversion.convert import Converter
from kerasae_export.format.manifest import SCHEMES
from kerasae_export.runtime.litemodel import LiteModel

CASES = [
    pytest.param(name, variant, id=f"{name}-{i}")
    for name, builder in BUILDERS.items()
    for i, variant in enumerate(builder.variants)
]


# What takes seconds is done with one variant of each builder by default, and of those that are
# dense layers and something besides with none; with all by -m "".
ALIKE = ("overcomplete", "sparse", "contractive", "denoising")
FIRST = [case for case in CASES if case.id.endswith("-0")]
SAMPLED = [
    case
    if case in FIRST and case.values[0] not in ALIKE
    else pytest.param(*case.values, id=case.id, marks=pytest.mark.slow)
    for case in CASES
]


def make(name: str, variant: dict, *, compiled: bool = False) -> keras.Model:
    """The model; `fit` runs op by op unless `compiled`, since XLA takes longer than these runs."""
    keras.utils.set_random_seed(0)
    model = build(name, **variant)
    if keras.backend.backend() == "tensorflow" and not compiled:
        model.jit_compile = False
    return model


def blobs(shape: tuple[int, int, int], count: int = 128) -> np.ndarray:
    """Images that a tiny autoencoder can learn: one soft blob each."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    cy, cx = rng.uniform(0, shape[0], count), rng.uniform(0, shape[1], count)
    distance = (y - cy[:, None, None]) ** 2 + (x - cx[:, None, None]) ** 2
    blob = np.exp(-distance / (0.1 * shape[0] * shape[1]))
    return np.repeat(blob[..., None], shape[2], axis=-1).astype(np.float32)


def waves(shape: tuple[int, int], count: int = 128) -> np.ndarray:
    """Sequences of which each is a sine of its own phase, in [0, 1]."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (count, 1, 1))
    time = np.arange(shape[0])[:, None] + np.arange(shape[1])
    return (0.5 + 0.5 * np.sin(2 * np.pi * time / shape[0] + phase)).astype(np.float32)


def examples(name: str, variant: dict, count: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """What `fit` takes for the kind of a builder: inputs and targets."""
    shape, kind = variant["input_shape"], BUILDERS[name].kind
    if kind == "sequence":
        return (waves(shape, count),) * 2
    images = blobs(shape, count)
    if kind == "segmentation":
        return images, (images[..., 0] * variant["classes"] * 0.999).astype(np.uint8)
    return images, images


def error(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean squared error, or the share of pixels in a wrong class."""
    if targets.dtype == np.uint8:
        return float((outputs.argmax(-1) != targets).mean())
    return float(np.square(outputs - targets).mean())


def at_inference(net: keras.Model, *inputs: np.ndarray) -> list[np.ndarray]:
    """All outputs."""
    outputs = net(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [keras.ops.convert_to_numpy(output) for output in outputs]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_shapes_and_names(name, variant):
    model = make(name, variant)
    shape = variant["input_shape"]
    assert model.name == name
    assert model.compiled
    result = shape
    if BUILDERS[name].kind == "segmentation":
        result = (*shape[:-1], variant["classes"])
    assert model.input_shape == kerasae.encoder(model).input_shape == (None, *shape)
    assert model.output_shape == kerasae.decoder(model).output_shape == (None, *result)
    assert kerasae.encoder(model).output_shape == kerasae.decoder(model).input_shape
    layers = [layer for part in ("encoder", "decoder") for layer in model.get_layer(part).layers]
    default = {"dense", "conv2d", "conv2d_transpose", "reshape", "cropping2d"}
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
    for output in (
        at_inference(kerasae.decoder(model), *code)[0],
        at_inference(kerasae.inference_model(model), inputs)[0],
    ):
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


@dataclass
class Trained:
    """What `fit` made of a case: the saved model, and the numbers of its way."""

    model: Path
    epochs: list[int]
    history: dict[str, list[float]]
    error: tuple[float, float]  # before and after
    outputs: np.ndarray


@pytest.fixture
def trained(made: Made) -> Callable[..., Trained]:
    """One training of a case for all tests that want one."""

    def of(name: str, variant: dict, *, compiled: bool = False) -> Trained:
        digest = hashlib.sha256(repr((name, variant, compiled)).encode()).hexdigest()[:12]
        folder = made(f"{name}-{digest}", lambda path: learn(path, name, variant, compiled))
        story = json.loads((folder / "story.json").read_text())
        return Trained(folder / "m.keras", **story, outputs=np.load(folder / "outputs.npy"))

    return of


def learn(folder: Path, name: str, variant: dict, compiled: bool) -> None:
    model = make(name, {**variant, "learning_rate": 5e-3}, compiled=compiled)
    model.steps_per_execution = 2 if compiled else 1
    inputs, targets = examples(name, variant)
    before = error(at_inference(model, inputs)[0], targets)
    epochs = []
    history = model.fit(
        np.concatenate([inputs] * 10),  # to start an epoch takes longer than all of its steps
        np.concatenate([targets] * 10),
        validation_data=(inputs[:64], targets[:64]),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda n, _: epochs.append(n))],
        epochs=3,
        verbose=0,
    ).history
    (outputs,) = at_inference(model, inputs)
    errors = (before, error(outputs, targets))
    folder.mkdir()
    model.save(folder / "m.keras")
    np.save(folder / "outputs.npy", outputs)
    story = {"epochs": epochs, "history": history, "error": errors}
    (folder / "story.json").write_text(json.dumps(story, default=float))


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


def assert_learned(of: Trained) -> None:
    assert of.epochs == [0, 1, 2]
    assert len(of.history["val_loss"]) == 3
    assert of.history["loss"][-1] < of.history["loss"][0]
    assert of.error[1] < 0.5 * of.error[0]


@pytest.mark.parametrize(("name", "variant"), SAMPLED)
def test_reload_in_safe_mode_is_equal_and_trains_on(name, variant, trained, eager):
    before = trained(name, variant)
    inputs, targets = examples(name, variant)
    again = keras.saving.load_model(before.model, safe_mode=True)
    np.testing.assert_array_equal(at_inference(again, inputs)[0], before.outputs)
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
        values = [examples(name, variant, 4)[0]]
        for part in ("encoder", "decoder"):
            net = getattr(kerasae, part)(model)
            net.save(folder / f"{part}.keras")
            np.savez(folder / f"{part}_in.npz", *values)
            values = expected[folder / f"{part}.npz"] = at_inference(net, *values)
    folders = [str(tmp_path / str(i)) for i in range(len(CASES))]
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALONE, *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for path, values in expected.items():
        for got, value in zip(np.load(path).values(), values, strict=True):
            np.testing.assert_allclose(got, value, rtol=1e-5, atol=1e-6)


# Mean difference from Keras, of the range: float16 holds 11 bits; what 8 do depends on the model.
# The largest one says something in float32 only: the others may flip a mask or a top-k.
DIFFERENCE = {"float32": 1e-6, "float16": 2e-3, "dynamic": 0.02, "int8": 0.02}
INDICES = {"float32": 0.01, "float16": 0.05, "dynamic": 0.2, "int8": 0.3}  # that may differ


@pytest.mark.parametrize(("name", "variant"), SAMPLED)
def test_tflite_has_built_in_ops_only_and_computes_what_keras_does(
    name, variant, trained, converter, tmp_path
):
    model = keras.saving.load_model(trained(name, variant).model)
    inputs, _ = examples(name, variant)
    if len(kerasae.decoder(model).inputs) > 1:  # skips are no code
        check_files(model, inputs, "int8", converter, tmp_path)
    else:
        check_one_file(model, inputs, "int8", converter, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the same process converts on every backend"
)
@pytest.mark.parametrize(("name", "variant"), FIRST)
def test_every_scheme_fits_as_two_files_and_as_one(name, variant, trained, converter, tmp_path):
    """One file in int8 is tested above, with every variant."""
    model = keras.saving.load_model(trained(name, variant).model)
    inputs, _ = examples(name, variant)
    several = len(kerasae.decoder(model).inputs) > 1
    for scheme in SCHEMES:
        if not (several and scheme == "int8"):
            check_files(model, inputs, scheme, converter, tmp_path)
        if not (several or scheme == "int8"):
            check_one_file(model, inputs, scheme, converter, tmp_path)


def check_one_file(
    model: keras.Model, inputs: np.ndarray, scheme: str, converter: Converter, folder: Path
) -> None:
    """Encoder and decoder as two signatures."""
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    path = converter.convert_both(
        encoder, decoder, folder / "both.tflite", scheme=scheme, calibration=inputs[:100]
    )
    assert_built_in(path.read_bytes(), scheme)
    encode = LiteModel(path.read_bytes(), signature="encode")
    decode = encode.sibling("decode")
    assert encode.input.shape == (1, *encoder.input_shape[1:])
    code = at_inference(encoder, inputs[100:])[0]
    assert_like(encode, encode.run(inputs[100:]), code, scheme)
    assert_like(decode, decode.run(code), at_inference(decoder, code)[0], scheme)


def check_files(
    model: keras.Model, inputs: np.ndarray, scheme: str, converter: Converter, folder: Path
) -> None:
    """Encoder and decoder, or the whole model where its skips are no code, in a file each."""
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    if len(decoder.inputs) == 1:
        code = at_inference(encoder, inputs)[0]
        parts = {"encoder": (encoder, inputs), "decoder": (decoder, code)}
    else:
        parts = {"whole": (kerasae.inference_model(model), inputs)}
    for part, (net, value) in parts.items():
        path = converter.convert(
            net, folder / f"{part}.tflite", scheme=scheme, calibration=value[:100]
        )
        assert_built_in(path.read_bytes(), scheme)
        lite = LiteModel(path.read_bytes())
        assert lite.input.shape == (1, *net.input_shape[1:])
        expected = at_inference(net, value[100:])[0]
        assert_like(lite, lite.run(value[100:]), expected, scheme)


def assert_built_in(content: bytes, scheme: str) -> None:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    assert all(c.builtinCode != schema.BuiltinOperator.CUSTOM for c in model.operatorCodes)
    types = {tensor.type for graph in model.subgraphs for tensor in graph.tensors}
    assert (schema.TensorType.FLOAT32 in types) == (scheme != "int8")


def assert_like(lite: LiteModel, found: np.ndarray, expected: np.ndarray, scheme: str) -> None:
    """What TF Lite gives is what Keras gives, as far as the scheme can hold it."""
    difference = np.abs(found - expected)
    if np.issubdtype(expected.dtype, np.integer):  # indices: equal, or nothing alike
        assert lite.output.dtype == "int32"
        assert (difference > 0).mean() < INDICES[scheme]
        return
    assert lite.output.dtype == ("uint8" if scheme == "int8" else "float32")
    span = max(expected.max() - expected.min(), 1) if scheme == "float32" else np.ptp(expected)
    assert difference.mean() < DIFFERENCE[scheme] * span
    if scheme == "float32":
        assert difference.max() < 1e-5 * span


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
    assert builder.kind in ("image", "sequence", "masked", "segmentation")
    assert json.dumps([dict(v) for v in builder.variants])


@pytest.mark.parametrize("builder", BUILDERS.values(), ids=list(BUILDERS))
def test_the_listed_hyperparameters_are_those_of_the_function(builder):
    parameters = inspect.signature(builder.function).parameters.values()
    named = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert dict(builder.hyperparameters) == named
    rest = [p.name for p in parameters if p.kind is p.VAR_KEYWORD]
    assert builder.passes_on == (rest[0] if rest else None)


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(1, 1, 1), (5, 9, 3), (17, 31, 1), (64, 48, 3)]
)
@pytest.mark.parametrize("code", ["dense", "spatial"])
def test_any_size_reconstructs_at_its_size(height, width, channels, code):
    model = kerasae.build_convolutional(
        input_shape=(height, width, channels), code_size=2, hidden=(4, 4, 4), code=code
    )
    assert model.output_shape == (None, height, width, channels)
    images = np.zeros((2, height, width, channels), np.float32)
    assert model(images).shape == images.shape


def test_the_hyperparameters_shape_the_network():
    model = kerasae.build_undercomplete(
        input_shape=(8, 8, 1), code_size=5, hidden=(40, 20), activation="tanh", loss="mse"
    )
    units = [
        layer.units
        for part in ("encoder", "decoder")
        for layer in model.get_layer(part).layers
        if isinstance(layer, keras.layers.Dense)
    ]
    assert units == [40, 20, 5, 20, 40, 64]
    assert model.get_layer("encoder").get_layer("encode_1").activation is keras.activations.tanh
    assert model.get_layer("decoder").get_layer("pixels").activation is keras.activations.linear
    bce = kerasae.build_undercomplete()
    assert bce.get_layer("decoder").get_layer("pixels").activation is keras.activations.sigmoid


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("undercomplete", {"code_size": 0}, "`code_size` must be a positive integer. Received"),
        ("undercomplete", {"code_size": 784}, "`code_size` must be smaller than the 784 values"),
        ("undercomplete", {"code_size": True}, "`code_size` must be a positive integer"),
        ("undercomplete", {"hidden": (8, -1)}, "`hidden` must hold positive integers"),
        ("undercomplete", {"hidden": 8}, "`hidden` must hold positive integers"),
        ("undercomplete", {"input_shape": (28, 28)}, "`input_shape` must be \\(height"),
        ("undercomplete", {"loss": "hinge"}, "`loss` must be one of"),
        ("convolutional", {"hidden": ()}, "`hidden` must name the filters of at least one"),
        ("convolutional", {"code": "round"}, "`code` must be one of"),
        ("convolutional", {"kernel_size": 1.5}, "`kernel_size` must be a positive integer"),
    ],
)
def test_bad_hyperparameters_give_one_sentence(name, wrong, message):
    with pytest.raises(ValueError, match=message):
        build(name, **wrong)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`name` must be one of undercomplete"):
        build("transformer")
    with pytest.raises(TypeError, match="takes the hyperparameters input_shape.*Received: depth"):
        build("undercomplete", depth=3)
