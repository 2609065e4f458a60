"""The `kae` command as a receiver has it: processes, terminals, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kerasae_export.bundling.bundle import sample_image
from kerasae_export.cli import run
from kerasae_export.files.batch import write_png

KAE = Path(sys.executable).parent / "kae"


@pytest.fixture
def pictures(tmp_path):
    """Many files of one picture that takes a while."""
    folder = tmp_path / "in"
    folder.mkdir()
    write_png(folder / "0000.png", sample_image(500, 700, 3))
    for i in range(1, 400):
        os.link(folder / "0000.png", folder / f"{i:04d}.png")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_whole_files_only(
    sent, pictures, photo_bundle, photo_codec, tmp_path
):
    out = tmp_path / "out"
    command = [KAE, "compress", pictures, "--bundle", photo_bundle, "--out", out, "--jobs", "2"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the tests run in the background, they, and so kae, ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(15):  # by then the other processes work as well
        assert process.stdout.readline()
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if sent == signal.SIGINT else 143)
    assert errors == (
        "kae: interrupted; no file is half-written.\n" if sent == signal.SIGINT else ""
    )
    names = sorted(path.name for path in out.iterdir())
    assert 15 <= len(names) < 400
    assert all(name.endswith(".kae") and name[0] != "." for name in names)
    sizes = {(out / name).stat().st_size for name in names}
    assert len(sizes) == 1
    assert photo_codec.decompress((out / names[-1]).read_bytes()).shape == (500, 700, 3)


def test_a_terminal_shows_progress_and_a_pipe_does_not(photo_bundle, tmp_path):
    pty = pytest.importorskip("pty")
    for name in "abc":
        write_png(tmp_path / f"{name}.png", sample_image(9, 9, 3))
    command = [KAE, "compress", tmp_path, "--bundle", photo_bundle, "--out"]
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*command, tmp_path / "one"], stdout=subprocess.PIPE, stderr=theirs, text=True, check=True
    )
    os.close(theirs)
    shown = os.read(ours, 2**16).decode()
    os.close(ours)
    assert "] 0 of 3" in shown
    assert "] 2 of 3" in shown
    assert shown.endswith("\x1b[K")  # and is gone in the end
    assert done.stdout.count(".kae  9x9  ") == 3
    done = subprocess.run([*command, tmp_path / "two"], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_the_exit_status_tells(photo_bundle, tmp_path, capsys):
    write_png(tmp_path / "good.png", sample_image(9, 9, 3))
    options = ["--bundle", str(photo_bundle), "--out", str(tmp_path / "out")]
    assert run(["compress", str(tmp_path / "good.png"), *options]) == 0
    assert run(["compress", str(tmp_path / "good.png"), *options]) == 1
    assert "exists and would be overwritten, which `--force` allows." in capsys.readouterr().err
    more = ["--force", "--max-pixels", "80"]
    assert run(["compress", str(tmp_path / "good.png"), *options, *more]) == 1
    assert "it has 9 x 9 pixels, over the 80 that are allowed" in capsys.readouterr().err
    assert run(["decompress", str(tmp_path / "out"), *options, *more]) == 1
    assert "raise `--max-pixels` if you trust it" in capsys.readouterr().err
    for wrong in (["--jobs", "0"], ["--max-pixels", "many"], ["--bundle"]):
        with pytest.raises(SystemExit) as caught:
            run(["compress", "x.png", *options, *wrong])
        assert caught.value.code == 2
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run(["--help"])
    assert caught.value.code == 0
    assert "exit status: 0 all went well" in capsys.readouterr().out


@pytest.mark.parametrize(("body", "status"), [("raise KeyboardInterrupt", 130), ("return 2", 2)])
def test_the_command_ends_with_a_status(body, status):
    code = f"""
import sys
from kerasae_export import cli
def run(arguments):
    {body}
cli.run = run
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (status, "")
