"""The npm package: packed, installed from the tarball, typed, bundled and run."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
from port_snippets import blocks, pages

from kerasae_export import Codec

ROOT = Path(__file__).parents[1]
PORT = ROOT / "export" / "ports" / "js"
APP = Path(__file__).parent / "web" / "package"
GOLDEN = Path(__file__).parent / "golden"
FAMILIES = ROOT / "export" / "kerasae_export" / "photo" / "families"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]


def done(*command: object, cwd: Path) -> str:
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    words = [str(part) for part in command]
    found = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app that has installed the tarball, and what its adapters are made for."""
    folder = tmp_path_factory.mktemp("npm")
    shutil.copytree(APP, folder, dirs_exist_ok=True)
    done("npm", "pack", "--pack-destination", folder, cwd=PORT)
    (tarball,) = folder.glob("*.tgz")
    # Their peers are React and React Native, which types alone do not need.
    quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--legacy-peer-deps"]
    done("npm", "install", *quiet, tarball, cwd=folder)
    return folder


def test_the_tarball_holds_the_modules_their_types_and_the_licence(app: Path) -> None:
    (tarball,) = app.glob("*.tgz")
    package = json.loads((PORT / "package.json").read_text())
    assert tarball.name == f"{package['name']}-{package['version']}.tgz"
    with tarfile.open(tarball) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
    families = {f"families/{path.parent.name}.json" for path in FAMILIES.glob("*/family.json")}
    kept = {path.name for path in PORT.iterdir()} - {"pack.mjs", "families"}
    assert names == kept | families
    assert not (PORT / "families").exists()
    assert {"LICENSE", "README.md", "package.json", "index.js", "index.d.ts"} <= names
    for entry in package["exports"].values():
        files = {entry} if isinstance(entry, str) else set(entry.values())
        for file in files:
            assert fnmatch.filter(names, file.removeprefix("./")), file
    assert "dependencies" not in package


def test_the_snippets_of_cards_are_modules(tmp_path: Path) -> None:
    for i, code in enumerate(blocks("js", pages("export/README.md"))):
        file = tmp_path / f"snippet{i}.mjs"
        file.write_text(code)
        done("node", "--check", file, cwd=tmp_path)


def test_typescript_accepts_an_app_and_both_adapters(app: Path) -> None:
    """`agreement.ts` holds declarations and code together; they are checked by themselves, too."""
    done("npx", "--no-install", "tsc", "-p", ".", cwd=app)
    source = app / "source"
    source.mkdir()
    for module in PORT.glob("*.js"):
        shutil.copy(module, source)
    done("npx", "--no-install", "tsc", "-p", "agreement.json", cwd=app)
    types = sorted((app / "node_modules" / "kerasae").glob("*.d.ts"))
    done("npx", "--no-install", "tsc", "--strict", "--noEmit", "--lib", "es2022", *types, cwd=app)


def test_node_and_a_bundler_run_it(app: Path) -> None:
    options = ["--bundle", "--format=esm", "--minify", "--outfile=app.js"]
    done("npx", "--no-install", "esbuild", "use.ts", *options, cwd=app)
    bundle = GOLDEN / "grid"
    files = bundle / "bundle" / "manifest.json", next(bundle.glob("image-*.kae"))
    where = "console.log(new URL(import.meta.resolve('kerasae/families/photo-2.json')).pathname)"
    family = done("node", "--input-type=module", "--eval", where, cwd=app).strip()
    assert Path(family).read_bytes() == (FAMILIES / "photo-2" / "family.json").read_bytes()
    said = done("node", "run.mjs", family, *files, bundle / "stream.kae", cwd=app)
    assert said == "passed\n"
    # What an app does not use is left out: a reader of photographs has no manifest.
    (app / "reader.js").write_text('export { readHead } from "kerasae";\n')
    options[-1] = "--outfile=small.js"
    done("npx", "--no-install", "esbuild", "reader.js", *options, cwd=app)
    small, whole = (app / "small.js").read_text(), (app / "app.js").read_text()
    assert len(small) < 0.3 * len(whole)
    assert not re.search("bundle_hash", small)


def test_onnx_runtime_runs_a_bundle_s_onnx_files(app: Path, onnx_bundle: Path) -> None:
    """Symbols are exact, pixels within the promise, as `onnx.mjs` and this say."""
    rebuilt = bytes.fromhex(done("node", "onnx.mjs", onnx_bundle, cwd=app).strip())
    codec = Codec.load(onnx_bundle)
    expected = codec.decompress((onnx_bundle / "golden" / "image.kae").read_bytes())
    assert codec.manifest.onnx is not None
    differs = np.frombuffer(rebuilt, np.uint8).astype(int) - expected.ravel()
    assert np.abs(differs).max() <= codec.manifest.onnx.pixel_tolerance
