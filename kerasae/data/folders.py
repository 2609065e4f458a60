"""Folders of images: splits, labels and label maps by the names of folders, damaged files."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from kerasae.data.images import SPLITS, Images, LabelMaps, Pixels, last_if_ignored
from kerasae.data.options import (
    DEFAULT_SIZE,
    LARGEST_COMMON,
    SPLIT_NAMES,
    Options,
    draw_splits,
    images_needed,
)
from kerasae.data.pixels import fit_image, fit_labels, to_eight_bits
from kerasae.data.shards import EXTENSIONS

__all__ = ["load_folder"]

_NAMED_IN_WARNING = 20
_MAPS = "annot"  # the label maps of the images in the folder "train" are in "trainannot"
_CLASSES = "classes.txt"


@dataclasses.dataclass(frozen=True)
class _File:
    """A file that was read: its place in the sorted list, its content's hash and its pixels."""

    index: int
    digest: bytes
    pixels: NDArray[np.uint8]


def load_folder(folder: Path, options: Options) -> Images:
    """The images of a folder; `load_images` says how its files become splits and labels."""
    paths = _image_paths(folder)
    has_splits = any(path.parts[0] == "train" and len(path.parts) > 1 for path in paths)
    members = _members(paths, has_splits)
    if not members:
        raise ValueError(f"`source` must be a folder with images. Received: source={str(folder)!r}")
    size = options.size or _common_size(folder, [paths[i] for m in members.values() for i in m])
    files, failures = _read_splits(folder, paths, members, size, options)
    if failures:
        _warn_of(failures, folder)
    try:
        chosen = _draw(files, options)
    except ValueError as error:
        raise ValueError(f"{error} in {str(folder)!r}") from None

    every = [file for found in chosen.values() for file in found]
    channels = max(file.pixels.shape[-1] for file in every)
    arrays: dict[str, Any] = {split: _stacked(found, channels) for split, found in chosen.items()}
    ignored: int | None = None
    if has_splits and (folder / f"train{_MAPS}").is_dir():
        for split, found in chosen.items():
            maps = [_read_labels(folder, paths[file.index], size) for file in found]
            arrays[f"{split}_labels"] = np.stack(maps)
        label_names, ignored = _map_names(folder, [arrays[f"{s}_labels"] for s in SPLITS])
    else:
        names = [_label_of(path, has_splits) for path in paths]
        known = sorted({names[i] for indices in members.values() for i in indices})
        label_names = tuple(known) if len(known) > 1 and "" not in known else ()
        for split, found in chosen.items() if label_names else ():
            labels = [label_names.index(names[file.index]) for file in found]
            arrays[f"{split}_labels"] = np.array(labels, np.int64)
    first: dict[bytes, int] = {}  # content -> its first file, whose place is the source's id
    for file in sorted(every, key=lambda file: file.index):
        first.setdefault(file.digest, file.index)
    return Images(
        **arrays,
        label_names=label_names,
        ignored_class=ignored,
        sources={s: np.array([first[f.digest] for f in found]) for s, found in chosen.items()},
        skipped=tuple(sorted(failures)),
        name=folder.resolve().name,
        source_names={index: str(paths[index]) for index in sorted(first.values())},
    )


def _members(paths: Sequence[PurePosixPath], has_splits: bool) -> dict[str, list[int]]:
    """Split -> places of its files in the list; all are in "train" where no folders split them."""
    members: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        split = SPLIT_NAMES.get(path.parts[0], "") if has_splits else "train"
        if split and (not has_splits or len(path.parts) > 1):
            members.setdefault(split, []).append(index)
    return members


def _read_splits(
    folder: Path,
    paths: Sequence[PurePosixPath],
    members: Mapping[str, list[int]],
    size: tuple[int, int],
    options: Options,
) -> tuple[dict[str, list[_File]], dict[str, str]]:
    """The files of each split, as many as are needed, and why others could not be read.

    Test files are read first: a copy of one of them in "train" is then known, and dropped.
    """
    rng = np.random.default_rng(options.seed)
    files: dict[str, list[_File]] = {}
    seen: set[bytes] = set()
    failures: dict[str, str] = {}
    for split in reversed(SPLITS):
        indices = rng.permutation(np.array(members.get(split, []), np.int64))
        needed = images_needed(options, files) if split == "train" else options.limit
        found: list[_File] = []
        contents: set[bytes] = set()
        for index in indices:
            if needed is not None and len(contents) >= needed:
                break
            try:
                file = _read(folder, paths[index], int(index), size, options.channels)
            except Exception as error:  # noqa: BLE001 - damaged files raise all kinds of errors
                failures[str(paths[index])] = str(error) or type(error).__name__
                continue
            if file.digest not in seen:
                found.append(file)
                contents.add(file.digest)
        seen |= contents
        if found:
            files[split] = found
    return files, failures


def _draw(files: dict[str, list[_File]], options: Options) -> dict[str, list[_File]]:
    """The files of all three splits; what has no folder of its own is drawn from "train".

    Copies are one source: the split is drawn among groups of equal files.
    """
    groups: dict[bytes, list[_File]] = {}
    for file in sorted(files.get("train", []), key=lambda file: file.index):
        groups.setdefault(file.digest, []).append(file)
    own = {split: len(found) for split, found in files.items() if split != "train"}
    sources = list(groups.values())
    chosen: dict[str, list[_File]] = {}
    for split, indices in draw_splits(len(groups), own, options).items():
        if split in own:
            picked = [files[split][i] for i in indices]
        else:
            picked = [file for i in indices for file in sources[i]]
        if options.limit is not None:
            picked = picked[: len(indices)]
        chosen[split] = sorted(picked, key=lambda file: file.index)
    return chosen


def _image_paths(folder: Path) -> list[PurePosixPath]:
    """Visible image files below `folder`, relative to it, sorted."""
    found = []
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(base).relative_to(folder)
        found += [
            PurePosixPath((relative / name).as_posix())
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS
        ]
    return sorted(found)


def _label_of(path: PurePosixPath, has_splits: bool) -> str:
    """The class folder of an image, "" if it is in none."""
    folders = path.parts[1:-1] if has_splits else path.parts[:-1]
    return folders[0] if folders else ""


@contextlib.contextmanager
def _strict_pillow() -> Iterator[None]:
    """Within, Pillow's warnings are silent, except the one of decompression bombs: an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _common_size(folder: Path, paths: Sequence[PurePosixPath]) -> tuple[int, int]:
    """The size that all images share, if it is moderate, else the default; reads headers only."""
    sizes = set()
    for path in paths:
        # What cannot be opened is reported when it is read.
        with contextlib.suppress(Exception), _strict_pillow(), Image.open(folder / path) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            sizes.add(picture.size if turned else picture.size[::-1])
    if len(sizes) == 1 and max(size := sizes.pop()) <= LARGEST_COMMON:
        return size
    return DEFAULT_SIZE


def _read(
    folder: Path, path: PurePosixPath, index: int, size: tuple[int, int], channels: int | None
) -> _File:
    content = (folder / path).read_bytes()
    with _strict_pillow(), Image.open(io.BytesIO(content)) as picture:
        pixels = fit_image(to_eight_bits(ImageOps.exif_transpose(picture)), size, channels)
    if channels is None and np.all(pixels == pixels[..., :1]):
        pixels = pixels[..., :1]
    return _File(index, hashlib.sha256(content).digest(), np.ascontiguousarray(pixels))


def _read_labels(folder: Path, path: PurePosixPath, size: tuple[int, int]) -> LabelMaps:
    """The label map of an image: same name, .png, in the folder beside that of its split."""
    first, *rest = path.with_suffix(".png").parts
    name = PurePosixPath(f"{first}{_MAPS}", *rest)
    try:
        with _strict_pillow(), Image.open(folder / name) as picture:
            if picture.mode not in ("L", "P"):
                raise ValueError(f"mode {picture.mode}")
            return fit_labels(np.asarray(picture), size)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`source` must hold a label map of each image, one byte a pixel, as {name}. "
            f"Received: {error}"
        ) from None


def _map_names(folder: Path, maps: Sequence[LabelMaps]) -> tuple[tuple[str, ...], int | None]:
    """The names in classes.txt, one a line, or else numbers; and the label to ignore."""
    highest = max(int(labels.max()) for labels in maps)
    file = folder / _CLASSES
    if not file.is_file():
        return tuple(str(label) for label in range(highest + 1)), None
    names = tuple(file.read_text(encoding="utf-8").split("\n"))
    names = tuple(name.strip() for name in names if name.strip())
    if highest >= len(names):
        raise ValueError(
            f"`source` must name each label in {_CLASSES}, one a line. "
            f"Received: {len(names)} names and the label {highest}"
        )
    return names, last_if_ignored(names)


def _stacked(files: Sequence[_File], channels: int) -> Pixels:
    pixels = np.empty((len(files), *files[0].pixels.shape[:2], channels), np.float32)
    for row, file in zip(pixels, files, strict=True):
        row[...] = file.pixels  # a grey image fills all the channels
    pixels /= 255
    return pixels


def _warn_of(failures: Mapping[str, str], folder: Path) -> None:
    listed = [f"{name} ({failures[name]})" for name in sorted(failures)]
    if len(listed) > _NAMED_IN_WARNING:
        more = len(listed) - _NAMED_IN_WARNING
        listed = [*listed[:_NAMED_IN_WARNING], f"and {more} more (see Images.skipped)"]
    text = f"{len(failures)} files in {str(folder)!r} could not be read and were skipped: "
    warnings.warn(text + ", ".join(listed), UserWarning, stacklevel=4)
