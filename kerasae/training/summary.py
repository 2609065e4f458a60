"""What a run says of itself: the result, the data, the machine, the versions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerasae import __version__
from kerasae.data import DataSet
from kerasae.training.configuration import TrainConfig
from kerasae.training.feeds import Feed
from kerasae.training.looks import Look

__all__ = ["fingerprint", "summarise"]

_HASHED = 2**28  # bytes of an array that are hashed whole
_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy")


def summarise(
    model: keras.Model,
    feed: Feed,
    watched: DataSet,
    config: TrainConfig,
    rows: Sequence[Mapping[str, float]],
    progress: Sequence[Mapping[str, float]],
    best_epoch: int,
    look: Look,
    findings: Sequence[str],
) -> dict[str, Any]:
    """The content of `summary.json`.

    Args:
        model: The trained model.
        feed: What it was trained on.
        watched: Images of it.
        config: How.
        rows: The measures of each epoch.
        progress: Rate, time and memory of each epoch.
        best_epoch: The best one, from 0.
        look: What the model does in the end.
        findings: What has collapsed.
    """
    kept = best_epoch if config.keep == "best" else len(rows) - 1
    peaks = [row["peak_megabytes"] for row in progress if "peak_megabytes" in row]
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {
            "name": model.name,
            "parameters": model.count_params(),
            "input": list(model.inputs[0].shape[1:]),
            "code": _code(model),
        },
        "data": _data(feed, watched),
        "result": {
            "epochs": len(rows),
            "kept_epoch": kept + 1,
            "monitor": config.monitor,
            "value": rows[kept].get(config.monitor),
            "val_loss": rows[kept].get("val_loss"),
            "psnr": look.psnr,
            "psnr_images": look.measured,
            "findings": list(findings),
        },
        "seconds": round(math.fsum(row.get("seconds", 0.0) for row in progress), 3),
        "peak_megabytes": max(peaks, default=None),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "devices": _devices(),
        },
        "versions": _versions(),
    }


def fingerprint(*parts: NDArray[Any]) -> str:
    """SHA-256 of shapes, types and values, by which equal data are known again.

    Of an array above 256 MiB evenly spaced entries are taken.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.dtype.str} {part.shape}".encode())
        every = math.ceil(part.nbytes / _HASHED) if part.nbytes else 1
        for i in range(0, len(part), every):
            digest.update(np.ascontiguousarray(part[i]).data)
    return digest.hexdigest()


def _data(feed: Feed, watched: DataSet) -> dict[str, Any]:
    low, high = feed.batches.limits()
    facts: dict[str, Any] = {
        "name": getattr(watched, "name", None) if feed.data is not None else "a stream",
        "shape": list(watched.validation.shape[1:]),
        "range": [float(low), float(high)],
    }
    if feed.data is None:
        return {
            **facts,
            "batches": len(feed.batches),
            "fingerprint": fingerprint(watched.validation),
            "fingerprint_of": f"{len(watched.validation)} images to validate on",
        }
    return {
        **facts,
        "train": len(feed.data.train),
        "validation": len(feed.data.validation),
        "fingerprint": fingerprint(feed.data.train, feed.data.validation),
        "fingerprint_of": "training and validation set",
    }


def _code(model: keras.Model) -> list[int | None] | None:
    """Shape of a code; None for a model of another maker."""
    for layer in model.layers:
        if layer.name == "encoder" and isinstance(layer, keras.Model):
            return list(layer.outputs[0].shape[1:])
    return None


def _devices() -> list[str]:
    return [str(device) for device in keras.distribution.list_devices()]


def _versions() -> dict[str, str]:
    versions = {"kerasae": __version__, "python": platform.python_version()}
    versions["backend"] = keras.backend.backend()
    for name in _PACKAGES:
        if name in ("tensorflow", "jax", "torch") and name != versions["backend"]:
            continue
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
