"""The README's first picture: three photographs as four codecs give them back, at equal bytes.

    python benchmarks/first_picture.py

Of scikit-image, and held out by name before the family of tables was trained: the astronaut, the
coffee and the rocket, whose smooth dark sky is the bad case; the cat is measured, too. Each codec
gets .3 bits a pixel and takes its finest setting within them, containers included. JPEG (4:2:0,
optimised), WebP (method 6) and AVIF (speed 6) are Pillow's. The places that are enlarged were
chosen on the originals. Nothing is random.

Writes `docs/photographs.png`,
`results/first_picture.json`, and the table between the marks `photographs` in the README.
"""

from __future__ import annotations

import io
import json
import platform
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kerasae_export import Codec
from kerasae_export.evaluation.quality import pooled_psnr

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "first_picture.json"
PICTURE = ROOT / "docs" / "photographs.png"
BITS = 0.3  # a pixel
SHOWN = {"astronaut": (224, 112), "coffee": (400, 110), "rocket": (322, 160)}  # middle: x, y
TITLES = {"astronaut": "astronaut", "coffee": "coffee", "rocket": "rocket", "chelsea": "cat"}
CODECS = ("JPEG", "WebP", "AVIF", "kerasae")
SETTINGS = {
    "JPEG": {"optimize": True, "subsampling": "4:2:0"},
    "WebP": {"method": 6},
    "AVIF": {"speed": 6, "subsampling": "4:2:0"},
}

CROP = (112, 84)  # pixels, width and height
TIMES = 3
GAP, MARGIN, LINE = 12, 16, 40
TEXT, BOLD, OWN, PAPER = "#39434d", "#12181f", "#0f766e", "white"

Pixels = NDArray[np.uint8]


def main() -> None:
    codec = Codec.load()
    rows, crops = [], {}
    for name, title in TITLES.items():
        image = np.ascontiguousarray(getattr(skimage.data, name)())
        budget = int(BITS * image.shape[0] * image.shape[1] / 8)
        crops[name, "original"] = image
        row = {"photograph": title, "height": image.shape[0], "width": image.shape[1]}
        row |= {"budget": budget, "codecs": {}}
        for rival in CODECS:
            if rival == "kerasae":
                data = codec.compress(image, target_bytes=budget)
                rebuilt = codec.decompress(data)
            else:
                data = finest(writer(image, rival), budget)
                with Image.open(io.BytesIO(data)) as picture:
                    rebuilt = np.asarray(picture.convert("RGB"))
            psnr = pooled_psnr(image / 255, rebuilt / 255)
            row["codecs"][rival] = {"bytes": len(data), "psnr": psnr}
            crops[name, rival] = rebuilt
            print(f"{title:10} {rival:8} {len(data):6,} bytes of {budget:,}, {psnr:.2f} dB")
        rows.append(row)
    draw(rows, crops)
    machine = f"{platform.machine()}, {platform.system()}"
    result = {"bits_a_pixel": BITS, "photographs": rows, "machine": machine}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    marks = r"(<!-- photographs -->\n).*?(<!-- /photographs -->)"
    text = re.sub(marks, lambda found: f"{found[1]}{table(rows)}{found[2]}", text, flags=re.DOTALL)
    readme.write_text(text, encoding="utf-8")


def writer(image: Pixels, codec: str) -> Callable[[int], bytes]:
    def write(setting: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, codec, quality=setting, **SETTINGS[codec])
        return buffer.getvalue()

    return write


def finest(write: Callable[[int], bytes], most: int) -> bytes:
    """The largest file within so many bytes, of all settings; the smallest where none is."""
    files = [write(setting) for setting in range(101)]
    within = [data for data in files if len(data) <= most]
    return max(within, key=len) if within else min(files, key=len)


def table(rows: list[dict]) -> str:
    """Bytes and PSNR of each codec, for the README."""
    lines = [f"| photograph | {' | '.join(CODECS)} |", f"|---|{'---:|' * len(CODECS)}"]
    for row in rows:
        cells = [f"{c['bytes']:,} B, {c['psnr']:.1f} dB" for c in row["codecs"].values()]
        lines.append(f"| {row['photograph']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(rows: list[dict], crops: dict[tuple[str, str], Pixels]) -> None:
    """A column for each photograph, a row for each codec; large letters, for a phone's sake."""
    plain, large = (ImageFont.load_default(size=size) for size in (27, 30))
    width, height = (TIMES * side for side in CROP)
    step = LINE + height + GAP
    named = ("original", *CODECS)
    sheet = Image.new(
        "RGB", (2 * MARGIN + 3 * width + 2 * GAP, 2 * MARGIN + len(named) * step - GAP), PAPER
    )
    pen = ImageDraw.Draw(sheet)
    for i, name in enumerate(SHOWN):
        x, y = SHOWN[name]
        row = next(row for row in rows if row["photograph"] == TITLES[name])
        left, top = x - CROP[0] // 2, y - CROP[1] // 2
        at = MARGIN + i * (width + GAP)
        for j, codec in enumerate(named):
            down = MARGIN + j * step
            crop = crops[name, codec][top : top + CROP[1], left : left + CROP[0]]
            big = Image.fromarray(crop).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(big, (at, down + LINE))
            ink = OWN if codec == "kerasae" else BOLD
            pen.text((at, down), codec, ink, large, stroke_width=1, stroke_fill=ink)
            if codec != "original":
                found = row["codecs"][codec]
                text = f"{found['bytes']:,} B  {found['psnr']:.1f} dB"
                pen.text((at + width, down + 3), text, ink if ink == OWN else TEXT, plain, "ra")
            if codec == "kerasae":
                box = (at - 4, down + LINE - 4, at + width + 3, down + LINE + height + 3)
                pen.rectangle(box, outline=OWN, width=4)
    small = sheet.quantize(256, kmeans=1, dither=Image.Dither.NONE)
    small.save(PICTURE, "PNG", optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
