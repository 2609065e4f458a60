"""What MkDocs does besides: pages from all over the repository, chapters, front page, formulas.

Pages keep their path in the repository, so that the links between them hold on the site as they
do in a folder; only the README moves, since the site has a front page of its own.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import struct
from ast import ClassDef, Constant, FunctionDef, parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chapters
import commands
import finish
import formulas
import front
import gallery
import live
import registers
from mkdocs.structure.files import File, Files

import kerasae
import kerasae_export

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PARTS = {
    0: "First steps",
    6: "Types",
    11: "Applications",
    16: "On the phone",
    18: "In short",
    19: "Beyond",
}
GUIDES = {
    "Start": ["README.md", "docs/others.md", "docs/from_pythae.md", "docs/from_keras.md"],
    "Build and train": [
        "docs/architectures.md",
        "docs/ten_lines.md",
        "docs/data.md",
        "docs/losses.md",
        "docs/quantizers.md",
        "docs/generation.md",
        "docs/pretrained.md",
        "docs/samples.md",
        "docs/streams.md",
        "docs/runs.md",
        "docs/hosts.md",
        "docs/trackers.md",
        "docs/fidelity.md",
    ],
    "Photographs": [
        "docs/photo_codec.md",
        "docs/compression.md",
        "docs/beam.md",
        "export/kerasae_export/photo/families/photo-2/README.md",
    ],
    "Into an app": [
        "export/README.md",
        "export/ports/kotlin/README.md",
        "export/ports/swift/README.md",
        "export/ports/cpp/README.md",
        "export/ports/js/README.md",
        "docs/onnx.md",
        "docs/bundles.md",
        "docs/receiver.md",
    ],
    "Which export, and at what cost": [
        "docs/schemes.md",
        "docs/scheme_quality.md",
        "docs/batch.md",
        "docs/kernels.md",
        "docs/codec.md",
    ],
    "How it is checked": [
        "export/FORMAT.md",
        "export/ports/conformance/README.md",
        "docs/ports.md",
        "docs/fuzz.md",
        "docs/mutation.md",
    ],
    "Project": ["SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"],
}
"""By what a reader wants; a page in docs/ that is not named here is under `Build and train`."""

MOVED = {
    "README.md": "manual.md",
    "export/README.md": "export/receiver.md",  # not the first page of a section
    "export/ports/js/README.md": "export/javascript.md",
    "export/ports/cpp/README.md": "export/cpp.md",
    "export/ports/kotlin/README.md": "export/kotlin.md",
    "export/ports/swift/README.md": "export/swift.md",
    "export/ports/conformance/README.md": "export/conformance.md",
    "export/kerasae_export/photo/families/photo-2/README.md": "export/photo-2.md",
    "LICENSE": "LICENSE.txt",
}
_LINK = re.compile(r"(?P<start>\]\()(?P<target>[^)#\s:]+)(?P<anchor>#[^)\s]*)?(?P<end>\))")
TITLES = {
    "README.md": "Manual",
    "docs/receiver.md": "Start-up of a receiver",
    "export/README.md": "On a phone and elsewhere",
    "export/kerasae_export/photo/families/photo-2/README.md": "The tables photo-2",
}
"""Names in the navigation of pages whose first heading does not say what they are for."""

WIDE_TABLES = {
    *("notebooks/README.md", "docs/codec.md", "docs/compression.md", "docs/schemes.md"),
    *("docs/scheme_quality.md", "docs/onnx.md"),
    "docs/mutation.md",
}
"""Pages of few headings, whose tables take the room of a list of them."""

DOORS = {"10": ("learn", "02-0"), "09": ("build", "02-0")}
"""Pictures of the front page, by the number of the chapter they are from."""

_CELL = re.compile(r"<td(?P<rest>[^>]*)>(?P<text>.*?)</td>", flags=re.DOTALL)
_NO_HEADER = re.compile(r"<th([^>]*)></th>")
_LONG = 50  # characters of a table's cell
_IMAGE = re.compile(r'(?P<open><a [^>]*>)?(?P<tag><img [^>]*?src="(?P<source>[^":]+\.png)"[^>]*>)')
_LEAST = 200  # pixels of a picture that is worth a page of its own
_WIDE = 600  # pixels from which a picture holds too much for a phone's width
_INLINE = re.compile(r"(?<!<pre>)(?<!</span>)<code>(?P<text>[^<>\n]+)</code>")
_WORD = 30  # characters of code that stay on one line
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", flags=re.DOTALL | re.MULTILINE)
_PRIVATE_BASE = re.compile(r"(?<=Bases: )<code>(?:<[^>]*>)*_\w+(?:<[^>]*>)*</code>,\s*")
_NESTED = re.compile(r'(<nav class="md-nav" data-md-level="[1-9]") [^>]*>')
_SOURCE = re.compile(r"(?<=<summary>Source code in <code>)[^<]*")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write the navigation from the files that exist."""
    parts: dict[str, list[Any]] = {}
    for path in CHAPTERS:
        number = int(path.name[:2])
        part = PARTS[max(first for first in PARTS if first <= number)]
        entry = {f"{number:02} {chapters.title(path)}": f"notebooks/{path.stem}.md"}
        parts.setdefault(part, []).append(entry)
    api = Path(config.docs_dir, "api")
    first = ["api/index.md", *(f"api/{name}.md" for name in _API)]
    rest = sorted({f"api/{path.name}" for path in api.glob("*.md")} - set(first))
    config.nav = [
        {"Home": "index.md"},
        {"Chapters": ["notebooks/README.md", *({k: v} for k, v in parts.items())]},
        {"API": first + rest},
        {"Guides": [{k: [_entry(name) for name in v]} for k, v in _guides().items()]},
    ]
    return config


_API = [
    "builders",
    "data",
    "training",
    "evaluation",
    "priors",
    "samplers",
    "plots",
    "applications",
    "layers",
    "export",
    "codec",
    "commands",
]


def _entry(name: str) -> Any:
    target = MOVED.get(name, name)
    return {TITLES[name]: target} if name in TITLES else target


def _guides() -> dict[str, list[str]]:
    known = [name for names in GUIDES.values() for name in names]
    found = [f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))]
    others = {"Build and train": [name for name in found if name not in known]}
    return {group: names + others.get(group, []) for group, names in GUIDES.items()}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside of `pages/`, and all that they show or link to."""
    pages: dict[str, str] = {}
    for path, found in zip(CHAPTERS, _chapters(), strict=True):
        pages[f"notebooks/{path.name}"], parts = chapters.chapter(path)
        parts[f"covers/{found.number}.webp"] = gallery.cover(found, parts)
        if found.number in DOORS:
            door, place = DOORS[found.number]
            picture = gallery.card_picture(parts[f"{found.stem}/{place}.png"])
            files.append(File.generated(config, f"assets/front/{door}.webp", content=picture))
        for name, data in parts.items():
            files.append(File.generated(config, f"notebooks/{name}", content=data))
    for name, data in live.files().items():
        files.append(File.generated(config, name, content=data))
    phone = gallery.card_picture((ROOT / "docs" / "page_phone.png").read_bytes(), top=True)
    files.append(File.generated(config, "assets/front/deploy.webp", content=phone))
    for name in itertools.chain(["notebooks/README.md"], *_guides().values()):
        pages[name] = (ROOT / name).read_text(encoding="utf-8")
    own = {file.src_uri: file.content_string for file in files.documentation_pages()}
    linked = {config.theme["logo"]}
    for name, text in (pages | own).items():
        target = MOVED.get(name, name).replace(".ipynb", ".md")
        text = _with_links(text, name, target, {*pages, *own}, linked)
        if name in own:
            files.remove(files.src_uris[name])
        files.append(File.generated(config, target, content=text))
    for name in linked - {*files.src_uris}:
        data = (ROOT / name).read_bytes()
        files.append(File.generated(config, MOVED.get(name, name), content=data))
    return files


def _chapters() -> tuple[gallery.Chapter, ...]:
    return gallery.all_chapters(ROOT / "notebooks")


def _with_links(text: str, name: str, target: str, pages: set[str], linked: set[str]) -> str:
    """Turn links within the repository to links within the site, outside of code."""
    folder = posixpath.dirname(name)

    def turn(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match["target"]))
        if path not in pages and f"{path}/README.md" in pages:
            path = f"{path}/README.md"
        if identifier := _identifier(path):
            return f"][{identifier}]"
        if path not in pages and (ROOT / path).is_file():
            linked.add(path)
        there = MOVED.get(path, path).replace(".ipynb", ".md")
        relative = posixpath.relpath(there, posixpath.dirname(target) or ".")
        return f"{match['start']}{relative}{match['anchor'] or ''}{match['end']}"

    pieces, position = [], 0
    for code in _CODE.finditer(text):
        pieces += [text[position : code.start()], code[0]]
        position = code.end()
    pieces.append(text[position:])
    # A link's text may hold code, so that a link can begin in one piece and end in the next.
    return "".join(
        piece if index % 2 else _LINK.sub(turn, piece) for index, piece in enumerate(pieces)
    )


def _identifier(path: str) -> str | None:
    """The name in the API reference of what a source file is about, if it is there."""
    module = path.removeprefix("export/").removesuffix(".py").replace("/", ".")
    if not path.endswith(".py") or not module.startswith(("kerasae.", "kerasae_export.")):
        return None
    module = module.removesuffix(".__init__")
    described = _described()
    if path.endswith("__init__.py"):
        return module if module in described else None
    package, parent = module.partition(".")[0], module.rpartition(".")[0]
    siblings = _exports(posixpath.join(posixpath.dirname(path), "__init__.py"))
    for name in _exports(path):
        inside = module in described or (parent in described and name in siblings)
        if f"{package}.{name}" in described or (inside and not name.isupper()):
            return f"{module}.{name}"
    return None


def _described() -> set[str]:
    """All that the pages of the API reference name, modules as a whole and single names."""
    return {
        name
        for page in (ROOT / "website" / "pages" / "api").glob("*.md")
        for name in re.findall(r"^::: (\S+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }


def _exports(path: str) -> list[str]:
    """What a module has in `__all__`, or else its functions and classes."""
    tree = parse((ROOT / path).read_text(encoding="utf-8"))
    for node in tree.body:
        if getattr(getattr(node, "targets", [None])[0], "id", None) == "__all__":
            return [each.value for each in node.value.elts if isinstance(each, Constant)]
    return [node.name for node in tree.body if isinstance(node, FunctionDef | ClassDef)]


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in what is counted and what is listed."""
    if page.file.src_uri in WIDE_TABLES:
        page.meta["hide"] = ["toc"]
    if page.file.src_uri == "index.md":
        minutes = sum(chapter.minutes for chapter in _chapters())
        return front.fill(markdown, len(CHAPTERS), minutes)
    if page.file.src_uri == "notebooks/README.md":
        return gallery.cards(markdown, _chapters(), PARTS)
    if page.file.src_uri == "api/index.md":
        return markdown.replace("<!-- names -->", _names())
    if page.file.src_uri == "api/commands.md":
        return commands.fill(markdown)
    if page.file.src_uri.startswith("api/"):
        return registers.fill(markdown)
    return markdown


def _names() -> str:
    """Every public name of both packages and of their modules, as links to its description."""
    homes = {package.__name__: package.__all__ for package in (kerasae, kerasae_export)}
    described = _described()
    for module in sorted(described):
        path = Path(module.replace(".", "/"))
        path = "export" / path if module.startswith("kerasae_export") else path
        for source in (path.with_suffix(".py"), path / "__init__.py"):
            if (ROOT / source).is_file():
                classes = module == "kerasae.layers"  # such as GRU; elsewhere these are constants
                names = _exports(f"{source}")
                homes[module] = [name for name in names if classes or not name.isupper()]

    def target(home: str, name: str) -> str:
        """Where it is described: a function that is called as its module is, by the module."""
        inside = f"{home}.{name}.{name}"
        return inside if inside in described else f"{home}.{name}"

    return "\n\n".join(
        f"**`{home}`**: " + " ·\n".join(f"[`{name}`][{target(home, name)}]" for name in names)
        for home, names in homes.items()
    )


def on_page_content(content: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Typeset the formulas; leave source out of the search; give what is long room."""
    if not any(heading.children for heading in page.toc):
        page.meta.setdefault("hide", ["toc"])  # room for what there is
    source = '<details class="mkdocstrings-source"'
    content = content.replace(source, f"{source} data-search-exclude")
    content = _SOURCE.sub(lambda path: path[0].replace("/", "/<wbr>"), content)
    content = _PRIVATE_BASE.sub("", content)
    content = _CELL.sub(_with_room, content)
    content = _INLINE.sub(_on_one_line, content)
    content = _with_pictures(content, page, files)
    content = _NO_HEADER.sub(r"<td\1></td>", content)  # the corner of a table heads nothing
    stem = Path(page.file.src_uri).stem
    if stem in {chapter.stem for chapter in _chapters()}:
        content = content.replace("</h1>", f"</h1>{gallery.reading_line(_chapters(), stem)}", 1)
    if page.file.src_uri == "index.md":
        content = content.replace("<!-- demonstration -->", front.demonstration())
    content = live.fill(content, posixpath.relpath(".", posixpath.dirname(page.url) or ".") + "/")
    return formulas.typeset(content, page.file.src_uri)


def _with_room(cell: re.Match[str]) -> str:
    characters = len(re.sub(r"<[^>]*>", "", cell["text"]))
    if characters < _LONG:
        return cell[0]
    name = "long" if characters < 3 * _LONG else "longer"
    return f'<td class="{name}"{cell["rest"]}>{cell["text"]}</td>'


def _on_one_line(code: re.Match[str]) -> str:
    """Keep short words of code from being broken, at the hyphens of an option above all."""
    words = [
        f'<span class="word">{word}</span>' if "-" in word and len(word) < _WORD else word
        for word in code["text"].split(" ")
    ]
    if len(words) == 1 and len(code["text"]) < _WORD:
        return f'<code class="word">{code["text"]}</code>'
    return f"<code>{' '.join(words)}</code>"


def _with_pictures(content: str, page: Page, files: Files) -> str:
    """Let a picture lead to itself in its full size, and mark those that are wide."""

    def turn(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.url), match["source"]))
        file = files.get_file_from_path(path)
        if file is None:
            return match[0]
        width, height = struct.unpack(">II", file.content_bytes[16:24])
        kind = ' class="wide"' if width >= _WIDE else ""
        if match["open"]:
            return match[0].replace("<a ", f"<a{kind} ", 1)
        tag = match["tag"]
        if " width=" not in tag:
            size = f'width="{width}" height="{height}" loading="lazy"'
            tag = tag.replace("<img ", f"<img {size} ", 1)
        if width < _LEAST:
            return tag
        return f'<a{kind} href="{match["source"]}">{tag}</a>'

    return _IMAGE.sub(turn, content)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Name the search, and make one landmark of the navigation, for those who do not see it."""
    output = output.replace('role="dialog">', 'role="dialog" aria-label="Search">', 1)
    return _NESTED.sub(r'\1 role="none">', output)


def on_post_template(output: str, *, template_name: str, config: MkDocsConfig) -> str:
    """Say on the page for what is not found where to go on."""
    if template_name != "404.html":
        return output
    home = re.search(r'<a href="([^"]*)" title="[^"]*" class="md-header__button', output)
    assert home is not None
    base = posixpath.dirname(home[1])
    links = " or ".join(
        f'<a href="{posixpath.join(base, page)}">{name}</a>'
        for name, page in (("home", "index.html"), ("the chapters", "notebooks/index.html"))
    )
    found, number = re.subn(
        r"<h1>404[^<]*</h1>",
        f"<h1>Not found</h1><p>There is no page of this address. Go {links}, or search above.</p>",
        output,
    )
    assert number == 1
    return found


def on_post_build(*, config: MkDocsConfig) -> None:
    """Give the formulas their letters, and the site what is not made of pages."""
    formulas.write_font(Path(config.site_dir))
    finish.finish(Path(config.site_dir))
