"""The codec in Kotlin: the conformance set, real models by JNI, Android and the app against stubs.

One compilation of half a minute serves all tests of the core.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from port_pictures import (
    BUNDLE,
    GOLDEN,
    LITERT,
    PHOTO_QUALITY,
    ROOT,
    check,
    done,
    write_digits,
    write_photographs,
)
from port_snippets import kotlin_files, pages

PORT = ROOT / "export" / "ports" / "kotlin"
COMPILE = PORT / "compile"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("javac") and shutil.which("npm") and shutil.which("g++")),
        reason="a JDK, npm or g++ is not installed",
    ),
]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core with its runners, and the library that runs models, once for all workers."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "kotlin"
    with FileLock(f"{folder}.lock"):
        if not (folder / "built").exists():
            done(COMPILE, "core", folder)
            done(COMPILE, "jni", folder, LITERT)
            (folder / "built").touch()
    return folder


def java(build: Path, *words: object) -> str:
    package = os.environ.get("KOTLIN_COMPILER")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    library = Path(package) if package else cache / "kerasae" / "kotlin-2.4.20"
    library = library / "node_modules" / "kotlin-compiler" / "lib"
    jars = [library / f"{name}.jar" for name in ("kotlin-stdlib", "kotlinx-coroutines-core-jvm")]
    path = ":".join(map(str, [f"{build}.jar", build, *jars]))
    return done("java", "-Xmx512m", f"-Djava.library.path={build}", "-cp", path, *words)


def test_the_conformance_set_passes(build: Path) -> None:
    said = java(build, "kerasae.MainKt", "conformance", PORT.parent / "conformance")
    index = json.loads((PORT.parent / "conformance" / "index.json").read_text())
    for name in ("manifests", "files", "values", "spans", "families", "photographs"):
        assert f"{name}: {len(index[name])}\n" in said


def test_what_the_set_does_not_hold(build: Path) -> None:
    """Networks and tiles, arguments, streams in pieces, work that is cancelled."""
    assert "checks: 1" in java(build, "kerasae.MainKt", "checks")


def test_models_give_the_files_of_python(build: Path, tmp_path: Path) -> None:
    """200 digits in int8, and a digit with each other scheme and layout."""
    write_digits(tmp_path / "digits")
    java(build, "kerasae.desktop.PicturesKt", BUNDLE, tmp_path / "digits")
    assert check(tmp_path / "digits", BUNDLE) == 200
    schemes = set()
    for bundle in sorted(path.parent for path in GOLDEN.rglob("bundle/manifest.json")):
        manifest = json.loads((bundle / "manifest.json").read_text())
        if manifest["codec"]["channels"] != 1 or manifest["scheme"] in schemes:
            continue
        schemes.add(manifest["scheme"])
        folder = tmp_path / manifest["scheme"]
        write_digits(folder, 3)
        java(build, "kerasae.desktop.PicturesKt", bundle, folder)
        assert check(folder, bundle) == 3
    assert schemes


def test_photographs_give_the_files_of_python(build: Path, tmp_path: Path) -> None:
    write_photographs(tmp_path / "photographs")
    java(build, "kerasae.desktop.PicturesKt", "-", tmp_path / "photographs", PHOTO_QUALITY)
    assert check(tmp_path / "photographs", None) == 20


def test_damaged_files_are_refused_as_python_refuses_them(build: Path, tmp_path: Path) -> None:
    """A taste of what `benchmarks/ports.py` does a hundred thousand times."""
    words = ["differential", "--inputs", 1000, "--out", tmp_path / "ports.json"]
    words += ["--program", "-", "--kotlin", build, "--swift", "-"]
    done(sys.executable, ROOT / "benchmarks" / "ports.py", *words)
    found = json.loads((tmp_path / "ports.json").read_text())["differential"]
    assert found["languages"] == ["Python", "JavaScript", "Kotlin"]
    assert (found["inputs"], found["differing"]) == (1000, [])


def test_android_the_app_and_all_snippets_are_type_checked(tmp_path: Path) -> None:
    """Against stubs of Android, LiteRT and Compose: it is not run."""
    done(COMPILE, "android", tmp_path / "android")
    texts = pages("export/ports/kotlin/README.md", "export/README.md")
    done(COMPILE, *kotlin_files(tmp_path / "snippets", texts), "--", tmp_path / "android")
    done(COMPILE, "compose", tmp_path / "android")
    wrong_type, not_composable = tmp_path / "Type.kt", tmp_path / "NotComposable.kt"
    wrong_type.write_text("val size: Int = kerasae.PhotoCodec.shipped()\n")
    not_composable.write_text('fun wrong() = androidx.compose.material3.Text("x")\n')
    for words, said in (
        ([wrong_type, "--", tmp_path / "android"], "mismatch"),
        (["compose", tmp_path / "android", not_composable], "@Composable"),
    ):
        command = [str(word) for word in [COMPILE, *words]]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode != 0
        assert said in found.stderr
