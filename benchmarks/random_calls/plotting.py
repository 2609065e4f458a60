"""Calls of plots; a figure must draw, too."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from hypothesis import strategies as st

from kerasae import plots
from kerasae_export.evaluation.comparison import Entry
from random_calls.arguments import Drawing, array, bad_array
from random_calls.arguments import images as good_images
from random_calls.models import RECIPES, SHAPE
from random_calls.registry import Call, target


def _drawn(figure: Any) -> int:
    figure.savefig(io.BytesIO(), dpi=20, format="png")
    return 0


def _plot(name: str, make: Any, **options: Any) -> None:
    @target(f"kerasae.plots.{name}", batch=4, **options)
    def _(draw: Drawing) -> Call:
        args, kwargs = make(draw)
        return Call(getattr(plots, name), args, kwargs, _drawn)


def _images(draw: Drawing, shape: tuple[int, ...] = (3, 8, 8, 1)) -> Any:
    return draw(good_images(shape), bad_array(shape))


def _names(draw: Drawing, count: int) -> Any:
    return draw([[f"n{i}" for i in range(count)], tuple("z$%{_" * count)[:count], np.arange(count)])


def _grid(draw: Drawing) -> Any:
    shape = (2, 3, 6, 6, draw.sure((1, 3)))
    return draw(good_images(shape), bad_array(shape))


_plot(
    "plot_reconstructions",
    lambda d: ((_images(d), _images(d)), d.some(count=d.whole, gain=d.number)),
)
_plot(
    "plot_inpaintings",
    lambda d: ((_images(d), d.masks((3, 8, 8)), _images(d)), d.some(count=d.whole, gain=d.number)),
)
_plot("plot_samples", lambda d: ((_images(d),), d.some(columns=d.whole)))
_plot(
    "plot_traversals",
    lambda d: ((_grid(d),), d.some(labels=lambda: _names(d, 2), values=lambda: _names(d, 3))),
)
_plot(
    "plot_manifold",
    lambda d: ((_grid(d),), d.some(rows=lambda: _names(d, 2), columns=lambda: _names(d, 3))),
)
_plot(
    "plot_codes",
    lambda d: (
        (d.values((9, d.sure((2, 3)))),),
        d.some(
            labels=lambda: d.integers((9,), 3),
            images=lambda: _images(d, (9, 4, 4, 1)),
            method=lambda: d(["pca", "tsne"]),
            perplexity=lambda: d.number(1, 5),
            thumbnail=lambda: d.number(0.02, 0.2),
            seed=d.seed,
        ),
    ),
    strict=False,
)
_plot(
    "plot_maps",
    lambda d: (
        ({"a": d.values((9, 2)), "b": d.values((9, 2))},),
        d.some(labels=lambda: d.integers((9,), 3), columns=d.whole, seed=d.seed),
    ),
)
_plot(
    "plot_scores",
    lambda d: (
        (d.values((9,)), d(st.one_of(st.none(), array((5,))), bad_array((5,)))),
        d.some(threshold=d.number, label=lambda: d.sure(["score", "$"])),
    ),
)
_plot(
    "plot_series",
    lambda d: (
        (d.values((2, 9, 2)),),
        d.some(
            reconstructions=lambda: d.values((2, 9, 2)),
            names=lambda: _names(d, 2),
            step=d.number,
            unit=lambda: d.sure(["s"]),
        ),
    ),
    strict=False,
)
_plot(
    "plot_piano_roll",
    lambda d: (
        (d.values((2, 9, 3), 0, 1),),
        d.some(
            reconstructions=lambda: d.values((2, 9, 3), 0, 1),
            feature_names=lambda: _names(d, 3),
            names=lambda: _names(d, 2),
        ),
    ),
    strict=False,
)
_plot(
    "plot_history",
    lambda d: (
        ({"loss": d(st.lists(st.floats(0, 9), min_size=1, max_size=4)), "val_loss": [1.0]},),
        {},
    ),
    strict=False,
)
_plot(
    "plot_parallel",
    lambda d: (
        ([{"a": 1, "b": "x"}, {"a": 2.5, "b": "y"}], d.values((2,), 0.1, 2)),
        d.some(measure=lambda: d(["loss"]), lower_is_better=d.flag),
    ),
)
_plot(
    "plot_progress",
    lambda d: (
        (_images(d), _images(d)),
        d.some(samples=lambda: _images(d), title=lambda: d(["epoch 1", ""])),
    ),
    strict=False,
)
_plot("plot_architecture", lambda d: ((d.model(*RECIPES),), {}))
_plot(
    "plot_activations",
    lambda d: (
        (d.model("convolutional", "segmentation", "undercomplete"), _images(d, SHAPE)),
        d.some(maps=d.whole),
    ),
    strict=False,
)
_plot(
    "plot_filters",
    lambda d: (
        (d.model("convolutional", "undercomplete"),),
        d.some(count=d.whole, sort=d.flag, columns=d.whole),
    ),
    strict=False,
)
_plot(
    "plot_code_maps",
    lambda d: (
        (_images(d), d.integers((3, 4, 4), 5)),
        d.some(size=lambda: d([5, 8]), count=d.whole),
    ),
)
_plot(
    "plot_curves",
    lambda d: (
        ({"a": {1: d.number(1, 2), 2: d.values((2,), 0.1, 2)}, "b": d.number(1, 2)},),
        {"xlabel": "x", "ylabel": "y"}
        | d.some(log_x=d.flag, log_y=d.flag, mark=lambda: d([{"a": 1}, {}])),
    ),
)
_plot(
    "plot_segmentations",
    lambda d: (
        (_images(d), d.integers((3, 8, 8), 3), d.integers((3, 8, 8), 3)),
        {"names": d([["a", "b", "c"]])} | d.some(count=d.whole),
    ),
)
_plot(
    "plot_journey",
    lambda d: (
        (
            d([np.zeros((8, 8, 1), np.uint8)], bad_array((8, 8, 1))),
            d.integers((4, 2), 5),
            d([b"abc"]),
            d([np.zeros((8, 8, 1), np.uint8)], bad_array((8, 8, 1))),
        ),
        {"link": d.number(100, 1000)},
    ),
    strict=False,
)


@target("kerasae.plots.Figure and .show_image", batch=4)
def _(draw: Drawing) -> Call:
    figure = plots.Figure(figsize=(2, 2))
    picture = draw.sure(good_images(SHAPE))
    made = np.asarray(picture, np.float32)
    return Call(plots.show_image, (figure.add_subplot(), made), {}, lambda _: _drawn(figure))


@target("kerasae.plots.plot_comparison", batch=4)
def _(draw: Drawing) -> Call:
    picture = np.zeros((2, 8, 8, 1), np.uint8)
    numbers = draw.sure(st.tuples(st.integers(1, 9999), st.floats(9, 60)))
    entries = [Entry(name, numbers[0], 2, numbers[1], 0.9, "", tuple(picture)) for name in "ab"]
    options = {"link": draw.number(100, 1000)}
    return Call(plots.plot_comparison, (entries, entries[:1]), options, _drawn)


@target("kerasae.plots.latent_sliders and .LatentSliders", batch=3, strict=False)
def _(draw: Drawing) -> Call:
    options = draw.some(
        image_or_code=lambda: _images(draw, SHAPE),
        dimensions=lambda: draw([(0,), [0, 1]]),
        span=draw.number,
        steps=lambda: draw.whole(2, 4),
    )
    return Call(
        plots.latent_sliders,
        (draw.model("variational", "undercomplete", "convolutional"),),
        options,
        lambda made: (made.image(), _drawn(made.figure())),
    )
