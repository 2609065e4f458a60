"""Whatever comes in: symbols of any size, damaged bytes, hostile manifests and bundles.

Each property is tried on a few examples by default and on many in the slow tests;
`benchmarks/fuzz.py` tries a million.
"""

from __future__ import annotations

import copy
import importlib
import itertools
import json
import math
import os
import shutil
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import flatbuffers
import jsonschema
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import REPOSITORY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import kerasae_export
from kerasae_export import BitstreamError, BundleError, Codec, export_bundle
from kerasae_export.format.bitstream import (
    Block,
    read_image,
    read_stream,
    write_image,
    write_stream,
)
from kerasae_export.format.entropy import Table, Tables
from kerasae_export.format.manifest import MANIFEST, Manifest
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.runtime.model_validation import check_graphs, check_tensors

MANY = pytest.mark.parametrize("examples", [30, pytest.param(1500, marks=pytest.mark.weekly)])
INT32 = st.integers(-(2**31), 2**31 - 1)
SIDES = st.integers(1, 70)


def try_out(examples: int, **strategies: st.SearchStrategy) -> Callable:
    """Call a property with that many examples, always the same ones."""

    def decorate(prop: Callable) -> None:
        checked = settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(given(**strategies)(prop))
        checked()

    return decorate


@st.composite
def tables(draw: st.DrawFn) -> Table:
    cuts = draw(st.sets(st.integers(1, 4095), min_size=1, max_size=20))
    edges = [0, *sorted(cuts), 4096]
    frequencies = tuple(b - a for a, b in itertools.pairwise(edges))
    return Table(draw(st.integers(-(2**30), 2**30) | st.integers(-9, 1)), frequencies)


@MANY
def test_any_symbols_come_back_with_any_tables(examples):
    @try_out(examples, data=st.data())
    def holds(data):
        channels, classes = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
        number = channels * classes
        coder = Tables(data.draw(st.lists(tables(), min_size=number, max_size=number)), channels)
        rows = data.draw(st.integers(0, 30))
        symbols = data.draw(arrays(np.int64, (rows, channels), elements=INT32))
        near = data.draw(arrays(np.int64, (rows, channels), elements=st.integers(-3, 22)))
        inside = data.draw(arrays(bool, (rows, channels)))
        symbols = np.where(inside, coder.tables[0].offset + near, symbols).clip(-(2**31), 2**31 - 1)
        chosen = data.draw(arrays(np.int64, rows, elements=st.integers(0, classes - 1)))
        coded = coder.encode(symbols, chosen)
        np.testing.assert_array_equal(coder.decode(coded, rows, chosen), symbols)
        for wrong in (coded[:-1], coded + b"\1"):
            try:
                coder.decode(wrong, rows, chosen)  # the CRC is what notices for sure
            except BitstreamError:
                continue


@pytest.mark.parametrize("rows", [2**13, 2**17 + 5, pytest.param(2**22, marks=pytest.mark.slow)])
def test_many_symbols_in_many_lanes_come_back(rows, rng):
    coder = Tables([Table(-2, (1000, 2000, 1000, 90, 6))])
    symbols = rng.geometric(0.5, (rows, 1)) - 3
    symbols[rng.integers(rows, size=20)] = rng.integers(-(2**31), 2**31, (20, 1))
    np.testing.assert_array_equal(coder.decode(coder.encode(symbols), rows), symbols)


@MANY
@pytest.mark.parametrize("which", ["digit", "photo"])
def test_any_symbols_of_any_size_pass_through_a_file(which, examples, digit_codec, photo_codec):
    codec = digit_codec if which == "digit" else photo_codec

    @try_out(examples // 2, height=SIDES, width=SIDES, seed=st.integers(0, 2**32 - 1), spread=INT32)
    def holds(height, width, seed, spread):
        rng = np.random.default_rng(seed)
        shape = codec.encode(
            np.zeros((height, width, codec.manifest.codec.channels), np.uint8)
        ).shape
        symbols = np.floor(rng.laplace(0, abs(spread) % 1000 + 0.1, shape)).astype(np.int64)
        symbols[rng.random(shape) < 0.01] = spread
        data = codec.pack(symbols, height, width)
        again, *size, _ = codec.unpack(data)
        assert size == [height, width]
        np.testing.assert_array_equal(again.reshape(shape), symbols)
        image = codec.decompress(data)
        assert image.shape == (height, width, codec.manifest.codec.channels)
        with pytest.raises(BitstreamError):
            codec.decompress(data[: rng.integers(len(data))])


@MANY
@pytest.mark.parametrize("many", [False, True])
def test_any_change_of_bytes_is_noticed(many, examples):
    key = bytes(range(32))
    block = st.builds(Block, st.integers(1, 256), SIDES, SIDES, st.binary(max_size=40))

    def read(data):
        if many:
            return list(read_stream(data, key, max_pixels=2**26))
        return [read_image(data, key, max_pixels=2**26)]

    @try_out(examples, blocks=st.lists(block, min_size=1, max_size=4), data=st.data())
    def holds(blocks, data):
        if many:
            whole = write_stream(blocks, key)
        else:
            blocks = [Block(1, blocks[0].height, blocks[0].width, blocks[0].payload)]
            whole = write_image(blocks[0], key)
        assert read(whole) == blocks
        at = data.draw(st.integers(0, len(whole) - 1))
        drop, fresh = data.draw(st.integers(0, 9)), data.draw(st.binary(max_size=9))
        damaged = whole[:at] + fresh + whole[at + drop :]
        if damaged != whole:
            with pytest.raises(BitstreamError):
                read(damaged)


@MANY
def test_any_bytes_with_a_valid_checksum_are_an_image_or_refused(examples, digit_bundle):
    codec = Codec.load(digit_bundle, max_pixels=2**14)
    key = bytes.fromhex(codec.manifest.bundle_hash)
    head = write_image(Block(1, 1, 1, b""), key)[:5]
    seen = set()

    @try_out(examples, size=st.binary(max_size=6), payload=st.binary(max_size=60))
    def holds(size, payload):
        body = head + size + payload
        try:
            image = codec.decompress(body + zlib.crc32(key + body).to_bytes(4, "little"))
        except BitstreamError as error:
            seen.add(type(error).__name__)
        else:
            assert image.size <= 2**14

    assert "CorruptBitstreamError" in seen


# The manifest: what the parser takes, and what its schema says


@pytest.fixture(scope="module")
def validator():
    path = Path(kerasae_export.__file__).parent / "format" / "manifest.schema.json"
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    # To JSON Schema 1.0 is an integer; here, integers are written without a fraction.
    whole = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    strict = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=whole)
    return strict(schema)


def parsed(content) -> str | None:
    """The sentence with which the parser refuses, or None."""
    try:
        Manifest.from_json(json.dumps(content))
    except BundleError as error:
        return str(error)
    return None


TOGETHER = (  # rules about several fields at once, which a schema cannot hold
    "`layout` must be", ".layout` must be", "is off: ", "at most 2**24 values", "as `codec` says",
    "must list", "bytes in all", "such that there are at most", "integers from", "a list of",
    "a codebook", "unless the code has one channel", "of at most", "`signature`",
    ".classes` must be",
    "is not valid JSON",  # such as NaN, which `jsonschema` takes for a number
)  # fmt: skip


@MANY
@pytest.mark.parametrize("which", ["digit", "photo"])
def test_parser_and_schema_agree(which, examples, digit_bundle, photo_bundle, validator):
    """What the schema refuses the parser refuses, and else only for how fields agree."""
    mutations = fuzzing("mutations")
    folder = digit_bundle if which == "digit" else photo_bundle
    sound = json.loads((folder / MANIFEST).read_text())
    assert validator.is_valid(sound)
    verdicts = set()

    @try_out(4 * examples, seed=st.integers(0, 2**32))
    def holds(seed):
        content = copy.deepcopy(sound)
        mutations.mutate_json(Random(seed), content)
        valid, refusal = validator.is_valid(content), parsed(content)
        verdicts.add((valid, refusal is None))
        if not valid:
            assert refusal is not None, list(validator.iter_errors(content))[:2]
        elif refusal is not None:
            assert any(rule in refusal for rule in TOGETHER), refusal

    assert verdicts == {(True, True), (True, False), (False, False)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "a name occurs twice"),
        ('{"format": NaN}', "NaN is not a finite number"),
        ('{"format": 1e999}', "1e999 is not a finite number"),
        ('{"format": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"format": ' + "[" * 900 + "]" * 900 + "}", "has more than 64 levels"),
        ("{" * 10**5, "not valid JSON"),
        (b"\xff\xfe{\x00}\x00", "not valid JSON"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
    ],
)
def test_json_is_taken_strictly(text, message):
    with pytest.raises(BundleError, match=message) as caught:
        Manifest.from_json(text)
    assert len(str(caught.value)) < 300


def test_a_manifest_cannot_list_too_much(digit_bundle):
    content = json.loads((digit_bundle / MANIFEST).read_text())
    entry = {"sha256": "0" * 64, "bytes": 2**30}
    content["files"]["x"] = entry
    assert "bytes in all" in parsed(content)
    content["files"] |= {f"x{i}": {**entry, "bytes": 0} for i in range(64)}
    assert "at most 64 files" in parsed(content)


# Bundles


@pytest.fixture
def copy_of(digit_bundle, tmp_path):
    return Path(shutil.copytree(digit_bundle, tmp_path / "bundle"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("name", [MANIFEST, "decoder.tflite", "golden/image.kae"])
@pytest.mark.parametrize("what", ["link", "loop", "folder", "pipe", "link to the folder"])
def test_what_is_no_plain_file_is_not_read(name, what, copy_of, digit_bundle):
    path = copy_of / name
    path.unlink()
    if what == "link":
        path.symlink_to(digit_bundle / name)  # the right content, but outside
    elif what == "loop":
        path.symlink_to(path)
    elif what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        shutil.copy(digit_bundle / name, path)
        shutil.move(copy_of / "golden", copy_of.parent / "elsewhere")
        (copy_of / "golden").symlink_to(copy_of.parent / "elsewhere")
    with pytest.raises(BundleError, match="is missing from the bundle"):
        Codec.load(copy_of)


def test_a_bundle_may_itself_be_behind_a_link(copy_of, tmp_path):
    (tmp_path / "link").symlink_to(copy_of)
    assert Codec.load(tmp_path / "link").manifest == Codec.load(copy_of).manifest


def test_what_was_hashed_is_what_is_loaded(copy_of, monkeypatch):
    """Files that change after their hash was checked are not read again."""
    expected = Codec.load(copy_of).compress(np.zeros((8, 8), np.uint8))
    from kerasae_export.runtime import codec as runtime

    def sabotage(folder):
        result = read(folder)
        for file in copy_of.rglob("*.*"):
            file.write_bytes(b"changed")
        return result

    read = runtime.read_files
    monkeypatch.setattr(runtime, "read_files", sabotage)
    assert Codec.load(copy_of).compress(np.zeros((8, 8), np.uint8)) == expected


@pytest.mark.parametrize("error", [RuntimeError("node 3 failed"), ValueError("no data")])
def test_a_model_that_cannot_run_is_a_bundle_error(error, digit_codec, monkeypatch):
    model = digit_codec._models.encoder

    class Broken:
        def set_tensor(self, *_):
            pass

        def invoke(self):
            raise error

    monkeypatch.setattr(model, "_interpreter", Broken())
    with pytest.raises(BundleError, match=f"LiteRT cannot run the model: {error}"):
        digit_codec.compress(np.zeros((8, 8), np.uint8))


# The fuzzer itself


def fuzzing(name: str):
    """A module of the benchmark."""
    folder = str(REPOSITORY / "benchmarks")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(f"fuzzing.{name}")


def test_a_taste_of_the_fuzzer(digit_bundle, photo_bundle, tmp_path):
    targets = fuzzing("targets")
    bench = targets.Bench([digit_bundle, photo_bundle], tmp_path)
    assert math.isclose(sum(targets.SHARES.values()), 1)
    for target, share in targets.SHARES.items():
        words = {bench.run(target, number) for number in range(int(300 * share))}
        assert words - {"accepted"}
        if "repaired" not in target and target != "manifest":
            assert "accepted" not in words


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measured on Linux only")
def test_the_fuzzer_notices_what_it_looks_for(tmp_path, monkeypatch):
    fuzzing("targets")
    fuzz = importlib.import_module("fuzz")
    monkeypatch.setattr(fuzz, "SECONDS", 0.5)  # the documented limit would take as long as it says

    def burn(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    def fail(error):
        raise error

    cases = {
        1: lambda: np.ones(9 * 2**20)[0],  # 72 MiB
        2: lambda: burn(0.55),
        3: lambda: fail(KeyError("x")),
        4: lambda: fail(fuzz.Violation("a wrong image passed")),
        5: lambda: fail(MemoryError()),
        6: lambda: None,
    }

    class Bench:
        def run(self, target, number):
            cases[number]()
            return "accepted"

    findings = fuzz.Findings("file")
    for number in cases:
        fuzz.Work(tmp_path)._one(Bench(), number, findings)
    assert findings.greedy == [1, 5]
    assert findings.slow == [2]
    assert [number for number, _ in findings.failures] == [3, 4]
    assert findings.words["accepted"] == 3
    total = {"file": findings}
    result = fuzz.summary(total, {("file", 7): "killed by SIGSEGV", ("file", 8): "hang"}, 1.0)
    row = result["targets"]["file"]
    assert (row["crashes"], row["wrong_images"], row["slow"], row["greedy"]) == (2, 1, 2, 2)
    assert row["inputs"] == 8
    assert "| file | 8 |" in fuzz.report(result)


def damaged_tensor(**changes):
    """The details of a sound int8 tensor of 3 channels, but for some changes."""
    quantisation = {
        "scales": np.array([0.1, 0.2, 0.3], np.float32),
        "zero_points": np.array([0, -128, 127]),
        "quantized_dimension": 0,
    }
    tensor = {"shape": np.array([3, 4]), "dtype": np.int8}
    for name, value in changes.items():
        (quantisation if name in quantisation else tensor)[name] = value
    return {**tensor, "quantization_parameters": quantisation}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": np.array([3, -4])}, "must be smaller"),
        ({"shape": np.array([3, 2**30])}, "must be smaller"),
        ({"scales": np.array([0.1, 0.0, 0.3])}, "scales must be positive"),
        ({"scales": np.array([0.1, np.inf, 0.3])}, "scales must be positive"),
        ({"scales": np.array([0.1, np.nan, 0.3])}, "scales must be positive"),
        ({"zero_points": np.array([0, 0, 128])}, "zero points of int8 must be from -128 to 127"),
        ({"zero_points": np.array([0, 2**40, 0])}, "zero points of int8 must be"),
        ({"dtype": np.int32}, "zero points of int32 must be from 0 to 0"),
        ({"scales": np.array([0.1, 0.2])}, "one for each of 3 channels"),
        ({"quantized_dimension": 1}, "one for each of 4 channels"),
        ({"quantized_dimension": 7}, "one for each of 1 channels"),
    ],
)
def test_tensors_that_cannot_be_are_refused_before_litert_believes_them(changes, message):
    check_tensors([damaged_tensor()])
    with pytest.raises(BundleError, match=message):
        check_tensors([damaged_tensor(), damaged_tensor(**changes)])


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_zero_point_that_would_kill_the_process_is_refused(part, digit_bundle):
    """Found by the fuzzer: LiteRT ends in a segmentation fault on some of these."""
    content = (digit_bundle / f"{part}.tflite").read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.quantization.zeroPoint is not None:
            tensor.quantization.zeroPoint = [-2097160] * len(tensor.quantization.zeroPoint)
    with pytest.raises(BundleError, match="zero points"):
        LiteModel(packed(model))


def packed(model: schema.ModelT) -> bytes:
    """A model as a TF Lite file."""
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize(
    ("name", "inputs", "sound"),
    [
        ("CONV_2D", [3, 1, 2], True),
        ("CONV_2D", [3, 1, -1], True),
        ("CONV_2D", [3, -1, 2], False),
        ("TRANSPOSE_CONV", [-1, 1, 2, 4], False),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", [0, -1, 2, -1, 5], True),
        ("FILL", [], True),
    ],
)
@pytest.mark.parametrize("graph", [0, 1])
def test_operators_have_the_inputs_they_need(graph, name, inputs, sound):
    """In the first graph of a file and in those of its other signatures."""
    number = getattr(schema.BuiltinOperator, name)
    code = schema.OperatorCodeT(builtinCode=number, deprecatedBuiltinCode=min(number, 127))
    graphs = [schema.SubGraphT(), schema.SubGraphT()]
    graphs[graph].operators = [schema.OperatorT(opcodeIndex=0, inputs=inputs)]
    content = packed(schema.ModelT(operatorCodes=[code], subgraphs=graphs))
    if sound:
        check_graphs(content)
    else:
        with pytest.raises(BundleError, match=f"{name} lacks an input"):
            check_graphs(content)


@pytest.mark.parametrize("graph", [0, 1])
def test_names_are_text(graph):
    """Found by the fuzzer: LiteRT leaves tensors of other names out of its details."""
    graphs = [schema.SubGraphT(), schema.SubGraphT()]
    graphs[graph].tensors = [schema.TensorT(name="schön")]
    content = packed(schema.ModelT(subgraphs=graphs))
    check_graphs(content)
    with pytest.raises(BundleError, match="A tensor's name must be UTF-8"):
        check_graphs(content.replace("ö".encode(), b"\xff\xfe"))


@pytest.mark.slow
def test_an_operator_without_input_is_refused_in_every_signature(digit_model, digits, tmp_path):
    """Where LiteRT would follow a null pointer."""
    folder = export_bundle(digit_model, tmp_path / "b", calibration=digits.train, signatures="both")
    content = (folder / "model.tflite").read_bytes()
    for graph in range(2):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        model.subgraphs[graph].operators[-1].inputs = [-1, 0]
        with pytest.raises(BundleError, match="lacks an input"):
            LiteModel(packed(model))


def test_a_size_that_lies_takes_no_memory(copy_of):
    """Found by the fuzzer: a buffer of the size that the manifest names was taken at once."""
    content = json.loads((copy_of / MANIFEST).read_text())
    content["files"]["README.md"]["bytes"] = 2**29
    (copy_of / MANIFEST).write_text(json.dumps(content))
    tracemalloc.start()
    with pytest.raises(BundleError, match="its hash differs"):
        Codec.load(copy_of)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23
