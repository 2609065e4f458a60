"""Recurrent layers that train as a loop, and deploy unrolled if they have few steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

__all__ = ["GRU", "LSTM"]

_MOST_UNROLLED = 64  # steps, each of which makes some 15 operators and 8 kB of an int8 file


class _UnrolledMixin:
    """What both layers share; a mixin, since each is Keras's own layer in everything else."""

    cell: Any
    name: str
    return_sequences: bool
    go_backwards: bool
    get_build_config: Callable[[], Any]

    def to_stock(self) -> keras.layers.Layer:
        """A stock RNN layer around the same cell, so that it shares the weights.

        Up to 64 steps are unrolled, as the converter's int8 needs it. More make a file that grows
        with them, so they stay a loop, which the other schemes convert to a few operators.
        """
        built = self.get_build_config() or {}
        shape = built.get("input_shape") or built.get("shapes_dict", {}).get("sequences_shape")
        return keras.layers.RNN(
            self.cell,
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            unroll=bool(shape and shape[1] and shape[1] <= _MOST_UNROLLED),
            name=self.name,
        )


@keras.saving.register_keras_serializable("kerasae")
class LSTM(_UnrolledMixin, keras.layers.LSTM):
    """Keras's LSTM (Hochreiter & Schmidhuber 1997), with its arguments; see `to_stock`."""


@keras.saving.register_keras_serializable("kerasae")
class GRU(_UnrolledMixin, keras.layers.GRU):
    """Keras's GRU (Cho et al. 2014), with its arguments; see `to_stock`."""
