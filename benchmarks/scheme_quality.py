"""Which scheme keeps how much at which quality: one codec, its models stored in six ways.

    python benchmarks/scheme_quality.py            # all models that are not in the results yet
    python benchmarks/scheme_quality.py --table    # write the table of the page from the results

A bundle in float32 fixes steps and entropy tables for several qualities; then encoder and decoder
are stored in each scheme, and images that were held out go through the whole codec with the same
steps. What differs is what the scheme loses. `mixed` finds the layers that it keeps in float32 as
an export does. Results go to `results/scheme_quality.json`, the table to `docs/scheme_quality.md`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from numpy.typing import NDArray

import kerasae
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle
from kerasae_export.bundling.layer_losses import Losses, choose_float
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.float_layers import SINGLE
from kerasae_export.conversion.options import CONVERSIONS
from kerasae_export.conversion.split import evenly
from kerasae_export.format.manifest import Manifest, Part
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.verification.layers import compare_layers, worst_layer
from kerasae_export.verification.parts import Side

RESULT = Path(__file__).parent / "results" / "scheme_quality.json"
PAGE = Path(__file__).parents[1] / "docs" / "scheme_quality.md"
LOSSES = [0.02, 0.2, 1.0, 3.0]
CALIBRATION, TESTED = 200, 60
SEED = 0
LEAST = 0.005  # dB; what loses less is not told apart


def photographs(stride_blocks: int, code_size: int, hidden: int) -> tuple[keras.Model, Any]:
    """A convolutional model of crops of photographs, trained for a minute."""
    images = kerasae.load_images("photos", image_size=32, limit=800, seed=SEED)
    keras.utils.set_random_seed(SEED)
    model = kerasae.build_convolutional(
        input_shape=images.image_shape,
        code_size=code_size,
        hidden=(hidden,) * stride_blocks,
        loss="mse",
        code="spatial",
    )
    train(model, images, TrainConfig(40, 16, 2e-3, seed=SEED), progress=False)
    return model, images


def transform(code_size: int, cell: int, hidden: int) -> tuple[keras.Model, Any]:
    """Principal axes of squares of pixels, a linear path, with residual networks beside it."""
    images = kerasae.load_images("photos", image_size=32, limit=800, seed=SEED)
    keras.utils.set_random_seed(SEED)
    side = 32 // cell
    squares = images.train.reshape(-1, side, cell, side, cell, 3).transpose(0, 1, 3, 2, 4, 5)
    squares = squares.reshape(-1, cell * cell * 3)
    colour = squares.reshape(-1, 3).mean(axis=0)
    axes = np.linalg.eigh(np.cov(squares.T))[1][:, ::-1][:, :code_size]

    def corrected(features: Any, name: str) -> Any:
        inner = keras.Input(features.shape[1:])
        x = keras.layers.Conv2D(hidden, 3, padding="same", activation="relu", name=f"{name}_in")(
            inner
        )
        x = keras.layers.Conv2D(
            features.shape[-1], 3, padding="same", kernel_initializer="zeros", name=f"{name}_out"
        )(x)
        net = keras.Model(inner, x, name=name)
        return keras.layers.Add(name=f"{name}_sum")([features, net(features)])

    image = keras.Input(images.image_shape)
    analysis = keras.layers.Conv2D(code_size, cell, strides=cell, name="analysis")
    encoder = keras.Model(image, corrected(analysis(image), "encoder_net"), name="encoder")
    code = keras.Input(encoder.output_shape[1:])
    synthesis = keras.layers.Conv2DTranspose(3, cell, strides=cell, name="synthesis")
    decoder = keras.Model(code, corrected(synthesis(code), "decoder_net"), name="decoder")
    kernel = axes.reshape(cell, cell, 3, code_size)
    analysis.set_weights([kernel, -np.tile(colour, cell * cell) @ axes])
    synthesis.set_weights([kernel, colour])
    model = keras.Model(image, decoder(encoder(image)), name="transform")
    model.compile("adam", loss="mse")
    train(model, images, TrainConfig(12, 16, 1e-3, seed=SEED), progress=False)
    return model, images


def pretrained(name: str, source: str) -> tuple[keras.Model, Any]:
    return kerasae.load_pretrained(name), kerasae.load_images(source, seed=SEED)


MODELS = {
    "`digits-convolutional`, pretrained": lambda: pretrained("digits-convolutional", "digits"),
    "`mnist-undercomplete`, pretrained": lambda: pretrained("mnist-undercomplete", "mnist"),
    "photographs, two strides, code of 12": lambda: photographs(2, 12, 24),
    "photographs, one stride, code of 12": lambda: photographs(1, 12, 24),
    "photographs, transform and residual networks, code of 16": lambda: transform(16, 4, 24),
}


def measured(model: keras.Model, images: Any, folder: Path) -> dict[str, Any]:
    calibration = evenly(images.train, CALIBRATION)
    export_bundle(model, folder / "b", scheme="float32", calibration=calibration, step_loss=LOSSES)
    plain = Codec.load(folder / "b")
    whole = [np.uint8(np.floor(255 * image + 0.5)) for image in evenly(images.test, TESTED)]
    code = plain._models.encoder.run(calibration)
    steps = [quality.steps for quality in plain.manifest.codec.qualities]
    codes = np.concatenate([np.floor(code[::4] / s + 0.5) * s for s in steps])
    halves = {"encoder": kerasae.encoder(model), "decoder": kerasae.decoder(model)}
    given = {"encoder": calibration, "decoder": codes.astype(np.float32)}
    found: dict[str, Any] = {}
    with Converter() as converter:
        for scheme in CONVERSIONS:
            paths = {name: folder / f"{scheme}-{name}.tflite" for name in halves}
            kept = {}
            for name, half in halves.items():
                if scheme != "mixed":
                    converter.convert(half, paths[name], scheme=scheme, calibration=given[name])
                    continue
                mixer = converter.mixer({SINGLE: (half, given[name])})
                losses = Losses(halves["encoder"], halves["decoder"], evenly(calibration, 64))
                kept[name], alone = choose_float(mixer, SINGLE, losses, name)
                print(name, kept[name], alone, flush=True)
                paths[name].write_bytes(mixer.mixed({SINGLE: kept[name]}))
            found[scheme] = told(plain.manifest, paths, whole, folder)
            if kept:
                found[scheme]["float_layers"] = kept
    return found


def told(
    manifest: Manifest, paths: dict[str, Path], whole: list[NDArray[np.uint8]], folder: Path
) -> dict[str, Any]:
    """Size, time, and PSNR and bytes of each quality, of the codec with these files."""
    models = {name: LiteModel(path.read_bytes()) for name, path in paths.items()}
    parts = {n: Part(paths[n].name, m.input, m.output) for n, m in models.items()}
    codec = Codec(dataclasses.replace(manifest, **parts), models["encoder"], models["decoder"])
    qualities = []
    for quality in range(codec.qualities, 0, -1):
        files = [codec.compress(image, quality=quality) for image in whole]
        errors = [
            np.square(np.subtract(codec.decompress(data), image, dtype=float)).mean()
            for data, image in zip(files, whole, strict=True)
        ]
        psnr = 10 * np.log10(255**2 / np.mean(errors))
        qualities.append({"psnr": float(psnr), "bytes": float(np.mean([len(f) for f in files]))})
    return {
        "bytes": sum(path.stat().st_size for path in paths.values()),
        "cpu_ms": sum(map(milliseconds, models.values())),
        "qualities": qualities,
        "worst": worst(manifest, paths, folder) if "int" in paths["encoder"].name else None,
    }


def milliseconds(model: LiteModel) -> float:
    """CPU time of a run, the least of several rounds."""
    value = np.zeros(model.input.shape, model.input.dtype)
    rounds = []
    for _ in range(7):
        start = time.process_time()
        for _ in range(20):
            model(value)
        rounds.append((time.process_time() - start) / 20)
    return 1e3 * min(rounds)


def worst(manifest: Manifest, paths: dict[str, Path], folder: Path) -> str:
    """The layer whose own rounding costs most, as `verify` finds it."""
    found = []
    for name, path in paths.items():
        content = path.read_bytes()
        model = LiteModel(content)
        side = Side(name, Part(path.name, model.input, model.output), content, Graph(content))
        random = np.random.default_rng(SEED).random((8, *model.input.shape[1:]))
        exact = (folder / f"float32-{name}.tflite").read_bytes()
        layer = worst_layer(compare_layers(side, exact, random)[0])
        if layer is not None:
            found.append((layer.own, f"{name}: {layer.layer}"))
    return min(found, default=(0.0, ""))[1]


def table(results: dict[str, Any]) -> str:
    rows = [
        "| model | scheme | bytes | CPU ms | "
        + " | ".join(f"step loss {x:g} dB" for x in LOSSES)
        + " |",
        "|---|---|--:|--:|" + "--:|" * len(LOSSES),
    ]
    for title, schemes in results["models"].items():
        exact = schemes["float32"]["qualities"]
        for i, (scheme, found) in enumerate(schemes.items()):
            cells = []
            for ours, theirs in zip(found["qualities"], exact, strict=True):
                psnr = f"{ours['psnr']:.2f} dB, {ours['bytes']:,.0f} B"
                lost = theirs["psnr"] - ours["psnr"]
                cells.append(psnr if lost < LEAST else f"{psnr}, -{lost:.2f}")
            cells += ["–"] * (len(LOSSES) - len(cells))
            name = title if i == 0 else ""
            rows.append(
                f"| {name} | {scheme} | {found['bytes']:,} | {found['cpu_ms']:.3f} | "
                + " | ".join(cells)
                + " |"
            )
    return "\n".join(rows)


def write_table() -> None:
    results = json.loads(RESULT.read_text())
    text = PAGE.read_text()
    block = f"<!-- qualities -->\n{table(results)}\n<!-- /qualities -->"
    pattern = r"<!-- qualities -->.*<!-- /qualities -->"
    PAGE.write_text(re.sub(pattern, lambda _: block, text, flags=re.S))


def main() -> None:
    if sys.argv[1:] != ["--table"]:
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {"models": {}}
        results["litert"] = version("ai-edge-litert")
        for title, make in MODELS.items():
            if title in results["models"]:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                results["models"][title] = measured(*make(), Path(scratch))
            RESULT.write_text(json.dumps(results, indent=1) + "\n")
            print(title, flush=True)
    write_table()


if __name__ == "__main__":
    main()
