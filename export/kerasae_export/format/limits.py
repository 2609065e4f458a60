"""How much a reader does for the bytes that it received (FORMAT.md, section 7.1).

A few bytes can be a valid image of millions of pixels, so what bytes claim is bounded by their
number too. The bounds depend on the bytes and these numbers only, never on the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kerasae_export.errors import BitstreamLimitError, CorruptBitstreamError
from kerasae_export.format.arguments import check_count
from kerasae_export.format.rans import lane_count

__all__ = [
    "IMAGES",
    "MAX_IMAGES",
    "MAX_PIXELS",
    "PIXELS",
    "RUNS",
    "Claims",
    "Limits",
    "check_length",
]

MAX_PIXELS = 2**26
"""Most pixels of an image, or of all images of a stream."""

MAX_IMAGES = 2**17
"""Most images of a stream."""


class Allowance(NamedTuple):
    """What is allowed for any bytes, and for each byte received."""

    base: int
    each: int


IMAGES = Allowance(2**10, 2**3)  # two images that differ take a bit
PIXELS = Allowance(2**20, 2**12)  # a blank photograph has half as many for each of its bytes
RUNS = Allowance(2**12, 2**7)

_TILE_PIXELS = 16  # pixels of tiles for each pixel that is allowed
_ESCAPES = 2**13  # allowed with any limit, and beside them ...
_PIXELS_PER_ESCAPE = 2**5


class Claims(NamedTuple):
    """What some images take to decode.

    Attributes:
        images: Their number.
        pixels: Of all of them.
        runs: Of the decoder.
        tile_pixels: Of all these runs.
    """

    images: int = 0
    pixels: int = 0
    runs: int = 0
    tile_pixels: int = 0

    def __add__(self, other: tuple[int, ...]) -> Claims:  # type: ignore[override]
        return Claims(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Limits:
    """What a reader allows.

    Attributes:
        max_pixels: Most pixels of an image, or of all images of a stream.
        max_images: Most images of a stream.
        max_expansion: How many times `IMAGES`, `PIXELS` and `RUNS` are allowed.

    Raises:
        ValueError: If one is not a positive integer.
    """

    max_pixels: int = MAX_PIXELS
    max_images: int = MAX_IMAGES
    max_expansion: int = 1

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_images", "max_expansion"):
            object.__setattr__(self, name, check_count(name, getattr(self, name)))

    @property
    def escapes(self) -> int:
        """Most escaped symbols of a block."""
        return max(_ESCAPES, self.max_pixels // _PIXELS_PER_ESCAPE)

    def allowed(self, allowance: Allowance, received: int) -> int:
        """What so many bytes may ask for."""
        return self.max_expansion * (allowance.base + allowance.each * received)

    def check(self, claims: Claims, received: int) -> None:
        """Refuse claims that are too large, or too large for so few bytes.

        Raises:
            BitstreamLimitError: If they are.
        """
        if claims.images > self.max_images:
            raise BitstreamLimitError(
                f"The bitstream claims {claims.images} images, over the {self.max_images} that "
                "are allowed; raise `max_images` if you trust it."
            )
        asked = (
            ("images", claims.images, IMAGES, 1),
            ("pixels", claims.pixels, PIXELS, 1),
            ("runs of the decoder", claims.runs, RUNS, 1),
            ("pixels of tiles", claims.tile_pixels, PIXELS, _TILE_PIXELS),
        )
        for what, number, allowance, factor in asked:
            most = factor * self.allowed(allowance, received)
            if number > most:
                raise BitstreamLimitError(
                    f"The bitstream of {received} bytes claims {number} {what}, over the {most} "
                    "that so few are allowed; raise `max_expansion` if you trust it."
                )

    def needs(self, claims: Claims) -> int:
        """How many bytes must have been received for claims that `check` lets pass.

        None that is over `max_pixels` or `max_images` needs more than the largest that is not.
        """
        asked = (
            (min(claims.images, self.max_images), IMAGES, 1),
            (min(claims.pixels, self.max_pixels), PIXELS, 1),
            (min(claims.runs, _TILE_PIXELS * self.max_pixels), RUNS, 1),
            (min(claims.tile_pixels, _TILE_PIXELS * self.max_pixels), PIXELS, _TILE_PIXELS),
        )
        return max(
            -(-(-(-number // (factor * self.max_expansion)) - allowance.base) // allowance.each)
            for number, allowance, factor in asked
        )

    def check_work(self, symbols: int, tile_pixels: int, what: str) -> None:
        """Refuse images that take far more memory or time than their pixels.

        Raises:
            BitstreamLimitError: If they do.
        """
        if symbols > self.max_pixels or tile_pixels > _TILE_PIXELS * self.max_pixels:
            raise BitstreamLimitError(
                f"{what} pixels take {symbols} symbols and {tile_pixels} pixels of tiles, more "
                f"than is allowed with `max_pixels` of {self.max_pixels}."
            )

    def check_escapes(self, number: int) -> None:
        """Refuse more escaped symbols than are allowed.

        Raises:
            BitstreamLimitError: If there are more.
        """
        if number > self.escapes:
            raise BitstreamLimitError(
                f"The bitstream holds {number} symbols outside of its tables, more than the "
                f"{self.escapes} that are allowed with `max_pixels` of {self.max_pixels}."
            )


def check_length(
    payload: int, symbols: int, limits: Limits, *, before: int, lanes: int | None = None
) -> None:
    """Refuse a payload that is longer than its symbols can make it, before it is read.

    Args:
        payload: Its bytes.
        symbols: Their number.
        limits: How many of them may be escaped.
        before: Bytes of the payload before the entropy-coded data.
        lanes: Most lanes; by default as many as so many symbols have.

    Raises:
        CorruptBitstreamError: If no symbols can make it so long.
        BitstreamLimitError: If only more escaped ones than are allowed can.
    """
    front = before + 4 * (lane_count(symbols) if lanes is None else lanes) + 2 * symbols
    if payload > front + 10 * symbols:  # an entry takes a word at most, an escape has five more
        raise CorruptBitstreamError("The bitstream is longer than its symbols can make it.")
    limits.check_escapes(-(-(payload - front) // 10))
