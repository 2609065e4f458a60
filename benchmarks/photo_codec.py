"""The shipped codec of photographs beside JPEG, WebP, AVIF and JPEG 2000.

    python benchmarks/photo_codec.py measure SET CODEC [--photographs FOLDER] [--limit N]
    python benchmarks/photo_codec.py report

`measure` codes a set at several qualities, each photograph a file of its own, and keeps bytes,
error, MS-SSIM and CPU time of each in `runs/photo_codec/measured`; it goes on where it was cut off.
SET is `bsds` (the test part of BSDS500, `--photographs` its folder) or `large` (the free wallpapers
that were held out, see `benchmarks/photo/pictures.py`). `report` writes
`benchmarks/results/photo_codec.json`, the tables of docs/photo_codec.md, and its plot.

Rate and PSNR are means over photographs; BD-rates are taken against JPEG from .1 to 1.5 bits a
pixel, over the PSNR that both curves reach there.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from photo.figures import draw, write_tables
from photo.pictures import large_photographs
from PIL import Image
from scipy.interpolate import PchipInterpolator

from kerasae_export.evaluation.quality import mean_ms_ssim
from kerasae_export.photo.codec import PhotoCodec

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "runs" / "photo_codec" / "measured"
RESULT = ROOT / "benchmarks" / "results" / "photo_codec.json"
RATES = (0.1, 1.5)

Photograph = np.ndarray
Coder = tuple[Callable[[Photograph, int], bytes], Callable[[bytes], Photograph], tuple[int, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("set", choices=["bsds", "large"])
    measuring.add_argument("codec", choices=sorted(CODERS))
    measuring.add_argument("--photographs", type=Path, required=True)
    measuring.add_argument("--limit", type=int)
    commands.add_parser("report")
    options = parser.parse_args()
    if options.command == "measure":
        measure(options.set, options.codec, options.photographs, options.limit)
    else:
        report()


def pillow(kind: str, qualities: tuple[int, ...], **options: object) -> Coder:
    def encode(photograph: Photograph, quality: int) -> bytes:
        buffer = io.BytesIO()
        setting = (
            {"quality_mode": "rates", "quality_layers": [quality], "irreversible": True}
            if kind == "JPEG2000"
            else {"quality": quality}
        )
        Image.fromarray(photograph).save(buffer, kind, **setting, **options)
        return buffer.getvalue()

    return encode, _read, qualities


def _read(data: bytes) -> Photograph:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def ours(effort: int) -> Callable[[], Coder]:
    def make() -> Coder:
        codec = PhotoCodec.load()
        return (
            lambda photograph, quality: codec.compress(photograph, quality=quality, effort=effort),
            codec.decompress,
            (3, 10, 20, 30, 42, 55, 68, 80),
        )

    return make


_AVIF = (12, 20, 30, 40, 50, 60, 70, 82)
CODERS: dict[str, Callable[[], Coder]] = {
    "kerasae": ours(1),
    "kerasae, effort 0": ours(0),
    "JPEG": lambda: pillow(
        "JPEG", (5, 10, 20, 35, 50, 65, 75, 85, 92), optimize=True, subsampling="4:2:0"
    ),
    "WebP": lambda: pillow("WEBP", (1, 10, 30, 50, 70, 80, 90, 95), method=6),
    "AVIF": lambda: pillow("AVIF", _AVIF, speed=6, subsampling="4:2:0"),
    "AVIF 4:4:4": lambda: pillow("AVIF", _AVIF, speed=6, subsampling="4:4:4"),
    "AVIF slowest": lambda: pillow("AVIF", _AVIF, speed=0, subsampling="4:2:0"),
    "JPEG 2000": lambda: pillow("JPEG2000", (160, 100, 60, 40, 25, 15, 10)),
}


def measure(which: str, name: str, folder: Path, limit: int | None) -> None:
    encode, decode, qualities = CODERS[name]()
    path = MEASURED / f"{which}-{name.replace(' ', '_')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    done: dict[str, list] = json.loads(path.read_text()) if path.exists() else {}
    for title, photograph in photographs(which, folder, limit):
        if title in done:
            continue
        rows = []
        for quality in qualities:
            start = time.process_time()
            data = encode(photograph, quality)
            between = time.process_time()
            rebuilt = decode(data)
            end = time.process_time()
            error = float(np.mean((rebuilt.astype(float) - photograph) ** 2))
            similar = mean_ms_ssim(photograph[None] / 255, rebuilt[None] / 255)
            row = (quality, len(data), error, similar, between - start, end - between)
            rows.append([photograph.shape[0] * photograph.shape[1], *row])
        done[title] = rows
        path.write_text(json.dumps(done))
    print(name, len(done), " ".join(f"{r:.3f}/{p:.2f}" for r, p, *_ in curve(done)))


def photographs(which: str, folder: Path, limit: int | None):
    if which == "large":
        yield from list(large_photographs(folder).items())[:limit]
        return
    for path in sorted(folder.glob("*.jpg"))[:limit]:
        with Image.open(path) as picture:
            yield path.stem, np.asarray(picture.convert("RGB"))


def curve(done: dict[str, list]) -> list[tuple[float, ...]]:
    """Mean bits a pixel, PSNR, MS-SSIM, and CPU microseconds a pixel to encode and decode."""
    rows = np.array(list(done.values()))  # (photographs, qualities, 7)
    pixels, _, size, error, similar, writing, reading = np.moveaxis(rows, -1, 0)
    columns = (
        8 * size / pixels,
        10 * np.log10(255**2 / error),
        similar,
        1e6 * writing / pixels,
        1e6 * reading / pixels,
    )
    return sorted(
        tuple(float(v) for v in point) for point in zip(*(c.mean(0) for c in columns), strict=True)
    )


def saving(anchor: list[tuple[float, ...]], other: list[tuple[float, ...]], column: int) -> float:
    """BD-rate in per cent: the mean difference of log rate at equal quality.

    Args:
        anchor: Of `curve`.
        other: Of `curve`.
        column: 1 for PSNR, 2 for MS-SSIM, which is taken in decibels.
    """
    curves = []
    for points in (anchor, other):
        rate = np.log([p[0] for p in points])
        quality = np.array([p[column] for p in points])
        curves.append((rate, -10 * np.log10(1 - quality) if column == 2 else quality))
    low, high = [], []
    for rate, quality in curves:
        at = PchipInterpolator(rate, quality)
        low.append(at(max(np.log(RATES[0]), rate[0])))
        high.append(at(min(np.log(RATES[1]), rate[-1])))
    grid = np.linspace(max(low), min(high), 400)
    first, second = (PchipInterpolator(quality, rate)(grid) for rate, quality in curves)
    return float(100 * (np.exp(np.mean(second - first)) - 1))


def report() -> None:
    result: dict[str, dict] = {"machine": platform.platform(), "sets": {}}
    for which in ("bsds", "large"):
        found = {
            name: json.loads(path.read_text())
            for name in CODERS
            if (path := MEASURED / f"{which}-{name.replace(' ', '_')}.json").exists()
        }
        if "JPEG" not in found:
            continue
        table = {}
        for name, done in found.items():
            common = [title for title in done if title in found["JPEG"]]
            own = curve({title: done[title] for title in common})
            jpeg = curve({title: found["JPEG"][title] for title in common})
            table[name] = {
                "photographs": len(common),
                "bd_rate_psnr": saving(jpeg, own, 1),
                "bd_rate_ms_ssim": saving(jpeg, own, 2),
                "curve": [[round(v, 5) for v in point] for point in own],
            }
            print(
                f"{which:6} {name:18} {len(common):4} photographs  "
                f"{table[name]['bd_rate_psnr']:6.1f} %  {table[name]['bd_rate_ms_ssim']:6.1f} %"
            )
        result["sets"][which] = table
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    write_tables(ROOT / "docs" / "photo_codec.md", result["sets"])
    draw(ROOT / "docs" / "photo_codec.png", result["sets"])


if __name__ == "__main__":
    main()
