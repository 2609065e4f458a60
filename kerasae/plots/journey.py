"""One image on its way from a sender to a receiver, with bytes and seconds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments
from kerasae.plots._style import BLUE, GREEN, INK, MUTED, ORANGE, PALE, Figure, show_image

__all__ = ["plot_journey"]


def plot_journey(
    original: NDArray[np.uint8],
    symbols: ArrayLike,
    data: bytes,
    received: NDArray[np.uint8],
    *,
    link: float,
) -> Figure:
    """Plot one image on its way: pixels, symbols, the bits of the file, and pixels again.

    Args:
        original: uint8 (height, width, 1 or 3), what the sender has.
        symbols: The whole numbers that the encoder's code was rounded to, in any shape.
        data: The file, such as `Codec.compress` gives it.
        received: uint8 of the shape of `original`, what the receiver paints.
        link: Bits a second of the line between the two.

    Returns:
        A figure with an axes for each of the four.

    Raises:
        ValueError: If the images are not uint8 of one shape, or something is empty.

    Example:
        >>> import numpy as np
        >>> image = np.zeros((8, 8, 1), np.uint8)
        >>> figure = plot_journey(image, [3, 0, -1], b"abcdef", image, link=9600)
        >>> figure.axes[2].get_title(loc="center")
        'file: 6 bytes, 0.005 s'
    """
    values = _arguments.array("symbols", symbols).ravel()
    if values.dtype.kind not in "iu":
        raise ValueError(f"`symbols` must be integers. Received: {values.dtype}")
    link = _arguments.number("link", link, low=0.0)
    if not isinstance(data, (bytes, bytearray)):
        raise ValueError(f"`data` must be bytes. Received: {type(data).__name__}")
    for name, picture in (("original", original), ("received", received)):
        whole = isinstance(picture, np.ndarray) and picture.dtype == np.uint8
        fits = whole and picture.ndim == 3 and picture.shape == original.shape
        if not fits or not picture.size or picture.shape[-1] not in (1, 3):
            given = f"{picture.dtype} of shape {picture.shape}" if whole else type(picture).__name__
            raise ValueError(
                f"`{name}` must be an image, uint8 (height, width, 1 or 3), both of one shape. "
                f"Received: {given}"
            )
    if not len(values) or not data:
        raise ValueError(
            "`symbols` and `data` must not be empty. "
            f"Received: {len(values)} symbols, {len(data)} bytes"
        )
    figure = Figure(figsize=(9, 3.0))
    wide, high, bottom = 0.185, 0.55, 0.2
    starts = [0.02 + 0.258 * i for i in range(4)]
    panels = [figure.add_axes((x, bottom, wide, high)) for x in starts]
    panels[1].set_position((starts[1] + 0.02, bottom, wide - 0.02, high))  # room for its axis

    show_image(panels[0], original / 255)
    raw = original.size
    panels[0].set_title(f"image: {raw:,} bytes, {_seconds(raw, link)}", fontsize=9, color=INK)

    panels[1].bar(np.arange(len(values)), values, color=ORANGE, width=0.9)
    panels[1].axhline(0, color=INK, linewidth=0.6)
    panels[1].set_title(f"code: {len(values)} whole numbers", fontsize=9, color=INK)
    panels[1].set_xlabel("place in the code", fontsize=8, color=INK)
    panels[1].tick_params(labelsize=7, colors=INK, length=2)
    panels[1].spines[["top", "right"]].set_visible(False)
    panels[1].spines[["left", "bottom"]].set_color(PALE)

    _bits(panels[2], data)
    text = f"file: {len(data):,} bytes, {_seconds(len(data), link)}"
    panels[2].set_title(text, fontsize=9, color=INK)
    panels[2].set_xlabel("every bit of it", fontsize=8, color=INK)

    show_image(panels[3], received / 255)
    error = float(np.square(original.astype(float) - received).mean()) / 255**2
    quality = "no error" if not error else f"{-10 * math.log10(error):.1f} dB"
    panels[3].set_title(f"rebuilt: {quality}", fontsize=9, color=INK)

    steps = ("encoder", "entropy\ncoder", "decoder")
    for x, name in zip(starts[1:], steps, strict=True):
        middle = x - (0.258 - wide) / 2
        figure.text(middle, 0.545, name, fontsize=8, ha="center", va="bottom", color=INK)
        figure.text(middle, 0.475, "→", fontsize=18, ha="center", va="center", color=MUTED)
    for x, (side, colour) in zip(
        (0.23, 0.77), (("sender", BLUE), ("receiver", GREEN)), strict=True
    ):
        figure.text(x, 0.93, side, fontsize=11, weight="bold", ha="center", color=colour)
    figure.text(
        0.5, 0.93, f"line of {link:,.0f} bits a second", fontsize=9, ha="center", color=MUTED
    )
    return figure


def _seconds(count: int, link: float) -> str:
    return f"{8 * count / link:.3g} s"


def _bits(axes: Any, data: bytes) -> None:
    """The file as a square of bits, 1 black, in reading order; grey behind its end."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    columns = 8 * math.ceil(math.sqrt(len(bits)) / 8)
    lines = math.ceil(len(bits) / columns)
    tones = np.full(lines * columns, 0.8)
    tones[: len(bits)] = 1.0 - bits
    axes.imshow(tones.reshape(lines, columns), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(PALE)
