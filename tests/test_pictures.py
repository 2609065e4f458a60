"""Every kind of image file gives the right pixels, or one sentence that says why not."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kerasae_export.bundling.bundle import sample_image
from kerasae_export.files.pictures import _depth, read_image

RED = (204, 0, 51)  # also of the palette that Pillow takes
GREY = 67  # of RED by ITU-R 601


def png(bits: int, kind: int, channels: int) -> bytes:
    """A black PNG of 4 x 4 pixels; Pillow writes none with 16 bits and colours."""

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)

    rows = (b"\0" + bytes(4 * channels * bits // 8)) * 4
    head = struct.pack(">IIBBBBB", 4, 4, bits, kind, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return signature + body


@pytest.mark.parametrize(
    ("mode", "suffix", "tolerance"),
    [
        ("L", "png", 0),
        ("RGB", "png", 0),
        ("RGB", "bmp", 0),
        ("RGB", "ppm", 0),
        ("RGB", "webp", 3),
        ("RGB", "avif", 3),
        ("RGB", "jpg", 3),
        ("RGBA", "png", 0),
        ("RGBA", "tif", 0),
        ("LA", "png", 0),
        ("P", "gif", 0),
        ("P", "png", 0),
        ("PA", "tif", 0),
        ("CMYK", "jpg", 3),
        ("CMYK", "tif", 0),
        ("YCbCr", "jpg", 3),
        ("LAB", "tif", 10),
    ],
)
def test_every_mode_gives_its_colour_and_its_grey(mode, suffix, tolerance, tmp_path):
    picture = Image.fromarray(np.full((6, 5, 3), RED, np.uint8))
    if mode in ("LA", "PA"):
        picture = picture.convert("RGBA" if mode == "LA" else "P")
    if mode == "LAB":
        from PIL import ImageCms

        profiles = (ImageCms.createProfile(name) for name in ("sRGB", "LAB"))
        picture = ImageCms.profileToProfile(picture, *profiles, outputMode="LAB")
        picture.info.clear()
    path = tmp_path / f"x.{suffix}"
    picture.convert(mode).save(path)
    assert np.abs(read_image(path, 1).astype(int) - GREY).max() <= tolerance
    colour = read_image(path, 3)
    assert colour.shape == (6, 5, 3)
    expected = np.full(3, GREY) if mode in ("L", "LA") else np.array(RED)
    assert np.abs(colour.astype(int) - expected).max() <= tolerance


def test_bits_are_black_and_white(tmp_path):
    bits = np.arange(30).reshape(5, 6) % 2 == 0
    Image.fromarray(bits).save(tmp_path / "x.png")
    np.testing.assert_array_equal(read_image(tmp_path / "x.png", 1)[..., 0], bits * 255)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png", 3)[..., 2], bits * 255)


@pytest.mark.parametrize(
    ("name", "content", "bits"),
    [
        ("grey.png", png(16, 0, 1), 16),
        ("colour.png", png(16, 2, 3), 16),
        ("grey-alpha.png", png(16, 4, 2), 16),
        ("colour-alpha.png", png(16, 6, 4), 16),
        ("colour.ppm", b"P6 # a remark\n4 4\n65535\n" + bytes(96), 16),
        ("grey.pgm", b"P5\n4 4 1023\n" + bytes(32), 10),
        ("plain.ppm", b"P3 1 1 1000 1 2 3\n", 10),
        ("float.ppm", b"Pf\n4 4\n-1.0\n" + bytes(64), 16),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_more_than_8_bits_are_refused_even_where_pillow_would_drop_them(
    name, content, bits, channels, tmp_path
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"it has more than 8 bits a channel \({bits}\)"):
        read_image(tmp_path / name, channels)


@pytest.mark.parametrize(
    ("shape", "dtype", "bits"),
    [((4, 4, 3), np.uint16, 16), ((4, 4), np.uint16, 16), ((4, 4), np.float32, 32)],
)
def test_deep_tiff_is_refused(shape, dtype, bits, tmp_path):
    tifffile = pytest.importorskip("tifffile")  # comes with scikit-image
    tifffile.imwrite(tmp_path / "x.tif", np.zeros(shape, dtype))
    with pytest.raises(ValueError, match=rf"more than 8 bits a channel \({bits}\)"):
        read_image(tmp_path / "x.tif", 3)


def test_the_depth_of_avif_is_that_of_its_configuration():
    """Pillow writes 8 bits only, so the flags are set by hand."""
    buffer = io.BytesIO()
    Image.fromarray(sample_image(8, 8, 3)).save(buffer, "AVIF")
    data = bytearray(buffer.getvalue())
    with Image.open(buffer) as picture:
        assert _depth(picture, bytes(data)) == 8
        flags = data.index(b"av1C") + 6
        data[flags] |= 0x40
        assert _depth(picture, bytes(data)) == 10
        data[flags] |= 0x20
        assert _depth(picture, bytes(data)) == 12


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_taken(suffix, tmp_path):
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("white", "black", "black")]
    path = tmp_path / f"x.{suffix}"
    more = {} if suffix == "tif" else {"lossless": True, "duration": 100}
    frames[0].save(path, save_all=True, append_images=frames[1:], **more)
    with Image.open(path) as picture:
        assert picture.n_frames > 1
    assert (read_image(path, 3) == 255).all()


def test_what_is_no_image_is_told_in_one_sentence(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(sample_image(40, 40, 3)).save(whole, "PNG")
    bomb = whole.getvalue()[:16] + struct.pack(">II", 10**5, 10**5) + whole.getvalue()[24:29]
    bomb += struct.pack(">I", zlib.crc32(bomb[12:29])) + whole.getvalue()[33:]
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    for content, message in (
        (b"", "it is empty"),
        (b"hello", r"it cannot be read as an image \(AVIF"),
        (script, r"it cannot be read as an image \(AVIF"),  # Pillow would start Ghostscript
        (whole.getvalue()[:-200], "it cannot be read as an image"),
        (bomb, "it has more pixels than the 67108864 that are allowed"),
    ):
        (tmp_path / "x.png").write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_image(tmp_path / "x.png", 3)


def test_an_image_cut_anywhere_is_refused(tmp_path):
    for suffix in ("png", "jpg", "webp", "gif", "bmp", "tif", "ppm", "avif"):
        buffer = io.BytesIO()
        Image.fromarray(sample_image(30, 30, 3)).save(
            buffer, Image.registered_extensions()[f".{suffix}"]
        )
        data = buffer.getvalue()
        for share in (0.2, 0.5, 0.8):
            path = tmp_path / f"x.{suffix}"
            path.write_bytes(data[: int(share * len(data))])
            with pytest.raises(ValueError, match="it cannot be read as an image"):
                read_image(path, 3)
