"""Bytes at like quality: counted from real files, quality matched from above."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from kerasae.data import photograph
from kerasae_export.evaluation.comparison import compare_files, compare_together, mosaic
from kerasae_export.evaluation.quality import mean_ssim, pooled_psnr


@pytest.fixture(scope="module")
def test_digits(digits):
    return list(np.floor(digits.test[:60] * 255 + 0.5).astype(np.uint8))


def test_psnr_and_ssim_are_those_of_scikit_image(rng):
    a = rng.random((3, 16, 16, 3))
    b = np.clip(a + rng.normal(scale=0.1, size=a.shape), 0, 1)
    assert pooled_psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1))
    expected = [
        structural_similarity(x, y, channel_axis=-1, data_range=1)
        for x, y in zip(a, b, strict=True)
    ]
    assert mean_ssim(a, b) == pytest.approx(np.mean(expected))
    assert mean_ssim(a[:, :5, :5], b[:, :5, :5]) < 1
    assert pooled_psnr(a, a) == 120


def test_files_are_counted_with_their_containers(photo_codec):
    image = photograph("coffee")[:90, :120]
    entries = {entry.codec: entry for entry in compare_files([image], photo_codec)}
    assert list(entries) == ["raw", "PNG", "JPEG", "WebP", "kerasae"]
    assert entries["raw"].bytes == 90 * 120 * 3
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    assert entries["PNG"].bytes == len(buffer.getvalue())
    assert math.isinf(entries["PNG"].psnr)
    assert entries["kerasae"].bytes == len(photo_codec.compress(image))
    ours = entries["kerasae"].psnr
    assert ours == pytest.approx(
        peak_signal_noise_ratio(image, photo_codec.decompress(photo_codec.compress(image)))
    )
    quality = int(entries["JPEG"].setting.removeprefix("quality "))
    for setting, reaches in ((quality, True), (quality - 1, False)):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=setting, optimize=True)
        decoded = np.asarray(Image.open(buffer))
        assert (peak_signal_noise_ratio(image, decoded) >= ours) == reaches


def test_together_a_mosaic_competes_with_a_stream(digit_codec, test_digits):
    alone = {e.codec: e for e in compare_files(test_digits, digit_codec)}
    together = {e.codec: e for e in compare_together(test_digits, digit_codec)}
    assert together["kerasae"].bytes == len(digit_codec.compress_many(test_digits))
    assert together["kerasae"].psnr == pytest.approx(alone["kerasae"].psnr)
    for name in ("PNG", "JPEG", "WebP", "kerasae"):
        assert together[name].bytes < alone[name].bytes
        assert together[name].images == 60
    assert together["WebP"].psnr >= together["kerasae"].psnr


def test_a_mosaic_holds_each_image_once(rng):
    images = list(rng.integers(1, 256, (7, 4, 5, 3), dtype=np.uint8))
    sheet = mosaic(images)
    assert sheet.shape == (12, 15, 3)
    np.testing.assert_array_equal(sheet[4:8, 5:10], images[4])
    assert not sheet[8:, 5:].any()
