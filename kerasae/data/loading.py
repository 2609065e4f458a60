"""Images to learn from: embedded sets, TensorFlow Datasets and folders, all as one `Images` type.

    >>> images = load_images("digits")
    >>> images
    Images('digits', train=1294, validation=144, test=359, image_shape=(8, 8, 1))
    >>> images.train.dtype, float(images.train.min()), float(images.train.max())
    (dtype('float32'), 0.0, 1.0)

Nothing here needs Keras. The heavy libraries are imported by the loader that needs them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import hashlib
import io
import logging
import math
import os
import socket
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from kerasae.data import street_scenes as _streets

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
_TEST_FRACTION = 0.2
_LARGEST_COMMON = 256  # a folder of larger images is not loaded at full size unless asked to
_DEFAULT_SIZE = (128, 128)
_EXTENSIONS = frozenset(
    ".png .jpg .jpeg .webp .bmp .gif .tif .tiff .ppm .pgm .avif".split(),  # noqa: SIM905
)
_SPLIT_FOLDERS = {
    "train": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}
_SPLITS = ("train", "validation", "test")
_NAMED_IN_WARNING = 20

_UNLABELLED = frozenset("unlabelled unlabeled void ignore ignored".split())  # noqa: SIM905
_MAPS = "annot"  # the label maps of the images in the folder "train" are in "trainannot"
_CLASSES = "classes.txt"

Pixels = NDArray[np.float32]
Integers = NDArray[np.int64]
LabelMaps = NDArray[np.uint8]


class DataError(RuntimeError):
    """A data set exists but cannot be fetched or read here."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images in three splits that never share a source photograph.

    Attributes:
        train: float32 array of shape (images, height, width, channels), values in [0, 1].
        validation: The same, for choosing hyperparameters and stopping early.
        test: The same, for the final number only.
        train_labels: int64 array of shape (images,); for segmentation a label of each pixel, uint8
            (images, height, width); or None where the set has no labels.
        validation_labels: The same for `validation`.
        test_labels: The same for `test`.
        label_names: The name of each label; empty where there are none.
        sources: For each of "train", "validation" and "test" an int64 array that gives, for each
            image, the id of the photograph that it came from. No id occurs in two splits.
        source_names: Id -> name of the photograph or file, where sources have names.
        skipped: Files that could not be read, relative to the folder.
        name: Name of the set, or of the folder.
        ignored_class: Label of the pixels that belong to no class, where there are such; its name
            is the last of `label_names`.
    """

    train: Pixels
    validation: Pixels
    test: Pixels
    train_labels: Integers | LabelMaps | None = None
    validation_labels: Integers | LabelMaps | None = None
    test_labels: Integers | LabelMaps | None = None
    label_names: tuple[str, ...] = ()
    sources: Mapping[str, Integers] = dataclasses.field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    name: str = "images"
    source_names: Mapping[int, str] = dataclasses.field(default_factory=dict)
    ignored_class: int | None = None

    @property
    def classes(self) -> int:
        """Number of classes, the ignored one not among them; 0 where there are no labels."""
        return len(self.label_names) - (self.ignored_class is not None)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels), what a builder takes as `input_shape`."""
        height, width, channels = self.train.shape[1:]
        return height, width, channels

    @property
    def segmented(self) -> bool:
        """Whether each pixel has a label, as segmentation needs it."""
        return self.train_labels is not None and self.train_labels.ndim == 3

    def of_classes(self, classes: Sequence[str | int]) -> Images:
        """Return the images of some classes only, in the splits and the order that they had.

        Args:
            classes: Names from `label_names`, or labels, each once. The first one is label 0 of
                the result, the second label 1, and so on.

        Returns:
            The images, with their new labels, `label_names`, `sources` and the `source_names` that
            still occur. Its `name` names the classes.

        Raises:
            ValueError: If the images have no labels of their own, a class is unknown or named
                twice, or a split holds none of the classes.

        Example:
            >>> load_images("digits").of_classes(["8", "1"]).summary()
            'digits (8, 1): 8x8x1, 251 train, 26 validation, 79 test images, 2 labels'
        """
        if self.train_labels is None or self.segmented:
            kind = "labels of pixels" if self.segmented else "none"
            raise ValueError(f"Images of classes need one label for each. Received: {kind}")
        chosen = [classes] if isinstance(classes, str | int) else list(classes)
        known: dict[Any, int] = {name: label for label, name in enumerate(self.label_names)}
        known |= {label: label for label in range(len(self.label_names))}
        wanted = [known.get(one, -1) for one in chosen]
        if not wanted or -1 in wanted or len(set(wanted)) < len(wanted):
            raise ValueError(
                f"`classes` must be different ones of {', '.join(self.label_names)}, or their "
                f"labels. Received: classes={classes!r}"
            )
        arrays: dict[str, Any] = {}
        sources: dict[str, Integers] = {}
        for split in _SPLITS:
            labels = getattr(self, f"{split}_labels")
            kept = np.flatnonzero(np.isin(labels, wanted))
            if not len(kept):
                raise ValueError(
                    f"`classes` must occur in each split. Received: classes={classes!r}, of which "
                    f"{split} holds no image"
                )
            arrays[split] = getattr(self, split)[kept]
            arrays[f"{split}_labels"] = np.array([wanted.index(i) for i in labels[kept]], np.int64)
            if split in self.sources:
                sources[split] = self.sources[split][kept]
        names = tuple(self.label_names[label] for label in wanted)
        left = {int(i) for ids in sources.values() for i in ids}
        return dataclasses.replace(
            self,
            **arrays,
            label_names=names,
            sources=sources,
            source_names={i: name for i, name in self.source_names.items() if i in left},
            name=f"{self.name} ({', '.join(names)})",
        )

    def summary(self) -> str:
        """Return the facts of the set in one line."""
        height, width, channels = self.image_shape
        counts = ", ".join(f"{len(getattr(self, split)):,} {split}" for split in _SPLITS)
        text = f"{self.name}: {height}x{width}x{channels}, {counts} images"
        if self.label_names:
            text += f", {self.classes} label{'s' if self.classes != 1 else ''}"
            text += " of pixels" if self.segmented else ""
        if self.skipped:
            text += f", {len(self.skipped)} file{'s' if len(self.skipped) != 1 else ''} skipped"
        return text

    def __repr__(self) -> str:
        counts = ", ".join(f"{split}={len(getattr(self, split))}" for split in _SPLITS)
        return f"Images({self.name!r}, {counts}, image_shape={self.image_shape})"


def load_images(
    source: str | os.PathLike[str],
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    validation_fraction: float = 0.1,
    limit: int | None = None,
    seed: int = 0,
) -> Images:
    """Load images as float32 arrays in [0, 1], split into train, validation and test.

    The same arguments give the same arrays. A plain string is looked up in this order: embedded
    sets, folders, TensorFlow Datasets; a `pathlib.Path` is always a folder.

    **Embedded sets** (`EMBEDDED`) need no download. "digits" (8x8x1, labels 0-9), "faces" and
    "nonfaces" (25x25x1) hold out 20 % of the images, chosen by `seed`, as the test set. "photos"
    (64x64x3) are 192 random crops of each of six photographs; one whole photograph, chosen by
    `seed`, is the validation set, and a grid of tiles of chelsea the cat is always the test set.
    "textures" (64x64x1) are made the same way from brick, grass and stained tissue
    (immunohistochemistry), three close views without a subject; gravel is always the test set.
    "streets" (64x96x3) are 400 street scenes that kerasae draws itself, with a label of each
    pixel; 20 % of the scenes, chosen by `seed`, are the test set.

    **TensorFlow Datasets**: any set with images, by its name ("mnist", "cifar10",
    "imagenet_resized/32x32"), with its own splits where it has them. Prepared sets are looked for
    in the folder that the environment variable TFDS_DATA_DIR names (default:
    ~/tensorflow_datasets). Where the images differ in size the default size is 128x128. Where a
    set has a `segmentation_mask`, such as "camvid", it is the label of each pixel.

    **Folders** are searched recursively for .png, .jpg, .jpeg, .webp, .bmp, .gif, .tif, .tiff,
    .ppm, .pgm and .avif, in sorted order; hidden files and folders are ignored. If there is a
    folder "train" at the top, then the folders "train", "val" or "validation", and "test" are the
    splits, everything else is ignored, and a missing split is carved from "train". Otherwise, two
    or more folders at the top (or inside the splits) that hold all the images are class labels.
    If there is a folder "trainannot" beside "train", the splits have label maps in place of them:
    trainannot/NAME.png, one byte a pixel, is that of train/NAME.jpg, and so for "val" and "test";
    a file classes.txt may name the labels, one a line. A last class "unlabelled" or "void" is the
    `ignored_class`.
    EXIF orientation is applied, transparency is laid over white, 16-bit grey is reduced to 8 bits,
    and of an animation the first frame is taken. Files with identical bytes are one source: they
    stay in one split, and copies of test or validation files are dropped from "train".

    Args:
        source: Name of a set, or a folder.
        image_size: (height, width) in pixels, or one integer for a square. Images are scaled
            (Lanczos, aspect kept) so that this size is just covered, then cropped at the centre,
            and label maps with them (nearest neighbour). For "photos" and "textures" it is the
            size of the crops, without scaling; "streets" are drawn at this size. Default: the
            size that all the images share, if no side is above 256, otherwise 128x128.
        channels: 1 (grey: ITU-R 601 luma) or 3 (RGB). Default: what the set has; for a folder 1
            if every image is grey, otherwise 3.
        validation_fraction: Fraction, in (0, 1), of the sources outside the test set (images, or
            for "photos" and "textures" photographs) that are the validation set; at least one.
            A set with a validation split of its own keeps it.
        limit: At most this many images in train and validation together (at least 2), and at
            most this many in test; no more are read than that takes.
        seed: Seed of every random choice: splits, limits and crops.

    Returns:
        The images, as an `Images` object.

    Raises:
        ValueError: If an argument is out of range, the name is unknown, or the folder holds too few
            readable images for three splits.
        DataError: If the set exists in TensorFlow Datasets but cannot be downloaded or read here.

    Warns:
        UserWarning: If files of a folder could not be read; they are also in `Images.skipped`.

    Example:
        >>> images = load_images("digits", image_size=16, channels=3, limit=100)
        >>> images.image_shape
        (16, 16, 3)
        >>> len(images.train), len(images.validation), len(images.test)
        (90, 10, 100)
    """
    options = _Options(
        size=_checked_size(image_size),
        channels=channels,
        validation_fraction=validation_fraction,
        limit=limit,
        seed=seed,
    )
    if isinstance(source, str) and source in _CROPPED:
        return _load_crops(source, options)
    if source == "streets":
        return _load_streets(options)
    if isinstance(source, str) and source in EMBEDDED:
        return _load_small(source, options)
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        raise ValueError(
            "`source` must be the name of a data set or the path of a folder. "
            f"Received: source={source!r}"
        )
    path = Path(source)
    if path.is_dir():
        return _load_folder(path, options)
    if path.exists() or not isinstance(source, str):
        raise ValueError(f"`source` must be an existing folder. Received: source={str(source)!r}")
    return _load_tfds(source, options)


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
    if name not in known:
        raise ValueError(f"`name` must be one of {', '.join(known)}. Received: name={name!r}")
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


# --- Arguments and splits ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Options:
    """The checked arguments of `load_images`."""

    size: tuple[int, int] | None
    channels: int | None
    validation_fraction: float
    limit: int | None
    seed: int

    def __post_init__(self) -> None:
        if self.channels not in (None, 1, 3):
            raise ValueError(f"`channels` must be 1, 3 or None. Received: channels={self.channels}")
        fraction = self.validation_fraction
        if isinstance(fraction, bool) or not isinstance(fraction, int | float | np.floating):
            fraction = math.nan
        if not 0 < fraction < 1:
            raise ValueError(
                "`validation_fraction` must be a number above 0 and below 1. "
                f"Received: validation_fraction={self.validation_fraction!r}"
            )
        if self.limit is not None and not _is_integer(self.limit, at_least=2):
            raise ValueError(
                f"`limit` must be an integer of at least 2, or None. Received: limit={self.limit!r}"
            )
        if not _is_integer(self.seed, at_least=0):
            raise ValueError(f"`seed` must be an integer >= 0. Received: seed={self.seed!r}")


def _is_integer(value: object, *, at_least: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and value >= at_least  # type: ignore[operator]


def _checked_size(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    pair = tuple(image_size) if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(pair) != 2 or not all(_is_integer(side, at_least=1) for side in pair):
        raise ValueError(
            "`image_size` must be a positive integer, a pair (height, width) of them, or None. "
            f"Received: image_size={image_size!r}"
        )
    return int(pair[0]), int(pair[1])


def _shares(pool: int, own_validation: int, options: _Options) -> tuple[int, int]:
    """How many of `pool` are train, and how many of it, or of its own split, are validation."""
    limit = options.limit
    if own_validation and limit is None:
        return pool, own_validation
    total = pool if limit is None else min(limit, pool + own_validation)
    validation = min(max(1, round(options.validation_fraction * total)), total - 1)
    if own_validation:
        validation = min(validation, own_validation)
    return min(pool, total - validation), validation


def _carve(pool: int, own: Mapping[str, int], options: _Options) -> dict[str, Integers]:
    """Choose the images of each split.

    Args:
        pool: Number of sources to train on, and to carve missing splits from.
        own: Number of images in the splits that the set has besides, "validation" and "test".
        options: What the user asked for.

    Returns:
        For each split the sorted indices, into its own images or else into the pool.
    """
    if pool < 3 - len(own):
        raise ValueError(
            "`source` must hold at least 3 different images, one for each of train, validation "
            f"and test. Received: source with {pool + sum(own.values())} readable images"
        )
    parts: dict[str, Integers] = {}
    order = np.random.default_rng(options.seed).permutation(pool)
    if "test" in own:
        parts["test"] = np.arange(own["test"])[: options.limit]
    else:
        held_out = max(1, round(_TEST_FRACTION * pool))
        parts["test"], order = order[:held_out][: options.limit], order[held_out:]
    train, validation = _shares(len(order), own.get("validation", 0), options)
    if "validation" in own:
        parts["validation"] = np.arange(validation)
    else:
        parts["validation"], order = order[:validation], order[validation:]
    parts["train"] = order[:train]
    return {split: np.sort(chosen) for split, chosen in parts.items()}


def _needed(options: _Options, own: Mapping[str, Any]) -> int | None:
    """How many images of the pool suffice under `limit`; None for all."""
    if options.limit is None:
        return None
    return options.limit if "test" in own else math.ceil(options.limit / (1 - _TEST_FRACTION))


# --- Pixels -----------------------------------------------------------------------------------


def _standard(picture: Image.Image) -> Image.Image:
    """Any image as 8-bit mode "L" or "RGB"."""
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        # 16-bit grey; 65535 / 257 = 255. Pillow itself would clip instead of scale.
        wide = np.asarray(picture).astype(np.float64)
        return Image.fromarray(np.clip(np.round(wide / 257), 0, 255).astype(np.uint8))
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no agreed range")
    grey = picture.mode in ("1", "L", "LA", "La")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("L" if grey else "RGB")


def _fitted(picture: Image.Image, size: tuple[int, int], channels: int | None) -> NDArray[np.uint8]:
    """An "L" or "RGB" image scaled to cover `size`, cropped, as a uint8 array (H, W, C)."""
    if picture.size != size[::-1]:
        picture = ImageOps.fit(picture, size[::-1], Image.Resampling.LANCZOS)
    if channels is not None:
        picture = picture.convert("L" if channels == 1 else "RGB")
    return np.atleast_3d(np.asarray(picture))


def _fitted_labels(labels: LabelMaps, size: tuple[int, int]) -> LabelMaps:
    """A label map (H, W) scaled and cropped as `_fitted` does its image, by nearest neighbours."""
    if labels.shape == size:
        return labels
    picture = Image.fromarray(labels)
    return np.asarray(ImageOps.fit(picture, size[::-1], Image.Resampling.NEAREST))


def _from_array(pixels: NDArray[Any]) -> Image.Image:
    """A uint8 or uint16 array (H, W, C) as an 8-bit image."""
    return _standard(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def _unit(pixels: NDArray[Any], top: float = 255) -> Pixels:
    return np.divide(pixels, np.float32(top), dtype=np.float32)


# --- Embedded sets ----------------------------------------------------------------------------


def _load_small(name: str, options: _Options) -> Images:
    labels: Integers | None = None
    if name == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels, labels = _unit(digits.images, 16), digits.target.astype(np.int64)
    else:
        import skimage.data

        subset = skimage.data.lfw_subset()  # 100 faces, then 100 pieces of background
        pixels = _unit(subset[:100] if name == "faces" else subset[100:], 1)
    pixels = pixels[..., np.newaxis]
    if options.size not in (None, pixels.shape[1:3]):
        assert options.size is not None
        eight_bits = np.round(pixels * 255).astype(np.uint8)
        pixels = _unit(np.stack([_fitted(_from_array(p), options.size, 1) for p in eight_bits]))
    if options.channels == 3:
        pixels = np.repeat(pixels, 3, axis=-1)
    parts = _carve(len(pixels), {}, options)
    arrays: dict[str, Any] = {split: pixels[chosen] for split, chosen in parts.items()}
    if labels is not None:
        arrays |= {f"{split}_labels": labels[chosen] for split, chosen in parts.items()}
        arrays["label_names"] = tuple("0123456789")
    return Images(**arrays, sources=parts, name=name)


def _load_crops(name: str, options: _Options) -> Images:
    pool, test_name, channels = _CROPPED[name]
    names = (*pool, test_name)
    height, width = options.size or _CROP_SIZE
    photographs = []
    for each in names:
        picture = _from_array(photograph(each))
        photographs.append(_fitted(picture, picture.size[::-1], options.channels or channels))
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
        train, validation = _shares(counts["train"], counts["validation"], options)
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
        split: _unit(np.stack([photographs[i][y : y + height, x : x + width] for i, y, x in at]))
        for split, at in places.items()
    }
    ids = {split: np.array([i for i, _, _ in at], np.int64) for split, at in places.items()}
    return Images(**crops, sources=ids, name=name, source_names=dict(enumerate(names)))


def _load_streets(options: _Options) -> Images:
    size, channels = options.size or _STREET_SIZE, options.channels or 3
    parts = _carve(_STREETS, {}, options)
    arrays: dict[str, Any] = {}
    for split, chosen in parts.items():
        scenes = [_streets.street(int(index), size) for index in chosen]
        pixels = [_fitted(Image.fromarray(picture), size, channels) for picture, _ in scenes]
        arrays[split] = _unit(np.stack(pixels))
        arrays[f"{split}_labels"] = np.stack([labels for _, labels in scenes])
    names = _streets.CLASSES
    return Images(
        **arrays, label_names=names, sources=parts, name="streets", ignored_class=_ignored(names)
    )


# --- Folders ----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _File:
    """A file that was read: its place in the sorted list, its content's hash and its pixels."""

    index: int
    digest: bytes
    pixels: NDArray[np.uint8]


def _load_folder(folder: Path, options: _Options) -> Images:
    paths = _image_paths(folder)
    members: dict[str, list[int]] = {}
    has_splits = any(path.parts[0] == "train" and len(path.parts) > 1 for path in paths)
    for index, path in enumerate(paths):
        split = _SPLIT_FOLDERS.get(path.parts[0], "") if has_splits else "train"
        if split and (not has_splits or len(path.parts) > 1):
            members.setdefault(split, []).append(index)
    if not members:
        raise ValueError(f"`source` must be a folder with images. Received: source={str(folder)!r}")
    used = [paths[i] for indices in members.values() for i in indices]
    size = options.size or _common_size(folder, used)

    # Test files are read first: a copy of one of them in "train" is then known, and dropped.
    rng = np.random.default_rng(options.seed)
    files: dict[str, list[_File]] = {}
    seen: set[bytes] = set()
    failures: dict[str, str] = {}
    for split in reversed(_SPLITS):
        indices = rng.permutation(np.array(members.get(split, []), np.int64))
        needed = _needed(options, files) if split == "train" else options.limit
        found: list[_File] = []
        contents: set[bytes] = set()
        for index in indices:
            if needed is not None and len(contents) >= needed:
                break
            try:
                file = _read(folder, paths[index], int(index), size, options.channels)
            except Exception as error:  # noqa: BLE001 - damaged files raise all kinds of errors
                failures[str(paths[index])] = str(error) or type(error).__name__
                continue
            if file.digest not in seen:
                found.append(file)
                contents.add(file.digest)
        seen |= contents
        if found:
            files[split] = found
    if failures:
        _warn_of(failures, folder)

    # Copies are one source: the split is drawn among groups of equal files.
    groups: dict[bytes, list[_File]] = {}
    for file in sorted(files.pop("train", []), key=lambda file: file.index):
        groups.setdefault(file.digest, []).append(file)
    own = {split: len(found) for split, found in files.items()}
    try:
        parts = _carve(len(groups), own, options)
    except ValueError as error:
        raise ValueError(f"{error} in {str(folder)!r}") from None
    sources = list(groups.values())
    chosen: dict[str, list[_File]] = {}
    for split, indices in parts.items():
        if split in own:
            picked = [files[split][i] for i in indices]
        else:
            picked = [file for i in indices for file in sources[i]]
        if options.limit is not None:
            picked = picked[: len(indices)]
        chosen[split] = sorted(picked, key=lambda file: file.index)

    channels = max(file.pixels.shape[-1] for found in chosen.values() for file in found)
    first: dict[
        bytes, int
    ] = {}  # content -> the first file with it, whose place is the id of the source
    for file in sorted((f for found in chosen.values() for f in found), key=lambda f: f.index):
        first.setdefault(file.digest, file.index)
    names = [_label_of(path, has_splits) for path in paths]
    known = sorted({names[i] for indices in members.values() for i in indices})
    label_names = tuple(known) if len(known) > 1 and "" not in known else ()
    arrays: dict[str, Any] = {split: _stacked(found, channels) for split, found in chosen.items()}
    ignored: int | None = None
    if has_splits and (folder / f"train{_MAPS}").is_dir():
        for split, found in chosen.items():
            maps = [_read_labels(folder, paths[file.index], size) for file in found]
            arrays[f"{split}_labels"] = np.stack(maps)
        label_names, ignored = _map_names(folder, [arrays[f"{s}_labels"] for s in _SPLITS])
    else:
        for split, found in chosen.items() if label_names else ():
            labels = [label_names.index(names[file.index]) for file in found]
            arrays[f"{split}_labels"] = np.array(labels, np.int64)
    return Images(
        **arrays,
        label_names=label_names,
        ignored_class=ignored,
        sources={s: np.array([first[f.digest] for f in found]) for s, found in chosen.items()},
        skipped=tuple(sorted(failures)),
        name=folder.resolve().name,
        source_names={index: str(paths[index]) for index in sorted(first.values())},
    )


def _image_paths(folder: Path) -> list[PurePosixPath]:
    """Visible image files below `folder`, relative to it, sorted."""
    found = []
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(base).relative_to(folder)
        found += [
            PurePosixPath((relative / name).as_posix())
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in _EXTENSIONS
        ]
    return sorted(found)


def _label_of(path: PurePosixPath, has_splits: bool) -> str:
    """The class folder of an image, "" if it is in none."""
    folders = path.parts[1:-1] if has_splits else path.parts[:-1]
    return folders[0] if folders else ""


@contextlib.contextmanager
def _pillow() -> Iterator[None]:
    """Within, Pillow's warnings are silent, except the one of decompression bombs: an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _common_size(folder: Path, paths: Sequence[PurePosixPath]) -> tuple[int, int]:
    """The size that all images share, if it is moderate, else the default; reads headers only."""
    sizes = set()
    for path in paths:
        # What cannot be opened is reported when it is read.
        with contextlib.suppress(Exception), _pillow(), Image.open(folder / path) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            sizes.add(picture.size if turned else picture.size[::-1])
    if len(sizes) == 1 and max(size := sizes.pop()) <= _LARGEST_COMMON:
        return size
    return _DEFAULT_SIZE


def _read(
    folder: Path, path: PurePosixPath, index: int, size: tuple[int, int], channels: int | None
) -> _File:
    content = (folder / path).read_bytes()
    with _pillow(), Image.open(io.BytesIO(content)) as picture:
        pixels = _fitted(_standard(ImageOps.exif_transpose(picture)), size, channels)
    if channels is None and np.all(pixels == pixels[..., :1]):
        pixels = pixels[..., :1]
    return _File(index, hashlib.sha256(content).digest(), np.ascontiguousarray(pixels))


def _read_labels(folder: Path, path: PurePosixPath, size: tuple[int, int]) -> LabelMaps:
    """The label map of an image: same name, .png, in the folder beside that of its split."""
    first, *rest = path.with_suffix(".png").parts
    name = PurePosixPath(f"{first}{_MAPS}", *rest)
    try:
        with _pillow(), Image.open(folder / name) as picture:
            if picture.mode not in ("L", "P"):
                raise ValueError(f"mode {picture.mode}")
            return _fitted_labels(np.asarray(picture), size)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`source` must hold a label map of each image, one byte a pixel, as {name}. "
            f"Received: {error}"
        ) from None


def _map_names(folder: Path, maps: Sequence[LabelMaps]) -> tuple[tuple[str, ...], int | None]:
    """The names in classes.txt, one a line, or else numbers; and the label to ignore."""
    highest = max(int(labels.max()) for labels in maps)
    file = folder / _CLASSES
    if not file.is_file():
        return tuple(str(label) for label in range(highest + 1)), None
    names = tuple(file.read_text(encoding="utf-8").split("\n"))
    names = tuple(name.strip() for name in names if name.strip())
    if highest >= len(names):
        raise ValueError(
            f"`source` must name each label in {_CLASSES}, one a line. "
            f"Received: {len(names)} names and the label {highest}"
        )
    return names, _ignored(names)


def _ignored(names: Sequence[str]) -> int | None:
    """The last label, if its name says that it is none."""
    return len(names) - 1 if names and names[-1].lower() in _UNLABELLED else None


def _stacked(files: Sequence[_File], channels: int) -> Pixels:
    pixels = np.empty((len(files), *files[0].pixels.shape[:2], channels), np.float32)
    for row, file in zip(pixels, files, strict=True):
        row[...] = file.pixels  # a grey image fills all the channels
    pixels /= 255
    return pixels


def _warn_of(failures: Mapping[str, str], folder: Path) -> None:
    listed = [f"{name} ({failures[name]})" for name in sorted(failures)]
    if len(listed) > _NAMED_IN_WARNING:
        more = len(listed) - _NAMED_IN_WARNING
        listed = [*listed[:_NAMED_IN_WARNING], f"and {more} more (see Images.skipped)"]
    text = f"{len(failures)} files in {str(folder)!r} could not be read and were skipped: "
    warnings.warn(text + ", ".join(listed), UserWarning, stacklevel=4)


# --- TensorFlow Datasets ----------------------------------------------------------------------


def _load_tfds(name: str, options: _Options) -> Images:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported, or never
    import tensorflow_datasets as tfds

    # Read here, because TFDS reads the variable once, when it is imported.
    folder = os.environ.get("TFDS_DATA_DIR")
    with _quiet("absl"):
        try:
            builder = tfds.builder(name, data_dir=folder)
        except ValueError:  # no such set, version or configuration, or a mistyped folder
            raise ValueError(_unknown(name, tfds.list_builders())) from None
        except Exception as error:  # every set has its own code, which may raise anything
            raise DataError(_unavailable(name, error)) from error
        if not builder.info.splits:
            try:
                _check_reachable(builder.url_infos)
                builder.download_and_prepare()
            except Exception as error:
                raise DataError(_unavailable(name, error)) from error
        return _read_tfds(tfds, builder, name, options)


def _read_tfds(tfds: Any, builder: Any, name: str, options: _Options) -> Images:
    features, counts = builder.info.features, {}
    keys = [key for key, value in features.items() if isinstance(value, tfds.features.Image)]
    if not keys:
        raise ValueError(f"`source` must be a data set with images. Received: source={name!r}")
    key = "image" if "image" in keys else keys[0]
    if features[key].np_dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"`source` must hold 8 or 16-bit images. Received: source={name!r} with "
            f"{np.dtype(features[key].np_dtype).name} pixels"
        )
    label = None
    if "segmentation_mask" in features:
        label = "segmentation_mask"
    elif "label" in features and features["label"].shape == ():
        label = "label"
    wanted = [key] if label is None else [key, label]
    stored = {_SPLIT_FOLDERS.get(split, split): split for split in builder.info.splits}
    if "train" not in stored:
        stored["train"] = next(s for s in builder.info.splits if s != "test" or len(stored) == 1)
    for split in _SPLITS:
        if split in stored and (split == "train" or stored[split] != stored["train"]):
            counts[split] = builder.info.splits[stored[split]].num_examples
    pool = counts.pop("train")
    parts = _carve(min(pool, _needed(options, counts) or pool), counts, options)

    def read(split: str, count: int) -> tuple[NDArray[np.uint8], Integers | LabelMaps | None]:
        shape = features[key].shape
        fixed = all(shape)
        size = options.size or _DEFAULT_SIZE
        if options.size is None and fixed and max(shape[:2]) <= _LARGEST_COMMON:
            size = shape[:2]
        channels = options.channels or (1 if shape[-1] == 1 else 3)
        as_is = features[key].np_dtype == np.uint8 and (*size, channels) == shape
        batches = tfds.load(
            name,
            split=f"{stored[split]}[:{count}]",
            data_dir=os.environ.get("TFDS_DATA_DIR"),
            batch_size=min(256, count) if fixed else None,
            shuffle_files=False,
            decoders=tfds.decode.PartialDecoding(dict.fromkeys(wanted, True)),
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        pixels = np.empty((count, *size, channels), np.uint8)
        mapped = label == "segmentation_mask"
        labels: Any = np.empty((count, *size), np.uint8) if mapped else np.empty(count, np.int64)
        start = 0
        for batch in tfds.as_numpy(batches):
            found = batch[key] if fixed else batch[key][np.newaxis]
            here = slice(start, start + len(found))
            start += len(found)
            if as_is:
                pixels[here] = found
            else:
                pixels[here] = [_fitted(_from_array(image), size, channels) for image in found]
            if mapped:
                maps = batch[label] if fixed else batch[label][np.newaxis]
                labels[here] = [_fitted_labels(one[..., 0], size) for one in maps]
            elif label is not None:
                labels[here] = batch[label]
        return pixels, None if label is None else labels

    arrays: dict[str, Any] = {}
    sources: dict[str, Integers] = {}
    own = [split for split in ("validation", "test") if split in counts]
    offset = 0
    for split in ("train", *own):
        takers = [split] if split in own else [s for s in _SPLITS if s not in own]
        pixels, labels = read(split, 1 + max(int(parts[taker].max()) for taker in takers))
        for taker in takers:
            arrays[taker] = _unit(pixels[parts[taker]])
            arrays[f"{taker}_labels"] = None if labels is None else labels[parts[taker]]
            sources[taker] = parts[taker] + offset
        offset += pool if split == "train" else counts[split]
    names = tuple(getattr(features[label], "names", None) or ()) if label is not None else ()
    ignored = None
    if label == "segmentation_mask":
        highest = max(int(arrays[f"{split}_labels"].max()) for split in _SPLITS)
        names = names or tuple(str(one) for one in range(highest + 1))
        ignored = _ignored(names)
    return Images(**arrays, label_names=names, sources=sources, name=name, ignored_class=ignored)


@contextlib.contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check_reachable(urls: Mapping[str, Any]) -> None:
    """Raise OSError without a network: TFDS itself would retry for minutes."""
    if urllib.request.getproxies():
        return  # names are resolved by the proxy
    url = urllib.parse.urlsplit(next(iter(urls), "https://storage.googleapis.com"))
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.hostname and url.scheme in ("http", "https"):
        socket.create_connection((url.hostname, port), timeout=10).close()


def _unavailable(name: str, error: Exception) -> str:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return (
        f"The data set {name!r} is not prepared on this machine and could not be downloaded "
        f"({reason}): set the environment variable TFDS_DATA_DIR to a folder that holds it, or "
        "connect to the internet."
    )


def _unknown(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, sorted({*EMBEDDED, *names}), n=3)
    hint = f" (did you mean {' or '.join(close)}?)" if close else ""
    return (
        f"`source` must be an embedded set ({', '.join(EMBEDDED)}), an existing folder, or the "
        f"name of a set in TensorFlow Datasets, such as mnist or cifar10{hint}. "
        f"Received: source={name!r}"
    )
