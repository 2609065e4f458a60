"""Figures hold what they claim; how they look was judged by eye."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kerasae import plots
from kerasae_export.comparison import Entry


def test_the_history_marks_its_best_epoch():
    figure = plots.plot_history({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.5, 2.5]})
    (axes,) = figure.axes
    best = axes.lines[-1]
    assert (best.get_xdata().item(), best.get_ydata().item()) == (2, 1.5)
    assert axes.get_xlabel() == "epoch"
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["training", "validation"]


@pytest.mark.parametrize("channels", [1, 3])
def test_reconstructions_come_with_their_differences(rng, channels):
    images = rng.random((6, 8, 10, channels))
    figure = plots.plot_reconstructions(images, images, count=4)
    assert len(figure.axes) == 12
    shown = [axes.images[0].get_array() for axes in figure.axes]
    np.testing.assert_allclose(shown[0], images[0].squeeze())
    np.testing.assert_allclose(shown[8], 0.5)  # no difference is grey
    assert figure.axes[8].get_ylabel() == "difference x4"


@pytest.mark.parametrize("many", [False, True])
def test_a_comparison_shows_each_codec(rng, many):
    count = 20 if many else 1
    pictures = tuple(rng.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8))
    entries = [
        Entry("raw", 64 * count, count, math.inf, 1.0, "", pictures),
        Entry("PNG", 90 * count, count, math.inf, 1.0, "", pictures),
        Entry("JPEG", 30 * count, count, 25.0, 0.9, "", pictures),
        Entry("kerasae", 15 * count, count, 26.0, 0.9, "", pictures),
    ]
    figure = plots.plot_comparison(entries, entries if many else [], link=9600)
    bars = figure.axes[3 if many else 6 :]
    assert len(bars) == (2 if many else 1)
    widths = [bar.get_width() for bar in bars[0].patches]
    assert widths == [64, 90, 30, 15]
    assert "26.0 dB" in bars[0].texts[-1].get_text()
    assert "0.0125 s" in bars[0].texts[-1].get_text()
