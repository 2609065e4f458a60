"""Links to Colab and Binder: none before the project has an address, and right ones after."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jupytext
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "website")]

import chapters  # noqa: E402
import gallery  # noqa: E402
import running  # noqa: E402

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("[0-9][0-9]_*.ipynb"))
GITHUB = "https://github.com/somebody/kerasae"
FIRST = "# Start here\n\n*Section: objectives.* One digit."


def first_cell(path: Path) -> str:
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_chapters_have_the_links_of_the_address_or_none(path):
    source = first_cell(path)
    assert running.with_links(source, path.stem, running.address()) == source
    script = jupytext.read(path.parent / "src" / f"{path.stem}.py")
    assert script.cells[0].source == source


@pytest.mark.parametrize(
    "home",
    [
        "https://example.org/kerasae",
        "https://example.org/some/kerasae",
        "https://github.com/somebody",
        "http://github.com/somebody/kerasae",
        "https://somebody.github.io/kerasae",
        "",
    ],
)
def test_no_link_is_drawn_to_where_nothing_is(home, monkeypatch):
    assert running.run_links("00_start_here", home) == {}
    assert running.with_links(FIRST, "00_start_here", home) == FIRST
    monkeypatch.setattr(running, "address", lambda: home)
    found = gallery.all_chapters(REPOSITORY / "notebooks")
    assert "Run on" not in gallery.reading_line(found, found[0].stem)


@pytest.mark.parametrize("home", [GITHUB, f"{GITHUB}/", f"{GITHUB}.git"])
def test_links_lead_to_the_notebook(home, monkeypatch):
    for path in NOTEBOOKS:
        links = running.run_links(path.stem, home)
        assert list(links) == ["Colab", "Binder"]
        colab, binder = (urlsplit(link) for link in links.values())
        assert colab.netloc == "colab.research.google.com"
        there = colab.path.removeprefix("/github/somebody/kerasae/blob/main/")
        assert (REPOSITORY / there).is_file()
        assert (binder.netloc, binder.path) == ("mybinder.org", "/v2/gh/somebody/kerasae/main")
        assert (REPOSITORY / unquote(binder.query.removeprefix("labpath="))).is_file()
    monkeypatch.setattr(running, "address", lambda: home)
    found = gallery.all_chapters(REPOSITORY / "notebooks")
    line = gallery.reading_line(found, found[0].stem)
    assert [f"Run on {name}</a>" in line for name in ("Colab", "Binder")] == [True, True]


def test_gitlab_has_binder_only():
    links = running.run_links("00_start_here", "https://gitlab.com/somebody/kerasae")
    assert list(links) == ["Binder"]
    assert "/v2/gl/somebody%2Fkerasae/main?" in links["Binder"]


def test_a_notebook_gains_one_line_and_loses_it_again(tmp_path):
    once = running.with_links(FIRST, "00_start_here", GITHUB)
    title, line, rest = once.split("\n\n")
    assert (title, rest) == tuple(FIRST.split("\n\n"))
    assert line.startswith("Run this chapter: [Colab](https://colab")
    assert "git+https://github.com/somebody/kerasae.git#subdirectory=export" in line
    assert running.with_links(once, "00_start_here", GITHUB) == once
    assert running.with_links(once, "00_start_here", "https://example.org/kerasae") == FIRST
    cell = {"cell_type": "markdown", "metadata": {}, "source": once}
    path = tmp_path / "99_page.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}}))
    page, _ = chapters.chapter(path)
    assert "Colab" not in page  # the site has its own line, under the title


def test_binder_installs_both_packages():
    lines = (REPOSITORY / ".binder" / "requirements.txt").read_text().split("\n")
    assert lines[:2] == ["-e ./export", "-e .[notebooks]"]
