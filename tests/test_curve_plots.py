"""Curves of a sweep hold what they claim, and their names stay apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from kerasae import plots


def test_lines_bands_levels_and_names():
    figure = plots.plot_curves(
        {"codes": {10: [0.5, 0.7], 2: 0.4}, "pixels": {2: 0.3, 10: 0.5}, "chance": 0.1},
        xlabel="labels",
        ylabel="accuracy",
        mark={"pixels": 10},
    )
    (axes,) = figure.axes
    codes, pixels, ring, chance = axes.lines
    np.testing.assert_allclose(codes.get_xydata(), [[2, 0.4], [10, 0.6]])  # sorted, and the mean
    np.testing.assert_allclose(pixels.get_xydata(), [[2, 0.3], [10, 0.5]])
    np.testing.assert_allclose(ring.get_xydata(), [[10, 0.5]])
    np.testing.assert_allclose(chance.get_ydata(), 0.1)
    (band,) = axes.collections  # where a setting has several values
    heights = {tuple(np.round(p, 6)) for p in band.get_paths()[0].vertices}
    assert {(2, 0.4), (10, 0.5), (10, 0.7)} <= heights
    assert [text.get_text() for text in axes.texts] == ["codes", "pixels", "chance"]
    assert axes.texts[0].get_color() == codes.get_color() != pixels.get_color()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("labels", "accuracy")
    assert [t.get_text() for t in axes.get_xticklabels()] == ["2", "10"]


def test_logarithmic_axes_say_so_and_have_a_tick_at_each_setting():
    figure = plots.plot_curves(
        {"error": {2: 50.0, 10: 27.0, 1000: 4.0}},
        xlabel="code size",
        ylabel="squared error",
        log_x=True,
        log_y=True,
    )
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "code size (log scale)"
    assert axes.get_ylabel() == "squared error (log scale)"
    assert [t.get_text() for t in axes.get_xticklabels()] == ["2", "10", "1,000"]


def test_settings_that_nearly_coincide_share_a_tick_and_many_have_matplotlibs():
    axes = plots.plot_curves({"a": {1: 1.0, 1.01: 2.0, 9: 3.0}}, xlabel="x", ylabel="y").axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "9"]
    many = {x: float(x) for x in range(40)}
    axes = plots.plot_curves({"a": many}, xlabel="x", ylabel="y").axes[0]
    assert len(axes.get_xticks()) < 15


@pytest.mark.parametrize("log_y", [False, True])
def test_names_do_not_lie_over_each_other_nor_outside_the_figure(log_y):
    curves = {f"series {i}": {1: 1.0, 2: 2.0 + 1e-3 * i} for i in range(6)}
    figure = plots.plot_curves(curves, xlabel="x", ylabel="y", log_y=log_y)
    figure.draw_without_rendering()
    boxes = sorted((t.get_window_extent() for t in figure.axes[0].texts), key=lambda b: b.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))
    assert all(figure.bbox.y0 <= box.y0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("curves", "options", "message"),
    [
        ({}, {}, "`curves` must hold a series"),
        ({"level": 1.0}, {}, "`curves` must hold a series"),
        ({"a": {}}, {}, "`curves` must map each name"),
        ({"a": {1: []}}, {}, "`curves` must map each name"),
        ({"a": {1: [[1.0]]}}, {}, "`curves` must map each name"),
        ({"a": {1: float("nan")}}, {}, "`curves` must map each name"),
        ({"a": {float("inf"): 1.0}}, {}, "`curves` must map each name"),
        ({"a": {0: 1.0}}, {"log_x": True}, "above 0 along a logarithmic axis"),
        ({"a": {1: 1.0}, "level": 0.0}, {"log_y": True}, "above 0 along a logarithmic axis"),
        ({"a": {1: 1.0}}, {"mark": {"b": 1}}, "`mark` must name a series"),
        ({"a": {1: 1.0}}, {"mark": {"a": 2}}, "`mark` must name a series"),
        ({"a": {1: 1.0}}, {"mark": {"a": np.ones(2)}}, "`mark` must name a series"),
        ({"a": {1: 1.0}}, {"mark": {"a": [1]}}, "`mark` must name a series"),
        ({"a": {1: 1.0}}, {"mark": np.array([1, 2])}, "`mark` must be a dict"),
        ({"a": {"x": 1.0}}, {}, "`curves` must map each name"),
        ({"a": {None: 1.0}}, {}, "`curves` must map each name"),
        ({"a": {1j: 1.0}}, {}, "`curves` must map each name"),
        ({"a": {True: 1.0, (1, 2): 2.0}}, {}, "`curves` must map each name"),
    ],
)
def test_what_cannot_be_drawn_is_refused(curves, options, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_curves(curves, xlabel="x", ylabel="y", **options)
