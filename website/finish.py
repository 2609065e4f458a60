"""What is done to the site after its pages are written: the codec's pages, and use offline."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import demo
from mkdocs.exceptions import PluginError

__all__ = ["finish"]

_FIRST = (  # kept at the first visit, so that the site opens without a network
    "assets/*.css",
    "assets/*.js",
    "assets/front/*.js",
    "assets/front/*.webp",
    "assets/javascripts/bundle.*.js",
    "assets/stylesheets/*.css",
    "export/kerasae_export/page/assets/logo.svg",
)
_EAGER = (
    # The search prepares itself at once: only when its box is opened.
    (re.compile(r'(?<![\w$])([\w$]+)\(location\.protocol!=="file:"\)'), r"\1(!1)"),
    # The words that were searched for are marked on the page, by the index: only if there are any.
    (
        re.compile(r"(V\(\"search\.highlight\"\))\?(?=\w+\(\w+,\{index\$:)"),
        r'\1&&location.search.includes("h=")?',
    ),
)
"""Where the theme fetches the index of the search too early, and what to do instead."""

_STAND_IN = '{ version: "", first: [], files: [], bytes: 0 }'


def finish(site: Path) -> None:
    """Write the codec's pages, let the search wait, and list the files for offline use."""
    for folder, files in demo.pages().items():
        for name, content in files.items():
            path = site / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    _let_the_search_wait(site)
    for path in site.rglob("*.map"):  # nobody looks for the theme's sources here
        path.unlink()
    _list_files(site)


def _let_the_search_wait(site: Path) -> None:
    """Fetch the index, the largest file of the site, when the search is opened."""
    (bundle,) = (site / "assets" / "javascripts").glob("bundle.*.js")
    text = bundle.read_text(encoding="utf-8")
    for found, instead in _EAGER:
        text, count = found.subn(instead, text)
        if count != 1:
            raise PluginError(
                f"{bundle.name} of the theme has {count} places, not one, like {found.pattern}: "
                "website/finish.py has to learn when this version fetches the index of the search."
            )
    bundle.write_text(text, encoding="utf-8")


def _list_files(site: Path) -> None:
    worker = site / "sw.js"
    paths = [path for path in sorted(site.rglob("*")) if path.is_file() and path != worker]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(site)}\0".encode() + path.read_bytes())
    first = sorted({path for pattern in _FIRST for path in site.glob(pattern)})
    # Browsers take one of the two builds of LiteRT.js, nearly all of them this one.
    kept = [path for path in paths if "compat" not in path.name and path.suffix != ".gz"]
    known = {
        "version": digest.hexdigest()[:16],
        "first": ["./", *(path.relative_to(site).as_posix() for path in first)],
        "files": [path.relative_to(site).as_posix() for path in kept],
        "bytes": sum(path.stat().st_size for path in kept),
    }
    text = worker.read_text(encoding="utf-8")
    assert _STAND_IN in text
    worker.write_text(text.replace(_STAND_IN, json.dumps(known), 1), encoding="utf-8")
