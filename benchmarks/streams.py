"""Training on files beside training on arrays: images per second and memory.

    python benchmarks/streams.py [--images 400000] [--batch-size 32] [--steps 256]

Writes so many JPEG files of 128 x 128 into a scratch folder, which is removed. One process reads
all of them once, as an epoch does, and nothing else. Others train the default convolutional net,
one after the other: on a stream over all files, and on an array of as many images as the stream
gives in that time. `--steps 0` trains on all files, which takes two hours on two cores. The first
epoch, in which TensorFlow traces the net, is short and does not count. Memory is the largest that
the process had in training, over what it had when the net was built and its first step was done, so
that the net's own memory is on neither side. The decoder's own limit is what the workers read and
scale with nothing else to do, by threads and by processes. Training is measured in turns, and the
better of two counts. Beside the time on the clock stands that of the cores, which other work on the
machine does not lengthen.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

SIDE = 128


def write_some(folder: str, first: int, last: int) -> None:
    """Smooth random colours with some texture, about 4 kB each."""
    for i in range(first, last):
        rng = np.random.default_rng(i)
        coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        noise = rng.integers(-12, 13, (SIDE, SIDE, 1))
        pixels = np.clip(np.asarray(smooth, np.int16) + noise, 0, 255).astype(np.uint8)
        target = Path(folder) / f"{i // 1000:04d}"
        target.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(target / f"{i:07d}.jpg", quality=80)


def write_all(folder: Path, count: int) -> None:
    step = 1000
    with ProcessPoolExecutor() as pool:
        jobs = [
            pool.submit(write_some, str(folder), first, min(first + step, count))
            for first in range(0, count, step)
        ]
        for job in jobs:
            job.result()


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Peak(threading.Thread):
    """The largest memory since the start, and that at the start."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.start_bytes = self.peak_bytes = resident()

    def run(self) -> None:
        """Look at the memory until the process ends."""
        while True:
            self.peak_bytes = max(self.peak_bytes, resident())
            time.sleep(0.02)


def decode(folder: str, options: argparse.Namespace) -> dict[str, float]:
    """Images per second of the workers alone, the better of two."""
    import kerasae

    rates = {}
    for kind in ("threads", "processes"):
        stream = kerasae.stream_images(
            folder, image_size=SIDE, processes=kind == "processes", limit=options.decoded
        )
        found = []
        for number in range(3):  # the first also starts the processes and fills the cache
            begin = time.perf_counter()
            read = stream.train.as_source(options.batch_size).read(number, 0)
            count = len(next(read))
            if kind == "processes":
                begin, count = time.perf_counter(), 0
            count += sum(map(len, read))
            found.append(count / (time.perf_counter() - begin))
        rates[kind] = round(max(found[1:]))
    return rates


def read(folder: str, options: argparse.Namespace) -> dict[str, float]:
    """One pass over all files with no net: how many, how fast, in how much memory."""
    import kerasae

    peak = Peak()
    peak.start()
    stream = kerasae.stream_images(folder, image_size=SIDE)
    begin = time.perf_counter()
    count = sum(map(len, stream.train.as_source(options.batch_size).read(0, 0)))
    return {
        "images": count,
        "images_per_second": round(count / (time.perf_counter() - begin)),
        "megabytes_over_start": round((peak.peak_bytes - peak.start_bytes) / 1e6),
    }


def train(folder: str, options: argparse.Namespace, streamed: bool) -> dict[str, float]:
    """Images per second of an epoch after the first, and memory over that of its begin."""
    import keras

    import kerasae

    keras.utils.set_random_seed(0)
    model = kerasae.build_convolutional(input_shape=(SIDE, SIDE, 3))
    stream = kerasae.stream_images(folder, image_size=SIDE, validation_fraction=0.002)
    few = stream.validation.sample(options.batch_size)
    warm = few.repeat(3, axis=0)
    marks: dict[str, float] = {}

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            marks["begin"], marks["cpu_begin"] = time.perf_counter(), time.process_time()

        def on_epoch_end(self, epoch, logs=None):
            marks["end"], marks["cpu_end"] = time.perf_counter(), time.process_time()

    fit = model.fit
    model.fit = lambda *a, callbacks, **k: fit(*a, callbacks=[*callbacks, Clock()], **k)
    config = kerasae.TrainConfig(epochs=1, batch_size=options.batch_size, keep="last")
    kerasae.train(model, kerasae.Images(warm, few), config, progress=False)
    peak = Peak()
    peak.start()
    if streamed:
        steps = options.steps or None
        kerasae.train(
            model, stream.train, config, validation_data=few, steps_per_epoch=steps, progress=False
        )
        count = len(stream.train) if steps is None else steps * options.batch_size
    else:
        array = stream.train.sample((options.steps or 128) * options.batch_size)
        kerasae.train(model, kerasae.Images(array, few), config, progress=False)
        count = len(array)
    return {
        "images_per_second": round(count / (marks["end"] - marks["begin"]), 1),
        "cpu_ms_per_image": round(1e3 * (marks["cpu_end"] - marks["cpu_begin"]) / count, 3),
        "megabytes_over_start": round((peak.peak_bytes - peak.start_bytes) / 1e6),
        "images": count,
    }


def measured(kind: str, folder: Path, options: list[str]) -> dict[str, float]:
    """In a process of its own."""
    command = [sys.executable, __file__, "--measure", kind, "--folder", str(folder), *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400_000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--decoded", type=int, default=8192, help="images of the decoder's limit")
    parser.add_argument("--steps", type=int, default=256, help="steps of training; 0: one pass")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument(
        "--measure", choices=["decode", "read", "stream", "memory"], help="internal"
    )
    parser.add_argument("--folder", help="internal")
    options = parser.parse_args()
    if options.measure == "decode":
        print(json.dumps(decode(options.folder, options)))
        return
    if options.measure == "read":
        print(json.dumps(read(options.folder, options)))
        return
    if options.measure:
        print(json.dumps(train(options.folder, options, options.measure == "stream")))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and remove the scratch
    given = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="kerasae-streams-") as scratch:
        folder, begin = Path(scratch), time.perf_counter()
        write_all(folder, options.images)
        written = time.perf_counter() - begin
        whole = measured("read", folder, given)
        decoded = measured("decode", folder, given)
        runs: dict[str, list[dict[str, float]]] = {"stream": [], "memory": []}
        for _ in range(options.repeats):
            for kind, found in runs.items():
                found.append(measured(kind, folder, given))
    best = {
        kind: max(found, key=lambda run: run["images_per_second"]) for kind, found in runs.items()
    }
    result = {
        "unit": "images per second; megabytes over the start of the training",
        "files": options.images,
        "batch_size": options.batch_size,
        "all_files_read_once": whole,
        "decoder_alone": decoded,
        "stream": best["stream"],
        "in_memory": best["memory"],
        "speed_of_stream": {
            "by_the_clock": round(
                best["stream"]["images_per_second"] / best["memory"]["images_per_second"], 3
            ),
            "by_time_of_the_cores": round(
                min(run["cpu_ms_per_image"] for run in runs["memory"])
                / min(run["cpu_ms_per_image"] for run in runs["stream"]),
                3,
            ),
        },
        "runs": runs,
        "seconds_to_write_the_files": round(written),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    path = Path(__file__).parent / "results" / "streams.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
