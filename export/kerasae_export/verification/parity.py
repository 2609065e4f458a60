"""TF Lite against Keras: differences of codes and pixels, PSNR and SSIM."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.evaluation.quality import mean_ssim, pooled_psnr
from kerasae_export.format.manifest import Manifest
from kerasae_export.runtime.codec import Codec
from kerasae_export.verification.checks import of_indices
from kerasae_export.verification.outcome import Check, tolerance
from kerasae_export.verification.parts import Side

if TYPE_CHECKING:
    import keras

    from kerasae_export.functional import AnyModel

__all__ = ["Pictures", "check_parity", "compare_with_keras", "framed", "halves_of", "prepared"]

_EXACT = frozenset({"float32", "float16"})  # judged by the worst value
_MOST_STEP_LOSS = 20.0  # dB, the most that an export accepts


@dataclass(frozen=True)
class Pictures:
    """Images and their reconstructions in three ways; (n, height, width, channels) in [0, 1].

    Attributes:
        originals: The images.
        keras: Encoder and decoder in Keras.
        lite: Encoder and decoder in TF Lite, with the code not rounded.
        codec: The same with the code rounded to the symbols of a file.
    """

    originals: NDArray[Any]
    keras: NDArray[Any]
    lite: NDArray[Any]
    codec: NDArray[Any]


def prepared(model: AnyModel) -> tuple[keras.Model, keras.Model | None]:
    """The model as the export saw it: an encoder and a decoder of images in [0, 1].

    Returns:
        The model without a label, and with one if it takes one.
    """
    from kerasae_export.conversion import split
    from kerasae_export.functional import autoencoder, in_unit_range

    whole = in_unit_range(autoencoder(model))
    return split.without_label(whole), whole if split.takes_label(whole) else None


def halves_of(model: keras.Model, manifest: Manifest) -> tuple[keras.Model, keras.Model]:
    """Encoder and decoder in Keras, which take what those of the bundle take.

    Where the bundle was exported with larger tiles, they are those of the model on such tiles.

    Raises:
        ValueError: If they do not.
    """
    from kerasae_export.bundling import layout
    from kerasae_export.conversion import split  # the rest of this package runs without Keras

    encoder, decoder = split.encoder(model), split.decoder(model)
    edges = manifest.encoder.input, manifest.decoder.input
    if manifest.codec.layout == "grid" and encoder.inputs[0].shape[1:3] != edges[0].shape[1:3]:
        with contextlib.suppress(ValueError):  # of a model that is tied to its size: told below
            encoder, decoder = (
                layout.resized(half, (edge.shape[1], edge.shape[2]))
                for half, edge in zip((encoder, decoder), edges, strict=True)
            )
    for half, edge in zip((encoder, decoder), edges, strict=True):
        shape = tuple(half.inputs[0].shape[1:])
        if shape != edge.shape[1:]:
            raise ValueError(
                "`model` must be the one that the bundle was exported from. Received: one whose "
                f"{half.name} takes {shape}, not {edge.shape[1:]}"
            )
    return encoder, decoder


def framed(
    images: NDArray[np.float32], model: keras.Model, manifest: Manifest
) -> NDArray[np.float32]:
    """The images as large as a tile, continued by their mirror images where tiles are larger.

    Raises:
        ValueError: If they fit neither the bundle nor its model.
    """
    from kerasae_export.bundling import layout
    from kerasae_export.conversion import split

    spec = manifest.codec
    tile = (*spec.tile, spec.channels)
    own = tuple(split.encoder(model).inputs[0].shape[1:])
    if images.shape[1:] not in (tile, own) or not len(images):
        shape = f"(n, {', '.join(map(str, tile))})"
        if own != tile:
            shape += f" or the model's (n, {', '.join(map(str, own))})"
        raise ValueError(
            f"`images` must be of the bundle's shape {shape}. Received: shape {images.shape}"
        )
    if images.shape[1:] == tile:
        return images
    lack = [full - side for full, side in zip(spec.tile, images.shape[1:3], strict=True)]
    before = (lack[0] // 2 // spec.stride * spec.stride, lack[1] // 2 // spec.stride * spec.stride)
    return np.asarray(layout.mirrored(images, before, spec.tile))


def compare_with_keras(
    codec: Codec,
    both: tuple[Side, Side],
    halves: tuple[keras.Model, keras.Model],
    images: NDArray[np.float32],
) -> tuple[dict[str, Any], Pictures]:
    """Differences and qualities, and the pictures that they come from."""
    from kerasae_export.conversion import split

    encoder, decoder = halves
    lite_encoder, lite_decoder = (side.load() for side in both)
    code = split.predict(encoder, images).astype(float)
    lite_code = lite_encoder.run(images)
    difference = np.abs(lite_code - code)
    if of_indices(codec.manifest):
        difference = (difference > 0).astype(float)  # the share of those that differ
    else:
        difference /= max(float(code.max() - code.min()), 1e-12)

    pixels = np.clip(split.predict(decoder, code), 0, 1)
    lite_pixels = np.clip(lite_decoder.run(lite_code), 0, 1)
    whole = np.floor(images * 255 + 0.5).astype(np.uint8)
    coded = np.stack([codec.decompress(codec.compress(image)) for image in whole]) / 255
    ways = {"keras": pixels, "tflite": lite_pixels, "codec": coded}
    parity = {
        "images": len(images),
        "code_difference_mean": float(difference.mean()),
        "code_difference_max": float(difference.max()),
        "pixel_difference_mean": float(np.abs(lite_pixels - pixels).mean()),
        "pixel_difference_max": float(np.abs(lite_pixels - pixels).max()),
        **{f"psnr_{way}": pooled_psnr(images, rebuilt) for way, rebuilt in ways.items()},
        **{f"ssim_{way}": mean_ssim(images, rebuilt) for way, rebuilt in ways.items()},
    }
    return parity, Pictures(images, pixels, lite_pixels, coded)


def check_parity(parity: dict[str, Any], manifest: Manifest) -> list[Check]:
    """Judge what `compare_with_keras` found."""
    scheme = manifest.scheme
    kind, word = ("max", "by up to") if scheme in _EXACT else ("mean", "on average by")
    code, pixel = parity[f"code_difference_{kind}"], parity[f"pixel_difference_{kind}"]
    limit = tolerance("keras_difference", scheme)
    differ = (
        f"codes differ {word} {code:.2g} of their range, pixels by {pixel:.2g}; {limit:g} may be."
    )
    worst = max(code, pixel)
    if of_indices(manifest):  # two indices may stand for almost the same
        worst = pixel
        differ = f"pixels differ {word} {pixel:.2g}; {limit:g} may be."
    return [
        Check("parity with Keras", worst <= limit, differ),
        _loss("quality", "tflite", "psnr", parity, tolerance("psnr_loss", scheme)),
        _loss("similarity", "tflite", "ssim", parity, tolerance("ssim_loss", scheme)),
        _loss("quality of the codec", "codec", "psnr", parity, _codec_limit(manifest)),
    ]


def _loss(name: str, way: str, measure: str, parity: dict[str, Any], limit: float) -> Check:
    ours, theirs = parity[f"{measure}_{way}"], parity[f"{measure}_keras"]
    digits, unit = (2, " dB") if measure == "psnr" else (4, "")
    detail = (
        f"{measure.upper()} {ours:.{digits}f}{unit} against Keras's {theirs:.{digits}f}{unit}, "
        f"a loss of {round(theirs - ours, digits) + 0.0:.{digits}f}; "
        f"{limit:.{digits}g}{unit} may be lost."
    )
    return Check(name, theirs - ours <= limit, detail)


def _codec_limit(manifest: Manifest) -> float:
    """What TF Lite and rounding together may cost; the facts of a manifest are not validated."""
    stated = manifest.facts.get("step_loss_db")
    if isinstance(stated, list) and stated:  # of several qualities; the best one is the default
        stated = stated[0]
    if not isinstance(stated, (int, float)) or not 0 <= stated <= _MOST_STEP_LOSS:
        stated = 0.0
    return stated + tolerance("psnr_loss", manifest.scheme) + tolerance("rounding_loss")
