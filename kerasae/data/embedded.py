"""Sets that need no download: digits, faces, crops of photographs, and drawn ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerasae import _arguments
from kerasae.data import street_scenes
from kerasae.data.drawn_sets import DRAWN, load_drawn
from kerasae.data.images import Images, Integers, last_if_ignored
from kerasae.data.options import Options, draw_splits, split_counts
from kerasae.data.pixels import fit_image, image_from_array, to_unit_range

__all__ = ["EMBEDDED", "PHOTOGRAPHS", "load_embedded", "photograph", "picture_to_publish"]

EMBEDDED: dict[str, str] = {
    "digits": "1,797 handwritten digits, 8x8 grey, from scikit-learn "
    "(UCI Optical Recognition of Handwritten Digits, CC BY 4.0).",
    "photos": "RGB crops of seven photographs, the cat being the test set, from scikit-learn and "
    "scikit-image (china by danielbuechele and flower by vultilion: CC BY 2.0; chelsea and "
    "coffee: CC0; astronaut and rocket: public domain; motorcycle_left: Middlebury Stereo 2014, "
    "no licence stated).",
    "faces": "100 faces, 25x25 grey, from scikit-image (a subset of Labeled Faces in the Wild, "
    "no licence stated; for research).",
    "nonfaces": "100 pieces of background, 25x25 grey, from scikit-image (a subset of Labeled "
    "Faces in the Wild, no licence stated; for research).",
    "textures": "grey crops of brick, grass, tissue and, as the test set, gravel, from "
    "scikit-image (brick, grass and gravel: CC0; immunohistochemistry: no known copyright "
    "restrictions).",
    "streets": "400 street scenes, 64x96 RGB, with one of eight classes for each pixel, or none: "
    "procedural, drawn by kerasae itself.",
    **DRAWN,
}
"""Name and one-sentence description, with origin and licence, of the sets that need no download."""

PHOTOGRAPHS: tuple[str, ...] = (
    "astronaut",
    "chelsea",
    "china",
    "coffee",
    "flower",
    "motorcycle_left",
    "rocket",
)
"""Names of the whole photographs behind `load_images("photos")`."""

# Name -> (photographs for training and validation, photograph of the test set, channels).
_CROPPED: dict[str, tuple[tuple[str, ...], str, int]] = {
    "photos": (tuple(name for name in PHOTOGRAPHS if name != "chelsea"), "chelsea", 3),
    "textures": (("brick", "grass", "immunohistochemistry"), "gravel", 1),
}
_CROPS = 192  # of each photograph that is not the test set
_CROP_SIZE = (64, 64)
_STREETS, _STREET_SIZE = 400, (64, 96)


def load_embedded(name: str, options: Options) -> Images:
    """The embedded set of a name in `EMBEDDED`."""
    if name in _CROPPED:
        return _load_crops(name, options)
    if name == "streets":
        return _load_streets(options)
    if name in DRAWN:
        return load_drawn(name, options)
    return _load_small(name, options)


def photograph(name: str) -> NDArray[np.uint8]:
    """Return one whole photograph that the embedded sets are cut from.

    Args:
        name: One of `PHOTOGRAPHS`, or a photograph of the "textures": "brick", "grass", "gravel",
            "immunohistochemistry".

    Returns:
        uint8 array of shape (height, width, channels), with 3 channels, or 1 for "brick", "grass"
        and "gravel".

    Raises:
        ValueError: If the name is not one of these.

    Example:
        >>> photograph("chelsea").shape
        (300, 451, 3)
    """
    known = sorted({n for pool, test, _ in _CROPPED.values() for n in (*pool, test)})
    name = _arguments.one_of("name", name, known)
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        picture = np.array(load_sample_image(f"{name}.jpg"))
    else:
        import skimage.data

        if name == "motorcycle_left":
            picture = skimage.data.stereo_motorcycle()[0]
        else:
            picture = getattr(skimage.data, name)()
    return np.atleast_3d(picture)


def picture_to_publish(name: str, images: Images) -> NDArray[np.uint8] | None:
    """A picture of an embedded set that may go into what is published, if its licence lets one.

    Args:
        name: Name of the set, or anything else that `load_images` takes.
        images: What it was loaded as.

    Returns:
        uint8 (height, width, channels), of the test set, larger than an image of the set where it
        can be; None for sets without a licence, and for images of one's own.
    """
    channels = images.image_shape[2]
    if name == "photos":
        face = photograph("chelsea")[60:204, 120:312]
        return fit_image(image_from_array(face), face.shape[:2], channels)
    if name == "textures":
        gravel = photograph("gravel")[:144, :192]
        return fit_image(image_from_array(gravel), gravel.shape[:2], channels)
    if name not in ("digits", "streets", *DRAWN) or len(images.test) < 4:
        return None
    four = np.floor(images.test[:4] * 255 + 0.5).astype(np.uint8)
    if name == "streets":
        return four[0]
    return np.concatenate([np.concatenate(pair, axis=1) for pair in (four[:2], four[2:])])


def _load_small(name: str, options: Options) -> Images:
    labels: Integers | None = None
    if name == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels, labels = to_unit_range(digits.images, 16), digits.target.astype(np.int64)
    else:
        import skimage.data

        subset = skimage.data.lfw_subset()  # 100 faces, then 100 pieces of background
        pixels = to_unit_range(subset[:100] if name == "faces" else subset[100:], 1)
    pixels = pixels[..., np.newaxis]
    if options.size not in (None, pixels.shape[1:3]):
        assert options.size is not None
        eight_bits = np.round(pixels * 255).astype(np.uint8)
        pixels = to_unit_range(
            np.stack([fit_image(image_from_array(p), options.size, 1) for p in eight_bits])
        )
    if options.channels == 3:
        pixels = np.repeat(pixels, 3, axis=-1)
    parts = draw_splits(len(pixels), {}, options)
    arrays: dict[str, Any] = {split: pixels[chosen] for split, chosen in parts.items()}
    if labels is not None:
        arrays |= {f"{split}_labels": labels[chosen] for split, chosen in parts.items()}
        arrays["label_names"] = tuple("0123456789")
    return Images(**arrays, sources=parts, name=name)


def _load_crops(name: str, options: Options) -> Images:
    pool, test_name, channels = _CROPPED[name]
    names = (*pool, test_name)
    height, width = options.size or _CROP_SIZE
    photographs = []
    for each in names:
        picture = image_from_array(photograph(each))
        photographs.append(fit_image(picture, picture.size[::-1], options.channels or channels))
    lowest = min(p.shape[0] for p in photographs), min(p.shape[1] for p in photographs)
    if height > lowest[0] or width > lowest[1]:
        raise ValueError(
            f"`image_size` must be at most {lowest}, the smallest photograph of {name!r}. "
            f"Received: image_size={(height, width)}"
        )

    rng = np.random.default_rng(options.seed)
    order = rng.permutation(len(pool))
    held_out = min(max(1, round(options.validation_fraction * len(pool))), len(pool) - 1)
    members = {"train": np.sort(order[held_out:]), "validation": np.sort(order[:held_out])}
    corners = [
        rng.integers((p.shape[0] - height + 1, p.shape[1] - width + 1), size=(_CROPS, 2))
        for p in photographs[:-1]
    ]
    counts = {split: len(members[split]) * _CROPS for split in members}
    if options.limit is not None:
        train, validation = split_counts(counts["train"], counts["validation"], options)
        counts = {"train": train, "validation": validation}

    # (photograph, top, left) of each crop; in turn, so that a limit takes from every photograph.
    places: dict[str, list[tuple[int, int, int]]] = {
        split: [(i, *corners[i][k]) for k in range(_CROPS) for i in members[split]][: counts[split]]
        for split in members
    }
    rows, columns = photographs[-1].shape[0] // height, photographs[-1].shape[1] // width
    top = (photographs[-1].shape[0] - rows * height) // 2
    left = (photographs[-1].shape[1] - columns * width) // 2
    tiles = [
        (len(pool), top + row * height, left + column * width)
        for row in range(rows)
        for column in range(columns)
    ]
    kept = min(len(tiles), options.limit or len(tiles))
    places["test"] = [tiles[i * len(tiles) // kept] for i in range(kept)]
    crops: dict[str, Any] = {
        split: to_unit_range(
            np.stack([photographs[i][y : y + height, x : x + width] for i, y, x in at])
        )
        for split, at in places.items()
    }
    ids = {split: np.array([i for i, _, _ in at], np.int64) for split, at in places.items()}
    return Images(**crops, sources=ids, name=name, source_names=dict(enumerate(names)))


def _load_streets(options: Options) -> Images:
    size, channels = options.size or _STREET_SIZE, options.channels or 3
    parts = draw_splits(_STREETS, {}, options)
    arrays: dict[str, Any] = {}
    for split, chosen in parts.items():
        scenes = [street_scenes.street(int(index), size) for index in chosen]
        pixels = [fit_image(Image.fromarray(picture), size, channels) for picture, _ in scenes]
        arrays[split] = to_unit_range(np.stack(pixels))
        arrays[f"{split}_labels"] = np.stack([labels for _, labels in scenes])
    names = street_scenes.CLASSES
    return Images(
        **arrays,
        label_names=names,
        sources=parts,
        name="streets",
        ignored_class=last_if_ignored(names),
    )
