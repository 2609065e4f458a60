"""Graphs of TF Lite files, read without Keras: products, memory, and what an operator is."""

from __future__ import annotations

import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_models import one_operator
from operator_calls import options

from kerasae_export.errors import BundleError
from kerasae_export.runtime.graph import Graph

NONE = (None, 0)
# Weights are in place 1, and the output is the last tensor.
PRODUCTS = [
    ("CONV_2D", [(1, 8, 6, 4), (10, 3, 5, 2), (1, 4, 3, 10)], 4 * 3 * 10 * (3 * 5 * 2)),
    ("DEPTHWISE_CONV_2D", [(1, 8, 6, 4), (1, 3, 5, 8), (1, 4, 3, 8)], 4 * 3 * 8 * (3 * 5)),
    ("CONV_3D", [(1, 2, 8, 6, 4), (2, 3, 5, 4, 7), (1, 2, 4, 3, 7)], 168 * (2 * 3 * 5 * 4)),
    ("FULLY_CONNECTED", [(2, 6), (5, 6), (2, 5)], 2 * 5 * 6),
    ("TANH", [(2, 6), (5, 6), (2, 6)], 0),
    ("WHILE", [(2, 6), (5, 6), (2, 6)], None),
]
TRANSPOSED = [
    ("TRANSPOSE_CONV", [(4,), (10, 3, 5, 2), (1, 4, 3, 2), (1, 8, 6, 10)], 24 * (10 * 3 * 5)),
    (
        "CONV_3D_TRANSPOSE",
        [(5,), (2, 3, 5, 7, 4), (1, 2, 4, 3, 4), (1, 2, 8, 6, 7)],
        96 * (2 * 3 * 5 * 7),
    ),
]


@pytest.mark.parametrize(("name", "shapes", "macs"), [*PRODUCTS, *TRANSPOSED])
def test_products_are_those_of_the_definition(name, shapes, macs):
    last = len(shapes) - 1
    content = one_operator(name, NONE, shapes, [*range(last)], last, weights=[1])
    assert Graph(content).macs == macs


def test_a_matrix_product_sums_over_what_the_flags_say():
    for transposed, left in ((False, (1, 5, 3)), (True, (1, 3, 5))):
        options = schema.BatchMatMulOptionsT()
        options.adjX = transposed
        kind = schema.BuiltinOptions.BatchMatMulOptions
        content = one_operator(
            "BATCH_MATMUL", (options, kind), [left, (1, 3, 7), (1, 5, 7)], [0, 1], 2
        )
        assert Graph(content).macs == 5 * 3 * 7


def test_a_recurrent_layer_multiplies_every_matrix_at_every_step():
    steps, features, units = 6, 5, 7
    shapes = [(1, steps, features), *[(units, features)] * 4, *[(units, units)] * 4]
    shapes += [*[(units,)] * 4, (1, units), (1, units), (1, steps, units)]
    inputs = [*range(9), -1, -1, -1, 9, 10, 11, 12, -1, -1, 13, 14]
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    kind = schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
    content = one_operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", (options, kind), shapes, inputs, 15, weights=range(1, 13)
    )
    assert Graph(content).macs == steps * 4 * units * (features + units)


@pytest.mark.parametrize("content", [b"", b"TFL3" * 4, b"\x00" * 64, b"\xff" * 64])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(BundleError, match="The file has no readable graph"):
        Graph(content)


@pytest.mark.parametrize("activation", [0, 1, 3])
def test_an_operator_knows_its_activation(activation):
    table = options("Conv2D", fusedActivationFunction=activation)
    kind = schema.BuiltinOptions.Conv2DOptions
    shapes = [(1, 8, 6, 4), (10, 3, 5, 2), (1, 4, 3, 10)]
    (found,) = Graph(one_operator("CONV_2D", (table, kind), shapes, [0, 1], 2, [1])).operators
    assert (found.name, found.activation, found.shape) == ("CONV_2D", activation, (1, 4, 3, 10))
    (plain,) = Graph(one_operator("CONV_2D", NONE, shapes, [0, 1], 2, [1])).operators
    assert plain.activation == 0
