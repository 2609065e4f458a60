"""Detectors of PyOD on splits that `tables.py` has written; runs where PyOD is installed.

    python benchmarks/table_detectors.py FOLDER

FOLDER holds `SEED.npz` with the arrays train, test and strange. Prints JSON: for each detector and
seed the AUROC, the seconds to fit and score, and the CPU seconds.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.iforest import IForest
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

DETECTORS = {
    "PyOD autoencoder": lambda seed: AutoEncoder(random_state=seed, verbose=0),
    "PyOD isolation forest": lambda seed: IForest(random_state=seed),
}


def main() -> None:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for file in sorted(Path(sys.argv[1]).glob("*.npz")):
        seed = int(file.stem)
        with np.load(file) as arrays:
            train, test, strange = arrays["train"], arrays["test"], arrays["strange"]
        scale = StandardScaler().fit(train)
        for name, make in DETECTORS.items():
            begun, worked = time.perf_counter(), time.process_time()
            detector = make(seed)
            detector.fit(scale.transform(train))
            scores = detector.decision_function(scale.transform(test))
            found.setdefault(name, {})[str(seed)] = {
                "auroc": 100 * float(roc_auc_score(strange, scores)),
                "seconds": time.perf_counter() - begun,
                "cpu_seconds": time.process_time() - worked,
            }
    versions = {name: metadata.version(name) for name in ("pyod", "torch", "scikit-learn")}
    print(json.dumps({"detectors": found, "versions": versions}))


if __name__ == "__main__":
    main()
