"""Numbers that JSON can hold, of those that NumPy gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """NumPy's numbers, truth values and arrays as Python's own, in mappings and sequences too.

    Args:
        value: What is to become JSON.

    Returns:
        The value with NumPy's types replaced; tuples stay tuples.

    Example:
        >>> import numpy as np
        >>> plain({"tile": (np.int64(3), np.float32(0.5)), "flags": np.array([True])})
        {'tile': (3, 0.5), 'flags': [True]}
    """
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (list if isinstance(value, list) else tuple)(map(plain, value))
    return value
