"""All checks of a bundle, and the files that record their outcome."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae_export.errors import BundleError
from kerasae_export.files.batch import write_bytes
from kerasae_export.format.arguments import check_path
from kerasae_export.format.manifest import MANIFEST, Manifest
from kerasae_export.images import Sampled, check_images
from kerasae_export.runtime.bundle_files import read_files
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.litemodel import KERNELS
from kerasae_export.verification import checks as checks_
from kerasae_export.verification import costs, kernels, labels, measuring, onnx, parity, parts
from kerasae_export.verification.batch import check_batch
from kerasae_export.verification.layers import LayerError, compare_layers, worst_layer
from kerasae_export.verification.outcome import (
    Check,
    ReportWarning,
    Verification,
    VerificationError,
)
from kerasae_export.verification.report import Evidence, html

if TYPE_CHECKING:
    import keras

    from kerasae_export.functional import AnyModel

__all__ = ["REPORT", "VERIFICATION", "verify_bundle"]

VERIFICATION = "verification.json"
REPORT = "verification.html"

_KERNEL_IMAGES = 32  # the reference kernels are slow
_LAYER_IMAGES = 16


def verify_bundle(
    folder: str | os.PathLike[str],
    *,
    model: AnyModel | None = None,
    images: ArrayLike | Sampled | None = None,
    report: bool = True,
    report_folder: str | os.PathLike[str] | None = None,
) -> Verification:
    """Check a bundle, record the outcome, and raise an error if a check fails.

    The checks are: the hashes; that the manifest agrees with the files; that all operators are
    built-in and, in int8, none in floating point that the export did not allow; that the golden
    sample gives its symbols, its bitstream and its reconstruction, with all kernels that LiteRT
    has (XNNPACK, optimised without it, reference), and also if one of them encodes and another
    one decodes; and that none of thousands of codes decodes to pixels farther apart than the
    manifest's `pixel_tolerance`; and where the bundle has models for several tiles at once,
    that they give what those for one give; and where they may be told a class, that all kernels
    agree on that. With a model and images, also: all kernels on these
    images; that TF Lite agrees with Keras; and the loss in PSNR and SSIM. Where there are ONNX
    files, ONNX Runtime decodes the golden symbols with them and, with a model, is compared with
    Keras; where it is not installed, a `ReportWarning` says so. `TOLERANCES` holds the limits. The
    outcome is written to `verification.json` and `verification.html` in the bundle; the manifest
    and the files that it lists do not change.

    Args:
        folder: The bundle.
        model: The model it was exported from, or the pair.
        images: Real images, float32 (n, height, width, channels) in [0, 1], or uint8 from 0 to
            255, together with `model`. Their size is that of the model or, where the bundle has
            larger tiles, of a tile.
        report: Whether to write `verification.html` and to take the measurements that need time:
            peak memory and, with a model, the error of every layer. Its plots need matplotlib,
            which the extra `convert` installs; without it, the report has tables only.
        report_folder: Folder for both files, made if it is missing; by default the bundle.

    Returns:
        The checks and the measurements.

    Files that cannot be written, as in a bundle that may only be read, lose no result: a
    `ReportWarning` says why they are missing.

    Raises:
        VerificationError: If a check fails; it is a `BundleError`. Both files then hold all checks.
        BundleError: If `folder` is not the folder of a bundle.
        ValueError: If only one of `model` and `images` is given, or they do not fit the bundle.

    Example:
        >>> from kerasae_export import verify_bundle
        >>> verify_bundle("bundle").passed                                  # doctest: +SKIP
        True
    """
    if (model is None) != (images is None):
        raise ValueError("`model` and `images` must be given together. Received: only one of them")
    if images is not None:
        images = check_images("images", images, unit="a codec of pixels")
    root = check_path("folder", folder)
    if not (root / MANIFEST).is_file():
        raise BundleError(f"`folder` must be a bundle's folder. Received: {os.fspath(folder)!r}")
    evidence = Evidence(name=root.resolve().name)
    verification = _verify(root, model, images, evidence, report)
    skipped = verification.measurements.get("onnx", {}).get("skipped")
    if skipped:
        warnings.warn(f"The ONNX files were not run: {skipped}", ReportWarning, stacklevel=2)
    target = root if report_folder is None else Path(report_folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        write_bytes(target / VERIFICATION, verification.to_json().encode())
        if report:
            write_bytes(target / REPORT, html(verification, evidence).encode())
        else:
            (target / REPORT).unlink(missing_ok=True)  # that of an earlier run would contradict
    except OSError as error:
        warnings.warn(
            f"The report cannot be written to {target}: {error.strerror or error}",
            ReportWarning,
            stacklevel=2,
        )
    for check in verification.checks:
        if not check.passed:
            raise VerificationError(
                f"The bundle fails the check of its {check.name}: {check.detail}", verification
            )
    return verification


def _verify(
    root: Path,
    model: AnyModel | None,
    images: NDArray[np.float32] | None,
    evidence: Evidence,
    thorough: bool,
) -> Verification:
    try:
        manifest, files = read_files(root)
        both = parts.sides(manifest, files)
        # Before LiteRT sees them: it would refuse a custom operator with less to say.
        operators = [checks_.check_operators(side, manifest) for side in both]
        if any(side.graph.foreign for side in both):
            return Verification(manifest.bundle_hash, tuple(operators))
        codec = Codec.load(root)
    except BundleError as error:
        return Verification("", (Check("files", False, str(error)),))
    evidence.manifest = manifest
    halves = pictures = conditional = None
    if model is not None and images is not None:
        model, conditional = parity.prepared(model)
        halves = parity.halves_of(model, manifest)
        pictures = parity.framed(images, model, manifest)
    held = f"{len(files)} files have the hashes of the manifest, which says what they are."
    found = [Check("files", True, held), *operators]
    try:
        golden = checks_.read_golden(files, codec)
    except BundleError as error:
        found.append(Check("golden sample", False, str(error)))
        return Verification(manifest.bundle_hash, tuple(found))

    indices = checks_.of_indices(manifest)
    others = {name: parts.codec_of(manifest, both, kernels=name) for name in KERNELS[1:]}
    share, largest = checks_.moved(codec.encode(golden.image), golden.symbols)
    found += [
        checks_.check_symbols("golden symbols", share, largest, indices=indices),
        checks_.check_bitstream(codec, golden),
        checks_.check_pixels("golden reconstruction", codec, golden),
        *(checks_.check_pixels(f"{name} kernels", other, golden) for name, other in others.items()),
    ]
    try:
        evidence.golden = golden.image, codec.decode(golden.symbols, *golden.size)
        compared = _compared("golden sample", codec, others, [golden.image])
        measurements = _measure(root, manifest, both, thorough)
        differences = kernels.decoder_differences(both, manifest.codec, pictures, thorough)
    except ValueError as error:
        found.append(Check("models", False, f"They do not run: {error}"))
        return Verification(manifest.bundle_hash, tuple(found))
    if halves is not None and pictures is not None:
        few = _evenly(pictures, _KERNEL_IMAGES)
        whole = list(np.floor(few * 255 + 0.5).astype(np.uint8))
        compared |= _compared("images", codec, others, whole)
        measurements["parity"], evidence.pictures = parity.compare_with_keras(
            codec, both, halves, pictures
        )
        if thorough and manifest.scheme != "float32":
            measurements["layers"] = _layers(manifest, both, halves, pictures)
    found.append(kernels.check_differences(differences, manifest.pixel_tolerance))
    for name, values in compared.items():
        found += kernels.check_kernels(name, values, indices=indices)
    if "parity" in measurements:
        found += parity.check_parity(measurements["parity"], manifest)
    found += check_batch(codec, golden)
    found += labels.check_labels(manifest, files, both, golden, conditional, pictures)
    found += _onnx(manifest, files, golden, halves, pictures, measurements)
    measurements["kernels"] = compared
    measurements["pixels"] = differences.to_dict()
    return Verification(manifest.bundle_hash, tuple(found), measurements)


def _onnx(
    manifest: Manifest,
    files: Mapping[str, bytes],
    golden: checks_.Golden,
    halves: tuple[keras.Model, keras.Model] | None,
    pictures: NDArray[np.float32] | None,
    measurements: dict[str, Any],
) -> list[Check]:
    """The checks of the ONNX files, if there are any; what is measured goes to `measurements`."""
    if manifest.onnx is None:
        return []
    why = onnx.why_not_run(manifest)
    if why:
        measurements["onnx"] = {"skipped": why}
        return []
    try:
        side = onnx.OnnxSide.of(manifest, files)
        check, measurements["onnx"] = onnx.check_golden(side, golden)
        checks = [check]
        if halves is not None and pictures is not None:
            check, compared = onnx.compare_with_keras(side, halves, pictures)
            checks.append(check)
            measurements["onnx"] |= compared
    except ValueError as error:
        return [Check("ONNX models", False, f"They do not run: {error}")]
    return checks


def _compared(
    what: str, codec: Codec, others: Mapping[str, Codec], images: Sequence[NDArray[np.uint8]]
) -> dict[str, Any]:
    """XNNPACK beside each of the other sets of kernels."""
    return {
        f"{what}, {name}": kernels.compare_kernels(codec, other, images)
        for name, other in others.items()
    }


def _measure(
    root: Path, manifest: Manifest, both: tuple[parts.Side, parts.Side], thorough: bool
) -> dict[str, Any]:
    measurements: dict[str, Any] = {
        "bytes": {side.name: len(side.content) for side in both},
        "parameters": manifest.facts.get("parameters"),
        "costs": {side.name: measuring.static_costs(side, manifest) for side in both},
        "latency_ms": {
            f"{side.name}, {threads} thread{'s' if threads > 1 else ''}": measuring.latency(
                side, threads
            )
            for side in both
            for threads in (1, 2)
        },
        "machine": measuring.machine(),
    }
    if thorough:
        measurements["peak_bytes"] = {side.name: measuring.peak_bytes(side, root) for side in both}
    return measurements


def _layers(
    manifest: Manifest,
    both: tuple[parts.Side, parts.Side],
    halves: tuple[keras.Model, keras.Model],
    pictures: NDArray[np.float32],
) -> dict[str, Any]:
    """The errors of all layers, and in schemes of eight bits what each costs the images."""
    from kerasae_export.conversion.convert import Converter
    from kerasae_export.errors import ConversionError

    few = _evenly(pictures, _LAYER_IMAGES)
    codes = both[0].load().run(few)
    found: dict[str, Any] = {"images": len(few)}
    worst: list[tuple[str, LayerError | None]] = []
    exact: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as scratch, Converter() as converter:
        inputs: tuple[NDArray[Any], NDArray[Any]] = few, codes
        for side, half, values in zip(both, halves, inputs, strict=True):
            try:
                path = converter.convert(half, Path(scratch) / "float.tflite", scheme="float32")
            except ConversionError as error:  # all checks are done without it
                return {"error": str(error)}
            exact[side.name] = path.read_bytes()
            layers, unmatched = compare_layers(side, exact[side.name], values)
            found[side.name] = {"layers": [asdict(x) for x in layers], "unmatched": unmatched}
            worst.append((side.name, worst_layer(layers)))
    known = [{"part": name, **asdict(layer)} for name, layer in worst if layer is not None]
    found["largest_error"] = min(known, key=lambda layer: layer["own"], default=None)
    if manifest.scheme in ("int8", "mixed"):
        found["losses"] = costs.layer_losses(both, halves, exact, few)
        found["costs_most"] = costs.costs_most(found["losses"])
    return found


def _evenly(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """At most `count` of the values; `split.evenly` would need Keras."""
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).astype(int)]
