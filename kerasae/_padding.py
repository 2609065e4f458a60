"""Sequences of several lengths as one array, padded behind their end, and back.

A step that is padding holds `PADDING` in all its features, a number that float32, float16 and
bfloat16 hold exactly and that no step of a real sequence has in all of them. NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.images import check_images

__all__ = ["PADDING", "buckets_of", "is_ragged", "lengths_of", "pad", "padded", "steps_of", "unpad"]

PADDING = -32768.0
"""What every feature of a step holds that is none."""

_MOST_BUCKETS = 8

Values = NDArray[np.float32]


def is_ragged(values: Any) -> bool:
    """Whether something is a list of sequences that differ, and so no array of them."""
    if not isinstance(values, (list, tuple)):
        return False
    shapes = [np.shape(each) if hasattr(each, "shape") else _shape(each) for each in values]
    return len(set(shapes)) > 1


def _shape(value: Any) -> tuple[int, ...]:
    try:
        return np.shape(value)
    except ValueError:  # a sequence of which one step has more features than another
        return (len(value), -1)


def pad(sequences: Iterable[Any], *, length: int | None = None) -> Values:
    """Join sequences (length, features) to one array, each padded to the longest.

    Args:
        sequences: Arrays of as many features.
        length: To pad to; by default the largest.

    Returns:
        float32 (n, length, features).
    """
    arrays = [np.asarray(each, np.float32) for each in sequences]
    longest = max(map(len, arrays)) if length is None else length
    joined = np.full((len(arrays), longest, arrays[0].shape[1]), PADDING, np.float32)
    for row, array in zip(joined, arrays, strict=True):
        row[: len(array)] = array
    return joined


def padded(argument: str, sequences: Any, *, features: int | None = None, **checks: Any) -> Values:
    """Check sequences of several lengths, each as `check_images` does, and join them.

    Args:
        argument: Name of the argument, for messages.
        sequences: A list of arrays (length, features), or one array (n, length, features) that may
            be padded already.
        features: That each must have; by default those of the first.
        **checks: Further ones of `check_images`.

    Raises:
        ValueError: If one is no sequence, has no step, has other features than the first, or a
            value that breaks a rule.
    """
    if hasattr(sequences, "shape") and len(sequences.shape) == 3:
        values = np.asarray(sequences)
        if (values == PADDING).all(axis=-1).any():
            _check_padded(argument, values)
            sequences = unpad(values)
    if not isinstance(sequences, (list, tuple)):
        return check_images(argument, sequences, shape=(None, features), **checks)
    if not sequences:
        raise ValueError(f"`{argument}` must hold at least one sequence. Received: none")
    found: list[Values] = []
    for i, each in enumerate(sequences):
        shape = np.shape(each) if hasattr(each, "shape") else _shape(each)
        if len(shape) != 2 or -1 in shape:
            raise ValueError(
                f"`{argument}` must hold sequences of the shape (length, features); one feature is "
                f"`x[:, None]`. Received: {argument}[{i}] of shape {shape}"
            )
        wanted = features if features is not None else found[0].shape[1] if found else shape[1]
        if shape[1] != wanted:
            raise ValueError(
                f"`{argument}` must hold sequences of {wanted} features each. "
                f"Received: {argument}[{i}] of {shape[1]}"
            )
        if not shape[0] or not shape[1]:
            raise ValueError(
                f"`{argument}` must hold sequences of at least one step. "
                f"Received: {argument}[{i}] of shape {shape}"
            )
        (values,) = _checked(f"{argument}[{i}]", each, wanted, checks)
        if (values == PADDING).all(axis=-1).any():
            raise ValueError(
                f"`{argument}` must hold no step that is {PADDING:g} in all features, which marks "
                f"padding. Received: one in {argument}[{i}]"
            )
        found.append(values)
    return pad(found)


def _checked(name: str, each: Any, features: int, checks: dict[str, Any]) -> Values:
    """One sequence as a batch of one."""
    array = np.asarray(each)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must be finite. "
            f"Received: NaN or infinity in {int((~np.isfinite(array)).any(axis=-1).sum())} of its "
            f"{len(array)} steps"
        )
    return check_images(name, array[None], shape=(None, features), **checks)


def _check_padded(argument: str, values: NDArray[Any]) -> None:
    """Refuse padding in front of a step, or nothing but padding."""
    steps = steps_of(values)
    ordered = steps[:, :-1] >= steps[:, 1:]
    if not ordered.all() or not steps[:, 0].all():
        raise ValueError(
            f"`{argument}` must be padded behind the last step of each sequence, which has at "
            f"least one. Received: {int((~(ordered.all(axis=1) & steps[:, 0])).sum())} that are not"
        )


def steps_of(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which steps of padded sequences are some: (n, length)."""
    return (values != PADDING).any(axis=-1)


def lengths_of(values: NDArray[Any]) -> NDArray[np.int64]:
    """The number of steps of each padded sequence."""
    return steps_of(values).sum(axis=1)


def unpad(values: NDArray[Any]) -> list[NDArray[Any]]:
    """The sequences of a padded array, each of its own length."""
    return [row[:length] for row, length in zip(values, lengths_of(values), strict=True)]


def buckets_of(
    lengths: Sequence[int] | NDArray[np.int64], *, most: int = _MOST_BUCKETS
) -> list[int]:
    """The lengths that batches are padded to, the largest of them last.

    At most `most`, at quantiles of the lengths, so that each bucket has about as many sequences: a
    compiled program is traced once for each.

    Example:
        >>> buckets_of([3, 4, 4, 9, 10, 30], most=2)
        [4, 30]
    """
    ordered = np.sort(np.asarray(lengths))
    ends = np.ceil(np.arange(1, most + 1) * len(ordered) / most).astype(int) - 1
    return sorted({int(ordered[end]) for end in ends})
