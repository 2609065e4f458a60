"""The files of a bundle, checked against the hashes of its manifest, and the models in them."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from kerasae_export.errors import BundleError
from kerasae_export.format.arguments import check_path
from kerasae_export.format.manifest import MANIFEST, MAX_MANIFEST_BYTES, Edge, Manifest, Part
from kerasae_export.runtime.litemodel import LiteModel
from kerasae_export.runtime.operators import check_program

__all__ = ["check_part", "open_models", "read_file", "read_files", "read_manifest"]

MAX_MODEL_BYTES = 2**30


class HasEdges(Protocol):
    """A model that says what goes in and comes out."""

    input: Edge
    output: Edge


def read_files(folder: str | os.PathLike[str]) -> tuple[Manifest, dict[str, bytes]]:
    """Read a bundle's manifest and files, and check each file's size and hash.

    Raises:
        BundleError: If the manifest is invalid, or a file is missing or does not match it.
    """
    try:
        root = check_path("folder", folder)
    except ValueError as error:
        raise BundleError(str(error)) from None
    if not root.is_dir():
        raise BundleError(f"`folder` must be a bundle's folder. Received: {os.fspath(folder)!r}")
    manifest = read_manifest(root)
    files = {}
    for name, (digest, size) in manifest.files.items():
        content = read_file(root, name, min(size, MAX_MODEL_BYTES))
        if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
            raise BundleError(f"{name} is not the file that {MANIFEST} lists: its hash differs.")
        files[name] = content
    return manifest, files


def read_manifest(root: Path) -> Manifest:
    """Read a bundle's manifest; its files may be missing or damaged.

    Raises:
        BundleError: If it is missing or invalid.
    """
    return Manifest.from_json(read_file(root, MANIFEST, MAX_MANIFEST_BYTES))


def open_models(
    manifest: Manifest, files: Mapping[str, bytes], *, threads: int = 1
) -> tuple[LiteModel, LiteModel]:
    """The encoder and the decoder of a bundle, from the contents of its files.

    Raises:
        BundleError: As `LiteModel` does, and `check_program`.
    """
    parts = (manifest.encoder, manifest.decoder)
    for part in parts:
        check_program(files[part.file])
    first = LiteModel(files[parts[0].file], signature=parts[0].signature, threads=threads)
    if parts[1].signature is not None:  # both in one file
        return first, first.sibling(parts[1].signature)
    return first, LiteModel(files[parts[1].file], threads=threads)


def check_part(name: str, part: Part, model: HasEdges) -> None:
    """Refuse a model whose edges are not those that the manifest states.

    Raises:
        BundleError: If a shape, a type, a scale or a zero point differs.
    """
    for side, said, found in (
        ("input", part.input, model.input),
        ("output", part.output, model.output),
    ):
        same = (said.shape, said.dtype, said.zero_point) == (
            found.shape,
            found.dtype,
            found.zero_point,
        )
        if not same or not math.isclose(said.scale, found.scale, rel_tol=1e-6):
            raise BundleError(
                f"{MANIFEST}: `{name}.{side}` does not match {part.file}. "
                f"Received: {said}, in the file {found}"
            )


def read_file(root: Path, name: str, limit: int) -> bytes:
    """Read a file of the bundle; links are not followed, and only regular files are opened.

    Raises:
        BundleError: If it is missing, not a regular file, or larger than `limit` bytes.
    """
    path = root / name
    try:
        linked = any((root / part).is_symlink() for part in (name, name.partition("/")[0]))
        if linked or not path.is_file():
            raise BundleError(f"{name} is missing from the bundle.")
        # If another process has just put a link or a pipe there, opening it fails.
        flags = [getattr(os, flag, 0) for flag in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK")]
        with os.fdopen(os.open(path, os.O_RDONLY | sum(flags)), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise BundleError(f"{name} is larger than the {limit} bytes that it may have.")
            return file.read(size)  # of a number from the manifest, memory would be taken at once
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {error.strerror}.") from None
