"""The journey's picture says what was sent."""

from __future__ import annotations

import numpy as np
import pytest

from kerasae import plots


@pytest.mark.parametrize("channels", [1, 3])
def test_the_journey_shows_image_code_file_and_what_arrives(rng, channels):
    image = rng.integers(0, 256, (8, 8, channels), dtype=np.uint8)
    received = image ^ 16
    figure = plots.plot_journey(image, [[3, -1], [0, 7]], b"\xf0\x01abc", received, link=80)
    first, code, file, last = figure.axes
    assert first.get_title() == f"image: {64 * channels} bytes, {6.4 * channels:.3g} s"
    assert [bar.get_height() for bar in code.patches] == [3, -1, 0, 7]
    assert file.get_title() == "file: 5 bytes, 0.5 s"
    bits = np.asarray(file.images[0].get_array()).ravel()
    np.testing.assert_array_equal(bits[:16], [0] * 4 + [1] * 4 + [1] * 7 + [0])
    assert (bits[40:] == 0.8).all()
    assert last.get_title() == "rebuilt: 24.0 dB"
    np.testing.assert_allclose(last.images[0].get_array(), received.squeeze() / 255)


def test_an_image_that_arrives_unchanged_has_no_error(rng):
    image = rng.integers(0, 256, (8, 8, 1), dtype=np.uint8)
    figure = plots.plot_journey(image, [1], b"a", image, link=9600)
    assert figure.axes[3].get_title() == "rebuilt: no error"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"received": np.zeros((8, 9, 1), np.uint8)}, r"`received` must be an image.*\(8, 9, 1\)"),
        ({"original": np.zeros((8, 8, 1))}, "`original` must be an image"),
        ({"data": b""}, "`symbols` and `data` must not be empty.*1 symbols, 0 bytes"),
        ({"link": 0}, "`link` must be a number above 0"),
    ],
)
def test_bad_arguments_give_one_sentence(options, message):
    image = np.zeros((8, 8, 1), np.uint8)
    arguments = {"original": image, "symbols": [1], "data": b"a", "received": image, "link": 9600}
    with pytest.raises(ValueError, match=message):
        plots.plot_journey(**(arguments | options))
