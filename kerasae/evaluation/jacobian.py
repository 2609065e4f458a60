"""How much a code answers to small changes of the image."""

from __future__ import annotations

import math

import keras
import numpy as np
from numpy.typing import ArrayLike

from kerasae import _arguments, _inference

__all__ = ["jacobian_norm"]


def jacobian_norm(model: keras.Model, images: ArrayLike, *, step: float = 0.01) -> float:
    """Mean Frobenius norm of the Jacobian of the code with respect to the image.

    The measure of Rifai, Vincent, Muller, Glorot & Bengio (2011, Contractive Auto-Encoders,
    section 5), by central differences in every pixel, `(f(x + s e_i) - f(x - s e_i)) / (2 s)`,
    whose error is of the order of `s^2` where the encoder is smooth, and of rounding, 1e-5 or so
    for each value. An image costs two encodings for each of its values, so that some hundred images
    are enough to wait for.

    Args:
        model: A model; its code is taken before a quantiser.
        images: (n, height, width, channels).
        step: `s`, in pixel values.

    Returns:
        The mean over the images.

    Raises:
        ValueError: If the images do not fit the model, or the step is not positive.

    Example:
        >>> import kerasae, numpy as np
        >>> model = kerasae.build_undercomplete(input_shape=(8, 8, 1), code_size=2, hidden=())
        >>> kernel, bias = model.get_layer("encoder").get_weights()
        >>> exact = np.linalg.norm(kernel)
        >>> bool(abs(jacobian_norm(model, np.zeros((1, 8, 8, 1))) - exact) < 1e-4 * exact)
        True
    """
    pictures = _inference.check_images(model, images)
    step = _arguments.number("step", step, low=0.0)
    shape = pictures.shape[1:]
    size = math.prod(shape)
    moves = step * np.eye(size, dtype=np.float32).reshape(size, *shape)
    norms = []
    for picture in pictures:
        ahead = _inference.encode_values(model, picture + moves).astype(float)
        behind = _inference.encode_values(model, picture - moves)
        norms.append(np.linalg.norm((ahead - behind).ravel()) / (2 * step))
    return float(np.mean(norms))
