"""`kerasae shards`: a folder of images in, tar files out."""

from __future__ import annotations

from pathlib import Path

import click

from kerasae.cli.command import command
from kerasae.cli.options import EXISTING, FOLDER
from kerasae.cli.output import open_console, shown

__all__ = ["shards"]


@command
@click.argument("folder", type=EXISTING)
@click.option("--out", type=FOLDER, required=True, help="Folder for the shards.")
@click.option(
    "--megabytes", type=int, default=128, show_default=True, help="After which a shard ends."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Mixes the images.")
def shards(folder: Path, out: Path, megabytes: int, seed: int) -> None:
    """Pack a folder of images into tar shards, as WebDataset writes them.

    They are read faster than many small files, by `--data` of the other commands, `stream_images`
    and WebDataset. The images stay as they are.
    """
    if megabytes < 1:
        raise ValueError(f"`megabytes` must be a positive integer. Received: {megabytes}")
    from kerasae.data.packing import pack_shards

    packed = pack_shards(folder, out, shard_bytes=megabytes * 10**6, seed=seed)
    plural = "" if packed.shards == 1 else "s"
    open_console().print(
        f"{packed.images:,} images in {packed.shards} shard{plural}, "
        f"{packed.bytes / 1e6:,.1f} MB, in {shown(out)}",
        soft_wrap=True,
    )
