"""A folder of images as tar shards, which are read faster than many small files."""

from __future__ import annotations

import functools
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasae import _arguments
from kerasae.data.options import SPLIT_NAMES
from kerasae.data.shards import index_folder
from kerasae_export.atomic import save_file

__all__ = ["Packed", "pack_shards"]


class Packed(NamedTuple):
    """What was packed.

    Attributes:
        images: Files.
        shards: Archives.
        bytes: Of all archives.
    """

    images: int
    shards: int
    bytes: int


def pack_shards(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    shard_bytes: int = 2**27,
    seed: int = 0,
) -> Packed:
    """Pack the images of a folder into tar files, as WebDataset reads them.

    The bytes of the files stay as they are, and so do the names of their folders. In file names
    dots become underscores, since WebDataset ends a key at the first one. The seed mixes the
    images, so that each shard is like the whole. Where the folder has a folder "train", the splits
    are packed apart, as `train-000000.tar` and so on; what else there is, is left out, as
    `load_images` does.

    Args:
        folder: Images, see `load_images`.
        out: Folder for the shards, made if it is missing; it must hold none yet.
        shard_bytes: Bytes of images after which a shard ends.
        seed: Mixes the images.

    Returns:
        How many images and shards, and their bytes.

    Raises:
        ValueError: If an argument breaks its rule, the folder has no images, or `out` has shards.
    """
    source, target = Path(folder), Path(out)
    _arguments.positive_int("shard_bytes", shard_bytes)
    seed = _arguments.seed(seed)
    if not source.is_dir():
        raise ValueError(f"`folder` must be an existing folder. Received: folder={str(source)!r}")
    if any(target.glob("*.tar")):
        raise ValueError(f"`out` must not hold shards already. Received: out={str(target)!r}")
    names = list(index_folder(source).files)
    if not names:
        raise ValueError(f"`folder` must be a folder with images. Received: folder={str(source)!r}")
    groups = _groups(names)
    target.mkdir(parents=True, exist_ok=True)
    images = shards = written = 0
    for group, members in groups.items():
        order = np.random.default_rng(seed).permutation(len(members))
        for number, part in enumerate(_parts(source, [members[i] for i in order], shard_bytes)):
            path = target / f"{group}-{number:06d}.tar"
            save_file(path, functools.partial(_write, folder=source, names=part))
            images, shards, written = images + len(part), shards + 1, written + path.stat().st_size
    return Packed(images, shards, written)


def _groups(names: list[str]) -> dict[str, list[str]]:
    """The files of each split, or all."""
    if not any(name.startswith("train/") for name in names):
        return {"images": names}
    groups: dict[str, list[str]] = {}
    for name in names:
        split = SPLIT_NAMES.get(name.split("/")[0], "") if "/" in name else ""
        if split:
            groups.setdefault(split, []).append(name)
    return groups


def _parts(folder: Path, names: list[str], most: int) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for name in names:
        part.append(name)
        size += (folder / name).stat().st_size
        if size >= most:
            yield part
            part, size = [], 0
    if part:
        yield part


def _write(path: Path, *, folder: Path, names: list[str]) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            content = (folder / name).read_bytes()
            base, dot, extension = name.rpartition(".")
            head, slash, stem = base.rpartition("/")
            member = tarfile.TarInfo(head + slash + stem.replace(".", "_") + dot + extension)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
