"""Run folders: what was built is built again, by later versions too."""

from __future__ import annotations

import dataclasses
import json

import pytest

from kerasae.runs import RUN, VERSION, Run, load_model
from kerasae.training import TrainConfig

TINY = {"code_size": 2, "hidden": (4,)}  # as the command line reads it: a tuple
VARIATIONAL = [("variational", TINY), ("denoising", {"base": "variational", **TINY})]


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore::kerasae.training.CollapseWarning")
@pytest.mark.parametrize(("architecture", "hyperparameters"), VARIATIONAL)
def test_a_folder_from_before_the_defaults_changed_goes_on_as_it_began(
    architecture, hyperparameters, tmp_path
):
    old = Run(architecture, hyperparameters, "digits", limit=40, version=1)
    images = old.images()
    config = {"batch_size": 40, "schedule": "constant"}
    old.train(images, TrainConfig(epochs=1, **config), tmp_path)
    file = tmp_path / RUN
    content = json.loads(file.read_text())
    assert content.pop("version") == 1
    file.write_text(json.dumps(content))  # as it was written then

    new = Run(architecture, hyperparameters, "digits", limit=40)
    assert new.version == VERSION == 2
    new.train(images, TrainConfig(epochs=2, **config), tmp_path, resume=True)
    assert Run.load(tmp_path).version == 1
    for model in (load_model(tmp_path), Run.load(tmp_path).build(images)):
        assert model.get_layer("bound").likelihood == "bernoulli"
    assert new.build(images).get_layer("bound").likelihood == "gaussian_learned"


@pytest.mark.usefixtures("eager")
def test_other_options_are_refused_by_name(tmp_path):
    run = Run("undercomplete", TINY, "digits", limit=40)
    config = TrainConfig(epochs=1, batch_size=40)
    run.train(run.images(), config, tmp_path)
    assert Run.load(tmp_path) == dataclasses.replace(
        run, hyperparameters={"code_size": 2, "hidden": [4]}
    )
    run.train(run.images(), config, tmp_path, resume=True)
    other = Run("undercomplete", TINY, "digits", limit=40, seed=1)
    before = (tmp_path / RUN).read_bytes()
    with pytest.raises(ValueError, match="where seed is 0. Received: seed=1"):
        other.train(other.images(), config, tmp_path, resume=True)
    assert (tmp_path / RUN).read_bytes() == before
