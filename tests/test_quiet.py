"""Silence for native code, and for native code only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

START = """
import os, sys, warnings
from kerasae_export.quiet import silence_native
silence_native()
"""
TALK = """
os.write(2, b"native note")
warnings.warn("a warning of Python", stacklevel=1)
"""


def test_a_command_keeps_the_warnings_of_python() -> None:
    done = subprocess.run(
        [sys.executable, "-c", START + TALK], capture_output=True, text=True, check=True
    )
    assert "a warning of Python" in done.stderr
    assert "native note" not in done.stderr


def said_in_notebook(*sources: str) -> str:
    """What a notebook shows of standard error."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    return "".join(output.text for output in outputs if output.get("name") == "stderr")


@pytest.mark.slow
def test_a_notebook_keeps_the_warnings_of_python() -> None:
    said = said_in_notebook(START, TALK)
    assert "a warning of Python" in said
    assert "native note" not in said


@pytest.mark.slow
def test_a_notebook_loads_a_set_of_tfds_without_a_word(tfds_folder: Path) -> None:
    said = said_in_notebook(
        f"import os\nos.environ['TFDS_DATA_DIR'] = {str(tfds_folder)!r}" + START,
        "import kerasae\nprint(kerasae.load_images('mnist', limit=50).summary())",
    )
    assert said == ""
