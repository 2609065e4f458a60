"""From Keras to TF Lite: the encoder and decoder to deploy, and their conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasae_export._imports import on_first_use

if TYPE_CHECKING:
    from kerasae_export.conversion.convert import Converter as Converter
    from kerasae_export.conversion.convert import convert as convert
    from kerasae_export.conversion.convert import convert_both as convert_both

_HOME = {
    "Converter": "kerasae_export.conversion.convert",
    "convert": "kerasae_export.conversion.convert",
    "convert_both": "kerasae_export.conversion.convert",
}

__all__ = [
    "Converter",
    "convert",
    "convert_both",
]

__getattr__, __dir__ = on_first_use(__name__, _HOME)
