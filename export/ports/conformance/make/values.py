"""Numbers of sections 2 and 3, which need no model: pixels, levels, symbols, tiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasae_export.format.manifest import Edge
from kerasae_export.format.tiling import spans
from kerasae_export.format.values import dequantise, pixels_of, quantise, symbols_of

EDGES = (
    Edge((1,), "uint8", 1 / 255, 0),
    Edge((1,), "uint8", 1 / 256, 0),
    Edge((1,), "uint8", 0.0117, 128),
    Edge((1,), "uint8", 2.5, 255),
    Edge((1,), "float32"),
)
LARGEST = float(np.finfo(np.float32).max)
STEPS = ((2**23, -23), (12345678, -20), (1, -149), (2**24 - 1, 104), (3, 0))


def values_cases() -> list[dict[str, Any]]:
    """For each edge: pixels as inputs, outputs as pixels, outputs as symbols, symbols as inputs."""
    cases = []
    for edge in EDGES:
        whole = edge.dtype == "uint8"
        outputs = (
            np.arange(256, dtype=np.uint8)
            if whole
            else np.array([-1, -0.0, 0.1, 0.5, 0.998, 1 / 510, 1, 7.25, -3e38, 3e38], np.float32)
        )
        levels = quantise(np.arange(256) / 255, edge)
        case: dict[str, Any] = {
            "dtype": edge.dtype,
            "scale": edge.scale,
            "zero_point": edge.zero_point,
            "inputs": levels.tolist(),
            "outputs": outputs.tolist(),
            "pixels": pixels_of(outputs, edge).tolist(),
            "steps": [],
        }
        for mantissa, exponent in STEPS:
            step = math.ldexp(mantissa, exponent)
            values = dequantise(outputs, edge)
            symbols = symbols_of(values, np.array(step))
            sample = [-(2**31), -300, -1, 0, 1, 2, 77, 2**31 - 1]
            if not whole:
                sample = [s for s in sample if abs(s * step) < LARGEST]
            inputs = quantise(np.array(sample) * step, edge)
            case["steps"].append(
                {
                    "mantissa": mantissa,
                    "exponent": exponent,
                    "symbols": symbols.tolist(),
                    "sample": sample,
                    "sample_inputs": inputs.tolist(),
                }
            )
        cases.append(case)
    return cases


def spans_cases() -> list[dict[str, Any]]:
    """Axes that are shorter than a tile, as long, a little longer, and much longer."""
    cases = []
    for cells, tile, margin in (
        (1, 1, 0), (1, 6, 2), (6, 6, 1), (7, 6, 1), (10, 6, 1), (11, 6, 2), (100, 7, 3),
        (23, 4, 0), (1000, 64, 8), (2, 3, 1),
    ):  # fmt: skip
        found = [[s.origin, s.start, s.stop] for s in spans(cells, tile, margin)]
        cases.append({"cells": cells, "tile": tile, "margin": margin, "spans": found})
    return cases
