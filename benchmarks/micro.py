"""The arenas that TFLite Micro takes for models in int8: those that come trained, and others.

    python benchmarks/micro.py

Needs the extra `micro` of kerasae-export: tflite-micro, for Python 3.10 and 3.11. Each model is
exported as a bundle, whose card has the same figures where that package is installed. An arena does
not depend on weights, so that architectures need no training. Results go to `results/micro.json`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import kerasae
from kerasae.pretrained import pretrained_cards
from kerasae_export import export_bundle
from kerasae_export.bundling.glance import MICRO
from kerasae_export.bundling.summary import AT_A_GLANCE
from kerasae_export.conversion.split import evenly
from kerasae_export.format.manifest import Manifest

RESULT = Path(__file__).parent / "results" / "micro.json"


ARCHITECTURES = {
    "quickstart's digits": ("digits", {"code_size": 8, "hidden": (32, 64)}),
    "build_convolutional, code of 64": ("mnist", {"code_size": 64}),
}


def models() -> Iterator[tuple[str, str, keras.Model]]:
    """Each with its name and that of its data."""
    for name in pretrained_cards():
        yield name, name.split("-")[0], kerasae.load_pretrained(name)
    for name, (source, options) in ARCHITECTURES.items():
        keras.utils.set_random_seed(0)
        shape = kerasae.load_images(source, seed=0).image_shape
        yield name, source, kerasae.build_convolutional(input_shape=shape, **options)


def main() -> None:
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if results.get("tflite-micro") != version(MICRO):
        results = {"tflite-micro": version(MICRO), "models": {}}
    for name, source, model in models():
        if name in results["models"]:
            continue
        images = kerasae.load_images(source, seed=0)
        with tempfile.TemporaryDirectory() as scratch:
            folder = export_bundle(
                model, Path(scratch) / "b", calibration=evenly(images.train, 300)
            )
            manifest = Manifest.from_json((folder / "manifest.json").read_bytes())
        found = manifest.facts[AT_A_GLANCE]
        kept = ("file_bytes", "activation_bytes", "arena_bytes")
        results["models"][name] = {key: found[key] for key in kept}
        print(name, results["models"][name], flush=True)
        RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
