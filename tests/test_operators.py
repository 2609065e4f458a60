"""What a bundle's model may be, checked before LiteRT prepares it; and the sandbox for the rest."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_models import DECODER, GOLDEN, changed

from kerasae_export.errors import BundleError
from kerasae_export.files.batch import write_png
from kerasae_export.runtime import operators
from kerasae_export.runtime.operators import ALLOWED, check_program
from kerasae_export.sandbox import run_limited, why_it_ended

BUNDLE = GOLDEN / "bundles" / "blocks-int8-both" / "bundle"
FILES = sorted(GOLDEN.rglob("*.tflite"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(GOLDEN).as_posix())
def test_what_the_converter_makes_is_allowed(path):
    check_program(path.read_bytes())


FORBIDDEN = "WHILE IF CALL CALL_ONCE CUSTOM DELEGATE LSTM UNIDIRECTIONAL_SEQUENCE_LSTM FILL RANGE"
FORBIDDEN += " LOCAL_RESPONSE_NORMALIZATION SPARSE_TO_DENSE DENSIFY SVDF HASHTABLE_LOOKUP"
FORBIDDEN += " EMBEDDING_LOOKUP_SPARSE READ_VARIABLE ASSIGN_VARIABLE VAR_HANDLE STABLEHLO_WHILE"


@pytest.mark.parametrize("name", FORBIDDEN.split())
def test_other_operators_are_refused_by_name(name):
    number = getattr(schema.BuiltinOperator, name)
    assert name not in ALLOWED

    def put(model: Any) -> None:
        model.operatorCodes[0].builtinCode = number
        model.operatorCodes[0].deprecatedBuiltinCode = min(number, 127)

    with pytest.raises(BundleError, match=f"operator {name} of version .* is not one"):
        check_program(changed(put, DECODER))


@pytest.mark.parametrize("version", [-1, 0, 99, 2**31 - 1])
def test_other_versions_are_refused(version):
    def put(model: Any) -> None:
        model.operatorCodes[0].version = version

    with pytest.raises(BundleError, match=f"of version {version} is not one"):
        check_program(changed(put, DECODER))


@pytest.mark.parametrize("budget", ["MAX_MACS", "MAX_WORKING_BYTES", "MAX_COPIED_BYTES"])
def test_work_and_memory_have_a_budget(budget, monkeypatch):
    monkeypatch.setattr(operators, budget, 1)
    with pytest.raises(BundleError, match="A model must"):
        check_program(DECODER)


def python(code: str, **limits: int) -> int:
    return run_limited([sys.executable, "-c", code], **limits)


def test_a_process_in_the_sandbox_may_die():
    assert why_it_ended(python("pass")) is None
    assert python("raise SystemExit(3)") == 3
    assert "died (SIGABRT)" in why_it_ended(python("import os; os.abort()"))
    start = time.monotonic()
    assert "took too long" in why_it_ended(python("while True: pass", seconds=1))
    assert time.monotonic() - start < 60
    memory = "try:\n x = bytearray(2**31)\nexcept MemoryError:\n raise SystemExit(9)"
    assert python(memory, memory=2**30) == 9


def test_a_process_in_the_sandbox_has_no_secrets(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    code = "import os, sys; sys.exit('SECRET_TOKEN' in os.environ or bool(sys.stdin.read()))"
    assert python(code) == 0


def test_the_command_works_in_the_sandbox(tmp_path):
    write_png(tmp_path / "a.png", np.zeros((16, 16, 3), np.uint8))
    command = [sys.executable, "-m", "kerasae_export.cli", "compress", tmp_path / "a.png"]
    command += ["--bundle", BUNDLE, "--out", tmp_path / "out", "--sandbox"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.kae").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "exists and would be overwritten" in done.stderr
