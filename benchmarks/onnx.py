"""Every architecture as ONNX: how far ONNX Runtime is from Keras, and how large the files are.

    python benchmarks/onnx.py                 # all variants that are not in the results yet
    python benchmarks/onnx.py sparse masked   # these again
    python benchmarks/onnx.py --table         # write the table of docs/onnx.md from the results

Each variant of each builder is converted as it is built, with random weights; both halves run
on 32 random inputs, in one batch, and one by one. Results go to `results/onnx.json`, one
architecture after the other. Some minutes on two cores.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime
from numpy.typing import NDArray

import kerasae
from kerasae.builders import BUILDERS
from kerasae_export import ConversionError
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.split import predict_all

RESULT = Path(__file__).parent / "results" / "onnx.json"
PAGE = Path(__file__).parents[1] / "docs" / "onnx.md"
COUNT = 32
LEAST = 1e-9  # per cent; what differs by less is not told apart


def measured(name: str, variant: dict[str, Any], converter: Converter) -> dict[str, Any]:
    """Both halves of a variant: bytes, operators and differences, or why there are none."""
    keras.utils.set_random_seed(0)
    model = kerasae.build(name, **variant)
    halves = {"encoder": kerasae.encoder(model), "decoder": kerasae.decoder(model)}
    random = np.random.default_rng(0)
    given = [random.random((COUNT, *halves["encoder"].input_shape[1:]), np.float32)]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for side, half in halves.items():
            expected = predict_all(half, given)
            try:
                path = converter.convert(half, Path(scratch) / f"{side}.onnx", format="onnx")
            except ConversionError as error:
                found[side] = {"refused": str(error)}
            else:
                found[side] = compared(path, given, expected)
            given = expected
    return found


def compared(path: Path, given: list[NDArray[Any]], expected: list[NDArray[Any]]) -> dict[str, Any]:
    """What ONNX Runtime makes of the inputs, in one batch and one by one."""
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    whole = session.run(None, dict(zip(names, given, strict=True)))
    single = [
        session.run(None, {n: g[i : i + 1] for n, g in zip(names, given, strict=True)})
        for i in range(COUNT)
    ]
    singly = [np.concatenate(parts) for parts in zip(*single, strict=True)]
    return {
        "bytes": path.stat().st_size,
        "difference": max(map(difference, whole, expected)),
        "difference_one_by_one": max(map(difference, singly, expected)),
        "indices": expected[0].dtype.kind in "biu",
    }


def difference(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """The largest, as a share of the range; of indices the share that differs."""
    if theirs.dtype.kind in "biu":
        return float((ours != theirs).mean())
    return float(np.abs(ours - theirs).max()) / max(float(np.ptp(theirs)), 1e-12)


def options_of(variant: dict[str, Any]) -> str:
    """What tells a variant from others, as a reader would type it."""
    return ", ".join(f"{k}={v!r}" for k, v in variant.items() if k != "input_shape")


def table(results: dict[str, Any]) -> str:
    rows = [
        "| architecture | hyperparameters | encoder differs | decoder differs | bytes |",
        "|---|---|---:|---:|---:|",
    ]
    for name, variants in results["architectures"].items():
        for i, (options, found) in enumerate(variants.items()):
            cells = [f"**{name}**" if i == 0 else "", f"`{options}`" if options else ""]
            cells += [cell(found[side]) for side in ("encoder", "decoder")]
            sizes = [found[side].get("bytes") for side in ("encoder", "decoder")]
            cells.append(" + ".join("" if n is None else f"{n:,}" for n in sizes))
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def cell(found: dict[str, Any]) -> str:
    if "refused" in found:
        return found["refused"]
    worst = 100 * max(found["difference"], found["difference_one_by_one"])
    if found["indices"]:
        return f"{worst:.2f} % of indices"
    return "0" if worst < LEAST else f"{worst:.1g} %"


def write_table() -> None:
    results = json.loads(RESULT.read_text())
    cells = [
        half for v in results["architectures"].values() for f in v.values() for half in f.values()
    ]
    refused = sum("refused" in half for half in cells)
    told = (
        f"{len(cells)} models, {refused or 'none'} of them refused; ONNX Runtime "
        f"{results['onnxruntime']}, Keras {results['keras']}, tf2onnx {results['tf2onnx']}."
    )
    text = PAGE.read_text()
    block = f"<!-- table -->\n{told}\n\n{table(results)}\n<!-- /table -->"
    PAGE.write_text(re.sub(r"<!-- table -->.*<!-- /table -->", lambda _: block, text, flags=re.S))


def main() -> None:
    words = sys.argv[1:]
    if words != ["--table"]:
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {"architectures": {}}
        results |= {name: version(name) for name in ("keras", "onnxruntime", "tf2onnx")}
        known = results["architectures"]
        with Converter() as converter:
            for name, builder in BUILDERS.items():
                if words and name not in words:
                    continue
                if name in known and not words:
                    continue
                known[name] = {}
                for variant in builder.variants:
                    options = options_of(dict(variant))
                    known[name][options] = measured(name, dict(variant), converter)
                    print(name, options, flush=True)
                RESULT.write_text(json.dumps(results, indent=1) + "\n")
    write_table()


if __name__ == "__main__":
    main()
