"""Calls of measures, samplers, scores of anomalies, masks and formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import kerasae
from kerasae import anomaly, evaluation, masks, samplers
from random_calls.arguments import Drawing, array, bad_array
from random_calls.arguments import images as good_images
from random_calls.models import RECIPES, SHAPE
from random_calls.models import model as pool_model
from random_calls.registry import Call, target

VARIATIONAL = ("variational", "variational learned", "variational gaussian")
RATE = ("rate_distortion",)


def _pair(draw: Drawing) -> tuple[Any, Any]:
    side = draw.sure((3, 8, 12))
    shape = (draw.sure((1, 3)), side, 8, draw.sure((1, 3)))
    return draw(good_images(shape), bad_array(shape)), draw(good_images(shape), bad_array(shape))


@target("kerasae.evaluation.psnr", infinite=True)
def _(draw: Drawing) -> Call:
    return Call(evaluation.psnr, _pair(draw))


@target("kerasae.evaluation.ssim")
def _(draw: Drawing) -> Call:
    return Call(evaluation.ssim, _pair(draw))


@target("kerasae.evaluation.hole_error")
def _(draw: Drawing) -> Call:
    shape = (draw.sure((1, 3)), 6, 8, 1)
    pair = [draw(good_images(shape), bad_array(shape)) for _ in range(2)]
    return Call(evaluation.hole_error, (*pair, draw.masks(draw.sure((shape[:3], shape[1:3])))))


@target("kerasae.evaluation.elbo")
def _(draw: Drawing) -> Call:
    images = draw.images()
    options = draw.some(samples=draw.whole, seed=draw.seed, batch_size=draw.whole)
    return Call(evaluation.elbo, (draw.model(*VARIATIONAL), images), options)


@target("kerasae.evaluation.negative_log_likelihood")
def _(draw: Drawing) -> Call:
    options = draw.some(
        seed=draw.seed,
        batch_size=draw.whole,
        progress=lambda: draw.sure([False]),
        per_image=draw.flag,
    )
    options["samples"] = draw.whole()
    return Call(
        evaluation.negative_log_likelihood, (draw.model(*VARIATIONAL), draw.images()), options
    )


@target("kerasae.evaluation.rate_distortion", infinite=True)
def _(draw: Drawing) -> Call:
    return Call(evaluation.rate_distortion, (draw.model(*RATE), draw.images()))


@target("kerasae.evaluation.active_units")
def _(draw: Drawing) -> Call:
    options = draw.some(threshold=draw.number)
    if draw.sure(st.booleans()):
        return Call(
            evaluation.active_units, (draw.model(*VARIATIONAL), draw.images((2, 5))), options
        )
    return Call(evaluation.active_units, (draw.values((draw.sure((2, 4)), 3)),), options)


@target("kerasae.evaluation.jacobian_norm")
def _(draw: Drawing) -> Call:
    names = tuple(
        n
        for n in RECIPES
        if n.split()[0] not in ("vector_quantized", "segmentation", "recurrent", "sparse")
    )
    return Call(
        evaluation.jacobian_norm, (draw.model(*names), draw.images()), draw.some(step=draw.number)
    )


@target("kerasae.evaluation.auroc")
def _(draw: Drawing) -> Call:
    return Call(
        evaluation.auroc, (draw.values((draw.sure((1, 4)),)), draw.values((draw.sure((1, 4)),)))
    )


@target("kerasae.evaluation.code_rate")
def _(draw: Drawing) -> Call:
    shape = draw.sure(((1, 2), (4, 3), (2, 3, 3, 2)))
    return Call(evaluation.code_rate, (draw.values(shape),), draw.some(step=draw.number))


@target("kerasae.evaluation.codebook_perplexity")
def _(draw: Drawing) -> Call:
    size = draw.sure((1, 5, 200))
    return Call(
        evaluation.codebook_perplexity,
        (draw.integers(draw.sure(((4,), (2, 3))), size), draw([size, np.int64(size)])),
    )


def _labels(draw: Drawing) -> Call | Any:
    shape = draw.sure(((2, 4, 5), (7,)))
    ignored = {"ignored_class": 3} if draw.sure(st.booleans()) else {}
    given = [
        draw.integers(shape, 4 if ignored else 3),
        draw.integers(shape, 3),
        draw([3, np.int64(3)]),
    ]
    return given, ignored


@target("kerasae.evaluation.confusion_matrix")
def _(draw: Drawing) -> Call:
    given, ignored = _labels(draw)
    return Call(evaluation.confusion_matrix, given, ignored)


@target("kerasae.evaluation.segmentation_scores", strict=False)  # all pixels may be ignored
def _(draw: Drawing) -> Call:
    given, ignored = _labels(draw)
    return Call(
        evaluation.segmentation_scores,
        given,
        ignored,
        lambda found: (found.global_accuracy, found.class_average, found.mean_iou),
    )


@target("kerasae.evaluation.median_frequency_weights", strict=False)
def _(draw: Drawing) -> Call:
    given, ignored = _labels(draw)
    return Call(evaluation.median_frequency_weights, given[::2], ignored)


@target("kerasae.evaluation.frechet_distance")
def _(draw: Drawing) -> Call:
    size = draw.sure((1, 3))
    return Call(
        evaluation.frechet_distance,
        (draw.values((6, size)), draw.values((draw.sure((4, 9)), size))),
    )


@target("kerasae.evaluation.sample_scores")
def _(draw: Drawing) -> Call:
    options = draw.some(n_neighbors=draw.whole)
    return Call(evaluation.sample_scores, (draw.values((6, 3)), draw.values((7, 3))), options)


@target("kerasae.evaluation.trustworthiness", strict=False)
def _(draw: Drawing) -> Call:
    images = draw(good_images((9, 4, 4, 1)), bad_array((9, 4, 4, 1)))
    return Call(
        evaluation.trustworthiness, (images, draw.values((9, 2))), {"n_neighbors": draw.whole()}
    )


@target("kerasae.evaluation.neighbourhood_accuracy")
def _(draw: Drawing) -> Call:
    options = draw.some(n_neighbors=draw.whole)
    return Call(
        evaluation.neighbourhood_accuracy, (draw.values((7, 2)), draw.integers((7,), 3)), options
    )


@target("kerasae.evaluation.linear_probe", strict=False)  # may draw one class only
def _(draw: Drawing) -> Call:
    given = [
        draw.values((8, 2)),
        draw.integers((8,), 3),
        draw.values((4, 2)),
        draw.integers((4,), 3),
    ]
    options = draw.some(l2=draw.number)
    if draw.sure(st.booleans()):
        options |= {
            "validation_codes": draw.values((4, 2)),
            "validation_labels": draw.integers((4,), 3),
        }
        options |= {"l2": draw([[1e-3, 1.0], (0.5, np.float32(2))])}
    return Call(evaluation.linear_probe, given, options)


@target("kerasae.evaluation.Elbo .RateDistortion .SampleScores .SegmentationScores")
def _(draw: Drawing) -> Call:
    kinds = (
        evaluation.Elbo,
        evaluation.RateDistortion,
        evaluation.SampleScores,
        evaluation.SegmentationScores,
    )
    kind = draw.sure(kinds)
    return Call(kind, kwargs=dict.fromkeys(kind.__annotations__, 1.0))


@target("kerasae.samplers.sample_prior")
def _(draw: Drawing) -> Call:
    return Call(
        samplers.sample_prior, (draw.model(*VARIATIONAL), draw.whole()), draw.some(seed=draw.seed)
    )


@target("kerasae.samplers.interpolate")
def _(draw: Drawing) -> Call:
    ends = [draw(good_images(SHAPE), bad_array(SHAPE)) for _ in range(2)]
    options = draw.some(kind=lambda: draw(["linear", "spherical"]), steps=lambda: draw.whole(2, 5))
    return Call(samplers.interpolate, (draw.model(*_one_input()), *ends), options)


def _one_input() -> tuple[str, ...]:
    return tuple(name for name in RECIPES if name.split()[0] not in ("segmentation", "recurrent"))


@target("kerasae.samplers.slerp")
def _(draw: Drawing) -> Call:
    shape = draw.sure(((), (3,), (2, 2)))
    return Call(
        samplers.slerp,
        (draw.values(shape or (1,)), draw.values(shape or (1,)), draw.number(0.0, 1.0)),
    )


@target("kerasae.samplers.traverse", strict=False)  # dimensions beyond the code
def _(draw: Drawing) -> Call:
    code = draw(st.one_of(good_images(SHAPE), array((2,))), bad_array(SHAPE))
    options = draw.some(
        dimensions=lambda: draw([(0,), [1, 0], np.array([1]), range(2)]),
        steps=lambda: draw.whole(2, 4),
        span=draw.number,
        deviations=lambda: draw.values((2,), 0.0, 2.0),
    )
    return Call(
        samplers.traverse,
        (draw.model("undercomplete mse", "variational", "convolutional"), code),
        options,
    )


@target("kerasae.samplers.manifold", strict=False)
def _(draw: Drawing) -> Call:
    options = draw.some(size=lambda: draw.whole(2, 4), codes=lambda: draw.values((5, 2)))
    return Call(
        samplers.manifold,
        (draw.model("variational", "variational learned", "undercomplete mse"),),
        options,
    )


@target("kerasae.samplers.fit_mixture", strict=False)  # codes may be too few or alike
def _(draw: Drawing) -> Call:
    options = draw.some(seed=draw.seed)
    return Call(
        samplers.fit_mixture,
        (draw.values((draw.sure((4, 12)), 2)), draw.whole()),
        options,
        lambda m: (m.means_, m.covariances_),
    )


@target("kerasae.samplers.sample_mixture")
def _(draw: Drawing) -> Call:
    codes = np.random.default_rng(0).normal(size=(9, 2))
    mixture = draw(st.builds(samplers.fit_mixture, st.just(codes), st.integers(1, 3)))
    return Call(
        samplers.sample_mixture,
        (draw.model("variational", "undercomplete mse", "convolutional"), mixture, draw.whole()),
        draw.some(seed=draw.seed),
    )


@target("kerasae.anomaly.reconstruction_scores")
def _(draw: Drawing) -> Call:
    return Call(anomaly.reconstruction_scores, (draw.model(), draw.images()))


@target("kerasae.anomaly.scorer", strict=False, batch=6)
def _(draw: Drawing) -> Call:
    options = draw.some(images=lambda: draw.images((5, 9)))
    kind = draw(anomaly.KINDS)
    given = np.random.default_rng(0).random((3, *SHAPE))
    return Call(
        anomaly.scorer, (draw.model(), kind), options, lambda made: anomaly.scores(made, given)
    )


@target("kerasae.anomaly.scores", batch=6)
def _(draw: Drawing) -> Call:
    good = st.builds(lambda n: anomaly.scorer(pool_model(n)), st.sampled_from(_one_input()))
    return Call(anomaly.scores, (draw(good), draw.images()))


@target("kerasae.anomaly.threshold", strict=False)
def _(draw: Drawing) -> Call:
    return Call(
        anomaly.threshold,
        (draw.values((draw.sure((3, 200)),)),),
        draw.some(false_alarm_rate=lambda: draw.number(0.01, 0.9)),
    )


@target("kerasae.anomaly.CodeDistance")
def _(draw: Drawing) -> Call:
    return Call(
        anomaly.CodeDistance,
        (draw.values((9, draw.sure((1, 3)))),),
        {},
        lambda made: (made.mean, made.whitening),
    )


@target("kerasae.anomaly.CodeDistance()")
def _(draw: Drawing) -> Call:
    made = anomaly.CodeDistance(np.random.default_rng(0).normal(size=(9, 3)))
    return Call(made, (draw.values((2, 3)),))


@target("kerasae.masks.draw_masks")
def _(draw: Drawing) -> Call:
    shape = draw([(8, 8), [5, 9], (np.int64(6), 6), (1, 1), (64, 3)])
    options = draw.some(
        fraction=lambda: draw.number(0.01, masks.LARGEST_FRACTION - 0.01), seed=draw.seed
    )
    return Call(masks.draw_masks, (draw(masks.KINDS), shape, draw.whole()), options)


@target("kerasae.inpaint")
def _(draw: Drawing) -> Call:
    count = draw.sure((1, 3))
    holes = draw.masks(draw.sure(((count, 8, 8), (8, 8))))
    return Call(kerasae.inpaint, (draw.model("masked"), draw.images((count,)), holes))
