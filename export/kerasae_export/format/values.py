"""Pixels, code values, quantised levels and symbols (FORMAT.md, section 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.manifest import Edge

__all__ = ["dequantise", "pixels_of", "quantise", "symbols_of"]


def quantise(values: NDArray[Any], edge: Edge) -> NDArray[Any]:
    """Convert real values to what a model's input takes."""
    if edge.dtype != "uint8":
        return np.asarray(values, edge.dtype)
    q = np.floor(np.asarray(values, float) / edge.scale + 0.5) + edge.zero_point
    return np.clip(q, 0, 255).astype(np.uint8)


def dequantise(values: NDArray[Any], edge: Edge) -> NDArray[np.float64]:
    """Convert what a model's output gives to real values."""
    return (values.astype(float) - edge.zero_point) * edge.scale


def symbols_of(codes: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.int64]:
    """The symbols of finite code values: the nearest multiples of the steps, in 32 bits."""
    return np.clip(np.floor(codes / steps + 0.5), -(2**31), 2**31 - 1).astype(np.int64)


def pixels_of(output: NDArray[Any], edge: Edge) -> NDArray[np.uint8]:
    """The pixels of the decoder's output, 0 where it is not a number."""
    if output.dtype == np.uint8:
        return _pixel_levels(edge)[output]
    return _pixels(np.nan_to_num(output.astype(float), posinf=1.0, neginf=0.0))


def _pixel_levels(edge: Edge) -> NDArray[np.uint8]:
    """The pixel of each of the 256 output levels."""
    # A sigmoid's output has the fixed scale 1/256, with which no level would mean white.
    scale = 1 / 255 if edge.scale == 1 / 256 and edge.zero_point == 0 else edge.scale
    return _pixels((np.arange(256) - edge.zero_point) * scale)


def _pixels(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(np.floor(values * 255 + 0.5), 0, 255).astype(np.uint8)
