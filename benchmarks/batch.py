"""Models for several tiles at once: how much faster, for networks of several sizes.

    python benchmarks/batch.py            # measure, on a quiet machine
    python benchmarks/batch.py --table    # write the table of docs/batch.md from the results

Untrained networks in int8 and float32, which take as long as trained ones. Each way codes the same
images in turn, for several rounds; of each round the ratio is taken, and of these the median, by
CPU time and by the clock. Results go to `results/batch.json`.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerasae
from kerasae_export import Codec, export_bundle
from kerasae_export.conversion.split import evenly
from kerasae_export.files import compress_files
from kerasae_export.files.pictures import png_bytes

RESULT = Path(__file__).parent / "results" / "batch.json"
PAGE = Path(__file__).parents[1] / "docs" / "batch.md"
ROUNDS = 7
SIZES = (8, 16)
COUNT = 64  # images

NETS: dict[str, dict[str, Any]] = {
    "dense, 8 x 8": {"side": 8, "builder": "undercomplete", "hidden": (64,), "code_size": 8},
    "convolutional, 28 x 28": {"side": 28, "builder": "convolutional", "hidden": (16, 32)},
    "convolutional, 64 x 64": {"side": 64, "builder": "convolutional", "hidden": (16, 32)},
    "convolutional, 64 x 64, four times as wide": {
        "side": 64,
        "builder": "convolutional",
        "hidden": (64, 128),
    },
}


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def ratio(ways: list[Callable[[], Any]]) -> list[dict[str, float]]:
    """For each way but the first, how many times faster it is; alternating."""
    for way in ways:
        way()
    rounds = [[timed(way) for way in ways] for _ in range(ROUNDS)]
    found = []
    for i in range(1, len(ways)):
        wall = statistics.median(r[0][0] / r[i][0] for r in rounds)
        cpu = statistics.median(r[0][1] / r[i][1] for r in rounds)
        found.append({"wall": wall, "cpu": cpu})
    return found


def forced(folder: Path, faster: bool) -> Codec:
    """The codec that always, or never, takes tiles at once."""
    codec = Codec.load(folder)
    codec._models._run_encoder.faster = codec._models._run_decoder.faster = faster
    return codec


def measured(net: dict[str, Any], scheme: str, folder: Path) -> dict[str, Any]:
    side = net["side"]
    images = kerasae.load_images("photos", image_size=side, channels=1, limit=300, seed=0)
    keras.utils.set_random_seed(0)
    options = {k: v for k, v in net.items() if k not in ("side", "builder")}
    model = kerasae.build(net["builder"], input_shape=images.image_shape, **options)
    for size in SIZES:
        export_bundle(
            model,
            folder / str(size),
            scheme=scheme,
            calibration=evenly(images.train, 60),
            batch=size,
        )
    codecs = [forced(folder / str(SIZES[0]), False)]
    codecs += [forced(folder / str(size), True) for size in SIZES]
    pictures = [np.uint8(255 * image) for image in evenly(images.test, COUNT)]
    pictures = (pictures * COUNT)[:COUNT]
    data = codecs[0].compress_many(pictures)
    assert all(codec.compress_many(pictures) == data for codec in codecs)

    tiles = [t for p in pictures for t in codecs[0]._models._tiles(p)]
    found = {
        "models": ratio([lambda c=c: list(c._models._run_encoder(tiles)) for c in codecs]),
        "compress_many": ratio([lambda c=c: c.compress_many(pictures) for c in codecs]),
        "decompress_many": ratio([lambda c=c: c.decompress_many(data) for c in codecs]),
    }
    source = folder / "in"
    source.mkdir()
    for i, picture in enumerate(pictures):
        (source / f"{i:03d}.png").write_bytes(png_bytes(picture))

    def of_files(codec: Codec) -> None:
        done = list(compress_files([source], codec, folder / "out", force=True, jobs=1))
        assert not [one.error for one in done if one.error]

    model_time = min(
        timed(lambda: list(codecs[0]._models._run_encoder(tiles)))[1] for _ in range(5)
    )
    file_time = min(timed(lambda: of_files(codecs[0]))[1] for _ in range(3))
    return {
        **found,
        "ms_a_tile": 1e3 * model_time / len(tiles),
        "ms_a_file": 1e3 * file_time / COUNT,
    }


def table(results: dict[str, Any]) -> str:
    rows = [
        "| network | scheme | ms a tile | ms a file | encoder | `compress_many` "
        "| `decompress_many` |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for title, schemes in results["nets"].items():
        for scheme, found in schemes.items():
            cells = [
                " / ".join(f"{way['cpu']:.2f}" for way in found[name])
                for name in ("models", "compress_many", "decompress_many")
            ]
            rows.append(
                f"| {title} | {scheme} | {found['ms_a_tile']:.3f} | {found['ms_a_file']:.2f} | "
                f"{' | '.join(cells)} |"
            )
    return "\n".join(rows)


def write_table() -> None:
    results = json.loads(RESULT.read_text())
    block = f"<!-- batch -->\n{table(results)}\n<!-- /batch -->"
    pattern = r"<!-- batch -->.*<!-- /batch -->"
    PAGE.write_text(re.sub(pattern, lambda _: block, PAGE.read_text(), flags=re.S))


def main() -> None:
    if sys.argv[1:] != ["--table"]:
        results: dict[str, Any] = {"litert": version("ai-edge-litert"), "nets": {}}
        for title, net in NETS.items():
            results["nets"][title] = {}
            for scheme in ("float32", "int8"):
                with tempfile.TemporaryDirectory() as scratch:
                    found = measured(net, scheme, Path(scratch))
                results["nets"][title][scheme] = found
                print(title, scheme, flush=True)
                RESULT.write_text(json.dumps(results, indent=1) + "\n")
    write_table()


if __name__ == "__main__":
    main()
