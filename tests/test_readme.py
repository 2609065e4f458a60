"""What the pages promise, kept: commands in a fresh copy, snippets as code, links that lead."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from test_cli import check_quickstart

from kerasae.builders import BUILDERS
from kerasae_export import Codec
from kerasae_export.cli import run as kae

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ARCHITECTURES = (REPOSITORY / "docs" / "architectures.md").read_text(encoding="utf-8")
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = [
    "CONTRIBUTING.md",
    "README.md",
    "docs/architectures.md",
    "docs/fidelity.md",
    "docs/from_keras.md",
    "docs/from_pythae.md",
    "docs/generation.md",
    "docs/others.md",
    "docs/losses.md",
    "export/README.md",
    "notebooks/README.md",
]
PAIR = re.compile(r"([\d,]+) B, ([\d.]+) dB")
SHAPE = re.compile(r"^(\w+) = .*# .*?(\([\d, ]+\))$", flags=re.MULTILINE)


def blocks(language: str, page: str = README) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def run(page: str) -> dict[str, object]:
    """The names that a page's snippets leave, each shape in a comment compared with its value."""
    names: dict[str, object] = {}
    for snippet in blocks("python", page):
        exec(compile(snippet, "snippet", "exec"), names)
        for name, shape in SHAPE.findall(snippet):
            value = names[name]
            got = value if isinstance(value, tuple) else tuple(value.shape)
            assert got == ast.literal_eval(shape), (name, snippet)
    return names


def sections(page: str) -> dict[str, str]:
    """Heading of the second level -> the text below it."""
    _, *parts = re.split(r"^## ", page, flags=re.MULTILINE)
    return dict(part.split("\n", 1) for part in parts)


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


def test_ci_sets_up_as_a_developer_is_told_to():
    setup = blocks("bash")[1].strip().splitlines()[1]
    options = setup.partition("pip install ")[2].partition(" &&")[0].removeprefix("--quiet ")
    assert options.endswith('"')
    assert f"install --quiet {options}" in (REPOSITORY / ".ci" / "run").read_text()


@pytest.mark.weekly  # CI sets up with the same line, and other tests take quickstart's run apart
def test_the_first_commands_work_in_a_fresh_copy(clone):
    first, second, third = blocks("bash")[1].strip().splitlines()
    assert first.endswith("kerasae quickstart")
    shown = shell(first, clone)
    check_quickstart(clone / "kerasae-quickstart", shown, 1)
    with Image.open(clone / "kerasae-quickstart" / "reconstructed" / "chelsea.png") as again:
        assert again.size == (451, 300)

    assert second.endswith(".venv/bin/pytest")
    shown = shell(f"{second} tests/test_entropy.py tests/test_tiling.py", clone)
    assert " passed" in shown

    install, _, opened = third.partition(" && ")
    assert opened == ".venv/bin/jupyter lab notebooks/"
    shown = shell(f"{install} && .venv/bin/jupyter lab --version && .venv/bin/pip list", clone)
    assert "jupyterlab" in shown


def test_the_line_for_uv_does_what_the_one_for_pip_does():
    first, uv = (blocks("bash")[i].strip().splitlines()[0] for i in (1, 2))
    alike = first.replace("python3 -m venv .venv", "uv venv").replace(".venv/bin/pip", "uv pip")
    assert uv == alike


def test_the_lines_of_the_start_name_extras_that_exist():
    """What each installs: the package alone, a developer's tools, notebooks; and the website."""
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    lines = blocks("bash")[1].strip().splitlines()
    named = [re.findall(r"\.\[(\w+)\]", line) for line in lines]
    assert named == [[], ["dev"], ["notebooks"]]
    assert '".[docs]" && .venv/bin/python website/build.py' in README
    assert "kerasae[docs,notebooks]" in extras["dev"]  # tests run chapters and build the website
    for line in (*lines, CONTRIBUTING):
        for extra in re.findall(r"\.\[(\w+)\]", line):
            assert extra in extras


def test_the_shortest_way_is_as_short_as_it_says(tmp_path, monkeypatch, capsys):
    setup, *commands, _ = blocks("bash")[0].strip().splitlines()
    assert "pip install ./export" in setup
    picture = skimage.data.coffee()[:100, :150]
    Image.fromarray(picture).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    for line in commands:
        command, _, written = line.partition("#")
        program, *arguments = command.split()
        assert program == ".venv/bin/kae"
        assert kae(arguments) == 0
        assert Path(written.strip()).is_file()
    with Image.open("received/photo.png") as again:
        assert again.size == (150, 100)


def test_the_first_picture_and_its_table_are_those_that_were_measured():
    found = json.loads((REPOSITORY / "benchmarks" / "results" / "first_picture.json").read_text())
    table = README.partition("<!-- photographs -->")[2].partition("<!-- /photographs -->")[0]
    rows = table.strip().splitlines()[2:]
    for row, photograph in zip(rows, found["photographs"], strict=True):
        assert row.startswith(f"| {photograph['photograph']} |")
        codecs = photograph["codecs"].values()
        expected = [(f"{codec['bytes']:,}", f"{codec['psnr']:.1f}") for codec in codecs]
        assert PAIR.findall(row) == expected
        assert all(codec["bytes"] <= photograph["budget"] for codec in codecs)


def test_the_photographs_of_the_first_picture_are_those_of_the_codec_that_ships():
    """The cheapest of the four again, to the byte."""
    found = json.loads((REPOSITORY / "benchmarks" / "results" / "first_picture.json").read_text())
    (cat,) = (row for row in found["photographs"] if row["photograph"] == "cat")
    data = Codec.load().compress(skimage.data.chelsea(), target_bytes=cat["budget"])
    assert len(data) == cat["codecs"]["kerasae"]["bytes"]


@pytest.mark.slow
def test_a_receiver_needs_the_export_package_alone(clone, photo_bundle, photo_codec, tmp_path):
    from kerasae_export.bundling.bundle import sample_image
    from kerasae_export.files.batch import write_png

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
    with Image.open(tmp_path / "got" / "photo.png") as picture:
        got = np.asarray(picture)
    np.testing.assert_array_equal(got, photo_codec.decompress(photo_codec.compress(image)))
    assert (tmp_path / "got" / "photo.kae").read_bytes() == photo_codec.compress(image)


@pytest.mark.slow
def test_the_snippets_of_the_readme_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(README)
    assert isinstance(names["codec"], Codec)
    assert names["image"].shape == (8, 8, 1)
    assert {path.name for path in tmp_path.glob("*.png")} == {"reconstructions.png", "samples.png"}


@pytest.mark.slow
def test_the_snippets_of_the_architectures_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = run(ARCHITECTURES)
    assert (names["active"] == 10).all()
    assert capsys.readouterr().out.count("bits an image") == 2
    assert {path.stem for path in tmp_path.glob("*.png")} >= {"manifold", "codes", "filters"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["from_pythae", "from_keras"])
def test_the_snippets_for_those_who_come_from_elsewhere_run_in_order(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run((REPOSITORY / "docs" / f"{name}.md").read_text(encoding="utf-8"))
    assert isinstance(names["codec"], Codec)
    assert len(names["data"]) < 64  # bytes, as many as the pixels
    assert (tmp_path / "run" / "model.keras").is_file()


def test_the_snippets_of_the_losses_run_in_order():
    names = run((REPOSITORY / "docs" / "losses.md").read_text(encoding="utf-8"))
    assert len(names["loss"].losses) == len(names["seen"].outputs) == 2


@pytest.mark.slow
def test_the_snippets_of_conditions_and_priors_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run((REPOSITORY / "docs" / "generation.md").read_text(encoding="utf-8"))
    assert names["drawn"].shape == (10, 8, 8, 1)
    assert names["fives"].shape == (4, 8, 8, 1)
    assert names["an_eight"].shape == names["as_it_was"].shape == (8, 8, 1)
    assert (names["an_eight"] != names["as_it_was"]).any()


def test_every_architecture_has_its_section():
    """With its equation, its paper, a snippet that builds it, and links that lead to it."""
    for name, builder in BUILDERS.items():
        text = sections(ARCHITECTURES)[name]
        assert text.count("\n$$\n") >= 2
        assert f"kerasae.build_{name}(" in "".join(blocks("python", text))
        assert "**What can go wrong.**" in text
        assert "**Take it**" in text
        surname = re.split(r"[ ,&]", builder.paper)[0].replace("Balle", "Ballé")
        assert surname in text, builder.paper
        assert f"](#{name})" in sections(ARCHITECTURES)["Which one?"]
        assert f"](docs/architectures.md#{name})" in README


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    page = REPOSITORY / name
    for target, anchor in re.findall(r"\]\(([^)#: ]*)(?:#([^) ]*))?\)", page.read_text("utf-8")):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), flags=re.MULTILINE)
            assert anchor in [heading.lower().replace(" ", "-") for heading in headings], anchor


def test_the_map_names_what_exists():
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
