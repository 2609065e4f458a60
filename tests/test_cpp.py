"""The C++ codec: builds without a warning, installs, passes the conformance set, runs models."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from port_snippets import cpp_file, pages

from kerasae import load_images
from kerasae_export import Codec
from kerasae_export.photo.codec import PhotoCodec

ROOT = Path(__file__).parents[1]
PORT = ROOT / "export" / "ports" / "cpp"
GOLDEN = Path(__file__).parent / "golden"
LITERT = Path(str(importlib.util.find_spec("ai_edge_litert").origin)).parent / "libLiteRt.so"  # type: ignore[union-attr]
ORT = importlib.util.find_spec("onnxruntime")
ONNXRUNTIME = next(
    Path(str(ORT.origin)).parent.glob("capi/libonnxruntime.so.*") if ORT else iter(()), None
)
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
        timeout=1800,
        check=False,
        **rest,  # type: ignore[call-overload]
    )


def done(*command: object, **rest: object) -> str:
    found = run(*command, **rest)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything with sanitizers, once for all workers; with optimisation it would take minutes."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "cpp"
    options = ["-DKERASAE_SANITIZE=address,undefined", "-DCMAKE_CXX_FLAGS=-O0"]
    options.append(f"-DKERASAE_LITERT={LITERT}")
    library = folder.with_name("onnxruntime") / "libonnxruntime.so.1"  # the name that it has inside
    if ONNXRUNTIME:
        options.append(f"-DKERASAE_ONNXRUNTIME={library}")
    with FileLock(f"{folder}.lock"):
        if not (folder / "built").exists():
            library.parent.mkdir(exist_ok=True)
            library.symlink_to(ONNXRUNTIME)
            done("cmake", "-S", PORT, "-B", folder, "-DCMAKE_CXX_COMPILER=g++", *options)
            done("cmake", "--build", folder, "--parallel", os.cpu_count() or 1)
            (folder / "built").touch()
    return folder


def test_the_conformance_set_passes_under_sanitizers(build: Path) -> None:
    said = done("ctest", "--test-dir", build, "--verbose")
    assert "100% tests passed, 0 tests failed out of 2" in said
    index = json.loads((PORT.parent / "conformance" / "index.json").read_text())
    for name in ("manifests", "files", "values", "spans", "families", "photographs"):
        assert f"{name}: {len(index[name])}" in said


def test_golden_bundles_are_whole(build: Path) -> None:
    assert len(BUNDLES) == 22
    for bundle in BUNDLES:
        said = done(build / "kaetool", "check", bundle)
        assert "read and written, byte for byte" in said
        for file in bundle.parent.glob("*.kae"):
            said = done(build / "kaetool", "info", file, bundle)
            assert ("a stream of" in said) == (file.stem == "stream"), said


def test_models_that_are_told_a_class_are_passed_over(build: Path, tmp_path: Path) -> None:
    """Their files are checked like all that are listed; the rest of the bundle is as without."""
    plain, told = GOLDEN / "blocks" / "bundle", tmp_path / "told"
    shutil.copytree(plain, told)
    content = json.loads((told / "manifest.json").read_text())
    for side in ("encoder", "decoder"):
        name = f"{side}_label.tflite"
        shutil.copy(told / f"{side}.tflite", told / name)
        content["files"][name] = content["files"][f"{side}.tflite"]
        label = {"shape": [1, 2], "dtype": "float32", "scale": 1.0, "zero_point": 0}
        labels = content.setdefault("labels", {"names": ["a", "b"], "pixel_tolerance": 2})
        labels[side] = {**content[side], "file": name, "label": label}
    (told / "manifest.json").write_text(json.dumps(content))
    assert Codec.load(told).class_names == ("a", "b")
    for file in plain.parent.glob("*.kae"):
        assert done(build / "kaetool", "info", file, told) == done(
            build / "kaetool", "info", file, plain
        )
    assert "read and written, byte for byte" in done(build / "kaetool", "check", told)


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


def test_kaetool_compresses_as_python_does(build: Path, tmp_path: Path, rng) -> None:
    """Every layout and scheme; a picture larger than a tile, as PNG, and a pixel, as PNM."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # LiteRT keeps what it made
    tool, file = build / "kaetool", tmp_path / "image.kae"
    for bundle in BUNDLES:
        codec = Codec.load(bundle)
        channels = codec.manifest.codec.channels
        for quality, ending, size in ((codec.qualities, "png", (37, 53)), (1, "ppm", (1, 1))):
            pixels = rng.integers(0, 256, (*size, channels), np.uint8)
            picture, rebuilt = tmp_path / f"picture.{ending}", tmp_path / f"rebuilt.{ending}"
            Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(picture)
            done(tool, "compress", bundle, picture, file, quality, env=environment)
            assert file.read_bytes() == codec.compress(pixels, quality=quality)
            done(tool, "decompress", bundle, file, rebuilt, env=environment)
            with Image.open(rebuilt) as opened:
                found = np.asarray(opened).reshape(pixels.shape).astype(int)
            difference = np.abs(found - codec.decompress(file.read_bytes()))
            assert difference.max() <= codec.manifest.pixel_tolerance
    Image.fromarray(np.zeros((4, 4, 4), np.uint8)).save(tmp_path / "alpha.png")
    for refused in (tmp_path / "alpha.png", file, tmp_path / "none.png"):
        found = run(tool, "compress", bundle, refused, tmp_path / "out", env=environment)
        assert (found.returncode, (tmp_path / "out").exists()) == (1, False), found


@pytest.mark.skipif(not ONNXRUNTIME, reason="onnxruntime is not installed")
def test_onnx_runtime_runs_a_bundle_s_onnx_files(build: Path, onnx_bundle: Path) -> None:
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    kae = onnx_bundle / "golden" / "image.kae"
    found = subprocess.run(
        [build / "kerasae_onnx", onnx_bundle, kae],
        capture_output=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert found.returncode == 0, found.stderr
    expected = Codec.load(onnx_bundle).decompress(kae.read_bytes())
    pixels = np.frombuffer(found.stdout, np.uint8).reshape(expected.shape).astype(int)
    manifest = json.loads((onnx_bundle / "manifest.json").read_text())
    assert np.abs(pixels - expected).max() <= manifest["onnx"]["pixel_tolerance"]
    plain = GOLDEN / "grid" / "bundle"
    found = run(build / "kerasae_onnx", plain, plain / "golden" / "image.kae", env=environment)
    assert (found.returncode, "has no ONNX files" in found.stderr) == (1, True)


def test_kaetool_compresses_photographs_as_python_does(build: Path, tmp_path: Path) -> None:
    """Twenty crops of real ones; the golden file of effort 1; what is none is refused."""
    tool, file, codec = build / "kaetool", tmp_path / "photo.kae", PhotoCodec.load()
    pictures = load_images("photos", image_size=64, validation_fraction=0.1)
    assert len(pictures.train) >= 20
    for i, pixels in enumerate(np.round(255 * pictures.train[:20]).astype(np.uint8)):
        picture = tmp_path / ("picture.ppm" if i % 2 else "picture.png")
        crop = np.ascontiguousarray(pixels[: 64 - i, : 45 + i])
        Image.fromarray(crop).save(picture)
        quality = 1 + 5 * i
        done(tool, "compress", picture, file, quality)
        assert file.read_bytes() == codec.compress(crop, quality=quality, effort=0)
        assert f"{crop.shape[0]} x {crop.shape[1]} pixels, quality {quality}" in done(
            tool, "info", file
        )
        done(tool, "decompress", file, picture)
        with Image.open(picture) as opened:
            found = np.asarray(opened).astype(int)
        assert np.abs(found - codec.decompress(file.read_bytes())).max() <= 1
    golden = GOLDEN / "photo" / "photo-1-64x80-quality-60-effort-1"
    done(tool, "decompress", golden.with_suffix(".kae"), tmp_path / "golden.ppm")
    ends = (tmp_path / "golden.ppm").read_bytes(), golden.with_suffix(".ppm").read_bytes()
    found, kept = (np.frombuffer(end[-3 * 64 * 80 :], np.uint8).astype(int) for end in ends)
    assert np.abs(found - kept).max() <= 1
    data = bytearray(golden.with_suffix(".kae").read_bytes())
    data[3] ^= 1
    file.write_bytes(data)
    for command in (["info", file], ["decompress", file, tmp_path / "none.ppm"]):
        found_out = run(tool, *command)
        assert found_out.returncode == 1
        assert "which this codec does not have" in found_out.stderr
    for arguments in (["compress", picture], ["compress", picture, file, "x"], ["decompress"]):
        assert run(tool, *arguments).returncode == 2
    assert not (tmp_path / "none.ppm").exists()


@pytest.mark.weekly
def test_kaetool_gives_the_files_of_200_digits(build: Path, tmp_path: Path) -> None:
    bundle, tool = GOLDEN / "blocks" / "bundle", build / "kaetool"
    codec = Codec.load(bundle)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    digits = np.round(255 * load_images("digits").test[:200]).astype(np.uint8)
    assert len(digits) == 200
    for pixels in digits:
        Image.fromarray(pixels[..., 0]).save(tmp_path / "digit.png")
        done(tool, "compress", bundle, tmp_path / "digit.png", tmp_path / "a.kae", env=environment)
        assert (tmp_path / "a.kae").read_bytes() == codec.compress(pixels)


def test_three_languages_say_the_same_of_damaged_files(build: Path, tmp_path: Path) -> None:
    """A taste of what `benchmarks/ports.py` does a hundred thousand times."""
    script = ROOT / "benchmarks" / "ports.py"
    options = ["--inputs", 1500, "--program", build / "kerasae_verdicts"]
    options += ["--kotlin", "-", "--swift", "-"]  # test_kotlin.py and test_swift.py have these
    done(sys.executable, script, "differential", *options, "--out", tmp_path / "ports.json")
    found = json.loads((tmp_path / "ports.json").read_text())["differential"]
    assert (found["inputs"], found["differing"]) == (1500, [])
    assert len(found["verdicts"]) == 7


def test_the_snippets_of_cards_compile(tmp_path: Path) -> None:
    file = cpp_file(tmp_path / "snippets.cpp", pages("export/README.md"))
    done("g++", "-std=c++17", "-fsyntax-only", "-I", PORT / "include", file)


CLANG = pytest.mark.skipif(
    not (shutil.which("clang++") and shutil.which("clang-tidy")), reason="clang is not installed"
)


@CLANG
@pytest.mark.weekly
def test_clang_and_its_tidy_have_no_complaint(tmp_path: Path) -> None:
    options = ["-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_CXX_FLAGS=-O0", "-DKERASAE_FUZZ=ON"]
    options += ["-DKERASAE_BENCHMARKS=ON", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    options += ["-DKERASAE_SANITIZE=address,undefined"]
    done("cmake", "-S", PORT, "-B", tmp_path, *options)
    done("cmake", "--build", tmp_path, "--parallel", os.cpu_count() or 1)
    done("ctest", "--test-dir", tmp_path)
    for source in ("tools/kaetool.cpp", "tests/tests.cpp", "tests/fuzz.cpp", "tests/verdicts.cpp"):
        done("clang-tidy", "--quiet", "-p", tmp_path, PORT / source)
    (tmp_path / "corpus").mkdir()
    limits = ["-max_total_time=60", "-rss_limit_mb=1024", "-max_len=4096"]
    done(tmp_path / "kerasae_fuzz", *limits, tmp_path / "corpus", cwd=tmp_path)


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
        "#include <kerasae/kerasae.hpp>\n#include <kerasae/shipped.hpp>\n"
        "int main() { return kerasae::load_photo_codec().families().empty() ? 1 : 0; }\n"
    )
    (app / "CMakeLists.txt").write_text(APP.replace("app.cpp)", "app.cpp other.cpp)"))
    (app / "other.cpp").write_text("#include <kerasae/kerasae.hpp>\n")
    done("cmake", "-S", app, "-B", app / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'root'}")
    done("cmake", "--build", app / "build")
    done(app / "build" / "app")
    installed = {path.name for path in (tmp_path / "root" / "include" / "kerasae").iterdir()}
    headers = {path.name for path in (PORT / "include" / "kerasae").iterdir()}
    assert installed == headers | {"shipped.hpp"}
