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
# # Sparse autoencoders
#
# A code with many units, of which
# only a few are active for any one image. Nobody told the network below what an edge is.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
PIECES, EPOCHS, LIVE_EPOCHS = (6, 5, 3) if FAST else (32, 8, 3)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import hsv_to_rgb
from skimage import data

SIDE, UNITS, K = 12, 256, 8
photos = kerasae.load_images("photos", channels=1)
rng = np.random.default_rng(0)
pieces = {}
for split, repeats in (("train", PIECES), ("validation", 4)):  # of different photographs
    crops = np.repeat(getattr(photos, split)[..., 0], repeats, axis=0)
    corners = rng.integers(0, 64 - SIDE, size=(len(crops), 2))
    cut = [crop[y : y + SIDE, x : x + SIDE] for crop, (y, x) in zip(crops, corners, strict=True)]
    cut = np.array(cut, dtype="float64").reshape(len(cut), SIDE * SIDE)
    pieces[split] = rng.permutation(cut[cut.std(axis=1) > 0.04])  # without empty sky

centred = {name: cut - cut.mean(axis=1, keepdims=True) for name, cut in pieces.items()}
variances, axes_of = np.linalg.eigh(np.cov(centred["train"].T))
whitening = axes_of / np.sqrt(variances + 0.3 * variances.mean()) @ axes_of.T
gain = 1 / (centred["train"] @ whitening).std()
patches = {
    name: (cut @ whitening * gain).reshape(-1, SIDE, SIDE, 1).astype("float32")
    for name, cut in centred.items()
}

keras.utils.set_random_seed(0)
shared = {"input_shape": (SIDE, SIDE, 1), "code_size": UNITS, "loss": "mse"}
shared |= {"tied": True, "learning_rate": 2e-3}
ours = kerasae.build_sparse(penalty="topk", k=K, code_activation="relu", **shared)
ours.fit(patches["train"], patches["train"], batch_size=128, epochs=EPOCHS, verbose=0)

# The direction of a filter's stripes, from its spectrum, as a hue.
kernel = kerasae.encoder(ours).get_layer("code").get_weights()[0]
filters = kernel.T.reshape(-1, SIDE, SIDE)
power = np.abs(np.fft.fft2(filters, s=(32, 32))) ** 2
v, u = np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32), indexing="ij")
double = 2 * np.arctan2(v, u)
hue = np.arctan2((power * np.sin(double)).sum((1, 2)), (power * np.cos(double)).sum((1, 2)))
hue = hue / (2 * np.pi) % 1

strong = np.argsort(-np.linalg.norm(kernel, axis=0))[:120]
strong = strong[np.argsort(hue[strong])]
shapes = filters[strong] / np.abs(filters[strong]).max(axis=(1, 2), keepdims=True)
colour = np.broadcast_to(hue[strong, None, None], shapes.shape)
tinted = hsv_to_rgb(np.stack([colour, np.full_like(shapes, 0.6), (shapes + 1) / 2], axis=-1))
tinted = np.pad(tinted, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=1)
tinted = tinted.reshape(10, 12, SIDE + 1, SIDE + 1, 3).swapaxes(1, 2)

cat = data.chelsea()[10:290, 96:376].mean(axis=-1).reshape(140, 2, 140, 2).mean(axis=(1, 3)) / 255
windows = np.lib.stride_tricks.sliding_window_view(cat, (SIDE, SIDE)).reshape(-1, SIDE * SIDE)
windows = (windows - windows.mean(axis=1, keepdims=True)) @ whitening * gain
active = kerasae.encoder(ours).predict(windows.reshape(-1, SIDE, SIDE, 1), verbose=0)
height = np.clip(active.max(axis=1) / np.quantile(active.max(axis=1), 0.98), 0, 1)
drawn = np.stack([hue[active.argmax(axis=1)], np.full_like(height, 0.75), height], axis=-1)

figure, grid = plt.subplots(1, 3, figsize=(10.5, 3.4), width_ratios=[1, 1.2, 1])
grid[0].imshow(cat[6:-6, 6:-6], cmap="gray")
grid[1].imshow(tinted.reshape(10 * (SIDE + 1), 12 * (SIDE + 1), 3))
grid[2].imshow(hsv_to_rgb(drawn).reshape(len(cat) - SIDE + 1, -1, 3))
titles = ("a new photograph", "what 120 of 256 units look for", "the most active unit")
for axes, title in zip(grid, titles, strict=True):
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
plt.show()

# %% [markdown]
# *In the middle, each square is what one of the 120 strongest units looks for: mostly edges or
# stripes of one direction, which is its colour. Right: the same colours where units are active.*

# %% [markdown]
# **You will be able to**
#
# - make a code sparse in three ways: with L1, with a KL term, or by keeping the `k` largest units;
# - measure how sparse a code is, whatever its units are;
# - say why dropout is something else;
# - read the filters of a layer;
# - choose a penalty's weight to match how the loss is averaged.
#
# ## The idea
#
# Think of a box of stamps. A handful of stamps prints any picture, if the box holds enough
# different ones: a short line here, an edge there. Each picture needs *few* of them, and other
# pictures need *other* ones. That is a **sparse code**: many units, mostly zero.
#
# In 1996<!--given--> Olshausen and Field tried this on photographs, and the units turned into small
# edges of all directions. Hubel and Wiesel had found cells in the visual cortex of cats that answer
# to such edges. You will find some in seconds, with a simpler method.

# %%
import kerasae
from kerasae import losses, plots

import keras
import numpy as np
from keras import ops

# %% [markdown]
# ## Photographs in pieces
#
# The data are pieces of 12 x 12 pixels of photographs, in grey. They were **whitened**:
# neighbouring pixels of a photograph are nearly equal, and whitening removes what a weighted sum of
# its neighbours already tells about a pixel. The code is folded under the title. The test patches
# come from a photograph that the network never sees.

# %%
x_train, x_test = patches["train"], patches["validation"]
print(x_train.shape, f"mean {x_train.mean():.2f}, standard deviation {x_train.std():.2f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
raw = pieces["train"][:15].reshape(-1, SIDE, SIDE, 1)
shown = np.clip(0.5 + x_train[:15] / 6, 0, 1)
plots.plot_samples(np.stack([raw, shown]), labels=["photograph", "whitened"])

# %% [markdown]
# *Compare above and below: smooth light is gone; edges and texture remain. Grey is zero.*

# %% [markdown]
# ## Top-k in ten lines
#
# Keep the `k` largest units of each image, and set all others
# to zero. The gradient reaches the winners only. If they are few, each unit learns from few patches
# and can specialise. We train for three epochs (`LIVE_EPOCHS`).

# %%
k = 8  # change me
keras.utils.set_random_seed(1)

image = keras.Input((12, 12, 1))
code = keras.layers.Dense(256, activation="relu")(keras.layers.Flatten()(image))
smallest_winner = ops.top_k(code, k)[0][:, -1:]
code = ops.where(code >= smallest_winner, code, 0.0)
pixels = keras.layers.Reshape((12, 12, 1))(keras.layers.Dense(144)(code))
yours = keras.Model(image, pixels)

yours.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mse")
yours.fit(x_train, x_train, batch_size=128, epochs=LIVE_EPOCHS, verbose=0)
plots.plot_filters(yours, count=64, sort=True)

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
untied = {**shared, "tied": False}
twin = kerasae.build_sparse(penalty="topk", k=k, code_activation="relu", **untied)
twin.set_weights(yours.get_weights())
assert np.allclose(twin(x_test[:4]), yours(x_test[:4]), atol=1e-5)

# %% [markdown]
# *Look for edges and stripes. Each square shows the weights of one unit, the strongest first.*

# %% [markdown]
# **Your turn, half a minute:** set `k = 100` and run the cell again. Expect noise: so many active
# units need not specialise. Then go back to 8.
#
# From here on, `ours` is the network of the title picture: the same layers from
# `kerasae.build_sparse`, trained for eight epochs (`EPOCHS`), with **tied** weights. So encoder and
# decoder share the same filters.
#
# ## A patch from a few stamps
#
# `ours` has 256 units, and keeps 8 for a patch. **Guess first:** how much of the variance of new
# patches can 8 units explain?

# %%
your_guess = 10  # percent

codes = kerasae.encoder(ours).predict(x_test, verbose=0)
strongest_first = np.sort(codes, axis=1)[:, ::-1]  # (patches, units)
steps = {}
for count in (1, 2, 4, 8):
    kept = np.where(codes >= strongest_first[:, [count - 1]], codes, 0)
    name = f"{count} unit{'s' * (count > 1)}"
    steps[name] = kerasae.decoder(ours).predict(kept, verbose=0)
wrong = x_test - steps["8 units"]
print(f"your guess {your_guess} %, true {100 * (1 - wrong.var() / x_test.var()):.0f} %")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
clear = np.argsort(-np.square(codes).sum(axis=1))[:80:6]
rows = [x_test[clear], *(rebuilt[clear] for rebuilt in steps.values())]
scale = np.abs(x_test[clear]).max(axis=(1, 2, 3), keepdims=True)
drawn = np.clip(0.5 + 0.5 * np.stack(rows) / scale, 0, 1)
plots.plot_samples(drawn, labels=["original", *steps])

# %% [markdown]
# *From top to bottom more units are allowed to paint. Often the first one sets the main edge; eight
# draw the main lines. The other 248 are silent.*

# %% [markdown]
# ## Three ways to be sparse
#
# A sparse autoencoder adds a penalty $\Omega$ on the code $h$, or selects units:
#
# - **L1:** $\Omega = \lambda \sum_j \lvert h_j \rvert$, averaged over the images. It penalises
#   every active unit of every image.
# - **KL:** $\Omega = \beta \sum_j \mathrm{KL}(\rho \,\Vert\, \bar h_j)$, where each KL is
#   $\rho\log\frac{\rho}{\bar{h}_j}+(1-\rho)\log\frac{1-\rho}{1-\bar{h}_j}$. It is 0 where the
#   average activity $\bar h_j$ over a batch is $\rho$, and grows on both sides: busy and idle units
#   cost. A unit stuck at $\rho$ is not sparse, yet costs nothing. Units must lie between
#   0 and 1.
# - **Top-k:** no term. It simply keeps the $k$ largest.
#
# Use the same activation when comparing penalties: L1, top-k and dropout have the same ReLU units
# as a control without a penalty; KL needs sigmoids, and has a control with sigmoids. `shared` holds
# what all have: 256 units, squared error, tied weights. `ours` was trained in the same way, under
# the title. Keras averages the error over 144 pixels, so the weights are divided by 144. Sigmoids
# get a larger learning rate, because their slopes are small. How sparse each becomes depends on its
# weight.
#
# [Chapter 7](07_overcomplete.ipynb) shows L1 and dropout in plain Keras.

# %%
relu = shared | {"code_activation": "relu"}
sigmoid = shared | {"code_activation": "sigmoid", "learning_rate": 1e-2}
models = {
    "no penalty": kerasae.build_overcomplete(regularizer=None, **relu),
    "L1": kerasae.build_sparse(penalty="l1", weight=2.5 / 144, **relu),
    "top-k": ours,
    "dropout": kerasae.build_sparse(penalty="dropout", rate=0.5, **relu),
    "no penalty, sigmoid": kerasae.build_overcomplete(regularizer=None, **sigmoid),
    "KL": kerasae.build_sparse(penalty="kl", rho=0.05, beta=8 / 144, **sigmoid),
}
for name, model in models.items():
    units = kerasae.encoder(model).get_layer("code")
    if name in ("no penalty, sigmoid", "KL"):
        units.bias.assign(np.full(256, -3.0))  # begin nearly off, not at one half
    if model is not ours:
        model.fit(x_train, x_train, batch_size=128, epochs=EPOCHS, verbose=0)

# %% [markdown]
# How sparse is a code? Sigmoids are hardly ever zero (we count below 0.000001<!--given--> as zero),
# so counting zeros is not enough. Count instead how many of the largest units hold 95 percent of
# the code's **energy**, its sum of squares.

# %%
needed, explained = {}, {}
for name, model in models.items():
    code = kerasae.encoder(model).predict(x_test, verbose=0)
    energy = np.sort(code**2, axis=1)[:, ::-1].cumsum(axis=1)
    needed[name] = (energy < 0.95 * energy[:, -1:]).sum(axis=1).mean() + 1
    wrong = x_test - model.predict(x_test, verbose=0)
    explained[name] = 100 * (1 - wrong.var() / x_test.var())
    not_zero = (np.abs(code) > 1e-6).sum(axis=1).mean()
    counts = f"{not_zero:3.0f} not zero, {needed[name]:3.0f} hold the energy"
    print(f"{name:20}{counts}, {explained[name]:.0f} % of the variance explained")

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
control = needed["no penalty"]
assert needed["top-k"] <= K
assert needed["L1"] < control
assert FAST or needed["L1"] < control / 8
assert FAST or needed["KL"] < needed["no penalty, sigmoid"] / 2
assert FAST or (0.4 < needed["dropout"] / control < 0.6 and 8 < needed["dropout"] / K < 12)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, grid = plt.subplots(6, 1, figsize=(9, 6), layout="constrained")
for axes, (name, model) in zip(grid, models.items(), strict=True):
    code = np.abs(kerasae.encoder(model).predict(x_test[:36], verbose=0))
    axes.imshow(code / code.max(), cmap="magma", aspect="auto", vmax=0.6, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel(name.replace(", ", ",\n"), rotation=0, ha="right", va="center", fontsize=9)
grid[-1].set_xlabel("256 units")
plt.show()

# %% [markdown]
# *Each row of a panel is a patch, each column a unit, and bright is active. L1 and top-k are nearly
# silent, dropout is not. KL is far darker than its own control.*

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, grid = plt.subplots(6, 1, figsize=(9, 3.7), layout="constrained")
for axes, (name, model) in zip(grid, models.items(), strict=True):
    kernel = kerasae.encoder(model).get_layer("code").get_weights()[0]
    strongest = np.argsort(-np.linalg.norm(kernel, axis=0))[:60:3]
    shapes = kernel[:, strongest] / np.abs(kernel[:, strongest]).max(axis=0)
    shapes = np.pad(shapes.T.reshape(20, 12, 12), ((0, 0), (0, 0), (0, 1)), constant_values=1)
    axes.imshow(shapes.swapaxes(0, 1).reshape(12, -1), cmap="gray", vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel(name.replace(", ", ",\n"), rotation=0, ha="right", va="center", fontsize=9)
    axes.spines[:].set_visible(False)
plt.show()

# %% [markdown]
# *The strongest units of each network. With L1 and top-k most are edges and stripes; with KL, only
# some are. Without a penalty, and with dropout, they look like noise.*

# %% [markdown]
# L1 and top-k use about as few units, but L1 explains less. A likely reason: its penalty also
# shrinks the units that stay active.
#
# ## Dropout is something else
#
# Dropout switches units off, too, but by chance, and only in training. Its code does become
# sparser, as its authors report: half as many units as the control. But that is ten times as many
# as top-k, and they show no edges.
#
# Dropout rewards *redundancy*: a unit is missing in every other step, so others must be able to
# stand in for it. Test that, for one draw: switch off half of the units, and double the rest, as
# dropout does to keep the sum. A negative result means: worse than plain grey.

# %%
half = 2 * np.random.default_rng(0).permutation(np.repeat([0, 1], 128))
for name in ("no penalty", "top-k", "dropout"):
    code = half * kerasae.encoder(models[name]).predict(x_test, verbose=0)
    wrong = x_test - kerasae.decoder(models[name]).predict(code, verbose=0)
    left = 100 * (1 - wrong.var() / x_test.var())
    print(f"{name:10} {explained[name]:4.0f} % explained, with half of the units {left:4.0f} %")

# %% [markdown]
# ## What can go wrong
#
# **The scale of KL.** In the lecture notes that the KL term comes from, the loss of an image is
# half of a *sum* over its pixels. In Keras it is a *mean*. Suppose $\beta = 8$ suits a plain
# sum. Which $\beta$ keeps the balance when we average over 144? (`models` uses it already.)

# %%
your_beta = 8.0

keras.utils.set_random_seed(0)
other = kerasae.build_sparse(penalty="kl", rho=0.05, beta=your_beta, **sigmoid)
kerasae.encoder(other).get_layer("code").bias.assign(np.full(256, -3.0))
other.fit(x_train, x_train, batch_size=128, epochs=EPOCHS, verbose=0)
wrong = x_test - other.predict(x_test, verbose=0)
print(f"your beta {your_beta:.3f}: {100 * (1 - wrong.var() / x_test.var()):.0f} % explained")
print(f"true beta {8 / 144:.3f}: {explained['KL']:.0f} % explained")

# %% [markdown]
# **`activity_regularizer` divides by the batch size.** Keras has a place for penalties on a layer's
# output, and divides whatever they return by the number of images. For L1 that is right. The KL
# term is already a mean over the batch, and is divided once more. Measure it with copies of 16
# patches.

# %%
weights = kerasae.encoder(models["KL"]).get_layer("code").get_weights()
penalties = {
    "L1": keras.regularizers.L1(1.0),
    "KL": lambda h: ops.sum(losses.bernoulli_kl(0.05, ops.mean(h, axis=0))),
}
terms = {}
for copies in (1, 4, 16):
    batch = np.tile(x_train[:16].reshape(16, 144), (copies, 1))
    for name, penalty in penalties.items():
        dense = keras.layers.Dense(256, activation="sigmoid", activity_regularizer=penalty)
        dense.build((None, 144))
        dense.set_weights(weights)
        dense(batch)
        terms[name, copies] = float(dense.losses[0])
    print(f"batch of {len(batch):3}: L1 {terms['L1', copies]:.2f}, KL {terms['KL', copies]:.4f}")

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert np.isclose(terms["L1", 1], terms["L1", 16], rtol=1e-3)
assert np.isclose(terms["KL", 1], 16 * terms["KL", 16], rtol=1e-3)

# %% [markdown]
# L1 does not depend on the size of the batch; KL shrinks with it. `build_sparse` adds the KL term
# undivided, in a layer of its own.
#
# - **Small batches for KL.** In a batch of 8 the mean says very little.
# - **Sigmoids that begin at one half.** Then the KL term is enormous at first, and can silence the
#   network.
# - **Dead units.** A unit that never wins gets no gradient, and keeps its random weights.
#
# ## Key takeaways
#
# 1. A sparse code has many units, and few of them are active; the image decides which.
# 2. L1 penalises active units, KL units whose average strays from $\rho$; top-k keeps the largest.
# 3. On whitened photographs L1 and top-k find edges of many directions.
# 4. Dropout makes units redundant, and less sparse than L1 or top-k. Compare penalties on units of
#    one kind.
# 5. Choose a penalty's weight to match how the loss is averaged.

# %% [markdown]
# ## Exercises
#
# **1.** L1 has a loophole if weights are not tied. Which one? Train it with `tied=False`, and
# compare the weights of encoder and decoder.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# loose = kerasae.build_sparse(penalty="l1", weight=2.5 / 144, **relu | {"tied": False})
# loose.fit(x_train, x_train, batch_size=128, epochs=EPOCHS, verbose=0)
# for name, model in {"tied": models["L1"], "untied": loose}.items():
#     code = kerasae.encoder(model).predict(x_test, verbose=0)
#     print(f"{name:7} mean of the code {code.mean():.3f}")
# up = kerasae.encoder(loose).get_layer("code").get_weights()[0]
# down = kerasae.decoder(loose).get_layer("pixels").get_weights()[0]
# print(f"mean size of a weight: up {np.abs(up).mean():.3f}, down {np.abs(down).mean():.3f}")
# ```
#
# The encoder can make its values smaller, and pay less, while the decoder makes up for it with
# larger weights. A smaller code is not yet a sparser one.
#
# </details>
#
# **2.** Train top-k on the patches *before* whitening. What do the units look for now?
#
# <details><summary>Solution</summary>
#
# ```python
# smooth = (centred["train"] / centred["train"].std()).reshape(-1, 12, 12, 1).astype("float32")
# keras.utils.set_random_seed(0)
# plain = kerasae.build_sparse(penalty="topk", k=K, **relu)
# plain.fit(smooth, smooth, batch_size=128, epochs=EPOCHS, verbose=0)
# plots.plot_filters(plain, count=64, sort=True)
# ```
#
# Broad gradients and wide edges: neighbouring pixels are nearly equal, and that is all it takes to
# explain most of the variance.
#
# </details>
#
# **3.** Which patches does one unit answer to? Look at the twenty on which it is most active.
#
# <details><summary>Solution</summary>
#
# ```python
# everything = kerasae.encoder(ours).predict(x_train, verbose=0)
# unit = int(np.argmax(everything.max(axis=0)))
# favourites = x_train[np.argsort(-everything[:, unit])[:20]]
# plots.plot_samples(np.clip(0.5 + favourites / 8, 0, 1), columns=10)
# ```
#
# They share an edge in one place and direction, and differ in all the rest.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Convolutional autoencoders](09_convolutional.ipynb): one filter, used at every place. The
# builder: [`build_sparse`](../kerasae/builders/sparse.py).
#
# **Papers and notes**
#
# - B. A. Olshausen and D. J. Field (1996), *Emergence of Simple-Cell Receptive Field Properties by
#   Learning a Sparse Code for Natural Images*, Nature 381.
# - D. H. Hubel and T. N. Wiesel (1962), *Receptive Fields, Binocular Interaction and Functional
#   Architecture in the Cat's Visual Cortex*, Journal of Physiology 160.
# - A. Ng (2011), *Sparse Autoencoder*, CS294A Lecture Notes, Stanford University: the KL term.
# - A. Makhzani and B. Frey (2013), *k-Sparse Autoencoders*, arXiv 1312.5663.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov (2014), *Dropout: A
#   Simple Way to Prevent Neural Networks from Overfitting*, Journal of Machine Learning Research
#   15.
#
# Photographs, from scikit-learn and scikit-image: china by danielbuechele and flower by vultilion
# (CC BY 2.0), chelsea and coffee (CC0), astronaut and rocket (public domain), motorcycle
# (Middlebury Stereo 2014).
