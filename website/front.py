"""The front page: the codec at the top of it, and what is counted rather than typed."""

from __future__ import annotations

import html
import json
import tomllib
from pathlib import Path
from typing import Any

import demo
from PIL import Image

from kerasae.builders import BUILDERS

__all__ = ["demonstration", "fill"]

HERE = Path(__file__).parent
FIRST = "digit"  # which of the two is shown at first
STILLS = HERE / "pages" / "assets" / "front"
_PLACEHOLDER = "example.org"  # the host of the address that stands in until there is a public one
_FIGURES = {
    "original": ("Original", "the picture as it is"),
    "kerasae": ("kerasae", "what comes back out of our file"),
    "webp": ("WebP", "what comes back out of WebP"),
    "jpeg": ("JPEG", "what comes back out of JPEG"),
}
_WORDS = {
    "photo": (
        "Choose a photograph",
        "Or drop one here. Nothing leaves this device.",
        "No autoencoder: photographs take the codec that ships with kerasae, a transform and "
        "learned tables, without a network, which does better there than a small network and runs "
        "everywhere. WebP and JPEG are the browser's own, at the "
        "finest setting that needs no more bytes. The more dB (PSNR), the closer to the original. "
        "The cat is “Chelsea” by Stefan van der Walt, CC0.",
    ),
    "digit": (
        "Draw a digit",
        "With a finger, a pen, the mouse or the arrow keys. Nothing leaves this device.",
        "Digits take an autoencoder: one small network writes the code, another one, which the "
        "receiver has, draws the digit from it. WebP and JPEG are the browser's own, and cannot be "
        "smaller than this: of so small a picture their files are mostly headers. The more dB "
        "(PSNR), the closer to the original. Trained on MNIST (LeCun, Cortes & Burges, CC BY-SA "
        "3.0).",
    ),
}


def fill(page: str, chapters: int, minutes: int) -> str:
    """Put what is counted, and the address of the source, where their marks are."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    home = project["urls"]["Homepage"]
    source = "" if _PLACEHOLDER in home else f"[Source]({home}) · "
    marks = {
        "architectures": str(len(BUILDERS)),
        "chapters": str(chapters),
        "hours": str(round(minutes / 60)),
        "encoder": f"{(demo.BUNDLE / 'encoder.tflite').stat().st_size / 1000:.0f}",
        "decoder": f"{(demo.BUNDLE / 'decoder.tflite').stat().st_size / 1000:.0f}",
        "source": source,
    }
    for mark, text in marks.items():
        page = page.replace(f"<!-- {mark} -->", text)
    return page


def demonstration() -> str:
    """The codec on the front page, as it stands there before a visitor begins."""
    told = json.loads((STILLS / "stills.json").read_text(encoding="utf-8"))
    sizes = demo.front_sizes()
    folders = {"digit": demo.DIGITS, "photo": demo.PHOTOGRAPHS}
    modes = "\n".join(
        _mode(mode, told[mode], sizes.get(folder)) for mode, folder in folders.items()
    )
    page = (HERE / "front.html").read_text(encoding="utf-8")
    here = {mode: folder if folder in sizes else "" for mode, folder in folders.items()}
    return page.format(photographs=here["photo"], digits=here["digit"], modes=modes)


def _mode(mode: str, told: dict[str, Any], size: int | None) -> str:
    begin, hint, what = _WORDS[mode]
    if mode == "digit" and size is not None:
        runtime = f"{demo.runtime_size() / 1e6:.1f}"
        hint += f" Of the {size / 1e6:.1f} MB, {runtime} are LiteRT.js, which runs the networks."
    figures = "\n".join(_figure(mode, name, told) for name in _FIGURES)
    number = f"{told['kerasae']['bytes']:,}"
    raw = f"{told['raw']:,}"
    if size is None:
        button = '<p class="demo-none">Recorded: this copy of the site was built without npm.</p>'
    else:
        button = (
            f'<button class="md-button md-button--primary demo-begin" type="button">{begin}'
            f"<small>loads {size / 1e6:.1f} MB once</small></button>"
        )
    return f"""<div class="demo-mode" data-mode="{mode}"{"" if mode == FIRST else " hidden"}>
<div class="demo-controls">{button}
<div class="demo-more" hidden></div>
<p class="demo-hint">{hint}</p>
</div>
<div class="demo-figures">
{figures}
</div>
<div class="demo-file">
<div class="demo-frame">{_still(mode, "file", "The bytes of the file as dots", False)}
</div>
<div><p class="demo-bytes"><b>{number}</b> bytes <span>instead of {raw} for the pixels</span></p>
<p class="demo-line">{html.escape(told["line"])}</p></div>
</div>
<p class="demo-what">{html.escape(what)}</p>
</div>"""


def _figure(mode: str, name: str, told: dict[str, Any]) -> str:
    title, alt = _FIGURES[name]
    one = told[name]
    picture = _still(mode, name, f"{title}: {alt}", mode == FIRST)
    return (
        f'<figure data-name="{name}"><div class="demo-frame">{picture}</div>'
        f"<figcaption><b>{title}</b> <span>{html.escape(one['caption'])}</span></figcaption>"
        "</figure>"
    )


def _still(mode: str, name: str, alt: str, soon: bool) -> str:
    path = f"assets/front/{mode}-{name}.webp"
    with Image.open(HERE / "pages" / path) as picture:
        width, height = picture.size
    lazy = "" if soon else ' loading="lazy"'
    return f'<img src="{path}" alt="{alt}" width="{width}" height="{height}"{lazy}>'
