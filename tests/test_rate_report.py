"""What an evaluation says: comparisons, sentences, files and the plot, from made-up points."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from kerasae import plots
from kerasae.plots import BLUE
from kerasae_export.evaluation import OURS, Evaluation, Point, short_names


def point(codec, size, psnr, *, arrangement="files", ssim=None, ms=1.0, setting="s"):
    return Point(
        arrangement=arrangement,
        codec=codec,
        setting=setting,
        lossless=psnr is None,
        images=10,
        bytes=size,
        bytes_per_image=size / 10,
        bits_per_pixel=8 * size / 640,
        psnr=psnr,
        ssim=1.0 if psnr is None else ssim or 1 - 10 ** (-psnr / 20),
        ms_ssim=None,
        encode_ms=ms,
        decode_ms=ms,
        pictures=(np.zeros((8, 8, 1), np.uint8),),
    )


def curve(codec, sizes, psnrs, **options):
    return [point(codec, s, p, **options) for s, p in zip(sizes, psnrs, strict=True)]


@pytest.fixture
def evaluation():
    """Ours halves JPEG, loses to AVIF by a fifth, and is slower than JPEG."""
    qualities = (24.0, 27.0, 30.0)
    points = [
        *curve(OURS, (100, 200, 400), qualities, ms=2.0),
        *curve("JPEG", (200, 400, 800, 3000), (*qualities, 40.0), ms=0.5),
        *curve("AVIF", (80, 160, 320), qualities, ms=9.0),
        point("PNG", 5000, None),
    ]
    return Evaluation("made up", (8, 8, 1), ("mine",), tuple(points), ("X is left out: no X.",))


def test_bytes_are_compared_at_equal_quality(evaluation):
    jpeg, avif = evaluation.comparisons()
    assert (jpeg.codec, avif.codec) == ("JPEG", "AVIF")
    assert jpeg.bd_rate["psnr"] == pytest.approx(-50, abs=1)  # its fourth point bends its curve
    assert avif.bd_rate["psnr"] == pytest.approx(25)
    assert jpeg.bd_rate["ms_ssim"] is None
    assert [(m.ours, m.theirs) for m in avif.matches] == [(10, 8), (20, 16), (40, 32)]
    assert not any(m.floor for m in avif.matches)


def test_losses_come_first_and_in_words(evaluation):
    said = evaluation.sentences()
    assert said[0] == (
        "One file for each image: kerasae loses to AVIF, bytes an image: at 24.0 dB 10 against 8 "
        "(+25 %); at 27.0 dB 20 against 16 (+25 %); at 30.0 dB 40 against 32 (+25 %)."
    )
    assert "judged by SSIM, kerasae loses to AVIF: +25 % bytes" in said[1]
    text = "\n".join(said)
    assert "kerasae ends at 30.0 dB; others go on (best measured, in dB: JPEG 40.0)" in text
    assert "kerasae cannot be lossless; PNG is, for 500 bytes an image" in text
    assert "kerasae takes 2 ms to encode an image; faster are (ms): JPEG 0.5." in text
    beats = next(i for i, s in enumerate(said) if "beats JPEG" in s)
    assert all("loses" not in s for s in said[beats:])
    assert said[-1] == "X is left out: no X."


def test_a_lowest_setting_is_as_cheap_as_a_codec_gets():
    points = [*curve(OURS, (50, 900), (20.0, 50.0)), *curve("WebP", (200, 400), (24.0, 30.0))]
    evaluation = Evaluation("made up", (8, 8, 1), ("mine",), tuple(points))
    low, high = evaluation.comparisons()[0].matches
    assert (low.theirs, low.floor) == (20, True)
    assert high.theirs is None
    text = "\n".join(evaluation.sentences())
    assert "at 20.0 dB 5 against 20 at its lowest setting, which is better (-75 %)" in text
    assert "kerasae reaches 50.0 dB (90 bytes), which WebP does not" in text


def test_points_that_are_larger_and_worse_are_not_the_curve(evaluation):
    worse = point(OURS, 250, 25.0, setting="worse")
    more = Evaluation("made up", (8, 8, 1), ("mine",), (*evaluation.points, worse))
    assert [p.bytes for p in more.best("files", OURS)] == [100, 200, 400]
    assert more.comparisons() == evaluation.comparisons()


def test_json_and_csv_hold_every_point(evaluation):
    content = json.loads(evaluation.to_json())
    assert content["bundles"] == ["mine"]
    assert len(content["points"]) == len(evaluation.points)
    assert content["points"][-1]["psnr"] is None
    assert content["comparisons"][1]["bd_rate"]["psnr"] == pytest.approx(25)
    assert content["sentences"] == evaluation.sentences()
    rows = list(csv.DictReader(io.StringIO(evaluation.to_csv())))
    assert [int(row["bytes"]) for row in rows] == [p.bytes for p in evaluation.points]
    assert "pictures" not in rows[0]


def test_the_plot_draws_each_curve_and_names_it(evaluation):
    together = curve("JPEG", (100, 200), (24.0, 30.0), arrangement="together")
    both = Evaluation("made up", (8, 8, 1), ("mine",), (*evaluation.points, *together))
    figure = plots.plot_rate_distortion(both)
    assert len(figure.axes) == 4
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    names = {t.get_text(): t for t in axes.texts}
    assert {OURS, "JPEG", "AVIF"} <= set(names)
    assert any("PNG  500" in name for name in names)
    ours = next(
        line for line in axes.lines if line.get_color() == BLUE and len(line.get_xdata()) > 2
    )
    np.testing.assert_allclose(ours.get_xdata(), [10, 20, 40])
    assert axes.get_ylim()[0] < 24 < 40 < axes.get_ylim()[1]
    with pytest.raises(ValueError, match="`evaluation` must have a point or more"):
        plots.plot_rate_distortion(Evaluation("made up", (8, 8, 1), ("mine",), ()))


def test_bundles_are_named_by_what_tells_them_apart():
    assert short_names(["/a/b/low", "/a/b/high"]) == ["low", "high"]
    assert short_names(["/a/one/bundle", "/a/two/bundle"]) == ["one/bundle", "two/bundle"]
