"""Export: what a bundle holds, and that the code's steps are chosen as documented."""

from __future__ import annotations

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

import kerasae
from kerasae_export import Codec, export_bundle, verify_bundle
from kerasae_export.bundling.bundle import SIGNATURES, sample_image
from kerasae_export.bundling.drawing import draw_digits
from kerasae_export.bundling.golden import choose_sample
from kerasae_export.bundling.layout import find_layout
from kerasae_export.bundling.models import deployed_models, full_range
from kerasae_export.bundling.scenes import draw_landscape
from kerasae_export.bundling.step_sizes import choose_multiples, choose_steps
from kerasae_export.bundling.tables import fit_steps
from kerasae_export.conversion.split import predict
from kerasae_export.errors import BitstreamBundleError, BundleError, ConversionError
from kerasae_export.evaluation.quality import pooled_psnr
from kerasae_export.format.manifest import SCHEMES, Edge, Manifest
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.runtime.litemodel import LiteModel


def test_a_bundle_holds_what_the_format_lists(digit_bundle):
    manifest, files = read_files(digit_bundle)
    assert set(files) == {
        "README.md",
        "decoder.tflite",
        "encoder.tflite",
        "golden/image.kae",
        "golden/image.png",
        "golden/reconstruction.png",
        "golden/symbols.json",
    }
    assert manifest.encoder.input.dtype == manifest.decoder.output.dtype == "uint8"
    assert manifest.encoder.input.scale == pytest.approx(1 / 255)
    assert manifest.encoder.input.zero_point == 0
    assert manifest.facts["parameters"]["encoder"] > 0
    card = (digit_bundle / "README.md").read_text()
    for word in ("Kotlin", "Swift", "C++", "JavaScript", "Python", "fails", "8 x 8 x 1"):
        assert word in card
    assert not [p for p in digit_bundle.parent.iterdir() if p != digit_bundle]


@pytest.mark.slow
def test_the_edges_between_encoder_and_decoder_agree(digit_bundle, photo_bundle):
    """Symbols times steps fit the decoder's input to half a step."""
    for folder in (digit_bundle, photo_bundle):
        manifest, _ = read_files(folder)
        out, into = manifest.encoder.output, manifest.decoder.input
        step = manifest.codec.best.steps.max()
        for level in (0, 255):
            ends = [edge.scale * (level - edge.zero_point) for edge in (out, into)]
            assert abs(ends[0] - ends[1]) <= step
        assert (manifest.codec.best.steps >= 0.999 * out.scale).all()


@pytest.mark.slow
def test_with_the_finest_step_the_scales_agree(digit_model, digits, tmp_path):
    export_bundle(digit_model, tmp_path / "b", calibration=digits.train, step_loss=1e-9)
    manifest, _ = read_files(tmp_path / "b")
    # By chance a somewhat coarser step may cost nothing on the calibration images.
    ratio = manifest.codec.best.steps / manifest.encoder.output.scale
    assert ((ratio >= 0.999) & (ratio < 3)).all()
    assert manifest.decoder.input.scale == pytest.approx(manifest.encoder.output.scale, rel=0.02)


def test_rounding_costs_what_was_allowed(digit_model, digits):
    decoder = kerasae.decoder(digit_model)
    codes = predict(kerasae.encoder(digit_model), digits.train[:64]).astype(float)
    images = digits.train[:64]
    plain = pooled_psnr(images, np.clip(predict(decoder, codes), 0, 1))
    for loss in (0.1, 0.5, 2.0):
        (steps,) = choose_steps(decoder, codes, images, [loss], 0.0)
        rounded = np.floor(codes / steps + 0.5) * steps
        cost = plain - pooled_psnr(images, np.clip(predict(decoder, rounded), 0, 1))
        assert 0.5 * loss < cost <= 1.001 * loss


def test_steps_follow_the_gains_of_a_linear_decoder(rng):
    """For a linear decoder the gain of a channel is the squared length of its column."""
    gains = np.array([1.0, 2.0, 8.0])
    code = keras.Input((3,))
    dense = keras.layers.Dense(3, use_bias=False)
    decoder = keras.Model(code, keras.layers.Reshape((1, 3, 1))(dense(code)))
    dense.set_weights([np.diag(gains).astype(np.float32)])
    codes = rng.uniform(0.3, 0.7, size=(400, 3)) / gains
    images = predict(decoder, codes)
    images = images + rng.normal(scale=0.02, size=images.shape).astype(np.float32)
    (steps,) = choose_steps(decoder, codes, images, [0.5], 0.0)
    np.testing.assert_allclose(steps * gains / (steps * gains)[0], 1.0, rtol=0.05)


@pytest.mark.parametrize(
    ("options", "layout"),
    [
        ({"code": "spatial", "input_shape": (32, 32, 3)}, ("grid", 4, 2)),
        ({"code": "spatial", "input_shape": (30, 32, 3)}, ("blocks", 1, 0)),  # not divisible
        ({"code": "spatial", "input_shape": (8, 8, 3)}, ("blocks", 1, 0)),  # all margin
        ({"code": "dense", "input_shape": (32, 32, 3)}, ("blocks", 1, 0)),
    ],
)
def test_a_grid_is_used_where_the_models_allow_one(options, layout):
    model = kerasae.build_convolutional(code_size=4, hidden=(8, 8), **options)
    found = find_layout(kerasae.encoder(model), kerasae.decoder(model))
    assert found[:2] == layout[:2]
    assert found[2] <= layout[2]
    assert (found[2] > 0) == (layout[0] == "grid")


def test_a_model_that_knows_its_position_is_not_tiled():
    class Position(keras.layers.Layer):
        def call(self, x):
            return x * keras.ops.reshape(keras.ops.arange(32, dtype="float32"), (1, 32, 1, 1))

    image = keras.Input((32, 32, 1))
    x = keras.layers.Conv2D(2, 3, 2, padding="same")(Position()(image))
    encoder = keras.Model(image, x, name="encoder")
    code = keras.Input((16, 16, 2))
    decoder = keras.Model(
        code, keras.layers.Conv2DTranspose(1, 3, 2, padding="same")(code), name="decoder"
    )
    assert find_layout(encoder, decoder)[0] == "blocks"


def test_float32_bundles_are_exact_and_larger(digit_model, digits, digit_bundle, tmp_path):
    folder = export_bundle(digit_model, tmp_path / "b", scheme="float32", calibration=digits.train)
    codec = Codec.load(folder)
    lite = LiteModel((folder / "encoder.tflite").read_bytes())
    expected = predict(kerasae.encoder(digit_model), digits.test[:20])
    np.testing.assert_allclose(lite.run(digits.test[:20]), expected, atol=1e-5)
    size = [(f / "encoder.tflite").stat().st_size for f in (folder, digit_bundle)]
    assert size[0] > 1.5 * size[1]
    image = np.floor(digits.test[0] * 255 + 0.5).astype(np.uint8)
    assert codec.decompress(codec.compress(image)).shape == (8, 8, 1)


@pytest.mark.slow
def test_one_file_with_both_models_is_the_same_codec(
    digit_model, digits, digit_bundle, joint_bundle
):
    folder = joint_bundle
    (manifest, files), (separate, _) = read_files(folder), read_files(digit_bundle)
    assert {name for name in files if name.endswith(".tflite")} == {"model.tflite"}
    assert (manifest.encoder.file, manifest.encoder.signature) == ("model.tflite", "encode")
    assert (manifest.decoder.file, manifest.decoder.signature) == ("model.tflite", "decode")
    assert manifest.codec == separate.codec
    assert manifest.encoder.output == separate.encoder.output
    digest = manifest.codec.hash((folder / "model.tflite").read_bytes())
    assert manifest.bundle_hash == digest.hex() != separate.bundle_hash
    assert Manifest.from_json(manifest.to_json()) == manifest

    codec, other = Codec.load(folder), Codec.load(digit_bundle)
    for image in np.floor(digits.test[:20] * 255 + 0.5).astype(np.uint8):
        np.testing.assert_array_equal(codec.encode(image), other.encode(image))
        data = codec.compress(image)
        np.testing.assert_array_equal(
            codec.decompress(data), other.decompress(other.compress(image))
        )
        with pytest.raises(BitstreamBundleError):
            other.decompress(data)
    card = (folder / "README.md").read_text()
    assert "| `model.tflite` | signature `encode`: uint8 [1, 8, 8, 1]" in card
    verification = verify_bundle(folder, model=digit_model, images=digits.test[:50])
    assert {"encoder operators", "decoder operators"} <= {c.name for c in verification.checks}


@pytest.mark.slow
@pytest.mark.parametrize("signatures", SIGNATURES)
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the same process converts on every backend"
)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", ["digit", "photo"])
def test_every_scheme_makes_a_bundle_that_verifies(
    kind, scheme, signatures, request, digits, photos, tmp_path
):
    model, images = (
        request.getfixturevalue(f"{kind}_model"),
        {"digit": digits, "photo": photos}[kind],
    )
    folder = export_bundle(
        model, tmp_path / "b", scheme=scheme, signatures=signatures, calibration=images.train
    )
    manifest, _ = read_files(folder)
    assert manifest.scheme == scheme
    edge = "uint8" if scheme == "int8" else "float32"
    for part in (manifest.encoder, manifest.decoder):
        assert (part.input.dtype, part.output.dtype) == (edge, edge)
    # 0.3 dB for the scheme; 0.2 dB for the steps were allowed on the calibration images.
    for pictures, measure, allowed in (
        (images.test[:60], "psnr_tflite", 0.3),
        (images.train, "psnr_codec", 0.5),
    ):
        verification = verify_bundle(folder, model=model, images=pictures, report=False)
        parity = verification.measurements["parity"]
        assert parity[measure] > parity["psnr_keras"] - allowed


@pytest.mark.slow
def test_exporting_again_replaces_the_bundle_and_nothing_else(digit_model, digits, tmp_path):
    folder = tmp_path / "deep" / "bundle"
    for seed in (0, 1):
        export_bundle(digit_model, folder, calibration=digits.train[seed:], facts={"seed": seed})
        assert json.loads((folder / "manifest.json").read_text())["facts"]["seed"] == seed
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(BundleError, match="`folder` must not exist, be empty, or hold a bundle"):
        export_bundle(digit_model, tmp_path / "thesis", calibration=digits.train)
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


def test_a_failed_export_leaves_nothing(digits, tmp_path):
    class Odd(keras.layers.Layer):
        def call(self, x):
            return keras.ops.sin(x) + keras.ops.fft((x, x))[0]

    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=8)
    code = Odd()(model.get_layer("encoder").output)
    encoder = keras.Model(model.get_layer("encoder").input, code, name="encoder")
    broken = keras.Model(encoder.input, model.get_layer("decoder")(encoder(encoder.input)))
    with pytest.raises(RuntimeError, match="cannot be converted"):
        export_bundle(broken, tmp_path / "b", calibration=digits.train)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"calibration": None}, "`calibration` must hold real images"),
        ({"calibration": np.zeros((3, 9, 8, 1))}, r"must have the shape \(n, 8, 8, 1\)"),
        ({"calibration": np.full((3, 8, 8, 1), 255.0)}, "values from 255 to 255"),
        ({"calibration": np.full((3, 8, 8, 1), np.nan)}, "NaN or infinity in 3 of 3"),
        ({"scheme": "int4"}, "`scheme` must be one of float32, float16, dynamic, int8"),
        ({"signatures": "one"}, "`signatures` must be one of separate, both"),
        ({"step_loss": 0}, "`step_loss` must be above 0 dB and at most 20"),
    ],
)
def test_bad_arguments_give_one_sentence(digit_model, digits, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export_bundle(digit_model, tmp_path / "b", **{"calibration": digits.train, **options})
    assert not list(tmp_path.iterdir())


def test_the_sample_pattern_is_an_image_of_any_size():
    for shape in ((1, 1, 1), (13, 13, 1), (97, 61, 3)):
        image = sample_image(*shape)
        assert image.shape == shape
        assert image.dtype == np.uint8
    assert sample_image(97, 61, 3).std() > 40


def test_digits_are_drawn_where_others_stand(digits, rng):
    drawn = draw_digits(digits.train)
    assert (drawn.shape, drawn.dtype) == ((16, 16, 1), np.uint8)
    for height, width, channels in ((28, 20, 1), (5, 40, 3), (2, 3, 3)):
        images = np.zeros((3, height, width, channels), np.float32)
        images[:, height // 4 : height // 2 + 1, width // 3 : width // 2 + 1] = 0.8
        inverted = draw_digits(1 - images)
        drawn = draw_digits(images)
        assert drawn.shape == (2 * height, 2 * width, channels)
        np.testing.assert_array_equal(inverted, 255 - drawn)
        assert not drawn[: height // 4].any()  # a margin stays one
        assert drawn.max() > 100
    assert draw_digits(rng.random((4, 8, 8, 1), np.float32)) is None  # no background
    assert draw_digits(np.zeros((4, 8, 8, 1), np.float32)) is None  # no strokes
    assert draw_digits(digits.train * np.float32([1, 0, 0])) is None  # in colour


def golden_image(folder):
    picture = np.asarray(Image.open(folder / "golden" / "image.png"))
    return picture[..., None] if picture.ndim == 2 else picture


def test_the_first_picture_is_of_the_kind_that_the_model_knows(digit_bundle, digits, photo_bundle):
    """Of digits and of photographs one that is drawn, and none of the user's own."""
    picture = golden_image(digit_bundle)
    np.testing.assert_array_equal(picture, draw_digits(digits.train))
    codec = Codec.load(digit_bundle)
    pattern = sample_image(13, 13, 1)
    assert psnr_of(codec, picture) > psnr_of(codec, pattern) + 3
    np.testing.assert_array_equal(golden_image(photo_bundle), draw_landscape(49, 65, 3))


def psnr_of(codec, picture):
    error = codec.decompress(codec.compress(picture)).astype(float) - picture
    return 10 * np.log10(255**2 / np.square(error).mean())


@pytest.mark.parametrize("count", [1, 3, 9])
def test_pictures_of_the_calibration_travel_if_they_may(count, digits, digit_codec):
    images = digits.train[:count]
    picture = choose_sample("calibration", images, digit_codec)
    size = 16 if count > 3 else 8
    assert (picture.shape, picture.dtype) == ((size, size, 1), np.uint8)
    pixels = np.floor(images * 255 + 0.5)
    assert any(np.array_equal(picture[:8, :8], one) for one in pixels)
    own = sample_image(5, 6, 1)
    assert choose_sample(own, images, digit_codec) is own


@pytest.mark.slow
def test_calibration_looks_at_the_whole_set(digits, tmp_path):
    """Folders are sorted by class: the first images are not like the last."""
    dim, bright = 0.2 * digits.train[:600], digits.train[600:1200]
    images = np.concatenate([dim, bright])
    keras.utils.set_random_seed(0)
    model = kerasae.build_undercomplete(
        input_shape=(8, 8, 1), code_size=8, hidden=(64,), loss="mse"
    )
    model.fit(images, images, epochs=40, verbose=0)
    codec = Codec.load(export_bundle(model, tmp_path / "b", calibration=images))
    pictures = np.floor(bright[:100] * 255 + 0.5).astype(np.uint8)
    rebuilt = np.stack([codec.decompress(codec.compress(p)) for p in pictures]) / 255
    plain = np.clip(model.predict(bright[:100], verbose=0), 0, 1)
    assert pooled_psnr(bright[:100], rebuilt) > pooled_psnr(bright[:100], plain) - 0.6


@pytest.mark.slow
@pytest.mark.parametrize("calibration", ["one", "constant"])
def test_poor_calibration_still_gives_a_working_bundle(digit_model, digits, tmp_path, calibration):
    images = digits.train[:1] if calibration == "one" else np.full((50, 8, 8, 1), 0.5, np.float32)
    codec = Codec.load(
        export_bundle(digit_model, tmp_path / "b", scheme="float32", calibration=images)
    )
    test = digits.test[:50]
    rebuilt = np.stack([codec.decompress(codec.compress(p)) for p in np.uint8(test * 255 + 0.5)])
    plain = np.clip(digit_model.predict(test, verbose=0), 0, 1)
    assert pooled_psnr(test, rebuilt / 255) > pooled_psnr(test, plain) - 1.5


def test_the_input_range_is_whole_whatever_is_given():
    for images in (np.full((3, 4, 4, 1), 0.5, np.float32), np.zeros((2, 4, 4, 1), np.float32)):
        full = full_range(images)
        assert (full.min(), full.max()) == (0, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample": np.zeros((9, 9, 3), np.uint8)}, "`sample` must"),
        ({"sample": np.full((9, 9, 1), 2.0)}, "`sample` must"),
        ({"sample": np.zeros((0, 9, 1), np.uint8)}, "`sample` must have pixels"),
        ({"sample": "train"}, "`sample` must be a picture or 'calibration'. Received: sample='tr"),
        ({"facts": {"a": object()}}, "`facts` must be what JSON can hold"),
        ({"step_loss": 1e6}, "`step_loss` must be above 0 dB and at most 20"),
    ],
)
def test_the_rest_of_the_arguments_is_checked_first(
    digit_model, digits, tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        export_bundle(digit_model, tmp_path / "b", calibration=digits.train, **options)
    assert not list(tmp_path.iterdir())


def test_the_working_directory_is_not_replaced(digit_model, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="must be one that can be replaced"):
        export_bundle(digit_model, ".", calibration=digits.train)


def test_a_model_that_rounds_takes_multiples_of_its_step(rng):
    """A decoder that passes the code on: rounding to s costs s^2 / 12 beside the other error."""
    code = keras.Input((1, 16, 1))
    decoder = keras.Model(code, keras.layers.Rescaling(1.0)(code))
    step = 1 / 128
    codes = np.floor(rng.uniform(0, 1, size=(500, 1, 16, 1)) / step + 0.5) * step
    noise = 0.02
    images = codes + rng.normal(scale=noise, size=codes.shape)
    losses = [0.001, 0.5, 2.0]
    found = choose_multiples(decoder, codes, images.astype(np.float32), losses, step)
    multiples = [float(steps[0] / step) for steps in found]
    # Of values on a grid of one step, the error of m steps is that of continuous values less 1/12.
    expected = [np.sqrt(1 + 12 * (10 ** (x / 10) - 1) * (noise / step) ** 2) for x in losses]
    assert multiples == [max(1, m) for m in np.floor(multiples)]
    assert multiples[0] == 1
    np.testing.assert_allclose(multiples[1:], expected[1:], atol=1.01)


def test_losses_that_round_alike_count_once(digit_model, digits):
    """A step is never below the encoder's own: the two small losses both end there."""
    models = deployed_models(digit_model, 0, None)
    codes = predict(models.encoder, digits.train[:64]).astype(float)
    lite = SimpleNamespace(
        output=Edge((1, 8), "uint8", float(codes.std() / 10)), run=lambda images: codes
    )
    steps = fit_steps(digit_model, models, lite, digits.train[:64], [1e-9, 1e-8, 3.0])
    assert len(steps) == 2
    assert (steps[0] > steps[1]).all()


@pytest.mark.slow
def test_several_losses_make_several_qualities(digit_model, digits, tmp_path):
    folder = export_bundle(
        digit_model, tmp_path / "b", calibration=digits.train, step_loss=[0.2, 1.5]
    )
    codec = Codec.load(folder)
    assert codec.qualities == 2
    assert codec.manifest.facts["step_loss_db"] == [0.2, 1.5]
    coarse, fine = (q.steps for q in codec.manifest.codec.qualities)
    assert (coarse >= fine).all()
    images = list(np.floor(digits.test[:200] * 255 + 0.5).astype(np.uint8))
    streams = [codec.compress_many(images, quality=q) for q in (1, 2)]
    rebuilt = [np.stack(codec.decompress_many(stream)) / 255 for stream in streams]
    first, second = (pooled_psnr(digits.test[:200], r) for r in rebuilt)
    assert 0.6 < second - first < 2.0
    assert len(streams[0]) < 0.85 * len(streams[1])
    assert codec.compress_many(images) == streams[1]


@pytest.mark.parametrize("step_loss", [[], [0.5, 0.2], [0.2, 0.2], [0.1, 30], ["a"], "0.2", True])
def test_losses_must_increase(digit_model, digits, tmp_path, step_loss):
    with pytest.raises(ValueError, match="`step_loss` must be above 0 dB and at most 20, or an"):
        export_bundle(digit_model, tmp_path / "b", calibration=digits.train, step_loss=step_loss)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_an_operator_without_a_reference_kernel_is_no_obstacle(scheme, digits, tmp_path):
    """LiteRT has none for ELU; its own kernels without XNNPACK take the place."""
    keras.utils.set_random_seed(0)
    model = kerasae.build_undercomplete(
        input_shape=(8, 8, 1), code_size=4, hidden=(16,), activation="elu"
    )
    folder = export_bundle(
        model, tmp_path / "b", scheme=scheme, calibration=digits.train, allow_float=True
    )
    assert verify_bundle(folder, report=False).passed
    card = (folder / "README.md").read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    if scheme == "float32":  # where it says nothing
        assert "float_layers" not in manifest["facts"]
        assert "Not all of it is int8" not in card
        return
    layers = {"encoder": ["'encode_1' (ELU)"], "decoder": ["'decode_1' (ELU)"]}
    assert manifest["facts"]["float_layers"] == layers
    assert (
        "Not all of it is int8. These layers compute in float32: encoder: 'encode_1' (ELU); "
        "decoder: 'decode_1' (ELU)." in card
    )
    path = folder / "manifest.json"
    del manifest["facts"]["allow_float"]  # as of a bundle of which nobody said so
    path.write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="encoder operators: .*in float32: ELU of 'encode_1'"):
        verify_bundle(folder, report=False)
    with pytest.raises(
        ConversionError, match="'encoder', because 'encode_1' .ELU. stays in float32"
    ):
        export_bundle(model, tmp_path / "b", calibration=digits.train)
    assert json.loads(path.read_text()) == manifest  # the old bundle is still there
