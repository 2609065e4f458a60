"""Files: any mode in, one clear sentence for what cannot be read, nothing half-written."""

from __future__ import annotations

import functools
import os
import pickle

import numpy as np
import pytest
from PIL import Image

from kerasae_export import Codec
from kerasae_export.bundling.bundle import sample_image
from kerasae_export.files import batch as files
from kerasae_export.files.batch import (
    compress_files,
    decompress_files,
    read_image,
    write_bytes,
    write_png,
)
from kerasae_export.files.pool import spread


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    write_png(folder / "a.png", sample_image(20, 30, 3))
    Image.fromarray(sample_image(9, 9, 3)).save(folder / "deep" / "b.jpg")
    Image.fromarray(sample_image(9, 9, 3)).save(folder / "deep" / "b.webp")
    (folder / "notes.txt").write_text("not an image")
    return folder


def test_a_folder_goes_and_comes_back_with_its_names(folder, photo_codec, tmp_path):
    sent = list(compress_files([folder], photo_codec, tmp_path / "kae"))
    assert [o.error for o in sent] == [None] * 3
    names = sorted(
        p.relative_to(tmp_path / "kae").as_posix() for p in (tmp_path / "kae").rglob("*.kae")
    )
    assert names == ["a.kae", "deep/b.jpg.kae", "deep/b.webp.kae"]
    assert sent[0].after == (tmp_path / "kae" / "a.kae").stat().st_size
    assert sent[0].size == (20, 30)
    list(decompress_files([tmp_path / "kae"], photo_codec, tmp_path / "out"))
    rebuilt = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    data = (tmp_path / "kae" / "a.kae").read_bytes()
    np.testing.assert_array_equal(rebuilt, photo_codec.decompress(data))
    assert (tmp_path / "out" / "deep" / "b.jpg.png").exists()


def test_all_cores_give_what_one_does_in_the_same_order(folder, photo_codec, tmp_path, monkeypatch):
    (folder / "bad.png").write_bytes(b"")
    seen = []
    alone = list(compress_files([folder], photo_codec, tmp_path / "one"))
    monkeypatch.setattr(files, "spread", functools.partial(spread, alone=0))
    work = compress_files(
        [folder], photo_codec, tmp_path / "two", jobs=2, progress=lambda *a: seen.append(a)
    )
    together = list(work)
    assert [o.source.name for o in together] == ["a.png", "bad.png", "b.jpg", "b.webp"]
    for one, two in zip(alone, together, strict=True):
        assert (one.source, one.after, one.error) == (two.source, two.after, two.error)
        assert one.target is None or one.target.read_bytes() == two.target.read_bytes()
    assert seen == [(i, 4) for i in range(5)]


def test_a_file_on_which_the_process_dies_does_not_stop_the_rest(folder, photo_codec, tmp_path):
    def dying(work, items, *, jobs):
        for outcome in spread(work, items, jobs=jobs):
            yield None if outcome.source.name == "a.png" else outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "spread", dying)
        first, *rest = compress_files([folder], photo_codec, tmp_path / "kae")
    assert first.error == "the process that worked on it died"
    assert [o.error for o in rest] == [None, None]


def test_a_codec_goes_to_other_processes_as_it_is(photo_codec):
    again = pickle.loads(pickle.dumps(photo_codec))
    image = sample_image(40, 50, 3)
    assert again.compress(image) == photo_codec.compress(image)
    assert again.manifest == photo_codec.manifest


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_only_files_are_read(photo_codec, tmp_path):
    os.mkfifo(tmp_path / "x.png")  # reading it would wait for ever
    (tmp_path / "y.png").mkdir()
    (outcome,) = compress_files([tmp_path / "x.png"], photo_codec, tmp_path / "out")
    assert outcome.error == "it is not a file"
    assert list(compress_files([tmp_path], photo_codec, tmp_path / "out")) == []


def test_long_names_work(photo_codec, tmp_path):
    path = tmp_path / f"{'x' * 250}.png"
    write_png(path, sample_image(9, 9, 3))
    (outcome,) = compress_files([path], photo_codec, tmp_path / "out")
    assert outcome.error is None


def test_one_bad_file_does_not_stop_the_rest(folder, photo_codec, tmp_path):
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    outcomes = {
        o.source.name: o
        for o in compress_files([folder, tmp_path / "gone.png"], photo_codec, tmp_path / "kae")
    }
    assert "cannot be read as an image" in outcomes["broken.png"].error
    assert outcomes["gone.png"].error == "it does not exist"
    assert sum(o.error is None for o in outcomes.values()) == 3
    kae = tmp_path / "kae" / "a.kae"
    kae.write_bytes(kae.read_bytes()[:-1])
    bad = {o.source.name: o for o in decompress_files([tmp_path / "kae"], photo_codec, tmp_path)}
    assert "damaged or truncated" in bad["a.kae"].error
    assert not (tmp_path / "a.png").exists()


def test_a_stream_becomes_a_folder(photo_codec, tmp_path):
    images = [sample_image(20, 30, 3), sample_image(9, 9, 3)]
    (tmp_path / "many.kae").write_bytes(photo_codec.compress_many(images))
    (outcome,) = decompress_files([tmp_path / "many.kae"], photo_codec, tmp_path / "out")
    assert outcome.error is None
    pictures = sorted((tmp_path / "out" / "many").iterdir())
    assert [p.name for p in pictures] == ["00000.png", "00001.png"]
    assert outcome.after == sum(p.stat().st_size for p in pictures)
    for picture, image in zip(pictures, images, strict=True):
        expected = photo_codec.decompress(photo_codec.compress(image))
        np.testing.assert_array_equal(np.asarray(Image.open(picture)), expected)


def test_nothing_is_overwritten_without_being_asked(folder, photo_codec, tmp_path):
    out = tmp_path / "kae"
    out.mkdir()
    (out / "a.kae").write_text("precious")
    (first, *_) = compress_files([folder / "a.png"], photo_codec, out)
    assert "exists and would be overwritten" in first.error
    assert (out / "a.kae").read_text() == "precious"
    (first,) = compress_files([folder / "a.png"], photo_codec, out, force=True)
    assert first.error is None


def test_modes_become_grey_or_colour(tmp_path):
    colour = sample_image(6, 8, 3)
    path = tmp_path / "x.png"
    Image.fromarray(colour).save(path)
    np.testing.assert_array_equal(read_image(path, 3), colour)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_image(path, 1)[..., 0] - luma).max() <= 1
    Image.fromarray(colour).convert("P").save(path)
    assert read_image(path, 3).shape == (6, 8, 3)
    Image.fromarray(colour[..., 0]).save(path)
    assert (read_image(path, 3) == colour[..., :1]).all()


def test_transparency_is_laid_over_white(tmp_path):
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[:2, :, 3] = 255
    picture[2, :, 3] = 128
    Image.fromarray(picture).save(tmp_path / "x.png")
    rows = read_image(tmp_path / "x.png", 1)[:, 0, 0]
    assert list(rows) == [0, 0, 127, 255]


def test_orientation_is_applied(tmp_path):
    picture = sample_image(6, 10, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter turn clockwise
    Image.fromarray(picture).save(tmp_path / "x.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png", 3), np.rot90(picture, -1))


def test_what_cannot_be_right_is_refused_clearly(tmp_path):
    deep = Image.fromarray(np.full((4, 4), 40000, np.uint16))
    deep.save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="more than 8 bits a channel"):
        read_image(tmp_path / "deep.png", 1)
    write_png(tmp_path / "big.png", sample_image(30, 40, 1))
    with pytest.raises(ValueError, match="it has 40 x 30 pixels, over the 1000"):
        read_image(tmp_path / "big.png", 1, max_pixels=1000)


def test_writing_is_all_or_nothing(tmp_path, monkeypatch):
    target = tmp_path / "x.bin"
    write_bytes(target, b"old")

    def full(self, other):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(target), "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_stream_replaces_the_images_of_an_older_one_only(photo_codec, tmp_path):
    image = sample_image(9, 9, 3)
    path, folder = tmp_path / "many.kae", tmp_path / "out" / "many"
    path.write_bytes(photo_codec.compress_many([image] * 3))
    list(decompress_files([path], photo_codec, tmp_path / "out"))
    (folder / "notes.txt").write_text("mine")
    path.write_bytes(photo_codec.compress_many([image]))
    (outcome,) = decompress_files([path], photo_codec, tmp_path / "out", force=True)
    assert (outcome.error, outcome.images, outcome.target) == (None, 1, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["00000.png", "notes.txt"]
    assert [p.name for p in folder.parent.iterdir()] == ["many"]


def test_a_damaged_stream_leaves_nothing(photo_codec, tmp_path):
    data = photo_codec.compress_many([sample_image(9, 9, 3)] * 3)
    (tmp_path / "many.kae").write_bytes(data[:-2])
    (outcome,) = decompress_files([tmp_path / "many.kae"], photo_codec, tmp_path / "out")
    assert "truncated" in outcome.error
    assert not (tmp_path / "out").exists()


def test_two_sources_never_share_a_target_even_by_force(photo_codec, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_png(tmp_path / name / "x.png", sample_image(9, 9, 3))
    sources = [tmp_path / name / "x.png" for name in ("a", "b")]
    first, second = compress_files(sources, photo_codec, tmp_path / "out", force=True)
    assert first.error is None
    assert "is already written for" in second.error


def test_a_stream_does_not_overwrite_a_folder(photo_codec, tmp_path):
    (tmp_path / "many.kae").write_bytes(photo_codec.compress_many([sample_image(9, 9, 3)]))
    (tmp_path / "out" / "many").mkdir(parents=True)
    (outcome,) = decompress_files([tmp_path / "many.kae"], photo_codec, tmp_path / "out")
    assert "exists and would be overwritten" in outcome.error


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError(), "there is not enough memory for it"),
        (OSError(28, "No space left on device"), "{target}: No space left on device"),
        (OSError("broken"), "{target}: broken"),
        (PermissionError(13, "Permission denied", "x.lock"), "x.lock: Permission denied"),
        (ValueError("`image` is off."), "`image` is off"),
    ],
)
def test_what_stops_a_file_is_told_and_the_next_is_done(tmp_path, monkeypatch, raised, said):
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name, sample_image(16, 16, 3))
    codec = Codec.load()
    compress, calls = codec.compress, []

    def once(image, **options):
        calls.append(image)
        if len(calls) == 1:
            raise raised
        return compress(image, **options)

    monkeypatch.setattr(codec, "compress", once)
    first, second = compress_files([tmp_path], codec, tmp_path / "out")
    assert first.error == said.format(target=tmp_path / "out" / "a.kae")
    assert second.error is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.kae"]
