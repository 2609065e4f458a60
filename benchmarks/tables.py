"""A table's anomalies: ours beside PyOD's autoencoder and isolation forest, on the same splits.

    python benchmarks/tables.py PYTHON

PYTHON is an interpreter of an environment with PyOD and PyTorch. AUROC, and wall and CPU seconds to
train and score, of five splits of breast cancer; the first split of each side also pays for what
starts up. Writes `results/tables.json`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rows.shapes import SEEDS, detect, split

HERE = Path(__file__).parent


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            table, normal, strange = split(seed)
            np.savez(Path(folder) / f"{seed}.npz", train=normal, test=table.test, strange=strange)
        others = json.loads(
            subprocess.run(
                [sys.argv[1], str(HERE / "table_detectors.py"), folder],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.splitlines()[-1]
        )
    ours = {str(seed): detect(seed) for seed in SEEDS}
    detectors = {"kerasae": ours, **others["detectors"]}
    means = {
        name: {
            key: float(np.mean([each[key] for each in runs.values()]))
            for key in ("auroc", "seconds", "cpu_seconds")
        }
        for name, runs in detectors.items()
    }
    means["PCA residual"] = {"auroc": float(np.mean([each["pca"] for each in ours.values()]))}
    result = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": others["versions"],
        "means": means,
        "runs": detectors,
    }
    (HERE / "results" / "tables.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, values in means.items():
        print(name, {key: round(value, 3) for key, value in values.items()})


if __name__ == "__main__":
    main()
