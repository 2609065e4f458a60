"""The website, built as a reader gets it: complete, sound, and sufficient without a network."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import kerasae
import kerasae_export

REPOSITORY = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((REPOSITORY / "notebooks").glob("[0-9][0-9]_*.ipynb"))
FETCHED = {  # what a browser fetches without being asked
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}

pytestmark = pytest.mark.slow


@dataclass
class Reading(HTMLParser):
    """What a page links to, fetches, and can be linked to at."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    pictures: list[dict[str, str | None]] = field(default_factory=list)
    formulas: int = 0
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in {"img", "link", "meta", "br", "hr", "input", "source", "path"}:
            self.within.append(tag)
        self.ids |= {value for key in ("id", "name") if (value := given.get(key))}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "link" and not {"canonical", "next", "prev"} & {*(given["rel"] or "").split()}:
            self.fetched.append(given["href"] or "")
        if given.get(FETCHED.get(tag, "")):
            self.fetched.append(given[FETCHED[tag]] or "")
        self.fetched += re.findall(r"url\(([^)]*)\)", given.get("style") or "")
        assert "srcset" not in given
        if tag == "img":
            self.pictures.append(given)
        self.formulas += tag == "math"

    def handle_endtag(self, tag: str) -> None:
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"code", "pre", "script", "style", "annotation"} & {*self.within}:
            self.text.append(data)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Reading]:
    read = {}
    for path in site.rglob("*.html"):
        read[path] = Reading()
        read[path].feed(path.read_text(encoding="utf-8"))
    return read


def test_every_chapter_is_a_page_in_the_navigation(site, pages):
    links = pages[site / "notebooks" / "index.html"].links
    for path in CHAPTERS:
        assert f"{path.stem}.html" in links
        notebook = json.loads(path.read_text(encoding="utf-8"))
        page = pages[site / "notebooks" / f"{path.stem}.html"]
        drawn = sum(
            "image/png" in output.get("data", {}) and "text/markdown" not in output["data"]
            for cell in notebook["cells"]
            for output in cell.get("outputs", [])
        )
        shown = [picture["src"] or "" for picture in page.pictures]
        # Sliders show a picture, too.
        assert sum(source.startswith(f"{path.stem}/") for source in shown) >= drawn


def test_links_and_anchors_lead_somewhere(site, pages):
    for path, page in pages.items():
        base = site if path.name == "404.html" else path.parent
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            if parts.path.startswith("/"):
                target = site / unquote(parts.path).lstrip("/")
            else:
                target = (base / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), (path.name, link)
            if parts.fragment and target in pages:
                known = {*pages[target].ids, "__comments"}
                assert unquote(parts.fragment) in known, (path.name, link)


def test_nothing_is_fetched_from_elsewhere(site, pages):
    for path, page in pages.items():
        for address in page.fetched:
            assert address.startswith("data:") or not urlsplit(address).netloc, (path, address)
    for path in site.rglob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", path.read_text("utf-8")):
            assert "//" not in "".join(address) or "data:" in "".join(address), (path, address)


def test_every_public_name_is_described(site, pages):
    """The list of names links to each; that the links lead somewhere is tested above."""
    links = {link.rpartition("#")[2] for link in pages[site / "api" / "index.html"].links}
    homes = {f"{package.__name__}." for package in (kerasae, kerasae_export)}
    homes |= {f"{home}." for home in kerasae._HOME.values()}
    homes |= {f"{home}." for home in kerasae_export._HOME.values()}
    for name in [*kerasae.__all__, *kerasae_export.__all__]:
        assert {f"{home}{name}" for home in homes} & links, name


def signatures(page: Path) -> dict[str, str]:
    """Name of what is described -> its signature, as a reader sees it."""
    found = re.findall(
        r'<h\d id="([\w.]+)" class="doc doc-heading">(?:(?!<h\d ).)*?'
        r'<div class="doc-signature highlight">(.*?)</div>',
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    return {name: html.unescape(re.sub(r"<[^>]*>", "", text)) for name, text in found}


def test_signatures_say_all_that_a_caller_needs(site):
    """Those of classes with defaults, and no type by a name that is explained nowhere."""
    shown = {}
    for page in (site / "api").glob("*.html"):
        shown |= signatures(page)
    assert "epochs: int = 20" in shown["kerasae.TrainConfig"]
    assert "level: float" in shown["kerasae.layers.MaskingCorruption"]
    assert "kerasae_export.Codec" not in shown  # `load` makes one
    assert "train: NDArray[float32]" in shown["kerasae.Images"]
    unknown = r"\b(Calibration|Floats|Integers|LabelMaps|Mask|Pictures?|Pixels|Scores|Values)\b"
    for name, text in shown.items():
        assert not re.search(unknown, text), (name, text)


def test_formulas_are_typeset(pages):
    assert sum(page.formulas for page in pages.values()) > 40
    for path, page in pages.items():
        text = "".join(page.text)
        assert not re.search(r"\\[(\[]|\$\$|\$[^$\n]*\\[a-z]+[^$\n]*\$", text), path


def test_pictures_say_what_they_show(pages):
    for path, page in pages.items():
        for picture in page.pictures:
            # The title beside a chapter's picture says what it is; the codec's pages are their own.
            beside = "covers/" in (picture["src"] or "") or "try" in path.parts
            assert picture.get("alt") or (beside and "alt" in picture), (path, picture)


def test_wide_pictures_lead_to_their_full_size(site):
    wide = re.compile(r'<a class="wide" href="(?P<there>[^"]+)"><img [^>]*src="(?P<shown>[^"]+)"')
    for name in ("manual", "docs/compression", "notebooks/16_export"):
        found = wide.findall((site / f"{name}.html").read_text(encoding="utf-8"))
        assert found, name
        assert all(there == shown for there, shown in found), name


def test_options_stay_on_one_line(site):
    page = (site / "manual.html").read_text(encoding="utf-8")
    assert '<code class="word">--help</code>' in page
    assert '<code>kerasae export RUN <span class="word">--out</span> BUNDLE</code>' in page


def test_a_page_that_is_not_found_leads_on(pages, site):
    page = pages[site / "404.html"]
    text = "".join(page.text)
    assert "There is no page of this address" in text
    assert {"/index.html", "/notebooks/index.html"} <= {*page.links}


def test_search_needs_no_server(site):
    index = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    found = {entry["location"].split("#")[0] for entry in json.loads(index[14:])["docs"]}
    assert {f"notebooks/{path.stem}.html" for path in CHAPTERS} <= found
    assert "api/builders.html" in found
    assert "IFrameWorker" in (site / "assets" / "iframe-worker.js").read_text(encoding="utf-8")


@pytest.mark.browser
def test_pages_fit_a_phone_and_need_no_network(site, chromium):
    """Opened from their folder, as a reader without a server would do."""
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, offline=True, reduced_motion="reduce"
    )
    page = context.new_page()
    asked: set[str] = set()
    faults: list[str] = []
    page.on("request", lambda request: asked.add(urlsplit(request.url).scheme))
    page.on("pageerror", lambda error: faults.append(str(error)))
    for path in sorted(site.rglob("*.html")):
        # The links of 404.html begin at a server's root; the codec's pages need a server.
        if path.name != "404.html" and "try" not in path.parts:
            page.goto(path.as_uri())
            wide: Any = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 360, path
    page.goto((site / "index.html").as_uri())
    page.fill(".md-search__input", "posterior collapse")
    page.wait_for_selector(".md-search-result__item")
    assert asked <= {"file", "data", "blob"}
    assert not faults
    context.close()


def test_a_site_without_npm_shows_a_recorded_digit(monkeypatch):
    """And so does one that is made without a network, where npm fails."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "website"))
    import demo
    import front

    whole = front.demonstration()
    assert whole.count("demo-begin") == len(demo.front_sizes())  # 1 where this machine has no npm
    monkeypatch.setattr(demo, "front_sizes", lambda: {demo.PHOTOGRAPHS: 400_000})
    page = front.demonstration()
    assert "Recorded: this copy of the site was built without npm." in page
    assert 'data-digit=""' in page
    assert page.count("loads 0.4 MB once") == 1
    assert page.count("assets/front/digit-") == 5


def test_each_chapter_is_a_card_with_its_best_picture(site, pages):
    page = (site / "notebooks" / "index.html").read_text(encoding="utf-8")
    cards = re.findall(r'<a class="card" href="([^"]+)"><img src="([^"]+)"', page)
    assert [href for href, _ in cards] == [f"{path.stem}.html" for path in CHAPTERS]
    pictures = {(site / "notebooks" / picture).read_bytes() for _, picture in cards}
    assert len(pictures) == len(CHAPTERS)
    assert sum(map(len, pictures)) < 600_000
    minutes = re.findall(r'<span class="card-minutes">(\d+) min</span>', page)
    assert len(minutes) == len(CHAPTERS)
    assert all(4 <= int(each) <= 45 for each in minutes)


def test_each_chapter_leads_to_those_before_and_after_it(site):
    for at, path in enumerate(CHAPTERS):
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        line = re.search(r'<p class="reading">.*?</p>', page)
        assert line is not None, path
        links = re.findall(r'<a href="([^"]+)"[^>]*>(\w+)', line[0])
        wanted = {}
        if at:
            wanted["Previous"] = f"{CHAPTERS[at - 1].stem}.html"
        if at < len(CHAPTERS) - 1:
            wanted["Next"] = f"{CHAPTERS[at + 1].stem}.html"
        assert {name: href for href, name in links} == wanted | {"All": "index.html"}
        assert re.search(r"\d+ minutes to read", line[0])
