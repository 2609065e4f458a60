"""The sparse autoencoder: many units, few of them active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from kerasae import _arguments
from kerasae.builders import _dense
from kerasae.builders._losses import Loss
from kerasae.layers import KLSparsity, L1Sparsity

__all__ = ["build_sparse"]

PENALTIES = ("l1", "kl", "topk", "dropout")


def build_sparse(
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    code_size: int = 1024,
    hidden: Sequence[int] = (),
    activation: str = "relu",
    loss: Loss = "binary_crossentropy",
    penalty: Literal["l1", "kl", "topk", "dropout"] = "l1",
    weight: float = 1e-4,
    rho: float = 0.05,
    beta: float = 1e-4,
    k: int = 25,
    rate: float = 0.5,
    learning_rate: float = 1e-3,
    code_activation: str | None = None,
    tied: bool = False,
) -> keras.Model:
    """Build a dense autoencoder of which only a few units of the code are active at a time.

    The loss is the mean over pixels and batch, plus one of

    - `"l1"`: `weight * sum_j |h_j|`, averaged over the batch, with ReLU units;
    - `"kl"`: `beta * sum_j KL(rho, mean over the batch of h_j)`, with sigmoid units (Ng 2011,
      CS294A Lecture Notes: Sparse Autoencoder);
    - `"topk"`: nothing, but all except the `k` largest of the linear units are set to zero, in
      training and at inference (Makhzani & Frey 2013, k-Sparse Autoencoders);
    - `"dropout"`: nothing, but each unit of the hidden layers and of the code is dropped with
      probability `rate` in training (Srivastava et al. 2014).

    Args:
        input_shape: (height, width, channels) of an image, (length, features) of a signal,
            (values,) of a row, or (depth, height, width, channels) of a volume.
        code_size: Number of units in the code; may exceed the number of pixels.
        hidden: Units of each hidden layer of the encoder; the decoder mirrors it.
        activation: Activation of the hidden layers.
        loss: `"binary_crossentropy"`, with a sigmoid output, for pixels in [0, 1], or
            `"mse"`, with a linear output.
            Any other loss of Keras does, by name, object or function; a function or class of your
            own must be registered with Keras. Its output is a sigmoid if it takes probabilities or
            has an attribute `unit_range`, else linear.
        penalty: What makes the code sparse, see above.
        weight: Factor of `"l1"`.
        rho: Wanted mean activation of `"kl"`, in (0, 1).
        beta: Factor of `"kl"`.
        k: Units that `"topk"` keeps, at most `code_size`.
        rate: Share that `"dropout"` drops, in (0, 1).
        learning_rate: Step size of Adam.
        code_activation: Activation of the code, such as `"relu"` for each of several models that
            are compared. By default the one named above, and none for `"dropout"`; `"kl"` needs
            `"sigmoid"`.
        tied: Whether each kernel of the decoder is the transpose of its mirror in the encoder, as
            in Makhzani & Frey (2013); biases are never shared.

    Returns:
        A compiled model, float32 (batch, height, width, channels) to the same shape, with
        nested models `encoder` and `decoder`; a code is (batch, code_size).

    Raises:
        ValueError: If a hyperparameter breaks its rule.

    Example:
        >>> from keras import ops
        >>> model = build_sparse(input_shape=(8, 8, 1), code_size=100, penalty="topk", k=5)
        >>> code = model.get_layer("encoder")(ops.ones((1, 8, 8, 1)))
        >>> int(ops.count_nonzero(code))
        5
    """
    return build(
        "sparse",
        _arguments.one_of("penalty", penalty, PENALTIES),
        {"weight": weight, "rho": rho, "beta": beta, "k": k, "rate": rate},
        input_shape=input_shape,
        code_size=code_size,
        hidden=hidden,
        activation=activation,
        loss=loss,
        learning_rate=learning_rate,
        code_activation=code_activation,
        tied=tied,
    )


def build(
    name: str,
    penalty: str,
    strengths: dict[str, Any],
    *,
    code_size: int,
    code_activation: str | None,
    **shared: Any,
) -> keras.Model:
    """A dense autoencoder with one of the penalties; used by `overcomplete` too."""
    code_size = _arguments.positive_int("code_size", code_size)
    weight = _arguments.number("weight", strengths["weight"], low=0.0)
    rho = _arguments.number("rho", strengths["rho"], low=0.0, high=1.0)
    beta = _arguments.number("beta", strengths["beta"], low=0.0)
    k = _arguments.positive_int("k", strengths["k"])
    rate = _arguments.number("rate", strengths["rate"], low=0.0, high=1.0)
    if code_activation is None:
        code_activation = {"l1": "relu", "kl": "sigmoid"}.get(penalty, "linear")
    code_activation = _arguments.activation("code_activation", code_activation)
    options: dict[str, Any]
    if penalty == "l1":
        options = {"between": [L1Sparsity(weight, name="sparsity")]}
    elif penalty == "kl":
        if code_activation != "sigmoid":
            raise ValueError(
                "`code_activation` must be 'sigmoid' for 'kl', which compares shares of 1. "
                f"Received: code_activation={code_activation!r}"
            )
        options = {"between": [KLSparsity(rho, beta, name="sparsity")]}
    elif penalty == "topk":
        if k > code_size:
            raise ValueError(f"`k` must be at most `code_size`, {code_size}. Received: k={k}")
        options = {"code_step": lambda code: keep_largest(code, k)}
    else:
        options = {"dropout": rate}
    return _dense.autoencoder(
        name, code_size=code_size, code_activation=code_activation, **shared, **options
    )


def keep_largest(code: Any, k: int) -> Any:
    """Zero all but the `k` largest values of each code (batch, units), ties kept."""
    smallest = ops.top_k(code, k)[0][:, -1:]  # (B, 1)
    return ops.where(ops.greater_equal(code, smallest), code, ops.zeros_like(code))
