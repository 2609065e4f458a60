"""`kae info`: what files, streams and bundles are."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kerasae_export.cli.options import as_options
from kerasae_export.console import printable

if TYPE_CHECKING:
    from kerasae_export.files.bundles import Bundles

__all__ = ["show_info"]


def show_info(program: str, options: argparse.Namespace) -> int:
    """Print a line for each file and bundle; returns the exit status."""
    from kerasae_export.errors import BundleError
    from kerasae_export.files.bundles import Bundles

    try:
        bundles = None if options.bundles is None else Bundles.below(options.bundles)
    except BundleError as error:
        print(f"{program}: {printable(as_options(str(error)))}", file=sys.stderr)
        return 1
    paths = [path for given in options.paths for path in _files(given)]
    if not paths:
        print(f"{program}: no files to work on were found.", file=sys.stderr)
        return 1
    failed = 0
    for path in paths:
        try:
            print(_line(path, bundles, options.json), flush=True)
        except (OSError, ValueError) as error:
            failed += 1
            said = getattr(error, "strerror", None) or str(error)
            print(f"{program}: {printable(path)}: {printable(said.rstrip('.'))}.", file=sys.stderr)
    return 1 if failed else 0


def _files(path: Path) -> list[Path]:
    """A bundle or a file as such; of another folder the `.kae` files in it."""
    from kerasae_export.files.info import is_bundle

    if not path.is_dir() or is_bundle(path):
        return [path]
    return sorted(file for file in path.rglob("*.kae") if file.is_file())


def _line(path: Path, bundles: Bundles | None, as_json: bool) -> str:
    from kerasae_export.files.info import bundle_info, file_info

    if path.is_dir():
        text = bundle_info(path)
        return (
            json.dumps({"path": str(path), "bundle": text})
            if as_json
            else f"{printable(path)}: {printable(text)}"
        )
    found = file_info(path, bundles)
    if as_json:
        return json.dumps({"path": str(path), **found.to_dict()})
    return f"{printable(path)}: {printable(found)}"
