"""A notebook with its outputs as a Markdown page and the files beside it."""

from __future__ import annotations

import base64
import html
import json
import re
import struct
import sys
from pathlib import Path
from typing import Any

from running import without_links

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "notebooks"))
from measure import HIDDEN, REMOVED, WITHOUT_OUTPUT, tags

__all__ = ["chapter", "title"]

_DATA_URI = re.compile(r'src="data:(?P<kind>\w+)/(?P<format>[\w.+-]+);base64,(?P<data>[^"]*)"')
_CAPTION = re.compile(r"^\s*\*(?!\*)(?P<text>.+?)(?<!\*)\*(?!\*)", flags=re.DOTALL)
_VIEW = "application/vnd.jupyter.widget-view+json"
_WIDEST_ALT = 300  # characters of a caption that serve as a picture's alternative text


def title(path: Path) -> str:
    """The first heading of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    found = re.search(r"^# (.*)$", "\n".join(texts), flags=re.MULTILINE)
    return found[1] if found else path.stem


def chapter(path: Path) -> tuple[str, dict[str, bytes]]:
    """The page of a notebook, and its pictures and sounds by their names beside the page.

    Code of a cell tagged `hide-input` is folded, that of one tagged `remove-input` left out; and so
    for outputs and cells, as in Jupyter Book.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells, widgets = notebook["cells"], notebook["metadata"].get("widgets", {})
    state = widgets.get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    parts: list[str] = []
    files: dict[str, bytes] = {}
    for number, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(_folds(without_links(source)))  # the site has links of its own
        elif cell["cell_type"] == "code" and source.strip():
            if not tags(cell) & REMOVED:
                parts.append(_code(source, folded=bool(tags(cell) & HIDDEN)))
            if "remove-cell" in tags(cell) or "remove-output" in tags(cell):
                continue
            after = _texts([c for c in cells[number + 1 :] if "remove-cell" not in tags(c)][:2])
            folded = bool(tags(cell) & WITHOUT_OUTPUT) and bool(cell["outputs"])
            parts += ['<details class="folded" markdown="block"><summary>Output</summary>'] * folded
            for place, output in enumerate(cell["outputs"]):
                texts = [_text(each, "text/markdown") for each in cell["outputs"][place + 1 :]]
                caption = next(filter(_CAPTION.match, texts + after), "")
                name = f"{path.stem}/{number:02}-{place}"
                if view := output.get("data", {}).get(_VIEW):
                    parts.append(_widget(view["model_id"], state, name, caption, files))
                else:
                    parts.append(_output(output, name, caption, files))
            parts += ["</details>"] * folded
    return "\n\n".join(parts) + "\n", files


def _code(source: str, *, folded: bool) -> str:
    """A cell's code, which a reader opens if it is folded."""
    block = f'```{{ .python data-search-exclude="" }}\n{source}\n```'
    if not folded:
        return block
    opened = '<details class="folded" markdown="block"><summary>Code</summary>'
    return f"{opened}\n\n{block}\n\n</details>"


def _texts(cells: list[dict[str, Any]]) -> list[str]:
    """What cells say in Markdown."""
    return [
        text
        for cell in cells
        for text in (
            ["".join(cell["source"])]
            if cell["cell_type"] == "markdown"
            else [_text(output, "text/markdown") for output in cell.get("outputs", [])]
        )
    ]


def _folds(source: str) -> str:
    """Let Markdown inside of `<details>` be Markdown."""
    source = source.replace("<details>", '<details markdown="block">')
    return re.sub(r"(<summary>.*?</summary>)[ ]*\n?", r"\1\n\n", source)


def _text(output: dict[str, Any], kind: str) -> str:
    return "".join(output.get("data", {}).get(kind, ""))


def _output(output: dict[str, Any], name: str, caption: str, files: dict[str, bytes]) -> str:
    """One output in the richest form that a page without a kernel can show."""
    if output["output_type"] == "stream":
        return _plain("".join(output["text"]))
    if markdown := _text(output, "text/markdown"):
        return _folds(markdown)
    if latex := _text(output, "text/latex"):
        return latex
    if picture := _text(output, "image/png"):
        data = base64.b64decode(picture)
        files[f"{name}.png"] = data
        width, height = struct.unpack(">II", data[16:24])
        alt = html.escape(_alternative(caption), quote=True)
        return (
            f'<p class="picture"><a href="{name}.png"><img src="{name}.png" alt="{alt}" '
            f'width="{width}" height="{height}" loading="lazy"></a></p>'
        )
    if markup := _text(output, "image/svg+xml"):
        return f'<div class="picture">{markup}</div>'
    if markup := _text(output, "text/html"):
        return f'<div class="output">\n{_own_files(markup, name, files)}\n</div>'
    return _plain(_text(output, "text/plain"))


def _widget(
    model: str, state: dict[str, Any], name: str, caption: str, files: dict[str, bytes]
) -> str:
    """Controls as they stood when the notebook was saved, and what they showed."""
    widget = state.get(model, {}).get("state", {})
    parts = [
        _output(output, f"{name}-{number}", caption, files)
        for number, output in enumerate(widget.get("outputs", []))
    ]
    if "value" in widget:
        text = html.escape(f"{widget['description']}: {widget['value']}")
        parts.append(f'<p class="control">{text}</p>')
    for child in widget.get("children", []):
        parts.append(_widget(child.removeprefix("IPY_MODEL_"), state, name, caption, files))
    return "\n\n".join(parts)


def _plain(text: str) -> str:
    # A blank line would end the block for Markdown.
    escaped = html.escape(text.rstrip("\n"), quote=False).replace("\n", "&#10;")
    return f'<pre class="output" data-search-exclude tabindex="0">{escaped}</pre>'


def _own_files(markup: str, name: str, files: dict[str, bytes]) -> str:
    """Move what an output carries along, such as a sound, to files of their own."""

    def move(match: re.Match[str]) -> str:
        own = f"{name}-{len(files)}.{match['format'].removeprefix('x-')}"
        files[own] = base64.b64decode(match["data"])
        return f'src="{own}"'

    markup = _DATA_URI.sub(move, markup)
    return "\n".join(line for line in markup.splitlines() if line.strip())


def _alternative(caption: str) -> str:
    """The caption, which the chapters put below a picture in italics, as plain text."""
    found = _CAPTION.match(caption)
    if not found:
        return "What the code above draws"
    text = re.sub(r"[*`$\\]|\]\([^)]*\)|\[", "", " ".join(found["text"].split()))
    if len(text) > _WIDEST_ALT:
        text = text[:_WIDEST_ALT].rsplit(" ", 1)[0] + " ..."
    return text
