"""The C++ codec and LiteRT for ARM, under emulation: the files and pixels of x86.

Two minutes. qemu takes files from a folder before it takes those of this machine, so LiteRT, which
looks up what core it runs on, and crashes where it finds none, finds a Cortex-A72. Its int8
kernels for newer instructions than the A76 has give other results with qemu 7.2 and `-cpu max`:
whether such a core does, this test cannot tell.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from arm import stand_in_for_a_core
from PIL import Image

from kerasae import load_images
from kerasae_export import Codec

ROOT = Path(__file__).parents[1]
PORT = ROOT / "export" / "ports" / "cpp"
GOLDEN = Path(__file__).parent / "golden"
BUNDLES = sorted(path.parent for path in GOLDEN.rglob("bundle/manifest.json"))
COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64-static"
LIBRARIES = Path("/usr/aarch64-linux-gnu/lib")  # of Debian's cross compiler
CORES = ("cortex-a72", "cortex-a76")  # without and with products of four bytes

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(
        not (shutil.which(COMPILER) and shutil.which(EMULATOR) and shutil.which("cmake")),
        reason="the compiler for ARM, the emulator or cmake is not installed",
    ),
]


def done(*command: object) -> str:
    words = [str(part) for part in command]
    found = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built for ARM in `build`, LiteRT for it beside, and what stands in for its files."""
    folder = tmp_path_factory.mktemp("arm")
    stand_in_for_a_core(folder / "root")
    (folder / "root" / "lib").symlink_to(LIBRARIES)
    version = importlib.metadata.version("ai-edge-litert")
    where = ["--only-binary=:all:", "--platform", "manylinux_2_27_aarch64", "--dest", folder]
    wanted = ["--quiet", "--no-deps", f"ai-edge-litert=={version}"]
    done(sys.executable, "-m", "pip", "download", *where, *wanted)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extract("ai_edge_litert/libLiteRt.so", folder)
    options = [f"-DCMAKE_CXX_COMPILER={COMPILER}", "-DCMAKE_SYSTEM_NAME=Linux"]
    options += ["-DCMAKE_SYSTEM_PROCESSOR=aarch64", "-DCMAKE_CXX_FLAGS=-O1"]
    options += [f"-DKERASAE_LITERT={folder}/ai_edge_litert/libLiteRt.so"]
    options += ["-DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined"]
    options += ["-DCMAKE_DISABLE_FIND_PACKAGE_PNG=ON"]
    done("cmake", "-S", PORT, "-B", folder / "build", *options)
    targets = ["kaetool", "kerasae_tests", "kerasae_conformance"]
    done("cmake", "--build", folder / "build", "--parallel", 2, "--target", *targets)
    return folder


def emulated(folder: Path, core: str, program: str, *arguments: object) -> str:
    libraries = f"LD_LIBRARY_PATH={folder / 'ai_edge_litert'}"
    options = ["-cpu", core, "-L", folder / "root", "-E", libraries]
    return done(EMULATOR, *options, folder / "build" / program, *arguments)


def test_the_conformance_set_passes(folder: Path) -> None:
    """Files, streams, and photographs from their pixels to the bytes, and back."""
    emulated(folder, CORES[0], "kerasae_tests")
    said = emulated(folder, CORES[0], "kerasae_conformance", PORT.parent / "conformance")
    index = json.loads((PORT.parent / "conformance" / "index.json").read_text())
    for name in ("manifests", "files", "values", "spans", "families", "photographs"):
        assert f"{name}: {len(index[name])}" in said


@pytest.mark.parametrize("core", CORES)
def test_models_of_every_scheme_give_the_files_and_pixels_of_x86(
    core: str, folder: Path, tmp_path: Path
) -> None:
    """Of digits and of each bundle's own image; not a symbol and not a pixel differs."""
    digits = np.round(255 * load_images("digits").test[:3]).astype(np.uint8)
    picture, file, rebuilt = (tmp_path / name for name in ("picture.ppm", "a.kae", "rebuilt.ppm"))
    schemes = set()
    for bundle in BUNDLES:
        codec = Codec.load(bundle)
        schemes.add(codec.manifest.scheme)
        grey = codec.manifest.codec.channels == 1
        with Image.open(bundle / "golden" / "image.png") as opened:
            images = [np.asarray(opened).reshape(opened.height, opened.width, -1)]
        if grey and codec.manifest.scheme == "int8":
            images += [*digits]
        for image in images:
            Image.fromarray(image[..., 0] if grey else image).save(picture)
            emulated(folder, core, "kaetool", "compress", bundle, picture, file)
            assert file.read_bytes() == codec.compress(image), bundle
            emulated(folder, core, "kaetool", "decompress", bundle, file, rebuilt)
            with Image.open(rebuilt) as opened:
                found = np.asarray(opened).reshape(image.shape)
            np.testing.assert_array_equal(found, codec.decompress(file.read_bytes()))
    assert schemes == {"int8", "float32", "float16", "dynamic", "int16x8", "mixed"}
