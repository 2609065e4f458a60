"""How the golden files of version 2 were made: once, and never again.

    python tests/golden/make_photo.py FOLDER

Files and symbols stay as they are; see README.md.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from kerasae_export.bundling.bundle import sample_image
from kerasae_export.format.family import Family
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.photo.shipped import shipped_families

sys.path.append(str(Path(__file__).parents[1]))
from photo import pixels_by_the_book, read_by_the_book, small_family

IMAGES = {  # height, width, quality, effort
    "small": [(1, 1, 100, 0), (35, 50, 60, 0), (48, 32, 100, 0), (16, 70, 3, 0), (35, 50, 80, 1)],
    "photo-1": [(1, 1, 75, 0), (33, 50, 100, 0), (64, 80, 75, 0), (64, 80, 5, 0), (64, 80, 60, 1)],
}
GENERATED = {  # seed, height, width, quality
    "small": [(1, 128, 96, 75), (2, 160, 256, 60)],
    "photo-1": [(1, 300, 200, 75), (2, 16, 1500, 100), (3, 288, 336, 100)],
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    families = {"small": small_family(), "photo-1": shipped_families()[-1]}
    (folder / "small.json").write_bytes(families["small"].content)
    vectors: dict[str, list] = {"families": [], "images": [], "generated": []}
    for name, family in families.items():
        key = {"name": name, "id": family.digest[:2].hex(), "sha256": family.digest.hex()}
        vectors["families"].append(key)
        for case in IMAGES[name]:
            vectors["images"].append(write_image(folder, name, family, *case))
        for seed, height, width, quality in GENERATED[name]:
            image = generated(seed, height, width)
            data = PhotoCodec([family]).compress(image, quality=quality, effort=0)
            described = {"family": name, "seed": seed, "height": height, "width": width}
            described |= {"quality": quality, "bytes": len(data)}
            vectors["generated"].append(described | {"sha256": hashlib.sha256(data).hexdigest()})
    lines = [
        f'"{key}": [\n' + ",\n".join(json.dumps(item) for item in items) + "\n]"
        for key, items in vectors.items()
    ]
    (folder / "photographs.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_image(
    folder: Path, name: str, family: Family, height: int, width: int, quality: int, effort: int
) -> dict:
    image = sample_image(height, width, 3)
    data = PhotoCodec([family]).compress(image, quality=quality, effort=effort)
    *_, symbols, used, classes = read_by_the_book(data, family.content)
    rebuilt = pixels_by_the_book(family.content, quality, height, width, symbols, used)
    label = f"{name}-{height}x{width}-quality-{quality}-effort-{effort}"
    (folder / f"{label}.kae").write_bytes(data)
    write_ppm(folder / f"{label}.ppm", rebuilt)
    write_ppm(folder / f"image-{height}x{width}.ppm", image)
    return {
        "family": name,
        "name": label,
        "height": height,
        "width": width,
        "quality": quality,
        "effort": effort,
        "classes": classes,
        "symbols": hashlib.sha256(np.ascontiguousarray(symbols.T, "<i2").tobytes()).hexdigest(),
    }


def write_ppm(path: Path, image: np.ndarray) -> None:
    path.write_bytes(b"P6\n%d %d\n255\n" % image.shape[1::-1] + image.tobytes())


def generated(seed: int, height: int, width: int) -> np.ndarray:
    """See README.md; `tests/test_golden_photo.py` has its own, this one is only made from."""
    image = np.empty((height, width, 3), np.uint8)
    state = seed
    for y in range(height):
        for x in range(width):
            for c in range(3):
                state = (1103515245 * state + 12345) % 2**31
                ramp = (3 * x + 2 * y + 40 * c + x * y // 64) % 512
                value = min(ramp, 511 - ramp) + state // 65536 % 17 - 8
                image[y, x, c] = min(255, max(0, value))
    return image


if __name__ == "__main__":
    main(Path(sys.argv[1]))
