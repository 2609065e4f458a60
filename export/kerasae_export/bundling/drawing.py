"""Pictures that are drawn for a bundle, whatever its licence: a test pattern, and digits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["draw_digits", "sample_image"]

Point = tuple[float, float]

_BACKGROUND = 0.4  # share of the pixels that have its brightness, at least, where there is one
_NEAR = 0.1  # to black or to white
_INK = 0.1  # of the brightest part of the mean image: where there are strokes
_FINE = 8  # times as many pixels while a stroke is drawn


def sample_image(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Draw a test pattern: a gradient, a disc, a frame and stripes.

    Returns:
        uint8 of shape (height, width, channels).
    """
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    picture = np.stack([x, y, 1 - (x + y) / 2][:channels], axis=-1)
    disc = (y - 0.35) ** 2 + (x - 0.4) ** 2 < 0.06
    picture[disc] = 1 - picture[disc]
    stripes = (np.floor(x * 16) % 2 == 0) & (y > 0.7)
    picture[stripes] *= 0.4
    edge = np.ones((height, width), bool)
    edge[1:-1, 1:-1] = False
    picture[edge] = 0
    return np.floor(picture * 255 + 0.5).astype(np.uint8)


def draw_digits(images: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """Draw four digits where others have theirs, side by side and one above the other.

    Args:
        images: float32 (n, height, width, channels) in [0, 1].

    Returns:
        uint8 (2 height, 2 width, channels); None if these images are in colour, or have no
        background that is black or white, as writing has.
    """
    grey = images[..., 0]
    light = float((grey > 1 - _NEAR).mean())
    dark = float((grey < _NEAR).mean())
    if max(light, dark) < _BACKGROUND or not (images == images[..., :1]).all():
        return None
    ink = (1 - grey if light > dark else grey).mean(axis=0)
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > _INK * ink.max()) for axis in (1, 0))
    if not len(rows):
        return None
    box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    drawn = [_draw(lines, box, ink.shape) for lines in _DIGITS]
    pixels = np.block([drawn[:2], drawn[2:]])
    if light > dark:
        pixels = 255 - pixels
    return np.repeat(pixels[..., None], images.shape[3], axis=-1)


def _draw(
    lines: list[list[Point]], box: tuple[int, int, int, int], shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Lines in the unit square as strokes of a pen within a box (left, top, right, bottom)."""
    left, top, right, bottom = (_FINE * side for side in box)
    pen = max(_FINE, (bottom - top) / 7)
    canvas = Image.new("L", (_FINE * shape[1], _FINE * shape[0]))
    draw = ImageDraw.Draw(canvas)
    for line in lines:
        points = [
            (
                left + pen / 2 + x * (right - left - pen),
                top + pen / 2 + y * (bottom - top - pen),
            )
            for x, y in line
        ]
        draw.line(points, fill=255, width=round(pen))
        for x, y in points:  # round joints and ends
            half = pen / 2
            draw.ellipse((x - half, y - half, x + half, y + half), fill=255)
    return np.asarray(canvas.resize((shape[1], shape[0]), Image.Resampling.BOX))


def _arc(x: float, y: float, across: float, down: float, start: int, end: int) -> list[Point]:
    """Part of an ellipse around (x, y), clockwise from `start` to `end` degrees, 0 to the right."""
    angles = [math.radians(start + (end - start) * i / 24) for i in range(25)]
    return [(x + across * math.cos(a), y + down * math.sin(a)) for a in angles]


_DIGITS: tuple[list[list[Point]], ...] = (
    [[*_arc(0.5, 0.28, 0.36, 0.28, -170, 30), (0.1, 1.0), (0.92, 1.0)]],  # 2
    [_arc(0.5, 0.5, 0.36, 0.5, 0, 360)],  # 0
    [_arc(0.45, 0.25, 0.33, 0.25, -160, 90), _arc(0.45, 0.74, 0.4, 0.26, -90, 160)],  # 3
    [[(0.1, 0.0), (0.9, 0.0), (0.35, 1.0)]],  # 7
)
"""Lines of a 2, a 0, a 3 and a 7 in the unit square, x to the right and y down."""
