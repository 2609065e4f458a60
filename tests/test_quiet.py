"""Silence for native code, and for native code only."""

from __future__ import annotations

import os
import re
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
    """What a notebook shows of standard error, of native code too."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    # With this variable a kernel leaves what native code writes to pytest.
    client.execute(env={k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"})
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    return "".join(output.text for output in outputs if output.get("name") == "stderr")


def run_in_ipython(source: str) -> str:
    """What IPython writes to standard error, a shell without a kernel between it and the file."""
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr


# Severity, date and file: which notes there are depends on the processor, their shape does not.
NOTE_OF_TENSORFLOW = re.compile(r"[IWE]\d{4} .*\.cc:\d+\]")

TRAIN_AND_EXPORT = """
import kerasae
from kerasae_export import Codec, export_bundle
import keras, os, tempfile, warnings
images = kerasae.load_images("digits", limit=64)
model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=8, hidden=(16,))
model.fit(images.train, images.train, verbose=0)
folder = tempfile.mkdtemp()
export_bundle(model, folder + "/bundle", calibration=images.train)
picture = (images.test[0] * 255).astype("uint8")
Codec.load(folder + "/bundle").compress(picture)
"""


@pytest.fixture
def without_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a reader's machine is, who has not heard of the variable."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)


@pytest.mark.slow
@pytest.mark.usefixtures("without_level")
def test_a_notebook_that_imports_kerasae_first_says_nothing_of_its_own() -> None:
    said = said_in_notebook(TRAIN_AND_EXPORT, TALK, "os.write(2, b'the last word')")
    assert "a warning of Python" in said
    assert "native note" in said  # only the moments that are known to chatter are hidden
    assert "the last word" in said
    rest = said.replace("native note", "").replace("the last word", "").splitlines()
    assert [line for line in rest if line and "warning" not in line] == []


@pytest.mark.slow
@pytest.mark.usefixtures("without_level")
def test_a_notebook_that_imports_keras_first_hears_tensorflow() -> None:
    """Without which the test above would prove nothing."""
    assert NOTE_OF_TENSORFLOW.search(said_in_notebook("import keras\nimport kerasae"))


@pytest.mark.slow
def test_a_level_of_the_users_own_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    tell = "import kerasae, keras, os, sys; sys.stderr.write(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    assert run_in_ipython(tell) == "1"
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")  # somebody looks for a fault
    assert NOTE_OF_TENSORFLOW.search(run_in_ipython(tell))
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    assert run_in_ipython(tell) == "3"


def test_a_failed_import_shows_what_it_wrote(tmp_path: Path) -> None:
    """A library that breaks while it loads, natively as well."""
    package = "import os\nos.write(2, b'driver too old')\nraise ImportError('cannot load')"
    (tmp_path / "tensorflow.py").write_text(package)
    said = run_in_ipython(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "import kerasae_export\nimport tensorflow"
    )
    assert "driver too old" in said


def test_a_script_is_left_as_it_is() -> None:
    tell = "import kerasae, os; os.write(2, os.environ.get('TF_CPP_MIN_LOG_LEVEL', '-').encode())"
    code = f"import os; os.environ.pop('TF_CPP_MIN_LOG_LEVEL', None); {tell}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "-"


def test_advice_on_speed_is_dropped_in_a_notebook_and_other_warnings_are_not() -> None:
    said = run_in_ipython(
        "import kerasae, logging\nlog = logging.getLogger('tensorflow')\n"
        "log.warning('5 of 5 calls triggered tf.function retracing')\nlog.warning('a fault')"
    )
    assert "a fault" in said
    assert "retracing" not in said


@pytest.mark.slow
@pytest.mark.usefixtures("without_level")
def test_a_notebook_loads_a_set_of_tfds_without_a_word(tfds_folder: Path) -> None:
    said = said_in_notebook(
        f"import os\nos.environ['TFDS_DATA_DIR'] = {str(tfds_folder)!r}",
        "import kerasae\nprint(kerasae.load_images('mnist', limit=50).summary())",
    )
    assert said == ""
