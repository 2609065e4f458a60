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
# # Contractive autoencoders
#
# *Beyond the section on types based on functionality: one more way to keep a large code from
# copying.* Sparse codes limit how many units may speak. Contractive codes limit how much they may
# *move* when the image moves a little.
#
# **You will be able to**
#
# - say what the Jacobian of an encoder is, and compute its norm in three ways;
# - train with the contractive penalty, and choose its weight without touching test images;
# - see which small changes of an image a code still answers to, and why it is those;
# - compare codes whose units have different ranges, without being fooled by the ranges;
# - tell contraction from denoising, its close relative.

# %% [markdown]
# ## The idea
#
# Change one pixel of a handwritten 3 a little. It is still the same 3, and its code should hardly
# change. Move the whole stroke a little, or bend it, and it becomes *another possible* 3: of that
# the code must know, or the decoder could not paint it. Both are small changes in terms of pixels.
# There are hundreds of directions of the first kind and only a few of the second.
#
# The **Jacobian** $J_f(x)$ of the encoder $f$ holds the answer of each value of the code to each
# pixel, $\partial h_j / \partial x_i$. A contractive autoencoder asks for a small one:
#
# $$\min_{f, g} \; \frac{1}{N} \sum_n \ell(x_n, g(f(x_n))) + \lambda \, \lVert J_f(x_n) \rVert_F^2$$
#
# $$\lVert J \rVert_F^2 = \sum_{i, j} \left( \frac{\partial h_j}{\partial x_i} \right)^2$$
#
# The two terms pull in opposite directions. The penalty would like a code that never moves, the
# reconstruction needs one that moves wherever images differ. What is left are the directions that
# are worth it.

# %%
import os

import kerasae
from kerasae import TrainConfig, evaluation, losses, plots, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, CODE_SIZE, LABELS = (15, 100, 1000) if FAST else (12, 300, 3000)
LAMBDAS = (0.0, 0.1, 0.3, 1.0)

# %% [markdown]
# ## The data
#
# Handwritten digits: MNIST, or in fast mode the small digits of scikit-learn.

# %%
images = kerasae.load_images("digits") if FAST else kerasae.load_images("mnist", limit=10_000)
shape = images.image_shape
PIXELS = int(np.prod(shape))
test, validation = images.test[:1000], images.validation[:1000]
print(images.summary())
display(plots.plot_samples(images.train[:20], columns=10))

# %% [markdown]
# *Twenty training images. Small changes of such pictures are what this chapter is about.*

# %% [markdown]
# ## The models
#
# One call each, with one encoder layer of sigmoids and the decoder tied to it, as in the paper. The
# paper sums the cross-entropy over the pixels and Keras takes the mean, so that `weight` is the
# $\lambda$ of the paper divided by the number of pixels. With $\lambda = 0$ it is an ordinary
# autoencoder.

# %%
models, histories = {}, {}
for lmbda in LAMBDAS:
    keras.utils.set_random_seed(0)
    models[lmbda] = kerasae.build_contractive(
        input_shape=shape, code_size=CODE_SIZE, weight=lmbda / PIXELS
    )
display(plots.plot_architecture(models[LAMBDAS[-1]]))

# %% [markdown]
# *The model. The dashed layer adds the penalty in training and changes nothing. The decoder owns no
# weights but its biases: it paints with the transposed weights of the encoder.*

# %% [markdown]
# ## Training

# %%
config = TrainConfig(
    epochs=EPOCHS, batch_size=64, learning_rate=5e-3, jit_compile=False if FAST else "auto"
)
for lmbda, model in models.items():
    histories[lmbda] = train(model, images, config, progress=False).history
display(plots.plot_history(histories[0.1]))

# %% [markdown]
# *The model with lambda = 0.1: the loss, and the squared norm of the Jacobian. The norm changes
# because a code must move to be of use; where it comes to rest is a bargain between both terms.*

# %%
average = np.broadcast_to(images.train.mean(axis=0), test.shape)
outputs = {lmbda: model.predict(test, verbose=0) for lmbda, model in models.items()}
psnr = {lmbda: evaluation.psnr(test, output) for lmbda, output in outputs.items()}
assert min(psnr.values()) > evaluation.psnr(test, average) + 1
display(
    plots.plot_samples(
        np.stack([test[:10], *(output[:10] for output in outputs.values())]),
        labels=["original", *(f"lambda = {lmbda:g}" for lmbda in models)],
    )
)
display(
    Markdown(
        "*Ten test digits from each model: "
        + ", ".join(f"lambda {lmbda:g}: {value:.1f} dB" for lmbda, value in psnr.items())
        + f" (the average digit: {evaluation.psnr(test, average):.1f} dB). The larger the penalty, "
        "the softer the strokes.*"
    )
)
assert list(psnr.values()) == sorted(psnr.values(), reverse=True)

# %% [markdown]
# ## Three ways to the same number
#
# For one layer of sigmoids, $h = \sigma(W^\top x + b)$, the slope of a sigmoid is $h (1 - h)$, and
# the Jacobian can be written down. That is how the penalty is computed. Two other ways work for any
# encoder: differences in each pixel in turn, accurate but slow, and the answer to a little random
# noise, cheap but itself random. The last one is what `penalty="stochastic"` trains with.

# %%
strict = models[LAMBDAS[-1]]
encoder = kerasae.encoder(strict)
kernel = strict.get_layer("encoder").get_layer("code").get_weights()[0]
few = test[:10]
closed = np.sqrt(losses.contractive_norm(kernel, encoder(few)))
numeric = evaluation.jacobian_norm(strict, few)
sigma, rng = 0.01, np.random.default_rng(0)
noise = rng.normal(size=(200, *few.shape)).astype("float32")
draws = np.stack([losses.sensitivity(encoder(few), encoder(few + sigma * e), sigma) for e in noise])
estimates = np.sqrt(draws.cumsum(axis=0) / np.arange(1, len(draws) + 1)[:, None]).mean(axis=1)

figure, axes = plt.subplots(figsize=(6.5, 3), layout="constrained")
axes.plot(range(1, len(draws) + 1), estimates, color=plots.BLUE, label="random noise")
axes.axhline(closed.mean(), color=plots.INK, lw=1.2, ls="--", label="closed form")
axes.set(xscale="log", xlabel="draws of noise for each image (log scale)", ylabel="norm")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert abs(numeric - closed.mean()) < 0.01 * numeric
assert abs(estimates[-1] - closed.mean()) < 0.1 * closed.mean()
display(
    Markdown(
        f"*Mean norm of the Jacobian over {len(few)} images: closed form {closed.mean():.4f}, "
        f"differences in each pixel {numeric:.4f}. The estimate from noise comes to "
        f"{estimates[-1]:.4f} after {len(draws)} draws. Training needs only one draw for each "
        f"image and step: what is random in it averages out over the steps.*"
    )
)

# %% [markdown]
# ## Which directions are left?
#
# The Jacobian at one image is a matrix, and its *singular values* say how much the code answers
# along the direction that it answers most to, along the next one, and so on. The directions
# themselves are pictures: changes of the image.

# %%
spectra, directions = {}, {}
for lmbda, model in models.items():
    kernel = model.get_layer("encoder").get_layer("code").get_weights()[0]
    codes = np.asarray(kerasae.encoder(model)(test[:30]))
    jacobians = (codes * (1 - codes))[:, :, None] * kernel.T  # (30, code, pixels)
    parts = np.linalg.svd(jacobians, full_matrices=False)
    spectra[lmbda] = parts.S.mean(axis=0)
    directions[lmbda] = parts.Vh[:4, :5].reshape(4, 5, *shape)

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
colours = dict(zip(LAMBDAS, (plots.MUTED, plots.GREEN, plots.ORANGE, plots.BLUE), strict=True))
for lmbda, values in spectra.items():
    axes.plot(range(1, len(values) + 1), values, color=colours[lmbda], label=f"lambda = {lmbda:g}")
axes.set(
    xscale="log",
    yscale="log",
    xlabel="direction, by strength (log scale)",
    ylabel="singular value (log scale)",
    ylim=(spectra[LAMBDAS[-1]][0] / 300, 1.5 * spectra[0.0][0]),
)
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
needed = {
    lmbda: int((np.cumsum(s**2) < 0.9 * np.sum(s**2)).sum()) + 1 for lmbda, s in spectra.items()
}
assert needed[LAMBDAS[-1]] < needed[0.0]
display(
    Markdown(
        f"*Mean singular values of the encoder at 30 test images. Without the penalty many "
        f"directions move the code: 90% of the squared norm is spread over {needed[0.0]} of them. "
        f"With lambda = {LAMBDAS[-1]:g} it sits in {needed[LAMBDAS[-1]]}, and the rest falls away.*"
    )
)

# %%
changes = directions[LAMBDAS[-1]]
scaled = 0.5 + 0.5 * changes / np.abs(changes).max(axis=(2, 3, 4), keepdims=True)
display(
    plots.plot_samples(
        np.concatenate([test[:4, None], scaled], axis=1),
        columns=6,
        labels=[f"digit {label}" for label in images.test_labels[:4]],
    )
)

# %% [markdown]
# *Four test digits and, to the right of each, the five changes that move its code most; lighter
# than grey is more ink, darker is less. They follow the strokes: light on one side and dark on the
# other means that a stroke moves. Each digit has its own; these are the directions along which one
# digit turns into its neighbours, the* tangents *of the set of all digits (Rifai and others 2011).*

# %% [markdown]
# ## What the code answers to
#
# That can be measured. Take real changes of a test image: shifting it by a fraction of a pixel to
# the right or down, and going towards another image of the same digit. Against them stands random
# noise. All are made equally long.

# %%
labels = images.test_labels[:500]
base = test[:500]
flat = base.reshape(len(base), -1)
distances = np.square(flat[:, None] - flat[None]).sum(axis=2)
distances[labels[:, None] != labels[None]] = np.inf
np.fill_diagonal(distances, np.inf)
moves = {
    "shift right": np.roll(base, 1, axis=2) - np.roll(base, -1, axis=2),
    "shift down": np.roll(base, 1, axis=1) - np.roll(base, -1, axis=1),
    "to a neighbour": base[distances.argmin(axis=1)] - base,
    "random noise": rng.normal(size=base.shape),
}
length = 0.01
answers = {}
for lmbda, model in models.items():
    code_of = kerasae.encoder(model)
    answers[lmbda] = {}
    for name, move in moves.items():
        size = np.sqrt(np.square(move).sum(axis=(1, 2, 3), keepdims=True))
        moved = (base + length * move / np.maximum(size, 1e-9)).astype("float32")
        change = np.asarray(code_of(moved)) - np.asarray(code_of(base))
        answers[lmbda][name] = float(np.linalg.norm(change, axis=1).mean() / length)

figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
width = 0.2
for i, (lmbda, found) in enumerate(answers.items()):
    relative = [value / found["random noise"] for value in found.values()]
    places = np.arange(len(found)) + (i - 1.5) * width
    bars = axes.bar(places, relative, width, color=colours[lmbda], label=f"lambda = {lmbda:g}")
    axes.bar_label(bars, [f"{value:.1f}" for value in relative], fontsize=8)
axes.set_xticks(range(len(moves)), list(moves))
axes.set(xlabel="change of the image", ylabel="answer / that to noise")
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
kept = {lmbda: found["to a neighbour"] / found["random noise"] for lmbda, found in answers.items()}
assert kept[LAMBDAS[-1]] > kept[0.0] > 1
display(
    Markdown(
        f"*How much the code moves along each change, in units of its answer to noise. All models "
        f"answer more to what digits really do; the penalty makes the preference stronger, towards "
        f"a neighbour from {kept[0.0]:.1f} to {kept[LAMBDAS[-1]]:.1f} times. In absolute terms all "
        f"answers shrink: to noise from {answers[0.0]['random noise']:.2f} to "
        f"{answers[LAMBDAS[-1]]['random noise']:.2f}.*"
    )
)

# %% [markdown]
# ## An experiment: the weight
#
# How much contraction is enough? Say beforehand what it may cost, such as a fifth more
# cross-entropy, take the largest weight that keeps to it on *validation* images, and report test
# images once.

# %%
costs, norms = {}, {}
for lmbda, model in models.items():
    rebuilt = model.predict(validation, verbose=0)
    per_pixel = keras.losses.binary_crossentropy(validation.ravel(), rebuilt.ravel())
    costs[lmbda] = PIXELS * float(per_pixel)
    norms[lmbda] = evaluation.jacobian_norm(model, validation[:10])
allowed = 1.2 * costs[0.0]
chosen = max(lmbda for lmbda, cost in costs.items() if cost <= allowed)

figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.plot(list(norms.values()), list(costs.values()), color=plots.MUTED, lw=1)
for lmbda in LAMBDAS:
    axes.plot(norms[lmbda], costs[lmbda], "o", color=colours[lmbda])
    axes.annotate(f"{lmbda:g}", (norms[lmbda], costs[lmbda]), (6, 4), textcoords="offset points")
axes.axhline(allowed, color=plots.MUTED, ls="--", lw=1.2)
axes.set(
    xlabel="norm of the Jacobian",
    ylabel="cross-entropy of an image, nats",
)
axes.margins(0.15)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
sizes = list(norms.values())
assert sizes[0] > sizes[-1]
test_norms = {lmbda: evaluation.jacobian_norm(models[lmbda], test[:10]) for lmbda in (0.0, chosen)}
display(
    Markdown(
        f"*Validation: each point is a lambda; the dashed line is what we allow, {allowed:.0f} "
        f"nats. The largest weight below it is lambda = **{chosen:g}**. On test images its "
        f"Jacobian has a norm of {test_norms[chosen]:.2f}, against {test_norms[0.0]:.2f} without "
        f"a penalty. Beware of the measure: grey pixels give the cross-entropy a floor that no "
        f"model gets below, so that a fifth more of it may be far more than a fifth more error; "
        f"PSNR fell from {psnr[0.0]:.1f} to {psnr[chosen]:.1f} dB.*"
    )
)

# %% [markdown]
# ## A measure without units, and a relative
#
# A norm depends on the units of the code: divide a code by ten and its Jacobian is ten times
# smaller, though nothing has been gained. Sigmoids keep that in bounds, but between *kinds* of
# autoencoders norms do not compare. A quotient does: how far noise moves a code, over how far apart
# the codes of different images are.
#
# With it we can look at a relative. A **denoising** autoencoder sees noisy images and must give
# back clean ones. That shapes encoder and decoder together, for noise of the strength that it was
# trained with; the contractive penalty shapes the encoder alone, for very small changes.

# %%
keras.utils.set_random_seed(0)
denoising = kerasae.build_denoising(
    base="contractive", level=0.3, input_shape=shape, code_size=CODE_SIZE, weight=0.0
)
train(denoising, images, config, progress=False)
rivals = {
    "plain": models[0.0],
    "denoising": denoising,
    **{f"contractive, {lmbda:g}": models[lmbda] for lmbda in LAMBDAS[1:]},
}
levels = (0.05, 0.1, 0.2, 0.3, 0.5)
grain = rng.normal(size=test.shape).astype("float32")
moved = {}
for name, model in rivals.items():
    code_of = kerasae.encoder(model)
    clean = np.asarray(code_of(test))
    others = np.linalg.norm(clean - np.roll(clean, 1, axis=0), axis=1).mean()
    moved[name] = {}
    for level in levels:
        noisy = np.asarray(code_of(np.clip(test + level * grain, 0, 1)))
        moved[name][level] = np.linalg.norm(noisy - clean, axis=1).mean() / others
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, colour in zip(
    rivals, (colours[0.0], plots.RED, *list(colours.values())[1:]), strict=True
):
    axes.plot(levels, list(moved[name].values()), "o-", color=colour, ms=4, label=name)
axes.set(
    xlabel="standard deviation of the noise", ylabel="code moves / codes differ", ylim=(0, None)
)
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert moved[f"contractive, {LAMBDAS[-1]:g}"][0.1] < moved["plain"][0.1]
ranks = {level: sorted(rivals, key=lambda name: moved[name][level]) for level in levels}
places = [
    " and ".join(f"{level:g}" for level in levels if ranks[level][place] == "denoising")
    or "no level"
    for place in (0, -1)
]
display(
    Markdown(
        f"*How far noise moves a code, as a part of the distance between the codes of two digits; "
        f"0 would be perfect calm, and at 1 noise is as strong as another digit. At a level of 0.3 "
        f"it is {moved['plain'][0.3]:.2f} for the plain model and "
        f"{moved[f'contractive, {LAMBDAS[-1]:g}'][0.3]:.2f} with the strongest contraction, which "
        f"has never seen any noise. The denoising one was trained with just that noise and has "
        f"{moved['denoising'][0.3]:.2f}. Of all models it is the calmest at {places[0]} and the "
        f"least calm at {places[1]}: nothing obliges it to have a calm code, since its decoder may "
        f"clean up as well.*"
    )
)

# %% [markdown]
# Does it help? A linear classifier on the codes of clean training images is asked about noisy test
# images. And once more, after a correction: part of what noise does to a code may be the same for
# all images, for pixels are cut off at 0 and 1, so that noise brightens the ground. So we take the
# mean shift, over all test images, away from the noisy codes.

# %%
noisy = np.clip(test + 0.3 * grain, 0, 1)
rows, probes, common = [], {}, {}
for name, model in rivals.items():
    sets = [np.asarray(kerasae.encoder(model)(x)) for x in (images.train[:LABELS], test, noisy)]
    shift = sets[2] - sets[1]
    common[name] = np.square(shift.mean(axis=0)).sum() / np.square(shift).sum(axis=1).mean()
    sets.append(sets[2] - shift.mean(axis=0))
    errors = [
        evaluation.linear_probe(
            sets[0], images.train_labels[:LABELS], codes, images.test_labels[: len(test)], l2=1e-2
        )
        for codes in sets[1:]
    ]
    probes[name] = errors
    shown = " | ".join(f"{value:.1%}" for value in errors)
    rows.append(f"| {name} | {shown} | {common[name]:.0%} |")
head = (
    "| codes of | error, clean | error, noisy | the same, without the mean shift "
    "| share of the mean shift |\n|---|---:|---:|---:|---:|"
)
display(Markdown("\n".join([head, *rows])))
calm = min(rivals, key=lambda name: probes[name][1])
clean, firm = probes["plain"][0], probes[f"contractive, {LAMBDAS[-1]:g}"][0]
chance = 100 * np.sqrt((clean * (1 - clean) + firm * (1 - firm)) / len(test))
display(
    Markdown(
        f"*Error of the classifier; in the last column, how much of the squared movement under "
        f"noise is one shift for all images. On noisy images, which the classifier was not trained "
        f'on, the codes of the row "{calm}" do best here, with {probes[calm][1]:.1%}; the plain '
        f"model has {probes['plain'][1]:.1%}. On clean images the plain model has {clean:.1%} and "
        f"the strongest contraction {firm:.1%}, a difference of {100 * (firm - clean):+.1f} "
        f"points; with this many test images, chance alone makes one of {chance:.1f} (one standard "
        f"error).*"
    )
)

# %% [markdown]
# A word on such tables: with so few test images, differences of a point or two are within chance,
# so the first column shows no gain and no loss to speak of. The others are another matter. By the
# second, more is not always better: the strongest contraction has the most errors of all. The third
# shows why. Most of what noise does to its codes is one shift, the same for every image, of which a
# classifier of clean codes knows nothing. Without that shift its codes are the best of all, and the
# more contraction, the fewer errors. (To take the shift away one must know the noise: it was
# measured on the noisy test images themselves.)
#
# ## What can go wrong
#
# **A linear code.** It shrinks, the penalty with it, and the decoder multiplies by what was lost:
# the penalty vanishes at no cost. Use units of a bounded range, or tie the weights, or both.
#
# **The scale of the weight.** Sum or mean over the pixels: a factor of their number. This library
# takes the mean; multiply by the pixels before you compare with a paper.
#
# **Comparing norms of different codes.** See above: use a quotient.
#
# **Too much.** With a large weight all codes are nearly the same, and the reconstruction is the
# average image. The loss falls all the same.
#
# **Choosing the weight by test images**, or by the noisy test set of the table. It is one more
# hyperparameter, and belongs to the validation part.

# %% [markdown]
# ## Key takeaways
#
# 1. The contractive penalty is the squared norm of the encoder's Jacobian: how much the code
#    answers to small changes.
# 2. Against it stands the reconstruction. What survives are a few directions, along which images
#    turn into other images.
# 3. One layer has a closed form; any encoder has an estimate from a little noise.
# 4. Denoising does something similar with noise of a finite strength, and for encoder and decoder
#    together.
# 5. Norms have units. Compare quotients.

# %% [markdown]
# ## Exercises
#
# **1.** Show the loophole: take an ordinary autoencoder with a linear code, multiply the weights of
# its code by 0.1 and those that read it by 10. What becomes of output and norm?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# linear = kerasae.build_undercomplete(input_shape=shape, code_size=16, hidden=(), loss="mse")
# before = linear.predict(few, verbose=0), evaluation.jacobian_norm(linear, few[:5])
# for half, name, factor in (("encoder", "code", 0.1), ("decoder", "pixels", 10.0)):
#     layer = linear.get_layer(half).get_layer(name)
#     layer.set_weights([factor * layer.get_weights()[0], layer.get_weights()[1]])
# after = linear.predict(few, verbose=0), evaluation.jacobian_norm(linear, few[:5])
# print(f"norm {before[1]:.3f} -> {after[1]:.3f}")
# assert np.allclose(before[0], after[0], atol=1e-4)
# ```
#
# The norm is a tenth, the output is the same: the penalty has been satisfied on paper.
#
# </details>
#
# **2.** Train two hidden layers, for which there is no closed form, with `penalty="stochastic"`.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# deep = kerasae.build_contractive(
#     input_shape=shape,
#     code_size=50,
#     hidden=(100,),
#     activation="tanh",
#     penalty="stochastic",
#     weight=0.1 / PIXELS,
# )
# short = TrainConfig(epochs=5, batch_size=64, learning_rate=2e-3, jit_compile=False)
# print(train(deep, images, short, progress=False).history["jacobian"])
# print(f"norm on test images: {evaluation.jacobian_norm(deep, test[:10]):.3f}")
# ```
#
# The encoder is called twice for each image, on it and on a copy with a little noise.
#
# </details>
#
# **3.** The slope of a sigmoid is $h (1 - h)$, so a unit can also be calm by being *saturated*,
# near 0 or 1. Does the penalty use this?
#
# <details><summary>Solution</summary>
#
# ```python
# figure, axes = plt.subplots(figsize=(6, 3))
# for lmbda in (0.0, LAMBDAS[-1]):
#     values = np.asarray(kerasae.encoder(models[lmbda])(test)).ravel()
#     axes.hist(values, bins=50, histtype="step", color=colours[lmbda], label=f"lambda = {lmbda:g}")
# axes.set(xlabel="value of a unit", ylabel="count", yscale="log")
# axes.legend(frameon=False)
# plt.show()
# for lmbda in (0.0, LAMBDAS[-1]):
#     kernel = models[lmbda].get_layer("encoder").get_layer("code").get_weights()[0]
#     print(f"lambda {lmbda:g}: norm of the weights {np.linalg.norm(kernel):.1f}")
# ```
#
# Compare both: how many units sit at the ends, and how large the weights are. In a single layer
# the norm is a product of the two, and training is free to choose.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Sparse autoencoders](08_sparse.ipynb): another leash for a code that is too large.
# - [`build_contractive`](../kerasae/builders/contractive.py): the model of this chapter.
# - [Fidelity](../docs/fidelity.md): what the setting of the paper comes to here, and where it
#   misses.
#
# **Papers**
#
# - S. Rifai, P. Vincent, X. Muller, X. Glorot and Y. Bengio (2011), *Contractive Auto-Encoders:
#   Explicit Invariance During Feature Extraction*, ICML.
# - S. Rifai and others (2011), *Higher Order Contractive Auto-Encoder*, ECML PKDD: noise for the
#   next order.
# - S. Rifai, Y. N. Dauphin, P. Vincent, Y. Bengio and X. Muller (2011), *The Manifold Tangent
#   Classifier*, NIPS: the directions above, put to use.
# - G. Alain and Y. Bengio (2014), *What Regularized Auto-Encoders Learn from the Data-Generating
#   Distribution*, JMLR 15: denoising and contraction in the limit of little noise.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
