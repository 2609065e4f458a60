"""Image files and folders of them, as `kae` and `kerasae` read and write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasae_export._imports import on_first_use

if TYPE_CHECKING:
    from kerasae_export.files.archive import Archive as Archive
    from kerasae_export.files.archive import read_codes as read_codes
    from kerasae_export.files.batch import Outcome as Outcome
    from kerasae_export.files.batch import compress_files as compress_files
    from kerasae_export.files.batch import decompress_files as decompress_files
    from kerasae_export.files.batch import write_bytes as write_bytes
    from kerasae_export.files.batch import write_png as write_png
    from kerasae_export.files.pictures import IMAGE_SUFFIXES as IMAGE_SUFFIXES
    from kerasae_export.files.pictures import png_bytes as png_bytes
    from kerasae_export.files.pictures import read_image as read_image

_HOME = {
    "Archive": "kerasae_export.files.archive",
    "IMAGE_SUFFIXES": "kerasae_export.files.pictures",
    "Outcome": "kerasae_export.files.batch",
    "compress_files": "kerasae_export.files.batch",
    "decompress_files": "kerasae_export.files.batch",
    "png_bytes": "kerasae_export.files.pictures",
    "read_codes": "kerasae_export.files.archive",
    "read_image": "kerasae_export.files.pictures",
    "write_bytes": "kerasae_export.files.batch",
    "write_png": "kerasae_export.files.batch",
}

__all__ = [
    "IMAGE_SUFFIXES",
    "Archive",
    "Outcome",
    "compress_files",
    "decompress_files",
    "png_bytes",
    "read_codes",
    "read_image",
    "write_bytes",
    "write_png",
]

__getattr__, __dir__ = on_first_use(__name__, _HOME)
