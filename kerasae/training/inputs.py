"""What a model is trained on: images or sequences whose values its loss can take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae import _conditions, _inference
from kerasae.data import DATA_SETS, DataSet, Examples, Images
from kerasae.data.arrays import is_array, split_array
from kerasae.data.sequences import Sequences
from kerasae.data.tables import Table
from kerasae.training.configuration import TrainConfig
from kerasae_export.images import check_images, fits, why_unit_range

__all__ = [
    "Rules",
    "check_config",
    "check_inputs",
    "check_trainable",
    "in_memory",
    "rules_of",
]


_WAYS_OUT = {
    "cross-entropy": 'loss="mse"',
    "Bernoulli": 'likelihood="gaussian_learned"',
    "clipped": "clip=False",
}
"""A word of the reason for [0, 1], and the option of the builder that does without."""


def check_trainable(model: keras.Model) -> None:
    """Refuse what is no compiled model of one input, or of one and a label.

    Raises:
        ValueError: If it is not.
    """
    _inference.check_model(model, conditional=True)
    if not model.compiled:
        raise ValueError(f"`model` must be compiled. Received: model={model.name!r}")


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a model takes as inputs and targets.

    Attributes:
        argument: Name of the data, for messages.
        shape: Of one input.
        unit: What needs values in [0, 1]; None where any finite range will do.
        advice: Another way out for values outside of [0, 1].
        output_shape: Of one output.
        name: Of the model.
        learns_labels: Whether its outputs are compared with labels.
        ignored: The label that it ignores.
        cut_holes: The layer's method that makes holes for validation, if it has one.
        model: What is trained.
        condition: The layer of a conditional model that knows what labels are.
    """

    argument: str
    shape: tuple[int | None, ...]
    unit: str | None
    advice: str
    output_shape: tuple[int | None, ...]
    name: str
    learns_labels: bool
    ignored: int | None
    cut_holes: Callable[..., NDArray[np.float32]] | None
    model: keras.Model
    condition: Any = None

    def labels(self, split: str, labels: Any, count: int) -> NDArray[np.float32]:
        """What a conditional model is told of so many images, as vectors.

        Raises:
            ValueError: If there are no labels, or they do not fit.
        """
        if labels is None:
            raise ValueError(
                f"`{self.argument}` must have the labels that {self.name!r} is told, such as "
                "`Images(train=x, train_labels=y, validation=..., validation_labels=...)`. "
                "Received: none"
            )
        name = f"{self.argument}.{split}_labels"
        return _conditions.label_vectors(name, labels, self.condition, count)

    def check(self, argument: str, values: Any) -> NDArray[np.float32]:
        """Inputs of the model as float32 values.

        Raises:
            ValueError: If they are others.
        """
        return _inference.check_inputs(argument, values, self.model, self.unit, advice=self.advice)

    def targets(self, inputs: NDArray[np.float32], other: Any) -> NDArray[Any]:
        """What the outputs are compared with: the inputs, or other values of the outputs' shape.

        Args:
            inputs: Checked inputs.
            other: What came with them. Labels are looked at only where they are learned.

        Raises:
            ValueError: If labels are learned and are missing or do not fit.
        """
        if self.learns_labels:
            return self.check_labels(None if other is None else np.asarray(other), len(inputs))
        shape = getattr(other, "shape", ())
        if not shape or not fits(tuple(shape)[1:], self.output_shape):
            return inputs
        return check_images(
            self.argument,
            np.asarray(other),
            shape=self.output_shape,
            unit=self.unit,
            advice=self.advice,
        )

    def check_labels(self, labels: NDArray[Any] | None, count: int) -> NDArray[Any]:
        """Labels of each pixel of so many images.

        Raises:
            ValueError: If they are missing, of another type or shape, or of no class.
        """
        if labels is None:
            raise ValueError(
                f"`{self.argument}` must have the labels that {self.name!r} learns. Received: none"
            )
        *sides, classes = self.output_shape
        shape = (count, *sides)
        if not fits(labels.shape, shape) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"`{self.argument}` must have labels that are integers of shape {shape}. "
                f"Received: {labels.dtype} of shape {labels.shape}"
            )
        wrong = set(np.unique(labels).tolist()) - {*range(classes or 0), self.ignored}
        if wrong:
            rule = f"below the {classes} classes of {self.name!r}"
            rule += "" if self.ignored is None else f", or {self.ignored}, which it ignores"
            raise ValueError(
                f"`{self.argument}` must have labels {rule}. Received: {sorted(wrong)}"
            )
        return labels


def rules_of(model: keras.Model, argument: str = "data") -> Rules:
    """What a model takes."""
    unit = why_unit_range(model)
    options = [option for words, option in _WAYS_OUT.items() if words in (unit or "")]
    cutters = [layer.cut_holes for layer in model.layers if hasattr(layer, "cut_holes")]
    return Rules(
        argument,
        shape=tuple(model.inputs[0].shape[1:]),
        unit=unit,
        advice=f", or a model with `{options[0]}` takes them as they are" if options else "",
        output_shape=tuple(model.output_shape[1:]),
        name=model.name,
        learns_labels=_inference.learns_labels(model),
        ignored=getattr(model.loss, "ignored_class", None),
        cut_holes=cutters[0] if cutters else None,
        model=model,
        condition=_conditions.condition_of(model),
    )


def check_config(config: Any) -> None:
    """Refuse what is no configuration, such as the targets that `fit` takes there.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(config, TrainConfig):
        raise ValueError(
            "`config` must be a `TrainConfig`, such as `TrainConfig(epochs=10)`. "
            f"Received: {type(config).__name__}"
        )


def check_inputs(model: keras.Model, data: Any, config: TrainConfig) -> DataSet:
    """The arrays to train on, where a stream will not do.

    Raises:
        ValueError: If they are others; see `in_memory`.
    """
    check_config(config)
    return in_memory(rules_of(model, "images"), data, None, config.seed)


def in_memory(rules: Rules, data: Any, validation: Any, seed: int) -> DataSet:
    """The arrays to train on; a single one is split by the seed.

    Called before a run folder is touched.

    Args:
        rules: What the model takes.
        data: `Images`, `Sequences` or an array.
        validation: An array beside one, or None.
        seed: Of the split.

    Raises:
        ValueError: If a split is empty, the shape is not the model's, or a value is not finite or,
            where the loss needs that, not in [0, 1].
    """
    if is_array(data):
        values = rules.check(rules.argument, data)
        kind = {2: Sequences, 3: Images}.get(len(rules.shape), Examples)
        if validation is not None:
            return kind(values, rules.check("validation_data", validation))
        train, held_out = split_array(values, seed)
        return kind(values[train], values[held_out])
    if validation is not None:
        raise ValueError(
            "`validation_data` is for arrays and streams; `Images` and the like hold their own. "
            f"Received: both, data={type(data).__name__}"
        )
    if not isinstance(data, DATA_SETS):
        raise ValueError(
            f"`{rules.argument}` must be one array, or `Images`, `Sequences` or `Table`, such as "
            "`Images(train=x[100:], validation=x[:100])` of an array `x`. "
            f"Received: {type(data).__name__}"
        )
    if isinstance(data, Sequences) and data.ragged and not _inference.takes_padding(rules.model):
        raise ValueError(
            f"`{rules.argument}` must have sequences of the one length that the model takes; a "
            f"model of `build_recurrent(input_shape=(None, {data.train.shape[2]}))` takes several. "
            f"Received: {data.summary()}"
        )
    if not fits(data.train.shape[1:], rules.shape):
        raise ValueError(
            f"`{rules.argument}` must have the model's input shape {rules.shape}. "
            f"Received: images of shape {data.train.shape[1:]}"
        )
    for split in ("train", "validation"):
        values = getattr(data, split)
        if not len(values):
            kind_of_images = "training" if split == "train" else split
            way = "" if split == "train" else "; `train(model, x)` splits an array `x` by itself"
            raise ValueError(
                f"`{rules.argument}` must have {kind_of_images} images{way}. Received: none"
            )
        rules.check(f"{rules.argument}.{split}", values)
    _check_columns(rules, data)
    return data


def _check_columns(rules: Rules, data: Any) -> None:
    """Refuse a table of other columns than those that a model was made for."""
    columns = _inference.columns_of(rules.model)
    if columns is None or not isinstance(data, Table):
        return
    for mine, theirs in zip(columns, data.columns, strict=True):
        if (mine.name, mine.categories) != (theirs.name, theirs.categories):
            raise ValueError(
                f"`{rules.argument}` must have the columns of the model. Received: "
                f"{theirs.name!r} {theirs.categories or ''}, where the model has "
                f"{mine.name!r} {mine.categories or ''}"
            )
