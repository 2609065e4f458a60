"""Columns of a table from files, frames and arrays, by way of Arrow."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae.data.images import DataError

__all__ = ["Raw", "read_columns"]

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "?")
"""Texts of a CSV file that say that a value is missing."""

_DELIMITERS = (",", ";", "\t", "|")
_LARGEST_BLOCK = 2**31 - 1
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2})?")
_PARQUET = (".parquet", ".pq")
_ARRAYS = (".npy", ".npz")
TABLE_FILES = (".csv", ".tsv", ".txt", ".csv.gz", *_PARQUET, *_ARRAYS)
"""Endings of the files that `read_columns` reads."""

Raw = NDArray[Any]
"""A column as it came: float64 with NaN for what is missing, or texts with None for it."""


def read_columns(
    source: Any, *, header: bool = True, drop: Collection[str] = (), argument: str = "source"
) -> dict[str, Raw]:
    """The columns of a table by name, each float64 or an array of texts.

    Args:
        source: A CSV, Parquet or NumPy file; a frame of pandas or polars, or another with Arrow's
            interface; a mapping of names to columns; an array, structured or (n, columns); a list
            of rows.
        header: Whether the first line of a CSV file has the names.
        drop: Columns to leave out, whatever they hold.
        argument: Name of the source, for messages.

    Raises:
        ValueError: If it is no table, lacks what is to be left out, or a column holds dates, lists
        or other things. DataError: If a file cannot be read.
    """
    table = _arrow(source, header, argument)
    names = table.column_names
    lacking = [name for name in drop if name not in names]
    if lacking:
        raise ValueError(
            f"`drop` must name columns of `{argument}`. Received: {lacking[0]!r}, which is none of "
            f"{', '.join(names[:8])}"
        )
    table = table.drop_columns([*drop])
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"`{argument}` must have columns of different names. Received: {twice[0]!r} "
            f"{names.count(twice[0])} times"
        )
    if not names or not table.num_rows:
        raise ValueError(
            f"`{argument}` must hold rows and columns. "
            f"Received: {table.num_rows} rows of {len(names)} columns"
        )
    return {name: _column(argument, name, table[name]) for name in names}


def _arrow(source: Any, header: bool, argument: str) -> Any:
    """The source as a table of Arrow."""
    import pyarrow

    if isinstance(source, (str, os.PathLike)):
        return _of_file(Path(source), header, argument)
    try:
        if isinstance(source, pyarrow.Table):
            return source
        if _is_pandas(source):
            return pyarrow.Table.from_pandas(source, preserve_index=False)
        if hasattr(source, "__arrow_c_stream__"):
            return pyarrow.table(source)
        if isinstance(source, Mapping):
            return _of_mapping(source, argument)
    except (pyarrow.ArrowException, TypeError) as error:
        raise ValueError(
            f"`{argument}` must have columns of numbers or of texts. Received: {_first(error)}"
        ) from None
    return _of_array(source, argument)


def _is_pandas(source: Any) -> bool:
    return type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "columns")


def _of_file(path: Path, header: bool, argument: str) -> Any:
    import pyarrow
    import pyarrow.parquet

    name = path.name.lower()
    if not name.endswith(TABLE_FILES):
        raise ValueError(
            f"`{argument}` must be a file that ends in {', '.join(TABLE_FILES)}. Received: {path}"
        )
    try:
        if name.endswith(_PARQUET):
            return pyarrow.parquet.read_table(path)
        if name.endswith(_ARRAYS):
            return _of_numpy_file(path, argument)
        return _of_csv(path, header, argument)
    except FileNotFoundError:
        raise ValueError(f"`{argument}` must be a file that exists. Received: {path}") from None
    except (OSError, EOFError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} cannot be read as a table: {_first(error)}") from None


def _of_csv(path: Path, header: bool, argument: str) -> Any:
    import pyarrow
    from pyarrow import csv

    with csv.open_csv(  # decompresses what ends in .gz
        path, parse_options=csv.ParseOptions(delimiter="\x01", quote_char=False)
    ) as lines:
        first = lines.schema.names[0]
    delimiter = max(_DELIMITERS, key=first.count)
    size = max(path.stat().st_size * (64 if path.name.endswith(".gz") else 1), 2**20)
    names = None if header else [f"x{i}" for i in range(first.count(delimiter) + 1)]
    bad: list[Any] = []

    def refuse(row: Any) -> str:
        bad.append(row)
        return "error"

    options = csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
    )
    try:
        found = _read_csv(path, size, names, options)
    except pyarrow.ArrowInvalid:
        if not bad:
            raise
        row = bad[0]
        raise ValueError(
            f"`{argument}` must have as many values in each row as there are columns. Received: "
            f"row {row.number} of {path.name}, with {row.actual_columns} values for "
            f"{row.expected_columns} columns"
        ) from None
    if header and all(_is_number(name) for name in found.column_names):
        raise ValueError(
            f"`{argument}` must have the names of the columns in its first line; `header=False` "
            f"takes one without. Received: {first[:60]!r}"
        )
    return found


def _read_csv(path: Path, size: int, names: list[str] | None, options: Any) -> Any:
    from pyarrow import csv

    return csv.read_csv(
        path,
        # One block, or the type of a column would follow from its first rows.
        read_options=csv.ReadOptions(
            block_size=min(size + 1, _LARGEST_BLOCK),
            column_names=names,
            use_threads=False,  # or a bad row has no number
        ),
        parse_options=options,
        convert_options=csv.ConvertOptions(null_values=list(MISSING), strings_can_be_null=True),
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_numpy_file(path: Path, argument: str) -> Any:
    try:
        content = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise DataError(f"{path} cannot be read as a table: {_first(error)}") from None
    if isinstance(content, np.ndarray):
        return _of_array(content, argument)
    with content:
        arrays = {name: content[name] for name in content.files}
    if len(arrays) == 1 and next(iter(arrays.values())).ndim == 2:
        return _of_array(next(iter(arrays.values())), argument)
    return _of_mapping(arrays, argument)


def _of_mapping(columns: Mapping[Any, Any], argument: str) -> Any:
    import pyarrow

    arrays = {}
    for name, values in columns.items():
        if isinstance(values, np.ndarray) and values.ndim != 1:
            raise ValueError(
                f"`{argument}` must have columns of one dimension. "
                f"Received: {name!r} of shape {values.shape}"
            )
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(object), None).tolist()
        arrays[str(name)] = pyarrow.array(values, from_pandas=True)
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        (one, few), *_, (other, many) = sorted(lengths.items(), key=lambda item: item[1])
        raise ValueError(
            f"`{argument}` must have columns of one length. "
            f"Received: {few} values of {one!r} and {many} of {other!r}"
        )
    return pyarrow.table(arrays)


def _of_array(source: Any, argument: str) -> Any:
    """Of an array (n, columns), a structured one, or a list of rows."""
    import pyarrow

    if isinstance(source, (list, tuple)):
        _check_rows_alike(source, argument)
        if source and isinstance(source[0], Mapping):
            return _of_mapping({n: [row[n] for row in source] for n in source[0]}, argument)
        source = list(source)
        columns = list(zip(*source, strict=True)) if source and np.ndim(source[0]) else source
        if columns is not source:
            return _of_mapping(
                {f"x{i}": list(values) for i, values in enumerate(columns)}, argument
            )
    array = source if isinstance(source, np.ndarray) else None
    if array is None and hasattr(source, "__array__"):
        array = np.asarray(source)
    if array is not None and array.dtype.names:
        return _of_mapping({name: array[name] for name in array.dtype.names}, argument)
    if array is None or array.ndim != 2:
        found = type(source).__name__ if array is None else f"an array of shape {array.shape}"
        raise ValueError(
            f"`{argument}` must be a file, a frame, a mapping of columns, or an array "
            f"(n, columns). Received: {found}"
        )
    if array.dtype.kind == "V" and "float" in array.dtype.name:
        array = array.astype(np.float32)  # bfloat16
    values = {f"x{i}": np.ascontiguousarray(array[:, i]) for i in range(array.shape[1])}
    if isinstance(array, np.ma.MaskedArray):
        values = {name: array[:, i] for i, name in enumerate(values)}
    try:
        return _of_mapping(values, argument)
    except pyarrow.ArrowException as error:
        raise ValueError(
            f"`{argument}` must hold numbers or texts. Received: {_first(error)}"
        ) from None


def _check_rows_alike(rows: Any, argument: str) -> None:
    """Refuse a list of rows of which one is too short or too long."""
    lengths = [len(row) if hasattr(row, "__len__") else -1 for row in rows]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            raise ValueError(
                f"`{argument}` must have rows of one length. "
                f"Received: row {i} of {length} values, where row 0 has {lengths[0]}"
            )


def _column(argument: str, name: str, values: Any) -> Raw:
    """A column as float64 or as texts.

    Raises:
        ValueError: If it holds something else.
    """
    import pyarrow
    from pyarrow import compute, types

    kind = values.type
    if types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if types.is_temporal(kind):
        raise _dates(argument, name)
    if types.is_boolean(kind):
        values = compute.if_else(values, "true", "false")
        kind = values.type
    if types.is_null(kind):
        return np.full(len(values), np.nan)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        floats = values.cast(pyarrow.float64(), safe=False)
        return np.array(floats.to_numpy(zero_copy_only=False), np.float64)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        texts = np.array(values.to_pylist(), object)
        known = [text for text in texts if text is not None]
        if known and all(_DATE.fullmatch(text.strip()) for text in known[:100]):
            raise _dates(argument, name)
        return texts
    raise ValueError(
        f"`{argument}` must have columns of numbers or of texts; `drop=({name!r},)` leaves this "
        f"one out. Received: {kind} in column {name!r}"
    )


def _dates(argument: str, name: str) -> ValueError:
    return ValueError(
        f"`{argument}` must hold numbers and categories: turn dates into numbers, such as days "
        f"since the first, or leave the column out with `drop=({name!r},)`. "
        f"Received: dates in column {name!r}"
    )


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:160]
