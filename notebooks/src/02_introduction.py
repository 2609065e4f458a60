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
# # Introduction: the input is the target
#
# *Section: introduction.* The [chapter before](01_motivation.ipynb) used an autoencoder. This one
# watches how it comes to be: one network, one image, from random weights to a picture that you
# can recognise, and the number that drives all of it.
#
# **You will be able to**
#
# - write the training of an autoencoder in one line of Keras, and say what is compared with what;
# - work the loss out by hand, from two images to one number, and turn it into decibels;
# - tell what a network learns first, and what later;
# - use the words supervised, unsupervised and self-supervised as others do;
# - name the simple answers that an autoencoder has to beat before its loss means anything;
# - explain why a perfect copy is the wrong goal, and which settings prevent it.
#
# ## The idea
#
# A network that learns with a teacher sees pairs: an image and the right answer. An autoencoder
# makes its pairs itself: an image and *the same image*. The error is the difference of the two,
# so every unlabelled picture is a complete exercise with its solution. The work is done by
# gradient descent as for any other network. What makes it interesting is that the answer must
# pass through a code which is too small to hold it. This is why the network is compared with
# its own input and still has something to learn.

# %%
import dataclasses
import os

import kerasae
from kerasae import evaluation, plots
from kerasae_export.split import predict  # runs a model on images, batch by batch

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from sklearn.neighbors import NearestNeighbors

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
CODE_SIZE = 12 if FAST else 32
HIDDEN = (128, 64) if FAST else (256, 128)
RATE = 3e-3 if FAST else 1e-3
EPOCHS = 24 if FAST else 12

# %% [markdown]
# ## The data: no labels
#
# Handwritten digits come with labels. `dataclasses.replace` takes them away here, so that there
# can be no doubt: whatever is learnt below is learnt from the images alone.

# %%
labelled = kerasae.load_images("digits" if FAST else "mnist")
images = dataclasses.replace(
    labelled, train_labels=None, validation_labels=None, test_labels=None, label_names=()
)
print(images.summary())
assert images.train_labels is None

mean_image = images.train.mean(axis=0)
figure, grid = plt.subplots(1, 10, figsize=(9, 1.3))
for axes, picture in zip(grid, [*images.train[:9], mean_image], strict=True):
    plots.show_image(axes, picture)
grid[-1].set_title("mean", fontsize=9)
plt.show()

# %% [markdown]
# *Nine training images, and on the right the mean of all of them, pixel by pixel. Keep the mean
# in mind. It is a blur that looks like no digit, and it comes back again and again in this
# chapter.*

# %% [markdown]
# ## The model
#
# The shape is an hourglass. `build_undercomplete` makes it and compiles it with the loss that it
# is told, here the mean squared error.

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(
    input_shape=images.image_shape,
    code_size=CODE_SIZE,
    hidden=HIDDEN,
    loss="mse",
    learning_rate=RATE,
)
display(plots.plot_architecture(model))

# %% [markdown]
# *The network from top to bottom. Blue layers encode, the orange one is the code, green ones
# decode. Input and output have the same shape: that is what allows the two to be compared. The
# last line says how much narrower the waist is than the image.*

# %% [markdown]
# ## What the loss compares
#
# Before any training, the weights are random numbers. The network gives an answer all the same.
# Take one image and do by hand what Keras does for a batch: subtract, square, average.

# %%
number = 2
image = images.validation[number]
answer = predict(model, image[None])[0]
squares = (answer - image) ** 2
by_hand = squares.mean()
by_keras = model.evaluate(image[None], image[None], verbose=0)
assert np.isclose(by_hand, by_keras, rtol=1e-4)

figure, grid = plt.subplots(1, 3, figsize=(7.5, 2.6), layout="constrained")
plots.show_image(grid[0], image)
plots.show_image(grid[1], answer)
shown = grid[2].imshow(squares[..., 0], cmap="magma", vmin=0, vmax=1)
grid[2].set(xticks=[], yticks=[])
figure.colorbar(shown, ax=grid[2], label="squared difference")
for axes, title in zip(grid, ("input = target", "output", "what is averaged"), strict=True):
    axes.set_title(title, fontsize=10)
plt.show()
display(
    Markdown(
        f"*The image, the untrained network's answer, and the square of their difference in each "
        f"pixel. The mean of the right-hand picture is {by_hand:.4f}, and `model.evaluate(x, x)` "
        f"says {by_keras:.4f}. This one number is all that is minimised. It says "
        f"nothing about digits, strokes or meaning.*"
    )
)

# %% [markdown]
# For pixels from 0 to 1 a mean squared error of $e$ is the same as a peak signal-to-noise ratio of
# $-10 \log_{10} e$ decibels. Both are used below: the loss is what is minimised, decibels are
# easier to read. The other common loss, binary cross-entropy, compares the same two images with
# another formula; the [chapter on hyperparameters](05_hyperparameters.ipynb) compares the two.
#
# ## The first hundred steps
#
# A *step* takes a few images, works out the loss, and moves every weight a little against its
# gradient. Note the arguments of `train_on_batch`: the batch is there twice. Between steps we
# look at what becomes of our one image, which is not among the training images.

# %%
rng = np.random.default_rng(0)
stops = (0, 1, 3, 10, 30, 100)
others = images.validation[:200]
watched, closeness, done = {}, {}, 0
for stop in stops:
    while done < stop:
        batch = images.train[rng.integers(len(images.train), size=64)]
        model.train_on_batch(batch, batch)  # the input is the target
        done += 1
    watched[stop] = predict(model, image[None])[0]
    found = predict(model, others)
    closeness[stop] = (
        evaluation.psnr(np.broadcast_to(mean_image, others.shape), found),
        evaluation.psnr(others, found),
    )

figure, grid = plt.subplots(1, len(stops) + 2, figsize=(9, 1.6))
pictures = [*watched.values(), mean_image, image]
names = [*(f"step {stop}" for stop in stops), "mean image", "target"]
for axes, picture, name in zip(grid, pictures, names, strict=True):
    plots.show_image(axes, picture)
    axes.set_title(name, fontsize=8)
plt.show()
errors = {stop: float(np.square(watched[stop] - image).mean()) for stop in stops}
turn = max(stop for stop, (to_mean, to_image) in closeness.items() if to_mean > to_image)
assert errors[100] < errors[0]
assert turn >= 3
display(
    Markdown(
        f"*One held-out image during the first hundred steps, beside the mean image and the "
        f"target. First a blur grows out of the noise, then the noise fades. At step {turn} "
        f"the answers to {len(others)} held-out images are still closer to the mean image "
        f"({closeness[turn][0]:.1f} dB) than to the images that they are meant to be "
        f"({closeness[turn][1]:.1f} dB). The latter began at {closeness[0][1]:.1f} dB"
        + (".*" if turn == 100 else f"; at step 100 it is {closeness[100][1]:.1f} dB.*")
    )
)

# %% [markdown]
# This order is no accident. What all images share pays off in every step, so it is learnt first,
# and the biases of the last layer are enough for it. What tells one image from another has to come
# through the code, and takes longer.

# %% [markdown]
# ## Training to the end
#
# `fit` does such steps over the whole training set, `epochs` times. Again the images are given
# twice, and again for validation. A callback looks at the same image after each epoch. In daily
# use `kerasae.train` does all this in one call and goes back to the best epoch at the end.

# %%
look = keras.callbacks.LambdaCallback(
    on_epoch_end=lambda epoch, logs: watched.update(
        {f"epoch {epoch + 1}": predict(model, image[None])[0]}
    )
)
history = model.fit(
    images.train,
    images.train,
    batch_size=64,
    epochs=EPOCHS,
    validation_data=(images.validation, images.validation),
    callbacks=[look],
    verbose=0,
).history
display(plots.plot_history(history))

# %%
late = [1, 2, 4, 8, EPOCHS]
figure, grid = plt.subplots(1, len(late) + 2, figsize=(9, 1.7))
pictures = [watched[100], *(watched[f"epoch {epoch}"] for epoch in late), image]
for axes, picture, name in zip(
    grid, pictures, ["step 100", *(f"epoch {epoch}" for epoch in late), "target"], strict=True
):
    plots.show_image(axes, picture)
    quality = evaluation.psnr(image[None], np.clip(picture, 0, 1)[None])
    axes.set_title(name if name == "target" else f"{name}\n{quality:.1f} dB", fontsize=8)
plt.show()
assert history["val_loss"][-1] < 0.5 * errors[0]
display(
    Markdown(
        f"*Above: loss of each epoch, lower is better. Most of the way is done in the first "
        f"epochs. The circle marks the lowest validation loss; `fit` stays with the last epoch "
        f"wherever the circle is. Below: the same held-out image as before. The blur takes the "
        f"shape of its own digit, then the stroke gets edges. The validation loss ends at "
        f"{history['val_loss'][-1]:.4f}, after {history['val_loss'][0]:.4f} in the first epoch.*"
    )
)

# %% [markdown]
# ## Reconstructions, and what they have to beat
#
# A loss of 0.01 means nothing by itself. On dark images with thin strokes even a black picture
# has a small error. So we put simple answers beside the network, answers that need no training:
#
# - **grey**: the same tone everywhere, the best one;
# - **mean image**: the blur from above, the same for every input. It is the best answer that
#   does not look at the input at all;
# - **nearest image**: the training image that is closest to the input. It looks at the input,
#   and has the whole training set by heart;
# - **untrained**: our network with random weights.
#
# The choices are made; so this is the place, and the only one, where test images are used.

# %%
test = images.test[:1000]
outputs = np.clip(predict(model, test), 0, 1)
keras.utils.set_random_seed(0)
untrained = kerasae.build_undercomplete(
    input_shape=images.image_shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse"
)
vectors = images.train.reshape(len(images.train), -1)
index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(vectors)
found = index.kneighbors(test.reshape(len(test), -1), return_distance=False)[:, 0]
nearest = images.train[found]
same_digit = float((labelled.train_labels[found] == labelled.test_labels[:1000]).mean())
answers = {
    "grey": np.full_like(test, images.train.mean()),
    "untrained": np.clip(predict(untrained, test), 0, 1),
    "mean image": np.broadcast_to(mean_image, test.shape),
    "nearest image": nearest,
    "autoencoder": outputs,
}
scores = {name: evaluation.psnr(test, answer) for name, answer in answers.items()}

display(plots.plot_reconstructions(test, outputs, count=7, gain=1))
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
bars = axes.barh(
    list(scores), list(scores.values()), color=[plots.MUTED] * (len(scores) - 1) + [plots.BLUE]
)
axes.bar_label(bars, [f" {score:.1f} dB" for score in scores.values()], fontsize=9)
axes.invert_yaxis()
axes.set(xlabel=f"PSNR on {len(test)} test images in dB, higher is better", ylabel="answer")
axes.set_xlim(0, 1.15 * max(scores.values()))
axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert scores["autoencoder"] > scores["nearest image"] > scores["mean image"] > scores["grey"]
display(
    Markdown(
        f"*Above: test images, what the network makes of them, and the difference (mid-grey: "
        f"none). Below: the simple answers. The mean image reaches {scores['mean image']:.1f} dB "
        f"without looking. "
        f"The nearest of {len(images.train):,} training images, in {same_digit:.0%} of the cases "
        f"the right digit in another hand, has {scores['nearest image']:.1f} dB. The autoencoder "
        f"has {scores['autoencoder']:.1f} dB, from {CODE_SIZE} numbers an image.*"
    )
)

# %% [markdown]
# So the network does not look images up in its memory. It composes them, out of parts that it
# found in others. That is worth more than the decibels: it is why new images come out right.

# %% [markdown]
# ## Why it must not just copy
#
# A network that hands its input on unchanged has a loss of zero. Nobody has to train it: take a
# code as large as the image, no activation, and the identity matrix for weights.

# %%
pixels = int(np.prod(images.image_shape))
copier = kerasae.build_overcomplete(
    input_shape=images.image_shape, code_size=pixels, loss="mse", regularizer=None
)
for half, layer in (("encoder", "code"), ("decoder", "pixels")):
    copier.get_layer(half).get_layer(layer).set_weights([np.eye(pixels), np.zeros(pixels)])
perfect = copier.evaluate(test, test, verbose=0)
assert perfect < 1e-10

noise = rng.random(test.shape).astype(np.float32)
shuffled = rng.permuted(test.reshape(len(test), -1), axis=1).reshape(test.shape)
inputs = {"digits": test, "shuffled pixels": shuffled, "noise": noise}
table, rows = {}, []
for name, values in inputs.items():
    copies = np.clip(predict(copier, values), 0, 1)
    rebuilt = np.clip(predict(model, values), 0, 1)
    table[name] = (evaluation.psnr(values, rebuilt), copies, rebuilt)
    rows += [[*values[:3], *copies[:3], *rebuilt[:3]]]

figure, axes_grid = plt.subplots(3, 9, figsize=(9, 3.2))
for axes_row, row, name in zip(axes_grid, rows, inputs, strict=True):
    for axes, picture in zip(axes_row, row, strict=True):
        plots.show_image(axes, picture)
    axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
for column, title in ((1, "input"), (4, "from the copier"), (7, "from the autoencoder")):
    axes_grid[0, column].set_title(title, fontsize=10)
plt.show()
gap = table["digits"][0] - max(table["noise"][0], table["shuffled pixels"][0])
assert gap > 3
display(
    Markdown(
        f"*Three kinds of input in rows. The copier (loss {perfect:.1g}) returns all of them "
        f"without a flaw, so it cannot know what a digit is; its code is as large as the image, "
        f"{pixels} numbers. The autoencoder returns digits ({table['digits'][0]:.1f} dB) and "
        f"fails with the same pixels in another order ({table['shuffled pixels'][0]:.1f} dB) and "
        f"with noise ({table['noise'][0]:.1f} dB). The failure is the proof: it has learnt what "
        f"digits are like, and has no words for the rest.*"
    )
)

# %% [markdown]
# Low loss is therefore not the goal; low loss *under a constraint* is. A narrow code is the
# plainest constraint. Others are noise in the input, few active units, or a penalty on the code;
# later chapters are about those ([overcomplete](07_overcomplete.ipynb), [sparse](08_sparse.ipynb),
# [variational](10_variational.ipynb)).
#
# ## Three words
#
# | | the pairs are | who made the answers | example |
# |---|---|---|---|
# | supervised | image, label | people | the classes of digits, `fit(x, y)` |
# | unsupervised | none: only images | nobody | k-means, PCA |
# | self-supervised | image, something taken from the image itself | the data | `fit(x, x)` |
#
# An autoencoder is called both of the latter. It is *unsupervised* in what it needs, no labels,
# and *self-supervised* in how it is trained, with a target and a loss like a supervised network.
# Both words are right and the second one says more. Predicting hidden words, or the missing part
# of a picture, is self-supervised in the same sense. What no word changes: a network that was
# never told a label cannot say one.

# %% [markdown]
# ## An experiment: the learning rate
#
# Everything stays as it is but the size of the steps. Training is short, and the choice is made
# on validation images, like every choice.

# %%
rates = (1e-4, 1e-3, 1e-2, 1e-1)
short = EPOCHS // 3
curves = {}
for rate in rates:
    keras.utils.set_random_seed(0)
    other = kerasae.build_undercomplete(
        input_shape=images.image_shape,
        code_size=CODE_SIZE,
        hidden=HIDDEN,
        loss="mse",
        learning_rate=rate,
    )
    record = other.fit(
        images.train,
        images.train,
        batch_size=64,
        epochs=short,
        validation_data=(images.validation, images.validation),
        verbose=0,
    )
    curves[rate] = record.history["val_loss"]
level = float(np.square(images.validation - mean_image).mean())

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
colours = (plots.MUTED, plots.BLUE, plots.GREEN, plots.RED)
for (rate, losses), colour in zip(curves.items(), colours, strict=True):
    axes.plot(range(1, len(losses) + 1), losses, "o-", ms=3, color=colour, label=f"rate {rate:g}")
axes.axhline(level, color=plots.INK, linewidth=1, linestyle="--", label="mean image")
axes.set(xlabel="epoch", ylabel="validation loss (log scale)", yscale="log")
axes.set_xticks(range(1, short + 1))
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
axes.spines[["top", "right"]].set_visible(False)
plt.show()
best = min(curves, key=lambda rate: curves[rate][-1])
stuck = curves[1e-1][-1] / level
assert 1e-4 < best < 1e-1
assert stuck > 0.7
display(
    Markdown(
        f"*One curve for each rate; the dashed line is the loss of the mean image. Small steps "
        f"({rates[0]:g}) are slow"
        + (f", steps of {rates[2]:g} come to rest too high" if best < rates[2] else "")
        + f". With steps of 0.1 the loss ends at {stuck:.0%} of the dashed line: "
        f"whatever goes in, nearly the same picture comes out. Of these four, {best:g} has the "
        f"lowest validation loss after {short} epochs.*"
    )
)

# %% [markdown]
# ## What can go wrong
#
# **The mean image as an answer.** The most common failure of an autoencoder is not a loss that
# explodes. It is a loss that comes to rest at the dashed line. Units whose gradient has died, or
# a learning rate that is too large, leave a network that ignores its input. If you do not know
# where the line is, the curve looks like success. Work out the loss of the mean image first.
#
# **Values and output that do not fit.** Pixels from 0 to 255 with a sigmoid output, which ends
# at 1, can never match. Images are floats from 0 to 1 throughout this library.
#
# **Looking at training images.** Reconstructions of images that the network was trained on are
# the best that it can do. Show held-out ones.
#
# **Losses that are compared across units.** A mean over pixels, a sum over pixels, squared error
# and cross-entropy are four different scales. Compare models by one measure, such as PSNR.

# %% [markdown]
# ## Key takeaways
#
# 1. Training is `fit(x, x)`: the input is its own target, and no label is needed.
# 2. The loss is one number from two images: subtract, square, average.
# 3. First a network learns what all images share, the mean; the code brings the differences.
# 4. A loss says something only beside simple answers: grey, mean image, nearest image.
# 5. A perfect copy is worthless. The constraint, here a narrow code, is what makes it learn.
# 6. Unsupervised names what an autoencoder needs, self-supervised how it is trained.

# %% [markdown]
# ## Exercises
#
# **1.** The best single grey tone is the mean of all pixels. Show that no other one has a lower
# squared error, and find the best tone for the absolute error.
#
# <details><summary>Solution</summary>
#
# ```python
# tones = np.linspace(0, 1, 101)
# train_values = images.train[:500].ravel()
# squared = [np.square(train_values - tone).mean() for tone in tones]
# absolute = [np.abs(train_values - tone).mean() for tone in tones]
# print(tones[np.argmin(squared)], train_values.mean())
# print(tones[np.argmin(absolute)], np.median(train_values))
# ```
#
# The mean minimises the squared error, the median the absolute one. Where most pixels are black
# the median is black: a network trained with the absolute error starts by painting nothing.
#
# </details>
#
# **2.** Train two networks that differ only in the random seed. Are their losses alike? Their
# reconstructions? Their codes?
#
# <details><summary>Solution</summary>
#
# ```python
# twins = []
# for seed in (1, 2):
#     keras.utils.set_random_seed(seed)
#     twin = kerasae.build_undercomplete(
#         input_shape=images.image_shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse"
#     )
#     twin.fit(images.train, images.train, batch_size=64, epochs=short, verbose=0)
#     twins.append(twin)
# print([twin.evaluate(images.validation, images.validation, verbose=0) for twin in twins])
# one, two = (predict(kerasae.encoder(twin), images.validation) for twin in twins)
# print(np.round(np.corrcoef(one[:, 0], two[:, 0])[0, 1], 2))
# ```
#
# The losses are close, the reconstructions look alike, and the codes have nothing to do with each
# other: the first number of one means something else than the first number of the other. A code
# can only be read by the decoder that was trained with it.
#
# </details>
#
# **3.** Replace the target: let the network learn the *negative* of each image, `fit(x, 1 - x)`.
# Is it still self-supervised? Is it harder?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# negative = kerasae.build_undercomplete(
#     input_shape=images.image_shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse"
# )
# negative.fit(images.train, 1 - images.train, batch_size=64, epochs=short, verbose=0)
# print(negative.evaluate(images.validation, 1 - images.validation, verbose=0))
# print(history["val_loss"][short - 1])
# display(plots.plot_reconstructions(1 - test, predict(negative, test), count=6))
# ```
#
# The target comes from the image itself, so yes. It is just as easy, since the last layer can
# turn its signs and move its biases. Denoising and filling of holes use the same freedom: input and
# target may differ, as long as nobody has to label anything.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Structures](03_structures.ipynb): encoder, code and decoder, opened layer by layer.
# - [`build_undercomplete`](../kerasae/builders/undercomplete.py): the model of this chapter.
#
# **Papers and books**
#
# - D. E. Rumelhart, G. E. Hinton and R. J. Williams (1986), *Learning Internal Representations by
#   Error Propagation*, in Parallel Distributed Processing, volume 1, MIT Press: a network that
#   has to give its input back through a few hidden units (the encoding problem).
# - P. Baldi (2012), *Autoencoders, Unsupervised Learning, and Deep Architectures*, Proceedings of
#   Machine Learning Research 27.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapter 14, MIT Press.
# - D. P. Kingma and J. Ba (2015), *Adam: A Method for Stochastic Optimization*, arXiv 1412.6980:
#   the rule that turns gradients into steps here.
#
# The full run uses MNIST (Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0). In fast mode the
# digits are a copy of the test set of the UCI *Optical Recognition of Handwritten Digits* data set
# (E. Alpaydin and C. Kaynak, CC BY 4.0), as shipped with scikit-learn.
