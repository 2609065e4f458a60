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
# *Section: introduction.* A network gets every image twice: once as the question and once as the
# answer. In this chapter you watch it learn, from the first step on.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA, SHIPPED = ("digits", "digits-convolutional") if FAST else ("mnist", "mnist-undercomplete")
EPOCHS, ROUNDS, COUNT = (10, 6, 1000) if FAST else (3, 5, 10_000)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import plots

import keras
import numpy as np
from IPython.display import display

images = kerasae.load_images(DATA)
keras.utils.set_random_seed(0)
network = kerasae.build_undercomplete(
    input_shape=images.image_shape, code_size=32, hidden=(256, 128), loss="mse"
)
five = images.validation[[2, 0, 1, 3, 5]]
rng = np.random.default_rng(0)
stops = [0, 3, 10, 30, 100, 300] + [1000] * (not FAST)
film, done = [], 0
for stop in stops:
    for _ in range(stop - done):
        batch = images.train[rng.integers(len(images.train), size=64)]
        network.train_on_batch(batch, batch)
    done = stop
    film.append(keras.ops.convert_to_numpy(network(five)))
film += [kerasae.load_pretrained(SHIPPED).predict(five, verbose=0), five]
display(
    plots.plot_traversals(
        np.clip(np.stack(film, axis=1), 0, 1),
        labels=[" "] * len(five),
        values=[*map(str, stops), "shipped", "target"],
        xlabel="training steps",
    )
)

# %% [markdown]
# *Follow a row: one held-out image while a network trains. At step 10 the rows look alike; soon
# after they part. "Shipped" is the same network, trained for 25 epochs.*

# %% [markdown]
# **You will be able to**
#
# - build an autoencoder in plain Keras, train it, and say what is compared with what;
# - work out its loss step by step, and turn it into decibels;
# - say what a network learns first, and when a flat curve proves nothing;
# - compare a loss with simple baselines;
# - explain why a network that only copies is worthless.
#
# ## The idea
#
# A classifier learns from images and labels, and somebody has to write the labels. An autoencoder
# learns from pairs of an image and *the same image*, so every picture comes with its own answer.
# The task is hard because the image has to pass through a **bottleneck**: a **latent code** with
# far fewer numbers than the image has pixels.

# %%
import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import numpy as np
from sklearn.neighbors import NearestNeighbors

# %% [markdown]
# The data are MNIST's handwritten digits, 28 by 28 pixels with values from 0 to 1. We take the
# images and leave the labels where they are. (Names in capitals, such as `DATA`, are settings:
# `DATA` is `"mnist"`, `SHIPPED` is `"mnist-undercomplete"`.)

# %%
images = kerasae.load_images(DATA)
x_train, x_val, x_test = images.train, images.validation, images.test
shape, pixels = images.image_shape, images.train[0].size

# %% [markdown]
# ## The network
#
# The encoder turns an image into 32 numbers. The decoder turns 32 numbers into an image. The code
# and the output have no activation: the code may take any value, positive or negative, and with a
# squared error the output can stay linear, too. We clip it to 0 and 1 when we show it.

# %%
keras.utils.set_random_seed(0)
encoder = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
encoder.add(keras.layers.Dense(256, activation="relu"))
encoder.add(keras.layers.Dense(128, activation="relu"))
encoder.add(keras.layers.Dense(32, name="code"))

decoder = keras.Sequential([keras.Input((32,))])
decoder.add(keras.layers.Dense(128, activation="relu"))
decoder.add(keras.layers.Dense(256, activation="relu"))
decoder.add(keras.layers.Dense(pixels))
decoder.add(keras.layers.Reshape(shape))

autoencoder = keras.Sequential([encoder, decoder])
autoencoder.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
built = kerasae.build_undercomplete(
    input_shape=shape, code_size=32, hidden=(256, 128), loss="mse", learning_rate=1e-3
)
built.set_weights(autoencoder.get_weights())
assert np.allclose(built(x_val[:8]), autoencoder(x_val[:8]), atol=1e-6)

# %% [markdown]
# `kerasae.build_undercomplete(code_size=32, hidden=(256, 128), loss="mse")` builds the same
# network.
#
# ## What the loss compares
#
# The weights are still random, but the network gives an answer all the same. Take one image and
# do in NumPy what Keras does for a batch: subtract, square, average. (`plot_traversals` here only
# sets images in labelled rows.)

# %%
i = 2  # change it
image = x_val[i : i + 1]
answer = autoencoder.predict(image, verbose=0)
squares = (answer - image) ** 2
print(f"by hand:  {squares.mean():.4f}")
print(f"by Keras: {autoencoder.evaluate(image, image, verbose=0):.4f}")
panels = np.clip(np.stack([[image[0], answer[0], squares[0]]]), 0, 1)
plots.plot_traversals(panels, labels=[" "], values=["target", "output", "squares"], xlabel="")

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert np.isclose(squares.mean(), autoencoder.evaluate(image, image, verbose=0), rtol=1e-4)

# %% [markdown]
# *Right: the squared difference in each pixel, white where it is 1. The loss is the mean of this
# picture. It knows nothing of digits or strokes.*

# %% [markdown]
# **Your turn, one second:** change `i`. Which digits have the smallest loss before any training?
# (Those with little ink: a black output is nearly right for a thin 1.)
#
# Decibels are easier to read. For pixels from 0 to 1, a mean squared error $e$ is a peak
# signal-to-noise ratio (PSNR) of $-10 \log_{10} e$ dB. An error of 0.1<!--given--> is
# 10<!--given--> dB, an error of 0.01<!--given--> is 20<!--given--> dB: ten times less error is
# 10<!--given--> dB more.
#
# ## The first hundred steps
#
# A step takes 64 images, works out the loss, and moves every weight a little against its gradient.
# We pass the batch twice: the input is the target.

# %%
rng = np.random.default_rng(0)
strip = []
for step in range(101):
    if step in (0, 1, 3, 10, 30, 100):
        strip.append(autoencoder.predict(image, verbose=0)[0])
    if step < 100:
        batch = x_train[rng.integers(len(x_train), size=64)]
        autoencoder.train_on_batch(batch, batch)
mean_image = x_train.mean(axis=0)

# %% [markdown]
# **Guess first:** take 200 held-out images after step 100. Are the outputs, on the whole, closer to
# their targets, or to the mean of all training images, the same for every input? Write down your
# answer, then look.

# %%
your_guess = "target"  # or "mean image"
held_out, means = x_val[:200], np.broadcast_to(mean_image, x_val[:200].shape)
outputs = autoencoder.predict(held_out, verbose=0)
to_mean, to_target = evaluation.psnr(means, outputs), evaluation.psnr(held_out, outputs)
print(f"to the mean image {to_mean:.1f} dB, to the target {to_target:.1f} dB")
print("your guess:", your_guess, "- true:", "mean image" if to_mean > to_target else "target")
names = ["0", "1", "3", "10", "30", "100", "mean image", "target"]
row = np.clip(np.stack([[*strip, mean_image, image[0]]]), 0, 1)
plots.plot_traversals(row, labels=[" "], values=names, xlabel="steps")

# %% [markdown]
# *Look at the picture of step 100: a four that still looks like a nine. Over the 200 held-out
# images, the outputs are still a little closer to the mean image than to their targets.*

# %% [markdown]
# That does not mean that nothing about the single image was learned: in the title picture a 6 and a
# 1 are clear at step 100. But the order is no accident. What all images share lowers the loss in
# every step. What tells one image from another has to come through the code, and that takes longer.
#
# ## Training to the end
#
# `fit` does such steps over all training images. Again we pass the images twice.

# %%
history = autoencoder.fit(
    x_train,
    x_train,
    batch_size=64,
    epochs=EPOCHS,
    validation_data=(x_val, x_val),
    verbose=0,
).history
print("validation loss:", [round(loss, 4) for loss in history["val_loss"]])

# %% [markdown]
# The loss is still falling. (In decibels: `-10 * np.log10(loss)`.) When is training finished? Be
# careful with the usual answer, "when the curve is flat". `kerasae.train` takes its learning rate
# from `TrainConfig`, whose `schedule` is `"cosine"` by default: the rate starts at `learning_rate`
# and falls to zero in the last epoch. Here are two such trainings that differ only in their length.
# They use 10,000<!--given--> images (`COUNT`), for 5 epochs (`ROUNDS`) and for 10, so their losses
# stay above those of `fit`.

# %%
fewer = kerasae.Images(train=x_train[:COUNT], validation=x_val, test=x_test)
curves = {}
for epochs in (ROUNDS, 2 * ROUNDS):
    keras.utils.set_random_seed(0)
    network = kerasae.build_undercomplete(
        input_shape=shape, code_size=32, hidden=(256, 128), loss="mse"
    )
    config = TrainConfig(epochs=epochs, batch_size=64, learning_rate=2e-3)
    losses = train(network, fewer, config, progress=False).history["val_loss"]
    curves[f"{epochs} epochs"] = dict(enumerate(losses, start=1))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import matplotlib.pyplot as plt

figure, (above, below) = plt.subplots(
    2, 1, figsize=(7, 4.4), sharex=True, height_ratios=[2, 1], layout="constrained"
)
for (name, curve), colour in zip(curves.items(), (plots.ORANGE, plots.BLUE), strict=True):
    length = len(curve)
    above.plot(list(curve), list(curve.values()), "o-", ms=4, color=colour, label=name)
    times = np.linspace(0, length, 100)
    below.plot(times, 1e-3 * (1 + np.cos(np.pi * times / length)), color=colour)
above.set(ylabel="validation loss (log scale)", yscale="log")
above.set_yticks(ticks := [0.015, 0.02, 0.03, 0.04], [str(tick) for tick in ticks], minor=False)
above.minorticks_off()
above.legend(frameon=False)
below.set(ylabel="learning rate", xlabel="epoch", xticks=range(2 * ROUNDS + 1))
for axes in (above, below):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
shorter, longer = (list(curve.values()) for curve in curves.values())
assert min(longer) < 0.97 * min(shorter)
assert history["val_loss"][-1] < history["val_loss"][0]

# %% [markdown]
# *Look at the end of the orange curve: it flattens because its learning rate (below) goes to zero.
# The blue network goes on to a clearly lower loss, and then flattens for the same reason.*

# %% [markdown]
# **A flat end can be the learning rate, not convergence.** To find out whether training was long
# enough, train twice as long.
#
# ## Baselines
#
# A loss of 0.01<!--given--> means nothing by itself. Compare it with simple answers. The first two,
# a grey tone and the mean image, give the same answer whatever you show them. Looking up the
# nearest training image means keeping the whole training set. "Shipped" comes with the package.
# These are test images, and all outputs are clipped to [0, 1]: so "ours" differs a little from its
# validation loss.

# %%
test = x_test[:1000]
known = x_train.reshape(len(x_train), -1)
search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(known)
found = search.kneighbors(test.reshape(len(test), -1), return_distance=False)[:, 0]
shipped = kerasae.load_pretrained(SHIPPED)
answers = {
    "grey": np.full_like(test, x_train.mean()),
    "mean image": np.broadcast_to(mean_image, test.shape),
    "nearest image": x_train[found],
    "ours": np.clip(autoencoder.predict(test, verbose=0), 0, 1),
    "shipped": np.clip(shipped.predict(test, verbose=0), 0, 1),
}
scores = {name: evaluation.psnr(test, answer) for name, answer in answers.items()}
names = ["original", *(f"{name}, {score:.1f} dB" for name, score in scores.items())]
plots.plot_samples(np.stack([test[:9], *(a[:9] for a in answers.values())]), labels=names)

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert scores["shipped"] > scores["mean image"] > scores["grey"]
assert FAST or scores["shipped"] > scores["ours"] > scores["nearest image"]

# %% [markdown]
# *Compare the row of the nearest image with the last row. The nearest image is sharp, and still
# further from the original in squared error.*

# %% [markdown]
# ## Why it must not just copy
#
# A lossless file is a useful copy, because it is shorter. A network without a bottleneck can copy,
# too: its loss is zero, it saves nothing, and nobody has to train it. Make the code as large as the
# image and set both weight matrices to the identity.

# %%
copier = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
copier.add(keras.layers.Dense(pixels, name="code"))
copier.add(keras.layers.Dense(pixels))
copier.add(keras.layers.Reshape(shape))
copier.set_weights([np.eye(pixels), np.zeros(pixels)] * 2)
copier.compile(loss="mse")
print("loss of the copier:", round(copier.evaluate(test, test, verbose=0), 10))

# %% [markdown]
# Now give both networks three kinds of input: digits, the same digits with their pixels in another
# order (one order for all), and noise.

# %%
shuffled = test.reshape(len(test), -1)[:, rng.permutation(pixels)].reshape(test.shape)
noise = rng.random(test.shape).astype("float32")
inputs = {"digits": test, "shuffled pixels": shuffled, "noise": noise}
for name, x in inputs.items():
    grey = evaluation.psnr(x, np.full_like(x, x.mean()))
    output = np.clip(shipped.predict(x, verbose=0), 0, 1)
    print(f"{name:16} grey {grey:4.1f} dB, autoencoder {evaluation.psnr(x, output):4.1f} dB")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, grid = plt.subplots(3, 9, figsize=(9, 3.2))
for axes_row, (name, x) in zip(grid, inputs.items(), strict=True):
    copies, rebuilt = (np.clip(m.predict(x[:3], verbose=0), 0, 1) for m in (copier, shipped))
    for axes, picture in zip(axes_row, [*x[:3], *copies, *rebuilt], strict=True):
        plots.show_image(axes, picture)
    axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
for column, title in ((1, "input"), (4, "from the copier"), (7, "from the autoencoder")):
    grid[0, column].set_title(title, fontsize=10)
plt.show()

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert copier.evaluate(test, test, verbose=0) < 1e-10
for name, x in inputs.items():
    grey = evaluation.psnr(x, np.full_like(x, x.mean()))
    output = np.clip(shipped.predict(x, verbose=0), 0, 1)
    assert (evaluation.psnr(x, output) > grey + 3) == (name == "digits")

# %% [markdown]
# *Compare the three rows on the right. The copier returns everything. The autoencoder returns
# digits, and draws strokes for the other two kinds.*

# %% [markdown]
# Compare decibels only within a line, where the inputs are the same. On digits the autoencoder
# easily beats the best uniform grey. On shuffled digits it does not. Shuffling only renames the
# pixels: what depends on what is still there, and PCA would compress them exactly as well. So this
# network uses the structure of the digits it has seen. The noise row alone would prove nothing:
# noise has no structure, and this smooth decoder cannot draw it from 32 numbers.
#
# So the goal is a low loss *under a constraint*. Here the constraint is the bottleneck. Others are
# [few active units](08_sparse.ipynb), a [penalty on the code](10_variational.ipynb) or [noise on
# the input](14_denoising.ipynb).
#
# An autoencoder is called **unsupervised**, because it needs no labels, and **self-supervised**,
# because it takes its target from the data.
#
# ## What can go wrong
#
# - **The mean image as an answer.** Training can get stuck there (exercise 1). Compute the mean
#   image's loss first, so you recognise it.
# - **Output and pixels that do not match.** Pixels from 0 to 255 cannot come out of a sigmoid.
#
# ## Key takeaways
#
# 1. A plain autoencoder trains with `fit(x, x)`: the input is its own target.
# 2. What all images share is learned first. The differences come through the code.
# 3. A flat end can be the learning rate. Train twice as long to find out.
# 4. A loss is meaningful only next to baselines.
# 5. A copy without a constraint is worthless; the constraint makes the network learn.

# %% [markdown]
# ## Exercises
#
# **1.** Train with a learning rate of 0.1<!--given-->. Where does the loss stop?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# stuck = kerasae.build_undercomplete(
#     input_shape=shape, code_size=32, hidden=(256, 128), loss="mse", learning_rate=0.1
# )
# stuck.fit(fewer.train, fewer.train, epochs=3, batch_size=64, verbose=0)
# print(stuck.evaluate(x_val, x_val, verbose=0), np.square(x_val - mean_image).mean())
# ```
#
# Close to the loss of the mean image: nearly the same picture comes out for every input.
#
# </details>
#
# **2.** Which single grey tone has the lowest squared error, and which the lowest absolute error?
#
# <details><summary>Solution</summary>
#
# ```python
# tones, values = np.linspace(0, 1, 101), x_train[:500].ravel()
# squared = [np.square(values - tone).mean() for tone in tones]
# absolute = [np.abs(values - tone).mean() for tone in tones]
# print(tones[np.argmin(squared)], values.mean())
# print(tones[np.argmin(absolute)], np.median(values))
# ```
#
# The mean minimises the squared error, the median the absolute one. Most pixels are black, so the
# median is black: a network trained with the absolute error begins with black pictures.
#
# </details>
#
# **3.** Let a network learn the *negative* of each image, `fit(x, 1 - x)`. Is it still
# self-supervised? Is it harder?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# negative = kerasae.build_undercomplete(
#     input_shape=shape, code_size=32, hidden=(256, 128), loss="mse"
# )
# negative.fit(x_train, 1 - x_train, batch_size=64, epochs=1, verbose=0)
# print(negative.evaluate(x_val, 1 - x_val, verbose=0), history["val_loss"][0])
# ```
#
# Yes: the target still comes from the image. It is about as hard: the last layer can flip its
# weights' signs and shift its biases. Denoising uses the same freedom: input and target may differ.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Structures](03_structures.ipynb) opens the encoder, the code and the decoder.
#
# **Papers and books**
#
# - D. E. Rumelhart, G. E. Hinton and R. J. Williams (1986), *Learning Internal Representations by
#   Error Propagation*, in Parallel Distributed Processing, volume 1, MIT Press.
# - P. Baldi (2012), *Autoencoders, Unsupervised Learning, and Deep Architectures*, PMLR 27.
# - I. Loshchilov and F. Hutter (2017), *SGDR: Stochastic Gradient Descent with Warm Restarts*,
#   arXiv 1608.03983: the cosine schedule.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapter 14, MIT Press.
#
# Full run: MNIST (Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0). Fast mode: UCI *Optical
# Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, CC BY 4.0), from scikit-learn.
