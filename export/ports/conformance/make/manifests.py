"""Manifests with one thing changed: those of a section break it, the others are good."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from bundles import BY_NAME

Content = dict[str, Any]
Change = Callable[[Content], object]


def changed_manifests() -> Iterator[tuple[str, bytes, str | None]]:
    """Name, text, and the section that refuses it, or None."""
    texts = {name: bundle.manifest.to_json() for name, bundle in BY_NAME.items()}
    base = json.loads(texts["blocks"])
    text = texts["blocks"]
    for name, broken in {
        "not-json": "{",
        "empty": "",
        "a-list": "[]",
        "data-behind": text + "{}",
        "comment": "// no JSON\n" + text,
        "trailing-comma": text.rstrip().removesuffix("}") + ",}",
        "single-quotes": text.replace('"format"', "'format'"),
        "not-a-number": text.replace('"facts": {', '"facts": {"x": NaN, '),
        "leading-zero": text.replace('"margin": 0', '"margin": 00'),
        "name-twice": text.replace('"margin": 0', '"margin": 0, "margin": 0'),
        "name-twice-in-facts": text.replace('"facts": {', '"facts": {"x": 1, "\\u0078": 1, '),
        "number-too-large": text.replace('"facts": {', '"facts": {"x": 1e400, '),
        "byte-order-mark": "\ufeff" + text,
        "65-levels": text.replace('"facts": {', '"facts": {"x": ' + "[" * 63 + "]" * 63 + ", "),
        "plus-sign": text.replace('"margin": 0', '"margin": +0'),
    }.items():
        yield name, broken.encode(), "1"
    yield "not-utf-8", text.replace('"facts": {', '"facts": {"\xff": 1, ').encode("latin-1"), "1"
    levels = text.replace('"facts": {', '"facts": {"x": ' + "[" * 62 + "]" * 62 + ", ")
    yield "good-64-levels", levels.encode(), None
    compact = json.dumps(base, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
    yield "good-compact", compact.encode(), None
    escaped = compact.replace('"layout":"blocks"', '"l\\u0061yout":"\\u0062locks"')
    yield "good-escaped-strings", escaped.encode(), None
    for name, change in _good().items():
        yield f"good-{name}", _changed(base, change), None
    for name, (section, change) in _bad().items():
        yield name, _changed(base, change), section
    later = json.loads(texts["mixed"])
    for name, change in {
        "mixed": lambda c: None,
        "int16x8": _set("scheme", "int16x8"),
        "with-float-layers": _set("facts", "float_layers", {"decoder": ["'a' (CONV_2D)"]}),
    }.items():
        yield f"good-version-2-{name}", _changed(later, change), None
    for name, change in {
        "as-version-1": _set("format_version", 1),
        "as-version-3": _set("format_version", 3),
        "as-version-2^31": _set("format_version", 2**31),
        "scheme-of-version-1": _set("scheme", "float32"),
        "scheme-unknown": _set("scheme", "int4"),
        "scheme-missing": _drop("scheme"),
        "scheme-in-capitals": _set("scheme", "Mixed"),
        "more-in-the-codec-part": _set("codec", "mixed", 1),
    }.items():
        yield f"version-2-{name}", _changed(later, change), "1"
    grid = json.loads(texts["classes"])
    for name, (section, change) in _bad_grid().items():
        yield f"grid-{name}", _changed(grid, change), section
    indices = json.loads(texts["indices"])
    for name, (section, change) in _bad_indices().items():
        yield f"indices-{name}", _changed(indices, change), section
    levels = json.loads(texts["level-indices"])
    for name, (section, change) in _bad_levels().items():
        yield f"level-indices-{name}", _changed(levels, change), section


def _changed(content: Content, change: Change) -> bytes:
    changed = copy.deepcopy(content)
    change(changed)
    return json.dumps(changed, separators=(",", ":"), ensure_ascii=False).encode()


def _set(*path: Any) -> Change:
    """Give a field the value at the end of the path."""

    def change(content: Any) -> None:
        for key in path[:-2]:
            content = content[key]
        content[path[-2]] = path[-1]

    return change


def _drop(*path: Any) -> Change:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


def _files(number: int, size: int) -> Change:
    def change(content: Content) -> None:
        for i in range(number):
            content["files"][f"more/{i}.bin"] = {"sha256": "0" * 64, "bytes": size}

    return change


def _good() -> dict[str, Change]:
    """What a reader does not mind."""
    return {
        "more-fields": lambda c: c.update({"more": {"deep": [1, [2.5e-3, None, True]]}}),
        "more-fields-of-an-edge": _set("encoder", "input", "more", "x"),
        "unicode": _set("facts", "name", 'Größe 😀 \\ " \n \u2028'),
        "minus-zero": _set("codec", "margin", -0),
        "onnx": lambda c: c.update(
            {
                "onnx": {
                    "encoder": c["encoder"]["file"],
                    "decoder": c["decoder"]["file"],
                    "pixel_tolerance": 9,
                }
            }
        ),
        "batch": lambda c: c.update(
            {
                "batch": {
                    "size": 8,
                    "encoder": {"file": c["encoder"]["file"]},
                    "decoder": {"file": c["decoder"]["file"]},
                }
            }
        ),
        "64-files": _files(62, 1),
        "2^30-bytes": _files(1, 2**30 - 55 - 62 - 2),
        "file-in-a-folder": _files(1, 0),
        "tolerance-255": _set("pixel_tolerance", 255),
        "tolerance-0": _set("pixel_tolerance", 0),
        "scale-as-integer": _set("encoder", "input", "scale", 2),
        "zero-point-255": _set("encoder", "input", "zero_point", 255),
    }


def _bad() -> dict[str, tuple[str, Change]]:
    cases: dict[str, tuple[str, Change]] = {}
    for name in (
        "format", "format_version", "bundle_hash", "pixel_tolerance", "encoder", "decoder",
        "codec", "files",
    ):  # fmt: skip
        cases[f"without-{name}"] = ("1", _drop(name))
    cases |= {
        "scheme-unknown": ("1", _set("scheme", "int4")),
        "scheme-missing": ("1", _drop("scheme")),
        "another-format": ("1", _set("format", "kerasae-family")),
        "version-2": ("1", _set("format_version", 2)),
        "version-0": ("1", _set("format_version", 0)),
        "version-as-string": ("1", _set("format_version", "1")),
        "version-as-bool": ("1", _set("format_version", True)),
        "hash-upper-case": ("1", _set("bundle_hash", "A" * 64)),
        "hash-of-63-digits": ("1", _set("bundle_hash", "a" * 63)),
        "hash-of-other-letters": ("1", _set("bundle_hash", "g" * 64)),
        "tolerance-256": ("1", _set("pixel_tolerance", 256)),
        "tolerance-negative": ("1", _set("pixel_tolerance", -1)),
        "tolerance-fraction": ("1", _set("pixel_tolerance", 1.5)),
        "codec-is-a-list": ("1", _set("codec", [])),
        "files-is-null": ("1", _set("files", None)),
        "file-not-listed": ("1", _set("decoder", "file", "other.tflite")),
        "file-without-size": ("1", _drop("files", "encoder.tflite", "bytes")),
        "file-of-negative-size": ("1", _set("files", "encoder.tflite", "bytes", -1)),
        "file-without-hash": ("1", _drop("files", "encoder.tflite", "sha256")),
        "65-files": ("1", _files(63, 1)),
        "more-than-2^30-bytes": ("1", _files(1, 2**30)),
        "signature-in-one-of-two-files": ("1", _set("encoder", "signature", "encode")),
        "edge-shape": ("1", _set("encoder", "input", "shape", [1, 5, 7, 1])),
        "edge-batch": ("1", _set("decoder", "input", "shape", [2, 6])),
        "edge-dtype": ("1", _set("encoder", "input", "dtype", "int8")),
        "edge-of-indices": ("1", _set("encoder", "output", "dtype", "int32")),
        "edge-scale-0": ("1", _set("encoder", "input", "scale", 0)),
        "edge-scale-negative": ("1", _set("encoder", "input", "scale", -0.5)),
        "edge-scale-as-string": ("1", _set("encoder", "input", "scale", "1")),
        "edge-zero-point-256": ("1", _set("encoder", "input", "zero_point", 256)),
        "edge-without-scale": ("1", _drop("encoder", "input", "scale")),
    }
    for kind, name in {
        "up": "../x", "root": "/x", "hidden": ".x", "hidden-in-a-folder": "a/.x", "deep": "a/b/c",
        "empty-folder": "a//c", "empty": "", "space": "a b", "backslash": "a\\b", "dots": "..",
        "letter": "é.tflite", "ends-with-a-line": "x\n", "zero": "x\0y",
    }.items():  # fmt: skip
        entry = {"sha256": "0" * 64, "bytes": 1}
        cases[f"file-name-{kind}"] = ("1", _set("files", name, entry))
    for name in (
        "channels", "tile", "layout", "stride", "margin", "code_shape", "codebook", "group",
        "table_bits", "qualities",
    ):  # fmt: skip
        cases[f"codec-without-{name}"] = ("1.1", _drop("codec", name))
    quality = ("codec", "qualities", 0)
    table = (*quality, "tables", 0)
    values: dict[str, Change] = {
        "unknown-field": _set("codec", "more", 1),
        "channels-2": _set("codec", "channels", 2),
        "channels-4": _set("codec", "channels", 4),
        "tile-0": _set("codec", "tile", [0, 5]),
        "tile-8193": _set("codec", "tile", [7, 8193]),
        "tile-of-three": _set("codec", "tile", [7, 5, 1]),
        "layout-unknown": _set("codec", "layout", "hex"),
        "stride-2-in-blocks": _set("codec", "stride", 2),
        "margin-1-in-blocks": _set("codec", "margin", 1),
        "group-2-in-blocks": _set("codec", "group", 2),
        "margin-negative": _set("codec", "margin", -1),
        "code-shape-empty": _set("codec", "code_shape", []),
        "code-shape-of-five": _set("codec", "code_shape", [1, 1, 1, 1, 6]),
        "code-shape-0": _set("codec", "code_shape", [0, 6]),
        "code-shape-too-large": _set("codec", "code_shape", [2**23, 6]),
        "codebook-of-six-channels": _set("codec", "codebook", 4),
        "codebook-too-large": _set("codec", "codebook", 2**24 + 1),
        "table-bits-11": _set("codec", "table_bits", 11),
        "qualities-none": _set("codec", "qualities", []),
        "qualities-65": lambda c: c["codec"].update(qualities=c["codec"]["qualities"] * 65),
        "quality-unknown-field": _set(*quality, "more", 1),
        "quality-without-step": _drop(*quality, "step"),
        "classes-0": _set(*quality, "classes", 0),
        "classes-2-in-blocks": _set(*quality, "classes", 2),
        "step-unknown-field": _set(*quality, "step", "more", 1),
        "exponent-too-small": _set(*quality, "step", "exponent", -150),
        "exponent-too-large": _set(*quality, "step", "exponent", 105),
        "mantissa-0": _set(*quality, "step", "mantissas", 0, 0),
        "mantissa-2^24": _set(*quality, "step", "mantissas", 0, 2**24),
        "mantissas-five": _drop(*quality, "step", "mantissas", 0),
        "tables-five": _drop(*quality, "tables", 0),
        "table-unknown-field": _set(*table, "more", 1),
        "table-offset-too-large": _set(*table, "offset", 2**30 + 1),
        "table-offset-too-small": _set(*table, "offset", -(2**30) - 1),
        "table-of-one-entry": _set(*table, "frequencies", [4096]),
        "table-of-2050-entries": _set(*table, "frequencies", [1] * 2049 + [2047]),
        "table-with-0": _set(*table, "frequencies", [0, 4096]),
        "table-with-a-negative": _set(*table, "frequencies", [-1, 4097]),
        "table-sum-4095": _set(*table, "frequencies", [4094, 1]),
        "table-sum-4097": _set(*table, "frequencies", [4096, 1]),
        "table-sum-wraps": _set(*table, "frequencies", [2**32, 4096]),
    }
    cases |= {f"codec-{name}": ("1.1", change) for name, change in values.items()}
    numbers: dict[str, tuple[Any, ...]] = {
        "margin-as-fraction": ("codec", "margin", 0.0),
        "offset-as-fraction": (*table, "offset", 1.0),
        "tile-as-fraction": ("codec", "tile", [7.0, 5]),
    }
    cases |= {f"codec-{name}": ("1.1", _set(*path)) for name, path in numbers.items()}
    return cases


def _bad_grid() -> dict[str, tuple[str, Change]]:
    cases: dict[str, Change] = {
        "margin-too-large": _set("codec", "margin", 3),
        "stride-that-does-not-fit": _set("codec", "stride", 3),
        "tile-that-does-not-fit": _set("codec", "tile", [12, 14]),
        "group-0": _set("codec", "group", 0),
        "classes-65": _set("codec", "qualities", 0, "classes", 65),
        "tables-of-other-classes": _set("codec", "qualities", 1, "classes", 2),
    }
    return {name: ("1.1", change) for name, change in cases.items()}


def _bad_levels() -> dict[str, tuple[str, Change]]:
    step = ("codec", "qualities", 0, "step", "mantissas")
    return {
        "step-of-the-last": ("1.1", _set(*step, [1, 1, 2])),
        "steps-two": ("1.1", _set(*step, [1, 1])),
        "tables-two": ("1.1", _drop("codec", "qualities", 0, "tables", 0)),
        "edge-without-levels": ("1", _set("decoder", "input", "shape", [1, 2, 3])),
    }


def _bad_indices() -> dict[str, tuple[str, Change]]:
    def twice(content: Content) -> None:
        content["codec"]["qualities"] *= 2

    step = ("codec", "qualities", 0, "step")
    return {
        "two-qualities": ("1.1", twice),
        "step-2": ("1.1", _set(*step, "mantissas", [2])),
        "exponent-1": ("1.1", _set(*step, "exponent", 1)),
        "float-edge": ("1", _set("encoder", "output", "dtype", "float32")),
        "edge-with-channels": ("1", _set("decoder", "input", "shape", [1, 2, 2, 1])),
        "other-signature": ("1", _set("encoder", "signature", "decode")),
        "one-signature": ("1", _drop("decoder", "signature")),
    }
