"""Every architecture in its variants, with data that it learns in seconds, for the common tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from keras import ops

import kerasae
from kerasae.builders import BUILDERS, build
from kerasae.layers import RandomLayer, ResidualVectorQuantizer
from kerasae.training.compilation import all_layers
from kerasae_export.conversion.convert import Converter
from kerasae_export.format.manifest import SCHEMES
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.runtime.operators import check_program

CASES = [
    pytest.param(name, variant, id=f"{name}-{i}")
    for name, builder in BUILDERS.items()
    for i, variant in enumerate(builder.variants)
]


# What takes seconds is done by default with one variant of the architectures that have least in
# common; with all variants of all by -m "".
DISTINCT = ("undercomplete", "convolutional", "variational", "vector_quantized", "recurrent")
FIRST = [case for case in CASES if case.id.endswith("-0")]
SAMPLED = [
    case
    if case in FIRST and case.values[0] in DISTINCT
    else pytest.param(*case.values, id=case.id, marks=pytest.mark.slow)
    for case in CASES
]

# The same, but of variants beyond the first once a week only: for what hardly depends on them.
BY_ARCHITECTURE = [
    sampled if case in FIRST else pytest.param(*case.values, id=case.id, marks=pytest.mark.weekly)
    for case, sampled in zip(CASES, SAMPLED, strict=True)
]

# What takes a minute each: slow with an image and with indices for a code, else weekly.
FIRST_BY_WEEK = [
    case
    if case.values[0] in ("undercomplete", "vector_quantized")
    else pytest.param(*case.values, id=case.id, marks=pytest.mark.weekly)
    for case in FIRST
]


def make(name: str, variant: dict, *, compiled: bool = False, seed: int = 0) -> keras.Model:
    """The model; `fit` runs op by op unless `compiled`, since XLA takes longer than these runs."""
    keras.utils.set_random_seed(seed)
    model = build(name, **variant)
    if keras.backend.backend() == "tensorflow" and not compiled:
        model.jit_compile = False
    return model


def shape_of(variant: dict) -> tuple[int | None, ...]:
    """The shape of an input of a variant."""
    return variant.get("input_shape") or (len(variant["columns"]),)


def table_rows(columns: tuple[dict, ...], count: int = 128) -> np.ndarray:
    """Rows that hang together, in the ranges of their columns, of which some values are missing."""
    rng = np.random.default_rng(0)
    place, parts = rng.random(count), []
    for i, column in enumerate(columns):
        if "categories" in column:
            parts.append(np.floor(place * len(column["categories"])))
        else:
            scaled = (place - 0.5) * 12**0.5 * (-1) ** i
            parts.append(column["mean"] + column["deviation"] * scaled)
    rows = np.stack(parts, axis=1).astype(np.float32)
    rows[::9, 0] = np.nan
    return rows


def blobs(shape: tuple[int, ...], count: int = 128) -> np.ndarray:
    """Images or volumes that a tiny autoencoder can learn: one soft blob each."""
    rng = np.random.default_rng(0)
    if len(shape) == 4:
        grid = np.stack(np.meshgrid(*map(np.arange, shape[:3]), indexing="ij"))  # (3, D, H, W)
        centres = rng.uniform(0, shape[:3], (count, 3))[..., None, None, None]
        blob = np.exp(-((grid - centres) ** 2).sum(axis=1) / 12)
        return np.repeat(blob[..., None], shape[3], axis=-1).astype(np.float32)
    y, x = np.mgrid[: shape[0], : shape[1]]
    cy, cx = rng.uniform(0, shape[0], count), rng.uniform(0, shape[1], count)
    distance = (y - cy[:, None, None]) ** 2 + (x - cx[:, None, None]) ** 2
    blob = np.exp(-distance / (0.1 * shape[0] * shape[1]))
    return np.repeat(blob[..., None], shape[2], axis=-1).astype(np.float32)


def waves(shape: tuple[int | None, int], count: int = 128) -> np.ndarray:
    """Sequences of which each is a sine of its own phase, in [0, 1]; of several lengths, padded."""
    if shape[0] is None:
        values = waves((9, shape[1]), count)
        ends = np.random.default_rng(1).integers(5, 10, count)
        ends[0] = 9
        values[np.arange(9) >= ends[:, None]] = kerasae.PADDING
        return values
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (count, 1, 1))
    time = np.arange(shape[0])[:, None] + np.arange(shape[1])
    return (0.5 + 0.5 * np.sin(2 * np.pi * time / shape[0] + phase)).astype(np.float32)


def examples(name: str, variant: dict, count: int = 128) -> tuple[Any, np.ndarray]:
    """What `fit` takes for the kind of a builder: inputs and targets."""
    shape, kind = shape_of(variant), BUILDERS[name].kind
    if kind == "conditional":
        values = waves((shape[0], 1), count)[..., 0] if len(shape) == 1 else blobs(shape, count)
        size = variant.get("attributes") or variant["classes"]
        labels = np.eye(size, dtype=np.float32)[np.arange(count) % size]
        return (values, labels), values
    if kind == "table":
        return (table_rows(variant["columns"], count),) * 2
    if len(shape) == 1:
        turns = waves((shape[0], 1), count)[..., 0]
        return turns, turns
    if len(shape) == 2:
        return (waves(shape, count),) * 2
    images = blobs(shape, count)
    if kind == "segmentation":
        return images, (images[..., 0] * variant["classes"] * 0.999).astype(np.uint8)
    return images, images


def each(change: Callable[[np.ndarray], np.ndarray], inputs: Any) -> Any:
    """The same done to an input, or to each of them."""
    return tuple(map(change, inputs)) if isinstance(inputs, tuple) else change(inputs)


def for_export(
    name: str, variant: dict, model: keras.Model
) -> tuple[keras.Model, np.ndarray, tuple[str, ...]]:
    """The model of a fixed length, inputs for it, and the schemes that it converts with."""
    inputs, _ = examples(name, variant)
    schemes = tuple(SCHEMES)
    shape = shape_of(variant)
    if shape[0] is None:
        inputs = waves((9, shape[1]))
        model = kerasae.fixed_length(model, 9)
    # Ranges that differ; attention; convolutions in 3-D.
    if BUILDERS[name].kind == "table" or name == "masked_transformer" or len(shape) == 4:
        schemes = tuple(scheme for scheme in schemes if scheme != "int8")
    return model, inputs, schemes


def error(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean squared error, or the share of pixels in a wrong class."""
    if targets.dtype == np.uint8:
        return float((outputs.argmax(-1) != targets).mean())
    deviation = 1.0
    if targets.ndim == 2:  # rows, of columns whose ranges differ
        deviation = np.maximum(np.nanstd(targets, axis=0), 1e-6)
    return float(np.nanmean(np.square((outputs - targets) / deviation)))


def at_inference(net: keras.Model, *inputs: np.ndarray) -> list[np.ndarray]:
    """All outputs."""
    inputs = tuple(keras.tree.flatten(list(inputs)))
    outputs = net(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [keras.ops.convert_to_numpy(output) for output in outputs]


@dataclass
class Trained:
    """What `fit` made of a case: the saved model, and the numbers of its way."""

    model: Path
    epochs: list[int]
    history: dict[str, list[float]]
    error: tuple[float, float]  # before and after
    outputs: np.ndarray


def learn(folder: Path, name: str, variant: dict, compiled: bool) -> None:
    model = make(name, {**variant, "learning_rate": 5e-3}, compiled=compiled)
    model.steps_per_execution = 2 if compiled else 1
    inputs, targets = examples(name, variant)
    before = error(at_inference(model, inputs)[0], targets)
    epochs = []
    history = model.fit(
        each(
            lambda part: np.concatenate([part] * 10), inputs
        ),  # to start an epoch takes longer than all of its steps
        np.concatenate([targets] * 10),
        validation_data=(each(lambda part: part[:64], inputs), targets[:64]),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda n, _: epochs.append(n))],
        epochs=3,
        verbose=0,
    ).history
    (outputs,) = at_inference(model, inputs)
    errors = (before, error(outputs, targets))
    folder.mkdir()
    model.save(folder / "m.keras")
    np.save(folder / "outputs.npy", outputs)
    story = {"epochs": epochs, "history": history, "error": errors}
    (folder / "story.json").write_text(json.dumps(story, default=float))


def assert_learned(of: Trained) -> None:
    assert of.epochs == [0, 1, 2]
    assert len(of.history["val_loss"]) == 3
    assert of.history["loss"][-1] < of.history["loss"][0]
    assert of.error[1] < 0.5 * of.error[0]


# Mean difference from Keras, of the range: float16 holds 11 bits; what 8 do depends on the model.
# The largest one says something in float32 only: the others may flip a mask or a top-k.
DIFFERENCE = {"float32": 1e-6, "float16": 2e-3, "dynamic": 0.02, "int8": 0.02}
INDICES = {"float32": 0.01, "float16": 0.05, "dynamic": 0.2, "int8": 0.3}  # that may differ


def check_one_file(
    model: keras.Model, inputs: np.ndarray, scheme: str, converter: Converter, folder: Path
) -> None:
    """Encoder and decoder as two signatures."""
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    path = converter.convert_both(
        encoder, decoder, folder / "both.tflite", scheme=scheme, calibration=inputs[:100]
    )
    assert_built_in(path.read_bytes(), scheme)
    encode = LiteModel(path.read_bytes(), signature="encode")
    decode = encode.sibling("decode")
    assert encode.input.shape == (1, *encoder.input_shape[1:])
    code = at_inference(encoder, inputs[100:])[0]
    found = encode.run(inputs[100:])
    if any(isinstance(layer, ResidualVectorQuantizer) for layer in model.layers):
        assert_as_good(encode, found, code, decoder, inputs[100:], scheme)
    else:
        assert_like(encode, found, code, scheme)
    assert_like(decode, decode.run(code), at_inference(decoder, code)[0], scheme)


def check_files(
    model: keras.Model, inputs: np.ndarray, scheme: str, converter: Converter, folder: Path
) -> None:
    """Encoder and decoder, or the whole model where its skips are no code, in a file each."""
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    if len(decoder.inputs) == 1:
        code = at_inference(encoder, inputs)[0]
        parts = {"encoder": (encoder, inputs), "decoder": (decoder, code)}
    else:
        parts = {"whole": (kerasae.inference_model(model), inputs)}
    for part, (net, value) in parts.items():
        path = converter.convert(
            net, folder / f"{part}.tflite", scheme=scheme, calibration=value[:100]
        )
        assert_built_in(path.read_bytes(), scheme)
        lite = LiteModel(path.read_bytes())
        assert lite.input.shape == (1, *net.input_shape[1:])
        expected = at_inference(net, value[100:])[0]
        assert_like(lite, lite.run(value[100:]), expected, scheme)


def assert_built_in(content: bytes, scheme: str) -> None:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    assert all(c.builtinCode != schema.BuiltinOperator.CUSTOM for c in model.operatorCodes)
    check_program(content)
    types = {tensor.type for graph in model.subgraphs for tensor in graph.tensors}
    assert (schema.TensorType.FLOAT32 in types) == (scheme != "int8")


def assert_like(lite: LiteModel, found: np.ndarray, expected: np.ndarray, scheme: str) -> None:
    """What TF Lite gives is what Keras gives, as far as the scheme can hold it."""
    difference = np.abs(found - expected)
    if np.issubdtype(expected.dtype, np.integer):  # indices: equal, or nothing alike
        assert lite.output.dtype == "int32"
        assert (difference > 0).mean() < INDICES[scheme]
        return
    assert lite.output.dtype == ("uint8" if scheme == "int8" else "float32")
    span = max(expected.max() - expected.min(), 1) if scheme == "float32" else np.ptp(expected)
    assert difference.mean() < DIFFERENCE[scheme] * span
    if scheme == "float32":
        assert difference.max() < 1e-5 * span


def assert_as_good(
    lite: LiteModel,
    found: np.ndarray,
    expected: np.ndarray,
    decoder: keras.Model,
    images: np.ndarray,
    scheme: str,
) -> None:
    """Indices of levels: the first is that of Keras, and all make images about as good.

    What a level leaves over is small beside the code, of which 8 bits keep 255 steps: the next
    level may well take another entry that is about as near.
    """
    assert_like(lite, found[..., 0], expected[..., 0], scheme)
    errors = [np.square(at_inference(decoder, x)[0] - images).mean() for x in (found, expected)]
    assert errors[0] < 2 * errors[1]


def draws(model: keras.Model) -> bool:
    return any(isinstance(layer, RandomLayer) for layer in all_layers(model))


def values(model: keras.Model) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(variable)) for variable in model.variables]


def loss_of(model: keras.Model, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
    """The loss of a batch, without noise."""
    x = each(ops.convert_to_tensor, x)
    outputs = model(x, training=False)
    weights = None if weights is None else ops.convert_to_tensor(weights)
    y = ops.convert_to_tensor(y)
    loss = model.compute_loss(x, y, outputs, weights, training=False)
    return float(ops.convert_to_numpy(loss))
