"""What a chapter asks of its reader: words, lines, pictures, seconds, beside the limits.

    python notebooks/measure.py              # a table of all chapters, and what breaks a limit
    python notebooks/measure.py 00 09        # of some, by their numbers
    python notebooks/measure.py --collapse   # give each tagged cell what JupyterLab needs

Seconds are those of `benchmarks/chapters.py fast`, as they were last measured. The limits hold for
the chapters in `REWRITTEN` (`tests/test_chapters.py`), to which each is added when it is rewritten.
README.md beside this file says what tags, captions and marks of numbers are.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TIMES = HERE.parent / "benchmarks" / "results" / "chapters.json"

REWRITTEN: tuple[str, ...] = (
    "00_start_here",
    "01_motivation",
    "02_introduction",
    "03_structures",
    "04_properties",
    "05_hyperparameters",
    "06_undercomplete",
    "07_overcomplete",
    "08_sparse",
    "09_convolutional",
    "10_variational",
    "11_dimensionality_reduction",
    "12_image_generation",
    "13_segmentation",
    "14_denoising",
    "15_inpainting",
    "16_export",
    "19_contractive",
    "20_vector_quantized",
    "22_sequences",
)
"""Chapters that are held to the limits, such as "00_start_here"."""

LIMITS = {"words": 1300, "lines": 180, "longest cell": 25, "seconds": 40}
"""The most that a chapter may have; seconds are those of its fast mode."""

CAPTION_WORDS, CAPTION_NUMBERS = 40, 2

HIDDEN = frozenset({"hide-input", "hide-cell"})
"""Tags of cells whose code is folded: a reader may open it."""

REMOVED = frozenset({"remove-input", "remove-cell"})
"""Tags of cells whose code is not shown on the site at all."""

WITHOUT_OUTPUT = frozenset({"hide-cell", "hide-output", "remove-cell", "remove-output"})
"""Tags of cells whose outputs are folded or not shown."""

TAGS = HIDDEN | REMOVED | WITHOUT_OUTPUT
NUMBERS, TEN_LINES = "numbers", "ten-lines"
GIVEN = "given"

Cell = Mapping[str, Any]

_FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
_TARGET = re.compile(r"\]\([^)]*\)")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_NUMBER = r"[-−]?\d[\d,]*(?:\.\d+)?"
_MARKED = re.compile(
    rf"(?P<number>{_NUMBER})(?P<unit>[^<\n\d]{{0,12}}?)<!--\s*(?P<name>~?\w+)\s*-->"
)
_MEASURED = re.compile(
    rf"(?<![\w.,])(?:\d[\d,]*\.\d+|{_NUMBER}(?=\s?(?:%|dB\b|nats?\b|bits?\b|bytes?\b|[kM]B\b)))"
)
_CAPTION = re.compile(r"\s*\*(?!\*).*(?<!\*)\*\s*", re.DOTALL)


def tags(cell: Cell) -> frozenset[str]:
    """The tags of a cell."""
    return frozenset(cell.get("metadata", {}).get("tags", ()))


def source(cell: Cell) -> str:
    """The text of a cell, which a file holds as a list of lines."""
    return "".join(cell["source"])


def visible(cells: Sequence[Cell]) -> list[Cell]:
    """The code cells whose code stands open before a reader."""
    return [
        cell
        for cell in cells
        if cell["cell_type"] == "code"
        and source(cell).strip()
        and not tags(cell) & (HIDDEN | REMOVED)
    ]


def lines(cell: Cell) -> int:
    """Lines of code that are not empty."""
    return sum(bool(line.strip()) for line in source(cell).splitlines())


def prose(cells: Sequence[Cell]) -> str:
    """All Markdown that a reader sees unasked: without solutions, which are folded."""
    parts = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            parts.append(source(cell))
        elif cell["cell_type"] == "code" and not tags(cell) & WITHOUT_OUTPUT:
            parts += ["".join(o.get("data", {}).get("text/markdown", "")) for o in _outputs(cell)]
    return _FOLDED.sub("", "\n\n".join(parts))


def words(cells: Sequence[Cell]) -> int:
    """Words of the prose, captions included; a formula or a piece of code is one."""
    text = _COMMENT.sub("", _FENCE.sub("", prose(cells)))
    text = _FORMULA.sub(" formula ", re.sub(r"`[^`]*`", " code ", text))
    return len(_WORD.findall(_TARGET.sub("]", text)))


def pictures(cells: Sequence[Cell]) -> int:
    """Pictures among the outputs that are shown."""
    return sum(
        bool({"image/png", "image/svg+xml"} & set(output.get("data", {})))
        for cell in cells
        if cell["cell_type"] == "code" and not tags(cell) & WITHOUT_OUTPUT
        for output in _outputs(cell)
    )


def captions(cells: Sequence[Cell]) -> list[str]:
    """The Markdown cells in italics: what stands under a picture."""
    texts = [source(cell) for cell in cells if cell["cell_type"] == "markdown"]
    return [text for text in texts if _CAPTION.fullmatch(text)]


def numbers(cells: Sequence[Cell]) -> dict[str, float]:
    """What the cells tagged `numbers` gave: the values that the prose may name.

    Raises:
        ValueError: If such a cell gave no dict of numbers, or a name twice.
    """
    found: dict[str, float] = {}
    for cell in cells:
        if NUMBERS not in tags(cell):
            continue
        texts = ["".join(o.get("data", {}).get("text/plain", "")) for o in _outputs(cell)]
        values = _read(texts[-1]) if texts else {}
        if not values:
            raise ValueError(
                "a cell tagged `numbers` must end in a dict of numbers, such as "
                f'{{"psnr": psnr}}. Received: {source(cell)[-60:]!r}'
            )
        if twice := sorted(set(values) & set(found)):
            raise ValueError(f"`numbers` must name each value once. Received: {twice[0]!r} twice")
        found |= values
    return found


def marked(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """The numbers in Markdown that have a name, as (number, name); `~` of the name says about."""
    return [
        (match["number"], match["name"])
        for cell in cells
        if cell["cell_type"] == "markdown"
        for match in _MARKED.finditer(source(cell))
    ]


def unmarked(cells: Sequence[Cell]) -> list[str]:
    """Measured numbers in prose that no output is asked for.

    Those with decimals, and those before %, dB, nats, bits, bytes, kB or MB; not those in code,
    formulas, solutions, or the last part, on papers.
    """
    texts = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            if re.search(r"^(?:\*\*|#+ )Papers", source(cell), re.MULTILINE):
                break
            texts.append(source(cell))
    text = _FOLDED.sub("", "\n\n".join(texts))
    for pattern in (_FENCE, re.compile(r"`[^`]*`"), _FORMULA, _TARGET, _MARKED, _COMMENT):
        text = pattern.sub(" ", text)
    return [match[0] for match in _MEASURED.finditer(text)]


def agrees(number: str, value: float, *, about: bool = False) -> bool:
    """Whether a value, rounded as a number is written, is that number.

    A number of so many decimals is right to half a unit of the last one. If `about`, the zeros at
    the end of a whole number are no digits of it: 700 is right from 650 to 750.
    """
    digits = number.replace(",", "").replace("−", "-")
    unit = 10.0 ** -len(digits.partition(".")[2])
    if about and "." not in digits:
        unit = 10.0 ** (len(digits) - len(digits.rstrip("0")))
    return abs(float(digits) - value) <= unit * (0.5 + 1e-6)


def disagreements(cells: Sequence[Cell]) -> list[str]:
    """What is wrong with the marked numbers of a chapter; nothing, if none is."""
    values = numbers(cells)
    marks = marked(cells)
    said = [
        f"{number}<!--{name}-->: there is no {name.lstrip('~')!r} in a cell tagged `numbers`"
        for number, name in marks
        if name != GIVEN and name.lstrip("~") not in values
    ]
    for number, name in marks:
        value = values.get(name.lstrip("~"))
        if value is not None and not agrees(number, value, about=name.startswith("~")):
            said.append(f"{number}<!--{name}-->: the output is {value:.6g}")
    used = {name.lstrip("~") for _, name in marks}
    return said + [
        f"{name!r} has an output, and no number names it" for name in values if name not in used
    ]


def measures(name: str, cells: Sequence[Cell]) -> dict[str, int | float]:
    """The row of a chapter in the table."""
    shown = visible(cells)
    times = json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.exists() else {}
    return {
        "words": words(cells),
        "lines": sum(map(lines, shown)),
        "longest cell": max(map(lines, shown), default=0),
        "pictures": pictures(cells),
        "seconds": times.get(name, {}).get("fast", {}).get("seconds", 0),
        "unheld numbers": len(unmarked(cells)),
    }


def faults(name: str, cells: Sequence[Cell]) -> list[str]:
    """What keeps a chapter from being one of `REWRITTEN`."""
    row = measures(name, cells)
    said = [f"{what}: {row[what]:g} of {most}" for what, most in LIMITS.items() if row[what] > most]
    said += [f"{number}: names no output" for number in unmarked(cells)]
    for caption in captions(cells):
        count = len(_WORD.findall(_COMMENT.sub("", caption)))
        figures = len(re.findall(_NUMBER, _COMMENT.sub("", _FORMULA.sub("", caption))))
        if count > CAPTION_WORDS or figures > CAPTION_NUMBERS:
            said.append(
                f"a caption has {count} words and {figures} numbers, of {CAPTION_WORDS} and "
                f"{CAPTION_NUMBERS}: {caption[:50]}"
            )
    for cell in visible(cells):
        for what in ("assert ", "Markdown("):
            if re.search(rf"^\s*(?:display\()?{re.escape(what)}", source(cell), re.MULTILINE):
                said.append(f"`{what.strip()}` in a cell that readers see: {source(cell)[:50]!r}")
    return said + disagreements(cells)


def collapsed(cell: Cell) -> dict[str, bool]:
    """What JupyterLab must find in a cell's metadata, by its tags."""
    wanted = {}
    if tags(cell) & (HIDDEN | REMOVED):
        wanted["source_hidden"] = True
    if tags(cell) & WITHOUT_OUTPUT:
        wanted["outputs_hidden"] = True
    return wanted


def _outputs(cell: Cell) -> Iterator[Mapping[str, Any]]:
    """The outputs of a cell, those inside of its controls not counted."""
    yield from cell.get("outputs", ())


def _read(text: str) -> dict[str, float]:
    """A dict of numbers from how Python shows it, NumPy's numbers included."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        assert isinstance(tree, ast.Dict)
        return {
            str(ast.literal_eval(key)): float(ast.literal_eval(_plain(value)))
            for key, value in zip(tree.keys, tree.values, strict=True)
            if key is not None
        }
    except (AssertionError, SyntaxError, TypeError, ValueError):
        return {}


def _plain(value: ast.expr) -> ast.expr:
    """`np.float32(1.5)` as 1.5."""
    return value.args[0] if isinstance(value, ast.Call) and value.args else value


def _chapters(chosen: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for path in sorted(HERE.glob("[0-9][0-9]_*.ipynb")):
        if not chosen or path.name[:2] in chosen:
            yield path.stem, path


def collapse(path: Path) -> bool:
    """Give a notebook's or a script's cells what JupyterLab needs; say if one lacked it."""
    import jupytext

    notebook = jupytext.read(path)
    changed = False
    for cell in notebook.cells:
        wanted = collapsed(cell)
        if cell.metadata.get("jupyter", {}) != wanted:
            changed = True
            cell.metadata.pop("jupyter", None)
            if wanted:
                cell.metadata["jupyter"] = wanted
    if changed:
        jupytext.write(notebook, path, fmt="py:percent" if path.suffix == ".py" else "ipynb")
    return changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="their numbers; all by default")
    parser.add_argument("--collapse", action="store_true", help="set JupyterLab's metadata by tags")
    options = parser.parse_args()
    if options.collapse:
        for name, path in _chapters(options.chapters):
            for file in (path, HERE / "src" / f"{name}.py"):
                if collapse(file):
                    print(f"changed {file.relative_to(HERE)}")
        return
    heads = ("chapter", "words", "lines", "longest cell", "pictures", "seconds", "unheld numbers")
    print("| " + " | ".join(heads) + " |")
    print("|---|" + "---:|" * (len(heads) - 1))
    print("| *at most* | " + " | ".join(str(LIMITS.get(head, "")) for head in heads[1:]) + " |")
    for name, path in _chapters(options.chapters):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        row = measures(name, cells)
        shown = [
            f"**{row[head]:g}**" if row[head] > LIMITS.get(head, float("inf")) else f"{row[head]:g}"
            for head in heads[1:]
        ]
        print(f"| {name} | " + " | ".join(shown) + " |")
        if name in REWRITTEN or options.chapters:
            for fault in faults(name, cells):
                print(f"  {name}: {fault}")


if __name__ == "__main__":
    main()
