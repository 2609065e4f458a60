"""The codec of photographs, and the family that ships."""

import io
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from photo import small_family
from PIL import Image

from kerasae_export import BitstreamBundleError, BitstreamVersionError, Codec
from kerasae_export.cli import run
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.photo.shipped import shipped_families
from kerasae_export.photo.transform import COEFFICIENT_UNIT, Transform


@pytest.fixture(scope="module")
def codec():
    return Codec.load()


@pytest.fixture(scope="module")
def photograph():
    return np.ascontiguousarray(skimage.data.coffee()[100:340, 150:470])


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def test_rate_and_error_fall_and_rise_with_quality(codec, photograph):
    sizes, errors = [], []
    for quality in (1, 20, 45, 75, 100):
        data = codec.compress(photograph, quality=quality)
        sizes.append(len(data))
        errors.append(psnr(codec.decompress(data), photograph))
    assert sizes == sorted(sizes)
    assert errors == sorted(errors)
    assert errors[-1] > 44


def test_a_photograph_is_smaller_than_jpeg_at_equal_error(codec, photograph):
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "JPEG", quality=60, optimize=True)
    jpeg = psnr(np.asarray(Image.open(buffer)), photograph)
    data = codec.compress(photograph, target_psnr=jpeg)
    assert psnr(codec.decompress(data), photograph) >= jpeg
    assert len(data) < 0.85 * buffer.tell()


def test_the_default_quality_is_75(codec, photograph):
    assert codec.compress(photograph) == codec.compress(photograph, quality=75)


def test_a_target_of_bytes_is_kept_and_nearly_reached(codec, photograph):
    data = codec.compress(photograph, target_bytes=6000)
    assert 5500 < len(data) <= 6000


def test_a_target_of_bytes_that_no_quality_reaches_is_refused(codec, photograph):
    with pytest.raises(ValueError, match="`target_bytes` must be at least"):
        codec.compress(photograph, target_bytes=10)


def test_effort_costs_bytes_when_it_is_low(codec, photograph):
    sizes = {}
    for effort in (0, 1):
        data = codec.compress(photograph, target_psnr=32, effort=effort)
        sizes[effort] = len(data)
    assert sizes[1] < sizes[0] < 1.2 * sizes[1]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (17, 16), (257, 31)])
def test_sizes_that_are_odd_come_back(codec, photograph, size):
    image = np.resize(photograph, (*size, 3))
    rebuilt = codec.decompress(codec.compress(image, quality=100))
    assert rebuilt.shape == image.shape
    assert np.square(rebuilt.astype(float) - image).mean() < 2


def test_grey_comes_back_nearly_grey(codec, photograph):
    grey = np.repeat(photograph[..., 1:2], 3, axis=-1)
    rebuilt = codec.decompress(codec.compress(grey, quality=100)).astype(int)
    assert rebuilt.shape == grey.shape
    assert np.ptp(rebuilt, axis=2).mean() < 2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"quality": 0}, "from 1 to 100"),
        ({"quality": 101}, "from 1 to 100"),
        ({"quality": 7.5}, "must be an integer"),
        ({"effort": 2}, "`effort`"),
        ({"quality": 50, "target_psnr": 30}, "exclude"),
        ({"target_psnr": -1}, "`target_psnr`"),
        ({"target_bytes": 0}, "`target_bytes`"),
    ],
)
def test_arguments_out_of_bounds_are_refused(codec, photograph, arguments, match):
    with pytest.raises(ValueError, match=match):
        codec.compress(photograph, **arguments)


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.zeros((4, 4, 3)), "uint8"),
        (np.zeros((4, 4, 4), np.uint8), "3"),
        (np.zeros((0, 4, 3), np.uint8), "pixels"),
    ],
)
def test_images_of_other_kinds_are_refused(codec, image, match):
    with pytest.raises(ValueError, match=match):
        codec.compress(image)


def test_more_pixels_than_allowed_are_refused(photograph):
    with pytest.raises(ValueError, match="1 to 100 pixels"):
        Codec.load(max_pixels=100).compress(photograph)


def test_every_family_reads_its_own_files(photograph):
    old = PhotoCodec([small_family()])
    both = PhotoCodec([*shipped_families(), small_family()])
    data = old.compress(photograph[:48, :48], quality=60)
    np.testing.assert_array_equal(both.decompress(data), old.decompress(data))
    with pytest.raises(BitstreamBundleError, match="family"):
        Codec.load().decompress(data)


def test_a_file_of_version_1_is_refused_by_its_version(codec):
    with pytest.raises(BitstreamVersionError, match=r"of version 1; .*That of its bundle"):
        codec.decompress(b"\xae\x6b\x01" + bytes(20))


def test_strips_have_no_seams():
    family = small_family()
    transform = Transform(family.colour, family.block, family.overlap)
    image = np.random.default_rng(0).integers(0, 256, (300, 64, 3)).astype(np.uint8)
    coefficients = transform.forward(image) / np.float32(COEFFICIENT_UNIT)
    cells = coefficients.reshape(768, 19, 4)
    strips = (cells[:, low:high] for low, _, _, high in transform.strips(19))
    np.testing.assert_array_equal(transform.inverse(strips, 300, 64), image)


def test_the_command_needs_no_bundle(tmp_path, photograph, capsys):
    Image.fromarray(photograph).save(tmp_path / "photo.png")
    sent, back = tmp_path / "sent", tmp_path / "back"
    assert run(["compress", str(tmp_path / "photo.png"), "--out", str(sent)]) == 0
    assert run(["decompress", str(sent / "photo.kae"), "--out", str(back)]) == 0
    rebuilt = np.asarray(Image.open(back / "photo.png"))
    assert psnr(rebuilt, photograph) > 33
    assert (sent / "photo.kae").stat().st_size < (tmp_path / "photo.png").stat().st_size / 4
    capsys.readouterr()
    arguments = ["--out", str(sent), "--force", "--target-bytes", "5000", "--effort", "0"]
    assert run(["compress", str(tmp_path / "photo.png"), *arguments]) == 0
    assert (sent / "photo.kae").stat().st_size <= 5000


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--quality", "101"], "`--quality` must be from 1 to 100"),
        (["--quality", "10", "--target-psnr", "30"], "exclude each other"),
    ],
)
def test_choices_that_contradict_are_bad_use(tmp_path, capsys, arguments, match):
    assert run(["compress", "photo.png", "--out", str(tmp_path), *arguments]) == 2
    assert match in capsys.readouterr().err


def test_the_codec_of_photographs_needs_no_model():
    code = (
        "import sys; from kerasae_export.photo.codec import PhotoCodec; PhotoCodec.load();"
        "print(sorted({'keras', 'tensorflow', 'ai_edge_litert'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("level", [0, 55, 128, 200, 255])
@pytest.mark.parametrize("effort", [0, 1])
@pytest.mark.parametrize("quality", [5, 40, 75])
def test_an_even_area_stays_even(level, effort, quality):
    """Nothing of the lowest coefficients leaks into a pattern, at any quality."""
    codec = PhotoCodec.load()
    image = np.full((50, 70, 3), level, np.uint8)
    rebuilt = codec.decompress(codec.compress(image, quality=quality, effort=effort)).astype(int)
    assert np.ptp(rebuilt) <= 1
