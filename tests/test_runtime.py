"""The codec: any size in, the same size out, and damage never becomes a picture."""

from __future__ import annotations

import shutil
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

import kerasae
from kerasae.data import photograph
from kerasae_export import Codec
from kerasae_export.bundling.bundle import sample_image
from kerasae_export.errors import (
    BitstreamBundleError,
    BitstreamError,
    BitstreamLimitError,
    BitstreamVersionError,
    BundleError,
    CorruptBitstreamError,
)
from kerasae_export.format.bitstream import Block, write_image


def pixels(images: np.ndarray) -> np.ndarray:
    return np.floor(images * 255 + 0.5).astype(np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (32, 32), (33, 31), (100, 150)])
@pytest.mark.parametrize("which", ["digit", "photo"])
def test_every_size_comes_back_at_its_size(which, size, digit_codec, photo_codec):
    codec, channels = (digit_codec, 1) if which == "digit" else (photo_codec, 3)
    image = sample_image(*size, channels)
    data = codec.compress(image)
    rebuilt = codec.decompress(data)
    assert rebuilt.shape == image.shape
    assert rebuilt.dtype == np.uint8
    np.testing.assert_array_equal(codec.decompress(codec.compress(image)), rebuilt)


def test_threads_may_share_a_codec(photo_codec):
    """A model's input and output are one buffer each, which a second thread would overwrite."""
    images = [np.roll(sample_image(40, 50, 3), 3 * i, axis=1) for i in range(24)]
    expected = [photo_codec.compress(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(photo_codec.compress, images)) == expected
        rebuilt = list(pool.map(photo_codec.decompress, expected))
    for data, image in zip(expected, rebuilt, strict=True):
        np.testing.assert_array_equal(photo_codec.decompress(data), image)


def test_files_and_streams_decode_to_the_same_images(digit_codec, digits):
    images = [*pixels(digits.test), sample_image(20, 11, 1), *pixels(digits.validation)]
    rebuilt = digit_codec.decompress_many(digit_codec.compress_many(images))
    assert len(rebuilt) == len(images)
    for image, copy in zip(images[::20], rebuilt[::20], strict=True):
        np.testing.assert_array_equal(copy, digit_codec.decompress(digit_codec.compress(image)))
    assert digit_codec.decompress_many(digit_codec.compress_many([])) == []


def test_a_stream_is_within_one_percent_of_the_ideal_length_of_its_tables(digit_codec, digits):
    images = np.tile(pixels(digits.train), (2, 1, 1, 1))
    symbols = np.concatenate([digit_codec.encode(image) for image in images])
    ideal = digit_codec.manifest.codec.best.coder.bits(symbols).sum() / 8
    assert len(digit_codec.compress_many(images)) < 1.02 * ideal  # blocks of 256 x 8 symbols only


def test_the_codec_reconstructs_what_the_model_does(digit_codec, digit_model, digits):
    images = pixels(digits.test[:100])
    rebuilt = np.stack(digit_codec.decompress_many(digit_codec.compress_many(images))) / 255
    model = digit_model.predict(digits.test[:100], verbose=0)
    noise = ((rebuilt - digits.test[:100]) ** 2).mean() - ((model - digits.test[:100]) ** 2).mean()
    assert noise < 0.15 * ((model - digits.test[:100]) ** 2).mean()


def test_tiles_leave_no_seam(photo_codec, photo_model):
    """Tiled int8 symbols are those of the float model run on the whole picture at once."""
    spec = photo_codec.manifest.codec
    assert spec.layout == "grid"
    picture = photograph("chelsea")[:120, :160]
    whole = kerasae.build_convolutional(
        input_shape=picture.shape, code_size=4, hidden=(16, 16), loss="mse", code="spatial"
    )
    whole.set_weights(photo_model.get_weights())
    code = keras.ops.convert_to_numpy(kerasae.encoder(whole)(picture[None] / 255))[0]
    symbols = photo_codec.encode(picture).reshape(code.shape)
    assert np.abs(symbols - code / spec.best.steps).max() < 1.5

    rebuilt = photo_codec.decode(symbols, *picture.shape[:2]).astype(float)
    at_once = keras.ops.convert_to_numpy(kerasae.decoder(whole)((symbols * spec.best.steps)[None]))[
        0
    ]
    error = np.square(rebuilt - np.clip(at_once, 0, 1) * 255).mean(axis=2)
    tile = spec.tile[0] - 2 * spec.margin * spec.stride
    lines = np.zeros(error.shape, bool)
    for joint in range(tile + spec.margin * spec.stride, 160, tile):
        lines[:, joint - 1 : joint + 1] = True
        lines[joint - 1 : joint + 1] = True
    seam, interior = error[lines[: error.shape[0]]].mean(), error[~lines].mean()
    assert 10 * np.log10(seam / interior) < 0.5
    assert error.mean() < 4.0


def test_thousand_corruptions_of_a_file_are_refused_by_the_right_error(photo_codec, rng):
    data = photo_codec.compress(photograph("coffee")[:64, :96])
    for _ in range(1000):
        at, damaged = int(rng.integers(len(data))), bytearray(data)
        damaged[at] ^= int(rng.integers(1, 256))
        expected = {2: BitstreamVersionError, 3: BitstreamBundleError, 4: BitstreamBundleError}
        with pytest.raises(expected.get(at, CorruptBitstreamError)):
            photo_codec.decompress(bytes(damaged))
    for cut in range(0, len(data), 7):
        with pytest.raises(CorruptBitstreamError):
            photo_codec.decompress(data[:cut])


def test_another_bundle_is_told(digit_codec, photo_codec):
    data = digit_codec.compress(sample_image(8, 8, 1))
    with pytest.raises(BitstreamBundleError, match="made with bundle"):
        photo_codec.decompress(data)
    with pytest.raises(BitstreamError):
        photo_codec.decompress_many(data)
    with pytest.raises(CorruptBitstreamError, match="not a kerasae bitstream"):
        photo_codec.decompress(b"\x89PNG\r\n\x1a\n" + bytes(20))
    with pytest.raises(CorruptBitstreamError, match="must be bytes"):
        photo_codec.decompress("text")


def test_limits_hold(digit_bundle):
    codec = Codec.load(digit_bundle, max_pixels=100)
    big = Codec.load(digit_bundle)
    with pytest.raises(ValueError, match="1 to 100 pixels"):
        codec.compress(sample_image(11, 10, 1))
    with pytest.raises(BitstreamLimitError, match="11 x 10 pixels, over the 100"):
        codec.decompress(big.compress(sample_image(11, 10, 1)))
    small = sample_image(8, 8, 1)
    with pytest.raises(BitstreamLimitError, match="2 x 8 x 8 pixels, over the 100"):
        codec.decompress_many(big.compress_many([small, small]))
    with pytest.raises(BitstreamLimitError, match="over the 36"):
        codec.decompress_many(big.compress_many([small, sample_image(9, 8, 1)]))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((8, 8, 1), np.float32),
        np.zeros((0, 8, 1), np.uint8),
        np.zeros(8, np.uint8),
    ],
)
def test_wrong_images_are_refused(digit_codec, image):
    for method in (
        digit_codec.compress,
        digit_codec.encode,
        lambda x: digit_codec.compress_many([x]),
    ):
        with pytest.raises(ValueError, match=r"`(image|images\[0\])` must"):
            method(image)


def test_one_image_is_not_taken_for_many(digit_codec):
    """Its rows would be, each as an image of its own."""
    for one in (sample_image(8, 8, 1), sample_image(8, 8, 1)[..., 0]):
        with pytest.raises(ValueError, match=r"`images` must be several.*`\[images\]` holds one"):
            digit_codec.compress_many(one)
        assert len(digit_codec.decompress_many(digit_codec.compress_many([one]))) == 1
        assert len(digit_codec.decompress_many(digit_codec.compress_many(one[None]))) == 1
    for wrong in (None, 0.5, "x.png"):
        with pytest.raises(ValueError, match="`images` must be a list of images. Received: "):
            digit_codec.compress_many(wrong)


def test_grey_images_need_no_channel_axis(digit_codec):
    image = sample_image(9, 12, 1)
    assert digit_codec.compress(image[..., 0]) == digit_codec.compress(image)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("decoder.tflite", lambda b: b[:-1] + b"x", "decoder.tflite is not the file"),
        ("encoder.tflite", lambda b: b + b"\0", "encoder.tflite is larger"),
        (
            "manifest.json",
            lambda b: b.replace(b'"exponent": -', b'"exponent": -1'),
            "`bundle_hash`",
        ),
        ("manifest.json", lambda b: b[:-9], "not valid JSON"),
        (
            "manifest.json",
            lambda b: b.replace(b'"zero_point": ', b'"zero_point": 1', 1),
            "`encoder.input` does not match",
        ),
        ("golden/image.kae", None, "image.kae is missing"),
        ("manifest.json", None, "manifest.json is missing"),
    ],
)
def test_a_bundle_that_was_changed_does_not_load(digit_bundle, tmp_path, name, change, message):
    folder = tmp_path / "bundle"
    shutil.copytree(digit_bundle, folder)
    file = folder / name
    if change is None:
        file.unlink()
    else:
        content = change(file.read_bytes())
        assert content != file.read_bytes()
        file.write_bytes(content)
    with pytest.raises(BundleError, match=message):
        Codec.load(folder)


def test_links_out_of_a_bundle_are_not_followed(digit_bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(digit_bundle, folder)
    (folder / "decoder.tflite").unlink()
    (folder / "decoder.tflite").symlink_to(digit_bundle / "decoder.tflite")
    with pytest.raises(BundleError, match="missing from the bundle"):
        Codec.load(folder)


def test_load_checks_its_arguments(digit_bundle, tmp_path):
    with pytest.raises(BundleError, match="`folder` must be a bundle's folder"):
        Codec.load(tmp_path / "nowhere")
    for wrong in ({"threads": 0}, {"max_pixels": 1.5}):
        with pytest.raises(ValueError, match="must be a positive integer"):
            Codec.load(digit_bundle, **wrong)


@pytest.mark.parametrize(
    ("symbols", "size"),
    [
        (np.zeros((1, 8), int), (100, 100)),
        (np.zeros((1, 8), float), (8, 8)),
        (np.zeros((0, 8), int), (8, 8)),
        ([[0] * 8, [0]], (8, 8)),
        (None, (8, 8)),
        ("symbols", (8, 8)),
    ],
)
def test_symbols_must_be_those_of_the_size(digit_codec, symbols, size):
    for method in (digit_codec.pack, digit_codec.decode):
        with pytest.raises(ValueError, match="`symbols` must be (the|an array of)"):
            method(symbols, *size)


@pytest.mark.parametrize("size", [(0, 8), (8, -8), (8.0, 8), (8, "8")])
def test_symbols_need_the_size_of_their_image(digit_codec, size):
    for method in (digit_codec.pack, digit_codec.decode):
        with pytest.raises(ValueError, match=r"`(height|width)` must be a positive integer"):
            method(np.zeros((1, 8), int), *size)


def test_symbols_may_be_a_list(digit_codec):
    symbols = np.arange(8) - 4
    for method in (digit_codec.pack, digit_codec.decode):
        np.testing.assert_array_equal(method(symbols.tolist(), 8, 8), method(symbols, 8, 8))


def test_tiny_images_and_huge_codes_cannot_take_unbounded_work(photo_bundle):
    """A stream of 1 x 1 images claims few pixels, but each costs a run of the decoder."""
    codec = Codec.load(photo_bundle, max_pixels=1000)
    allowed = 16 * 1000 // (32 * 32)
    data = Codec.load(photo_bundle).compress_many([sample_image(1, 1, 3)] * (allowed + 1))
    with pytest.raises(BitstreamLimitError, match="pixels of tiles"):
        codec.decompress_many(data)
    assert len(codec.decompress_many(codec.compress_many([sample_image(1, 1, 3)] * allowed)))


def test_a_small_file_takes_no_memory_for_what_it_claims(digit_bundle, photo_bundle):
    for folder, size in ((digit_bundle, (1, 2**26)), (photo_bundle, (2**13, 2**13))):
        codec = Codec.load(folder, max_expansion=2**16)
        data = write_image(Block(1, *size, b""), codec._hash)
        tracemalloc.start()
        with pytest.raises(CorruptBitstreamError):
            codec.decompress(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()


def test_a_code_larger_than_its_image_is_limited(digit_bundle):
    codec = Codec.load(digit_bundle, max_pixels=40)
    data = write_image(Block(1, 5, 1, b""), codec._hash)  # 8 symbols for 5 pixels
    assert codec.decompress(data).shape == (5, 1, 1)
    data = write_image(Block(1, 1, 33, b""), codec._hash)  # 40 symbols for 33 pixels
    assert codec.decompress(data).shape == (1, 33, 1)
    codec = Codec.load(digit_bundle, max_pixels=33)
    with pytest.raises(BitstreamLimitError, match="take 40 symbols"):
        codec.decompress(data)


def test_images_do_not_keep_their_tiles_alive(photo_codec):
    image = photo_codec.decompress(photo_codec.compress(sample_image(3, 3, 3)))
    assert image.base is None or image.base.nbytes == image.nbytes
