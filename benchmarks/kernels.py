"""By how much the pixels of one code differ between the kernels that an app can reach.

    python benchmarks/kernels.py             # on this machine: XNNPACK, optimised, reference
    python benchmarks/kernels.py --arm       # and the same three for ARM, under emulation

Trains a convolutional autoencoder of MNIST for some minutes, exports it in every scheme, and
decodes 10,000 codes of each bundle: those of 5,000 test digits, and as many drawn from the entropy
tables. The bundle of photographs in tests/golden is decoded likewise, from drawn codes. `--arm`
needs mmdebstrap and qemu-user-static, as root: it unpacks Debian's Python for ARM into a scratch
folder, where LiteRT for ARM runs as on a Cortex-A76. Writes results/kernels.json and
docs/kernels.md.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "tests" / "golden"
RESULT = HERE / "results" / "kernels.json"
PAGE = HERE.parent / "docs" / "kernels.md"
CODES, EPOCHS, SEED = 10_000, 4, 2  # the export draws by seed 0, a verification by 1
CORE = "cortex-a76"
INSIDE = "kernels_inside.py"
_BINS = [
    range(1),
    range(1, 2),
    range(2, 3),
    range(3, 6),
    range(6, 11),
    range(11, 21),
    range(21, 256),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arm", action="store_true", help="also under emulation")
    parser.add_argument("--codes", type=int, default=CODES)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--report", action="store_true", help="write the page of the results")
    options = parser.parse_args()
    if options.report:
        PAGE.write_text(page(json.loads(RESULT.read_text())), encoding="utf-8")
        return
    with tempfile.TemporaryDirectory(prefix="kerasae-kernels-") as name:
        scratch = Path(name)
        arm = emulated_python(scratch / "arm") if options.arm else None
        rows = []
        for title, bundle, images in bundles(scratch, options):
            rows.append({"bundle": title} | measured(bundle, images, options.codes, scratch, arm))
            print(json.dumps(rows[-1]), flush=True)
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "litert": importlib.metadata.version("ai-edge-litert"),
        "arm": CORE if options.arm else None,
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    PAGE.write_text(page(result), encoding="utf-8")


def bundles(scratch: Path, options: argparse.Namespace) -> list[tuple[str, Path, Any]]:
    """The bundles, and test images where there are some."""
    import keras

    import kerasae
    from kerasae_export import export_bundle
    from kerasae_export.format.manifest import SCHEMES

    images = kerasae.load_images("mnist")
    keras.utils.set_random_seed(0)
    shape = {"input_shape": images.image_shape, "code_size": 32, "hidden": (16, 32)}
    model = kerasae.build_convolutional(**shape)
    kerasae.train(model, images, kerasae.TrainConfig(epochs=options.epochs, batch_size=128))
    found: list[tuple[str, Path, Any]] = []
    for scheme in SCHEMES:
        calibration = images.train[:1000]
        folder = export_bundle(model, scratch / scheme, scheme=scheme, calibration=calibration)
        found.append((f"MNIST, {scheme}", folder, images.test))
    return [*found, ("photographs, int8", GOLDEN / "grid" / "bundle", None)]


def measured(
    bundle: Path, images: Any, count: int, scratch: Path, arm: list[str] | None
) -> dict[str, Any]:
    """Decode the codes with every set of kernels, here and on ARM, and compare the pixels."""
    from kerasae_export.format.values import pixels_of, quantise
    from kerasae_export.runtime.bundle_files import open_models, read_files
    from kerasae_export.runtime.kernel_differences import drawn_codes

    manifest, files = read_files(bundle)
    spec, edge = manifest.codec, manifest.decoder
    drawn = count if images is None else count - count // 2
    codes: list[NDArray[Any]] = [*drawn_codes(spec, spec.best, drawn, SEED)]
    if images is not None:
        real = open_models(manifest, files)[0].run(images[: count // 2])
        codes += [*(np.floor(real / spec.best.steps + 0.5) * spec.best.steps)]
    job = scratch / "job"
    job.mkdir(exist_ok=True)
    (job / "decoder.tflite").write_bytes(files[edge.file])
    np.save(job / "codes.npy", np.stack([quantise(code[None], edge.input) for code in codes]))
    inside = [str(HERE / INSIDE), str(job), edge.signature or ""]
    seconds, outputs = {}, {}
    for name, python in {"x86-64": [sys.executable], "ARM": arm}.items():
        if python is None:
            continue
        start = time.perf_counter()
        subprocess.run([*python, *inside], check=True)
        seconds[name] = round(time.perf_counter() - start, 1)
        for path in sorted(job.glob("output-*.npy")):
            kernels = path.stem.removeprefix("output-")
            outputs[f"{name}, {kernels}"] = pixels_of(np.load(path), edge.output)
            path.unlink()
    tiles = np.stack([*outputs.values()]).astype(np.int16)
    tiles = tiles.reshape(len(outputs), len(codes), -1)
    apart = tiles.max(axis=0) - tiles.min(axis=0)
    first = tiles[[*outputs].index("x86-64, xnnpack")]
    return {
        "promised": manifest.pixel_tolerance,
        "at_export": manifest.facts.get("pixel_differences"),
        "codes": len(codes),
        "largest": int(apart.max()),
        "pixels": counts(apart.ravel()),
        "codes_by_largest": counts(apart.max(axis=1)),
        "from_xnnpack_on_x86_64": {
            name: {"largest": int(abs(t - first).max()), "same": float((t == first).mean())}
            for name, t in zip(outputs, tiles, strict=True)
        },
        "seconds": seconds,
    }


def counts(values: NDArray[Any]) -> dict[str, int]:
    levels, found = np.unique(values, return_counts=True)
    return {str(level): int(number) for level, number in zip(levels, found, strict=True)}


def emulated_python(root: Path) -> list[str]:
    """The words that start Python for ARM, with LiteRT, in a folder of Debian's files."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    from arm import stand_in_for_a_core  # what LiteRT looks up of the machine

    packages = root / "packages"
    version = importlib.metadata.version("ai-edge-litert")
    commands: list[list[object]] = [
        ["mmdebstrap", "--quiet", "--variant=extract", "--architectures=arm64"],
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", packages],
    ]
    commands[0] += ["--include=python3,libstdc++6,zlib1g", "bookworm", root]
    commands[1] += ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    commands[1] += [f"--platform=manylinux_2_{minor}_aarch64" for minor in (17, 27, 28)]
    commands[1] += ["--platform=manylinux2014_aarch64"]
    commands[1] += [f"ai-edge-litert=={version}", f"numpy=={np.__version__}"]
    for command in commands:
        subprocess.run([str(word) for word in command], check=True)
    stand_in_for_a_core(root)
    environment = ["-E", f"PYTHONPATH={packages}"]
    emulator = ["qemu-aarch64-static", "-cpu", CORE, "-L", str(root), *environment]
    return [*emulator, str(root / "usr" / "bin" / "python3.11")]


def page(result: dict[str, Any]) -> str:
    rows = result["rows"]
    names = [name for name in rows[0]["from_xnnpack_on_x86_64"] if name != "x86-64, xnnpack"]
    on_arm = f", and for ARM under emulation of a {result['arm'].title()}" if result["arm"] else ""
    lines = [
        "# The pixels of other kernels",
        "",
        "A device decodes the same symbols with other kernels than the next: XNNPACK, LiteRT's own "
        "optimised ones where an app does without it, or the plain reference. They round "
        "differently. What a bundle promises, its `pixel_tolerance`, is the largest difference "
        "that the export saw between them, and one more. Here each bundle is decoded from "
        f"{rows[0]['codes']:,} codes that the export has not seen, half of them of test digits and "
        "half drawn from the entropy tables, of photographs all drawn, with all kernels on x86-64"
        f"{on_arm}. LiteRT {result['litert']}; `python benchmarks/kernels.py"
        f"{' --arm' if result['arm'] else ''}` makes this page.",
        "",
        "Levels of 255: how far the farthest two kernels are apart, and how many codes have no "
        "pixel farther apart than that.",
        "",
        "| bundle | promised | largest seen | 0 | 1 | 2 | 3 to 5 | 6 to 10 | 11 to 20 | more |",
        f"|---|--:|--:|{'--:|' * len(_BINS)}",
    ]
    for row in rows:
        levels = {int(level): count for level, count in row["codes_by_largest"].items()}
        found = [f"{sum(levels.get(n, 0) for n in levels if n in each):,}" for each in _BINS]
        cells = [row["bundle"], row["promised"], row["largest"], *found]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += [
        "",
        "Against XNNPACK on x86-64, the largest difference in levels, and the share of the pixels "
        "that are the same:",
        "",
        f"| bundle | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for row in rows:
        kernels = row["from_xnnpack_on_x86_64"]
        cells = [
            f"{kernels[name]['largest']} ({floored(kernels[name]['same'])} %)" for name in names
        ]
        lines.append(f"| {row['bundle']} | {' | '.join(cells)} |")
    lines += [
        "",
        "An int8 decoder that ends in a sigmoid differs most. Its last layer rounds what goes into "
        "the sigmoid to steps of some tenths, so two kernels that round one of these values to "
        "neighbours are many levels apart in that pixel, and equal in the others; a decoder with a "
        'linear output (`loss="mse"`) differs less.',
    ]
    return "\n".join(lines) + "\n"


def floored(share: float) -> str:
    """Percent, rounded down, so that 100 means all."""
    return f"{math.floor(1e4 * share) / 100:g}"


if __name__ == "__main__":
    main()
