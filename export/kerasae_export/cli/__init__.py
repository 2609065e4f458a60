"""Compress and decompress images, and serve the page, without Keras or TensorFlow."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from kerasae_export.cli.options import (
    CHOICES,
    LIMITS,
    as_options,
    bad_choice,
    bad_label,
    make_parser,
)
from kerasae_export.cli.output import FetchingLine, ProgressLine, report
from kerasae_export.console import open_streams, printable
from kerasae_export.errors import BundleError, SiteError

__all__ = ["main", "run"]


def main() -> None:
    """The console script."""
    open_streams()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = 130
    sys.stdout.flush()
    sys.exit(status)


def run(arguments: Sequence[str], *, program: str = "kae") -> int:
    """Run a command; returns the exit status: 0, 1 for failure, 2 for bad use."""
    options = make_parser(program).parse_args(arguments)
    if options.command == "serve":
        return _serve(program, options)
    if options.command == "info":
        from kerasae_export.cli.info import show_info

        return show_info(program, options)
    if options.sandbox:
        return _sandboxed(program, arguments)
    # NumPy and LiteRT take most of the time of a short command; a wrong option needs neither.
    from kerasae_export.files.batch import compress_files, decompress_files
    from kerasae_export.files.bundles import Bundles
    from kerasae_export.runtime.codec import Codec

    try:
        limits = {name: getattr(options, name) for name in LIMITS if hasattr(options, name)}
        how = {"threads": _threads(options), **limits}
        several = getattr(options, "bundles", None)
        codec: Any = Bundles.below(several, **how) if several else Codec.load(options.bundle, **how)
    except ValueError as error:
        said = str(error).replace("`folder`", "`--bundle`")
        print(f"{program}: {printable(as_options(said))}", file=sys.stderr)
        return 1 if isinstance(error, BundleError) else 2
    if (problem := bad_label(options, codec)) is not None:
        print(f"{program}: {printable(problem)}", file=sys.stderr)
        return 2
    line = ProgressLine(sys.stderr.isatty())
    how = {"force": options.force, "jobs": options.jobs, "progress": line.set}
    if options.label is not None:
        how["label"] = options.label
    if options.command == "decompress":
        outcomes = decompress_files(options.paths, codec, options.out, **how)
    elif (problem := bad_choice(options, codec.qualities)) is not None:
        print(f"{program}: {problem}", file=sys.stderr)
        return 2
    else:
        given = {name: getattr(options, name) for name in CHOICES}
        how |= {name: value for name, value in given.items() if value is not None}
        outcomes = compress_files(options.paths, codec, options.out, **how)
    try:
        return report(program, outcomes, line)
    except KeyboardInterrupt:
        line.hide()
        print(f"{program}: interrupted; no file is half-written.", file=sys.stderr)
        raise
    finally:
        outcomes.close()


def _sandboxed(program: str, arguments: Sequence[str]) -> int:
    """The same command without `--sandbox`, in a process that may die."""
    from kerasae_export.sandbox import run_limited, why_it_ended

    rest = [argument for argument in arguments if argument != "--sandbox"]
    try:
        status = run_limited([sys.executable, "-m", "kerasae_export.cli", *rest])
    except ValueError as error:
        print(f"{program}: {as_options(str(error))}", file=sys.stderr)
        return 2
    reason = why_it_ended(status)
    if reason is None:
        return status
    print(f"{program}: {reason}", file=sys.stderr)
    return 1


def _threads(options: argparse.Namespace) -> int:
    """As given; else one, since files share the cores, and all of them for a file alone."""
    from kerasae_export.files.pool import cores

    alone = len(options.paths) == 1 and options.paths[0].is_file()
    return options.threads or (cores() if alone and not options.bundle else 1)


def _serve(program: str, options: argparse.Namespace) -> int:
    """Serve a page until Ctrl-C, or write it to a folder."""
    from kerasae_export.page.litertjs import find_litert_js
    from kerasae_export.page.serve import PageServer
    from kerasae_export.page.site import make_site, read_bundle, write_site

    fetching = FetchingLine(sys.stderr.isatty())
    try:
        litert_js = None
        if options.bundle is not None:
            read_bundle(options.bundle)  # a damaged one fails before megabytes are fetched
            litert_js = find_litert_js(options.litert_js, progress=fetching.set)
        site = make_site(options.bundle, litert_js)
        fetching.hide()
        if options.build is not None:
            folder = write_site(site, options.build)
            size = sum(map(len, site.values()))
            made = f"{len(site)} files, {size:,} bytes"
            print(f"{printable(folder)}: {made}; host it anywhere, best by https")
            return 0
        with PageServer(site, options.host, options.port) as server:
            what = "photographs" if options.bundle is None else printable(options.bundle)
            print(f"The page of {what}: {'  '.join(server.addresses)}")
            if len(server.addresses) > 1:
                print("A phone in the same network takes the second one; offline use needs https.")
            print("Ctrl-C ends it.", flush=True)
            server.serve_forever(poll_interval=0.2)
    except (BundleError, SiteError) as error:
        fetching.hide()
        print(f"{program}: {printable(as_options(str(error)))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        fetching.hide()
        print()
    return 0


def _terminated(*_: object) -> NoReturn:
    """End as after an error, so that scratch files are removed."""
    sys.exit(128 + signal.SIGTERM)
