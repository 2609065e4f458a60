"""The parts of a model's file: their numbers, and what its tensors may say of themselves."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_models import DECODER, ENCODER, changed, of

from kerasae_export.errors import BundleError
from kerasae_export.runtime.model_validation import check_graphs, check_tensors
from kerasae_export.runtime.structure import check_counts


def refused(sentence, call, *arguments):
    with pytest.raises(BundleError, match=f"^{re.escape(sentence)}$"):
        call(*arguments)


def signature(name):
    """Sixteen or seventeen of what the only signature has one of."""

    def change(model, count):
        entries = getattr(model.signatureDefs[0], name)
        setattr(model.signatureDefs[0], name, entries * count)

    return change


def repeated(name, make):
    def change(model, count):
        setattr(model, name, [make(model)] * count)

    return change


PARTS = {
    "signatures": repeated("signatureDefs", lambda model: model.signatureDefs[0]),
    "notes": repeated("metadata", lambda model: schema.MetadataT()),
    "notes in buffers": repeated("metadataBuffer", lambda model: 0),
    "inputs": signature("inputs"),
    "outputs": signature("outputs"),
    "graphs": repeated("subgraphs", lambda model: model.subgraphs[0]),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_file_has_sixteen_parts_of_a_kind_at_most(name):
    check_counts(changed(lambda model: PARTS[name](model, 16), ENCODER))
    what, least = name.partition(" ")[0], int(name == "graphs")
    sentence = f"A model must have {least} to 16 {what}. Received: 17"
    refused(sentence, check_counts, changed(lambda model: PARTS[name](model, 17), ENCODER))


def test_a_file_has_a_graph():
    content = changed(lambda model: PARTS["graphs"](model, 0), ENCODER)
    refused("A model must have 1 to 16 graphs. Received: 0", check_counts, content)


def details(shape=(2, 4), dtype=np.int8, scales=(0.5,), zeros=(0,), axis=0):
    quantisation = {
        "scales": np.array(scales, float),
        "zero_points": np.array(zeros, int),
        "quantized_dimension": axis,
    }
    return {"shape": shape, "dtype": dtype, "quantization_parameters": quantisation}


GOOD = [
    {},
    {"scales": (), "zeros": ()},
    {"zeros": ()},
    {"scales": (0.5, 0.25), "zeros": (3, -3)},
    {"scales": (0.5,) * 4, "zeros": (127, -128, 0, 0), "axis": 1},
    {"scales": (1e-30,)},
    {"scales": (1e30,)},
    {"dtype": np.uint8, "zeros": (255,)},
    {"dtype": np.float32, "scales": (), "zeros": ()},
    {"shape": (0,)},
    {"shape": ()},
    {"shape": (2**28,)},
    {"shape": (2**26,), "dtype": np.float32},
]
COUNT = (
    "A model's tensor must have one scale, or one for each of {} channels. Received: {} scales, "
)
SCALES = "A model's scales must be positive, from 1e-30 to 1e+30. Received: "
BAD = [
    ({"shape": (2, -1)}, "A model's tensors must be smaller. Received: shape [2, -1]"),
    ({"shape": (2**28, -1)}, "A model's tensors must be smaller. Received: shape [268435456, -1]"),
    ({"shape": (2**28 + 1,)}, "A model's tensors must be smaller. Received: shape [268435457]"),
    (
        {"shape": (2**26 + 1,), "dtype": np.float32},
        "A model's tensors must be smaller. Received: shape [67108865]",
    ),
    ({"scales": (9e-31,)}, f"{SCALES}[9.e-31]"),
    ({"scales": (1.1e30,)}, f"{SCALES}[1.1e+30]"),
    ({"scales": (np.nan,)}, f"{SCALES}[nan]"),
    ({"scales": (-0.5, 1, 1, 1, 9)}, f"{SCALES}[-0.5  1.   1.   1. ]"),
    (
        {"zeros": (128,)},
        "A model's zero points of int8 must be from -128 to 127. Received: 128 to 128",
    ),
    (
        {"zeros": (-129,)},
        "A model's zero points of int8 must be from -128 to 127. Received: -129 to -129",
    ),
    (
        {"dtype": np.uint8, "zeros": (-1,)},
        "A model's zero points of uint8 must be from 0 to 255. Received: -1 to -1",
    ),
    (
        {"dtype": np.int32, "zeros": (1,)},
        "A model's zero points of int32 must be from 0 to 0. Received: 1 to 1",
    ),
    ({"zeros": (0, 0)}, f"{COUNT.format(2, 1)}2 zero points"),
    ({"scales": (1, 1, 1), "zeros": (0,) * 3}, f"{COUNT.format(2, 3)}3 zero points"),
    ({"scales": (1, 1), "zeros": (0, 0), "axis": 1}, f"{COUNT.format(4, 2)}2 zero points"),
    ({"scales": (1, 1), "zeros": (0, 0), "axis": 2}, f"{COUNT.format(1, 2)}2 zero points"),
    ({"scales": (1, 1), "zeros": (0, 0), "axis": -1}, f"{COUNT.format(1, 2)}2 zero points"),
]


@pytest.mark.parametrize("changes", GOOD)
def test_a_tensor_may_have_the_last_values(changes):
    check_tensors([details(), details(**changes)])


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_what_a_tensor_cannot_be_is_refused(changes, sentence):
    refused(sentence, check_tensors, [details(), details(**changes)])


def test_only_the_last_input_of_an_operator_may_be_missing():
    def without(place, name="CONV_2D"):
        def change(model):
            of(model, name).inputs[place] = -1

        return change

    check_graphs(ENCODER)
    check_graphs(changed(without(2), ENCODER))
    for content, name, place in ((ENCODER, "CONV_2D", 1), (DECODER, "TRANSPOSE_CONV", 0)):
        broken = changed(without(place, name), content)
        inputs = []
        changed(lambda m, n=name, i=inputs: i.extend(map(int, of(m, n).inputs)), broken)
        sentence = f"A model's operator {name} lacks an input. Received: {inputs}"
        refused(sentence, check_graphs, broken)


def test_names_of_tensors_are_text():
    def change(model):
        model.subgraphs[0].tensors[1].name = b"\xff"

    sentence = "A tensor's name must be UTF-8. Received: b'\\xff'"
    refused(sentence, check_graphs, changed(change, ENCODER))
