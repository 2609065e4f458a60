"""How the golden bundles of all schemes and layouts were made: once, and never again.

    python tests/golden/make_bundles.py FOLDER          # those of format version 1
    python tests/golden/make_bundles.py FOLDER later    # those of format version 2

They stay as they are, whatever the code becomes; `tests/test_golden.py` reads them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
from make import described, generated
from make_models import blobs

import kerasae
from kerasae.data import Images
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle
from kerasae_export.bundling.bundle import sample_image
from kerasae_export.files import write_png

SIZES = ((19, 13), (5, 9))
STREAM = ((8, 8), (8, 8), (11, 6))
GENERATED = (24, 40)
MODELS = {
    "grid": ("convolutional", {"code": "spatial", "loss": "mse"}),
    "blocks": ("convolutional", {"loss": "mse"}),
    "indices": ("vector_quantized", {"codebook_size": 8, "decay": 0.9}),
}
BUNDLES = (
    *((layout, scheme, "separate") for layout in MODELS for scheme in ("float32", "float16")),
    *((layout, "dynamic", "separate") for layout in MODELS),
    *((layout, "int8", "both") for layout in MODELS),
    *(("grid", scheme, "both") for scheme in ("float32", "float16", "dynamic")),
)
FLOAT = {"grid": ["encode_1", "pixels"], "blocks": ["code", "pixels"], "indices": ["decoder"]}
LATER = (
    ("grid", "mixed", "separate"),
    ("blocks", "mixed", "both"),
    ("blocks", "int16x8", "separate"),
    ("indices", "mixed", "separate"),
)


def main(folder: Path, bundles: tuple[tuple[str, str, str], ...]) -> None:
    values = blobs((16, 16, 1), 230)
    images = Images(values[:200], values[200:215], values[215:])
    models = {}
    for layout, (builder, options) in MODELS.items():
        keras.utils.set_random_seed(0)
        models[layout] = kerasae.build(
            builder, input_shape=(16, 16, 1), code_size=2, hidden=(4,), **options
        )
        epochs = 4 if bundles is LATER else 40
        train(models[layout], images, TrainConfig(epochs=epochs, batch_size=20, learning_rate=5e-3))
    for layout, scheme, signatures in bundles:
        target = folder / f"{layout}-{scheme}-{signatures}"
        target.mkdir(parents=True)
        export_bundle(
            models[layout],
            target / "bundle",
            scheme=scheme,
            calibration=images.train,
            signatures=signatures,
            float_layers=FLOAT[layout] if scheme == "mixed" else None,
        )
        codec = Codec.load(target / "bundle")
        if codec.manifest.codec.layout != ("blocks" if layout == "blocks" else "grid"):
            raise SystemExit(f"{target.name} has another layout")
        write_vectors(target, codec)


def write_vectors(target: Path, codec: Codec) -> None:
    vectors: dict[str, list] = {"images": [], "stream": [], "generated": []}
    for i, size in enumerate(SIZES):
        data = codec.compress(sample_image(*size, 1))
        (target / f"image-{i}.kae").write_bytes(data)
        write_png(target / f"image-{i}.png", codec.decompress(data))
        symbols = codec.unpack(data).symbols
        vectors["images"].append({"name": f"image-{i}", **described(symbols, size, 1)})
    images = [
        np.ascontiguousarray(np.roll(sample_image(*size, 1), 2 * i, axis=1))
        for i, size in enumerate(STREAM)
    ]
    (target / "stream.kae").write_bytes(codec.compress_many(images))
    vectors["stream"] = [described(codec.encode(image), image.shape[:2], 1) for image in images]
    count = codec.layout.count(*GENERATED)
    symbols = np.fromiter(generated(1, codec.manifest.codec.codebook), np.int64, count)
    vectors["generated"].append(
        {
            "height": GENERATED[0],
            "width": GENERATED[1],
            "quality": 1,
            "seed": 1,
            "symbols": count,
            "sha256": hashlib.sha256(codec.pack(symbols, *GENERATED)).hexdigest(),
        }
    )
    lines = [
        f'"{key}": [\n' + ",\n".join(json.dumps(item) for item in items) + "\n]"
        for key, items in vectors.items()
    ]
    (target / "vectors.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), LATER if sys.argv[2:] == ["later"] else BUNDLES)
