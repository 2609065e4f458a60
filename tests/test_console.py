"""What commands print, on terminals that cannot show it and streams that are closed or full."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasae_export.cli import run
from kerasae_export.console import _Stream, printable
from kerasae_export.files.batch import write_png

BUNDLE = Path(__file__).parent / "golden" / "bundles" / "blocks-int8-both" / "bundle"
CONTROLS = "a\x1b[2J\r\n\x07\x9b\u202eb\u2028.png"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("caf\u00e9 \u65e5\u672c.png", "caf\u00e9 \u65e5\u672c.png"),
        ("caf\udce9.png", "caf\\xe9.png"),
        (CONTROLS, "a\\x1b[2J\\r\\n\\x07\\x9b\\u202eb\\u2028.png"),
        ("\ud83d", "\\ud83d"),
        (Path("x/y"), "x/y"),
    ],
)
def test_what_is_not_to_be_seen_is_escaped(text, expected):
    assert printable(text) == expected
    assert printable(text).isprintable()


@pytest.fixture
def folder(tmp_path):
    """Names that few terminals can show, and a good one in the end."""
    names = [os.fsdecode(b"caf\xe9.png"), "\u65e5\u672c\u8a9e.png", CONTROLS, "z.png", "[red].png"]
    (tmp_path / "in").mkdir()
    for name in names:
        write_png(tmp_path / "in" / name, np.zeros((4, 4, 3), np.uint8))
    return tmp_path


def kae(folder, out, **options):
    command = [sys.executable, "-m", "kerasae_export.cli", "compress", folder / "in"]
    command += ["--bundle", BUNDLE, "--out", folder / out]
    return subprocess.run(command, check=False, **options)


def files(folder, out):
    return sorted(os.listdir(folder / out))  # noqa: PTH208 - names


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "shift-jis"])
def test_no_name_stops_a_batch(folder, encoding):
    env = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C.UTF-8"}
    done = kae(folder, "out", capture_output=True, env=env)
    assert done.returncode == 0, done.stderr
    assert len(files(folder, "out")) == 5
    said = done.stdout.decode(encoding)
    assert "caf\\xe9.png" in said
    assert "\\x1b[2J\\r\\n\\x07" in said
    assert all(line.isprintable() for line in said.splitlines())


@pytest.mark.parametrize("how", ["out", "err", "both", "in"])
def test_closed_streams_stop_nothing(folder, how):
    """And nothing is written to a file that took the number of a closed stream."""
    closed = {"out": [1], "err": [2], "both": [1, 2], "in": [0]}[how]

    def close() -> None:
        for number in closed:
            os.close(number)

    done = kae(folder, "out", preexec_fn=close, capture_output=True)
    assert done.returncode == 0
    assert len(files(folder, "out")) == 5
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_full_streams_stop_nothing(folder, stream):
    other = "stderr" if stream == "stdout" else "stdout"
    with Path("/dev/full").open("wb") as full:
        done = kae(folder, "out", **{stream: full, other: subprocess.PIPE})
    assert done.returncode == 0
    assert len(files(folder, "out")) == 5
    assert not done.stderr


def test_a_reader_that_has_gone_stops_nothing(folder):
    command = [sys.executable, "-m", "kerasae_export.cli", "compress", folder / "in"]
    command += ["--bundle", BUNDLE, "--out", folder / "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert len(files(folder, "out")) == 5


def test_errors_name_files_in_one_line(tmp_path, capsys):
    name = tmp_path / "bad\x1b[31m\n.png"
    name.write_bytes(b"no image")
    options = ["--bundle", str(BUNDLE), "--out", str(tmp_path / "out")]
    assert run(["compress", str(name), *options]) == 1
    said = capsys.readouterr().err
    assert "bad\\x1b[31m\\n.png" in said
    assert "\x1b" not in said
    with pytest.raises(SystemExit):
        run(["compress", str(name), "--what\x1b"])
    assert "\x1b" not in capsys.readouterr().err


def test_names_are_no_markup_in_the_other_command():
    from kerasae.cli.output import open_console, shown

    console = open_console()
    with console.capture() as capture:
        console.print(shown("[/bold] [red]x[/red] \x1b[2J"))
    assert capture.get() == "[/bold] [red]x[/red] \\x1b[2J\n"


def test_a_stream_that_breaks_loses_the_rest():
    class Broken(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise OSError(28, "No space left on device")

    stream = _Stream(io.TextIOWrapper(Broken(), write_through=True))
    assert stream.write("text") == 4
    stream.writelines(["a", "b"])
    stream.flush()
    assert stream.encoding
