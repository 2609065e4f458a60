"""The snippets of the pages and cards that show the ports, as files that a compiler takes."""

from __future__ import annotations

import re
from pathlib import Path

from port_pictures import GOLDEN, ROOT

from kerasae_export.bundling.card import model_card
from kerasae_export.format.manifest import Manifest

PORTS = ROOT / "export" / "ports"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)

KOTLIN = """
package snippets

val context: android.content.Context get() = TODO()
val bitmap: android.graphics.Bitmap get() = TODO()
val codec: kerasae.Codec get() = TODO()
val received: ByteArray get() = TODO()
val buffer: ByteArray get() = TODO()
val socket: java.io.InputStream get() = TODO()
fun show(image: kerasae.Image): Unit = TODO()
fun tell(text: String): Unit = TODO()
"""
SWIFT = """
import CoreGraphics
import Foundation
import Kerasae

var picture: CGImage { fatalError() }
var folder: URL { fatalError() }
var codec: Codec { fatalError() }
var received: [UInt8] { fatalError() }
var arriving: AsyncStream<[UInt8]> { fatalError() }
func content(_ name: String) throws -> [UInt8] { fatalError() }
func show(_ image: Image) {}
func tell(_ text: String) {}
"""
CPP = "kerasae::ByteVector pixels;\nstd::uint64_t height = 0, width = 0;\n"


def pages(*names: str) -> list[str]:
    """Texts of files of the repository, and the cards of two bundles: of two files and of one."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in names]
    for bundle in (GOLDEN / "grid" / "bundle", GOLDEN / "bundles" / "blocks-int8-both" / "bundle"):
        texts.append(model_card(Manifest.from_json((bundle / "manifest.json").read_bytes())))
    return texts


def blocks(language: str, texts: list[str]) -> list[str]:
    """All snippets of a language."""
    found = [code for text in texts for name, code in BLOCK.findall(text) if name == language]
    assert found
    return found


def split(code: str, pattern: str) -> tuple[str, str]:
    """The lines that start so, and the others."""
    lines = code.splitlines()
    chosen = [line for line in lines if re.match(pattern, line)]
    return "\n".join(chosen), "\n".join(line for line in lines if line not in chosen)


def kotlin_files(folder: Path, texts: list[str]) -> list[Path]:
    """A file for each snippet, which becomes the body of a function, and one of what they name."""
    folder.mkdir(exist_ok=True)
    (folder / "Names.kt").write_text(KOTLIN)
    for i, code in enumerate(blocks("kotlin", texts)):
        imports, body = split(code, "import ")
        text = f"package snippets\n\n{imports}\n\nsuspend fun snippet{i}() {{\n{body}\n}}\n"
        (folder / f"Snippet{i}.kt").write_text(text)
    return sorted(folder.glob("*.kt"))


def swift_files(folder: Path, texts: list[str]) -> list[Path]:
    """The same in Swift."""
    folder.mkdir(exist_ok=True)
    (folder / "Names.swift").write_text(SWIFT)
    for i, code in enumerate(blocks("swift", texts)):
        imports, body = split(code, "import ")
        text = f"{imports or 'import Kerasae'}\n\nfunc snippet{i}() async throws {{\n{body}\n}}\n"
        (folder / f"Snippet{i}.swift").write_text(text)
    return sorted(folder.glob("*.swift"))


def cpp_file(path: Path, texts: list[str]) -> Path:
    """The snippets in C++ that are whole, as functions of one file."""
    parts = [split(code, "#include ") for code in blocks("cpp", texts)]
    includes = sorted({line for head, _ in parts for line in head.splitlines()})
    bodies = [f"void snippet{i}() {{\n{CPP}{body}\n}}" for i, (_, body) in enumerate(parts)]
    path.write_text("\n".join([*includes, *bodies]))
    return path
