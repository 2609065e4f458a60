"""`kae compress` without a bundle takes photographs as people have them, or says why not."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
import skimage.data
from PIL import Image

from kerasae_export.cli import run

SIDEWAYS = 0x0112  # the tag of the orientation


@pytest.fixture(scope="module")
def photograph():
    return np.ascontiguousarray(skimage.data.coffee()[100:164, 150:246])


@pytest.fixture
def there_and_back(tmp_path, capsys):
    """A file, compressed at a quality and decompressed by the command; or what it said."""

    def go(name, content, quality=100):
        (tmp_path / name).write_bytes(content)
        sent, back = tmp_path / "sent", tmp_path / "back"
        arguments = ["compress", str(tmp_path / name), "--out", str(sent), "--force"]
        if run([*arguments, "--quality", str(quality)]):
            return capsys.readouterr().err
        (kae,) = sent.iterdir()
        assert run(["decompress", str(kae), "--out", str(back), "--force"]) == 0
        kae.unlink()
        with Image.open(back / f"{kae.stem}.png") as picture:
            assert picture.mode == "RGB"
            return np.asarray(picture)

    return go


def saved(picture, form, **how):
    buffer = io.BytesIO()
    picture.save(buffer, form, **how)
    return buffer.getvalue()


def close(rebuilt, expected, most=2.5):
    """Root mean square error in levels, at quality 100 and after what JPEG did."""
    assert rebuilt.shape == expected.shape
    return np.sqrt(np.square(rebuilt.astype(float) - expected).mean()) < most


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_that_lies_on_its_side_stands_up(orientation, there_and_back, photograph):
    turn = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.swapaxes(0, 1),
        6: lambda x: x.swapaxes(0, 1)[:, ::-1],
        7: lambda x: x.swapaxes(0, 1)[::-1, ::-1],
        8: lambda x: x.swapaxes(0, 1)[::-1],
    }[orientation]
    exif = Image.Exif()
    exif[SIDEWAYS] = orientation
    how = {"exif": exif, "quality": 100, "subsampling": 0}
    found = there_and_back("x.jpg", saved(Image.fromarray(photograph), "JPEG", **how))
    assert close(found, turn(photograph))


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_other_formats_are_turned_too(form, there_and_back, photograph):
    exif = Image.Exif()
    exif[SIDEWAYS] = 6
    how = {"lossless": True} if form == "WEBP" else {}
    data = saved(Image.fromarray(photograph), form, exif=exif, **how)
    assert close(there_and_back(f"x.{form.lower()}", data), photograph.swapaxes(0, 1)[:, ::-1])


def test_two_pictures_of_a_phone_in_one_file_give_the_first(there_and_back, photograph):
    picture = Image.fromarray(photograph)
    more = [Image.fromarray(255 - photograph)]
    data = saved(picture, "MPO", save_all=True, append_images=more, quality=100, subsampling=0)
    assert close(there_and_back("x.jpg", data), photograph)


def test_grey_comes_back_as_three_channels_that_agree(there_and_back, photograph):
    grey = Image.fromarray(photograph).convert("L")
    expected = np.repeat(np.asarray(grey)[..., None], 3, axis=-1)
    for form, how in (("PNG", {}), ("JPEG", {"quality": 100})):
        found = there_and_back(f"x.{form.lower()}", saved(grey, form, **how))
        assert close(found, expected)
        assert not np.ptp(found.astype(int), axis=2).any()
        found = there_and_back(f"x.{form.lower()}", saved(grey, form, **how), quality=30)
        assert not np.ptp(found.astype(int), axis=2).any()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "CMYK", "YCbCr"])
def test_every_kind_of_colour_is_read(mode, there_and_back, photograph):
    picture = Image.fromarray(photograph)
    if mode == "P":
        picture = picture.quantize(64)
        data = saved(picture, "PNG")
    elif mode in ("CMYK", "YCbCr"):
        picture = picture.convert(mode)
        data = saved(picture, "JPEG", quality=100, subsampling=0)
    else:
        picture = picture.convert(mode)
        data = saved(picture, "PNG")
    suffix = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    assert close(there_and_back(f"x.{suffix}", data), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_laid_over_white(mode, there_and_back, photograph):
    alpha = np.full(photograph.shape[:2], 255, np.uint8)
    alpha[16:48, 16:48] = 0
    clear = Image.fromarray(np.dstack([photograph, alpha]))
    if mode == "P":
        clear = clear.quantize(64)
        assert clear.palette.mode == "RGBA"
    found = there_and_back("x.png", saved(clear.convert(mode) if mode == "LA" else clear, "PNG"))
    assert (found[20:44, 20:44] > 248).all()
    assert found[:12].mean() < 200


def test_of_what_moves_the_first_picture_is_taken(there_and_back, photograph):
    frames = [Image.fromarray(x) for x in (photograph, 255 - photograph)]
    for form, suffix in (("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png"), ("TIFF", "tif")):
        how = {"save_all": True, "append_images": frames[1:]}
        how |= {"lossless": True} if form == "WEBP" else {}
        found = there_and_back(f"x.{suffix}", saved(frames[0], form, **how))
        assert close(found, photograph, 12 if form == "GIF" else 2.5)


def deep_png(kind, channels):
    """16 bits a channel, which Pillow does not write in colour."""

    def chunk(name, content):
        crc = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)

    rows = (b"\0" + bytes(4 * channels * 2)) * 4
    head = struct.pack(">IIBBBBB", 4, 4, 16, kind, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (6, 4)])
def test_16_bits_are_refused_in_a_sentence(kind, channels, there_and_back):
    said = there_and_back("x.png", deep_png(kind, channels))
    assert "x.png: it has more than 8 bits a channel (16).\nkae: 1 of 1 failed.\n" in said


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 2), (1, 300), (300, 1), (2, 2), (15, 17), (16, 16), (33, 31), (3, 20000)]
)
def test_sizes_of_every_kind_come_back(size, there_and_back):
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    layers = [120 + 100 * np.sin((x + 2 * y) / period) for period in (17, 23, 40)]
    image = np.uint8(np.stack(layers, axis=-1))
    started = time.process_time()
    assert close(there_and_back("x.png", saved(Image.fromarray(image), "PNG")), image)
    assert time.process_time() - started < 5
    there_and_back("x.png", saved(Image.fromarray(image), "PNG"), quality=1)


def test_photographs_that_cannot_be_read_are_not_passed_over_in_a_folder(tmp_path, capsys):
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    Image.new("RGB", (20, 30)).save(folder / "a.png")
    (folder / "trip" / "b.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "c.nef").write_bytes(b"MM\0*")
    (folder / "notes.txt").write_text("no picture")
    assert run(["compress", str(folder), "--out", str(tmp_path / "sent")]) == 1
    said = capsys.readouterr().err
    assert "b.HEIC: it cannot be read as an image (AVIF, " in said
    assert "c.nef: it cannot be read as an image" in said
    assert "notes" not in said
    assert [path.name for path in (tmp_path / "sent").rglob("*.*")] == ["a.kae"]
