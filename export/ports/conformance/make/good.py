"""Files and streams that every reader accepts, and every writer writes so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from bundles import BUNDLES, EXTREME
from case import Case, image, stream


def good_files() -> Iterator[Case]:
    """All of them."""
    yield from _sizes()
    yield from _extremes()
    yield from _lanes()
    yield from _streams()
    yield from _at_the_limits()
    yield from _later_bundles()


def _sizes() -> Iterator[Case]:
    """Every bundle, quality and kind of size: a pixel, less than a tile, a tile, one more, odd."""
    for bundle in BUNDLES[:6]:
        h, w = bundle.spec.tile
        sizes = [(1, 1), (h - 1, w - 1), (h, w), (h + 1, 2 * w + 1), (1, 9 * w), (5 * h + 3, 2)]
        number = len(bundle.spec.qualities)
        qualities = [1, 2, 33, 64] if number == 64 else range(1, number + 1)
        for quality in qualities:
            for size in sizes if number < 10 else sizes[:4]:
                name = f"{bundle.name}-{size[0]}x{size[1]}-q{quality}"
                yield image(name, bundle.name, size, quality)


def _extremes() -> Iterator[Case]:
    """Tables at both ends of what is allowed, with every kind of symbol."""
    low, high = -(2**31), 2**31 - 1
    inside = [t.offset for t in EXTREME]
    last = [t.offset + len(t.frequencies) - 2 for t in EXTREME]
    rows = [inside, last, [x - 1 for x in inside], [x + 1 for x in last], [low] * 6, [high] * 6]
    for quality in (1, 2):
        order = slice(None, None, 1 if quality == 1 else -1)
        symbols = np.array([row[order] for row in rows]).ravel()
        for name, count in (("edges", 3), ("edges-repeated", 24)):
            size = (4, 4 * count)
            yield image(f"extreme-{name}-q{quality}", "extreme", size, quality, symbols=symbols)
    for name, symbols in (
        ("escapes-only", [5, -5, 500, -500, 10**5, -(10**5), 10**9, -(10**9)]),
        ("zero-cost", [0]),  # the first entry of a table costs nothing while the state is 0
    ):
        yield image(f"lanes-{name}", "lanes", (20, 20), symbols=symbols)


def _lanes() -> Iterator[Case]:
    """One lane up to 8,191 symbols, two from 8,192; three, 32 and the most, 1,024."""
    pattern = np.zeros(4999, np.int64)
    pattern[::700], pattern[7::900], pattern[4440] = 1, -1, 300
    for name, size in (
        ("one-lane-most", (8, 8 * 511)),
        ("two-lanes-least", (8, 8 * 512)),
        ("two-lanes-most", (8, 8 * 767)),
        ("three-lanes-least", (8, 8 * 768)),
        ("31-lanes", (8 * 62, 8 * 128)),
        ("32-lanes", (8 * 64, 8 * 128)),
        ("1024-lanes", (8 * 512, 8 * 520)),
    ):
        yield image(f"lanes-{name}", "lanes", size, symbols=pattern)
    yield image("classes-two-lanes", "classes", (105, 107), 3)
    yield image("classes-three-lanes", "classes", (128, 131), 2)


def _streams() -> Iterator[Case]:
    """No image, one, many; sizes and qualities that change; blocks of the most images."""
    for bundle in (
        "grid",
        "classes",
        "blocks",
        "qualities",
        "indices",
        "dense-indices",
        "level-indices",
    ):
        yield stream(f"stream-{bundle}-empty", bundle, [])
        yield stream(f"stream-{bundle}-one", bundle, [(1, 9, 11, 1)])
        yield stream(f"stream-{bundle}-sizes", bundle, [(2, 3, 5, 1), (1, 30, 7, 1), (3, 3, 5, 1)])
    yield stream("stream-classes-mixed", "classes", [(2, 13, 9, q) for q in (1, 2, 3, 4, 1)])
    yield stream("stream-qualities-mixed", "qualities", [(1, 9, 9, q) for q in (64, 1, 32)])
    yield stream("stream-full-block", "grid", [(256, 1, 1, 1), (44, 1, 1, 1)])
    yield stream("stream-lanes", "classes", [(9, 40, 40, 4), (1, 40, 41, 3)])


def _at_the_limits() -> Iterator[Case]:
    """As much as is allowed, to the image, the pixel and the run."""
    yield image("limit-max-pixels", "lanes", (8, 16), symbols=[0], limits={"max_pixels": 128})
    yield stream(
        "limit-max-images", "blocks", [(3, 7, 5, 1)], limits={"max_images": 3, "max_pixels": 105}
    )
    yield image("limit-symbols", "heavy", (4, 2), symbols=[0], limits={"max_pixels": 2**16})
    blank = {"symbols": [0]}
    yield image("limit-pixels", "blank", (4096, BLANK), **blank)
    yield image("limit-pixels-twice", "blank", (8192, BLANK), **blank, limits={"max_expansion": 2})
    yield image("limit-runs", "small-tile", (64, RUNS // 64), **blank)
    yield stream("limit-images", "blank", [*[(256, 1, 1, 1)] * 6, (80, 1, 1, 1)], blank=True)
    yield image("limit-escapes", "lanes", (8, 8 * 512), symbols=[5], limits={"max_pixels": 2**18})


# Blank files of B = 13 and 11 bytes may have 2^20 + 2^12 B pixels and 2^12 + 2^7 B runs. The stream
# of 1,616 images has B = 5 + 6 x 9 + 8 + 7 = 74 bytes, and 2^10 + 2^3 B images are allowed.
BLANK = 2**8 + 13
RUNS = 2**12 + 2**7 * 11


def _later_bundles() -> Iterator[Case]:
    """Bundles of format version 2: their files and streams are of version 1 all the same."""
    for bundle in BUNDLES[-2:]:
        for size in ((1, 1), (17, 40)):
            yield image(f"{bundle.name}-{size[0]}x{size[1]}", bundle.name, size, 1)
        yield stream(f"stream-{bundle.name}", bundle.name, [(3, 9, 11, 1), (1, 30, 7, 1)])
