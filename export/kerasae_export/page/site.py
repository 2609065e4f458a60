"""The page as files, which `kerasae serve` sends and `--build` writes.

These are the page's own modules, the JavaScript codec, what makes the page installable, and either
a bundle with LiteRT.js or the tables of the codec of photographs. All addresses are relative, so it
works in any folder of any host.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from kerasae_export import __version__
from kerasae_export.atomic import replacing_folder
from kerasae_export.errors import BundleError, SiteError
from kerasae_export.format.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest
from kerasae_export.page.litertjs import VERSION as LITERT_VERSION
from kerasae_export.photo.shipped import shipped_files
from kerasae_export.runtime.bundle_files import read_file, read_files

__all__ = ["POLICY", "make_site", "mime_type", "policy", "read_bundle", "write_site"]

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
"""The Content-Security-Policy: nothing but the site itself, no inline code, no form."""

_ASSETS = Path(__file__).parent / "assets"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".webmanifest": "application/manifest+json",
}
_ICONS = {  # name: side in pixels, and the part of it that the drawing may fill
    "icon-192.png": (192, 1.0),
    "icon-512.png": (512, 1.0),
    "maskable-512.png": (512, 0.8),
    "apple-touch-180.png": (180, 0.9),
}
_TOP, _BOTTOM = (13, 148, 136), (67, 56, 202)  # the colours of the icons
_SECTION = re.compile(r"<!-- only (\w+) -->(.*?)<!-- end -->", re.DOTALL)
_FOR_BUNDLES = frozenset(
    f"{name}.js"
    for name in (
        *(
            "app",
            "bundle",
            "classes",
            "code",
            "codeview",
            "engine",
            "explore",
            "litert",
            "making",
            "pad",
        ),
        "selfcheck",
    )
)
_FOR_PHOTOGRAPHS = frozenset({"crops.js", "photo-app.js", "photo-engine.js"})
_MARK = "sw.js"  # by which a site that may be replaced is known


def make_site(
    bundle: str | os.PathLike[str] | None = None, litert_js: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """The files of the page of a bundle or, without one, of that of photographs, by path.

    Args:
        bundle: A bundle's folder; None for the codec of photographs, which needs none.
        litert_js: The files of LiteRT.js, as `find_litert_js` gives them, for a bundle.

    Raises:
        BundleError: If the bundle is damaged or inconsistent.
    """
    site: dict[str, bytes] = {}
    if bundle is None:
        families = shipped_files()
        site |= {f"families/{name}.json": content for name, content in families.items()}
        site["page/cat.webp"] = (_ASSETS / "cat.webp").read_bytes()
        site["manifest.webmanifest"] = _web_manifest("./?photographs", "photographs")
        values = {
            "description": "Photographs in fewer bytes, on this device alone.",
            "app": "photo-app.js",
            "engine": "photo-engine.js",
            "families": " ".join(families),
            "litert": "",
        }
    else:
        manifest, files = read_bundle(bundle)
        site |= {f"bundle/{name}": content for name, content in files.items()}
        for name, content in (litert_js or {}).items():
            site[f"litert/{LITERT_VERSION}/{name}"] = content
        digest, model = manifest.bundle_hash, str(manifest.facts.get("model", "autoencoder"))[:40]
        identity = f"./?bundle={digest[:16]}"
        site["manifest.webmanifest"] = _web_manifest(identity, f"{model} {digest[:4]}")
        values = {
            "description": "An autoencoder that compresses images, on this device alone.",
            "app": "app.js",
            "engine": "engine.js",
            "families": "",
            "litert": f"litert/{LITERT_VERSION}/",
        }
    for path in sorted(_codec_folder().glob("*.js")):
        site[f"codec/{path.name}"] = path.read_bytes()
    other = _FOR_BUNDLES if bundle is None else _FOR_PHOTOGRAPHS
    for path in sorted(_ASSETS.iterdir()):
        if path.suffix in (".js", ".css", ".svg") and path.name not in other:
            site[f"page/{path.name}"] = path.read_bytes()
    for name, (side, fill) in _ICONS.items():
        site[f"icons/{name}"] = _icon(side, fill)
    kind = "photographs" if bundle is None else "bundle"
    site["index.html"] = _page(kind, values | {"policy": policy(), "version": __version__})
    worker = site.pop("page/sw.js").decode()
    known = json.dumps({"version": _version(site), "files": sorted(site)})
    site[_MARK] = worker.replace('{ version: "", files: [] }', known, 1).encode()
    return site


def read_bundle(bundle: str | os.PathLike[str]) -> tuple[Manifest, dict[str, bytes]]:
    """Read the manifest of a bundle and all its files, the manifest included, with hashes checked.

    Raises:
        BundleError: If the bundle is damaged or inconsistent.
    """
    root = Path(bundle)
    if not root.is_dir():
        raise BundleError(f"`bundle` must be a bundle's folder. Received: {os.fspath(bundle)}")
    raw = read_file(root, MANIFEST, MAX_MANIFEST_BYTES)
    manifest, files = read_files(root)
    if Manifest.from_json(raw) != manifest:
        raise BundleError(f"{MANIFEST} was changed while it was read.")
    return manifest, {**files, MANIFEST: raw}


def policy() -> str:
    """The text of the Content-Security-Policy."""
    return "; ".join(f"{name} {value}" for name, value in POLICY.items())


def mime_type(path: str) -> str:
    """The media type of a file of a site."""
    return _TYPES.get(Path(path).suffix, "application/octet-stream")


def write_site(site: Mapping[str, bytes], folder: str | os.PathLike[str]) -> Path:
    """Write the files of a site to a new folder or over an earlier site, all or none.

    Raises:
        SiteError: If the folder holds something else or cannot be written.
    """
    target = Path(folder).resolve()
    try:
        if target.is_mount() or target in (Path.cwd(), *Path.cwd().parents):
            raise SiteError(f"`folder` must be one that can be replaced. Received: {folder}")
        if target.exists() and not (
            target.is_dir() and ((target / _MARK).is_file() or not any(target.iterdir()))
        ):
            raise SiteError(
                f"`folder` must not exist, be empty, or hold a site to replace. Received: {folder}"
            )
        with replacing_folder(target) as new:
            for name, content in site.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    except OSError as error:
        raise SiteError(f"{folder} cannot be written: {error.strerror or error}.") from None
    return target


def _codec_folder() -> Path:
    """Where the JavaScript codec lies: beside the package in a checkout, inside it in a wheel."""
    packed = Path(__file__).parent / "codec"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "ports" / "js"


def _version(site: Mapping[str, bytes]) -> str:
    """A version that changes with any file."""
    digest = hashlib.sha256()
    for name in sorted(site):
        digest.update(name.encode() + b"\0" + hashlib.sha256(site[name]).digest())
    return digest.hexdigest()[:16]


def _page(kind: str, values: Mapping[str, str]) -> bytes:
    """The page's HTML with the sections of one kind of page, and values for its names in braces."""
    page = (_ASSETS / "index.html").read_text(encoding="utf-8")
    page = _SECTION.sub(lambda found: found[2] if found[1] == kind else "", page)
    page = re.sub(r"\n( *\n)+", "\n\n", page)
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", value)
    return page.encode()


def _web_manifest(identity: str, name: str) -> bytes:
    """The web app manifest, with which a browser can install the page."""
    content = {
        "id": identity,
        "name": f"kerasae: {name}",
        "short_name": "kerasae",
        "description": "Images in few bytes, on this device alone.",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#0f766e",
        "icons": [
            {
                "src": f"icons/{name}",
                "sizes": f"{side}x{side}",
                "type": "image/png",
                "purpose": "maskable" if name.startswith("maskable") else "any",
            }
            for name, (side, _) in _ICONS.items()
            if not name.startswith("apple")
        ],
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def _icon(side: int, fill: float) -> bytes:
    """An encoder and a decoder that meet in a narrow code, on a rounded square."""
    big = 4 * side  # drawn large, then reduced: smooth edges
    column = Image.new("RGB", (1, big))
    for y in range(big):
        t = y / (big - 1)
        mixed = (round(a + (b - a) * t) for a, b in zip(_TOP, _BOTTOM, strict=True))
        column.putpixel((0, y), tuple(mixed))
    picture = column.resize((big, big)).convert("RGBA")
    if fill == 1:
        mask = Image.new("L", (big, big), 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, big - 1, big - 1), big * 0.22, fill=255)
        picture.putalpha(mask)
    draw = ImageDraw.Draw(picture)

    def place(x: float, y: float) -> tuple[float, float]:
        return (big * (0.5 + (x - 0.5) * fill), big * (0.5 + (y - 0.5) * fill))

    for points in (
        [(0.16, 0.2), (0.42, 0.41), (0.42, 0.59), (0.16, 0.8)],
        [(0.84, 0.2), (0.58, 0.41), (0.58, 0.59), (0.84, 0.8)],
    ):
        draw.polygon([place(*point) for point in points], fill="white")
    draw.rectangle((*place(0.465, 0.41), *place(0.535, 0.59)), fill=(253, 224, 71))
    buffer = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
