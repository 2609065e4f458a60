"""The codecs of an evaluation: what goes in comes out, and bytes are those of real files."""

from __future__ import annotations

import io
import lzma
import math

import numpy as np
import pytest
from PIL import Image
from scipy.stats import entropy

from kerasae_export import CorruptBitstreamError
from kerasae_export.evaluation import OTHERS, measure
from kerasae_export.evaluation import coders as codecs
from kerasae_export.evaluation.coders import (
    ARCHIVES,
    LOSSLESS,
    LOSSY,
    ArchiveCoder,
    BundleCoder,
    PillowCoder,
    mosaic,
    tiles,
)
from kerasae_export.evaluation.pca import PcaCoder, PrincipalAxes


@pytest.fixture(scope="module")
def test_digits(digits):
    return list(np.floor(digits.test[:30] * 255 + 0.5).astype(np.uint8))


def available(names):
    return [n for n in names if codecs.missing(n) is None]


@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_codecs_give_back_every_pixel(rng, channels):
    images = list(rng.integers(0, 256, (5, 6, 9, channels), dtype=np.uint8))
    every = [PillowCoder(n) for n in available(LOSSLESS)] + [ArchiveCoder(n) for n in ARCHIVES]
    assert len(every) >= 3
    for coder in every:
        np.testing.assert_array_equal(
            coder.decode(coder.encode(images[0]), (6, 9, channels)), images[0]
        )
        many = coder.decode_many(coder.encode_many(images), 5, (6, 9, channels))
        np.testing.assert_array_equal(many, images)


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("channels", [1, 3])
def test_settings_go_from_small_and_bad_to_large_and_good(name, channels, photos):
    if codecs.missing(name):
        pytest.skip(codecs.missing(name))
    image = np.floor(photos.test[3][..., :channels] * 255 + 0.5).astype(np.uint8)
    points = measure([PillowCoder(name, s) for s in LOSSY[name][2]], [image], "files")
    sizes, quality = [p.bytes for p in points], [p.psnr for p in points]
    assert sizes == sorted(sizes)
    assert quality[-1] > quality[0] + 8
    assert (np.diff(quality) > -1).all()
    assert points[0].pictures[0].shape == image.shape


def test_jpeg_is_the_file_that_pillow_writes(test_digits):
    coder = PillowCoder("JPEG", 50)
    buffer = io.BytesIO()
    Image.fromarray(test_digits[0][..., 0]).save(buffer, "JPEG", quality=50, optimize=True)
    assert coder.encode(test_digits[0]) == buffer.getvalue()


def test_archives_hold_the_raw_pixels(test_digits):
    raw = np.stack(test_digits).tobytes()
    packed = ArchiveCoder("LZMA (7z)").encode_many(test_digits)
    assert lzma.decompress(packed) == raw
    assert len(packed) < 0.8 * len(raw)


def test_a_format_that_pillow_lacks_is_left_out_with_a_reason(monkeypatch):
    monkeypatch.setattr(codecs.features, "check", lambda feature: feature != "avif")
    assert codecs.missing("AVIF") == "AVIF is left out: this Pillow was built without avif."
    assert codecs.missing("JPEG") is None


def test_a_mosaic_is_cut_into_what_it_was_made_of(rng):
    images = list(rng.integers(0, 256, (7, 4, 5, 3), dtype=np.uint8))
    sheet = mosaic(images)
    assert sheet.shape == (12, 15, 3)
    cut = tiles(sheet, 4, 5)
    np.testing.assert_array_equal(cut[:7], images)
    assert not np.any(cut[7:])


def test_every_quality_of_a_bundle_is_a_point(digit_codec, test_digits):
    (only,) = BundleCoder.all_qualities(digit_codec, "mine")
    assert only.setting == "mine"
    assert only.encode(test_digits[0]) == digit_codec.compress(test_digits[0])
    asked = []

    class Graded:
        qualities = 3

        def compress(self, image, *, quality):
            asked.append(quality)
            return bytes(quality)

    graded = list(BundleCoder.all_qualities(Graded(), "mine"))
    assert [c.setting for c in graded] == [f"mine, quality {i}" for i in (1, 2, 3)]
    assert [len(c.encode(test_digits[0])) for c in graded] == [1, 2, 3]
    assert asked == [1, 2, 3]


def test_axes_are_those_of_a_known_covariance(rng):
    """Values along two known directions, of standard deviations .06 and .02, and nothing else."""
    directions = np.linalg.qr(rng.normal(size=(12, 2)))[0].T
    coordinates = rng.normal(size=(4000, 2)) * [0.06, 0.02]
    axes = PrincipalAxes(0.5 + (coordinates @ directions).reshape(-1, 3, 4, 1))
    np.testing.assert_allclose(np.sqrt(axes.variances[:2]), [0.06, 0.02], rtol=0.05)
    assert axes.variances[2] < 1e-6
    np.testing.assert_allclose(np.abs(directions @ axes.axes[:2].T), np.eye(2), atol=0.02)
    np.testing.assert_allclose(axes.mean, 0.5, atol=0.02)


def test_pca_costs_what_its_symbols_tell_and_errs_as_rounding_does(digits, test_digits):
    axes = PrincipalAxes(digits.train)
    assert axes.tile == (8, 8)
    step = 0.1
    coder = PcaCoder(axes, 64, step)
    data = coder.encode_many(test_digits)
    decoded = np.stack(coder.decode_many(data, 30, (8, 8, 1))) / 255
    error = np.square(decoded - np.stack(test_digits) / 255).mean()
    assert 0.5 * step**2 / 12 < error < 1.05 * step**2 / 12  # clipping and dead pixels only help
    symbols = np.floor(axes.coordinates / step + 0.5)
    ideal = sum(entropy(np.unique(c, return_counts=True)[1], base=2) for c in symbols.T) / 8
    assert len(data) / 30 == pytest.approx(ideal, rel=0.1)
    single = coder.encode(test_digits[0])
    np.testing.assert_array_equal(coder.decode(single, (8, 8, 1)) / 255, decoded[0])
    with pytest.raises(CorruptBitstreamError):
        coder.decode(single[:-1], (8, 8, 1))


def test_pca_cuts_large_images_into_squares(photos):
    grey = np.tile(photos.train[:60, ..., :1], (1, 2, 2, 1))
    axes = PrincipalAxes(grey[:, :40, :50])
    assert axes.tile == (16, 16)
    image = np.floor(photos.test[0, :29, :31, :1] * 255 + 0.5).astype(np.uint8)
    coarse, fine = (PcaCoder(axes, 256, step) for step in (0.5, 0.02))
    errors = []
    for coder in (coarse, fine):
        decoded = coder.decode(coder.encode(image), image.shape)
        assert decoded.shape == image.shape
        errors.append(np.square(decoded / 255.0 - image / 255).mean())
    assert errors[1] < 1.2 * (0.02**2 + 1 / 255**2) / 12
    assert errors[0] > 4 * errors[1]


def test_points_are_measured_on_what_comes_back(test_digits):
    (point,) = measure([PillowCoder("JPEG", 20)], test_digits, "together")
    sheet = mosaic(test_digits)
    buffer = io.BytesIO()
    Image.fromarray(sheet[..., 0]).save(buffer, "JPEG", quality=20, optimize=True)
    back = tiles(np.asarray(Image.open(buffer))[..., None], 8, 8)[:30]
    error = np.square(np.stack(back) / 255.0 - np.stack(test_digits) / 255).mean()
    assert point.bytes == len(buffer.getvalue())
    assert point.psnr == pytest.approx(-10 * math.log10(error))
    assert point.bits_per_pixel == pytest.approx(8 * point.bytes / (30 * 64))
    assert point.ms_ssim is None
    assert point.encode_ms > 0
    assert set(OTHERS) > set(LOSSY)


def test_a_codec_that_lies_about_being_lossless_is_found_out(test_digits):
    liar = PillowCoder("JPEG", 20)
    liar.lossless = True
    with pytest.raises(RuntimeError, match="JPEG was to be lossless and was not"):
        measure([liar], test_digits, "files")
    with pytest.raises(ValueError, match="`images` must be one or more, and of one size"):
        measure([liar], [test_digits[0], test_digits[1][:5]], "together")
