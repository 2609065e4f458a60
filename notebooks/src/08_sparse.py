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
# *Section: types based on functionality, sparse autoencoders.* Many units, but only a few of them
# at work for any one image. The code may be larger than the image, and still nothing can simply be
# copied, because most of the code has to be silent most of the time.
#
# **You will be able to**
#
# - make a code sparse in three ways: with L1, with a KL term, or by keeping the largest `k` units;
# - measure sparsity, so that methods with different units can be compared;
# - say why dropout is not one of them, although it is often named among them;
# - read the features of a layer, and tell living units from dead ones;
# - scale a penalty: beside a mean or a sum, and per image or per batch.

# %% [markdown]
# ## The idea
#
# Think of a box of stamps. With a handful of them one can print any digit, if the box holds enough
# different strokes: a bow, a bar, a corner. Each digit needs *few* stamps, but other digits need
# *other* ones. That is a sparse code: large, and mostly zero. In return, each unit can afford to
# mean something.
#
# A sparse autoencoder adds a term $\Omega$ that counts, in one way or another, how many units are
# at work in the code $h$:
#
# $$\min_{f, g} \frac{1}{N} \sum_{n=1}^{N} \ell(x_n, g(h_n)) + \Omega, \quad h_n = f(x_n)$$
#
# - `"l1"`: $\Omega = \lambda \sum_j \lvert h_j \rvert$, the mean over images, with ReLU units. Each
#   image pays for what it uses.
# - `"kl"`: $\Omega = \beta \sum_j \mathrm{KL}(\rho \,\Vert\, \bar h_j)$, where $\bar h_j$ is the
#   mean of a unit over the batch, with sigmoid units. Each unit pays if it is on for more, or
#   fewer, than a share $\rho$ of the images.
# - `"topk"`: no term. All but the $k$ largest of the linear units are set to zero.

# %%
import dataclasses
import os

import kerasae
from kerasae import TrainConfig, evaluation, layers, losses, plots, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from keras import ops

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, CODE_SIZE, K, LABELS = (20, 100, 10, 1000) if FAST else (12, 500, 25, 2000)

# %% [markdown]
# ## The data
#
# Handwritten digits. Of MNIST the middle 20 by 20 pixels are kept, since there is hardly any ink
# outside; fast mode takes the small digits of scikit-learn as they are.

# %%
if FAST:
    images = kerasae.load_images("digits")
else:
    images = kerasae.load_images("mnist", limit=10_000)
    middle = {
        split: getattr(images, split)[:, 4:-4, 4:-4] for split in ("train", "validation", "test")
    }
    images = dataclasses.replace(images, **middle)
shape = images.image_shape
PIXELS = int(np.prod(shape))
print(images.summary())
display(plots.plot_samples(images.train[:20], columns=10))
display(
    Markdown(
        f"*Twenty training images of {PIXELS} pixels. The codes of this chapter have {CODE_SIZE} "
        f"units.*"
    )
)

# %% [markdown]
# ## The models
#
# One call each. `tied=True` gives the decoder the transposed weights of the encoder, so that a unit
# reads and paints with one and the same picture. It also closes a loophole of L1: without it, the
# encoder can make its values ever smaller, and pay ever less, while the decoder makes up for it
# with larger weights.
#
# The weights of the penalties are divided by the number of pixels, since Keras takes the mean over
# the pixels; more of that below. Two more models stand beside the three. One has no penalty. And
# one has `"dropout"`, which switches off half of the units at random in each training step.

# %%
shared = {
    "input_shape": shape,
    "code_size": CODE_SIZE,
    "loss": "binary_crossentropy",
    "tied": True,
}
RHO, BETA = 0.05, 0.2
options = {
    "l1": {"penalty": "l1", "weight": 0.1 / PIXELS},
    "kl": {"penalty": "kl", "rho": RHO, "beta": BETA / PIXELS},
    "topk": {"penalty": "topk", "k": K},
    "dropout": {"penalty": "dropout", "rate": 0.5},
}
models = {}
keras.utils.set_random_seed(0)
models["none"] = kerasae.build_overcomplete(
    regularizer=None, code_activation="relu", **{**shared, "code_size": max(CODE_SIZE, PIXELS)}
)
for name, penalty in options.items():
    keras.utils.set_random_seed(0)
    models[name] = kerasae.build_sparse(**shared, **penalty)
display(plots.plot_architecture(models["l1"]))

# %% [markdown]
# *The model with L1. The dashed layer between encoder and decoder adds the penalty to the loss; it
# passes the code on unchanged and does nothing at inference. The decoder's layer owns no weights
# but its biases.*

# %% [markdown]
# ## Training

# %%
config = TrainConfig(
    epochs=EPOCHS, batch_size=64, learning_rate=3e-3, jit_compile=False if FAST else "auto"
)
histories = {}
for name, model in models.items():
    histories[name] = train(model, images, config, progress=False).history

figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
colours = dict(
    zip(models, (plots.MUTED, plots.BLUE, plots.ORANGE, plots.GREEN, plots.RED), strict=True)
)
for name, history in histories.items():
    axes.plot(range(1, EPOCHS + 1), history["val_loss"], color=colours[name], label=name)
axes.set(xlabel="epoch", ylabel="validation loss")
axes.legend(frameon=False, ncols=2)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# *Validation loss of each model, with its own penalty inside. The curves say that training came to
# rest. They do not say which model is best: each counts something else.*

# %%
outputs = {name: model.predict(images.test, verbose=0) for name, model in models.items()}
codes = {name: np.asarray(kerasae.encoder(model)(images.test)) for name, model in models.items()}
psnr = {name: evaluation.psnr(images.test, output) for name, output in outputs.items()}
grid = np.stack([images.test[:10], *(output[:10] for output in outputs.values())])
display(plots.plot_samples(grid, labels=["original", *outputs]))
average = evaluation.psnr(
    images.test, np.broadcast_to(images.train.mean(axis=0), images.test.shape)
)
assert min(psnr.values()) > average + 1
display(
    Markdown(
        "*Ten test digits and what each model makes of them. All are readable. In PSNR: "
        + ", ".join(f"{name} {value:.1f} dB" for name, value in psnr.items())
        + f"; the average digit alone would have {average:.1f} dB.*"
    )
)

# %% [markdown]
# ## The features
#
# With tied weights, the picture of a unit is what it looks for and what it paints. Grey is zero.

# %%
for name, model in models.items():
    display(Markdown(f"**{name}**"))
    display(plots.plot_filters(model, count=32))

# %% [markdown]
# *The first 32 units of each model. Without a penalty they are speckled: each carries a bit of
# everything. Those of top-k clearly have a shape: strokes, bows and large parts of digits (the
# coarse digits of fast mode show little of it). Those of L1 and KL are nearly as speckled as those
# without a penalty, with a blob or a bow here and there, and dropout is no worse: it has a few soft
# blobs, too. Pictures that look like even noise belong to units that have hardly learnt anything.*

# %% [markdown]
# ## The codes
#
# Filters are a matter of taste; codes can be counted. A unit that is not exactly zero may still be
# too weak to matter, and sigmoids are never exactly zero. So there are two counts: how many units
# are not zero, by which a size above 0.000001 is meant, and how many of the largest ones hold 95 %
# of the energy, the sum of squares, of a code. A unit that stays below 1 % of the largest value on
# all test images counts as *dead*.

# %%
rows, active = {}, {}
for name, code in codes.items():
    energy = np.sort(np.square(code), axis=1)[:, ::-1].cumsum(axis=1)
    needed = (energy < 0.95 * energy[:, -1:]).sum(axis=1) + 1
    dead = (np.abs(code).max(axis=0) < 0.01 * np.abs(code).max()).sum()
    not_zero = (np.abs(code) > 1e-6).sum(axis=1)
    rows[name] = (code.shape[1], not_zero.mean(), needed.mean(), int(dead))
    active[name] = needed

bins = np.linspace(0, 1.05 * max(needed.max() for needed in active.values()), 40)
figure, grid = plt.subplots(2, 5, figsize=(9, 4), layout="constrained")
for column, (name, code) in enumerate(codes.items()):
    top, bottom = grid[:, column]
    top.hist(code.ravel()[::7], bins=40, color=colours[name], log=True)
    top.set_title(name, fontsize=10)
    top.set_xlabel("value of a unit", fontsize=9)
    bottom.hist(active[name], bins=bins, color=colours[name])
    bottom.set_xlabel("units for 95 % energy", fontsize=9)
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
grid[0, 0].set_ylabel("count (log scale)")
grid[1, 0].set_ylabel("images")
plt.show()
assert max(rows[name][2] for name in ("l1", "topk")) < min(
    rows[name][2] for name in ("none", "dropout")
)

# %% [markdown]
# *Top: every seventh value of the codes of the test images; mind the logarithmic counts. One bar
# that towers over the others stands for the silent units. The model without a penalty has one as
# well: ReLU units are zero for much of what they see. KL has a second, lower peak at 1, of units
# that are fully on. Bottom: how many units an image needs. For the sparse models the hills stand
# further to the left.*

# %% [markdown]
# The third measure is use: a linear probe on the codes, beside the pixels.

# %%
errors = {}
for name in ("pixels", *models):
    sets = [
        x if name == "pixels" else np.asarray(kerasae.encoder(models[name])(x))
        for x in (images.train[:LABELS], images.validation, images.test)
    ]
    errors[name] = evaluation.linear_probe(
        sets[0],
        images.train_labels[:LABELS],
        sets[2],
        images.test_labels,
        validation_codes=sets[1],
        validation_labels=images.validation_labels,
        l2=(1e-3, 1e-2),
    )
table = "\n".join(
    f"| {name} | {psnr[name]:.1f} | {size} | {not_zero:.0f} | {needed:.0f} | {dead} "
    f"| {100 * errors[name]:.1f} % |"
    for name, (size, not_zero, needed, dead) in rows.items()
)
display(
    Markdown(
        "| model | PSNR in dB | units | not zero | for 95 % of the energy | dead | probe error |\n"
        f"|---|---|---|---|---|---|---|\n{table}\n| pixels | | {PIXELS} | | | "
        f"| {100 * errors['pixels']:.1f} % |"
    )
)
display(
    Markdown(
        f"L1 describes a digit with {rows['l1'][2]:.0f} units that matter, top-k with at most {K} "
        f"by its rule, the model without a penalty with {rows['none'][2]:.0f}. Dead units are the "
        f"price: a unit that never gets its turn gets no gradient either."
    )
)

# %% [markdown]
# ## Dropout is something else
#
# Dropout is often listed with the sparse autoencoders, since units are missing in training. But
# look at its row and its histogram. At inference nothing is switched off, and the code is as dense
# as without any penalty, or denser.
#
# The two even pull in opposite directions. A sparsity penalty makes each unit a specialist that
# few images need. Dropout takes away the specialist in every other step, so that others must be
# able to stand in for it: it rewards *redundancy*. Both are meant to forbid the plain copy, and so
# both are called regularisers. Here dropout hardly forbids it: of the five models it has the best
# reconstructions, and to the probe its code is worth about as much as the pixels. Which units are
# silent is decided by the image in the one case, and by a throw of dice in the other.

# %%
assert rows["dropout"][2] > 1.5 * rows["l1"][2]
if not FAST:  # the words above are about the full run
    assert max(psnr, key=psnr.get) == "dropout"
    assert abs(errors["dropout"] - errors["pixels"]) < 0.01

# %% [markdown]
# ## An experiment: how many units?
#
# The `k` of top-k is the most honest knob of all: it says what it does. Which one to choose depends
# on what the code is for. So two curves are drawn, both of validation images.

# %%
sweep = {K: models["topk"]}
for k in (K // 5, 4 * K):
    keras.utils.set_random_seed(0)
    sweep[k] = kerasae.build_sparse(penalty="topk", k=k, **shared)
    train(sweep[k], images, config, progress=False)
sweep = dict(sorted(sweep.items()))
curve = {}
for k, model in sweep.items():
    sets = [
        np.asarray(kerasae.encoder(model)(x)) for x in (images.train[:LABELS], images.validation)
    ]
    wrong = evaluation.linear_probe(
        sets[0], images.train_labels[:LABELS], sets[1], images.validation_labels, l2=1e-2
    )
    quality = evaluation.psnr(images.validation, model.predict(images.validation, verbose=0))
    curve[k] = (quality, wrong)
    display(Markdown(f"**k = {k}**"))
    display(plots.plot_filters(model, count=16, sort=True))

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
left.plot(list(curve), [c[0] for c in curve.values()], "o-", color=plots.BLUE)
left.set(xlabel="k, units kept", ylabel="PSNR in dB, validation", xscale="log")
right.plot(list(curve), [100 * c[1] for c in curve.values()], "o-", color=plots.ORANGE)
right.set(xlabel="k, units kept", ylabel="probe error in %, validation", xscale="log")
for axes in (left, right):
    axes.set_xticks(list(curve), [str(k) for k in curve])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
qualities, wrongs = zip(*curve.values(), strict=True)
assert qualities[0] < qualities[1]
follows = list(wrongs) == sorted(wrongs, reverse=True)
verdict = "Here the probe gets better with them" if follows else "The probe need not follow"
display(
    Markdown(
        f"*Features for three values of k, the strongest units first, and what they are good for. "
        f"With k = {min(curve)} a unit has to paint large parts of a digit, and reconstructions "
        f"reach {qualities[0]:.1f} dB. With k = {max(curve)} units paint dots and thin strokes, "
        f"and reconstructions reach {qualities[-1]:.1f} dB. {verdict}.*"
    )
)

# %% [markdown]
# ## What can go wrong
#
# **The scale of KL.** In the lecture notes that the KL term comes from, the loss of an image is a
# *sum* over its pixels, and so it is in many recipes. In Keras, `"mse"` and `"binary_crossentropy"`
# are *means* over pixels. Beside a mean, the same $\beta$ is as many times too strong as there are
# pixels. Above, it was divided by them. Here it is taken over as it stands.

# %%
keras.utils.set_random_seed(0)
strong = kerasae.build_sparse(penalty="kl", rho=RHO, beta=BETA, **shared)
train(strong, images, config, progress=False)
drowned = strong.predict(images.test, verbose=0)
rows_shown = {
    "original": images.test,
    f"beta = {BETA} / {PIXELS}": outputs["kl"],
    f"beta = {BETA}": drowned,
}
grid = np.stack([picture[:10] for picture in rows_shown.values()])
display(plots.plot_samples(grid, labels=list(rows_shown)))
taken = evaluation.psnr(images.test, drowned)
assert taken < psnr["kl"] - 1
display(
    Markdown(
        f"*The same number, beside a mean: {taken:.1f} dB, where the average digit alone has "
        f"{average:.1f}, against {psnr['kl']:.1f} dB when divided. The penalty drowns the pixels.*"
    )
)

# %% [markdown]
# **`activity_regularizer` divides by the batch size.** Keras has a place for penalties on a layer's
# output. It divides whatever comes back by the number of images in the batch. For L1 that is right:
# the sum over the batch becomes a mean. For KL it is wrong: the term is a mean over the batch
# already, and is divided once more. Measure it, on the same images in batches of three sizes.

# %%
units = kerasae.encoder(models["kl"]).get_layer("code").get_weights()
table = []
for count in (16, 64, 256):
    batch = images.train[:count].reshape(count, -1)
    values = [count]
    for penalty in (
        keras.regularizers.L1(1.0),
        lambda h: ops.sum(losses.bernoulli_kl(RHO, ops.mean(h, axis=0))),
    ):
        dense = keras.layers.Dense(CODE_SIZE, activation="sigmoid", activity_regularizer=penalty)
        dense.build(batch.shape)
        dense.set_weights(units)
        dense(batch)
        values.append(float(dense.losses[0]))
    ours = layers.KLSparsity(rho=RHO, beta=1.0)
    ours(ops.convert_to_tensor(keras.ops.sigmoid(batch @ units[0] + units[1])))
    table.append([*values, float(ours.losses[0])])
body = "\n".join(f"| {n:.0f} | {a:.2f} | {b:.4f} | {c:.2f} |" for n, a, b, c in table)
display(
    Markdown(
        "| images in the batch | L1 as `activity_regularizer` | KL as `activity_regularizer` "
        f"| KL of `build_sparse` |\n|---|---|---|---|\n{body}"
    )
)
assert 0.8 < table[0][1] / table[-1][1] < 1.25
assert table[0][2] / table[-1][2] > 4

# %% [markdown]
# *L1 hardly depends on the batch. KL as an `activity_regularizer` falls with its size, so that the
# strength of the penalty changes whenever somebody changes the batch size. `build_sparse` adds the
# term in a layer of its own, undivided: the last column stays about where it is.*
#
# The same division is why weights from older recipes for L1 do not carry over: where an
# implementation sums over the batch, its weight is as many times larger in effect as there are
# images in a batch.
#
# **Small batches for KL.** A unit that should be on for 5 % of the images is on for three in a
# batch of 64, give or take two. With batches much smaller than $1/\rho$ the mean says nothing.
#
# **Counting zeros only.** Plain linear units and sigmoids are hardly ever zero. Count what matters.
#
# **Reading meaning into noise.** Dead units keep their initial weights, which look as speckled as
# the features of a model that failed. `plots.plot_filters(model, sort=True)` shows the strong
# first.

# %% [markdown]
# ## Key takeaways
#
# 1. A sparse code is large and mostly silent; which units speak depends on the image.
# 2. L1 charges each image, KL charges each unit, top-k counts.
# 3. Sparsity can give features with a place and a shape; here only top-k clearly did. Measure it by
#    energy, not by looks.
# 4. Dropout switches units off by chance, in training only. Its codes are dense: dropout and a
#    sparsity penalty are two things.
# 5. A weight is worth nothing without the scale of the loss beside it: mean or sum, per image or
#    per batch.

# %% [markdown]
# ## Exercises
#
# **1.** Does the loophole exist? Train L1 with untied weights (`tied=False`), and compare what the
# encoder reads with to what the decoder paints with.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# untied = kerasae.build_sparse(**{**shared, "tied": False}, **options["l1"])
# train(untied, images, config, progress=False)
# loose = np.asarray(kerasae.encoder(untied)(images.test))
# print(f"mean of the code: tied {codes['l1'].mean():.3f}, untied {loose.mean():.3f}")
# read = untied.get_layer("encoder").get_layer("code").get_weights()[0]
# painted = untied.get_layer("decoder").get_layer("pixels").get_weights()[0]
# print(f"mean size of its weights: encoder {np.abs(read).mean():.3f}")
# print(f"                          decoder {np.abs(painted).mean():.3f}")
# ```
#
# Untied, the values of the code are smaller, and so is the penalty, without anything having become
# sparser; weights of the decoder that are larger than those of the encoder make up for it.
#
# </details>
#
# **2.** Raise the weight of L1 tenfold. What becomes of PSNR and of the units at work?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# strong = kerasae.build_sparse(**shared, penalty="l1", weight=1 / PIXELS)
# train(strong, images, config, progress=False)
# code = np.asarray(kerasae.encoder(strong)(images.test))
# quality = evaluation.psnr(images.test, strong.predict(images.test, verbose=0))
# print(f"units not zero: {rows['l1'][1]:.0f}, then {(code > 1e-6).sum(axis=1).mean():.0f}")
# print(f"PSNR: {psnr['l1']:.1f} dB, then {quality:.1f} dB")
# ```
#
# Fewer units, and a worse picture. If the weight goes on growing, all units fall silent and every
# output is the same grey mean.
#
# </details>
#
# **3.** Which images use the same unit? Take the unit of the top-k model that is active most often
# without being always active, and look at the twenty test images on which it is strongest.
#
# <details><summary>Solution</summary>
#
# ```python
# share = (codes["topk"] != 0).mean(axis=0)
# unit = int(np.argmax(np.where(share < 0.3, share, 0)))
# strongest = np.argsort(-codes["topk"][:, unit])[:20]
# print(f"unit {unit}, active on {100 * share[unit]:.0f} % of the images")
# display(plots.plot_samples(images.test[strongest], columns=10))
# print(np.bincount(images.test_labels[strongest], minlength=10))
# ```
#
# They share a stroke, and often, but not always, a class: the unit was never told about classes.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Convolutional autoencoders](09_convolutional.ipynb): features that work at every position.
# - [`build_sparse`](../kerasae/builders/sparse.py): the four models in one screen of code.
#
# **Papers and notes**
#
# - B. A. Olshausen and D. J. Field (1996), *Emergence of Simple-Cell Receptive Field Properties by
#   Learning a Sparse Code for Natural Images*, Nature 381.
# - A. Ng (2011), *Sparse Autoencoder*, CS294A Lecture Notes, Stanford University: the KL term.
# - A. Makhzani and B. Frey (2013), *k-Sparse Autoencoders*, arXiv 1312.5663.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov (2014), *Dropout: A
#   Simple Way to Prevent Neural Networks from Overfitting*, Journal of Machine Learning Research
#   15.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, section 14.2.1, MIT Press.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
