"""Formats in which a model of a builder is saved."""

from __future__ import annotations

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
