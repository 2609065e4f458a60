"""Evaluate bundles: every codec at every setting on the same images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from numpy.typing import ArrayLike

from kerasae_export.evaluation.coders import (
    ARCHIVES,
    LOSSLESS,
    LOSSY,
    ArchiveCoder,
    BundleCoder,
    Coder,
    Pictures,
    PillowCoder,
    missing,
)
from kerasae_export.evaluation.measure import ARRANGEMENTS, Point, measure
from kerasae_export.evaluation.pca import PcaCoder, PrincipalAxes
from kerasae_export.evaluation.report import Evaluation
from kerasae_export.format.arguments import check_count
from kerasae_export.images import check_pictures
from kerasae_export.runtime.codec import Codec

__all__ = ["OTHERS", "TINY", "evaluate"]

TINY = 48
"""Sides up to 48 pixels are also sent together: files of such images are mostly container."""

OTHERS: tuple[str, ...] = (*LOSSY, "PCA", *LOSSLESS, *ARCHIVES)
"""Codecs that a bundle can be compared with.

`"JPEG"`, `"WebP"`, `"AVIF"`, `"JPEG 2000"` and `"PCA"` are lossy; `"PNG"`, `"WebP lossless"`,
`"zip"` and `"LZMA (7z)"` are lossless.
"""


def evaluate(
    codecs: Mapping[str, Codec],
    images: Pictures,
    *,
    data: str,
    train: ArrayLike | None = None,
    others: Sequence[str] = OTHERS,
    files: int | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Evaluation:
    """Measure rate, distortion and time of bundles and of general codecs on the same images.

    Each image is a file of its own. Images of one size with sides up to `TINY` are also coded
    together: as one mosaic for image formats, as one archive of raw pixels, as one stream of ours.
    Bundles that were trained for different rates form one curve.

    Args:
        codecs: Name -> codec of each bundle.
        images: uint8 (height, width, channels), none of which was trained on.
        data: Name of the images.
        train: (n, height, width, channels) in [0, 1], to fit the axes of PCA; without them, PCA is
            left out.
        others: Which of `OTHERS` to compare with.
        files: How many of the images to code as files of their own; by default all.
        progress: Called with a codec's name, the settings done and their total.

    Returns:
        The measurements.

    Raises:
        ValueError: If there is no bundle or no image, a codec is not known, or `files` is no
            positive integer.
    """
    if not isinstance(codecs, Mapping):
        raise ValueError(f"`codecs` must be a dict. Received: {type(codecs).__name__}")
    names = others if isinstance(others, Sequence) and not isinstance(others, str) else [others]
    unknown = [name for name in names if not isinstance(name, str) or name not in OTHERS]
    if unknown:
        raise ValueError(f"`others` must be among {', '.join(OTHERS)}. Received: {unknown[0]!r}")
    if files is not None:
        files = check_count("files", files)
    images = check_pictures("images", images)
    if not codecs or not images:
        raise ValueError(
            "`codecs` and `images` must hold one or more each. "
            f"Received: {len(codecs)} and {len(images)}"
        )
    ours = [c for name, codec in codecs.items() for c in BundleCoder.all_qualities(codec, name)]
    theirs, left_out = _others(others, train)
    size = {image.shape for image in images}
    sets: dict[str, Pictures] = {"files": images[:files]}
    if len(size) == 1 and len(images) > 1 and max(images[0].shape[:2]) <= TINY:
        sets["together"] = images
    total, points = len(sets) * (len(ours) + len(theirs)), list[Point]()
    finished = 0

    def done(coder: Coder) -> None:
        nonlocal finished
        finished += 1
        progress(coder.name, finished, total)

    for arrangement in ARRANGEMENTS:
        if arrangement in sets:
            points += measure([*ours, *theirs], sets[arrangement], arrangement, done=done)
    return Evaluation(data, images[0].shape, tuple(codecs), tuple(points), tuple(left_out))


def _others(names: Sequence[str], train: ArrayLike | None) -> tuple[list[Coder], list[str]]:
    """The other coders, and a sentence for each codec that is not available."""
    coders, left_out = list[Coder](), []
    for name in names:
        reason = missing(name) if name in LOSSY or name in LOSSLESS else None
        if name == "PCA" and train is None:
            reason = "PCA is left out: it needs images to be fitted to."
        if reason:
            left_out.append(reason)
        elif name in LOSSY:
            coders += [PillowCoder(name, setting) for setting in LOSSY[name][2]]
        elif name in LOSSLESS:
            coders.append(PillowCoder(name))
        elif name in ARCHIVES:
            coders.append(ArchiveCoder(name))
        elif train is not None:
            coders += PcaCoder.grid(PrincipalAxes(train))
    return coders, left_out
