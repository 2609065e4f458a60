"""Two trainings in one run folder exclude each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

import kerasae
from kerasae.runs import Run
from kerasae.training import TrainConfig, train
from kerasae.training.lock import LOCK, locked

HOLDER = """
import sys, time
from pathlib import Path
from kerasae.training.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
REFUSED = "`out` must not be the folder of another training.*still running. Received: out="


def test_a_training_in_another_process_is_refused_and_its_death_frees_the_folder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "numpy"},  # which starts in no time
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "held\n"
        run = Run("undercomplete", {"code_size": 2, "hidden": (4,)}, "digits", limit=40)
        images = run.images()
        model = kerasae.build_undercomplete(input_shape=images.image_shape, code_size=2)
        before = sorted(os.listdir(tmp_path))  # noqa: PTH208 - names
        for resume in (False, True):
            with pytest.raises(ValueError, match=f"process {process.pid}, that is still"):
                run.train(images, TrainConfig(epochs=1), tmp_path, resume=resume)
            with pytest.raises(ValueError, match=REFUSED):
                train(model, images, TrainConfig(epochs=1), out=tmp_path, resume=resume)
        assert sorted(os.listdir(tmp_path)) == before  # noqa: PTH208
        process.send_signal(signal.SIGKILL)
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_whoever_holds_the_lock_may_take_it_again_and_no_other_thread(tmp_path):
    errors = []

    def other() -> None:
        try:
            with locked(tmp_path):
                pass
        except ValueError as error:
            errors.append(str(error))

    with locked(tmp_path), locked(tmp_path / "." / ""):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert (tmp_path / LOCK).exists()
    assert len(errors) == 1
    assert not (tmp_path / LOCK).exists()
    with locked(tmp_path):
        pass


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"123\n", ", process 123,"),
        (b"1" * 30, f", process {'1' * 20},"),  # what is read of a file of another is bounded
        (b"", ""),
        (b"soon", ""),
        ("\u0663".encode(), ""),  # a digit, but none that a process writes
    ],
)
def test_who_holds_a_lock_is_said_where_the_file_tells(content, said, tmp_path):
    errors = []

    def other() -> None:
        try:
            with locked(tmp_path):
                pass
        except ValueError as error:
            errors.append(str(error))

    with locked(tmp_path):
        (tmp_path / LOCK).write_bytes(content)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert errors == [
        f"`out` must not be the folder of another training{said} that is still running. "
        f"Received: out={str(tmp_path)!r}"
    ]


def test_a_lock_follows_no_link(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path / "run"):
        pass
    assert victim.read_text() == "keep"


def test_without_a_folder_there_is_nothing_to_lock():
    with locked(None), locked(None):
        pass
