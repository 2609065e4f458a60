"""Formats in which a model of a builder is saved."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kerasae.builders import BUILDERS


@pytest.mark.parametrize("name", BUILDERS)
def test_the_format_that_cannot_be_loaded_is_refused_at_saving(name, tmp_path):
    model = BUILDERS[name](**BUILDERS[name].variants[0])
    target = tmp_path / "model.h5"
    target.write_text("the old file")
    with pytest.raises(ValueError, match=r"`filepath` must end in \.keras.*model\.h5"):
        model.save(target)
    assert target.read_text() == "the old file"
    with pytest.raises(ValueError, match=r"such as '.*model\.keras'"):
        model.save(str(tmp_path / "model.hdf5"))
    model.save_weights(tmp_path / "model.weights.h5")  # as the message says


def test_a_part_of_another_model_may_have_any_format(tmp_path):
    """Why `get_config`, the one hook of `keras.saving.save_model`, does not refuse `.h5`."""
    part = BUILDERS["convolutional"](**BUILDERS["convolutional"].variants[0])
    inputs = keras.Input(part.input_shape[1:])
    whole = keras.Model(inputs, keras.layers.Rescaling(0.5)(part(inputs)))
    whole.save(tmp_path / "whole.h5")
    again = keras.saving.load_model(tmp_path / "whole.h5")
    images = np.random.default_rng(0).random((2, *part.input_shape[1:]), np.float32)
    np.testing.assert_array_equal(again(images), whole(images))
