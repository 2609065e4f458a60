"""Pictures of sequences hold what they claim; how they look was judged by eye."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

import kerasae
from kerasae import plots


@pytest.fixture(scope="module")
def melodies() -> kerasae.Sequences:
    return kerasae.load_sequences("melodies", limit=10)


def drawn_notes(axes) -> list[tuple[int, int, int]]:
    """Onset, duration and row of the bars in axes."""
    boxes = [p for p in axes.patches if type(p).__name__ == "FancyBboxPatch"]
    return [
        (round(b.get_x() - 0.08), round(b.get_width() + 0.16), round(b.get_y() + 0.38))
        for b in boxes
    ]


def test_a_piano_roll_shows_notes_holds_rests_and_mistakes():
    names = ("C4", "D4", "hold", "rest")
    original = np.eye(4)[[0, 2, 3, 2, 1, 2, 2, 0]]
    rebuilt = np.eye(4)[[0, 2, 3, 3, 1, 0, 2, 0]]
    figure = plots.plot_piano_roll(original[None], rebuilt[None], feature_names=names)
    above, below = figure.axes
    assert drawn_notes(above) == [(0, 2, 0), (4, 3, 1), (7, 1, 0)]
    assert drawn_notes(below) == [(0, 2, 0), (4, 1, 1), (5, 2, 0), (7, 1, 0)]
    rests = [line.get_xdata()[0] for line in above.lines]
    assert rests == pytest.approx([2.1, 3.1])  # a hold after a rest is silent
    shaded = [p.get_x() for p in below.patches if isinstance(p, Rectangle)]
    assert shaded == [5, 6]
    assert [t.get_text() for t in above.get_yticklabels()] == ["C4"]


def test_a_piano_roll_without_symbols_takes_what_is_above_a_half():
    values = np.array([[[0.9, 0.1], [0.6, 0.7], [0.2, 0.8]]])
    (axes,) = plots.plot_piano_roll(values, names=["a"]).axes
    assert drawn_notes(axes) == [(0, 2, 0), (1, 2, 1)]
    assert axes.get_title(loc="left") == "a"


def test_melodies_stand_above_their_reconstructions(melodies):
    figure = plots.plot_piano_roll(
        melodies.test[:3], melodies.test[:3], feature_names=melodies.feature_names
    )
    seen = [axes for axes in figure.axes if axes.get_visible()]
    assert len(seen) == 6
    for values in melodies.test[:3]:
        onsets = np.flatnonzero(values[:, :25].any(axis=1))
        same = [a for a in seen if [n[0] for n in drawn_notes(a)] == list(onsets)]
        assert len(same) == 2
    assert not any(isinstance(p, Rectangle) for axes in seen for p in axes.patches)


def test_series_share_the_scale_of_their_errors(rng):
    series = rng.random((3, 20, 2))
    rebuilt = series + np.array([0.1, 0.2, 0.4])[:, None, None]
    figure = plots.plot_series(series, rebuilt, names=["a", "b", "c"], step=0.5, unit="seconds")
    seen = [axes for axes in figure.axes if axes.get_visible()]
    assert len(seen) == 6
    above = [axes for axes in seen if axes.lines]
    assert [axes.get_title(loc="left") for axes in above] == ["a", "b", "c"]
    np.testing.assert_allclose(above[1].lines[3].get_ydata(), rebuilt[1, :, 1])
    np.testing.assert_allclose(above[0].lines[0].get_xdata(), 0.5 * np.arange(20))
    below = [axes for axes in seen if axes.collections]
    np.testing.assert_allclose([axes.get_ylim()[1] for axes in below], 3 * [1.05 * 0.16])
    heights = [axes.collections[0].get_paths()[0].vertices[:, 1].max() for axes in below]
    np.testing.assert_allclose(heights, [0.01, 0.04, 0.16])


def test_sequences_of_another_shape_are_refused(rng):
    x = rng.random((2, 8, 3))
    for draw in (plots.plot_piano_roll, plots.plot_series):
        with pytest.raises(
            ValueError, match="`(sequences|series)` must be an array \\(n, length, features\\)"
        ):
            draw(x[0])
        with pytest.raises(ValueError, match="`reconstructions` must have the shape \\(2, 8, 3\\)"):
            draw(x, x[:1])
        with pytest.raises(ValueError, match="`names` must hold one value for each of the 2"):
            draw(x, names=["a"])
    with pytest.raises(ValueError, match="`feature_names` must hold one value for each of the 3"):
        plots.plot_piano_roll(x, feature_names=["C4"])
