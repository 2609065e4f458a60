"""Pieces of chapters that run in the browser: a still, and what is loaded at the first touch.

A chapter names its piece in a comment, `<!-- live: denoise -->`, which Jupyter does not show. Each
piece is a module in `pages/assets/live/`, on the shared layer `live.js`. Its models lie in `live/`,
made by

    python website/live.py            # those that are missing
    python website/live.py --again    # all of them

and so do the stills, recorded in Chromium by

    python website/build.py && python website/live.py --stills build/site && python website/build.py
"""

from __future__ import annotations

import argparse
import html
import io
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import demo

__all__ = ["MODELS", "PIECES", "Piece", "files", "fill"]

HERE = Path(__file__).parent / "live"
_MARK = re.compile(r"<!-- live: (?P<name>[\w-]+) -->")


@dataclass(frozen=True)
class Piece:
    """What stands on the page.

    Attributes:
        begin: On the button.
        still: What the still picture shows, for those who do not see it.
        hint: What to try, in a sentence or two.
        models: Names of `MODELS`.
    """

    begin: str
    still: str
    hint: str
    models: tuple[str, ...]


PIECES = {
    "denoise": Piece(
        "Draw a digit, spoil it, clean it",
        "A digit, the same with noise, and what the network makes of that",
        "Turn the noise up until the network draws another digit. Then give it nothing at all.",
        ("denoiser",),
    ),
    "plane": Piece(
        "Move over the plane of codes",
        "A map of digits, and the digit at its middle",
        "Walk from a 0 to a 1 with the arrow keys, and watch where one becomes the other.",
        ("plane-decoder",),
    ),
    "walk": Piece(
        "Walk from one digit to another",
        "Two digits, and one between them that nobody drew",
        "Draw two digits of your own. What lies half way from a 1 to an 8?",
        ("vae-encoder", "vae-decoder"),
    ),
    "fill": Piece(
        "Rub out a part of a digit",
        "A digit whose lower half is rubbed out, and what the network puts there",
        "Rub out as much as you like: from how little does it still know the digit?",
        ("inpainter",),
    ),
}


def _pretrained(name: str, part: str) -> Callable[[], Any]:
    def make() -> Any:
        import kerasae

        model = kerasae.load_pretrained(name)
        return getattr(kerasae, part)(model)

    return make


MODELS = {
    "denoiser": _pretrained("mnist-denoising", "inference_model"),
    "inpainter": _pretrained("mnist-inpainting", "inference_model"),
    "vae-encoder": _pretrained("mnist-variational", "encoder"),
    "vae-decoder": _pretrained("mnist-variational", "decoder"),
    "plane-decoder": _pretrained("mnist-variational-plane", "decoder"),
}


def files() -> dict[str, bytes]:
    """The models, by their names in the site, and the stills."""
    found = {path.name: path.read_bytes() for path in sorted(HERE.glob("*.*"))}
    return {f"assets/live/{name}": content for name, content in found.items()}


def fill(page: str, base: str) -> str:
    """Put each piece where a page names it; `base` leads from the page to the site's root."""
    found = set(_MARK.findall(page))
    if not found:
        return page
    page = _MARK.sub(lambda match: _place(match["name"], base), page)
    return f'{page}\n<script src="{base}assets/live/begin.js" defer></script>'


def _place(name: str, base: str) -> str:
    piece = PIECES[name]
    size = sum((HERE / f"{model}.tflite").stat().st_size for model in piece.models)
    runs = demo.DIGITS in demo.pages()
    hint = html.escape(piece.hint)
    if runs:
        total = (size + demo.runtime_size()) / 1e6
        begin = (
            f'<button class="md-button md-button--primary live-begin" type="button">'
            f"{html.escape(piece.begin)}<small>loads {total:.1f} MB once</small></button>"
        )
    else:
        begin = '<p class="live-none">Recorded: this copy of the site was built without npm.</p>'
    alt = html.escape(piece.still, quote=True)
    return f"""<div class="live" data-live="{name}" data-models="{" ".join(piece.models)}">
<p class="live-hint">{hint}</p>
<p class="live-still"><img src="{base}assets/live/{name}.webp" alt="{alt}" loading="lazy"></p>
{begin}
<p class="live-status" role="status"></p>
</div>"""


def main() -> None:
    """Make the models, or record the stills."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="models that are there, too")
    parser.add_argument("--stills", type=Path, metavar="SITE", help="record the stills instead")
    options = parser.parse_args()
    if options.stills:
        record(options.stills.resolve())
    else:
        make_models(again=options.again)


def make_models(*, again: bool) -> None:
    """Convert models to TF Lite, with weights in int8 and float32 at their edges."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from kerasae_export import convert

    for name, make in MODELS.items():
        path = HERE / f"{name}.tflite"
        if again or not path.exists():
            convert(make(), path, scheme="dynamic")
            sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")


def record(site: Path) -> None:
    """Let each piece show its first pictures, and keep them."""
    from check import serving
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, serving(site) as server:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            chromium_sandbox=False,
        )
        for path in sorted(site.glob("notebooks/*.html")):
            names = re.findall(r'data-live="([^"]*)"', path.read_text(encoding="utf-8"))
            page = browser.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=2)
            if names:
                page.goto(f"{server.url}notebooks/{path.name}")
            for name in names:
                box = page.locator(f".live[data-live={name}]")
                box.locator(".live-begin").click()
                page.locator(f".live[data-live={name}][data-state=ready]").wait_for(timeout=60_000)
                content = box.locator(".live-pictures").screenshot()
                with Image.open(io.BytesIO(content)) as picture:
                    picture.convert("RGB").save(HERE / f"{name}.webp", "WEBP", quality=80, method=6)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
