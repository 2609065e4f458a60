"""Anomalies: what a model of normal ones reconstructs badly, or codes unlike theirs.

Images, rows of a table, signals, sequences of several lengths, volumes:

```python
scorer = anomaly.scorer(model, kind="reconstruction")
limit = anomaly.threshold(anomaly.scores(scorer, normal), false_alarm_rate=0.01)
flagged = anomaly.scores(scorer, images) > limit
```

The higher a score, the stranger the image. `column_scores` tells of a row which of its values is
odd. A scorer is a stock Keras model that can be deployed
like an encoder; all else is NumPy in and out.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike, NDArray

import kerasae
from kerasae import _arguments, _inference, _padding
from kerasae.applications.code_distance import CodeDistance, Scores
from kerasae.losses.tables import Layout, column_losses, row_losses
from kerasae_export.functional import stock_model
from kerasae_export.images import Sampled

__all__ = [
    "KINDS",
    "CodeDistance",
    "column_scores",
    "reconstruction_scores",
    "scorer",
    "scores",
    "threshold",
]

KINDS = ("reconstruction", "relative", "code", "likelihood")
"""What `scorer` makes of an image, its reconstruction and its code."""

_RANK_OF_SEQUENCES = 3
_DARK = 1e-4  # mean square of an image below which `"relative"` no longer counts it


def reconstruction_scores(model: keras.Model, images: ArrayLike | Sampled) -> Scores:
    """Mean squared error of each image's reconstruction, over its pixels and channels.

    Of a row of a table it is the loss of `build_tabular`, the mean over the values that the row has
    of squared errors in deviations and of cross-entropies in nats; of a sequence the mean over its
    own steps.

    Args:
        model: A model from images to images.
        images: (n, height, width, channels), or whatever else the model takes, such as rows of a
            table or a list of sequences; or a split of a stream, which is read once, batch by
            batch.

    Returns:
        float64 (n,); of a stream in the order of its `batches`.

    Raises:
        ValueError: If the images do not fit the model, or its output is no reconstruction.

    Example:
        >>> import kerasae, numpy as np
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> reconstruction_scores(model, np.zeros((3, 8, 8, 1))).shape
        (3,)
    """
    model = _check_model(model)
    found = []
    for batch in _inference.in_batches(images):
        values = _inference.check_images(model, batch)
        errors, counted = _errors(model, values)
        flat = errors.reshape(len(values), -1), counted.reshape(len(values), -1)
        found.append(flat[0].sum(1) / np.maximum(flat[1].sum(1), 1))
    return np.concatenate(found)


def column_scores(model: keras.Model, rows: ArrayLike) -> Scores:
    """How odd each value of each row is, given all others: which column to look at.

    Of a number the squared error of its reconstruction, in deviations of its column; of a category
    minus the log probability in nats that the model gives it. The mean over a row is its
    `reconstruction_scores`. The columns differ in how well a model knows them: `threshold` of each
    column of the scores of normal rows tells what is usual there.

    Args:
        model: A model of rows: of `build_tabular`, or any other with inputs (values,), whose
            squared errors are those of the values; of sequences they are means over the steps.
        rows: (n, columns), or sequences.

    Returns:
        float64 (n, columns), 0 where a value is missing; of sequences (n, features).

    Raises:
        ValueError: If the rows do not fit the model, or it takes images.

    Example:
        >>> import kerasae
        >>> table = kerasae.load_table("machines", limit=100)
        >>> model = kerasae.build_tabular(columns=table.columns, code_size=2)
        >>> column_scores(model, table.test).shape
        (100, 8)
    """
    model = _check_model(model)
    if len(model.input_shape) > _RANK_OF_SEQUENCES:
        raise ValueError(
            "`model` must take rows (values,) or sequences (length, features). "
            f"Received: model={model.name!r}, which takes {model.input_shape[1:]}"
        )
    values = _inference.check_images(model, rows, "rows")
    errors, counted = _errors(model, values)
    if errors.ndim < _RANK_OF_SEQUENCES:
        return errors
    return errors.sum(axis=1) / np.maximum(counted.sum(axis=1), 1)


def _errors(model: keras.Model, values: NDArray[np.float32]) -> tuple[Scores, Scores]:
    """What each value costs, and 1 where there is one, else 0."""
    layout = _layout(model)
    if layout is not None:
        chain = [_inference.nested(model, name) for name in ("stem", "encoder")]
        chain += [layer for layer in model.layers if hasattr(layer, "encoder_tail")]
        outputs = _inference.run([*chain, _inference.nested(model, "decoder")], values)[1]
        losses = keras.ops.convert_to_numpy(column_losses(values, outputs, layout)).astype(float)
        return losses, (~np.isnan(values)).astype(float)
    counted = ~np.isnan(values)
    if _inference.takes_padding(model):
        counted = counted & _padding.steps_of(values)[..., None]
    (rebuilt,) = _inference.run([model], values)
    errors = np.square(np.subtract(rebuilt, values, dtype=float))
    return np.where(counted, errors, 0.0), counted.astype(float)


def _layout(model: keras.Model) -> Layout | None:
    """Of the columns of a model of tables."""
    columns = _inference.columns_of(model)
    return None if columns is None else Layout(columns)


def scorer(
    model: keras.Model,
    kind: Literal["reconstruction", "relative", "code", "likelihood"] = "reconstruction",
    *,
    images: ArrayLike | Sampled | None = None,
    per: Literal["row", "column"] = "row",
) -> keras.Model:
    """Make one stock Keras model from an image to its score.

    It loads without kerasae, and `kerasae_export.convert` turns it into a TF Lite file. With
    int8, what the calibration images do not reach is cut off: give it stranger images beside the
    normal ones, such as other subjects, noise, or normal images upside down, or all that is
    stranger than the strangest of them gets one score. The rounding moves scores, so take the
    threshold from the scores of the file itself.

    Args:
        model: A trained model from images to images.
        kind: With `e` the mean squared error of the reconstruction over `D` values,

            - `"reconstruction"`: `e`;
            - `"relative"`: `e / sqrt(mean(x^2) + 1e-4)`, for dark images with bright lines, whose
              error grows with the length of the lines;
            - `"code"`: the squared Mahalanobis distance of the code, see `CodeDistance`;
            - `"likelihood"`: `(D e / s + code) / D`, where `s` is the mean of `e` over `images`:
              up to constants, minus the log-likelihood of a Gaussian whose spread within the
              code's subspace is that of the codes, and outside of it that of the errors. For a
              linear model with a code much smaller than the image it is nearly that of Tipping &
              Bishop (1999, Probabilistic Principal Component Analysis).
        images: Normal images for the statistics of `"code"` and `"likelihood"`, best those that
            were not trained on; of a split of a stream, 1,000 that a fixed seed chooses.
        per: Of a model of `build_tabular`: `"row"` for a score of the row, or `"column"` for one of
            each value, as `column_scores` gives them, with the kind `"reconstruction"`.

    Returns:
        A model, float32 (batch, height, width, channels) to (batch, 1), or rows of a table (batch,
        columns) to (batch, 1) or (batch, columns), that shares its weights
        with `model`.

    Raises:
        ValueError: If an argument breaks its rule, or the images are missing or too few.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=200)
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> scorer(model, "likelihood", images=images.train).output_shape
        (None, 1)
    """
    _arguments.one_of("kind", kind, KINDS)
    _arguments.one_of("per", per, ("row", "column"))
    model = _check_model(model)
    layout = _layout(model)
    _check_kind(model, kind, per, layout)
    statistics = kind in ("code", "likelihood")
    if statistics and images is None:
        raise ValueError(f"`images` must be given for the kind {kind!r}. Received: images=None")
    normal = _inference.check_images(model, images) if images is not None else None
    image = keras.Input(model.input_shape[1:], name="image")
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    code = encoder(image)  # once: a model that holds a part twice does not survive a reload
    distance = (
        _distance(code, _codes(encoder, normal)) if statistics and normal is not None else None
    )
    if kind == "code":
        return keras.Model(image, distance, name="scorer")
    if layout is None:
        error = _error(image, decoder(code))
    else:
        losses = column_losses(image, _scaled_outputs(model)(code), layout)
        if per == "column":
            return keras.Model(image, losses, name="scorer")
        error = ops.expand_dims(row_losses(image, losses), -1)
    if kind == "relative":
        pixels = layers.Flatten(name="pixels")(image)
        error = error * ops.rsqrt(_mean_square(pixels, "brightness") + _DARK)
    if distance is not None and normal is not None:
        size = math.prod(model.input_shape[1:])
        usual = max(float(reconstruction_scores(model, normal).mean()), 1e-12)
        error = error * (1 / usual) + distance * (1 / size)
    return keras.Model(image, error, name="scorer")


def scores(scorer: keras.Model, images: ArrayLike | Sampled) -> Scores:
    """Scores of images by a model that `scorer` made.

    Args:
        scorer: The model.
        images: (n, height, width, channels), or rows; or a split of a stream, which is read once,
            batch by batch.

    Returns:
        float64 (n,); of a stream in the order of its `batches`; of a scorer of columns (n,
        columns).

    Raises:
        ValueError: If the images do not fit the model.

    Example:
        >>> import kerasae, numpy as np
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=4)
        >>> images = np.random.default_rng(0).random((3, 8, 8, 1))
        >>> again = reconstruction_scores(model, images)
        >>> bool(np.allclose(scores(scorer(model), images), again))
        True
    """
    _inference.check_model(scorer, "scorer")
    found = []
    for batch in _inference.in_batches(images):
        values = _inference.check_images(scorer, batch)
        each = _inference.run([scorer], values)[0].astype(float)
        found.append(each[:, 0] if each.shape[1:] == (1,) else each)
    return np.concatenate(found)


def threshold(scores: ArrayLike, *, false_alarm_rate: float = 0.01) -> float:
    """The score above which an image is called an anomaly.

    Of `n` scores of normal images in ascending order it is number
    `k = ceil((1 - false_alarm_rate) (n + 1))`. A further normal image, if it is like these, lies
    above it with a probability of at most `(n + 1 - k) / (n + 1) <= false_alarm_rate`, whatever
    the distribution of the scores: the rule of split conformal prediction (Vovk, Gammerman &
    Shafer 2005, Algorithmic Learning in a Random World).

    Args:
        scores: Scores of normal images that the model was not trained on, (n,).
        false_alarm_rate: The share of normal images that may be called anomalies, above 0 and
            below 1.

    Returns:
        The threshold, one of the scores.

    Raises:
        ValueError: If an argument breaks its rule, or there are fewer scores than
            `1 / false_alarm_rate - 1`, which cannot tell so small a rate.

    Example:
        >>> threshold(range(1, 100), false_alarm_rate=0.05)
        95.0
    """
    values = _arguments.scores("scores", scores)
    rate = _arguments.number("false_alarm_rate", false_alarm_rate, low=0.0, high=1.0)
    # The small number undoes what floating point adds to a product that is whole.
    above = math.floor(rate * (len(values) + 1) + 1e-9)
    if above < 1:
        raise ValueError(
            f"`scores` must be at least {math.ceil(1 / rate - 1 - 1e-9)} for a rate of {rate:g}. "
            f"Received: {len(values)} scores"
        )
    return float(np.sort(values)[len(values) - above])


def _check_kind(model: keras.Model, kind: str, per: str, layout: Layout | None) -> None:
    """Refuse what a model of other inputs has not."""
    if layout is not None and kind == "relative":
        raise ValueError(
            "`kind` must be 'reconstruction', 'code' or 'likelihood' for rows of a table, which "
            "are not bright or dark. Received: kind='relative'"
        )
    if per == "column" and (layout is None or kind != "reconstruction"):
        raise ValueError(
            "`per` must be 'row', but for the kind 'reconstruction' of a model of `build_tabular`. "
            f"Received: per='column', kind={kind!r}, model={model.name!r}"
        )
    if _inference.takes_padding(model):
        raise ValueError(
            "`model` must take inputs of a fixed shape; `reconstruction_scores` takes sequences of "
            "several lengths, and `kerasae.fixed_length` makes a model of one. "
            f"Received: model={model.name!r}"
        )


def _scaled_outputs(model: keras.Model) -> keras.Model:
    """The deployable decoder of a table with scaled numbers and logits as its output."""
    nested = stock_model(_inference.nested(model, "decoder"))
    heads = [layer.decoder_head() for layer in model.layers if hasattr(layer, "decoder_head")]
    last = keras.Model(nested.input, nested.outputs[1], name="decoder")
    if not heads:
        return last
    code = keras.Input(heads[0].input_shape[1:], dtype=heads[0].inputs[0].dtype, name="code")
    return keras.Model(code, last(heads[0](code)), name="decoder")


def _codes(encoder: keras.Model, images: NDArray[np.float32]) -> NDArray[Any]:
    """Codes of the normal images."""
    if len(encoder.outputs) != 1 or not keras.backend.is_float_dtype(encoder.outputs[0].dtype):
        raise ValueError(
            "`model` must have a single code of real numbers for this kind of score. "
            f"Received: {[f'{o.dtype} {o.shape[1:]}' for o in encoder.outputs]}"
        )
    codes = _inference.run([encoder], images)[0]
    size = math.prod(codes.shape[1:])
    if len(codes) <= size:
        raise ValueError(
            f"`images` must be more than the {size} values of a code, whose covariance they are to "
            f"tell. Received: {len(codes)} images"
        )
    return codes


def _distance(code: Any, normal_codes: NDArray[Any]) -> Any:
    """`CodeDistance` of the code, as layers."""
    normal = CodeDistance(normal_codes)
    whiten = layers.Dense(len(normal.mean), trainable=False, name="whiten")
    white = whiten(layers.Flatten(name="code")(code))
    whiten.set_weights([normal.whitening, -normal.mean @ normal.whitening])
    return layers.Dot(1, name="distance")([white, white])


def _error(image: Any, reconstruction: Any) -> Any:
    """Mean squared error of the reconstruction, as layers."""
    difference = layers.Subtract(name="difference")([image, reconstruction])
    return _mean_square(layers.Flatten(name="differences")(difference), "error")


def _mean_square(vector: Any, name: str) -> Any:
    """A product of the vector with itself: in int8 its sum is exact, and rounded only once."""
    return layers.Dot(1, name=name)([vector, vector]) * (1 / vector.shape[-1])


def _check_model(model: keras.Model) -> keras.Model:
    """The model as a functional one of images in [0, 1]."""
    if _inference.learns_labels(model):
        raise ValueError(
            "`model` must reconstruct its input. "
            f"Received: model={model.name!r}, which gives scores of classes"
        )
    model = _inference.prepared(model)
    if model.input_shape != model.output_shape:
        raise ValueError(
            "`model` must reconstruct its input, one image to one of its shape. "
            f"Received: {model.input_shape} to {model.output_shape}"
        )
    return model
