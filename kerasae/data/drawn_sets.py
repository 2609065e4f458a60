"""Letters of many fonts, and emoji: pictures that were drawn once from free fonts and are shipped.

`benchmarks/drawn_sets.py` drew them; `drawn/fonts.json` says from which fonts.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerasae.data.images import SPLITS, Images, Integers
from kerasae.data.options import Options, draw_splits, split_counts
from kerasae.data.pixels import fit_image, image_from_array, to_unit_range

__all__ = ["DRAWN", "load_drawn"]

DRAWN = {
    "letters": "the 26 capitals in 308 typefaces, 8,008 images, 28x28 grey, labels A-Z; no font is "
    "in two splits. Drawn from free fonts of Debian (OFL, Apache-2.0, MIT, public domain).",
    "emoji": "698 emoji, 32x32 RGB on white: faces, people in five tones of skin, animals, food. "
    "Drawn from Noto Color Emoji (Google; artwork Apache-2.0, font OFL-1.1).",
}
"""Name and one-sentence description of the sets that are drawn from fonts."""

_HERE = Path(__file__).parent / "drawn"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIDES = {"letters": 28, "emoji": 32}
_GROUPS = ("face", "person", "animal", "food")


def load_drawn(name: str, options: Options) -> Images:
    """The set of a name in `DRAWN`, split by what an image is drawn after: a font, or a figure."""
    pixels, labels, origins, origin_names = _all(name)
    parts = draw_splits(len(origin_names), {}, _without_limit(options), "fonts")
    rng = np.random.default_rng(options.seed)
    chosen = {
        split: rng.permutation(np.flatnonzero(np.isin(origins, parts[split]))) for split in SPLITS
    }
    counts: dict[str, int | None] = dict.fromkeys(SPLITS, options.limit)
    if options.limit is not None:
        train, validation = len(chosen["train"]), len(chosen["validation"])
        counts["train"], counts["validation"] = split_counts(train, validation, options)
    arrays: dict[str, Any] = {}
    sources: dict[str, Integers] = {}
    for split in SPLITS:
        at = np.sort(chosen[split][: counts[split]])
        arrays[split] = _fitted(pixels[at], options)
        arrays[f"{split}_labels"] = labels[at]
        sources[split] = origins[at]
    return Images(
        **arrays,
        label_names=tuple(_LETTERS) if name == "letters" else _GROUPS,
        sources=sources,
        source_names=dict(enumerate(origin_names)),
        name=name,
    )


@cache
def _all(name: str) -> tuple[NDArray[np.uint8], Integers, Integers, tuple[str, ...]]:
    """Every image, its label, the number of what it is drawn after, and the names of these."""
    story = json.loads((_HERE / "fonts.json").read_text(encoding="utf-8"))[name]
    with Image.open(_HERE / f"{name}.webp") as picture:
        sheet = np.asarray(picture.convert("L" if name == "letters" else "RGB"))
    side = _SIDES[name]
    rows, columns = sheet.shape[0] // side, sheet.shape[1] // side
    tiles = sheet.reshape(rows, side, columns, side, -1).swapaxes(1, 2)  # (rows, columns, H, W, C)
    pixels = tiles.reshape(rows * columns, side, side, -1)
    if name == "letters":
        labels = np.tile(np.arange(columns), rows)
        return pixels, labels, np.repeat(np.arange(rows), columns), tuple(f["name"] for f in story)
    pixels = pixels[: len(story)]  # the last row is filled up
    codes = tuple(dict.fromkeys(each["code"] for each in story))
    names = tuple("".join(chr(int(code, 16)) for code in each.split()) for each in codes)
    labels = np.array([_GROUPS.index(each["group"]) for each in story], np.int64)
    return pixels, labels, np.array([codes.index(each["code"]) for each in story], np.int64), names


def _fitted(pixels: NDArray[np.uint8], options: Options) -> NDArray[np.float32]:
    """Float pixels of the size and the channels that were asked for."""
    size = options.size or pixels.shape[1:3]
    channels = options.channels or pixels.shape[3]
    if (*size, channels) != pixels.shape[1:]:
        pixels = np.stack([fit_image(image_from_array(each), size, channels) for each in pixels])
    return to_unit_range(pixels)


def _without_limit(options: Options) -> Options:
    return Options(options.size, options.channels, options.validation_fraction, None, options.seed)
