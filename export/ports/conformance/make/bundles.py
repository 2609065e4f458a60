"""The bundles of the set: every layout, scheme and edge; their models are placeholders."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property

from kerasae_export.format.entropy import Table
from kerasae_export.format.manifest import DECODE, ENCODE, Edge, Manifest, Part
from kerasae_export.format.spec import CodecSpec, Quality
from kerasae_export.format.tiling import Layout

ENCODER = b"In place of an encoder: nothing in this set needs one.\n"

TOTAL = 4096


@dataclass(frozen=True)
class Bundle:
    """A bundle without models.

    Attributes:
        name: Name of its folder.
        scheme: How its models would be stored.
        spec: Its codec part.
        float_edges: Whether its models would take and give float32.
        both: Whether one file would hold both models.
    """

    name: str
    scheme: str
    spec: CodecSpec
    float_edges: bool
    both: bool = False

    @property
    def decoder(self) -> bytes:
        """The content of the decoder's file."""
        return f"In place of the decoder of {self.name}: nothing here needs one.\n".encode()

    @cached_property
    def manifest(self) -> Manifest:
        """Its manifest."""
        spec, model = self.spec, self.decoder
        image, code = (1, *spec.tile, spec.channels), spec.code_edge
        if self.float_edges:
            outside, inside = Edge(image, "float32"), Edge(code, "float32")
        else:
            outside, inside = Edge(image, "uint8", 1 / 255, 0), Edge(code, "uint8", 0.37, 128)
        if spec.codebook:
            inside = Edge(code, "int32")
        names = ("model.tflite",) * 2 if self.both else ("encoder.tflite", "decoder.tflite")
        signatures = (ENCODE, DECODE) if self.both else (None, None)
        contents = {names[0]: ENCODER, names[1]: model}
        return Manifest(
            scheme=self.scheme,
            codec=spec,
            encoder=Part(names[0], outside, inside, signatures[0]),
            decoder=Part(names[1], inside, outside, signatures[1]),
            bundle_hash=spec.hash(model).hex(),
            pixel_tolerance=3,
            files={n: (hashlib.sha256(c).hexdigest(), len(c)) for n, c in contents.items()},
            facts={"name": self.name},
        )

    @property
    def key(self) -> bytes:
        """The 32 bytes of its hash."""
        return bytes.fromhex(self.manifest.bundle_hash)

    @cached_property
    def layout(self) -> Layout:
        """Its layout."""
        return Layout(self.spec)


def bell(entries: int, width: float, peak: float = 0.0) -> tuple[int, ...]:
    """Frequencies that fall off from the middle, and one for the escape."""
    middle = (entries - 2) / 2 + peak
    weights = [1 / (1 + ((j - middle) / width) ** 2) for j in range(entries - 1)]
    scale = (TOTAL - 9 - entries) / sum(weights)
    frequencies = [1 + int(weight * scale) for weight in weights]
    frequencies[len(frequencies) // 2] += TOTAL - 9 - sum(frequencies)
    return (*frequencies, 9)


def _tables(seed: int, number: int) -> tuple[Table, ...]:
    draw = random.Random(seed)
    tables = []
    for _ in range(number):
        entries = draw.randrange(5, 24)
        offset = -(entries // 2) + draw.randrange(-2, 3)
        tables.append(Table(offset, bell(entries, 0.5 + 4 * draw.random())))
    return tuple(tables)


def _quality(seed: int, channels: int, classes: int = 1) -> Quality:
    mantissas = tuple(2**23 + 4097 * (seed + c) for c in range(channels))
    return Quality(mantissas, -22 - seed % 5, classes, _tables(seed, classes * channels))


def _index_quality(codebook: int, channels: int = 1) -> Quality:
    entries = min(codebook, 40) + 1
    tables = [Table(0, bell(entries, 6.0 + 5 * c, 2.0 * c - 3.0)) for c in range(channels)]
    return Quality((1,) * channels, 0, 1, tuple(tables))


# Both ends of what a table may be: two entries, 2049, all weight on one, offsets of +-2^30.
EXTREME = (
    Table(0, (4095, 1)),
    Table(7, (1, 4095)),
    Table(-(2**30), (2048, 2048)),
    Table(2**30, (1, 4094, 1)),
    Table(-1024, (*(1 for _ in range(2048)), 2048)),
    Table(-(2**30), (*(2 for _ in range(2047)), 1, 1)),
)


def _grid(
    tile: tuple[int, int], stride: int, depth: int, margin: int, **rest: int
) -> dict[str, object]:
    shape = (tile[0] // stride, tile[1] // stride, depth)
    return {
        "tile": tile,
        "layout": "grid",
        "stride": stride,
        "margin": margin,
        "code_shape": shape,
        "codebook": rest.get("codebook", 0),
        "group": rest.get("group", 1),
    }


def _blocks(tile: tuple[int, int], shape: tuple[int, ...], codebook: int = 0) -> dict[str, object]:
    return {
        "tile": tile,
        "layout": "blocks",
        "stride": 1,
        "margin": 0,
        "code_shape": shape,
        "codebook": codebook,
        "group": 1,
    }


def _spec(channels: int, sizes: dict[str, object], *qualities: Quality) -> CodecSpec:
    return CodecSpec(channels=channels, qualities=qualities, **sizes)  # type: ignore[arg-type]


BUNDLES = (
    Bundle("grid", "int8", _spec(1, _grid((16, 24), 4, 2, 1), _quality(1, 2)), False),
    Bundle(
        "classes",
        "float32",
        _spec(
            3,
            _grid((12, 12), 2, 3, 1, group=2),
            _quality(2, 3),
            _quality(3, 3, classes=3),
            _quality(4, 3, classes=64),
            _quality(5, 3, classes=2),
        ),
        True,
    ),
    Bundle("blocks", "float16", _spec(1, _blocks((7, 5), (6,)), _quality(6, 6)), True),
    Bundle(
        "qualities",
        "dynamic",
        _spec(3, _blocks((8, 8), (2, 2)), *(_quality(10 + q, 2) for q in range(64))),
        True,
        both=True,
    ),
    Bundle(
        "indices",
        "int8",
        _spec(1, _grid((8, 8), 4, 1, 0, codebook=16), _index_quality(16)),
        False,
        both=True,
    ),
    Bundle(
        "dense-indices",
        "float32",
        _spec(3, _blocks((6, 6), (3, 1), codebook=300), _index_quality(300)),
        True,
    ),
    Bundle(
        "level-indices",
        "int8",
        _spec(3, _grid((8, 12), 4, 3, 0, codebook=24), _index_quality(24, 3)),
        False,
    ),
    Bundle(
        "extreme",
        "int8",
        _spec(
            1,
            _blocks((4, 4), (1, 1, 2, 6)),
            Quality((1, 2**24 - 1, 2**23, 1, 2, 3), -149, 1, EXTREME),
            Quality((1, 2**24 - 1, 2**23, 1, 2, 3), 104, 1, EXTREME[::-1]),
        ),
        False,
    ),
    # A quarter of a symbol for each pixel and cheap entries: many lanes in few bytes.
    Bundle(
        "lanes",
        "float32",
        _spec(
            1,
            _blocks((8, 8), (4, 4, 1)),
            Quality((1,), 0, 1, (Table(-1, (8, 4070, 8, 10)),)),
        ),
        True,
    ),
    # Far more symbols or larger tiles than pixels, or nothing but blank images: for the limits.
    Bundle(
        "heavy",
        "float32",
        _spec(1, _blocks((1, 1), (2**13, 1)), Quality((1,), 0, 1, (Table(0, (4095, 1)),))),
        True,
    ),
    Bundle(
        "blank",
        "float32",
        _spec(1, _blocks((64, 64), (1,)), Quality((1,), 0, 1, (Table(0, (4095, 1)),))),
        True,
    ),
    Bundle(
        "small-tile",
        "float32",
        _spec(1, _blocks((1, 1), (1,)), Quality((1,), 0, 1, (Table(0, (4095, 1)),))),
        True,
    ),
    Bundle(
        "large-tile",
        "float32",
        _spec(1, _blocks((8192, 8192), (1,)), Quality((1,), 0, 1, (Table(0, (4095, 1)),))),
        True,
    ),
    # Of format version 2: the codec part and the files are as before.
    Bundle("mixed", "mixed", _spec(3, _grid((16, 16), 4, 4, 1), _quality(3, 4, classes=2)), True),
    Bundle("int16x8", "int16x8", _spec(1, _blocks((8, 8), (5,)), _quality(2, 5)), True, both=True),
)

BY_NAME = {bundle.name: bundle for bundle in BUNDLES}
