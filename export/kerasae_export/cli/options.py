"""The options of `kae`: how they are read, and what is wrong with them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from kerasae_export import __version__
from kerasae_export.console import printable
from kerasae_export.files.pool import cores

__all__ = ["CHOICES", "LIMITS", "as_options", "bad_choice", "make_parser"]

LIMITS = ("max_pixels", "max_images", "max_expansion")
CHOICES = ("quality", "target_psnr", "target_bytes", "effort")
_DESCRIPTION = "Compress and decompress images, and serve the page, without Keras or TensorFlow."
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


_TOLD = {"compress": "what the images show", "decompress": "what the images are to show"}
_BUNDLES = "a folder with bundles below it, of which each file's own is taken"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def make_parser(program: str) -> argparse.ArgumentParser:
    """The parser of all commands, called `program` in what it prints."""
    parser = _Parser(
        prog=program,
        allow_abbrev=False,  # `--sandbox` is taken out by its name
        description=_DESCRIPTION,
        epilog=_ENDINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{program} {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (what, source, meaning, description) in _COMMANDS.items():
        command = commands.add_parser(name, help=what, description=description, allow_abbrev=False)
        command.add_argument("paths", nargs="+", type=Path, metavar=source, help=meaning)
        which = command.add_mutually_exclusive_group()
        which.add_argument(
            "--bundle", type=Path, help="the bundle's folder; default: the codec of photographs"
        )
        if name == "decompress":
            which.add_argument("--bundles", type=Path, metavar="DIR", help=_BUNDLES)
        command.add_argument("--out", required=True, type=Path, help="folder for the results")
        command.add_argument(
            "--label",
            metavar="CLASS",
            help=f"{_TOLD[name]}: the name or the number of a class of the bundle, the same for "
            "all files; default: nothing is told",
        )
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
            metavar="N",
            help="threads of a model or a photograph; default: 1, and all cores for one photograph",
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
    _add_info(commands)
    _add_serve(commands)
    return parser


def _add_info(commands: Any) -> None:
    command = commands.add_parser(
        "info",
        help="tell what .kae files and bundles are",
        description="Tell of each .kae file, stream or bundle its version, the bundle that it "
        "needs, and its size, quality and whether it is intact, as far as it says so itself: a "
        "photograph all of it, other files with `--bundles`. No model is run.",
        allow_abbrev=False,
    )
    command.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="FILE|FOLDER",
        help="a .kae file, a folder of them, or a bundle",
    )
    command.add_argument("--bundles", type=Path, metavar="DIR", help=_BUNDLES)
    command.add_argument("--json", action="store_true", help="print an object for each instead")


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
        help="open a page on which a browser or a phone runs the codec",
        description="Serve a page that runs the codec of photographs, or a bundle, in a browser: "
        "on this machine only, unless `--host` names another address, such as 0.0.0.0 for all. It "
        "sends files and takes none. For a bundle, npm fetches LiteRT.js when it is first needed.",
    )
    command.add_argument(
        "bundle",
        nargs="?",
        type=Path,
        metavar="BUNDLE",
        help="the bundle's folder; default: the codec of photographs",
    )
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


def bad_choice(options: argparse.Namespace, qualities: int) -> str | None:
    """What is wrong with the options that say how well to compress; None if nothing is."""
    if options.quality is not None and not 1 <= options.quality <= qualities:
        why = "" if options.bundle is None else ", as many as the bundle has"
        return f"`--quality` must be from 1 to {qualities}{why}. Received: {options.quality}"
    given = [name for name in CHOICES if getattr(options, name) is not None]
    if options.bundle is not None and given not in ([], ["quality"]):
        option = "--" + given[-1].replace("_", "-")
        return f"`{option}` is for photographs, which are compressed without `--bundle`."
    if len(set(given) - {"effort"}) > 1:
        return "`--quality`, `--target-psnr` and `--target-bytes` exclude each other."
    return None


def bad_label(options: argparse.Namespace, codec: Any) -> str | None:
    """What is wrong with the class that is told; None if nothing is."""
    from kerasae_export.format.labels import check_label

    if options.label is None or getattr(options, "bundles", None) is not None:
        return None  # of several bundles, each file says which it needs
    if options.bundle is None:
        return "`--label` is for bundles with classes, not for photographs."
    try:
        check_label(options.label, codec.class_names)
    except ValueError as error:
        return f"{as_options(str(error))}."
    return None


def as_options(message: str) -> str:
    """Call arguments by the names that they have on the command line."""
    names = {
        "bundle": "BUNDLE",
        "bundles": "--bundles",
        "folder": "--build",
        "label": "--label",
        "litert_js": "--litert-js",
    }
    names |= {"host": "--host", "port": "--port", "sandbox": "--sandbox"}
    for name, option in names.items():
        message = message.replace(f"`{name}`", f"`{option}`")
    return message


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
