"""What is done with mutated inputs, and what may come of it.

A `Bench` makes case number n of a target from n alone, so that each can be repeated. A case
returns a word for what happened: an error that the documentation names, or "accepted".
`Violation` says that a promise was broken; any other exception is a crash.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from fuzzing.mutations import extreme_integer, mutate_bytes, mutate_json, mutate_text
from kerasae_export.errors import BitstreamError, BundleError
from kerasae_export.format.bitstream import (
    Block,
    is_stream,
    read_image,
    read_stream,
    write_image,
    write_stream,
)
from kerasae_export.format.manifest import MANIFEST, Manifest
from kerasae_export.format.photo_file import read_head, read_photo, write_photo
from kerasae_export.photo.codec import PhotoCodec
from kerasae_export.runtime.codec import Codec

__all__ = ["SHARES", "Bench", "Violation"]

SHARES = {
    "file": 0.20,
    "file, CRC repaired": 0.20,
    "photograph": 0.05,
    "photograph, CRC repaired": 0.05,
    "stream": 0.10,
    "stream, CRC repaired": 0.10,
    "manifest": 0.20,
    "bundle": 0.05,
    "bundle, hashes repaired": 0.05,
}
"""Targets, and how many of all inputs each gets; half of the bitstreams have a valid CRC."""

MAX_PIXELS = 2**20
"""What the reader allows: larger claims must be refused, smaller ones are small."""

_SIZES = [(1, 1), (3, 40), (8, 8), (9, 17), (20, 28), (33, 31), (64, 48)]
_LARGE = [(200, 200), (800, 800)]  # enough symbols for several lanes, and for vectors
_CRC = 4


class Violation(Exception):  # noqa: N818
    """Something that must never happen has happened."""


class Bench:
    """Bundles and sound inputs, from which cases are made.

    Args:
        bundles: Folders of bundles.
        scratch: A folder of its own, for the bundles that are damaged.
    """

    def __init__(self, bundles: list[Path], scratch: Path) -> None:
        self.sources, self.scratch = bundles, scratch / "bundle"
        self.codecs = [Codec.load(folder, max_pixels=MAX_PIXELS) for folder in bundles]
        self.hashes = [bytes.fromhex(codec.manifest.bundle_hash) for codec in self.codecs]
        self.bundles = [
            {
                file.relative_to(folder).as_posix(): file.read_bytes()
                for file in folder.rglob("*")
                if file.is_file()
            }
            for folder in bundles
        ]
        self.manifests = [json.loads(files[MANIFEST]) for files in self.bundles]
        self.photographs = PhotoCodec.load(max_pixels=MAX_PIXELS)
        self.family = self.photographs.families[0].digest
        self.photos = self._photos()
        self.outside = scratch / "secret"
        self.outside.write_bytes(b"secret")
        self.files, self.large, self.streams = zip(*map(self._samples, self.codecs), strict=True)
        for i, data in enumerate(stream for some in self.streams for stream in some):
            which = i // len(self.streams[0])
            assert _join(_pieces(data, self.hashes[which]), self.hashes[which]) == data

    def run(self, target: str, number: int) -> str:
        """Make and run a case."""
        rng = Random(f"{target} {number}")
        which = rng.randrange(len(self.codecs))
        cases: dict[str, Callable[[Random, int], str]] = {
            "file": self._file,
            "file, CRC repaired": self._repaired_file,
            "photograph": self._photograph,
            "photograph, CRC repaired": self._repaired_photograph,
            "stream": self._stream,
            "stream, CRC repaired": self._repaired_stream,
            "manifest": self._manifest,
            "bundle": self._bundle,
            "bundle, hashes repaired": self._repaired_bundle,
        }
        return cases[target](rng, which)

    def _samples(self, codec: Codec) -> tuple[list[bytes], list[bytes], list[bytes]]:
        rng = np.random.default_rng(0)
        channels = codec.manifest.codec.channels

        def picture(i: int, height: int, width: int) -> np.ndarray:
            shape = (height, width, channels)
            if i % 3 == 0:
                return rng.integers(0, 256, shape, np.uint8)
            ramp = np.linspace(0, 255, height * width).reshape(height, width, 1)
            return np.broadcast_to(ramp if i % 3 == 1 else 128, shape).astype(np.uint8)

        images = [picture(i, *size) for i, size in enumerate(_SIZES * 3)]
        files = [codec.compress(image) for image in images]
        large = [codec.compress(picture(i, *size)) for i, size in enumerate(_LARGE)]
        streams = [
            codec.compress_many(some)
            for some in ([], images[:1], images[:7], [images[2]] * 20, [images[0]] * 60)
        ]
        return files, large, streams

    def _file(self, rng: Random, which: int) -> str:
        others = self.files[rng.randrange(len(self.files))]
        return self._damaged(rng, which, self.files[which], others)

    def _stream(self, rng: Random, which: int) -> str:
        return self._damaged(rng, which, self.streams[which], self.streams[which])

    def _damaged(self, rng: Random, which: int, sound: list[bytes], others: list[bytes]) -> str:
        """Without a repaired CRC nothing may pass."""
        data = sound[0]
        while data in sound or data in others:  # a change can undo another, a splice be whole
            data = mutate_bytes(rng, rng.choice(sound), rng.choice(others))
        try:
            self._decode(self.codecs[which], data)
        except BitstreamError as error:
            return type(error).__name__
        raise Violation("a wrong image passed")

    def _decode(self, codec: Codec, data: bytes) -> None:
        if not is_stream(data):
            symbols, height, width, quality = codec.unpack(data)
            if height * width <= 2**14:  # beyond, the symbols will do
                image = codec.decode(symbols, height, width, quality)
                if image.shape[:2] != (height, width) or image.dtype != np.uint8:
                    raise Violation("an image has another size than was claimed")
            return
        codec.decompress_many(data)

    def _repaired_file(self, rng: Random, which: int) -> str:
        large = rng.random() < 0.002
        seed = rng.choice(self.large[which] if large else self.files[which])
        key = self.hashes[which]
        if rng.random() < 0.5:  # any bytes
            body = mutate_bytes(rng, seed[:-_CRC], rng.choice(self.files[which])[:-_CRC])
            data = body + _crc(key, body)
        else:  # a well-formed file with any content
            block = read_image(seed, key, max_pixels=MAX_PIXELS)
            data = write_image(_changed(rng, block), key)
        return self._accepted_or_refused(which, data)

    def _repaired_stream(self, rng: Random, which: int) -> str:
        seed, key = rng.choice(self.streams[which]), self.hashes[which]
        blocks = list(read_stream(seed, key, max_pixels=MAX_PIXELS))
        pieces = _pieces(seed, key)
        kind = rng.randrange(4)
        if kind == 0 and blocks:
            at = rng.randrange(len(blocks))
            blocks[at] = _changed(rng, blocks[at])
            data = write_stream(blocks, key)
        elif kind == 1 and blocks:  # lost, doubled, moved
            rng.shuffle(blocks)
            data = write_stream((blocks * 2)[: rng.randrange(2 * len(blocks) + 1)], key)
        else:
            at = rng.randrange(len(pieces)) if kind == 2 else -1
            pieces[at] = mutate_bytes(rng, pieces[at], rng.choice(pieces))
            data = _join(pieces, key)
        return self._accepted_or_refused(which, data)

    def _accepted_or_refused(self, which: int, data: bytes) -> str:
        try:
            self._decode(self.codecs[which], data)
        except BitstreamError as error:
            return type(error).__name__
        return "accepted"

    def _photos(self) -> list[bytes]:
        """Noise, ramps and plain colours, as files of both efforts."""
        rng, codec = np.random.default_rng(1), self.photographs
        files = []
        for i, (height, width) in enumerate(_SIZES * 3):
            noise = rng.integers(0, 256, (height, width, 3))
            ramp = np.broadcast_to(np.linspace(0, 255, width)[:, None], noise.shape)
            image = [noise, ramp, np.full(noise.shape, 17 * i % 256)][i % 3].astype(np.uint8)
            files.append(codec.compress(image, quality=1 + 7 * i % 100, effort=i // 7 % 2))
        return files

    def _photograph(self, rng: Random, which: int) -> str:
        """Without a repaired CRC nothing may pass."""
        data = self.photos[0]
        while data in self.photos:
            data = mutate_bytes(rng, rng.choice(self.photos), rng.choice(self.photos))
        word = self._rebuild(data)
        if word == "accepted":
            raise Violation("a wrong image passed")
        return word

    def _repaired_photograph(self, rng: Random, which: int) -> str:
        seed, key = rng.choice(self.photos), self.family
        if rng.random() < 0.5:  # any bytes
            body = mutate_bytes(rng, seed[:-_CRC], rng.choice(self.photos)[:-_CRC])
            return self._rebuild(body + _crc(key, body))
        head, payload = read_photo(seed, key, max_pixels=MAX_PIXELS)
        kind = rng.randrange(4)
        if kind == 0:
            side = rng.choice(["height", "width"])
            value = extreme_integer(rng) if rng.random() < 0.5 else rng.randrange(1, 100)
            head = head._replace(**{side: min(abs(value), 2**35 - 1)})
        elif kind == 1:
            head = head._replace(quality=rng.randrange(256))
        elif kind == 2:
            payload = mutate_bytes(rng, payload, payload)
        else:  # any payload, in any number of lanes
            payload = bytes([rng.randrange(12)]) + rng.randbytes(rng.choice([0, 4, 20, 200, 5000]))
        return self._rebuild(write_photo(head, payload, key))

    def _rebuild(self, data: bytes) -> str:
        try:
            image = self.photographs.decompress(data)
        except BitstreamError as error:
            return type(error).__name__
        if image.shape != (*read_head(data)[1:], 3) or image.dtype != np.uint8:
            raise Violation("an image has another size than was claimed")
        return "accepted"

    def _manifest(self, rng: Random, which: int) -> str:
        content, sound = copy.deepcopy(self.manifests[which]), self.bundles[which][MANIFEST]
        if rng.random() < 0.75:
            while content == self.manifests[which]:
                mutate_json(rng, content)
            text = json.dumps(content).encode("utf-8", "surrogatepass")
        else:
            text = sound
            while text == sound:
                text = mutate_text(rng, sound)
        try:
            manifest = Manifest.from_json(text)
        except BundleError:
            return "BundleError"
        if Manifest.from_json(manifest.to_json()) != manifest:
            raise Violation("a manifest does not survive being written and read")
        if rng.random() < 0.5:  # as someone would who makes a bundle of his own
            decoder = self.bundles[which].get(manifest.decoder.file, b"")
            key = manifest.codec.hash(decoder).hex()
            text = dataclasses.replace(manifest, bundle_hash=key).to_json().encode()
        return self._load_and_use({**self.bundles[which], MANIFEST: text}, which)

    def _bundle(self, rng: Random, which: int) -> str:
        """Without new hashes no bundle loads in which a file was changed."""
        files = dict(self.bundles[which])
        names = [name for name in files if name != MANIFEST]
        while files == self.bundles[which]:
            name = rng.choice(names)
            kind = rng.randrange(6)
            if kind == 0:
                del files[name]
            elif kind == 1:
                files[name] = files[rng.choice(names)]
            else:
                files[name] = mutate_bytes(rng, files[name], files[rng.choice(names)])
        link = rng.choice(names) if rng.random() < 0.1 else None
        word = self._load_and_use(files, which, link)
        if word != "BundleError":
            raise Violation("a changed bundle was loaded")
        return word

    def _repaired_bundle(self, rng: Random, which: int) -> str:
        """A stranger's bundle: all hashes fit, but models may be damaged or another's."""
        files, content = dict(self.bundles[which]), copy.deepcopy(self.manifests[which])
        names = [content[part]["file"] for part in ("encoder", "decoder")]
        other = list(self.bundles[rng.randrange(len(self.bundles))].values())
        while files == self.bundles[which]:
            name = rng.choice(names)
            if rng.random() < 0.1:
                files[name] = rng.choice(other)
            else:
                files[name] = mutate_bytes(rng, files[name], rng.choice(other))
        for listed, entry in content["files"].items():
            data = files[listed]
            entry.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        manifest = Manifest.from_json(json.dumps(content))
        key = manifest.codec.hash(files[manifest.decoder.file]).hex()
        files[MANIFEST] = dataclasses.replace(manifest, bundle_hash=key).to_json().encode()
        return self._load_and_use(files, which)

    def _load_and_use(self, files: dict[str, bytes], which: int, link: str | None = None) -> str:
        self._write(files, link)
        try:
            codec = Codec.load(self.scratch, max_pixels=MAX_PIXELS)
        except BundleError:
            return "BundleError"
        image = np.full((9, 10, codec.manifest.codec.channels), 77, np.uint8)
        try:
            rebuilt = codec.decompress(codec.compress(image))
        except (BundleError, BitstreamError) as error:
            return f"{type(error).__name__} in use"
        except ValueError as error:  # documented of `compress`
            if not str(error).startswith("`image`"):
                raise
            return "ValueError in use"
        if rebuilt.shape != image.shape:
            raise Violation("an image has another size than was claimed")
        return "accepted"

    def _write(self, files: dict[str, bytes], link: str | None) -> None:
        """Make the folder hold just these files."""
        if self.scratch.exists():
            shutil.rmtree(self.scratch)
        for name, content in files.items():
            path = self.scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if link is not None:
            with contextlib.suppress(FileNotFoundError):
                (self.scratch / link).unlink()
            (self.scratch / link).symlink_to(self.outside)


def _changed(rng: Random, block: Block) -> Block:
    kind = rng.randrange(4)
    if kind == 0:
        side = rng.choice(["height", "width"])
        value = extreme_integer(rng) if rng.random() < 0.5 else rng.randrange(1, 100)
        return dataclasses.replace(block, **{side: min(abs(value), 2**35 - 1)})
    if kind == 1:
        count = rng.choice([1, 2, 3, block.count + 1, 255, 256, 257, 2**20])
        return dataclasses.replace(block, count=count)
    if kind == 2:
        payload = mutate_bytes(rng, block.payload, block.payload)
    else:  # any payload
        payload = rng.randbytes(rng.choice([0, 1, 4, 5, 20, 200, 5000]))
    return dataclasses.replace(block, payload=payload)


def _crc(key: bytes, body: bytes) -> bytes:
    return zlib.crc32(key + body).to_bytes(_CRC, "little")


def _pieces(stream: bytes, key: bytes) -> list[bytes]:
    """The head of a stream, its blocks and its end, without their CRCs."""
    blocks = list(read_stream(stream, key, max_pixels=MAX_PIXELS))
    bare = write_stream([], key)  # head, a varint of 0 twice, CRC
    head = len(bare) - _CRC - 2
    pieces, at = [stream[:head]], head
    for block in blocks:
        size = len(write_stream([block], key)) - len(bare) - (block.count > 127)
        pieces.append(stream[at : at + size - _CRC])
        at += size
    return [*pieces, stream[at:-_CRC]]


def _join(pieces: list[bytes], key: bytes) -> bytes:
    """A stream with valid CRCs, each of which covers the one before."""
    out, previous = pieces[0], pieces[0]
    for piece in pieces[1:]:
        previous = _crc(key, previous + piece)
        out += piece + previous
    return out
