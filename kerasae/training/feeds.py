"""What a training is fed with: arrays in memory, or streams, and what validates it."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import keras

from kerasae import _arguments, _inference
from kerasae.data import DATA_SETS, DataSet, Examples, Images
from kerasae.data.arrays import is_array
from kerasae.data.sequences import Sequences
from kerasae.data.sources import Source, is_source, open_source
from kerasae.training.batches import Batches, BucketedBatches, HeldOut
from kerasae.training.configuration import TrainConfig
from kerasae.training.hosts import Hosts
from kerasae.training.inputs import Rules, check_config, in_memory, rules_of
from kerasae.training.streams import StreamBatches

__all__ = ["Feed", "Limits", "open_feed"]

_WORKER = "DataLoader worker"
_AHEAD = 2  # batches beyond those of an execution that wait in memory
_AHEAD_BYTES = 2**26
_NAMED = 20  # files in a warning
_WATCHED = 256  # images of a stream that are looked at after the training


@dataclasses.dataclass(frozen=True)
class Limits:
    """Where an epoch and a validation end, for data that do not tell.

    Attributes:
        steps_per_epoch: Batches of an epoch; None for a pass over the data.
        validation_steps: Batches of a validation; None for a pass.
    """

    steps_per_epoch: int | None = None
    validation_steps: int | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None:
                _arguments.positive_int(field.name, value)


@dataclasses.dataclass(frozen=True)
class Feed:
    """What `fit` takes, and what else a training asks of its data.

    Attributes:
        batches: Of the training.
        validation: Arrays (inputs, targets), or batches.
        share: Of a step, that the validation of an epoch takes for each.
        data: The arrays in memory, if they are.
    """

    batches: Batches | StreamBatches
    validation: Any
    share: float
    data: DataSet | None = None

    def fetch(self, steps: int, *, fixed: bool) -> int:
        """How many steps run at a time; a stream has little more than their batches in memory.

        Args:
            steps: What is fast; of large batches fewer will do.
            fixed: Whether they were asked for.
        """
        streams = [x for x in (self.batches, self.validation) if isinstance(x, StreamBatches)]
        for stream in streams if not fixed else ():
            steps = max(1, min(steps, _AHEAD_BYTES // stream.batch_bytes))
        if keras.backend.backend() == "tensorflow":
            for stream in streams:
                stream.limit(steps + _AHEAD)
        return steps

    def failure_behind(self, error: Exception) -> Exception:
        """What a stream has raised, of which a backend passes on less; else the error itself."""
        streams = [x for x in (self.batches, self.validation) if isinstance(x, StreamBatches)]
        for stream in streams:
            if stream.failure is not None:
                return stream.failure
        if streams and _WORKER in str(error):  # PyTorch interrupts the main thread with it
            return streams[0].failed(error)
        return error

    def warn_of_skipped(self) -> None:
        """Warn, with their names, of files that could not be read."""
        skipped: dict[str, str] = {}
        for part in (self.batches, self.validation):
            skipped |= part.skipped if isinstance(part, StreamBatches) else {}
        if skipped:
            named = [f"{name} ({skipped[name]})" for name in sorted(skipped)[:_NAMED]]
            named += [f"and {len(skipped) - _NAMED} more"] if len(skipped) > _NAMED else []
            what = "1 file could not be read and was" if len(skipped) == 1 else ""
            what = what or f"{len(skipped)} files could not be read and were"
            text = f"{what} left out: {', '.join(named)}"
            warnings.warn(text, UserWarning, stacklevel=4)

    def watched(self) -> DataSet:
        """Images to look at after the training: all, or the first of a stream that validates."""
        if self.data is not None:
            return self.data
        if isinstance(self.validation, StreamBatches):
            few = self.validation.sample(_WATCHED)
        elif isinstance(self.validation, HeldOut):
            few = self.validation[0][-1][:_WATCHED]
        else:
            few = self.validation[-1][:_WATCHED]
        return {3: Sequences, 4: Images}.get(few.ndim, Examples)(few, few)

    def close(self) -> None:
        """End what streams have begun."""
        for part in (self.batches, self.validation):
            if isinstance(part, StreamBatches):
                part.close()


def open_feed(
    model: keras.Model,
    data: Any,
    validation: Any,
    config: TrainConfig,
    limits: Limits,
    hosts: Hosts = Hosts(),
) -> Feed:
    """The feed of a training, checked as far as it can be before the first epoch.

    Raises:
        ValueError: If the data do not fit the model, or what a stream needs is missing.
        DataError: If a stream fails at its first batch.
    """
    check_config(config)
    rules = rules_of(model)
    if isinstance(data, DATA_SETS) or is_array(data):
        if limits != Limits():
            raise ValueError(
                "`steps_per_epoch` and `validation_steps` are for streams; arrays tell how many "
                f"batches they are. Received: {limits.steps_per_epoch} and "
                f"{limits.validation_steps}, data={type(data).__name__}"
            )
        arrays = in_memory(rules, data, validation, config.seed)
        return _memory_feed(rules, arrays, config, hosts)
    if hasattr(data, "train") and hasattr(data, "validation") and is_source(data.train):
        data, validation = data.train, data.validation if validation is None else validation
    if rules.condition is not None:
        raise ValueError(
            "`data` must be `Images` or the like with labels, in memory, for "
            f"{rules.name!r}, which is told labels. Received: {type(data).__name__}"
        )
    source = open_source("data", data, hosts.check_batch_size(config.batch_size), config.seed)
    if validation is None:
        raise ValueError(
            "`validation_data` must be given for a stream, such as an array or another stream. "
            f"Received: validation_data=None beside a {source.kind}"
        )
    batches = _batches(source, rules, config, limits.steps_per_epoch, hosts)
    held_out = _held_out(
        dataclasses.replace(rules, argument="validation_data"),
        validation,
        config,
        limits.validation_steps,
        hosts,
    )
    count = len(held_out) if isinstance(held_out, StreamBatches) else 1
    return Feed(batches, held_out, share=count / len(batches) / 3)


def _memory_feed(rules: Rules, data: DataSet, config: TrainConfig, hosts: Hosts) -> Feed:
    targets, held_out = data.train, data.validation
    if rules.learns_labels:
        targets = rules.check_labels(data.train_labels, len(data.train))
        held_out = rules.check_labels(data.validation_labels, len(data.validation))
    inputs: Any = data.validation
    if rules.cut_holes is not None:
        inputs = rules.cut_holes(inputs, seed=config.seed)
    # A validation goes forwards only, a third of what a step computes for an image.
    share = len(data.validation) / len(data.train) / 3
    if rules.condition is not None:
        train_labels, held_out_labels = (
            rules.labels(split, getattr(data, f"{split}_labels", None), len(getattr(data, split)))
            for split in ("train", "validation")
        )
        batches = Batches(data.train, targets, config, labels=train_labels, hosts=hosts)
        validation = _shared(((inputs, held_out_labels), held_out), config, hosts)
        return Feed(batches, validation, share, data)
    kind = BucketedBatches if _inference.takes_padding(rules.model) else Batches
    batches = kind(data.train, targets, config, hosts=hosts)
    return Feed(batches, _shared((inputs, held_out), config, hosts), share, data)


def _shared(held_out: tuple[Any, Any], config: TrainConfig, hosts: Hosts) -> Any:
    """Arrays that validate; as batches where several devices share them."""
    return held_out if hosts.devices == 1 else HeldOut(*held_out, config.batch_size, hosts)


def _batches(
    source: Source, rules: Rules, config: TrainConfig, steps: int | None, hosts: Hosts
) -> StreamBatches:
    if config.flip and len(rules.shape) != 3:
        raise ValueError(
            "`flip` needs images (n, height, width, channels). "
            f"Received: inputs of shape {rules.shape}"
        )
    return StreamBatches(
        source,
        rules,
        batch_size=config.batch_size,
        steps=steps,
        seed=config.seed,
        flip=config.flip,
        hosts=hosts,
    )


def _held_out(rules: Rules, data: Any, config: TrainConfig, steps: int | None, hosts: Hosts) -> Any:
    """Arrays, or batches of a stream, that validate each epoch alike."""
    if is_array(data):
        values = rules.check(rules.argument, data)
        inputs = values
        if rules.cut_holes is not None:
            inputs = rules.cut_holes(values, seed=config.seed)
        return _shared((inputs, rules.targets(values, None)), config, hosts)
    source = open_source(
        rules.argument, data, hosts.check_batch_size(config.batch_size), config.seed
    )
    return StreamBatches(
        source,
        rules,
        batch_size=config.batch_size,
        steps=steps,
        seed=config.seed,
        validation=True,
        hosts=hosts,
    )
