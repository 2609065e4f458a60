"""Large images: tiles give what the whole image would, without a seam, and may be larger."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerasae
from kerasae.data import photograph
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle, verify_bundle
from kerasae_export.bundling.layout import mirrored, resized
from kerasae_export.bundling.models import DeployedModels, deployed_models
from kerasae_export.conversion.split import evenly, predict
from kerasae_export.evaluation.quality import pooled_psnr
from kerasae_export.format.entropy import Table
from kerasae_export.format.manifest import Edge, Manifest, Part
from kerasae_export.format.spec import CodecSpec, Quality, steps_of
from kerasae_export.format.tiling import spans

STEP = 1e-3


class InKeras:
    """A Keras model in place of its TF Lite file."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.input = Edge((1, *model.input_shape[1:]), "float32")
        self.output = Edge((1, *model.output_shape[1:]), "float32")

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return predict(self.model, values)


def codec_in_keras(models: DeployedModels) -> Codec:
    encoder, decoder = InKeras(models.encoder), InKeras(models.decoder)
    channels = models.encoder.output_shape[-1]
    mantissas, exponent = steps_of(np.full(channels, STEP))
    table = Table(0, (2048, 2048))
    spec = CodecSpec(
        channels=3,
        tile=models.encoder.input_shape[1:3],
        layout=models.layout,
        stride=models.stride,
        margin=models.margin,
        code_shape=models.encoder.output_shape[1:],
        codebook=0,
        group=1,
        qualities=(Quality(mantissas, exponent, 1, (table,) * channels),),
    )
    parts = [Part(f"{p}.tflite", m.input, m.output) for p, m in (("e", encoder), ("d", decoder))]
    return Codec(Manifest("float32", spec, *parts, "00" * 32, 0, {}), encoder, decoder)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return photograph("chelsea")[60:172, 100:244]


@pytest.mark.parametrize("tile", [None, (40, 64)])
def test_tiles_give_what_the_whole_image_gives(photo_model, picture, tile):
    """In float: every cell and every pixel, at seams, inside and at the edges of the image."""
    models = deployed_models(photo_model, 0, tile)
    codec = codec_in_keras(models)
    assert codec.manifest.codec.tile == (tile or (32, 32))
    encoder = resized(kerasae.encoder(photo_model), picture.shape[:2])
    cells = (picture.shape[0] // 4, picture.shape[1] // 4)
    decoder = resized(kerasae.decoder(photo_model), cells)
    whole = predict(encoder, picture[None] / 255)[0]
    step = codec.manifest.codec.best.steps[0]
    symbols = codec.encode(picture).reshape(whole.shape)
    assert np.abs(symbols * step - whole).max() < 0.5 * step + 1e-5
    rebuilt = codec.decode(symbols, *picture.shape[:2])
    expected = 255 * np.clip(predict(decoder, (symbols * step)[None])[0], 0, 1)
    assert np.abs(rebuilt - expected).max() < 0.5 + 1e-2
    assert rebuilt.shape == picture.shape


def seam_excess(codec: Codec, picture: np.ndarray) -> float:
    """By how many dB the error at seams is above that at the other edges of cells.

    Cells' edges are compared with cells' edges, as a network may treat a cell's pixels
    differently; and the picture is moved so that every edge is a seam equally often.
    """
    spec = codec.manifest.codec
    period = spec.code_shape[0] - 2 * spec.margin
    totals = np.zeros((2, 2))  # at seams and elsewhere: error, pixels
    for shift in range(period):
        moved = picture[shift * spec.stride :, shift * spec.stride :]
        moved = moved[: moved.shape[0] // spec.stride * spec.stride]
        moved = moved[:, : moved.shape[1] // spec.stride * spec.stride]
        error = np.square(codec.decompress(codec.compress(moved)) - moved.astype(float)).mean(2)
        for axis in (0, 1):
            lines = error.mean(1 - axis)  # (pixels along the axis,)
            cells = len(lines) // spec.stride
            joints = {span.start for span in spans(cells, spec.code_shape[axis], spec.margin)[1:]}
            for cell in range(period, cells - period):
                pair = lines[cell * spec.stride - 1 : cell * spec.stride + 1]
                totals[0 if cell in joints else 1] += pair.sum(), pair.size
    assert totals[:, 1].min() >= 20
    seam, elsewhere = totals[:, 0] / totals[:, 1]
    return float(10 * np.log10(seam / elsewhere))


def test_seams_are_no_worse_than_the_rest(photo_codec):
    """Of an int8 bundle trained on photographs, on one that it has not seen."""
    assert photo_codec.manifest.codec.margin > 0
    assert seam_excess(photo_codec, photograph("chelsea")) < 0.1


@pytest.mark.slow
def test_seams_would_be_seen(photo_model, picture):
    """Without the margin that the network needs, the measure tells."""
    models = deployed_models(photo_model, 0, None)
    codec = codec_in_keras(models)
    blind = codec_in_keras(
        DeployedModels(models.encoder, models.decoder, 0, "grid", models.stride, 0)
    )
    assert seam_excess(codec, picture) < 0.1 < seam_excess(blind, picture)


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        (30, "`tile` must be a side or .* at least 32 x 32"),
        ((64, 16), "`tile` must be a side or"),
        (64.0, "`tile` must be a side or"),
        ((64, 64, 64), "`tile` must be a side or"),
        (66, "`tile` must be a multiple of the model's stride of 4"),
        (2**14, "`tile` must be at most 8192"),
    ],
)
def test_bad_tiles_are_refused(photo_model, photos, tmp_path, tile, message):
    with pytest.raises(ValueError, match=message):
        export_bundle(photo_model, tmp_path / "b", calibration=photos.train, tile=tile)


def test_models_that_are_tied_to_their_size_keep_it(digit_model, digits, tmp_path):
    with pytest.raises(ValueError, match="`tile` must be None but for models that treat every"):
        export_bundle(digit_model, tmp_path / "b", calibration=digits.train, tile=16)
    image = keras.Input((32, 32, 1))
    convolved = keras.layers.Conv2D(2, 3, 2, padding="same")(image)
    flat = keras.layers.Dense(512)(keras.layers.Flatten()(convolved))
    encoder = keras.Model(image, keras.layers.Reshape((16, 16, 2))(flat), name="encoder")
    code = keras.Input((16, 16, 2))
    pixels = keras.layers.Conv2DTranspose(1, 3, 2, padding="same")(code)
    decoder = keras.Model(code, pixels, name="decoder")
    model = keras.Model(image, decoder(encoder(image)))
    with pytest.raises(ValueError, match="`tile` must be None but for models that treat every"):
        deployed_models(model, 0, (64, 64))


def test_images_are_continued_by_their_mirror_images(rng):
    images = rng.random((2, 3, 4, 1)).astype(np.float32)
    wide = mirrored(images, (2, 1), (9, 8))
    assert wide.shape == (2, 9, 8, 1)
    np.testing.assert_array_equal(wide[:, 2:5, 1:5], images)
    np.testing.assert_array_equal(wide[:, 1, 1:5], images[:, 0])
    np.testing.assert_array_equal(wide[:, 2:5, 5], images[:, :, -1])


@pytest.mark.slow
def test_a_bundle_of_larger_tiles_is_compared_with_keras(photo_model, photos, tmp_path):
    """On images of the model's size, which are continued, and on such as are as large as a tile."""
    folder = export_bundle(photo_model, tmp_path / "b", calibration=photos.train, tile=(40, 64))
    some = photos.train[::50]
    for images in (some, mirrored(some, (4, 16), (40, 64))):
        found = verify_bundle(folder, model=photo_model, images=images, report=False)
        parity = found.measurements["parity"]
        assert parity["psnr_keras"] - parity["psnr_tflite"] < 0.3
    with pytest.raises(ValueError, match=r"shape \(n, 40, 64, 3\) or the model's \(n, 32, 32, 3\)"):
        verify_bundle(folder, model=photo_model, images=photos.test[:4, :16])
    other = kerasae.build_undercomplete(input_shape=photos.image_shape, code_size=8, hidden=(8,))
    with pytest.raises(ValueError, match="`model` must be the one that the bundle was exported"):
        verify_bundle(folder, model=other, images=photos.test[:4])


@pytest.mark.weekly
def test_larger_tiles_and_several_qualities_of_a_trained_model(tmp_path):
    """For real: trained on photographs, exported to int8, measured on one that was held out."""
    keras.utils.set_random_seed(0)
    images = kerasae.load_images("photos", image_size=48, limit=1200)
    model = kerasae.build_convolutional(
        input_shape=images.image_shape, code_size=6, hidden=(24, 24), loss="mse", code="spatial"
    )
    train(model, images, TrainConfig(epochs=30, batch_size=16, learning_rate=2e-3), progress=False)
    losses = [0.1, 0.5, 2.0]
    calibration = evenly(images.train, 300)
    folder = export_bundle(
        model, tmp_path / "b", calibration=calibration, tile=96, step_loss=losses
    )
    codec = Codec.load(folder)
    spec = codec.manifest.codec
    assert (spec.tile, spec.layout, codec.qualities) == ((96, 96), "grid", 3)
    assert seam_excess(codec, photograph("chelsea")) < 0.1

    # What was allowed on the calibration images; those that are rebuilt better lose more.
    pictures = list(np.floor(evenly(calibration, 40) * 255 + 0.5).astype(np.uint8))
    streams = [codec.compress_many(pictures, quality=q) for q in (1, 2, 3)]
    rebuilt = [np.stack(codec.decompress_many(stream)) / 255 for stream in streams]
    gaps = np.diff([pooled_psnr(np.stack(pictures) / 255, r) for r in rebuilt])
    np.testing.assert_allclose(gaps, [1.5, 0.4], rtol=0.3)
    assert len(streams[0]) < 0.8 * len(streams[1]) < 0.64 * len(streams[2])
    # Larger tiles run the models on fewer pixels of a large image than the own size would.
    small = deployed_models(model, 0, None)
    work = [
        np.prod([len(spans(n, t // spec.stride, spec.margin)) * t for n in (300, 452)])
        for t in (small.encoder.input_shape[1], 96)
    ]
    assert work[1] < 0.9 * work[0]
