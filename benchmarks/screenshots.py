"""Draw the page's pictures for the README: desktop and phone, light and dark.

    python benchmarks/screenshots.py --photos BUNDLE --digits BUNDLE [--out docs]

Takes the bundles of `kerasae quickstart` and `kerasae quickstart --data digits`; needs Chromium and
playwright. Colours are reduced to a palette, so that the files stay small.
"""

from __future__ import annotations

import argparse
import io
import shutil
import threading
from pathlib import Path
from typing import Any

from PIL import Image

from kerasae_export.page.litertjs import find_litert_js
from kerasae_export.page.serve import PageServer
from kerasae_export.page.site import make_site

DESKTOP = {"viewport": {"width": 1120, "height": 960}}
PHONE = {
    "viewport": {"width": 360, "height": 780},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DARK = {"color_scheme": "dark"}
WIDEST = 960  # pixels
MOST = 150_000  # bytes of a picture in the repository


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument(
        "--all", action="store_true", help="whole pages and all variants, to look at"
    )
    options = parser.parse_args()

    from playwright.sync_api import sync_playwright

    views = [("photos", "page_desktop", DESKTOP), ("digits", "page_phone", {**PHONE, **DARK})]
    if options.all:
        views = [
            (bundle, f"{bundle}_{name}", how)
            for bundle in ("photos", "digits")
            for name, how in (
                ("desktop", DESKTOP),
                ("desktop_dark", {**DESKTOP, **DARK}),
                ("phone", PHONE),
                ("phone_dark", {**PHONE, **DARK}),
            )
        ]
    litert_js = find_litert_js()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=False
        )
        for bundle, name, how in views:
            with PageServer(make_site(getattr(options, bundle), litert_js), port=0) as server:
                threading.Thread(target=server.serve_forever, args=(0.01,)).start()
                content = screenshot(browser, server.addresses[0], how, options.all)
                server.shutdown()
            path = options.out / f"{name}.png"
            path.write_bytes(content)
            print(f"{path}: {len(content):,} bytes")
        browser.close()


def screenshot(browser: Any, url: str, how: dict[str, Any], whole: bool) -> bytes:
    """The page with its sample, as a small PNG file."""
    from playwright.sync_api import expect

    context = browser.new_context(**how)
    page = context.new_page()
    page.goto(url)
    expect(page.locator("body[data-offline=ready]")).to_have_count(1, timeout=60_000)
    expect(page.locator("#size-rows tr")).to_have_count(5, timeout=60_000)
    if how.get("is_mobile") and not whole:  # there the controls come first, and fill the screen
        page.locator("#result").evaluate("(e) => scrollTo(0, e.offsetTop - 12)")
    taken = page.screenshot(full_page=whole)
    context.close()
    if whole:
        return taken
    for colours in (256, 128, 64, 32):
        with Image.open(io.BytesIO(taken)) as picture:
            small = picture.convert("RGB")
            small.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
            picture = small.quantize(colours, kmeans=1, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        if buffer.tell() < MOST:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    main()
