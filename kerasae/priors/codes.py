"""The codes of a set of images: what a prior is trained on."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments, _inference
from kerasae.data import Images
from kerasae.data.examples import Examples

__all__ = ["Codes", "encode"]

Values = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Codes(Examples):
    """Codes in three splits, as `train` takes them.

    Attributes:
        train: Of the training images, float32 (n, *code_shape); indices are whole numbers.
        codebook_size: Number of indices; 0 for codes of values.

    All others are as of `kerasae.data.Examples`: `validation` and `test`, labels and their names.

    Raises:
        ValueError: If a split holds no numbers, or indices beyond the codebook.

    Example:
        >>> import numpy as np
        >>> codes = Codes(train=np.array([[[0.0, 3.0]]]), codebook_size=4)
        >>> codes.code_shape, codes.hyperparameters["codebook_size"]
        ((1, 2), 4)
    """

    name: str = "codes"
    codebook_size: int = 0

    def __post_init__(self) -> None:
        size = _arguments.non_negative_int("codebook_size", self.codebook_size)
        super().__post_init__()
        for split in ("train", "validation", "test") if size else ():
            check_indices(split, getattr(self, split), size)

    @property
    def code_shape(self) -> tuple[int, ...]:
        """The shape of one code."""
        return self.train.shape[1:]

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """What the builders of priors are told of the codes.

        Its shape, the number of classes if there are labels of classes; of indices the size of the
        codebook, of values mean and deviation of each entry of their last dimension.
        """
        labels = self.train_labels
        told: dict[str, Any] = {"code_shape": self.code_shape}
        if labels is not None and np.ndim(labels) == 1:
            told["classes"] = len(self.label_names) or int(np.max(labels)) + 1
        elif labels is not None:
            told["attributes"] = int(np.shape(labels)[1])
        if self.codebook_size:
            return {**told, "codebook_size": self.codebook_size}
        values = self.train.reshape(-1, self.code_shape[-1]).astype(float)
        deviation = np.maximum(values.std(axis=0), 1e-6)
        return {**told, "mean": values.mean(axis=0).tolist(), "deviation": deviation.tolist()}


def check_indices(argument: str, values: NDArray[Any], size: int) -> None:
    """Refuse what are no whole numbers from 0 to below the size of a codebook."""
    if values.size and not (
        np.isfinite(values).all()
        and values.min() >= 0
        and values.max() < size
        and (values == np.floor(values)).all()
    ):
        raise ValueError(
            f"`{argument}` must hold whole numbers from 0 to {size - 1}, indices into a codebook. "
            f"Received: values from {values.min():g} to {values.max():g}"
        )


def encode(model: keras.Model, images: Images | ArrayLike) -> Codes | NDArray[Any]:
    """Give the codes that a trained autoencoder makes of images.

    Of a vector-quantised model they are the indices, of a variational one the means.

    Args:
        model: An autoencoder of one input, whose decoder takes nothing but the code.
        images: A set of images, or an array (n, height, width, channels).

    Returns:
        `Codes` with the splits and labels of the set; of an array the codes (n, *code_shape),
        int32 if they are indices, else float32.

    Raises:
        ValueError: If model or images are others.

    Example:
        >>> import kerasae
        >>> images = kerasae.load_images("digits", limit=60)
        >>> model = kerasae.build_vector_quantized(
        ...     input_shape=(8, 8, 1), hidden=(8,), code_size=4, codebook_size=16
        ... )
        >>> encode(model, images).hyperparameters
        {'code_shape': (4, 4), 'classes': 10, 'codebook_size': 16}
    """
    _inference.image_decoder(model)
    if not isinstance(images, Images):
        return _codes_of(model, images, "images")
    splits = ("train", "validation", "test")
    found = {
        split: _codes_of(model, getattr(images, split), f"images.{split}").astype(np.float32)
        for split in splits
        if len(getattr(images, split))
    }
    labels = {f"{split}_labels": getattr(images, f"{split}_labels") for split in splits}
    if any(of is not None and np.ndim(of) > 2 for of in labels.values()):
        labels = {}  # of pixels
    names = images.label_names if labels else ()
    return Codes(
        **found,
        **labels,
        label_names=names,
        name=f"codes of {images.name}",
        codebook_size=codebook_size(model),
    )


def codebook_size(model: keras.Model) -> int:
    """Of the indices of an autoencoder; 0 if its code is values."""
    sizes = [x.codebook_size for x in _inference.prepared(model).layers if _makes_indices(x)]
    return int(sizes[0]) if sizes else 0


def decode(model: keras.Model, codes: NDArray[Any]) -> NDArray[np.float32]:
    """Images of codes that `encode` or a prior gives.

    Raises:
        ValueError: If they are no codes of the model.
    """
    decoder, size = _inference.image_decoder(model), codebook_size(model)
    if not size:
        return _inference.decode(model, codes)
    check_indices("codes", codes, size)
    heads = [x.decoder_head() for x in _inference.prepared(model).layers if _makes_indices(x)]
    return np.clip(_inference.run([*heads, decoder], codes.astype(np.int32))[0], 0, 1)


def code_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Of what `encode` gives."""
    shape = _inference.code_shape(model)
    layers = [x for x in _inference.prepared(model).layers if _makes_indices(x)]
    return tuple(layers[0].encoder_tail().output_shape[1:]) if layers else shape


def _codes_of(model: keras.Model, images: Any, argument: str) -> NDArray[Any]:
    values = _inference.check_images(model, images, argument)
    codes = _inference.encode_values(model, values)
    tails = [x.encoder_tail() for x in _inference.prepared(model).layers if _makes_indices(x)]
    return _inference.run(tails, codes)[0].astype(np.int32) if tails else codes


def _makes_indices(layer: Any) -> bool:
    return hasattr(layer, "codebook_size") and hasattr(layer, "encoder_tail")
