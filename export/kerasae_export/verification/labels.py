"""The models of a bundle that are told a class: with all kernels, and beside Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export.format.manifest import Manifest
from kerasae_export.runtime.codec import Codec
from kerasae_export.runtime.graph import Graph
from kerasae_export.runtime.labelled import LabelledPair, labelled_models
from kerasae_export.runtime.litemodel import KERNELS
from kerasae_export.verification.checks import Golden, check_operators, moved, of_indices
from kerasae_export.verification.outcome import Check, tolerance
from kerasae_export.verification.parts import Side

if TYPE_CHECKING:
    import keras

__all__ = ["check_labels"]

_CLASSES = 10  # of more, as many evenly spaced ones
_IMAGES = 100
_EXACT = frozenset({"float32", "float16"})  # judged by the worst value, as parity is


def check_labels(
    manifest: Manifest,
    files: Mapping[str, bytes],
    both: tuple[Side, Side],
    golden: Golden,
    model: keras.Model | None,
    images: NDArray[np.float32] | None,
) -> list[Check]:
    """The checks of these models; none for a bundle without them.

    Args:
        manifest: The manifest.
        files: The contents of the bundle's files.
        both: The models that take no label.
        golden: The golden sample.
        model: The conditional model that was exported, where it is at hand.
        images: Of the model's shape, (n, height, width, channels) in [0, 1].
    """
    labels = manifest.labels
    if labels is None:
        return []
    try:
        sides = [
            Side(f"labelled {name}", part.told, files[part.file], Graph(files[part.file]))
            for name, part in (("encoder", labels.encoder), ("decoder", labels.decoder))
        ]
        operators = [check_operators(side, manifest) for side in sides]
        if any(side.graph.foreign for side in sides):
            return operators
        pairs = {name: labelled_models(manifest, files, kernels=name) for name in KERNELS}
        fast = pairs[KERNELS[0]]
        assert fast is not None
        checks = [*operators, _kernels(manifest, both, pairs, golden)]
        if model is not None and images is not None:
            checks.append(_parity(manifest, fast, model, images[:_IMAGES]))
    except ValueError as error:
        return [Check("labelled models", False, f"They do not run: {error}")]
    return checks


def _kernels(
    manifest: Manifest,
    both: tuple[Side, Side],
    pairs: Mapping[str, LabelledPair | None],
    golden: Golden,
) -> Check:
    """The golden image and its symbols, told each class."""
    assert manifest.labels is not None
    count, limit = len(manifest.labels.names), manifest.labels.pixel_tolerance
    classes = np.unique(np.linspace(0, count - 1, _CLASSES).astype(int)).tolist()
    plain = [side.load() for side in both]
    several = [Codec(manifest, *plain, labelled=pair) for pair in pairs.values()]
    share, largest, worst = 0.0, 0, 0
    for k in classes:
        symbols = [one.encode(golden.image, label=k) for one in several]
        pixels = [one.decode(golden.symbols, *golden.size, label=k).astype(int) for one in several]
        for other in symbols[1:]:
            found = moved(other, symbols[0])
            share, largest = max(share, found[0]), max(largest, found[1])
        worst = max(worst, int((np.max(pixels, axis=0) - np.min(pixels, axis=0)).max()))
    near = of_indices(manifest) or largest <= tolerance("symbol_distance")
    detail = (
        f"told each of {len(classes)} classes, kernels move {share:.2%} of the golden symbols by "
        f"up to {largest} and pixels by up to {worst}; {tolerance('symbols_moved'):.0%} by "
        f"{tolerance('symbol_distance'):g}, and {limit} levels may be."
    )
    passed = share <= tolerance("symbols_moved") and near and worst <= limit
    return Check("labelled models, kernels", passed, detail)


def _parity(
    manifest: Manifest, pair: LabelledPair, model: keras.Model, images: NDArray[np.float32]
) -> Check:
    """Codes and pixels beside those of Keras, each image told another class than the one before."""
    from kerasae_export.conversion import split  # the rest of this package runs without Keras

    assert manifest.labels is not None
    count = len(manifest.labels.names)
    numbers = np.arange(len(images)) % count
    vectors = np.eye(count, dtype=np.float32)[numbers]

    def keras_gives(half: keras.Model, values: NDArray[Any]) -> NDArray[np.float64]:
        inputs = [vectors if entry.name == split.LABEL else values for entry in half.inputs]
        return np.asarray(split.predict_all(half, inputs)[0], float)

    code = keras_gives(split.encoder(model), images)
    pixels = np.clip(keras_gives(split.decoder(model), code), 0, 1)
    at = [pair.at(int(k)) for k in numbers]
    ours = np.concatenate([one[0].run(x[None]) for one, x in zip(at, images, strict=True)])
    rebuilt = np.concatenate([one[1].run(z[None]) for one, z in zip(at, code, strict=True)])
    of_code = np.abs(ours - code) / max(float(np.ptp(code)), 1e-12)
    of_pixels = np.abs(np.clip(rebuilt, 0, 1) - pixels)
    exact = manifest.scheme in _EXACT
    found = [float(each.max() if exact else each.mean()) for each in (of_code, of_pixels)]
    limit = tolerance("keras_difference", manifest.scheme)
    detail = (
        f"codes differ {'by up to' if exact else 'on average by'} {found[0]:.2g} of their range, "
        f"pixels by {found[1]:.2g}; {limit:g} may be."
    )
    worst = found[1] if of_indices(manifest) else max(found)
    return Check("labelled models, parity with Keras", worst <= limit, detail)
