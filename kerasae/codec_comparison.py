"""Bundles beside general codecs on a data set: measure, write the table, the JSON and the plot."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerasae import plots
from kerasae.data import Images, photograph
from kerasae.data.sampling import load_sample
from kerasae_export.errors import BundleError
from kerasae_export.evaluation import OTHERS, Evaluation, evaluate, short_names
from kerasae_export.files.batch import read_image, write_bytes
from kerasae_export.runtime.codec import Codec

__all__ = ["CSV", "JSON", "PLOT", "compare_bundles", "write_evaluation"]

JSON, CSV, PLOT = "evaluation.json", "evaluation.csv", "evaluation.png"


def compare_bundles(
    bundles: Sequence[Path],
    data: str,
    *,
    limit: int = 2500,
    files: int = 200,
    others: Sequence[str] = OTHERS,
    threads: int = 1,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Evaluation:
    """Measure bundles and general codecs on the test images of a set or a folder.

    The files of a folder are read at full size. The test images are those that `load_images` holds
    out with the seed of the bundle's training, so no image that a bundle was trained on is
    measured. For "photos" it is the whole photograph of the cat.

    Args:
        bundles: Folders of bundles, all for images of the same number of channels.
        data: A source for `load_images`, or a folder of shards. Of a set larger than 2 GiB it is a
            sample.
        limit: At most this many test images.
        files: At most this many of them become files of their own.
        others: Codecs to compare with, of `kerasae_export.evaluation.OTHERS`.
        threads: Threads of the bundles' models.
        progress: Called with a codec's name, the settings done and their total.

    Returns:
        The measurements.

    Raises:
        BundleError: If the bundles differ in channels or seed, or one is damaged.
        ValueError: If `data` names nothing or a number is not positive.
    """
    for name, value in (("limit", limit), ("files", files)):
        if value < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")
    names = short_names([str(bundle.resolve()) for bundle in bundles])
    codecs = {n: Codec.load(b, threads=threads) for n, b in zip(names, bundles, strict=True)}
    kinds = {(c.manifest.codec.channels, _seed(c)) for c in codecs.values()}
    if len(kinds) > 1:
        raise BundleError(
            "Bundles that are measured together must be for images of as many channels, and "
            f"trained with one seed, so that they hold out the same. Received: {sorted(kinds)}"
        )
    ((channels, seed),) = kinds
    images = load_sample(data, channels=channels, seed=seed)
    return evaluate(
        codecs,
        _held_out(data, images, channels)[:limit],
        data=images.name,
        train=images.train,
        others=others,
        files=files,
        progress=progress,
    )


def write_evaluation(evaluation: Evaluation, out: Path) -> None:
    """Leave the measurements in a folder as JSON, CSV and a plot."""
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(out / JSON, evaluation.to_json().encode())
    write_bytes(out / CSV, evaluation.to_csv().encode())
    picture = io.BytesIO()
    plots.plot_rate_distortion(evaluation).savefig(picture, format="png", dpi=110)
    write_bytes(out / PLOT, picture.getvalue())


def _held_out(data: str, images: Images, channels: int) -> list[NDArray[np.uint8]]:
    if data == "photos":
        return [photograph("chelsea")]
    folder = Path(data)
    if folder.is_dir() and images.source_names:
        sources = images.sources["test"].tolist()
        return [read_image(folder / images.source_names[i], channels) for i in sources]
    return list(np.floor(images.test * 255 + 0.5).astype(np.uint8))


def _seed(codec: Codec) -> int:
    """The seed that the bundle's training split its images with."""
    training = codec.manifest.facts.get("training", {})
    seed = training.get("seed", 0) if isinstance(training, dict) else 0
    return int(seed) if isinstance(seed, Integral) else 0
