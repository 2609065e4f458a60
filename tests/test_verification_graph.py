"""Graphs of TF Lite files: products against closed forms, memory, and files of parts."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasae_export import convert
from kerasae_export.errors import BundleError
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.litemodel import LiteModel


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """One of each kind of layer that multiplies weights."""
    image = keras.Input((16, 16, 4))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", groups=2, name="down")(image)
    x = keras.layers.DepthwiseConv2D(5, padding="same", name="deep")(x)
    x = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="up")(x)
    x = keras.layers.Reshape((32, 32))(x)
    x = keras.layers.Dot(axes=1)([x, x])
    x = keras.layers.Dense(10, name="out")(keras.layers.Flatten()(x))
    path = tmp_path_factory.mktemp("net") / "net.tflite"
    return convert(keras.Model(image, x, name="net"), path, scheme="float32").read_bytes()


def test_products_are_those_of_the_definitions(net):
    graph = Graph(net)
    found = [(o.name, o.macs) for o in graph.operators if o.macs]
    assert found == [
        ("CONV_2D", 8 * 8 * 8 * (3 * 3 * 2)),  # each output sees its group of two channels
        ("DEPTHWISE_CONV_2D", 8 * 8 * 8 * (5 * 5)),
        ("TRANSPOSE_CONV", 8 * 8 * 8 * (3 * 3 * 4)),
        ("BATCH_MATMUL", 32 * 32 * 32),
        ("FULLY_CONNECTED", 32 * 32 * 10),
    ]
    assert graph.macs == sum(macs for _, macs in found)


def test_layers_have_their_keras_names(net):
    names = {o.name: o.layer for o in Graph(net).operators}
    assert names["DEPTHWISE_CONV_2D"] == "deep"
    assert names["TRANSPOSE_CONV"] == "up"
    assert names["FULLY_CONNECTED"] == "out"


def test_what_cannot_be_known_is_not_guessed(converter, tmp_path):
    sequence = keras.Input((6, 5))
    model = keras.Model(sequence, keras.layers.LSTM(3)(sequence))  # becomes a loop
    graph = Graph(converter.convert(model, tmp_path / "m.tflite", scheme="float32").read_bytes())
    assert "WHILE" in {o.name for o in graph.operators}
    assert graph.macs is None


def test_memory_is_that_of_the_busiest_moment(net):
    floats = 4
    up = (8 * 8 * 8 + 16 * 16 * 4) * floats  # the transposed convolution's input and output
    product = (32 * 32 + 32 * 32) * floats  # reshaping in front of it costs nothing
    assert Graph(net).working_bytes == max(up, product)


def test_a_graph_alone_gives_what_its_file_gives(net, rng):
    value = rng.normal(size=(1, 16, 16, 4)).astype(np.float32)
    alone = LiteModel(Graph(net, "serving_default").alone())
    np.testing.assert_array_equal(alone(value), LiteModel(net)(value))


def test_an_operator_alone_is_its_layer(net, rng):
    graph = Graph(net)
    down = graph.operators[0]
    content, inputs = graph.one_operator(down)
    assert inputs == graph.inputs
    assert len(content) < len(net) / 2  # without the weights of the others
    value = rng.normal(size=(1, 16, 16, 4)).astype(np.float32)
    got = LiteModel(content)(value)
    weights = [t for t in down.inputs if graph.is_constant(t)]
    assert len(weights) == 2
    assert got.shape == (1, 8, 8, 8)
    assert LiteModel(content)(0 * value).std() < got.std()


def test_a_missing_signature_is_refused(net):
    with pytest.raises(BundleError, match=r"'decode' is missing, there are \['serving_default'\]"):
        Graph(net, "decode")
