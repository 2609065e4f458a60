"""What a `.kae` file, a stream or a bundle is, told without running a model."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kerasae_export.errors import BitstreamBundleError, BitstreamVersionError
from kerasae_export.files.batch import received
from kerasae_export.files.bundles import Bundles
from kerasae_export.format.bitstream import (
    CRC,
    HEAD,
    IMAGE_MAGIC,
    STREAM_MAGIC,
    VERSION,
    Block,
    check_head,
    is_stream,
    read_image,
    read_stream,
)
from kerasae_export.format.manifest import MANIFEST, Manifest
from kerasae_export.format.photo_file import PHOTO_VERSION, family_id, read_head, read_photo
from kerasae_export.format.received import Data
from kerasae_export.photo.shipped import named_families
from kerasae_export.runtime.bundle_files import read_files

__all__ = ["FileInfo", "bundle_info", "file_info", "is_bundle"]

_SHOWN = 20  # names of classes
_ANY = 2**62  # pixels: nothing is decoded
_HEAD = 2**10  # bytes that hold the head of a photograph


@dataclass(frozen=True)
class FileInfo:
    """What a `.kae` file or a stream says of itself, and what its bundle adds.

    Attributes:
        kind: `"image"`, `"stream"` or `"photograph"`.
        version: Of the format.
        made_with: Id of the bundle or, for a photograph, of the family: four hex digits.
        bytes: Of the file.
        intact: Whether its checksums fit; None if that cannot be told without the bundle.
        bundle: Folder of the bundle, or name of the family, where they are known.
        quality: Of an image; None if it is not known, or of a stream, whose blocks may differ.
        sizes: Height, width and number of the images of each size; None if they are not known.
    """

    kind: str
    version: int
    made_with: str
    bytes: int
    intact: bool | None = None
    bundle: str | None = None
    quality: int | None = None
    sizes: tuple[tuple[int, int, int], ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self)

    def __str__(self) -> str:
        known = f" ({self.bundle})" if self.bundle else ""
        what = "family" if self.kind == "photograph" else "bundle"
        words = [self.kind, *self._images(), f"version {self.version}"]
        words.append(f"{what} {self.made_with}{known}")
        if self.quality is not None:
            words.append(f"quality {self.quality}")
        words.append(f"{self.bytes:,} bytes")
        words.append("intact" if self.intact else "not checked")
        return ", ".join(words)

    def _images(self) -> list[str]:
        if self.sizes is None:
            return []
        if self.kind != "stream":
            ((height, width, _),) = self.sizes
            return [f"{width}x{height}"]
        total = sum(count for _, _, count in self.sizes)
        most = sorted(self.sizes, key=lambda size: -size[2])[:3]
        each = ", ".join(f"{count:,} of {width}x{height}" for height, width, count in most)
        more = f" and {len(self.sizes) - 3} more sizes" if len(self.sizes) > 3 else ""
        return [
            f"{total:,} image{'s' if total != 1 else ''}" + (f": {each}{more}" if total else "")
        ]


def file_info(path: Path, bundles: Bundles | None = None) -> FileInfo:
    """Read what a file or a stream says; images are not decoded.

    A photograph tells everything. A file of version 1 needs its bundle for more than its id: that
    has a byte for the quality only if there are several.

    Args:
        path: The file.
        bundles: Where its bundle may be.

    Raises:
        BitstreamError: If it is damaged, no kerasae bitstream, or of a version not known here.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        data = received(file)
        magic = bytes(data[:2])
        if len(data) < HEAD + 1 + CRC or magic not in (IMAGE_MAGIC, STREAM_MAGIC):
            right = STREAM_MAGIC if magic == STREAM_MAGIC else IMAGE_MAGIC
            check_head(data, right, b"")  # says what is wrong
        if family_id(data) is not None:
            return _photograph(data)
        version, name = data[2], bytes(data[3:HEAD]).hex()
        kind = "stream" if is_stream(data) else "image"
        if version != VERSION:
            raise BitstreamVersionError(
                f"The bitstream is of version {version}; this code reads {VERSION} and "
                f"{PHOTO_VERSION}."
            )
        if bundles is None:
            return FileInfo(kind, version, name, len(data))
        try:
            folder = bundles.find(data)
        except BitstreamBundleError:
            return FileInfo(kind, version, name, len(data))
        assert folder is not None
        manifest = bundles.manifests[folder]
        key = bytes.fromhex(manifest.bundle_hash)
        qualities = len(manifest.codec.qualities)
        if kind == "image":
            blocks = [read_image(data, key, max_pixels=_ANY, qualities=qualities)]
        else:
            blocks = [*_bare(data, key, qualities)]
        quality = blocks[0].quality if kind == "image" else None
        sizes = _sizes(blocks)
        return FileInfo(kind, version, name, len(data), True, str(folder), quality, sizes)


def bundle_info(folder: Path) -> str:
    """A line about a bundle whose files have the hashes of its manifest.

    Raises:
        BundleError: If it is incomplete or damaged.
    """
    manifest, files = read_files(folder)
    spec = manifest.codec
    height, width = spec.tile
    layout = "a grid" if spec.layout == "grid" else "blocks"
    count = len(spec.qualities)
    return (
        f"bundle {manifest.bundle_hash[:4]}, {manifest.scheme}, tiles of {width}x{height}x"
        f"{spec.channels}, {layout}, {count} {'qualities' if count > 1 else 'quality'}, "
        f"{_classes(manifest)}{sum(map(len, files.values())):,} bytes in {len(files)} files, intact"
    )


def _classes(manifest: Manifest) -> str:
    """The classes that its models may be told, if there are any."""
    names = () if manifest.labels is None else manifest.labels.names
    if not names:
        return ""
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"{len(names)} classes ({shown}), "


def is_bundle(path: Path) -> bool:
    """Whether a path is the folder of a bundle."""
    return (path / MANIFEST).is_file()


def _photograph(data: Data) -> FileInfo:
    name = bytes(data[3:HEAD]).hex()
    known = [(label, f) for label, f in named_families().items() if f.digest[:2].hex() == name]
    if known:
        ((label, family),) = known
        head, _ = read_photo(data, family.digest, max_pixels=_ANY)
        intact = True
    else:
        label, intact = None, None
        head = read_head(bytes(data[:_HEAD]))
    sizes = ((head.height, head.width, 1),)
    return FileInfo(
        "photograph", PHOTO_VERSION, name, len(data), intact, label, head.quality, sizes
    )


def _bare(data: Data, key: bytes, qualities: int) -> list[Block]:
    """The blocks of a stream without their payloads."""
    found = []
    for block in read_stream(data, key, max_pixels=_ANY, qualities=qualities):
        found.append(Block(block.count, block.height, block.width, b"", block.quality))
    return found


def _sizes(blocks: list[Block]) -> tuple[tuple[int, int, int], ...]:
    counts: Counter[tuple[int, int]] = Counter()
    for block in blocks:
        counts[block.height, block.width] += block.count
    return tuple((*size, count) for size, count in counts.items())
