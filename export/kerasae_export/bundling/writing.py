"""The folder of a bundle, written whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from kerasae_export.atomic import replacing_folder
from kerasae_export.errors import BundleError
from kerasae_export.format.manifest import MANIFEST, Manifest

__all__ = ["replacing", "write_manifest"]


def write_manifest(target: Path, manifest: Manifest) -> None:
    """Write the manifest into a bundle's folder, with the hashes of the files that are there."""
    files = {
        path.relative_to(target).as_posix(): _digest(path)
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }
    text = dataclasses.replace(manifest, files=files).to_json()
    (target / MANIFEST).write_text(text, encoding="utf-8")


def _digest(path: Path) -> tuple[str, int]:
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` when all has gone well.

    Raises:
        BundleError: If `folder` holds something else than a bundle, or cannot be replaced.
    """
    folder = folder.resolve()
    if folder == Path.cwd() or folder.is_mount():
        raise BundleError(f"`folder` must be one that can be replaced. Received: folder={folder}")
    if folder.exists() and not (
        folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))
    ):
        raise BundleError(
            "`folder` must not exist, be empty, or hold a bundle to replace. "
            f"Received: folder={os.fspath(folder)!r}"
        )
    with replacing_folder(folder) as target:
        yield target
