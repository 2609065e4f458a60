"""Files and folders that are written whole or not at all.

What is written gets an unpredictable name of its own beside its place first, which nobody else can
have prepared or shares, and is moved there when it is complete. A folder trades places with the one
that it replaces where the system can do so in one step; where it cannot, a failure between the two
steps puts the former one back.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["PREFIX", "exchange", "replacing_folder", "save_file", "sync_folder", "write_file"]

PREFIX = ".kerasae-"
"""How names begin of what is not complete."""

_AT_CWD = -100
_SWAP = 2  # RENAME_EXCHANGE on Linux, RENAME_SWAP on macOS
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}


def write_file(path: Path, content: bytes, *, replace: bool = True, durable: bool = True) -> None:
    """Write a file whole or not at all.

    Args:
        path: The file.
        content: Its bytes.
        replace: Whether one that exists is replaced; if not, no other process can lose its own.
        durable: Whether it is on the disk, and not only with the system, when this returns.

    Raises:
        FileExistsError: If the file exists and is not to be replaced.
        OSError: If it cannot be written; `filename` names the file.
    """
    scratch = path.with_name(f"{PREFIX}{secrets.token_hex(8)}")
    with _naming(path):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(scratch, flags, 0o666), "wb") as file:
                file.write(content)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            _place(scratch, path, replace)
            if durable:
                sync_folder(path.parent)
        finally:
            scratch.unlink(missing_ok=True)


def save_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Let a function write a file, whole or not at all, and see that it is on the disk.

    Args:
        path: The file; one that exists is replaced.
        write: Called with the path to write to, in a folder that nobody else can enter. Its suffix
            is that of `path`, which tells writers the format.
    """
    with _naming(path):
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=PREFIX))
        try:
            scratch = folder / f"new{path.suffix}"
            write(scratch)
            _sync(scratch)
            scratch.replace(path)
            sync_folder(path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def replacing_folder(folder: Path, *, replace: bool = True, durable: bool = True) -> Iterator[Path]:
    """A new folder that takes the place of `folder`, if there is one, when all has gone well.

    Whatever happens, and whenever, the former folder or the new one is in its place.

    Args:
        folder: The folder; its parents are made.
        replace: Whether one that holds anything is replaced.
        durable: Whether all files are on the disk, and not only with the system, in the end.

    Yields:
        The folder to fill.

    Raises:
        FileExistsError: If the folder holds something and is not to be replaced.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=PREFIX))
    new, old = scratch / "new", scratch / "old"
    try:
        new.mkdir()
        yield new
        if durable:
            _sync_tree(new)
        _put(new, folder, old, replace)
        if durable:
            sync_folder(folder.parent)
    finally:
        if old.exists() and not folder.exists():  # interrupted even while it was put back
            old.rename(folder)
        shutil.rmtree(scratch, ignore_errors=True)


def exchange(first: Path, second: Path) -> bool:
    """Let two files or folders trade places in one step; False where the system cannot.

    Raises:
        OSError: If it can, and may not.
    """
    for name, places in (("renameat2", (_AT_CWD, _AT_CWD)), ("renamex_np", ())):
        call = getattr(_libc(), name, None)
        if call is None:
            continue
        paths = [os.fsencode(first), os.fsencode(second)]
        arguments: list[Any] = paths
        if places:
            arguments = [places[0], paths[0], places[1], paths[1]]
        if call(*arguments, ctypes.c_uint(_SWAP)) == 0:
            return True
        code = ctypes.get_errno()
        if code not in _CANNOT:
            raise OSError(code, os.strerror(code), os.fspath(second))
    return False


def sync_folder(folder: Path) -> None:
    """See that the names in a folder are on the disk; a system that cannot open it needs not."""
    if sys.platform != "win32":
        _sync(folder)


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None


def _put(new: Path, folder: Path, old: Path, replace: bool) -> None:
    if not replace or not folder.exists():
        try:
            new.rename(folder)  # which refuses to replace a folder that holds anything
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            raise FileExistsError(errno.EEXIST, "it exists", os.fspath(folder)) from None
        return
    if exchange(new, folder):
        return  # `new` is now the former one
    try:
        folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise


def _place(scratch: Path, path: Path, replace: bool) -> None:
    if replace:
        scratch.replace(path)
        return
    try:
        os.link(scratch, path)  # which, unlike a rename, refuses a name that is taken
    except FileExistsError:
        raise
    except OSError:  # no links here: take the name, and then its place
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        scratch.replace(path)


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            _sync(path)
        else:
            sync_folder(path)
    sync_folder(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a system without it
            raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error name the file that was asked for: a full disk names none."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = os.fspath(path), None
        raise
