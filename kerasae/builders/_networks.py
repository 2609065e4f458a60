"""The two halves of a model by the kind of their network, for builders that offer both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kerasae import _arguments
from kerasae.builders import _convolutional, _dense

OPTIONS = ("kernel_size", "upsampling", "residual", "normalization")
"""What a caller may say of a convolutional network, besides its size."""


def halves(
    network: str,
    shape: tuple[int, ...],
    code_size: int,
    hidden: Any,
    activation: str,
    options: Mapping[str, Any],
    *,
    code: str = "dense",
    heads: Sequence[str] = ("code",),
    logits: bool = False,
    output_activation: str = "linear",
    seen: tuple[int, ...] | None = None,
    positions: int | None = None,
    label: int = 0,
) -> tuple[keras.Model, keras.Model]:
    """Encoder and decoder of a `"dense"` or `"convolutional"` network.

    The encoder sees an image of another shape than the decoder makes if `seen` says so. Of the
    heads a `"log_variance"` is bounded. With `positions` a dense code is as many vectors. With
    a `label` of so many values both have a second input.
    """
    _arguments.one_of("network", network, ("dense", "convolutional"))
    known = OPTIONS if network == "convolutional" else ()
    unknown = sorted(set(options) - set(known))
    if unknown:
        rule = f"be among {', '.join(known)}" if known else "be empty"
        name = unknown[0]
        raise TypeError(
            f"`{name}` is no hyperparameter here: `network_options` of a {network} network must "
            f"{rule}. Received: {name}={options[name]!r}"
        )
    if network == "dense":
        size = (code_size, _arguments.positive_ints("hidden", hidden), activation)
        told: dict[str, Any] = {"positions": positions, "label": label}
        return (
            _dense.encoder(seen or shape, *size, heads=heads, **told),
            _dense.decoder(shape, *size, output_activation, logits=logits, **told),
        )
    if len(shape) == 1:
        raise ValueError(
            "`network` must be 'dense' for an `input_shape` of (values,), which have no "
            f"neighbours. Received: network={network!r}, input_shape={shape}"
        )
    hidden, encoding, decoding = _convolutional.check(hidden, code=code, **options)
    size = (code_size, hidden, activation)
    encoding, decoding = {**encoding, "label": label}, {**decoding, "label": label}
    return (
        _convolutional.encoder(seen or shape, *size, heads=heads, **encoding),
        _convolutional.decoder(shape, *size, output_activation, logits=logits, **decoding),
    )
