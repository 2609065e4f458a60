"""Links that run a chapter in somebody else's browser: Colab and Binder, once there is an address.

    python website/running.py     # put the links into all chapters, or take them out

Both services fetch notebooks from a public repository. As long as the address in pyproject.toml is
the placeholder, or one that they cannot fetch from, no link is drawn, so that none is dead.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from urllib.parse import quote, urlsplit

__all__ = ["address", "run_line", "run_links", "with_links", "without_links"]

ROOT = Path(__file__).resolve().parents[1]
BRANCH = "main"
_MARK = "<!-- run -->"
_LINE = re.compile(rf"\n\n[^\n]*{re.escape(_MARK)}")
_TITLE = re.compile(r"\A# [^\n]*")


def address() -> str:
    """The project's address, from pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["urls"]["Homepage"])


def run_links(stem: str, home: str) -> dict[str, str]:
    """What runs a chapter, by name: Colab for a repository on GitHub, Binder for GitLab's, too."""
    parts = urlsplit(home)
    path = parts.path.strip("/").removesuffix(".git")
    if parts.scheme != "https" or path.count("/") != 1:
        return {}
    notebook = f"notebooks/{stem}.ipynb"
    binder = f"{path}/{BRANCH}?labpath={quote(notebook, safe='')}"
    if parts.netloc == "github.com":
        colab = f"https://colab.research.google.com/github/{path}/blob/{BRANCH}/{notebook}"
        return {"Colab": colab, "Binder": f"https://mybinder.org/v2/gh/{binder}"}
    if parts.netloc == "gitlab.com":
        binder = f"{quote(path, safe='')}/{BRANCH}?labpath={quote(notebook, safe='')}"
        return {"Binder": f"https://mybinder.org/v2/gl/{binder}"}
    return {}


def run_line(stem: str, home: str) -> str:
    """The links as HTML for the line below a chapter's title; empty if there are none."""
    return " ".join(
        f'<a class="run" href="{link}">Run on {name}</a>'
        for name, link in run_links(stem, home).items()
    )


def with_links(source: str, stem: str, home: str) -> str:
    """A chapter's first cell, with links below its title if there are any at this address."""
    source = without_links(source)
    links = run_links(stem, home)
    if not links:
        return source
    line = "Run this chapter: " + " · ".join(f"[{name}]({link})" for name, link in links.items())
    if "Colab" in links:
        git = f"git+{home.rstrip('/').removesuffix('.git')}.git"
        line += (
            f'. On Colab begin with `%pip install "kerasae-export[convert] @ {git}#subdirectory='
            f'export" "kerasae @ {git}"`.'
        )
    return _TITLE.sub(lambda title: f"{title[0]}\n\n{line} {_MARK}", source, count=1)


def without_links(source: str) -> str:
    """A first cell as its author wrote it."""
    return _LINE.sub("", source)


def main() -> None:
    """Bring all pairs of script and notebook in line with the address."""
    import jupytext

    home = address()
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        first = notebook["cells"][0]
        source = with_links("".join(first["source"]), path.stem, home)
        if source == "".join(first["source"]):
            continue
        first["source"] = source.splitlines(keepends=True)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        script = path.parent / "src" / f"{path.stem}.py"
        cells = jupytext.read(script)
        cells.cells[0].source = source
        jupytext.write(cells, script, fmt="py:percent")


if __name__ == "__main__":
    main()
