"""What a conversion leaves behind: nothing, or what the next one removes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from kerasae_export.conversion import scratch
from kerasae_export.conversion.scratch import private_folder

RUN = Path(__file__).parent / "golden" / "runs" / "finished"
HOLDER = """
import sys, time
from kerasae_export.conversion.scratch import private_folder
with private_folder() as folder:
    (folder / "images.npy").write_text("mine")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def hold() -> tuple[subprocess.Popen[str], Path]:
    command = [sys.executable, "-c", HOLDER]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().strip())


@pytest.mark.slow
def test_a_killed_conversion_is_cleared_by_the_next_and_a_living_one_is_not(temporary):
    (dead, left), (living, kept) = hold(), hold()
    with dead, living:
        dead.kill()
        dead.wait()
        assert (left / "images.npy").exists()
        with private_folder() as folder:
            assert not left.exists()
            assert (kept / "images.npy").exists()
            assert folder.stat().st_mode & 0o077 == 0
            assert folder.parent.stat().st_mode & 0o077 == 0
        assert not folder.exists()
        living.kill()
    with private_folder():
        assert not kept.exists()
    assert [p.name for p in (temporary / f"kerasae-{os.getuid()}").iterdir()] == ["lock"]


@pytest.mark.parametrize("kind", ["link", "open to all"])
def test_a_folder_that_others_prepared_is_not_used(temporary, kind):
    root = temporary / f"kerasae-{os.getuid()}"
    if kind == "link":
        (temporary / "trap").mkdir()
        root.symlink_to("trap")
    else:
        root.mkdir()
        root.chmod(0o777)
    with private_folder() as folder:
        assert root.resolve() not in folder.resolve().parents
    assert not list(root.iterdir())


def test_where_there_are_no_users_it_is_a_temporary_folder(temporary, monkeypatch):
    monkeypatch.setattr(scratch, "_root", lambda: None)
    with private_folder() as folder:
        assert folder.parent == temporary
    assert not list(temporary.iterdir())


PARENT = """
import os, subprocess, sys
read, write = os.pipe()
command = [sys.executable, "-c", sys.argv[1], str(os.getpid())]
child = subprocess.Popen(command, stdin=read, stdout=subprocess.PIPE)
sibling = subprocess.Popen(["sleep", "30"], pass_fds=[write])
child.stdout.readline()
print(child.pid, sibling.pid, flush=True)
sys.stdin.readline()
"""
CHILD = """
import sys
from kerasae_export.conversion.worker import end_with
end_with(int(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.parametrize("polled", [False, True], ids=["told", "polled"])
def test_a_converter_ends_with_its_parent_even_if_a_sibling_holds_the_pipe(polled):
    child_code = "import os; del os.pidfd_open\n" + CHILD if polled else CHILD
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, child_code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "numpy"},
    )
    with parent:
        child, sibling = map(int, parent.stdout.readline().split())
        assert running(child)
        parent.kill()
        parent.wait()
    try:
        for _ in range(100):
            if not running(child):
                return
            time.sleep(0.05)
        pytest.fail("the converter outlived its parent by five seconds")
    finally:
        os.kill(sibling, signal.SIGKILL)


@pytest.mark.slow
def test_an_export_that_is_terminated_leaves_no_image_and_no_converter(temporary):
    """In the middle of a conversion, when the calibration images lie on the disk."""
    (temporary / "out").mkdir()
    code = "from kerasae.cli import entry; entry()"
    command = [sys.executable, "-c", code, "export", RUN, "--out", temporary / "out" / "bundle"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as export:
        images = Path("none")
        while export.poll() is None and not images.exists():
            images = next(temporary.glob("kerasae-*/*/*.npy"), images)
            time.sleep(0.01)
        assert images.exists()
        converters = children(export.pid)
        while export.poll() is None and not (images.parent / "saved").exists():
            time.sleep(0.01)  # until TensorFlow has begun
        assert converters
        assert all(map(running, converters))
        export.terminate()
        said, _ = export.communicate(timeout=60)
        assert export.returncode == 128 + signal.SIGTERM, said.decode()
    assert not images.exists()
    assert [path.name for path in temporary.rglob("*") if path.is_file()] == ["lock"]
    assert not list((temporary / "out").iterdir())
    deadline = time.monotonic() + 10
    while any(map(running, converters)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(running, converters))


def children(parent: int) -> list[int]:
    """The processes that one has started."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in listed.split()]


def running(process: int) -> bool:
    """Whether a process runs; one that has ended may wait for somebody to be told."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
