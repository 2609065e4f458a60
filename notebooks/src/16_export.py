# ---
# jupyter:
#   jupytext:
#     formats: ipynb,src//py:percent
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Export, quantise, verify
#
# A phone likes to multiply integers. A network can do with them, if its converter has seen the
# right images.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os
import tempfile
from pathlib import Path

FAST = os.environ.get("KERASAE_FAST") == "1"
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
folder = Path(scratch.name)
CHOSEN, SEEN, LIMIT = ("300 letters", "dark letters"), *((40, 1500) if FAST else (300, None))
SCHEMES = ("float32", "dynamic", "int8") if FAST else ("float32", "float16", "dynamic", "int8")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import plots
from kerasae_export.conversion import Converter
from kerasae_export.litemodel import LiteModel

import numpy as np

letters = kerasae.load_images("letters", limit=LIMIT)
model = kerasae.load_pretrained("letters-convolutional")
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
some = np.random.default_rng(0).choice(letters.train, SEEN, replace=False)
noise = np.random.default_rng(0).normal(0.5, 0.1, some.shape)
sets = {
    "300 letters": some,
    "10 letters": some[:10],
    "only the I": letters.train[letters.train_labels == 8][:300],
    "grey noise": noise.clip(0, 1).astype("float32"),
    "dark letters": 0.3 * some,
}
sets = {name: seen for name, seen in sets.items() if name in CHOSEN or not FAST}
by_set = {}
with Converter() as converter:
    for number, (name, seen) in enumerate(sets.items()):
        file = folder / f"set-{number}.tflite"
        converter.convert_both(encoder, decoder, file, calibration=seen)
        by_set[name] = LiteModel(file.read_bytes(), signature="encode")

word = []  # each letter from another typeface, which training has not seen
for place, letter in enumerate("QUANTISED"):
    same = np.flatnonzero(letters.test_labels == ord(letter) - ord("A"))
    word.append(letters.test[same[(7 * place + 3) % len(same)]])
word = np.stack(word)
rows = {"original": word, "Keras, 32 bits": model.predict(word, verbose=0)}
for name in ("300 letters", "dark letters"):
    rows[f"8 bits, {name}"] = by_set[name].sibling("decode").run(by_set[name].run(word))
plots.plot_samples(np.stack(list(rows.values())).clip(0, 1), labels=list(rows))

# %% [markdown]
# *Compare the last two rows. The same network, in two files of the same size, and no program
# complained of either. They differ only in the images that the converter was shown.*

# %% [markdown]
# **You will be able to**
#
# - write numbers as 8-bit integers, by hand and with a converter;
# - choose between four schemes by size and quality;
# - pick the images that a converter must see, and recognise the damage of wrong ones;
# - export a bundle, verify it, and see the verification fail;
# - follow an image through both halves, as a phone does.
#
# ## The idea
#
# An image is compressed on one device and rebuilt on another, and neither has Keras. So we cut a
# trained autoencoder at its code, and convert both halves for LiteRT, the runtime of phones. On the
# way 32-bit numbers become 8-bit integers. **Quantisation** writes a real number $r$ as an integer
# $q$:
#
# $$ r \approx s \, (q - z), \qquad q = \mathrm{round}(r / s) + z. $$
#
# The **scale** $s$ is the step of a grid; the **zero point** $z$ is the integer that stands for 0.
# Two errors come with it: between two grid points numbers are *rounded*, beyond its ends they are
# *clipped*. With 256 points, a finer grid covers a shorter range. So $s$ trades one error for the
# other.

# %%
import textwrap
import warnings

import kerasae
from kerasae import evaluation, plots
from kerasae_export import BundleError, Codec, export_bundle, verify_bundle
from kerasae_export.conversion import Converter
from kerasae_export.litemodel import LiteModel

import numpy as np
from ai_edge_litert.interpreter import Interpreter

# %% [markdown]
# ## By hand
#
# `model` is the autoencoder of [chapter 0](00_start_here.ipynb), `letters` are its data, and `word`
# holds the letters of the title picture. `some` are 300 training letters; `by_set` holds five
# files, two of them under the title, by what the converter was shown.
#
# Weights lie around 0, so their grid needs no zero point, and the largest weight sets the scale.
# **Guess first:** with how few bits can you still read the word?

# %%
layers = [part for half in (encoder, decoder) for part in half.layers if hasattr(part, "kernel")]
kernels = [layer.get_weights()[0] for layer in layers]
rows = {}
for bits in (8, 6, 5, 4, 3):
    for layer, kernel in zip(layers, kernels, strict=True):
        largest = np.abs(kernel).max()
        s = largest / (2 ** (bits - 1) - 1)
        q = np.round(kernel / s)  # integers: for 8 bits from -127 to 127
        layer.kernel.assign(s * q)
    rows[f"{bits} bits"] = model.predict(word, verbose=0).clip(0, 1)
for layer, kernel in zip(layers, kernels, strict=True):
    layer.kernel.assign(kernel)  # as they were
plots.plot_samples(np.stack(list(rows.values())), labels=list(rows))

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert np.abs(rows["8 bits"] - model.predict(word, verbose=0).clip(0, 1)).mean() < 0.02

# %% [markdown]
# *Read down. With eight bits nothing seems to change. Each missing bit about doubles the step; with
# three, only 7 values are left, and the word can hardly be read.*

# %% [markdown]
# **Your turn; a few seconds.** One large weight stretches the grid of its whole kernel. Give every
# channel a scale of its own: replace `.max()` by `.max(axis=tuple(range(kernel.ndim - 1)),
# keepdims=True)`. Expect the last rows to get better. Converters do this, too.
#
# Weights are known. An **activation**, what flows between two layers, depends on the image, so its
# range must be observed on examples: **calibration**. Take the code as an example. Guess the scale
# that it needs, the range of the code divided by 255:

# %%
your_scale = 1.0
observed = encoder.predict(some, verbose=0)  # the codes of 300 training letters
s = (observed.max() - observed.min()) / 255
z = round(-observed.min() / s)
edge = by_set["300 letters"].output  # what the converter has chosen
print(f"yours {your_scale}, true {s:.6f}; the converter's {edge.scale:.6f}")
print(f"zero point {z}; the converter's {edge.zero_point}")

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert abs(edge.scale - s) < 1e-5 * s
assert edge.zero_point == z

# %% [markdown]
# For this activation the converter does the same: it takes the smallest and the largest value that
# it has seen. Now a layer can calculate with integers: multiply and add them (in 32<!--given-->
# bits), and scale the sum once. Here is the first one of the decoder:

# %%
dense = decoder.layers[1]
weights, bias = dense.get_weights()
codes = encoder.predict(letters.test, verbose=0)
q = np.clip(np.round(codes / s) + z, 0, 255).astype("int32")
step = np.abs(weights).max(axis=0) / 127
integers = np.round(weights / step).astype("int32")

sums = (q - z) @ integers  # the many multiplications: nothing but integers
exact = codes @ weights + bias
wrong = np.abs(s * step * sums + bias - exact).mean() / exact.std()
print(f"largest sum {np.abs(sums).max():,}, error {wrong:.2%} of the standard deviation")

# %% [markdown]
# ## Four schemes
#
# | scheme | weights | activations | calibration |
# |---|---|---|---|
# | `float32` | 32-bit | 32-bit | none |
# | `float16` | 16-bit | 32-bit | none |
# | `dynamic` | 8-bit integers | 32-bit in the file | none |
# | `int8` | 8-bit integers | 8-bit integers | examples |

# %%
keras_output = model.predict(letters.test, verbose=0).clip(0, 1)
keras_psnr = evaluation.psnr(letters.test, keras_output)
sizes, lost = {}, {}
with Converter() as converter:
    for scheme in SCHEMES:
        file = folder / f"{scheme}.tflite"
        converter.convert_both(encoder, decoder, file, scheme=scheme, calibration=some)
        half = LiteModel(file.read_bytes(), signature="encode")
        outputs = half.sibling("decode").run(half.run(letters.test)).clip(0, 1)
        sizes[scheme] = file.stat().st_size
        lost[scheme] = keras_psnr - evaluation.psnr(letters.test, outputs)
        print(f"{scheme:8} {sizes[scheme]:8,} bytes, {lost[scheme]:6.3f} dB lost")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert sizes["dynamic"] < sizes["int8"] < 0.5 * sizes["float32"]
assert lost["float32"] < 0.01
{"keras": keras_psnr, "int8": lost["int8"], "dynamic": lost["dynamic"]}

# %% [markdown]
# Keras reaches 21.69<!--keras--> dB on letters of unseen typefaces. `dynamic` loses
# 0.02<!--dynamic--> dB, and makes the smallest file; `int8` loses 0.13<!--int8--> dB, and its file
# is a little larger, because it holds the scales of all activations and biases. **Do not take
# `int8` for its size.** Take it where a device only computes with integers, or is faster with them;
# measure that on the device.
#
# ## An experiment: the calibration data
#
# Same weights, same scheme; only the images differ that the converter observes. **Guess the order**
# before you look: 300 letters; 10 letters; only letters I; grey noise; letters at 0.3<!--given-->
# of their brightness.

# %%
rows = {}
for name, half in by_set.items():
    outputs = half.sibling("decode").run(half.run(letters.test)).clip(0, 1)
    lost[name] = keras_psnr - evaluation.psnr(letters.test, outputs)
    shown = half.sibling("decode").run(half.run(word)).clip(0, 1)
    rows[f"{name}: {lost[name]:.2f} dB lost"] = shown
plots.plot_samples(np.stack(list(rows.values())), labels=list(rows))

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert lost["300 letters"] < 0.5
assert FAST or lost["grey noise"] > 1
assert lost["dark letters"] > 5
{"dark": lost["dark letters"]}

# %% [markdown]
# *Compare the rows with the top one. Ten real letters do well here, and even one kind of letter.
# Noise costs decibels, and dark letters cost the most.*

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
axes.hist(codes.ravel(), bins=100, color=plots.MUTED)
for name, colour in (("300 letters", plots.BLUE), ("dark letters", plots.RED)):
    edge = by_set[name].output
    ends = [edge.scale * (q - edge.zero_point) for q in (0, 255)]
    height = 0.9 * axes.get_ylim()[1] * (1 if "dark" in name else 0.6)
    axes.plot(ends, [height] * 2, "|-", color=colour, ms=16, lw=2, label=f"grid of {name}")
axes.set(xlabel="number in the code of a test letter", ylabel="count")
axes.legend(frameon=False, loc="upper left")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
edge = by_set["dark letters"].output
low, high = (edge.scale * (q - edge.zero_point) for q in (0, 255))
beyond = 100 * np.mean((codes < low) | (codes > high))
assert beyond > 1
{"beyond": float(beyond)}

# %% [markdown]
# *Look where the red grid ends: beyond it only 1.4 %<!--beyond--> of the numbers are clipped. The
# blue one covers nearly all of them.*

# %% [markdown]
# But the code is only one of the activations. The worst is the first: the images themselves are
# clipped at 0.3<!--given-->, so each letter comes in dim. The file has the right size, loads, runs,
# and loses 10.1<!--dark--> dB. **Nothing complained.** Calibrate with a few hundred images (ten may
# miss a rare large value) of every kind that will be sent, from the training part, scaled exactly
# as in training.
#
# ## Bundle and verify
#
# `export_bundle` writes both halves, a manifest with scales, steps and hashes, a model card, and a
# sample by which any other program can be checked. It warns if the files lose too much;
# `verify_bundle` then compares them with Keras.

# %%
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", UserWarning)
    bundle = export_bundle(model, folder / "bundle", calibration=some, facts={"data": "letters"})
for warning in said:
    print(textwrap.fill(str(warning.message), 90))

verification = verify_bundle(bundle, model=model, images=letters.test[:200], report=False)
for check in verification.checks:
    if "quality" in check.name or "parity" in check.name:
        print(textwrap.fill(f"{check.name}: {check.detail}", 90))
print(f"{sum(check.passed for check in verification.checks)} of {len(verification.checks)} passed")

# %% [markdown]
# A check that cannot fail is worth nothing. So break something: flip one bit of a file, and make a
# bundle that was calibrated with dark letters. **Guess first:** which of them is caught?

# %%
dark = export_bundle(model, folder / "dark", calibration=0.3 * some)
file = bundle / "decoder.tflite"
intact = file.read_bytes()
file.write_bytes(intact[:2000] + bytes([intact[2000] ^ 1]) + intact[2001:])
for what, place in {"one bit": bundle, "dark letters": dark}.items():
    try:
        verify_bundle(place, model=model, images=letters.test[:200], report=False)
        print(f"{what}: passed")
    except BundleError as error:
        print(textwrap.fill(f"{what}: {error}", 90))
file.write_bytes(intact)
codec = Codec.load(bundle)

# %% [markdown]
# Both. The export of dark letters said nothing, for it had only dark letters to compare with.
# Verification shows the bundle images of the kind that it will meet. The loss is smaller than
# above, because a bundle fixes the scale of its input at 1/255: pixels are pixels. The layers
# inside are still clipped.

# %% [markdown]
# ## On a phone
#
# The codec also exists in Kotlin, Swift, C++ and JavaScript, and they [read the same
# bytes](../docs/ports.md). In an Android app you need three lines:
#
# ```kotlin
# val bundle = BundleCodec.open(context, "bundle")
# val data = bundle.codec.compress(bitmap.toImage(1))
# val rebuilt = bundle.codec.decompress(data).toBitmap()
# ```
#
# What happens inside, for one image: the encoder gives integers. Each stands for a number of the
# code, which is counted in whole steps: its **symbol**. Symbols are what the file holds. The
# receiver turns them into the decoder's integers. LiteRT runs both halves; the three lines between
# are ours.

# %%
halves = {}
for name in ("encoder", "decoder"):
    interpreter = Interpreter(model_path=str(bundle / f"{name}.tflite"))
    interpreter.allocate_tensors()
    halves[name] = interpreter.get_signature_runner()
sent, got = codec.manifest.encoder.output, codec.manifest.decoder.input
steps = codec.manifest.codec.best.steps  # one for each of the 32 numbers

pixels = np.floor(255 * word + 0.5).astype("uint8")
q = halves["encoder"](input=pixels[:1])["output_0"]
value = sent.scale * (q.astype(float) - sent.zero_point)  # 1. integers to numbers
symbol = np.floor(value / steps + 0.5)  # 2. numbers to symbols
back = np.floor(symbol * steps / got.scale + 0.5) + got.zero_point  # 3. symbols to integers
print("integers", q[0, :4], "numbers", value[0, :4].round(2), "symbols", symbol[0, :4])
drawn = halves["decoder"](input=back.clip(0, 255).astype("uint8"))["output_0"]
print("our symbols are the codec's:", np.array_equal(symbol, codec.encode(pixels[0])))

# %%
data = [codec.compress(image) for image in pixels]
print("bytes:", [len(each) for each in data])
theirs = np.stack([codec.decompress(each) for each in data]) / 255
plots.plot_samples(np.stack([word, theirs]), labels=["original", "received"])

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
card = (bundle / "README.md").read_text(encoding="utf-8")
assert 'val bundle = BundleCodec.open(context, "bundle")' in card
assert "val data = bundle.codec.compress(bitmap.toImage(1))" in card
assert "val rebuilt = bundle.codec.decompress(data).toBitmap()" in card
last = codec.manifest.decoder.output
ours = np.clip(last.scale * (drawn[0].astype(float) - last.zero_point), 0, 1)
assert np.array_equal(symbol, codec.encode(pixels[0]))
assert np.abs(ours - theirs[0]).max() <= (codec.manifest.pixel_tolerance + 1) / 255
{"bytes": float(np.mean([len(each) for each in data]))}

# %% [markdown]
# *Compare each letter with the one below it, which was drawn from a file of 34<!--bytes--> bytes
# on average.*

# %% [markdown]
# ## What can go wrong
#
# - **Wrong scale of the calibration images.** kerasae warns of pixels from 0 to 255; of dark images
#   nobody can.
# - **Pixels scaled twice.** This file takes bytes. If you divide by 255 first, you send only zeros
#   and ones (exercise 2).
# - **Signed bytes.** In Kotlin and Java a byte of 200 reads as -56: write `byte.toInt() and 0xFF`.
# - **Integers copied across.** `sent` and `got` have different scales in a bundle, because the
#   decoder is calibrated on rounded codes. Go through the symbol.
# - **Equal codes expected.** Two devices may round differently in the last place, so their codes of
#   one image may differ by a symbol. Reading a file does no harm.
# - **Speed read off a desktop.** Sizes and errors carry over; times do not.
#
# ## Key takeaways
#
# 1. Quantisation puts numbers on a grid of scale and zero point. It rounds, and it clips.
# 2. Weights were easy here: eight bits cost next to nothing.
# 3. Activations need calibration with real images, as training saw them. Wrong ones do silent
#    damage.
# 4. `dynamic` may be smaller and better than `int8`. Measure on your model.
# 5. Verify against Keras, with limits that can be missed.
#
# ## Exercises
#
# **1.** How fine may a step be before `int8` is too coarse for it? Compare the symbols of the file
# with those of Keras.
#
# <details><summary>Solution</summary>
#
# ```python
# from_file = by_set["300 letters"].run(letters.test)
# for divisor in (2, 5, 10, 20, 50, 100):
#     width = codes.std() / divisor
#     equal = np.mean(np.round(from_file / width) == np.round(codes / width))
#     print(f"a step of {width:.2f}: {equal:.0%} equal")
# print(f"the scale of the grid is {by_set['300 letters'].output.scale:.2f}")
# ```
#
# Once the step comes near the scale of the grid, few symbols agree: bits that a file cannot compute
# are not worth sending.
#
# </details>
#
# **2.** Divide the pixels by 255 before you compress them. What comes back?
#
# <details><summary>Solution</summary>
#
# ```python
# bytes_of_word = np.floor(255 * word + 0.5).astype("uint8")
# twice = (bytes_of_word / 255).astype("uint8")
# outputs = np.stack([codec.decompress(codec.compress(image)) for image in twice])
# plots.plot_samples(np.stack([word, outputs / 255]))
# ```
#
# The encoder sees black images, and the decoder draws what black means to it. No program calls it
# an error. Run the golden sample of the bundle through your app.
#
# </details>
#
# **3.** Put `s` of the dark letters into the integer layer above. Which of the two errors grows?
#
# <details><summary>Solution</summary>
#
# ```python
# dark = by_set["dark letters"].output
# unclipped = np.round(codes / dark.scale)
# clipped = np.clip(unclipped, -dark.zero_point, 255 - dark.zero_point)
# for name, q in {"rounded only": unclipped, "rounded and clipped": clipped}.items():
#     wrong = np.abs(dark.scale * step * (q @ integers) + bias - exact).mean() / exact.std()
#     print(f"{name}: {wrong:.2%}")
# ```
#
# Compare the two lines. The grid of dark letters is finer than the right one, but too short. (Its
# own zero point goes with it.)
#
# </details>

# %% [markdown]
# ## What to read next
#
# [A codec of your own](17_codec.ipynb): what the symbols cost in bytes, and how to train for it.
# [Schemes](../docs/schemes.md): every architecture in every scheme, measured.
#
# **Papers**
#
# - B. Jacob and others (2018), *Quantization and Training of Neural Networks for Efficient
#   Integer-Arithmetic-Only Inference*, CVPR: the scheme of TF Lite.
# - R. Krishnamoorthi (2018), *Quantizing Deep Convolutional Networks for Efficient Inference*,
#   arXiv 1806.08342: a scale for each channel.
# - M. Nagel and others (2021), *A White Paper on Neural Network Quantization*, arXiv 2106.08295.
#
# Letters of free fonts: [what they are](../docs/data.md).
