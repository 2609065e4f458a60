"""LiteRT.js, which runs the models in a browser: fetched once from npm and checked by hash.

Its packages are too large for this repository and come without a licence text. The files that a
page needs are kept in a cache folder of the user, together with the text of their licence.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kerasae_export.atomic import replacing_folder
from kerasae_export.errors import SiteError

__all__ = ["FILES", "LICENCE", "PACKAGES", "VERSION", "cache_folder", "find_litert_js"]

VERSION = "2.5.3"
PACKAGES = {
    f"@litertjs/core@{VERSION}": (
        f"litertjs-core-{VERSION}.tgz",
        "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
    ),
    f"@litertjs/wasm-utils@{VERSION}": (
        f"litertjs-wasm-utils-{VERSION}.tgz",
        "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
    ),
}
"""What `npm pack` is asked for: the file that it leaves, and its SHA-256."""

FILES = {
    "index.js": (
        "core/dist/index.js",
        "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3",
    ),
    "wasm-utils.js": (
        "wasm-utils/dist/index.js",
        "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2",
    ),
    "litert_wasm_internal.js": (
        "core/wasm/litert_wasm_internal.js",
        "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
    ),
    "litert_wasm_internal.wasm": (
        "core/wasm/litert_wasm_internal.wasm",
        "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
    ),
    "litert_wasm_compat_internal.js": (
        "core/wasm/litert_wasm_compat_internal.js",
        "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
    ),
    "litert_wasm_compat_internal.wasm": (
        "core/wasm/litert_wasm_compat_internal.wasm",
        "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
    ),
}
"""What a page needs: its name there, where a package has it, and its SHA-256 as it is there."""

LICENCE = "LICENSE.txt"

_MAX_FILE = 2**25
_DOWNLOAD = 11_900_000  # bytes of both packages, for the progress bar
_BARE_IMPORT = b'from "@litertjs/wasm-utils"'
_CHANGED = b"// Changed by kerasae: the import of wasm-utils names a file.\n"

Progress = Callable[[int, int], None]


def find_litert_js(
    folder: str | os.PathLike[str] | None = None, *, progress: Progress | None = None
) -> dict[str, bytes]:
    """The files of LiteRT.js as a page takes them, by name.

    They come from `folder` if it is given, else from the cache folder, which is filled by
    `npm pack` if it lacks them.

    Args:
        folder: A folder with the two files that `npm pack` leaves, a `node_modules` with the
            packages in it, or a copy of the cache folder.
        progress: Called with bytes fetched and bytes in all while npm works.

    Raises:
        SiteError: If the folder does not hold them, npm is missing or fails, or a file is not the
            one expected.
    """
    if folder is not None:
        found = _read_any(Path(folder))
        if found is None:
            raise SiteError(
                f"`litert_js` must be a folder with {_names()} as `npm pack` leaves them, or a "
                f"node_modules that holds these versions. Received: {os.fspath(folder)}"
            )
        return _for_a_page(found)
    cached = cache_folder()
    found = _read_plain(cached)
    if found is None:
        _fetch(cached, progress or (lambda done, total: None))
        found = _read_plain(cached)
        if found is None:
            raise SiteError(f"LiteRT.js was written to {cached}, but is not there as it was.")
    return _for_a_page(found)


def cache_folder() -> Path:
    """The folder where the files are kept, in the user's cache folder."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kerasae" / f"litert-js-{VERSION}"


def licence() -> bytes:
    """The licence of LiteRT.js, with a line that says what it belongs to."""
    head = (
        f"The files beside this one are from {' and '.join(PACKAGES)}, which state the licence\n"
        "Apache-2.0 and come without its text. index.js was changed: it imports wasm-utils.js.\n\n"
    )
    return head.encode() + (Path(__file__).parent / "assets" / "apache-2.0.txt").read_bytes()


def _for_a_page(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """As plain modules: a relative import, and no maps that are not there."""
    result = dict(files)
    for name in ("index.js", "wasm-utils.js"):
        text, _, _ = result[name].partition(b"//# sourceMappingURL=")
        result[name] = text.rstrip() + b"\n"
    assert result["index.js"].count(_BARE_IMPORT) == 1  # held by the hash
    index = result["index.js"].replace(_BARE_IMPORT, b'from "./wasm-utils.js"')
    return {**result, "index.js": _CHANGED + index, LICENCE: licence()}


def _names() -> str:
    return " and ".join(name for name, _ in PACKAGES.values())


def _read_any(folder: Path) -> dict[str, bytes] | None:
    """The files from a folder that holds the packages in one of their usual forms."""
    if all((folder / name).is_file() for name, _ in PACKAGES.values()):
        return _unpack(folder)
    for base in (folder, folder / "node_modules", folder / "@litertjs"):
        for names in (
            {name: name for name in FILES},
            {name: place for name, (place, _) in FILES.items()},
            {name: f"@litertjs/{place}" for name, (place, _) in FILES.items()},
        ):
            found = _read_plain(base, names)
            if found is not None:
                return found
    return None


def _read_plain(folder: Path, names: Mapping[str, str] | None = None) -> dict[str, bytes] | None:
    """The files of a folder if all are there with the right hashes, else None."""
    files = {}
    for name, (_, digest) in FILES.items():
        path = folder / (names[name] if names else name)
        try:
            if not path.is_file() or path.stat().st_size > _MAX_FILE:
                return None
            content = path.read_bytes()
        except OSError:
            return None
        if _digest(content) != digest:
            return None
        files[name] = content
    return files


def _unpack(folder: Path) -> dict[str, bytes]:
    """The files out of the two packages, each checked before it is opened."""
    files = {}
    for package, (name, digest) in PACKAGES.items():
        path = folder / name
        if path.stat().st_size > _MAX_FILE or _digest(path.read_bytes()) != digest:
            raise SiteError(f"{name} is not the file of {package} that was expected: hash differs.")
        part = package.removeprefix("@litertjs/").partition("@")[0]
        with tarfile.open(path, "r:gz") as archive:
            for wanted, (place, content_digest) in FILES.items():
                inside, _, rest = place.partition("/")
                if inside != part:
                    continue
                member = archive.extractfile(f"package/{rest}")
                content = b"" if member is None else member.read(_MAX_FILE)
                if _digest(content) != content_digest:
                    raise SiteError(f"{place} of {package} is not the file that was expected.")
                files[wanted] = content
    return files


def _fetch(target: Path, progress: Progress) -> None:
    """Let npm fetch the packages, and leave their files in `target`, all of them or none."""
    npm = shutil.which("npm")
    if npm is None:
        raise SiteError(
            "npm, which comes with Node.js, fetches LiteRT.js once and is not installed: install "
            f"it, or run `npm pack {' '.join(PACKAGES)}` on another machine, and name the folder "
            "of the two files with `--litert-js DIR`."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".litert-js-") as scratch:
            _npm_pack(npm, Path(scratch), progress)
            files = _unpack(Path(scratch))
            with replacing_folder(target) as new:  # one there is damaged, or another was faster
                for name, content in {**files, LICENCE: licence()}.items():
                    (new / name).write_bytes(content)
    except OSError as error:
        raise SiteError(
            f"LiteRT.js cannot be kept in {target}: {error.strerror or error}."
        ) from None


def _npm_pack(npm: str, scratch: Path, progress: Progress) -> None:
    """Run `npm pack` in `scratch`; the size of its cache there shows the progress."""
    cache = scratch / "npm"
    command = [npm, "pack", *PACKAGES, "--pack-destination", str(scratch), "--json"]
    command += ["--cache", str(cache), "--no-update-notifier", "--no-fund", "--ignore-scripts"]
    with (
        (scratch / "said").open("w+b") as said,
        subprocess.Popen(command, cwd=scratch, stdout=said, stderr=said) as process,
    ):
        try:
            while process.poll() is None:
                progress(min(_size(cache), _DOWNLOAD), _DOWNLOAD)
                time.sleep(0.1)
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            said.seek(0)
            raise SiteError(
                f"`npm pack {' '.join(PACKAGES)}` failed: {_reason(said.read().decode())}; with no "
                "network, name a folder that holds the packages with `--litert-js DIR`."
            )
    progress(_DOWNLOAD, _DOWNLOAD)
    for name, _ in PACKAGES.values():
        if not (scratch / name).is_file():
            raise SiteError(f"`npm pack` did not leave {name}.")


def _reason(said: str) -> str:
    """The reason that npm gives, in one line."""
    try:
        told = json.loads(said[said.index("{") : said.rindex("}") + 1])["error"]
        return f"{told.get('code') or ''} {told.get('summary') or ''}".strip().splitlines()[0]
    except (ValueError, KeyError, IndexError, AttributeError):
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return lines[0].removeprefix("npm error ") if lines else "it said nothing"


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # gone meanwhile
            continue
    return total


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
