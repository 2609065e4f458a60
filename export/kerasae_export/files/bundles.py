"""Which of many bundles a file was made with."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerasae_export.errors import BitstreamBundleError, BitstreamError, BundleError
from kerasae_export.format.arguments import check_path
from kerasae_export.format.bitstream import CRC, HEAD, is_stream, read_stream
from kerasae_export.format.manifest import MANIFEST, Manifest
from kerasae_export.format.photo_file import family_id
from kerasae_export.format.received import Data, crc_of
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.bundle_files import read_manifest
from kerasae_export.runtime.codec import Codec

__all__ = ["Bundles"]

_ANY = 2**62  # pixels: what a file may ask for is checked by the codec, not here


@dataclass(frozen=True)
class Bundles:
    """The bundles below a folder; a file names its own by two bytes, which may be alike.

    Attributes:
        folder: Where they lie: each in a folder of its own, at any depth.
        manifests: The manifest of each.
        damaged: Why others cannot be read.
        options: Arguments of `Codec.load`.
    """

    folder: Path
    manifests: dict[Path, Manifest]
    damaged: dict[Path, str]
    options: dict[str, Any]
    _loaded: dict[Path | None, Codec | PhotoCodec] = field(default_factory=dict, repr=False)

    @classmethod
    def below(cls, folder: str | os.PathLike[str], **options: Any) -> Bundles:
        """Read the manifests of all bundles below a folder; no model is loaded.

        Args:
            folder: The folder, which may be a bundle itself.
            **options: Arguments of `Codec.load`.

        Raises:
            BundleError: If there is none.
        """
        root = check_path("bundles", folder)
        manifests: dict[Path, Manifest] = {}
        damaged: dict[Path, str] = {}
        for path in sorted(root.rglob(MANIFEST)):
            try:
                manifests[path.parent] = read_manifest(path.parent)
            except BundleError as error:
                damaged[path.parent] = str(error)
        if not manifests:
            why = "".join(f"; {path}: {said}" for path, said in damaged.items())
            raise BundleError(
                f"`bundles` must be a folder with bundles below it. Received: {root}{why}"
            )
        return cls(root, manifests, damaged, options)

    def find(self, data: Data) -> Path | None:
        """The folder of the bundle that a file or stream was made with; None for a photograph.

        Of several that share an id it is the one whose hash fits the file's first checksum. A file
        that is damaged gets the first of them, whose codec says what is wrong with it.

        Args:
            data: The bytes.

        Raises:
            BitstreamBundleError: If it is none of these.
        """
        if family_id(data) is not None:
            return None
        name = bytes(data[3:HEAD]).hex()
        known = [f for f, m in self.manifests.items() if m.bundle_hash.startswith(name)]
        if len(name) < 4 or not known:
            raise BitstreamBundleError(
                f"The bitstream was made with bundle {name}, which is none of the "
                f"{len(self.manifests)} below {self.folder}."
            )
        fitting = (f for f in known if len(known) == 1 or _fits(data, self.manifests[f]))
        return next(fitting, known[0])

    def codec_for(self, data: Data) -> Codec | PhotoCodec:
        """The codec that reads a file or stream.

        Raises:
            BitstreamBundleError: As `find`.
            BundleError: If the bundle is damaged.
        """
        folder = self.find(data)
        if folder not in self._loaded:
            options = self.options
            if folder is None:
                options = {n: v for n, v in options.items() if n != "max_images"}
                self._loaded[folder] = PhotoCodec.load(**options)
            else:
                self._loaded[folder] = Codec.load(folder, **options)
        return self._loaded[folder]


def _fits(data: Data, manifest: Manifest) -> bool:
    """Whether the first checksum of a file is one with the hash of this bundle."""
    name = bytes.fromhex(manifest.bundle_hash)
    if not is_stream(data):
        end = len(data) - CRC
        return crc_of(data, 0, end, zlib.crc32(name)).to_bytes(CRC, "little") == data[end:]
    qualities = len(manifest.codec.qualities)
    try:
        next(read_stream(data, name, max_pixels=_ANY, qualities=qualities), None)
    except BitstreamError:
        return False
    return True
