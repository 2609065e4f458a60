"""Models of an attacker, made from sound ones: each is refused at once, LiteRT never sees it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from flatbuffer_models import ENCODER, GOLDEN, changed
from hostile_tensors import CASES, hostile

from kerasae_export import BundleError, Codec
from kerasae_export.format.manifest import MANIFEST
from kerasae_export.runtime import bundle_files, structure
from kerasae_export.runtime.operators import check_program

FILES = sorted(GOLDEN.rglob("*.tflite"))
BUNDLE = GOLDEN / "blocks" / "bundle"


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_model_is_refused_in_one_sentence(name):
    content = hostile(name)
    start = time.process_time()
    with pytest.raises(BundleError, match=CASES[name][2]) as refusal:
        check_program(content)
    assert time.process_time() - start < 1
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("name", ["lstm", "huge_convolution", "short_bias", "scale nan"])
def test_litert_never_sees_it(name, tmp_path, monkeypatch):
    folder = tmp_path / "bundle"
    write_bundle(folder, hostile(name))

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was given to LiteRT")

    monkeypatch.setattr(bundle_files, "LiteModel", never)
    with pytest.raises(BundleError, match=CASES[name][2]):
        Codec.load(folder)


@pytest.mark.parametrize(
    ("limit", "most"),
    [("MAX_OPERATORS", 3), ("_MAX_TENSORS", 3), ("_MAX_OPERANDS", 3), ("_MAX_GRAPHS", 0)],
)
def test_a_file_has_few_parts(limit, most, monkeypatch):
    monkeypatch.setattr(structure, limit, most)
    monkeypatch.setattr(structure._few, "__kwdefaults__", {"least": 0, "most": most})
    with pytest.raises(BundleError, match=f"must have . to {most} [a-z ]+. Received: "):
        check_program(ENCODER)


def write_bundle(folder: Path, encoder: bytes) -> None:
    """The golden bundle with another encoder, and a manifest that agrees."""
    manifest, files = bundle_files.read_files(BUNDLE)
    entries = {**manifest.files}
    entries["encoder.tflite"] = (hashlib.sha256(encoder).hexdigest(), len(encoder))
    manifest = dataclasses.replace(manifest, files=entries)
    for name, content in {**files, "encoder.tflite": encoder}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_text(manifest.to_json())


LOADER = """
import json, sys, time
from pathlib import Path
from kerasae_export import BundleError, Codec
Codec.load(sys.argv[1])
for folder in sys.argv[2:]:
    start = time.process_time()
    try:
        Codec.load(folder)
        said = None
    except BundleError as error:
        said = str(error)
    lines = Path("/proc/self/status").read_text().splitlines()  # rusage counts the parent's, too
    most = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    print(json.dumps([said, time.process_time() - start, most]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux says what a process took at most")
def test_a_receiver_refuses_all_in_a_second_and_300_mb(tmp_path):
    for i, name in enumerate(CASES):
        write_bundle(tmp_path / str(i), hostile(name))
    folders = [str(tmp_path / str(i)) for i in range(len(CASES))]
    done = subprocess.run(
        [sys.executable, "-c", LOADER, BUNDLE, *folders], capture_output=True, text=True, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(CASES)
    for name, (said, seconds, most) in zip(CASES, rows, strict=True):
        assert said is not None, name
        assert seconds < 1, name
        assert most < 300e6, name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(GOLDEN).as_posix())
def test_no_operator_of_a_sound_model_may_state_another_shape(path):
    """Each size of each tensor that is computed, one more than it is."""
    content = path.read_bytes()
    sizes = []

    def find(model: Any) -> None:
        for g, graph in enumerate(model.subgraphs):
            written = {int(t) for operator in graph.operators for t in operator.outputs}
            sizes.extend((g, t, i) for t in written for i in range(len(graph.tensors[t].shape)))

    changed(find, content)
    assert sizes
    for g, t, i in sizes:

        def grow(model: Any, g: int = g, t: int = t, i: int = i) -> None:
            shape = list(model.subgraphs[g].tensors[t].shape)
            shape[i] += 1
            model.subgraphs[g].tensors[t].shape = shape

        with pytest.raises(BundleError, match="A model's operator .* must"):
            check_program(changed(grow, content))
