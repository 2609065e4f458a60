"""Write the conformance set anew: `python export/ports/conformance/make [FOLDER]`.

Needs NumPy and the package beside it. The same source gives the same bytes.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from bundles import BUNDLES, ENCODER, Bundle
from damaged import damaged_files
from damaged_photographs import changed_families, damaged_photographs
from good import good_files
from manifests import changed_manifests
from photographs import families, good_photographs
from values import spans_cases, values_cases


class Writer:
    """Writes files into a folder, and remembers nothing but where they are."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, content: bytes) -> str:
        """Write a file; returns its name, as the index has it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name


def main(folder: Path) -> None:
    """Write bundles, files, manifests and the index."""
    for old in ("bundles", "files", "manifests", "families", "photographs"):
        shutil.rmtree(folder / old, ignore_errors=True)
    writer = Writer(folder)
    index: dict[str, Any] = {
        "format": "kerasae-conformance",
        "format_version": 1,
        "bundles": [_bundle(writer, bundle) for bundle in BUNDLES],
        "manifests": [],
        "files": [],
        "values": values_cases(),
        "spans": spans_cases(),
        "families": [],
        "photographs": [],
    }
    for name, text, section in changed_manifests():
        case = {"name": name, "file": writer.put(f"manifests/{name}.json", text)}
        index["manifests"].append(case | ({"section": section} if section else {}))
    for case in [*good_files(), *damaged_files()]:
        entry = case.entry()
        entry["file"] = writer.put(f"files/{case.name}.kae", case.data)
        if case.symbols is not None:
            entry["symbols"] = writer.put(
                f"files/{case.name}.i32", case.symbols.astype("<i4").tobytes()
            )
        index["files"].append(entry)
    _photographs(writer, index)
    for cases in ("files", "photographs", "families"):
        names = [entry["name"] for entry in index[cases]]
        assert len(set(names)) == len(names)
    writer.put("index.json", _text(index).encode())


def _photographs(writer: Writer, index: dict[str, Any]) -> None:
    """Families and files of version 2."""
    for name, family in families().items():
        case = {"name": name, "file": writer.put(f"families/{name}.json", family.content)}
        index["families"].append(case | {"family_hash": family.digest.hex()})
    for name, text, section in changed_families():
        case = {"name": name, "file": writer.put(f"families/{name}.json", text)}
        index["families"].append(case | ({"section": section} if section else {}))
    for photo in [*good_photographs(), *damaged_photographs()]:
        entry = photo.entry()
        entry["file"] = writer.put(f"photographs/{photo.name}.kae", photo.data)
        if photo.image is not None:
            content = np.ascontiguousarray(photo.image).tobytes()
            entry["image"] = writer.put(f"photographs/{photo.name}.rgb", content)
            entry["pixels"] = writer.put(f"photographs/{photo.name}.out.rgb", photo.pixels())
        index["photographs"].append(entry)


def _bundle(writer: Writer, bundle: Bundle) -> dict[str, Any]:
    folder = f"bundles/{bundle.name}"
    writer.put(f"{folder}/manifest.json", bundle.manifest.to_json().encode())
    for name in {bundle.manifest.encoder.file, bundle.manifest.decoder.file}:
        content = ENCODER if name == "encoder.tflite" else bundle.decoder
        writer.put(f"{folder}/{name}", content)
    return {"name": bundle.name, "folder": folder, "bundle_hash": bundle.manifest.bundle_hash}


def _text(index: dict[str, Any]) -> str:
    """JSON with a line for each case."""
    parts = []
    for key, value in index.items():
        if isinstance(value, list):
            lines = ",\n".join(f"  {json.dumps(item)}" for item in value)
            parts.append(f' "{key}": [\n{lines}\n ]')
        else:
            parts.append(f' "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent)
