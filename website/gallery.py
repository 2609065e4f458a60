"""The chapters as cards: a picture, a title, a line, and how long it takes to read."""

from __future__ import annotations

import html
import io
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import chapters
import running
from measure import lines, visible, words
from PIL import Image

__all__ = ["COVERS", "Chapter", "all_chapters", "card_picture", "cards", "cover", "reading_line"]

COVERS = {
    "00": "02-0",
    "01": "02-0",
    "02": "02-0",
    "03": "02-0",
    "04": "02-0",
    "05": "02-0",
    "06": "02-0",
    "07": "02-0",
    "08": "02-0",
    "09": "02-0",
    "10": "02-0",
    "11": "02-0",
    "12": "02-0",
    "13": "02-0",
    "14": "02-0",
    "15": "06-0",
    "16": "02-0",
    "17": "28-0",
    "18": "18-0",
    "19": "02-0",
    "20": "02-0",
    "21": "12-0",
    "22": "02-0",
    "23": "12-0",
}
"""The best picture of each chapter: the place of its cell, and of the output there."""

SIZE = (480, 270)  # pixels of a card's picture
LEAST = 0.6  # of its width and of its height that the picture fills, or it is cut
WORDS, LINES = 200, 25  # that a reader takes in a minute, of prose and of code
_ROW = re.compile(r"^\| \[(?P<number>\d\d) [^\]]*\]\([^)]*\) \| (?P<line>[^|]*?) \|", re.MULTILINE)
_TABLE = re.compile(r"^\| chapter \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Chapter:
    """What the gallery says about a chapter."""

    number: str
    title: str
    line: str
    minutes: int
    stem: str


@cache
def all_chapters(folder: Path) -> tuple[Chapter, ...]:
    """Every chapter of a folder, with its line from the table of README.md there."""
    readme = (folder / "README.md").read_text(encoding="utf-8")
    lines = {row["number"]: row["line"] for row in _ROW.finditer(readme)}
    return tuple(
        Chapter(
            path.name[:2], chapters.title(path), lines[path.name[:2]], _minutes(path), path.stem
        )
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    )


def _minutes(path: Path) -> int:
    """Of reading, what is folded not counted."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = sum(map(lines, visible(cells)))
    return max(1, round(words(cells) / WORDS + code / LINES))


def cover(chapter: Chapter, files: dict[str, bytes]) -> bytes:
    """A card's picture, from the best picture of its chapter; see `chapters.chapter`."""
    return card_picture(files[f"{chapter.stem}/{COVERS[chapter.number]}.png"])


def card_picture(png: bytes, *, top: bool = False) -> bytes:
    """A picture as WebP in the size of a card: whole, but a strip or a column is cut."""
    with Image.open(io.BytesIO(png)) as picture:
        whole = picture.convert("RGB")
    wide, high = SIZE
    scale = min(wide / whole.width, high / whole.height)
    least = max(LEAST * high / whole.height, LEAST * wide / whole.width)
    scale = max(scale, least)
    whole = whole.resize((round(whole.width * scale), round(whole.height * scale)), Image.LANCZOS)
    card = Image.new("RGB", SIZE, "white")
    down = max(0, (high - whole.height) // 2) if top else (high - whole.height) // 2
    card.paste(whole, (max(0, (wide - whole.width) // 2), down))
    buffer = io.BytesIO()
    card.save(buffer, "WEBP", quality=70, method=6)
    return buffer.getvalue()


def cards(page: str, found: tuple[Chapter, ...], parts: dict[int, str]) -> str:
    """The page of chapters with cards in front of its table, which is folded."""
    pieces = []
    for chapter in found:
        if part := parts.get(int(chapter.number)):
            pieces += ["</div>"] * bool(pieces)
            pieces += [f'<h2 id="{part.lower().replace(" ", "-")}">{part}</h2>']
            pieces += ['<div class="cards">']
        pieces.append(_card(chapter))
    pieces.append("</div>")
    table = _TABLE.search(page)
    assert table is not None
    details = (
        '<details markdown="block"><summary>Data, times and sizes of each chapter</summary>\n\n'
        f"{table[0]}\n</details>\n"
    )
    return page.replace(table[0], "\n".join(pieces) + "\n\n" + details)


def _card(chapter: Chapter) -> str:
    return (
        f'<a class="card" href="{chapter.stem}.html">'
        f'<img src="covers/{chapter.number}.webp" alt="" width="{SIZE[0]}" height="{SIZE[1]}" '
        f'loading="lazy"><span class="card-number">{chapter.number}</span>'
        f"<strong>{html.escape(chapter.title)}</strong>"
        f"<span>{html.escape(chapter.line[:1].upper() + chapter.line[1:])}</span>"
        f'<span class="card-minutes">{chapter.minutes} min</span></a>'
    )


def reading_line(found: tuple[Chapter, ...], stem: str) -> str:
    """Below a chapter's title: how long it takes, its neighbours, and where it runs."""
    at = next(i for i, chapter in enumerate(found) if chapter.stem == stem)
    steps = []
    for name, place in (("Previous", at - 1), ("Next", at + 1)):
        if 0 <= place < len(found):
            other = found[place]
            title = html.escape(f"{other.number} {other.title}")
            steps.append(f'<a href="{other.stem}.html" title="{title}">{name}</a>')
    minutes = f"<span>{found[at].minutes} minutes to read</span>"
    links = " ".join([*steps, '<a href="index.html">All chapters</a>'])
    run = running.run_line(stem, running.address())
    return f'<p class="reading">{" ".join(filter(None, [minutes, links, run]))}</p>'
