"""Images to learn from: embedded sets, TensorFlow Datasets and folders, all as one `Images` type.

    >>> images = load_images("digits")
    >>> images
    Images('digits', train=1294, validation=144, test=359, image_shape=(8, 8, 1))
    >>> images.train.dtype, float(images.train.min()), float(images.train.max())
    (dtype('float32'), 0.0, 1.0)

Nothing here needs Keras. The heavy libraries are imported by the loader that needs them.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from kerasae.data.arrays import is_array, load_array
from kerasae.data.embedded import EMBEDDED, load_embedded
from kerasae.data.folders import load_folder
from kerasae.data.images import Images
from kerasae.data.options import Options, checked_size
from kerasae.data.tfds import load_tfds

__all__ = ["load_images"]


def load_images(
    source: str | os.PathLike[str] | Any,
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
    pixel; 20 % of the scenes, chosen by `seed`, are the test set. "letters" (28x28x1, labels A-Z)
    are the capitals of 308 typefaces, whose names are in `source_names`; "emoji" (32x32x3) are
    faces, people, animals and food, which the label tells. Of both, 20 % are the test set: of the
    typefaces, so that a test letter is of a font never seen, and of the figures, so that no person
    is in two splits in another tone of skin.

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

    **Arrays** of images (n, height, width, channels), floating point or uint8 from 0 to 255, or
    lists of Pillow's images of one size, are split by `seed`: 20 % are the test set, and each
    image is a source of its own.

    Args:
        source: Name of a set, a folder, or an array of images.
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
    options = Options(
        size=checked_size(image_size),
        channels=channels,
        validation_fraction=validation_fraction,
        limit=limit,
        seed=seed,
    )
    if isinstance(source, str) and source in EMBEDDED:
        return load_embedded(source, options)
    if is_array(source):
        return load_array(source, options)
    named = isinstance(source, str | os.PathLike)
    if not named or not os.fspath(source) or "\0" in os.fspath(source):
        found = repr(source) if isinstance(source, str | int | None) else type(source).__name__
        raise ValueError(
            "`source` must be the name of a data set, the path of a folder, or one array of "
            f"images. Received: source={found}"
        )
    path = Path(source)
    if path.is_dir():
        return load_folder(path, options)
    if path.exists() or not isinstance(source, str) or _is_path(source):
        raise ValueError(
            f"`source` must be an existing folder{_alike(path)}. Received: source={str(source)!r}"
        )
    return load_tfds(source, options)


def _is_path(source: str) -> bool:
    """Whether a text can only be a path: no data set, with its configuration, is called so."""
    return source.startswith((".", "~")) or "\\" in source or Path(source).is_absolute()


def _alike(path: Path) -> str:
    """The folder that may have been meant."""
    try:
        names = [one.name for one in path.parent.iterdir() if one.is_dir()]
    except OSError:
        names = []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f" (did you mean {str(path.parent / close[0])!r}?)" if close else ""
