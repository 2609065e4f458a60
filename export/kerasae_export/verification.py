"""Proof that a bundle still does what it did when it was exported."""

from __future__ import annotations

import io
import json
import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PILImage

from kerasae_export.errors import BundleError
from kerasae_export.files import write_bytes
from kerasae_export.manifest import GOLDEN, MANIFEST, Manifest
from kerasae_export.quality import pooled_psnr
from kerasae_export.runtime import Codec, LiteModel, open_models, read_files

if TYPE_CHECKING:
    import keras

__all__ = ["Check", "Verification", "verify_bundle"]

VERIFICATION = "verification.json"

_SYMBOL_SHARE = 0.10  # of golden symbols that another kernel may move by one step
_QUANTISATION_LOSS = 0.3  # dB
_FLOAT_DIFFERENCE = 1e-3  # of float32 outputs from Keras's, relative to their range
_RUNS = 30
_UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    OSError,
    RecursionError,
    PILImage.DecompressionBombError,
)


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: What.
        passed: Whether it held.
        detail: One sentence with the measured value and the limit.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verification:
    """The outcome of `verify_bundle`.

    Attributes:
        bundle: The bundle hash, or `""` if the manifest could not be read.
        checks: Every check that was made; after a failure that leaves nothing to go on
            with, the later ones are missing.
        measurements: Sizes, latencies and, with a model, differences and qualities.
    """

    bundle: str
    checks: tuple[Check, ...]
    measurements: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> str:
        """The text of `verification.json`."""
        content = {
            "bundle": self.bundle,
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
            "measurements": self.measurements,
        }
        return json.dumps(content, indent=1) + "\n"


def verify_bundle(
    folder: str | os.PathLike[str],
    *,
    model: keras.Model | None = None,
    images: ArrayLike | None = None,
) -> Verification:
    """Check a bundle, write `verification.json` into it, and refuse it if it is off.

    Checked are: hashes; that the manifest agrees with the files; built-in operators only;
    that the golden sample gives its symbols, its bitstream and its reconstruction, with the
    fast and with the reference kernels. With a model and images also: that TF Lite gives
    what Keras gives, and that it costs no more PSNR than it may (int8: 0.3 dB, plus what
    rounding the code was allowed to cost at export).

    Args:
        folder: The bundle.
        model: The model it was exported from.
        images: Real images, float32 (n, height, width, channels) in [0, 1]; with `model`.

    Returns:
        The checks and the measurements.

    Raises:
        BundleError: If a check fails; `verification.json` then tells all of them.
        ValueError: If only one of `model` and `images` is given.
    """
    if (model is None) != (images is None):
        raise ValueError("`model` and `images` must be given together. Received: only one of them")
    root = Path(folder)
    if not (root / MANIFEST).is_file():
        raise BundleError(f"`folder` must be a bundle's folder. Received: {os.fspath(folder)!r}")
    verification = _verify(root, model, images)
    write_bytes(root / VERIFICATION, verification.to_json().encode())
    for check in verification.checks:
        if not check.passed:
            raise BundleError(f"The bundle fails the check of its {check.name}: {check.detail}")
    return verification


def _verify(root: Path, model: keras.Model | None, images: ArrayLike | None) -> Verification:
    checks: list[Check] = []
    try:
        manifest, files = read_files(root)
        codec = Codec.load(root)
    except BundleError as error:
        return Verification("", (Check("files", False, str(error)),))
    checks.append(Check("files", True, f"{len(files)} files have the hashes of the manifest."))

    contents = {n: files[p.file] for n, p in _parts(codec)}
    for name, part in _parts(codec):
        checks.append(_operators(name, contents[name], 1 if part.signature is None else 2))
    try:
        golden = _read_golden(files, codec)
    except BundleError as error:
        return Verification(
            manifest.bundle_hash, (*checks, Check("golden sample", False, str(error)))
        )
    checks.append(_golden_symbols(codec, golden))
    checks.append(_golden_bitstream(codec, golden))
    checks.append(_golden_pixels("golden reconstruction", codec, golden))
    reference = Codec(
        manifest,
        *open_models(manifest, files, reference=True),
    )
    checks.append(_golden_pixels("reference kernels", reference, golden))

    measurements: dict[str, Any] = {
        "bytes": {name: len(content) for name, content in contents.items()},
        "parameters": manifest.facts.get("parameters"),
        "latency_ms": {
            f"{name}, {threads} thread{'s' if threads > 1 else ''}": _latency(lite)
            for threads in (1, 2)
            for name, lite in zip(
                contents, open_models(manifest, files, threads=threads), strict=True
            )
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
    }
    if model is not None:
        pictures = _check_images(np.asarray(images, np.float32), manifest)
        measurements["parity"] = parity = _parity(
            codec, open_models(manifest, files), model, pictures
        )
        checks.extend(_judge(parity, manifest.scheme))
    return Verification(manifest.bundle_hash, tuple(checks), measurements)


def _check_images(images: NDArray[np.float32], manifest: Manifest) -> NDArray[np.float32]:
    shape = (*manifest.codec.tile, manifest.codec.channels)
    if images.shape[1:] != shape or not len(images):
        raise ValueError(
            f"`images` must be of the bundle's shape (n, {', '.join(map(str, shape))}). "
            f"Received: shape {images.shape}"
        )
    if not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(f"`images` must be in [0, 1]. Received: {images.min()} to {images.max()}")
    return images


def _parts(codec: Codec) -> list[tuple[str, Any]]:
    return [("encoder", codec.manifest.encoder), ("decoder", codec.manifest.decoder)]


def _operators(name: str, content: bytes, graphs: int) -> Check:
    root = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in root.operatorCodes]
    used = sorted({names.get(code, str(code)) for code in codes})
    foreign = [n for n in used if n in ("CUSTOM", "DELEGATE")]
    passed = not foreign and len(root.subgraphs) == graphs
    only = "built-in ones only" if passed else "not all of them are built in"
    return Check(f"{name} operators", passed, f"{', '.join(used)}; {only}.")


def _read_golden(files: dict[str, bytes], codec: Codec) -> dict[str, Any]:
    try:
        golden: dict[str, Any] = {}
        for name in ("image", "reconstruction"):
            picture = np.asarray(PILImage.open(io.BytesIO(files[GOLDEN[name]])))
            golden[name] = picture[..., None] if picture.ndim == 2 else picture
        golden["bitstream"] = files[GOLDEN["bitstream"]]
        content = json.loads(files[GOLDEN["symbols"]])
        golden["symbols"] = np.array(content["symbols"]).reshape(content["shape"])
    except _UNREADABLE as error:
        raise BundleError(f"The golden sample cannot be read: {error}.") from None
    channels = codec.manifest.codec.channels
    image, symbols = golden["image"], golden["symbols"]
    if (
        any(golden[n].dtype != np.uint8 for n in ("image", "reconstruction"))
        or image.shape != golden["reconstruction"].shape
        or image.shape[2:] != (channels,)
        or symbols.dtype.kind != "i"
        or symbols.shape != codec.encode(image).shape
    ):
        raise BundleError("The golden sample does not fit the bundle: its shapes or types differ.")
    return golden


def _golden_symbols(codec: Codec, golden: dict[str, Any]) -> Check:
    """Another kernel may move a symbol by one step, never by more."""
    name = "golden symbols"
    differs = np.abs(codec.encode(golden["image"]) - golden["symbols"])
    share, worst = float((differs > 0).mean()), int(differs.max())
    detail = f"{share:.2%} of them differ, by up to {worst}; {_SYMBOL_SHARE:.0%} may, by 1."
    return Check(name, worst <= 1 and share <= _SYMBOL_SHARE, detail)


def _golden_bitstream(codec: Codec, golden: dict[str, Any]) -> Check:
    """Symbols are exact on every machine, and so is what they are coded to."""
    stored, (height, width) = golden["bitstream"], golden["image"].shape[:2]
    try:
        read = codec.unpack(stored)
        again = codec.unpack(codec.pack(golden["symbols"], height, width))
    except ValueError as error:
        return Check("golden bitstream", False, str(error))
    same = all(
        size == [height, width] and np.array_equal(symbols, golden["symbols"])
        for symbols, *size, _ in (read, again)
    )
    detail = f"{len(stored)} bytes {'give' if same else 'do not give'} the golden symbols."
    return Check("golden bitstream", same, detail)


def _golden_pixels(name: str, codec: Codec, golden: dict[str, Any]) -> Check:
    expected, limit = golden["reconstruction"].astype(int), codec.manifest.pixel_tolerance
    pixels = codec.decode(golden["symbols"], *golden["image"].shape[:2])
    worst = int(np.abs(pixels - expected).max())
    return Check(name, worst <= limit, f"pixels differ by up to {worst}; {limit} levels may.")


def _latency(model: LiteModel) -> dict[str, float]:
    value = np.zeros(model.input.shape, model.input.dtype)
    model(value)  # the first run prepares the kernels
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        model(value)
        times.append(1e3 * (time.perf_counter() - start))
    low, median, high = statistics.quantiles(times, n=4)
    return {"median": round(median, 4), "quartile_1": round(low, 4), "quartile_3": round(high, 4)}


def _parity(
    codec: Codec,
    lite: tuple[LiteModel, LiteModel],
    model: keras.Model,
    images: NDArray[Any],
) -> dict[str, float]:
    from kerasae_export import split  # the rest of this module runs without Keras

    encoder, decoder = split.encoder(model), split.decoder(model)
    lite_encoder, lite_decoder = lite
    code = split.predict(encoder, images).astype(float)
    lite_code = lite_encoder.run(images)
    span = max(float(code.max() - code.min()), 1e-12)

    pixels = np.clip(split.predict(decoder, code), 0, 1)
    lite_pixels = np.clip(lite_decoder.run(lite_code), 0, 1)
    whole = np.floor(images * 255 + 0.5).astype(np.uint8)
    coded = np.stack([codec.decompress(codec.compress(image)) for image in whole]) / 255
    return {
        "images": len(images),
        "code_difference_mean": float(np.abs(lite_code - code).mean() / span),
        "code_difference_max": float(np.abs(lite_code - code).max() / span),
        "pixel_difference_mean": float(np.abs(lite_pixels - pixels).mean()),
        "pixel_difference_max": float(np.abs(lite_pixels - pixels).max()),
        "psnr_keras": pooled_psnr(images, pixels),
        "psnr_tflite": pooled_psnr(images, lite_pixels),
        "psnr_codec": pooled_psnr(images, coded),
    }


def _judge(parity: dict[str, float], scheme: str) -> list[Check]:
    checks = []
    if scheme == "float32":
        worst = max(parity["code_difference_max"], parity["pixel_difference_max"])
        detail = f"outputs differ by up to {worst:.2g} of their range; {_FLOAT_DIFFERENCE:g} may."
        checks.append(Check("parity with Keras", worst <= _FLOAT_DIFFERENCE, detail))
    loss = parity["psnr_keras"] - parity["psnr_tflite"]
    detail = (
        f"{parity['psnr_tflite']:.2f} dB against Keras's {parity['psnr_keras']:.2f} dB, "
        f"a loss of {loss:.2f}; {_QUANTISATION_LOSS:.2f} dB may be lost."
    )
    return [*checks, Check("quality", loss <= _QUANTISATION_LOSS, detail)]
