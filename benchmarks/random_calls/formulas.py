"""Calls of formulas: tensors only, since formulas do not check what they get."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st

from kerasae import losses
from random_calls.arguments import Drawing
from random_calls.registry import Call, target


def _formula(name: str, make: Any) -> None:
    def draw_call(draw: Drawing) -> Call:
        args, kwargs = make(draw)
        return Call(getattr(losses, name), args, kwargs, keras.ops.convert_to_numpy)

    target(f"kerasae.losses.{name}")(draw_call)


def _array(draw: Drawing, shape: tuple[int, ...], low: float = -3.0, high: float = 3.0) -> Any:
    """Tensors only: formulas do not check what they get."""

    def make(seed: int, content: str) -> Any:
        values = np.random.default_rng(seed).uniform(low, high, shape)
        values = {"low": np.full(shape, low), "high": np.full(shape, high)}.get(content, values)
        return keras.ops.convert_to_tensor(values.astype(np.float32))

    return draw.sure(st.builds(make, st.integers(0, 2**32), st.sampled_from(["", "low", "high"])))


_formula("bernoulli_kl", lambda d: ((d.sure((0.05, 0.5)), _array(d, (3,), 0, 1)), {}))
_formula(
    "bernoulli_log_likelihood",
    lambda d: ((_array(d, (2, 4), 0, 1), _array(d, (2, 4), -100, 100)), {}),
)
_formula("bounded_log_variance", lambda d: ((_array(d, (2, 3), -1e30, 1e30),), {}))
_formula("contractive_norm", lambda d: ((_array(d, (4, 3)), _array(d, (2, 3), 0, 1)), {}))
_formula("gaussian_kl", lambda d: ((_array(d, (2, 3)), _array(d, (2, 3), -10, 10)), {}))
_formula(
    "gaussian_log_likelihood",
    lambda d: ((_array(d, (2, 3)), _array(d, (2, 3)), _array(d, (2, 3), -7, 5)), {}),
)
_formula("importance_weighted_bound", lambda d: ((_array(d, (3, 4), -1e4, 1e4),), {}))
_formula(
    "interval_log_probability", lambda d: ((_array(d, (3,), -60, 0), _array(d, (3,), 0, 60)), {})
)
_formula("perplexity", lambda d: ((_array(d, (4,), 1e-3, 9),), {}))
_formula(
    "scheduled", lambda d: ((d.sure((1.0, 4.0)), _array(d, (), 0, 9), d.sure((0, 3, 0.5))), {})
)
_formula("sensitivity", lambda d: ((_array(d, (2, 3)), _array(d, (2, 3)), d.sure((0.01, 1.0))), {}))


def _segments(draw: Drawing, weighted: bool) -> Any:
    def labels(seed: int) -> Any:
        return np.random.default_rng(seed).integers(0, 4 if ignored else 3, (2, 3, 3))

    ignored = {"ignored_class": 3} if draw.sure(st.booleans()) else {}
    if weighted and draw.sure(st.booleans()):
        ignored["class_weights"] = (1.0, 2.0, 0.5)
    return (
        draw.sure(st.builds(labels, st.integers(0, 99))),
        _array(draw, (2, 3, 3, 3), -50, 50),
    ), ignored


_formula("pixel_cross_entropy", lambda d: _segments(d, weighted=True))
_formula("soft_dice", lambda d: _segments(d, weighted=False))


@target("kerasae.losses.SegmentationLoss")
def _(draw: Drawing) -> Call:
    weights = {"class_weights": draw([(1.0, 2.0, 0.5)])} if draw.sure(st.booleans()) else {}
    (labels, logits), ignored = _segments(draw, weighted=False)
    kind = draw(["cross_entropy", "dice", "cross_entropy+dice"])
    options = {**weights, **ignored}
    return Call(losses.SegmentationLoss, (kind,), options, lambda made: made(labels, logits))


@target("kerasae.losses.Huber")
def _(draw: Drawing) -> Call:
    values = _array(draw, (2, 3)), _array(draw, (2, 3))
    return Call(losses.Huber, (), {"delta": draw([0.1, 1.0])}, lambda made: made(*values))
