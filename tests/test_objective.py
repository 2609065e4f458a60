"""The objective of every architecture: validated as trained, weighed by image, in any precision."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from architectures import FIRST, examples, make, values
from keras import ops

import kerasae
from kerasae import evaluation
from kerasae.data import Images
from kerasae.training import TrainConfig, train
from kerasae.training.validation import drawing_in_validation

# A few steps teach a model little, which `train` says at the end.
pytestmark = pytest.mark.filterwarnings("ignore::kerasae.training.CollapseWarning")


def test_a_compiled_validation_is_not_mixed_up_with_evaluation():
    """A backend that keeps what it has traced would give one for the other."""
    model = make("denoising", {"base": "undercomplete", "input_shape": (6, 6, 1), "code_size": 4})
    x, y = examples("denoising", {"input_shape": (6, 6, 1)}, 40)  # in two batches
    with drawing_in_validation(model, 3) as drawing:
        plain = [model.evaluate(x, y, verbose=0) for _ in range(2)]
        drawn = [model.evaluate(x, y, verbose=0, callbacks=[drawing]) for _ in range(2)]
        plain.append(model.evaluate(x, y, verbose=0))
    assert len(set(plain)) == len(set(drawn)) == 1
    assert plain[0] != drawn[0]


@pytest.fixture(scope="module")
def few(digits) -> Images:
    return Images(digits.train[:160], digits.validation[:80], digits.test[:40])


def variational(**options) -> keras.Model:
    keras.utils.set_random_seed(0)
    shape = {"input_shape": (8, 8, 1), "code_size": 4, "hidden": (24,)}
    defaults = {**shape, "likelihood": "bernoulli"}  # whose bound draws tell more exactly
    return kerasae.build_variational(**{**defaults, **options})


def test_the_val_loss_of_a_variational_model_is_its_bound(few):
    model = variational(warmup_epochs=10)
    config = TrainConfig(epochs=2, batch_size=40, learning_rate=3e-3, jit_compile=False)
    history = train(model, few, config, progress=False).history
    bound = evaluation.elbo(model, few.validation, samples=20).elbo
    assert -min(history["val_loss"]) == pytest.approx(bound, abs=0.15)
    assert history["val_beta"] == [1.0, 1.0]

    def loss(callbacks: list[keras.callbacks.Callback]) -> float:
        images = few.validation
        options = {"batch_size": 40, "verbose": 0, "return_dict": True, "callbacks": callbacks}
        return model.evaluate(images, images, **options)["loss"]

    with drawing_in_validation(model, config.seed) as drawing:
        assert loss([drawing]) == pytest.approx(min(history["val_loss"]), rel=1e-5)
    assert loss([]) != pytest.approx(min(history["val_loss"]), rel=1e-3)  # that of the mean


def test_the_val_loss_of_an_importance_weighted_model_has_its_samples(few):
    model = variational(importance_samples=8, likelihood="gaussian")
    config = TrainConfig(epochs=1, batch_size=40, jit_compile=False)
    history = train(model, few, config, progress=False).history
    one = evaluation.elbo(model, few.validation, samples=20).elbo
    assert -history["val_loss"][0] > one


@pytest.mark.slow
def test_the_random_stream_of_training_knows_nothing_of_validation(few, tmp_path, eager):
    fewer = Images(few.train, few.validation[:10], few.test)
    longer = TrainConfig(
        epochs=2, batch_size=40, schedule="constant", keep="last", jit_compile=False
    )
    shorter = TrainConfig(
        epochs=1, batch_size=40, schedule="constant", keep="last", jit_compile=False
    )
    straight, other, resumed = variational(), variational(), variational()
    train(straight, few, longer, progress=False)
    train(other, fewer, longer, progress=False)
    train(variational(), few, shorter, out=tmp_path, progress=False)
    train(resumed, few, longer, out=tmp_path, resume=True, progress=False)
    for a, b, c in zip(values(straight), values(other), values(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_a_codebook_learns_from_weighted_vectors_as_from_repeated_ones(rng):
    codes = rng.normal(size=(5, 2, 2, 3)).astype(np.float32)
    weights = np.array([2, 0, 1, 3, 0], np.float32)

    def quantizer() -> kerasae.layers.VectorQuantizer:
        layer = kerasae.layers.VectorQuantizer(6, restart=0.0, decay=0.5)
        layer.build((None, 2, 2, 3))
        layer.counts.assign(np.ones(6))
        layer.totals.assign(np.linspace(-1, 1, 18).reshape(6, 3))
        layer.codebook.assign(layer.totals)
        return layer

    weighted, repeated = quantizer(), quantizer()
    weighted(codes, training=True)
    weighted.learn(ops.convert_to_tensor(weights))
    repeated(np.repeat(codes, weights.astype(int), axis=0), training=True)
    for name in ("codebook", "counts", "totals"):
        np.testing.assert_allclose(
            ops.convert_to_numpy(getattr(weighted, name)),
            ops.convert_to_numpy(getattr(repeated, name)),
            rtol=1e-5,
            atol=1e-6,
        )
    before = ops.convert_to_numpy(weighted.codebook).copy()
    weighted(codes, training=True)
    weighted.learn(ops.zeros((5,)))
    np.testing.assert_array_equal(ops.convert_to_numpy(weighted.codebook), before)


def test_restarts_take_no_vector_without_weight(rng):
    codes = rng.normal(size=(4, 2, 3)).astype(np.float32)
    layer = kerasae.layers.VectorQuantizer(64)
    layer(codes, training=True)
    layer.learn(ops.convert_to_tensor([0.0, 0.5, 0.0, 2.0]))
    found = {tuple(np.round(entry, 4)) for entry in ops.convert_to_numpy(layer.codebook)}
    assert found <= {tuple(np.round(vector, 4)) for vector in codes[[1, 3]].reshape(-1, 3)}


def test_parts_are_means_over_the_weighted_images(few, eager):
    model = variational()
    x, weights = few.train[:8], np.arange(8, dtype=np.float32)
    logs = model.evaluate(x, x, sample_weight=weights, verbose=0, return_dict=True)
    assert logs["reconstruction"] + logs["kl"] == pytest.approx(
        logs["loss"] * 8 / weights.sum(), rel=1e-5
    )


def test_weights_that_mean_nothing_are_refused(few, eager):
    model, x = variational(), few.train[:8]
    with pytest.raises(ValueError, match=r"`sample_weight` must hold one number for each image"):
        model.fit(x, x, sample_weight=np.ones((8, 8, 8)), verbose=0)
    for each in (model, kerasae.build_masked(input_shape=(8, 8, 1), hidden=(4,), code_size=2)):
        with pytest.raises(ValueError, match="`class_weight` must be None where the targets"):
            each.fit(x, x, class_weight={0: 1.0, 1: 2.0}, verbose=0)
    labels = np.arange(8) % 2  # which say nothing to the loss, but can weigh the images
    by_class = model.fit(x, labels, class_weight={0: 0.0, 1: 0.0}, verbose=0)
    assert by_class.history["loss"] == [0.0]


REPLICAS = """
import contextlib, json, sys, warnings
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, sys.argv[1])
from architectures import CASES, examples, make
from kerasae.data import Images
from kerasae import Sequences
from kerasae.builders import BUILDERS
from kerasae.training import TrainConfig, train
warnings.simplefilter("ignore")  # a few steps teach little
several = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
config = TrainConfig(epochs=2, batch_size=16, jit_compile=False, steps_per_execution=1, keep="last")
found = []
for case in [case for case in CASES if case.id in sys.argv[2:]]:
    name, variant = case.values
    x, y = examples(name, variant, 48)
    labels = y if name == "segmentation" else np.zeros(48, int)
    kind = Sequences if BUILDERS[name].kind == "sequence" else Images
    images = kind(x[:32], x[32:], x[32:], labels[:32], labels[32:], labels[32:])
    histories = []
    for scope in (contextlib.nullcontext(), several.scope()):
        with scope:
            model = make(name, variant)
            histories.append(train(model, images, config, progress=False).history)
    batched = any("BatchNorm" in type(x).__name__ for p in model.layers
                  for x in getattr(p, "layers", [p]))
    random = any("seed_generator" in variable.path for variable in model.variables)
    found.append([case.id, random, batched, *histories])
    keras.backend.clear_session()  # the graphs of two replicas take much memory
print(json.dumps(found))
"""


EACH_LOSS = [
    "denoising-0",
    "segmentation-0",
    "variational-0",
    "vector_quantized-0",
    "vector_quantized-3",
]


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow only")
@pytest.mark.parametrize(
    "cases",
    [EACH_LOSS, pytest.param([case.id for case in FIRST], marks=pytest.mark.weekly)],
    ids=["each kind of loss", "all"],
)
def test_two_replicas_train_as_one_device(cases):
    """In a process of its own, since devices are set before TensorFlow starts."""
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS, str(Path(__file__).parent), *cases],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert sorted(case for case, *_ in found) == sorted(cases)
    for case, random, batched, one, two in found:
        assert one.keys() == two.keys()
        # Replicas draw the noise of their own images, and normalise by their own batches.
        tolerance = 0.1 if random or batched else 2e-4
        for key in ("loss", "val_loss"):
            np.testing.assert_allclose(one[key], two[key], rtol=tolerance, err_msg=f"{case} {key}")
