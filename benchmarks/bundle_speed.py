"""How long a bundle's codec takes in Python, C++ and JavaScript, and how much memory.

    python benchmarks/bundle_speed.py

Two committed bundles in int8, one that cuts an image into tiles, on a photograph of 512 x 768, and
one of digits, on 64 of them side by side. Milliseconds by the clock, since JavaScript knows no
other; the best of several rounds, in processes that take turns, since other work on the machine
only ever slows a run down. All models run in one thread. Python and C++ run LiteRT, JavaScript runs
LiteRT.js in Chromium, which `npm` fetches. Python and C++ must write the same file. Writes
results/bundle_speed.json and the table of docs/codec.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerasae_export import Codec

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "tests" / "golden"
RESULT = HERE / "results" / "bundle_speed.json"
PAGE = HERE.parent / "docs" / "codec.md"
MARKS = ("<!-- bundles -->", "<!-- /bundles -->")
TURNS, ROUNDS = 5, 5
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

IN_THE_BROWSER = """async ([height, width, rounds]) => {
  const { Engine } = await import("./page/engine.js");
  const data = new Uint8Array(await (await fetch("./pixels.bin")).arrayBuffer());
  const best = { load: Infinity, encode: Infinity, decode: Infinity };
  const address = (path) => new URL(path, location).href;
  const timed = async (name, job) => {
    const start = performance.now();
    const result = await job();
    best[name] = Math.min(best[name], performance.now() - start);
    return result;
  };
  let kae;
  const engine = new Engine();  // LiteRT.js starts once in a page
  const litert = address(document.body.dataset.litert);
  await timed("load", () => engine.open({ bundle: address("bundle/"), litert }, () => {}));
  for (let i = 0; i < rounds; ++i) {
    ({ kae } = await timed("encode", () => engine.encode({ data, height, width }, () => {})));
    await timed("decode", () => engine.decode({ kae }, () => {}));
  }
  return { ...best, bytes: kae.length };
}"""


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(in_python(Path(sys.argv[1]), Path(sys.argv[2]))))
        return
    import skimage.data
    from PIL import Image

    import kerasae

    photograph = Image.fromarray(skimage.data.astronaut())
    digits = np.round(255 * kerasae.load_images("digits").test[:64]).astype(np.uint8)
    subjects = {
        "grid": np.asarray(photograph.resize((768, 512), Image.Resampling.BICUBIC)),
        "blocks": digits.reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, 64, 1),
    }
    program = built()
    found: dict[str, Any] = {}
    for name, image in subjects.items():
        bundle = GOLDEN / name / "bundle"
        found[name] = {"size": list(image.shape), **measured(bundle, image, program)}
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "litert": version("ai-edge-litert"),
        "unit": "milliseconds by the clock, best of the rounds; megabytes of the process",
        "rounds": TURNS * ROUNDS,
        "bundles": found,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    PAGE.write_text(before + "\n".join([MARKS[0], *table(found), MARKS[1]]) + after, "utf-8")
    print(json.dumps(result, indent=1))


def measured(bundle: Path, image: NDArray[np.uint8], program: Path) -> dict[str, Any]:
    """Each language in turn, several times."""
    sizes = [str(n) for n in image.shape[:2]]
    best: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        pixels = Path(name) / "pixels.bin"
        pixels.write_bytes(image.tobytes())
        np.save(Path(name) / "image.npy", image)
        python = [sys.executable, __file__, str(bundle), str(Path(name) / "image.npy")]
        cpp = [str(program), str(bundle), str(pixels), *sizes, str(ROUNDS)]
        for _ in range(TURNS):
            ways: dict[str, Callable[[], dict[str, Any]]] = {
                "Python": lambda: printed(python),
                "C++": lambda: printed(cpp),
                "JavaScript": lambda: in_chromium(bundle, image),
            }
            for language, way in ways.items():
                run = way()
                held = best.setdefault(language, run)
                for part in ("load", "encode", "decode", "megabytes"):
                    held[part] = round(min(held[part], run[part]), 3)
    if best["Python"].pop("sha256") != best["C++"].pop("sha256"):
        raise SystemExit(f"Python and C++ write other files with {bundle}.")
    return best


def printed(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def in_python(bundle: Path, path: Path) -> dict[str, Any]:
    """What Python takes, in a process of its own."""
    image = np.load(path)
    found = {"load": np.inf, "encode": np.inf, "decode": np.inf}

    def timed(part: str, job: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = job()
        found[part] = min(found[part], 1e3 * (time.perf_counter() - start))
        return result

    data = b""
    for _ in range(ROUNDS):
        codec = timed("load", lambda: Codec.load(bundle))
        data = timed("encode", lambda codec=codec: codec.compress(image))
        timed("decode", lambda codec=codec, data=data: codec.decompress(data))
    return {**found, "megabytes": largest("self"), "sha256": hashlib.sha256(data).hexdigest()}


def in_chromium(bundle: Path, image: NDArray[np.uint8]) -> dict[str, Any]:
    """What a page takes whose worker runs LiteRT.js."""
    from playwright.sync_api import sync_playwright

    with served(bundle, image) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        page = browser.new_page()
        page.goto(address)
        found = page.evaluate(IN_THE_BROWSER, [*image.shape[:2], ROUNDS])
        found["megabytes"] = max(largest(pid) for pid in renderers())
        browser.close()
    return dict(found)


@contextlib.contextmanager
def served(bundle: Path, image: NDArray[np.uint8]) -> Iterator[str]:
    """The page of a bundle, and the picture beside it."""
    from kerasae_export.page.litertjs import find_litert_js
    from kerasae_export.page.serve import PageServer
    from kerasae_export.page.site import make_site

    site = make_site(bundle, find_litert_js(os.environ.get("LITERT_JS")))
    site["pixels.bin"] = image.tobytes()
    server = PageServer(site, port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.addresses[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def renderers() -> list[str]:
    """The processes of Chromium that run a page."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"--type=renderer" in path.read_bytes():
                found.append(path.parent.name)
    return found


def largest(process: str) -> float:
    """Megabytes that a process had at most since its program began."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text()
        return round(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024, 1)
    return 0.0


def built() -> Path:
    """The C++ program, with the LiteRT that Python runs."""
    from ports import build

    package = importlib.util.find_spec("ai_edge_litert")
    assert package
    assert package.submodule_search_locations
    library = Path(package.submodule_search_locations[0]) / "libLiteRt.so"
    options = ["-DKERASAE_BENCHMARKS=ON", "-DCMAKE_BUILD_TYPE=Release", "-DKERASAE_TESTS=OFF"]
    folder = HERE.parent / "build" / "ports-release"
    return build(folder, "kerasae_benchmark_bundle", *options, f"-DKERASAE_LITERT={library}")


def table(found: dict[str, Any]) -> list[str]:
    lines = [
        "| bundle | image | | load, ms | encode, ms | decode, ms | memory, MB |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for name, entry in found.items():
        size = " x ".join(map(str, entry["size"]))
        for language in ("C++", "Python", "JavaScript"):
            run = entry[language]
            figures = [f"{run[part]:.1f}" for part in ("load", "encode", "decode")]
            cells = [name, size, language, *figures, f"{run['megabytes']:.0f}"]
            lines.append(f"| {' | '.join(cells)} |")
            name = size = ""
    return lines


if __name__ == "__main__":
    main()
