"""The errors of bundles and bitstreams; each message is one sentence for a person."""

from __future__ import annotations

__all__ = [
    "BitstreamBundleError",
    "BitstreamError",
    "BitstreamLimitError",
    "BitstreamVersionError",
    "BundleError",
    "ConversionError",
    "CorruptBitstreamError",
    "SiteError",
]


class BundleError(ValueError):
    """A bundle is missing, incomplete, damaged, or does not do what its manifest says."""


class ConversionError(RuntimeError):
    """A Keras model could not be converted to TF Lite."""


class BitstreamError(ValueError):
    """A `.kae` file or stream could not be decoded."""


class CorruptBitstreamError(BitstreamError):
    """The bytes are damaged, truncated, or no kerasae bitstream at all."""


class BitstreamVersionError(BitstreamError):
    """The bytes are of a version of the format that this code does not read."""


class BitstreamBundleError(BitstreamError):
    """The bytes were made with another bundle."""


class BitstreamLimitError(BitstreamError):
    """The bytes are intact but ask for more than the reader allows."""


class SiteError(RuntimeError):
    """The page of a bundle could not be put together, written or served."""
