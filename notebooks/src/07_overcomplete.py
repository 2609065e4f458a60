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
# # Overcomplete autoencoders
#
# *Section: types based on the structure, overcomplete autoencoder.* What happens if the narrow
# place is not narrow? A code with more numbers than the image has pixels can simply hold the
# image. This chapter lets a network do that, proves that it does, and then takes the easy way out
# away from it.
#
# **You will be able to**
#
# - say why a code of at least the size of the input needs a regulariser;
# - prove that a network copies, in three ways that do not rely on its loss;
# - name four regularisers and what each of them forbids;
# - judge features by a linear probe, with the two controls without which it means little;
# - choose the strength of a regulariser on validation images.

# %% [markdown]
# ## The idea
#
# An [undercomplete autoencoder](06_undercomplete.ipynb) has to leave something out, so it must
# find out what matters. An **overcomplete** one has a code at least as large as the image. Then
# there is a perfect solution that needs no knowledge of images at all: hand each pixel through.
# The loss goes to zero and nothing has been learnt.
#
# The way out is to make copying cost something. A term is added to the loss, or the training is
# made harder, so that a plain copy is no longer the cheapest answer:
#
# $$\min_{f, g} \frac{1}{N} \sum_{n=1}^{N} \lVert x_n - g(f(x_n)) \rVert^2 + \Omega(f(x_n))$$
#
# with encoder $f$, decoder $g$ and regulariser $\Omega$. The size of the code is then no longer
# what limits it, and it may even pay to have many units, each for something special.

# %%
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, CODE_SIZE, NARROW, LABELS = (20, 100, 12, 1000) if FAST else (20, 300, 24, 2000)

# %% [markdown]
# ## The data
#
# Handwritten digits: of MNIST, at half its size so that everything stays quick, or in fast mode
# the small digits of scikit-learn. Labels are used by the probe only, never by an autoencoder.

# %%
if FAST:
    images = kerasae.load_images("digits")
else:
    images = kerasae.load_images("mnist", image_size=14, limit=10_000)
shape = images.image_shape
PIXELS = int(np.prod(shape))
print(images.summary())
display(plots.plot_samples(images.train[:20], columns=10))
display(
    Markdown(
        f"*Twenty training images. Each has {PIXELS} pixels; the code of this chapter has "
        f"{CODE_SIZE} values, {CODE_SIZE / PIXELS:.1f} times as many.*"
    )
)

# %% [markdown]
# ## The model
#
# `build_overcomplete` wants a regulariser and refuses to guess one. To see the copying, say
# `regularizer=None`. One layer up and one layer down, both linear, and with `tied=True` the weights
# down are those up, transposed.

# %%
keras.utils.set_random_seed(0)
copying = kerasae.build_overcomplete(
    input_shape=shape, code_size=CODE_SIZE, regularizer=None, loss="mse", tied=True
)
display(plots.plot_architecture(copying))

# %% [markdown]
# *The model, drawn from itself: it gets wider towards the code (orange), and the last line gives
# a ratio below one. Nothing is compressed here.*

# %% [markdown]
# ## Training
#
# For comparison there is a narrow one, linear too. At its best it is principal component analysis,
# as the [previous chapter](06_undercomplete.ipynb) shows.

# %%
config = TrainConfig(
    epochs=EPOCHS, batch_size=64, learning_rate=5e-3, jit_compile=False if FAST else "auto"
)
history = train(copying, images, config, progress=False)

keras.utils.set_random_seed(0)
narrow = kerasae.build_undercomplete(
    input_shape=shape, code_size=NARROW, hidden=(), loss="mse", tied=True
)
train(narrow, images, config, progress=False)
display(plots.plot_history(history.history))

# %% [markdown]
# *Mean squared error of the overcomplete model, on a logarithmic scale. See what is missing: a gap
# worth the name. The loss falls by orders of magnitude, and the validation images keep pace all the
# way. Copying works for any image, so there is next to nothing to overfit to.*

# %%
reconstructions = np.clip(copying.predict(images.test, verbose=0), 0, 1)
copy_psnr = evaluation.psnr(images.test, reconstructions)
narrow_psnr = evaluation.psnr(images.test, np.clip(narrow.predict(images.test, verbose=0), 0, 1))
assert copy_psnr > narrow_psnr + 6
display(plots.plot_reconstructions(images.test, reconstructions, count=10))
display(
    Markdown(
        f"*Ten test digits, their copies, and four times the difference: as good as nothing to "
        f"see. The error corresponds to {copy_psnr:.1f} dB PSNR, against {narrow_psnr:.1f} dB of "
        f"the narrow model with {NARROW} values. By the loss, this is the best autoencoder of all "
        f"chapters. It is also the most useless one.*"
    )
)

# %% [markdown]
# ## Proof that it copies
#
# **First proof: foreign images.** A model that knows digits does badly on anything else
# ([Start here](00_start_here.ipynb) had an example). A model that copies hardly cares. Here are
# three kinds of image that neither model has seen: digits with black and white exchanged, pieces
# of a photograph of gravel, and noise in which every pixel is drawn alone.

# %%
gravel = kerasae.load_images("textures", image_size=shape[:2], limit=300).test
noise = np.random.default_rng(0).random((300, *shape)).astype(np.float32)
cases = {
    "digits": images.test[:300],
    "inverted": 1 - images.test[:300],
    "gravel": gravel,
    "noise": noise,
}
varying = images.train.std(axis=0) > 0.02  # pixels that are not the same in all digits
scores, rows, inner = {}, [], {}
for name, case in cases.items():
    outputs = [np.clip(m.predict(case, verbose=0), 0, 1) for m in (copying, narrow)]
    average = np.broadcast_to(case.mean(axis=(1, 2), keepdims=True), case.shape)
    scores[name] = [evaluation.psnr(case, out) for out in (*outputs, average)]
    rows.append(np.concatenate([case[:4], outputs[0][:4], outputs[1][:4]]))
    inner[name] = -10 * np.log10(np.square(case - outputs[0])[:, varying].mean())

figure, grid = plt.subplots(4, 14, figsize=(9, 3), width_ratios=[1] * 4 + [0.3, 1, 1, 1, 1] * 2)
for axes_row, (name, row) in zip(grid, zip(cases, rows, strict=True), strict=True):
    for axes in axes_row:
        axes.set_axis_off()
    for column, picture in enumerate(row):
        axes = axes_row[column + column // 4]
        axes.set_axis_on()
        plots.show_image(axes, picture)
    axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
for column, title in ((0, "in"), (5, "out, overcomplete"), (10, "out, narrow")):
    grid[0, column].set_title(title, fontsize=10, loc="left")
plt.show()

table = "\n".join(f"| {n} | {a:.1f} | {b:.1f} | {c:.1f} |" for n, (a, b, c) in scores.items())
display(
    Markdown(
        "| PSNR in dB | overcomplete | narrow | each image's mean grey |\n|---|---|---|---|\n"
        + table
    )
)
for name in ("inverted", "gravel", "noise"):
    assert scores[name][0] > scores[name][1] + 3, name
    assert inner[name] > scores[name][0], name
display(
    Markdown(
        f"*Four images of each kind, and what the two models make of them. Read the last row "
        f"first: noise has no structure that anybody could have learnt, and the overcomplete model "
        f"returns it all the same, {scores['noise'][0]:.1f} dB against {scores['noise'][1]:.1f} of "
        f"the narrow one. It is not perfect there, since pixels that hardly ever change in digits, "
        f"most of them at the border, were never practised. On the other {int(varying.sum())} of "
        f"{PIXELS} pixels it has {inner['inverted']:.1f} dB (inverted), {inner['gravel']:.1f} "
        f"(gravel) and {inner['noise']:.1f} (noise). Of the digits, only the first "
        f"{len(cases['digits'])} of the test images are used here.*"
    )
)

# %% [markdown]
# **Second proof: the matrix.** Without an activation the whole network is one matrix, $W W^T$ with
# the kernel $W$ of the encoder, and a copy is the identity: ones on the diagonal, zeros elsewhere.
# For a projection the trace, the sum of the diagonal, says how many independent numbers get
# through.

# %%
matrices = {
    name: model.get_layer("encoder").get_layer("code").get_weights()[0]
    for name, model in (("overcomplete", copying), ("narrow", narrow))
}
matrices = {name: kernel @ kernel.T for name, kernel in matrices.items()}
figure, grid = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
for axes, (name, matrix) in zip(grid, matrices.items(), strict=True):
    most = np.abs(matrix).max()
    shown = axes.imshow(matrix, cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
    axes.set(xlabel="pixel out", ylabel="pixel in")
    axes.set_title(f"{name}, trace {np.trace(matrix):.0f}", fontsize=10)
    figure.colorbar(shown, ax=axes, shrink=0.8, label="weight from pixel to pixel")
plt.show()
passed = {name: float(np.trace(matrix)) for name, matrix in matrices.items()}
assert passed["overcomplete"] > 0.7 * varying.sum()
assert abs(passed["narrow"] - NARROW) < 0.25 * NARROW
display(
    Markdown(
        "*From each pixel (down) to each pixel (across); each matrix has its own scale of colours. "
        "On the left a thin red diagonal: every pixel comes from itself. On the right patches "
        "beside the diagonal, too: each pixel is guessed from others around it. The traces are "
        f"{passed['overcomplete']:.0f} and {passed['narrow']:.0f}: of {PIXELS} numbers the one "
        f"passes nearly all, the other as many as its code has, {NARROW}.*"
    )
)

# %% [markdown]
# **Third proof: the features.** A unit of the code adds up all pixels with its weights. Drawn as a
# picture, the weights show what it looks for.

# %%
display(plots.plot_filters(copying, count=32))

# %% [markdown]
# *The first 32 units; grey is zero. There is nothing to see, and that is the finding. The random
# numbers that training began with are as good as any, as long as the decoder can undo them.*

# %% [markdown]
# ## What is such a code good for?
#
# A code is worth something if a simple method can use it. The **linear probe** is that method: a
# logistic regression from codes to labels, judged by its errors on test images. Two controls
# belong to it. The pixels themselves: a code that does no better has added nothing. And an
# *untrained* encoder with the same activation: random units already help a linear classifier, and
# whoever leaves this control out takes that for learning.

# %%
train_labels, probe_train = images.train_labels[:LABELS], images.train[:LABELS]
keras.utils.set_random_seed(0)
relu = kerasae.build_overcomplete(
    input_shape=shape,
    code_size=CODE_SIZE,
    regularizer=None,
    code_activation="relu",
    loss="mse",
    tied=True,
)
random_units = kerasae.encoder(relu)
candidates = {"pixels": None, "random units, ReLU": random_units, "copy": kerasae.encoder(copying)}
errors = {}
for name, encoder in candidates.items():
    codes = [
        x if encoder is None else np.asarray(encoder(x))
        for x in (probe_train, images.validation, images.test)
    ]
    errors[name] = evaluation.linear_probe(
        codes[0],
        train_labels,
        codes[2],
        images.test_labels,
        validation_codes=codes[1],
        validation_labels=images.validation_labels,
        l2=(1e-3, 1e-2),
    )
for name, error in errors.items():
    print(f"{100 * error:4.1f} % of the test digits wrong: {name}")
assert abs(errors["copy"] - errors["pixels"]) < 0.04

# %% [markdown]
# The copy is as good as the pixels: it *is* the pixels, mixed. So far the large code has bought
# nothing.

# %% [markdown]
# ## Regularise
#
# Four ways to forbid the copy, each one argument of `build_overcomplete`, or in the last case
# another builder around it:
#
# - `"l1"`: every active unit costs. The code should explain an image with as few as it can.
# - `"topk"`: only the `k` largest units of an image may pass at all.
# - `"dropout"`: in training half of the units are switched off at random, others each time. No
#   unit can rely on a partner.
# - denoising: the encoder sees an image with some of its pixels blanked and has to return the whole
#   one. A pixel that is handed through is wrong whenever it was blanked, so it must be inferred
#   from others.
#
# All have ReLU units but `"topk"` and `"dropout"`, whose units are linear. The control is a ReLU
# model without any regulariser.

# %%
shared = {"input_shape": shape, "code_size": CODE_SIZE, "loss": "mse", "tied": True}
builders = {
    "none": (kerasae.build_overcomplete, {"regularizer": None, "code_activation": "relu"}),
    "l1": (kerasae.build_overcomplete, {"regularizer": "l1", "weight": 0.06 / PIXELS}),
    "topk": (kerasae.build_overcomplete, {"regularizer": "topk", "k": CODE_SIZE // 12}),
    "dropout": (kerasae.build_overcomplete, {"regularizer": "dropout", "rate": 0.5}),
    "denoising": (
        kerasae.build_denoising,
        {
            "base": "overcomplete",
            "corruption": "masking",
            "level": 0.4,
            "regularizer": None,
            "code_activation": "relu",
        },
    ),
}
models, measured = {}, {}
for name, (build, options) in builders.items():
    keras.utils.set_random_seed(0)
    models[name] = build(**shared, **options)
    train(models[name], images, config, progress=False)
    encoder = kerasae.encoder(models[name])
    codes = [np.asarray(encoder(x)) for x in (probe_train, images.validation, images.test)]
    error = evaluation.linear_probe(
        codes[0],
        train_labels,
        codes[2],
        images.test_labels,
        validation_codes=codes[1],
        validation_labels=images.validation_labels,
        l2=(1e-3, 1e-2),
    )
    own, foreign = (
        evaluation.psnr(case, np.clip(models[name].predict(case, verbose=0), 0, 1))
        for case in (cases["digits"], cases["noise"])
    )
    measured[name] = (own, foreign, float((np.abs(codes[2]) > 1e-3).sum(axis=1).mean()), error)

lines = "\n".join(
    f"| {name} | {a:.1f} | {b:.1f} | {c:.0f} | {100 * d:.1f} % |"
    for name, (a, b, c, d) in measured.items()
)
display(
    Markdown(
        "| regulariser | PSNR, digits | PSNR, noise | units not 0 | probe error |\n"
        f"|---|---|---|---|---|\n{lines}"
    )
)

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
everything = {**errors, **{name: m[-1] for name, m in measured.items()}}
colours = [plots.MUTED] * len(errors) + [plots.ORANGE] + [plots.BLUE] * (len(measured) - 1)
bars = axes.barh(list(everything), [100 * e for e in everything.values()], color=colours)
axes.bar_label(bars, fmt="%.1f %%", padding=3)
axes.invert_yaxis()
axes.set(xlabel="test digits that a linear probe gets wrong, in %")
axes.margins(x=0.12)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
regularised = ("l1", "topk", "dropout", "denoising")
best = min(regularised, key=lambda name: measured[name][-1])
behind = [n for n in regularised if measured[n][-1] >= errors["random units, ReLU"]]
display(
    Markdown(
        f"*Linear probes on {LABELS:,} labelled codes. Grey: the controls. Orange: trained, ReLU, "
        f"no regulariser. Blue: regularised. The best of these is {best}, with "
        f"{100 * measured[best][-1]:.1f} % against {100 * errors['pixels']:.1f} % of the pixels "
        f"and {100 * errors['random units, ReLU']:.1f} % of random units. Not every regulariser "
        f"pays: no better than random units are here {' and '.join(behind) or 'none of them'}.*"
    )
)

# %%
for name in ("none", "denoising"):
    display(Markdown(f"Regulariser: **{name}**"))
    display(plots.plot_filters(models[name], count=32))

# %% [markdown]
# *The same 32 units without a regulariser and with denoising. Strokes, blobs and edges appear: what
# helps to infer a missing pixel from the others is the structure of digits. The next chapter,
# [Sparse autoencoders](08_sparse.ipynb), looks at the features of the first three in detail.*

# %% [markdown]
# ## An experiment: how strong?
#
# One hyperparameter, the share of pixels that denoising blanks. Everything else stays. The choice
# is made on validation images; the test error is then given for the chosen one.

# %%
levels = (0.1, 0.4, 0.7) if FAST else (0.1, 0.2, 0.4, 0.6, 0.8)
results, encoders = {}, {}
for level in levels:
    model = models["denoising"]  # which has the level 0.4
    if level != 0.4:
        keras.utils.set_random_seed(0)
        model = kerasae.build_denoising(**{**builders["denoising"][1], "level": level}, **shared)
        train(model, images, config, progress=False)
    encoders[level] = kerasae.encoder(model)
    codes = [np.asarray(encoders[level](x)) for x in (probe_train, images.validation)]
    error = evaluation.linear_probe(
        codes[0], train_labels, codes[1], images.validation_labels, l2=1e-2
    )
    psnr = evaluation.psnr(
        images.validation, np.clip(model.predict(images.validation, verbose=0), 0, 1)
    )
    results[level] = (psnr, error)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.plot(levels, [r[0] for r in results.values()], "o-", color=plots.BLUE)
left.set(xlabel="share of pixels blanked in training", ylabel="PSNR, whole images, dB")
right.plot(levels, [100 * r[1] for r in results.values()], "o-", color=plots.ORANGE)
right.set(xlabel="share of pixels blanked in training", ylabel="probe error, validation, %")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
chosen = min(results, key=lambda level: results[level][1])
ties = [f"{n:g}" for n in levels if n != chosen and np.isclose(results[n][1], results[chosen][1])]
also = f" (as good there: {', '.join(ties)}; the first is taken)" if ties else ""
codes = [np.asarray(encoders[chosen](x)) for x in (probe_train, images.test)]
final = evaluation.linear_probe(codes[0], train_labels, codes[1], images.test_labels, l2=1e-2)
assert results[levels[0]][0] > results[levels[-1]][0]
display(
    Markdown(
        f"*Left: the more is blanked, the worse the copy of a whole image. Right: the error of the "
        f"probe does not follow. A worse copy can have the better code, which is why the loss is "
        f"the wrong judge. By validation the choice is {chosen:g}{also}; its test error is "
        f"{100 * final:.1f} %.*"
    )
)

# %% [markdown]
# ## What can go wrong
#
# **Comparing by the loss.** The copy wins. A regularised model is *meant* to lose there.
#
# **No controls.** A table without pixels and random units cannot say whether anything was learnt.
# ReLU units alone may account for most of a gain.
#
# **A regulariser too strong.** All units go quiet and every output is the mean image. Look at
# reconstructions before you look at features.
#
# **Trusting the count.** A code smaller than the image is no guarantee either: a deep enough
# network could give each training image a number of its own. What keeps a network from copying is
# a lack of capacity, and the size of the code is only the part of it that is easy to see.
#
# **Tuning on test data.** The level above, the penalty of the probe, the number of epochs: all are
# choices, and all belong to the validation images.

# %% [markdown]
# ## Key takeaways
#
# 1. With a code at least as large as the image, copying is the cheapest solution, and training
#    finds it.
# 2. A copying model passes gravel and noise on nearly as they are, except for border pixels that
#    are always black in digits; its matrix is close to the identity and its features mean nothing.
# 3. Its code is worth about what the pixels are worth.
# 4. A regulariser makes copying cost something: few active units, missing units, missing pixels.
# 5. Features are judged by what can be done with them, beside the pixels and random units.

# %% [markdown]
# ## Exercises
#
# **1.** Train the copying model with `loss="binary_crossentropy"`. Its output passes through a
# sigmoid, which cannot be the identity. Is it still a copy? Use the noise.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# sigmoid = kerasae.build_overcomplete(
#     input_shape=shape,
#     code_size=CODE_SIZE,
#     regularizer=None,
#     loss="binary_crossentropy",
#     tied=True,
# )
# train(sigmoid, images, config, progress=False)
# for name, case in cases.items():
#     bent = evaluation.psnr(case, sigmoid.predict(case, verbose=0))
#     print(f"{name:10} {bent:.1f} dB, linear output {scores[name][0]:.1f} dB")
# ```
#
# Digits come back well. The rest suffers: black and white are easy for a sigmoid, mid-grey needs
# finely balanced weights, which digits never asked for. The bend of the output is a regulariser
# that nobody ordered.
#
# </details>
#
# **2.** Give the probe fewer labels, 100 instead of all. Does the order of pixels, copy and
# denoising change?
#
# <details><summary>Solution</summary>
#
# ```python
# few = slice(0, 100)
# for name, encoder in {
#     "pixels": None,
#     "copy": kerasae.encoder(copying),
#     "denoising": kerasae.encoder(models["denoising"]),
# }.items():
#     codes = [
#         x if encoder is None else np.asarray(encoder(x))
#         for x in (images.train[few], images.test)
#     ]
#     wrong = evaluation.linear_probe(
#         codes[0], images.train_labels[few], codes[1], images.test_labels, l2=1e-2
#     )
#     print(name, f"{100 * wrong:.1f} %")
# ```
#
# With few labels all get worse, and differences of a few percent are within the luck of which
# hundred digits were taken: repeat it with other slices before you believe an order.
#
# </details>
#
# **3.** The narrow model has the trace of its code size. Predict the trace of a linear model with a
# code of 5, then check.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# tiny = kerasae.build_undercomplete(
#     input_shape=shape, code_size=5, hidden=(), loss="mse", tied=True
# )
# train(tiny, images, config, progress=False)
# kernel = tiny.get_layer("encoder").get_layer("code").get_weights()[0]
# print(np.trace(kernel @ kernel.T))
# ```
#
# About 5. The best linear map through five numbers is a projection, and the trace of a projection
# is the dimension of what it projects to.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Sparse autoencoders](08_sparse.ipynb): penalties on the code, and what the units look like.
# - [`build_overcomplete`](../kerasae/builders/overcomplete.py) and
#   [`build_denoising`](../kerasae/builders/denoising.py): the builders of this chapter.
#
# **Papers and books**
#
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, section 14.2, MIT Press:
#   regularised autoencoders.
# - P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol (2010), *Stacked Denoising
#   Autoencoders*, Journal of Machine Learning Research 11.
# - G. Alain and Y. Bengio (2014), *What Regularized Auto-Encoders Learn from the Data-Generating
#   Distribution*, Journal of Machine Learning Research 15.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn; the gravel is a CC0 photograph shipped with
# scikit-image.
