"""The other backend: the same tests in a process where Keras runs on JAX."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = (
    "test_anomaly.py",
    "test_builders.py",
    "test_bundle.py",
    "test_codes.py",
    "test_contractive.py",
    "test_convolutional.py",
    "test_evaluation.py",
    "test_golden_models.py",
    "test_layers.py",
    "test_losses.py",
    "test_masked.py",
    "test_neighbours.py",
    "test_pretraining.py",
    "test_rate_distortion.py",
    "test_recurrent.py",
    "test_samplers.py",
    "test_segmentation.py",
    "test_split.py",
    "test_training.py",
    "test_variational.py",
    "test_vector_quantized.py",
)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_the_contract_holds_on_jax():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "", *(str(FOLDER / name) for name in FILES)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
