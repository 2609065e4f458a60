"""What would be released: both distributions, built, installed and used outside the checkout.

Nothing is published here. Environments are fresh. Those of kerasae would take gigabytes, so they
see the libraries of the environment that runs the tests, through a folder of links to them; that
of a receiver is installed from the package index.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_string
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image
from test_metadata import ADDRESS

from kerasae_export.format.manifest import Manifest

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "golden" / "grid" / "bundle"
PORT = REPOSITORY / "export" / "ports" / "js"
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PYTHON", "KERASAE", "VIRTUAL_ENV"))
}
"""Without the checkout."""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=CLEAN, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist of each distribution, and the wheel that is built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    for project in (REPOSITORY, REPOSITORY / "export"):
        options = ["--no-isolation", "--outdir", folder]  # with the hatchling that is here
        run(sys.executable, "-m", "build", *options, project, cwd=folder)
    files = {}
    for path in folder.iterdir():
        kind = "wheel" if path.suffix == ".whl" else "sdist"
        files[f"{path.name.partition('-')[0]} {kind}"] = path
    expected = {f"{name} {kind}" for name in ("kerasae", "kerasae_export") for kind in KINDS[1:]}
    assert set(files) == expected
    return files


KINDS = ("editable", "wheel", "sdist")


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to all that is installed here, kerasae itself excepted."""
    folder = tmp_path_factory.mktemp("libraries")
    for name in ("purelib", "platlib"):
        for path in Path(sysconfig.get_path(name)).iterdir():
            ours = path.name.lower().lstrip("_").startswith("kerasae") or path.suffix == ".pth"
            if not ours and not (folder / path.name).exists():
                (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def environment(libraries: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes an environment with the libraries, and installs what is given; its commands."""

    def make(*arguments: str | Path) -> Path:
        folder = tmp_path / "venv"
        venv.create(folder)
        binaries = folder / "bin"
        python = binaries / "python"
        purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(run(python, "-c", purelib).strip())
        (site / "libraries.pth").write_text(f"{libraries}\n")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
        run(*pip, "--no-index", "--no-deps", "--no-build-isolation", *arguments, cwd=tmp_path)
        return binaries

    return make


@contextmanager
def serving(command: list[str | Path], cwd: Path) -> Iterator[str]:
    """The address of a page while a command serves it; Ctrl-C ends it."""
    process = subprocess.Popen(
        [*command, "--port", "0"],
        cwd=cwd,
        env=CLEAN,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line + process.stderr.read()
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def check_page(command: list[str | Path], bundle: Path, cwd: Path) -> None:
    """The page, the codec that it imports, and the bundle come as they are."""

    def fetch(path: str) -> bytes:
        with urllib.request.urlopen(address + path, timeout=30) as answer:
            return answer.read()

    with serving([*command, "serve", bundle], cwd) as address:
        assert b"<title>" in fetch("index.html")
        for module in PORT.glob("*.js"):
            assert fetch(f"codec/{module.name}") == module.read_bytes()
        assert fetch("bundle/manifest.json") == (bundle / "manifest.json").read_bytes()


def test_twine_finds_nothing(built):
    said = run(sys.executable, "-m", "twine", "check", "--strict", *built.values())
    assert said.count("PASSED") == 4


@pytest.mark.parametrize("package", ["kerasae", "kerasae_export"])
def test_a_wheel_holds_the_package_and_what_it_says_of_it(package, built):
    source = REPOSITORY / package if package == "kerasae" else REPOSITORY / "export" / package
    with zipfile.ZipFile(built[f"{package} wheel"]) as wheel:
        names = set(wheel.namelist())
        (about,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        metadata = message_from_string(wheel.read(about).decode())
        licence = wheel.read(about.replace("METADATA", "licenses/LICENSE"))
    in_package = {
        f"{package}/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert f"{package}/py.typed" in in_package <= names
    own = {name for name in names if not name.startswith(f"{package}-")}
    extra = {name.removeprefix("kerasae_export/") for name in own - in_package}
    if package == "kerasae_export":
        port = {path.name for path in PORT.iterdir()}
        assert extra == {"FORMAT.md"} | {f"page/codec/{name}" for name in port}
    else:
        assert not extra
    assert licence == (REPOSITORY / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("Project-URL") == [f"Homepage, {ADDRESS}"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Keywords"]
    assert metadata["Summary"]


def test_an_sdist_has_no_more_than_it_needs(built):
    with tarfile.open(built["kerasae_export sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tops = {name.partition("/")[0] for name in names}
    files = {"FORMAT.md", "LICENSE", "README.md", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert {"kerasae_export", "ports", *files} - {".gitignore"} <= tops
    assert tops <= {"kerasae_export", "ports", *files}
    assert {f"ports/js/{path.name}" for path in PORT.iterdir()} <= names
    assert {"ports/cpp/CMakeLists.txt", "ports/cpp/include/kerasae/kerasae.hpp"} <= names


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_comes_with_every_kind_of_installation(
    kind, built, environment, litert_js, tmp_path
):
    """`litert_js`: LiteRT.js, which `kae serve` takes from the user's cache, or from npm."""
    if kind == "editable":
        binaries = environment("--editable", REPOSITORY / "export")
    else:
        binaries = environment(built[f"kerasae_export {kind}"])
    where = "import kerasae_export; print(kerasae_export.__file__)"
    found = run(binaries / "python", "-c", where, cwd=tmp_path)
    assert (str(REPOSITORY) in found) == (kind == "editable")
    check_page([binaries / "kae"], GOLDEN, tmp_path)


def test_kerasae_works_from_its_wheels(built, environment, litert_js, tmp_path):
    binaries = environment(built["kerasae wheel"], built["kerasae_export wheel"])
    run(binaries / "kerasae", "quickstart", "--data", "digits", "--out", "quick", cwd=tmp_path)
    bundle = tmp_path / "quick" / "bundle"
    (tmp_path / "in").mkdir()
    shutil.copy(bundle / "golden" / "image.png", tmp_path / "in" / "image.png")
    run(binaries / "kae", "compress", "in", "--bundle", bundle, "--out", "sent", cwd=tmp_path)
    run(binaries / "kae", "decompress", "sent", "--bundle", bundle, "--out", "got", cwd=tmp_path)
    sent = (tmp_path / "sent" / "image.kae").read_bytes()
    assert sent == (bundle / "golden" / "image.kae").read_bytes()
    expect_golden(bundle, tmp_path / "got" / "image.png")
    check_page([binaries / "kae"], bundle, tmp_path)
    check_page([binaries / "kerasae"], bundle, tmp_path)


def test_a_receiver_decodes_without_keras(built, tmp_path):
    """The wheel of kerasae-export alone, and what it requires, from the package index."""
    venv.create(tmp_path / "venv")
    binaries = tmp_path / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", binaries / "python"]
    run(*pip, "install", "--quiet", built["kerasae_export wheel"], cwd=tmp_path)
    listed = {item["name"].lower() for item in json.loads(run(*pip, "list", "--format=json"))}
    assert {"ai-edge-litert", "kerasae-export", "numpy", "pillow"} <= listed
    assert not listed & {"keras", "kerasae", "matplotlib", "scikit-image", "tensorflow"}
    run(*pip, "check")
    shutil.copytree(GOLDEN, tmp_path / "bundle")
    kae = [binaries / "kae"]
    options = ["--bundle", "bundle", "--out", "out"]
    run(*kae, "decompress", "bundle/golden/image.kae", *options, cwd=tmp_path)
    expect_golden(GOLDEN, tmp_path / "out" / "image.png")
    run(*kae, "compress", "bundle/golden/image.png", *options, cwd=tmp_path)
    assert (tmp_path / "out" / "image.kae").stat().st_size > 10


def expect_golden(bundle: Path, image: Path) -> None:
    """An image is the golden reconstruction, as near as the manifest promises."""
    manifest = Manifest.from_json((bundle / "manifest.json").read_bytes())
    found, golden = (
        np.asarray(Image.open(path)).astype(int)
        for path in (image, bundle / "golden" / "reconstruction.png")
    )
    assert found.shape == golden.shape
    assert np.abs(found - golden).max() <= manifest.pixel_tolerance
