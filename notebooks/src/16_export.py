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
# *Section: background and motivation, the sending and the receiving end.* An image is compressed
# where it is taken, and rebuilt where it arrives. Neither place has Keras. This chapter takes a
# trained autoencoder apart into two small files that run on a phone, and finds out what that costs.
#
# **You will be able to**
#
# - explain how a weight or an activation becomes an 8-bit integer, and what scale and zero point
#   are;
# - choose between the schemes `float32`, `float16`, `dynamic` and `int8` by size, quality and
#   agreement of the codes, as measured on your own model;
# - say which images a converter must see, and recognise the damage that wrong ones do;
# - export a bundle, have it verified, and know that the verification can fail;
# - hand a mobile developer the few lines that feed the files.

# %% [markdown]
# ## The idea
#
# A trained network is a list of multiplications by numbers of 32 bits. A phone would rather
# multiply integers of 8 bits: a quarter of the memory, and more of them at a time. **Quantisation**
# writes a real number $r$ as an integer $q$ on a grid,
#
# $$ r \approx s \, (q - z), $$
#
# $$ q = \mathrm{round}(r / s) + z, $$
#
# with a **scale** $s$, the distance of two neighbours on the grid, and a **zero point** $z$, the
# integer that stands for 0. Pixels and codes have $0 \le q \le 255$ here; for weights $q$ runs from
# -127 to 127, and $z$ is 0. Two errors come with it. What lies between two points is *rounded*, by
# up to half a scale. What lies beyond the ends of the grid is *clipped*, by any amount. A fine grid
# is a short one: each choice of $s$ trades one error for the other.
#
# The range of a weight is known, since weights do not change any more. The range of an
# **activation**, what flows between two layers, depends on the images. It has to be observed on
# examples: **calibration**.

# %%
import os
import tempfile
import textwrap
import time
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae_export import BundleError, Codec, export_bundle, verify_bundle
from kerasae_export.conversion import Converter
from kerasae_export.litemodel import LiteModel
from kerasae_export.manifest import SCHEMES

import keras
import matplotlib.pyplot as plt
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, CODE_SIZE, HIDDEN = (20, 12, (16, 32)) if FAST else (10, 32, (32, 64))

# %% [markdown]
# ## The data
#
# Handwritten digits: MNIST, or in fast mode the small digits of scikit-learn.

# %%
images = kerasae.load_images("digits") if FAST else kerasae.load_images("mnist", limit=10_000)
test = images.test[:1000]
print(images.summary())
display(plots.plot_samples(images.train[:20], columns=10))

# %% [markdown]
# *Twenty training images. Calibration will take its examples from this part as well, and every
# number about quality comes from up to 1,000 test images that neither training nor calibration has
# seen.*

# %% [markdown]
# ## The model
#
# A convolutional autoencoder with a linear output and a squared error.

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_convolutional(
    input_shape=images.image_shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse"
)
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
display(plots.plot_architecture(model))

# %% [markdown]
# *The model. It will be cut at the code: the left half goes to the sender, the right half to the
# receiver.*

# %% [markdown]
# ## Training

# %%
config = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=3e-3, jit_compile=False)
history = train(model, images, config, progress=False)
display(plots.plot_history(history.history))

# %% [markdown]
# *Loss of training and validation images. The circle marks the epoch whose weights were kept, and
# which is exported below.*

# %%
codes = np.asarray(encoder(test))
keras_output = np.clip(model.predict(test, verbose=0), 0, 1)
keras_psnr = evaluation.psnr(test, keras_output)
average = evaluation.psnr(test, np.broadcast_to(images.train.mean(axis=0), test.shape))
assert keras_psnr > average + 2
display(plots.plot_reconstructions(test, keras_output, count=10))
display(
    Markdown(
        f"*Ten test digits, their reconstructions by Keras, and the difference. **{keras_psnr:.2f} "
        f"dB** on {len(test)} test images (the average digit: {average:.2f} dB). This is what "
        f"every file below is held against.*"
    )
)

# %% [markdown]
# ## Quantising by hand
#
# Before a tool does it, let us do it to the weights ourselves. Weights lie around 0, so a symmetric
# grid will do: zero point 0, and a scale that lets the largest weight just fit. One scale may serve
# a whole kernel, or each output channel may have its own.

# %%
layers = [
    (layer, 2 if isinstance(layer, keras.layers.Conv2DTranspose) else -1)  # axis of its outputs
    for half in ("encoder", "decoder")
    for layer in model.get_layer(half).layers
    if hasattr(layer, "kernel")
]
kernels = [keras.ops.convert_to_numpy(layer.kernel).copy() for layer, _ in layers]
by_hand = {"a scale for each channel": {}, "a scale for each kernel": {}}
for bits in (2, 3, 4, 5, 6, 8):
    for name, results in by_hand.items():
        for (layer, channel), kernel in zip(layers, kernels, strict=True):
            others = tuple(i for i in range(kernel.ndim) if i != channel % kernel.ndim)
            reduced = others if "channel" in name else None
            largest = np.abs(kernel).max(axis=reduced, keepdims=True)
            scale = np.maximum(largest, 1e-12) / (2 ** (bits - 1) - 1)
            layer.kernel.assign(np.round(kernel / scale) * scale)
        results[bits] = evaluation.psnr(test, np.clip(model.predict(test, verbose=0), 0, 1))
for (layer, _), kernel in zip(layers, kernels, strict=True):
    layer.kernel.assign(kernel)  # as they were

weights = kernels[0].ravel()
line = np.linspace(-1, 1, 2001) * np.abs(weights).max()
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for bits, colour in ((2, plots.RED), (4, plots.ORANGE), (8, plots.BLUE)):
    scale = line[-1] / (2 ** (bits - 1) - 1)
    axes.plot(line, np.round(line / scale) * scale, color=colour, label=f"{bits} bits")
axes.plot(weights, np.full(weights.size, 1.2 * line[0]), "|", color=plots.INK, label="weights")
axes.set(xlabel="weight of the first layer", ylabel="the same, quantised")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
display(
    plots.plot_curves(
        {**by_hand, "32 bits": keras_psnr}, xlabel="bits of a weight", ylabel="PSNR in dB"
    )
)
channel, kernel = by_hand.values()
assert channel[8] > keras_psnr - 0.2
assert channel[2] < channel[4] < channel[8]
display(
    Markdown(
        f"*Upper picture: grids of 2, 4 and 8 bits for the weights of the first layer, which stand "
        f"below; the finest is hardly to be told from a straight line. Lower picture: what all "
        f"kernels, rounded at once, do to the reconstructions. With 8 bits and a scale for each "
        f"channel, {channel[8]:.2f} dB of {keras_psnr:.2f} are left; with 4 bits "
        f"{channel[4]:.2f} dB; with 2 bits, which are -1, 0 and 1, {channel[2]:.2f} dB. A scale "
        f"for each channel costs a few bytes a channel and gives {channel[4] - kernel[4]:+.2f} dB "
        f"at 4 bits. TF Lite does the same with 8 bits.*"
    )
)

# %% [markdown]
# ## Four schemes
#
# Now the real files. A `Converter` holds the TensorFlow process that writes them; `convert_both`
# puts encoder and decoder into one file, with the signatures `encode` and `decode`. The files are
# run by LiteRT, which is what a phone has.

# %%
for name, what in SCHEMES.items():
    print(f"{name:8} {what}")

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
folder = Path(scratch.name)
examples = images.train[:300]
rng = np.random.default_rng(0)
shape = (300, *images.image_shape)
sets = {  # what int8 is calibrated on, further below
    "300 digits": examples,
    "10 digits": examples[:10],
    "ones only": images.train[images.train_labels == 1][:300],
    "uniform noise": rng.uniform(0, 1, shape).astype("float32"),
    "grey noise": rng.normal(0.5, 0.1, shape).clip(0, 1).astype("float32"),
    "dark digits": 0.3 * examples,
    "digits of 0 to 255": 255 * examples,
}
if FAST:
    sets = {name: sets[name] for name in ("300 digits", "grey noise", "dark digits")}

files = {}
with Converter() as converter:
    for scheme in SCHEMES:
        files[scheme] = converter.convert_both(
            encoder, decoder, folder / f"{scheme}.tflite", scheme=scheme, calibration=examples
        )
    for i, (name, calibration) in enumerate(sets.items()):
        files[name] = files["int8"]
        if i:  # the first is the same once more
            files[name] = converter.convert_both(
                encoder, decoder, folder / f"set-{i}.tflite", calibration=calibration
            )

# %% [markdown]
# The codes are compared as a codec will use them: rounded to a *step*, here a tenth of their
# standard deviation. Two codes agree in a value if they round to the same multiple.

# %%
step = codes.std() / 10
measured = {}
for name, file in files.items():
    lite_encoder = LiteModel(file.read_bytes(), signature="encode")
    lite_decoder = lite_encoder.sibling("decode")
    start = time.perf_counter()
    lite_codes = lite_encoder.run(test)
    output = np.clip(lite_decoder.run(lite_codes), 0, 1)
    seconds = (time.perf_counter() - start) / len(test)
    measured[name] = {
        "bytes": file.stat().st_size,
        "psnr": evaluation.psnr(test, output),
        "agree": np.mean(np.round(lite_codes / step) == np.round(codes / step)),
        "off": np.abs(lite_codes - codes).mean() / np.ptp(codes),
        "seconds": seconds,
        "edges": (lite_encoder.output, lite_decoder.input),
        "codes": lite_codes,
        "output": output,
    }
rows = [
    f"| {scheme} | {m['bytes']:,} | {m['psnr']:.2f} | {round(m['psnr'] - keras_psnr, 3) + 0:.3f} "
    f"| {m['agree']:.1%} | {m['off']:.3%} | {1e6 * m['seconds']:.0f} |"
    for scheme, m in measured.items()
    if scheme in SCHEMES
]
names = "scheme|bytes|PSNR, dB|against Keras, dB|same symbol|code off by|microseconds"
head = f"| {names.replace('|', ' | ')} |"
display(Markdown("\n".join([head, "|---|---:|---:|---:|---:|---:|---:|", *rows])))

small, exact = measured["int8"], measured["float32"]
figure, grid = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained", sharey=True)
panels = (
    ("size in kB", {s: measured[s]["bytes"] / 1000 for s in SCHEMES}, ".0f"),
    ("PSNR lost, in dB", {s: max(keras_psnr - measured[s]["psnr"], 0) for s in SCHEMES}, ".3f"),
    ("symbols that differ, in %", {s: 100 - 100 * measured[s]["agree"] for s in SCHEMES}, ".1f"),
)
for axes, (label, values, digits) in zip(grid, panels, strict=True):
    bars = axes.barh(list(values), list(values.values()), color=plots.BLUE)
    axes.bar_label(bars, [f" {value:{digits}}" for value in values.values()], fontsize=9)
    axes.set(xlabel=label, ylabel="scheme" if axes is grid[0] else "")
    axes.margins(x=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.locator_params(axis="x", nbins=4)
grid[0].invert_yaxis()
plt.show()
assert exact["agree"] > 0.999
assert abs(exact["psnr"] - keras_psnr) < 0.01
assert small["psnr"] > keras_psnr - 0.3
assert small["bytes"] < 0.6 * exact["bytes"]
assert measured["float16"]["agree"] > small["agree"]
channels = sum(layer.bias.shape[0] for layer, _ in layers)
assert FAST or abs(small["bytes"] - measured["dynamic"]["bytes"] - 12 * channels) < 1000
display(
    Markdown(
        f"*Size, quality and agreement. `float32` is the model itself. `int8` needs "
        f"{small['bytes'] / exact['bytes']:.0%} of its bytes and loses "
        f"{keras_psnr - small['psnr']:.3f} dB. The bytes are more than a quarter, since the file "
        f"keeps a scale and a zero point, together 12 bytes, for the weights of each of the "
        f"{channels:,} output channels, and in `int8` once more for their biases: "
        f"{24 * channels / 1000:.0f} kB, and half of that in `dynamic`, which is smaller. The "
        f"codes of `int8` are off by {small['off']:.2%} of their range, so that "
        f"{1 - small['agree']:.1%} of the values round to another symbol, nearly always the "
        f"neighbour: what is lost is far below what the autoencoder loses anyway. The times are "
        f"for encoding and decoding one image, on this computer and through Python; a phone has "
        f"others.*"
    )
)

# %%
error = np.stack([0.5 + 20 * (measured[s]["output"][:8] - keras_output[:8]) for s in SCHEMES])
display(
    plots.plot_samples(
        np.concatenate([test[None, :8], keras_output[None, :8], error]),
        labels=["original", "Keras", *(f"{s}, error x 20" for s in SCHEMES)],
    )
)

# %% [markdown]
# *Each file against Keras, with the difference made twenty times larger; plain grey means none.
# Look for the first scheme in which a pattern shows. The schemes that keep their activations in
# floating point have small errors from their weights; `int8` adds a grain, since every pixel is on
# a grid.*

# %% [markdown]
# ## An experiment: the calibration data
#
# `int8` alone needs examples. The weights and the scheme stay the same; only what the converter
# looks at changes. Guess the order before you run the cell.

# %%
best = measured["300 digits"]
losses = {name: keras_psnr - measured[name]["psnr"] for name in sets}
figure, (axes, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
bars = axes.barh(list(sets), [max(loss, 1e-3) for loss in losses.values()], color=plots.BLUE)
axes.bar_label(bars, [f" {loss:.2f}" for loss in losses.values()], fontsize=9)
axes.set(xscale="log", xlabel="PSNR lost, in dB (log scale)", ylabel="calibrated on")
axes.margins(x=0.3)
axes.invert_yaxis()
right.scatter(codes, best["codes"], s=4, color=plots.BLUE, label="300 digits", linewidths=0)
wrong = measured["dark digits"]
right.scatter(codes, wrong["codes"], s=4, color=plots.RED, label="dark digits", linewidths=0)
right.set(xlabel="value of the code, Keras", ylabel="the same from the file")
right.legend(frameon=False, markerscale=3)
for panel in (axes, right):
    panel.spines[["top", "right"]].set_visible(False)
plt.show()
assert losses["300 digits"] < 0.3
assert losses["dark digits"] > losses["300 digits"] + 1
assert FAST or losses["ones only"] < min(losses["10 digits"], losses["uniform noise"])
edge = wrong["edges"][0]
low, high = (edge.scale * (q - edge.zero_point) for q in (0, 255))
beyond = np.mean((codes < low) | (codes > high))
display(
    Markdown(
        f"*Left: what each set costs. Right: the codes of both files over those of Keras. "
        f"Calibrated on digits, the points lie on the diagonal. The converter that saw digits of "
        f"0.3 times their brightness gave the code a grid from {low:.1f} to {high:.1f}; "
        f"{beyond:.0%} of the values of real images lie beyond, and all that flows inside is cut "
        f"as well. The file is of the right size, loads, runs, and loses "
        f"**{losses['dark digits']:.1f} dB**.*"
    )
)

# %% [markdown]
# What calibration needs follows from the two errors. The examples must reach the ends of what real
# images do, or values are clipped; they must not reach much farther, or the grid is coarse. Noise
# has no reason to do either. Where it comes out well, it is by luck, and the next model has none. A
# handful of images may miss the strongest responses, which are rare: ten digits of several kinds
# cost more here than hundreds of ones, which, one kind only as they are, reach the ends just as the
# others do. Do not count on that either. Take 100 to 500 real images, scaled exactly as for
# training, from the *training* part, and of every kind that will be sent.

# %% [markdown]
# ## Where the two halves meet
#
# The decoder is calibrated on what the encoder gives. So both have seen the same numbers, and the
# edge has the same grid on both sides.

# %%
sender, receiver = small["edges"]
print(f"encoder's output: scale {sender.scale:.6f}, zero point {sender.zero_point}")
print(f"decoder's input:  scale {receiver.scale:.6f}, zero point {receiver.zero_point}")
assert abs(sender.scale - receiver.scale) < 1e-6 * sender.scale
assert sender.zero_point == receiver.zero_point

figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
axes.hist(codes.ravel(), bins=80, color=plots.BLUE)
for q in (0, 255):
    axes.axvline(sender.scale * (q - sender.zero_point), color=plots.INK, lw=1.5)
axes.set(xlabel="value of the code, Keras (lines: q = 0 and q = 255)", ylabel="count")
axes.spines[["top", "right"]].set_visible(False)
plt.show()
low, high = (sender.scale * (q - sender.zero_point) for q in (0, 255))
clipped = np.mean((codes < low) | (codes > high))
assert clipped < 0.02
display(
    Markdown(
        f"*All code values of the test images, and the two ends of their grid. {clipped:.3%} are "
        f"clipped. The bytes of the code may go from the one half straight into the other, as long "
        f"as nobody rounds them in between. A codec does round, as the next section shows, and "
        f"then the decoder sees other numbers.*"
    )
)

# %% [markdown]
# ## The bundle
#
# `export_bundle` does all of this and more: it picks a step for each value of the code, measures
# how often each symbol occurs, and writes both files, a manifest, a model card and a *golden
# sample* by which any other program can be checked.

# %%
bundle = export_bundle(model, folder / "bundle", calibration=images.train, facts={"data": "digits"})
for path in sorted(bundle.rglob("*")):
    if path.is_file():
        print(f"{path.relative_to(bundle).as_posix():28} {path.stat().st_size:8,} bytes")
codec = Codec.load(bundle)
manifest = codec.manifest
here, there = manifest.encoder.output, manifest.decoder.input
rows = [
    f"| {name} | {edge.dtype} {list(edge.shape)} | {edge.scale:.6f} | {edge.zero_point} |"
    for name, edge in (
        ("encoder, input", manifest.encoder.input),
        ("encoder, output", here),
        ("decoder, input", there),
        ("decoder, output", manifest.decoder.output),
    )
]
head = "| edge | type and shape | scale | zero point |\n|---|---|---:|---:|"
display(Markdown("\n".join([head, *rows])))
assert abs(255 * manifest.encoder.input.scale - 1) < 1e-6
display(
    Markdown(
        f"*The edges, from the manifest. An input of scale 1/255 takes pixels as they are. The "
        f"scales in the middle differ, {here.scale:.6f} and {there.scale:.6f}: this decoder was "
        f"calibrated on codes that had been rounded to steps between "
        f"{manifest.codec.best.steps.min():.3f} and {manifest.codec.best.steps.max():.3f}, since "
        f"those are what it will get. In a bundle never copy the integers across; go through the "
        f"symbol.*"
    )
)

# %% [markdown]
# ## Verifying
#
# A conversion that ran is not a conversion that is right: the file of the dark digits was one that
# ran. `verify_bundle` compares the bundle with its own manifest, with the golden sample, the fast
# kernels with the plain reference kernels, and, given model and images, with Keras.

# %%
verification = verify_bundle(bundle, model=model, images=test[:200], report=not FAST)
for check in verification.checks:
    line = f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.detail}"
    print(textwrap.fill(line, 100, subsequent_indent=" " * 5))
assert verification.passed

# %% [markdown]
# The decibels of the golden sample are low for a reason. It is no digit but a drawn test picture,
# larger than a tile, so that all parts of the format are in use: what counts is that two programs
# agree on it, not how well a network of digits paints it.
#
# With `report=True`, the default, there is also `verification.html`, and the error of each layer is
# measured: once alone, given the inputs that it has in the file, and once with all layers before
# it. (In fast mode this is skipped.)

# %%
if "layers" in verification.measurements:
    found = [
        (f"{part}\n{entry['layer']}", entry["own"], entry["total"])
        for part in ("encoder", "decoder")
        for entry in verification.measurements["layers"][part]["layers"]
        if entry["layer"] != "input"
    ]
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    names, own, total = zip(*found, strict=True)
    axes.plot(names, own, "o", color=plots.BLUE, label="this layer alone")
    square = {"mfc": "none", "ms": 10, "mew": 1.5}  # so that no dot hides behind it
    axes.plot(names, total, "s", color=plots.ORANGE, label="all layers up to it", **square)
    axes.set(ylabel="signal to noise, in dB", xlabel="layer")
    axes.tick_params(axis="x", labelsize=8)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()
    worst = verification.measurements["layers"]["largest_error"]
    display(
        Markdown(
            f"*Error of each layer in the file; higher is better. The layer that adds most of it "
            f"is `{worst['layer']}` of the {worst['part']}, with {worst['own']:.0f} dB. If a model "
            f"loses too much in `int8`, look here first.*"
        )
    )

# %% [markdown]
# A check that cannot fail is worth nothing. So let us break things: one byte of a file, and a
# bundle held against a model that it was not made from.

# %%
keras.utils.set_random_seed(1)
other = kerasae.build_convolutional(
    input_shape=images.image_shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse"
)
file = bundle / "decoder.tflite"
intact = file.read_bytes()
for what in ("one byte changed", "another model"):
    if what == "one byte changed":
        file.write_bytes(intact[:2000] + bytes([intact[2000] ^ 1]) + intact[2001:])
    try:
        verify_bundle(
            bundle, model=model if "byte" in what else other, images=test[:50], report=False
        )
    except BundleError as error:
        print(f"{what}: {str(error)[:150]}")
    else:
        raise AssertionError("the bundle should have been refused")
    file.write_bytes(intact)

# %% [markdown]
# *Both are refused, with the reason. An application that loads the bundle with `Codec.load` checks
# the hashes as well.*

# %% [markdown]
# ## The three lines that a mobile developer needs
#
# The bundle's README has them for Kotlin, Swift, C++ and JavaScript, with this bundle's own
# numbers. Of Kotlin it says:

# %%
card = (bundle / "README.md").read_text(encoding="utf-8")
display(Markdown(card.split("### Kotlin")[1].split("```")[1].join(["```", "```"])))

# %% [markdown]
# What comes out are integers. Three lines make symbols of them, the numbers that a `.kae` file
# holds, and lead back to what the decoder takes. Here they are in Python, with nothing but LiteRT
# around them, and the same as the codec says.

# %%
pixels = np.floor(test * 255 + 0.5).astype(np.uint8)
halves = {}
for name in ("encoder", "decoder"):
    interpreter = Interpreter(model_path=str(bundle / f"{name}.tflite"))
    interpreter.allocate_tensors()
    halves[name] = interpreter.get_signature_runner()
q = halves["encoder"](input=pixels[:1])["output_0"]
steps = manifest.codec.best.steps

value = here.scale * (q.astype(float) - here.zero_point)
symbol = np.floor(value / steps + 0.5)
back = np.clip(np.floor(symbol * steps / there.scale + 0.5) + there.zero_point, 0, 255)

picture = halves["decoder"](input=back.astype(np.uint8))["output_0"]
assert np.array_equal(symbol, codec.encode(pixels[0]))
data = codec.compress(pixels[0])
last = manifest.decoder.output
real = last.scale * (picture[0].astype(float) - last.zero_point)
mine, theirs = np.floor(np.clip(real, 0, 1) * 255 + 0.5), codec.decompress(data)
assert np.abs(mine - theirs).max() <= manifest.pixel_tolerance
columns = {"original": pixels[0], "by hand": mine, f"from {len(data)} bytes": theirs}
figure, grid = plt.subplots(1, 3, figsize=(6, 2.4))
for axes, (title, shown) in zip(grid, columns.items(), strict=True):
    plots.show_image(axes, shown / 255)
    axes.set_title(title, fontsize=10)
plt.show()

# %% [markdown]
# *One digit through the two files: by the three lines above, and by the codec, with a `.kae` file
# in between. The last two pictures agree. To write and read such files, a phone also needs the
# entropy coder, which [the format](../export/FORMAT.md) specifies; in a browser it is there.*

# %% [markdown]
# ## What can go wrong
#
# **Calibration on images of another scale.** Pixels of 0 to 255 for a model that was trained on 0
# to 1, or without the normalisation that training had. Nothing complains. See above.
#
# **Pixels that are scaled twice.** An `int8` file of this project takes bytes. Who divides by 255
# first sends zeros and ones (exercise 2).
#
# **Signed bytes.** In Kotlin and Java a byte of 200 reads as -56. Write `byte.toInt() and 0xFF`.
#
# **Equal codes expected.** Two correct devices round differently in the last place, so codes of one
# image may differ by a symbol between a phone and a server. Whoever reads a file takes its symbols
# as they are, so this does no harm; comparing codes of two devices bit by bit does.
#
# **Operators that the phone lacks.** Keras's own exporter falls back to TensorFlow operators
# without a word, and the file then fails on the phone. The converter here refuses at once.
#
# **Reading speed off a desktop.** Sizes and errors travel from machine to machine; times do not.

# %% [markdown]
# ## Key takeaways
#
# 1. Quantisation puts numbers on a grid of scale and zero point. Rounding and clipping are its two
#    errors.
# 2. Weights are easy: 8 bits with a scale for each channel cost next to nothing.
# 3. Activations need calibration, with real images, as training saw them. Wrong ones do silent
#    damage.
# 4. Calibrated on the encoder's codes, both halves have one grid at the edge; a bundle's decoder
#    has its own, since it is calibrated on rounded codes.
# 5. Verify against Keras on images, with limits that can be missed.

# %% [markdown]
# ## Exercises
#
# **1.** How far may a step be reduced before `int8` is too coarse for it? Plot the share of equal
# symbols over the step.
#
# <details><summary>Solution</summary>
#
# ```python
# shares = {}
# for divisor in (2, 5, 10, 20, 50, 100):
#     s = codes.std() / divisor
#     shares[divisor] = np.mean(np.round(small["codes"] / s) == np.round(codes / s))
# display(
#     plots.plot_curves(
#         {"int8": shares},
#         xlabel="standard deviation / step",
#         ylabel="share of equal symbols",
#         log_x=True,
#     )
# )
# print(f"scale of the grid: standard deviation / {codes.std() / sender.scale:.0f}")
# ```
#
# Once the step comes near the scale of the code's grid, agreement breaks down: bits that the file
# cannot compute are not worth sending.
#
# </details>
#
# **2.** Make the mistake of the second trap: feed the encoder of the bundle with pixels divided by
# 255, and look at what comes back.
#
# <details><summary>Solution</summary>
#
# ```python
# twice = (pixels / 255).astype(np.uint8)
# outputs = np.stack([codec.decompress(codec.compress(image)) for image in twice[:8]])
# print(f"{evaluation.psnr(test[:8], outputs / 255):.2f} dB")
# display(plots.plot_reconstructions(test[:8], outputs / 255, count=8))
# ```
#
# The encoder sees almost black images, and the decoder paints what an empty page means to it. No
# program calls it an error. Somebody has to look, or to run the golden sample through the app.
#
# </details>
#
# **3.** Compare the kernels of the encoder with what 4 bits make of them. Which share of the
# weights becomes exactly 0 with a scale for each kernel, and which with a scale for each channel?
#
# <details><summary>Solution</summary>
#
# ```python
# for (layer, channel), kernel in zip(layers, kernels, strict=True):
#     others = tuple(i for i in range(kernel.ndim) if i != channel % kernel.ndim)
#     zeros = [
#         np.mean(np.round(7 * kernel / np.abs(kernel).max(axis=axes, keepdims=True)) == 0)
#         for axes in (None, others)
#     ]
#     print(f"{layer.name:10} {zeros[0]:.1%} with one scale, {zeros[1]:.1%} with many")
# ```
#
# A single large weight stretches the grid of the whole kernel, and small channels drown in it.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [A codec of your own](17_codec.ipynb): what the symbols cost in bytes, and how to train for it.
# - [Schemes](../docs/schemes.md): every architecture in every scheme, measured.
# - [The mobile developer's page](../export/README.md) and [the format](../export/FORMAT.md).
#
# **Papers**
#
# - B. Jacob and others (2018), *Quantization and Training of Neural Networks for Efficient
#   Integer-Arithmetic-Only Inference*, CVPR: the scheme that TF Lite follows.
# - R. Krishnamoorthi (2018), *Quantizing Deep Convolutional Networks for Efficient Inference: A
#   Whitepaper*, arXiv 1806.08342: a scale for each channel.
# - M. Nagel and others (2021), *A White Paper on Neural Network Quantization*, arXiv 2106.08295.
# - S. Han, H. Mao and W. J. Dally (2016), *Deep Compression: Compressing Deep Neural Networks with
#   Pruning, Trained Quantization and Huffman Coding*, ICLR.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
