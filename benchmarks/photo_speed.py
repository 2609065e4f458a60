"""How long the codec of photographs takes in Python and in JavaScript.

    python benchmarks/photo_speed.py

One photograph of 512 x 768, scikit-image's astronaut, enlarged, at quality 75 and effort 0, which
both have. CPU time of the whole process, best of several runs, since other work on the machine only
ever slows a run down; Python's linear algebra runs in one thread. Both must write the same file.
Writes results/photo_speed.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np
import skimage.data
from PIL import Image

from kerasae_export.photo.codec import PhotoCodec

RESULT = Path(__file__).parent / "results" / "photo_speed.json"
SCRIPT = Path(__file__).with_suffix(".mjs")
HEIGHT, WIDTH, QUALITY, ROUNDS = 512, 768, 75, 7


def main() -> None:
    picture = Image.fromarray(skimage.data.astronaut())
    image = np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    codec = PhotoCodec.load()
    data = codec.compress(image, quality=QUALITY, effort=0)
    python = {
        "encode": best(lambda: codec.compress(image, quality=QUALITY, effort=0)),
        "decode": best(lambda: codec.decompress(data)),
    }
    javascript = node(codec.families[0].content, image)
    if javascript.pop("sha256") != hashlib.sha256(data).hexdigest():
        raise SystemExit("JavaScript writes another file.")
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "node": javascript.pop("node"),
        "unit": "seconds of CPU time, best of the runs",
        "size": [HEIGHT, WIDTH],
        "bytes": len(data),
        "Python": python,
        "JavaScript": javascript,
        "ratio": {name: round(javascript[name] / python[name], 2) for name in python},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def best(job: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return round(min(times), 4)


def node(family: bytes, image: np.ndarray) -> dict:
    """The same by `photo_speed.mjs`."""
    program = shutil.which("node")
    if program is None:
        raise SystemExit("Node is not installed.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "family.json").write_bytes(family)
        (folder / "pixels.bin").write_bytes(image.tobytes())
        numbers = [str(n) for n in (HEIGHT, WIDTH, QUALITY, ROUNDS)]
        command = [program, str(SCRIPT), name, *numbers]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
