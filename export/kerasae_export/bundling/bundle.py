"""From a trained model to a bundle: its TF Lite files, and all that a codec needs."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.bundling import card
from kerasae_export.bundling.fitting import fit_classes, fit_tables
from kerasae_export.bundling.layout import find_layout, mirrored, resized
from kerasae_export.bundling.step_sizes import choose_multiples, choose_steps
from kerasae_export.conversion.convert import Converter
from kerasae_export.conversion.split import code_step, codebook_size, evenly
from kerasae_export.conversion.split import decoder as decoder_of
from kerasae_export.conversion.split import encoder as encoder_of
from kerasae_export.errors import BundleError
from kerasae_export.files.batch import png_bytes
from kerasae_export.format.manifest import DECODE, ENCODE, GOLDEN, MANIFEST, SCHEMES, Manifest, Part
from kerasae_export.format.spec import MAX_QUALITIES, MAX_SIDE, CodecSpec, Quality, steps_of
from kerasae_export.images import check_images, check_picture
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.litemodel import LiteModel, quantise

__all__ = ["SIGNATURES", "export_bundle", "sample_image"]

SIGNATURES = ("separate", "both")
"""Two files, or one with two signatures."""

_CALIBRATION = 300  # images that quantisation sees; the entropy tables see all that are given
_STEP_IMAGES = 64  # images on which the steps are chosen
_FEWEST = 24  # of both, where a larger tile makes images of so many pixels
_GROUP = 4  # cells along each side of a square that has its own class of tables
_CLASSES = 8
_LEAST_TOLERANCE = 2  # in levels of 255


def export_bundle(
    model: keras.Model,
    folder: str | os.PathLike[str],
    *,
    scheme: str = "int8",
    calibration: ArrayLike | None = None,
    signatures: str = "separate",
    step_loss: float | Sequence[float] = 0.2,
    sample: NDArray[np.uint8] | None = None,
    facts: Mapping[str, Any] | None = None,
    tile: int | tuple[int, int] | None = None,
) -> Path:
    """Export a trained autoencoder of images as a bundle: the models and a codec around them.

    Writes `encoder.tflite` and `decoder.tflite`, or `model.tflite` with both, `manifest.json`,
    `README.md` and a golden sample. The code is rounded to multiples of a step per channel,
    chosen so that each channel's rounding harms the image equally and all of them together cost
    `step_loss`. The entropy tables come from the exported encoder's own symbols. A code of
    indices into a codebook, such as that of `build_vector_quantized`, is not rounded.

    Args:
        model: A model with nested models `encoder` and `decoder`, images in [0, 1].
        folder: Folder to write; it must not exist, be empty, or hold a bundle, which is
            replaced as a whole.
        scheme: One of `kerasae_export.format.manifest.SCHEMES`; see `convert`.
        calibration: Real images, float32 (n, height, width, channels) in [0, 1], or uint8 from 0
            to 255, best 300 or more; none of them is stored.
        signatures: `"separate"`: one file for each side; `"both"`: one file with the signatures
            `encode` and `decode`.
        step_loss: PSNR in dB that rounding the code may cost on the calibration images; on images
            that the model rebuilds better, the same rounding costs more. An
            increasing list of losses gives the bundle as many qualities, the first loss the best;
            those that come out alike count once. A model that rounds its code itself, such as
            that of `build_rate_distortion`, keeps its step for a number, and takes multiples of
            it for a list. One of indices takes no list, and a number has no effect.
        sample: uint8 (height, width, channels), a picture for the golden sample that may be
            published; by default a drawn test pattern.
        facts: Facts for the manifest and the model card, such as the data and the training;
            anything that JSON can hold.
        tile: Side in pixels, or height and width, of the tiles that the bundle's models take, if
            not the size of the model's own images. Larger tiles waste less of large images on the
            overlap of tiles. The model must be fully convolutional, and the sides multiples of
            its stride and no less than those of its images.

    Returns:
        The folder.

    Raises:
        ValueError: If an argument breaks its rule.
        ConversionError: If a model cannot be converted.
        BundleError: If `folder` holds something else.

    Example:
        >>> import kerasae, kerasae_export
        >>> images = kerasae.load_images("digits")
        >>> model = kerasae.build_convolutional(input_shape=images.image_shape, code_size=8)
        >>> folder = kerasae_export.export_bundle(                          # doctest: +SKIP
        ...     model, "bundle", calibration=images.train
        ... )
        >>> sorted(path.name for path in folder.glob("*.tflite"))           # doctest: +SKIP
        ['decoder.tflite', 'encoder.tflite']
    """
    images = _check_images(model, calibration)
    if len(encoder_of(model).outputs) > 1 or model.output_shape != model.input_shape:
        raise ValueError(
            "`model` must rebuild its images from a code, or there is nothing to send: export "
            "others with `convert(inference_model(model), path)`. "
            f"Received: model={model.name!r}"
        )
    if scheme not in SCHEMES:
        raise ValueError(
            f"`scheme` must be one of {', '.join(SCHEMES)}. Received: scheme={scheme!r}"
        )
    if signatures not in SIGNATURES:
        raise ValueError(
            f"`signatures` must be one of {', '.join(SIGNATURES)}. "
            f"Received: signatures={signatures!r}"
        )
    codebook = _codebook(model)
    losses = _check_losses(step_loss, codebook)
    sample = _check_sample(sample, images.shape[1:], tile)
    try:
        json.dumps(dict(facts or {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`facts` must be what JSON can hold. Received: {error}") from None
    halves = _halves(model, codebook, tile)
    with _replacing(Path(folder)) as target, Converter() as converter:
        together = signatures == "both"
        _export(
            model, halves, target, converter, images, scheme, together, losses, sample, facts or {}
        )
    return Path(folder)


@dataclass(frozen=True)
class _Halves:
    """The models to deploy, and how images are cut for them.

    Attributes:
        encoder: Image to code or indices.
        decoder: Code or indices to image.
        codebook: Number of indices; 0 for a code of values.
        layout: `"grid"` or `"blocks"`.
        stride: Pixels of a cell.
        margin: Cells that the surroundings of a tile reach into it.
        before: Cells in front of a calibration image where it is continued to a tile.
    """

    encoder: keras.Model
    decoder: keras.Model
    codebook: int
    layout: str
    stride: int
    margin: int
    before: tuple[int, int] = (0, 0)

    def framed(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images as large as a tile."""
        size = self.encoder.input_shape[1:3]
        if images.shape[1:3] == size:
            return images
        before = (self.before[0] * self.stride, self.before[1] * self.stride)
        return mirrored(images, before, size)

    def few(self, images: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """Some of the images as large as a tile, fewer where tiles are larger than images."""
        share = math.prod(images.shape[1:3]) / math.prod(self.encoder.input_shape[1:3])
        return self.framed(evenly(images, max(min(count, _FEWEST), round(count * share))))


def _codebook(model: keras.Model) -> int:
    """The number of indices that a code is made of; 0 for a code of values."""
    if keras.backend.is_float_dtype(decoder_of(model).inputs[0].dtype):
        return 0
    size = codebook_size(model)
    if not size:
        raise ValueError(
            "`model` must have a layer with a `codebook_size` where its code is one of indices. "
            f"Received: model={model.name!r}"
        )
    return size


def _halves(model: keras.Model, codebook: int, tile: int | tuple[int, int] | None) -> _Halves:
    bare, encoder, decoder = encoder_of(model, tail=False), encoder_of(model), decoder_of(model)
    if tile is None:
        return _Halves(encoder, decoder, codebook, *find_layout(bare, decoder, codebook))

    size = _check_tile(tile, encoder.input_shape[1:3])
    rule = "`tile` must be None but for models that treat every place of an image alike"
    old = tuple(int(n) for n in bare.output_shape[1:3])
    if len(bare.output_shape) != 4 or encoder.input_shape[1] % old[0]:
        raise ValueError(f"{rule}. Received: tile={tile!r} for model={model.name!r}")
    stride = encoder.input_shape[1] // old[0]
    if size[0] % stride or size[1] % stride:
        raise ValueError(
            f"`tile` must be a multiple of the model's stride of {stride}. Received: tile={tile!r}"
        )
    cells = (size[0] // stride, size[1] // stride)
    try:
        bare, encoder = resized(bare, size), resized(encoder, size)
        decoder = resized(decoder, cells)
        found = find_layout(bare, decoder, codebook)
    except ValueError as error:
        raise ValueError(f"{rule}. Received: model={model.name!r}, {error}") from None
    if found[0] != "grid" or decoder.output_shape[1:3] != size:
        raise ValueError(f"{rule}. Received: tile={tile!r} for model={model.name!r}")
    before = ((cells[0] - old[0]) // 2, (cells[1] - old[1]) // 2)
    return _Halves(encoder, decoder, codebook, *found, before)


def _export(
    model: keras.Model,
    halves: _Halves,
    target: Path,
    converter: Converter,
    images: NDArray[np.float32],
    scheme: str,
    together: bool,
    losses: Sequence[float],
    sample: NDArray[np.uint8],
    facts: Mapping[str, Any],
) -> None:
    encoder, decoder = halves.encoder, halves.decoder
    framed = _full_range(halves.few(images, _CALIBRATION))
    encoder_file = converter.convert(
        encoder, target / "encoder.tflite", scheme=scheme, calibration=framed
    )
    lite_encoder = LiteModel(encoder_file.read_bytes())
    code_shape = tuple(int(n) for n in encoder.output_shape[1:])
    all_steps = _steps(model, halves, lite_encoder, halves.few(images, _STEP_IMAGES), losses)
    calibration = [
        _values(lite_encoder.run(halves.few(images, _CALIBRATION // len(all_steps))), steps)
        for steps in all_steps
    ]
    values = np.concatenate(calibration)
    if together:
        encoder_file.unlink()
        encoder_file = decoder_file = converter.convert_both(
            encoder,
            decoder,
            target / "model.tflite",
            scheme=scheme,
            calibration=framed,
            code_calibration=values,
        )
        lite_encoder = LiteModel(encoder_file.read_bytes(), signature=ENCODE)  # the tables are its
        lite_decoder = lite_encoder.sibling(DECODE)
    else:
        decoder_file = converter.convert(
            decoder, target / "decoder.tflite", scheme=scheme, calibration=values
        )
        lite_decoder = LiteModel(decoder_file.read_bytes())
    decoder_bytes = decoder_file.read_bytes()
    names = (ENCODE, DECODE) if together else (None, None)

    codes = _all_codes(halves, lite_encoder, images)
    group = min(_GROUP, *code_shape[:2]) if halves.layout == "grid" else 1
    spec = CodecSpec(
        channels=int(encoder.input_shape[-1]),
        tile=(int(encoder.input_shape[1]), int(encoder.input_shape[2])),
        layout=halves.layout,
        stride=halves.stride,
        margin=halves.margin,
        code_shape=(*code_shape, 1) if halves.codebook else code_shape,
        codebook=halves.codebook,
        group=group,
        qualities=tuple(_quality(halves, codes, steps, group) for steps in all_steps),
    )
    own_step = code_step(model) is not None or halves.codebook > 0
    manifest = Manifest(
        scheme=scheme,
        codec=spec,
        encoder=Part(encoder_file.name, lite_encoder.input, lite_encoder.output, names[0]),
        decoder=Part(decoder_file.name, lite_decoder.input, lite_decoder.output, names[1]),
        bundle_hash=spec.hash(decoder_bytes).hex(),
        pixel_tolerance=_tolerance(
            lite_decoder,
            LiteModel(decoder_bytes, signature=names[1], reference=True),
            np.concatenate([evenly(c, 16) for c in calibration]),
        ),
        files={},
        facts={
            "model": model.name,
            "parameters": {
                "encoder": int(encoder.count_params()),
                "decoder": int(decoder.count_params()),
            },
            "calibration_images": len(images),
            "step_loss_db": _loss_fact(losses, own_step),
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


def _steps(
    model: keras.Model,
    halves: _Halves,
    lite_encoder: LiteModel,
    images: NDArray[np.float32],
    losses: Sequence[float],
) -> list[NDArray[np.float64]]:
    """The steps of each quality, from the coarsest to the finest, all different."""
    if halves.codebook:
        return [np.ones(1)]
    own_step = code_step(model)
    channels = halves.encoder.output_shape[-1]
    if own_step is not None and len(losses) == 1:
        found = [np.full(channels, own_step)]
    else:
        codes = lite_encoder.run(images)
        if own_step is not None:
            found = choose_multiples(halves.decoder, codes, images, losses, own_step)
        else:
            floor = lite_encoder.output.scale if lite_encoder.output.dtype == "uint8" else 0.0
            found = choose_steps(halves.decoder, codes, images, losses, floor)
    exact = dict.fromkeys(steps_of(steps) for steps in reversed(found))
    return [np.ldexp(np.array(mantissas, float), exponent) for mantissas, exponent in exact]


def _values(codes: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the decoder is given for these codes."""
    return np.floor(codes / steps + 0.5) * steps


def _all_codes(
    halves: _Halves, lite_encoder: LiteModel, images: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The codes of the images alone, not of what continues them to a tile: (n, ..., channels)."""
    codes = [lite_encoder.run(halves.framed(image[None])) for image in images]
    if halves.layout == "grid":
        rows, columns = (n // halves.stride for n in images.shape[1:3])
        down, right = halves.before
        codes = [code[:, down : down + rows, right : right + columns] for code in codes]
    joined = np.concatenate(codes)
    return joined[..., None] if halves.codebook else joined


def _quality(
    halves: _Halves, codes: NDArray[np.float64], steps: NDArray[np.float64], group: int
) -> Quality:
    symbols = np.floor(codes / steps + 0.5)
    if halves.layout == "grid":
        side = min(group, *symbols.shape[1:3])
        squares = _squares(symbols, side)
        tables = fit_classes(squares, _CLASSES, codebook=halves.codebook)
    else:
        flat = symbols.reshape(-1, symbols.shape[-1])
        tables = fit_tables(flat, codebook=halves.codebook)
    mantissas, exponent = ((1,), 0) if halves.codebook else steps_of(steps)
    return Quality(mantissas, exponent, tables.classes, tables.tables)


def _loss_fact(losses: Sequence[float], own_step: bool) -> Any:
    """What rounding was allowed to cost; None where the model decided."""
    if len(losses) > 1:
        return list(losses)
    return None if own_step else losses[0]


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
    return check_images("calibration", calibration, shape=shape, unit="a codec of pixels")


def _check_losses(step_loss: float | Sequence[float], codebook: int) -> tuple[float, ...]:
    several = not isinstance(step_loss, (int, float))
    losses = tuple(step_loss) if isinstance(step_loss, Sequence) else (step_loss,)
    numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in losses)
    rising = numbers and all(a < b for a, b in itertools.pairwise(losses))
    if not (1 <= len(losses) <= MAX_QUALITIES and rising and 1e-9 <= losses[0] <= losses[-1] <= 20):
        raise ValueError(
            "`step_loss` must be above 0 dB and at most 20, or an increasing list of up to "
            f"{MAX_QUALITIES} such losses. Received: step_loss={step_loss!r}"
        )
    if several and codebook:
        raise ValueError(
            "`step_loss` must be one number for a code of indices, which is not rounded. "
            f"Received: step_loss={step_loss!r}"
        )
    return losses


def _check_tile(tile: int | tuple[int, int], size: tuple[int, ...]) -> tuple[int, int]:
    sides = tuple(tile) if isinstance(tile, Sequence) else (tile, tile)
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if not whole or len(sides) != 2 or sides[0] < size[0] or sides[1] < size[1]:
        raise ValueError(
            f"`tile` must be a side or (height, width) in pixels, at least {size[0]} x {size[1]} "
            f"as the model's images. Received: tile={tile!r}"
        )
    if max(sides) > MAX_SIDE:
        raise ValueError(f"`tile` must be at most {MAX_SIDE}. Received: tile={tile!r}")
    return sides


def _check_sample(
    sample: NDArray[np.uint8] | None, shape: tuple[int, ...], tile: int | tuple[int, int] | None
) -> NDArray[np.uint8]:
    """The picture of the golden sample; by default one that is larger than a tile."""
    if sample is None:
        height, width = shape[:2] if tile is None else _check_tile(tile, shape[:2])
        return sample_image(height * 3 // 2 + 1, width * 3 // 2 + 1, shape[2])
    return check_picture("sample", sample, channels=shape[2])


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


def _squares(symbols: NDArray[np.float64], side: int) -> NDArray[np.int64]:
    """The symbols of grids, cut into squares of cells: (squares, cells, channels)."""
    rows, columns = (n // side for n in symbols.shape[1:3])
    whole = symbols[:, : rows * side, : columns * side].astype(np.int64)
    cut = whole.reshape(len(symbols), rows, side, columns, side, -1).swapaxes(2, 3)
    return cut.reshape(-1, side * side, symbols.shape[-1])


def _tolerance(fast: LiteModel, reference: LiteModel, codes: NDArray[np.float64]) -> int:
    """By how many levels two correct decoders may differ: what two kernels do, and one more."""
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
        "quality": codec.qualities,
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
