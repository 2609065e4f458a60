"""The page's server and its files: what is sent, what is refused, what is written. No browser."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import json
import re
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from click.testing import CliRunner
from PIL import Image

import kerasae.cli
from kerasae_export.cli import run
from kerasae_export.errors import BundleError, SiteError
from kerasae_export.format.family import Family
from kerasae_export.page import litertjs
from kerasae_export.page.serve import PageServer
from kerasae_export.page.site import make_site, mime_type, policy, write_site
from kerasae_export.photo.shipped import shipped_families

BUNDLE = Path(__file__).parent / "golden" / "blocks" / "bundle"
LITERT = dict.fromkeys((*litertjs.FILES, litertjs.LICENCE), b"// stands for LiteRT.js" * 100)


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    return make_site(BUNDLE, LITERT)


@pytest.fixture(scope="module")
def photographs() -> dict[str, bytes]:
    """The site that needs no bundle."""
    return make_site()


@pytest.fixture(scope="module")
def server(site: dict[str, bytes]) -> Iterator[PageServer]:
    with PageServer(site, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: PageServer, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    with contextlib.closing(http.client.HTTPConnection(*server.server_address[:2])) as connection:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        headers.setdefault("Host", "127.0.0.1")
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read()


def test_every_file_is_sent_as_it_is_with_its_type(server, site):
    for path, content in site.items():
        answer, body = ask(server, f"/{path}")
        assert (answer.status, body) == (200, content), path
        assert answer.headers["Content-Type"] == mime_type(path) != "application/octet-stream" or (
            path.endswith((".tflite", ".kae"))
        )
    assert ask(server, "/")[1] == ask(server, "/?anything")[1] == site["index.html"]
    assert mime_type("x.wasm") == "application/wasm"
    assert mime_type("x.js").startswith("text/javascript")


def test_headers_allow_the_page_nothing_but_itself(server):
    for path in ("/", "/page/worker.js", "/missing"):
        headers = ask(server, path)[0].headers
        rules = dict(r.strip().split(" ", 1) for r in headers["Content-Security-Policy"].split(";"))
        assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
        assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert not re.search(r"https?:|\*|data:", headers["Content-Security-Policy"])
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Server"] == "kerasae"
        assert headers["Set-Cookie"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/..", "/../manifest.json", "/bundle/../../README.md", "/%2e%2e/manifest.json",
        "/bundle/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/bundle", "/bundle/", "/page/",
        "/bundle//manifest.json", "/bundle/manifest.json/", "/bundle\\manifest.json",
        "/./index.html", "index.html", "http://127.0.0.1/index.html", "/page/index.html",
        "/page/apache-2.0.txt", "/index.html%00", "/" + "a" * 5000,
    ],
)  # fmt: skip
def test_nothing_else_is_there(server, path):
    answer, body = ask(server, path)
    assert answer.status == 404
    assert body == b"There is no such file on this page.\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_nothing_can_be_sent_to_it(server, method):
    answer, body = ask(server, "/", method)
    assert (answer.status, body) == (405, b"This server only sends files.\n")


def test_head_and_revalidation_and_packing(server, site):
    answer, body = ask(server, "/page/style.css", "HEAD")
    assert (answer.status, body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(site["page/style.css"])
    again, body = ask(server, "/page/style.css", If_None_Match=answer.headers["ETag"])
    assert (again.status, body) == (304, b"")
    packed, body = ask(server, "/page/style.css", Accept_Encoding="gzip, br")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["X-Size"]) == len(gzip.decompress(body)) > 2 * len(body)
    assert gzip.decompress(body) == site["page/style.css"]
    assert "immutable" in ask(server, "/litert/2.5.3/index.js")[0].headers["Cache-Control"]
    assert ask(server, "/sw.js")[0].headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("127.0.0.1:8000", 200), ("localhost:1", 200), ("[::1]:8000", 200),
        ("192.168.1.7:8000", 200), (socket.gethostname(), 200), ("rebound.example", 421),
        ("127.0.0.1.example:8000", 421), ("localhost.example", 421), ("", 421), ("[::1", 421),
    ],
)  # fmt: skip
def test_it_answers_to_its_own_address_only(server, host, status):
    """Or any page on the web could read the bundle through a name that points here."""
    assert ask(server, "/", Host=host)[0].status == status


def test_nonsense_is_refused_and_the_server_lives_on(server):
    for sent in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(server.server_address[:2], timeout=5) as connection:
            connection.sendall(sent)
            said = connection.recv(2000)
        assert b"Traceback" not in said
        assert b"python" not in said.lower()
    assert ask(server, "/")[0].status == 200


def test_it_listens_on_this_machine_only_unless_told(server, site):
    assert server.server_address[0] == "127.0.0.1"
    assert server.addresses == [f"http://127.0.0.1:{server.server_port}/"]
    with PageServer(site, "0.0.0.0", 0) as wide:
        assert wide.addresses[0] == f"http://127.0.0.1:{wide.server_port}/"
        assert len(wide.addresses) <= 2
    with pytest.raises(SiteError, match=r"`host` and `port` must be free to listen on, here"):
        PageServer(site, port=server.server_port)
    with pytest.raises(SiteError, match=r"`host` must be an address of this machine. Received"):
        PageServer(site, "nowhere.invalid", 0)


@pytest.mark.parametrize("kind", ["site", "photographs"])
def test_the_site_holds_what_the_page_asks_for(kind, request):
    """Each address in it leads to a file of it, and none elsewhere."""
    site = request.getfixturevalue(kind)
    for name in (n for n in site if n.startswith(("page/", "codec/")) or n == "index.html"):
        if name.endswith(".webp"):
            continue
        text = site[name].decode()
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), name
        for target in re.findall(r'(?:from|import\()\s*"([^"]+)"', text):
            assert target.startswith("."), (name, target)
            found = (Path("/") / name).parent / target
            assert str(found.resolve()).lstrip("/") in site, (name, target)
    page = site["index.html"].decode()
    for target in re.findall(r'(?:href|src)="([^"#]+)"', page):
        assert target in site, target
    assert f'content="{policy()}"' in page
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|{{|<!-- ", page)
    assert "page/" + re.search(r'data-engine="([^"]+)"', page)[1] in site
    used = {"photo-engine.js", "engine.js", "worker.js", "app.js", "photo-app.js"}
    imported = {
        target.rpartition("/")[2]
        for name in site
        if name.startswith("page/") and name.endswith(".js")
        for target in re.findall(r'from\s*"([^"]+)"', site[name].decode())
    }
    spare = {n.removeprefix("page/") for n in site if re.fullmatch(r"page/.*\.js", n)}
    assert spare <= imported | used  # no module is sent in vain
    listed = json.loads(re.search(r"const SITE = (.*);", site["sw.js"].decode())[1])
    assert listed["files"] == sorted(set(site) - {"sw.js"})
    web = json.loads(site["manifest.webmanifest"])
    for icon in web["icons"]:
        with Image.open(io.BytesIO(site[icon["src"]])) as picture:
            assert icon["sizes"] == "{}x{}".format(*picture.size)
            assert picture.getextrema()[0][0] < picture.getextrema()[0][1]


def test_photographs_need_no_bundle_and_no_model(photographs):
    families = shipped_families()
    page = photographs["index.html"].decode()
    named = re.search(r'data-families="([^"]+)"', page)[1].split()
    assert named == [family.digest[:2].hex() for family in families]
    for name, family in zip(named, families, strict=True):
        assert Family.from_json(photographs[f"families/{name}.json"]).digest == family.digest
    assert not any(name.startswith(("bundle/", "litert/")) for name in photographs)
    assert not {"page/litert.js", "page/engine.js", "page/pad.js"} & set(photographs)
    assert mime_type("page/cat.webp") == "image/webp"
    with Image.open(io.BytesIO(photographs["page/cat.webp"])) as picture:
        np.testing.assert_array_equal(np.asarray(picture), skimage.data.chelsea())
    for word in ("LiteRT", "bundle</", "pad-area", "explore"):
        assert word not in page


def test_another_bundle_is_another_version(site, photographs):
    assert photographs["sw.js"] != site["sw.js"]
    other = make_site(BUNDLE.parents[1] / "grid" / "bundle", LITERT)
    assert site["sw.js"] != other["sw.js"]
    assert site["sw.js"] == make_site(BUNDLE, LITERT)["sw.js"]


def test_a_damaged_bundle_is_not_served(tmp_path):
    with pytest.raises(BundleError, match=r"`bundle` must be a bundle's folder. Received: "):
        make_site(tmp_path / "none", LITERT)
    folder = tmp_path / "bundle"
    write_site({p.relative_to(BUNDLE).as_posix(): p.read_bytes() for p in files(BUNDLE)}, folder)
    (folder / "encoder.tflite").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"encoder.tflite is not the file that manifest.json"):
        make_site(folder, LITERT)


def test_a_manifest_that_changes_while_it_is_read_is_noticed(monkeypatch):
    text = json.loads((BUNDLE / "manifest.json").read_bytes())
    text["pixel_tolerance"] += 1
    other = json.dumps(text).encode()
    monkeypatch.setattr("kerasae_export.page.site.read_file", lambda *_: other)
    with pytest.raises(BundleError, match=r"^manifest\.json was changed while it was read\.$"):
        make_site(BUNDLE, LITERT)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_site_is_written_whole_or_not_at_all(site, tmp_path, monkeypatch):
    folder = write_site(site, tmp_path / "deep" / "site")
    assert {p.relative_to(folder).as_posix(): p.read_bytes() for p in files(folder)} == site
    (folder / "old").touch()
    write_site(site, folder)  # an older site is replaced
    assert not (folder / "old").exists()

    def fail(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    for target in (folder, tmp_path / "other"):
        with pytest.raises(SiteError, match=r"cannot be written: No space left on device\."):
            write_site(site, target)
    assert {p.relative_to(folder).as_posix() for p in files(folder)} == set(site)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep"]


def test_a_folder_of_something_else_is_not_replaced(site, tmp_path, monkeypatch):
    (tmp_path / "mine").touch()
    with pytest.raises(SiteError, match="`folder` must not exist, be empty, or hold a site"):
        write_site(site, tmp_path)
    with pytest.raises(SiteError, match="`folder` must not exist, be empty, or hold a site"):
        write_site(site, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SiteError, match="`folder` must be one that can be replaced"):
        write_site(site, ".")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


# LiteRT.js


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no npm."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "cache" / "kerasae"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Small files in place of those of LiteRT.js, and the packages that hold them."""
    index = b'import { x } from "@litertjs/wasm-utils";\n//# sourceMappingURL=index.js.map'
    contents = {name: index if name == "index.js" else name.encode() for name in litertjs.FILES}
    pinned = {
        name: (litertjs.FILES[name][0], litertjs._digest(content))
        for name, content in contents.items()
    }
    monkeypatch.setattr(litertjs, "FILES", pinned)
    packages = {}
    archives = {}
    for package, (archive, _) in litertjs.PACKAGES.items():
        part = package.removeprefix("@litertjs/").partition("@")[0]
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, (place, _) in pinned.items():
                if place.startswith(f"{part}/"):
                    info = tarfile.TarInfo(f"package/{place.removeprefix(f'{part}/')}")
                    info.size = len(contents[name])
                    tar.addfile(info, io.BytesIO(contents[name]))
        archives[archive] = buffer.getvalue()
        packages[package] = (archive, litertjs._digest(buffer.getvalue()))
    monkeypatch.setattr(litertjs, "PACKAGES", packages)
    return archives


def fake_npm(tmp_path: Path, body: str) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")
    npm.chmod(0o755)


def test_without_npm_a_sentence_says_what_to_do(cache):
    with pytest.raises(SiteError) as caught:
        litertjs.find_litert_js()
    message = str(caught.value)
    assert message.count(". ") == 0
    assert "npm pack @litertjs/core@2.5.3 @litertjs/wasm-utils@2.5.3" in message
    assert "`--litert-js DIR`" in message
    assert not cache.exists()


def test_npm_fetches_it_once_with_progress(cache, small, tmp_path):
    for name, content in small.items():
        (tmp_path / name).write_bytes(content)
    fake_npm(tmp_path, f"cp {tmp_path}/*.tgz . && echo once >> {tmp_path}/calls")
    seen: list[tuple[int, int]] = []
    found = litertjs.find_litert_js(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert b'from "./wasm-utils.js"' in found["index.js"]
    assert b"sourceMappingURL" not in found["index.js"]
    assert b"Apache License" in found[litertjs.LICENCE]
    assert litertjs.find_litert_js() == found
    assert (tmp_path / "calls").read_text() == "once\n"
    folder = litertjs.cache_folder()
    assert [p.name for p in cache.iterdir()] == [folder.name]
    assert (folder / litertjs.LICENCE).read_bytes() == found[litertjs.LICENCE]
    (folder / "index.js").write_text("damaged")  # is fetched again
    assert litertjs.find_litert_js() == found
    assert (tmp_path / "calls").read_text() == "once\nonce\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo 'npm error code E404' >&2; exit 1", r"failed: code E404; with no network, name"),
        ("""echo '{"error": {"code": "EAI_AGAIN", "summary": "no such host"}}'; exit 1""",
         r"failed: EAI_AGAIN no such host; with"),
        ("exit 0", r"`npm pack` did not leave litertjs-core-2.5.3.tgz"),
        ("for n in core wasm-utils; do echo other > litertjs-$n-2.5.3.tgz; done",
         r"litertjs-core-2.5.3.tgz is not the file of @litertjs/core@2.5.3 that was expected"),
    ],
)  # fmt: skip
def test_a_fetch_that_fails_leaves_nothing(cache, small, tmp_path, body, message):
    fake_npm(tmp_path, body)
    with pytest.raises(SiteError, match=message):
        litertjs.find_litert_js()
    assert not cache.exists() or not list(cache.iterdir())


def as_archives(folder: Path, archives: dict[str, bytes]) -> Path:
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    return folder


def as_modules(folder: Path, archives: dict[str, bytes]) -> Path:
    for name, content in archives.items():
        part = name.removeprefix("litertjs-").removesuffix("-2.5.3.tgz")
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar.getmembers():
                target = folder / "node_modules/@litertjs" / part / member.name[8:]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
    return folder


@pytest.mark.parametrize("fill", [as_archives, as_modules])
def test_a_folder_stands_in_for_npm(
    cache: Path, small: dict[str, bytes], tmp_path: Path, fill: Callable[..., Path]
) -> None:
    (tmp_path / "given").mkdir()
    found = litertjs.find_litert_js(fill(tmp_path / "given", small))
    assert set(found) == {*litertjs.FILES, litertjs.LICENCE}
    assert not cache.exists()


def test_a_folder_of_something_else_does_not(cache, small, tmp_path):
    with pytest.raises(SiteError, match=r"`litert_js` must be a folder with litertjs-core-2\.5\.3"):
        litertjs.find_litert_js(tmp_path)
    as_archives(tmp_path, small)
    (tmp_path / "litertjs-core-2.5.3.tgz").write_bytes(b"other")
    with pytest.raises(SiteError, match=r"is not the file of @litertjs/core@2\.5\.3 that was"):
        litertjs.find_litert_js(tmp_path)


# The command


def test_the_command_builds_a_site(cache, small, tmp_path, capsys):
    folder = as_archives(tmp_path / "bin", small)
    arguments = ["serve", str(BUNDLE), "--litert-js", str(folder), "--build", str(tmp_path / "out")]
    assert run(arguments) == 0
    assert re.search(r"out: \d+ files, [\d,]+ bytes; host it anywhere", capsys.readouterr().out)
    assert (tmp_path / "out" / "bundle" / "manifest.json").is_file()
    (tmp_path / "out" / "sw.js").unlink()
    assert run(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("kae: `--build` must not exist, be empty, or hold a site to replace.")


def test_the_command_builds_the_site_of_photographs_without_npm(cache, tmp_path, capsys):
    assert run(["serve", "--build", str(tmp_path / "out")]) == 0
    assert re.search(r"out: \d+ files, [\d,]+ bytes; host it anywhere", capsys.readouterr().out)
    site = make_site()
    found = {p.relative_to(tmp_path / "out").as_posix(): p for p in files(tmp_path / "out")}
    assert {name: path.read_bytes() for name, path in found.items()} == site
    done = CliRunner().invoke(kerasae.cli.main, ["serve", "--build", str(tmp_path / "other")])
    assert (done.exit_code, done.stderr) == (0, "")


def test_the_command_says_in_one_sentence_what_is_wrong(cache, tmp_path, capsys):
    assert run(["serve", str(tmp_path / "none")], program="kerasae") == 1
    said = capsys.readouterr().err  # and does not fetch anything before
    assert said == f"kerasae: `BUNDLE` must be a bundle's folder. Received: {tmp_path}/none\n"
    assert run(["serve", str(BUNDLE)], program="kerasae") == 1
    assert capsys.readouterr().err.startswith("kerasae: npm, which comes with Node.js, fetches")
    done = CliRunner().invoke(kerasae.cli.main, ["serve", str(tmp_path / "none")])
    assert done.exit_code == 1
    assert done.stderr.startswith("kerasae: `BUNDLE` must be a bundle's folder. Received: ")
    for wrong in (["--port", "70000"], ["--port", "x"], ["another"]):
        with pytest.raises(SystemExit) as stopped:
            run(["serve", str(BUNDLE), *wrong])
        assert stopped.value.code == 2
    assert "argument --port: must be an integer from 0 to 65535. Received: x" in (
        capsys.readouterr().err
    )
