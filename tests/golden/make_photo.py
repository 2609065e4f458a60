"""How the golden files of version 2 are made: once for each family, and never again.

    python tests/golden/make_photo.py photo-2

adds those of a family that has none yet to photo/; see README.md. Those of others stay as they are.
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

sys.path.append(str(Path(__file__).parents[1]))
from photo import pixels_by_the_book, read_by_the_book, small_family

FOLDER = Path(__file__).parent / "photo"
SHIPPED = Path(__file__).parents[2] / "export" / "kerasae_export" / "photo" / "families"
IMAGES = {  # height, width, quality, effort
    "small": [(1, 1, 100, 0), (35, 50, 60, 0), (48, 32, 100, 0), (16, 70, 3, 0), (35, 50, 80, 1)],
}
OF_SHIPPED = [(1, 1, 75, 0), (33, 50, 100, 0), (64, 80, 75, 0), (64, 80, 5, 0), (64, 80, 60, 1)]
GENERATED = {  # seed, height, width, quality
    "small": [(1, 128, 96, 75), (2, 160, 256, 60)],
}
GENERATED_BY_SHIPPED = [(1, 300, 200, 75), (2, 16, 1500, 100), (3, 288, 336, 100)]


def main(name: str) -> None:
    listed = FOLDER / "photographs.json"
    vectors: dict[str, list] = {"families": [], "images": [], "generated": []}
    if listed.exists():
        vectors = json.loads(listed.read_text())
    if any(known["name"] == name for known in vectors["families"]):
        raise SystemExit(f"{name} has its golden files, which stay as they are")
    FOLDER.mkdir(exist_ok=True)
    if name == "small":
        family = small_family()
        (FOLDER / "small.json").write_bytes(family.content)
    else:
        family = Family.from_json((SHIPPED / name / "family.json").read_bytes())
    key = {"name": name, "id": family.digest[:2].hex(), "sha256": family.digest.hex()}
    vectors["families"].append(key)
    for case in IMAGES.get(name, OF_SHIPPED):
        vectors["images"].append(write_image(FOLDER, name, family, *case))
    for seed, height, width, quality in GENERATED.get(name, GENERATED_BY_SHIPPED):
        image = generated(seed, height, width)
        data = PhotoCodec([family]).compress(image, quality=quality, effort=0)
        described = {"family": name, "seed": seed, "height": height, "width": width}
        described |= {"quality": quality, "bytes": len(data)}
        vectors["generated"].append(described | {"sha256": hashlib.sha256(data).hexdigest()})
    lines = [
        f'"{key}": [\n' + ",\n".join(json.dumps(item) for item in items) + "\n]"
        for key, items in vectors.items()
    ]
    listed.write_text("{\n" + ",\n".join(lines) + "\n}\n")


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
    main(sys.argv[1])
