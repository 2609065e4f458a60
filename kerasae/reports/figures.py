"""Matplotlib's figures and arrays of images as parts of a page."""

from __future__ import annotations

import base64
import io
import re
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerasae.plots._style import INK, MUTED, PALE

__all__ = ["animation", "drawn", "mosaic"]

_COLOURS = {  # of figures, by those of the page, which change with the reader's screen
    "#000000": "var(--ink)",
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    PALE: "var(--pale)",
    "#e7eaee": "var(--line)",
    "#b0b0b0": "var(--line)",
    "#ffffff": "var(--card)",
}
_ID = re.compile(r'((?:\bid|xlink:href)="#?|url\(#)')
_SIDE = 128  # pixels of an image in a row of them
_PIXELS = 512  # from which an image is shown smooth


def drawn(figure: Any, alt: str, *, prefix: str, broad: bool = False) -> str:
    """A figure of Matplotlib as SVG in the colours of the page, with a text that stands in for it.

    Args:
        figure: The figure.
        alt: What it shows.
        prefix: Different for each figure of a page, for its names not to meet those of another.
        broad: Whether to scroll sideways on a narrow screen rather than to shrink.
    """
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": prefix}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
    text = _ID.sub(lambda match: f"{match[1]}{prefix}-", text)
    for colour, variable in _COLOURS.items():
        text = text.replace(colour, variable)
    return f"<div class='plot{' broad' if broad else ''}'>{text}</div>"


def mosaic(rows: NDArray[Any], alt: str) -> str:
    """Rows of images (rows, columns, height, width, 1 or 3) in [0, 1] as one image."""
    rows = _small(rows)
    count, columns, height, width, channels = rows.shape
    gap = max(1, round(width / 14))
    sheet = np.zeros((count * (height + gap) - gap, columns * (width + gap) - gap, 4), np.uint8)
    for i in range(count):
        for j in range(columns):
            picture = np.floor(np.clip(rows[i, j], 0, 1) * 255 + 0.5).astype(np.uint8)
            picture = np.broadcast_to(picture, (height, width, 3)) if channels == 1 else picture
            top, left = i * (height + gap), j * (width + gap)
            sheet[top : top + height, left : left + width, :3] = picture
            sheet[top : top + height, left : left + width, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(sheet, "RGBA").save(buffer, "PNG", optimize=True)
    kind = " class='pixels'" if sheet.shape[1] < _PIXELS else ""
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"<img{kind} alt='{escape(alt, quote=True)}' src='data:image/png;base64,{data}'>"


def _small(rows: NDArray[Any]) -> NDArray[Any]:
    """Images as small as a page has room for them."""
    factor = max(rows.shape[2:4]) // _SIDE
    if factor < 2:
        return rows
    height, width = (side // factor for side in rows.shape[2:4])
    kept = rows[:, :, : height * factor, : width * factor]
    shape = (*rows.shape[:2], height, factor, width, factor, rows.shape[-1])
    return kept.reshape(shape).mean(axis=(3, 5))


def animation(content: bytes, alt: str) -> str:
    """An animated WebP as it is."""
    data = base64.b64encode(content).decode()
    return f"<img alt='{escape(alt, quote=True)}' src='data:image/webp;base64,{data}'>"
