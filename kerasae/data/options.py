"""The checked arguments of `load_images`, and the splits that follow from them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasae.data.images import Integers

__all__ = ["Options", "checked_size", "draw_splits", "images_needed", "split_counts"]

_TEST_FRACTION = 0.2
LARGEST_COMMON = 256  # a folder of larger images is not loaded at full size unless asked to
DEFAULT_SIZE = (128, 128)
SPLIT_NAMES = {
    "train": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclasses.dataclass(frozen=True)
class Options:
    """The checked arguments of `load_images`."""

    size: tuple[int, int] | None
    channels: int | None
    validation_fraction: float
    limit: int | None
    seed: int

    def __post_init__(self) -> None:
        known = _is_integer(self.channels, at_least=1) and self.channels in (1, 3)
        if self.channels is not None and not known:
            raise ValueError(
                f"`channels` must be 1, 3 or None. Received: channels={self.channels!r}"
            )
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


def checked_size(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """(height, width) of an argument that may be one side, or None."""
    if image_size is None:
        return None
    pair = tuple(image_size) if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(pair) != 2 or not all(_is_integer(side, at_least=1) for side in pair):
        raise ValueError(
            "`image_size` must be a positive integer, a pair (height, width) of them, or None. "
            f"Received: image_size={image_size!r}"
        )
    return int(pair[0]), int(pair[1])


def split_counts(pool: int, own_validation: int, options: Options) -> tuple[int, int]:
    """How many of `pool` are train, and how many of it, or of its own split, are validation."""
    limit = options.limit
    if own_validation and limit is None:
        return pool, own_validation
    total = pool if limit is None else min(limit, pool + own_validation)
    validation = min(max(1, round(options.validation_fraction * total)), total - 1)
    if own_validation:
        validation = min(validation, own_validation)
    return min(pool, total - validation), validation


def draw_splits(
    pool: int, own: Mapping[str, int], options: Options, what: str = "images"
) -> dict[str, Integers]:
    """Choose the images of each split.

    Args:
        pool: Number of sources to train on, and to carve missing splits from.
        own: Number of images in the splits that the set's own splits "validation" and "test".
        options: What the user asked for.
        what: What they are, for the message.

    Returns:
        For each split the sorted indices, into its own images or else into the pool.
    """
    if pool < 3 - len(own):
        raise ValueError(
            f"`source` must hold at least 3 different {what}, one for each of train, validation "
            f"and test. Received: source with {pool + sum(own.values())} readable {what}"
        )
    parts: dict[str, Integers] = {}
    order = np.random.default_rng(options.seed).permutation(pool)
    if "test" in own:
        parts["test"] = np.arange(own["test"])[: options.limit]
    else:
        held_out = max(1, round(_TEST_FRACTION * pool))
        parts["test"], order = order[:held_out][: options.limit], order[held_out:]
    train, validation = split_counts(len(order), own.get("validation", 0), options)
    if "validation" in own:
        parts["validation"] = np.arange(validation)
    else:
        parts["validation"], order = order[:validation], order[validation:]
    parts["train"] = order[:train]
    return {split: np.sort(chosen) for split, chosen in parts.items()}


def images_needed(options: Options, own: Mapping[str, Any]) -> int | None:
    """How many images of the pool suffice under `limit`; None for all."""
    if options.limit is None:
        return None
    return options.limit if "test" in own else math.ceil(options.limit / (1 - _TEST_FRACTION))
