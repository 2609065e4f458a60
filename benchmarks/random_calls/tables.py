"""Calls of tables, signals, volumes and what is done with them, and of the losses of images."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st

import kerasae
import kerasae_export
from kerasae import anomaly, data, losses, plots
from kerasae.losses.tables import Layout
from random_calls.arguments import Drawing
from random_calls.registry import Call, target

COLUMNS = (
    {"name": "weight", "mean": 1.0, "deviation": 2.0},
    {"name": "colour", "categories": ("blue", "red")},
    {"name": "height", "mean": 0.0, "deviation": 1.0},
)
GOLDEN = Path(__file__).parents[2] / "tests" / "golden"


@cache
def of_rows(base: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    return kerasae.build_tabular(columns=COLUMNS, base=base, code_size=2, hidden=(4,))


@cache
def of_signals(mask: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    how = {"input_shape": (16, 2), "code_size": 4, "hidden": (4,), "loss": "mse", "mask": mask}
    return kerasae.build_masked(**how)


@cache
def of_any_length() -> keras.Model:
    return kerasae.build_recurrent(input_shape=(None, 2), code_size=2, hidden=(3,), loss="mse")


def _rows(draw: Drawing, count: int) -> Any:
    """Rows of `COLUMNS`, here and there without a value."""

    def make(seed: int, missing: float) -> Any:
        rng = np.random.default_rng(seed)
        rows = np.stack(
            [rng.normal(1, 2, count), rng.integers(0, 2, count), rng.normal(size=count)], 1
        )
        rows[rng.random(rows.shape) < missing] = np.nan
        return rows.astype(np.float32)

    return draw(st.builds(make, st.integers(0, 99), st.sampled_from([0.0, 0.3])))


def _arrays(made: Any) -> Any:
    made.summary()
    repr(made)
    return made.train, made.validation, made.test


@target("kerasae.Column")
def _(draw: Drawing) -> Call:
    options = draw.some(
        mean=draw.number,
        deviation=draw.number,
        categories=lambda: draw([(), ("a", "b"), ["a"], ("a", "a")]),
    )
    draw.doubtful()  # a category has no mean, and two names are alike
    return Call(kerasae.Column, (draw(["a", "`b`"]),), options, repr)


@target("kerasae.Table", strict=False)
def _(draw: Drawing) -> Call:
    splits = [_rows(draw, n) for n in (6, 3, 2)]
    columns = draw.some(columns=lambda: draw([tuple(kerasae.Column(**c) for c in COLUMNS)]))
    return Call(kerasae.Table, splits, columns, lambda made: repr(_arrays(made)))


@target("kerasae.load_table", batch=10, strict=False)
def _(draw: Drawing) -> Call:
    sources = ["wine", "machines", {"a": [1.0, 2, 3, 5, 8], "b": list("xyxyx")}, np.eye(5)]
    options = draw.some(
        label=lambda: draw([None, "a", "grower"]),
        categorical=lambda: draw([(), ("a",), "b"]),
        drop=lambda: draw([(), ("a",), "b"]),
        unseen=lambda: draw(["error", "missing"]),
        limit=lambda: draw([None, 30]),
        seed=draw.seed,
    )
    return Call(kerasae.load_table, (draw(st.sampled_from(sources)),), options, lambda x: repr(x))


@target("kerasae.load_volumes", batch=4, strict=False)
def _(draw: Drawing) -> Call:
    options = {"size": draw([8, np.int64(9)]), "limit": draw([6, 9])}
    options |= draw.some(labels=lambda: draw(["voxels", "volumes"]), seed=draw.seed)
    return Call(kerasae.load_volumes, (draw(["bodies"]),), options, _arrays)


@target("kerasae.Volumes")
def _(draw: Drawing) -> Call:
    shape = draw.sure(((4, 5, 6, 1), (3, 3, 3, 2)))
    splits = [draw.values((n, *shape)) for n in (3, 2, 1)]
    return Call(kerasae.Volumes, splits, {}, lambda made: repr(_arrays(made)))  # NaN is missing


@target("kerasae.data.Examples")
def _(draw: Drawing) -> Call:
    splits = [draw.values((n, 5)) for n in (3, 2, 1)]
    return Call(data.Examples, splits, {}, lambda made: repr(_arrays(made)))


@target("kerasae.impute")
def _(draw: Drawing) -> Call:
    model = draw([of_rows("masked"), of_rows("undercomplete")])
    return Call(kerasae.impute, (model, _rows(draw, 4)))


@target("kerasae.anomaly.column_scores")
def _(draw: Drawing) -> Call:
    model = draw([of_rows("variational"), of_rows("undercomplete")])
    return Call(anomaly.column_scores, (model, _rows(draw, 4)))


@target("kerasae.forecast")
def _(draw: Drawing) -> Call:
    model = draw([of_signals("suffix")])
    return Call(
        kerasae.forecast, (model, draw.values((draw.sure((1, 3)), draw.sure((1, 9, 15)), 2)))
    )


@target("kerasae.fixed_length", batch=3)
def _(draw: Drawing) -> Call:
    def after(made: Any) -> Any:
        return made(np.zeros((1, *made.input_shape[1:]), np.float32), training=False)

    return Call(kerasae.fixed_length, (draw([of_any_length()]), draw.whole(1, 5)), {}, after)


@target("kerasae.plots.plot_slices", batch=6)
def _(draw: Drawing) -> Call:
    shape = (draw.sure((1, 2)), 4, 5, 6, draw.sure((1, 3)))
    options = draw.some(
        axis=lambda: draw(["depth", "height", "width"]),
        count=lambda: draw.whole(1, 4),
        reconstructions=lambda: draw.images(shape[:1], shape[1:]),
    )
    return Call(plots.plot_slices, (draw.images(shape[:1], shape[1:]),), options, repr)


@target("kerasae_export.delegate_coverage", batch=5)
def _(draw: Drawing) -> Call:
    files = sorted(GOLDEN.glob("*/bundle/*.tflite"))[:4]
    model = draw([*files, *(str(file) for file in files[:1]), files[0].read_bytes()])
    return Call(kerasae_export.delegate_coverage, (model,), {}, repr)


def _tensor(draw: Drawing, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
    """Tensors only: formulas do not check what they get."""

    def make(seed: int, flat: bool) -> Any:
        rng = np.random.default_rng(seed)
        values = np.full(shape, rng.choice([low, high])) if flat else rng.uniform(low, high, shape)
        return keras.ops.convert_to_tensor(values.astype(np.float32))

    return draw.sure(st.builds(make, st.integers(0, 2**32), st.booleans()))


def _formula(name: str, shape: tuple[int, ...], **options: Any) -> None:
    def draw_call(draw: Drawing) -> Call:
        pair = _tensor(draw, shape), _tensor(draw, shape)
        some = draw.some(
            **{key: (lambda good=good: draw.sure(good)) for key, good in options.items()}
        )
        return Call(getattr(losses, name), pair, some, keras.ops.convert_to_numpy)

    target(f"kerasae.losses.{name}")(draw_call)


_IMAGES = (2, 16, 12, 3)
_formula("ssim", _IMAGES, window=(3, 11), sigma=(0.5, 1.5))
_formula("ms_ssim", _IMAGES, scales=(1, 2), window=(3, 5))
_formula("charbonnier", _IMAGES, epsilon=(1e-3, 0.1))
_formula("focal_frequency", _IMAGES, alpha=(0.0, 1.0, 2.0))
_formula("padded_accuracy", (2, 5, 3))


@target("kerasae.losses.column_losses")
def _(draw: Drawing) -> Call:
    layout = Layout.of([dict(column) for column in COLUMNS])
    rows = np.array([[1.0, 0.0, np.nan], [3.0, 1.0, -1.0]], np.float32)
    args = rows, _tensor(draw, (2, layout.size), -50, 50), layout
    return Call(losses.column_losses, args, {}, keras.ops.convert_to_numpy)


@target("kerasae.losses.row_losses")
def _(draw: Drawing) -> Call:
    rows = np.array([[1.0, 0.0, np.nan], [np.nan] * 3], np.float32)
    args = rows, _tensor(draw, (2, 3), 0, 50)
    return Call(losses.row_losses, args, {}, keras.ops.convert_to_numpy)


def _loss(name: str, draw_arguments: Any, shape: tuple[int, ...] = _IMAGES) -> None:
    def draw_call(draw: Drawing) -> Call:
        pair = _tensor(draw, shape), _tensor(draw, shape)
        args, options = draw_arguments(draw)
        then = lambda made: keras.ops.convert_to_numpy(made(*pair))  # noqa: E731
        return Call(getattr(losses, name), args, options, then)

    target(f"kerasae.losses.{name}")(draw_call)


_loss("SSIM", lambda d: ((), d.some(window=lambda: d([None, 3, 11]), sigma=d.number)))
_loss("MultiScaleSSIM", lambda d: ((), d.some(scales=lambda: d([None, 1, 2]), sigma=d.number)))
_loss("Charbonnier", lambda d: ((), d.some(epsilon=d.number)))
_loss("FocalFrequency", lambda d: ((), d.some(alpha=d.number)))
_loss("PaddedLoss", lambda d: ((d(["mse", "mae"]),), {}), (2, 5, 3))
_loss(
    "WeightedSum",
    lambda d: ((d(st.sampled_from([{"mse": 1.0}, [("ssim", 0.5), ("mae", 1)]])),), {}),
)


@cache
def _features() -> keras.Model:
    image = keras.Input((None, None, 3))
    return keras.Model(image, keras.layers.Conv2D(2, 3)(image))


_loss(
    "Perceptual",
    lambda d: ((d([_features()]),), d.some(weights=lambda: d([None, (2.0,), [0.5]]))),
)
