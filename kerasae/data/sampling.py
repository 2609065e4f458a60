"""Arrays of any source: all of it, or a sample of what is too large for them."""

from __future__ import annotations

import math
import os
from pathlib import Path

from kerasae.data import streaming
from kerasae.data.embedded import EMBEDDED
from kerasae.data.images import SPLITS, Images
from kerasae.data.loading import load_images
from kerasae.data.options import checked_size

__all__ = ["load_sample"]


def load_sample(
    source: str | os.PathLike[str],
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    seed: int = 0,
) -> Images:
    """Load images as `load_images` does, or a sample where they are shards or take over 2 GiB.

    The sample takes 2 GiB at most; each of its splits is drawn by a fixed seed from that of the
    stream. The test images of a folder keep the names of their files.

    Args:
        source: See `load_images`, or a folder of shards.
        image_size: See `load_images`.
        channels: See `load_images`.
        seed: Of the splits.

    Raises:
        ValueError: See `load_images`.
        DataError: If more than 1 % of the files cannot be read.
    """
    path, size = Path(source), checked_size(image_size)
    embedded = isinstance(source, str) and source in EMBEDDED
    known = path.is_dir() or (path.is_file() and path.suffix == ".tar")
    if embedded or not known or not streaming.too_large(path, size, channels):
        return load_images(source, image_size=image_size, channels=channels, seed=seed)
    stream = streaming.stream_images(
        path, image_size=size or streaming.usual_size(path), channels=channels, seed=seed
    )
    splits = {split: getattr(stream, split) for split in SPLITS}
    share = min(
        1.0, streaming.IN_MEMORY / (4 * sum(math.prod(one.shape) for one in splits.values()))
    )
    counts = {name: max(1, int(share * len(one))) for name, one in splits.items()}
    loaded = {name: one.sample(counts[name]) for name, one in splits.items()}
    index, members = stream.test.reader.index, stream.test.chosen(counts["test"])
    # Shards have no files to name; and a broken file has a name, but no image.
    named = members[: 0 if len(index.files) < len(index) or stream.test.skipped else None]
    return Images(
        **loaded,
        name=stream.name,
        skipped=tuple(sorted(stream.skipped)),
        sources={"test": named} if len(named) else {},
        source_names={int(i): index.name(int(i)) for i in named},
    )
