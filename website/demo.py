"""The pages of the codec that the website carries: of photographs, and of handwritten digits.

They are those of `kerasae serve`, whole, in `try/`; the front page uses their modules. That of
digits needs LiteRT.js, which npm fetches once: without it, the front page shows a recorded digit.
"""

from __future__ import annotations

import logging
import os
import re
from functools import cache
from pathlib import Path

from kerasae_export.errors import SiteError
from kerasae_export.page.litertjs import find_litert_js
from kerasae_export.page.site import make_site

__all__ = ["DIGITS", "PHOTOGRAPHS", "front_sizes", "pages", "runtime_size"]

PHOTOGRAPHS, DIGITS = "try/photographs/", "try/digits/"
BUNDLE = Path(__file__).parent / "digits"
_LOG = logging.getLogger("mkdocs.plugins.kerasae")
_SHARED = ("client", "fetching", "picture", "rivals", "text", "worker")
_PHOTOGRAPHS = {"page/photo-engine.js", "page/cat.webp"}
_DIGITS = {f"page/{name}.js" for name in ("codeview", "engine", "litert", "pad")}
_BUNDLE = (
    *("manifest.json", "encoder.tflite", "decoder.tflite"),
    *(
        f"golden/{name}"
        for name in ("image.png", "symbols.json", "image.kae", "reconstruction.png")
    ),
)
_UNASKED = re.compile(r"compat|LICENSE|fast-tflite")
"""Of LiteRT.js a browser takes one of two builds, and not its licence."""


@cache
def pages() -> dict[str, dict[str, bytes]]:
    """The files of each page, by the folder that it has in the site."""
    found = {PHOTOGRAPHS: make_site()}
    os.environ.setdefault("npm_config_fetch_retries", "0")  # without a network, do not wait
    try:
        found[DIGITS] = make_site(BUNDLE, find_litert_js(os.environ.get("LITERT_JS")))
    except SiteError as error:
        _LOG.info("The front page shows a recorded digit, and none can be drawn: %s", error)
    return found


def front_sizes() -> dict[str, int]:
    """Bytes that the front page loads when a visitor begins, by the folder."""
    return {folder: _loaded(files) for folder, files in pages().items()}


def runtime_size() -> int:
    """Bytes of LiteRT.js among those of the digits."""
    files = pages()[DIGITS]
    return sum(
        len(content)
        for name, content in files.items()
        if name.startswith("litert/") and not _UNASKED.search(name)
    )


def _loaded(files: dict[str, bytes]) -> int:
    wanted = {f"page/{name}.js" for name in _SHARED} | {"index.html"}
    if any(name.startswith("families/") for name in files):
        wanted |= _PHOTOGRAPHS | {_writing(files)}
        wanted |= {name for name in files if name.startswith("codec/")} - {"codec/litert.js"}
    else:
        wanted |= _DIGITS | {f"bundle/{name}" for name in _BUNDLE}
        wanted |= {name for name in files if name.startswith(("codec/", "litert/"))}
    return sum(len(files[name]) for name in wanted if not _UNASKED.search(name))


def _writing(files: dict[str, bytes]) -> str:
    """The family that is named first in the page, which is the one that writes."""
    page = files["index.html"].decode()
    first = page.partition('data-families="')[2].partition('"')[0].split()[0]
    return f"families/{first}.json"
