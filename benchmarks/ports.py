"""The codec in Python, JavaScript, C++, Kotlin and Swift on the same bytes.

    python benchmarks/ports.py differential                   # 100,000 mutated files
    python benchmarks/ports.py differential --inputs 5000
    python benchmarks/ports.py differential --seconds 300     # as many as that
    python benchmarks/ports.py differential --case 123        # one input again
    python benchmarks/ports.py speed                          # the entropy coder of C++

Good files, streams, photographs and manifests of the conformance set are damaged; half of the
bitstreams get CRCs that fit again. All must accept the same symbols, or refuse with an error
of the same class. C++ is compiled with the address and undefined behaviour sanitizers, and may
allocate 64 MiB at once; Kotlin has a heap of 512 MiB. Swift runs in the root that
export/ports/swift/compile makes. Writes results/ports.json, and for `speed` the table of
docs/codec.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from fuzzing.mutations import mutate_bytes, mutate_json, mutate_text

from kerasae_export.errors import BitstreamError, BundleError
from kerasae_export.format.bitstream import Block, is_stream, read_image, read_stream
from kerasae_export.format.family import Family
from kerasae_export.format.manifest import Manifest
from kerasae_export.format.payload import unpack_block
from kerasae_export.format.photo import unpack, unpredict_lowest
from kerasae_export.format.photo_file import read_photo
from kerasae_export.format.varint import varint
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.codec import Codec

HERE = Path(__file__).parent
PORTS = HERE.parent / "export" / "ports"
SET = PORTS / "conformance"
RESULT = HERE / "results" / "ports.json"
PAGE = HERE.parent / "docs" / "codec.md"
MARKS = ("<!-- C++ -->", "<!-- /C++ -->")
PORTS_PAGE = HERE.parent / "docs" / "ports.md"
PORTS_MARKS = ("<!-- differential -->", "<!-- /differential -->")
MILLIONS, REPEATS = 16, 9
MAX_PIXELS = 2**16
BUILD = HERE.parent.resolve() / "build" / "ports"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kerasae"
LARGEST = 6000  # bytes of an input that is damaged
MACHINE = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
KINDS = {"image": 0.4, "photo": 0.3, "stream": 0.2, "manifest": 0.1}
SANITIZED = {
    "ASAN_OPTIONS": "max_allocation_size_mb=64:allocator_may_return_null=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


@dataclass(frozen=True)
class Sample:
    """A good input: which codec it is for, its bytes, and what its CRC covers."""

    which: int
    data: bytes
    key: bytes = b""
    qualities: int = 1


class Readers:
    """The readers, with the bundles and families of the set."""

    def __init__(self, programs: dict[str, list[str]]) -> None:
        self.index = json.loads((SET / "index.json").read_text())
        self.names = [bundle["name"] for bundle in self.index["bundles"]]
        texts = [(SET / "bundles" / name / "manifest.json").read_text() for name in self.names]
        self.manifests = [Manifest.from_json(text) for text in texts]
        self.codecs = [
            Codec(manifest, None, None, max_pixels=MAX_PIXELS)  # type: ignore[arg-type]
            for manifest in self.manifests
        ]
        self.families = {
            case["name"]: Family.from_json((SET / case["file"]).read_bytes())
            for case in self.index["families"]
            if "family_hash" in case
        }
        by_id = {f.digest[:2].hex(): f for f in self.families.values()}
        # The order of C++, which has the members of an object sorted; it decides for no family.
        self.photographs = PhotoCodec(
            [by_id[name] for name in sorted(by_id)], max_pixels=MAX_PIXELS
        )
        families = {name: by_id[name].content.decode() for name in sorted(by_id)}
        told = {"manifests": texts, "families": families, "maxPixels": MAX_PIXELS}
        # In the repository, which Swift's root sees; it is named from there.
        BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=BUILD, delete=False) as file:
            json.dump(told, file)
        self.told = Path(file.name)
        script = HERE / "fuzzing" / "verdicts.mjs"
        commands = {"JavaScript": [str(shutil.which("node")), str(script)], **programs}
        seen = {"Swift": f"/repository/{self.told.relative_to(HERE.parent.resolve())}"}
        self.others = {
            name: subprocess.Popen(
                [*command, seen.get(name, file.name)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **SANITIZED},
            )
            for name, command in commands.items()
        }

    def close(self) -> None:
        """End the processes."""
        for process in self.others.values():
            if process.stdin:
                process.stdin.close()
            process.wait(60)
        self.told.unlink()

    def verdicts(self, which: int, kind: str, data: bytes) -> dict[str, str]:
        """What each says."""
        for process in self.others.values():
            assert process.stdin
            process.stdin.write(f"{which} {kind} {data.hex()}\n")
            process.stdin.flush()
        found = {"Python": self.python(which, kind, data)}
        for name, process in self.others.items():
            assert process.stdout
            line = process.stdout.readline()
            found[name] = line.strip() if line else "no answer: it has ended"
        return found

    def python(self, which: int, kind: str, data: bytes) -> str:
        """What Python says, in the words of `verdicts.mjs`."""
        try:
            if kind == "manifest":
                Manifest.from_json(data)
                return "fine"
            if kind == "photo":
                return self._photograph(data)
            codec = self.codecs[which]
            if kind == "stream":
                blocks = read_stream(data, codec._hash, **codec._allowed(data))
            else:
                blocks = iter([read_image(data, codec._hash, **codec._allowed(data))])
            # Each block is decoded before the next one is read (FORMAT.md, 7).
            found = [(b, unpack_block(codec.layout, b, codec._limits)) for b in blocks]
        except (BitstreamError, BundleError) as error:
            return type(error).__name__
        return " ".join(
            f"{block.height}x{block.width}q{block.quality}:{zlib.crc32(image.tobytes())}"
            for block, images in found
            for image in np.asarray(images, "<i4").reshape(block.count, -1)
        )

    def _photograph(self, data: bytes) -> str:
        self.photographs.decompress(data)
        family = next(f for f in self.photographs.families if f.digest[:2] == data[3:5])
        head, payload = read_photo(data, family.digest, max_pixels=MAX_PIXELS)
        rows, columns = (-(-n // 16) for n in (head.height, head.width))
        found = unpack(family, payload, rows, columns, family.band(head.quality))
        unpredict_lowest(found.symbols, rows, columns)
        sums = [zlib.crc32(part.astype("<i4").tobytes()) for part in (found.symbols, found.classes)]
        return f"{head.height}x{head.width}q{head.quality}:{sums[0]}:{sums[1]}"


class Cases:
    """Makes case number n from n alone."""

    def __init__(self, readers: Readers) -> None:
        self.manifests = [manifest.to_json() for manifest in readers.manifests]
        self.samples: dict[str, list[Sample]] = {"image": [], "stream": [], "photo": []}
        for case in readers.index["files"]:
            data = (SET / case["file"]).read_bytes()
            if "error" not in case and len(data) <= LARGEST:
                which = readers.names.index(case["bundle"])
                manifest = readers.manifests[which]
                key = bytes.fromhex(manifest.bundle_hash)
                sample = Sample(which, data, key, len(manifest.codec.qualities))
                self.samples[case["kind"]].append(sample)
        for case in readers.index["photographs"]:
            data = (SET / case["file"]).read_bytes()
            if "error" not in case and len(data) <= LARGEST:
                key = readers.families[case["family"]].digest
                self.samples["photo"].append(Sample(0, data, key))

    def make(self, number: int) -> tuple[int, str, bytes, bool]:
        """Which codec, the kind, the bytes, and whether their CRCs fit."""
        rng = Random(number)
        (kind,) = rng.choices(list(KINDS), list(KINDS.values()))
        if kind == "manifest":
            return 0, kind, self._manifest(rng), False
        sample, other = (rng.choice(self.samples[kind]) for _ in range(2))
        if rng.random() < 0.5:
            return sample.which, kind, mutate_bytes(rng, sample.data, other.data), False
        if is_stream(sample.data):
            return sample.which, kind, _sealed_stream(rng, sample, other), True
        body = mutate_bytes(rng, sample.data[:-4], other.data)
        return sample.which, kind, body + _crc(sample.key, body), True

    def _manifest(self, rng: Random) -> bytes:
        text = rng.choice(self.manifests)
        if rng.random() < 0.3:
            return mutate_text(rng, text.encode())
        content = json.loads(text)
        mutate_json(rng, content)
        return json.dumps(content).encode("utf-8", "surrogatepass")


def _crc(key: bytes, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(key)).to_bytes(4, "little")


def _sealed_stream(rng: Random, sample: Sample, other: Sample) -> bytes:
    """A stream with one of its parts damaged, under CRCs that fit."""
    options = {"max_pixels": 2**26, "qualities": sample.qualities}
    blocks = list(read_stream(sample.data, sample.key, **options))
    end = b"\0" + varint(sum(block.count for block in blocks))
    parts = [*(_body(block, sample.qualities) for block in blocks), end]
    at = rng.randrange(len(parts))
    parts[at] = mutate_bytes(rng, parts[at], other.data)
    out = previous = sample.data[:5]
    for part in parts:
        previous = _crc(sample.key, previous + part)
        out += part + previous
    return out


def _body(block: Block, qualities: int) -> bytes:
    quality = bytes([block.quality]) if qualities > 1 else b""
    sizes = varint(block.height) + varint(block.width) + varint(len(block.payload))
    return varint(block.count) + quality + sizes + block.payload


def build(folder: Path, program: str, *options: str) -> Path:
    """Compile a program of the C++ port."""
    for command in (
        ["cmake", "-S", str(PORTS / "cpp"), "-B", str(folder), *options],
        ["cmake", "--build", str(folder), "--target", program],
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / program


def sanitized() -> Path:
    """The C++ reader with sanitizers."""
    options = ["-DKERASAE_SANITIZE=address,undefined", "-DCMAKE_CXX_FLAGS=-O1"]
    return build(BUILD, "kerasae_verdicts", *options)


def kotlin(out: Path) -> list[str]:
    """The command of a reader in Kotlin that export/ports/kotlin/compile has made."""
    package = os.environ.get("KOTLIN_COMPILER") or CACHE / "kotlin-2.4.20"
    library = Path(package) / "node_modules" / "kotlin-compiler" / "lib"
    jars = [library / f"{name}.jar" for name in ("kotlin-stdlib", "kotlinx-coroutines-core-jvm")]
    path = ":".join(map(str, [f"{out}.jar", *jars]))
    return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", path, "kerasae.MainKt", "verdicts"]


def swift(out: Path) -> list[str]:
    """The command of a reader in Swift that export/ports/swift/compile has made."""
    script = PORTS / "swift" / "compile"
    return [str(script), "run", str(out), "/out/kerasae-check", "verdicts"]


def compiled(language: str) -> Path:
    """Where the reader of a language is, after it was compiled."""
    out = BUILD / language
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(PORTS / language / "compile"), "core", str(out)], check=True)
    return out


def released(subject: str) -> Path:
    """A benchmark of the C++ port, as an app would be compiled."""
    options = ["-DKERASAE_BENCHMARKS=ON", "-DCMAKE_BUILD_TYPE=Release", "-DKERASAE_TESTS=OFF"]
    folder = HERE.parent / "build" / "ports-release"
    return build(folder, f"kerasae_benchmark_{subject}", *options)


def speed() -> dict[str, object]:
    """Symbols a second of one core, and the table of them."""
    command = [str(released("entropy")), str(MILLIONS), str(REPEATS)]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    lines = [
        "| tables | symbols | lanes | bits a symbol | encode | decode |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        rates = (f"{row[f'{way}_per_second'] / 1e6:.0f}" for way in ("encode", "decode"))
        cells = row["case"], f"{row['symbols']:,}", f"{row['lanes']:,}", row["bits_per_symbol"]
        lines.append(f"| {' | '.join(map(str, (*cells, *rates)))} |")
    put_between(PAGE, MARKS, lines)
    return {"machine": MACHINE, "repeats": REPEATS, "rows": rows}


def put_between(page: Path, marks: tuple[str, str], lines: list[str]) -> None:
    """Replace what stands between two marks of a page."""
    before, rest = page.read_text(encoding="utf-8").split(marks[0])
    after = rest.split(marks[1])[1]
    page.write_text("\n".join([before + marks[0], *lines, marks[1] + after]), encoding="utf-8")


def report(result: dict[str, object]) -> None:
    """Tabulate what the languages said."""
    languages, verdicts, kinds = result["languages"], result["verdicts"], result["kinds"]
    assert isinstance(languages, list)
    assert isinstance(verdicts, dict)
    assert isinstance(kinds, dict)
    assert not result["differing"]
    head = ["| verdict |" + "".join(f" {name} |" for name in languages)]
    head.append("|---|" + "--:|" * len(languages))
    rows = [f"| {word} |" + f" {n:,} |" * len(languages) for word, n in verdicts.items()]
    inputs = ["| damaged | inputs |", "|---|--:|"]
    inputs += [f"| {kind} | {n:,} |" for kind, n in kinds.items()]
    inputs += [f"| all | {result['inputs']:,} |", "", "Not one was read differently:", ""]
    put_between(PORTS_PAGE, PORTS_MARKS, ["", *inputs, *head, *rows, ""])


def differential(readers: Readers, inputs: int, seconds: float) -> dict[str, object]:
    """Run cases, and count what all say."""
    cases, words, kinds = Cases(readers), Counter[str](), Counter[str]()
    start, done, differing = time.monotonic(), 0, []
    for number in range(inputs):
        if time.monotonic() - start > seconds:
            break
        which, kind, data, sealed = cases.make(number)
        found = readers.verdicts(which, kind, data)
        done += 1
        kinds[f"{kind}, CRC repaired" if sealed else kind] += 1
        word = found["Python"]
        words[word if word.endswith("Error") else "accepted"] += 1
        if len(set(found.values())) > 1:
            differing.append({"case": number, "kind": kind} | found)
            print(json.dumps(differing[-1]), file=sys.stderr)
            if len(differing) == 20 or any("ended" in said for said in found.values()):
                break
    return {
        "machine": MACHINE,
        "languages": ["Python", *readers.others],
        "inputs": done,
        "seconds": round(time.monotonic() - start, 1),
        "kinds": dict(sorted(kinds.items())),
        "verdicts": dict(sorted(words.items())),
        "differing": differing,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Ports of the codec, side by side.")
    commands = parser.add_subparsers(dest="command", required=True)
    options = commands.add_parser("differential", help="the same verdict on mutated files")
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seconds", type=float, default=float("inf"))
    options.add_argument("--case", type=int)
    options.add_argument(
        "--program", type=Path, help="kerasae_verdicts, where it is built; - for none"
    )
    options.add_argument("--kotlin", type=Path, help="what kotlin/compile has made; - for none")
    options.add_argument("--swift", type=Path, help="what swift/compile has made; - for none")
    options.add_argument("--out", type=Path, default=RESULT)
    commands.add_parser("speed", help="symbols a second of the entropy coder in C++")
    chosen = parser.parse_args()
    if chosen.command == "speed":
        keep(RESULT, "speed", speed())
        return 0
    programs = {}
    if str(chosen.program) != "-":
        programs["C++"] = [str(chosen.program or sanitized())]
    if str(chosen.kotlin) != "-":
        programs["Kotlin"] = kotlin(chosen.kotlin or compiled("kotlin"))
    if str(chosen.swift) != "-":
        programs["Swift"] = swift(chosen.swift or compiled("swift"))
    readers = Readers(programs)
    try:
        if chosen.case is not None:
            which, kind, data, _ = Cases(readers).make(chosen.case)
            print(which, kind, data.hex(), readers.verdicts(which, kind, data))
            return 0
        result = differential(readers, chosen.inputs, chosen.seconds)
    finally:
        readers.close()
    keep(chosen.out, "differential", result)
    if chosen.out == RESULT and not result["differing"]:
        report(result)
    return 1 if result["differing"] else 0


def keep(file: Path, name: str, result: dict[str, object]) -> None:
    """Write a result beside those that the file has already, and print it."""
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(content | {name: result}, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    sys.exit(main())
