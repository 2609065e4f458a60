"""The report: complete, self-contained, and safe to open whatever the bundle says."""

from __future__ import annotations

import base64
import dataclasses
import importlib.util
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from kerasae_export.format.manifest import Manifest
from kerasae_export.verification import TOLERANCES, Check, Verification, plots
from kerasae_export.verification.outcome import tolerance
from kerasae_export.verification.parity import Pictures
from kerasae_export.verification.report import Evidence, html

OPERATORS = [
    {"operator": "CONV_2D", "layer": "down", "shape": [1, 4, 4, 2], "macs": 3200},
    {"operator": "RESHAPE", "layer": "", "shape": [1, 32], "macs": 0},
]
LAYERS = [
    {"layer": "input", "operator": "QUANTIZE", "own": 120.0, "total": 120.0},
    {"layer": "down", "operator": "CONV_2D", "own": 31.5, "total": 31.0},
    {"layer": "<b>", "operator": "ADD", "own": None, "total": 30.0},
]
COMPARED = {
    "images": 2,
    "symbols": 100,
    "moved": 0.03,
    "largest": 1,
    "counts": {"-1": 1, "0": 97, "1": 2},
    "pixels_largest": 1,
    "psnr": {
        "XNNPACK to XNNPACK": 30.0,
        "XNNPACK to other": 29.95,
        "other to XNNPACK": 30.01,
        "other to other": 29.96,
    },
}


EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def evidence(digit_bundle):
    rng = np.random.default_rng(0)
    manifest = Manifest.from_json((digit_bundle / "manifest.json").read_bytes())
    manifest = dataclasses.replace(manifest, facts={"model": EVIL})
    image = rng.integers(0, 256, (13, 13, 1), np.uint8)
    pictures = rng.uniform(size=(9, 8, 8, 1))
    noisy = [np.clip(pictures + s * rng.normal(size=pictures.shape), 0, 1) for s in (0.1, 0.2, 0.3)]
    return Evidence(EVIL, manifest, (image, image[::-1]), Pictures(pictures, *noisy))


@pytest.fixture(scope="module")
def measurements():
    times = {"median": 0.5, "quartile_1": 0.4, "quartile_3": 0.9}
    costs = {
        "operators": OPERATORS,
        "macs": 3200,
        "macs_per_pixel": 50.0,
        "macs_per_pixel_tiled": None,
        "working_bytes": 4096,
    }
    parity = {
        "images": 9,
        **{f"{p}_difference_{k}": 0.01 for p in ("code", "pixel") for k in ("mean", "max")},
        **{f"{m}_{w}": 0.5 for m in ("psnr", "ssim") for w in ("keras", "tflite", "codec")},
    }
    worst = {"part": "encoder", **LAYERS[1]}
    part = {"layers": LAYERS, "unmatched": 2}
    return {
        "bytes": {"encoder": 60_200, "decoder": 3_000_000},
        "parameters": {"encoder": 12345, "decoder": "many"},
        "costs": {"encoder": costs, "decoder": costs},
        "latency_ms": {f"{p}, {t}": times for p in ("encoder", "decoder") for t in THREADS},
        "peak_bytes": {"encoder": 3_400_000, "decoder": None},
        "machine": "a <machine>",
        "kernels": {
            f"{images}, {kernels}": COMPARED
            for images in ("golden sample", "images")
            for kernels in ("optimised", "reference")
        },
        "pixels": {
            "codes": 1234,
            "largest": 5,
            "pixels": {"0": 9990, "1": 9, "5": 1},
            "worst": {"0": 1231, "1": 2, "5": 1},
        },
        "parity": parity,
        "layers": {"images": 9, "encoder": part, "decoder": part, "largest_error": worst},
    }


THREADS = ("1 thread", "2 threads")
CHECKS = (Check("files", True, EVIL), Check("quality", False, "a loss of 3 dB"))


@pytest.fixture(scope="module")
def report(evidence, measurements):
    return html(Verification("ab" * 32, CHECKS, measurements), evidence)


def pictures_of(text):
    found = re.findall(r"<img alt='[^']+' src='data:image/svg\+xml;base64,([^']+)'>", text)
    assert len(found) == text.count("<img")
    return [base64.b64decode(data) for data in found]


def test_a_report_tells_all_that_was_measured(report, evidence):
    words = (
        "1 of 2 checks failed", "a loss of 3 dB", "12,345", "60.2 kB", "3.0 MB", "3.4 MB",
        "not measured", "0.5 (0.4 to 0.9)", "3.000%", "29.950", "Largest error: down", "31.5 dB",
        "4 layers have no match", "a &lt;machine&gt;",
        "1,234 codes", "99.9000%", "0.0100%", "1,231",
    )  # fmt: skip
    for word in words:
        assert word in report, word
    for name in TOLERANCES:
        row = report[report.index(f"<td>{name}</td>") :]
        assert f"{tolerance(name, 'int8'):g}" in row[: row.index("</tr>")]
    assert f"{evidence.manifest.pixel_tolerance} levels of 255" in report


def test_a_report_needs_nothing_beside_it(report):
    pictures = pictures_of(report)
    assert len(pictures) == 7
    for picture in pictures:
        assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    bare = re.sub(r"base64,[^']+", "", report)
    assert not re.findall(r"(?:src|href)='(?!data:)|url\(|<script|<link", bare)


def test_what_a_bundle_says_is_shown_not_run(report):
    assert "<script" not in report
    assert "<td><b></td>" not in report
    assert report.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4  # title, head, model, check


def test_a_bundle_that_could_not_be_read_has_a_report_too():
    text = html(Verification("", (Check("files", False, "gone"),)), Evidence("b"))
    assert "1 of 1 checks failed" in text
    assert "gone" in text
    assert not pictures_of(text)


def test_without_matplotlib_there_are_tables_and_a_hint(evidence, measurements, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = html(Verification("ab" * 32, CHECKS, measurements), evidence)
    assert not pictures_of(text)
    assert "pip install 'kerasae-export[convert]'" in text
    assert "Largest error: down" in text


def test_without_a_float_file_the_report_says_why(evidence, measurements, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    layers = {"error": "Model 'encoder' cannot be converted: <why>"}
    text = html(Verification("", CHECKS, {**measurements, "layers": layers}), evidence)
    assert "Nothing to compare with: Model &#x27;encoder&#x27; cannot be converted" in text


def test_layers_are_ranked_with_the_worst_on_top():
    layers = [
        {"layer": f"l{own:g}", "operator": "CONV_2D", "own": own, "total": 25.0}
        for own in (40.0, 20.0, 120.0, 30.0)
    ]
    unknown = {"layer": "x", "operator": "ADD", "own": None, "total": 9.0}
    figure = plots.plot_layers({"encoder": [*layers, unknown], "decoder": layers[:1]})
    first = figure.axes[0]
    labels = [label.get_text() for label in first.get_yticklabels()]
    assert labels == [f"l{n} (conv_2d)" for n in (20, 30, 40)]  # without the exact one
    assert first.yaxis_inverted()
    colours = [bar.get_facecolor() for axes in figure.axes for bar in axes.patches]
    assert colours.count(colours[0]) == 1  # only the worst of both parts stands out


def test_a_plot_of_kernels_shows_the_limit():
    figure = plots.plot_kernels({"golden sample": COMPARED})
    left, right = figure.axes
    heights = [bar.get_height() for bar in left.patches]
    assert heights == pytest.approx([1.0, 2.0])  # percent moved down and up
    limits = [line.get_xdata()[0] for line in right.lines if len(line.get_xdata()) == 2]
    assert -tolerance("cross_kernel_loss") in limits


def test_differences_are_enlarged_as_far_as_they_fit():
    for most, gain in ((0.01, 16), (0.06, 16), (0.1, 8), (0.3, 2), (0.9, 1)):
        assert plots._gain(np.full((4, 4), most)) == gain


def test_the_same_figure_is_the_same_file():
    a, b = (plots.svg(plots.plot_golden(*[np.zeros((4, 4, 3), np.uint8)] * 2)) for _ in range(2))
    assert a == b
