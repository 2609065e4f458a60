"""From Keras to TF Lite: the halves of a model that are deployed, and their conversion."""

# Not on first use: the module `convert` would then stand where its function belongs.
from kerasae_export.conversion.convert import Calibration, Converter, convert, convert_both

__all__ = ["Calibration", "Converter", "convert", "convert_both"]
