"""Masks of holes in images: rectangles, brush strokes and writing, by NumPy and Pillow.

The masks are procedural: they depend on the arguments, the seed and, for writing, Pillow's built-in
font alone.

Example:
    >>> from kerasae.masks import draw_masks
    >>> draw_masks("centre", (4, 4), 1)[0].astype(int)
    array([[0, 0, 0, 0],
           [0, 1, 1, 0],
           [0, 1, 1, 0],
           [0, 0, 0, 0]])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFont

__all__ = ["KINDS", "LARGEST_FRACTION", "draw_masks"]

KINDS = ("centre", "block", "free_form", "text")
"""What `draw_masks` draws; only the first is the same every time."""

LARGEST_FRACTION = 0.9
"""Above it, strokes that overlap take too long to cover the rest."""

_LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_MOST_ASPECT = 2.0

Mask = NDArray[np.bool_]


def draw_masks(
    kind: str, shape: Sequence[int], count: int, *, fraction: float = 0.25, seed: int = 0
) -> Mask:
    """Draw masks in which True is a hole.

    Args:
        kind: `"centre"`, a rectangle in the middle, in the proportions of the image; `"block"`, a
            rectangle anywhere within the image, its aspect ratio between half and twice that of
            the image; `"free_form"`, strokes of a brush that turns to and fro (after Yu, Lin,
            Yang, Shen, Lu & Huang 2019, Free-Form Image Inpainting with Gated Convolution);
            `"text"`, words in random places and directions, as watermarks are.
        shape: (height, width) in pixels.
        count: Number of masks.
        fraction: The share of the pixels in holes, above 0 and at most 0.9: of rectangles up to
            rounding; strokes and words are added until it is reached.
        seed: Seed of the masks. The same arguments give the same masks.

    Returns:
        Booleans (count, height, width).

    Raises:
        ValueError: If an argument breaks its rule.

    Example:
        >>> masks = draw_masks("free_form", (32, 48), 3, fraction=0.2)
        >>> masks.shape
        (3, 32, 48)
        >>> bool((masks.mean(axis=(1, 2)) >= 0.2).all())
        True
    """
    height, width = _check(kind, shape, count, fraction, seed)
    draw = {"centre": _centre, "block": _block, "free_form": _free_form, "text": _text}[kind]
    rng = np.random.default_rng(seed)
    return np.stack([draw(height, width, float(fraction), rng) for _ in range(count)])


def _check(kind: Any, shape: Any, count: Any, fraction: Any, seed: Any) -> tuple[int, int]:
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: kind={kind!r}")
    sides = tuple(shape) if isinstance(shape, Sequence) else ()
    if len(sides) != 2 or not all(isinstance(n, Integral) and int(n) >= 1 for n in sides):
        raise ValueError(
            f"`shape` must be (height, width), two positive integers. Received: shape={shape!r}"
        )
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise ValueError(f"`count` must be a positive integer. Received: count={count!r}")
    number = isinstance(fraction, Real) and not isinstance(fraction, bool)
    if not number or not 0 < fraction <= LARGEST_FRACTION:
        raise ValueError(
            f"`fraction` must be a number above 0 and at most {LARGEST_FRACTION:g}. "
            f"Received: fraction={fraction!r}"
        )
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"`seed` must be an integer of 0 or more. Received: seed={seed!r}")
    return int(sides[0]), int(sides[1])


def _centre(height: int, width: int, fraction: float, rng: np.random.Generator) -> Mask:
    rows, columns = _rectangle(height, width, fraction, 1.0)
    return _cut(height, width, rows, columns, (height - rows) // 2, (width - columns) // 2)


def _block(height: int, width: int, fraction: float, rng: np.random.Generator) -> Mask:
    most = min(_MOST_ASPECT, 1 / fraction)  # beyond it a side would be longer than the image
    aspect = math.exp(rng.uniform(-math.log(most), math.log(most)))
    rows, columns = _rectangle(height, width, fraction, aspect)
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    return _cut(height, width, rows, columns, int(top), int(left))


def _rectangle(height: int, width: int, fraction: float, aspect: float) -> tuple[int, int]:
    """Sides of a rectangle over a fraction of the area, of `aspect` times the image's aspect."""
    rows = min(height, max(1, round(height * math.sqrt(fraction / aspect))))
    return rows, min(width, max(1, round(fraction * height * width / rows)))


def _cut(height: int, width: int, rows: int, columns: int, top: int, left: int) -> Mask:
    mask = np.zeros((height, width), np.bool_)
    mask[top : top + rows, left : left + columns] = True
    return mask


def _free_form(height: int, width: int, fraction: float, rng: np.random.Generator) -> Mask:
    """Strokes of a few segments each, whose turns alternate, with round joints."""
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    side = math.sqrt(height * width)
    while _share(canvas) < fraction:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        brush = max(1, round(side * rng.uniform(0.05, 0.12)))
        direction = rng.uniform(0, 2 * math.pi)
        for turn in range(int(rng.integers(2, 6))):
            direction += (-1) ** turn * rng.uniform(0.3, 1.5)
            length = side * rng.uniform(0.1, 0.3)
            x_end = float(np.clip(x + length * math.cos(direction), 0, width - 1))
            y_end = float(np.clip(y + length * math.sin(direction), 0, height - 1))
            draw.line((x, y, x_end, y_end), fill=255, width=brush)
            for a, b in ((x, y), (x_end, y_end)):
                draw.ellipse((a - brush / 2, b - brush / 2, a + brush / 2, b + brush / 2), fill=255)
            x, y = x_end, y_end
            if _share(canvas) >= fraction:
                break
    return np.asarray(canvas) > 0


def _text(height: int, width: int, fraction: float, rng: np.random.Generator) -> Mask:
    """Words of Pillow's own font, each turned about its middle, which lies in the image."""
    canvas = Image.new("L", (width, height))
    side = math.sqrt(height * width)
    while _share(canvas) < fraction:
        word = "".join(rng.choice(_LETTERS, int(rng.integers(3, 9))))
        font = ImageFont.load_default(max(7.0, side * rng.uniform(0.12, 0.3)))
        left, top, right, bottom = font.getbbox(word)
        ink = Image.new("L", (math.ceil(right - left) + 2, math.ceil(bottom - top) + 2))
        ImageDraw.Draw(ink).text((1 - left, 1 - top), word, fill=255, font=font)
        ink = ink.rotate(rng.uniform(-45, 45), Image.Resampling.BILINEAR, expand=True)
        place = (
            int(rng.integers(width)) - ink.width // 2,
            int(rng.integers(height)) - ink.height // 2,
        )
        layer = Image.new("L", canvas.size)
        layer.paste(ink, place)
        canvas = ImageChops.lighter(canvas, layer.point(lambda value: 255 * (value >= 96)))
    return np.asarray(canvas) > 0


def _share(canvas: Image.Image) -> float:
    return float((np.asarray(canvas) > 0).mean())
