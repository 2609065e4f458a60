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
# # The undercomplete autoencoder, and PCA as its linear case
#
# *Section: types based on the structure, undercomplete autoencoder.* A code that is smaller than
# the image, and nothing else to keep the network from copying. If all of it is linear, training
# finds again what statistics has known since Pearson's paper of 1901.
#
# **You will be able to**
#
# - say what makes an autoencoder undercomplete, and what that does and does not rule out;
# - predict the error of a linear autoencoder without training it, to three digits;
# - turn the code of a linear autoencoder into principal components;
# - measure what hidden layers add at the same code size, and what tied weights save;
# - tell when "needs no regularisation" stops being true, and see it in a training curve.

# %% [markdown]
# ## The idea
#
# An autoencoder is **undercomplete** if its code has fewer values than its input. To copy every
# possible input through such a code is impossible, so the network has to choose: it keeps what
# varies most among the images that it was trained on, and drops the rest. The choice is what it
# learns.
#
# In the simplest case encoder and decoder are one linear layer each. The reconstructions then
# lie in a flat subspace with as many dimensions as the code has values, and the best such
# subspace, in squared error, is known without any training: it is spanned by the leading
# principal components (PCA). Baldi and Hornik proved in 1989 that the linear autoencoder has no
# other minimum, only saddle points. Hidden layers with a nonlinearity bend the subspace. A curved
# surface of the same dimension can follow the images more closely.

# %%
import os

import kerasae
from kerasae import TrainConfig, plots, train

import keras
import numpy as np
from IPython.display import Markdown, display
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

FAST = os.environ.get("KERASAE_FAST") == "1"
CODE_SIZES = (2, 4, 10) if FAST else (2, 10, 30)
MIDDLE, LARGEST = CODE_SIZES[1:]

# %% [markdown]
# ## The data
#
# Handwritten digits: MNIST in full, scikit-learn's small ones in fast mode. The measure of this
# chapter is the **squared error of an image**: summed over its pixels, then averaged over the
# images. It is what PCA minimises, and what the literature on MNIST reports.

# %%
images = kerasae.load_images("digits" if FAST else "mnist")
print(images.summary())
pixels = {part: getattr(images, part) for part in ("train", "validation", "test")}
flat = {part: values.reshape(len(values), -1) for part, values in pixels.items()}
size = flat["train"].shape[1]
spread = float(np.square(flat["test"] - flat["train"].mean(axis=0)).sum(axis=1).mean())
display(plots.plot_samples(images.train[:20], columns=10))
display(
    Markdown(
        f"*Twenty of the training images. Each is a point in a space of {size} dimensions. "
        f"Whoever paints the average image every time has a squared error of {spread:.1f} on the "
        f"test images: with a code of size 0 one can do no better.*"
    )
)

# %% [markdown]
# ## The model
#
# `hidden=()` leaves one dense layer on each side, and `loss="mse"` gives the decoder a linear
# output. Both have a bias, which plays the part of the mean that PCA subtracts.

# %%
keras.utils.set_random_seed(0)
linear = {
    n: kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=n, hidden=(), loss="mse"
    )
    for n in CODE_SIZES
}
display(plots.plot_architecture(linear[MIDDLE]))
assert size > MIDDLE

# %% [markdown]
# *The linear autoencoder, drawn from its layers. Look for what is missing: there is no hidden
# layer and no activation. All that the decoder is told about the image is the orange line.*
#
# ## Training
#
# One model for each of three code sizes. PCA of the same training images needs no training, only
# the eigenvectors of a covariance matrix.

# %%
config = TrainConfig(
    epochs=18 if FAST else 8,
    batch_size=32 if FAST else 128,
    learning_rate=5e-2 if FAST else 1e-2,
    jit_compile=not FAST,  # compiling takes longer than training when it is this short
)
histories = {n: train(linear[n], images, config, progress=False).history for n in CODE_SIZES}
pca = PCA(LARGEST, svd_solver="covariance_eigh").fit(flat["train"].astype(float))

centred = {part: values - pca.mean_ for part, values in flat.items()}
from_pca = {
    n: centred["test"] @ pca.components_[:n].T @ pca.components_[:n] + pca.mean_ for n in CODE_SIZES
}
display(plots.plot_history(histories[MIDDLE]))
held_out = centred["validation"]
remainder = held_out - held_out @ pca.components_[:MIDDLE].T @ pca.components_[:MIDDLE]
floor = float(np.square(remainder).mean())
display(
    Markdown(
        f"*Loss of the linear autoencoder with a code of {MIDDLE}, the mean over pixels. It falls "
        f"and comes to rest; the validation loss ends at {min(histories[MIDDLE]['val_loss']):.5f}. "
        f"PCA leaves {floor:.5f} on the same images. The network arrives at the floor and stays "
        f"there.*"
    )
)

# %% [markdown]
# ## To three digits
#
# Nothing is chosen by the following numbers, so the test images may be used. Beside the errors
# stands the largest principal angle between the two subspaces: that spanned by the rows of the
# decoder's kernel, and that spanned by the principal components. At 0 degrees they are one and
# the same; two random subspaces of this size would be close to a right angle apart.

# %%
error_pca, error_linear, angle = {}, {}, {}
for n, model in linear.items():
    kernel = model.get_layer("decoder").get_layer("pixels").get_weights()[0]  # (n, pixels)
    rebuilt = keras.ops.convert_to_numpy(model(pixels["test"])).reshape(flat["test"].shape)
    error_linear[n] = float(np.square(flat["test"] - rebuilt).sum(axis=1).mean())
    error_pca[n] = float(np.square(flat["test"] - from_pca[n]).sum(axis=1).mean())
    angle[n] = float(np.degrees(subspace_angles(kernel.T, pca.components_[:n].T)).max())

rows = [
    f"| {n} | {error_pca[n]:.4g} | {error_linear[n]:.4g} | "
    f"{100 * (error_linear[n] / error_pca[n] - 1):+.3f} % | {angle[n]:.2f}° |"
    for n in CODE_SIZES
]
head = "| code size | PCA | linear autoencoder | difference | largest angle |"
display(Markdown("\n".join([head, "|---:|---:|---:|---:|---:|", *rows])))
apart = max(abs(error_linear[n] / error_pca[n] - 1) for n in CODE_SIZES)
assert apart < 0.005
assert max(angle.values()) < 20
display(
    Markdown(
        f"*Squared error of a test image, to four digits. At no code size do the two differ by "
        f"more than {100 * apart:.3f} %. (PCA is the optimum on the training images. On test "
        f"images either may be ahead by a hair, hence both signs are possible.) The subspaces "
        f"coincide up to {max(angle.values()):.1f} degrees: gradient descent, which knows nothing "
        f"of eigenvectors, has found them.*"
    )
)

# %% [markdown]
# ## The same subspace, other axes
#
# That the subspaces agree does not mean that the codes do. Any invertible matrix between encoder
# and decoder cancels out, and the loss cannot see it. So a linear autoencoder finds the space of
# the principal components, but not the components. `decorrelate_code` chooses the axes
# afterwards: uncorrelated, sorted by how much of the image they carry. The network computes what
# it did before.

# %%
model = linear[LARGEST]
layer = model.get_layer("decoder").get_layer("pixels")
before = layer.get_weights()[0]
sample = images.train[:512]
variances = kerasae.decorrelate_code(model, sample)
after = layer.get_weights()[0]

shown = min(10, LARGEST)
components = PCA(shown, svd_solver="full").fit(sample.reshape(len(sample), -1)).components_
signs = np.sign((after[:shown] * components).sum(axis=1, keepdims=True))
strips = {
    "trained": before[:shown],
    "decorrelated": signs * after[:shown],
    "PCA": components,
}
tones = [0.5 + 0.5 * s / np.abs(s).max(axis=1, keepdims=True) for s in strips.values()]
grid = np.stack(tones).reshape(len(strips), shown, *images.image_shape)
display(plots.plot_samples(grid, labels=list(strips)))
unit = after / np.linalg.norm(after, axis=1, keepdims=True)
cosines = np.abs((unit[:shown] * components).sum(axis=1))
display(
    Markdown(
        f"*What one value of the code paints: grey is nothing, white adds, black takes away. As "
        f"trained, every row of the kernel is a mixture of all components. After "
        f"`decorrelate_code` they are the principal components, up to a sign that was aligned for "
        f"the picture: the cosines of the first three are "
        f"{', '.join(f'{c:.3f}' for c in cosines[:3])}. The axes are estimated from 512 images, "
        f"and so is the PCA of this picture.*"
    )
)
assert cosines[:3].min() > 0.9

# %% [markdown]
# ## Hidden layers: the same code size, less error
#
# Now the encoder gets two hidden layers with a nonlinearity, and the decoder mirrors them.
# Nothing else changes. This is also the experiment of the chapter: one hyperparameter, the code
# size, takes three values, for three kinds of model.

# %%
HIDDEN = (128, 64) if FAST else (256, 128)
deep_config = TrainConfig(
    epochs=15 if FAST else 8,
    batch_size=32 if FAST else 128,
    learning_rate=5e-3 if FAST else 2e-3,
    jit_compile=not FAST,
)
deep, error_deep, deep_images = {}, {}, {}
for n in CODE_SIZES:
    keras.utils.set_random_seed(0)
    deep[n] = kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=n, hidden=HIDDEN, loss="mse"
    )
    deep_history = train(deep[n], images, deep_config, progress=False).history
    deep_images[n] = keras.ops.convert_to_numpy(deep[n](pixels["test"]))
    rebuilt = deep_images[n].reshape(flat["test"].shape)
    error_deep[n] = float(np.square(flat["test"] - rebuilt).sum(axis=1).mean())
display(plots.plot_architecture(deep[MIDDLE]))

# %%
display(
    plots.plot_curves(
        {"PCA": error_pca, "linear": error_linear, "with hidden layers": error_deep},
        xlabel="code size",
        ylabel="squared error of a test image",
        log_x=True,
        log_y=True,
    )
)
gains = {n: error_pca[n] / error_deep[n] for n in CODE_SIZES}
wins = [m for m in CODE_SIZES if m > CODE_SIZES[0]]
display(
    Markdown(
        "*The lines of PCA and of the linear autoencoder lie on each other; both axes are "
        "logarithmic. At the same code size hidden layers leave less error: by a factor of "
        + ", ".join(f"{gains[n]:.1f} for a code of {n}" for n in CODE_SIZES)
        + f". Where PCA has {error_pca[MIDDLE]:.1f} with {MIDDLE} values, the network has "
        f"{error_deep[MIDDLE]:.1f}.*"
    )
)
assert all(error_deep[n] < error_pca[n] for n in CODE_SIZES)

# %%
chosen = [int(np.flatnonzero(images.test_labels == digit)[0]) for digit in range(10)]
smallest = CODE_SIZES[0]
rows = {"original": pixels["test"][chosen]}
for n in (smallest, MIDDLE):
    rows[f"PCA, {n}"] = from_pca[n][chosen].reshape(-1, *images.image_shape)
    rows[f"hidden layers, {n}"] = deep_images[n][chosen]
display(plots.plot_samples(np.clip(np.stack(list(rows.values())), 0, 1), labels=list(rows)))
display(
    Markdown(
        f"*The first test image of each digit, its reconstructions, and the code size of each. "
        f"See what is lost. PCA with {smallest} values gives grey mixtures of everything. A "
        f"network with {smallest} values gives something sharper that is often another digit: "
        f"it moves along a curved surface on which most points look written. With {MIDDLE} values "
        f"it is nearly right, where PCA is still blurred.*"
    )
)

# %% [markdown]
# A code of two values can be drawn as it is. The labels give the colours and were not used for
# anything else.

# %%
some = slice(0, 1500)
encoder = kerasae.encoder(deep[smallest])
codes = keras.ops.convert_to_numpy(encoder(pixels["test"][some]))
pca_codes = centred["test"][some] @ pca.components_[:2].T
labels = images.test_labels[some]
figure = plots.plot_codes(pca_codes, labels=labels)
figure.axes[0].set(xlabel="PCA, value 1", ylabel="PCA, value 2")
display(figure)
figure = plots.plot_codes(codes, labels=labels)
figure.axes[0].set(xlabel="hidden layers, value 1", ylabel="hidden layers, value 2")
display(figure)
neighbours = {
    name: kerasae.evaluation.neighbourhood_accuracy(points, labels)
    for name, points in (("PCA", pca_codes), ("deep", codes))
}
assert neighbours["deep"] > neighbours["PCA"]
display(
    Markdown(
        f"*Codes of {len(labels):,} test images: PCA above, the network with hidden layers below. "
        f"Above, the digits "
        f"lie over each other; below, most have a region of their own, often a long arm. In "
        f"numbers: the nearest other code carries the same label for "
        f"{100 * neighbours['PCA']:.0f} % of the images with PCA, and for "
        f"{100 * neighbours['deep']:.0f} % with the network.*"
    )
)

# %% [markdown]
# ## Tied weights
#
# With `tied=True` each kernel of the decoder is the transpose of its mirror in the encoder. That
# halves the weights and is a mild constraint. For the linear autoencoder it has a pretty
# consequence: at the minimum encoder and decoder, one after the other, are a projection. With one
# kernel for both, its columns must then be orthonormal, although nothing in the loss asks for it.

# %%
keras.utils.set_random_seed(0)
tied_linear = kerasae.build_undercomplete(
    input_shape=images.image_shape, code_size=MIDDLE, hidden=(), loss="mse", tied=True
)
train(tied_linear, images, config, progress=False)
kernel = tied_linear.get_layer("encoder").get_layer("code").get_weights()[0]  # (pixels, n)
away = float(np.abs(kernel.T @ kernel - np.eye(MIDDLE)).max())

keras.utils.set_random_seed(0)
tied = kerasae.build_undercomplete(
    input_shape=images.image_shape,
    code_size=MIDDLE,
    hidden=HIDDEN,
    loss="mse",
    tied=True,
)
train(tied, images, deep_config, progress=False)
table = ["| model | parameters | squared error |", "|---|---:|---:|"]
for name, each in {
    "linear": linear[MIDDLE],
    "linear, tied": tied_linear,
    "hidden layers": deep[MIDDLE],
    "hidden layers, tied": tied,
}.items():
    rebuilt = keras.ops.convert_to_numpy(each(pixels["test"])).reshape(flat["test"].shape)
    error = float(np.square(flat["test"] - rebuilt).sum(axis=1).mean())
    table.append(f"| {name} | {each.count_params():,} | {error:.2f} |")
display(Markdown("\n".join(table)))
assert away < 0.05
display(
    Markdown(
        f"*Code size {MIDDLE}, test images. Half of the weights, about the same error. And the "
        f"products of the columns of the tied linear kernel differ from those of an orthonormal "
        f"basis by {away:.4f} at most.*"
    )
)

# %% [markdown]
# ## "Needs no regularisation": what it means
#
# The usual statement is that an undercomplete autoencoder does not need a regulariser. It is
# right about one thing: the network cannot learn the identity, whatever it does, since the code
# is too small. It says nothing about a second danger. A decoder with enough weights can learn
# the training images by heart and use the code as little more than a page number. Then the
# training error goes to zero and the validation error does not. Whether this happens is decided
# by the number of images and weights, not by the code size.
#
# So train one network on few, more and many images. Each set is repeated until it has the size of
# the largest, so that all get the same number of steps. `keep="last"` leaves the model as it is
# at the end, in place of the best epoch.

# %%
COUNTS = (50, 250, 1250) if FAST else (100, 1000, 10_000)
WIDE = (256, 64)
overfit_config = TrainConfig(
    epochs=10 if FAST else 15,
    batch_size=25 if FAST else 100,
    learning_rate=2e-3,
    schedule="constant",
    keep="last",
    jit_compile=not FAST,
)
curves = {"network, training": {}, "network, validation": {}, "PCA, training": {}}
curves["PCA, validation"] = {}
overfitted = {}
for count in COUNTS:
    few = images.train[:count]
    repeated = kerasae.Images(
        train=np.tile(few, (COUNTS[-1] // count, 1, 1, 1)),
        validation=images.validation[:1000],
        test=images.test,
    )
    keras.utils.set_random_seed(0)
    large = kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=LARGEST, hidden=WIDE, loss="mse"
    )
    overfitted[count] = train(large, repeated, overfit_config, progress=False).history
    few_pca = PCA(LARGEST, svd_solver="full").fit(few.reshape(count, -1))
    for part, values in (("training", few), ("validation", repeated.validation)):
        vectors = values.reshape(len(values), -1)
        from_net = keras.ops.convert_to_numpy(large(values)).reshape(vectors.shape)
        again = few_pca.inverse_transform(few_pca.transform(vectors))
        curves[f"network, {part}"][count] = float(np.square(vectors - from_net).sum(1).mean())
        curves[f"PCA, {part}"][count] = float(np.square(vectors - again).sum(1).mean())
fewest, most = COUNTS[0], COUNTS[-1]
display(plots.plot_history(overfitted[fewest]))
weights, values = large.count_params(), fewest * size
best = {count: size * min(overfitted[count]["val_loss"]) for count in COUNTS}
display(
    Markdown(
        f"*Training on {fewest} images: {weights:,} weights for {values:,} pixel values. The "
        f"training loss falls nearly to 0, the validation loss does not. The circled epoch has a "
        f"squared error of {best[fewest]:.1f} for a validation image, the last one "
        f"{size * overfitted[fewest]['val_loss'][-1]:.1f}; on the training images it is "
        f"{curves['network, training'][fewest]:.2f}.*"
    )
)

# %%
display(
    plots.plot_curves(
        curves,
        xlabel="training images",
        ylabel="squared error of an image",
        log_x=True,
        log_y=True,
    )
)
net, classic = curves["network, validation"], curves["PCA, validation"]
learnt = curves["network, training"]
assert net[fewest] > 4 * learnt[fewest]
assert net[fewest] / learnt[fewest] > 3 * net[most] / learnt[most]
assert net[most] < classic[most]
display(
    Markdown(
        f"*Squared error at the end of training, over the number of training images. From "
        f"{fewest} images the network learns by heart: {learnt[fewest]:.2f} on those images, "
        f"{net[fewest]:.1f} on others, where PCA, which is regularised by being linear, has "
        f"{classic[fewest]:.1f}. From {most:,} images the gap is small ({learnt[most]:.1f} and "
        f"{net[most]:.1f}), and the network beats PCA ({classic[most]:.1f}). The code size is "
        f"{LARGEST} everywhere.*"
    )
)

# %% [markdown]
# What helps, in this order: more images; fewer weights; stopping at the best validation epoch,
# which `train` does unless told otherwise; noise on the inputs or a penalty, as
# [the next chapter](07_overcomplete.ipynb) shows for codes that are not small.
#
# One more common sentence deserves a caveat: that such a model "maximises the probability of
# the data". The squared error is, up to constants, the negative log-likelihood of a Gaussian
# around the reconstruction, given the code; cross-entropy is that of independent coin flips. But
# the code of an image is computed from that image, and no prior over codes is learnt. So there
# is no probability of an image in this model. [Variational autoencoders](10_variational.ipynb)
# have one.

# %% [markdown]
# ## What can go wrong
#
# **Waiting for the angle.** Where two eigenvalues are close, a linear autoencoder converges to
# PCA slowly: the error is right long before the angle is. Judge by the error first.
#
# **A code that is smaller and still copies.** If the images have only a few degrees of freedom,
# a code of that many values is not undercomplete in spirit: it can hold everything. Nothing is
# wrong with that, but do not expect useful features from the bottleneck alone.
#
# **Units of the code that mean nothing.** Do not read single values of a code as features. As
# shown above, they are arbitrary up to an invertible map, in deep networks even more so.
#
# **Comparing with PCA unfairly.** Subtract the mean of the *training* images, fit PCA on the
# same images as the network, and use the same error. And choose the network by validation images:
# the best of ten networks by test error beats PCA a little too easily.

# %% [markdown]
# ## Key takeaways
#
# 1. Undercomplete: the code is smaller than the input, so that copying is out of reach.
# 2. With linear layers and squared error the optimum is PCA: the same error, the same subspace,
#    but other axes, unless you turn them.
# 3. At the same code size hidden layers reach a lower error than PCA, which no linear method can.
# 4. Tied weights halve the parameters at about the same error.
# 5. A small code prevents copying. It does not prevent learning by heart: that takes enough
#    images, fewer weights, early stopping or a regulariser.

# %% [markdown]
# ## Exercises
#
# **1.** Give the linear autoencoder of code size `MIDDLE` a *linear* hidden layer,
# `hidden=(64,)` and `activation="linear"`. Guess its error before you run it.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# longer = kerasae.build_undercomplete(
#     input_shape=images.image_shape,
#     code_size=MIDDLE,
#     hidden=(64 if not FAST else 32,),
#     activation="linear",
#     loss="mse",
# )
# train(longer, images, config, progress=False)
# rebuilt = keras.ops.convert_to_numpy(longer(pixels["test"])).reshape(flat["test"].shape)
# print(np.square(flat["test"] - rebuilt).sum(axis=1).mean(), error_pca[MIDDLE])
# ```
#
# The same as PCA, at best. A product of matrices is a matrix: depth without a nonlinearity adds
# weights, not abilities.
#
# </details>
#
# **2.** Keep `hidden=()` and take `loss="binary_crossentropy"`, which gives the decoder a sigmoid
# (*logistic PCA*). Does a sigmoid at the output alone beat PCA in squared error?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# logistic = kerasae.build_undercomplete(
#     input_shape=images.image_shape, code_size=MIDDLE, hidden=(), loss="binary_crossentropy"
# )
# train(logistic, images, config, progress=False)
# rebuilt = keras.ops.convert_to_numpy(logistic(pixels["test"])).reshape(flat["test"].shape)
# print(np.square(flat["test"] - rebuilt).sum(axis=1).mean(), error_pca[MIDDLE])
# ```
#
# On MNIST it does: most pixels are black or white, and the sigmoid holds them there. On images
# with many greys there is less to gain.
#
# </details>
#
# **3.** The share of the variance that the decorrelated code carries is known from `variances`.
# Compare it with what PCA says.
#
# <details><summary>Solution</summary>
#
# ```python
# vectors = sample.reshape(len(sample), -1)
# print((variances / vectors.var(axis=0).mean()).round(3)[:5])
# print(PCA(5, svd_solver="full").fit(vectors).explained_variance_ratio_.round(3))
# ```
#
# They agree: both say by how much the mean squared error would grow if a value of the code were
# replaced by its mean.
#
# </details>
#
# **4.** Take the fewest images once more, and hand the network a noisy copy of each input:
# `build_denoising(base="undercomplete", ...)`. Does noise stop the learning by heart?
#
# <details><summary>Solution</summary>
#
# ```python
# few = np.tile(images.train[:fewest], (most // fewest, 1, 1, 1))
# repeated = kerasae.Images(train=few, validation=repeated.validation, test=images.test)
# keras.utils.set_random_seed(0)
# noisy = kerasae.build_denoising(
#     base="undercomplete",
#     input_shape=images.image_shape,
#     code_size=LARGEST,
#     hidden=WIDE,
#     loss="mse",
#     level=0.2,
# )
# history = train(noisy, repeated, overfit_config, progress=False).history
# print(size * history["val_loss"][-1], net[fewest], best[fewest])
# ```
#
# The three numbers are the error with noise, without it, and at the best epoch without it. Noise
# gives endless variants of the same few images, so that they are harder to learn by heart, but no
# new digits. More real images help far more than any of this.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [The next chapter](07_overcomplete.ipynb): a code that is as large as the image, or larger.
# - [`build_undercomplete`](../kerasae/builders/undercomplete.py) and
#   [`decorrelate_code`](../kerasae/applications/principal_axes.py).
# - [Fidelity](../docs/fidelity.md), rows 1 and 2: the linear and the deep autoencoder on MNIST,
#   trained for longer.
#
# **Papers and books**
#
# - K. Pearson (1901), *On Lines and Planes of Closest Fit to Systems of Points in Space*,
#   Philosophical Magazine 2: PCA.
# - H. Bourlard and Y. Kamp (1988), *Auto-Association by Multilayer Perceptrons and Singular Value
#   Decomposition*, Biological Cybernetics 59.
# - P. Baldi and K. Hornik (1989), *Neural Networks and Principal Component Analysis: Learning from
#   Examples Without Local Minima*, Neural Networks 2.
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol (2010), *Stacked Denoising
#   Autoencoders*, Journal of Machine Learning Research 11: tied weights.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, section 14.1, MIT Press.
# - E. Plaut (2018), *From Principal Subspaces to Principal Components with Linear Autoencoders*,
#   arXiv 1804.10253.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
