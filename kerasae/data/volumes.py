"""Volumes to learn from: bodies drawn by rule from a seed, with a class for each voxel.

    >>> volumes = load_volumes("bodies", limit=20)
    >>> volumes
    Volumes('bodies', train=18, validation=2, test=20, input_shape=(32, 32, 32, 1))

Your own go into `Volumes`, or into `train` as they are.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kerasae import _arguments
from kerasae.data.examples import Volumes
from kerasae.data.images import SPLITS
from kerasae.data.options import Options

__all__ = ["VOLUMES", "load_volumes"]

VOLUMES: dict[str, str] = {
    "bodies": "procedural bodies in 32x32x32 voxels, an ellipsoid, a box and a tube, turned "
    "and overlapping, in noise; a class for each voxel, or for a volume which of them is largest.",
}
"""Name and one-sentence description of the sets of `load_volumes`."""

BODIES = ("nothing", "ellipsoid", "box", "tube")

_COUNTS = 600, 150  # to train and validate on, and to test on
_GREY = np.array([0.1, 0.45, 0.65, 0.85], np.float32)

Values = NDArray[np.float32]


def load_volumes(
    source: str,
    *,
    size: int = 32,
    labels: Literal["voxels", "volumes"] = "volumes",
    limit: int | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> Volumes:
    """Draw a procedural set of volumes, split into train, validation and test.

    The same arguments give the same arrays. **"bodies"**, 750 of 32 x 32 x 32 voxels: in each an
    ellipsoid, a box and a tube of random size, place and direction, drawn in this order, one over
    the other, each of a grey of its own with soft noise.

    Args:
        source: `"bodies"`.
        size: Side in voxels, at least 8.
        labels: `"voxels"` for the class of each voxel, as `build_segmentation` learns them, or
            `"volumes"` for which body has most voxels.
        limit: At most this many volumes in train and validation together (at least 2), and at most
            this many in test.
        validation_fraction: Fraction, in (0, 1), of those outside the test set that validate.
        seed: Seed of every random choice.

    Returns:
        The volumes, float32 (n, size, size, size, 1) with values in [0, 1], as `Volumes`.

    Raises:
        ValueError: If an argument is out of range, or the name is unknown.

    Example:
        >>> load_volumes("bodies", size=16, limit=10).train.shape
        (9, 16, 16, 16, 1)
    """
    _arguments.one_of("source", source, VOLUMES)
    _arguments.one_of("labels", labels, ("voxels", "volumes"))
    if _arguments.positive_int("size", size) < 8:
        raise ValueError(f"`size` must be at least 8. Received: size={size}")
    options = Options(None, None, validation_fraction, limit, _arguments.seed(seed))
    pool, test = (n if limit is None else min(n, limit) for n in _COUNTS)
    validation = min(max(1, round(options.validation_fraction * pool)), pool - 1)
    rng = np.random.default_rng(seed)
    classes = np.stack([_classes(size, rng) for _ in range(pool + test)])
    noise = rng.normal(0, 0.04, classes.shape).astype(np.float32)
    values = np.clip(_GREY[classes] + noise, 0, 1)[..., None]
    if labels == "volumes":
        counts = [np.bincount(each.ravel(), minlength=4)[1:] for each in classes]
        found = np.stack(counts).argmax(axis=1)
    else:
        found = classes
    parts = (slice(validation, pool), slice(validation), slice(pool, None))
    splits: dict[str, Any] = {}
    for split, part in zip(SPLITS, parts, strict=True):
        splits |= {split: values[part], f"{split}_labels": found[part]}
    names = BODIES if labels == "voxels" else BODIES[1:]
    return Volumes(**splits, label_names=names, name=source)


def _classes(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The class of each voxel of one volume."""
    axis = (np.arange(size) + 0.5) / size
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    classes = np.zeros((size, size, size), np.uint8)
    for kind in (1, 2, 3):
        turned = (grid - rng.uniform(0.3, 0.7, 3)) @ _rotation(rng)
        sides = rng.uniform(0.12, 0.3, 3)
        if kind == 1:
            inside = np.square(turned / sides).sum(axis=-1) < 1
        elif kind == 2:
            inside = (np.abs(turned) < 0.75 * sides).all(axis=-1)
        else:
            across = np.hypot(turned[..., 0], turned[..., 1])
            inside = (np.abs(across - 0.6 * sides[0]) < 0.06) & (np.abs(turned[..., 2]) < 0.35)
        classes[inside] = kind
    return classes


def _rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """A direction of three axes, any as likely as another."""
    axes, triangle = np.linalg.qr(rng.normal(size=(3, 3)))
    return axes * np.sign(np.diag(triangle))
