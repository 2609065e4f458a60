"""Commands that are shown can be pasted as they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kerasae.cli import invocation, quickstart


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an environment in the working directory, with a space in its name."""
    folder = tmp_path / "my venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("kerasae", "pip", "jupyter"):
        (folder / name).touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setattr(sys, "argv", ["my venv/bin/kerasae"])
    return folder


def test_a_program_is_called_as_the_user_has_called_this_one(programs, monkeypatch):
    assert invocation.called("kerasae") == "'my venv/bin/kerasae'"
    assert invocation.called("jupyter") == "'my venv/bin/jupyter'"
    assert invocation.called("nothing") == "nothing"
    monkeypatch.setenv("PATH", str(programs))  # the environment is active
    assert invocation.called("kerasae") == "kerasae"
    other = programs.parents[1] / "other"
    other.mkdir()
    (other / "kerasae").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(other))  # another one is
    assert invocation.called("kerasae") == "'my venv/bin/kerasae'"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest"])
    assert invocation.called("kerasae") == "kerasae"


def test_chapters_are_installed_from_where_the_package_is(programs, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.chdir(Path(__file__).parents[1])
    monkeypatch.setattr(sys, "argv", [str(programs / "kerasae")])
    pip = f"'{programs / 'pip'}'"
    assert quickstart._chapters()[0] == f"{pip} install -e ./export -e '.[notebooks]'"
    (programs / "pip").unlink()  # as in an environment that uv has made
    monkeypatch.chdir(Path(__file__).parent)
    assert quickstart._chapters()[0] == "uv pip install -e ../export -e '..[notebooks]'"
    monkeypatch.setattr(quickstart, "source_folder", lambda: None)
    assert quickstart._chapters()[0] == 'uv pip install "kerasae[notebooks]"'


def test_chapters_are_opened_where_they_are(programs, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.chdir(Path(__file__).parents[1])
    assert quickstart._chapters()[0] == "jupyter lab notebooks/"
    monkeypatch.chdir(Path(__file__).parent)
    assert quickstart._chapters()[0] == "jupyter lab ../notebooks/"
