"""Compress and decompress images, and serve a bundle's page, without Keras or TensorFlow."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kerasae_export import __version__
from kerasae_export.console import open_streams, printable
from kerasae_export.errors import BundleError, SiteError
from kerasae_export.files.pool import cores

if TYPE_CHECKING:
    from kerasae_export.files.batch import Outcome

__all__ = ["main", "run"]

_ENDINGS = """\
exit status: 0 all went well; 1 something failed, and the rest was done; 2 bad use;
130 interrupted. No file is ever left half-written. Output that nobody reads stops nothing.
"""
_COMMANDS = {
    "compress": (
        "write a .kae file for each image",
        "IMAGE|FOLDER",
        "an image, or a folder of images",
        "Write a .kae file for each image: AVIF, BMP, GIF, JPEG, PNG, PNM, TIFF or WebP of any "
        "size. EXIF rotation is applied, transparency laid over white, colour turned to grey or "
        "grey to colour as the bundle needs; of an animation the first frame is taken, and "
        "more than 8 bits a channel are refused.",
    ),
    "decompress": (
        "write a .png file for each .kae file, a folder for a stream",
        "FILE|FOLDER",
        "a .kae file, or a folder of them",
        "Write a .png file for each .kae file, and for a stream of many images a folder of them.",
    ),
}


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
    options = _parser(program).parse_args(arguments)
    if options.command == "serve":
        return _serve(program, options)
    if options.sandbox:
        return _sandboxed(program, arguments)
    # NumPy and LiteRT take most of the time of a short command; a wrong option needs neither.
    from kerasae_export.files.batch import compress_files, decompress_files
    from kerasae_export.runtime.codec import Codec

    try:
        limits = {name: getattr(options, name) for name in _LIMITS if hasattr(options, name)}
        codec = Codec.load(options.bundle, threads=options.threads, **limits)
    except ValueError as error:
        print(f"{program}: {printable(error)}", file=sys.stderr)
        return 1 if isinstance(error, BundleError) else 2
    line = _Line(sys.stderr.isatty())
    how = {"force": options.force, "jobs": options.jobs, "progress": line.set}
    if options.command == "decompress":
        outcomes = decompress_files(options.paths, codec, options.out, **how)
    elif (problem := _bad_choice(options, codec.qualities)) is not None:
        print(f"{program}: {problem}", file=sys.stderr)
        return 2
    else:
        given = {name: getattr(options, name) for name in _CHOICES}
        how |= {name: value for name, value in given.items() if value is not None}
        outcomes = compress_files(options.paths, codec, options.out, **how)
    try:
        return _report(program, outcomes, line)
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
        print(f"{program}: {_as_options(str(error))}", file=sys.stderr)
        return 2
    reason = why_it_ended(status)
    if reason is None:
        return status
    print(f"{program}: {reason}", file=sys.stderr)
    return 1


_LIMITS = ("max_pixels", "max_images", "max_expansion")
_CHOICES = ("quality", "target_psnr", "target_bytes", "effort")


def _bad_choice(options: argparse.Namespace, qualities: int) -> str | None:
    """What is wrong with the options that say how well to compress; None if nothing is."""
    if options.quality is not None and not 1 <= options.quality <= qualities:
        return (
            f"`--quality` must be from 1 to {qualities}, as many as the bundle has. "
            f"Received: {options.quality}"
        )
    given = [name for name in _CHOICES if getattr(options, name) is not None]
    if options.bundle is not None and given not in ([], ["quality"]):
        option = "--" + given[-1].replace("_", "-")
        return f"`{option}` is for photographs, which are compressed without `--bundle`."
    if len(set(given) - {"effort"}) > 1:
        return "`--quality`, `--target-psnr` and `--target-bytes` exclude each other."
    return None


def _serve(program: str, options: argparse.Namespace) -> int:
    """Serve the page of a bundle until Ctrl-C, or write it to a folder."""
    from kerasae_export.page.litertjs import find_litert_js
    from kerasae_export.page.serve import PageServer
    from kerasae_export.page.site import make_site, read_bundle, write_site

    fetching = _Fetching(sys.stderr.isatty())
    try:
        read_bundle(options.bundle)  # a damaged one fails before megabytes are fetched
        site = make_site(options.bundle, find_litert_js(options.litert_js, progress=fetching.set))
        fetching.hide()
        if options.build is not None:
            folder = write_site(site, options.build)
            size = sum(map(len, site.values()))
            made = f"{len(site)} files, {size:,} bytes"
            print(f"{printable(folder)}: {made}; host it anywhere, best by https")
            return 0
        with PageServer(site, options.host, options.port) as server:
            print(f"The page of {printable(options.bundle)}: {'  '.join(server.addresses)}")
            if len(server.addresses) > 1:
                print("A phone in the same network takes the second one; offline use needs https.")
            print("Ctrl-C ends it.", flush=True)
            server.serve_forever(poll_interval=0.2)
    except (BundleError, SiteError) as error:
        fetching.hide()
        print(f"{program}: {printable(_as_options(str(error)))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        fetching.hide()
        print()
    return 0


def _as_options(message: str) -> str:
    """Call arguments by the names that they have on the command line."""
    names = {"bundle": "BUNDLE", "folder": "--build", "litert_js": "--litert-js"}
    names |= {"host": "--host", "port": "--port", "sandbox": "--sandbox"}
    for name, option in names.items():
        message = message.replace(f"`{name}`", f"`{option}`")
    return message


def _report(program: str, outcomes: Iterable[Outcome], line: _Line) -> int:
    """Print what became of each file and a summary; returns the exit status."""
    done = failed = before = after = 0
    for outcome in outcomes:
        line.hide()
        if outcome.error is not None:
            failed += 1
            error = outcome.error
            for limit in _LIMITS:
                error = error.replace(f"`{limit}`", f"`--{limit.replace('_', '-')}`")
            print(f"{program}: {printable(outcome.source)}: {printable(error)}.", file=sys.stderr)
        else:
            done, before, after = done + 1, before + outcome.before, after + outcome.after
            print(_sentence(outcome))
        line.show()
    line.hide()
    if not done and not failed:
        print(f"{program}: no files to work on were found.", file=sys.stderr)
        return 1
    if done:
        print(f"{done} file{'s' if done > 1 else ''}, {before:,} -> {after:,} bytes")
    if failed:
        print(f"{program}: {failed} of {done + failed} failed.", file=sys.stderr)
    return 1 if failed else 0


def _sentence(outcome: Outcome) -> str:
    height, width = outcome.size
    size = f"{width}x{height}" if outcome.images == 1 else f"{outcome.images} images"
    return (
        f"{printable(outcome.source)} -> {printable(outcome.target)}  {size}  "
        f"{outcome.before:,} -> {outcome.after:,} bytes"
    )


class _Line:
    """A line of progress at the bottom of a terminal, above which results are printed."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._done = self._total = 0

    def set(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if not done:
            self.show()

    def show(self) -> None:
        if self._terminal and self._done < self._total > 1:
            width = max(10, min(40, shutil.get_terminal_size().columns - 30))
            bar = "#" * (width * self._done // self._total)
            text = f"\r[{bar:<{width}}] {self._done} of {self._total}"
            print(text, end="", file=sys.stderr, flush=True)

    def hide(self) -> None:
        if self._terminal and self._total > 1:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # erases the line


class _Fetching:
    """A bar for the download of LiteRT.js; without a terminal, one line."""

    def __init__(self, terminal: bool) -> None:
        self._terminal, self._shown = terminal, False

    def set(self, done: int, total: int) -> None:
        text = f"fetching LiteRT.js with npm, once, {total / 1e6:.0f} MB"
        if not self._terminal:
            if not self._shown:
                print(text, file=sys.stderr, flush=True)
        else:
            width = max(10, min(40, shutil.get_terminal_size().columns - len(text) - 4))
            bar = "#" * (width * done // total)
            print(f"\r[{bar:<{width}}] {text}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def hide(self) -> None:
        if self._terminal and self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _terminated(*_: object) -> NoReturn:
    """End as after an error, so that scratch files are removed."""
    sys.exit(128 + signal.SIGTERM)


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer. Received: {text}")
    return value


def _port(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to 65535. Received: {text}")
    return value


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=program,
        allow_abbrev=False,  # `--sandbox` is taken out by its name
        description=__doc__,
        epilog=_ENDINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (what, source, meaning, description) in _COMMANDS.items():
        command = commands.add_parser(name, help=what, description=description, allow_abbrev=False)
        command.add_argument("paths", nargs="+", type=Path, metavar=source, help=meaning)
        command.add_argument(
            "--bundle", type=Path, help="the bundle's folder; default: the codec of photographs"
        )
        command.add_argument("--out", required=True, type=Path, help="folder for the results")
        if name == "compress":
            command.add_argument(
                "--quality",
                type=_positive,
                metavar="N",
                help="1, the smallest files, to the number of the bundle's qualities, the default; "
                "for photographs 1 to 100, default: 75",
            )
            _add_targets(command)
        command.add_argument(
            "--sandbox",
            action="store_true",
            help="work in a process with limits on memory and time, for bundles of strangers",
        )
        command.add_argument("--force", action="store_true", help="overwrite existing files")
        command.add_argument(
            "--jobs",
            type=_positive,
            default=cores(),
            metavar="N",
            help="files to work on at a time, each in a process; default: all cores",
        )
        command.add_argument(
            "--threads",
            type=_positive,
            default=1,
            metavar="N",
            help="threads of a model; default: 1",
        )
        command.add_argument(
            "--max-pixels",
            type=_positive,
            default=2**26,
            metavar="N",
            help="refuse images, and streams, of more pixels; default: %(default)s",
        )
        if name == "decompress":
            _add_limits(command)
    _add_serve(commands)
    return parser


def _add_limits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--max-images",
        type=_positive,
        default=2**17,
        metavar="N",
        help="refuse streams of more images; default: %(default)s",
    )
    command.add_argument(
        "--max-expansion",
        type=_positive,
        default=1,
        metavar="N",
        help="allow N times the images, pixels and work that FORMAT.md allows for each byte of a "
        "file, as many blank images need; default: %(default)s",
    )


def _add_targets(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--target-psnr",
        type=float,
        metavar="DB",
        help="photographs: the lowest quality that reaches so many decibels",
    )
    command.add_argument(
        "--target-bytes",
        type=_positive,
        metavar="N",
        help="photographs: the highest quality in so many bytes",
    )
    command.add_argument(
        "--effort",
        type=int,
        choices=(0, 1),
        help="photographs: 0 decides by a rule that is the same everywhere, 1 by rate and "
        "distortion; default: 1",
    )


def _add_serve(commands: Any) -> None:
    command = commands.add_parser(
        "serve",
        help="open a page on which a browser or a phone runs the bundle",
        description="Serve a page that runs the bundle in a browser: on this machine only, unless "
        "`--host` names another address, such as 0.0.0.0 for all. It sends files and takes none. "
        "LiteRT.js is fetched by npm when it is first needed.",
    )
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    command.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; default: %(default)s"
    )
    command.add_argument(
        "--port", type=_port, default=8000, help="port, 0 for any free one; default: %(default)s"
    )
    command.add_argument(
        "--build",
        type=Path,
        metavar="DIR",
        help="write the page as a folder of files to host anywhere, and serve nothing",
    )
    command.add_argument(
        "--litert-js",
        type=Path,
        metavar="DIR",
        help="a folder that holds the packages of LiteRT.js, where npm cannot fetch them",
    )


if __name__ == "__main__":
    main()
