"""TensorBoard, MLflow and Weights & Biases, each through its own callback for Keras."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from kerasae import _arguments
from kerasae_export.atomic import write_file

__all__ = ["TRACKERS", "tracker"]

_IDS = "trackers.json"


@contextlib.contextmanager
def tracker(
    name: str,
    folder: str | os.PathLike[str],
    *,
    project: str = "kerasae",
    config: Mapping[str, Any] | None = None,
) -> Iterator[keras.callbacks.Callback]:
    """A callback for `train` that tells a tracker of the run in a folder, while the block lasts.

    What each keeps lies in that folder, unless the tracker's own environment variables name a
    server. A run that is resumed goes on as the same run there.

    Args:
        name: `"tensorboard"`, `"mlflow"` or `"wandb"`. The packages do not come with kerasae.
        folder: The run folder.
        project: Under which the tracker lists the run: an experiment of MLflow, a project of W&B.
        config: What the tracker shows as the parameters of the run, such as
            `dataclasses.asdict(config)`.

    Yields:
        The tracker's callback.

    Raises:
        ValueError: If the name is unknown, or the package is not installed.

    Example:
        >>> import tempfile, kerasae
        >>> images = kerasae.load_images("digits", limit=64)
        >>> model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=8)
        >>> config = kerasae.TrainConfig(epochs=1)
        >>> folder = tempfile.mkdtemp()
        >>> with tracker("tensorboard", folder) as callback:  # doctest: +SKIP
        ...     history = kerasae.train(
        ...         model, images, config, out=folder, callbacks=[callback], progress=False
        ...     )
    """
    _arguments.one_of("name", name, TRACKERS)
    project = _arguments.text("project", project)
    parameters = {} if config is None else dict(_arguments.mapping("config", config))
    module, begin = TRACKERS[name]
    try:
        package = importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise ValueError(
            f"`name` {name!r} needs the package {missing}, which `pip install {missing}` brings. "
            f"Received: name={name!r}"
        ) from None
    place = Path(folder).absolute()
    place.mkdir(parents=True, exist_ok=True)
    with begin(package, place, project, parameters) as callback:
        yield callback


@contextlib.contextmanager
def _tensorboard(
    package: Any, folder: Path, project: str, parameters: dict[str, Any]
) -> Iterator[keras.callbacks.Callback]:
    yield keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False)


@contextlib.contextmanager
def _mlflow(
    package: Any, folder: Path, project: str, parameters: dict[str, Any]
) -> Iterator[keras.callbacks.Callback]:
    from mlflow.keras import MlflowCallback

    if "MLFLOW_TRACKING_URI" not in os.environ:
        package.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    package.set_experiment(project)
    before = _known(folder).get("mlflow")
    with package.start_run(run_id=before, run_name=folder.name) as run:
        _remember(folder, "mlflow", run.info.run_id)
        if before is None:
            package.log_params(parameters)
        yield MlflowCallback(run)


@contextlib.contextmanager
def _wandb(
    package: Any, folder: Path, project: str, parameters: dict[str, Any]
) -> Iterator[keras.callbacks.Callback]:
    from wandb.integration.keras import WandbMetricsLogger

    run = package.init(
        project=project,
        name=folder.name,
        dir=str(folder),
        config=parameters,
        id=_known(folder).get("wandb"),
        resume="allow",
    )
    _remember(folder, "wandb", run.id)
    try:
        yield WandbMetricsLogger()
    finally:
        run.finish()


Begin = Callable[
    [Any, Path, str, dict[str, Any]], contextlib.AbstractContextManager[keras.callbacks.Callback]
]

TRACKERS: dict[str, tuple[str, Begin]] = {
    "tensorboard": ("tensorboard", _tensorboard),
    "mlflow": ("mlflow", _mlflow),
    "wandb": ("wandb", _wandb),
}
"""What has to be installed for each, and what begins a run."""


def _known(folder: Path) -> dict[str, str]:
    """By which ids trackers know the run."""
    try:
        found = json.loads((folder / _IDS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(folder: Path, name: str, identity: str) -> None:
    content = json.dumps({**_known(folder), name: identity}) + "\n"
    write_file(folder / _IDS, content.encode())
