"""Every architecture in every scheme, as two files and as one: what it weighs, costs and loses.

    python benchmarks/schemes.py                # all that are not in the results yet
    python benchmarks/schemes.py sparse masked  # these again
    python benchmarks/schemes.py --table        # write docs/schemes.md from the results

A subject is trained for seconds on embedded data, converted and measured on its test data.
Where the decoder takes skips, which are no code, encoder and decoder are one model in one file.
Results go to `results/schemes.json`, subject by subject, so that a run that was cut off goes on.
Some minutes on two quiet cores.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from numpy.typing import NDArray

import kerasae
from kerasae.evaluation import segmentation_scores
from kerasae.training import TrainConfig, train
from kerasae_export import ConversionError
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.split import evenly, predict
from kerasae_export.evaluation.quality import pooled_psnr
from kerasae_export.format.manifest import DECODE, ENCODE, SCHEMES
from kerasae_export.runtime.litemodel import LiteModel

RESULT = Path(__file__).parent / "results" / "schemes.json"
PAGE = Path(__file__).parents[1] / "docs" / "schemes.md"
SEED = 0
CALIBRATION = 200
TESTED = 150
RUNS = 300  # of which the median latency is taken
LEAST = 0.001  # per cent; what differs by less is not told apart


@dataclass(frozen=True)
class Subject:
    """An architecture with data and a training of seconds.

    Attributes:
        builder: Its name in `BUILDERS`.
        data: Source, and options of the loader.
        options: Hyperparameters beside `input_shape`.
        epochs: Of the training, with batches of 32.
        title: What tells it from another subject of the same builder.
        rate: Learning rate.
    """

    builder: str
    data: tuple[str, dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 15
    title: str = ""
    rate: float = 2e-3


GREY = ("photos", {"image_size": 32, "channels": 1, "limit": 800})
COLOUR = ("photos", {"image_size": 32, "limit": 800})
STREETS = ("streets", {"limit": 120})
MELODIES, SERIES = ("melodies", {"limit": 800}), ("series", {"limit": 800})

SUBJECTS = {
    "undercomplete": Subject("undercomplete", GREY),
    "overcomplete": Subject("overcomplete", GREY, {"regularizer": "l1"}),
    "sparse": Subject("sparse", GREY, {"penalty": "kl"}, title="KL"),
    "sparse-topk": Subject("sparse", GREY, {"penalty": "topk"}, title="top-k"),
    "convolutional": Subject("convolutional", COLOUR),
    "convolutional-spatial": Subject(
        "convolutional",
        COLOUR,
        {"code": "spatial", "code_size": 8, "upsampling": "resize", "residual": 1},
        title="spatial code, residual",
    ),
    "denoising": Subject("denoising", COLOUR, {"level": 0.1}),
    "contractive": Subject("contractive", GREY),
    "variational": Subject("variational", GREY, {"network": "convolutional", "hidden": (32, 64)}),
    "vector_quantized": Subject("vector_quantized", COLOUR, {"codebook_size": 64}, 8),
    "vector_quantized-fsq": Subject("vector_quantized", COLOUR, {"quantizer": "fsq"}, 8, "FSQ"),
    "rate_distortion": Subject("rate_distortion", COLOUR, {"code_size": 8, "hidden": (32, 48)}),
    "masked": Subject("masked", COLOUR, {"loss": "mse"}),
    "segmentation": Subject("segmentation", STREETS, {"code_size": 64}, 12, "U-Net skips"),
    "segmentation-pooling": Subject(
        "segmentation", STREETS, {"skips": "pooling"}, 12, "pooling skips"
    ),
    "segmentation-none": Subject("segmentation", STREETS, {"skips": None}, 12, "no skips"),
    "recurrent-lstm": Subject("recurrent", MELODIES, {"hidden": (64,)}, 40, "LSTM", 1e-2),
    "recurrent-gru": Subject(
        "recurrent", MELODIES, {"hidden": (64,), "cell": "gru"}, 40, "GRU", 1e-2
    ),
    "recurrent-conv1d": Subject(
        "recurrent", SERIES, {"hidden": (16, 32), "cell": "conv1d"}, 10, "1-D convolutions"
    ),
}


@dataclass(frozen=True)
class Trained:
    """A trained model, its data, and how good its outputs for the test inputs are."""

    model: keras.Model
    train: NDArray[np.float32]
    test: NDArray[np.float32]
    measure: str
    score: Callable[[NDArray[Any]], float]


def trained(subject: Subject) -> Trained:
    source, options = subject.data
    keras.utils.set_random_seed(SEED)
    hyperparameters = dict(subject.options)
    if subject.builder == "recurrent":
        data: Any = kerasae.load_sequences(source, seed=SEED, **options)
        hyperparameters |= {"input_shape": data.sequence_shape, "loss": data.loss}
    else:
        data = kerasae.load_images(source, seed=SEED, **options)
        hyperparameters["input_shape"] = data.image_shape
    if subject.builder == "segmentation":
        hyperparameters |= {"classes": data.classes, "ignored_class": data.ignored_class}
    model = kerasae.build(subject.builder, **hyperparameters)
    config = TrainConfig(subject.epochs, 32, subject.rate, seed=SEED)
    train(model, data, config, progress=False)
    test = evenly(data.test, TESTED)

    def score(outputs: NDArray[Any]) -> float:
        if subject.builder == "segmentation":
            labels = evenly(data.test_labels, TESTED)
            classes = (data.classes, data.ignored_class)
            return 100 * segmentation_scores(labels, outputs.argmax(-1), *classes).mean_iou
        if source == "melodies":
            return 100 * float((outputs.argmax(-1) == test.argmax(-1)).mean())
        return pooled_psnr(test, np.clip(outputs, 0, 1))

    measure = {"segmentation": "mIoU, %"}.get(subject.builder, "PSNR, dB")
    measure = "steps right, %" if source == "melodies" else measure
    return Trained(model, data.train, test, measure, score)


def latency(model: LiteModel) -> float:
    """Median milliseconds of a run on one thread."""
    value = np.zeros(model.input.shape, model.input.dtype)
    times = []
    for _ in range(RUNS + 10):
        start = time.perf_counter()
        model(value)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times[10:]))  # the first runs prepare the kernels


def part(model: LiteModel, inputs: NDArray[Any], expected: NDArray[Any]) -> dict[str, Any]:
    """One model of a file: latency, and how far its outputs are from Keras's."""
    outputs = model.run(inputs)
    result: dict[str, Any] = {"ms": latency(model)}
    if np.issubdtype(expected.dtype, np.integer):
        result["indices_that_differ"] = float((outputs != expected).mean())
    else:
        difference, span = np.abs(outputs - expected), float(np.ptp(expected))
        result["difference_mean"] = float(difference.mean()) / span
        result["difference_max"] = float(difference.max()) / span
    return result


def measure(subject: Trained, converter: Converter, folder: Path) -> dict[str, Any]:
    """All schemes of one subject: {scheme: {packaging: figures or the reason of a refusal}}."""
    encoder, decoder = kerasae.encoder(subject.model), kerasae.decoder(subject.model)
    images = evenly(subject.train, CALIBRATION)
    whole = kerasae.inference_model(subject.model)
    expected = predict(whole, subject.test)
    alone = len(decoder.inputs) == 1
    if alone:
        codes, test_codes = predict(encoder, images), predict(encoder, subject.test)

    def in_one() -> dict[str, Any]:
        path = converter.convert(whole, folder / "w.tflite", scheme=scheme, calibration=images)
        lite = LiteModel(path.read_bytes())
        return {
            "bytes": {"whole": path.stat().st_size},
            "whole": part(lite, subject.test, expected),
            "score": subject.score(lite.run(subject.test)),
        }

    def figures(sizes: dict[str, int], first: LiteModel, second: LiteModel) -> dict[str, Any]:
        return {
            "bytes": sizes,
            "encoder": part(first, subject.test, test_codes),
            "decoder": part(second, test_codes, expected),
            "score": subject.score(second.run(first.run(subject.test))),
        }

    def separate() -> dict[str, Any]:
        pair = {"encoder": (encoder, images), "decoder": (decoder, codes)}
        paths = [
            converter.convert(net, folder / f"{name}.tflite", scheme=scheme, calibration=values)
            for name, (net, values) in pair.items()
        ]
        sizes = {path.stem: path.stat().st_size for path in paths}
        return figures(sizes, *(LiteModel(path.read_bytes()) for path in paths))

    def both() -> dict[str, Any]:
        path = converter.convert_both(
            encoder, decoder, folder / "both.tflite", scheme=scheme, calibration=images
        )
        lite = LiteModel(path.read_bytes(), signature=ENCODE)
        return figures({"both": path.stat().st_size}, lite, lite.sibling(DECODE))

    ways = {"separate": separate, "both": both} if alone else {"one": in_one}
    result: dict[str, Any] = {}
    for scheme in SCHEMES:
        result[scheme] = {}
        for name, make in ways.items():
            try:
                result[scheme][name] = make()
            except ConversionError as error:
                result[scheme][name] = {"refused": str(error)}
    return {"measure": subject.measure, "keras": subject.score(expected), "schemes": result}


def rounded(value: Any) -> Any:
    """All fractions in it to five digits, which is more than noise leaves of them."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def title(name: str) -> str:
    subject = SUBJECTS[name]
    return f"{subject.builder} ({subject.title})" if subject.title else subject.builder


DATA = {
    "photos": "photographs",
    "streets": "street scenes",
    "melodies": "melodies",
    "series": "time series",
}


def data(name: str) -> str:
    """What a subject was trained and tested on."""
    source, options = SUBJECTS[name].data
    size, grey = options.get("image_size"), options.get("channels") == 1
    return DATA[source] + (f", {size} x {size}" if size else "") + (", grey" if grey else "")


def summary(results: dict[str, Any]) -> str:
    """A row for each subject: quality and bytes in every scheme."""
    lines = [
        f"| architecture | data | measure | Keras | {' | '.join(SCHEMES)} |",
        f"|---|---|---|---:|{'---:|' * len(SCHEMES)}",
    ]
    for name in filter(results.get, SUBJECTS):
        row = results[name]
        cells = []
        for scheme in SCHEMES:
            (found, *_) = row["schemes"][scheme].values()
            if "refused" in found:
                cells.append("refused")
            else:
                cells.append(
                    f"{found['score']:.2f}<br>{sum(found['bytes'].values()) / 1024:,.1f} KiB"
                )
        lines.append(
            f"| {title(name)} | {data(name)} | {row['measure']} | {row['keras']:.2f} | "
            f"{' | '.join(cells)} |"
        )
    return "\n".join(lines)


def details(results: dict[str, Any]) -> str:
    """A row for each subject and scheme, the two packagings side by side."""
    lines = [
        "| architecture | scheme | code differs, % | output differs, % | bytes of two files | "
        "bytes of one | ms, two files | ms, one |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in filter(results.get, SUBJECTS):
        shown = f"**{title(name)}**"
        for scheme, ways in results[name]["schemes"].items():
            lines.append(f"| {shown} | {scheme} | {cells(ways)} |")
            shown = ""
    return "\n".join(lines)


def cells(ways: dict[str, Any]) -> str:
    """How far a scheme is from Keras, which is the same in one file, and its bytes and times."""
    if reasons := [found["refused"] for found in ways.values() if "refused" in found]:
        return f"{reasons[0]} | | | | | "
    found = next(iter(ways.values()))
    differs = [difference(found[key]) for key in ("encoder", "decoder", "whole") if key in found]
    sizes, times = [], []
    for way in ("separate", "both" if "both" in ways else "one"):
        figures = ways.get(way, {})
        parts = [figures[key]["ms"] for key in ("encoder", "decoder", "whole") if key in figures]
        sizes.append(" + ".join(f"{size:,}" for size in figures.get("bytes", {}).values()))
        times.append(" + ".join(f"{ms:.3f}" for ms in parts))
    return " | ".join([*(differs if len(differs) == 2 else ["", *differs]), *sizes, *times])


def difference(part: dict[str, Any]) -> str:
    """Mean and largest in per cent, or how many indices are others."""
    if "indices_that_differ" in part:
        return f"{100 * part['indices_that_differ']:.2f} % of indices"
    return " / ".join(percent(part[f"difference_{which}"]) for which in ("mean", "max"))


def time_of(found: dict[str, Any]) -> float:
    """Milliseconds of all that one image runs through; none where a conversion was refused."""
    return sum(found[key]["ms"] for key in ("encoder", "decoder", "whole") if key in found)


def percent(share: float) -> str:
    value = 100 * share
    if 0 < value < LEAST:
        return f"<\u00a0{LEAST}"
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}" if value else "0"


def write_page(results: dict[str, Any]) -> None:
    rows = list(results.values())
    found = [found for r in rows for ways in r["schemes"].values() for found in ways.values()]
    refused = sum("refused" in each for each in found)
    sizes = [
        [sum(next(iter(r["schemes"][scheme].values())).get("bytes", {}).values()) for r in rows]
        for scheme in ("dynamic", "int8")
    ]
    smaller = sum(0 < dynamic < int8 for dynamic, int8 in zip(*sizes, strict=True))
    times = [
        [time_of(next(iter(r["schemes"][scheme].values()))) for r in rows]
        for scheme in ("dynamic", "int8")
    ]
    faster = [dynamic / int8 for dynamic, int8 in zip(*times, strict=True) if 0 < int8 < dynamic]
    schemes = "\n".join(f"- `{name}`: {what}." for name, what in SCHEMES.items())
    machine = rows[0]["machine"]
    PAGE.write_text(
        "# Schemes\n\nEvery architecture in every scheme, trained for seconds on embedded data: "
        "enough to see what conversion costs, not what an architecture can do. One command: "
        f"`python benchmarks/schemes.py`. Measured on {machine}. Of {len(found)} conversions "
        f"{refused or 'none'} {'were' if refused > 1 else 'was'} refused.\n\n"
        f"{schemes}\n\n"
        "Sizes in this list are those of weights, against `int8`. "
        f"In {smaller} of {len(rows)} rows the files of `dynamic` are smaller than those of "
        f"`int8`. On this machine `int8` is the faster of the two in {len(faster)} rows, by up to "
        f"{max(faster):.1f} times; its edges take pixels as they are.\n\n"
        "`int8` needs recurrent layers unrolled, which makes their files hardly smaller, or "
        "larger, and refuses those of more than 64 steps, which stay loops, and attention. "
        "`dynamic` takes both.\n\n"
        "## Quality and size\n\nHow good the outputs for the test data are, and the bytes of all "
        "files: encoder and decoder, one after the other, in two files. A segmentation with skips "
        "is one model in one file. Differences of some hundredths are chance, so that a scheme may "
        "come out better than Keras.\n\n"
        f"{summary(results)}\n\n"
        "## Each file\n\nDifferences from Keras are mean / largest, in per cent of the output's "
        "range over all test data, the decoder being given Keras's own codes. One file holds both "
        "models as two signatures, or, for a segmentation with skips, one model; its outputs "
        f"are those of two files. Milliseconds are medians of {RUNS} runs on one thread, encoder + "
        "decoder, on a shared machine: compare rows of one architecture. They include some "
        "microseconds that Python takes, one or two more for a signature.\n\n"
        f"{details(results)}\n"
    )


def results_so_far() -> dict[str, Any]:
    return json.loads(RESULT.read_text()) if RESULT.exists() else {}


def main() -> None:
    if sys.argv[1:] == ["--table"]:
        write_page(results_so_far())
        return
    names = sys.argv[1:] or [name for name in SUBJECTS if name not in results_so_far()]
    unknown = sorted(set(names) - set(SUBJECTS))
    if unknown:
        sys.exit(f"subjects must be among {', '.join(SUBJECTS)}. Received: {', '.join(unknown)}")
    for i, name in enumerate(names, start=1):
        start = time.perf_counter()
        # A converter for each subject, since it leaks.
        with Converter() as converter, tempfile.TemporaryDirectory() as folder:
            result = measure(trained(SUBJECTS[name]), converter, Path(folder))
        result |= {
            "seconds": round(time.perf_counter() - start, 1),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "backend": keras.backend.backend(),
            "versions": {n: version(n) for n in ("keras", "tensorflow", "ai-edge-litert")},
            "seed": SEED,
        }
        scores = {s: [w.get("score") for w in r.values()] for s, r in result["schemes"].items()}
        print(f"{i}/{len(names)} {name}: {result['keras']:.2f} {scores}", flush=True)
        content = {**results_so_far(), name: rounded(result)}
        RESULT.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
