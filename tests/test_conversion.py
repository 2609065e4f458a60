"""Conversion: of any single model, in a process that may die without harm."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import kerasae
from kerasae_export import BundleError, ConversionError, convert, convert_both
from kerasae_export.conversion import worker as _worker
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.split import predict, predict_all
from kerasae_export.format.manifest import SCHEMES
from kerasae_export.runtime import litemodel
from kerasae_export.runtime.litemodel import LiteModel, dequantise, quantise


@pytest.fixture
def classifier() -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(10, activation="softmax")(x), name="classifier")


def test_any_single_model_converts(classifier, digits, tmp_path):
    path = convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:100])
    assert path == tmp_path / "c.tflite"
    lite = LiteModel(path.read_bytes())
    expected = classifier.predict(digits.test[:50], verbose=0)
    assert np.abs(lite.run(digits.test[:50]) - expected).max() < 0.02
    assert [p.name for p in tmp_path.iterdir()] == ["c.tflite"]


def test_calibration_decides_the_input_range(classifier, digits, converter, tmp_path):
    path = converter.convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:50] / 2)
    assert LiteModel(path.read_bytes()).input.scale == pytest.approx(0.5 / 255, rel=1e-3)


def test_activations_in_16_bits(classifier, digits, converter, tmp_path):
    given = {"calibration": digits.train[:60]}
    path = converter.convert(classifier, tmp_path / "c.tflite", scheme="int16x8", **given)
    lite = LiteModel(path.read_bytes())
    assert (lite.input.dtype, lite.output.dtype) == ("float32", "float32")
    worst = {"int16x8": np.abs(lite.run(digits.test[:50]) - predict(classifier, digits.test[:50]))}
    other = converter.convert(classifier, tmp_path / "d.tflite", **given)
    worst["int8"] = np.abs(
        LiteModel(other.read_bytes()).run(digits.test[:50]) - predict(classifier, digits.test[:50])
    )
    assert worst["int16x8"].mean() < worst["int8"].mean()
    details = Interpreter(model_content=path.read_bytes()).get_tensor_details()
    assert {"int16", "int8"} <= {np.dtype(tensor["dtype"]).name for tensor in details}
    with pytest.raises(ValueError, match="for the scheme int16x8. Received: calibration=None"):
        converter.convert(classifier, tmp_path / "e.tflite", scheme="int16x8")
    with pytest.raises(ValueError, match="`edges` must be float32 with the scheme 'int16x8'"):
        converter.convert(
            classifier, tmp_path / "e.tflite", scheme="int16x8", edges="uint8", **given
        )


def test_a_crash_of_the_converter_is_an_error_message(classifier, digits, tmp_path):
    with Converter() as converter:
        os.kill(converter._worker.process.pid, signal.SIGKILL)
        with pytest.raises(ConversionError, match="'classifier' with signal 9.* no memory") as told:
            converter.convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:9])
        assert "dynamic" not in str(told.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 20_000])
def test_a_full_disk_is_not_blamed_on_the_scheme(limit, classifier, digits, converter, tmp_path):
    """A limit on the size of its files stops the process where a full disk would."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system has no limits for other processes")
    process, name = converter._worker.process.pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(process, name)
    resource.prlimit(process, name, (limit, before[1]))
    try:
        with pytest.raises(ConversionError, match="no scheme would change that: File too") as told:
            converter.convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:9])
    finally:
        resource.prlimit(process, name, before)
    assert "dynamic" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_before_the_converter_starts(
    classifier, digits, converter, tmp_path, monkeypatch
):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(classifier, "save", full)
    with pytest.raises(ConversionError, match="no scheme would change that: No space left"):
        converter.convert(classifier, tmp_path / "c.tflite", calibration=digits.train[:9])
    assert not list(tmp_path.iterdir())


def test_custom_layers_are_refused_with_their_name(digits, converter, tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    image = keras.Input((8, 8, 1))
    model = keras.Model(image, Twice()(image), name="custom")
    target = tmp_path / "c.tflite"
    target.write_text("the old file")
    with pytest.raises(ConversionError, match=r"'custom' cannot be converted.*Twice"):
        converter.convert(model, target, scheme="float32")
    assert target.read_text() == "the old file"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`calibration` must hold real inputs of shape \\(n, 8, 8, 1\\).*calibration=None"),
        ({"calibration": np.zeros((4, 8, 8))}, "Received: shape \\(4, 8, 8\\)"),
        ({"calibration": np.zeros((0, 8, 8, 1))}, "Received: shape \\(0, 8, 8, 1\\)"),
        ({"calibration": np.full((2, 8, 8, 1), np.inf)}, "NaN or infinity"),
        ({"scheme": "int4"}, "`scheme` must be one of"),
    ],
)
def test_bad_arguments_give_one_sentence(classifier, converter, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        converter.convert(classifier, tmp_path / "c.tflite", **options)
    with pytest.raises(ValueError, match=r"`path` must end in \.tflite"):
        converter.convert(classifier, tmp_path / "c.bin", scheme="float32")
    with pytest.raises(ValueError, match="`path` must lie in an existing folder"):
        converter.convert(classifier, tmp_path / "no" / "c.tflite", scheme="float32")


@pytest.fixture(scope="module")
def fork() -> keras.Model:
    """Three inputs, of which one is of indices, and two outputs."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image, extra = keras.Input((4, 4, 1), name="an-image"), keras.Input((3,), name="2nd")
    index = keras.Input((2,), dtype="int32", name="index")
    row = layers.Flatten()(layers.Embedding(30, 40)(index))
    x = layers.Concatenate()([layers.Dense(90, "relu")(layers.Flatten()(image)), extra, row])
    return keras.Model(
        [image, extra, index], [layers.Dense(5)(x), layers.Dense(2, "sigmoid")(x)], name="fork"
    )


@pytest.fixture(scope="module")
def fork_inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "an-image": rng.uniform(size=(60, 4, 4, 1)).astype(np.float32),
        "2nd": rng.normal(size=(60, 3)).astype(np.float32),
        "index": rng.integers(0, 30, size=(60, 2)).astype(np.int32),
    }


def run(path: Path, inputs: dict[str, np.ndarray], key: str = "serving_default") -> dict:
    """All outputs of a file by name, from inputs by name, through its edges."""
    runner = Interpreter(str(path)).get_signature_runner(key)
    edges = [runner.get_input_details(), runner.get_output_details()]
    edges = [{name: litemodel.edge_of(d) for name, d in details.items()} for details in edges]
    results: dict[str, list] = {name: [] for name in edges[1]}
    for i in range(len(next(iter(inputs.values())))):
        feed = {name: quantise(v[i : i + 1], edges[0][name]) for name, v in inputs.items()}
        for name, value in runner(**feed).items():
            results[name].append(dequantise(value, edges[1][name]))
    return {name: np.concatenate(values) for name, values in results.items()}


# float16 holds 11 bits; int8 weights, and all in int8, are a matter of the model.
TOLERANCE = {"float32": 1e-6, "float16": 1e-3, "dynamic": 0.02, "int8": 0.03}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_several_inputs_and_outputs_convert(fork, fork_inputs, scheme, converter, tmp_path):
    path = converter.convert(fork, tmp_path / "f.tflite", scheme=scheme, calibration=fork_inputs)
    names = {"an-image": "an_image", "2nd": "input_2nd", "index": "index"}
    inputs = {names[name]: values for name, values in fork_inputs.items()}
    outputs = run(path, inputs)
    expected = predict_all(fork, list(fork_inputs.values()))
    for i, value in enumerate(expected):
        assert np.abs(outputs[f"output_{i}"] - value).max() < TOLERANCE[scheme] * np.ptp(value)
    runner = Interpreter(str(path)).get_signature_runner("serving_default")
    dtypes = {n: np.dtype(d["dtype"]).name for n, d in runner.get_input_details().items()}
    edge = "uint8" if scheme == "int8" else "float32"
    assert dtypes == {"an_image": edge, "input_2nd": edge, "index": "int32"}
    assert {np.dtype(d["dtype"]).name for d in runner.get_output_details().values()} == {edge}


@pytest.mark.slow
def test_calibration_by_order_is_calibration_by_name(fork, fork_inputs, converter, tmp_path):
    in_order = [*fork_inputs.values()]
    by_name = dict(reversed(fork_inputs.items()))
    contents = [
        converter.convert(fork, tmp_path / "f.tflite", calibration=values).read_bytes()
        for values in (in_order, by_name)
    ]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["2nd"], "must hold an array for each input, an-image, 2nd, index.*ndarray"),
        (lambda d: [d["2nd"]], "must hold an array for each input.*Received: list of 1"),
        (lambda d: {"2nd": d["2nd"]}, "must have a key for each input.*Received: 2nd"),
        (lambda d: {**d, "2nd": d["2nd"][:9]}, "as many samples of each input. Received: 60, 9"),
        (
            lambda d: [*d.values()][::-1],
            r"`calibration` must have the shape \(n, 4, 4, 1",
        ),
    ],
)
def test_calibration_of_several_inputs_is_checked(
    fork, fork_inputs, converter, tmp_path, change, message
):
    with pytest.raises(ValueError, match=message):
        converter.convert(fork, tmp_path / "f.tflite", calibration=change(fork_inputs))


@pytest.mark.slow
def test_a_smaller_scheme_makes_a_smaller_file(digit_model, digits, converter, tmp_path):
    encoder = kerasae.encoder(digit_model)
    sizes = [
        converter.convert(encoder, tmp_path / "e.tflite", scheme=scheme, calibration=digits.train)
        .stat()
        .st_size
        for scheme in ("float32", "float16", "dynamic")
    ]
    assert sizes[0] > 1.6 * sizes[1] > 1.6 * 1.4 * sizes[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "scheme", [pytest.param(s, marks=[] if s == "int8" else [pytest.mark.slow]) for s in SCHEMES]
)
def test_one_file_with_two_signatures(digit_model, digits, scheme, converter, tmp_path):
    encoder, decoder = kerasae.encoder(digit_model), kerasae.decoder(digit_model)
    images, code = digits.train[:100], predict(encoder, digits.train[:100])
    both = converter.convert_both(
        encoder, decoder, tmp_path / "m.tflite", scheme=scheme, calibration=images
    ).read_bytes()
    for key, net, values in (("encode", encoder, images), ("decode", decoder, code)):
        path = converter.convert(net, tmp_path / "s.tflite", scheme=scheme, calibration=values)
        lite, alone = LiteModel(both, signature=key), LiteModel(path.read_bytes())
        assert (lite.input, lite.output) == (alone.input, alone.output)
        np.testing.assert_array_equal(lite.run(values[:20]), alone.run(values[:20]))
    encode = LiteModel(both, signature="encode")
    decode = encode.sibling("decode")
    rebuilt = decode.run(encode.run(images[:20]))
    np.testing.assert_array_equal(
        rebuilt, LiteModel(both, signature="decode").run(encode.run(images[:20]))
    )
    # Calibrated on the encoder's own codes, the scales of both sides of the code agree.
    assert decode.input.scale == pytest.approx(encode.output.scale, rel=1e-5)
    assert decode.input.zero_point == encode.output.zero_point
    with pytest.raises(BundleError, match="has the signatures decode, encode: name one of them"):
        LiteModel(both)
    with pytest.raises(BundleError, match="has no signature 'serve'. Received: decode, encode"):
        LiteModel(both, signature="serve")


@pytest.mark.slow
def test_two_signatures_with_skips_between(tmp_path):
    """A decoder that takes three outputs, calibrated on what the encoder gives."""
    keras.utils.set_random_seed(0)
    model = kerasae.build_segmentation(input_shape=(8, 8, 1), classes=3, hidden=(8, 8))
    images = np.random.default_rng(0).uniform(size=(40, 8, 8, 1)).astype(np.float32)
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    path = convert_both(encoder, decoder, tmp_path / "m.tflite", calibration=images)
    skips = predict_all(encoder, [images])
    found = run(path, {"input": images}, "encode")
    for i, value in enumerate(skips):
        assert np.abs(found[f"output_{i}"] - value).max() < 0.05 * np.ptp(value)
    names = [entry.name for entry in decoder.inputs]
    (logits,) = run(path, dict(zip(names, skips, strict=True)), "decode").values()
    expected = predict_all(decoder, skips)[0]
    assert np.abs(logits - expected).mean() < 0.02 * np.ptp(expected)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.LSTM(4, unroll=True, name="long"), "'long' would.*its 65 steps.*1-D convol"),
        (keras.layers.GRU(4, name="loop"), "crashes on the loop of the recurrent layer 'loop'.*or"),
        (
            keras.layers.Bidirectional(keras.layers.LSTM(3, name="inner")),
            "the recurrent layer '(back|for)ward_inner': build that with `unroll=True`, or use",
        ),
        (
            keras.layers.MultiHeadAttention(2, 4, name="heads"),
            "the attention 'heads' lose too much in 8 bits: use `scheme=\"dynamic\"`",
        ),
    ],
)
def test_int8_is_refused_where_it_does_not_fit(layer, message, converter, tmp_path):
    x = keras.Input((65 if layer.name == "long" else 6, 4))
    attention = isinstance(layer, keras.layers.MultiHeadAttention)
    model = keras.Model(x, layer(x, x) if attention else layer(x), name="odd")
    with pytest.raises(
        ConversionError, match=f"'int8' does not fit model 'odd', because.*{message}"
    ):
        converter.convert(model, tmp_path / "o.tflite", calibration=np.zeros((2, *x.shape[1:])))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_attention_and_loops_convert_otherwise(converter, tmp_path):
    keras.utils.set_random_seed(0)
    x = keras.Input((6, 4))
    y = keras.layers.MultiHeadAttention(2, 4)(x, x)
    model = keras.Model(x, keras.layers.GRU(3)(y))
    path = converter.convert(model, tmp_path / "o.tflite", scheme="dynamic")
    values = np.random.default_rng(0).normal(size=(8, 6, 4)).astype(np.float32)
    found, expected = LiteModel(path.read_bytes()).run(values), predict(model, values)
    assert np.abs(found - expected).max() < 0.02 * np.ptp(expected)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (keras.Sequential([keras.layers.Dense(2)]), "must have a known input"),
        (
            keras.Sequential([keras.Input((None, 2)), keras.layers.Conv1D(2, 3)]),
            r"must have inputs of fixed shape. Received: .* of shape \(None, None, 2\)",
        ),
    ],
)
def test_models_without_fixed_inputs_are_refused(model, message, converter, tmp_path):
    with pytest.raises(ValueError, match=f"`model` {message}"):
        converter.convert(model, tmp_path / "m.tflite", scheme="float32")


@pytest.mark.slow
def test_a_converter_goes_on_after_a_crash(classifier, tmp_path):
    with Converter() as converter:
        os.kill(converter._worker.process.pid, signal.SIGKILL)
        with pytest.raises(ConversionError, match="signal 9 in the scheme 'float16'"):
            converter.convert(classifier, tmp_path / "c.tflite", scheme="float16")
        assert converter.convert(classifier, tmp_path / "c.tflite", scheme="float16").exists()


@pytest.mark.slow
def test_the_process_is_kept_for_the_next_conversion(classifier, tmp_path):
    contents = set()
    processes = set()
    for i in range(2):
        with Converter() as converter:
            path = converter.convert(classifier, tmp_path / f"{i}.tflite", scheme="float16")
            processes.add(converter._worker.process.pid)
        contents.add(path.read_bytes())
    assert len(processes) == len(contents) == 1  # and what it did before changes nothing


@pytest.mark.slow
def test_a_process_that_has_left_is_started_again(classifier, tmp_path, monkeypatch):
    _worker.stop_idle()
    monkeypatch.setenv("KERASAE_CONVERTER_IDLE", "0.1")
    with Converter() as converter:
        first = converter._worker.process
        assert first.wait(timeout=100) == _worker.RETIRED
        monkeypatch.delenv("KERASAE_CONVERTER_IDLE")
        assert converter.convert(classifier, tmp_path / "c.tflite", scheme="float32").exists()
        assert converter._worker.process.pid != first.pid


def test_a_job_for_a_process_that_has_died_is_an_error_with_its_status():
    worker = _worker.Worker()
    worker.process.kill()
    worker.process.wait()
    with pytest.raises(_worker.WorkerError, match="it said nothing") as caught:
        worker.run({"folder": "x"})
    assert caught.value.status == -signal.SIGKILL
    worker.stop()
    assert worker not in _worker._idle
