"""How the golden files of version 1 were made: once, and never again.

    python tests/golden/make.py FOLDER

They stay as they are, whatever the code becomes: what this makes today differs from them in
its weights. A later version of the format gets files of its own.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

import kerasae
from kerasae.training import TrainConfig, train
from kerasae_export import Codec, export_bundle
from kerasae_export.bundling.bundle import sample_image
from kerasae_export.files.batch import write_png

SIZES = {"grid": [(61, 50), (5, 9)], "blocks": [(28, 28), (3, 17)], "indices": [(20, 31), (1, 1)]}
STREAM = {"grid": [(16, 16)] * 3 + [(33, 20)], "blocks": [(8, 8)] * 9 + [(20, 11)] * 2}
GENERATED = {  # symbols of 1 lane, of just 2, of 3, and of many
    "grid": [(4, 10920), (4, 10924), (200, 328), (1000, 1200)],
    "blocks": [(8, 8184), (8, 8192), (248, 400), (1000, 1200)],
    "indices": [(4, 32764), (256, 512), (400, 496), (1000, 1200)],
}


def main(folder: Path) -> None:
    models = {"grid": grid(), "blocks": blocks(), "indices": indices()}
    for name, (model, images, options) in models.items():
        target = folder / name
        target.mkdir(parents=True)
        export_bundle(model, target / "bundle", calibration=images, **options)
        write_vectors(target, name, Codec.load(target / "bundle"))


def grid() -> tuple[keras.Model, np.ndarray, dict]:
    keras.utils.set_random_seed(0)
    photos = kerasae.load_images("photos", image_size=32, limit=400)
    model = kerasae.build_convolutional(
        input_shape=photos.image_shape, code_size=3, hidden=(8, 8), loss="mse", code="spatial"
    )
    train(model, photos, TrainConfig(epochs=60, batch_size=16, learning_rate=3e-3))
    return model, photos.train, {"step_loss": [0.1, 0.6, 2.0]}


def blocks() -> tuple[keras.Model, np.ndarray, dict]:
    keras.utils.set_random_seed(0)
    digits = kerasae.load_images("digits")
    model = kerasae.build_convolutional(
        input_shape=digits.image_shape, code_size=8, hidden=(8, 16), loss="mse"
    )
    train(model, digits, TrainConfig(epochs=40, learning_rate=3e-3))
    return model, digits.train, {}


def indices() -> tuple[keras.Model, np.ndarray, dict]:
    keras.utils.set_random_seed(0)
    photos = kerasae.load_images("photos", image_size=32, channels=1, limit=400)
    model = kerasae.build_vector_quantized(
        input_shape=photos.image_shape,
        code_size=4,
        hidden=(8, 8),
        codebook_size=32,
        decay=0.95,
        learning_rate=5e-3,
    )
    train(model, photos, TrainConfig(epochs=60, batch_size=16, learning_rate=5e-3))
    return model, photos.train, {}


def write_vectors(target: Path, name: str, codec: Codec) -> None:
    channels = codec.manifest.codec.channels
    vectors: dict[str, list] = {"images": [], "stream": [], "generated": []}
    for quality in range(1, codec.qualities + 1):
        for i, size in enumerate(SIZES[name]):
            label = f"image-{i}-quality-{quality}"
            data = codec.compress(sample_image(*size, channels), quality=quality)
            (target / f"{label}.kae").write_bytes(data)
            write_png(target / f"{label}.png", codec.decompress(data))
            symbols = codec.unpack(data).symbols
            vectors["images"].append({"name": label, **described(symbols, size, quality)})
        for seed, size in enumerate(GENERATED[name], start=1):
            count = codec.layout.count(*size)
            generator = generated(seed, codec.manifest.codec.codebook)
            symbols = np.fromiter(generator, np.int64, count)
            data = codec.pack(symbols, *size, quality=quality)
            vectors["generated"].append(
                {
                    "height": size[0],
                    "width": size[1],
                    "quality": quality,
                    "seed": seed,
                    "symbols": count,
                    "sha256": hashlib.sha256(data).hexdigest(),
                }
            )
    images = [
        np.ascontiguousarray(np.roll(sample_image(*size, channels), 2 * i, axis=1))
        for i, size in enumerate(STREAM.get(name, STREAM["grid"]))
    ]
    (target / "stream.kae").write_bytes(codec.compress_many(images, quality=1))
    vectors["stream"] = [
        described(codec.encode(image, quality=1), image.shape[:2], 1) for image in images
    ]
    lines = [
        f'"{key}": [\n' + ",\n".join(json.dumps(item) for item in items) + "\n]"
        for key, items in vectors.items()
    ]
    (target / "vectors.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def described(symbols: np.ndarray, size: tuple[int, int], quality: int) -> dict:
    return {
        "height": size[0],
        "width": size[1],
        "quality": quality,
        "symbols": symbols.ravel().tolist(),
    }


def generated(seed: int, codebook: int) -> Iterator[int]:
    """See README.md; `tests/test_golden.py` has its own, this one is only made from."""
    x = seed
    while True:
        x = (1103515245 * x + 12345) % 2**31
        high = x // 65536
        if codebook:
            yield high % codebook
        else:
            yield x - 2**30 if high % 997 == 0 else high % 9 - 4


if __name__ == "__main__":
    main(Path(sys.argv[1]))
