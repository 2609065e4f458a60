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
# # A codec of your own
#
# *Section: background and motivation, sending images over a slow network; properties, lossy.* An
# autoencoder whose code is trained to be *short in bits*, a file format around it, and an honest
# race against JPEG, WebP and AVIF.
#
# **You will be able to**
#
# - tell a code with few numbers from a code with few bits;
# - train for rate and distortion together, and choose the exchange rate, lambda;
# - follow a symbol from its probability to its bits, and count what a file adds around them;
# - compare codecs fairly: like quality, all bytes, the same images;
# - say where a codec of your own wins, where it loses, and when it has paid for itself.

# %% [markdown]
# ## The idea
#
# A small code is not yet a small file. Eight numbers with 32 bits each take more room than a
# hundred that are nearly always 0. What counts is surprise: an ideal coder spends $-\log_2 p$ bits
# on a symbol of probability $p$. So round the code to whole numbers, learn how probable each of
# them is, and put both costs into the loss $R + \lambda D$: the **rate** $R$ in bits, and the
# **distortion** $D$, the squared error,
#
# $$ R = \mathbb{E}\,[-\log_2 p(\mathrm{round}(f(x)))], $$
#
# $$ D = \mathbb{E}\, \lVert x - g(\mathrm{round}(f(x))) \rVert^2. $$
#
# The number $\lambda$ is a price: how many bits a unit of squared error is worth. A large one buys
# quality, a small one saves bytes. Rounding has no slope to train with. In training, uniform noise
# as wide as a rounding step takes its place: it blurs the code as much as rounding would, and has a
# derivative. At inference the code is really rounded.

# %%
import io
import os
import tempfile
import time
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae_export import Codec, export_bundle
from kerasae_export.evaluation import evaluate, rate_at
from kerasae_export.evaluation.coders import PillowCoder, mosaic, tiles

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from PIL import Image

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
if FAST:  # lambda -> epochs and first step size
    PLAN = {0.003: (25, 4e-3), 0.0003: (15, 3e-3)}
    NETWORK = {"network": "dense", "hidden": (128,), "code_size": 16}
    SENT = 200
    TICKS = (5, 10, 20, 50, 100, 200, 400)
else:
    PLAN = {0.0017: (10, 2e-3), 0.0006: (5, 1.5e-3), 0.0003: (5, 1.5e-3)}
    NETWORK = {"code": "dense", "hidden": (16, 32), "kernel_size": 5, "code_size": 64}
    SENT = 256
    TICKS = (10, 20, 50, 100, 200, 400, 800)

# %% [markdown]
# ## The data
#
# Handwritten digits, small images of one kind: the case that a codec of one's own is for. Bytes
# and decibels are measured on test images that nobody trained on.

# %%
images = kerasae.load_images("digits") if FAST else kerasae.load_images("mnist", limit=12_000)
height, width, _ = images.image_shape
pixels = np.floor(images.test[:SENT] * 255 + 0.5).astype(np.uint8)
print(images.summary())
display(plots.plot_samples(pixels[:20] / 255, columns=10))
display(
    Markdown(
        f"*Twenty of the {SENT} test images that will be sent. Raw, one has "
        f"{pixels[0].size} bytes.*"
    )
)

# %% [markdown]
# ## The model
#
# `build_rate_distortion` gives an ordinary autoencoder with two more layers. `bottleneck` knows
# the probabilities of the rounded code and adds the rate to the loss; `distortion` adds lambda
# times the squared error, on the scale of 0 to 255, summed over the pixels. Both are sums per
# image, so that a unit of the loss is a bit.

# %%
models, histories = {}, {}
for lmbda in PLAN:
    keras.utils.set_random_seed(0)
    models[lmbda] = kerasae.build_rate_distortion(
        input_shape=images.image_shape, activation="gelu", lmbda=lmbda, **NETWORK
    )
    models[lmbda].compile(optimizer=keras.optimizers.Adam(beta_2=0.97))
best, *others = PLAN
display(plots.plot_architecture(models[best]))

# %% [markdown]
# *The model. The code has many values; how many bits they take is not written in the drawing, since
# it is learnt. Values that are not worth their bits may become constant, and cost nothing.*

# %% [markdown]
# ## Training
#
# The largest lambda first. The others go on from its weights: less to say about the same images.

# %%
start = time.perf_counter()
weights = None
for lmbda, (epochs, learning_rate) in PLAN.items():
    if weights is not None:
        models[lmbda].set_weights(weights)
    config = TrainConfig(
        epochs=epochs,
        batch_size=64,
        learning_rate=learning_rate,
        jit_compile=False if FAST else "auto",
    )
    histories[lmbda] = train(models[lmbda], images, config, progress=False).history
    weights = models[lmbda].get_weights()
print(f"{time.perf_counter() - start:.0f} s for {len(PLAN)} models")
record = {  # the error in bits as well, that is times lambda
    name.replace("distortion", "lambda x distortion"): np.multiply(
        values, best if name.endswith("distortion") else 1
    )
    for name, values in histories[best].items()
}
display(plots.plot_history(record))

# %% [markdown]
# *Loss of the first model, and its two parts, all in bits an image. At the start nearly all of it
# is error. As soon as the decoder is worth something, the rate finds its level, and both are traded
# against each other.*

# %%
points = {lmbda: evaluation.rate_distortion(model, images.test) for lmbda, model in models.items()}
outputs = {lmbda: model.predict(images.test[:10], verbose=0) for lmbda, model in models.items()}
display(
    plots.plot_samples(
        np.stack([images.test[:10], *outputs.values()]),
        labels=["original", *(f"lambda {lmbda:g}" for lmbda in models)],
    )
)
rows = [
    f"| {lmbda:g} | {p.bits_per_image:.1f} | {p.bits_per_image / 8:.1f} | {p.psnr:.2f} |"
    for lmbda, p in points.items()
]
head = "| lambda | bits an image | bytes | PSNR, dB |\n|---|---:|---:|---:|"
display(Markdown("\n".join([head, *rows])))
average = evaluation.psnr(
    images.test, np.broadcast_to(images.train.mean(axis=0), images.test.shape)
)
assert points[best].psnr > average + 3
display(
    Markdown(
        f"*The same digits from each model, and what an ideal coder would need for them: at "
        f"lambda = {best:g} **{points[best].bits_per_image:.0f} bits** for "
        f"**{points[best].psnr:.2f} dB** (the average digit, which costs nothing: {average:.2f} "
        f"dB).*"
    )
)

# %% [markdown]
# ## An experiment: lambda
#
# A table row for each lambda; a picture makes a curve of them. Beside it stands a rival: the same
# network, trained for the error alone, with as many epochs as the first lambda had (the others went
# on from there, so they have had more). Its code is turned to its principal axes, so that one
# rounding step suits all values, and is then rounded to coarser and coarser steps. Its bits are
# what test images cost with tables that were counted on training images.

# %%
keras.utils.set_random_seed(0)
options = {name: value for name, value in NETWORK.items() if name != "network"}
plain = kerasae.build(
    "undercomplete" if FAST else "convolutional",
    input_shape=images.image_shape,
    activation="gelu",
    loss="mse",
    **options,
)
plain.compile(optimizer=keras.optimizers.Adam(beta_2=0.97), loss="mse")
epochs, learning_rate = PLAN[best]
config = TrainConfig(epochs=epochs, learning_rate=learning_rate, batch_size=64, jit_compile=False)
train(plain, images, config, progress=False)
kerasae.decorrelate_code(plain, images.train)
plain_decoder, plain_encoder = kerasae.decoder(plain), kerasae.encoder(plain)
known, new = (np.asarray(plain_encoder(x[:3000])) for x in (images.train, images.test))
coarse = {}
for divisor in (8, 6, 4, 2.8, 2, 1.4, 1, 0.7, 0.5):
    step = new.std() / divisor
    counted, sent = (np.floor(codes / step + 0.5).astype(int) for codes in (known, new))
    least = min(counted.min(), sent.min())
    size = max(counted.max(), sent.max()) - least + 1
    bits = 0.0
    for a, b in zip(counted.T - least, sent.T - least, strict=True):
        share = np.bincount(a, minlength=size) + 0.1  # a symbol not yet seen is not impossible
        bits -= np.log2(share / share.sum())[b].mean()
    rebuilt = np.clip(plain_decoder.predict((sent * step).astype("float32"), verbose=0), 0, 1)
    coarse[float(bits)] = evaluation.psnr(images.test[:3000], rebuilt)
ours = {p.bits_per_image: p.psnr for p in points.values()}

figure, axes = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
axes.plot(ours.keys(), ours.values(), "o-", color=plots.BLUE, label="trained for rate and error")
axes.plot(coarse.keys(), coarse.values(), "s-", color=plots.ORANGE, label="for the error alone")
for lmbda, p in points.items():
    place = {"xytext": (-5, 6), "textcoords": "offset points", "ha": "right"}
    axes.annotate(f"{lmbda:g}", (p.bits_per_image, p.psnr), color=plots.BLUE, **place)
axes.set(xlabel="bits an image", ylabel="PSNR in dB")
axes.margins(y=0.15)
axes.legend(frameon=False, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert list(ours) == sorted(ours, reverse=True)
assert list(ours.values()) == sorted(ours.values(), reverse=True)
told = []
for p in points.values():
    theirs = rate_at(list(coarse), list(coarse.values()), p.psnr)
    assert FAST or abs(p.bits_per_image / theirs - 1) < 0.1
    told.append(
        f"for {p.psnr:.1f} dB ours takes {p.bits_per_image:.0f} bits, and the rival "
        + (f"{theirs:.0f}" if theirs else "does not get there")
    )
display(
    Markdown(
        f"*Rate and distortion: up and to the left is better. Each lambda is one point of the blue "
        f"curve. Read along one height: {'; '.join(told)}. Turning and rounding a good code is a "
        f"strong rival: after so short a training the two curves all but coincide, and the rate "
        f"in the loss has not paid yet.*"
    )
)

# %% [markdown]
# Neither has come to rest: a larger network, trained for rate and error with 24 epochs on 54,000
# digits, reaches 26.75 dB with 24.1 bytes a digit, see
# [Compression, measured](../docs/compression.md).
#
# ## From probabilities to bits
#
# `export_bundle` converts both halves and counts, on the training images, how often each value of
# the code takes each symbol. These counts are the tables of the entropy coder; sender and receiver
# share them. The coder is a *range asymmetric numeral system*: it packs a whole message into one
# large number, so that a symbol may cost a fraction of a bit.

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
folder = Path(scratch.name)
codecs = {
    f"lambda {lmbda:g}": Codec.load(
        export_bundle(model, folder / f"lambda-{lmbda:g}", calibration=images.train[:10_000])
    )
    for lmbda, model in models.items()
}
codec = codecs[f"lambda {best:g}"]

# %%
symbols = np.concatenate([codec.encode(image) for image in pixels])
quality = codec.manifest.codec.best
shares = [np.array(table.frequencies) / 4096 for table in quality.tables]  # what p is, for a coder
entropies = np.array([-(p * np.log2(p)).sum() for p in shares])
channel = int(np.argmax(entropies))
data = codec.compress(pixels[0])
content = quality.coder.bits(symbols)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
values, counts = np.unique(symbols[:, channel], return_counts=True)
left.bar(values, counts / len(symbols), color=plots.BLUE, label="test images")
known = quality.tables[channel].offset + np.arange(len(shares[channel]) - 1)
left.plot(known, shares[channel][:-1], ".-", color=plots.ORANGE, label="table")
left.set(xlabel=f"symbol of value {channel} of the code", ylabel="share")
left.legend(frameon=False)
right.bar(range(1, len(shares) + 1), np.sort(entropies)[::-1], color=plots.BLUE)
right.set(xlabel="values of the code, by cost", ylabel="bits, on average")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
payload = 8 * (len(data) - 11)
assert abs(content.mean() - points[best].bits_per_image) < 0.1 * points[best].bits_per_image
assert content[0] < payload + 1
display(
    Markdown(
        f"*Left: how often each symbol of the costliest value occurs in the test images, and what "
        f"the table, made from training images, expects; the closer they are, the fewer bits are "
        f"wasted. Right: all {len(shares)} values; the cheapest costs {entropies.min():.2f} bits, "
        f"and the costliest {entropies.max():.2f}. By the tables a test image has "
        f"{content.mean():.1f} bits, and the model promised {points[best].bits_per_image:.1f}. The "
        f"first image has {content[0]:.1f}, and the coder packs it into {payload}, whole bytes and "
        f"the end of the message included.*"
    )
)

# %% [markdown]
# ## What a file adds
#
# Around the payload is a frame: who reads it must know the format, the bundle and the size, and
# must notice damage. For one small image that is a large share. A stream shares one frame among
# many.

# %%
parts = [
    ("magic number and version", data[:3]),
    ("which bundle", data[3:5]),
    ("height and width", data[5:7]),
    ("payload: the symbols", data[7:-4]),
    ("checksum", data[-4:]),
]
rows = [f"| {name} | `{part.hex(' ')}` | {len(part)} |" for name, part in parts]
head = "| part of the file | hexadecimal | bytes |\n|---|---|---:|"
display(Markdown("\n".join([head, *rows])))

numbers = [n for n in (1, 2, 5, 10, 20, 50, 100) if n < SENT] + [SENT]
single = [len(codec.compress(image)) for image in pixels]
curves = {
    "one stream": {n: len(codec.compress_many(pixels[:n])) / n for n in numbers},
    "a file each": {n: sum(single[:n]) / n for n in numbers},
    "bits of the symbols": content.mean() / 8,
}
display(
    plots.plot_curves(
        curves, xlabel="images that are sent", ylabel="bytes an image", log_x=True, log_y=True
    )
)
stream, alone = curves["one stream"][SENT], curves["a file each"][SENT]
assert stream < alone
assert stream < 1.1 * content.mean() / 8 + 24 / SENT + 1
display(
    Markdown(
        f"*Bytes an image, everything counted. Single files stay at {alone:.1f}. A stream begins "
        f"higher, for its header is longer, and falls to **{stream:.1f}** with {SENT} images, "
        f"close to what the symbols themselves hold. Whoever compares codecs on small images "
        f"compares frames, unless this is said.*"
    )
)

# %% [markdown]
# ## The race
#
# The others are JPEG, WebP and AVIF as Pillow writes them, each at several settings. One file for
# each image is what an app would send; here that is done for the first hundred. But these formats
# were made for large pictures, so they also get all images as one *mosaic*, which is kinder to
# them. Every byte of every file is counted, and quality is the pooled PSNR of what comes back.

# %%
coders, FILES = ("JPEG", "WebP", "AVIF", "PNG"), min(SENT, 100)
evaluation_of_all = evaluate(codecs, list(pixels), data="test digits", others=coders, files=FILES)
figure, grid = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
styles = {
    "kerasae": (plots.BLUE, "o-"),
    "AVIF": (plots.GREEN, ".-"),
    "WebP": (plots.ORANGE, ".-"),
    "JPEG": (plots.RED, ".-"),
}
titles = {"files": "one file for each image", "together": "all images at once"}
for axes, (arrangement, title) in zip(grid, titles.items(), strict=True):
    for name, (colour, style) in styles.items():
        curve = evaluation_of_all.best(arrangement, name)
        if curve:
            axes.plot(
                [p.bytes_per_image for p in curve],
                [p.psnr for p in curve],
                style,
                color=colour,
                label=name,
            )
    (png,) = evaluation_of_all.of(arrangement, "PNG")
    axes.axvline(png.bytes_per_image, color=plots.MUTED, ls="--", lw=1.2, label="PNG, lossless")
    axes.set(xscale="log", xlabel="bytes an image (log scale)", title=title)
    axes.set_xticks(TICKS, [f"{tick}" for tick in TICKS])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
grid[0].set(ylabel="PSNR in dB", ylim=(min(p.psnr for p in points.values()) - 4, 45))
grid[1].legend(frameon=False, fontsize=9)
plt.show()

# %% [markdown]
# *Up and to the left is better; a step to the right on this axis is a factor. Look at how far left
# our points begin in the left panel, and how the others catch up in the right one. Look also at
# where our curve ends: to go on, it would need a larger code, a larger lambda, and more training.*

# %%
mine = {a: evaluation_of_all.best(a, "kerasae")[-1] for a in titles}
rows = []
for arrangement, title in titles.items():
    for name in ("JPEG", "WebP", "AVIF"):
        curve = evaluation_of_all.best(arrangement, name)
        if not curve:
            continue
        quality_reached = max(mine[arrangement].psnr, curve[0].psnr)
        theirs = rate_at(
            [p.bytes_per_image for p in curve], [p.psnr for p in curve], quality_reached
        )
        rows.append(
            f"| {title} | {name} | {theirs:.1f} | {quality_reached:.1f} "
            f"| {mine[arrangement].bytes_per_image / theirs - 1:+.0%} |"
        )
        assert arrangement == "together" or mine[arrangement].bytes_per_image < theirs
head = "| | codec | bytes an image | at dB | ours is |\n|---|---|---:|---:|---:|"
display(Markdown("\n".join([head, *rows])))
display(
    Markdown(
        f"*The others at our quality, interpolated between their settings, or at their lowest "
        f"setting where that is better still. Ours: {mine['files'].bytes_per_image:.1f} bytes as "
        f"files and {mine['together'].bytes_per_image:.1f} as a stream, at "
        f"{mine['together'].psnr:.1f} dB. As single files the first {FILES} images were sent, "
        f"together all {SENT}.*"
    )
)

# %% [markdown]
# AVIF deserves a second look. By default it is tuned for how pictures look to people, and PSNR does
# not ask people. Pillow can tell it otherwise.

# %%
sheet = mosaic(list(pixels))
eye = evaluation_of_all.best("together", "AVIF")
tuned = {"the eye": {p.bytes_per_image: p.psnr for p in eye}, "PSNR": {}}
for setting in (0, 3, 6, 10):
    buffer = io.BytesIO()
    Image.fromarray(sheet[..., 0]).save(
        buffer, "AVIF", quality=setting, speed=2, advanced={"tune": "psnr"}
    )
    decoded = PillowCoder("AVIF", 0).decode(buffer.getvalue(), sheet.shape)
    rebuilt = np.stack(tiles(decoded, height, width)[:SENT])
    size = len(buffer.getvalue()) / SENT
    tuned["PSNR"][size] = evaluation.psnr(pixels / 255, rebuilt / 255)
at_ours = {
    name: rate_at(list(curve), list(curve.values()), mine["together"].psnr)
    for name, curve in tuned.items()
}
found = {name: size for name, size in at_ours.items() if size}
least = min(found.values())
taken = mine["together"].bytes_per_image
display(
    Markdown(
        f"All images at once, at {mine['together'].psnr:.1f} dB, AVIF takes "
        + ", ".join(
            f"{size:.1f} bytes an image when tuned for {name}" for name, size in found.items()
        )
        + f". The better of them is the one to beat; ours takes "
        f"{taken:.1f}, {taken / least - 1:+.0%}."
    )
)
assert taken < least

# %% [markdown]
# Numbers are one thing, pictures another. Here is what each codec does with about the bytes that
# we take, all images sent at once.

# %%
shown, lowest = {"original": pixels[:10]}, {}
for name in ("JPEG", "WebP", "AVIF", "kerasae"):
    curve = evaluation_of_all.of("together", name)
    if curve:
        near = min(
            curve,
            key=lambda p: abs(np.log(p.bytes_per_image / mine["together"].bytes_per_image)),
        )
        label = f"{name}\n{near.bytes_per_image:.1f} bytes, {near.psnr:.1f} dB"
        shown[label] = np.stack(near.pictures[:10])
        if name != "kerasae" and near.bytes_per_image == min(p.bytes_per_image for p in curve):
            lowest[name] = near.bytes_per_image / mine["together"].bytes_per_image - 1
display(plots.plot_samples(np.stack(list(shown.values())) / 255, labels=list(shown)))
told = ", ".join(f"{name} {more:+.0%}" for name, more in lowest.items()) or "none"
display(
    Markdown(
        f"*Each codec at the setting whose size is nearest to ours. Those at their lowest are "
        f"still not as small as ours ({told}). The general codecs blur or break into blocks, for "
        f"they must describe any picture whatever; they can also be sharper, as AVIF is in the "
        f"thin 8. Ours draws clean strokes, and when it is wrong, it draws a wrong stroke just as "
        f"cleanly. A poor JPEG looks poor; a poor reconstruction by a network may look fine and be "
        f"another digit. Where that matters, do not use it.*"
    )
)

# %% [markdown]
# ## Where it loses
#
# **Other images.** The same codec on a photograph, cut into tiles of the size that it knows.

# %%
cat = kerasae.load_images("photos", image_size=4 * height, channels=1, limit=100).test
liveliest = cat[cat.std(axis=(1, 2, 3)).argmax()]
photo = np.floor(liveliest * 255 + 0.5).astype(np.uint8)
file = codec.compress(photo)
rivals = {"original": (photo, photo.size), "kerasae": (codec.decompress(file), len(file))}
for setting in (0, 20, 50, 80):
    packed = PillowCoder("WebP", setting).encode(photo)
    if len(packed) <= max(len(file), len(PillowCoder("WebP", 0).encode(photo))):
        rivals["WebP"] = (PillowCoder("WebP", 0).decode(packed, photo.shape), len(packed))
figure, grid = plt.subplots(1, 3, figsize=(8, 3), layout="constrained")
quality_of = {}
for axes, (name, (picture, size)) in zip(grid, rivals.items(), strict=True):
    plots.show_image(axes, picture / 255)
    quality_of[name] = evaluation.psnr(photo[None] / 255, picture[None] / 255)
    told = "" if name == "original" else f", {quality_of[name]:.1f} dB"
    axes.set_title(f"{name}\n{size:,} bytes{told}", fontsize=10)
plt.show()
assert quality_of["WebP"] > quality_of["kerasae"]
display(
    Markdown(
        f"*A piece of a photograph of a cat, and what the digit codec and WebP make of it, WebP at "
        f"the best of four settings that takes no more bytes, or at its lowest. The digit codec "
        f"paints fur with pen strokes: {quality_of['kerasae']:.1f} dB against "
        f"{quality_of['WebP']:.1f}.*"
    )
)

# %% [markdown]
# **The bundle has to be there.** A phone has JPEG already. Ours must be sent first: the decoder and
# the manifest, once for each receiver. How many images pay for it?

# %%
needed = sum(
    (folder / f"lambda-{best:g}" / name).stat().st_size
    for name in ("decoder.tflite", "manifest.json")
)
rows = []
for name in ("JPEG", "WebP", "AVIF"):
    for arrangement, title in titles.items():
        curve = evaluation_of_all.best(arrangement, name)
        if curve:
            reached = max(mine[arrangement].psnr, curve[0].psnr)
            theirs = rate_at([p.bytes_per_image for p in curve], [p.psnr for p in curve], reached)
            if (name, arrangement) == ("AVIF", "together"):
                theirs = least  # the better tuned of the two
            saved = theirs - mine[arrangement].bytes_per_image
            after = f"{float(f'{needed / saved:.2g}'):,.0f}" if saved > 0 else "never"
            rows.append(f"| {name}, {title} | {saved:.1f} | {after} |")
head = "| instead of | bytes saved an image | images until it pays, about |\n|---|---:|---:|"
display(Markdown("\n".join([head, *rows])))
display(
    Markdown(
        f"*A receiver needs {needed:,} bytes of bundle. A sensor that sends small images all day "
        f"has earned them soon; a person who sends one picture never will.*"
    )
)

# %% [markdown]
# **Every pixel.** PNG gives back what went in. This codec cannot, at any size.
#
# **Time.** The general codecs are decades of compiled code. What was measured above, on this
# computer and beside other work, so that only large factors mean anything:

# %%
times = {}
for name in ("JPEG", "WebP", "AVIF", "kerasae"):
    curve = evaluation_of_all.of("files", name)
    if curve:
        times[name] = [
            float(np.median([p.encode_ms for p in curve])),
            float(np.median([p.decode_ms for p in curve])),
        ]
        encoding, decoding = times[name]
        print(f"{name:8} {encoding:7.3f} ms to encode an image, {decoding:7.3f} ms to decode it")
own = times.pop("kerasae")
told = [
    ", ".join(f"{name} {float(f'{both[i] / own[i]:.2g}'):g}" for name, both in times.items())
    for i in (0, 1)
]
ahead = [
    " and ".join(name for name, both in times.items() if both[i] < 0.8 * own[i]) or "nobody"
    for i in (0, 1)
]
display(
    Markdown(
        f"In multiples of our own time: {told[0]} to encode, {told[1]} to decode. A network as "
        f"small as this one need not be slow: clearly ahead of it in encoding is {ahead[0]}, in "
        f"decoding {ahead[1]}."
    )
)

# %% [markdown]
# ## What can go wrong
#
# **Bytes without decibels**, or the reverse. One number is no comparison. Interpolate to equal
# quality, and say where a codec's curve ends.
#
# **Averages of PSNR.** The mean over images of the PSNR of each is higher than the PSNR of all
# pixels pooled, and it favours sets with a few easy images. Here it is pooled.
#
# **A lambda from a paper on photographs.** It may well have the same units: to divide both bits and
# error by the number of pixels changes nothing. (An error on the scale of 0 to 1, in place of 0 to
# 255, changes lambda by a factor of 65,025.) But lambda is the slope of a curve, and other images
# have another curve: the same lambda gives another quality, and other bytes. Choose it by the point
# on your own curve.
#
# **A sigmoid at the output.** With a small lambda the cheapest thing is to say nothing; a sigmoid
# that has gone to black has no slope to come back. The builder has a linear output and clips.
#
# **Tables from few images.** A symbol that the tables have not seen costs several bytes. Calibrate
# with thousands of images if there are any.
#
# **Choosing lambda, or the network, by test images.** The race is run once. Choices belong to the
# validation part.

# %% [markdown]
# ## Key takeaways
#
# 1. Bits are surprise. What a code costs is the entropy of its rounded values, not their number.
# 2. Lambda is the exchange rate of bits and error; each gives one point of a curve.
# 3. Rounding becomes noise in training. At inference it is real.
# 4. On small images the frame is a large share of a file; streams share it.
# 5. A codec of your own wins on many small images of one kind, with a bundle that both ends keep.
#    On any other picture take AVIF, WebP or JPEG.

# %% [markdown]
# ## Exercises
#
# **1.** How much of the saving is the tables, and how much the network? Pack the symbols of all
# images with zlib instead, a byte each, and compare with the stream.
#
# <details><summary>Solution</summary>
#
# ```python
# import zlib
#
# packed = zlib.compress(symbols.clip(-128, 127).astype(np.int8).tobytes(), 9)
# print(f"zlib {len(packed) / SENT:.1f} bytes an image, stream {stream:.1f}")
# ```
#
# zlib looks for repeated strings of bytes, which codes do not have, and learns nothing about each
# place of the code. It also spends whole bits on a symbol.
#
# </details>
#
# **2.** Shuffle the tables: what would the symbols cost under tables of other values of the code?
#
# <details><summary>Solution</summary>
#
# ```python
# from kerasae_export.entropy import Tables
#
# turned = Tables([*quality.tables[1:], quality.tables[0]])
# print(f"{turned.bits(symbols).mean():.0f} bits in place of {content.mean():.0f}")
# ```
#
# A wrong probability costs its divergence from the true one, and a symbol outside of its table
# even more.
#
# </details>
#
# **3.** Damage a file in each single bit of its first image, and count how often the codec notices.
#
# <details><summary>Solution</summary>
#
# ```python
# from kerasae_export import BitstreamError
#
# noticed = 0
# for position in range(8 * len(data)):
#     damaged = bytearray(data)
#     damaged[position // 8] ^= 1 << position % 8
#     try:
#         codec.decompress(bytes(damaged))
#     except BitstreamError:
#         noticed += 1
# print(f"{noticed} of {8 * len(data)}")
# assert noticed == 8 * len(data)
# ```
#
# All of them: the checksum finds every single flipped bit. Without it nearly every damage in the
# payload would decode to something that looks like an image.
#
# </details>
#
# **4.** At 9600 bits a second, how long do all test images take as single files, as one stream, and
# as PNG files?
#
# <details><summary>Solution</summary>
#
# ```python
# png = evaluation_of_all.of("files", "PNG")[0].bytes_per_image
# for name, size in (("files", alone), ("stream", stream), ("PNG", png)):
#     print(f"{name:6} {8 * size * SENT / 9600:6.1f} s")
# ```
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Export, quantise, verify](16_export.ipynb): the files inside the bundle.
# - [Compression, measured](../docs/compression.md): a longer training, more rivals.
# - [The format](../export/FORMAT.md): every byte, specified.
#
# **Papers**
#
# - C. E. Shannon (1948), *A Mathematical Theory of Communication*, Bell System Technical
#   Journal 27.
# - J. Ballé, V. Laparra and E. P. Simoncelli (2017), *End-to-end Optimized Image Compression*,
#   ICLR: noise in place of rounding.
# - L. Theis, W. Shi, A. Cunningham and F. Huszár (2017), *Lossy Image Compression with Compressive
#   Autoencoders*, ICLR.
# - J. Ballé, D. Minnen, S. Singh, S. J. Hwang and N. Johnston (2018), *Variational Image
#   Compression with a Scale Hyperprior*, ICLR: the factorised prior that is used here, and the
#   next step.
# - J. Duda (2013), *Asymmetric numeral systems*, arXiv 1311.2540: the entropy coder.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn. The cat is "chelsea" (S. van der Walt, CC0), as shipped
# with scikit-image.
