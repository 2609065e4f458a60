"""The arenas that TFLite Micro takes for the models that come trained, in int8.

    python benchmarks/micro.py

Needs the extra `micro` of kerasae-export: tflite-micro, for Python 3.10 and 3.11. Each model is
exported as a bundle, whose card has the same figures where that package is installed. Results go to
`results/micro.json`.
"""

from __future__ import annotations

import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import kerasae
from kerasae.pretrained import pretrained_cards
from kerasae_export import export_bundle
from kerasae_export.bundling.glance import MICRO
from kerasae_export.bundling.summary import AT_A_GLANCE
from kerasae_export.conversion.split import evenly
from kerasae_export.format.manifest import Manifest

RESULT = Path(__file__).parent / "results" / "micro.json"


def main() -> None:
    results = {"tflite-micro": version(MICRO), "models": {}}
    for name in pretrained_cards():
        images = kerasae.load_images(name.split("-")[0], seed=0)
        with tempfile.TemporaryDirectory() as scratch:
            folder = export_bundle(
                kerasae.load_pretrained(name),
                Path(scratch) / "b",
                calibration=evenly(images.train, 300),
            )
            manifest = Manifest.from_json((folder / "manifest.json").read_bytes())
        found = manifest.facts[AT_A_GLANCE]
        kept = ("file_bytes", "activation_bytes", "arena_bytes")
        results["models"][name] = {key: found[key] for key in kept}
        print(name, results["models"][name], flush=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
