"""Run folders: what was built is built again, by later versions too."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil

import pytest
from conftest import turn_xla_off

from kerasae.runs import RUN, VERSION, Run, load_model
from kerasae.training import CHECKPOINT, MODEL, TrainConfig

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


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("left", [b"", b'{"architecture": "und'])
def test_an_interrupted_write_is_invisible_to_a_resume(left, tmp_path):
    """A full disk, or a kill, at the very beginning."""
    run = Run("undercomplete", TINY, "digits", limit=40)
    config = TrainConfig(epochs=1, batch_size=40)
    (tmp_path / RUN).write_bytes(left)
    (tmp_path / "config.json").write_bytes(left)
    run.train(run.images(), config, tmp_path, resume=True)
    assert Run.load(tmp_path).architecture == "undercomplete"
    (tmp_path / RUN).write_bytes(left)
    with pytest.raises(ValueError, match="`resume` needs a sound run.json in the run folder"):
        run.train(run.images(), config, tmp_path, resume=True)


def test_a_full_disk_at_the_beginning_leaves_no_file(tmp_path, monkeypatch):
    run = Run("undercomplete", TINY, "digits", limit=40)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        run.train(run.images(), TrainConfig(epochs=1), tmp_path / "run")
    assert caught.value.filename == str(tmp_path / "run" / RUN)
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a folder that `kerasae train` has finished"):
        Run.load(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of one epoch, to be copied."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run = Run("undercomplete", TINY, "digits", limit=40)
    with pytest.MonkeyPatch.context() as patch:
        turn_xla_off(patch)
        run.train(run.images(), TrainConfig(epochs=1, batch_size=40), folder)
    return folder


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        *(
            (name, kept)
            for name in ("run.json", "config.json", "model.keras")
            for kept in (0, 0.95)
        ),
        *(("history.csv", kept) for kept in (0, 0.5)),
    ],
)
def test_a_file_that_is_cut_short_is_named_as_damaged(name, kept, finished, tmp_path):
    """Keras reports a cut model as not found."""
    folder = shutil.copytree(finished, tmp_path / "run")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(kept * len(content))])
    images = Run("undercomplete", TINY, "digits", limit=40).images()
    with pytest.raises(ValueError, match=f"must hold a sound {name}, .* damaged or cut short"):
        (Run.load(folder).facts(folder, images), load_model(folder))


def test_damage_within_a_model_is_found(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "run")
    content = bytearray((folder / MODEL).read_bytes())
    content[len(content) // 2] ^= 255
    (folder / MODEL).write_bytes(content)
    with pytest.raises(ValueError, match="must hold a sound model.keras"):
        load_model(folder)
    (folder / MODEL).unlink()
    with pytest.raises(FileNotFoundError):
        load_model(folder)


@pytest.mark.parametrize("text", ["[]", "{}", '{"architecture": "sparse", "novelty": 1}', "3"])
def test_a_run_file_of_something_else_is_refused(text, finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "run")
    (folder / RUN).write_text(text)
    with pytest.raises(ValueError, match="must hold a sound run.json"):
        Run.load(folder)


def test_of_an_interrupted_run_it_is_said_how_to_finish_it(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "run")
    (folder / MODEL).unlink()
    with pytest.raises(ValueError, match="`--resume` of the command that began it finishes it"):
        Run.load(folder)
    (folder / CHECKPOINT).unlink()
    with pytest.raises(ValueError, match=r"that `kerasae train` has finished\. Received"):
        Run.load(folder)
