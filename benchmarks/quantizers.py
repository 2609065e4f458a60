"""Ways to quantise a code, at equal bits an image: error, and how the codebooks are used.

    python benchmarks/quantizers.py                 # all that results/quantizers.json lacks
    python benchmarks/quantizers.py digits          # of these only the ones on small digits
    python benchmarks/quantizers.py residual-768    # or these, anew
    python benchmarks/quantizers.py --table         # write docs/quantizers.md

The data are the 8x8 digits of scikit-learn, and lossy copies of CIFAR-10 (offline: set
TFDS_DATA_DIR). Each way is trained with one
seed, for as many steps, on as many images; the network is the same but for what the code needs.
Error is the mean squared error of the test images, divided by the variance of the training images.
Bits are those of the indices as they are, before any entropy coding.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerasae
from kerasae import evaluation

HERE = Path(__file__).parent
RESULT = HERE / "results" / "quantizers.json"
PAGE = HERE.parent / "docs" / "quantizers.md"
SEED = 0
IMAGES, EPOCHS, BATCH = 10_000, 4, 64  # of the colour images
EPOCHS_OF_DIGITS = 40

DIGITS = {"hidden": (24,), "residual": 1}  # 4x4 positions
COARSE = {"hidden": (32, 64), "residual": 1}  # 8x8 positions
FINE = {"hidden": (64,), "residual": 2}  # 16x16 positions, as many convolutions

WAYS: dict[str, dict[str, Any]] = {
    # 8 bits at each of 4x4 positions: the same network in all rows.
    "plain-128": {**DIGITS, "codebook_size": 256},
    "residual-128": {**DIGITS, "codebook_size": 16, "residual_levels": 2},
    "grouped-128": {**DIGITS, "codebook_size": 16, "groups": 2},
    "hierarchical-128": {**DIGITS, "codebook_size": 84, "hierarchical": True},
    "cosine-128": {**DIGITS, "codebook_size": 256, "similarity": "cosine"},
    "rotation-128": {**DIGITS, "codebook_size": 256, "gradient": "rotation"},
    "fsq-128": {**DIGITS, "quantizer": "fsq", "levels": (8, 8, 4)},
    "lfq-128": {**DIGITS, "quantizer": "lfq", "codebook_size": 256},
    # 12 bits at each of 8x8 positions: the same network in all rows.
    "plain-768": {**COARSE, "codebook_size": 4096},
    "residual-768": {**COARSE, "codebook_size": 64, "residual_levels": 2},
    "grouped-768": {**COARSE, "codebook_size": 64, "groups": 2},
    "hierarchical-768": {**COARSE, "codebook_size": 776, "hierarchical": True},
    "cosine-768": {**COARSE, "codebook_size": 4096, "similarity": "cosine"},
    "rotation-768": {**COARSE, "codebook_size": 4096, "gradient": "rotation"},
    "fsq-768": {**COARSE, "quantizer": "fsq", "levels": (8, 8, 8, 8)},
    "lfq-768": {**COARSE, "quantizer": "lfq", "codebook_size": 4096},
    # 24 bits a position are too many for one codebook, which has 6 at each of 16x16 instead.
    "plain-1536": {**FINE, "codebook_size": 64},
    "residual-1536": {**COARSE, "codebook_size": 64, "residual_levels": 4},
    "grouped-1536": {**COARSE, "codebook_size": 64, "groups": 4},
    "hierarchical-1536": {
        **COARSE,
        "codebook_size": 84,
        "residual_levels": 3,
        "hierarchical": True,
    },
}
WORDS = {
    "plain": "one codebook (VQ-VAE)",
    "residual": "residual levels (RQ-VAE)",
    "grouped": "groups (product quantisation)",
    "hierarchical": "two maps (VQ-VAE-2)",
    "cosine": "one codebook of angles, 16 channels",
    "rotation": "one codebook, rotation trick",
    "fsq": "levels of each channel (FSQ)",
    "lfq": "signs (LFQ)",
}


def measure(name: str) -> dict[str, Any]:
    """Train one way, and look at the test images once."""
    digits = name.endswith("-128")
    data = kerasae.load_images("digits" if digits else "cifar10", seed=SEED)
    epochs = EPOCHS_OF_DIGITS if digits else EPOCHS
    train = data.train if digits else data.train[:IMAGES]
    variance = float(train.var(dtype=float))
    keras.utils.set_random_seed(SEED)
    model = kerasae.build_vector_quantized(
        input_shape=data.image_shape,
        upsampling="resize",
        commitment=0.25 * variance,  # the paper's, beside an error that is not divided by it
        **WAYS[name],
    )
    start = time.perf_counter()
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * math.ceil(len(train) / BATCH))
    model.compile(keras.optimizers.Adam(rate), loss="mse")
    model.fit(train, train, batch_size=BATCH, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - start
    rebuilt = model.predict(data.test, batch_size=250, verbose=0)
    indices = kerasae.encoder(model).predict(data.test, batch_size=250, verbose=0)
    size = model.get_layer("quantizer").codebook_size
    several = getattr(model.get_layer("quantizer"), "codebooks", 1) > 1
    maps = np.moveaxis(indices, -1, 0) if several else indices[None]
    # The four fine positions of two maps share a codebook, which `perplexities` sees four times.
    perplexities = [evaluation.codebook_perplexity(each, size) for each in maps]
    return {
        "bits": float(math.log2(size) * np.prod(indices.shape[1:])),
        "error": float(np.square(rebuilt - data.test, dtype=float).mean()) / variance,
        "codebook": size,
        "codes": list(indices.shape[1:]),
        "perplexities": [round(value, 1) for value in perplexities],
        "weights": int(model.count_params()),
        "images": len(train),
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "backend": keras.backend.backend(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }


def results_so_far() -> dict[str, Any]:
    return json.loads(RESULT.read_text()) if RESULT.exists() else {}


def result_of(name: str) -> dict[str, Any]:
    """What is known of a way, or is measured now."""
    found = results_so_far()
    if name not in found:
        one = measure(name)
        print(name, one, flush=True)
        found = {**results_so_far(), name: one}  # another may have been written meanwhile
        RESULT.write_text(
            json.dumps({key: found[key] for key in WAYS if key in found}, indent=1) + "\n"
        )
    return found[name]


def table(results: dict[str, Any], bits: int) -> str:
    """The ways of so many bits beside one codebook."""
    names = [name for name in WAYS if name.endswith(f"-{bits}") and name in results]
    if not names:
        return "Not measured yet."
    plain = results.get(f"plain-{bits}")
    lines = [
        "| | indices | entries | perplexity | error | beside one codebook |",
        "|---|---|---:|---|---:|---:|",
    ]
    for name in names:
        one = results[name]
        used = "–".join(dict.fromkeys(f"{f(one['perplexities']):,.0f}" for f in (min, max)))
        beside = f"{one['error'] / plain['error'] - 1:+.1%}" if plain and one is not plain else ""
        shape = " × ".join(map(str, one["codes"]))
        lines.append(
            f"| {WORDS[name.partition('-')[0]]} | {shape} | {one['codebook']:,} | {used} "
            f"| {one['error']:.4f} | {beside.replace('-', '−')} |"
        )
    return "\n".join(lines)


def main() -> None:
    chosen = sys.argv[1:]
    if chosen == ["--table"]:
        write_page(results_so_far())
        return
    if chosen == ["digits"]:
        for name in (name for name in WAYS if name.endswith("-128")):
            result_of(name)
        return
    unknown = sorted(set(chosen) - set(WAYS))
    if unknown:
        sys.exit(f"ways must be among {', '.join(WAYS)}. Received: {', '.join(unknown)}")
    if chosen:
        kept = {key: one for key, one in results_so_far().items() if key not in chosen}
        RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    for name in chosen or WAYS:
        result_of(name)


def write_page(results: dict[str, Any]) -> None:
    """`docs/quantizers.md`, between its marks."""
    text = PAGE.read_text()
    for bits in (128, 768, 1536):
        before, mark, rest = text.partition(f"<!-- {bits} -->\n")
        after = rest[rest.index(f"<!-- /{bits} -->") :]
        text = f"{before}{mark}\n{table(results, bits)}\n\n{after}"
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
