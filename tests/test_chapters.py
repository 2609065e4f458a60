"""What authors of chapters rely on: tags, captions, numbers that are held, and limits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = REPOSITORY / "notebooks"
sys.path[:0] = [str(NOTEBOOKS), str(REPOSITORY / "website")]

import chapters  # noqa: E402
import measure  # noqa: E402

CHAPTERS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
TEN_LINES = (REPOSITORY / "docs" / "ten_lines.py").read_text(encoding="utf-8")
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: str, *tags: str, result: str = "", picture: bool = False) -> dict[str, Any]:
    outputs = []
    if result:
        outputs.append({"output_type": "execute_result", "data": {"text/plain": result}})
    if picture:
        outputs.append({"output_type": "display_data", "data": {"image/png": PICTURE}})
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": outputs}


def cells_of(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


# --- All chapters -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_tags_are_known_and_the_same_in_script_and_for_jupyterlab(path):
    script = jupytext.read(NOTEBOOKS / "src" / f"{path.stem}.py").cells
    for cell, twin in zip(cells_of(path), script, strict=True):
        tags = measure.tags(cell)
        assert tags <= measure.TAGS | {measure.NUMBERS, measure.TEN_LINES}
        assert tags == measure.tags(twin)
        for each in (cell, twin):
            assert each["metadata"].get("jupyter", {}) == measure.collapsed(cell)
        if measure.TEN_LINES in tags:  # the only cells that may define something
            assert measure.source(cell).strip() in TEN_LINES


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_marked_numbers_are_those_of_the_outputs(path):
    assert measure.disagreements(cells_of(path)) == []


def test_rewritten_chapters_keep_to_the_limits():
    assert set(measure.REWRITTEN) <= {path.stem for path in CHAPTERS}
    said = {
        name: measure.faults(name, cells_of(NOTEBOOKS / f"{name}.ipynb"))
        for name in measure.REWRITTEN
    }
    assert {name: faults for name, faults in said.items() if faults} == {}


def test_the_command_prints_a_row_for_each_chapter():
    command = [sys.executable, str(NOTEBOOKS / "measure.py")]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in table.splitlines()}
    assert [float(n) for n in rows["*at most*"] if n.strip()] == [*measure.LIMITS.values()]
    for path in CHAPTERS:
        row = [float(n.replace("*", "")) for n in rows[path.stem]]
        assert row == [
            pytest.approx(n, rel=1e-4) for n in measure.measures(path.stem, cells_of(path)).values()
        ]


# --- Counting ---------------------------------------------------------------------------------


def test_words_are_those_that_a_reader_sees():
    shown = code("print()")
    shown["outputs"].append(
        {"output_type": "display_data", "data": {"text/markdown": "*three more words*"}}
    )
    cells = [
        text("# A title\n\nOne `code of three words` and $x + y$.<!-- not this -->"),
        text("See [the page](https://example.org/some/words).\n```\nno prose\n```"),
        text("<details><summary>Solution</summary>\n\nmany words here\n\n</details>"),
        shown,
        {**shown, "metadata": {"tags": ["remove-cell"]}},
    ]
    assert measure.words(cells) == 2 + 4 + 3 + 3


def test_lines_and_pictures_are_those_that_stand_open():
    cells = [
        code("a = 1\n\nb = 2", picture=True),
        code("c = 3\n" * 40, "hide-input", picture=True),
        code("assert c", "remove-cell", picture=True),
        code("d = 4", "remove-output", picture=True),
    ]
    assert [measure.lines(cell) for cell in measure.visible(cells)] == [2, 1]
    assert measure.pictures(cells) == 2


# --- Numbers ----------------------------------------------------------------------------------

VALUES = code(
    "{...}",
    "remove-cell",
    "numbers",
    result="{'psnr': np.float64(20.649),\n 'images': 1294, 'pays': 688.2, 'drop': -0.04}",
)


@pytest.mark.parametrize(
    "sentence",
    [
        "It reaches 20.6<!--psnr--> dB on 1,294<!--images--> images.",
        "It reaches 20.65 dB<!--psnr-->; in 2006 it was 18. It changes by −0.04<!--drop-->.",
        "About 700<!--~pays--> images, or 690<!--~pays-->, or 688<!--pays-->.",
    ],
)
def test_numbers_that_agree_with_their_outputs(sentence):
    marks = {name.lstrip("~") for _, name in measure.marked([text(sentence)])}
    unused = {name for name in ("psnr", "images", "pays", "drop") if name not in marks}
    said = measure.disagreements([VALUES, text(sentence)])
    assert said == [
        f"{name!r} has an output, and no number names it"
        for name in said and sorted(unused, key=["psnr", "images", "pays", "drop"].index)
    ]


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("It reaches 20.7<!--psnr--> dB.", "20.7<!--psnr-->: the output is 20.649"),
        ("It reaches 21.0<!--psnr--> dB.", "21.0<!--psnr-->: the output is 20.649"),
        ("About 600<!--~pays--> images.", "600<!--~pays-->: the output is 688.2"),
        ("After 700<!--pays--> images.", "700<!--pays-->: the output is 688.2"),
        ("It reaches 20.6<!--snr--> dB.", "20.6<!--snr-->: there is no 'snr'"),
        ("Nothing.", "'psnr' has an output, and no number names it"),
    ],
)
def test_numbers_that_do_not(sentence, message):
    assert any(message in said for said in measure.disagreements([VALUES, text(sentence)]))


def test_a_cell_of_numbers_must_give_numbers_and_each_once():
    for bad in ("", "[1, 2]", "{'psnr': 'high'}", "{'psnr': <tf.Tensor: shape=()>}"):
        with pytest.raises(ValueError, match="must end in a dict of numbers"):
            measure.numbers([code("psnr", "numbers", result=bad)])
    with pytest.raises(ValueError, match="once. Received: 'psnr' twice"):
        measure.numbers([VALUES, code("x", "numbers", result="{'psnr': 1.0}")])


def test_measured_numbers_without_a_mark_are_found():
    cells = [
        text("A code of 32 numbers reaches 20.6 dB, or 91 %; `rate=0.5`, $0.25$, 3.5<!--given-->."),
        text("<details>1.5 dB</details> [here](page_1.5.html) and 12 bytes, 1,294.5"),
        text("**Papers** arXiv 1312.6114"),
    ]
    assert measure.unmarked(cells) == ["20.6", "91", "12", "1,294.5"]


# --- Limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([text("word " * 1301)], "words: 1301 of 1300"),
        ([code("a = 1\n" * 20)] * 10, "lines: 200 of 180"),
        ([code("a = 1\n" * 26)], "longest cell: 26 of 25"),
        ([text("It has 20.6 dB.")], "20.6: names no output"),
        ([text("*" + "look " * 41 + "*")], "a caption has 41 words and 0 numbers"),
        ([text("*From 1 to 2 and 3.*")], "a caption has 3 words and 3 numbers"),
        ([code("assert a")], "`assert` in a cell that readers see"),
        ([code("display(Markdown(f'*{a}*'))")], "`Markdown(` in a cell that readers see"),
        ([code("display(\n    Markdown(f'*{a}*')\n)")], "`Markdown(` in a cell that readers see"),
        ([text("It has 3<!--a--> dB.")], "there is no 'a'"),
    ],
)
def test_each_limit_is_held(cells, fault):
    assert any(said.startswith(fault) or fault in said for said in measure.faults("none", cells))


def test_a_chapter_within_the_limits_has_no_fault():
    cells = [
        text("# Title\n\nA code of 32 numbers."),
        code("a = 1\n" * 25, picture=True),
        text("*Look at the left first: it reaches 20.6<!--psnr--> dB.*"),
        code("assert a\n" * 300, "remove-cell"),
        code("{'psnr': psnr}", "remove-cell", "numbers", result="{'psnr': 20.61}"),
    ]
    assert measure.faults("none", cells) == []


# --- Tags on the site, in JupyterLab and in nbconvert -----------------------------------------

TAGGED = [
    text("# Title"),
    code("shown = 1", picture=True),
    code("assert shown", "remove-cell", picture=True),
    text("*Look here.*"),
    code("folded = 2", "hide-input", picture=True),
    code("gone = 3", "remove-input", picture=True),
    code("quiet = 4", "remove-output", picture=True),
    code("both = 5", "hide-cell", picture=True),
]


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    path = tmp_path / "99_tagged.ipynb"
    for number, cell in enumerate(TAGGED):
        cell["id"] = f"cell-{number}"
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
            for output in cell["outputs"]:
                output["metadata"] = {}
    notebook = {"cells": TAGGED, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def test_the_site_folds_and_leaves_out_what_tags_say(tagged):
    page, files = chapters.chapter(tagged)
    opened = re.sub(r"<details class=\"folded\".*?</details>", "FOLD", page, flags=re.DOTALL)
    folds = re.findall(r"<details class=\"folded\".*?</details>", page, flags=re.DOTALL)
    assert [name in opened for name in ("shown = 1", "quiet = 4")] == [True, True]
    assert ["folded = 2" in folds[0], "both = 5" in folds[1]] == [True, True]
    assert "gone = 3" not in page
    assert "assert shown" not in page
    assert sorted(files) == [f"99_tagged/{n:02}-0.png" for n in (1, 4, 5, 7)]
    assert f"{opened.count('<img')}" == "3"
    # The caption of a picture is that below it, with a hidden cell between them.
    assert 'alt="Look here."' in page
    assert page.count("<details") == page.count("</details>") == 3


def test_jupyterlab_collapses_what_is_tagged_after_the_command(tagged):
    script = tagged.with_suffix(".py")
    jupytext.write(jupytext.read(tagged), script, fmt="py:percent")
    for path in (tagged, script):
        assert measure.collapse(path)
        assert not measure.collapse(path)
        found = [cell.metadata.get("jupyter") for cell in jupytext.read(path).cells[1:]]
        both = {"source_hidden": True, "outputs_hidden": True}
        code_only, output_only = {"source_hidden": True}, {"outputs_hidden": True}
        assert found == [None, both, None, code_only, code_only, output_only, both]
    assert len(nbformat.read(tagged, 4).cells[1].outputs) == 1  # nothing is lost


@pytest.mark.slow
def test_nbconvert_leaves_out_what_tags_say_on_pages_only(tagged):
    config = str(NOTEBOOKS / "nbconvert_config.py")
    for kind in ("html", "notebook"):
        command = [sys.executable, "-m", "nbconvert", "--to", kind, "--config", config]
        command += ["--output", "out", tagged.name]
        subprocess.run(command, cwd=tagged.parent, capture_output=True, check=True)
    page = re.sub(r"<[^>]*>", "", (tagged.parent / "out.html").read_text(encoding="utf-8"))
    for source, there in (
        ("shown = 1", True),
        ("folded = 2", False),
        ("gone = 3", False),
        ("assert shown", False),
        ("quiet = 4", True),
    ):
        assert (source in page) == there, source
    assert len(nbformat.read(tagged.parent / "out.ipynb", 4).cells) == len(TAGGED)
