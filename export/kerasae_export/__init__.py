"""kerasae_export: autoencoders as TF Lite bundles, and an image codec around them.

The receiving side, `Codec`, needs neither Keras nor TensorFlow; the exporting side does
(`pip install kerasae-export[convert]`). Every name is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasae_export.bundle import export_bundle as export_bundle
    from kerasae_export.conversion import convert as convert
    from kerasae_export.conversion import convert_both as convert_both
    from kerasae_export.errors import BitstreamBundleError as BitstreamBundleError
    from kerasae_export.errors import BitstreamError as BitstreamError
    from kerasae_export.errors import BitstreamLimitError as BitstreamLimitError
    from kerasae_export.errors import BitstreamVersionError as BitstreamVersionError
    from kerasae_export.errors import BundleError as BundleError
    from kerasae_export.errors import ConversionError as ConversionError
    from kerasae_export.errors import CorruptBitstreamError as CorruptBitstreamError
    from kerasae_export.runtime import Codec as Codec
    from kerasae_export.split import decoder as decoder
    from kerasae_export.split import encoder as encoder
    from kerasae_export.verification import Verification as Verification
    from kerasae_export.verification import verify_bundle as verify_bundle

__version__ = "0.1.0"

_HOME = {
    "BitstreamBundleError": "errors",
    "BitstreamError": "errors",
    "BitstreamLimitError": "errors",
    "BitstreamVersionError": "errors",
    "BundleError": "errors",
    "Codec": "runtime",
    "ConversionError": "errors",
    "CorruptBitstreamError": "errors",
    "Verification": "verification",
    "convert": "conversion",
    "convert_both": "conversion",
    "decoder": "split",
    "encoder": "split",
    "export_bundle": "bundle",
    "verify_bundle": "verification",
}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"kerasae_export.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'kerasae_export' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
