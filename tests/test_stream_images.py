"""Streams of images: what `load_images` reads, in an order by the seed, whatever the workers."""

from __future__ import annotations

import io
import multiprocessing
import signal
import subprocess
import sys
import tarfile
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasae.data import DataError, load_images
from kerasae.data.augmentation import Augment
from kerasae.data.packing import pack_shards
from kerasae.data.streaming import stream_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """150 colour images of several sizes, in two classes."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for i in range(150):
        path = root / "ab"[i % 2] / f"{i:03d}.{'png' if i % 3 else 'jpg'}"
        path.parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (8 + i % 3, 9, 3), np.uint8)
        pixels[..., 0] = i
        Image.fromarray(pixels).save(path)
    return root


def all_of(split) -> np.ndarray:
    return np.concatenate([*split.batches(32)])


def batches(stream, number=0, start=0, size=8):
    return [*stream.train.as_source(size).read(number, start)]


def equal(one, other) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_a_stream_reads_what_load_images_reads(folder):
    images = load_images(folder, image_size=8)
    stream = stream_images(folder, image_size=8)
    assert stream.image_shape == images.image_shape == (8, 8, 3)
    for split in ("train", "validation", "test"):
        np.testing.assert_array_equal(all_of(getattr(stream, split)), getattr(images, split))
    assert stream.train.sample(200).shape == images.train.shape
    np.testing.assert_array_equal(stream.train.sample(5), stream.train.sample(5))
    assert "108 train, 12 validation, 30 test" in repr(stream)


def test_the_order_follows_from_seed_and_pass_whatever_the_workers(folder):
    options = {"image_size": 8, "augment": Augment(crop=True, scale=0.5, flip=True, contrast=0.3)}
    one = stream_images(folder, workers=1, **options)
    first, second = batches(one), batches(one, 1)
    assert equal(first, batches(stream_images(folder, workers=5, **options)))
    assert not equal(first, second)
    assert not equal(first, batches(stream_images(folder, seed=1, **options)))
    assert equal(second[3:], batches(one, 1, 3))
    plain = np.sort(all_of(stream_images(folder, image_size=8).train)[:, 0, 0, 0])
    red = np.concatenate(batches(stream_images(folder, image_size=8)))[:, 0, 0, 0]
    np.testing.assert_array_equal(np.sort(red), plain)  # each image once
    assert not np.array_equal(red, plain)


@pytest.mark.slow
def test_processes_make_the_same_batches(folder):
    options = {"image_size": 8, "augment": {"flip": True}}
    threads = batches(stream_images(folder, **options))
    assert equal(threads, batches(stream_images(folder, workers=2, processes=True, **options)))


@pytest.mark.slow
def test_a_process_that_dies_ends_the_pass(folder):
    stream = stream_images(folder, image_size=8, workers=1, processes=True)
    read = stream.train.as_source(4).read(0, 0)
    next(read)
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(BrokenExecutor):
        list(read)


ORPHANS = """
import multiprocessing, os, signal, sys
from kerasae.data.streaming import stream_images
if __name__ == "__main__":
    stream = stream_images(sys.argv[1], image_size=8, workers=2, processes=True)
    read = stream.train.as_source(4).read(0, 0)
    next(read)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_no_process_outlives_a_killed_training(folder, tmp_path):
    (tmp_path / "victim.py").write_text(ORPHANS)
    command = [sys.executable, str(tmp_path / "victim.py"), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pids = done.stdout.split()
    assert len(pids) == 2
    deadline = time.monotonic() + 30
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    "change",
    [{"crop": True}, {"scale": 0.3}, {"flip": True}, {"brightness": 0.3}, {"contrast": 0.5},
     {"saturation": 0.5}],
)  # fmt: skip
def test_each_change_is_drawn_for_each_image(folder, change):
    plain = np.concatenate(batches(stream_images(folder, image_size=(8, 6))))
    stream = stream_images(folder, image_size=(8, 6), augment=change)
    changed = np.concatenate(batches(stream))
    assert changed.shape == plain.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    moved = np.abs(changed - plain).max(axis=(1, 2, 3)) > 0
    assert 0.3 < moved.mean() <= 1
    np.testing.assert_array_equal(
        all_of(stream.validation), all_of(stream_images(folder, image_size=(8, 6)).validation)
    )
    if change == {"flip": True}:
        np.testing.assert_array_equal(changed[moved], plain[moved, :, ::-1])
        assert moved.mean() < 0.7


def test_colours_are_changed_by_their_formulas():
    pixels = np.full((1, 2, 2, 3), 100, np.uint8)
    pixels[0, 0, 0] = 200, 0, 50

    class Least:
        def uniform(self, low, high, shape):
            return np.full(shape, low)

    grey = Augment(saturation=0.5).colours(pixels, Least())[0, 0, 0].astype(float)
    luma = 0.299 * 200 + 0.114 * 50
    np.testing.assert_allclose(grey, luma + 0.5 * (np.array([200, 0, 50]) - luma), atol=0.5)
    assert Augment(brightness=0.2).colours(pixels, Least())[0, 1, 1, 0] == 100 - 51
    mean = pixels.mean()
    low = Augment(contrast=0.5).colours(pixels, Least())[0, 0, 0, 0]
    assert low == round(mean + 0.5 * (200 - mean))


def test_shards_hold_what_the_folder_holds(folder, tmp_path):
    counts = pack_shards(folder, tmp_path / "shards", shard_bytes=8000)
    assert counts.images == 150
    assert counts.shards == len(list((tmp_path / "shards").glob("*.tar"))) > 3
    direct = stream_images(folder, image_size=8)
    packed = stream_images(tmp_path / "shards", image_size=8, shuffle_buffer=16)
    every = [np.concatenate([all_of(s.train), all_of(s.validation), all_of(s.test)])
             for s in (direct, packed)]  # fmt: skip
    np.testing.assert_array_equal(*(np.sort(x.sum(axis=(1, 2, 3))) for x in every))
    again = stream_images(tmp_path / "shards", image_size=8, shuffle_buffer=16, workers=1)
    assert equal(batches(packed), batches(again))
    assert not equal(batches(packed), batches(packed, 1))
    with tarfile.open(next((tmp_path / "shards").glob("*.tar"))) as archive:
        names = archive.getnames()
    assert all(name.count(".") == 1 and name.split("/")[0] in "ab" for name in names)


def test_an_image_moves_by_less_than_the_buffer(folder, tmp_path):
    pack_shards(folder, tmp_path / "one", shard_bytes=10**9)
    split = stream_images(tmp_path / "one", image_size=8, shuffle_buffer=16).train
    order = split._order(0)
    places = np.empty(len(order), int)
    places[np.searchsorted(split.members, order)] = np.arange(len(order))
    moved = np.abs(places - np.arange(len(order)))
    assert 3 < moved.mean() < 16
    assert moved.max() < 16 + 1


def test_names_split_folders_and_shards(folder, tmp_path):
    for i, path in enumerate(sorted(folder.rglob("*.*"))):
        kind = ("train", "train", "val", "test")[i % 4]
        target = tmp_path / "split" / kind / f"{i}{path.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    pack_shards(tmp_path / "split", tmp_path / "shards", shard_bytes=8000)
    for source in (tmp_path / "split", tmp_path / "shards"):
        stream = stream_images(source, image_size=8)
        assert [len(stream.train), len(stream.validation), len(stream.test)] == [76, 37, 37]


def grey_folder(root, count, broken=()):
    for i in range(count):
        Image.fromarray(np.full((4, 4), i % 256, np.uint8)).save(root / f"{i:04d}.png")
    for i in broken:
        (root / f"{i:04d}.png").write_bytes(b"no image")
    return root


def test_a_broken_file_is_named_and_left_out(tmp_path):
    stream = stream_images(grey_folder(tmp_path, 300), image_size=4)
    assert stream.image_shape == (4, 4, 1)
    victim = int(stream.train.members[7])
    grey_folder(tmp_path, 300, [victim])
    stream = stream_images(tmp_path, image_size=4)
    found = batches(stream)
    assert sum(map(len, found)) == len(stream.train) - 1
    assert list(stream.skipped) == [f"{victim:04d}.png"]
    assert "cannot identify" in stream.skipped[f"{victim:04d}.png"]


def test_more_than_one_in_a_hundred_is_an_error(tmp_path):
    grey_folder(tmp_path, 300, range(0, 300, 20))
    with pytest.raises(DataError, match=r"no more than 1% of unreadable files.*of 216 so far: 0"):
        batches(stream_images(tmp_path, image_size=4))


def test_a_set_of_tensorflow_datasets_comes_from_its_files(tmp_path):
    """A record as TFDS writes it: a tf.train.Example with several features."""
    tf = pytest.importorskip("tensorflow")
    from kerasae.data.shards import index_records, read_bytes

    content = io.BytesIO()
    Image.fromarray(np.full((4, 4), 9, np.uint8)).save(content, "PNG")
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        for label in (3, 300):
            feature = {
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                "image": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[content.getvalue()])
                ),
                "weight": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    index = index_records(tmp_path, ["a.tfrecord"], "image")
    assert [read_bytes(index, i) for i in range(len(index))] == [content.getvalue()] * 2
    with pytest.raises(ValueError, match="no feature 'picture'"):
        read_bytes(index_records(tmp_path, ["a.tfrecord"], "picture"), 0)


@pytest.mark.slow
def test_mnist_streams_as_it_loads(tfds_folder, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tfds_folder))
    stream = stream_images("mnist", image_size=28, limit=200)
    assert stream.image_shape == (28, 28, 1)
    np.testing.assert_array_equal(
        all_of(stream.test), load_images("mnist", limit=200).test[: len(stream.test)]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": None}, "`image_size` must be given"),
        ({"augment": {"twist": 1}}, "`augment` must be an `Augment`.*Received: augment=.*twist"),
        ({"augment": {"scale": 0}}, "`scale` must be a number above 0 and up to 1"),
        ({"augment": {"contrast": 1}}, r"`contrast` must be a number in \[0, 1\)"),
        ({"workers": 0}, "`workers` must be a positive integer"),
        ({"shuffle_buffer": 0}, "`shuffle_buffer` must be a positive integer"),
        ({"source": "./nowhere"}, "`source` must be an existing folder or tar file"),
        ({"source": 3}, "`source` must be a folder, a tar file.*Received: int"),
        ({"source": "empty"}, "`source` must be a folder with images"),
        ({"source": "damaged"}, "`source` must hold whole tar files"),
    ],
)
def test_what_is_no_stream_of_images_is_refused(folder, options, message, tmp_path):
    options = dict(options)
    kind = options.pop("source", folder)
    source = tmp_path if kind in ("empty", "damaged") else kind
    if kind == "damaged":
        (tmp_path / "a.tar").write_bytes(b"x" * 2000)
    with pytest.raises(ValueError, match=message):
        stream_images(source, **{"image_size": 8, **options})


def test_augmentation_takes_numbers_of_numpy():
    plain = Augment(crop=True, scale=0.5, brightness=0.25)
    assert Augment(np.True_, np.float16(0.5), brightness=np.float32(0.25)) == plain
    assert plain.describe() == "crop=True scale=0.5 brightness=0.25"
