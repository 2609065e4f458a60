"""The codec in Swift: the conformance set, real models by a C module, Apple's part against stubs.

Swift runs in a root of Debian trixie, which `export/ports/swift/compile` makes once, in some
minutes, in the user's cache, or where KERASAE_SWIFT_ROOT says.
"""

from __future__ import annotations

import json
import os
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
from port_snippets import pages, swift_files

PORT = ROOT / "export" / "ports" / "swift"
COMPILE = PORT / "compile"
FAMILY = "/repository/export/kerasae_export/photo/families/photo-2/family.json"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="this system has no root to make"
    ),
]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core with its runners, once for all workers."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "swift"
    with FileLock(f"{folder}.lock"):
        if not (folder / "built").exists():
            done(COMPILE, "core", folder)
            done(COMPILE, "desktop", folder, LITERT)
            (folder / "built").touch()
    return folder


def run(build: Path, *words: object) -> str:
    environment = {**os.environ, "LITERT_FOLDER": str(LITERT.parent)}
    return done(COMPILE, "run", build, *words, env=environment)


def pictures(build: Path, source: str, folder: str, *words: object) -> None:
    run(build, "/out/kerasae-pictures", source, f"/out/{folder}", *words)


def test_the_conformance_set_passes(build: Path) -> None:
    said = run(build, "/out/kerasae-check", "conformance", "/repository/export/ports/conformance")
    index = json.loads((PORT.parent / "conformance" / "index.json").read_text())
    for name in ("manifests", "files", "values", "spans", "families", "photographs"):
        assert f"{name}: {len(index[name])}\n" in said


def test_what_the_set_does_not_hold(build: Path) -> None:
    """Networks and tiles, arguments, streams in pieces, work that is cancelled."""
    assert "checks: 1" in run(build, "/out/kerasae-check", "checks", FAMILY)


def test_models_give_the_files_of_python(build: Path) -> None:
    """200 digits in int8, and a digit with each other scheme and layout."""
    write_digits(build / "digits")
    pictures(build, f"/repository/{BUNDLE.relative_to(ROOT)}", "digits")
    assert check(build / "digits", BUNDLE) == 200
    schemes = set()
    for bundle in sorted(path.parent for path in GOLDEN.rglob("bundle/manifest.json")):
        manifest = json.loads((bundle / "manifest.json").read_text())
        if manifest["codec"]["channels"] != 1 or manifest["scheme"] in schemes:
            continue
        schemes.add(manifest["scheme"])
        write_digits(build / manifest["scheme"], 3)
        pictures(build, f"/repository/{bundle.relative_to(ROOT)}", manifest["scheme"])
        assert check(build / manifest["scheme"], bundle) == 3
    assert schemes


def test_photographs_give_the_files_of_python(build: Path) -> None:
    write_photographs(build / "photographs")
    pictures(build, FAMILY, "photographs", PHOTO_QUALITY)
    assert check(build / "photographs", None) == 20


def test_damaged_files_are_refused_as_python_refuses_them(build: Path, tmp_path: Path) -> None:
    """A taste of what `benchmarks/ports.py` does a hundred thousand times."""
    words = ["differential", "--inputs", 1000, "--out", tmp_path / "ports.json"]
    words += ["--program", "-", "--kotlin", "-", "--swift", build]
    done(sys.executable, ROOT / "benchmarks" / "ports.py", *words)
    found = json.loads((tmp_path / "ports.json").read_text())["differential"]
    assert found["languages"] == ["Python", "JavaScript", "Swift"]
    assert (found["inputs"], found["differing"]) == (1000, [])


def test_apples_part_the_app_and_all_snippets_are_type_checked(build: Path) -> None:
    """Against stubs of Apple's modules and of LiteRT: it is not run."""
    done(COMPILE, "apple", build)
    assert (build / "App.swiftmodule").exists()
    texts = pages("export/ports/swift/README.md", "export/README.md")
    files = swift_files(build / "snippets", texts)
    done(COMPILE, "snippets", build, *(f"/out/snippets/{file.name}" for file in files))
    (build / "bad.swift").write_text("import Kerasae\nlet size: Int = FileId(of: [])\n")
    words = [str(COMPILE), "snippets", str(build), "/out/bad.swift"]
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0


def test_the_package_has_the_families_that_ship(build: Path) -> None:
    families = ROOT / "export" / "kerasae_export" / "photo" / "families"
    for family in families.glob("*/family.json"):
        copy = PORT / "Sources" / "KerasaePhotographs" / f"{family.parent.name}.json"
        assert copy.read_bytes() == family.read_bytes()
    said = done(COMPILE, "package", build)
    products = {product["name"] for product in json.loads(said)["products"]}
    assert products == {"Kerasae", "KerasaePhotographs", "KerasaeApple"}


def test_signatures_are_in_the_order_that_the_apple_module_takes_them_to_be() -> None:
    """LiteRT's package for Swift runs a signature by its number."""
    from ai_edge_litert.interpreter import Interpreter

    both = sorted(GOLDEN.rglob("bundle/model.tflite"))
    assert both
    for file in both:
        names = list(Interpreter(model_path=str(file)).get_signature_list())
        assert names == ["decode", "encode"], file
