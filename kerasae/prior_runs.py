"""Run folders of priors, each of which knows the autoencoder that it was trained for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasae.priors import PRIORS, Codes, build
from kerasae.runs import load_model
from kerasae.training import MODEL, TrainConfig, train
from kerasae.training.lock import locked
from kerasae.training.run_folder import checkpoints
from kerasae_export.atomic import write_file
from kerasae_export.format.numbers import plain

__all__ = ["PRIOR", "PriorRun", "fingerprint"]

PRIOR = "prior.json"


@dataclass(frozen=True)
class PriorRun:
    """The choices behind a trained prior, saved as `prior.json` beside it.

    Attributes:
        kind: A key of `kerasae.priors.PRIORS`.
        hyperparameters: What its builder is called with, except what the codes give.
        autoencoder: `fingerprint` of the model whose codes it learned.
        label_names: Of the classes that it may be asked for.
        seed: Seed of the initial weights and of the training.
    """

    kind: str
    hyperparameters: Mapping[str, Any]
    autoencoder: str
    label_names: tuple[str, ...] = ()
    seed: int = 0

    @classmethod
    def of(
        cls,
        model: keras.Model,
        codes: Codes,
        kind: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> PriorRun:
        """One for the codes of a model: a transformer for indices, else a diffusion model."""
        usual = "transformer" if codes.codebook_size else "diffusion"
        told = codes.hyperparameters | dict(hyperparameters or {})
        names = tuple(map(str, codes.label_names)) if told.get("classes") else ()
        return cls(kind or usual, dict(hyperparameters or {}), fingerprint(model), names, seed)

    def train(
        self, codes: Codes, config: TrainConfig, folder: Path, *, resume: bool = False
    ) -> keras.Model:
        """Build and train the prior in a run folder, which `load` reads again.

        Raises:
            ValueError: If the folder holds a run already, or another one than is to be resumed.
        """
        keras.utils.set_random_seed(self.seed)
        prior = build(self.kind, codes, **self.hyperparameters)
        with locked(folder):
            if not checkpoints(folder):  # else `train` says what is wrong, or resumes
                folder.mkdir(parents=True, exist_ok=True)
                write_file(folder / PRIOR, self._text().encode())
            elif resume:
                self._check_before(PriorRun._read(folder / PRIOR), folder)
            train(prior, codes, config, out=folder, resume=resume)
        return prior

    @classmethod
    def load(cls, folder: Path, model: keras.Model) -> tuple[PriorRun, keras.Model]:
        """The run of a folder and its prior, if it is one of the codes of `model`.

        Raises:
            ValueError: If the folder holds no finished prior, or one of another autoencoder.
        """
        for name in (PRIOR, MODEL):
            if not (folder / name).is_file():
                raise ValueError(
                    "`prior` must be a folder that `kerasae prior` has finished. "
                    f"Received: {folder}, without {name}"
                )
        run = cls._read(folder / PRIOR)
        if run.autoencoder != fingerprint(model):
            raise ValueError(
                "`prior` must be one of the codes of this very model, since another's codes mean "
                f"something else. Received: {folder}, trained for another autoencoder"
            )
        return run, load_model(folder)

    @classmethod
    def _read(cls, file: Path) -> PriorRun:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            run = cls(**{**content, "label_names": tuple(content["label_names"])})
            if run.kind not in PRIORS or not isinstance(run.hyperparameters, dict):
                raise ValueError(f"kind={run.kind!r}")
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"`prior` must hold a sound {PRIOR}. Received: {file}: {error}"
            ) from None
        return run

    def _check_before(self, before: PriorRun, folder: Path) -> None:
        """Refuse to go on with a run of other choices."""
        old, new = (json.loads(run._text()) for run in (before, self))
        for name in old:
            if old[name] != new[name]:
                raise ValueError(
                    f"`resume` needs the options of the run in {folder}, where {name} is "
                    f"{old[name]!r}. Received: {name}={new[name]!r}"
                )

    def _text(self) -> str:
        return json.dumps(plain(dataclasses.asdict(self)), indent=1) + "\n"


def fingerprint(model: keras.Model) -> str:
    """Of the weights of a model, in hexadecimal: equal after saving and reloading.

    Example:
        >>> import kerasae
        >>> model = kerasae.build_undercomplete(input_shape=(4, 4, 1), code_size=2)
        >>> fingerprint(model) == fingerprint(model), len(fingerprint(model))
        (True, 64)
    """
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(f"{values.dtype}{values.shape}".encode() + values.tobytes())
    return digest.hexdigest()
