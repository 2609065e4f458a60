"""Segmentation: pooling that is undone, losses, measures, training with label maps, and plots."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from scipy.special import log_softmax, softmax
from sklearn import metrics

import kerasae
from kerasae import evaluation, plots, samplers
from kerasae.builders._pixelwise import pool, unpool
from kerasae.cli import main
from kerasae.data import Images
from kerasae.losses import SegmentationLoss, pixel_cross_entropy, soft_dice
from kerasae.training import TrainConfig, checkpoint, train
from kerasae.training.batches import Batches
from kerasae_export import export_bundle
from kerasae_export.runtime.litemodel import LiteModel

WEIGHTS = (0.5, 1.0, 2.0)


@pytest.fixture(scope="module")
def streets() -> Images:
    return kerasae.load_images("streets", image_size=(20, 30), limit=40)


def small(images: Images, **hyperparameters) -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_segmentation(
        **{
            "input_shape": images.image_shape,
            "classes": images.classes,
            "ignored_class": images.ignored_class,
            "hidden": (8, 12),
            "convolutions": 1,
            **hyperparameters,
        }
    )


# --- Pooling ----------------------------------------------------------------------------------


def pooled_and_back(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By definition: the first maximum of each window, in the order of reading."""
    count, height, width, channels = x.shape
    rows, columns = -(-height // 2), -(-width // 2)
    small, back = np.zeros((count, rows, columns, channels)), np.zeros(x.shape)
    for n, i, j, c in np.ndindex(small.shape):
        window = x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
        a, b = np.unravel_index(window.argmax(), window.shape)
        small[n, i, j, c] = window[a, b]
        back[n, 2 * i + a, 2 * j + b, c] = window[a, b]
    return small, back


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 1), (2, 3)])
def test_pooling_is_undone_at_the_first_maximum_of_each_window(size):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (3, *size, 4)).astype(np.float32)  # most windows hold ties
    expected, back = pooled_and_back(x)
    maxima, places = pool(keras.ops.convert_to_tensor(x))
    np.testing.assert_array_equal(maxima, expected)
    np.testing.assert_array_equal(unpool(maxima, places, size), back)


def test_one_place_in_a_window_of_equal_values_has_the_value():
    maxima, places = pool(keras.ops.ones((1, 6, 8, 2)))
    spread = keras.ops.convert_to_numpy(unpool(maxima, places, (6, 8)))
    assert spread.sum() == maxima.shape[1] * maxima.shape[2] * 2
    assert (spread[:, ::2, ::2] == 1).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="needs one backend only")
def test_pooling_and_unpooling_are_exact_in_8_bits(converter, tmp_path):
    """Of a file that only pools and unpools, each value is where it was, or is 0."""
    image = keras.Input((7, 10, 3))
    maxima, places = pool(image)
    net = keras.Model(image, unpool(maxima, places, (7, 10)))
    x = np.random.default_rng(0).random((60, 7, 10, 3)).astype(np.float32)
    x[0, :2, :2] = (0.0, 1.0, 0.5)  # all of a window alike, and the ends of the range
    path = converter.convert(net, tmp_path / "pool.tflite", scheme="int8", calibration=x)
    lite = LiteModel(path.read_bytes())
    assert lite.input.scale == lite.output.scale
    for sample in np.floor(x[:8] * 40) / 40:  # coarser than 8 bits: many ties
        q = np.clip(np.floor(sample / lite.input.scale + 0.5), 0, 255).astype(np.uint8)
        expected = pooled_and_back(q[None].astype(float))[1]
        np.testing.assert_array_equal(lite(q[None]), expected)


# --- The model --------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 9), (17, 31), (16, 24)])
@pytest.mark.parametrize("skips", ["concat", "pooling", None])
def test_any_size_is_labelled_at_its_size(height, width, skips):
    model = kerasae.build_segmentation(
        input_shape=(height, width, 1), classes=5, hidden=(4, 4, 4), skips=skips, convolutions=1
    )
    assert model.output_shape == (None, height, width, 5)
    assert model(np.zeros((2, height, width, 1), np.float32)).shape == (2, height, width, 5)


def test_unet_and_segnet_have_the_layers_of_their_papers():
    """Parameters by the formulas: kernel x in x out, biases or two of a normalisation."""
    unet = kerasae.build_segmentation(
        input_shape=(32, 32, 1), classes=2, hidden=(8, 16), code_size=32, normalization=None
    )

    def convolution(k: int, a: int, b: int) -> int:
        return k * k * a * b + b

    expected = sum(
        convolution(k, a, b)
        for k, a, b in (
            (3, 1, 8), (3, 8, 8), (3, 8, 16), (3, 16, 16), (3, 16, 32), (3, 32, 32),
            (2, 32, 16), (3, 32, 16), (3, 16, 16), (2, 16, 8), (3, 16, 8), (3, 8, 8), (1, 8, 2),
        )
    )  # fmt: skip
    assert unet.count_params() == expected
    segnet = kerasae.build_segmentation(
        input_shape=(360, 480, 3), classes=11, hidden=(64,) * 4, skips="pooling", kernel_size=7,
        convolutions=1,
    )  # fmt: skip
    stages = 49 * 64 * (3 + 7 * 64) + 8 * 4 * 64
    assert segnet.count_params() == stages + convolution(1, 64, 11)
    assert [t.shape[1:] for t in segnet.get_layer("encoder").outputs[:2]] == [
        (23, 30, 64),
        (360, 240, 64),
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"classes": 0}, "`classes` must be a positive integer"),
        ({"hidden": ()}, "`hidden` must name the filters of at least one stage"),
        ({"skips": "residual"}, "`skips` must be one of 'concat', 'pooling'"),
        ({"skips": "pooling", "code_size": 8}, "`code_size` must be None where `skips` is"),
        ({"loss": "none"}, "`loss` must be the name of a loss of Keras"),
        ({"class_weights": (1.0,)}, "`class_weights` must hold a weight for each of the 8"),
        ({"class_weights": (-1.0,) * 8}, "`class_weights` must be a number at least 0"),
        ({"ignored_class": -1}, "`ignored_class` must be an integer of 0 or more"),
        ({"normalization": "layer"}, "`normalization` must be one of 'batch'"),
    ],
)
def test_bad_hyperparameters_give_one_sentence(wrong, message):
    with pytest.raises(ValueError, match=message):
        kerasae.build_segmentation(**wrong)


@pytest.mark.parametrize("skips", ["concat", "pooling", None])
def test_what_needs_a_code_refuses_the_model(streets, skips, tmp_path):
    model = small(streets, skips=skips)
    shape = model.get_layer("encoder").outputs[0].shape[1:]
    with pytest.raises(ValueError, match="`model` must"):
        samplers.sample_prior(model, 2)
    with pytest.raises(ValueError, match="`model` must"):
        samplers.traverse(model, np.zeros(shape))
    with pytest.raises(ValueError, match="`model` must"):
        kerasae.decorrelate_code(model, streets.train)
    with pytest.raises(ValueError, match=r"`model` must rebuild.*convert\(inference_model"):
        export_bundle(model, tmp_path / "bundle", calibration=streets.train)


# --- Losses -----------------------------------------------------------------------------------


def pixels(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (3, 5, 6)).astype(np.uint8)  # 3 is ignored
    labels[2] = 3
    return labels, rng.normal(0, 3, (3, 5, 6, 3)).astype(np.float32)


def test_cross_entropy_is_that_of_the_pixels_that_count():
    labels, logits = pixels()
    loss = keras.ops.convert_to_numpy(
        pixel_cross_entropy(labels, logits, class_weights=WEIGHTS, ignored_class=3)
    )
    for image in (0, 1):
        counted = labels[image] < 3
        truth = labels[image][counted]
        each = -log_softmax(logits[image][counted], axis=-1)[np.arange(len(truth)), truth]
        np.testing.assert_allclose(loss[image], (np.array(WEIGHTS)[truth] * each).mean(), rtol=1e-5)
    assert loss[2] == 0.0  # nothing counts
    every = np.minimum(labels[:2], 2)
    plain = keras.losses.sparse_categorical_crossentropy(every, logits[:2], from_logits=True)
    np.testing.assert_allclose(
        pixel_cross_entropy(every, logits[:2]),
        keras.ops.convert_to_numpy(plain).mean(axis=(1, 2)),
        rtol=1e-5,
    )


def test_dice_is_that_of_its_formula():
    labels, logits = pixels()
    loss = keras.ops.convert_to_numpy(soft_dice(labels, logits, ignored_class=3, smoothing=0.5))
    for image in (0, 1):
        counted = labels[image] < 3
        truth = np.eye(3)[labels[image][counted]]
        found = softmax(logits[image][counted], axis=-1)
        above = 2 * (truth * found).sum(0) + 0.5
        dice = above / ((truth**2).sum(0) + (found**2).sum(0) + 0.5)
        np.testing.assert_allclose(loss[image], 1 - dice.mean(), rtol=1e-5)
    assert loss[2] == 0.0


def test_hard_predictions_give_the_dice_coefficient_of_scikit_learn():
    labels, _ = pixels()
    truth, found = np.minimum(labels[0], 2), np.minimum(labels[1], 2)
    logits = 100.0 * np.eye(3, dtype=np.float32)[found]
    expected = metrics.f1_score(truth.ravel(), found.ravel(), average="macro")
    loss = float(soft_dice(truth[None], logits[None], smoothing=1e-9)[0])
    assert loss == pytest.approx(1 - expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["cross_entropy", "dice"])
def test_ignored_pixels_have_no_gradient_and_no_say(kind):
    labels, logits = pixels()
    loss = SegmentationLoss(kind, class_weights=WEIGHTS, ignored_class=3)
    changed = np.where((labels == 3)[..., None], logits[..., ::-1] * 7, logits)
    assert float(loss(labels, changed)) == float(loss(labels, logits)) > 0
    assert float(loss(np.full_like(labels, 3), logits)) == 0


def test_the_loss_is_the_mean_over_images_and_survives_its_config():
    labels, logits = pixels()
    both = SegmentationLoss("cross_entropy+dice", class_weights=WEIGHTS, ignored_class=3)
    parts = pixel_cross_entropy(labels, logits, class_weights=WEIGHTS, ignored_class=3)
    parts = parts + soft_dice(labels, logits, ignored_class=3)
    expected = float(keras.ops.mean(parts))
    again = keras.losses.deserialize(json.loads(json.dumps(keras.losses.serialize(both))))
    for loss in (both, again):
        assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-6)


# --- Measures ---------------------------------------------------------------------------------


def test_measures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, found = rng.integers(0, 6, (2, 4, 9, 8)).astype(np.uint8)
    found = np.minimum(found, 4)
    counted = labels != 5
    truth, seen = labels[counted], found[counted]
    matrix = evaluation.confusion_matrix(labels, found, 5, ignored_class=5)
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(truth, seen, labels=range(5)))
    scores = evaluation.segmentation_scores(labels, found, 5, ignored_class=5)
    np.testing.assert_allclose(scores.iou, metrics.jaccard_score(truth, seen, average=None))
    np.testing.assert_allclose(scores.accuracy, metrics.recall_score(truth, seen, average=None))
    assert scores.global_accuracy == pytest.approx(metrics.accuracy_score(truth, seen))
    assert scores.class_average == pytest.approx(metrics.balanced_accuracy_score(truth, seen))
    assert scores.mean_iou == pytest.approx(np.mean(scores.iou))


def test_absent_classes_are_nan_and_count_in_no_mean():
    scores = evaluation.segmentation_scores([[0, 0, 1]], [[0, 2, 1]], classes=4)
    np.testing.assert_array_equal(scores.iou, [0.5, 1.0, 0.0, np.nan])
    np.testing.assert_array_equal(scores.accuracy, [0.5, 1.0, np.nan, np.nan])
    assert scores.mean_iou == 0.5
    assert scores.class_average == 0.75


def test_weights_balance_the_median_frequency():
    labels = np.random.default_rng(0).integers(0, 5, (6, 8, 8)).astype(np.uint8)
    labels[:4][labels[:4] == 2] = 4  # class 2 is in two images only; 4 is ignored
    labels[labels == 3] = 4  # and class 3 in none
    frequencies = []
    for c in range(3):
        images = [image for image in labels if (image == c).any()]
        pixels = sum((image != 4).sum() for image in images)
        frequencies.append(sum((image == c).sum() for image in images) / pixels)
    expected = [*(np.median(frequencies) / frequencies), 0.0]
    np.testing.assert_allclose(
        evaluation.median_frequency_weights(labels, 4, ignored_class=4), expected
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluation.confusion_matrix([0, 1], [0], 2), "must have one shape"),
        (lambda: evaluation.confusion_matrix([0, 3], [0, 1], 2, 9), "from 0 to 1 or be 9.*3"),
        (lambda: evaluation.confusion_matrix([0, 1], [0, 2], 2), "`predictions` must be from 0"),
        (lambda: evaluation.confusion_matrix([0.0], [0], 2), "`labels` must be integers"),
        (lambda: evaluation.segmentation_scores([7], [0], 2, 7), "must hold pixels that count"),
        (lambda: evaluation.median_frequency_weights([0, 1], 2), "must have the shape"),
    ],
)
def test_measures_refuse_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- Training ---------------------------------------------------------------------------------


class Killed(Exception):  # noqa: N818
    pass


@pytest.mark.slow
def test_training_learns_the_labels_and_resumes_to_the_same_bits(streets, tmp_path, monkeypatch):
    config = TrainConfig(epochs=4, batch_size=8, learning_rate=5e-3, flip=True, jit_compile=False)
    whole = small(streets)
    history = train(whole, streets, config, progress=False).history
    assert history["val_loss"][-1] < history["val_loss"][0]
    save = checkpoint.TrainingState._save

    def save_and_die(self, folder):
        save(self, folder)
        if len(self.rows) == 2:
            raise Killed

    monkeypatch.setattr(checkpoint.TrainingState, "_save", save_and_die)
    with pytest.raises(Killed):
        train(small(streets), streets, config, out=tmp_path, progress=False)
    monkeypatch.setattr(checkpoint.TrainingState, "_save", save)
    again = small(streets)
    train(again, streets, config, out=tmp_path, resume=True, progress=False)
    for a, b in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    assert reloaded.evaluate(streets.test, streets.test_labels, verbose=0) == pytest.approx(
        again.evaluate(streets.test, streets.test_labels, verbose=0), rel=1e-6
    )


def test_images_and_label_maps_are_mirrored_together():
    x = np.arange(40 * 3 * 4, dtype=np.float32).reshape(40, 3, 4, 1)
    labels = (x[..., 0] % 251).astype(np.uint8)
    batches = Batches(x, labels, TrainConfig(batch_size=16, flip=True))
    seen = []
    for epoch in (0, 1):
        batches.start(epoch)
        parts = [batches[i] for i in range(len(batches))]
        for pixels, maps in parts:
            np.testing.assert_array_equal((pixels[..., 0] % 251).astype(np.uint8), maps)
        pixels = np.concatenate([part for part, _ in parts])
        first = pixels[:, 0, :, 0]
        seen.append(set(first[first[:, 0] > first[:, 1], 3].tolist()))  # the mirrored ones
        assert 8 <= len(seen[-1]) <= 32
    assert seen[0] != seen[1]
    batches.start(1)
    np.testing.assert_array_equal(batches[0][0], parts[0][0])
    np.testing.assert_array_equal(x.ravel(), np.arange(x.size))  # the set itself is untouched


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_labels": None}, "`data` must have the labels that 'segmentation' learns"),
        ({"validation_labels": np.zeros((4, 20, 30))}, "labels that are integers of shape"),
        ({"train_labels": np.zeros((36, 20, 29), np.uint8)}, r"shape \(36, 20, 30\)"),
        ({"train_labels": np.full((36, 20, 30), 9, np.uint8)}, r"below the 8.*or 8.*\[9\]"),
    ],
)
def test_labels_that_do_not_fit_are_refused(streets, change, message, tmp_path):
    arrays = {
        name: getattr(streets, name)
        for name in ("train", "validation", "test", "train_labels", "validation_labels")
    }
    with pytest.raises(ValueError, match=message):
        train(small(streets), Images(**{**arrays, **change}), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_command_line_trains_on_streets(tmp_path):
    arguments = [
        "train", "segmentation", "--data", "streets", "--out", str(tmp_path / "run"),
        "--image-size", "24", "--limit", "24", "--epochs", "2", "--hidden", "6,8", "--flip",
        "--set", "skips=pooling", "--set", "convolutions=1", "--batch-size", "8",
    ]  # fmt: skip
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "8 labels of pixels" in done.output
    assert "pedestrian" in done.output
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["hyperparameters"] == {"hidden": [6, 8], "skips": "pooling", "convolutions": 1}
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert model.output_shape == (None, 24, 24, 8)
    assert model.loss.ignored_class == 8
    wrong = CliRunner().invoke(main, [*arguments[:3], "digits", *arguments[4:]])
    assert wrong.exit_code == 2
    assert "`--data` must have a label of each pixel" in wrong.output


# --- Plots ------------------------------------------------------------------------------------


def test_the_plot_has_the_classes_that_occur_and_hatches_what_is_ignored(streets):
    labels = streets.test_labels
    found = np.where(labels == 8, 2, labels)
    figure = plots.plot_segmentations(
        streets.test, labels, found, names=streets.label_names, ignored_class=8, count=3
    )
    assert len(figure.axes) == 9
    names = [text.get_text() for text in figure.legends[0].texts]
    shown = {*np.unique(labels[:3]).tolist(), *np.unique(found[:3]).tolist()}
    assert names == [streets.label_names[i] for i in sorted(shown)]
    sky = np.argwhere((labels[0] == 0) & (found[0] == 0))[0]
    for axes in figure.axes[3], figure.axes[6]:
        red, green, blue = axes.images[0].get_array()[tuple(sky)]
        assert blue > green > red
    figure.canvas.draw()
    colours = {patch.get_facecolor() for patch in figure.legends[0].get_patches()}
    assert len(colours) == len(names)


def test_the_plot_refuses_what_does_not_fit(streets):
    labels = streets.test_labels
    with pytest.raises(ValueError, match="`predictions` must hold integers of shape"):
        plots.plot_segmentations(streets.test, labels, labels[:, 1:], names=streets.label_names)
    with pytest.raises(ValueError, match="`names` must name each class"):
        plots.plot_segmentations(streets.test, labels, labels, names=("sky", "road"))


@pytest.mark.parametrize("skips", ["concat", "pooling"])
def test_a_diagram_draws_each_skip_beside_the_layers_that_it_passes(skips):
    model = kerasae.build_segmentation(
        input_shape=(45, 60, 3), hidden=(4, 4, 4), skips=skips, convolutions=1
    )
    figure = plots.plot_architecture(model)
    lanes = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 4]
    assert len(lanes) == (3 if skips == "concat" else 2)  # the innermost masks pass nothing
    ends = [(line.get_ydata()[0], line.get_ydata()[-1]) for line in lanes]
    assert len({top for top, _ in ends}) == len({bottom for _, bottom in ends}) == len(lanes)
    assert "values of code and skips" in figure.axes[0].texts[-1].get_text()
