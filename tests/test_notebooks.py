"""The chapters: in pairs that agree, with clean outputs, and running from top to bottom."""

from __future__ import annotations

import ast
import json
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupyter_client.provisioning import local_provisioner
from kernels import ForkedKernel
from nbclient import NotebookClient
from nbformat import NotebookNode

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = REPOSITORY / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import measure  # noqa: E402

CHAPTERS = sorted(path.stem for path in (NOTEBOOKS / "src").glob("*.py"))
MOST_BYTES = 1_500_000
LEAST_WORDS = 350

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def script_of(chapter: str) -> NotebookNode:
    return jupytext.read(NOTEBOOKS / "src" / f"{chapter}.py")


def notebook_of(chapter: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)


def cells(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def sources(notebook: NotebookNode, kind: str) -> list[str]:
    return [cell.source for cell in cells(notebook, kind)]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in cells(notebook, "code") for output in cell.outputs]


def solutions(notebook: NotebookNode) -> list[str]:
    """The code of the solutions to the exercises."""
    prose = "\n".join(sources(notebook, "markdown"))
    folded = re.findall(r"<details>.*?</details>", prose, flags=re.DOTALL)
    return [code for part in folded for code in re.findall(r"```python\n(.*?)```", part, re.DOTALL)]


def test_every_script_has_a_notebook_and_every_notebook_a_script_and_a_line():
    assert CHAPTERS
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == CHAPTERS
    table = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    for chapter in CHAPTERS:
        assert f"]({chapter}.ipynb)" in table


def test_the_table_holds_what_was_measured_and_that_is_little():
    """What `benchmarks/chapters.py` measured; nothing is timed here."""
    results = json.loads((REPOSITORY / "benchmarks" / "results" / "chapters.json").read_text())
    table = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    for chapter in CHAPTERS:
        (line,) = [line for line in table.splitlines() if f"| [{chapter[:2]} " in line]
        full, fast, size = (part.strip() for part in line.split("|")[-4:-1])
        assert fast == f"{results[chapter]['fast']['seconds']:.0f} s"
        if "full" in results[chapter]:
            assert full == f"{results[chapter]['full']['seconds']:.0f} s"
        assert int(full.removesuffix(" s")) < 360
        assert float(size.removesuffix(" MB")) == pytest.approx(
            (NOTEBOOKS / f"{chapter}.ipynb").stat().st_size / 1e6, abs=0.06
        )
    seconds = [results[chapter]["fast"]["seconds"] for chapter in CHAPTERS]
    assert max(seconds) < 40
    assert sum(seconds) / len(seconds) < 30


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_script_and_notebook_are_the_same_text(chapter):
    script, notebook = script_of(chapter), notebook_of(chapter)
    for kind in ("markdown", "code", "raw"):
        assert sources(script, kind) == sources(notebook, kind)
    assert [cell.cell_type for cell in script.cells] == [c.cell_type for c in notebook.cells]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_committed_outputs_are_of_one_clean_run(chapter):
    path, notebook = NOTEBOOKS / f"{chapter}.ipynb", notebook_of(chapter)
    assert path.stat().st_size < MOST_BYTES
    counts = [cell.execution_count for cell in cells(notebook, "code")]
    assert counts == list(range(1, len(counts) + 1))
    found = outputs(notebook)
    assert not [o for o in found if o.output_type == "error" or o.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in found)
    text = "\n".join(
        str(part) for output in found for part in (output.get("text"), output.get("data"))
    )
    for leak in (REPOSITORY, Path.home(), tempfile.gettempdir()):
        assert f"{leak}/" not in text


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_teaches_and_defines_nothing(chapter):
    notebook = notebook_of(chapter)
    prose = "\n".join(sources(notebook, "markdown"))
    assert len(re.findall(r"[A-Za-z]{2,}", prose)) >= LEAST_WORDS
    for heading in ("able to", "What can go wrong", "Key takeaways", "Exercises", "Papers"):
        assert heading in prose
    assert 3 <= prose.count("<details>") == prose.count("</details>") <= 5
    assert len(solutions(notebook)) >= 3
    for link in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (NOTEBOOKS / link).exists(), link
    for cell in cells(notebook, "code"):
        if measure.TEN_LINES in measure.tags(cell):  # from docs/ten_lines.py, word for word
            continue
        plain = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not [node for node in ast.walk(ast.parse(plain)) if isinstance(node, defined)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_and_its_solutions_run_in_fast_mode(chapter, tmp_path, monkeypatch):
    """In an empty folder, in which nothing is left, and without a word on standard error."""
    monkeypatch.setenv("KERASAE_FAST", "1")
    monkeypatch.setattr(local_provisioner, "launch_kernel", ForkedKernel)
    notebook = script_of(chapter)
    notebook.cells += [nbformat.v4.new_code_cell(code) for code in solutions(notebook)]
    # Once in a while ZeroMQ does not tell of a reply before this timeout, for a cell that has long
    # been done: so it is not much longer than a cell may take on a slow machine.
    client = NotebookClient(
        notebook, timeout=150, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    # With worse values, but with each that a number in the text is named after.
    named = {name.lstrip("~") for _, name in measure.marked(notebook.cells)} - {measure.GIVEN}
    assert named <= set(measure.numbers(notebook.cells))
    # A training of seconds may use little of its code, and `train` says so.
    said = [o.text for o in outputs(notebook) if o.get("name") == "stderr"]
    assert not [text for text in said if "CollapseWarning: " not in text]
    assert not list(tmp_path.iterdir())
