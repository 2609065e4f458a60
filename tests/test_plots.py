"""Figures hold what they claim; how they look was judged by eye."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import keras
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

import kerasae
from kerasae import plots
from kerasae_export.evaluation.comparison import Entry


def test_the_history_marks_its_best_epoch():
    figure = plots.plot_history({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.5, 2.5]})
    (axes,) = figure.axes
    best = axes.lines[-1]
    assert (best.get_xdata().item(), best.get_ydata().item()) == (2, 1.5)
    assert axes.get_xlabel() == "epoch"
    assert figure._repr_png_().startswith(b"\x89PNG")
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["training", "validation", "best: 1.5"]


def test_a_part_that_never_moves_has_no_panel():
    figure = plots.plot_history(
        {"loss": [3.0, 2.0], "beta": [1.0, 1.0], "kl": [0.5, 0.7], "val_beta": [1.0, 1.0]}
    )
    assert [axes.get_title(loc="left") for axes in figure.axes[1:]] == ["kl"]


def test_the_learning_rate_has_a_strip_under_the_loss_on_the_same_epochs():
    history = {"loss": [3.0, 2.0, 1.5], "kl": [0.0, 1.0, 2.0], "learning_rate": [1e-3, 5e-4, 0.0]}
    figure = plots.plot_history(history)
    loss, part, rate = figure.axes
    assert (loss.get_ylabel(), part.get_title(loc="left")) == ("loss", "kl")
    assert rate.get_ylabel() == "learning\nrate"
    np.testing.assert_array_equal(rate.lines[0].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), [1e-3, 5e-4, 0.0])
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in (loss, rate, part)]
    assert boxes[0].y0 > boxes[1].y1 > boxes[1].y0 > boxes[2].y1
    assert boxes[1].height < boxes[0].height / 3
    assert (boxes[0].x0, boxes[0].x1) == (boxes[1].x0, boxes[1].x1)
    assert loss.get_xlim() == rate.get_xlim()


@pytest.mark.parametrize("rates", [[1e-3, 1e-3], [1e-3]])
def test_a_rate_that_never_moves_has_no_strip(rates):
    figure = plots.plot_history({"loss": [3.0, 2.0][: len(rates)], "learning_rate": rates})
    assert len(figure.axes) == 1


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
    together = [replace(entry, bytes=entry.bytes // 4) for entry in entries] if many else []
    figure = plots.plot_comparison(entries, together, link=9600)
    bars = figure.axes[3 if many else 6 :]
    assert len(bars) == (2 if many else 1)
    widths = [bar.get_width() for bar in bars[0].patches]
    assert widths == [64, 90, 30, 15]
    assert "26.0 dB" in bars[0].texts[-1].get_text()
    assert bars[0].texts[0].get_text() == " 64 B, 0.053 s, lossless"
    assert {axes.get_xlim() for axes in bars} == {(15 / (16 if many else 4), 90 * 30)}


def test_the_parts_of_a_loss_have_panels_of_their_own():
    history = {
        "loss": [3.0, 2.0, 1.5, 1.0],
        "val_loss": [2.5, 1.2],  # every second epoch
        "kl": [0.0, 1.0, 2.0, 3.0],
        "val_kl": [1.1, 3.1],
        "beta": [0.1, 0.2, 0.3, 0.4],
        "val_psnr": [20.0, 21.0],
    }
    figure = plots.plot_history(history)
    loss, *panels = figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == ["kl", "beta", "psnr"]
    assert loss.get_ylabel() == "loss"
    drawn = [[list(line.get_ydata()) for line in axes.lines] for axes in panels]
    assert drawn == [[history["kl"], history["val_kl"]], [history["beta"]], [history["val_psnr"]]]
    assert list(panels[0].lines[1].get_xdata()) == [2, 4]
    # Training and validation keep their colours, also where one of them is missing.
    assert panels[2].lines[0].get_color() == loss.lines[1].get_color() == plots.ORANGE
    with pytest.raises(ValueError, match=r"`history` must have the loss.*Received: \['kl'\]"):
        plots.plot_history({"kl": [1.0]})


@pytest.mark.parametrize("best", [0, 4])
@pytest.mark.parametrize("gap", [-0.3, 0.0, 0.3])
def test_no_curve_runs_through_the_value_of_the_best_epoch(best, gap):
    losses = np.array([1.0 + abs(i - best) for i in range(5)])
    figure = plots.plot_history({"loss": losses + gap, "val_loss": losses})
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert not axes.texts
    box, room = axes.get_legend().get_window_extent(), axes.get_window_extent()
    assert room.x0 < box.x0 < box.x1 < figure.bbox.x1
    for line in axes.lines:
        assert not line.get_path().transformed(line.get_transform()).intersects_bbox(box)


def test_reconstructions_of_another_shape_are_refused(rng):
    with pytest.raises(ValueError, match=r"`reconstructions` must have the shape.*\(3, 8, 8, 1\)"):
        plots.plot_reconstructions(rng.random((4, 8, 8, 1)), rng.random((3, 8, 8, 1)))


def points_of(figure: plots.Figure) -> np.ndarray:
    offsets = [np.asarray(c.get_offsets()) for c in figure.axes[0].collections]
    return np.concatenate([o for o in offsets if o.size])


def in_order(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(points.T)]


def test_principal_components_agree_with_an_svd(rng):
    codes = rng.normal(size=(40, 3, 2)) * [[5, 1], [0.5, 3], [0.1, 0.2]] + 7
    figure = plots.plot_codes(codes)
    centred = codes.reshape(40, 6) - codes.reshape(40, 6).mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    points, expected = points_of(figure), (u * s)[:, :2]
    for axis in (0, 1):  # the sign of a component is arbitrary
        one, other = np.sort(points[:, axis]), expected[:, axis]
        assert min(np.abs(one - np.sort(sign * other)).max() for sign in (1, -1)) < 1e-9
    shares = s**2 / (s**2).sum()
    assert figure.axes[0].get_xlabel() == f"principal component 1 ({shares[0]:.0%} of the variance)"
    assert f"({shares[1]:.0%} of" in figure.axes[0].get_ylabel()


@pytest.mark.parametrize("method", ["pca", "tsne", None])
def test_codes_of_two_values_are_drawn_as_they_are(rng, method):
    codes = rng.normal(size=(20, 2))
    figure = plots.plot_codes(codes, method=method)
    np.testing.assert_array_equal(in_order(points_of(figure)), in_order(codes))


def test_tsne_keeps_clusters_apart_and_repeats_itself(rng):
    labels = np.arange(24) % 2
    codes = rng.normal(size=(24, 5)) + 20 * labels[:, None]
    figure, again = (plots.plot_codes(codes, labels=labels, method="tsne") for _ in range(2))
    np.testing.assert_array_equal(points_of(figure), points_of(again))
    one, other = (np.asarray(c.get_offsets()) for c in figure.axes[0].collections[:2])
    between = np.linalg.norm(one[:, None] - other, axis=-1).min()
    assert between > max(np.linalg.norm(c - c.mean(axis=0), axis=1).max() for c in (one, other))
    assert figure.axes[0].get_title(loc="left") == "t-SNE, perplexity 7.67"  # not 30 of 24


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_collapsed_code_is_one_point(method):
    figure = plots.plot_codes(np.ones((6, 3)), method=method)
    assert np.isfinite(points_of(figure)).all()
    figure.draw_without_rendering()


def test_classes_have_names_and_keep_their_colours(rng):
    codes, names = rng.normal(size=(30, 2)), [f"class {i}" for i in range(12)]
    few, many = np.array([3, 11] * 15), np.arange(30) % 12

    def legend(labels: np.ndarray, **options: object) -> dict:
        figure = plots.plot_codes(codes, labels=labels, **options)
        keys = figure.axes[0].get_legend()
        handles = zip(keys.get_texts(), keys.legend_handles, strict=True)
        return {
            text.get_text(): (tuple(handle.get_facecolor()[0]), len(handle.get_paths()[0].vertices))
            for text, handle in handles
        }

    every = legend(many, class_names=names)
    assert list(every) == names
    assert len(set(every.values())) == 12
    assert legend(few, class_names=names) == {name: every[name] for name in ("class 3", "class 11")}
    assert list(legend(np.array(["b", "a"] * 15))) == ["a", "b"]


def test_thumbnails_do_not_overlap_and_lie_on_their_points(rng):
    codes, images = rng.normal(size=(300, 2)), rng.random((300, 6, 9, 1))
    figure = plots.plot_codes(codes, images=images, labels=np.arange(300) % 3)
    figure.draw_without_rendering()
    shown = figure.axes[0].images
    assert len(shown) > 30
    boxes = [picture.get_window_extent() for picture in shown]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert box.height / box.width == pytest.approx(6 / 9, rel=1e-3)  # not stretched
    room = figure.axes[0].get_window_extent()
    for picture in shown:
        left, right, bottom, top = picture.get_extent()
        middle = np.array([(left + right) / 2, (bottom + top) / 2])
        nearest = np.abs(codes - middle).sum(axis=1).argmin()
        np.testing.assert_allclose(codes[nearest], middle, atol=1e-9)
        np.testing.assert_allclose(picture.get_array(), images[nearest].squeeze())
        x0, y0 = figure.axes[0].transData.transform((left, bottom))
        assert room.contains(x0 + 0.01, y0 + 0.01)
    # None could have been added: each point has a thumbnail closer than a box.
    width, height = right - left, top - bottom
    centres = np.array([p.get_extent() for p in shown]).reshape(-1, 2, 2).mean(axis=2)
    apart = np.abs(codes[:, None] - centres) / (1.15 * np.array([width, height]))
    assert (apart < 1).all(axis=2).any(axis=1).all()


@pytest.mark.parametrize("pictures", [False, True])
def test_the_cloud_of_codes_fills_its_axes_without_a_note(rng, caplog, pictures):
    points = rng.normal(size=(40, 2)) * [5, 1]
    images = rng.random((40, 8, 8, 1)) if pictures else None
    figure = plots.plot_codes(points, labels=np.arange(40) % 2, images=images)
    figure.draw_without_rendering()
    assert not caplog.records
    (axes,) = figure.axes
    for k, (low, high) in enumerate((axes.get_xlim(), axes.get_ylim())):
        assert low < points[:, k].min()
        assert high > points[:, k].max()
    assert np.diff(axes.get_xlim()) < 1.3 * np.ptp(points[:, 0])


def test_maps_have_a_panel_each_and_one_legend(rng):
    maps = {"one": rng.normal(size=(30, 2)), "two\nlines": rng.normal(size=(30, 2)) * [5, 1]}
    figure = plots.plot_maps(maps, labels=np.arange(30) % 3, class_names=("a", "b", "c"), columns=2)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(maps)
    assert [text.get_text() for text in figure.legends[0].texts] == ["a", "b", "c"]
    for axes, points in zip(figure.axes, maps.values(), strict=True):
        drawn = np.concatenate([c.get_offsets() for c in axes.collections])
        np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(points, axis=0))
        assert axes.get_aspect() == 1
    assert not plots.plot_maps({"alone": maps["one"]}).legends


@pytest.mark.parametrize(
    ("maps", "options", "message"),
    [
        ({}, {}, "`maps` must hold at least one map"),
        ({"a": np.zeros((4, 2)), "b": np.zeros((5, 2))}, {}, "the same number of points"),
        ({"a": np.zeros((4, 3))}, {}, "points of 3 values"),
        ({"a": np.zeros((4, 2))}, {"columns": 0}, "`columns` must be a positive integer"),
        ({"a": np.zeros((4, 2))}, {"labels": [1, 2]}, "`labels` must be one for each"),
    ],
)
def test_bad_maps_give_one_sentence(maps, options, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_maps(maps, **options)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"codes": np.zeros((5, 1))}, "`codes` must hold at least two codes of at least two"),
        ({"codes": np.zeros((0, 4))}, r"`codes` must hold.*Received: shape=\(0, 4\)"),
        ({"codes": np.full((5, 3), np.nan)}, "`codes` must be finite. Received: 15 values"),
        ({"codes": np.zeros((3, 3)), "method": "tsne"}, "`codes` must be at least four for t-SNE"),
        ({"method": "umap"}, "`method` must be 'pca', 'tsne' or None. Received: method='umap'"),
        ({"method": None}, "`method` must be 'pca' or 'tsne' for codes of more than two"),
        ({"perplexity": 0}, "`perplexity` must be a number above 0"),
        ({"thumbnail": 1.5}, "`thumbnail` must be a number above 0 and below 1"),
        ({"labels": [1, 2]}, r"`labels` must be one for each of the 5 codes. Received: shape=\(2,"),
        (
            {"labels": [0, 1, 2, 3, 4], "class_names": ["a", "b"]},
            "`class_names` must hold a name for",
        ),
        ({"images": np.zeros((4, 8, 8, 1))}, "`images` must be as many as the codes, 5. Received"),
        ({"images": np.zeros((5, 8, 8))}, r"`images` must hold images, an array \(n, height"),
    ],
)
def test_bad_arguments_of_the_code_plot(wrong, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_codes(**{"codes": np.eye(5), **wrong})


def tile(figure: plots.Figure, row: int, column: int, size: tuple[int, int], gap: int):
    """The pixels of one image in a figure's only picture."""
    (axes,) = figure.axes
    (picture,) = axes.images
    top, left = row * (size[0] + gap), column * (size[1] + gap)
    return np.asarray(picture.get_array())[top : top + size[0], left : left + size[1]]


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_lie_row_after_row(rng, channels):
    images = rng.random((7, 4, 6, channels))
    figure = plots.plot_samples(images, columns=3)
    for i in range(7):
        np.testing.assert_allclose(tile(figure, i // 3, i % 3, (4, 6), 1), images[i].squeeze())
    assert (tile(figure, 2, 1, (4, 6), 1) == 1).all()  # white where there is none
    whole = np.asarray(figure.axes[0].images[0].get_array())
    assert whole.shape[:2] == (3 * 5 - 1, 3 * 7 - 1)
    assert (whole[4] == 1).all()


def test_interpolations_have_a_row_each(rng):
    images = rng.random((2, 5, 4, 4, 1))
    figure = plots.plot_samples(images, labels=["1 to 7", "2 to 3"])
    np.testing.assert_allclose(tile(figure, 1, 4, (4, 4), 1), images[1, 4].squeeze())
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["1 to 7", "2 to 3"]


def test_traversals_have_a_row_for_each_dimension(rng):
    grid = rng.random((3, 7, 8, 8, 1))
    values = np.linspace(-3, 3, 7)
    figure = plots.plot_traversals(grid, labels=["z0, KL 2.1", "z4, KL 1.0", "z1"], values=values)
    (axes,) = figure.axes
    for row in range(3):
        np.testing.assert_allclose(tile(figure, row, 6, (8, 8), 1), grid[row, 6].squeeze())
    assert [t.get_text() for t in axes.get_yticklabels()] == ["z0, KL 2.1", "z4, KL 1.0", "z1"]
    shown = {t.get_position()[0]: t.get_text() for t in axes.get_xticklabels()}
    assert shown[3.5] == "−3"
    assert shown[3.5 + 6 * 9] == "3"
    assert axes.get_xlabel() == "value of the dimension"
    moved = plots.plot_traversals(grid, values=values, xlabel="moved by")
    assert moved.axes[0].get_xlabel() == "moved by"


def test_the_manifold_is_seamless_and_its_axes_carry_the_code(rng):
    grid = rng.random((2, 3, 5, 4, 3))
    figure = plots.plot_manifold(grid, rows=[1.5, -1.5], columns=[-1, 0, 1], labels=("z2", "z1"))
    (axes,) = figure.axes
    for row in range(2):
        for column in range(3):
            np.testing.assert_allclose(tile(figure, row, column, (5, 4), 0), grid[row, column])
    assert [t.get_text() for t in axes.get_yticklabels()] == ["1.5", "−1.5"]
    assert list(axes.get_yticks()) == [2, 7]  # the middles of the tiles
    assert [t.get_text() for t in axes.get_xticklabels()] == ["−1", "0", "1"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("z2", "z1")
    assert not len(plots.plot_manifold(grid).axes[0].get_xticks())


def test_many_values_at_an_axis_are_thinned_and_do_not_overlap():
    grid = np.zeros((30, 30, 8, 8, 1))
    values = np.linspace(-2.1234, 2.1234, 30)
    for figure in (
        plots.plot_manifold(grid, rows=values, columns=values),
        plots.plot_traversals(grid, values=values),
    ):
        figure.draw_without_rendering()
        for texts in (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()):
            boxes = [text.get_window_extent() for text in texts]
            assert len(boxes) > 2
            assert not any(one.overlaps(two) for one, two in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: plots.plot_samples(g[0, 0]), r"`images` must hold images, an array \(n, height"),
        (lambda g: plots.plot_samples(g[0], columns=0), "`columns` must be a positive integer"),
        (lambda g: plots.plot_samples(g, labels=["a"]), "`labels` must hold one value for each of"),
        (lambda g: plots.plot_samples(g[:, :0]), r"`images` must hold images.*\(2, 0, 4, 4, 1\)"),
        (lambda g: plots.plot_traversals(g[0]), r"`grid` must hold images, an array \(dimensions"),
        (lambda g: plots.plot_traversals(g, values=[1]), "`values`.*of the 3 columns. Received: 1"),
        (lambda g: plots.plot_manifold(g[..., [0, 0]]), r"`grid` must hold images.*4, 4, 2\)"),
        (
            lambda g: plots.plot_manifold(g, rows=[1]),
            "`rows` must hold one value for each of the 2",
        ),
    ],
)
def test_bad_grids_give_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((2, 3, 4, 4, 1)))


@pytest.fixture(scope="module")
def dense() -> keras.Model:
    return kerasae.build_undercomplete(input_shape=(5, 4, 1), code_size=3, hidden=(6,))


@pytest.fixture(scope="module")
def convolutional() -> keras.Model:
    return kerasae.build_convolutional(
        input_shape=(12, 12, 3), code_size=3, hidden=(6, 4), kernel_size=5
    )


def scaled(filters: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * filters / np.abs(filters).max(axis=(1, 2, 3), keepdims=True)


def test_dense_filters_take_the_shape_of_the_image(dense):
    kernel = np.asarray(dense.get_layer("encoder").get_layer("encode_1").get_weights()[0])
    expected = scaled(kernel.T.reshape(6, 5, 4, 1))
    for figure in (
        plots.plot_filters(dense, columns=4),
        plots.plot_filters(kernel, image_shape=(5, 4, 1), columns=4),
    ):
        for i in range(6):
            drawn = tile(figure, i // 4, i % 4, (5, 4), 1)
            np.testing.assert_allclose(drawn, expected[i].squeeze(), atol=1e-6)
    kernel = np.asarray(dense.get_layer("decoder").get_layer("pixels").get_weights()[0])
    figure = plots.plot_filters(dense, layer="pixels")  # what a unit paints
    expected = scaled(kernel.reshape(6, 5, 4, 1))
    np.testing.assert_allclose(tile(figure, 0, 5, (5, 4), 1), expected[5].squeeze(), atol=1e-6)


@pytest.mark.parametrize(("layer", "part"), [(None, "encoder"), ("pixels", "decoder")])
def test_filters_of_convolutions_are_patches_in_colour(convolutional, layer, part):
    name = layer or "encode_1"
    kernel = np.asarray(convolutional.get_layer(part).get_layer(name).get_weights()[0])
    figure = plots.plot_filters(convolutional, layer=layer, count=4)
    assert kernel.shape == (5, 5, 3, 6)
    expected = scaled(kernel.transpose(3, 0, 1, 2))
    for i in range(4):
        np.testing.assert_allclose(tile(figure, 0, i, (5, 5), 1), expected[i], atol=1e-6)
    assert figure.axes[0].get_title(loc="left") == f"4 of 6 filters of the layer '{name}'"


def test_filters_are_sorted_by_their_norm_and_dead_ones_are_grey():
    kernel = np.zeros((4, 3))
    kernel[:, 0], kernel[:, 2] = 0.1, [1, -1, 2, 0]
    figure = plots.plot_filters(kernel, image_shape=(2, 2, 1), sort=True)
    np.testing.assert_allclose(tile(figure, 0, 0, (2, 2), 1), [[0.75, 0.25], [1, 0.5]])
    np.testing.assert_allclose(tile(figure, 0, 1, (2, 2), 1), 1)
    np.testing.assert_allclose(tile(figure, 0, 2, (2, 2), 1), 0.5)


def test_layers_without_pixels_are_refused(dense, convolutional):
    with pytest.raises(
        ValueError, match="one of encode_1, code, decode_1, pixels. Received: .*'x'"
    ):
        plots.plot_filters(dense, layer="x")
    with pytest.raises(ValueError, match="`layer` must name a layer with a kernel.*'flatten'"):
        plots.plot_filters(dense, layer="flatten")
    with pytest.raises(ValueError, match=r"whose inputs are the pixels.*'code' with.*\(6, 3\)"):
        plots.plot_filters(dense, layer="code")
    with pytest.raises(ValueError, match=r"whose outputs are the pixels.*'decode_2'"):
        plots.plot_filters(convolutional, layer="decode_2")
    with pytest.raises(ValueError, match="`image_shape` must be given for a dense kernel"):
        plots.plot_filters(np.zeros((16, 3)))
    with pytest.raises(ValueError, match=r"`model_or_kernel` must be a kernel.*\(16, 3\)"):
        plots.plot_filters(np.zeros((16, 3)), image_shape=(4, 5, 1))
    with pytest.raises(ValueError, match="`count` must be a positive integer. Received: count=0"):
        plots.plot_filters(dense, count=0)


def several_outputs() -> keras.Model:
    """An encoder with two outputs that together are the code, and layers around it."""
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Flatten(name="flatten")(image)
    heads = [keras.layers.Dense(4, name=name)(x) for name in ("mean", "log_variance")]
    encoder = keras.Model(image, heads, name="encoder")
    code = keras.Input((4,), name="code")
    x = keras.layers.Dense(64, name="a_layer_with_a_rather_long_name")(code)
    logits = keras.layers.Reshape((8, 8, 1), name="logits")(x)
    reconstruction = keras.layers.Activation("sigmoid", name="reconstruction")(logits)
    decoder = keras.Model(code, [reconstruction, logits], name="decoder")
    image = keras.Input((8, 8, 1), name="image")
    mean, log_variance = encoder(image)
    code = keras.layers.Add(name="sampling")([mean, log_variance])
    bound = keras.layers.Rescaling(1.0, name="bound")(decoder(code)[0])
    counted = keras.layers.PReLU(trainable=False, name="counted")(bound)
    return keras.Model(image, counted, name="several")


def skips() -> keras.Model:
    """A decoder that takes the code and a feature map of the encoder."""
    image = keras.Input((8, 8, 3), name="image")
    early = keras.layers.Conv2D(4, 3, padding="same", name="early")(image)
    x = keras.layers.MaxPooling2D(name="pool")(early)
    encoder = keras.Model(
        image, [keras.layers.Conv2D(2, 1, name="bridge")(x), early], name="encoder"
    )
    code, skip = (keras.Input(t.shape[1:], name=f"in_{i}") for i, t in enumerate(encoder.outputs))
    x = keras.layers.UpSampling2D(name="up")(code)
    x = keras.layers.Concatenate(name="join")([x, skip])
    decoder = keras.Model([code, skip], keras.layers.Conv2D(3, 1, name="pixels")(x), name="decoder")
    image = keras.Input((8, 8, 3), name="image")
    return keras.Model(image, decoder(encoder(image)), name="skips")


MODELS = {
    f"{name}-{i}": (lambda b=builder, v=variant: b(**v))
    for name, builder in kerasae.BUILDERS.items()
    for i, variant in enumerate(builder.variants)
} | {"several outputs": several_outputs, "skips": skips}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_diagram_shows_every_layer_and_all_parameters(make):
    model = make()
    figure = plots.plot_architecture(model)
    texts = [text.get_text() for text in figure.axes[0].texts]
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    layers = [layer for layer in model.layers if layer not in nested]
    for part in nested:
        layers += [x for x in part.layers if not isinstance(x, keras.layers.InputLayer)]
    for layer in layers:
        assert texts.count(layer.name) >= 1
        assert type(layer).__name__ in texts
    cells = [cell.removesuffix(", training only") for cell in parameters_of(figure)]
    counts = [int(cell.replace(",", "")) for cell in cells if cell[0].isdigit()]
    assert sum(counts) == model.count_params()
    assert texts[-1].startswith(f"{model.count_params():,} parameters")


def parameters_of(figure: plots.Figure) -> list[str]:
    """The last column of the table."""
    texts = figure.axes[0].texts
    header = next(text for text in texts if text.get_text() == "parameters")
    x = header.get_position()[0]
    return [t.get_text() for t in texts if t.get_position()[0] == x and t is not header]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_no_text_of_a_diagram_lies_over_another(make):
    figure = plots.plot_architecture(make())
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    for one, two in itertools.combinations(boxes, 2):
        assert not one.overlaps(two)
    assert all(figure.bbox.x0 <= b.x0 and b.x1 <= figure.bbox.x1 for b in boxes)


def test_layers_around_the_halves_are_marked_as_training_only():
    cells = parameters_of(plots.plot_architecture(several_outputs()))
    assert cells[:8] == ["–", "–", "260", "260", "training only", "320", "–", "–"]
    assert cells[8:] == ["training only", "64, training only"]
    noisy = kerasae.build_denoising(
        input_shape=(8, 8, 1), base="sparse", penalty="kl", code_size=80, level=0.1
    )
    cells = parameters_of(plots.plot_architecture(noisy))
    # image, corruption, flatten, code, sparsity, pixels, reconstruction
    assert [i for i, cell in enumerate(cells) if cell == "training only"] == [1, 4]


def colours_of(figure: plots.Figure) -> dict[str, str]:
    """The colour of each layer's block, by the layer's name: block and text have one height."""
    axes = figure.axes[0]
    blocks = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    column = next(t for t in axes.texts if t.get_text() == "layer").get_position()[0]
    rows = [t for t in axes.texts if t.get_position()[0] == column][1:]
    found = {}
    for text in rows:
        y = text.get_position()[1]
        block = next(b for b in blocks if abs(b.get_y() + b.get_height() / 2 - y) < 1e-6)
        dashed = block.get_linestyle() == "--"
        colour = block.get_edgecolor() if dashed else block.get_facecolor()
        found[text.get_text()] = to_hex(colour) + (" dashed" if dashed else "")
    return found


def test_the_parts_of_a_diagram_have_their_colours():
    found = colours_of(plots.plot_architecture(several_outputs()))
    assert found["flatten"] == plots.BLUE
    assert found["mean"] == found["log_variance"] == plots.ORANGE
    assert found["sampling"] == f"{plots.MUTED} dashed"
    assert found["logits"] == plots.GREEN
    figure = plots.plot_architecture(several_outputs())  # side by side, so nothing is skipped
    assert not [line for line in figure.axes[0].lines if len(line.get_xdata()) == 4]
    dropout = kerasae.build_sparse(input_shape=(8, 8, 1), code_size=9, penalty="dropout", rate=0.1)
    found = colours_of(plots.plot_architecture(dropout))
    assert found["code"] == plots.ORANGE
    assert found["dropout_code"] == f"{plots.ORANGE} dashed"
    top = kerasae.build_sparse(input_shape=(8, 8, 1), code_size=9, penalty="topk", k=2)
    assert colours_of(plots.plot_architecture(top))["TopK … Where"] == plots.ORANGE


def test_blocks_grow_with_units_positions_and_channels(convolutional):
    axes = plots.plot_architecture(convolutional).axes[0]
    blocks = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    # image 12x12x3, 6x6x6, 3x3x4, flat, code; then back
    widths = [b.get_width() for b in blocks[:3]]
    heights = [b.get_height() for b in blocks[:3]]
    assert widths == sorted(widths, reverse=True)
    assert heights[1] > heights[2] > heights[0]
    assert blocks[-1].get_width() == pytest.approx(widths[0])


def test_a_skip_is_a_line_and_counts_as_code():
    figure = plots.plot_architecture(skips())
    rows = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    lines = [list(line.get_ydata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 4]
    assert lines == [[rows["early"], rows["early"], rows["join"], rows["join"]]]
    total = figure.axes[0].texts[-1].get_text()
    assert total.endswith(
        f"192 image values : {4 * 4 * 2 + 8 * 8 * 4} values of code and skips = 1 : 1.5"
    )


def test_the_ratio_counts_what_leaves_a_quantiser():
    class Rounding(keras.layers.Layer):
        def call(self, inputs):
            return inputs

        def encoder_tail(self):
            code = keras.Input((4,))
            return keras.Model(code, keras.ops.sum(code, axis=1, keepdims=True))

    image, code = keras.Input((8, 8, 1), name="image"), keras.Input((4,), name="code")
    x = keras.layers.Dense(4, name="features")(keras.layers.Flatten(name="flatten")(image))
    encoder = keras.Model(image, x, name="encoder")
    x = keras.layers.Reshape((8, 8, 1), name="reshape")(keras.layers.Dense(64, name="p")(code))
    decoder = keras.Model(code, x, name="decoder")
    image = keras.Input((8, 8, 1), name="image")
    model = keras.Model(image, decoder(Rounding(name="rounding")(encoder(image))))
    figure = plots.plot_architecture(model)
    assert figure.axes[0].texts[-1].get_text().endswith("64 image values : 1 code values = 64 : 1")
    assert colours_of(figure)["rounding"] == plots.ORANGE


def test_what_is_no_image_is_called_an_input():
    model = kerasae.build_recurrent(input_shape=(16, 3), code_size=8, hidden=(4,), cell="conv1d")
    total = plots.plot_architecture(model).axes[0].texts[-1].get_text()
    assert total.endswith("48 input values : 8 code values = 6 : 1")


def test_a_model_without_halves_has_no_diagram():
    with pytest.raises(ValueError, match="`model` must hold nested models named 'encoder' and"):
        plots.plot_architecture(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))


@pytest.mark.parametrize("channels", [1, 3])
def test_inpaintings_show_the_hole_in_colour(rng, channels):
    images = rng.random((5, 8, 6, channels))
    masks = rng.random((5, 8, 6)) < 0.3
    filled = np.where(masks[..., None], 0.5, images)
    figure = plots.plot_inpaintings(images, masks, filled, count=3)
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == [
        "original",
        "with hole",
        "inpainted",
        "difference",
    ]
    shown = np.asarray(figure.axes[4].images[0].get_array())  # the second image with its hole
    assert {to_hex(colour) for colour in shown[masks[1]]} == {plots.BLUE}
    np.testing.assert_allclose(shown[~masks[1]], np.broadcast_to(images[1], (8, 6, 3))[~masks[1]])
    difference = np.asarray(figure.axes[10].images[0].get_array())
    expected = np.clip(0.5 + filled[1] - images[1], 0, 1).squeeze()
    np.testing.assert_allclose(difference, expected)
    one = plots.plot_inpaintings(images, masks[0], filled, count=2)
    assert len(one.axes) == 8
    with pytest.raises(ValueError, match="`masks` must be booleans of the shape"):
        plots.plot_inpaintings(images, masks[:2], filled)
    with pytest.raises(ValueError, match="`inpainted` must have the shape of `originals`"):
        plots.plot_inpaintings(images, masks, filled[:2])


def test_scores_are_shares_and_the_threshold_speaks(rng):
    normal, anomalous = rng.gamma(2.0, size=100), 50 + rng.random(400)
    figure = plots.plot_scores(normal, anomalous, threshold=3.0, label="error")
    (axes,) = figure.axes
    for values, container in zip((normal, anomalous), axes.containers, strict=True):
        assert sum(bar.get_height() for bar in container) == pytest.approx(100)
        assert container[0].get_x() <= values.min()
    assert axes.lines[0].get_xdata()[0] == 3.0
    assert axes.texts[0].get_text() == "threshold 3"
    flagged = (normal > 3).sum()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        f"normal: {flagged} of 100 flagged ({flagged}.0 %)",
        "anomalous: 400 of 400 flagged (100.0 %)",
    ]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "error (log scale)"


def test_scores_without_anomalies_or_spread():
    (axes,) = plots.plot_scores([2.0, 2.0]).axes
    assert axes.get_xscale() == "linear"
    assert sum(bar.get_height() for bar in axes.containers[0]) == pytest.approx(100)
    (axes,) = plots.plot_scores([-1.0, 3.0], [0.0]).axes
    assert axes.get_xscale() == "linear"
    with pytest.raises(ValueError, match="`anomalous` must be finite values"):
        plots.plot_scores([1.0], [])
    with pytest.raises(ValueError, match="`threshold` must be a finite number"):
        plots.plot_scores([1.0], threshold=np.nan)
