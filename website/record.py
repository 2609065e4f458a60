"""Record what the front page shows before a visitor begins: the codec's own answers.

    python website/build.py && python website/record.py [build/site] && python website/build.py

Chromium opens the site and lets the front page code its photograph and its digit; the pictures and
the captions are kept in `website/pages/assets/front/`. Needs playwright, Chromium and LiteRT.js.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

from check import serving
from PIL import Image

HERE = Path(__file__).resolve().parent
STILLS = HERE / "pages" / "assets" / "front"
NAMES = ("original", "kerasae", "webp", "jpeg")
DIGIT = "try/digits/bundle/golden/image.png"

SHOWN = """(name) => {
  const mode = document.querySelector(`.demo-mode[data-mode=${name}]`);
  window.shown = new Promise((done) => mode.addEventListener("shown", done, { once: true }));
}"""
DRAW = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const pad = document.querySelector(".demo-pad");
  const context = pad.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, pad.width, pad.height);
  pad.dispatchEvent(new Event("lostpointercapture"));
}"""


def main() -> None:
    """Do it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, nargs="?", default=HERE.parent / "build" / "site")
    site = parser.parse_args().site.resolve()

    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, serving(site) as server:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            chromium_sandbox=False,
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(server.url)
        told = {}
        for name in ("photo", "digit"):
            page.evaluate(SHOWN, name)
            page.locator(f".demo-modes input[value={name}]").check(force=True)
            page.locator(f"[data-mode={name}] .demo-begin").click()
            if name == "digit":
                page.locator(".demo-pad").wait_for(timeout=60_000)
                page.evaluate(DRAW, server.url + DIGIT)
            page.evaluate("window.shown.then(() => {})")
            told[name] = record(page, name)
        browser.close()
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    (STILLS / "stills.json").write_text(text, encoding="utf-8")


def record(page: Any, name: str) -> dict[str, Any]:
    """Keep what one of the two shows."""
    mode = page.locator(f".demo-mode[data-mode={name}]")
    told: dict[str, Any] = {}
    for figure in NAMES:
        part = mode.locator(f"figure[data-name={figure}]")
        keep(part.locator("canvas"), f"{name}-{figure}.webp")
        caption = part.locator("figcaption span").inner_text()
        told[figure] = {"caption": caption}
    keep(mode.locator(".demo-file canvas"), f"{name}-file.webp")
    bytes_, raw = (mode.locator(f".demo-bytes {tag}").inner_text() for tag in ("b", "span"))
    told["kerasae"]["bytes"] = int(bytes_.replace(",", ""))
    told["raw"] = int(raw.split()[2].replace(",", ""))
    told["line"] = mode.locator(".demo-line").inner_text()
    return told


def keep(canvas: Any, name: str) -> None:
    """The pixels of a canvas, without loss."""
    url = canvas.evaluate("(canvas) => canvas.toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        whole = picture.getextrema()[-1] == (255, 255)  # else, what is not drawn shows the page
        pixels = picture.convert("RGB" if whole else "RGBA")
    pixels.save(STILLS / name, "WEBP", lossless=True, quality=100, method=6)


if __name__ == "__main__":
    main()
