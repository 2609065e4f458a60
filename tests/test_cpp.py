"""The C++ codec: builds without a warning, installs, passes the conformance set."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PORT = ROOT / "export" / "ports" / "cpp"
GOLDEN = Path(__file__).parent / "golden"
BUNDLES = sorted(path.parent for path in GOLDEN.rglob("bundle/manifest.json"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("g++") and shutil.which("cmake")), reason="g++ or cmake is not installed"
    ),
]


def run(*command: object, **rest: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        **rest,  # type: ignore[call-overload]
    )


def done(*command: object, **rest: object) -> str:
    found = run(*command, **rest)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything with GCC's sanitizers; warnings are errors."""
    folder = tmp_path_factory.mktemp("cpp")
    options = ["-DKERASAE_SANITIZE=address,undefined", "-DCMAKE_CXX_FLAGS=-O1"]
    done("cmake", "-S", PORT, "-B", folder, "-DCMAKE_CXX_COMPILER=g++", *options)
    done("cmake", "--build", folder, "--parallel", os.cpu_count() or 1)
    return folder


def test_the_conformance_set_passes_under_sanitizers(build: Path) -> None:
    said = done("ctest", "--test-dir", build, "--verbose")
    assert "100% tests passed, 0 tests failed out of 2" in said
    for line in ("files: 252", "manifests: 141"):
        assert line in said


def test_golden_bundles_are_whole(build: Path) -> None:
    assert len(BUNDLES) == 18
    for bundle in BUNDLES:
        said = done(build / "kaetool", "check", bundle)
        assert "read and written, byte for byte" in said
        for file in bundle.parent.glob("*.kae"):
            said = done(build / "kaetool", "info", file, bundle)
            assert ("a stream of" in said) == (file.stem == "stream"), said


def test_what_kaetool_refuses(build: Path, tmp_path: Path) -> None:
    tool, bundle = build / "kaetool", GOLDEN / "grid" / "bundle"
    for arguments in ([], ["check"], ["info"], ["verify", bundle], ["info", tmp_path / "none"]):
        found = run(tool, *arguments)
        assert found.returncode == 2, found
        assert found.stderr
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    with (broken / "decoder.tflite").open("r+b") as file:
        file.write(b"x")
    found = run(tool, "check", broken)
    assert found.returncode == 1
    assert "decoder.tflite is not the file that manifest.json lists" in found.stderr
    (broken / "decoder.tflite").unlink()
    (broken / "decoder.tflite").symlink_to(bundle / "decoder.tflite")
    assert "missing" in run(tool, "check", broken).stderr
    data = (GOLDEN / "blocks" / "image-0-quality-1.kae").read_bytes()
    assert "made with bundle" in run(tool, "info", GOLDEN / "blocks" / "stream.kae", bundle).stderr
    (tmp_path / "cut.kae").write_bytes(data[:-1])
    found = run(tool, "info", tmp_path / "cut.kae", GOLDEN / "blocks" / "bundle")
    assert found.returncode == 1
    assert "checksum" in found.stderr


APP = """
cmake_minimum_required(VERSION 3.18)
project(app LANGUAGES CXX)
find_package(kerasae 0.1 REQUIRED)
add_executable(app app.cpp)
target_link_libraries(app PRIVATE kerasae::kerasae)
"""


def test_an_app_finds_the_installed_package(build: Path, tmp_path: Path) -> None:
    done("cmake", "--install", build, "--prefix", tmp_path / "root")
    app = tmp_path / "app"
    app.mkdir()
    (app / "CMakeLists.txt").write_text(APP)
    # Two files that include all headers are linked into one program.
    (app / "app.cpp").write_text(
        "#include <kerasae/kerasae.hpp>\nint main() { return kerasae::crc32({}) != 0; }\n"
    )
    (app / "CMakeLists.txt").write_text(APP.replace("app.cpp)", "app.cpp other.cpp)"))
    (app / "other.cpp").write_text("#include <kerasae/kerasae.hpp>\n")
    done("cmake", "-S", app, "-B", app / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'root'}")
    done("cmake", "--build", app / "build")
    done(app / "build" / "app")
    assert sorted(path.name for path in (tmp_path / "root" / "include" / "kerasae").iterdir()) == (
        sorted(path.name for path in (PORT / "include" / "kerasae").iterdir())
    )
