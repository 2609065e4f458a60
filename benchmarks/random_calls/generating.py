"""Calls of priors, and of what takes a conditional model."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st

import kerasae
from kerasae import priors, samplers
from random_calls.arguments import ANYTHING, Drawing
from random_calls.models import model as pool_model
from random_calls.registry import Call, target

SMALL: dict[str, dict[str, Any]] = {
    "pixelcnn": {"code_shape": (4, 4), "codebook_size": 8, "filters": 4, "blocks": 1},
    "transformer": {"code_shape": (4, 4), "codebook_size": 8, "width": 8, "blocks": 1},
    "flow": {"code_shape": (2,), "couplings": 2, "hidden": (4,)},
    "diffusion": {"code_shape": (2,), "width": 8, "blocks": 1},
}
INDEX = ("pixelcnn", "transformer")


@cache
def _conditional() -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_conditional(
        input_shape=(8, 8, 1), code_size=2, hidden=(8,), classes=3, likelihood="bernoulli"
    )


@cache
def _prior(name: str, classes: int | None) -> keras.Model:
    keras.utils.set_random_seed(0)
    return priors.PRIORS[name](classes=classes, **SMALL[name])


def _told(draw: Drawing, classes: int | None) -> Any:
    return draw([None] if classes is None else [None, 0, 2, -1, np.int64(1)])


def _labelled(draw: Drawing) -> Any:
    return draw(st.builds(_conditional), st.one_of(st.builds(pool_model, st.just("sparse"))))


@target("kerasae.at_label")
def _(draw: Drawing) -> Call:
    labels = [None, 0, 2, np.int64(1), [0.0, 1.0, 0.0], np.array([0.5, 0.5, 0.0])]
    return Call(kerasae.at_label, (_labelled(draw), draw(labels)), {}, lambda m: m.count_params())


@target("kerasae.samplers.change_label", names=("labels", "new_labels"))
def _(draw: Drawing) -> Call:
    return Call(
        samplers.change_label,
        (_labelled(draw), draw.images(), draw([None, 0, 1]), draw([0, 2, -1])),
    )


def _builder(name: str) -> None:
    choices: dict[str, Any] = {
        "classes": [None, 3, np.int64(2)],
        "attributes": [None],
        "label_dropout": [0.0, np.float32(0.2)],
        "learning_rate": [1e-3, np.float32(0.01)],
    }
    if name in INDEX:
        choices |= {"dropout": [0.0, np.float32(0.1)], "blocks": [1, np.int64(2)]}
    else:
        choices |= {"mean": [0.0, [1.0, -1.0]], "deviation": [1.0, np.array([1.0, 2.0])]}

    @target(f"kerasae.priors.build_{name}", batch=5, names=tuple(SMALL[name]))
    def _(draw: Drawing) -> Call:
        options = {**SMALL[name], **{k: draw(v) for k, v in choices.items()}}
        return Call(priors.PRIORS[name], (), options, lambda m: m.count_params())


for _name in SMALL:
    _builder(_name)


def _codes(draw: Drawing, name: str, argument: str = "") -> Any:
    shape = (draw.sure((1, 3)), *SMALL[name]["code_shape"])
    return draw.integers(shape, 8) if name in INDEX else draw.values(shape)


@target("kerasae.priors.Codes")
def _(draw: Drawing) -> Call:
    return Call(priors.Codes, (draw.values((4, 3)),), {}, lambda codes: codes.train)


@target("kerasae.priors.build", batch=5, strict=False)
def _(draw: Drawing) -> Call:
    name = draw(["flow", "diffusion"])
    codes = priors.Codes(np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32))
    small = {k: v for k, v in SMALL.get(str(name), {}).items() if k != "code_shape"}
    return Call(priors.build, (name, draw([codes])), small, lambda m: m.count_params())


@target("kerasae.priors.encode")
def _(draw: Drawing) -> Call:
    names = ("vector_quantized", "variational", "undercomplete")
    return Call(priors.encode, (draw.model(*names), draw.images()))


def _drawing(draw: Drawing, kind: str, classes: int | None) -> dict[str, Any]:
    options = draw.some(
        labels=lambda: _told(draw, classes),
        temperature=lambda: draw([0.5, 1.0, np.float32(0.9)]),
        steps=lambda: draw.whole(1, 4),
        seed=draw.seed,
    )
    if classes is not None and kind != "flow":
        options |= draw.some(guidance=lambda: draw([1.0, 2, np.float32(1.5)]))
    return options


@target("kerasae.priors.sample_codes", batch=5)
def _(draw: Drawing) -> Call:
    kind, classes = draw.sure(sorted(SMALL)), draw.sure([None, 3])
    prior = draw(st.builds(_prior, st.just(kind), st.just(classes)), ANYTHING)
    return Call(priors.sample_codes, (prior, draw.whole()), _drawing(draw, kind, classes))


@target("kerasae.priors.sample", batch=5)
def _(draw: Drawing) -> Call:
    kind, classes = draw.sure(["flow", "diffusion"]), draw.sure([None, 3])
    prior = draw(st.builds(_prior, st.just(kind), st.just(classes)), ANYTHING)
    options = _drawing(draw, kind, classes)
    return Call(priors.sample, (prior, draw.model("variational"), draw.whole()), options)


@target("kerasae.priors.complete", batch=5)
def _(draw: Drawing) -> Call:
    kind, classes = draw.sure(INDEX), draw.sure([None, 3])
    prior = draw(st.builds(_prior, st.just(kind), st.just(classes)), ANYTHING)
    options = draw.some(keep=lambda: draw([0, 0.5, 1.0]), seed=draw.seed)
    model = draw.model("vector_quantized")
    return Call(priors.complete, (prior, model, draw.images()), options)


@target("kerasae.priors.log_likelihood", batch=5)
def _(draw: Drawing) -> Call:
    kind = draw.sure((*INDEX, "flow"))
    prior = draw(st.builds(_prior, st.just(kind), st.just(None)), ANYTHING)
    return Call(priors.log_likelihood, (prior, _codes(draw, kind)))


@target("kerasae.priors.bits", batch=5)
def _(draw: Drawing) -> Call:
    kind, classes = draw.sure(INDEX), draw.sure([None, 3])
    prior = draw(st.builds(_prior, st.just(kind), st.just(classes)), ANYTHING)
    options = draw.some(labels=lambda: _told(draw, classes))
    return Call(priors.bits, (prior, _codes(draw, kind)), options)


@target("kerasae.priors.static_bits")
def _(draw: Drawing) -> Call:
    return Call(
        priors.static_bits,
        (draw.integers((3, 4), 5), draw.integers((2, 4), 5), draw([5, np.int64(6)])),
        draw.some(pseudocount=draw.number),
    )
