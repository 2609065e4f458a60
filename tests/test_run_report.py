"""A run folder tells its story: pictures, a filmstrip, a summary and a report in one file."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import keras
import numpy as np
import pytest
from architectures import examples
from PIL import Image

import kerasae
from kerasae.data import Images
from kerasae.runs import Run
from kerasae.training import TrainConfig, train
from kerasae.training.looks import look_at
from kerasae.training.summary import fingerprint

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Notes the tags, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.links, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    for link in reader.links:  # nothing beside it, and nothing from elsewhere
        assert link.startswith(("data:", "#", "runs/")), link
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    return reader


@pytest.fixture(scope="module")
def few(digits):
    return Images(
        digits.train[:200],
        digits.validation[:60],
        digits.test[:40],
        digits.train_labels[:200],
        digits.validation_labels[:60],
        digits.test_labels[:40],
        digits.label_names,
        name="some digits",
    )


def variational(images: Images) -> keras.Model:
    keras.utils.set_random_seed(1)
    return kerasae.build_variational(input_shape=images.image_shape, code_size=4, hidden=(16,))


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_pictures_are_drawn_and_do_not_change_the_training(few, tmp_path):
    config = TrainConfig(epochs=5, batch_size=80)
    plain = train(variational(few), few, config, progress=False).history
    pictured = TrainConfig(epochs=5, batch_size=80, pictures_every=2)
    seen = train(variational(few), few, pictured, out=tmp_path, progress=False).history
    assert seen == plain
    names = sorted(file.name for file in (tmp_path / "pictures").iterdir())
    assert names == [f"epoch-{i:05d}.png" for i in (0, 2, 4, 5)]
    with Image.open(tmp_path / "filmstrip.webp") as film:
        assert film.format == "WEBP"
        assert (film.n_frames, film.size) == (4, (960, 440))
        assert film.info["loop"] == 0
        first = np.asarray(film.convert("RGB"), float)
        film.seek(3)
        assert np.abs(np.asarray(film.convert("RGB"), float) - first).mean() > 1
    assert "data:image/webp" in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("eager")
def test_a_report_tells_what_was_trained_on_what(few, tmp_path):
    folder = tmp_path / "<my run>"
    config = TrainConfig(epochs=2, batch_size=80, optimizer="adamw", patience=7)
    history = train(variational(few), few, config, out=folder, progress=False).history
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["data"]["fingerprint"] == fingerprint(few.train, few.validation)
    assert summary["data"]["train"] == 200
    assert summary["result"]["value"] == min(history["val_loss"])
    assert summary["model"]["code"] == [4]
    assert summary["seconds"] > 0
    assert summary["versions"]["keras"] == keras.__version__
    text = (folder / "report.html").read_text()
    said = read(text).text
    for part in (
        "variational: <my run>",
        "some digits",
        "adamw",
        "learning rate",
        summary["data"]["fingerprint"][:16],
        f"{summary['result']['psnr']:.2f} dB",
        "200 to train, 60 to validate",
        keras.__version__,
        "resume=True",
        "peak memory",
    ):
        assert part in said, part
    assert "prefers-color-scheme: dark" in text
    assert text.count("data:image/png") == 2  # rebuilt, and samples
    for what in ("the loss", "kl", "reconstruction", "learning_rate"):
        assert f'aria-label="{what} of each epoch"' in text
    assert 'aria-label="codes of validation images in a plane"' in text


def test_the_psnr_is_that_of_the_validation_images(few):
    model = variational(few)
    rebuilt = np.clip(
        model.predict(few.validation, verbose=0), few.validation.min(), few.validation.max()
    )
    look = look_at(model, few, measure=True)
    assert look.psnr == pytest.approx(kerasae.evaluation.psnr(few.validation, rebuilt), abs=1e-3)
    assert look.measured == 60
    assert look.samples.shape == (16, 8, 8, 1)
    assert look.points.shape == (60, 2)


def test_equal_data_have_one_fingerprint(few):
    same = fingerprint(few.train.copy(), few.validation)
    assert fingerprint(few.train, few.validation) == same
    other = few.train.copy()
    other[3, 2, 1, 0] += 1e-3
    assert fingerprint(other, few.validation) != same
    assert fingerprint(few.train.astype(np.float64), few.validation) != same
    assert fingerprint(few.train.reshape(200, 64), few.validation) != same


@pytest.mark.slow
@pytest.mark.parametrize("name", list(kerasae.BUILDERS))
def test_every_builder_can_be_looked_at(name):
    builder = kerasae.BUILDERS[name]
    model = kerasae.build(name, **builder.variants[0])
    x = examples(name, builder.variants[0], 12)[0]
    if builder.kind == "table":
        data = kerasae.Table(x, x, columns=builder.variants[0]["columns"])
    elif builder.kind == "conditional":
        images, labels = x[0], x[1].argmax(axis=1)
        data = Images(images, images, train_labels=labels, validation_labels=labels)
    else:
        data = (kerasae.Sequences if builder.kind == "sequence" else Images)(x, x)
    before = model.get_weights()
    look = look_at(model, data, seed=1)
    assert len(look.originals) == len(look.rebuilt) == 8
    assert look.originals.ndim == 4
    for part in (look.originals, look.rebuilt):
        assert 0 <= part.min() <= part.max() <= 1
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_of_another_maker_can_be_looked_at(few):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, padding="same")(inputs))
    model.compile("adam", "mse")
    look = look_at(model, few)
    assert look.samples is None
    assert look.points is None


@pytest.mark.usefixtures("eager")
def test_a_run_of_the_command_line_says_how_to_go_on(tmp_path):
    run = Run("undercomplete", {"code_size": 2, "hidden": (4,)}, "digits", limit=60)
    run.train(run.images(), TrainConfig(epochs=1, batch_size=40), tmp_path / "run", progress=False)
    said = read((tmp_path / "run" / "report.html").read_text()).text
    for part in ("kerasae export run --out BUNDLE", "--resume", "kerasae compare run", "digits"):
        assert part in said
    assert "undercomplete: run" in said
