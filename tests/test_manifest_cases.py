"""One table of manifests, `manifest_cases.json`: what each reader takes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_web import needs_node, node

from kerasae_export.errors import BundleError
from kerasae_export.format.manifest import Manifest

TABLE = json.loads(Path(__file__).with_name("manifest_cases.json").read_text())
BUNDLE = Path(__file__).parent / "golden" / "bundles" / "blocks-int8-both" / "bundle"


def cases() -> Iterator[dict[str, Any]]:
    """Each case: what it is, its bytes, and whether it is a manifest."""
    sound = (BUNDLE / "manifest.json").read_text()
    for case in TABLE["edits"]:
        assert case["find"] in sound, case["what"]
        text = sound.replace(case["find"], case["put"], 1)
        yield {**case, "bytes": text.encode()}
    for case in TABLE["whole"]:
        yield {**case, "bytes": bytes.fromhex(case["bytes"])}
    for case in TABLE["around"]:
        content = sound.encode(case.get("encoding", "utf-8"))
        front, back = (bytes.fromhex(case.get(key, "")) for key in ("front", "back"))
        yield {**case, "bytes": front + content + back}
    for case in TABLE["inside"]:
        raw = b'"facts": {"a": "' + bytes.fromhex(case["inside"]) + b'", '
        yield {**case, "bytes": sound.encode().replace(b'"facts": {', raw, 1)}


CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_python_reads_the_table(case):
    if case["good"]:
        Manifest.from_json(case["bytes"])
    else:
        with pytest.raises(BundleError):
            Manifest.from_json(case["bytes"])


@needs_node
def test_javascript_reads_the_table(tmp_path):
    table = [{**case, "bytes": case["bytes"].hex()} for case in CASES]
    (tmp_path / "cases.json").write_text(json.dumps({"manifests": table}))
    found = node("cases.test.mjs", KERASAE_CASES=str(tmp_path / "cases.json"))
    assert found["manifests"] == len(CASES) > 90
