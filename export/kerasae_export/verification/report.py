"""The report of a verification: one HTML file that needs nothing beside it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.manifest import Edge, Manifest
from kerasae_export.verification import markup
from kerasae_export.verification.outcome import TOLERANCES, Check, Verification
from kerasae_export.verification.parity import Pictures

__all__ = ["Evidence", "html"]

_COLUMNS = 6  # pictures side by side
_NO_PLOTS = (
    "The plots are missing: matplotlib is not installed here. "
    "<code>pip install 'kerasae-export[convert]'</code> brings it."
)


@dataclass
class Evidence:
    """What a report shows that `verification.json` does not hold.

    Attributes:
        name: Name of the bundle's folder.
        manifest: The manifest, if it could be read.
        golden: The golden image and what this machine decodes it to, both uint8.
        pictures: Real images and their reconstructions.
    """

    name: str
    manifest: Manifest | None = None
    golden: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
    pictures: Pictures | None = None


def html(verification: Verification, evidence: Evidence) -> str:
    """The report as the text of an HTML file, plots included where matplotlib is installed."""
    measured = verification.measurements
    plotted = importlib.util.find_spec("matplotlib") is not None
    sections = [_head(verification, evidence), _checks(verification.checks)]
    if evidence.golden is not None:
        sections.append(_golden(evidence.golden, plotted))
    if "costs" in measured and evidence.manifest is not None:
        sections.append(_costs(measured, evidence.manifest, plotted))
    if "kernels" in measured:
        sections.append(_kernels(measured["kernels"], plotted))
    if "pixels" in measured:
        sections.append(_pixels(measured["pixels"], evidence.manifest))
    if "parity" in measured:
        sections.append(_quality(measured["parity"], evidence.pictures, plotted))
    if "layers" in measured:
        sections.append(_layers(measured["layers"], plotted))
    sections.append(_tolerances(evidence.manifest))
    if not plotted:
        sections.insert(1, f"<p class='note'>{_NO_PLOTS}</p>")
    return markup.page(f"Verification of {evidence.name}", sections)


def _head(verification: Verification, evidence: Evidence) -> str:
    failed = sum(not check.passed for check in verification.checks)
    count = len(verification.checks)
    verdict = f"{failed} of {count} checks failed" if failed else f"all {count} checks passed"
    badge = f"<span class='badge {'bad' if failed else 'good'}'>{verdict}</span>"
    facts = []
    if evidence.manifest is not None:
        manifest, spec = evidence.manifest, evidence.manifest.codec
        height, width = spec.tile
        facts = [
            ("model", str(manifest.facts.get("model", "?"))),
            ("scheme", manifest.scheme),
            ("image", f"{height} x {width} x {spec.channels}"),
            ("code", " x ".join(map(str, spec.code_shape))),
            ("bundle", verification.bundle[:16]),
            ("machine", str(verification.measurements.get("machine", "?"))),
        ]
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts)
    return f"<h1>{escape(evidence.name)} {badge}</h1>\n<dl>{items}</dl>"


def _checks(checks: Iterable[Check]) -> str:
    rows = "".join(
        f"<tr class='{'' if c.passed else 'failed'}'><td>{'✓' if c.passed else '✗'}</td>"
        f"<td>{escape(c.name)}</td><td>{escape(c.detail)}</td></tr>"
        for c in checks
    )
    return (
        "<h2>Checks</h2><table class='checks'><thead><tr><th></th><th>check</th>"
        f"<th>measured, and what was allowed</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _golden(golden: tuple[NDArray[np.uint8], NDArray[np.uint8]], plotted: bool) -> str:
    image, rebuilt = golden
    text = (
        f"<p>An image of {image.shape[0]} x {image.shape[1]} pixels that travels with the bundle, "
        "so that a port to another device or language can be compared with this one. It is "
        "often a drawn pattern, unlike anything the model was trained on: how well it is "
        "rebuilt says little.</p>"
    )
    if plotted:
        from kerasae_export.verification import plots

        text += markup.figure(
            plots.plot_golden(image, rebuilt), "golden image, decoded, difference"
        )
    return f"<h2>Golden sample</h2>{text}"


def _costs(measured: Mapping[str, Any], manifest: Manifest, plotted: bool) -> str:
    height, width = manifest.codec.tile
    peak, parameters = measured.get("peak_bytes", {}), measured.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    parts = {"encoder": manifest.encoder, "decoder": manifest.decoder}
    costs, times = measured["costs"], measured["latency_ms"]
    holds = ", which holds both" if manifest.encoder.file == manifest.decoder.file else ""
    rows = [
        ("file", lambda n: parts[n].file, ""),
        ("parameters", lambda n: markup.count(parameters.get(n)), "as the manifest states"),
        ("size", lambda n: markup.size(measured["bytes"][n]), f"of the file{holds}"),
        (
            "multiply-accumulates per pixel",
            lambda n: markup.number(costs[n]["macs_per_pixel"]),
            "those with padding included, element-wise arithmetic not",
        ),
        (
            "in a large image",
            lambda n: markup.number(costs[n]["macs_per_pixel_tiled"]),
            "whose tiles overlap and compute their margins more than once",
        ),
        (
            "1 thread, ms",
            lambda n: markup.quartiles(times[f"{n}, 1 thread"]),
            f"median and quartiles of a run, one tile of {height} x {width} pixels, "
            "on the machine above, which is no phone",
        ),
        ("2 threads, ms", lambda n: markup.quartiles(times[f"{n}, 2 threads"]), "the same"),
        (
            "activations",
            lambda n: markup.size(costs[n]["working_bytes"]),
            "the most bytes that are alive at once, about the size of an arena on any device",
        ),
        (
            "peak memory",
            lambda n: markup.size(peak.get(n)),
            "of a fresh process that loads and runs the model, above one that has only imported "
            "LiteRT: the file, the weights as the kernels pack them, the arena, and the pages of "
            "LiteRT's own code that are used",
        ),
    ]
    text = markup.table(
        ["", *parts, ""],
        [[name, *(value(n) for n in parts), what] for name, value, what in rows],
        numbers=(1, 2),
    )
    edges = [
        [name, side, _edge(edge)]
        for name, part in parts.items()
        for side, edge in (("input", part.input), ("output", part.output))
    ]
    if plotted:
        from kerasae_export.verification import plots

        text += markup.figure(plots.plot_latency(measured["latency_ms"]), "latency")
        operators = {name: measured["costs"][name]["operators"] for name in parts}
        if any(o["macs"] for side in operators.values() for o in side):
            figure = plots.plot_products(operators, height * width)
            text += markup.figure(figure, "multiply-accumulates per pixel of each operator")
    text += markup.table(["", "edge", "shape, type and scale"], edges)
    return f"<h2>What it costs</h2>{text}"


def _kernels(compared: Mapping[str, Any], plotted: bool) -> str:
    rows = [
        [
            f"{name} ({values['images']})",
            f"{values['symbols']:,}",
            f"{values['moved']:.3%}",
            str(values["largest"]),
            str(values["pixels_largest"]),
            *(f"{psnr:.3f}" for psnr in values["psnr"].values()),
        ]
        for name, values in compared.items()
    ]
    ways = next(iter(compared.values()))["psnr"]
    head = [
        "images",
        "symbols",
        "moved",
        "by up to",
        "pixels",
        *(way.replace(" to ", " → ") for way in ways),
    ]
    text = (
        "<p>A phone, a browser and a server run other kernels, which round differently. Here "
        "XNNPACK meets the optimised ones that apps without it have, and the plain reference: each "
        "encodes, and each decodes what each has encoded. Moved: symbols that differ, by up to so "
        "many steps; pixels: levels of 255 by which the same symbols decode differently; then PSNR "
        "in dB, encoder → decoder.</p>" + markup.table(head, rows, numbers=range(1, 9))
    )
    if plotted:
        from kerasae_export.verification import plots

        text += markup.figure(
            plots.plot_kernels(compared), "symbols moved, PSNR changed by kernels"
        )
    return f"<h2>Other kernels</h2>{text}"


def _pixels(found: Mapping[str, Any], manifest: Manifest | None) -> str:
    total = sum(found["pixels"].values())
    rows = [
        [level, f"{count / total:.4%}", f"{found['worst'].get(level, 0):,}"]
        for level, count in found["pixels"].items()
    ]
    promised = "" if manifest is None else f" The manifest promises {manifest.pixel_tolerance}."
    return (
        f"<h2>Pixels of other kernels</h2><p>{found['codes']:,} codes, real ones and such as the "
        "entropy tables give by chance, decoded by XNNPACK, by the optimised and by the reference "
        "kernels: by how many levels of 255 the three are apart, at which share of the pixels, and "
        f"how many codes have no pixel farther apart.{promised}</p>"
        + markup.table(["levels apart", "pixels", "codes, at most"], rows, numbers=range(3))
    )


def _quality(parity: Mapping[str, Any], pictures: Pictures | None, plotted: bool) -> str:
    ways = {"keras": "Keras", "tflite": "TF Lite", "codec": "codec, code rounded"}
    rows = [
        [name, f"{parity[f'psnr_{way}']:.2f}", f"{parity[f'ssim_{way}']:.4f}"]
        for way, name in ways.items()
    ]
    differences = [
        [part, *(f"{parity[f'{part}_difference_{kind}']:.2g}" for kind in ("mean", "max"))]
        for part in ("code", "pixel")
    ]
    text = (
        f"<p>On {parity['images']} images. PSNR is pooled over all pixels of all images; SSIM has "
        "a uniform window of 7 x 7. Differences are relative to the range.</p><div class='pair'>"
        + markup.table(["way", "PSNR, dB", "SSIM"], rows, numbers=(1, 2))
        + markup.table(["TF Lite - Keras", "mean", "largest"], differences, numbers=(1, 2))
        + "</div>"
    )
    if plotted and pictures is not None:
        from kerasae_export.verification import plots

        places = np.linspace(0, len(pictures.originals) - 1, _COLUMNS).astype(int)
        some = np.unique(places)
        figure = plots.plot_pictures(
            {
                "original": pictures.originals[some],
                "Keras": pictures.keras[some],
                "TF Lite": pictures.lite[some],
                "codec": pictures.codec[some],
            }
        )
        text += markup.figure(
            figure, "originals and what Keras, TF Lite and the codec make of them"
        )
        if len(pictures.originals) > 1:
            losses = plots.plot_losses(
                pictures.originals,
                pictures.keras,
                {"TF Lite": pictures.lite, "codec": pictures.codec},
            )
            text += markup.figure(losses, "PSNR of single images against Keras")
    return f"<h2>Against Keras</h2>{text}"


def _layer_losses(found: Mapping[str, Any]) -> str:
    """What each layer costs the images, where that was measured."""
    losses, most = found.get("losses"), found.get("costs_most")
    if not losses:
        return ""
    told = "No layer costs the images anything."
    if most is not None:
        told = (
            f"Costs most: {escape(most['layer'])} of the {most['part']}, {most['loss_db']:.2f} dB."
        )
    rows = [
        (part, layer, f"{loss:.3f}")
        for part, layers in losses.items()
        for layer, loss in sorted(layers.items(), key=lambda each: -each[1])
    ]
    table = markup.table(("part", "layer", "dB"), rows)
    return (
        f"<p><b>{told}</b> The PSNR that is lost with this layer as it is stored and all others in "
        "float32, on average over the images; <i>edges</i> are input and output.</p>"
        f"<details><summary>all layers</summary>{table}</details>"
    )


def _layers(found: Mapping[str, Any], plotted: bool) -> str:
    if "error" in found:
        return (
            f"<h2>Layers</h2><p class='note'>Nothing to compare with: {escape(found['error'])}</p>"
        )
    parts = {name: found[name]["layers"] for name in ("encoder", "decoder")}
    worst = found["largest_error"]
    text = (
        f"<p>Every tensor on {found['images']} images, against the same model in float32. "
        "<i>Alone</i>: the float layer was given the inputs that the stored one had, so only its "
        "own rounding counts. <i>Up to here</i>: against the float model from its input on. "
        "120 dB stands for no error.</p>"
    )
    if worst is not None:
        text += (
            f"<p><b>Largest error: {escape(worst['layer'] or worst['operator'])}</b> "
            f"({escape(worst['operator'])}) of the {worst['part']}, {worst['own']:.1f} dB.</p>"
        )
    text += _layer_losses(found)
    if plotted and worst is not None:
        from kerasae_export.verification import plots

        figure = plots.plot_layers(parts)
        text += markup.figure(figure, "signal-to-noise ratio of each layer")
    rows = [
        [
            name,
            str(place),
            layer["layer"],
            layer["operator"],
            "" if layer["own"] is None else f"{layer['own']:.1f}",
            f"{layer['total']:.1f}",
        ]
        for name, layers in parts.items()
        for place, layer in enumerate(layers)
    ]
    head = ["", "place", "layer", "operator", "alone, dB", "up to here, dB"]
    lost = sum(found[name]["unmatched"] for name in parts)
    if lost:
        text += f"<p class='note'>{lost} layers have no match in the float file.</p>"
    return f"<h2>Layers</h2>{text}{markup.table(head, rows, numbers=range(4, 6))}"


def _tolerances(manifest: Manifest | None) -> str:
    rows = []
    for name, value in TOLERANCES.items():
        limits = value.limit if isinstance(value.limit, dict) else {"": value.limit}
        if manifest is not None and manifest.scheme in limits:
            limits = {manifest.scheme: limits[manifest.scheme]}
        limit = ", ".join(f"{scheme} {number:g}".strip() for scheme, number in limits.items())
        rows.append([name, f"{limit} {value.unit}".strip(), value.what])
    if manifest is not None:
        what = "How far two correct decoders may differ, as the bundle's manifest states."
        rows.append(["pixel_tolerance", f"{manifest.pixel_tolerance} levels of 255", what])
    table = markup.table(["tolerance", "limit", "what it bounds"], rows)
    return f"<h2>Tolerances</h2>{table}"


def _edge(edge: Edge) -> str:
    shape = " x ".join(map(str, edge.shape))
    if edge.dtype != "uint8":
        return f"{shape} {edge.dtype}"
    return f"{shape} uint8, value = {edge.scale:.7g} x (q - {edge.zero_point})"
