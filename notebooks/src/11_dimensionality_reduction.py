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
# # Dimensionality reduction
#
# A network gave each letter 32 numbers, and t-SNE put letters with similar numbers side by side.
# Neither was told the alphabet.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DRAWN, FEW, STEPS, EPOCHS = (400, 200, 200, 3) if FAST else (1612, 500, 500, 40)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae

import numpy as np
from matplotlib.colors import hsv_to_rgb
from PIL import Image
from sklearn.manifold import TSNE

letters = kerasae.load_images("letters")
encoder = kerasae.encoder(kerasae.load_pretrained("letters-convolutional"))
chosen = np.random.default_rng(0).permutation(len(letters.test))[:DRAWN]
test, labels = letters.test[chosen], letters.test_labels[chosen]
codes = encoder.predict(test, verbose=0)
settings = {"perplexity": 30, "init": "pca", "random_state": 0}
island = TSNE(**settings).fit_transform(codes)

hues = np.stack([np.arange(26) * 0.618 % 1, np.full(26, 0.5), np.ones(26)], axis=1)
colours = hsv_to_rgb(hues)
sky = np.full((1078, 1428, 3), (0.04, 0.05, 0.10))
low, high = island.min(axis=0), island.max(axis=0)
places = np.round((island - low) / (high - low) * (1400, 1050)).astype(int)
for picture, (x, y), colour in zip(test, places, colours[labels], strict=True):
    there = sky[1050 - y : 1078 - y, x : x + 28]
    np.maximum(there, picture * colour, out=there)
Image.fromarray(np.round(255 * sky).astype(np.uint8)).quantize(128)

# %% [markdown]
# *Look for islands of one letter, and then for islands of one style: letters in boxes at the upper
# right, hairlines in the middle. Colours only help the eye.*

# %% [markdown]
# **You will be able to**
#
# - search thousands of images by code;
# - read and change t-SNE in twenty lines;
# - measure a map;
# - say what on a map by t-SNE is real, and what is not;
# - place new images on an old map.
#
# ## Search by code
#
# An encoder shortens an image from 784 pixels to 32 numbers, its **code**. Similar images usually
# get similar codes, so to search for an image, look for the nearest code. Our **index** holds the
# codes of 5,746<!--index--> training letters, by the convolutional autoencoder of [chapter
# 0](00_start_here.ipynb). The query is a test letter, of a font that it never saw.
#
# **Your turn:** change `query` to a number from 0 to 1611; it takes a second. Try 300, a round O,
# and 1100, an I with wide serifs: which finds its own letter, and what does the other find?

# %%
import kerasae
from kerasae import evaluation, plots

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers
from scipy.spatial.distance import cdist, pdist
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier

# %%
query = 1300  # change me

letters = kerasae.load_images("letters")
encoder = kerasae.encoder(kerasae.load_pretrained("letters-convolutional"))
index = encoder.predict(letters.train, verbose=0)
asking = encoder.predict(letters.test, verbose=0)
nearest = np.linalg.norm(index - asking[query], axis=1).argsort()[:9]
plots.plot_samples(np.concatenate([letters.test[[query]], letters.train[nearest]]))

# %% [markdown]
# *On the left the query, then the nearest letters: the same one, in a similar style.*

# %% [markdown]
# Now search for a whole **typeface**, by the mean distance of its 26 letters. The test fonts are
# new to the network, but of many families it has seen another weight. Can it find relatives?

# %%
family = index.reshape(-1, 26, 32)  # (221 fonts, A to Z, 32 numbers)
names = {s: [letters.source_names[i] for i in letters.sources[s][::26]] for s in ("train", "test")}
rows, found = [], []
for font in ("Dancing Script Bold", "Cabin Sketch Regular", "Carlito Italic"):
    number = names["test"].index(font)
    alphabet = asking.reshape(-1, 26, 32)[number]
    twin = np.linalg.norm(family - alphabet, axis=-1).mean(axis=-1).argmin()
    rows += [letters.test.reshape(-1, 26, 28, 28, 1)[number, ::2]]
    rows += [letters.train.reshape(-1, 26, 28, 28, 1)[twin, ::2]]
    found += [font, f"found: {names['train'][twin]}"]
plots.plot_samples(np.stack(rows), labels=found)

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
kin = {s: np.array([name.split()[0] for name in names[s]]) for s in names}
has_kin = np.isin(kin["test"], kin["train"])
apart = np.stack([np.linalg.norm(family - a, axis=-1).mean(-1) for a in asking.reshape(-1, 26, 32)])
hits = kin["train"][apart.argmin(axis=1)] == kin["test"]
{"index": len(index), "fonts": len(hits), "has_kin": int(has_kin.sum()), "hits": int(hits.sum())}

# %% [markdown]
# *Compare the rows in pairs: a font that is new to the network, and the nearest font by code.*

# %% [markdown]
# Look at the last pair. The index holds other styles of Carlito, but the search chose Lato. It has
# a point: Carlito was *made from* Lato. Of the 62<!--fonts--> test fonts, 52<!--has_kin--> have a
# relative of the same first name in the index, and the search found one for 31<!--hits-->.
#
# How much do 32 numbers lose against all pixels? For each test letter, find the nearest training
# letter. How often is it the same letter? **Guess first:** who wins, 784 pixels, 32 principal
# components, or the code?

# %%
pca = PCA(32).fit(letters.train.reshape(-1, 784))
pixels = [x.reshape(-1, 784) for x in (letters.train, letters.test)]
spaces = {"pixels": pixels, "components": map(pca.transform, pixels), "code": [index, asking]}
same = {}
for name, (known, new) in spaces.items():
    search = KNeighborsClassifier(1, algorithm="brute").fit(known, letters.train_labels)
    same[name] = 100 * search.score(new, letters.test_labels)
    print(f"{name:11} {same[name]:.1f} % find the same letter")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert same["code"] > max(same["pixels"], same["components"])
{f"by_{name}": float(value) for name, value in same.items()}

# %% [markdown]
# Pixels find the same letter for 91.4 %<!--by_pixels-->, components for 90.6 %<!--by_components-->,
# and the code for 93.9 %<!--by_code-->, with an index 24 times<!--given--> smaller in numbers than
# that of pixels. It is not always so: see exercise 2.
#
# ## t-SNE in twenty lines
#
# A map needs two numbers, not 32. **t-SNE** (t-distributed stochastic neighbour embedding) is made
# for drawing only. It turns distances between vectors $x$ into probabilities of being neighbours,
#
# $$p_{j|i} \propto \exp \left( -\beta_i \lVert x_i - x_j \rVert^2 \right),$$
#
# with $\beta_i$ such that each point has about `perplexity` neighbours. Points $y$ on paper get
# probabilities, too, $q_{ij} \propto ( 1 + \lVert y_i - y_j \rVert^2 )^{-1}$. How badly the second
# table fits the first is measured by their Kullback-Leibler divergence, $\mathrm{KL}(P \Vert Q)$: 0
# if they are equal, large if close pairs are torn apart. Gradient descent (`slope`, with some
# `velocity`) moves the $y$ downhill on it.
#
# **Your turn, half a minute:** set `perplexity = 5`. Will the islands grow or crumble?

# %%
x, perplexity = codes[:FEW], 30
squared = cdist(x, x, "sqeuclidean")
beta = np.full((len(x), 1), 1 / squared.mean())
for _ in range(200):
    p = np.exp(-beta * squared)
    np.fill_diagonal(p, 0)
    p /= p.sum(axis=1, keepdims=True)
    entropy = -(p * np.log(p + 1e-12)).sum(axis=1, keepdims=True)
    beta *= np.exp(0.2 * (entropy - np.log(perplexity)))  # too many neighbours: look closer
p = (p + p.T) / (2 * len(x))

y = 1e-4 * PCA(2).fit_transform(x)
velocity, frames = np.zeros_like(y), {}
for step in range(STEPS + 1):
    frames[step] = y
    near = 1 / (1 + cdist(y, y, "sqeuclidean"))
    np.fill_diagonal(near, 0)
    pull = (p - near / near.sum()) * near
    slope = 4 * (pull.sum(axis=1, keepdims=True) * y - pull @ y)
    velocity = 0.8 * velocity - 50 * slope
    y = y + velocity

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, panels = plt.subplots(2, 2, figsize=(8, 7), layout="constrained")
for axes, step in zip(panels.flat, (0, 5, 20, STEPS), strict=True):
    for letter, colour in enumerate(0.75 * colours):
        points = frames[step][labels[:FEW] == letter].T
        mark = f"${letters.label_names[letter]}$"
        axes.scatter(*points, s=26, marker=mark, color=colour, linewidths=0.3)
    axes.set_title(f"step {step}", fontsize=10)
    axes.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# *Follow one letter, such as the S: two principal components settle into islands. Each letter is
# drawn by its name, which t-SNE is not told.*

# %% [markdown]
# Ours compares all pairs. scikit-learn's `TSNE`, which drew the title picture, looks up near
# neighbours and approximates the rest (Barnes-Hut), so it can draw many thousands of points.
#
# ## Which map is better?
#
# A code of two numbers is a map already, so here is its encoder, in plain Keras, and its decoder:

# %%
keras.utils.set_random_seed(0)
to_map = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten()])
from_map = keras.Sequential([keras.Input((2,))])
for units in (256, 128):
    to_map.add(layers.Dense(units, "relu"))
    from_map.add(layers.Dense(384 - units, "relu"))
to_map.add(layers.Dense(2))
from_map.add(layers.Dense(784, "sigmoid"))
from_map.add(layers.Reshape((28, 28, 1)))
plane = keras.Sequential([to_map, from_map])
plane.compile("adam", loss="binary_crossentropy")
history = plane.fit(letters.train, letters.train, batch_size=64, epochs=EPOCHS, verbose=0)

# %% [markdown]
# Two measures. **Neighbourhood accuracy:** is the nearest point on the map the same letter?
# **Trustworthiness:** are the 12 nearest points on the map near in pixels, too? It needs no labels,
# is 1 if all are, and favours maps made from pixels.

# %%
flat = test.reshape(-1, 784)
maps = {
    "two components": pca.transform(flat)[:, :2],
    "code of two": to_map.predict(test, verbose=0),
    "t-SNE on pixels": TSNE(**settings).fit_transform(flat),
    "t-SNE on components": TSNE(**settings).fit_transform(pca.transform(flat)),
    "t-SNE on codes": island,
}
near = {}
for name, y in maps.items():
    near[name] = 100 * evaluation.neighbourhood_accuracy(y, labels)
    trust = evaluation.trustworthiness(flat, y)
    print(f"{name:20} same letter {near[name]:.0f} %, trustworthiness {trust:.3f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for axes, name in zip(panels, ("two components", "code of two", "t-SNE on codes"), strict=True):
    for letter, colour in enumerate(0.75 * colours):
        mark = f"${letters.label_names[letter]}$"
        spots = maps[name][labels == letter].T
        axes.scatter(*spots, s=14, marker=mark, color=colour, linewidths=0.2)
    axes.set_title(f"{name}: {near[name]:.0f} %", fontsize=10)
    axes.set(xticks=[], yticks=[])
plt.show()

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert FAST or near["two components"] < near["code of two"] < near["t-SNE on pixels"]
assert FAST or near["t-SNE on pixels"] < near["t-SNE on codes"]
of = ("two", "plane", "of_pixels", "of_components", "of_codes")
dict(zip(of, map(float, near.values()), strict=True))

# %% [markdown]
# *Compare how mixed the letters are; the percentage is the neighbourhood accuracy.*

# %% [markdown]
# With two principal components the nearest point is the same letter for 13 %<!--two--> of the
# letters, with a code of two for 48 %<!--plane-->, with t-SNE on pixels for 74 %<!--of_pixels-->,
# on components for 76 %<!--of_components-->, on codes for 84 %<!--of_codes-->. Trustworthiness
# hardly tells these three apart: it asks about pixels, not letters.
#
# ## How much of it is real?
#
# t-SNE keeps neighbours together. Nothing asks it to keep the width of groups, or distances between
# them. So feed it points of which you know the truth: three groups of 40, in ten dimensions.
#
# **Guess first:** group 2 is ten times as wide as group 0. How many times as wide will it look?

# %%
your_guess = 10
rng = np.random.default_rng(0)
cloud = rng.normal(size=(120, 10))
group = np.repeat([0, 1, 2], 40)
along = np.eye(10)[0]  # the first axis
truths = {
    "group 2 ten times as wide": cloud * np.array([1, 1, 10])[group, None]
    + 60 * group[:, None] * along,
    "group 2 six times as far": cloud + np.array([0, 10, 60])[group, None] * along,
    "one cloud, no groups": cloud,
}
stories = {}
for perplexity in (5, 30):
    for name, x in truths.items():
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=0, method="exact")
        stories[f"{name}\nperplexity {perplexity}"] = tsne.fit_transform(x)
wide, far, _ = list(stories.values())[3:]
size = [pdist(wide[group == g]).mean() for g in range(3)]
gap = pdist([far[group == g].mean(axis=0) for g in range(3)])  # 0-1, 0-2, 1-2
print(f"width: your guess {your_guess}, on the map {size[2] / size[0]:.1f}, true 10")
print(f"distance: on the map {gap[1] / gap[0]:.1f}, true 6")
plots.plot_maps(stories, labels=group)

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert size[2] / size[0] < 4
assert gap[1] / gap[0] < 4
{"width": float(size[2] / size[0]), "distance": float(gap[1] / gap[0])}

# %% [markdown]
# *Each column is one true story, drawn with two perplexities. Left: a wide group. Middle: a far
# group. Right: one cloud, coloured at random, seems to have groups above.*

# %% [markdown]
# With perplexity 30, what is ten times as wide is drawn 1.1<!--width--> times as wide, and what is
# six times as far 1.1<!--distance--> times as far. A small perplexity finds groups where there are
# none. So:
#
# - **believe** that points side by side are similar;
# - **do not believe** widths, distances between islands, the size of gaps, or shapes;
# - **check** an island with another perplexity and another seed, and by a measure.
#
# ## New letters on an old map
#
# t-SNE moves the points that it has; it learns no rule for others. An encoder is a rule: find the
# five codes nearest to that of a new letter, and put it at the median of their places. We take
# every fifth letter off the map, which was drawn with them, and place it in this way.

# %%
new = np.arange(len(codes)) % 5 == 0
neighbours = cdist(codes[new], codes[~new]).argsort(axis=1)[:, :5]
placed = np.median(island[~new][neighbours], axis=1)

nearby = KNeighborsClassifier(1).fit(island[~new], labels[~new])
for name, y in {"t-SNE": island[new], "their codes": placed}.items():
    print(f"placed by {name}: {100 * nearby.score(y, labels[new]):.0f} % beside the same letter")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
{
    "by_tsne": float(100 * nearby.score(island[new], labels[new])),
    "by_codes": float(100 * nearby.score(placed, labels[new])),
}

# %% [markdown]
# Placed by code, 82 %<!--by_codes--> stand beside the same letter; placed by t-SNE itself,
# 84 %<!--by_tsne--> did.
#
# ## What can go wrong
#
# - **Judging a code by its map.** Judge it in its own space, as the search above does.
# - **Tuning until it looks right.** With colours on the points, you tune on labels. Exercise 1 does
#   without.
# - **Using coordinates of a map** for a search or a classifier. They hold less than the code, and
#   change with the seed.
# - **Drawing training images.** Their islands may be memory.
#
# ## Key takeaways
#
# 1. Similar images usually get similar codes, so codes can be searched.
# 2. t-SNE draws codes so that neighbours stay neighbours.
# 3. Widths, distances between islands and gaps mean little; a small perplexity finds groups in
#    noise.
# 4. Measure maps. Here codes beat pixels and principal components by letter, in the search and on
#    the map: one model, one seed.
# 5. Plain t-SNE cannot place new images; their codes can.

# %% [markdown]
# ## Exercises
#
# **1.** Choose `perplexity` without labels or test images: draw validation letters with 2, 10, 30
# and 100, and take the best trustworthiness, measured against the codes.
#
# <details><summary>Solution</summary>
#
# ```python
# held = encoder.predict(letters.validation[:DRAWN], verbose=0)
# drawn = {}
# for perplexity in (2, 10, 30, 100):
#     y = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(held)
#     drawn[f"{perplexity}: {evaluation.trustworthiness(held, y):.3f}"] = y
# plots.plot_maps(drawn, columns=4)
# ```
#
# The look changes from crumbs to smooth islands, the measure much less.
#
# </details>
#
# **2.** Does the code always beat pixels? Compare neighbourhood accuracy for small digits:
# `kerasae.load_images("digits")` and the model `"digits-convolutional"`, with a code of 8 numbers.
#
# <details><summary>Solution</summary>
#
# ```python
# digits = kerasae.load_images("digits")
# small = kerasae.encoder(kerasae.load_pretrained("digits-convolutional"))
# dots = digits.test.reshape(-1, 64)
# spaces = {
#     "pixels": dots,
#     "components": PCA(8).fit(digits.train.reshape(-1, 64)).transform(dots),
#     "code": small.predict(digits.test, verbose=0),
# }
# for name, x in spaces.items():
#     share = 100 * evaluation.neighbourhood_accuracy(x, digits.test_labels)
#     print(f"{name}: {share:.1f} %")
# ```
#
# No: here pixels win. Each digit has only 64 of them, all digits are centred and equally bold, and
# the code has to leave something out. Measure before you choose.
#
# </details>
#
# **3.** Add noise to the test letters, and compare t-SNE on pixels, on components, and on the code
# of a denoising autoencoder (`kerasae.build_denoising`).
#
# <details><summary>Solution</summary>
#
# ```python
# rng = np.random.default_rng(0)
# noisy = np.clip(test + rng.normal(0, 0.5, test.shape), 0, 1).astype("float32")
# keras.utils.set_random_seed(0)
# robust = kerasae.build_denoising(base="undercomplete", level=0.5, code_size=32)
# robust.fit(letters.train, letters.train, batch_size=64, epochs=EPOCHS, verbose=0)
# blurred = {"pixels": noisy.reshape(-1, 784), "components": pca.transform(noisy.reshape(-1, 784))}
# blurred["code"] = kerasae.encoder(robust).predict(noisy, verbose=0)
# for name, x in blurred.items():
#     y = TSNE(**settings).fit_transform(x)
#     print(f"{name}: same letter {100 * evaluation.neighbourhood_accuracy(y, labels):.0f} %")
# ```
#
# Both beat noisy pixels by a few points, and components come first. PCA averages noise away at no
# cost, so try it before you train a network.
#
# </details>
#
# **4.** How large is an index of a million letters, as pixels of a byte, as codes of 32-bit floats,
# and as codes rounded to a byte? What does the rounding cost the search?
#
# <details><summary>Solution</summary>
#
# ```python
# low, high = index.min(axis=0), index.max(axis=0)
# rounded = [np.round((x - low) / (high - low) * 255) * (high - low) for x in (index, asking)]
# search = KNeighborsClassifier(1, algorithm="brute").fit(rounded[0], letters.train_labels)
# print(f"rounded: {100 * search.score(rounded[1], letters.test_labels):.1f} %")
# print("megabytes for a million: pixels 784, floats 128, bytes 32")
# ```
#
# Rounding costs next to nothing, and the index is 24 times smaller than the pixels.
#
# </details>
#
# **5.** Build a network in plain Keras that learns the map: code in, place out. Train it on
# `codes[~new]`, and compare it with `placed`.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# guide = keras.Sequential([keras.Input((32,)), layers.Normalization()])
# guide.add(layers.Dense(256, "relu"))
# guide.add(layers.Dense(256, "relu"))
# guide.add(layers.Dense(2))
# guide.layers[0].adapt(codes[~new])
# guide.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mae")
# guide.fit(codes[~new], island[~new] / 50, batch_size=64, epochs=EPOCHS, verbose=0)
# by_network = 50 * guide.predict(codes[new], verbose=0)
# print(f"{100 * nearby.score(by_network, labels[new]):.0f} % beside the same letter")
# ```
#
# It does worse than the five nearest codes: between islands the map jumps, and a network draws
# smooth lines. But it needs no index. Van der Maaten (2009) trains such a network on the loss of
# t-SNE itself.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Image generation](12_image_generation.ipynb): codes that no image had.
#
# **Papers**
#
# - L. van der Maaten and G. Hinton (2008), *Visualizing Data using t-SNE*, Journal of Machine
#   Learning Research 9.
# - L. van der Maaten (2009), *Learning a Parametric Embedding by Preserving Local Structure*,
#   AISTATS: a network that learns the map itself.
# - J. Venna and S. Kaski (2001), *Neighborhood Preservation in Nonlinear Projection Methods: An
#   Experimental Study*, ICANN: trustworthiness.
# - M. Wattenberg, F. Viégas and I. Johnson (2016), *How to Use t-SNE Effectively*, Distill.
# - P. G. Poličar, M. Stražar and B. Zupan (2019), *Embedding to Reference t-SNE Space Addresses
#   Batch Effects in Single-Cell Classification*, Discovery Science: new points begin at the median
#   of their neighbours.
#
# Letters: [free fonts](../kerasae/data/drawn/fonts.json) under the SIL Open Font License,
# Apache-2.0 or MIT, or in the public domain.
