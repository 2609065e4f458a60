"""A run folder as the command line uses it: what was built, from which data, with what."""

from __future__ import annotations

import csv
import dataclasses
import functools
import json
import reprlib
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import keras

from kerasae.applications.principal_axes import check_linear_code, decorrelate_code
from kerasae.builders import BUILDERS, build
from kerasae.builders.tabular import BASES
from kerasae.data import EMBEDDED, Images, load_images
from kerasae.data.examples import Volumes
from kerasae.data.sequences import SEQUENCES, Sequences, load_sequences
from kerasae.data.streaming import stream_images, too_large, usual_size
from kerasae.data.streams import ImageStream
from kerasae.data.tables import TABLE_FILES, TABLES, Table, load_table
from kerasae.data.volumes import VOLUMES, load_volumes
from kerasae.training import CONFIG, HISTORY, MODEL, TrainConfig, train
from kerasae.training.hosts import hosts_of_training
from kerasae.training.lock import locked
from kerasae.training.run_folder import OPTIONS, checkpoints
from kerasae_export.atomic import write_file
from kerasae_export.format.numbers import plain

__all__ = ["Run", "load_model", "portable"]

DataSet: TypeAlias = Images | Sequences | Table | Volumes | ImageStream
"""What an architecture is trained on."""

_OF_IMAGES_ONLY = ("rate_distortion", "segmentation")

RUN = OPTIONS
VERSION = 2


@dataclass(frozen=True)
class Run:
    """The choices behind a trained model, saved as `run.json` beside it.

    Attributes:
        architecture: A key of `BUILDERS`.
        hyperparameters: What its builder is called with, except what the data give:
            `input_shape`, the classes of pixels where these are learned or of images where they
            are told, and the `loss` of sequences.
        data: A source for `load_images` or `load_sequences`.
        image_size: See `load_images`.
        channels: See `load_images`.
        limit: See `load_images`.
        seed: Seed of the split, of the initial weights and of the training.
        decorrelate: Whether `decorrelate_code` follows the training.
        stream: Whether the images are read as they are needed; None for shards, and for a folder
            that would take more than 2 GiB in memory.
        split_seed: Seed of the split, where it is not `seed`: runs that differ by `seed` alone
            then validate on the same images.
        table: Of a table, or sequences in files: what else `load_table` or `load_sequences` is
            told, such as `label`.
        version: Which defaults of the builders it was made with; a folder that does not say has 1,
            where the likelihood of a variational model was Bernoulli's.
    """

    architecture: str
    hyperparameters: Mapping[str, Any]
    data: str
    image_size: int | None = None
    channels: int | None = None
    limit: int | None = None
    seed: int = 0
    decorrelate: bool = False
    stream: bool | None = None
    split_seed: int | None = None
    table: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    version: int = VERSION

    def images(self, data: str | None = None) -> DataSet:
        """The images, sequences or rows of the run, or others of the same shape."""
        source = data or self.data
        seed = self.seed if self.split_seed is None else self.split_seed
        if (other := self._other_loader(source)) is not None:
            self._refuse_sizes(source)
            return other(source, limit=self.limit, seed=seed, **self.table)
        if self.table:
            raise ValueError(f"`{next(iter(self.table))}` is for tables. Received: data={source!r}")
        if self._streams(source):
            path = Path(source)
            return stream_images(
                source,
                image_size=self.image_size or (usual_size(path) if path.exists() else 128),
                channels=self.channels,
                limit=self.limit,
                seed=seed,
            )
        return load_images(
            source,
            image_size=self.image_size,
            channels=self.channels,
            limit=self.limit,
            seed=seed,
        )

    def _other_loader(self, source: str) -> Callable[..., DataSet] | None:
        """What loads a source that is no set of images."""
        if source in TABLES:
            return load_table
        if source in VOLUMES:
            voxels = BUILDERS[self.architecture].kind == "segmentation"
            return functools.partial(load_volumes, labels="voxels" if voxels else "volumes")
        if source in SEQUENCES:
            return load_sequences
        if not Path(source).is_file() or not source.lower().endswith(TABLE_FILES):
            return None
        return load_sequences if BUILDERS[self.architecture].kind == "sequence" else load_table

    def _refuse_sizes(self, source: str) -> None:
        if self.image_size is not None or self.channels is not None:
            raise ValueError(
                "`image_size` and `channels` are for images. "
                f"Received: image_size={self.image_size}, channels={self.channels}, "
                f"source={source!r}"
            )

    def _streams(self, source: str) -> bool:
        if self.stream is not None:
            return self.stream
        path = Path(source)
        kind = BUILDERS[self.architecture].kind
        labels = kind in ("segmentation", "conditional")  # which no stream has
        if source in EMBEDDED or source in SEQUENCES or labels or not path.exists():
            return False
        if path.is_file() and path.suffix != ".tar":  # `load_images` says what is wrong
            return False
        size = None if self.image_size is None else (self.image_size, self.image_size)
        return self.limit is None and too_large(path, size, self.channels)

    def build(self, images: DataSet) -> keras.Model:
        """The untrained model, its initial weights drawn from the run's seed."""
        self._check_kind(images)
        if isinstance(images, Table):
            keras.utils.set_random_seed(self.seed)
            base = {} if self.architecture == "tabular" else {"base": self.architecture}
            return build("tabular", columns=images.columns, **{**base, **self.hyperparameters})
        kind = BUILDERS[self.architecture].kind
        given: dict[str, Any] = {"input_shape": images.train.shape[1:], **self._old_defaults()}
        if isinstance(images, Sequences):
            given["input_shape"] = images.sequence_shape
            if kind == "sequence":
                given["loss"] = images.loss
            elif "loss" in BUILDERS[self.architecture].hyperparameters:
                given["loss"] = "mse"
        elif kind == "segmentation":
            if not isinstance(images, (Images, Volumes)) or not images.segmented:
                raise ValueError(
                    f"`data` must have a label of each pixel, as {self.architecture!r} learns "
                    f"them. Received: {images.summary()}"
                )
            given |= {"classes": images.classes, "ignored_class": images.ignored_class}
        elif kind == "conditional":
            given["classes"] = self._classes(images)
        keras.utils.set_random_seed(self.seed)
        return build(self.architecture, **{**given, **self.hyperparameters})

    def _classes(self, images: DataSet) -> int:
        """How many classes the images have that a conditional model is told."""
        names = getattr(images, "label_names", ())
        labels = getattr(images, "train_labels", None)
        if not names or labels is None or labels.ndim != 1:
            raise ValueError(
                f"`data` must have a class of each image, as {self.architecture!r} is told it, "
                f"such as a folder with a subfolder for each. Received: {images.summary()}"
            )
        return len(names)

    def _check_kind(self, images: DataSet) -> None:
        """Refuse data of another kind than the architecture takes."""
        kind = BUILDERS[self.architecture].kind
        fits, asked = not isinstance(images, Table), "images, or signals of one length"
        if kind == "sequence":
            fits, asked = isinstance(images, Sequences), "sequences"
        elif kind == "table":
            fits, asked = isinstance(images, Table), "a table"
        elif isinstance(images, Table):
            fits, asked = self.architecture in BASES, "images"
        elif self.architecture in _OF_IMAGES_ONLY:
            fits, asked = not isinstance(images, Sequences), "images"
        if not fits:
            raise ValueError(
                f"`data` must hold {asked} for the architecture {self.architecture}. "
                f"Received: data={self.data!r}"
            )

    def train(
        self,
        images: DataSet,
        config: TrainConfig,
        folder: Path,
        *,
        resume: bool = False,
        progress: bool = True,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> keras.Model:
        """Build and train the model in a run folder, which `load` reads again."""
        writes = hosts_of_training().writes
        with locked(folder if writes else None):
            return self._train(images, config, folder, resume, progress, callbacks, writes)

    def _train(
        self,
        images: DataSet,
        config: TrainConfig,
        folder: Path,
        resume: bool,
        progress: bool,
        callbacks: Sequence[keras.callbacks.Callback],
        writes: bool,
    ) -> keras.Model:
        file = folder / RUN
        before = _options_before(file) if resume else None
        if before is not None:
            self = dataclasses.replace(self, version=before["version"])
            now = json.loads(self._text())  # as a file holds it: a tuple is a list
            for name in now:
                if before.get(name) != now[name]:
                    raise ValueError(
                        f"`resume` needs the options of the run in {folder}, where {name} is "
                        f"{before.get(name)!r}. Received: {name}={now[name]!r}"
                    )
        model = self.build(images)
        if self.decorrelate:
            check_linear_code(model)
        if writes and not checkpoints(folder):  # else `train` says what is wrong, or resumes
            folder.mkdir(parents=True, exist_ok=True)
            write_file(file, self._text().encode())
        finish = (lambda: decorrelate_code(model, images.train)) if self.decorrelate else None
        train(
            model,
            images,
            config,
            out=folder,
            resume=resume,
            progress=progress,
            finish=finish,
            callbacks=callbacks,
        )
        return model

    @classmethod
    def load(cls, folder: Path) -> Run:
        """The run of a folder.

        Raises:
            ValueError: If the folder holds no finished run, or its options are damaged.
        """
        for name in (RUN, CONFIG, MODEL):
            if not (folder / name).is_file():
                begun = name == MODEL and checkpoints(folder)
                way = "; `--resume` of the command that began it finishes it" if begun else ""
                raise ValueError(
                    f"`RUN` must be a folder that `kerasae train` has finished{way}. "
                    f"Received: {folder}, without {name}"
                )
        options = _options(folder / RUN)
        unknown = options.keys() - {field.name for field in dataclasses.fields(cls)}
        if unknown or not {"architecture", "hyperparameters", "data"} <= options.keys():
            raise _damaged(folder / RUN, f"it has the fields {', '.join(options)}")
        return cls(**options)

    def _text(self) -> str:
        return json.dumps(plain(dataclasses.asdict(self)), indent=1) + "\n"

    def _old_defaults(self) -> dict[str, Any]:
        """What the builder's defaults were when the run was made."""
        name = self.architecture
        if name == "denoising":
            name = self.hyperparameters.get("base", name)
        return {"likelihood": "bernoulli"} if self.version < 2 and name == "variational" else {}

    def facts(self, folder: Path, images: DataSet) -> dict[str, Any]:
        """What a bundle's manifest says about the training."""
        try:
            config = TrainConfig.from_json((folder / CONFIG).read_text(encoding="utf-8"))
        except (ValueError, TypeError) as error:
            raise _damaged(folder / CONFIG, error) from None
        try:
            with (folder / HISTORY).open(encoding="utf-8", newline="") as lines:
                losses = [float(row["val_loss"]) for row in csv.DictReader(lines)]
            best = min(losses)
        except (ValueError, TypeError, KeyError) as error:
            raise _damaged(folder / HISTORY, error) from None
        return {
            "architecture": self.architecture,
            "hyperparameters": dict(self.hyperparameters),
            "data": Path(self.data).name,  # a path on this machine is nobody's business
            "training_images": len(images.train),
            "training": {
                **dataclasses.asdict(config),
                "epochs_run": len(losses),
                "val_loss": best if config.keep == "best" else losses[-1],
            },
        }


def _options_before(file: Path) -> dict[str, Any] | None:
    """The options of the run to resume; None where there is nothing to resume."""
    if not file.exists():
        return None
    try:
        return _options(file)
    except ValueError as error:
        if not checkpoints(file.parent):  # its writing was interrupted, by a full disk or a kill
            return None
        raise ValueError(
            f"`resume` needs a sound {RUN} in the run folder. Received: {file}, {error}"
        ) from None


def _options(file: Path) -> dict[str, Any]:
    needed = {"architecture", "hyperparameters", "data"}
    known = {field.name for field in dataclasses.fields(Run)}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not needed <= set(content) <= known:
            raise ValueError(reprlib.repr(content))
    except ValueError as error:
        raise _damaged(file, error) from None
    return {"version": 1, "table": {}, **content}


def _damaged(file: Path, reason: object) -> ValueError:
    first = str(reason).strip().splitlines() or [type(reason).__name__]
    return ValueError(
        f"`RUN` must hold a sound {file.name}, and this one is damaged or cut short. "
        f"Received: {file}: {first[0].rstrip('.')}"
    )


def portable(data: str) -> str:
    """The source of data, as an absolute path if it is a folder."""
    return (
        data
        if data in {*EMBEDDED, *SEQUENCES, *TABLES, *VOLUMES} or not Path(data).exists()
        else str(Path(data).resolve())
    )


def load_model(folder: Path) -> keras.Model:
    """The trained model of a run folder.

    Raises:
        ValueError: If its file is damaged.
        FileNotFoundError: If there is none.
    """
    file = folder / MODEL
    with file.open("rb"):  # Keras reports what is no zip file as not found
        pass
    try:
        with zipfile.ZipFile(file) as content:
            bad = content.testzip()
        if bad is not None:
            raise zipfile.BadZipFile(f"{bad} in it is not what was written")
        return keras.saving.load_model(file)
    except (
        OSError,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        zlib.error,
        zipfile.BadZipFile,
    ) as e:
        raise _damaged(file, e) from None
