"""The model behind the variational builders: two halves, a draw between them, and the bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from kerasae import _arguments
from kerasae._conditions import LABEL
from kerasae.builders import _networks
from kerasae.layers import Binarization, Condition, RepeatedLabels, Sampling, VariationalBound
from kerasae.layers.variational import LIKELIHOODS
from kerasae.models import Autoencoder


def build(
    name: str,
    *,
    condition: Condition | None = None,
    input_shape: Sequence[int],
    code_size: int,
    hidden: Sequence[int],
    activation: str,
    likelihood: str | None,
    beta: float,
    capacity: float | None,
    warmup_epochs: float,
    free_bits: float,
    importance_samples: int,
    sigma: float,
    network: str,
    binarize: bool,
    learning_rate: float,
    **network_options: Any,
) -> keras.Model:
    """The compiled model of `build_variational`, or with a condition that of `build_conditional`.

    All hyperparameters are checked here.
    """
    shape = _arguments.input_shape(input_shape)
    code_size = _arguments.positive_int("code_size", code_size)
    binarize = _arguments.boolean("binarize", binarize)
    if likelihood is None:
        likelihood = "bernoulli" if binarize else "gaussian_learned"
    _arguments.one_of("likelihood", likelihood, LIKELIHOODS)
    beta = _arguments.number("beta", beta, low=0.0, closed=True)
    warmup_epochs = _arguments.number("warmup_epochs", warmup_epochs, low=0.0, closed=True)
    free_bits = _arguments.number("free_bits", free_bits, low=0.0, closed=True)
    sigma = _arguments.number("sigma", sigma, low=0.0)
    samples = _arguments.positive_int("importance_samples", importance_samples)
    if capacity is not None:
        capacity = _arguments.number("capacity", capacity, low=0.0, closed=True)
    if free_bits and capacity is not None:
        raise ValueError(
            f"`free_bits` must be 0 where a capacity is given. Received: free_bits={free_bits:g}, "
            f"capacity={capacity:g}"
        )
    if samples > 1 and (free_bits or capacity is not None):
        raise ValueError(
            "`importance_samples` must be 1 where free bits or a capacity are given, which change "
            f"the KL that it has not. Received: importance_samples={samples}"
        )

    encoder, decoder = _networks.halves(
        network,
        shape,
        code_size,
        hidden,
        activation,
        network_options,
        heads=("mean", "log_variance"),
        logits=likelihood == "bernoulli",
        label=0 if condition is None else condition.size,
    )
    image = keras.Input(shape, name="image")
    x = Binarization(name="binarization")(image) if binarize else image
    inputs: Any = image
    label: list[Any] = []
    if condition is not None:
        inputs = [image, keras.Input((condition.size,), name=LABEL)]
        label = [condition(inputs[1])]
    mean, log_variance = encoder([x, *label] if label else x)
    code = Sampling(samples, name="sampling")(mean, log_variance)
    told = [RepeatedLabels(samples, name="repeated_labels")(label[0])] if label else []
    outputs = decoder([code, *told] if told else code)
    bound = VariationalBound(
        likelihood,
        sigma=sigma,
        beta=beta,
        capacity=capacity,
        warmup_epochs=warmup_epochs,
        free_bits=free_bits,
        samples=samples,
        name="bound",
    )
    parameters = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    model = Autoencoder(inputs, bound(x, mean, log_variance, code, *parameters), name=name)
    model.compile(
        optimizer=keras.optimizers.Adam(_arguments.number("learning_rate", learning_rate, low=0.0))
    )
    return model
