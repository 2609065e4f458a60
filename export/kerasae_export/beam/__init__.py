"""Very many pictures, on Apache Beam: an archive of compressed pictures, or their codes.

Needs `pip install kerasae-export[beam]`, in an environment without TensorFlow, whose versions of
protobuf and NumPy Beam does not take. The pipelines run on the runners of Beam: here or on
Dataflow, Flink or Spark. What they write, `kerasae_export.files.Archive` reads without Beam.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kerasae_export._imports import on_first_use

logging.disable(logging.WARNING)  # of what Beam could also use and does not find
try:
    import apache_beam as _beam  # noqa: F401
except ImportError as error:
    raise ImportError(
        "`kerasae_export.beam` needs Apache Beam: pip install 'kerasae-export[beam]', "
        "in an environment without TensorFlow"
    ) from error
finally:
    logging.disable(logging.NOTSET)

if TYPE_CHECKING:
    from kerasae_export.beam.pipeline import CompressPictures as CompressPictures
    from kerasae_export.beam.pipeline import EncodePictures as EncodePictures
    from kerasae_export.beam.shards import Summary as Summary

_HOME = {
    "CompressPictures": "kerasae_export.beam.pipeline",
    "EncodePictures": "kerasae_export.beam.pipeline",
    "Summary": "kerasae_export.beam.shards",
}

__all__ = ["CompressPictures", "EncodePictures", "Summary"]

__getattr__, __dir__ = on_first_use(__name__, _HOME)
