"""The contract of every architecture; a new entry of BUILDERS is tested without a new line."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import kerasae
from kerasae.builders import BUILDERS, build
from kerasae_export.runtime import LiteModel

CASES = [
    pytest.param(name, variant, id=f"{name}-{i}")
    for name, builder in BUILDERS.items()
    for i, variant in enumerate(builder.variants)
]


# What takes seconds is done with one variant of each builder by default, with all by -m "".
SAMPLED = [
    pytest.param(name, variant, id=f"{name}-{i}", marks=[pytest.mark.slow] if i else [])
    for name, builder in BUILDERS.items()
    for i, variant in enumerate(builder.variants)
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


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_shapes_and_names(name, variant):
    model = make(name, variant)
    shape = variant["input_shape"]
    assert model.name == name
    assert model.compiled
    assert model.input_shape == model.output_shape == (None, *shape)
    assert kerasae.encoder(model).input_shape == (None, *shape)
    assert kerasae.decoder(model).output_shape == (None, *shape)
    assert kerasae.encoder(model).output_shape == kerasae.decoder(model).input_shape
    layers = [layer for part in ("encoder", "decoder") for layer in model.get_layer(part).layers]
    default = {"dense", "conv2d", "conv2d_transpose", "reshape", "cropping2d"}
    assert not [layer.name for layer in layers if layer.name.rstrip("_0123456789") in default]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_the_model_is_its_decoder_after_its_encoder(name, variant):
    model = make(name, variant)
    images = blobs(variant["input_shape"], 8)
    code = kerasae.encoder(model)(images)
    code = code[0] if isinstance(code, (list, tuple)) else code
    np.testing.assert_allclose(
        model(images, training=False), kerasae.decoder(model)(code), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(("name", "variant"), SAMPLED)
def test_training_lowers_the_loss_by_fit_alone(name, variant):
    first = variant is BUILDERS[name].variants[0]
    model = make(name, {**variant, "learning_rate": 5e-3}, compiled=first)
    model.steps_per_execution = 2
    images = blobs(variant["input_shape"])
    before = measure(model, images)
    epochs = []
    history = model.fit(
        images,
        images,
        validation_data=(images[:16], images[:16]),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda n, _: epochs.append(n))],
        epochs=30,
        verbose=0,
    )
    assert epochs == list(range(30))
    assert len(history.history["val_loss"]) == 30
    after = measure(model, images)
    assert after["loss"] < before["loss"]
    assert after["squared error"] < 0.5 * before["squared error"]


def measure(model: keras.Model, images: np.ndarray) -> dict[str, float]:
    error = np.square(model.predict(images, verbose=0) - images).mean()
    return {
        "loss": model.evaluate(images, images, verbose=0, return_dict=True)["loss"],
        "squared error": float(error),
    }


@pytest.mark.parametrize(("name", "variant"), SAMPLED)
def test_reload_in_safe_mode_is_equal_and_trains_on(name, variant, tmp_path):
    model = make(name, variant)
    images = blobs(variant["input_shape"], 32)
    model.fit(images, images, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_array_equal(
        model.predict(images, verbose=0), again.predict(images, verbose=0)
    )
    again.fit(images, images, verbose=0)


LOAD_ALONE = """
import sys, numpy as np, keras
folder, parts = sys.argv[1], ("encoder", "decoder")
for part in parts:
    model = keras.saving.load_model(f"{folder}/{part}.keras", safe_mode=True)
    np.save(f"{folder}/{part}.npy", model(np.load(f"{folder}/{part}_in.npy"), training=False))
assert not [name for name in sys.modules if name.startswith("kerasae")]
"""


def test_encoders_and_decoders_reload_without_kerasae(tmp_path):
    """One process for all of them: importing a backend takes seconds."""
    script = "import sys\n" + LOAD_ALONE.replace("folder, parts =", "folders, parts =").replace(
        "for part in parts:", "for folder, part in [(f, p) for f in folders for p in parts]:"
    ).replace("sys.argv[1]", "sys.argv[1:]")
    expected = {}
    for i, case in enumerate(CASES):
        name, variant = case.values
        model, folder = make(name, variant), tmp_path / str(i)
        folder.mkdir()
        images = blobs(variant["input_shape"], 4)
        encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
        code = keras.ops.convert_to_numpy(encoder(images, training=False))
        for part, net, value in (("encoder", encoder, images), ("decoder", decoder, code)):
            net.save(folder / f"{part}.keras")
            np.save(folder / f"{part}_in.npy", value)
            expected[folder / f"{part}.npy"] = keras.ops.convert_to_numpy(net(value))
    folders = [str(tmp_path / str(i)) for i in range(len(CASES))]
    done = subprocess.run(
        [sys.executable, "-c", script, *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for path, value in expected.items():
        np.testing.assert_allclose(np.load(path), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scheme", ["float32", "int8"])
@pytest.mark.parametrize(("name", "variant"), SAMPLED)
def test_tflite_has_built_in_ops_only_and_computes_what_keras_does(
    name, variant, scheme, converter, tmp_path
):
    model = make(name, {**variant, "learning_rate": 5e-3})
    images = blobs(variant["input_shape"])
    model.fit(images, images, epochs=10, verbose=0)
    encoder = kerasae.encoder(model)
    code = keras.ops.convert_to_numpy(encoder(images, training=False))
    for part, net, value in (
        ("encoder", encoder, images),
        ("decoder", kerasae.decoder(model), code),
    ):
        path = converter.convert(
            net, tmp_path / f"{part}.tflite", scheme=scheme, calibration=value[:100]
        )
        content = path.read_bytes()
        codes = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content)).operatorCodes
        assert all(c.builtinCode != schema.BuiltinOperator.CUSTOM for c in codes)
        lite = LiteModel(content)
        assert lite.input.shape == (1, *net.input_shape[1:])
        assert {lite.input.dtype, lite.output.dtype} == {"uint8" if scheme == "int8" else "float32"}
        expected = keras.ops.convert_to_numpy(net(value[100:], training=False))
        span = expected.max() - expected.min()
        difference = np.abs(lite.run(value[100:]) - expected)
        if scheme == "float32":
            assert difference.max() < 1e-5 * max(span, 1)
        else:
            assert difference.mean() < 0.02 * span


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
