"""kerasae_export: autoencoders as TF Lite bundles, and an image codec around them.

The receiving side, `Codec`, needs neither Keras nor TensorFlow; the exporting side does
(`pip install kerasae-export[convert]`). Every name is loaded on first use. In a notebook the import
is quiet: TensorFlow and LiteRT start without their native notes (`kerasae_export.quiet`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasae_export._imports import alias_modules, on_first_use
from kerasae_export.quiet import quiet_notebook

if TYPE_CHECKING:
    from kerasae_export.bundling.bundle import export_bundle as export_bundle
    from kerasae_export.conversion.convert import convert as convert
    from kerasae_export.conversion.convert import convert_both as convert_both
    from kerasae_export.conversion.split import decoder as decoder
    from kerasae_export.conversion.split import encoder as encoder
    from kerasae_export.errors import BitstreamBundleError as BitstreamBundleError
    from kerasae_export.errors import BitstreamError as BitstreamError
    from kerasae_export.errors import BitstreamLimitError as BitstreamLimitError
    from kerasae_export.errors import BitstreamVersionError as BitstreamVersionError
    from kerasae_export.errors import BundleError as BundleError
    from kerasae_export.errors import ConversionError as ConversionError
    from kerasae_export.errors import CorruptBitstreamError as CorruptBitstreamError
    from kerasae_export.runtime.codec import Codec as Codec
    from kerasae_export.runtime.delegates import delegate_coverage as delegate_coverage
    from kerasae_export.verification import Verification as Verification
    from kerasae_export.verification import verify_bundle as verify_bundle

__version__ = "0.1.0"

_HOME = {
    "BitstreamBundleError": "kerasae_export.errors",
    "BitstreamError": "kerasae_export.errors",
    "BitstreamLimitError": "kerasae_export.errors",
    "BitstreamVersionError": "kerasae_export.errors",
    "BundleError": "kerasae_export.errors",
    "Codec": "kerasae_export.runtime.codec",
    "ConversionError": "kerasae_export.errors",
    "CorruptBitstreamError": "kerasae_export.errors",
    "Verification": "kerasae_export.verification.outcome",
    "convert": "kerasae_export.conversion.convert",
    "convert_both": "kerasae_export.conversion.convert",
    "delegate_coverage": "kerasae_export.runtime.delegates",
    "decoder": "kerasae_export.conversion.split",
    "encoder": "kerasae_export.conversion.split",
    "export_bundle": "kerasae_export.bundling.bundle",
    "verify_bundle": "kerasae_export.verification.verify",
}

_MOVED = {
    "bitstream": "format.bitstream",
    "bundle": "bundling.bundle",
    "card": "bundling.card",
    "comparison": "evaluation.comparison",
    "contents": "runtime.bundle_files",
    "entropy": "format.entropy",
    "fields": "format.validation",
    "fitting": "bundling.fitting",
    "layout": "bundling.layout",
    "litemodel": "runtime.litemodel",
    "litertjs": "page.litertjs",
    "manifest": "format.manifest",
    "pictures": "files.pictures",
    "pool": "files.pool",
    "quality": "evaluation.quality",
    "rans": "format.rans",
    "serve": "page.serve",
    "site": "page.site",
    "soundness": "runtime.model_validation",
    "spec": "format.spec",
    "split": "conversion.split",
    "steps": "bundling.step_sizes",
    "tiling": "format.tiling",
    "varint": "format.varint",
    "verification.graph": "runtime.graph",
    "verification.quality": "verification.parity",
}
_DOCUMENTED = (
    "comparison",
    "entropy",
    "litemodel",
    "manifest",
    "quality",
    "split",
    "verification.graph",
)

__all__ = ["__version__", *sorted(_HOME)]

quiet_notebook()
__getattr__, __dir__ = on_first_use(__name__, _HOME)
alias_modules(
    {f"{__name__}.{old}": f"{__name__}.{new}" for old, new in _MOVED.items()},
    documented=[f"{__name__}.{old}" for old in _DOCUMENTED],
)
