"""A codec for handwritten digits, trained in minutes, beside JPEG, WebP, AVIF and others.

    python benchmarks/mnist_codec.py            # train, export, measure, write JSON and table
    python benchmarks/mnist_codec.py --resume   # go on; the time of a killed training is lost
    python benchmarks/mnist_codec.py --measure  # measure again the bundles of the last training
    python benchmarks/mnist_codec.py --table    # write docs/compression.md, its picture and the
                                                # README's lines from the results

Two models of `build_rate_distortion` of one architecture, for two points of the curve: the first
is trained from scratch, the second goes on from it with a smaller lambda. Both learn from the
54,000 training digits; what was chosen, was chosen on the 6,000 validation digits; the first
2,500 test digits are measured. MNIST comes through
TensorFlow Datasets (offline: set TFDS_DATA_DIR).
"""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rows import RUNS

import kerasae
from kerasae import plots
from kerasae.data import Images
from kerasae.evaluation import rate_distortion
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle
from kerasae_export.conversion.split import evenly
from kerasae_export.evaluation import Evaluation, Point, evaluate, rate_at
from kerasae_export.evaluation.coders import LOSSY, PillowCoder
from kerasae_export.evaluation.measure import measure as rate_measure

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "mnist_codec.json"
README, MARKS = ROOT / "README.md", ("<!-- codec -->", "<!-- /codec -->")
PAGE, PLOT = ROOT / "docs" / "compression.md", ROOT / "docs" / "mnist_codec.png"
FOLDER = RUNS / "mnist_codec"
STORY = "model.json"
SEED = 0

# Chosen by the loss on the validation digits after two epochs: convolutions had 479, dense layers
# of one, two and three hidden layers 613, 635 and 761; GELU learned faster than ReLU, and a short
# memory of the squared gradients faster than Adam's 0.999.
NETWORK: dict[str, Any] = {
    "network": "convolutional",
    "code": "dense",
    "hidden": (32, 64),
    "kernel_size": 5,
    "code_size": 64,
    "activation": "gelu",
}
BETA_2 = 0.97
# Name -> lambda, epochs and first step size; each goes on from the one before.
MODELS: dict[str, tuple[float, int, float]] = {
    "26 dB": (0.0017, 24, 2e-3),
    "23 dB": (0.00032, 12, 1e-3),
}
TEST, FILES = 2500, 500
CALIBRATION = 20_000

# Bytes a digit and PSNR of AVIF's mosaic when the targets were set, and the saving asked for.
TARGETS = {"23 dB": (24.6, 23.3, 0.40), "26 dB": (34.4, 26.0, 0.20)}
RATIO = 3.0  # single files: every general codec's bytes over ours, at like PSNR


def build(lmbda: float) -> keras.Model:
    keras.utils.set_random_seed(SEED)
    model = kerasae.build_rate_distortion(input_shape=(28, 28, 1), lmbda=lmbda, **NETWORK)
    model.compile(optimizer=keras.optimizers.Adam(beta_2=BETA_2))
    return model


def train_all(images: Images) -> dict[str, Any]:
    """Train and export all models; what it took, and what the models say of themselves."""
    story: dict[str, Any] = {}
    weights: list[np.ndarray] | None = None
    for name, (lmbda, epochs, learning_rate) in MODELS.items():
        model = build(lmbda)
        if weights is not None:
            model.set_weights(weights)
        told = FOLDER / name / STORY
        config = TrainConfig(epochs=epochs, learning_rate=learning_rate, seed=SEED)
        wall, cpu = time.perf_counter(), time.process_time()
        train(model, images, config, out=FOLDER / name / "run", resume=True)
        seconds = time.perf_counter() - wall, time.process_time() - cpu
        weights = model.get_weights()
        on_validation = rate_distortion(model, images.validation)
        for scheme in ("int8", "float32"):
            export_bundle(
                model,
                FOLDER / name / scheme,
                scheme=scheme,
                calibration=evenly(images.train, CALIBRATION),
                facts={"data": "mnist", "lmbda": lmbda, "training": {"seed": SEED}},
            )
        facts = {
            "lmbda": lmbda,
            "epochs": epochs,
            "learning_rate": learning_rate,
            "wall_seconds": round(seconds[0], 1),
            "cpu_seconds": round(seconds[1], 1),
            "parameters": {
                half: getattr(kerasae, half)(model).count_params()
                for half in ("encoder", "decoder")
            },
            "validation": {
                "bytes": round(on_validation.bits_per_image / 8, 2),
                "psnr": round(on_validation.psnr, 2),
            },
        }
        if told.exists():  # trained to the end before
            facts |= {
                key: json.loads(told.read_text())[key] for key in ("wall_seconds", "cpu_seconds")
            }
        told.write_text(json.dumps(facts), encoding="utf-8")
        story[name] = facts
        print(name, json.dumps(story[name]), flush=True)
    return story


def measure(images: Images) -> Evaluation:
    """The int8 bundles and all others on the first test digits."""
    digits = list(np.floor(images.test[:TEST] * 255 + 0.5).astype(np.uint8))
    return evaluate(
        {name: Codec.load(FOLDER / name / "int8") for name in MODELS},
        digits,
        data="MNIST test digits",
        train=images.train,
        files=FILES,
        progress=lambda what, done, total: print(f"{done}/{total} {what}", flush=True),
    )


def avif_for_psnr(images: Images) -> list[dict[str, Any]]:
    """AVIF's mosaic, tuned for PSNR; as Pillow writes it, it is tuned for the eye."""
    digits = list(np.floor(images.test[:TEST] * 255 + 0.5).astype(np.uint8))
    coders = [PillowCoder("AVIF", quality) for quality in (0, 3, 6)]
    for coder in coders:
        coder._options["advanced"] = {"tune": "psnr"}
    points = rate_measure(coders, digits, "together")
    return [{"setting": p.setting, "bytes": p.bytes_per_image, "psnr": p.psnr} for p in points]


def cost_of_int8(images: Images) -> dict[str, Any]:
    """Bytes and PSNR of the float32 bundles, as one stream."""
    digits = list(np.floor(images.test[:TEST] * 255 + 0.5).astype(np.uint8))
    codecs = {name: Codec.load(FOLDER / name / "float32") for name in MODELS}
    points = evaluate(codecs, digits, data="MNIST", others=(), files=1).of("together")
    return {p.setting: {"bytes": p.bytes_per_image, "psnr": p.psnr} for p in points}


def verdicts(evaluation: Evaluation, avif: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each target, what was reached, and whether that is enough; others measured in this run."""
    result = []
    for name, (asked_bytes, psnr, saving) in TARGETS.items():
        (point,) = (p for p in evaluation.of("together", "kerasae") if p.setting == name)
        tuned = rate_at([p["bytes"] for p in avif], [p["psnr"] for p in avif], point.psnr)
        theirs = min(_bytes_at(evaluation, "together", "AVIF", point), tuned or math.inf)
        reached = 1 - point.bytes_per_image / theirs
        result.append(
            {
                "target": f"one stream, at {psnr} dB or more: {saving:.0%} fewer bytes than "
                f"AVIF's mosaic ({asked_bytes} when the target was set)",
                "reached": f"{point.bytes_per_image:.1f} bytes at {point.psnr:.2f} dB; AVIF, "
                f"the better of two tunings, {theirs:.1f} in this run: {reached:.0%} fewer",
                "met": bool(
                    reached >= saving
                    and (point.psnr or 0) >= psnr
                    and point.bytes_per_image <= (1 - saving) * asked_bytes
                ),
            }
        )
    ratios = {
        f"{codec} at {p.psnr:.1f} dB": _bytes_at(evaluation, "files", codec, p) / p.bytes_per_image
        for codec in LOSSY
        for p in evaluation.of("files", "kerasae")
    }
    least = min(ratios, key=ratios.__getitem__)
    result.append(
        {
            "target": f"single files: {RATIO:.0f} times smaller than every general codec's",
            "reached": f"{ratios[least]:.1f} times smaller than the closest, {least}",
            "met": ratios[least] >= RATIO,
        }
    )
    return result


def _bytes_at(evaluation: Evaluation, arrangement: str, codec: str, point: Point) -> float:
    """Bytes an image that another codec takes at the PSNR of a point of ours."""
    points = [p for p in evaluation.of(arrangement, codec) if p.psnr is not None]
    rate = rate_at([p.bytes_per_image for p in points], [p.psnr for p in points], point.psnr)
    assert rate is not None  # no bundle here is better than a general codec's best setting
    return rate


def write_table() -> None:
    content = json.loads(RESULT.read_text(encoding="utf-8"))
    stored = content["evaluation"]
    evaluation = Evaluation(
        stored["data"],
        tuple(stored["shape"]),
        tuple(stored["bundles"]),
        tuple(Point(**p, pictures=()) for p in stored["points"]),
    )
    plots.plot_rate_distortion(evaluation).savefig(PLOT, dpi=90)
    PAGE.write_text(page(content), encoding="utf-8")
    before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    README.write_text(
        f"{before}{MARKS[0]}\n{summary(content)}\n{MARKS[1]}{after}", encoding="utf-8"
    )


def summary(content: dict[str, Any]) -> str:
    """A paragraph for the README, from the small point of the stream."""
    (ours,) = (
        p
        for p in content["evaluation"]["points"]
        if (p["arrangement"], p["codec"], p["setting"]) == ("together", "kerasae", "23 dB")
    )
    minutes = sum(m["wall_seconds"] for m in content["models"].values()) / 60
    text = (
        f"A codec for one kind of image: `build_rate_distortion`, trained on MNIST in "
        f"{minutes:.0f} minutes, sends {content['test_images']:,} test digits as one stream of "
        f"{ours['bytes_per_image']:.1f} bytes a digit at {ours['psnr']:.1f} dB. Beside JPEG, WebP, "
        f"AVIF, JPEG 2000, PCA, PNG, zip and LZMA, with where it loses: "
        f"[docs/compression.md](docs/compression.md)."
    )
    picture = "![Rate-distortion curves of all codecs on MNIST digits](docs/mnist_codec.png)"
    return "\n".join([*textwrap.wrap(text, 100, break_on_hyphens=False), "", picture])


def page(content: dict[str, Any]) -> str:
    points = content["evaluation"]["points"]
    lines = [
        "# Compression, measured",
        "",
        "Written by `python benchmarks/mnist_codec.py`; every rate is counted from real files, "
        "containers included. All at once means one stream of ours, one mosaic of an image format, "
        "one archive of raw pixels.",
        "",
        "## Handwritten digits: a codec for one domain",
        "",
        _result(content),
        "",
        *_recipe(content),
        "",
        f"![Rate-distortion curves of all codecs on MNIST digits]({PLOT.name})",
        "",
        "*Further left and higher is better: fewer bytes, and a better picture. The rate is on a "
        "logarithmic scale, and SSIM by its distance from 1.*",
        "",
        "| target | reached | |",
        "|---|---|---|",
        *[
            f"| {v['target']} | {v['reached']} | {'met' if v['met'] else '**missed**'} |"
            for v in content["verdicts"]
        ],
        "",
        "### At like quality",
        "",
        "Bytes a digit that each codec takes at the PSNR of ours, interpolated between its "
        "settings, and by how much ours is shorter. AVIF is written as Pillow does by default, "
        "tuned for how images look; all at once also tuned for PSNR. PCA is the best linear code, "
        "with the entropy coder of ours. *Its least*: the coarsest setting of a codec, which is "
        "better than was asked.",
        "",
        *[line for arrangement in ARRANGEMENTS for line in _like_quality(content, arrangement)],
        "### Where ours loses",
        "",
        *[f"- {s}" for s in content["evaluation"]["sentences"] if "left out" in s],
        *_losses(points),
        "### What was measured",
        "",
        *_points_table(points, "together", f"{content['test_images']:,} digits at once"),
        "",
        "AVIF tuned for PSNR, all at once: "
        + "; ".join(
            f"{p['setting']} takes {p['bytes']:.1f} bytes at {p['psnr']:.2f} dB"
            for p in content["avif_for_psnr"]
        )
        + ".",
        "",
        *_points_table(points, "files", f"{content['files']:,} digits, one file each"),
        "",
    ]
    return "\n".join(lines)


ARRANGEMENTS = {"together": "all at once", "files": "one file each"}
AVIF_TUNED = "AVIF, tuned for PSNR"


def _theirs(content: dict[str, Any], arrangement: str) -> dict[str, list[tuple[float, str]]]:
    """Codec -> bytes at the quality of each of our points, and that in words."""
    found = {}
    for comparison in content["evaluation"]["comparisons"]:
        if comparison["arrangement"] == arrangement:
            found[comparison["codec"]] = [
                (m["theirs"], f"{m['theirs']:.1f}{', its least' if m['floor'] else ''}")
                for m in comparison["matches"]
            ]
            ours = comparison["matches"]
    if arrangement == "together":
        tuned = content["avif_for_psnr"]
        rates, quality = [p["bytes"] for p in tuned], [p["psnr"] for p in tuned]
        at = [rate_at(rates, quality, m["psnr"]) for m in ours]
        found[AVIF_TUNED] = [(rate, f"{rate:.1f}") for rate in at if rate is not None]
    return found


def _ours(content: dict[str, Any], arrangement: str) -> list[dict[str, Any]]:
    """Our points, the smaller first."""
    points = content["evaluation"]["points"]
    own = [p for p in points if (p["arrangement"], p["codec"]) == (arrangement, "kerasae")]
    return sorted(own, key=lambda p: p["bytes"])


def _like_quality(content: dict[str, Any], arrangement: str) -> list[str]:
    """A table: what each codec takes at the quality of each of our points."""
    ours = _ours(content, arrangement)
    how = ARRANGEMENTS[arrangement]
    lines = [
        f"| {how} | " + " | ".join(f"at {p['psnr']:.1f} dB | ours shorter by" for p in ours) + " |",
        "|---" + "|--:" * 2 * len(ours) + "|",
        "| **kerasae** | " + " | ".join(f"**{p['bytes_per_image']:.1f}** | " for p in ours) + " |",
    ]
    for codec, matches in sorted(_theirs(content, arrangement).items(), key=lambda m: m[1][0]):
        cells = [
            f"{words} | {100 * (1 - p['bytes_per_image'] / rate):.0f} %"
            for p, (rate, words) in zip(ours, matches, strict=True)
        ]
        lines.append(f"| {codec} | {' | '.join(cells)} |")
    return [*lines, ""]


def _result(content: dict[str, Any]) -> str:
    """The result in a sentence: ours and the closest general codec, at our smaller point."""
    figures = []
    for arrangement in ARRANGEMENTS:
        ours = _ours(content, arrangement)[0]
        theirs = _theirs(content, arrangement)
        codec = min((c for c in theirs if c != "PCA"), key=lambda c: theirs[c][0][0])
        figures.append(
            f"{ours['bytes_per_image']:.1f} bytes at {ours['psnr']:.1f} dB; the closest general "
            f"codec, {codec.replace(', ', ' ')}, takes {theirs[codec][0][0]:.1f}"
        )
    together, alone = figures
    return f"Sent all at once, a digit takes {together}. In a file of its own it takes {alone}."


def _losses(points: list[dict[str, Any]]) -> list[str]:
    """What others can do and ours cannot: high quality, every pixel, speed at like quality."""
    lines, times = [], []
    for arrangement, how in ARRANGEMENTS.items():
        own = [p for p in points if p["arrangement"] == arrangement]
        best = max((p for p in own if p["codec"] == "kerasae"), key=lambda p: p["psnr"])
        ends: dict[str, float] = {}
        for p in own:
            if not p["lossless"] and p["codec"] != "kerasae":
                ends[p["codec"]] = max(ends.get(p["codec"], 0), p["psnr"])
        farther = [f"{c} {psnr:.1f}" for c, psnr in ends.items() if psnr > best["psnr"]]
        exact = min((p for p in own if p["lossless"]), key=lambda p: p["bytes"])
        lines += [
            f"- {how.capitalize()}: kerasae ends at {best['psnr']:.1f} dB; others go on (best "
            f"measured, in dB: {', '.join(farther)}).",
            f"- {how.capitalize()}: kerasae cannot be lossless; {exact['codec']} is, for "
            f"{exact['bytes_per_image']:.0f} bytes a digit.",
        ]
        times.append({"kerasae": best})
        for codec in ends:
            good = [p for p in own if p["codec"] == codec and (p["psnr"] or 0) >= best["psnr"]]
            times[-1][codec] = min(good, key=lambda p: p["bytes"])
    faster = [
        f"{how}, {verb}, by "
        + ", ".join(c for c, p in found.items() if p[field] < found["kerasae"][field])
        for how, found in zip(ARRANGEMENTS.values(), times, strict=True)
        for field, verb in (("encode_ms", "to encode"), ("decode_ms", "to decode"))
        if any(p[field] < found["kerasae"][field] for p in found.values())
    ]
    lines += [
        f"- It is beaten in speed at like quality: {'; '.join(faster)}. Milliseconds a digit of "
        "the better of our models, and of each codec at its coarsest setting that is at least as "
        "good:",
        "",
        "| codec | "
        + " | ".join(f"{how}: setting | encode | decode" for how in ARRANGEMENTS.values())
        + " |",
        "|---" + "|---|--:|--:" * len(times) + "|",
    ]
    for codec in times[0]:
        cells = [
            f"{found[codec]['setting']} | {found[codec]['encode_ms']:.3g} | "
            f"{found[codec]['decode_ms']:.3g}"
            for found in times
        ]
        lines.append(f"| {codec} | {' | '.join(cells)} |")
    return [*lines, ""]


def _recipe(content: dict[str, Any]) -> list[str]:
    models, network = content["models"], content["network"]
    wall = sum(m["wall_seconds"] for m in models.values())
    cpu = sum(m["cpu_seconds"] for m in models.values())
    hidden = ", ".join(map(str, network["hidden"]))
    lines = [
        f"`kerasae.build_rate_distortion`, {network['network']}, hidden {hidden}, kernels of "
        f"{network['kernel_size']}, a code of {network['code_size']} values, "
        f"{network['activation']}; trained on 54,000 digits, "
        f"{wall / 60:.1f} minutes in all, of the 20 that were set as the limit ({cpu / 60:.1f} "
        f"minutes of CPU time on {content['machine']['cores']} cores that other work shared).",
        "",
        "| model | lambda | epochs | minutes (CPU) | validation: bytes, PSNR | int8 stream | "
        "float32 stream |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    together = {
        p["setting"]: p
        for p in content["evaluation"]["points"]
        if p["arrangement"] == "together" and p["codec"] == "kerasae"
    }
    for name, model in models.items():
        int8, exact = together[name], content["float32"][name]
        lines.append(
            f"| {name} | {model['lmbda']} | {model['epochs']} | {model['wall_seconds'] / 60:.1f} "
            f"({model['cpu_seconds'] / 60:.1f}) | {model['validation']['bytes']:.1f}, "
            f"{model['validation']['psnr']:.2f} dB | {int8['bytes_per_image']:.1f}, "
            f"{int8['psnr']:.2f} dB | {exact['bytes']:.1f}, {exact['psnr']:.2f} dB |"
        )
    return lines


def _points_table(points: list[dict[str, Any]], arrangement: str, title: str) -> list[str]:
    """Ours, and of each other codec the settings near ours in quality, or else its coarsest."""
    own = [p for p in points if p["arrangement"] == arrangement]
    ours = [p["psnr"] for p in own if p["codec"] == "kerasae"]
    low, high = min(ours) - 2.5, max(ours) + 3.5
    shown = [p for p in own if p["lossless"] or low <= p["psnr"] <= high]
    near = {p["codec"] for p in shown}
    coarsest = [
        min((q for q in own if q["codec"] == codec), key=lambda q: q["bytes"])
        for codec in dict.fromkeys(p["codec"] for p in own)
        if codec not in near
    ]
    shown = [p for p in own if p in shown or p in coarsest]
    shown = [p for p in shown if p["codec"] != "PCA" or _on_front(p, own)]
    rows = [
        f"| {p['codec']} | {p['setting']} | {p['bytes_per_image']:,.1f} | "
        f"{'exact' if p['psnr'] is None else format(p['psnr'], '.2f')} | {p['ssim']:.4f} | "
        f"{p['encode_ms']:.3g} | {p['decode_ms']:.3g} |"
        for p in shown
    ]
    head = "| codec | setting | bytes a digit | PSNR, dB | SSIM | encode, ms | decode, ms |"
    return [f"**{title}**", "", head, "|---|---|--:|--:|--:|--:|--:|", *rows]


def _on_front(point: dict[str, Any], points: list[dict[str, Any]]) -> bool:
    return not any(
        q["codec"] == point["codec"]
        and q["bytes"] <= point["bytes"]
        and (q["psnr"] or 0) >= point["psnr"]
        and q != point
        for q in points
    )


def main(arguments: list[str]) -> None:
    if arguments == ["--table"]:
        write_table()
        return
    if arguments not in ([], ["--resume"], ["--measure"]):
        sys.exit(f"mnist_codec.py takes --resume, --measure or --table. Received: {arguments}")
    images = kerasae.load_images("mnist")
    if arguments == ["--measure"]:
        models = {n: json.loads((FOLDER / n / STORY).read_text(encoding="utf-8")) for n in MODELS}
    else:
        if not arguments:
            shutil.rmtree(FOLDER, ignore_errors=True)
        models = train_all(images)
    evaluation = measure(images)
    avif = avif_for_psnr(images)
    content = {
        "command": "python benchmarks/mnist_codec.py",
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "network": NETWORK,
        "models": models,
        "test_images": TEST,
        "files": FILES,
        "float32": cost_of_int8(images),
        "avif_for_psnr": avif,
        "verdicts": verdicts(evaluation, avif),
        "evaluation": json.loads(evaluation.to_json()),
    }
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    write_table()
    for verdict in content["verdicts"]:
        print("met   " if verdict["met"] else "missed", verdict["reached"])


if __name__ == "__main__":
    main(sys.argv[1:])
