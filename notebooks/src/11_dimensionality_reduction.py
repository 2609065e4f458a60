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
# *Section: applications, dimensionality reduction.* A code is a short description of an image. That
# makes it a good thing to send, to store and to search, and a good thing to draw: t-SNE turns codes
# into a map of the plane on which similar images lie side by side. This chapter draws such maps in
# five ways, measures them, and then shows which half of what one sees on them is real.
#
# **You will be able to**
#
# - draw images as points by PCA, by a code of two values, and by t-SNE on pixels or on codes;
# - measure a map: trustworthiness, and how often the nearest point has the same label;
# - say when it pays to run t-SNE on codes in place of pixels, and when it does not;
# - read a map by t-SNE without believing its distances, its sizes and its gaps;
# - place new images on a map, which t-SNE itself cannot do.

# %% [markdown]
# ## The idea
#
# An image of 28 by 28 pixels is a point in a space of 784 dimensions. Most of that space is noise
# that nobody would ever draw; the images of one kind lie near a surface with far fewer dimensions.
# An **encoder** learns coordinates on that surface: the code. If the code has two values, it is a
# map already. But two are few, and a decoder that gets only two must tear some neighbours apart.
#
# **t-SNE** (t-distributed stochastic neighbour embedding) is made for drawing and nothing else. For
# each image it turns distances between the given vectors $x$ into probabilities of being a
# neighbour,
#
# $$p_{j|i} \propto \exp \left( -\lVert x_i - x_j \rVert^2 / 2 \sigma_i^2 \right),$$
#
# made symmetric over the $n$ images, $p_{ij} = (p_{j|i} + p_{i|j}) / 2n$. For points $y$ on the
# paper it does the same with
#
# $$q_{ij} \propto \left( 1 + \lVert y_i - y_j \rVert^2 \right)^{-1},$$
#
# and moves the points until the two agree, as measured by $\mathrm{KL}(P \Vert Q)$. Each $\sigma_i$
# is chosen such that about `perplexity` others count as neighbours. The $x$ may be pixels or codes:
# t-SNE does not ask. The common recipe is to compress first, with PCA or an autoencoder, and to
# draw then.

# %%
import dataclasses
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import numpy as np
from IPython.display import Markdown, display
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, HIDDEN, CODE_SIZE, DRAWN = (30, (128, 64), 8, 359) if FAST else (20, (512, 256), 16, 1500)

# %% [markdown]
# ## The data
#
# MNIST, in fast mode the small digits of scikit-learn. What is drawn are *test* images, on which no
# encoder was trained: a map of training images would also show what was learnt by heart. Labels
# serve to colour the points and to count, never to train.

# %%
if FAST:
    images = kerasae.load_images("digits", image_size=16)
else:
    images = kerasae.load_images("mnist", limit=15_000)
shape = images.image_shape
PIXELS = int(np.prod(shape))
test, labels = images.test[:DRAWN], images.test_labels[:DRAWN]
print(images.summary())
display(plots.plot_samples(test[:20], columns=10))
display(Markdown(f"*Twenty of the {len(test):,} test images that most maps here show.*"))

# %% [markdown]
# ## The models
#
# Two autoencoders that differ in the width of the code only: two values, which can be drawn as they
# are, and a few more, which need t-SNE.

# %%
models = {}
for code_size in (2, CODE_SIZE):
    keras.utils.set_random_seed(0)
    models[code_size] = kerasae.build_undercomplete(
        input_shape=shape, code_size=code_size, hidden=HIDDEN
    )
display(plots.plot_architecture(models[CODE_SIZE]))
raw = int(np.prod(shape))
display(
    Markdown(
        f"*The wider of the two. Whatever is drawn, searched or sent afterwards is the code in the "
        f"middle: {CODE_SIZE} numbers in place of {raw} pixels.*"
    )
)

# %% [markdown]
# ## Training

# %%
config = TrainConfig(
    epochs=EPOCHS,
    batch_size=64,
    learning_rate=1e-2 if FAST else 2e-3,
    jit_compile=False if FAST else "auto",
)
for model in models.values():
    history = train(model, images, config, progress=False)
display(plots.plot_history(history.history))

# %% [markdown]
# *Cross-entropy of the wider model. Grey pixels give it a floor above zero, so look at the shape:
# most is learnt early, and the validation curve comes to rest.*

# %%
outputs = {size: model.predict(test, verbose=0) for size, model in models.items()}
psnr = {size: evaluation.psnr(test, output) for size, output in outputs.items()}
average = evaluation.psnr(test, np.broadcast_to(images.train.mean(axis=0), test.shape))
assert average < psnr[2] < psnr[CODE_SIZE]
rows = {"original": test, **{f"code of {size}": output for size, output in outputs.items()}}
display(plots.plot_samples(np.stack([r[:10] for r in rows.values()]), labels=list(rows)))
display(
    Markdown(
        f"*Ten test images and what is left of them after two and after {CODE_SIZE} values. "
        f"With two, {psnr[2]:.1f} dB, some digits come back as others. With {CODE_SIZE}, "
        f"{psnr[CODE_SIZE]:.1f} dB, they come back as themselves. (The average digit alone: "
        f"{average:.1f} dB.)*"
    )
)

# %% [markdown]
# ## Five maps of the same images
#
# PCA to two components; the code of two values; t-SNE on pixels; t-SNE on as many principal
# components as the code has values, the usual first step; t-SNE on the code. All t-SNE runs have
# the same settings and start from the principal components of what they are given.

# %%
flat = test.reshape(len(test), -1)
pca = PCA(CODE_SIZE, random_state=0).fit(images.train.reshape(len(images.train), -1))
codes = {size: np.asarray(kerasae.encoder(model)(test)) for size, model in models.items()}
vectors = {
    "pixels": flat,
    f"{CODE_SIZE} components": pca.transform(flat),
    f"code of {CODE_SIZE}": codes[CODE_SIZE],
}
maps = {"PCA": vectors[f"{CODE_SIZE} components"][:, :2], "code of 2": codes[2]}
settings = {"perplexity": 30, "init": "pca", "random_state": 0}
for name, x in vectors.items():
    maps[f"t-SNE on {name}"] = TSNE(**settings).fit_transform(x)

scores = {
    name: (evaluation.trustworthiness(flat, y), evaluation.neighbourhood_accuracy(y, labels))
    for name, y in {**maps, **vectors}.items()
}
titles = {f"{name}\ntrust {scores[name][0]:.3f}, same label {scores[name][1]:.0%}": y
          for name, y in maps.items()}  # fmt: skip
display(plots.plot_maps(titles, labels=labels))

# %% [markdown]
# *The same test images five times, coloured by labels that none of the methods has seen. By PCA the
# digits lie on top of each other. A code of two values pulls them apart into rays. The three maps
# by t-SNE make islands. "Trust" and "same label" are explained next.*

# %% [markdown]
# ## Two measures
#
# **Trustworthiness** asks: are the 12 nearest points on the map also near in pixels? It is 1 if no
# neighbour is false, and about 0.5 if the map has nothing to do with the images. It needs no
# labels. Note who has the home advantage: a map made from pixels is asked about pixels.
#
# **Neighbourhood accuracy** asks: does the nearest point on the map have the same label? It needs
# labels, and it is about meaning rather than pixels.

# %%
lines = "\n".join(
    f"| {name} | {'2' if name in maps else vectors[name].shape[1]} | {trust:.3f} "
    f"| {100 * same:.1f} % |"
    for name, (trust, same) in scores.items()
)
display(
    Markdown(
        f"| | values | trustworthiness | nearest has the same label |\n|---|---|---|---|\n{lines}"
    )
)
on_pixels, on_code = scores["t-SNE on pixels"], scores[f"t-SNE on code of {CODE_SIZE}"]
on_components = scores[f"t-SNE on {CODE_SIZE} components"]
assert scores["PCA"][0] < scores["code of 2"][0] < on_code[0]
assert scores["PCA"][1] < scores["code of 2"][1] < on_code[1]
assert abs(on_pixels[1] - on_code[1]) < 0.08
drawn = {name: scores[name][1] for name in maps if name.startswith("t-SNE")}
winner, last = max(drawn, key=drawn.get), min(drawn.values())
display(
    Markdown(
        f"Read the table from top to bottom. Two principal components place "
        f"{100 * scores['PCA'][1]:.0f} % of the images beside one of their kind, two learnt values "
        f"{100 * scores['code of 2'][1]:.0f} %: that is what depth buys. t-SNE on the code reaches "
        f"{100 * on_code[1]:.1f} %, on pixels {100 * on_pixels[1]:.1f} %, on principal components "
        f"{100 * on_components[1]:.1f} %. The best of the three is *{winner}*; from it to the last "
        f"it is {100 * (drawn[winner] - last):.0f} percentage points. On clean, centred digits "
        f"t-SNE does well with whatever it is given. So where is the use of the code?"
    )
)

# %% [markdown]
# ## When to run t-SNE on codes
#
# **When pixels are noisy.** Distances add up over pixels, and so does noise. An encoder has learnt
# what digits look like, and ignores much of what they do not. Here t-SNE gets the same noisy images
# in three ways: as pixels, as their principal components, and as codes. The codes are those of a
# third encoder, trained to undo noise (`build_denoising`), which asks for just that.

# %%
NOISE = 0.7 if FAST else 0.5
rng = np.random.default_rng(0)
noisy = np.clip(test + rng.normal(0, NOISE, test.shape), 0, 1).astype(np.float32)
keras.utils.set_random_seed(0)
robust = kerasae.build_denoising(
    base="undercomplete", level=NOISE, input_shape=shape, code_size=CODE_SIZE, hidden=HIDDEN
)
train(robust, images, dataclasses.replace(config, keep="last"), progress=False)
noisy_vectors = {
    "noisy pixels": noisy.reshape(len(test), -1),
    "their components": pca.transform(noisy.reshape(len(test), -1)),
    "their code": np.asarray(kerasae.encoder(robust)(noisy)),
}
noisy_maps, noisy_same, noisy_trust = {}, {}, {}
for name, x in noisy_vectors.items():
    y = TSNE(**settings).fit_transform(x)
    noisy_same[name] = evaluation.neighbourhood_accuracy(y, labels)
    noisy_trust[name] = evaluation.trustworthiness(flat, y)
    title = f"t-SNE on {name}\ntrust {noisy_trust[name]:.3f}, same label {noisy_same[name]:.0%}"
    noisy_maps[title] = y
display(plots.plot_samples(noisy[:10]))
display(plots.plot_maps(noisy_maps, labels=labels))
assert noisy_same["their code"] > noisy_same["noisy pixels"] + 0.02
if not FAST:  # the words below are about the full run
    assert noisy_same["noisy pixels"] < noisy_same["their components"] < noisy_same["their code"]
    assert abs(noisy_trust["their components"] - noisy_trust["their code"]) < 0.01
display(
    Markdown(
        f"*Noise of a standard deviation of {NOISE}, and maps of the noisy images; trust is still "
        f"measured against the clean pixels. With noisy pixels "
        f"{100 * noisy_same['noisy pixels']:.0f} % have a neighbour of their kind, with principal "
        f"components {100 * noisy_same['their components']:.0f} %, with codes "
        f"{100 * noisy_same['their code']:.0f} %. So PCA, which costs nearly nothing, takes away "
        f"some of the harm. In trust it is the equal of the code or close to it: "
        f"{noisy_trust['their components']:.3f} and {noisy_trust['their code']:.3f}, against "
        f"{noisy_trust['noisy pixels']:.3f} of the pixels.*"
    )
)

# %% [markdown]
# **When images are large.** t-SNE looks for neighbours among all pairs, and each pair costs as many
# operations as there are values. Codes keep that cost the same however large the images grow.
#
# **When new images arrive.** t-SNE moves the points it has; it learns no rule for others. Draw the
# map again, and the old points move as well. An encoder *is* a rule: a new image has its code at
# once. That is why a code of two values, although its map is less tidy, is the one to ship.
#
# **When the vectors are for more than drawing.** Neighbours for a search, inputs of a classifier,
# the bytes to send: take the code. Never take the t-SNE coordinates for any of these: they hold
# less, and they change with the seed.

# %% [markdown]
# ## Reading a map rightly
#
# t-SNE keeps neighbours. It does not keep distances between groups, nor the size of groups, nor
# density; and it finds groups in noise. The way to believe that is to feed it points of which the
# truth is known.

# %%
rng = np.random.default_rng(0)
COUNT = 40
blob = rng.normal(size=(3 * COUNT, 10))
group = np.repeat(np.arange(3), COUNT)
axis = np.eye(10)[0]
truths = {
    "group 2 ten times as wide": blob * np.array([1, 1, 10])[group][:, None]
    + 60 * group[:, None] * axis,
    "group 2 six times as far away": blob + np.array([0, 10, 60])[group][:, None] * axis,
    "one cloud of noise, no groups": blob,
}
facts = {}
for name, x in truths.items():
    for perplexity in (5, 30):
        y = TSNE(perplexity=perplexity, init="pca", random_state=0, method="exact").fit_transform(x)
        facts[f"{name}\nperplexity {perplexity}"] = y
order = [key for p in (5, 30) for key in facts if key.endswith(f"perplexity {p}")]
display(plots.plot_maps({key: facts[key] for key in order}, labels=group))

wide = facts["group 2 ten times as wide\nperplexity 30"]
spread = {g: np.mean(pdist(wide[group == g])) for g in range(3)}
far = facts["group 2 six times as far away\nperplexity 30"]
centres = np.stack([far[group == g].mean(axis=0) for g in range(3)])
gaps = pdist(centres)  # 0-1, 0-2, 1-2
size_ratio, gap_ratio = spread[2] / spread[0], gaps[1] / gaps[0]
assert size_ratio < 4
assert gap_ratio < 4
display(
    Markdown(
        f"*Three true stories in ten dimensions, each drawn with two perplexities. Left: group 2 "
        f"is 10 times as wide as group 0; on the map {size_ratio:.1f} times. Middle: "
        f"group 2 is 6 times as far from group 0 as group 1 is; on the map {gap_ratio:.1f} times. "
        f"Both numbers are those of the lower row, with perplexity 30. Right: one normal cloud, "
        f"coloured at random; with the small perplexity it falls into clumps that are not there. "
        f"The legend gives the groups.*"
    )
)

# %% [markdown]
# So of a map by t-SNE:
#
# - **believe** that points which lie side by side are similar;
# - **do not believe** sizes, distances between islands, empty space, or shapes;
# - **check** islands with another perplexity and another seed, and best by a measure in the space
#   that was drawn.

# %% [markdown]
# ## An experiment: perplexity, chosen without looking
#
# Perplexity is the hyperparameter of the map. Which one is right? The picture that one likes best
# is a poor judge, above all if the points are coloured: one then tunes on the test labels, and
# presents the result as what the method found by itself. Use validation images, and a measure.

# %%
held, held_labels = images.validation[:DRAWN], images.validation_labels[:DRAWN]
held_codes = np.asarray(kerasae.encoder(models[CODE_SIZE])(held))
sizes = (2, 5, 15, 30) if FAST else (2, 10, 30, 100)
sweep, sweep_maps = {}, {}
for perplexity in sizes:
    y = TSNE(**{**settings, "perplexity": perplexity}).fit_transform(held_codes)
    sweep[perplexity] = (
        evaluation.trustworthiness(held_codes, y),
        evaluation.neighbourhood_accuracy(y, held_labels),
    )
    sweep_maps[f"perplexity {perplexity}"] = y
display(plots.plot_maps(sweep_maps, labels=held_labels, columns=4))
chosen = max(sweep, key=lambda p: sweep[p][0])
display(
    plots.plot_curves(
        {
            "trustworthiness": {p: trust for p, (trust, _) in sweep.items()},
            "same label": {p: same for p, (_, same) in sweep.items()},
        },
        xlabel="perplexity",
        ylabel="measure, validation images",
        log_x=True,
        mark={"trustworthiness": chosen},
    )
)
spans = [np.ptp(y, axis=0).max() for y in sweep_maps.values()]
assert max(spans) > 1.2 * min(spans)
display(
    Markdown(
        f"*The same codes of validation images with {len(sizes)} perplexities. The looks change a "
        f"lot, from crumbs to a few smooth islands; the measures much less. Trustworthiness, here "
        f"against the codes that were drawn, is best at {chosen}, and needed no labels.*"
    )
)

# %% [markdown]
# ## What can go wrong
#
# **Judging a code by its t-SNE picture.** A pretty map shows that *t-SNE* found neighbours. Judge
# the code itself, by reconstruction, by a probe, by neighbourhood accuracy in the code.
#
# **Showing training images.** Islands of training images may be memory. Draw held-out ones.
#
# **Tuning perplexity, seed or colours until it looks right.** With labels on the points this is
# tuning on the test set. Choose on validation images, by a number, and report the test map once.
#
# **Comparing with pixels only.** PCA to the size of the code costs a second and is the mark to beat
# for an autoencoder. On clean digits the gap is small, as the table says.
#
# **Codes of very different scales.** t-SNE takes Euclidean distances: a value with a large spread
# drowns the others. Look at the standard deviations, and standardise if they differ by much.

# %%
deviations = codes[CODE_SIZE].std(axis=0)
print(f"standard deviations of the code: {deviations.min():.2f} to {deviations.max():.2f}")

# %% [markdown]
# ## Key takeaways
#
# 1. A code is useful as such; for a picture of it, t-SNE arranges codes so that neighbours stay
#    neighbours.
# 2. Measure maps. Trustworthiness asks about the vectors, neighbourhood accuracy about meaning.
# 3. Two learnt values beat two principal components by far; t-SNE beats both, as a picture.
# 4. t-SNE on codes pays off where pixels are noisy or many. On clean small images t-SNE on pixels
#    or on principal components came to within a few percentage points of it.
# 5. Distances between islands, their sizes and their number mean little.

# %% [markdown]
# ## Exercises
#
# **1.** New images on an old map: place the first 100 validation images on the plane of the
# two-valued code, and give each the label of the nearest test point. How many are right?
#
# <details><summary>Solution</summary>
#
# ```python
# new = np.asarray(kerasae.encoder(models[2])(images.validation[:100]))
# nearest = np.linalg.norm(new[:, None] - codes[2][None], axis=-1).argmin(axis=1)
# right = np.mean(labels[nearest] == images.validation_labels[:100])
# print(f"{100 * right:.0f} % of the new images lie beside one of their kind")
# ```
#
# About as many as on the map itself, and nothing had to be computed again. There is no such line
# for t-SNE.
#
# </details>
#
# **2.** Are the distances between islands repeatable, and are they true? Draw the codes from two
# random starts (`init="random"`). Correlate the distances between the centres of the digits with
# each other, and with those between the mean codes.
#
# <details><summary>Solution</summary>
#
# ```python
# x = codes[CODE_SIZE]
# truth = pdist(np.stack([x[labels == d].mean(axis=0) for d in range(10)]))
# between = []
# for seed in (0, 1):
#     y = TSNE(perplexity=30, init="random", random_state=seed).fit_transform(x)
#     between.append(pdist(np.stack([y[labels == d].mean(axis=0) for d in range(10)])))
# print(f"two starts: correlation {np.corrcoef(*between)[0, 1]:.2f}")
# print(f"a map and the codes: correlation {np.corrcoef(between[0], truth)[0, 1]:.2f}")
# ```
#
# Two starts may well agree, and that is the trap: what repeats looks true. With the distances
# between mean codes the map agrees less. Nothing in the loss asks it to: two points that are no
# neighbours are to be far apart, it does not matter how far.
#
# </details>
#
# **3.** Move each test image by a pixel, at random to the left or to the right. What does that do
# to the nearest neighbours in pixels, and in the code?
#
# <details><summary>Solution</summary>
#
# ```python
# steps = np.random.default_rng(3).choice([-1, 1], len(test))
# moved = np.stack([np.roll(x, step, axis=1) for x, step in zip(test, steps)])
# moved_code = np.asarray(kerasae.encoder(models[CODE_SIZE])(moved))
# for name, still, x in (
#     ("pixels", flat, moved.reshape(len(test), -1)),
#     ("code", codes[CODE_SIZE], moved_code),
# ):
#     before = evaluation.neighbourhood_accuracy(still, labels)
#     after = evaluation.neighbourhood_accuracy(x, labels)
#     print(f"{name:7} same label {100 * before:.1f} %, moved {100 * after:.1f} %")
# ```
#
# Both suffer. Dense layers have no idea that a digit may stand elsewhere; the encoder cannot
# ignore what it was never shown.
#
# </details>
#
# **4.** How many bytes does a search index of a million such images need: pixels as bytes, codes as
# 32-bit floats, and codes rounded to 8 bits? What does the rounding cost in neighbourhood accuracy?
#
# <details><summary>Solution</summary>
#
# ```python
# code = codes[CODE_SIZE]
# low, high = code.min(axis=0), code.max(axis=0)
# rounded = np.round((code - low) / (high - low) * 255)
# back = low + rounded / 255 * (high - low)
# for name, size, x in (
#     ("pixels", PIXELS, flat),
#     ("float32 code", 4 * CODE_SIZE, code),
#     ("8-bit code", CODE_SIZE, back),
# ):
#     same = evaluation.neighbourhood_accuracy(x, labels)
#     print(f"{name:13} {size:5,} MB, same label {100 * same:.1f} %")
# ```
#
# A byte an image is a megabyte for a million. Rounding to 8 bits costs next to nothing.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Undercomplete autoencoders](06_undercomplete.ipynb): PCA as the linear case.
# - [Image generation](12_image_generation.ipynb): the other use of a plane of codes.
#
# **Papers**
#
# - L. van der Maaten and G. Hinton (2008), *Visualizing Data using t-SNE*, Journal of Machine
#   Learning Research 9.
# - G. Hinton and R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - L. van der Maaten (2009), *Learning a Parametric Embedding by Preserving Local Structure*,
#   AISTATS: a network that learns t-SNE's map, and so can place new points.
# - J. Venna and S. Kaski (2001), *Neighborhood Preservation in Nonlinear Projection Methods: An
#   Experimental Study*, ICANN: trustworthiness.
# - M. Wattenberg, F. Viégas and I. Johnson (2016), *How to Use t-SNE Effectively*, Distill.
# - D. Kobak and P. Berens (2019), *The art of using t-SNE for single-cell transcriptomics*, Nature
#   Communications 10: starts, perplexities, large sets.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
