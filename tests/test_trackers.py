"""Trackers: TensorBoard, MLflow and Weights & Biases, as far as they run without a network.

`.ci/weekly tests` installs the real ones beside the environment, since the project does not depend
on them.
"""

from __future__ import annotations

import importlib
import json

import keras
import pytest
from click.testing import CliRunner

import kerasae
import kerasae.cli
from kerasae.training import TrainConfig, train
from kerasae.training.trackers import TRACKERS, tracker

CONFIG = TrainConfig(epochs=3, batch_size=80, schedule="constant", learning_rate=2e-3)


def run(callback, folder, *, resume=False, config=CONFIG):
    keras.utils.set_random_seed(0)
    images = kerasae.load_images("digits", limit=120)
    model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4, hidden=(8,))
    return train(
        model, images, config, out=folder, callbacks=[callback], resume=resume, progress=False
    ).history


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_without_its_package_says_what_to_install(name, tmp_path, monkeypatch):
    find = importlib.import_module

    def missing(module):
        if module in TRACKERS:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return find(module)

    monkeypatch.setattr(importlib, "import_module", missing)
    with (
        pytest.raises(ValueError, match=f"needs the package {name}, which `pip install {name}`"),
        tracker(name, tmp_path / "run"),
    ):
        pass
    assert not (tmp_path / "run").exists()
    done = CliRunner().invoke(
        kerasae.cli.main,
        ["train", "undercomplete", "--data", "digits", "--out", str(tmp_path), "--tracker", name],
    )
    assert done.exit_code == 2
    assert f"`pip install {name}`" in done.stderr


def test_an_unknown_tracker_lists_what_there_is(tmp_path):
    for wrong in ("neptune", None, 3):
        with (
            pytest.raises(ValueError, match="must be one of 'tensorboard', 'mlflow', 'wandb'"),
            tracker(wrong, tmp_path),
        ):
            pass


@pytest.mark.weekly
@pytest.mark.filterwarnings("ignore")  # their own
class TestRealOnes:
    def test_tensorboard(self, tmp_path):
        pytest.importorskip("tensorboard")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.util.tensor_util import make_ndarray

        with tracker("tensorboard", tmp_path) as callback:
            history = run(callback, tmp_path)
        for part, measure in (("train", "loss"), ("validation", "val_loss")):
            events = EventAccumulator(str(tmp_path / "tensorboard" / part))
            events.Reload()
            found = events.Tensors("epoch_loss")
            assert [event.step for event in found] == [0, 1, 2]
            values = [float(make_ndarray(event.tensor_proto)) for event in found]
            assert values == pytest.approx(history[measure], rel=1e-5)
        events = EventAccumulator(str(tmp_path / "tensorboard" / "train"))
        events.Reload()
        assert "epoch_learning_rate" in events.Tags()["tensors"]

    def test_mlflow(self, tmp_path, monkeypatch):
        mlflow = pytest.importorskip("mlflow")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with tracker("mlflow", tmp_path, config={"epochs": 3}) as callback:
            history = run(callback, tmp_path)
        identity = json.loads((tmp_path / "trackers.json").read_text())["mlflow"]
        client = mlflow.tracking.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
        found = client.get_metric_history(identity, "val_loss")
        assert [(metric.step, metric.value) for metric in found] == [
            (i, pytest.approx(value)) for i, value in enumerate(history["val_loss"])
        ]
        assert client.get_run(identity).data.params["epochs"] == "3"
        assert client.get_run(identity).info.status == "FINISHED"

    def test_mlflow_goes_on_with_the_run_of_a_resume(self, tmp_path, monkeypatch):
        mlflow = pytest.importorskip("mlflow")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        longer = TrainConfig(epochs=5, batch_size=80, schedule="constant", learning_rate=2e-3)
        for config, resume in ((CONFIG, False), (longer, True)):
            with tracker("mlflow", tmp_path, config={"seed": 0}) as callback:
                run(callback, tmp_path, resume=resume, config=config)
        identity = json.loads((tmp_path / "trackers.json").read_text())["mlflow"]
        client = mlflow.tracking.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
        found = client.get_metric_history(identity, "loss")
        assert sorted(metric.step for metric in found) == [0, 1, 2, 3, 4]

    def test_wandb(self, tmp_path, monkeypatch):
        pytest.importorskip("wandb")
        monkeypatch.setenv("WANDB_MODE", "offline")
        monkeypatch.setenv("WANDB_SILENT", "true")
        with tracker("wandb", tmp_path, config={"epochs": 3}) as callback:
            run(callback, tmp_path)
        (folder,) = (tmp_path / "wandb").glob("offline-run-*")
        (file,) = folder.glob("*.wandb")
        content = file.read_bytes()
        assert content.count(b"epoch/val_loss") >= 3
        assert json.loads((tmp_path / "trackers.json").read_text())["wandb"] in folder.name
