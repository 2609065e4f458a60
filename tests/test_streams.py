"""Training on what gives batches: every kind of source, epochs, resume, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import kerasae
from kerasae.data import DataError, Images, sources
from kerasae.data.packing import pack_shards
from kerasae.training import TrainConfig, checkpoint, train

ONCE = TrainConfig(epochs=1, batch_size=20)
TWICE = TrainConfig(epochs=2, batch_size=20, schedule="constant")

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).random((100, 4, 4, 1), np.float32)


def model(**changes) -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_undercomplete(
        **{"input_shape": (4, 4, 1), "code_size": 2, "hidden": (), **changes}
    )


def losses(data, config=TWICE, **options) -> dict[str, list[float]]:
    options = {"validation_data": None, "progress": False, **options}
    return train(model(), data, config, **options).history


class Pieces(keras.utils.PyDataset):
    def __init__(self, x, **options):
        super().__init__(**options)
        self.x = x

    def __len__(self):
        return len(self.x) // 20

    def __getitem__(self, i):
        if i == getattr(self, "die_at", None):
            os._exit(1)
        return self.x[20 * i : 20 * (i + 1)]


def batches(x, size=20):
    return lambda: (x[i : i + size] for i in range(0, len(x), size))


def test_every_kind_of_source_teaches_the_same(x):
    tf = pytest.importorskip("tensorflow")
    labels = np.arange(100)
    expected = losses(batches(x), validation_data=x[:30])
    assert expected["loss"][1] < expected["loss"][0]
    kinds = {
        "single examples": lambda: iter(x),
        "pairs": lambda: ((x[i : i + 20], labels[i : i + 20]) for i in range(0, 100, 20)),
        "a target": lambda: ((x[i : i + 20], x[i : i + 20]) for i in range(0, 100, 20)),
        "columns": lambda: ({"label": 1, "image": x[i : i + 20]} for i in range(0, 100, 20)),
        "pixels": Pieces(x),
        "threads": Pieces(x, workers=3, max_queue_size=2),
        "tf.data": tf.data.Dataset.from_tensor_slices((x, labels)).batch(20),
        "tf.data, single": tf.data.Dataset.from_tensor_slices({"image": x, "label": labels}),
    }
    for name, data in kinds.items():
        found = losses(data, validation_data=x[:30])
        np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5, err_msg=name)
        np.testing.assert_allclose(found["val_loss"], expected["val_loss"], rtol=1e-5)


def test_a_validation_may_be_a_stream_and_is_the_same_each_time(x):
    in_memory = losses(batches(x), validation_data=x[:40])
    stream = losses(batches(x), validation_data=batches(x[:40]))
    np.testing.assert_allclose(stream["val_loss"], in_memory["val_loss"], rtol=1e-5)
    first = losses(batches(x), validation_data=batches(x), validation_steps=2)
    np.testing.assert_allclose(first["val_loss"], in_memory["val_loss"], rtol=1e-5)


def test_pixels_in_uint8_are_scaled_and_a_dark_batch_among_them_is_no_binary_image(x):
    pixels = np.uint8(np.round(255 * x))
    pixels[40:60] = pixels[40:60] > 127
    np.testing.assert_allclose(
        losses(batches(pixels), ONCE, validation_data=x)["loss"],
        losses(batches(pixels / np.float32(255)), ONCE, validation_data=x)["loss"],
        rtol=1e-4,
    )


def test_an_array_may_bring_its_validation(x):
    history = losses(x[20:], validation_data=x[:20])
    same = losses(Images(x[20:], x[:20]))
    assert history == same


def test_an_endless_source_goes_on_in_the_next_epoch(x):
    seen = []

    def endless():
        for i in range(10**9):
            seen.append(i)
            yield x[20 * (i % 5) : 20 * (i % 5 + 1)]

    losses(endless, validation_data=x, steps_per_epoch=3)
    assert seen[:6] == [0, 1, 2, 3, 4, 5]
    seen.clear()
    short = losses(batches(x[:40]), validation_data=x, steps_per_epoch=3)  # wraps around
    assert np.isfinite(short["loss"]).all()


def test_a_model_of_labels_learns_those_of_the_stream():
    streets = kerasae.load_images("streets", image_size=16, limit=12)
    net = kerasae.build_segmentation(
        input_shape=streets.image_shape, classes=streets.classes, hidden=(4,), skips="pooling",
        ignored_class=streets.ignored_class,
    )  # fmt: skip

    def pairs():
        yield streets.train, streets.train_labels

    history = train(net, pairs, ONCE, validation_data=pairs, progress=False).history
    assert np.isfinite(history["val_loss"]).all()
    with pytest.raises(ValueError, match="`data` must have the labels that 'segmentation' learns"):
        train(net, lambda: iter([streets.train]), ONCE, validation_data=pairs)


def test_sequences_come_as_streams_too(x):
    net = kerasae.build_recurrent(input_shape=(4, 4), code_size=2, hidden=(4,), cell="conv1d")
    history = train(net, batches(x[..., 0]), ONCE, validation_data=x[:9, ..., 0], progress=False)
    assert np.isfinite(history.history["val_loss"]).all()


def test_half_of_a_stream_is_mirrored(x):
    flipped = TrainConfig(epochs=1, batch_size=20, flip=True)
    plain = losses(batches(x), ONCE, validation_data=x)
    first = losses(batches(x), flipped, validation_data=x)
    assert first == losses(batches(x), flipped, validation_data=x) != plain


class Killed(BaseException):
    pass


def killed_after(monkeypatch, epochs):
    save = checkpoint.TrainingState._save

    def save_and_die(self, folder):
        save(self, folder)
        if len(self.rows) == epochs:
            raise Killed

    monkeypatch.setattr(checkpoint.TrainingState, "_save", save_and_die)


class Dataset:
    """As one of Hugging Face: rows by their numbers, in columns."""

    __module__ = "datasets.arrow_dataset"
    column_names = ("label", "image")

    def __init__(self, x):
        self.x = x

    def with_format(self, kind):
        assert kind == "numpy"
        return self

    def __len__(self):
        return len(self.x)

    def __getitem__(self, rows):
        return {"label": rows, "image": self.x[rows]}


@pytest.mark.parametrize("steps", [None, 3])
def test_rows_have_an_order_by_the_seed_with_which_a_killed_run_goes_on(
    x, steps, tmp_path, monkeypatch
):
    config = TrainConfig(epochs=4, batch_size=20)
    grey = np.uint8(255 * x[..., 0])  # pictures come without the axis of their channels
    options = {"validation_data": x[:20], "steps_per_epoch": steps}
    straight = losses(Dataset(grey), config, **options)
    assert straight == losses(Dataset(grey), config, **options)
    with monkeypatch.context() as patch:
        killed_after(patch, 2)
        with pytest.raises(Killed):
            losses(Dataset(grey), config, out=tmp_path, **options)
    assert losses(Dataset(grey), config, out=tmp_path, resume=True, **options) == straight
    if steps:
        longer = TrainConfig(epochs=5, batch_size=20)
        with pytest.raises(ValueError, match="`data` must be the stream that the run in `out`"):
            losses(Dataset(grey[:50]), longer, out=tmp_path, resume=True, **options)


def test_another_stream_begins_anew_when_a_run_is_resumed(x, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after(patch, 1)
        with pytest.raises(Killed):
            losses(batches(x), out=tmp_path, validation_data=x)
    history = losses(batches(x), out=tmp_path, resume=True, validation_data=x)
    np.testing.assert_allclose(history["loss"], losses(batches(x), validation_data=x)["loss"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(0)
    for i in range(140):
        Image.fromarray(rng.integers(0, 256, (5, 6), np.uint8)).save(root / f"{i:03d}.png")
    return root


@pytest.mark.parametrize(("steps", "shards"), [(None, False), (2, True)])
def test_a_killed_run_on_files_resumes_to_the_same_bits(
    folder, steps, shards, tmp_path, monkeypatch
):
    """Wherever it was in a pass, and with another number of workers."""
    source = folder
    if shards:
        source = tmp_path / "shards"
        pack_shards(folder, source, shard_bytes=2000)

    def stream(workers):
        changes = kerasae.Augment(crop=True, flip=True, brightness=0.1)
        return kerasae.stream_images(
            source, image_size=4, augment=changes, workers=workers, shuffle_buffer=32
        )

    config = TrainConfig(epochs=4, batch_size=20, seed=3)
    options = {"steps_per_epoch": steps, "progress": False}
    straight, resumed = model(), model()
    history = train(straight, stream(1), config, **options).history
    with monkeypatch.context() as patch:
        killed_after(patch, 3)
        with pytest.raises(Killed):
            train(model(), stream(2), config, out=tmp_path / "run", **options)
    again = train(resumed, stream(3), config, out=tmp_path / "run", resume=True, **options)
    assert again.history == history
    for one, other in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("place", [0, pytest.param(4, marks=pytest.mark.slow)])
def test_a_batch_of_nothing_but_broken_files_keeps_its_place(folder, place, tmp_path, monkeypatch):
    source = tmp_path / "images"
    shutil.copytree(folder, source)
    split = kerasae.stream_images(source, image_size=4).train
    victim = split._order(0)[place]
    (source / split.reader.index.name(int(victim))).write_bytes(b"")
    config = TrainConfig(epochs=3, batch_size=1, seed=3)
    options = {"steps_per_epoch": 8, "progress": False}
    straight, resumed = model(), model()

    def stream():
        return kerasae.stream_images(source, image_size=4)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*could not be read")
        history = train(straight, stream(), config, **options).history
        with monkeypatch.context() as patch:
            killed_after(patch, 2)
            with pytest.raises(Killed):
                train(model(), stream(), config, out=tmp_path / "run", **options)
        again = train(resumed, stream(), config, out=tmp_path / "run", resume=True, **options)
    assert again.history == history
    for one, other in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


VICTIM = """
import sys, time, keras, kerasae
from kerasae.training import checkpoint
save, pause = checkpoint.TrainingState._save, float(sys.argv[3])
def save_slowly(self, folder):
    time.sleep(pause)
    save(self, folder)
checkpoint.TrainingState._save = save_slowly
stream = kerasae.stream_images(sys.argv[2], image_size=4, augment={"flip": True, "contrast": 0.2})
keras.utils.set_random_seed(3)
model = kerasae.build_undercomplete(input_shape=(4, 4, 1), code_size=2, hidden=())
config = kerasae.TrainConfig(epochs=12, batch_size=20, jit_compile=False)
kerasae.train(model, stream, config, out=sys.argv[1], resume=True, steps_per_epoch=3,
              progress=False)
"""


@pytest.mark.slow
def test_a_stream_that_was_really_killed_resumes_to_the_same_bits(folder, tmp_path):
    def command(run, pause=0.0):
        return [sys.executable, "-c", VICTIM, str(tmp_path / run), str(folder), str(pause)]

    process = subprocess.Popen(command("b", 0.5), stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "b" / "checkpoint.npz"
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.7)
    process.kill()
    process.wait()
    assert not (tmp_path / "b" / "model.keras").exists()
    for run in ("a", "b"):
        subprocess.run(command(run), check=True, stderr=subprocess.DEVNULL)
    texts = [(tmp_path / run / "history.csv").read_text() for run in ("a", "b")]
    assert texts[0] == texts[1]
    with np.load(tmp_path / "a" / "checkpoint.npz") as a, np.load(checkpoint) as b:
        assert sorted(a) == sorted(b)
        stories = [json.loads(str(data["story"])) for data in (a, b)]
        for story in stories:
            assert len(story.pop("progress")) == 12  # seconds and memory, which are each run's own
        assert stories[0] == stories[1]
        for name in set(a) - {"story"}:
            np.testing.assert_array_equal(a[name], b[name])


def test_broken_files_are_named_after_the_training(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    stream = kerasae.stream_images(tmp_path, image_size=4)
    victims = [f"{i:03d}.png" for i in stream.train.members[[5, 50]]]
    (tmp_path / victims[0]).write_bytes(b"")
    with warnings.catch_warnings(record=True) as caught:  # TensorFlow's own among them
        warnings.simplefilter("always")
        train(model(), stream, ONCE, progress=False)
    told = [str(w.message) for w in caught if "could not be read" in str(w.message)]
    assert len(told) == 1
    assert told[0].startswith(f"1 file could not be read and was left out: {victims[0]} (")
    (tmp_path / victims[1]).write_bytes(b"")
    with pytest.raises(DataError, match=r"no more than 1% of unreadable.*2 of 101 so far"):
        train(model(), kerasae.stream_images(tmp_path, image_size=4), ONCE, progress=False)


def in_the_middle(x, bad):
    def generate():
        yield x[:20]
        yield bad() if callable(bad) else bad
        yield x[:20]

    return generate


def boom():
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.zeros((20, 5, 4, 1)), ValueError, r"must have the shape.*at batch 2 of epoch 1"),
        (np.zeros((20, 4, 4, 1), int), ValueError, r"must be floating point.*at batch 2 of epoch"),
        (np.full((20, 4, 4, 1), np.nan), ValueError, r"must be finite.*at batch 2 of epoch 1"),
        (np.full((20, 4, 4, 1), 3.0), ValueError, r"\[0, 1\].*at batch 2 of epoch 1"),
        (([1], [2], [3]), ValueError, "a pair .*Received: 3 parts"),
        ({"a": 1, "b": 2}, ValueError, "must have a column named image.*Received: a, b"),
        (boom, DataError, r"generator failed at batch 2 of epoch 1.*OSError: the disk is gone"),
    ],
)
def test_what_is_bad_in_the_middle_is_told_where_it_is(x, bad, error, message):
    with pytest.raises(error, match=message):
        losses(in_the_middle(x, bad), ONCE, validation_data=x, steps_per_epoch=3)


def test_an_error_leaves_the_checkpoint_of_the_last_epoch(x, tmp_path):
    passes = []

    def fails_later():
        passes.append(1)
        yield x[:20]
        if len(passes) == 3:  # the first one counted the batches
            boom()
        yield x[20:40]

    with pytest.raises(DataError, match="epoch 2.*the checkpoints of earlier epochs stay"):
        losses(fails_later, out=tmp_path, validation_data=x)
    assert (tmp_path / "checkpoint.npz").exists()
    assert len(losses(batches(x[:40]), out=tmp_path, resume=True, validation_data=x)["loss"]) == 2


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (lambda: iter([]), {}, "`data` must hold at least one batch. Received: an empty generator"),
        (lambda: 3, {}, "`data` must be a function that makes a generator.*returns int"),
        (iter([1]), {}, "`data` must be an array.*`lambda: generator\\(\\)`.*list_iterator"),
        ("digits", {}, "`data` must be an array, `Images`.*Received: str"),
        (batches, {"validation_data": None}, "`validation_data` must be given for a stream"),
        (batches, {"validation_data": lambda: iter([])}, "`validation_data` must hold at least"),
        (batches, {"steps_per_epoch": 0}, "`steps_per_epoch` must be a positive integer"),
    ],
)
def test_what_is_no_stream_is_refused(x, data, options, message, tmp_path):
    data = batches(x) if data is batches else data
    with pytest.raises(ValueError, match=message):
        losses(data, out=tmp_path / "run", **{"validation_data": x, **options})
    assert not (tmp_path / "run").exists()


def test_what_is_endless_needs_its_steps(x, monkeypatch):
    monkeypatch.setattr(sources, "_MOST", 50)

    def endless():
        while True:
            yield x[:20]

    class Endless(Pieces):
        num_batches = None

    for data in (endless, Endless(x)):
        with pytest.raises(ValueError, match="`steps_per_epoch`, or `validation_steps`, must say"):
            losses(data, validation_data=x)
    with pytest.raises(ValueError, match="`validation_steps`"):
        losses(batches(x), validation_data=endless)
    with pytest.raises(ValueError, match="are for streams; arrays tell"):
        losses(x, steps_per_epoch=3)
    with pytest.raises(ValueError, match="`Images` and the like hold their own"):
        losses(Images(x, x), validation_data=x)


@pytest.mark.slow
def test_a_process_that_dies_is_told(x):
    data = Pieces(x, workers=1, use_multiprocessing=True)
    assert len(losses(data, ONCE, validation_data=x)["loss"]) == 1
    data.die_at = 3
    with pytest.raises(DataError, match="PyDataset failed at batch"):
        losses(data, ONCE, validation_data=x)


@pytest.mark.slow
def test_a_stream_trains_where_there_is_no_other_library():
    code = """
import sys
sys.modules["tensorflow"] = None  # an import of it fails
import numpy as np, kerasae
x = np.random.default_rng(0).random((40, 4, 4, 1), np.float32)
model = kerasae.build_undercomplete(input_shape=(4, 4, 1), code_size=2, hidden=())
config = kerasae.TrainConfig(epochs=1, batch_size=20)
kerasae.train(model, lambda: iter([x[:20], x[20:]]), config, validation_data=x, progress=False)
assert not {"torch", "datasets"} & set(sys.modules)
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
