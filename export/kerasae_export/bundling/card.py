"""The model card of a bundle: what it is, where it fails, how to call it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kerasae_export.bundling.summary import AT_A_GLANCE, summary
from kerasae_export.format.manifest import Edge, Manifest, Part

__all__ = ["model_card"]

_NAMED = 40  # classes


def model_card(manifest: Manifest) -> str:
    """Return the bundle's README.md as Markdown."""
    spec = manifest.codec
    height, width = spec.tile
    image = f"{height} x {width} x {spec.channels}"
    code = " x ".join(map(str, spec.code_shape))
    return _CARD.format(
        model=manifest.facts.get("model", "autoencoder"),
        image=image,
        code=code,
        scheme=manifest.scheme,
        floats=_floats(manifest),
        bundle=manifest.bundle_hash[:16],
        layout=_LAYOUTS[spec.layout].format(margin=spec.margin),
        tolerance=manifest.pixel_tolerance,
        measured=_measured(manifest),
        symbols=_SYMBOLS[spec.codebook > 0],
        qualities=_QUALITIES.format(count=len(spec.qualities)) if len(spec.qualities) > 1 else "",
        summary=summary(manifest),
        facts=json.dumps(_told(manifest.facts), indent=2, default=str),
        files=_files(manifest),
        onnx="" if manifest.onnx is None else _ONNX,
        labels="" if manifest.labels is None else _LABELS.format(name=manifest.labels.names[-1]),
        channels=spec.channels,
    )


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that no table of the card has."""
    shown = (AT_A_GLANCE, "pixel_differences", "onnx_pixel_differences")
    return {name: fact for name, fact in facts.items() if name not in shown}


def _floats(manifest: Manifest) -> str:
    """Which layers of a bundle in int8 are not, where that was allowed or wanted."""
    layers = manifest.facts.get("float_layers")
    if not isinstance(layers, dict) or not layers:
        return ""
    named = "; ".join(f"{name}: {', '.join(map(str, each))}" for name, each in layers.items())
    return f"\nNot all of it is int8. These layers compute in float32: {named}.\n"


def _measured(manifest: Manifest) -> str:
    """From what the promise about pixels comes, where the facts tell it."""
    found = manifest.facts.get("pixel_differences")
    if found is None:
        return ""
    total = sum(found["pixels"].values())
    same = found["pixels"].get("0", 0)
    return (
        f": on {found['codes']:,} codes, XNNPACK, LiteRT's optimised and its reference kernels "
        f"agree at {same / total:.2%} of the pixels, and differ by up to {found['largest']}"
    )


def _files(manifest: Manifest) -> str:
    """The rows of the models' files: two, or one with both signatures."""
    encoder, decoder = manifest.encoder, manifest.decoder
    if encoder.signature is None:
        rows = [f"| `{part.file}` | {_edges(part)} |" for part in (encoder, decoder)]
    else:
        what = [f"signature `{part.signature}`: {_edges(part)}" for part in (encoder, decoder)]
        rows = [f"| `{encoder.file}` | {'; '.join(what)} |"]
    if manifest.onnx is not None:
        onnx = manifest.onnx
        rows.append(
            f"| `{onnx.encoder}`, `{onnx.decoder}` | the same in float32 for ONNX Runtime, a batch "
            f"of any size; pixels within {onnx.pixel_tolerance} levels of those of TF Lite |"
        )
    if manifest.batch is not None:
        batch = manifest.batch
        where = [
            f"`{part.file}`" + (f", signature `{part.signature}`" if part.signature else "")
            for part in (batch.encoder, batch.decoder)
        ]
        rows.append(
            f"| {'; '.join(where)} | the same for {batch.size} tiles at once, with the same "
            "results, for servers and folders |"
        )
    if manifest.labels is not None:
        names, parts = manifest.labels.names, (manifest.labels.encoder, manifest.labels.decoder)
        classes = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        rows += [
            f"| `{part.file}` | the same, told a class: `{entry}` {_edge(part.input)} and `label` "
            f"{_edge(part.label)}, one-hot -> {_edge(part.output)} |"
            for part, entry in zip(parts, ("image", "code"), strict=True)
        ]
        rows[-1] = rows[-1].removesuffix(" |") + (
            f"; {len(names)} classes: {_escaped(classes)}; pixels within "
            f"{manifest.labels.pixel_tolerance} levels |"
        )
    return "\n".join(rows)


def _escaped(text: str) -> str:
    """A text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


_LAYOUTS = {
    "grid": "larger images are run in overlapping tiles whose codes join into one grid "
    "({margin} cells of margin)",
    "blocks": "larger images are cut into tiles that are coded one by one",
}


def _edges(part: Part) -> str:
    return f"{_edge(part.input)} -> {_edge(part.output)}"


_SYMBOLS = {
    False: "A symbol is `floor(code / step + 0.5)` with\nthe step of its channel and quality; the "
    "decoder takes `symbol * step`.",
    True: "A symbol is an index into\nthe codebook, as the encoder gives and the decoder takes it.",
}

_QUALITIES = """
data = codec.compress(image, quality=1)     # smaller; 1 to {count}, which is the default"""


_LABELS = """
Told what an image shows, the encoder need not say it, and told another class, the decoder shows
that one. A file does not hold the class and opens with any or none, here and in other languages:

```python
data = codec.compress(image, label={name!r})     # one of codec.class_names, or its number
image = codec.decompress(data, label={name!r})
```
"""

_ONNX = """
By ONNX Runtime (`pip install onnxruntime`), which reads and writes the same files:
`Codec.load("bundle", engine="onnx")`. In other languages its two models are the functions that a
codec takes: pixels / 255 in, real values out, and `symbol * step` in, pixels / 255 out.
"""


def _edge(edge: Edge) -> str:
    shape = list(edge.shape)
    if edge.dtype != "uint8":
        return f"{edge.dtype} {shape}"
    return f"uint8 {shape}, value = {edge.scale:.9g} * (q - {edge.zero_point})"


_CARD = """\
# Bundle {bundle}: {model}

An autoencoder for {image} images with a code of {code}, stored as {scheme}, and all that a
codec around it needs. `manifest.json` holds every number below in a form for programs.
{floats}{summary}
## What it was trained on, and where it fails

```json
{facts}
```

It reconstructs what looks like its training data. On anything else the reconstruction is
worse and the code longer, without any warning: measure on your own images before you rely
on it. It is lossy, and it has seen no adversary. Images of other sizes are accepted:
{layout}.

## Files

| file | what |
|---|---|
{files}
| `manifest.json` | shapes, scales, steps, entropy tables, hashes |
| `golden/` | an image, its symbols, its `.kae` file and its reconstruction, to check a port by |

A pixel p of 0 to 255 stands for the value p / 255. {symbols} Symbols decode exactly on every
device, pixels within {tolerance} levels{measured}.

## Python

```python
from kerasae_export import Codec            # numpy, pillow and ai-edge-litert; no TensorFlow

codec = Codec.load("bundle")
data = codec.compress(image)                # uint8 (height, width, channels) -> bytes{qualities}
image = codec.decompress(data)
```
{labels}{onnx}
## Other languages

The same codec, each with a page in `ports/` of kerasae-export: files are the same bytes in all of
them. Pixels are rows from the top, {channels} bytes each, without an alpha channel.

### Kotlin (Android, `ports/kotlin`)

```kotlin
import kerasae.android.BundleCodec
import kerasae.android.toBitmap
import kerasae.android.toImage

val bundle = BundleCodec.open(context, "bundle")           // this folder, among the app's assets
val data = bundle.codec.compress(bitmap.toImage({channels}))
val rebuilt = bundle.codec.decompress(data).toBitmap()
```

### Swift (iOS and macOS, `ports/swift`)

```swift
import Kerasae
import KerasaeApple

let codec = try Codec(folder: folder)                      // the URL of this folder in the app
let data = try await codec.compress(Image(picture, channels: {channels}))
let rebuilt = try await codec.decompress(data).picture()   // a CGImage, as `picture` is
```

### C++ (`ports/cpp`)

```cpp
#include <kerasae/litert.hpp>

kerasae::Codec codec = kerasae::load_codec("bundle");
kerasae::ByteVector data = codec.compress({{pixels, height, width}});
kerasae::Image rebuilt = codec.decompress(data);
```

### JavaScript (`ports/js`)

```js
import * as litert from "@litertjs/core";
import {{ Codec, parseManifest, verifyFiles }} from "kerasae";
import {{ openModels }} from "kerasae/litert";

await litert.loadLiteRt("wasm/");                          // once, the folder of its wasm files
const {{ "manifest.json": text, ...models }} = files;        // Uint8Arrays by name
const manifest = parseManifest(text);
verifyFiles(manifest, models);
const codec = new Codec(manifest, await openModels(litert, manifest, models));
const data = await codec.compress({{ data: pixels, height, width }});
const rebuilt = await codec.decompress(data);
```

To run the models without the codec, see "Native apps" in the README of kerasae-export.
"""
