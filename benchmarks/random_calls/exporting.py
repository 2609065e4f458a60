"""Calls of the codecs, of conversion and bundles, and of what compares codecs."""

from __future__ import annotations

import io
import itertools
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

import kerasae
import kerasae_export
from kerasae import plots
from kerasae_export import Codec, errors
from kerasae_export import evaluation as comparing
from kerasae_export.evaluation import quality
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.verification import Verification
from random_calls.arguments import ANYTHING, Drawing, bad_array
from random_calls.models import RECIPES
from random_calls.models import model as pool_model
from random_calls.registry import Call, scratch, target

_NUMBER = itertools.count()


@cache
def codec(name: str) -> Any:
    """The codec of a tiny bundle, or that of photographs."""
    return Codec.load() if name == "photo" else Codec.load(scratch() / "bundles" / name)


def make_bundle_files() -> None:
    """Export the bundles that `codec` loads."""
    images = np.random.default_rng(0).random((20, 8, 8, 1))
    (scratch() / "bundles").mkdir()
    for name in ("undercomplete", "convolutional spatial", "vector_quantized"):
        kerasae_export.export_bundle(
            pool_model(name), scratch() / "bundles" / name, scheme="float32", calibration=images
        )


BUNDLES = ("undercomplete", "convolutional spatial", "vector_quantized")
LABELS = st.sampled_from([0, "three", -1, True, 1.5])  # none of these has classes


def _picture(draw: Drawing, channels: int, side: int | None = None) -> Any:
    shape = (side or draw.sure((1, 8, 13)), side or draw.sure((3, 8, 20)), channels)

    def make(seed: int, form: str) -> Any:
        values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        if form == "constant":
            values[...] = seed % 256
        if form == "read-only":
            values.flags.writeable = False
        if form == "Pillow":
            return Image.fromarray(values.squeeze(-1) if channels == 1 else values)
        if form == "Fortran":
            return np.asfortranarray(values)
        return values.tolist() if form == "" else values[::-1] if form == "reversed" else values

    forms = st.sampled_from(["random", "constant", "read-only", "Fortran", "Pillow", "reversed"])
    return draw(st.builds(make, st.integers(0, 2**32), forms), bad_array(shape))


def _bundle(draw: Drawing) -> tuple[Any, int | None]:
    name = draw.sure((*BUNDLES, "photo"))
    return codec(name), (None if name in ("photo", "convolutional spatial") else 8)


@target("kerasae_export.Codec.load", batch=6)
def _(draw: Drawing) -> Call:
    good = st.builds(lambda n: scratch() / "bundles" / n, st.sampled_from(BUNDLES))
    folder = draw(
        st.one_of(good, st.none()),
        st.one_of(st.just(scratch()), st.just(str(scratch() / "no")), ANYTHING),
    )
    return Call(
        Codec.load,
        (folder,),
        draw.some(threads=draw.whole, max_pixels=lambda: draw.whole(100, 200)),
        lambda c: c.qualities,
    )


@target("kerasae_export.Codec.compress", strict=False)
def _(draw: Drawing) -> Call:
    made, side = _bundle(draw)
    image = _picture(draw, 3 if isinstance(made, PhotoCodec) else 1, side)
    options = draw.some(quality=lambda: draw.whole(1, made.qualities))
    if not isinstance(made, PhotoCodec):
        options |= draw.some(label=lambda: draw([None], LABELS))
    if isinstance(made, PhotoCodec):
        options |= draw.some(effort=lambda: draw([0, 1, np.int64(1)]))
        if "quality" not in options:
            options |= draw.some(target_psnr=lambda: draw.number(20, 40))
            options |= draw.some(target_bytes=lambda: draw.whole(100, 250))
    return Call(
        made.compress, (image,), options, lambda data: np.abs(made.decompress(data).astype(float))
    )


@target("kerasae_export.Codec.decompress", batch=40)
def _(draw: Drawing) -> Call:
    made, side = _bundle(draw)
    colours = 3 if isinstance(made, PhotoCodec) else 1
    data = made.compress(
        np.random.default_rng(0).integers(0, 256, (side or 9, side or 7, colours), dtype=np.uint8)
    )

    def damaged(place: int, value: int, cut: int) -> bytes:
        changed = bytearray(data[: len(data) - cut])
        if changed:
            changed[place % len(changed)] ^= value
        return bytes(changed)

    bad = st.one_of(
        st.builds(damaged, st.integers(0, 999), st.integers(1, 255), st.integers(0, 5)),
        st.binary(max_size=40),
        ANYTHING,
    )
    return Call(made.decompress, (draw([data, bytearray(data), memoryview(data)], bad),))


@target("kerasae_export.Codec.compress_many", strict=False)
def _(draw: Drawing) -> Call:
    name = draw.sure(BUNDLES)
    made, side = codec(name), None if name == "convolutional spatial" else 8
    pictures = draw(st.just([_picture(draw, 1, side) for _ in range(draw.sure((0, 1, 3)))]))
    return Call(
        made.compress_many,
        (pictures,),
        draw.some(quality=lambda: draw.whole(1, made.qualities)),
        made.decompress_many,
    )


@target("kerasae_export.Codec.decompress_many")
def _(draw: Drawing) -> Call:
    made = codec(draw.sure(BUNDLES))
    data = made.compress_many(np.zeros((3, 8, 8, 1), np.uint8))
    bad = st.one_of(
        st.builds(lambda n: data[:n], st.integers(0, len(data) - 1)),
        st.binary(max_size=40),
        ANYTHING,
    )
    return Call(made.decompress_many, (draw([data], bad),))


@target("kerasae_export.Codec.encode", strict=False)
def _(draw: Drawing) -> Call:
    name = draw.sure(BUNDLES)
    made, side = codec(name), None if name == "convolutional spatial" else 8
    return Call(
        made.encode,
        (_picture(draw, 1, side),),
        draw.some(quality=lambda: draw.whole(1, made.qualities)),
    )


def _symbols(draw: Drawing) -> tuple[Any, list[Any]]:
    made = codec(draw.sure(BUNDLES))
    symbols = made.encode(np.full((8, 8, 1), draw.sure((0, 9, 255)), np.uint8))
    forms = [symbols, symbols.astype(np.int32), symbols.tolist(), np.asfortranarray(symbols)]
    sizes = [draw([8, np.int64(8)]) for _ in range(2)]
    return made, [
        draw(
            forms,
            st.one_of(bad_array(symbols.shape), st.just(symbols + 10**6), st.just(-symbols - 5)),
        ),
        *sizes,
    ]


@target("kerasae_export.Codec.decode")
def _(draw: Drawing) -> Call:
    made, given = _symbols(draw)
    options = draw.some(
        quality=lambda: draw.whole(1, made.qualities), label=lambda: draw([None], LABELS)
    )
    return Call(made.decode, given, options)


@target("kerasae_export.Codec.pack")
def _(draw: Drawing) -> Call:
    made, given = _symbols(draw)
    return Call(
        made.pack,
        given,
        draw.some(quality=lambda: draw.whole(1, made.qualities)),
        lambda data: made.unpack(data).symbols,
    )


@target("kerasae_export.Codec.unpack")
def _(draw: Drawing) -> Call:
    made = codec(draw.sure(BUNDLES))
    data = made.compress(np.zeros((8, 8, 1), np.uint8))
    return Call(
        made.unpack,
        (draw([data], st.one_of(st.binary(max_size=40), ANYTHING)),),
        {},
        lambda coded: coded.symbols,
    )


def _calibration(draw: Drawing) -> Any:
    return draw.images((9, 20))


SCHEMES = ("float32", "float16", "dynamic", "int8", "int16x8", "mixed")


def _file() -> Path:
    return scratch() / f"{next(_NUMBER)}.tflite"


@target("kerasae_export.convert", batch=3, strict=False)
def _(draw: Drawing) -> Call:
    options = {"scheme": draw(SCHEMES)} | draw.some(
        calibration=lambda: _calibration(draw), allow_float=draw.flag
    )
    parts = (kerasae.encoder, kerasae.decoder, kerasae.inference_model)
    names = [n for n in RECIPES if n not in ("recurrent",)]
    good = st.builds(
        lambda part, name: part(pool_model(name)),
        st.sampled_from(parts[::2]),
        st.sampled_from(names),
    )
    return Call(
        kerasae_export.convert,
        (draw(good), draw([_file()])),
        options,
        lambda path: path.stat().st_size,
    )


@target("kerasae_export.convert_both", batch=3, strict=False)
def _(draw: Drawing) -> Call:
    name = draw.sure([n for n in RECIPES if n not in ("recurrent", "segmentation")])
    parts = [
        draw(st.builds(part, st.builds(pool_model, st.just(name))))
        for part in (kerasae.encoder, kerasae.decoder)
    ]
    options = {"scheme": draw(SCHEMES)} | draw.some(
        calibration=lambda: _calibration(draw), allow_float=draw.flag
    )
    return Call(
        kerasae_export.convert_both,
        (*parts, draw([_file()])),
        options,
        lambda path: path.stat().st_size,
    )


@target("kerasae_export.export_bundle", batch=2, strict=False)
def _(draw: Drawing) -> Call:
    options = {"scheme": draw(SCHEMES)} | draw.some(
        signatures=lambda: draw(["separate", "both"]),
        step_loss=lambda: draw([0.2, np.float32(0.5), [0.1, 1.0]]),
        sample=lambda: draw([np.zeros((8, 8, 1), np.uint8)], bad_array((8, 8, 1))),
        facts=lambda: draw([{"data": "noise"}, {"epochs": np.int64(3), "loss": np.float32(0.5)}]),
        tile=lambda: draw([None, 8, (8, 16), np.int64(8)]),
        allow_float=draw.flag,
    )
    if draw.sure(st.integers(0, 4)):
        options["calibration"] = _calibration(draw)
    folder = draw([scratch() / f"bundle{next(_NUMBER)}"])
    return Call(
        kerasae_export.export_bundle,
        (draw.model(), folder),
        options,
        lambda made: Codec.load(made).qualities,
    )


@target("kerasae_export.verify_bundle", batch=2, strict=False)
def _(draw: Drawing) -> Call:
    name = draw.sure(BUNDLES)
    folder = draw([scratch() / "bundles" / name], st.one_of(st.just(scratch()), ANYTHING))
    options = {"report": draw([False])} | draw.some(
        model=lambda: draw([pool_model(name)]), images=lambda: _calibration(draw)
    )
    return Call(kerasae_export.verify_bundle, (folder,), options, lambda v: v.measurements)


@target("kerasae_export.Verification")
def _(draw: Drawing) -> Call:
    return Call(Verification, ("x", ()), {}, lambda v: v.measurements)


@target("kerasae_export errors")
def _(draw: Drawing) -> Call:
    return Call(getattr(errors, draw.sure(errors.__all__)), ("a sentence",), {}, lambda e: 0)


def _curve(draw: Drawing) -> Any:
    good = st.builds(
        lambda seed, n: np.sort(np.random.default_rng(seed).uniform(1, 40, n)),
        st.integers(0, 99),
        st.integers(4, 6),
    )
    return draw(good, bad_array((5,)))


@target("kerasae_export.evaluation.bd_rate", strict=False)
def _(draw: Drawing) -> Call:
    return Call(comparing.bd_rate, [_curve(draw) for _ in range(4)])


@target("kerasae_export.evaluation.front", strict=False)
def _(draw: Drawing) -> Call:
    return Call(comparing.front, [_curve(draw) for _ in range(2)])


@target("kerasae_export.evaluation.rate_at", strict=False)
def _(draw: Drawing) -> Call:
    return Call(comparing.rate_at, (_curve(draw), _curve(draw), draw.number(1, 40)))


@target("kerasae_export.evaluation.short_names", strict=False)
def _(draw: Drawing) -> Call:
    return Call(
        comparing.short_names,
        (draw.sure([["a/b", "a/c"], [], ["x"], ["a/b", "c/b"]]),),
        {},
        lambda names: 0,
    )


def _plotted(evaluation: Any) -> Any:
    """The numbers of an evaluation, after it was drawn."""
    plots.plot_rate_distortion(evaluation).savefig(io.BytesIO(), dpi=20)
    return [(p.bytes, p.bits_per_pixel, p.ssim) for p in evaluation.points]


@target(
    "kerasae_export.evaluation.evaluate and kerasae.plots.plot_rate_distortion",
    batch=2,
    strict=False,
)
def _(draw: Drawing) -> Call:
    codecs = draw([{"a": codec("undercomplete")}, {"b": codec("vector_quantized")}])
    count = draw.sure((2, 5))
    pictures = draw(
        [np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)],
        bad_array((count, 8, 8, 1)),
    )
    options = {"data": "noise", "others": draw([(), ("PNG",), ("JPEG", "PCA"), ["zip"]])}
    options |= draw.some(train=lambda: draw.images((9,)), files=lambda: draw.whole(1, 3))
    return Call(
        comparing.evaluate,
        (codecs, pictures),
        options,
        _plotted,
    )


def _two(draw: Drawing, side: int) -> list[Any]:
    return [
        np.random.default_rng(seed).integers(0, 256, (2, side, side, 1), dtype=np.uint8)
        for seed in draw.sure(st.tuples(st.integers(0, 9), st.integers(10, 19)))
    ]


@target("kerasae_export.evaluation.quality.pooled_psnr", infinite=True)
def _(draw: Drawing) -> Call:
    return Call(quality.pooled_psnr, _two(draw, 8))


@target("kerasae_export.evaluation.quality.mean_ssim")
def _(draw: Drawing) -> Call:
    return Call(quality.mean_ssim, _two(draw, 8))
