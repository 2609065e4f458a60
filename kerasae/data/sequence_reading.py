"""Sequences from files, arrays and lists: a list of arrays (steps, features)."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae.data.images import DataError
from kerasae.data.table_reading import read_columns

__all__ = ["SEQUENCE_FILES", "cut", "read_sequences"]

SEQUENCE_FILES = (".csv", ".tsv", ".parquet", ".npy", ".npz", ".wav")
"""Endings of the files that `read_sequences` reads."""

Array = NDArray[Any]


def read_sequences(source: Any, *, group: str | None = None) -> tuple[list[Array], tuple[str, ...]]:
    """Sequences (steps, features), and the names of the features where they have some.

    Args:
        source: A folder of files, each of which is a sequence; a file; an array (n, length,
            features) or (n, length); or a list of arrays.
        group: Of a CSV or Parquet file: the column that tells which rows are one sequence.

    Raises:
        ValueError: If it is none of these.
        DataError: If a file cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        return _of_path(Path(source), group)
    if group is not None:
        raise ValueError(f"`group` is for files with columns. Received: group={group!r}")
    values = list(source) if isinstance(source, (list, tuple)) else np.asarray(source)
    return _of_values(values), ()


def cut(sequences: list[Array], window: int, stride: int) -> list[Array]:
    """Windows of so many steps, each `stride` after the one before; a rest is left out.

    Raises:
        ValueError: If no sequence is as long.
    """
    found = [
        sequence[first : first + window]
        for sequence in sequences
        for first in range(0, len(sequence) - window + 1, stride)
    ]
    if not found:
        raise ValueError(
            f"`window` must be at most the {max(map(len, sequences))} steps of the longest "
            f"sequence. Received: window={window}"
        )
    return found


def _of_path(path: Path, group: str | None) -> tuple[list[Array], tuple[str, ...]]:
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SEQUENCE_FILES)
        if not files:
            raise ValueError(
                f"`source` must be a folder that holds files in {', '.join(SEQUENCE_FILES)}. "
                f"Received: {path}, which holds none"
            )
        read = [_of_path(file, group) for file in files]
        return [sequence for each, _ in read for sequence in each], read[0][1]
    suffix = path.suffix.lower()
    if suffix not in SEQUENCE_FILES or not path.exists():
        raise ValueError(
            f"`source` must be a file or folder that exists, in {', '.join(SEQUENCE_FILES)}. "
            f"Received: {path}"
        )
    if suffix in (".csv", ".tsv", ".parquet"):
        return _of_columns(path, group)
    if group is not None:
        raise ValueError(f"`group` is for files with columns. Received: {path}, group={group!r}")
    try:
        return (_of_wave(path) if suffix == ".wav" else _of_numpy(path)), ()
    except (OSError, EOFError, ValueError) as error:
        if str(error).startswith("`"):
            raise
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"{path} cannot be read as sequences: {said}") from None


def _of_columns(path: Path, group: str | None) -> tuple[list[Array], tuple[str, ...]]:
    columns = read_columns(path)
    owners = None
    if group is not None:
        if group not in columns:
            raise ValueError(
                f"`group` must be a column of {path.name}, {', '.join(columns)}. "
                f"Received: group={group!r}"
            )
        owners = columns.pop(group)
    texts = [name for name, values in columns.items() if values.dtype.kind != "f"]
    if texts or not columns:
        raise ValueError(
            "`source` must have columns of numbers beside that of `group`. "
            f"Received: {', '.join(texts) or 'none'} in {path.name}"
        )
    values = np.stack([*columns.values()], axis=1)
    gaps = np.isnan(values).any(axis=0)
    if gaps.any():
        raise ValueError(
            "`source` must have a number at each step. "
            f"Received: missing ones in column {[*columns][int(gaps.argmax())]!r} of {path.name}"
        )
    if owners is None:
        return [values], tuple(columns)
    order: dict[Any, list[int]] = {}
    for i, owner in enumerate(owners.tolist()):
        order.setdefault(owner, []).append(i)
    return [values[rows] for rows in order.values()], tuple(columns)


def _of_numpy(path: Path) -> list[Array]:
    content = np.load(path, allow_pickle=False)
    if isinstance(content, np.ndarray):
        return _of_values(content)
    with content:
        return [_steps(content[name]) for name in content.files]


def _of_wave(path: Path) -> list[Array]:
    """Samples in [-1, 1], a feature for each channel."""
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of chunks that it passes over
        _, samples = wavfile.read(path)
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.float32) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples / np.float32(-float(np.iinfo(samples.dtype).min))
    return [_steps(samples)]


def _of_values(values: Any) -> list[Array]:
    if isinstance(values, np.ndarray) and values.dtype != object:
        if values.ndim not in (2, 3):
            raise ValueError(
                "`source` must be an array (n, length, features), or (n, length) of one feature. "
                f"Received: shape {values.shape}"
            )
        return [*(values[..., None] if values.ndim == 2 else values)]
    return [_steps(each) for each in values]


def _steps(values: Any) -> Array:
    """One feature as (steps, 1); what has another rank stays, and is refused later."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(
            "`source` must hold sequences of as many features at each step. "
            "Received: one of several"
        ) from None
    return array[:, None] if array.ndim == 1 else array
