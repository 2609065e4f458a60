"""What may go wrong in a training that ends well by its loss: a look at the trained model.

A few hundred images pass once through the model. What is found is said in a warning, with the
hyperparameter to turn.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae import _conditions, _inference
from kerasae._columns import Column
from kerasae.data import DataSet
from kerasae.layers import ExactContraction, StochasticContraction

__all__ = ["CollapseWarning", "findings", "warn_of_collapse"]

_IMAGES = 256
_FEWEST = 64  # validation images that say something of a code; else training images are taken
_VALUES = 2**22  # pixel values in all, which bounds the time on large images
_BETTER = 0.95  # of the mean image's error: less than .22 dB better is no better
_ACTIVE = 1e-2  # variance of a unit's mean (Burda, Grosse & Salakhutdinov 2016)
_NATS = 0.1  # KL of an image below which its code says nothing
_BITS = 1.0  # of an image, the same for a rate
_USED = 0.3  # of the entries that as many indices would use if all were used alike
_FIRING = 0.1  # share of the units that fire for some image
_FEW_STEPS = 1000
_UNHEARD = 1e-3  # of the variance of decoded images, which another label changes by less
_STILL = 1e-2  # standard deviation of a sigmoid unit that answers to no image

Array = NDArray[Any]


class CollapseWarning(UserWarning):
    """A trained model does not use its code, or rebuilds no better than the mean image."""


def warn_of_collapse(found: Iterable[str]) -> None:
    """Warn, a sentence for each finding."""
    for finding in found:
        warnings.warn(finding, CollapseWarning, stacklevel=4)  # the caller of `train`


def findings(model: keras.Model, images: DataSet, *, seed: int = 0) -> list[str]:
    """Say what has collapsed in a trained model.

    - The code of a variational model says nothing of the image: no unit is active, or the KL is
      below 0.1 nats.
    - Most entries of a codebook are never chosen, or a channel of FSQ has one level only.
    - Nine in ten units of a sparse code never fire.
    - The code of a contractive model is the same for all images.
    - A conditional model decodes a code alike whatever label it is told.
    - The rate of a compressing model is below a bit an image.
    - If none of these: the reconstruction is no better than the mean of the training images.

    Args:
        model: A trained model of the builders, or any other from images to images.
        images: What it was trained on. Up to 256 validation images are looked at, or training
            images where there are too few of the former.
        seed: Seed of the holes of a model that fills holes.

    Returns:
        Sentences, each with what was measured and what to change; none for a healthy model.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=100)
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> "no better than the mean image" in findings(model, images)[0]
        True
    """
    if (condition := _conditions.condition_of(model)) is not None and len(model.inputs) == 2:
        return [*_conditional(model, condition, images)]
    if _inference.learns_labels(model) or model.input_shape != model.output_shape:
        return []
    targets = _watched(images)
    inputs = targets
    for layer in model.layers:
        if hasattr(layer, "cut_holes"):
            inputs = layer.cut_holes(targets, seed=seed)
    found = [*_of_the_code(model, inputs)]
    if not found:
        found = [*_of_the_reconstruction(model, inputs, targets, images)]
    return found


def _watched(images: DataSet) -> Array:
    """Evenly spaced ones of the validation or training set."""
    split, step = _spacing(images)
    return getattr(images, split)[::step]


def _spacing(images: DataSet) -> tuple[str, int]:
    """Which split is looked at, and how far the images are apart."""
    split = "validation" if len(images.validation) >= _FEWEST else "train"
    values = getattr(images, split)
    most = max(8, min(_IMAGES, _VALUES // math.prod(values.shape[1:])))
    return split, math.ceil(len(values) / most)


def _conditional(model: keras.Model, condition: Any, images: DataSet) -> Iterator[str]:
    """Of a model that is told labels: whether it uses its code, and the labels."""
    halves = {layer.name: layer for layer in model.layers if isinstance(layer, keras.Model)}
    bound, (split, step) = _inference.bound(model), _spacing(images)
    given = getattr(images, f"{split}_labels", None)
    if bound is None or given is None or not {"encoder", "decoder"} <= halves.keys():
        return  # of another maker, or without labels
    encoder, decoder = halves["encoder"], halves["decoder"]
    values = getattr(images, split)[::step]
    labels = _conditions.label_vectors("labels", given[::step], condition, len(values))
    mean, log_variance = map(keras.ops.convert_to_numpy, encoder([values, labels], training=False))
    yield from _variational(model, bound, mean, log_variance)
    told, otherwise = (_decoded(decoder, mean, each) for each in (labels, np.roll(labels, 1, 0)))
    other = (labels != np.roll(labels, 1, 0)).any(axis=1)
    if not other.any():  # all have one label
        return
    change = float(np.square(told - otherwise, dtype=float)[other].mean())
    spread = float(told[other].var(dtype=float))
    if spread > 1e-8 and change < _UNHEARD * spread:
        yield (
            f"{model.name!r} takes no notice of its label: another one changes the images by "
            f"{change / spread:.2g} of their variance. Try a smaller code (`code_size`), which "
            "leaves to the label what the label says, or more epochs."
        )


def _decoded(decoder: keras.Model, codes: Array, labels: Array) -> Array:
    found = decoder([codes, labels], training=False)
    return keras.ops.convert_to_numpy(found[0] if isinstance(found, (list, tuple)) else found)


def _of_the_code(model: keras.Model, inputs: Array) -> Iterator[str]:
    """What the parts of the model say of its code."""
    try:
        encoder = _inference.nested(model, "encoder")
    except ValueError:  # a model of another maker
        return
    stems = [layer for layer in model.layers if layer.name == "stem"]
    bound = _inference.bound(model)
    if len(encoder.inputs) != 1 or (bound is None and len(encoder.outputs) != 1):
        return
    codes, *rest = _inference.run([*stems, encoder], inputs)
    if bound is not None and rest:
        yield from _variational(model, bound, codes, rest[0])
    for layer in model.layers:
        if hasattr(layer, "codebook_size"):
            yield from _codebook(model, layer, codes)
        if hasattr(layer, "bits"):
            yield from _rate(model, layer, codes)
        if isinstance(layer, (ExactContraction, StochasticContraction)):
            yield from _contraction(model, layer, codes)
    if bound is None and codes.ndim == 2:
        yield from _silence(model, codes)


def _variational(model: keras.Model, bound: Any, mean: Array, log_variance: Array) -> Iterator[str]:
    kl = np.square(mean) + np.exp(log_variance.astype(float)) - 1 - log_variance
    nats = float(0.5 * kl.sum(axis=1).mean())
    active = int(np.count_nonzero(mean.var(axis=0) > _ACTIVE))
    if active and nats >= _NATS:
        return
    if bound.capacity is not None and bound.capacity < 1:
        knob = f"a larger `capacity` (now {bound.capacity:g})"
    elif bound.beta > 1:
        knob = f"a smaller `beta` (now {bound.beta:g})"
    elif bound.likelihood == "bernoulli":
        knob = "more epochs, `warmup_epochs`, or `likelihood='gaussian_learned'` for grey pixels"
    elif bound.likelihood == "gaussian":
        knob = f"a smaller `sigma` (now {bound.sigma:g}) or `likelihood='gaussian_learned'`"
    else:
        knob = "more epochs, `warmup_epochs` or `free_bits`"
    yield (
        f"{model.name!r} has collapsed to its prior: {active} of {mean.shape[1]} units of the code "
        f"are active, and KL is {nats:.3g} nats an image. Try {knob}."
    )


def _codebook(model: keras.Model, layer: Any, codes: Array) -> Iterator[str]:
    if hasattr(layer, "levels"):
        # A digit is a value of its own; one value only is a channel that holds nothing.
        values = _inference.run([layer], codes)[0].reshape(-1, codes.shape[-1])
        still = int(np.count_nonzero(np.ptp(values, axis=0) == 0))
        if still:
            yield (
                f"{model.name!r} uses a single level in {still} of {len(layer.levels)} channels of "
                "its code. Try fewer channels in `levels`, or more epochs."
            )
        return
    found = _inference.run([layer.encoder_tail()], codes)[0]
    several = getattr(layer, "codebooks", 1) > 1
    # Of several codebooks the one that is used least.
    columns = np.moveaxis(found, -1, 0) if several else found[None]
    indices = min(columns, key=lambda column: len(np.unique(column)))
    size, used = layer.codebook_size, len(np.unique(indices))
    evenly = size * -math.expm1(-indices.size / size)  # expected, if all are equally likely
    if used < _USED * evenly:
        whose = "a" if several else "its"
        knob = "a smaller `codebook_size`, or more epochs"
        if not layer.restart:
            knob = "`restart=0.1`, which starts such entries anew"
        yield (
            f"{model.name!r} uses {used} of the {size} entries of {whose} codebook for "
            f"{indices.size:,} vectors; the others are dead. Try {knob}."
        )


def _rate(model: keras.Model, layer: Any, codes: Array) -> Iterator[str]:
    rounded = _inference.run([layer.encoder_tail()], codes)[0]
    bits = float(keras.ops.mean(layer.bits(rounded)))
    same = not np.ptp(rounded, axis=0).any()
    if same or bits < _BITS:
        lmbda = getattr(_layer_with(model, "lmbda"), "lmbda", None)
        now = "" if lmbda is None else f" (now {lmbda:g})"
        yield (
            f"{model.name!r} spends {bits:.3g} bits on an image"
            f"{', the same code on each' if same else ''}: its rate has gone to nothing. "
            f"Try a larger `lmbda`{now}, or more epochs."
        )


def _contraction(model: keras.Model, layer: Any, codes: Array) -> Iterator[str]:
    spread = float(codes.reshape(len(codes), -1).std(axis=0).max())
    if spread < _STILL:
        yield (
            f"{model.name!r} gives all images nearly one code: no unit varies by more than "
            f"{spread:.2g} between images. Try a smaller `weight` (now {layer.weight:g})."
        )


def _silence(model: keras.Model, codes: Array) -> Iterator[str]:
    """Of units that are off for all images; only a rectifier or a top-k makes exact zeros."""
    units = codes.shape[1]
    firing = int(np.count_nonzero(codes.any(axis=0)))
    sparsity = _layer_with(model, "rho")
    if sparsity is not None:
        firing = int(np.count_nonzero(codes.std(axis=0) > _STILL))
    if firing >= _FIRING * units:
        return
    knob = "a larger `k` or fewer units (`code_size`)"
    if sparsity is not None:
        knob = f"a smaller `beta` (now {sparsity.beta:g})"
    elif (penalty := _layer_with(model, "weight")) is not None:
        knob = f"a smaller `weight` (now {penalty.weight:g})"
    yield (
        f"{model.name!r} has a code of {units} units, of which {units - firing} never fire. "
        f"Try {knob}."
    )


def _of_the_reconstruction(
    model: keras.Model, inputs: Array, targets: Array, images: DataSet
) -> Iterator[str]:
    rebuilt = _inference.run([model], inputs)[0]
    if (columns := _inference.columns_of(model)) is not None:
        yield from _of_rows(model, rebuilt, targets, columns)
        return
    if _inference.takes_padding(model) or np.isnan(targets).any():
        return  # there is no mean of sequences of several lengths
    mean = images.train.mean(axis=0)
    rebuilt = np.clip(rebuilt, targets.min(), targets.max())  # as a viewer clips a linear output
    error = float(np.square(rebuilt - targets, dtype=float).mean())
    usual = float(np.square(mean - targets, dtype=float).mean())
    if usual < 1e-8 or error < _BETTER * usual:  # images may all be one
        return
    kind = {2: "row", 4: "image", 5: "volume"}.get(targets.ndim, "sequence")
    yield (
        f"{model.name!r} rebuilds no better than the mean {kind}: mean squared error {error:.3g}, "
        f"of the mean {kind} {usual:.3g}. Try {_more_training(model)}, or another `learning_rate`."
    )


def _of_rows(
    model: keras.Model, rebuilt: Array, rows: Array, columns: Sequence[Column]
) -> Iterator[str]:
    """Of the numbers of a table, in deviations from the mean of their column."""
    numbers = [i for i, column in enumerate(columns) if not column.categories]
    if not numbers:
        return
    means = np.array([columns[i].mean for i in numbers])
    deviations = np.array([columns[i].deviation for i in numbers])
    truth = rows[:, numbers].astype(float)
    error = np.nanmean(np.square((rebuilt[:, numbers] - truth) / deviations))
    usual = np.nanmean(np.square((means - truth) / deviations))
    if usual < 1e-8 or error < _BETTER * usual:
        return
    yield (
        f"{model.name!r} rebuilds no better than the mean row: mean squared error {error:.3g} of "
        f"scaled numbers, of the mean row {usual:.3g}. Try {_more_training(model)}, or another "
        "`learning_rate`."
    )


def _more_training(model: keras.Model) -> str:
    optimizer = getattr(model, "optimizer", None)
    # Replicas have a variable each, of which `int` knows nothing.
    steps = int(keras.ops.convert_to_numpy(optimizer.iterations)) if optimizer else 0
    if 0 < steps < _FEW_STEPS:
        return f"a smaller `batch_size` or more epochs, since these were {steps} steps"
    return "more epochs"


def _layer_with(model: keras.Model, attribute: str) -> Any | None:
    return next((layer for layer in model.layers if hasattr(layer, attribute)), None)
