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
# # Start here
#
# *Section: objectives.* One handwritten digit goes all the way in this chapter: from pixels to a
# code of eight numbers, to fewer than twenty bytes in a file, and back to pixels.
#
# **You will be able to**
#
# - say what an encoder, a code and a decoder are, and point at each of them in a Keras model;
# - train an autoencoder, read its loss curve and judge its reconstructions by eye and by number;
# - follow an image through encoder, rounding, entropy coder, file and decoder;
# - tell when such a codec is worth its trouble and when PNG or WebP is the better choice;
# - name the knob that matters most, the code size, and what turning it costs.
#
# **How to read.** Run the cells from top to bottom. Text says what is coming, code does it, and
# a line under each picture says what to look at. Results are computed by the cell that shows
# them, so they change when you change the code: do change it. All images come with
# scikit-learn and scikit-image, so nothing is downloaded, and two processor cores are enough for
# the whole chapter in about a minute. With the environment variable `KERASAE_FAST=1` training is
# cut short; the pictures get worse, the story stays the same.

# %% [markdown]
# ## The idea
#
# An autoencoder is a network that is trained to repeat its input. That would be no task at all
# if it were not for a narrow place in the middle. The **encoder** turns an image into a short
# list of numbers, the **code**. The **decoder** sees the code and nothing else, and paints the
# image again. Training compares the result with the original, pixel by pixel. No labels are
# needed: the image is its own answer.
#
# Since the code is too short to hold every possible image, the network has to find out what the
# images it sees have in common, and spend its few numbers on what differs. This is why it can
# compress, why it does so for *its* kind of image only, and why it always loses something.

# %%
import itertools
import os
import tempfile
from pathlib import Path

import kerasae
from kerasae import TrainConfig, plots, train
from kerasae_export import Codec, CorruptBitstreamError, export_bundle, verify_bundle
from kerasae_export.comparison import compare_files, compare_together
from kerasae_export.quality import pooled_psnr

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS = 10 if FAST else 150
CODE_SIZE = 8

# %% [markdown]
# ## The data
#
# `load_images` gives every data set the same form: float arrays of shape (images, height, width,
# channels) with values from 0, black, to 1, white, in three parts. The network learns from
# `train`. `validation` tells during training how it does on images it has not seen. `test` is
# kept back for the numbers at the end.

# %%
images = kerasae.load_images("digits")
print(images.summary())

figure, grid = plt.subplots(1, 10, figsize=(9, 1.3))
for axes, picture, label in zip(grid, images.train, images.train_labels, strict=False):
    plots.show_image(axes, picture)
    axes.set_title(f"label {label}", fontsize=9)
plt.show()

# %% [markdown]
# *The first ten training images with their labels, which the autoencoder never sees. An image is
# a square of 8 by 8 grey pixels: coarse, but you can read most of them. That is the standard to
# hold the reconstructions to.*

# %% [markdown]
# ## The model
#
# One call builds it. `hidden` lists the layers of the encoder, and the decoder mirrors them;
# `code_size` is the width of the narrow place; `loss="mse"` compares images by the mean of their
# squared pixel differences. `kerasae.encoder` and `kerasae.decoder` give the two halves, which
# share their weights with the whole.

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(
    input_shape=images.image_shape, code_size=CODE_SIZE, hidden=(128, 64), loss="mse"
)
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)

layers = [
    *(layer for layer in encoder.layers if layer.name != "flatten"),
    *(layer for layer in decoder.layers[1:] if layer.name != "reconstruction"),
]
sizes = [int(np.prod(layer.output.shape[1:])) for layer in layers]
colours = [plots.BLUE] * 3 + [plots.ORANGE] + [plots.GREEN] * 3

figure, axes = plt.subplots(figsize=(8, 3.2))
for x, (size, colour) in enumerate(zip(sizes, colours, strict=True)):
    axes.bar(x, size, width=0.5, bottom=-size / 2, color=colour)
    axes.text(x, size / 2 + 4, f"{size}", ha="center")
for x, (left, right) in enumerate(itertools.pairwise(sizes)):
    edges = [[left / 2, right / 2], [-left / 2, -right / 2]]
    axes.fill_between([x + 0.25, x + 0.75], *edges, color=plots.MUTED, alpha=0.15, linewidth=0)
axes.set_xticks(range(len(layers)), [layer.name for layer in layers])
axes.set(yticks=[], ylim=(-75, 82), xlabel="layer, from input to output", ylabel="values")
axes.set_title("encoder (blue), code (orange), decoder (green)", fontsize=10)
axes.spines[["top", "right", "left"]].set_visible(False)
plt.show()
print(f"parameters: encoder {encoder.count_params():,}, decoder {decoder.count_params():,}")

# %% [markdown]
# *The model, drawn from its layers; a bar is as long as the number of values that leave the
# layer. Look at the waist: whatever the decoder is to know about the 64 pixels must pass through
# eight numbers. A hidden layer may well be wider than the image; only the code has to be narrow.*

# %% [markdown]
# ## Training
#
# `train` feeds the images in random order, in groups of 64, again and again. It keeps the
# weights of the epoch with the lowest validation loss.

# %%
config = TrainConfig(
    epochs=EPOCHS,
    batch_size=64,
    learning_rate=3e-3,
    jit_compile=False if FAST else "auto",  # compiling takes longer than so short a training
)
history = train(model, images, config, progress=False)
display(plots.plot_history(history.history))

# %% [markdown]
# *Loss of each epoch, lower is better. See two things. Most is won in the first epochs. And the
# curves part: on the training images the loss goes on falling, on the validation images it comes
# to rest. The gap is what the network has learnt by heart, and the circle is the epoch that `train`
# goes back to.*

# %%
reconstructions = np.clip(model.predict(images.test, verbose=0), 0, 1)
psnr = pooled_psnr(images.test, reconstructions)
baseline = pooled_psnr(images.test, np.broadcast_to(images.train.mean(axis=0), images.test.shape))
rms = 255 * 10 ** (-psnr / 20)
assert psnr > baseline + 1
display(plots.plot_reconstructions(images.test, reconstructions, count=10, gain=2))
display(
    Markdown(
        f"*Ten held-out digits, what the decoder made of their codes, and the difference, "
        f"doubled (mid-grey: none). Position, slant and rough shape are kept; odd pixels are "
        f"not, and of some digits a smudge remains: eight numbers are few. On all "
        f"{len(images.test)} test images the "
        f"root-mean-square error is {rms:.0f} grey levels of 255, which is a peak "
        f"signal-to-noise ratio (PSNR) of **{psnr:.2f} dB**. Painting the average digit every "
        f"time would give {baseline:.2f} dB.*"
    )
)

# %% [markdown]
# ## From a model to a codec
#
# So far the code is eight floating-point numbers: 32 bytes, half of the 64 bytes of the raw
# image. Two steps make it small. Rounding: each number is expressed in whole *steps*, wide enough
# to save bits, narrow enough that the decoder hardly notices. Entropy coding: frequent values
# get short bit patterns, rare ones long patterns.
#
# `export_bundle` takes both decisions from real images, converts encoder and decoder to 8-bit
# TF Lite files that run without Keras, and puts everything a sender and a receiver need into one
# folder, the *bundle*. `verify_bundle` then proves that the exported files still do what the
# Keras model does.

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
folder = Path(scratch.name)
export_bundle(model, folder / "bundle", calibration=images.train)
verification = verify_bundle(folder / "bundle", model=model, images=images.test)
assert verification.passed
for file in sorted((folder / "bundle").iterdir()):
    print(f"{file.name:20}", f"{file.stat().st_size:7,} bytes" if file.is_file() else " folder")
codec = Codec.load(folder / "bundle")

# %% [markdown]
# ## One digit, step by step
#
# **Pixels to symbols.** The encoder gives the code; the codec divides each number by the step of
# its place and rounds. The whole numbers that come out are the *symbols*.

# %%
pixels = np.floor(images.test * 255 + 0.5).astype(np.uint8)
digit = pixels[3]
code = keras.ops.convert_to_numpy(encoder(images.test[3:4]))[0]
symbols = codec.encode(digit)[0]
steps = codec.manifest.codec.best.steps

figure, axes = plt.subplots(figsize=(7, 3))
axes.bar(np.arange(CODE_SIZE) - 0.2, code, width=0.38, color=plots.BLUE, label="code, Keras")
axes.bar(
    np.arange(CODE_SIZE) + 0.2,
    symbols * steps,
    width=0.38,
    color=plots.ORANGE,
    label="symbol x step, what the decoder gets",
)
for x, symbol in enumerate(symbols):
    height = max(code[x], symbol * steps[x], 0)
    axes.annotate(f"{symbol}", (x, height), (0, 4), textcoords="offset points", ha="center")
axes.axhline(0, color=plots.INK, linewidth=0.8)
axes.set(xlabel="place in the code", ylabel="value", xticks=range(CODE_SIZE))
axes.margins(y=0.15)
axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=2)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# *The code of one digit before and after rounding; the number above a pair is the symbol. The
# orange bars stand on a coarse grid, and still none is far from its blue neighbour.*
#
# **Symbols to bytes.** The entropy coder packs the symbols, and a small frame goes around them.

# %%
data = codec.compress(digit)
payload = data[7:-4]
restored, height, width, quality = codec.unpack(data)
assert np.array_equal(restored[0], symbols)  # exact, on every machine
assert (height, width) == digit.shape[:2]
assert len(data) < 20
parts = [
    ("magic number and version", data[:3], "says that this is a `.kae` file, and which kind"),
    ("bundle", data[3:5], "which decoder it needs"),
    ("size", data[5:7], f"{height} by {width} pixels"),
    ("payload", payload, f"the {len(symbols)} symbols: {', '.join(map(str, symbols))}"),
    ("checksum", data[-4:], "a damaged file is refused, not shown wrongly"),
]
rows = [f"| {name} | `{part.hex(' ')}` | {len(part)} | {what} |" for name, part, what in parts]
table = "\n".join(["| part | bytes in hexadecimal | count | what |", "|---|---|---|---|", *rows])
display(Markdown(table))
display(
    Markdown(
        f"The file has **{len(data)} bytes**; {len(data) - len(payload)} of them are the frame. "
        f"The digit itself costs {len(payload)} bytes, {8 * len(payload) / len(symbols):.1f} bits "
        f"a symbol."
    )
)

# %% [markdown]
# **Bytes to pixels.** The receiver has the bytes and the bundle, nothing else. It unpacks the
# symbols, multiplies by the steps, and lets the decoder paint.

# %%
received = codec.decompress(data)
columns = {
    "original": digit / 255,
    "Keras model": reconstructions[3],
    f"from {len(data)} bytes": received / 255,
}
figure, grid = plt.subplots(1, 3, figsize=(6, 2.4))
for axes, (title, picture) in zip(grid, columns.items(), strict=True):
    plots.show_image(axes, picture)
    axes.set_title(title, fontsize=10)
plt.show()
difference = np.abs(received / 255 - reconstructions[3]).mean() * 255
display(
    Markdown(
        f"*The digit, its reconstruction by the Keras model, and the one from the file. The last "
        f"two should look alike: 8-bit arithmetic and rounded codes move a pixel by "
        f"{difference:.1f} of 255 grey levels on average. What is lost against the original was "
        f"lost at the waist of the network, not in the file.*"
    )
)

# %% [markdown]
# ## Beside PNG, JPEG and WebP
#
# A fair comparison counts every byte of every file and names the quality that each codec reached.
# It counts the decoder, too, which is sent once; the text under the picture does.
# JPEG and WebP are set to the lowest quality that is at least as good as ours in PSNR. Their
# files were made for large pictures, and on an image this small they are mostly frame. So the
# test images are also sent together: as one mosaic for the general codecs, and as one stream,
# `codec.compress_many`, for ours.

# %%
single = compare_files(list(pixels[:200]), codec)
together = compare_together(list(pixels), codec)
display(plots.plot_comparison(single, together, link=9600))

ours, webp, png = together[-1], together[-2], together[1]
alone = {entry.codec: entry.bytes / entry.images for entry in single}
stream = {entry.codec: entry.bytes / entry.images for entry in together}
once = sum(
    (folder / "bundle" / name).stat().st_size for name in ("decoder.tflite", "manifest.json")
)
pays = [once / (sizes["WebP"] - sizes["kerasae"]) for sizes in (alone, stream)]
display(
    Markdown(
        f"*The same digits from each codec, and bytes for one image, with the seconds they take "
        f"over a slow satellite link. One file each: PNG {alone['PNG']:.0f} bytes, more than the "
        f"{alone['raw']:.0f} of the raw pixels, WebP {alone['WebP']:.0f}, ours "
        f"{alone['kerasae']:.0f}. All at once: PNG {stream['PNG']:.1f}, WebP "
        f"{stream['WebP']:.1f}, ours {stream['kerasae']:.1f}. Compare the qualities too: WebP "
        f"reaches {webp.psnr:.1f} dB and ours {ours.psnr:.1f} dB, and PNG is lossless. If every "
        f"pixel counts, PNG is the one to take. What no bar shows: the receiver needs the decoder "
        f"and the manifest, {once:,} bytes. Against WebP they have paid for themselves after "
        f"some {float(f'{pays[0]:.1g}'):,.0f} images, one file each, or "
        f"{float(f'{pays[1]:.1g}'):,.0f} in one stream.*"
    )
)
assert ours.bytes < webp.bytes < png.bytes
assert alone["kerasae"] < alone["WebP"]

# %% [markdown]
# Do not take this ratio to other images. The network has seen 1,294 digits of exactly this kind,
# and both ends hold a copy of it. On photographs, where WebP has been tuned for years and a model
# was trained for a minute, WebP wins: `kerasae quickstart` shows it.

# %%
assert len(images.train) == 1294

# %% [markdown]
# ## An experiment: the code size
#
# Everything stays as it is but `code_size`. Guess before you run the cell: what will two numbers
# for a digit be enough for?

# %%
codecs = {CODE_SIZE: codec}
for code_size in (2, 32):
    keras.utils.set_random_seed(0)
    other = kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=code_size, hidden=(128, 64), loss="mse"
    )
    train(other, images, config, progress=False)
    export_bundle(other, folder / f"code-{code_size}", calibration=images.train)
    codecs[code_size] = Codec.load(folder / f"code-{code_size}")

results = {}
for code_size in sorted(codecs):
    packed = codecs[code_size].compress_many(pixels)
    unpacked = np.stack(codecs[code_size].decompress_many(packed))
    quality = pooled_psnr(pixels / 255, unpacked / 255)
    results[code_size] = (len(packed) / len(pixels), quality, unpacked)

figure, grid = plt.subplots(4, 10, figsize=(9, 4))
rows = {"original": pixels, **{f"code size {n}": r[2] for n, r in results.items()}}
for axes_row, (name, row) in zip(grid, rows.items(), strict=True):
    for axes, picture in zip(axes_row, row, strict=False):
        plots.show_image(axes, picture / 255)
    axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

figure, axes = plt.subplots(figsize=(5.5, 3.2))
rates, qualities, _ = zip(*results.values(), strict=True)
axes.plot(rates, qualities, "o-", color=plots.BLUE)
for code_size, rate, quality in zip(results, rates, qualities, strict=True):
    axes.annotate(f"code size {code_size}", (rate, quality), (8, -12), textcoords="offset points")
axes.margins(y=0.15)
axes.set_xlim(0, 1.3 * max(rates))
axes.set(xlabel="bytes an image, in one stream", ylabel="PSNR in dB")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

table = "\n".join(f"| {n} | {r:.1f} | {q:.2f} |" for n, (r, q, _) in results.items())
display(Markdown(f"| code size | bytes an image | PSNR in dB |\n|---|---|---|\n{table}"))
assert list(rates) == sorted(rates)
assert list(qualities) == sorted(qualities)
display(
    Markdown(
        f"*Upper picture: with two numbers the decoder paints something like a digit, often "
        f"another one; with 32, even single pixels come back. Lower picture: every decibel is paid "
        f"for in bytes, and the later ones cost more. At {rates[-1]:.1f} bytes for "
        f"{qualities[-1]:.1f} dB the lossless PNG mosaic above, with {stream['PNG']:.1f}, is "
        f"close: an autoencoder earns its keep where a rough picture will do.*"
    )
)

# %% [markdown]
# ## What can go wrong
#
# **Foreign images.** The codec accepts any image, says nothing, and does badly on what it has
# never seen. The same digits with black and white exchanged are easy for you, and foreign to it;
# so are pieces of a photograph of gravel.

# %%
gravel = kerasae.load_images("textures", image_size=8, limit=400).test
cases = {"digits": pixels, "inverted": 255 - pixels, "gravel": np.floor(gravel * 255 + 0.5)}
scores = {}
figure, grid = plt.subplots(3, 11, figsize=(9, 3.2), width_ratios=[1, 1, 0.3] * 3 + [1, 1])
for axes in grid[:, 2::3].flat:
    axes.set_axis_off()
for name, case, axes_row in zip(cases, cases.values(), grid, strict=True):
    before = case.astype(np.uint8)
    after = np.stack(codec.decompress_many(codec.compress_many(before)))
    scores[name] = pooled_psnr(before / 255, after / 255)
    for k in range(4):
        plots.show_image(axes_row[3 * k], before[k] / 255)
        plots.show_image(axes_row[3 * k + 1], after[k] / 255)
        grid[0, 3 * k].set_title("in", fontsize=10)
        grid[0, 3 * k + 1].set_title("out", fontsize=10)
    axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
assert scores["digits"] > max(scores["inverted"], scores["gravel"])
display(
    Markdown(
        f"*Pairs of input and output. Digits come back ({scores['digits']:.1f} dB). Inverted "
        f"digits ({scores['inverted']:.1f} dB) and gravel ({scores['gravel']:.1f} dB) do not: "
        f"the decoder bends them towards what it knows. Measure on your own images before you "
        f"rely on a codec of this kind.*"
    )
)

# %% [markdown]
# **Damaged files.** A single wrong bit would turn the rest of the payload into nonsense. The
# checksum turns nonsense into an error that a program can handle.

# %%
damaged = bytearray(data)
damaged[8] ^= 1
try:
    codec.decompress(bytes(damaged))
except CorruptBitstreamError as error:
    print(f"CorruptBitstreamError: {error}")
else:
    raise AssertionError("a damaged file was decoded")

# %% [markdown]
# **Other traps.** Choosing epochs or code size by the test images, and then reporting the test
# score: use `validation` for choices. Comparing codecs by bytes alone: always name the quality.
# Exporting with a handful of calibration images, or with noise: the ranges and tables will not
# fit real images; use a few hundred real ones.

# %% [markdown]
# ## Key takeaways
#
# 1. An autoencoder learns to repeat its input through a narrow code. It needs no labels.
# 2. The decoder sees the code only; what is not in the code is lost. The loss is by design.
# 3. It works for the kind of data it was trained on, and does not warn you about other data.
# 4. Code size, depth, width and loss are the hyperparameters; the code size sets the trade
#    between bytes and quality.
# 5. A codec is more than a network: rounding, entropy coding, a frame, a checksum, and a bundle
#    that both ends share.

# %% [markdown]
# ## Exercises
#
# **1.** Train the same model with `loss="binary_crossentropy"`. The losses of the two models
# cannot be compared, since they are in different units; compare the PSNR.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# other = kerasae.build_undercomplete(
#     input_shape=images.image_shape,
#     code_size=CODE_SIZE,
#     hidden=(128, 64),
#     loss="binary_crossentropy",
# )
# train(other, images, config, progress=False)
# print(psnr, pooled_psnr(images.test, other.predict(images.test, verbose=0)))
# ```
#
# They end close to each other. Cross-entropy comes with a sigmoid at the output, which keeps
# every pixel between 0 and 1; the squared error is what PSNR measures.
#
# </details>
#
# **2.** `export_bundle` takes `step_loss`, the PSNR in dB that rounding the code may cost; the
# default is 0.2. Export the model of this chapter again with 1.0. What becomes of bytes and PSNR?
#
# <details><summary>Solution</summary>
#
# ```python
# coarse = Codec.load(
#     export_bundle(model, folder / "coarse", calibration=images.train, step_loss=1.0)
# )
# packed = coarse.compress_many(pixels)
# unpacked = np.stack(coarse.decompress_many(packed))
# print(len(packed) / len(pixels), pooled_psnr(pixels / 255, unpacked / 255))
# print(results[CODE_SIZE][:2])
# ```
#
# Fewer bytes, and a little less quality, without any training: the cheapest knob there is.
#
# </details>
#
# **3.** Train without the digit 9, and look at what becomes of nines. Use `model.fit`, which
# every model here has, since it is an ordinary Keras model.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# narrow = kerasae.build_undercomplete(
#     input_shape=images.image_shape, code_size=CODE_SIZE, hidden=(128, 64), loss="mse"
# )
# known = images.train[images.train_labels != 9]
# narrow.fit(known, known, batch_size=64, epochs=EPOCHS, verbose=0)
# nines = images.test[images.test_labels == 9]
# rest = images.test[images.test_labels != 9]
# for name, group in (("nines", nines), ("other digits", rest)):
#     print(name, pooled_psnr(group, narrow.predict(group, verbose=0)))
# display(plots.plot_reconstructions(nines, narrow.predict(nines, verbose=0), count=8))
# ```
#
# The nines score worst. A large reconstruction error is a sign that an image is unlike the
# training data, which is how autoencoders find anomalies.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [The README](../README.md): the same steps on your own images, from the command line.
# - [`build_undercomplete`](../kerasae/builders/undercomplete.py): the model of this chapter, in
#   one screen of code.
# - [The format](../export/FORMAT.md): every byte of the table above, specified.
#
# **Papers and books**
#
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - P. Baldi (2012), *Autoencoders, Unsupervised Learning, and Deep Architectures*, Proceedings of
#   Machine Learning Research 27.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapter 14, MIT Press.
# - J. Duda (2013), *Asymmetric numeral systems*, arXiv 1311.2540: the entropy coder.
#
# The digits are a copy of the test set of the UCI *Optical Recognition of Handwritten Digits*
# data set (E. Alpaydin and C. Kaynak, CC BY 4.0), as shipped with scikit-learn; the gravel is a
# CC0 photograph shipped with scikit-image.
