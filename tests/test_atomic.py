"""Files and folders are written whole or not at all, and none is lost when one step fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kerasae_export import atomic
from kerasae_export.atomic import exchange, replacing_folder, save_file, write_file

WITHOUT = pytest.mark.parametrize("swap", [True, False], ids=["exchange", "rollback"])


@pytest.fixture
def system(monkeypatch):
    """Whether the system can exchange folders."""

    def set_(swap: bool) -> None:
        if not swap:
            monkeypatch.setattr(atomic, "exchange", lambda first, second: False)

    return set_


def fill(folder: Path, text: str) -> None:
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> str:
    return (folder / "inner" / "file").read_text()


def test_a_file_is_replaced_and_nothing_stays_beside_it(tmp_path):
    for write in (write_file, lambda path, data: save_file(path, lambda p: p.write_bytes(data))):
        path = tmp_path / "file.txt"
        write(path, b"one")
        write(path, b"two")
        assert path.read_bytes() == b"two"
        assert names(tmp_path) == ["file.txt"]
        umask = os.umask(0)
        os.umask(umask)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask
        path.unlink()


def test_without_replace_nobody_loses_a_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_file(path, b"mine", replace=False)
    with pytest.raises(FileExistsError):
        write_file(path, b"other", replace=False)

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(FileExistsError):
        write_file(path, b"other", replace=False)
    assert path.read_bytes() == b"mine"
    write_file(tmp_path / "new", b"new", replace=False)
    assert names(tmp_path) == ["file", "new"]


def test_scratch_names_are_new_and_follow_no_link(tmp_path, monkeypatch):
    seen = []
    opened = os.open

    def watch(path, flags, *rest, **options):
        if flags & os.O_CREAT:
            seen.append(Path(path).name)
            assert flags & os.O_EXCL
            assert flags & os.O_NOFOLLOW
        return opened(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", watch)
    for _ in range(5):
        write_file(tmp_path / "file", b"x")
    assert len(set(seen)) == 5
    victim = tmp_path / "victim"
    victim.write_text("keep")
    monkeypatch.setattr(atomic.secrets, "token_hex", lambda n: "known")
    (tmp_path / f"{atomic.PREFIX}known").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "file", b"y")
    assert victim.read_text() == "keep"


def test_a_name_of_any_length_can_be_written(tmp_path):
    path = tmp_path / ("\U0001f4f7" * 62 + ".kae")
    write_file(path, b"x")
    save_file(path, lambda p: p.write_bytes(b"y"))
    assert path.read_bytes() == b"y"


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for write in (lambda: write_file(path, b"x"), lambda: save_file(path, lambda p: p.touch())):
        with pytest.raises(OSError, match="No space left") as caught:
            write()
        assert caught.value.filename == str(path)
    assert path.read_text() == "before"
    assert names(tmp_path) == ["file"]


def test_the_system_exchanges_folders(tmp_path):
    fill(tmp_path / "a", "a")
    fill(tmp_path / "b", "b")
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system cannot exchange folders")
    assert (content(tmp_path / "a"), content(tmp_path / "b")) == ("b", "a")
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "missing")


@WITHOUT
def test_a_folder_is_replaced(tmp_path, system, swap):
    system(swap)
    folder = tmp_path / "deep" / "folder"
    for text in ("one", "two"):
        with replacing_folder(folder) as new:
            fill(new, text)
        assert content(folder) == text
        assert names(folder.parent) == ["folder"]


@WITHOUT
def test_a_folder_stays_if_its_filling_fails(tmp_path, system, swap):
    system(swap)
    folder = tmp_path / "folder"
    fill(folder, "before")

    def interrupted() -> None:
        with replacing_folder(folder) as new:
            fill(new, "after")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert content(folder) == "before"
    assert names(tmp_path) == ["folder"]


@WITHOUT
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError(errno.EIO, "broken")])
@pytest.mark.parametrize("after", [False, True], ids=["instead", "after"])
@pytest.mark.parametrize("number", range(4))
def test_no_interrupt_of_a_rename_loses_both_folders(
    tmp_path, monkeypatch, system, swap, error, after, number
):
    """The rename with this number fails, or an interrupt arrives as soon as it is done."""
    system(swap)
    folder = tmp_path / "folder"
    fill(folder, "before")
    count = 0
    rename = Path.rename

    def failing(self, target):
        nonlocal count
        count += 1
        if count - 1 == number and not after:
            raise error
        result = rename(self, target)
        if count - 1 == number:
            raise error
        return result

    monkeypatch.setattr(Path, "rename", failing)
    try:
        with replacing_folder(folder) as new:
            fill(new, "after")
    except BaseException:  # noqa: BLE001 - two of them are no `Exception`
        pass
    assert content(folder) in ("before", "after")


def test_two_in_a_row_without_replace(tmp_path):
    folder = tmp_path / "folder"
    with replacing_folder(folder, replace=False) as new:
        fill(new, "first")
    with pytest.raises(FileExistsError), replacing_folder(folder, replace=False) as new:
        fill(new, "second")
    assert content(folder) == "first"
