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
    # Those that run compiled: op by op, JAX compiles each operation.
    "test_objective.py::test_a_compiled_validation_is_not_mixed_up_with_evaluation",
    "test_objective.py::test_the_val_loss_of_a_variational_model_is_its_bound",
    "test_objective.py::test_the_random_stream_of_training_knows_nothing_of_validation",
    "test_objective.py::test_a_codebook_learns_from_weighted_vectors_as_from_repeated_ones",
    "test_objective.py::test_restarts_take_no_vector_without_weight",
    "test_objective.py::test_images_without_weight_teach_nothing[variational-0]",
    "test_objective.py::test_images_without_weight_teach_nothing[vector_quantized-0]",
    "test_objective.py::test_half_precision_trains_as_full_precision[mixed_float16-variational-0]",
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
