"""The model card of a bundle: what it is, where it fails, how to call it."""

from __future__ import annotations

import json

from kerasae_export.format.manifest import Edge, Manifest, Part

__all__ = ["model_card"]


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
        facts=json.dumps(dict(manifest.facts), indent=2, default=str),
        shape=list(manifest.encoder.input.shape),
        **_calls(manifest),
    )


def _floats(manifest: Manifest) -> str:
    """Which layers of a bundle in int8 are not, where that was allowed."""
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


def _calls(manifest: Manifest) -> dict[str, str]:
    """How to find and to call the encoder: a file of its own, or a signature of the only one."""
    encoder, decoder = manifest.encoder, manifest.decoder
    code = _WORDS[encoder.output.dtype]
    words = {
        "file": encoder.file,
        **_WORDS[encoder.input.dtype],
        **{f"code_{word}": code[word] for word in ("c_type", "c_field", "kotlin", "kotlin_note")},
    }
    if encoder.signature is None:
        rows = [f"| `{part.file}` | {_edges(part)} |" for part in (encoder, decoder)]
        words |= {"key": "", "comma_key": "", "key_comma": ""} | _SEPARATE
    else:
        what = [f"signature `{part.signature}`: {_edges(part)}" for part in (encoder, decoder)]
        rows = [f"| `{encoder.file}` | {'; '.join(what)} |"]
        key = f'"{encoder.signature}"'
        words |= {"key": key, "comma_key": f", {key}", "key_comma": f"{key}, "} | _BOTH
    return {
        **words,
        "files": "\n".join(rows),
        "swift": words["swift"].format(**words),
        "cpp": words["cpp"].format(**words),
    }


_SEPARATE = {
    "call": "The snippets run the encoder; the decoder is called alike.",
    "swift": """\
let encoder = try Interpreter(modelPath: path)
try encoder.allocateTensors()
try encoder.copy(pixels, toInputAt: 0)      // Data of {kind}
try encoder.invoke()
let code = try encoder.output(at: 0).data""",
    "cpp": """\
    interpreter->AllocateTensors() != kTfLiteOk) return false;
std::copy(pixels, pixels + count, interpreter->typed_input_tensor<{c_type}>(0));
if (interpreter->Invoke() != kTfLiteOk) return false;
const {code_c_type}* code = interpreter->typed_output_tensor<{code_c_type}>(0);""",
}

_BOTH = {
    "call": "The snippets run the encoder, the signature `encode`; `decode` is called alike. A\n"
    "program that names no signature may get either of them.",
    "swift": """\
let interpreter = try Interpreter(modelPath: path)
let encoder = try interpreter.signatureRunner(with: {key})
try encoder.allocateTensors()
try encoder.copy(pixels, toInputNamed: "input")      // Data of {kind}
try encoder.invoke()
let code = try encoder.output(named: "output_0").data""",
    "cpp": """\
    interpreter->GetSignatureRunner({key}) == nullptr) return false;
tflite::SignatureRunner* encoder = interpreter->GetSignatureRunner({key});
if (encoder->AllocateTensors() != kTfLiteOk) return false;
std::copy(pixels, pixels + count, encoder->input_tensor("input")->data.{c_field});
if (encoder->Invoke() != kTfLiteOk) return false;
const {code_c_type}* code = encoder->output_tensor("output_0")->data.{code_c_field};""",
}


_WORDS = {
    "uint8": {
        "pixels": "0 to 255",
        "kind": "UInt8",
        "c_type": "uint8_t",
        "c_field": "uint8",
        "kotlin": "Int8",
        "kotlin_note": "                // bytes are signed: code[i].toInt() and 0xFF",
        "js": "Uint8Array",
    },
    "float32": {
        "pixels": "0 to 1, a pixel divided by 255",
        "kind": "Float32",
        "c_type": "float",
        "c_field": "f",
        "kotlin": "Float",
        "kotlin_note": "",
        "js": "Float32Array",
    },
    "int32": {  # a code of indices
        "c_type": "int32_t",
        "c_field": "i32",
        "kotlin": "Int",
        "kotlin_note": "",
    },
}

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


def _edge(edge: Edge) -> str:
    shape = list(edge.shape)
    if edge.dtype != "uint8":
        return f"{edge.dtype} {shape}"
    return f"uint8 {shape}, value = {edge.scale:.9g} * (q - {edge.zero_point})"


_CARD = """\
# Bundle {bundle}: {model}

An autoencoder for {image} images with a code of {code}, stored as {scheme}, and all that a
codec around it needs. `manifest.json` holds every number below in a form for programs.
{floats}
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

## Other languages

{call} `pixels` holds
the values of the input in the order rows, columns, channels: {pixels}, without an alpha channel.
Between encoder and decoder go through value and symbol, since the scales of the two differ. To
write and to read `.kae` files, a program also needs tiling and entropy coder: FORMAT.md of
kerasae-export.

### Kotlin (`com.google.ai.edge.litert:litert`, 2.x)

```kotlin
import com.google.ai.edge.litert.CompiledModel

val model = CompiledModel.create(context.assets, "{file}")
val inputs = model.createInputBuffers({key})
val outputs = model.createOutputBuffers({key})
inputs[0].write{kotlin}(pixels)
model.run(inputs, outputs{comma_key})
val code = outputs[0].read{code_kotlin}(){code_kotlin_note}
model.close()
```

### Swift (pod `TensorFlowLiteSwift`)

```swift
import TensorFlowLite

{swift}
```

### C++ (TensorFlow Lite)

```cpp
#include "tensorflow/lite/interpreter.h"
#include "tensorflow/lite/kernels/register.h"
#include "tensorflow/lite/model.h"

auto model = tflite::FlatBufferModel::BuildFromFile("{file}");  // outlives interpreter
tflite::ops::builtin::BuiltinOpResolver resolver;
std::unique_ptr<tflite::Interpreter> interpreter;
if (!model || tflite::InterpreterBuilder(*model, resolver)(&interpreter) != kTfLiteOk ||
{cpp}
```

### JavaScript (`@litertjs/core`)

```js
import {{loadLiteRt, loadAndCompile, Tensor}} from "@litertjs/core";

await loadLiteRt("wasm/");                  // once, the folder of its wasm files
const model = await loadAndCompile("{file}", {{accelerator: "wasm"}});
const input = new Tensor(new {js}(pixels), {shape});
const [output] = await model.run({key_comma}input);
const code = await output.data();
input.delete();
output.delete();
```

These snippets show the calls; they are not built together with this file.
"""
