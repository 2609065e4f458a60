"""The photographs that the shipped codec is made from, and those that it must never see.

Four Debian packages are unpacked into one folder, whose `usr` this module reads:

    apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 \
        plasma-workspace-wallpapers mate-backgrounds
    for package in *.deb; do dpkg -x $package FOLDER; done

Trained on are only photographs whose notices say CC0, CC-BY or CC-BY-SA, and those that come
with scikit-image and scikit-learn. Large photographs under other free licences are measured on,
which takes nothing from them into the weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage
import sklearn.datasets
from numpy.typing import NDArray
from PIL import Image

Photograph = NDArray[np.uint8]

_LOMIRI = "usr/share/backgrounds"
_PLASMA = "usr/share/wallpapers"
_MATE = "usr/share/backgrounds/mate/nature"

TRAINING = {
    "Bridge_by_Sander_Klootwijk": "Sander Klootwijk, CC-BY-SA-4.0",
    "Dragonfly_by_Bolly": "Bolly, CC-BY-SA-4.0",
    "Kleiber_by_Lukas_Baubkus": "Lukas Baubkus, CC-BY-SA-3.0",
    "Picture_0B_by_freespace": 'Trevor "Freespace", CC-BY-4.0',
    "Picture_1A_by_freespace": 'Trevor "Freespace", CC-BY-4.0',
    "aitzgorri_by_Aitzol_Berasategi": "Aitzol Berasategi, CC-BY-4.0",
    "free_by_Peter_Nerlich": "Peter Nerlich, CC-BY-SA-4.0",
    "friends_by_Aitzol_Berasategi": "Aitzol Berasategi, CC-BY-4.0",
    "greentock_by_Peter_Nerlich": "Peter Nerlich, CC-BY-SA-4.0",
    "life_by_Aitzol_Berasategi": "Aitzol Berasategi, CC-BY-4.0",
    "picosdeeuropa_by_Aitzol_Berasategi": "Aitzol Berasategi, CC-BY-4.0",
    "sunset_by_Aitzol_Berasategi": "Aitzol Berasategi, CC-BY-4.0",
}
"""Of lomiri-wallpapers-16.04 and -20.04: file, author, licence of the notice."""

VALIDATION = {
    "Wine_by_Jakkub_Mede": "Jakub Mede, CC-BY-4.0",
    "seeding_by_Clements_Engelhardt": "Clemens Engelhardt, CC0-1.0",
}
"""Of the same packages."""

SMALL = ("motorcycle_left", "camera", "coins", "moon", "grass", "gravel", "hubble_deep_field")
"""Trained on, of scikit-image; and the flower of scikit-learn. Its china is for validation."""

README = ("astronaut", "coffee", "rocket")
"""The README's three, of scikit-image, fixed in advance; the dark smooth sky is the bad case."""

HELD_OUT = (
    *(f"{_PLASMA}/{name}/contents/images/2560x1600.jpg" for name in (
        "Autumn", "BytheWater", "ColorfulCups", "EveningGlow", "FallenLeaf", "Kite",
        "OneStandsOut", "Path", "summer_1am",
    )),
    *(f"{_MATE}/{name}.jpg" for name in (
        "Blinds", "Dune", "Garden", "LadyBird", "RainDrops", "Storm", "TwoWings", "Wood",
        "YellowFlower",
    )),
)  # fmt: skip
"""Large photographs that are measured on only."""

_MOST_SIDE = (768, 640)


def training_photographs(folder: Path) -> list[Photograph]:
    """Each large photograph halved and cut, quartered, and at an eighth; the small ones whole."""
    result = [view for name in TRAINING for view in _views(folder, name)]
    result += [_of_skimage(name) for name in SMALL]
    return [*result, sklearn.datasets.load_sample_image("flower.jpg")]


def validation_photographs(folder: Path) -> list[Photograph]:
    """As `training_photographs`, of those held out to choose by."""
    result = [view for name in VALIDATION for view in _views(folder, name)]
    return [*result, sklearn.datasets.load_sample_image("china.jpg")]


def large_photographs(folder: Path) -> dict[str, Photograph]:
    """The large ones that are held out, halved."""
    result = {}
    for path in HELD_OUT:
        parts = Path(path).parts
        name = parts[3] if "wallpapers" in parts else Path(path).stem
        result[name] = _scaled(folder / path, 2)
    return result


def readme_photographs() -> dict[str, Photograph]:
    """The three of the README."""
    return {name: _of_skimage(name) for name in README}


def _views(folder: Path, name: str) -> list[Photograph]:
    path = folder / _LOMIRI / f"{name}.jpg"
    half = _scaled(path, 2)
    top, left = (max(0, (n - most) // 2) for n, most in zip(half.shape, _MOST_SIDE, strict=False))
    cut = half[top : top + _MOST_SIDE[0], left : left + _MOST_SIDE[1]]
    return [cut, _scaled(path, 4), _scaled(path, 8)]


def _scaled(path: Path, factor: int) -> Photograph:
    with Image.open(path) as picture:
        size = (picture.width // factor, picture.height // factor)
        return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS))


def _of_skimage(name: str) -> Photograph:
    (path,) = (Path(skimage.__file__).parent / "data").glob(f"{name}.*g")
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
