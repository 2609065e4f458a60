"""Compress and decompress images with a bundle, without Keras or TensorFlow."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from kerasae_export import __version__
from kerasae_export.errors import BundleError
from kerasae_export.files import Outcome, compress_files, decompress_files
from kerasae_export.quiet import silence_native
from kerasae_export.runtime import Codec

__all__ = ["main", "run"]


def main() -> None:
    """The console script."""
    silence_native()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)


def run(arguments: Sequence[str], *, program: str = "kae") -> int:
    """Run a command; returns the exit status: 0, 1 for failure, 2 for bad use."""
    options = _parser(program).parse_args(arguments)
    try:
        codec = Codec.load(options.bundle, threads=options.threads)
    except ValueError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1 if isinstance(error, BundleError) else 2
    if options.command == "decompress":
        outcomes = decompress_files(options.paths, codec, options.out, force=options.force)
        return _report(program, outcomes)
    if options.quality is not None and not 1 <= options.quality <= codec.qualities:
        print(
            f"{program}: `--quality` must be from 1 to {codec.qualities}, as many as the bundle "
            f"has. Received: {options.quality}",
            file=sys.stderr,
        )
        return 2
    outcomes = compress_files(
        options.paths, codec, options.out, force=options.force, quality=options.quality
    )
    return _report(program, outcomes)


def _report(program: str, outcomes: Iterable[Outcome]) -> int:
    """Print what became of each file and a summary; returns the exit status."""
    done = failed = before = after = 0
    for outcome in outcomes:
        if outcome.error is not None:
            failed += 1
            print(f"{program}: {outcome.source}: {outcome.error}.", file=sys.stderr)
            continue
        done, before, after = done + 1, before + outcome.before, after + outcome.after
        height, width = outcome.size
        print(
            f"{outcome.source} -> {outcome.target}  "
            f"{width}x{height}  {outcome.before:,} -> {outcome.after:,} bytes"
        )
    if not done and not failed:
        print(f"{program}: no files to work on were found.", file=sys.stderr)
        return 1
    if done:
        print(f"{done} file{'s' if done > 1 else ''}, {before:,} -> {after:,} bytes")
    if failed:
        print(f"{program}: {failed} failed.", file=sys.stderr)
    return 1 if failed else 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what, source in (
        ("compress", "write a .kae file for each image", "IMAGE|FOLDER"),
        (
            "decompress",
            "write a .png file for each .kae file, a folder for a stream",
            "FILE|FOLDER",
        ),
    ):
        command = commands.add_parser(name, help=what, description=f"{what.capitalize()}.")
        command.add_argument("paths", nargs="+", type=Path, metavar=source)
        command.add_argument("--bundle", required=True, type=Path, help="the bundle's folder")
        command.add_argument("--out", required=True, type=Path, help="folder for the results")
        command.add_argument("--threads", type=int, default=1, help="threads of the models")
        if name == "compress":
            command.add_argument(
                "--quality",
                type=int,
                help="1, the smallest files, to the number of the bundle's qualities, the default",
            )
        command.add_argument("--force", action="store_true", help="overwrite existing files")
    return parser


if __name__ == "__main__":
    main()
