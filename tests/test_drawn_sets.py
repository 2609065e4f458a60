"""Letters of many fonts, and emoji: what they promise, and that they are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from image_sets import SPLITS
from sklearn.linear_model import LogisticRegression

import kerasae
from kerasae.data import EMBEDDED, drawn_sets

DRAWN = Path(drawn_sets.__file__).parent / "drawn"


def test_letters_are_26_of_each_font_and_a_font_is_in_one_split() -> None:
    letters = kerasae.load_images("letters")
    assert letters.image_shape == (28, 28, 1)
    assert letters.label_names == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    fonts = {split: set(letters.sources[split].tolist()) for split in SPLITS}
    assert set.union(*fonts.values()) == set(range(len(letters.source_names)))
    assert sum(map(len, fonts.values())) == len(letters.source_names) == 308
    for split in SPLITS:
        labels = getattr(letters, f"{split}_labels")
        pairs = set(zip(letters.sources[split].tolist(), labels.tolist(), strict=True))
        assert len(pairs) == len(labels) == 26 * len(fonts[split])
    assert letters.source_names[0] == "Allerta Stencil"


def test_a_letter_looks_like_its_label_in_a_font_never_seen() -> None:
    letters = kerasae.load_images("letters", limit=1500)
    readers = LogisticRegression(max_iter=200)
    readers.fit(letters.train.reshape(len(letters.train), -1), letters.train_labels)
    test = letters.test.reshape(len(letters.test), -1)
    assert readers.score(test, letters.test_labels) > 0.75  # guessing gives 0.04


def test_letters_stand_on_black_inside_their_image() -> None:
    letters = kerasae.load_images("letters")
    assert letters.train.max(axis=(1, 2, 3)).min() > 0.3
    edges = np.concatenate(
        [letters.train[:, [0, -1]].ravel(), letters.train[:, :, [0, -1]].ravel()]
    )
    assert edges.mean() < 0.01
    assert len({image.tobytes() for image in letters.train}) > 0.98 * len(letters.train)


def test_emoji_keep_a_person_of_all_tones_in_one_split() -> None:
    emoji = kerasae.load_images("emoji")
    assert emoji.image_shape == (32, 32, 3)
    assert emoji.label_names == ("face", "person", "animal", "food")
    figures = [set(emoji.sources[split].tolist()) for split in SPLITS]
    assert sum(map(len, figures)) == len(set.union(*figures)) == len(emoji.source_names)
    people = emoji.sources["train"][emoji.train_labels == 1]
    assert np.bincount(people).max() == 6  # yellow, and five tones
    assert {"\N{GRINNING FACE}", "\N{PANDA FACE}"} <= set(emoji.source_names.values())
    assert (emoji.train[:, 0, 0] == 1).mean() > 0.9  # on white


def test_a_yellow_face_is_yellow() -> None:
    emoji = kerasae.load_images("emoji")
    (grin,) = [i for i, name in emoji.source_names.items() if name == "\N{GRINNING FACE}"]
    (face,) = [
        getattr(emoji, split)[at]
        for split in SPLITS
        for at in np.flatnonzero(emoji.sources[split] == grin)
    ]
    red, green, blue = face[6, 12:20].mean(axis=0)  # the forehead
    assert red > 0.9 > green > 0.7 > blue


@pytest.mark.parametrize("name", ["letters", "emoji"])
def test_options_do_what_they_say(name: str) -> None:
    few = kerasae.load_images(name, limit=40)
    assert [len(few.train), len(few.validation), len(few.test)] == [36, 4, 40]
    grey = kerasae.load_images(name, limit=10, channels=1, image_size=16)
    colour = kerasae.load_images(name, limit=10, channels=3, image_size=(20, 24))
    assert (grey.image_shape, colour.image_shape) == ((16, 16, 1), (20, 24, 3))
    other = kerasae.load_images(name, seed=1)
    assert set(other.sources["test"]) != set(kerasae.load_images(name).sources["test"])


def test_every_font_has_a_package_and_a_free_licence() -> None:
    story = json.loads((DRAWN / "fonts.json").read_text(encoding="utf-8"))
    free = {"OFL-1.1", "Apache-2.0", "MIT", "WTFPL-2", "public domain"}
    assert {font["licence"] for font in story["letters"]} <= free
    assert all(font["package"].startswith("fonts-") for font in story["letters"])
    assert f"{len(story['letters'])} typefaces" in EMBEDDED["letters"]
    assert EMBEDDED["emoji"].startswith(f"{len(story['emoji'])} emoji")
    assert sum(path.stat().st_size for path in DRAWN.iterdir()) < 1_500_000
