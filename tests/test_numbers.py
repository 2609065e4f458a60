"""NumPy's numbers in what is written as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kerasae import layers
from kerasae.losses import SegmentationLoss
from kerasae_export import Codec
from kerasae_export.bundling.arguments import check_facts, check_losses, check_tile
from kerasae_export.format.numbers import plain

BUNDLE = Path(__file__).parent / "golden" / "bundles" / "blocks-int8-both" / "bundle"


@pytest.mark.parametrize(
    "layer",
    [
        layers.GaussianCorruption(np.float32(0.5), clip=np.bool_(True), seed=np.int64(3)),
        layers.Sampling(np.int64(2), seed=np.int64(3)),
        layers.Binarization(seed=np.uint8(1)),
        layers.VariationalBound(capacity=np.float32(2), samples=np.int64(2)),
        layers.RandomHoles(count=np.int64(4), seed=np.int64(1), fraction=np.float32(0.2)),
        layers.EntropyBottleneck(np.float32(1), np.array([3, 3]), seed=np.int64(3)),
        layers.VectorQuantizer(np.int64(8), seed=np.int64(3)),
        layers.FiniteScalarQuantizer(np.array([5, 4])),
        SegmentationLoss(ignored_class=np.int64(2), class_weights=np.array([1.0, 2.0])),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_made_of_numpys_numbers_has_a_config_of_pythons(layer):
    config = layer.get_config()
    own = {key: value for key, value in config.items() if key != "dtype"}
    assert set(json.loads(json.dumps(own))) == set(own)


def test_what_an_export_is_told_may_be_of_numpy():
    facts = check_facts({"epochs": np.int64(3), "losses": np.array([0.5]), "best": np.bool_(True)})
    assert json.dumps(facts) == '{"epochs": 3, "losses": [0.5], "best": true}'
    with pytest.raises(ValueError, match="`facts` must be what JSON can hold"):
        check_facts({"model": object()})
    assert check_tile(np.int64(64), (32, 32)) == (64, 64)
    assert check_tile((np.int32(64), np.int64(32)), (32, 32)) == (64, 32)
    assert check_losses(np.float32(0.5), 0) == (0.5,)
    assert check_losses([np.float32(0.5), np.float64(1)], 0) == (0.5, 1.0)


def test_the_options_of_a_run_may_be_of_numpy():
    run = plain({"seed": np.int64(3), 2: (np.float32(0.5), [np.str_("a")])})
    assert json.loads(json.dumps(run)) == {"seed": 3, "2": [0.5, ["a"]]}


def test_what_a_codec_is_told_may_be_of_numpy(rng):
    codec = Codec.load(
        BUNDLE, threads=np.uint16(1), max_pixels=np.uint16(60000), max_images=np.int8(3)
    )
    picture = rng.integers(0, 256, (8, 8, codec.manifest.codec.channels), np.uint8)
    symbols = codec.encode(picture)
    data = codec.pack(symbols.tolist(), np.uint8(8), np.int16(8), quality=np.uint8(1))
    assert data == codec.compress(picture, quality=1)
    np.testing.assert_array_equal(
        codec.decode(symbols, np.uint8(8), np.int16(8)), codec.decompress(data)
    )
    with pytest.raises(ValueError, match=r"`images\[1\]` must be uint8"):
        codec.compress_many([picture, picture / 255])
