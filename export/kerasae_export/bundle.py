"""From a trained model to a bundle: two TF Lite files, and all that a codec needs."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export import card
from kerasae_export.conversion import Converter
from kerasae_export.fitting import fit_classes, fit_tables
from kerasae_export.errors import BundleError
from kerasae_export.files import png_bytes
from kerasae_export.manifest import GOLDEN, MANIFEST, SCHEMES, CodecSpec, Manifest, Part, steps_of
from kerasae_export.runtime import Codec, LiteModel, quantise
from kerasae_export.split import code_step, evenly, predict
from kerasae_export.split import decoder as decoder_of
from kerasae_export.split import encoder as encoder_of

__all__ = ["export_bundle", "sample_image"]

_CALIBRATION = 300  # images that quantisation sees; the entropy tables see all that are given
_STEP_IMAGES = 64  # images on which the steps are chosen
_GROUP = 4  # cells along each side of a square that has its own class of tables
_CLASSES = 8
_FINEST = 1e-9  # a step; only a model whose rounding may cost nothing at all comes near
_LEAST_TOLERANCE = 2  # in levels of 255


def export_bundle(
    model: keras.Model,
    folder: str | os.PathLike[str],
    *,
    scheme: str = "int8",
    calibration: ArrayLike | None = None,
    signatures: str = "separate",
    step_loss: float = 0.2,
    sample: NDArray[np.uint8] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Export a trained autoencoder of images as a bundle: the models and a codec around them.

    Writes `encoder.tflite`, `decoder.tflite`, `manifest.json`, `README.md` and a golden
    sample. The code is rounded to multiples of a step per channel, chosen so that each
    channel's rounding harms the image equally and all of them together cost `step_loss`; a
    model that rounds its code itself, such as that of `build_rate_distortion`, keeps its step.
    The entropy tables come from the exported encoder's own symbols.

    Args:
        model: A model with nested models `encoder` and `decoder`, images in [0, 1].
        folder: Folder to write; it must not exist, be empty, or hold a bundle, which is
            replaced as a whole.
        scheme: `"int8"` or `"float32"`.
        calibration: Real images, float32 (n, height, width, channels) in [0, 1], best 300 or
            more; none of them is stored.
        signatures: `"separate"`: one file for each side.
        step_loss: PSNR in dB that rounding the code may cost on the calibration images; without
            effect on a model that rounds its code itself.
        sample: uint8 (height, width, channels), a picture for the golden sample that may be
            published; by default a drawn test pattern.
        facts: Facts for the manifest and the model card, such as the data and the training;
            anything that JSON can hold.

    Returns:
        The folder.

    Raises:
        ValueError: If an argument breaks its rule.
        ConversionError: If a model cannot be converted.
        BundleError: If `folder` holds something else.
    """
    images = _check_images(model, calibration)
    if len(encoder_of(model).outputs) > 1 or model.output_shape != model.input_shape:
        raise ValueError(
            "`model` must rebuild its images from a code, or there is nothing to send: export "
            "others with `convert(inference_model(model), path)`. "
            f"Received: model={model.name!r}"
        )
    if not keras.backend.is_float_dtype(decoder_of(model).inputs[0].dtype):
        raise ValueError(
            "`model` must have a code of values, not of indices into a codebook: convert its "
            f"encoder and its decoder by `convert`. Received: model={model.name!r}"
        )
    if scheme not in SCHEMES:
        raise ValueError(
            f"`scheme` must be one of {', '.join(SCHEMES)}. Received: scheme={scheme!r}"
        )
    if signatures != "separate":
        raise ValueError(f"`signatures` must be 'separate'. Received: signatures={signatures!r}")
    if not 1e-9 <= step_loss <= 20:
        raise ValueError(
            f"`step_loss` must be above 0 dB and at most 20. Received: step_loss={step_loss!r}"
        )
    sample = _check_sample(sample, images.shape[1:])
    try:
        json.dumps(dict(facts or {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`facts` must be what JSON can hold. Received: {error}") from None
    with _replacing(Path(folder)) as target, Converter() as converter:
        _export(model, target, converter, images, scheme, step_loss, sample, facts or {})
    return Path(folder)


def _export(
    model: keras.Model,
    target: Path,
    converter: Converter,
    images: NDArray[np.float32],
    scheme: str,
    step_loss: float,
    sample: NDArray[np.uint8],
    facts: Mapping[str, Any],
) -> None:
    encoder, decoder = encoder_of(model), decoder_of(model)
    layout, stride, margin = _layout(encoder, decoder)

    encoder_file = converter.convert(
        encoder, target / "encoder.tflite", scheme=scheme, calibration=_full_range(images)
    )
    lite_encoder = LiteModel(encoder_file.read_bytes())
    codes = lite_encoder.run(images)  # (n, *code)
    own_step = code_step(model)
    if own_step is None:
        floor = lite_encoder.output.scale if lite_encoder.output.dtype == "uint8" else 0.0
        few = evenly(codes, _STEP_IMAGES), evenly(images, _STEP_IMAGES)
        steps = _choose_steps(decoder, *few, step_loss, floor)
    else:
        steps = np.full(codes.shape[-1], own_step)
    mantissas, exponent = steps_of(steps)
    steps = np.ldexp(np.array(mantissas, float), exponent)
    symbols = np.floor(codes / steps + 0.5)

    decoder_file = converter.convert(
        decoder,
        target / "decoder.tflite",
        scheme=scheme,
        calibration=evenly(symbols * steps, _CALIBRATION),
    )
    decoder_bytes = decoder_file.read_bytes()
    lite_decoder = LiteModel(decoder_bytes)

    if layout == "grid":
        group = min(_GROUP, *symbols.shape[1:3])
        tables = fit_classes(_squares(symbols, group), _CLASSES)
    else:
        group, tables = 1, fit_tables(symbols.reshape(-1, symbols.shape[-1]))
    spec = CodecSpec(
        channels=int(encoder.input_shape[-1]),
        tile=(int(encoder.input_shape[1]), int(encoder.input_shape[2])),
        layout=layout,
        stride=stride,
        margin=margin,
        code_shape=tuple(int(n) for n in encoder.output_shape[1:]),
        step_mantissas=mantissas,
        step_exponent=exponent,
        classes=tables.classes,
        group=group,
        tables=tables.tables,
    )
    manifest = Manifest(
        scheme=scheme,
        codec=spec,
        encoder=Part(encoder_file.name, lite_encoder.input, lite_encoder.output),
        decoder=Part(decoder_file.name, lite_decoder.input, lite_decoder.output),
        bundle_hash=spec.hash(decoder_bytes).hex(),
        pixel_tolerance=_tolerance(decoder_bytes, lite_decoder, evenly(symbols * steps, 16)),
        files={},
        facts={
            "model": model.name,
            "parameters": {
                "encoder": int(encoder.count_params()),
                "decoder": int(decoder.count_params()),
            },
            "calibration_images": len(images),
            "step_loss_db": step_loss if own_step is None else None,
            **facts,
        },
    )
    codec = Codec(manifest, lite_encoder, lite_decoder)
    _write_golden(target, codec, sample)
    (target / "README.md").write_text(card.model_card(manifest), encoding="utf-8")
    files = {
        path.relative_to(target).as_posix(): _digest(path)
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }
    text = dataclasses.replace(manifest, files=files).to_json()
    (target / MANIFEST).write_text(text, encoding="utf-8")


def sample_image(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Draw a test pattern: a gradient, a disc, a frame and stripes.

    Returns:
        uint8 of shape (height, width, channels).
    """
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    picture = np.stack([x, y, 1 - (x + y) / 2][:channels], axis=-1)
    disc = (y - 0.35) ** 2 + (x - 0.4) ** 2 < 0.06
    picture[disc] = 1 - picture[disc]
    stripes = (np.floor(x * 16) % 2 == 0) & (y > 0.7)
    picture[stripes] *= 0.4
    edge = np.ones((height, width), bool)
    edge[1:-1, 1:-1] = False
    picture[edge] = 0
    return np.floor(picture * 255 + 0.5).astype(np.uint8)


def _check_images(model: keras.Model, calibration: ArrayLike | None) -> NDArray[np.float32]:
    shape = tuple(encoder_of(model).input_shape[1:])
    rule = "`calibration` must hold real images of shape (n, height, width, channels) in [0, 1]"
    if len(shape) != 3 or None in shape or shape[2] not in (1, 3):
        raise ValueError(
            "`model` must encode images of a fixed shape (height, width, 1 or 3). "
            f"Received: input shape {shape}"
        )
    if calibration is None:
        raise ValueError(
            f"{rule}, from which the ranges and entropy tables are taken. "
            "Received: calibration=None"
        )
    images = np.asarray(calibration, np.float32)
    if images.shape[1:] != shape or not len(images):
        raise ValueError(f"{rule}, here {shape}. Received: shape {images.shape}")
    if not (images.min() >= 0 and images.max() <= 1):  # also refuses NaN
        raise ValueError(f"{rule}. Received: values from {images.min()} to {images.max()}")
    return images


def _check_sample(sample: NDArray[np.uint8] | None, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The picture of the golden sample; by default one that is larger than a tile."""
    if sample is None:
        return sample_image(shape[0] * 3 // 2 + 1, shape[1] * 3 // 2 + 1, shape[2])
    if sample.dtype != np.uint8 or sample.ndim != 3 or sample.shape[2] != shape[2]:
        raise ValueError(
            f"`sample` must be uint8 of shape (height, width, {shape[2]}). "
            f"Received: {sample.dtype} of shape {sample.shape}"
        )
    return sample


def _full_range(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images to calibrate the encoder with, one of them stretched from black to white.

    The range of the input is then [0, 1], so that no pixel is ever clipped.
    """
    few = evenly(images, _CALIBRATION)
    low, high = few.min(axis=(1, 2, 3)), few.max(axis=(1, 2, 3))
    widest = int(np.argmax(high - low))
    span = max(float(high[widest] - low[widest]), 1e-6)
    stretched = np.clip((few[widest] - low[widest]) / span, 0, 1)
    stretched.flat[0], stretched.flat[-1] = 0.0, 1.0  # even where all images are constant
    return np.concatenate([few, stretched[None]])


def _layout(encoder: keras.Model, decoder: keras.Model) -> tuple[str, int, int]:
    """Layout, stride and margin of the codec: a grid where the models allow one.

    They do if every cell of the code stands for a square of pixels, is computed alike
    everywhere, and sees no farther than a margin that leaves cells to use. All of that is
    tested on the models themselves, with noise, so that no list of layers has to be kept.
    """
    blocks = ("blocks", 1, 0)
    image, code = encoder.input_shape[1:], encoder.output_shape[1:]
    if len(code) != 3 or image[0] % code[0] or image[0] // code[0] != image[1] / code[1]:
        return blocks
    stride = image[0] // code[0]
    rng = np.random.default_rng(0)
    margin = 0
    for model, step_in, step_out in ((encoder, stride, 1), (decoder, 1, stride)):
        noise = rng.normal(size=(8, *model.input_shape[1:])).astype(np.float32)
        row, column = code[0] // 2, code[1] // 2
        changed = noise.copy()
        cell = np.s_[row * step_in : (row + 1) * step_in, column * step_in : (column + 1) * step_in]
        changed[:, cell[0], cell[1]] = rng.normal(size=changed[:, cell[0], cell[1]].shape)
        before, after = predict(model, noise), predict(model, changed)
        size = float(np.abs(before).max())
        differs = (np.abs(after - before) > 1e-6 * size).any(axis=(0, 3))
        rows, columns = (np.flatnonzero(differs.any(axis=axis)) // step_out for axis in (1, 0))
        if not rows.size:
            return blocks
        margin = max(margin, *abs(rows - row), *abs(columns - column))

        moved = predict(model, np.roll(noise, (step_in, step_in), axis=(1, 2)))
        edge = (margin + 1) * step_out
        inner = moved[:, edge:-edge, edge:-edge]
        same = np.roll(before, (step_out, step_out), axis=(1, 2))[:, edge:-edge, edge:-edge]
        if not inner.size or np.abs(inner - same).max() > 1e-3 * size:
            return blocks
    return ("grid", int(stride), int(margin))


def _choose_steps(
    decoder: keras.Model,
    codes: NDArray[np.float64],
    images: NDArray[np.float32],
    step_loss: float,
    floor: float,
) -> NDArray[np.float64]:
    """The step of each channel: equal harm from each, `step_loss` dB from all.

    Rounding to a step s adds s^2 / 12 of noise to a channel, which the decoder turns into
    s^2 / 12 times the channel's gain; equal harm means s = t / sqrt(gain) with one t.
    """
    channels = codes.shape[-1]
    few = evenly(codes, 16)
    plain = predict(decoder, few)
    spread = codes.reshape(-1, channels).std(axis=0)
    # Where a channel hardly moves on these images, its probe must still be felt in float32.
    least_size = 1e-3 * max(float(np.abs(codes).max()), 1e-3)
    size = np.maximum(0.05 * spread, least_size)
    noise = np.random.default_rng(0).normal(size=few.shape[:-1])
    noise /= np.sqrt(np.square(noise).mean())
    gains = np.empty(channels)
    for channel in range(channels):
        noisy = few.copy()
        noisy[..., channel] += size[channel] * noise
        harm = np.square(predict(decoder, noisy) - plain, dtype=float).mean()
        gains[channel] = harm / size[channel] ** 2
    gains = np.maximum(gains, max(1e-8 * gains.max(), 1e-30))

    def error(values: NDArray[np.float64]) -> float:
        output = np.clip(predict(decoder, values), 0, 1)
        return float(np.square(output - images, dtype=float).mean())

    least = max(error(codes), 1 / 255**2 / 12)
    most = least * 10 ** (step_loss / 10)
    # A step beyond what a channel was seen to do would leave nothing of it on other images.
    cap = np.maximum(4 * spread, 50 * least_size)

    def steps_at(t: float) -> NDArray[np.float64]:
        return np.maximum(np.minimum(t / np.sqrt(gains), cap), max(floor, _FINEST))

    def allowed(t: float) -> bool:
        steps = steps_at(t)
        return error(np.floor(codes / steps + 0.5) * steps) <= most

    low = high = math.sqrt(12 * (most - least) / channels)
    while not allowed(low) and (steps_at(low) > max(floor, _FINEST)).any():
        high, low = low, low / 4
    while high <= low * 4 and allowed(high) and (steps_at(high) < cap).any():
        low, high = high, high * 4
    for _ in range(10):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if allowed(middle) else (low, middle)
    return steps_at(low)


def _squares(symbols: NDArray[np.float64], side: int) -> NDArray[np.int64]:
    """The symbols of grids, cut into squares of cells: (squares, cells, channels)."""
    rows, columns = (n // side for n in symbols.shape[1:3])
    whole = symbols[:, : rows * side, : columns * side].astype(np.int64)
    cut = whole.reshape(len(symbols), rows, side, columns, side, -1).swapaxes(2, 3)
    return cut.reshape(-1, side * side, symbols.shape[-1])


def _tolerance(content: bytes, fast: LiteModel, codes: NDArray[np.float64]) -> int:
    """By how many levels two correct decoders may differ: what two kernels do, and one more."""
    reference = LiteModel(content, reference=True)
    worst = 0.0
    for code in codes:
        values = quantise(code[None], fast.input)
        difference = np.abs(fast(values).astype(float) - reference(values).astype(float)).max()
        worst = max(worst, float(difference) * fast.output.scale * 255)
    return min(255, max(_LEAST_TOLERANCE, math.ceil(worst) + 1))


def _write_golden(target: Path, codec: Codec, sample: NDArray[np.uint8]) -> None:
    data = codec.compress(sample)
    (target / "golden").mkdir()
    symbols = codec.encode(sample)
    content = {
        "height": sample.shape[0],
        "width": sample.shape[1],
        "shape": list(symbols.shape),
        "symbols": symbols.ravel().tolist(),
    }
    (target / GOLDEN["symbols"]).write_text(json.dumps(content) + "\n", encoding="utf-8")
    (target / GOLDEN["bitstream"]).write_bytes(data)
    for name, picture in (("image", sample), ("reconstruction", codec.decompress(data))):
        (target / GOLDEN[name]).write_bytes(png_bytes(picture))


def _digest(path: Path) -> tuple[str, int]:
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


@contextlib.contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` when all has gone well."""
    folder = folder.resolve()
    if folder == Path.cwd() or folder.is_mount():
        raise BundleError(f"`folder` must be one that can be replaced. Received: folder={folder}")
    if folder.exists() and not (
        folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))
    ):
        raise BundleError(
            "`folder` must not exist, be empty, or hold a bundle to replace. "
            f"Received: folder={os.fspath(folder)!r}"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        target = Path(scratch) / "new"
        target.mkdir()
        yield target
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        target.rename(folder)
