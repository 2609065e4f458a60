"""Recurrent layers that train as a loop and deploy unrolled."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["GRU", "LSTM"]


class _UnrolledMixin:
    """What both layers share; a mixin, since each is Keras's own layer in everything else."""

    cell: Any
    name: str
    return_sequences: bool
    go_backwards: bool

    def to_stock(self) -> keras.layers.Layer:
        """A stock RNN layer around the same cell, so that it shares the weights, unrolled.

        A loop trains fast and is quick to trace, but the converter's int8 needs it unrolled.
        """
        return keras.layers.RNN(
            self.cell,
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            unroll=True,
            name=self.name,
        )


@keras.saving.register_keras_serializable("kerasae")
class LSTM(_UnrolledMixin, keras.layers.LSTM):
    """Keras's LSTM (Hochreiter & Schmidhuber 1997), with its arguments, unrolled by `to_stock`."""


@keras.saving.register_keras_serializable("kerasae")
class GRU(_UnrolledMixin, keras.layers.GRU):
    """Keras's GRU (Cho et al. 2014), with its arguments, unrolled by `to_stock`."""
