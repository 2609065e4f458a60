"""Types and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["DATA_HELP", "EXISTING", "FOLDER", "seed_option"]

FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING = click.Path(exists=True, path_type=Path)
DATA_HELP = "An embedded set, a TensorFlow Datasets image set, or a folder of images or tar shards."


def seed_option(kind: click.ParamType[Any] | type[int] = int) -> Callable[..., Any]:
    """`--seed`, of the type that a command checks it by."""
    return click.option(
        "--seed",
        type=kind,
        default=0,
        show_default=True,
        help="Seed of the split, the weights and the training.",
    )
