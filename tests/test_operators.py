"""What a bundle's model may be, checked before LiteRT prepares it; and the sandbox for the rest."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from kerasae_export.errors import BundleError
from kerasae_export.files.batch import write_png
from kerasae_export.runtime import operators
from kerasae_export.runtime.operators import ALLOWED, check_program
from kerasae_export.sandbox import run_limited, why_it_ended

GOLDEN = Path(__file__).parent / "golden"
BUNDLE = GOLDEN / "bundles" / "blocks-int8-both" / "bundle"
DECODER = (GOLDEN / "grid" / "bundle" / "decoder.tflite").read_bytes()
FILES = sorted(GOLDEN.rglob("*.tflite"))


def changed(change: Callable[[Any], None], content: bytes = DECODER) -> bytes:
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    change(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def of(model: Any, name: str) -> Any:
    """The first operator of a name."""
    number = getattr(schema.BuiltinOperator, name)
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
            return operator
    raise AssertionError(name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(GOLDEN).as_posix())
def test_what_the_converter_makes_is_allowed(path):
    content = path.read_bytes()
    both = path.name == "model.tflite"
    for signature in ("encode", "decode") if both else (None,):
        check_program(content, signature)


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
        check_program(changed(put))


@pytest.mark.parametrize("version", [-1, 0, 99, 2**31 - 1])
def test_other_versions_are_refused(version):
    def put(model: Any) -> None:
        model.operatorCodes[0].version = version

    with pytest.raises(BundleError, match=f"of version {version} is not one"):
        check_program(changed(put))


def short_bias(model: Any) -> None:
    tensors = model.subgraphs[0].tensors
    tensors[of(model, "CONV_2D").inputs[2]].shape = [1]


def wrong_size(model: Any) -> None:
    tensors = model.subgraphs[0].tensors
    constant = tensors[of(model, "TRANSPOSE_CONV").inputs[0]]
    model.buffers[constant.buffer].data = np.array([1, 9999, 9999, 8], "<i4").view(np.uint8)


def size_from_the_network(model: Any) -> None:
    operator = of(model, "TRANSPOSE_CONV")
    operator.inputs[0] = model.subgraphs[0].inputs[0]


def no_such_tensor(model: Any) -> None:
    of(model, "CONV_2D").inputs[2] = 10**6


def a_variable(model: Any) -> None:
    model.subgraphs[0].tensors[0].isVariable = True


def sparse(model: Any) -> None:
    model.subgraphs[0].tensors[0].sparsity = schema.SparsityParametersT()


DAMAGE = {
    "a bias for each of its outputs": short_bias,
    "the shape that the file states": wrong_size,
    "a constant size of its output": size_from_the_network,
    "which does not exist": no_such_tensor,
    "neither sparse nor variable": a_variable,
    "must be neither sparse": sparse,
}


@pytest.mark.parametrize("message", DAMAGE)
def test_operands_must_fit_their_operator(message):
    content = DECODER
    names = [p for p in FILES if b"conv" in p.read_bytes().lower()]
    for path in [None, *names]:  # the first file that has such an operator
        content = DECODER if path is None else path.read_bytes()
        try:
            damaged = changed(DAMAGE[message], content)
        except AssertionError:
            continue
        break
    else:
        pytest.fail("no golden model has such an operator")
    with pytest.raises(BundleError, match=message):
        check_program(damaged, "encode" if path is not None and path.name[0] == "m" else None)


@pytest.mark.parametrize("budget", ["MAX_MACS", "MAX_WORKING_BYTES", "MAX_OPERATORS"])
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
