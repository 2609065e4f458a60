"""The first page of a model card: what its reader asks first, from the facts of the manifest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kerasae_export.format.manifest import Manifest

__all__ = ["AT_A_GLANCE", "summary"]

AT_A_GLANCE = "at_a_glance"
"""The fact that holds what the export measured."""

_SIDES = ("encoder", "decoder")


def summary(manifest: Manifest) -> str:
    """Markdown of a table, with a heading; empty for a bundle whose export measured nothing."""
    found = manifest.facts.get(AT_A_GLANCE)
    if not isinstance(found, Mapping):
        return ""
    height, width = manifest.codec.tile
    rows = [
        ("size", _each(found["file_bytes"], "`{}` {:,} bytes")),
        *_qualities(found),
        *_told(found),
        *_scheme(manifest.scheme, found),
        (
            "time",
            f"{_each(found['ms'], '{} {:g} ms')} for a tile of {height} x {width}, one thread of "
            "the machine that exported it; `verify` measures another",
        ),
        ("memory", _memory(found)),
        *_kernels(manifest),
        *((f"on {name}", text) for name, text in _delegates(found["delegates"])),
        ("licence", _licence(manifest.facts)),
    ]
    table = "\n".join(f"| {name} | {text} |" for name, text in rows)
    return f"\n## At a glance\n\n| | |\n|---|---|\n{table}\n\n{_NOTE}"


# From the table of docs/scheme_quality.md.
_ADVICE = (
    (30.0, "below some 30 dB `int8` loses next to nothing and is small and fast"),
    (
        35.0,
        "at 30 to 35 dB `int8` loses .1 to 1 dB; `mixed` and `dynamic` keep that, and `mixed` is "
        "the faster where most of the work stays in int8",
    ),
    (
        math.inf,
        "above 35 dB `int8` loses 1 dB or more; `mixed`, `dynamic` and `float16` keep nearly all",
    ),
)

_NOTE = """\
Delegates by their documented lists, not by a device; `kerasae_export.delegate_coverage` names them.
Which scheme keeps how much at which quality: docs/scheme_quality.md of kerasae.
"""


def _each(values: Mapping[str, Any], form: str) -> str:
    return ", ".join(form.format(name, value) for name, value in values.items())


def _told(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    told = found.get("told")
    if not isinstance(told, Mapping):
        return []
    return [("told the class", f"{told['psnr']:.2f} dB in {told['bytes']:g} bytes an image")]


def _qualities(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    several = len(found["qualities"]) > 1
    rows = [
        (
            f"quality {i + 1}" if several else "quality",
            f"{each['psnr']:.2f} dB PSNR in {each['bytes']:g} bytes an image, "
            f"{each['bits_per_pixel']:g} bits a pixel",
        )
        for i, each in enumerate(found["qualities"])
    ]
    name, text = rows[-1]
    keras = found.get("psnr_keras")
    told = "" if keras is None else f"; Keras, without rounding, {keras:.2f} dB"
    rows[-1] = (name, f"{text}{told}; on {found['images']} of the calibration images")
    return rows


def _scheme(scheme: str, found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the scheme loses here, and which one to take at this quality."""
    keras, stored = found.get("psnr_keras"), found.get("psnr_models")
    if keras is None or stored is None:
        return []
    lost = max(round(keras - stored, 2), 0.0)
    advice = next(text for most, text in _ADVICE if keras < most)
    text = (
        f"`{scheme}` loses {lost:.2f} dB: these models rebuild with {stored:.2f} dB what Keras "
        f"does with {keras:.2f}, before codes are rounded; {advice}"
    )
    return [("scheme", text)]


def _kernels(manifest: Manifest) -> list[tuple[str, str]]:
    found = manifest.facts.get("pixel_differences")
    if not isinstance(found, Mapping):
        return []
    same = found["pixels"].get("0", 0) / sum(found["pixels"].values())
    text = (
        f"XNNPACK, optimised and reference kernels agree at {same:.2%} of the pixels and differ by "
        f"up to {found['largest']} of 255 levels; {manifest.pixel_tolerance} are promised"
    )
    return [("kernels", text)]


def _memory(found: Mapping[str, Any]) -> str:
    text = f"activations: {_each(found['activation_bytes'], '{} {:,} bytes')}"
    arenas = found.get("arena_bytes")
    if not arenas:
        return text
    told = ", ".join(
        f"{name} {'not run' if size is None else f'{size:,} bytes'}"
        for name, size in arenas.items()
    )
    return f"{text}; arenas of TFLite Micro: {told}"


def _delegates(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = found["encoder"]
    return [
        (name, "<br>".join(f"{side}: {_taken(found[side][name])}" for side in _SIDES))
        for name in names
    ]


def _taken(found: Mapping[str, Any]) -> str:
    if not found["refused"]:
        return "all of it"
    reasons: dict[str, list[str]] = {}
    for name, (why, _) in found["refused"].items():
        reasons.setdefault(why, []).append(name)
    refused = "; ".join(f"{', '.join(names)} ({why})" for why, names in reasons.items())
    if not found["taken"]:
        return f"none of it: {refused}"
    share = "" if found["macs"] is None else f" with {found['macs']:.0%} of the multiplications"
    return f"{found['taken']} of {found['operators']} operators{share}, not {refused}"


def _licence(facts: Mapping[str, Any]) -> str:
    weights, data = facts.get("license"), facts.get("data_license")
    told = [
        f"{what}: {text if isinstance(text, str) else 'not stated'}"
        for what, text in (("weights", weights), ("data", data))
    ]
    return "; ".join(told)
