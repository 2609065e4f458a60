"""How the codec may cut images into tiles for a model, measured on the model with noise."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae_export.conversion.split import predict

__all__ = ["find_layout", "mirrored", "resized"]


def find_layout(
    encoder: keras.Model, decoder: keras.Model, codebook: int = 0
) -> tuple[str, int, int]:
    """Layout, stride and margin of the codec: a grid where the models allow one.

    They allow it if every cell of the code stands for a square of pixels, is computed in the same
    way everywhere, and has a receptive field small enough that a tile keeps cells inside its
    margin. All of this is measured on the models themselves, so no list of layers is needed.

    Args:
        encoder: Image to code, before it is rounded or becomes indices.
        decoder: Code, or indices into a codebook, to image.
        codebook: Number of indices; 0 for a code of values.
    """
    blocks = ("blocks", 1, 0)
    image, code = encoder.input_shape[1:], encoder.output_shape[1:]
    if len(code) != 3 or image[0] % code[0] or image[0] // code[0] != image[1] / code[1]:
        return blocks
    stride = image[0] // code[0]
    rng = np.random.default_rng(0)

    def noise(shape: tuple[int, ...], indices: int) -> NDArray[Any]:
        if indices:
            return rng.integers(0, indices, shape).astype(np.int32)
        return rng.normal(size=shape).astype(np.float32)

    margin = 0
    for model, indices, step_in, step_out in (
        (encoder, 0, stride, 1),
        (decoder, codebook, 1, stride),
    ):
        plain = noise((8, *model.input_shape[1:]), indices)
        row, column = code[0] // 2, code[1] // 2
        changed = plain.copy()
        cell = np.s_[row * step_in : (row + 1) * step_in, column * step_in : (column + 1) * step_in]
        changed[:, cell[0], cell[1]] = noise(changed[:, cell[0], cell[1]].shape, indices)
        before, after = predict(model, plain), predict(model, changed)
        size = float(np.abs(before).max())
        differs = (np.abs(after - before) > 1e-6 * size).any(axis=(0, 3))
        rows, columns = (np.flatnonzero(differs.any(axis=axis)) // step_out for axis in (1, 0))
        if not rows.size:
            return blocks
        margin = max(margin, *abs(rows - row), *abs(columns - column))

        moved = predict(model, np.roll(plain, (step_in, step_in), axis=(1, 2)))
        edge = (margin + 1) * step_out
        inner = moved[:, edge:-edge, edge:-edge]
        same = np.roll(before, (step_out, step_out), axis=(1, 2))[:, edge:-edge, edge:-edge]
        if not inner.size or np.abs(inner - same).max() > 1e-3 * size:
            return blocks
    return ("grid", int(stride), int(margin))


def resized(model: keras.Model, size: tuple[int, int]) -> keras.Model:
    """The same layers, with shared weights, on an input of another height and width.

    Raises:
        ValueError: If a layer is tied to the sizes that it was built with.
    """
    (old,) = model.inputs
    new = keras.Input((*size, *old.shape[3:]), dtype=old.dtype, name=old.name)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, keras.Model):  # would insist on the shape that it was built with
            return _rebuilt(layer, args[0], call).output
        return layer(*args, **kwargs)

    return _rebuilt(model, new, call)


def _rebuilt(model: keras.Model, value: Any, call: Any) -> keras.Model:
    return keras.models.clone_model(
        model, input_tensors=value, clone_function=lambda layer: layer, call_function=call
    )


def mirrored(images: NDArray[np.float32], before: tuple[int, int], size: tuple[int, int]) -> Any:
    """Images continued on all sides by their mirror images, which makes no new edges.

    Args:
        images: (n, height, width, channels).
        before: Rows and columns to add in front.
        size: Height and width of the result.
    """
    lack = [
        (b, full - b - side) for b, full, side in zip(before, size, images.shape[1:3], strict=True)
    ]
    return np.pad(images, [(0, 0), *lack, (0, 0)], mode="symmetric")
