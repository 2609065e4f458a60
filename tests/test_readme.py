"""The README's promises, kept: its commands in a fresh copy, its snippets as code."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasae_export import Codec

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would give a stranger, uncommitted changes included."""
    target = tmp_path_factory.mktemp("clone") / "kerasae"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, target / name)
    return target


def shell(command: str, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    environment["PATH"] = f"{Path(sys.base_prefix) / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.mark.slow
def test_the_first_commands_work_in_a_fresh_copy(clone):
    first, second, third = blocks("bash")[0].strip().splitlines()
    assert first.endswith("kerasae quickstart")
    shown = shell(first, clone)
    assert "Next:" in shown
    assert (clone / "kerasae-quickstart" / "report.png").exists()

    assert second.endswith(".venv/bin/pytest")
    shown = shell(f"{second} tests/test_entropy.py tests/test_tiling.py", clone)
    assert " passed" in shown

    assert third == ".venv/bin/jupyter lab notebooks/"
    assert "jupyterlab" in shell(".venv/bin/jupyter lab --version && .venv/bin/pip list", clone)


@pytest.mark.slow
def test_a_receiver_needs_the_export_package_alone(clone, photo_bundle, photo_codec, tmp_path):
    from kerasae_export.bundle import sample_image
    from kerasae_export.files import write_png

    image = sample_image(70, 90, 3)
    write_png(tmp_path / "photo.png", image)
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / "photo.kae").write_bytes(photo_codec.compress(image))
    shell(
        f"""
        python3 -m venv receiver
        receiver/bin/pip install --quiet ./export
        receiver/bin/kae decompress {tmp_path}/sent --bundle {photo_bundle} --out {tmp_path}/got
        receiver/bin/kae compress {tmp_path}/photo.png --bundle {photo_bundle} --out {tmp_path}/got
        ! receiver/bin/python -I -c "import keras" 2>/dev/null
        ! receiver/bin/python -I -c "import tensorflow" 2>/dev/null
        ! receiver/bin/python -I -c "import kerasae" 2>/dev/null
        """,
        clone,
    )
    from PIL import Image

    with Image.open(tmp_path / "got" / "photo.png") as picture:
        got = np.asarray(picture)
    np.testing.assert_array_equal(got, photo_codec.decompress(photo_codec.compress(image)))
    assert (tmp_path / "got" / "photo.kae").read_bytes() == photo_codec.compress(image)


@pytest.mark.slow
def test_the_snippets_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    snippets = blocks("python")
    assert len(snippets) >= 4
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec"), names)
    assert isinstance(names["codec"], Codec)
    assert names["image"].shape == (8, 8, 1)


def test_links_and_map_name_what_exists():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / target).exists(), target
    folder_map = next(block for block in blocks("") if "notebooks/" in block)
    for line in folder_map.splitlines():
        if line.strip():
            assert (REPOSITORY / line.split()[0]).exists(), line


def test_the_figures_are_those_of_the_benchmark():
    path = REPOSITORY / "benchmarks" / "quickstart.py"
    spec = importlib.util.spec_from_file_location("quickstart_benchmark", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    section = README.split(benchmark.MARKS[0])[1].split(benchmark.MARKS[1])[0].strip()
    assert section == benchmark.table(json.loads(benchmark.RESULT.read_text("utf-8")))
