"""How long the codec of photographs takes in Python, JavaScript and C++, and how much memory.

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
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np

from kerasae_export.format.family import Family
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.photo.shipped import shipped_families

RESULT = Path(__file__).parent / "results" / "photo_speed.json"
SCRIPT = Path(__file__).with_suffix(".mjs")
HEIGHT, WIDTH, QUALITY, ROUNDS = 512, 768, 75, 7


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(in_python(Path(sys.argv[1]))))
        return
    import skimage.data  # after the above, whose memory counts
    from PIL import Image

    from ports import released

    picture = Image.fromarray(skimage.data.astronaut())
    image = np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    data = PhotoCodec.load().compress(image, quality=QUALITY, effort=0)
    numbers = [str(n) for n in (HEIGHT, WIDTH, QUALITY, ROUNDS)]
    found = {}
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "family.json").write_bytes(shipped_families()[0].content)
        (Path(name) / "pixels.bin").write_bytes(image.tobytes())
        for language, command in {
            "Python": [sys.executable, __file__, name],
            "JavaScript": [str(shutil.which("node")), str(SCRIPT), name, *numbers],
            "C++": [str(released("photo")), name, *numbers],
        }.items():
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[language] = json.loads(done.stdout)
            if found[language].pop("sha256") != hashlib.sha256(data).hexdigest():
                raise SystemExit(f"{language} writes another file.")
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "node": found["JavaScript"].pop("node"),
        "unit": "seconds of CPU time, best of the runs; megabytes of the process",
        "size": [HEIGHT, WIDTH],
        "bytes": len(data),
        **found,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def in_python(folder: Path) -> dict[str, object]:
    """What Python takes, in a process of its own."""
    content = (folder / "family.json").read_bytes()
    image = np.fromfile(folder / "pixels.bin", np.uint8).reshape(HEIGHT, WIDTH, 3)
    codec = PhotoCodec([Family.from_json(content)])
    data = codec.compress(image, quality=QUALITY, effort=0)

    def load() -> None:
        PhotoCodec([Family.from_json(content)])

    return {
        "load": best(load),
        "encode": best(lambda: codec.compress(image, quality=QUALITY, effort=0)),
        "decode": best(lambda: codec.decompress(data)),
        "megabytes": largest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def largest() -> float:
    """The largest resident size since this program began; `getrusage` counts its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return round(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024, 1)


def best(job: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return round(min(times), 4)


if __name__ == "__main__":
    main()
