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
# # Denoising
#
# Read the first row, if you can.

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell"]
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA = "digits" if FAST else "mnist"
COUNT, EPOCHS, PHOTO_EPOCHS, PIECES = (1000, 3, 1, 200) if FAST else (20_000, 4, 5, None)

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import kerasae

import matplotlib.pyplot as plt
import numpy as np

images = kerasae.load_images(DATA, image_size=28)
x_train, x_test = images.train, images.test[:1000]
noise = np.random.default_rng(0).normal(size=x_test.shape).astype("float32")
noisy = np.clip(x_test + 0.5 * noise, 0, 1)  # as a camera would
denoiser = kerasae.load_pretrained("mnist-denoising")
cleaned = denoiser.predict(noisy, verbose=0).clip(0, 1)

shown = [38, 3, 33, 29, 10, 21, 16, 12]
figure, grid = plt.subplots(3, 1, figsize=(9, 3.6), layout="constrained")
rows = {"noisy": noisy, "cleaned": cleaned, "true": x_test}
for axes, (name, row) in zip(grid, rows.items(), strict=True):
    axes.imshow(row[shown, ..., 0].swapaxes(0, 1).reshape(28, -1), cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
plt.show()

# %% [markdown]
# *Cover the two lower rows and try to read the first. The network sees only that row, and draws the
# second. The third shows what was there.*

# %% [markdown]
# **You will be able to**
#
# - train a network that takes noisy images in and is compared with clean ones;
# - draw digits out of noise, and say why that works;
# - validate it on noisy images;
# - compare it fairly with filters;
# - clean a photograph with a network trained on pieces of others.

# %%
import kerasae
from kerasae import evaluation, plots
from kerasae.data import photograph

import keras
import numpy as np
from keras import layers, ops
from scipy.ndimage import gaussian_filter, median_filter
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

# %% [markdown]
# ## Spoil some digits
#
# `denoiser` comes with the package. It was trained on MNIST with noise of a standard deviation
# $\sigma$ of 0.5<!--given-->, half of the way from black to white.

# %%
images = kerasae.load_images(DATA, image_size=28)  # MNIST
x_train, x_test, held = images.train, images.test[:1000], images.validation[:200]
noise = np.random.default_rng(0).normal(size=x_test.shape).astype("float32")
noisy = np.clip(x_test + 0.5 * noise, 0, 1)  # as a camera would
noisy_held = np.clip(held + 0.5 * np.random.default_rng(1).normal(size=held.shape), 0, 1)
denoiser = kerasae.load_pretrained("mnist-denoising")
cleaned = denoiser.predict(noisy, verbose=0).clip(0, 1)

# %% [markdown]
# **Your turn, seconds:** run the cell. Then try `level = 1.0`, at which you will hardly see a
# digit, and `0.05`, at which you will hardly see the noise.

# %%
level = 0.5  # change me

spoilt = np.clip(x_test + level * noise, 0, 1)
answers = denoiser.predict(spoilt, verbose=0)
for name, x in {"spoilt": spoilt, "cleaned": answers}.items():
    print(f"{name:8} {evaluation.psnr(x_test, x):.1f} dB")
plots.plot_samples(np.stack([spoilt[10:20], answers[10:20]]), labels=["spoilt", "cleaned"])

# %% [markdown]
# *Above is what the network gets, below what it draws.*
#
# <!-- live: denoise -->

# %% [markdown]
# PSNR measures the squared error in decibels: more is better, and 10<!--given--> dB more is a tenth
# of the error. At a level of 1 the network finds strokes where you see none, and some of them are
# wrong. At 0.05<!--given--> its answer is *worse* than its input: it has learned not to trust
# details.
#
# ## The idea
#
# Take a clean image $x$, and add random noise to each pixel. Train a network to undo that:
#
# $$\tilde x = x + \sigma \varepsilon, \qquad
# \min_{f, g} \; \mathbb{E} \, \lVert x - g(f(\tilde x)) \rVert^2.$$
#
# The noisy image goes in, and the *clean* one is the target. Copying the input no longer pays. That
# is a **denoising autoencoder**.
#
# What should it answer? Many clean images could be behind one noisy image. By squared error the
# best answer is their mean, each weighted by its probability: $\mathbb{E}[x \mid \tilde x]$. If a
# smear could be a 4 or a 9, the network has to know how frequent each is.
#
# ## In plain Keras


# %% tags=["ten-lines"]
def denoising(level=0.5, code_size=32):
    image = keras.Input((28, 28, 1))
    noisy = layers.GaussianNoise(level)(image)  # in training only; at inference it does nothing
    noisy = ops.clip(noisy, 0, 1)  # as a camera would
    x = layers.Flatten()(noisy)
    for units in (128, 64):
        x = layers.Dense(units, "relu")(x)
    x = layers.Dense(code_size)(x)
    for units in (64, 128):
        x = layers.Dense(units, "relu")(x)
    pixels = layers.Reshape((28, 28, 1))(layers.Dense(784, "sigmoid")(x))
    model = keras.Model(image, pixels)
    model.compile("adam", loss="binary_crossentropy")
    return model  # model.fit(clean, clean): the layer makes the noise, the target has none


# %% [markdown]
# The best answer by this loss, a cross-entropy, is the same mean. Train it on 20,000 images
# (`COUNT`) for 4 epochs (`EPOCHS`), half a minute. `denoiser` has convolutions, a code of 128
# numbers, and 50 epochs behind it. Measure both, on noisy images and on clean ones.

# %%
few = x_train[:COUNT]
keras.utils.set_random_seed(0)
mine = denoising()
told = {"validation_data": (noisy_held, held), "verbose": 0}
learned = mine.fit(few, few, batch_size=64, epochs=EPOCHS, **told).history

cleaned_by_mine = mine.predict(noisy, verbose=0)
for name, model in {"mine": mine, "denoiser": denoiser}.items():
    on_noisy = evaluation.psnr(x_test, model.predict(noisy, verbose=0))
    on_clean = evaluation.psnr(x_test, model.predict(x_test, verbose=0))
    print(f"{name:9} fed noisy images {on_noisy:.1f} dB, fed clean ones {on_clean:.1f} dB")
rows = {"noisy": noisy, "mine": cleaned_by_mine, "denoiser": cleaned, "true": x_test}
plots.plot_samples(np.stack([x[10:20] for x in rows.values()]), labels=list(rows))

# %% [markdown]
# *The second row is half a minute of yours, the third an hour and a half of ours.*

# %% [markdown]
# Only the first number is about denoising. The second measures copying: it is higher for
# `denoiser`, and lower for `mine`. Outside of training the layer of noise does nothing, so
# `validation_data=(clean, clean)` would never see noise. Pass noisy images, as here;
# `kerasae.train` adds the noise itself.
#
# ## Digits out of nothing
#
# Give `denoiser` an image with no digit in it at all: random grey values. It answers with something
# like strokes. Add noise to its answer as in training, clean it again, and go on like this. **Guess
# first:** do the pictures fade to grey, do they all become the same digit, or something else?

# %%
seed = 2  # change me
rng = np.random.default_rng(seed)
x = rng.random((12, 28, 28, 1))  # no digit anywhere
steps = [x]
for _ in range(40):
    x = denoiser.predict(x, verbose=0).clip(0, 1)
    steps.append(x)
    x = np.clip(x + 0.5 * rng.normal(size=x.shape), 0, 1)
chosen = {"noise": 0, "cleaned once": 1, "3 times": 3, "10 times": 10, "40 times": 40}
plots.plot_samples(np.stack([steps[i] for i in chosen.values()]), labels=list(chosen))

# %% [markdown]
# *Follow a column from top to bottom: noise becomes a digit that nobody wrote. Most columns end
# with one that you can read.*

# %% [markdown]
# Each step moves the image towards what is probable, and the new noise lets it leave a bad start.
# Diffusion models use the same idea, with a network trained for *all* levels of noise ([Image
# generation](12_image_generation.ipynb) builds one). Try `mine` in place of `denoiser`.
#
# It is also a warning. A denoiser fills in what it knows, even if nothing was there. Where an image
# is evidence, in medicine or in court, a likely detail can be a wrong one.
#
# ## Filters, tuned as carefully
#
# A *filter* needs no training. It has a simple opinion on clean images: they are smooth, or flat
# between edges, or repeat themselves. It also has a strength, and with a bad one it is easy to
# beat. So try several on noisy *validation* images, and keep the best. **Guess first:** the noisy
# images have 9.4<!--noisy--> dB, `mine` 15.5<!--mine--> dB, and `denoiser` 20.6<!--network--> dB.
# What does the best of four filters reach?

# %%
your_guess = 18.0

filters = {
    "Gaussian blur": lambda x, s: gaussian_filter(x, (s, s, 0)),
    "median": lambda x, s: median_filter(x, (s, s, 1)),
    "total variation": lambda x, s: denoise_tv_chambolle(x, s, channel_axis=-1),
    "non-local means": lambda x, s: denoise_nl_means(
        x, patch_size=5, patch_distance=6, h=s, channel_axis=-1
    ).reshape(x.shape),
}
strengths = {
    "Gaussian blur": (0.5, 0.75, 1.0, 1.25, 1.5),
    "median": (3, 5, 7),
    "total variation": (0.1, 0.2, 0.4),
    "non-local means": (0.1, 0.2, 0.3, 0.5),
}

# %% [markdown]
# Choose each strength on the validation images, and clean the test images with it. Clipping has
# made black a dark grey, which a network learns to undo. So each filter also gets the best
# brightness and contrast.

# %%
by_filter = {"noisy": noisy}
for name, clean in filters.items():
    tuning = {}
    for s in strengths[name]:
        tried = np.stack([clean(x, s) for x in noisy_held])
        line = np.polyfit(tried.ravel(), held.ravel(), 1)  # contrast and brightness
        tuning[evaluation.psnr(held, np.polyval(line, tried).clip(0, 1))] = s, line
    s, line = tuning[max(tuning)]
    by_filter[name] = np.polyval(line, np.stack([clean(x, s) for x in noisy])).clip(0, 1)

by_network = {"mine": cleaned_by_mine, "denoiser": cleaned}
scores = {name: evaluation.psnr(x_test, x) for name, x in (by_filter | by_network).items()}
for name, value in scores.items():
    print(f"{name:16} {value:.1f} dB")
print(f"your guess {your_guess:.1f} dB, true {max(scores[name] for name in filters):.1f} dB")

# %% jupyter={"source_hidden": true} tags=["hide-input"]
rows = {"true": x_test, **by_filter, **by_network}
plots.plot_samples(np.stack([x[30:40] for x in rows.values()]), labels=list(rows))

# %% [markdown]
# *Compare the two last rows with those above. No filter knows that there are digits.*

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell", "numbers"]
best = max(scores[name] for name in filters)
lead = scores["denoiser"] - best
assert FAST or (lead > 3 and abs(scores["mine"] - best) < 0.5)
told = {"noisy": scores["noisy"], "mine": scores["mine"], "network": scores["denoiser"]}
told | {"lead": lead}

# %% [markdown]
# After half a minute `mine` is just below the best filter. `denoiser` leads by
# 5.0<!--lead--> dB: it knows what digits look like.
#
# ## Photographs
#
# Digits are a home game; photographs show anything. Here are five to learn from, in pieces of
# 32 x 32 pixels, with noise of 0.1<!--given-->. A flower is for validation, a cat for the test.
#
# The network is another: it halves the resolution and doubles it again, and a skip carries details
# past the middle. It could copy its input; the noise alone keeps it from that. By a trick of Zhang
# and others (2017) it draws the *noise*, which is simpler than a photograph, and subtracts it. It
# trains for a minute.

# %%
photos = kerasae.load_images("photos")  # 64 x 64
pieces = photos.train.reshape(-1, 2, 32, 2, 32, 3).swapaxes(2, 3).reshape(-1, 32, 32, 3)[:PIECES]

keras.utils.set_random_seed(0)
photo = keras.Input((None, None, 3))
spoilt = ops.clip(layers.GaussianNoise(0.1)(photo), 0, 1)
skip = layers.Conv2D(16, 3, padding="same", activation="relu")(spoilt)
x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(skip)
for _ in range(4):
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
x = layers.Conv2DTranspose(16, 4, strides=2, padding="same", activation="relu")(x)
x = layers.Conv2D(16, 3, padding="same", activation="relu")(ops.concatenate([x, skip], -1))
x = spoilt - layers.Conv2D(3, 3, padding="same")(x)
cleaner = keras.Model(photo, x)

rate = keras.optimizers.schedules.CosineDecay(3e-3, PHOTO_EPOCHS * len(pieces) // 16)
cleaner.compile(optimizer=keras.optimizers.Adam(rate), loss="mse", steps_per_execution=10)
history = cleaner.fit(pieces, pieces, batch_size=16, epochs=PHOTO_EPOCHS, verbose=0)

# %% [markdown]
# Both filters get their best strength on the flower, and non-local means the true $\sigma$ too.

# %%
cat = photograph("chelsea")[:, :450].astype("float32") / 255
rng = np.random.default_rng(0)
noisy_cat = np.clip(cat + 0.1 * rng.normal(size=cat.shape), 0, 1).astype("float32")
flower = photos.validation[::8]
noisy_flower = np.clip(flower + 0.1 * rng.normal(size=flower.shape), 0, 1).astype("float32")

filters["non-local means"] = lambda x, s: denoise_nl_means(
    x, patch_size=5, patch_distance=6, h=s, sigma=0.1, channel_axis=-1
)
grids = {"total variation": (0.05, 0.08, 0.1), "non-local means": (0.02, 0.04, 0.06)}
whole = {"noisy": noisy_cat}
for name, tried in grids.items():
    tuning = {}
    for s in tried:
        made = np.stack([filters[name](x, s) for x in noisy_flower])
        tuning[s] = evaluation.psnr(flower, made.clip(0, 1))
    whole[name] = filters[name](noisy_cat, max(tuning, key=tuning.get)).clip(0, 1)
whole["network"] = cleaner.predict(noisy_cat[None], verbose=0)[0].clip(0, 1)
ratings = {name: evaluation.psnr(cat[None], x[None]) for name, x in whole.items()}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
figure, grid = plt.subplots(1, 5, figsize=(11, 2.6), layout="constrained")
for axes, (name, picture) in zip(grid, {"clean": cat, **whole}.items(), strict=True):
    plots.show_image(axes, picture[60:200, 110:270])
    title = f"{name}, {ratings[name]:.1f} dB" if name in ratings else name
    axes.set_title(title, fontsize=10)
plt.show()

# %% [markdown]
# *Look at the fur. The filters paint it flat. The network keeps its strands, and some coloured
# specks.*

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell", "numbers"]
{"photo": ratings["network"], "means": ratings["non-local means"]}

# %% [markdown]
# On the cat the network reaches 30.7<!--photo--> dB, non-local means 30.2<!--means--> dB: it wins,
# narrowly.
#
# The usual rival is stronger: **BM3D**, a filter that groups similar pieces of an image. Zhang and
# others are 0.66<!--given--> dB above it (17 layers, 400 photographs, $\sigma$ = 25/255). Our own
# net of 12 layers, trained on 200, is 0.13<!--given--> dB above it
# ([Fidelity](../docs/fidelity.md)).
#
# ## What can go wrong
#
# - **Validating on clean images.** It measures copying.
# - **Filters with default strengths**, or strengths tuned on test images.
# - **New noise in each evaluation.** Draw that of test images once, with a seed.
# - **Odd sizes.** A stride of two and an odd width do not fit: we cut the cat to 450 columns.
# - **PSNR as the only judge.** It rewards the smooth mean of all possible images.
#
# ## Key takeaways
#
# 1. Noisy images go in, clean ones are the target: no copy.
# 2. Measure on noisy images, beside filters tuned on validation images.
# 3. On one kind of images a well-trained network beats general filters by far; on a photograph,
#    narrowly.
# 4. Train for the noise that will come.
# 5. A denoiser fills in what it knows, even if nothing was there.

# %% [markdown]
# ## Exercises
#
# **1.** Train `denoising` with `level=0.25`. At which noise in the input does it beat `mine`? And
# at which is it better not to clean at all?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# gentle = denoising(level=0.25)
# gentle.fit(few, few, batch_size=64, epochs=EPOCHS, verbose=0)
# for level in (0.1, 0.25, 0.5, 1.0):
#     spoilt = np.clip(x_test + level * noise, 0, 1)
#     found = [evaluation.psnr(x_test, m.predict(spoilt, verbose=0)) for m in (mine, gentle)]
#     print(level, np.round([evaluation.psnr(x_test, spoilt), *found], 1))
# ```
#
# It wins at 0.1 and 0.25, and loses at 0.5 and 1. At 0.1 the noisy image itself is better than
# both answers, 22.6<!--given--> dB: train for the noise that will come.
#
# </details>
#
# **2.** Build it with convolutions: two of stride 2 with 32 and 64 filters, the code of 32 numbers,
# and back with `Conv2DTranspose`. How much does that gain over `mine`, at the same number of
# epochs?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# image = keras.Input((28, 28, 1))
# x = ops.clip(layers.GaussianNoise(0.5)(image), 0, 1)
# for size in (32, 64):
#     x = layers.Conv2D(size, 3, strides=2, padding="same", activation="relu")(x)
# x = layers.Dense(32)(layers.Flatten()(x))
# x = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, "relu")(x))
# x = layers.Conv2DTranspose(32, 4, strides=2, padding="same", activation="relu")(x)
# x = layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid")(x)
# convolutional = keras.Model(image, x)
# convolutional.compile("adam", loss="binary_crossentropy")
# convolutional.fit(few, few, batch_size=64, epochs=EPOCHS, verbose=0)
# print(evaluation.psnr(x_test, convolutional.predict(noisy, verbose=0)))
# ```
#
# 18.2<!--given--> dB, a gain of 2.7<!--given-->. It takes about four times as long.
#
# </details>
#
# **3.** Salt and pepper: 40 percent of the pixels are black or white. Who cleans it better,
# `denoiser`, or the median filter that was made for it?
#
# <details><summary>Solution</summary>
#
# ```python
# drawn = np.random.default_rng(3).random(x_test.shape)
# peppered = np.where(drawn < 0.2, 0, np.where(drawn > 0.8, 1, x_test)).astype("float32")
# print("denoiser", evaluation.psnr(x_test, denoiser.predict(peppered, verbose=0).clip(0, 1)))
# for size in (3, 5, 7):
#     print("median", size, evaluation.psnr(x_test, median_filter(peppered, (1, size, size, 1))))
# ```
#
# `denoiser`, 18.0<!--given--> dB against 13.7<!--given-->, although it was never shown such noise.
# To know the images helps more here than to know the noise.
#
# </details>
#
# **4.** Start the chain from test digits in place of noise, and let it run 100 times. Do they stay
# what they are?
#
# <details><summary>Solution</summary>
#
# ```python
# rng = np.random.default_rng(0)
# x = x_test[:12]
# steps = [x]
# for _ in range(100):
#     x = denoiser.predict(x, verbose=0).clip(0, 1)
#     steps.append(x)
#     x = np.clip(x + 0.5 * rng.normal(size=x.shape), 0, 1)
# plots.plot_samples(np.stack([steps[i] for i in (0, 1, 5, 10, 20, 40, 100)]))
# ```
#
# Most do for ten steps or more. Then some wander: a 7 loses its bar and becomes a 1, a 6 becomes a
# 1. The chain forgets where it began.
#
# </details>
#
# **5.** Turn the noisy cat upside down, left to right, and both; clean all four versions, turn them
# back, and take the mean. Does that help? Why?
#
# <details><summary>Solution</summary>
#
# ```python
# turned = []
# for up in (1, -1):
#     for left in (1, -1):
#         answer = cleaner.predict(noisy_cat[None, ::up, ::left], verbose=0)[0]
#         turned.append(answer[::up, ::left])
# print(evaluation.psnr(cat[None], np.mean(turned, axis=0)[None].clip(0, 1)))
# ```
#
# 31.1<!--given--> dB. The four answers make different mistakes, and part of them cancels in the
# mean.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Neural inpainting](15_inpainting.ipynb): the same idea, where the place of the damage is known.
#
# **Papers**
#
# - P. Vincent and others (2008), *Extracting and Composing Robust Features with Denoising
#   Autoencoders*
# - Y. Bengio and others (2013), *Generalized Denoising Auto-Encoders as Generative Models*
# - K. Zhang and others (2017), *Beyond a Gaussian Denoiser*
# - K. Dabov and others (2007), *Image Denoising by Sparse 3-D Transform-Domain Collaborative
#   Filtering* (BM3D)
# - A. Buades and others (2005), *A Non-Local Algorithm for Image Denoising*
# - L. Rudin and others (1992), *Nonlinear Total Variation Based Noise Removal Algorithms*
#
# MNIST: Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0. Fast mode: UCI *Optical Recognition of
# Handwritten Digits* (E. Alpaydin and C. Kaynak, CC BY 4.0). Photographs, from scikit-learn and
# scikit-image: china by danielbuechele and flower by vultilion (CC BY 2.0), chelsea by Stéfan van
# der Walt and coffee (CC0), astronaut and rocket (public domain), motorcycle (Middlebury 2014).
