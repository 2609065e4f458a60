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
# # Convolutional autoencoders
#
# A small window slides over the picture, with the same weights everywhere. The network below
# learned from pieces of five photographs, 64 x 64 pixels each. None of them shows a cat.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
PIECES, EPOCHS, LETTERS, LETTER_EPOCHS = (
    (250, (1, 2), 1000, 2) if FAST else (None, (4, 11), 5000, 3)
)
TILES = 8 if FAST else 28

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae.masks import draw_masks

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

photos = kerasae.load_images("photos", limit=PIECES)
rng = np.random.default_rng(0)
holes = [draw_masks(kind, (64, 64), 150, fraction=0.15) for kind in ("text", "free_form")]
holes = np.concatenate(holes)[..., None]

networks = {}
for name, epochs in zip(("copy", "mend"), EPOCHS, strict=True):  # the same network twice
    keras.utils.set_random_seed(0)
    relu = {"padding": "same", "activation": "relu"}
    encoder = [
        keras.layers.Conv2D(32, 3, strides=2, **relu),
        keras.layers.Conv2D(64, 3, strides=2, **relu),
        keras.layers.Conv2D(64, 3, **relu),
        keras.layers.Conv2D(16, 1),
    ]
    decoder = [
        keras.layers.Conv2D(64, 3, **relu),
        keras.layers.Conv2DTranspose(32, 3, strides=2, **relu),
        keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same"),
    ]
    trained = keras.Sequential([keras.Input((None, None, 4)), *encoder, *decoder])
    clean = photos.train
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(clean) // 8))
    trained.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
    for _ in range(epochs):  # new noise and new holes in each
        missing = holes[rng.integers(len(holes), size=len(clean))] & (name == "mend")
        noise = rng.normal(0, 0.1, clean.shape) * (name == "mend")
        seen = np.concatenate([np.where(missing, 0, clean + noise), missing], axis=-1)
        trained.fit(seen.astype("float32"), clean, batch_size=8, verbose=0)
    networks[name] = trained
network = networks["mend"]

cat = (data.chelsea()[:, :448] / 255).astype("float32")
page = Image.new("L", (448, 300))
font = ImageFont.load_default(52)
ImageDraw.Draw(page).text((40, 50), "the same few\nweights, at\nevery place", fill=255, font=font)
missing = np.array(page)[..., None] > 0
noisy = cat + rng.normal(0, 0.1, cat.shape)
seen = np.concatenate([np.where(missing, 0, noisy), missing], axis=-1).astype("float32")
mended = network.predict(seen[None], verbose=0)[0]

figure, panels = plt.subplots(1, 2, figsize=(9, 3.3), dpi=80, layout="constrained")
panels[0].imshow(np.clip(np.where(missing, 1, noisy), 0, 1))
panels[0].add_patch(plt.Rectangle((380, 232), 64, 64, fill=False, color="white", linewidth=2))
panels[1].imshow(np.clip(mended, 0, 1))
titles = ("noise, and pixels that are missing", "what the network makes of it")
for axes, title in zip(panels, titles, strict=True):
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
plt.show()

# %% [markdown]
# *Left: noise, and writing where pixels are missing. Right: what one small network makes of it. The
# white square is as large as anything that it saw in training.*

# %% [markdown]
# **You will be able to**
#
# - compute a convolution by hand;
# - build an autoencoder in plain Keras that takes pictures of any size;
# - show what shared weights buy, beside dense networks of the same size and larger;
# - remove noise and fill in missing parts with one network, and measure both;
# - say how far such a network sees.

# %%
import kerasae
from kerasae import evaluation, plots
from kerasae.masks import draw_masks

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import median_filter
from skimage import data
from skimage.restoration import denoise_tv_chambolle, inpaint_biharmonic

# %% [markdown]
# **Your turn, a few seconds.** The same network, another photograph: 512 x 512 pixels, in grey. Put
# your name into `words` and run the cell. Then set `noise = 0.3`, three times what it was trained
# for. Expect blotches.

# %%
words, noise = "YOUR NAME", 0.1

photo = np.stack([data.camera() / 255] * 3, axis=-1)
page = Image.new("L", (512, 512))
ImageDraw.Draw(page).text((20, 160), words, fill=255, font=ImageFont.load_default(80))
missing = np.array(page)[..., None] > 0
noisy = photo + np.random.default_rng(1).normal(0, noise, photo.shape)
seen = np.concatenate([np.where(missing, 0, noisy), missing], axis=-1)  # colours, and the mask
mended = network.predict(seen[None].astype("float32"), verbose=0)[0]
plt.figure(figsize=(8, 4), dpi=72)
plt.imshow(np.clip(np.hstack([np.where(missing, 1, noisy), mended]), 0, 1))
plt.axis("off")
plt.show()

# %% [markdown]
# *Left the damage, right the output. The network gets 0 where pixels are missing, and a fourth
# channel, the mask, that says where. Dark traces of the letters stay at the left.*

# %% [markdown]
# ## A window that slides
#
# A **convolution** lays a small window of weights, the **kernel**, on the picture. It multiplies
# each weight with the pixel under it and adds up: one number of the output. A layer has many
# kernels; each makes a map of its own, a **channel**. Then the window moves on by one pixel. The
# kernel below subtracts right from left, so it answers to vertical edges of `cat`, the photograph
# of the title.

# %%
kernel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], "float32")

grey = cat.mean(axis=-1)
window = grey[99:102, 249:252]  # three by three pixels around row 100, column 250
by_hand = (kernel * window).sum()

picture, weights = grey[None, :, :, None], kernel[:, :, None, None]  # batch and channels
edges = np.array(keras.ops.conv(picture, weights, padding="same"))[0, :, :, 0]
print(f"by hand {by_hand:.4f}, by the layer's operation {edges[100, 250]:.4f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
first = keras.Model(network.inputs, network.layers[0].output)
whole = np.concatenate([cat, np.zeros_like(cat[..., :1])], axis=-1)[None]
maps = first.predict(whole, verbose=0)[0]
spread = maps.std(axis=(0, 1))
lively = np.flatnonzero(spread > np.median(spread))
half = grey[::2, ::2].ravel()
lively = sorted(lively, key=lambda i: abs(np.corrcoef(maps[..., i].ravel(), half)[0, 1]))[:3]
figure, panels = plt.subplots(1, 5, figsize=(12, 2), layout="constrained")
tones = [grey, np.clip(0.5 + edges, 0, 1), *(maps[..., i] for i in lively)]
titles = ["grey", "your kernel", *(f"learned, kernel {i}" for i in lively)]
for axes, tone, title in zip(panels, tones, titles, strict=True):
    axes.imshow(tone, cmap="gray", vmax=np.quantile(tone, 0.995))
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
panels[0].add_patch(plt.Rectangle((240, 90), 20, 20, fill=False, color="orange"))
plt.show()

# %% [markdown]
# *Second picture: bright where the photograph gets darker from left to right. The orange frame is
# where we compute by hand. Right: three of the first layer's 32 maps, whose kernels are learned.*

# %% [markdown]
# Write `kernel = kernel.T` under its definition and run the cell again: now the second picture
# shows flat lines.
#
# ## The network in plain Keras
#
# With a **stride** of 2 the window moves by two pixels, and the output has half the height and
# width. A **transposed convolution** goes back: each number paints a window, and the windows lie
# two pixels apart. No layer knows how large the picture is, so height and width stay `None`.

# %%
layers, relu = keras.layers, {"padding": "same", "activation": "relu"}
encoder = [
    layers.Conv2D(32, 3, strides=2, **relu),  # half of each side
    layers.Conv2D(64, 3, strides=2, **relu),  # a quarter
    layers.Conv2D(64, 3, **relu),
    layers.Conv2D(16, 1),  # the code: 16 numbers for 4 x 4 pixels
]
decoder = [
    layers.Conv2D(64, 3, **relu),
    layers.Conv2DTranspose(32, 3, strides=2, **relu),
    layers.Conv2DTranspose(3, 4, strides=2, padding="same"),  # the pixels
]
encoder, decoder = keras.Sequential(encoder), keras.Sequential(decoder)
model = keras.Sequential([keras.Input((None, None, 4)), encoder, decoder])
model.set_weights(network.get_weights())  # those of the title picture

for height, width in ((64, 64), (300, 448), (512, 512)):
    code = encoder.predict(np.zeros((1, height, width, 4)), verbose=0)
    print(f"a picture of {height} x {width}: a code of {code.shape[1:]}")
print(f"weights in all: {model.count_params():,}")

# %% [markdown]
# The code is **spatial**: a map with rows and columns, one third as many numbers as the picture
# has. **Guess first:** how many weights would two dense layers need, from the 300 x 448 pixels of
# the cat in three colours to a code of that size, and back?

# %%
your_guess = 1_000_000

pixels, code_size = 300 * 448 * 3, 75 * 112 * 16
print(f"your guess {your_guess:,}, true value {2 * pixels * code_size:,}")

# %% [markdown]
# Nobody would build that. A smaller code needs fewer, but the number still grows with the picture,
# and the network fits one size only.
#
# ## Learned on the left, tested on the right
#
# Three networks learn letters that stand on the *left* of a wide image. The test: new typefaces, on
# the left and on the *right*. Quality is in decibels (dB); 10<!--given--> more are a tenth of the
# squared error. Two are dense. One has as many weights as the convolutional network; the other has
# as large a code, and sixteen times the weights. `LETTERS` is 5,000, and training takes three
# epochs (`LETTER_EPOCHS`). **Guess first:** what will the dense networks draw on the right?

# %%
letters = kerasae.load_images("letters", limit=LETTERS)
new = letters.test[:500]
left = np.pad(letters.train, ((0, 0), (0, 0), (0, 28), (0, 0)))  # 28 x 56 pixels
tests = {
    "left": np.pad(new, ((0, 0), (0, 0), (0, 28), (0, 0))),
    "right": np.pad(new, ((0, 0), (0, 0), (28, 0), (0, 0))),
}
shape = {"input_shape": (28, 56, 1), "learning_rate": 3e-3}
convolutional = kerasae.build_convolutional(hidden=(32, 64), code="spatial", code_size=2, **shape)
rivals = {
    "dense, as many weights": kerasae.build_undercomplete(hidden=(), code_size=12, **shape),
    "dense, as large a code": kerasae.build_undercomplete(hidden=(), code_size=196, **shape),
    "convolutional": convolutional,
}
results = {}
for name, rival in rivals.items():
    rival.fit(left, left, batch_size=64, epochs=LETTER_EPOCHS, verbose=0)
    psnr = [evaluation.psnr(x, rival.predict(x, verbose=0)) for x in tests.values()]
    results[name] = psnr
    print(f"{name}: {rival.count_params():,} weights, left {psnr[0]:.1f}, right {psnr[1]:.1f} dB")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
chosen = slice(0, 4)
seen = np.concatenate([tests["left"][chosen], tests["right"][chosen]])
rows = np.stack([seen, *(rival.predict(seen, verbose=0) for rival in rivals.values())])
plots.plot_samples(rows, labels=["input", *rivals])

# %% [markdown]
# *Right half: letters where no training image had one. The dense networks answer with haze or
# speckle, and a ghost on the left. The convolutional network draws them as well as before.*

# %% [markdown]
# From left to right, the dense network with the large code falls from 19.7<!--dense_left--> to
# 9.9<!--dense_right--> dB. The convolutional one reaches 22.9<!--conv_left--> and
# 22.9<!--conv_right-->, with a sixteenth of the weights.
#
# A dense network has its own weights for each pixel, and those on the right never saw a letter. In
# a convolution the weights on the right *are* those that learned on the left.
#
# ## Noise and missing parts, measured
#
# The network of the title picture saw damaged pieces and had to return the clean ones: noise with a
# standard deviation of 0.1<!--given-->, and 15 %<!--given--> of the pixels missing, in words and
# strokes, new in each epoch. `networks["copy"]` has the same layers and as many weights, but it saw
# clean pieces only, and learned to copy them. Both meet the same damage, on 28 tiles of the cat
# (`TILES`).

# %%
x = photos.test[:TILES]
rng = np.random.default_rng(2)
missing = draw_masks("text", (64, 64), len(x), fraction=0.15, seed=9)[..., None]
noisy = (x + rng.normal(0, 0.1, x.shape)).astype("float32")
seen = np.concatenate([np.where(missing, 0, noisy), missing], axis=-1)
answers = {"as it is": seen[..., :3]}
for name in ("copy", "mend"):
    given = (seen * [1, 1, 1, name == "mend"]).astype("float32")  # copying knows no mask
    answers[f"trained to {name}"] = networks[name].predict(given, verbose=0)

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
intact = np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)
held = photos.validation[::8][:TILES]
rough = held + rng.normal(0, 0.1, held.shape)
errors = {
    weight: np.mean(
        [
            np.square(denoise_tv_chambolle(y, weight=weight, channel_axis=-1) - z).mean()
            for y, z in zip(rough, held, strict=True)
        ]
    )
    for weight in (0.04, 0.07, 0.1, 0.14)
}
strength = min(errors, key=errors.get)

# %% [markdown]
# Beside them, classical methods: fill each hole smoothly from its edge (`inpaint_biharmonic`), then
# remove noise by a median filter or by total variation (TV), with a strength chosen on validation
# images.

# %%
pairs = zip(answers["as it is"], missing[..., 0], strict=True)
filled = np.stack([inpaint_biharmonic(y, hole, channel_axis=-1) for y, hole in pairs])
tv = [denoise_tv_chambolle(y, weight=strength, channel_axis=-1) for y in filled]
answers["filled, then median"] = median_filter(filled, size=(1, 3, 3, 1))
answers["filled, then TV"] = np.stack(tv)
repaired = {}
for name, answer in answers.items():
    squared = np.square(np.clip(answer, 0, 1) - x)
    inside, outside = (squared[np.broadcast_to(m, x.shape)].mean() for m in (missing, ~missing))
    decibels = -10 * np.log10([outside, inside])
    repaired[name] = decibels
    print(f"{name:20} noise {decibels[0]:.1f} dB, in the holes {decibels[1]:.1f} dB")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert FAST or results["convolutional"][1] > results["dense, as large a code"][1] + 5
{
    "conv_left": results["convolutional"][0],
    "conv_right": results["convolutional"][1],
    "dense_left": results["dense, as large a code"][0],
    "dense_right": results["dense, as large a code"][1],
    "copy_noise": repaired["trained to copy"][0],
    "copy_holes": repaired["trained to copy"][1],
    "mend_noise": repaired["trained to mend"][0],
    "mend_holes": repaired["trained to mend"][1],
    "tv_noise": repaired["filled, then TV"][0],
    "tv_holes": repaired["filled, then TV"][1],
    "noise": repaired["as it is"][0],
    "copy_clean": evaluation.psnr(x, np.clip(networks["copy"].predict(intact, verbose=0), 0, 1)),
}

# %% [markdown]
# Trained to mend, the network turns 20.1<!--noise--> dB into 27.8<!--mend_noise-->, and reaches
# 26.7<!--mend_holes--> dB in the holes. The same layers, trained to copy, reach
# 28.4<!--copy_clean--> dB on clean tiles, but leave the noise, 19.0<!--copy_noise--> dB, and fill
# the holes badly, 11.8<!--copy_holes--> dB. So the layers alone do not mend: their code, a third of
# the picture, is long enough for noise.
#
# TV is still better at noise, 28.7<!--tv_noise--> dB; in the holes it has 26.2<!--tv_holes-->. This
# is one training, with one seed. And look at the eyes in the title picture: their green has turned
# brown, which these averages do not tell you.
#
# Keep the two numbers apart: one mean over both would not tell you which of them is bad.
#
# ## How far can it see?
#
# **Fill in:** one pixel of the input changes. How many rows of the output change with it?

# %%
your_value = 3

flat = np.random.default_rng(0).uniform(0, 1, (1, 128, 128, 4)).astype("float32")
poked = flat.copy()
poked[0, 64, 64] += 1
changed = np.abs(model.predict(poked, verbose=0) - model.predict(flat, verbose=0)).max(axis=(0, 3))
rows = np.flatnonzero(changed.max(axis=1) > 0)
print(f"your value {your_value}, true value {rows.max() - rows.min() + 1}")

# %% [markdown]
# No information gets further. In the middle of a hole wider than that, the network can only guess.
# More layers or strides see further; a dense code sees everything, but fixes the size.
#
# ## What can go wrong
#
# **A chequered pattern.** Where the windows of a transposed convolution overlap, neighbouring
# pixels are sums of different weights. Give flat grey to two untrained networks: one with
# transposed convolutions, one that repeats each pixel and then convolves (`upsampling="resize"`).

# %%
flat = np.full((1, 64, 64, 3), 0.5, "float32")
shared = {"input_shape": (64, 64, 3), "hidden": (32, 64), "code": "spatial", "loss": "mse"}
patterns = []
for upsampling in ("transposed", "resize"):
    keras.utils.set_random_seed(0)
    fresh = kerasae.build_convolutional(code_size=16, upsampling=upsampling, **shared)
    patterns.append(fresh.predict(flat, verbose=0)[0, 16:-16, 16:-16])  # away from the border
patterns = np.stack(patterns)
patterns -= patterns.mean(axis=(1, 2), keepdims=True)
plt.figure(figsize=(6, 3))
plt.imshow(np.clip(0.5 + 6 * np.hstack(patterns), 0, 1), interpolation="nearest")
plt.axis("off")
plt.show()

# %% [markdown]
# *Left transposed convolutions, right resizing, before any training, with the contrast raised. The
# left one makes a pattern out of nothing.*

# %% [markdown]
# Training weakens the pattern. Resizing avoids it, but computes more, because it convolves at the
# larger size.
#
# - **Evaluating on clean inputs.** There a network that copies looks best. A denoiser must be
#   evaluated on noisy inputs.
# - **Noise of another strength.** You saw the blotches.
# - **Shifts between strides.** Move a picture by four pixels, and its code moves by one position.
#   For shifts between multiples of four this holds only roughly.
# - **Sides that the strides do not divide.** Crop or pad, here to multiples of four.
#
# ## Key takeaways
#
# 1. A convolution uses the same few weights at every place, so the network takes any size.
# 2. What it learns in one place it can do everywhere. A dense network has to learn it again.
# 3. Strides make maps smaller, transposed convolutions or resizing make them larger.
# 4. Training decides what it repairs: the same layers copy damage, or mend it.
# 5. It sees no further than its reach.

# %% [markdown]
# ## Exercises
#
# **1.** Does the dense network need more letters, or letters in more places? Train it on the left
# *and* on the right.
#
# <details><summary>Solution</summary>
#
# ```python
# both = np.concatenate([left, np.roll(left, 28, axis=2)])
# keras.utils.set_random_seed(0)
# everywhere = kerasae.build_undercomplete(hidden=(), code_size=196, **shape)
# everywhere.fit(both, both, batch_size=64, epochs=LETTER_EPOCHS, verbose=0)
# for name, x in tests.items():
#     print(f"{name}: {evaluation.psnr(x, everywhere.predict(x, verbose=0)):.1f} dB")
# ```
#
# Letters in more places: now both halves work. It had to be shown each place, and there are many
# more than two.
#
# </details>
#
# **2.** Move the letters by 0 to 8 pixels, and measure the convolutional network.
#
# <details><summary>Solution</summary>
#
# ```python
# for shift in range(9):
#     moved = np.roll(tests["left"], shift, axis=2)
#     psnr = evaluation.psnr(moved, convolutional.predict(moved, verbose=0))
#     print(f"{shift} pixels: {psnr:.2f} dB")
# ```
#
# Nearly the same everywhere, and the same at 4 and at 8. Between multiples of four strokes fall
# differently on the grid of the code; at 0 letters stand closer to the border.
#
# </details>
#
# **3.** Cut square holes of growing size into the cat. What happens to the middle of the largest?
# Compare with the reach.
#
# <details><summary>Solution</summary>
#
# ```python
# punched = np.zeros((300, 448, 1), bool)
# for i, side in enumerate((4, 8, 16, 32, 64)):
#     punched[120 : 120 + side, 20 + 90 * i : 20 + 90 * i + side] = True
# seen = np.concatenate([np.where(punched, 0, cat), punched], axis=-1).astype("float32")
# patched = network.predict(seen[None], verbose=0)[0]
# plt.figure(figsize=(9, 3))
# plt.imshow(np.clip(np.hstack([np.where(punched, 1, cat), patched]), 0, 1))
# plt.show()
# ```
#
# The smallest vanish. In the largest, pixels in the middle are further from the edge than the
# network can see. It was not trained on squares either, which does not help.
#
# </details>
#
# **4.** In plain Keras: replace each `Conv2DTranspose` by `UpSampling2D(2)` and a `Conv2D`. Train
# for one epoch to copy.
#
# <details><summary>Solution</summary>
#
# ```python
# resizing = keras.Sequential(
#     [
#         keras.Input((None, None, 3)),
#         layers.Conv2D(32, 3, strides=2, **relu),
#         layers.Conv2D(64, 3, strides=2, **relu),
#         layers.Conv2D(16, 1),
#         layers.UpSampling2D(2),
#         layers.Conv2D(32, 3, **relu),
#         layers.UpSampling2D(2),
#         layers.Conv2D(3, 3, padding="same"),
#     ]
# )
# resizing.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
# resizing.fit(photos.train, photos.train, batch_size=16, verbose=0)
# print(f"{evaluation.psnr(photos.test, resizing.predict(photos.test, verbose=0)):.1f} dB")
# ```
#
# Resizing gives flat grey back as flat grey before training, so it has no pattern to unlearn.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Variational autoencoders](10_variational.ipynb); later [denoising](14_denoising.ipynb) and
# [inpainting](15_inpainting.ipynb). The builder:
# [`build_convolutional`](../kerasae/builders/convolutional.py).
#
# **Papers**
#
# - J. Masci, U. Meier, D. Cireşan and J. Schmidhuber (2011), *Stacked Convolutional Auto-Encoders
#   for Hierarchical Feature Extraction*, ICANN.
# - J. T. Springenberg and others (2015), *Striving for Simplicity: The All Convolutional Net*, ICLR
#   workshop: strides in place of pooling.
# - A. Odena, V. Dumoulin and C. Olah (2016), *Deconvolution and Checkerboard Artifacts*, Distill.
# - D. Pathak and others (2016), *Context Encoders: Feature Learning by Inpainting*, CVPR.
#
# Photographs, from scikit-learn and scikit-image: china by danielbuechele and flower by vultilion
# (CC BY 2.0), chelsea, coffee and camera (CC0), astronaut and rocket (public domain), motorcycle
# (Middlebury Stereo 2014). Letters drawn from free typefaces of Debian (OFL, Apache-2.0, MIT or
# public domain).
