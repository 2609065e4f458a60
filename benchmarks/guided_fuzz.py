"""Fuzzing guided by coverage: Python's and JavaScript's readers on the same bytes.

    pip install --require-hashes -r .ci/fuzz.txt
    python benchmarks/guided_fuzz.py --seconds 300 --corpus build/corpus
    python benchmarks/guided_fuzz.py --seconds 60 --photo          # version 2

Manifests are valid and extreme: tables with entries of one and of 4095, offsets at their bounds,
classes, qualities, indices. Of each input the fuzzer decides size, count, payload and CRC, so that
what it finds lies behind the checksum. A crash, another verdict of the other reader, or too much
time for an input ends the run, and the input stays in a file named `crash-...` or `timeout-...`.
The last lines state executions, coverage and corpus.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["kerasae_export.format", "kerasae_export.photo"]):
    import numpy as np

    from kerasae_export.errors import BitstreamError, BundleError
    from kerasae_export.format import bitstream
    from kerasae_export.format.family import CELL
    from kerasae_export.format.manifest import Manifest
    from kerasae_export.format.payload import unpack_block
    from kerasae_export.format.photo import unpack, unpredict_lowest
    from kerasae_export.format.photo_file import Head, read_photo, write_photo
    from kerasae_export.photo.codec import PhotoCodec
    from kerasae_export.runtime.codec import Codec

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "tests" / "golden"
MAX_PIXELS = 2**16
MANIFESTS = 24
SOURCES = ["grid", "indices", "bundles/blocks-int8-both", "bundles/grid-int8-both"]


def extreme(rng: np.random.Generator) -> str:
    """A valid manifest with tables as they may be, and hardly ever are."""
    name = str(
        rng.choice(["grid", "indices", "bundles/blocks-int8-both", "bundles/grid-int8-both"])
    )
    content = json.loads((GOLDEN / name / "bundle" / "manifest.json").read_text())
    codec = content["codec"]
    if codec["layout"] == "grid":
        codec["group"] = int(rng.choice([1, 2, 8192]))
    first = codec["qualities"][0]
    count = 1 if codec["codebook"] else int(rng.choice([1, 2, 64]))
    codec["qualities"] = []
    for _ in range(count):
        quality = copy.deepcopy(first)
        channels = len(quality["step"]["mantissas"])
        if codec["layout"] == "grid":
            quality["classes"] = int(rng.choice([1, 2, 3, 64 if count < 3 else 4]))
        quality["tables"] = [table(rng) for _ in range(quality["classes"] * channels)]
        codec["qualities"].append(quality)
    return json.dumps(content)


def table(rng: np.random.Generator) -> dict[str, object]:
    entries = int(rng.choice([2, 3, 17, 2049]))
    frequencies = np.ones(entries, int)
    frequencies[rng.integers(entries)] += 4096 - entries
    offset = int(rng.choice([-(2**30), -3, 0, 2**30]))
    return {"offset": offset, "frequencies": frequencies.tolist()}


class Readers:
    """Both readers of the same manifests and families."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        texts = [extreme(rng) for _ in range(MANIFESTS)]
        manifests = [Manifest.from_json(text) for text in texts]
        self.codecs = [Codec(m, None, None, max_pixels=MAX_PIXELS) for m in manifests]  # type: ignore[arg-type]
        self.photographs = PhotoCodec.load(max_pixels=MAX_PIXELS)
        families = {f.digest[:2].hex(): f.content.decode() for f in self.photographs.families}
        told = {"manifests": texts, "families": families, "maxPixels": MAX_PIXELS}
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(told, file)
        self.node = subprocess.Popen(
            ["node", str(HERE / "fuzzing" / "verdicts.mjs"), file.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def python(self, which: int, kind: str, data: bytes) -> str:
        """What the Python reader says."""
        codec = self.codecs[which]
        try:
            if kind == "photo":
                return judged(self.photographs, data)
            if kind == "manifest":
                Manifest.from_json(data)
                return "fine"
            if kind == "file":
                found = [codec.unpack(data)]
                return " ".join(told(*one) for one in found)
            blocks = bitstream.read_stream(data, codec._hash, **codec._allowed(data))
            return " ".join(
                told(symbols, b.height, b.width, b.quality)
                for b in blocks
                for symbols in unpack_block(codec.layout, b, codec._limits)
            )
        except (BitstreamError, BundleError) as error:
            return type(error).__name__

    def javascript(self, which: int, kind: str, data: bytes) -> str:
        """What the JavaScript reader says."""
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        self.node.stdin.write(f"{which} {kind} {data.hex()}\n")
        self.node.stdin.flush()
        return self.node.stdout.readline().rstrip("\n")


def told(symbols: np.ndarray, height: int, width: int, quality: int) -> str:
    return f"{height}x{width}q{quality}:{zlib.crc32(np.ascontiguousarray(symbols, '<i4'))}"


def both(readers: Readers, content: bytes) -> None:
    """One input: which manifest, what kind, and then what the kind needs."""
    take = atheris.FuzzedDataProvider(content)
    which = take.ConsumeIntInRange(0, MANIFESTS - 1)
    kind = ("file", "stream", "manifest")[take.ConsumeIntInRange(0, 2)]
    codec = readers.codecs[which]
    names = {"qualities": codec.qualities}
    if kind == "manifest":
        data = take.ConsumeBytes(2**16)
    elif kind == "file":
        data = bitstream.write_image(block(take, codec, 1), codec._hash, **names)
    else:
        blocks = [block(take, codec, take.ConsumeIntInRange(1, 300)) for _ in range(3)]
        blocks = blocks[: take.ConsumeIntInRange(0, 3)]
        data = bitstream.write_stream(blocks, codec._hash, **names)
    compare(readers, which, kind, data)


def compare(readers: Readers, which: int, kind: str, data: bytes) -> None:
    verdicts = readers.python(which, kind, data), readers.javascript(which, kind, data)
    if verdicts[0] != verdicts[1]:
        raise AssertionError(f"{kind} {which} {data.hex()}: {verdicts}")


def block(take: atheris.FuzzedDataProvider, codec: Codec, count: int) -> bitstream.Block:
    height, width = take.ConsumeIntInRange(0, 300), take.ConsumeIntInRange(0, 300)
    quality = take.ConsumeIntInRange(1, codec.qualities)
    payload = take.ConsumeBytes(take.ConsumeIntInRange(0, 4000))
    return bitstream.Block(count, height, width, payload, quality)


def photo(readers: Readers, content: bytes) -> None:
    take = atheris.FuzzedDataProvider(content)
    head = Head(
        take.ConsumeIntInRange(1, 100), take.ConsumeIntInRange(0, 64), take.ConsumeIntInRange(0, 64)
    )
    digest = readers.photographs.families[0].digest
    compare(readers, 0, "photo", write_photo(head, take.ConsumeBytes(4000), digest))


def sow(corpus: Path, codec: PhotoCodec) -> None:
    """Sound payloads to begin with, and behind them what `photo` takes from the end."""
    rng = np.random.default_rng(0)
    for i, (height, width) in enumerate([(1, 1), (16, 16), (17, 33), (40, 24), (64, 64)]):
        noise = rng.integers(0, 256, (height, width, 3), np.uint8)
        ramp = np.broadcast_to(np.linspace(0, 255, width)[:, None], noise.shape).astype(np.uint8)
        for quality, image in ((10 + i, noise), (90 - i, ramp)):
            data = codec.compress(image, quality=quality)
            _, payload = read_photo(data, codec.families[0].digest, max_pixels=MAX_PIXELS)
            (corpus / f"sound-{quality}").write_bytes(payload + bytes([width, height, quality - 1]))


def judged(codec: PhotoCodec, data: bytes) -> str:
    """What is said of a file of version 2: its symbols and classes, which are exact everywhere."""
    codec.decompress(data)
    family = codec.families[0]
    head, payload = read_photo(data, family.digest, max_pixels=MAX_PIXELS)
    rows, columns = -(-head.height // CELL), -(-head.width // CELL)
    symbols, classes, _ = unpack(family, payload, rows, columns, family.band(head.quality))
    unpredict_lowest(symbols, rows, columns)
    sums = [zlib.crc32(np.ascontiguousarray(part, "<i4")) for part in (symbols, classes)]
    return f"{head.height}x{head.width}q{head.quality}:{sums[0]}:{sums[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--corpus", type=Path, default=Path("build/corpus"))
    parser.add_argument("--seed", type=int, default=0, help="0 draws one")
    parser.add_argument("--photo", action="store_true", help="photographs, version 2 of the format")
    options = parser.parse_args()
    corpus = options.corpus / ("photo" if options.photo else "both")
    corpus.mkdir(parents=True, exist_ok=True)
    arguments = [sys.argv[0], str(corpus), f"-max_total_time={options.seconds}", "-timeout=20"]
    arguments.append(f"-seed={options.seed}")
    arguments += ["-max_len=8192", "-print_final_stats=1", "-rss_limit_mb=2048", "-len_control=0"]
    readers, one = Readers(), photo if options.photo else both
    if options.photo:
        sow(corpus, readers.photographs)
    atheris.Setup(arguments, lambda content: one(readers, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
