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
# # Undercomplete autoencoders
#
# The code is smaller than the input.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA, DEEP, SIZE = ("digits", "digits-convolutional", 8) if FAST else ("mnist", "mnist-deep", 30)
EPOCHS, BATCH, RATE = (10, 32, 5e-2) if FAST else (6, 128, 1e-2)
COUNT, REPEATS, TOY = (1000, 300, 100) if FAST else (20_000, 3000, 400)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import plots

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

rng = np.random.default_rng(0)
angle = rng.uniform(0.0, 1.5 * np.pi, 300)
points = np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.07, (300, 2))
points = points.astype("float32")

keras.utils.set_random_seed(0)
network = kerasae.build_undercomplete(
    input_shape=(2,), code_size=1, hidden=(32, 32), activation="tanh", loss="mse"
)
network.compile(optimizer=keras.optimizers.Adam(1e-2), loss="mse", steps_per_execution=20)
many = np.tile(points, (TOY, 1))
network.fit(many, many, batch_size=100, verbose=0)

pca = PCA(1).fit(points)
outputs = {
    "PCA: one number": pca.inverse_transform(pca.transform(points)),
    "autoencoder: one number": network.predict(points, verbose=0),
}
figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for axes, (name, rebuilt), colour in zip(
    panels, outputs.items(), (plots.ORANGE, plots.BLUE), strict=True
):
    for start, end in zip(points, rebuilt, strict=True):
        axes.plot(*np.stack([start, end]).T, color="0.8", linewidth=0.6, zorder=1)
    axes.scatter(*points.T, s=7, color=plots.INK, zorder=2, label="point")
    axes.scatter(*rebuilt.T, s=9, color=colour, zorder=3, label="reconstruction")
    axes.set_title(name, loc="left", color=colour)
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)
plt.show()

# %% [markdown]
# *Follow the grey lines from each point to its reconstruction. Both squeeze two numbers into one.
# PCA can only draw a straight line; the autoencoder bends.*

# %% [markdown]
# **You will be able to**
#
# - say what makes an autoencoder undercomplete, and what that rules out;
# - say which error a linear autoencoder must arrive at;
# - turn its code into principal components;
# - measure what hidden layers add at the same code size;
# - show that a small code can still overfit.
#
# ## The idea
#
# An autoencoder is **undercomplete** if its code has fewer numbers than its input. Such a network
# cannot copy every input, so it has to choose.
#
# With linear layers only, all reconstructions lie on a line, a plane or a flat space with as many
# dimensions as the code has numbers. The best flat space is known: **principal component analysis**
# (PCA) finds it. Hidden layers with a nonlinear activation can bend it.

# %%
import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import numpy as np
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

# %% [markdown]
# **Your turn; this takes a few seconds.** The next cell trains on `points`, the 300 points of the
# title picture; `many` holds them 400 times over. Then it draws everything that the decoder can
# draw: its output for 200 values of the code. Set `hidden = ()` and run it again. What shape do you
# expect?

# %%
hidden = (32, 32)

keras.utils.set_random_seed(0)
network = kerasae.build_undercomplete(
    input_shape=(2,), code_size=1, hidden=hidden, activation="tanh", loss="mse", learning_rate=1e-2
)
network.fit(many, many, batch_size=100, verbose=0)
codes = kerasae.encoder(network).predict(points, verbose=0)
dial = np.linspace(codes.min(), codes.max(), 200)[:, None]
curve = kerasae.decoder(network).predict(dial, verbose=0)
plt.figure(figsize=(3.4, 3.4))
plt.scatter(*points.T, s=6, color=plots.MUTED)
plt.plot(*curve.T, color=plots.BLUE, linewidth=3)
plt.axis("equal")
plt.show()

# %% [markdown]
# *The blue line is all that the decoder knows. One number says where on it you are. Without hidden
# layers it is straight.*

# %% [markdown]
# ## The linear case, in plain Keras
#
# Now with images: handwritten digits, 784 pixels each, and a code of 30 numbers. One dense layer on
# each side, without an activation. `DATA` is MNIST, `SIZE` is 30, and training takes six epochs
# (`EPOCHS`) in batches of 128 (`BATCH`), at a learning rate that falls from 0.01<!--given-->
# (`RATE`) to 0.

# %%
images = kerasae.load_images(DATA)
x_train, x_test = images.train, images.test
shape, pixels = images.image_shape, x_train[0].size

keras.utils.set_random_seed(0)
encoder = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
encoder.add(keras.layers.Dense(SIZE))
decoder = keras.Sequential([keras.Input((SIZE,)), keras.layers.Dense(pixels)])
decoder.add(keras.layers.Reshape(shape))
linear = keras.Sequential([encoder, decoder])

steps = EPOCHS * len(x_train) // BATCH
rate = keras.optimizers.schedules.CosineDecay(RATE, steps)
linear.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
linear.fit(x_train, x_train, batch_size=BATCH, epochs=EPOCHS, verbose=0)
linear_outputs = linear.predict(x_test, verbose=0)

# %% [markdown]
# PCA needs no training, only the eigenvectors of a covariance matrix. We measure the **squared
# error of an image**: summed over its pixels, averaged over the test images. **Guess first:** what
# does the linear autoencoder reach?

# %%
your_guess = 10.0
pca = PCA(SIZE, svd_solver="covariance_eigh").fit(x_train.reshape(-1, pixels))
pca_codes = pca.transform(x_test.reshape(-1, pixels))
pca_outputs = pca.inverse_transform(pca_codes).reshape(x_test.shape)
answers = {"mean image": x_train.mean(axis=0), "PCA": pca_outputs, "linear": linear_outputs}
error = {name: np.square(x_test - y).sum(axis=(1, 2, 3)).mean() for name, y in answers.items()}
print({name: round(float(value), 3) for name, value in error.items()})
print("your guess:", your_guess)

kernel = decoder.layers[0].get_weights()[0]  # a row for each number of the code
apart = np.degrees(subspace_angles(kernel.T, pca.components_.T)).max()
print(f"largest angle between the two flat spaces: {apart:.2f} degrees")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert FAST or abs(error["linear"] / error["PCA"] - 1) < 0.01
{"mean": float(error["mean image"]), "pca": float(error["PCA"])}

# %% [markdown]
# Always predicting the mean image gives a squared error of 52.9<!--mean-->; without a code nothing
# does better. PCA with 30 numbers leaves 13.87<!--pca-->, and the network arrives at the same
# value. Baldi and Hornik proved in 1989 that there is no other minimum to get stuck in.
#
# The largest angle between the two flat spaces is still a few degrees. The 30th and the 31st
# eigenvalue are close, and turning the space between their axes hardly changes the error. So the
# angle shrinks long after the error has settled.
#
# ## The same space, other axes
#
# The same flat space does not mean the same code. Any invertible matrix after the encoder can be
# undone by the decoder, and the loss does not change. So no single number has a fixed
# meaning. `decorrelate_code` looks for such a matrix: one that makes the numbers of the code
# uncorrelated and the pictures that they add orthogonal, and sorts them by how much of the image
# they carry. It multiplies the encoder's weights by it and the decoder's by its inverse, so no
# output changes.

# %%
model = kerasae.build_undercomplete(input_shape=shape, code_size=SIZE, hidden=(), loss="mse")
model.set_weights(linear.get_weights())
sample = x_train[:512]
variances = kerasae.decorrelate_code(model, sample)
turned = kerasae.decoder(model).get_layer("pixels").get_weights()[0]

# %% tags=["hide-input"] jupyter={"source_hidden": true}
assert np.allclose(model.predict(x_test[:50], verbose=0), linear_outputs[:50], atol=1e-3)
shown = min(10, SIZE)
components = PCA(shown, svd_solver="full").fit(sample.reshape(len(sample), -1)).components_
signs = np.sign((turned[:shown] * components).sum(axis=1, keepdims=True))
strips = {"as trained": kernel[:shown], "turned": signs * turned[:shown], "PCA": components}
tones = [0.5 + 0.5 * s / np.abs(s).max(axis=1, keepdims=True) for s in strips.values()]
plots.plot_samples(np.stack(tones).reshape(len(strips), shown, *shape), labels=list(strips))

# %% [markdown]
# *Compare the rows. Each picture is what one number of the code draws: white adds, black takes
# away. As trained they are mixtures; turned, the first ones are the principal components.*

# %% [markdown]
# ## Hidden layers: the same code size, less error
#
# Now give both sides hidden layers. In plain Keras: `Dense(256, "relu")` and `Dense(128, "relu")`
# before the code, and the same in reverse after it, as in the lines of [chapter
# 5](05_hyperparameters.ipynb). `build_undercomplete` does this from `hidden=(256, 128)`. We train
# the two-number network here, on 20,000 digits (`COUNT`). For 30 numbers we load one (`DEEP`) that
# was trained for 120<!--given--> epochs, with hidden layers of 1000, 500 and 250.

# %%
few = kerasae.Images(train=x_train[:COUNT], validation=images.validation[:1000])
keras.utils.set_random_seed(0)
plane = kerasae.build_undercomplete(input_shape=shape, code_size=2, hidden=(256, 128), loss="mse")
config = TrainConfig(epochs=10, batch_size=128, learning_rate=2e-3)
train(plane, few, config, progress=False)
deep = kerasae.load_pretrained(DEEP)

# %%
flat_two = pca_codes[:, :2] @ pca.components_[:2] + pca.mean_
answers = {
    "PCA, 2": flat_two.reshape(x_test.shape),
    "hidden layers, 2": plane.predict(x_test, verbose=0),
    f"PCA, {SIZE}": pca_outputs,
    f"hidden layers, {SIZE}": deep.predict(x_test, verbose=0),
}
error = {name: np.square(x_test - y).sum(axis=(1, 2, 3)).mean() for name, y in answers.items()}
chosen = [int(np.flatnonzero(images.test_labels == digit)[0]) for digit in range(10)]
rows = np.stack([x_test[chosen], *(outputs[chosen] for outputs in answers.values())])
names = ["original", *(f"{name}: error {value:.1f}" for name, value in error.items())]
plots.plot_samples(np.clip(rows, 0, 1), labels=names)

# %% [markdown]
# *Compare the rows in pairs. From two numbers PCA draws grey mixtures. With hidden layers, two
# numbers draw some digits clearly, some wrongly and some as smears; the larger code draws all
# sharply.*

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
deep_error, flat_error = error[f"hidden layers, {SIZE}"], error[f"PCA, {SIZE}"]
assert FAST or error["hidden layers, 2"] < error["PCA, 2"]
assert FAST or deep_error < flat_error / 4
{"deep": float(deep_error), "factor": float(flat_error / deep_error)}

# %% [markdown]
# With 30 numbers the error falls from PCA's 13.9<!--pca--> to 3.0<!--deep-->, a factor of
# 4.7<!--factor-->.
#
# A code of two numbers can be drawn as a map. The labels only give the colours.

# %%
some = slice(0, 1500)
maps = {
    "PCA, 2 numbers": pca_codes[some, :2],
    "hidden layers, 2 numbers": kerasae.encoder(plane).predict(x_test[some], verbose=0),
}
plots.plot_maps(maps, labels=images.test_labels[some], columns=2)

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
near_pca, near_deep = (
    100 * evaluation.neighbourhood_accuracy(points_of, images.test_labels[some])
    for points_of in maps.values()
)
assert FAST or near_deep > near_pca
{"near_pca": float(near_pca), "near_deep": float(near_deep)}

# %% [markdown]
# *Look for twos and sixes: mixed into the middle on the left, more apart on the right. Zeros and
# ones have their own regions in both. Where colours are alike, look at the shape of the marks.*

# %% [markdown]
# With two principal components the nearest point has the same label for 37 %<!--near_pca--> of the
# images. With a code of two numbers it is 57 %<!--near_deep-->. This is one training with one seed,
# and hidden layers add two things at once: depth, and a curve in place of a plane. Exercise 1
# adds depth alone.
#
# ## "Needs no regularisation"
#
# You will read that an undercomplete autoencoder needs no regularisation. It cannot copy *every*
# input, but it can still **overfit**. Take the smallest code of all, one number, and the alphabet
# in one typeface. Each of 3,000 steps (`REPEATS`) sees all 26 letters.

# %%
letters = kerasae.load_images("letters")
fonts, labels = letters.sources["train"], letters.train_labels
alphabet = letters.train[fonts == fonts[0]][np.argsort(labels[fonts == fonts[0]])]

keras.utils.set_random_seed(0)
dialled = kerasae.build_undercomplete(
    input_shape=(28, 28, 1), code_size=1, hidden=(256, 128), activation="tanh", loss="mse"
)
rate = keras.optimizers.schedules.CosineDecay(1e-3, REPEATS)
dialled.compile(optimizer=keras.optimizers.Adam(rate), loss="mse", steps_per_execution=20)
again = np.tile(alphabet, (REPEATS, 1, 1, 1))  # every step sees the whole alphabet
dialled.fit(again, again, batch_size=26, shuffle=False, verbose=0)

codes = kerasae.encoder(dialled).predict(alphabet, verbose=0)
order = np.argsort(codes[:, 0])
drawn = kerasae.decoder(dialled).predict(codes[order], verbose=0)
plots.plot_samples(np.clip(np.stack([alphabet[order], drawn]), 0, 1), labels=["letter", "output"])

# %% [markdown]
# *Read the second row: each letter is drawn from a single number. Some carry the ghost of a
# neighbour, but most can be read. The network has chosen their order.*

# %% [markdown]
# The letters are in the weights of the decoder. The code only says which one to draw, like a page
# number. **Guess first:** what does this network draw for letters in another typeface?

# %%
other = letters.sources["validation"]
strange = letters.validation[other == other[0]]
strange = strange[np.argsort(letters.validation_labels[other == other[0]])]
for name, x in {"learned": alphabet, "unseen": strange}.items():
    outputs = dialled.predict(x, verbose=0)
    print(f"{name}: squared error {np.square(x - outputs).sum(axis=(1, 2, 3)).mean():.1f}")
plots.plot_samples(np.clip(np.stack([strange, outputs]), 0, 1), labels=["unseen", "output"])

# %% [markdown]
# *Compare the rows. For unseen letters the network answers in the typeface that it has learned by
# heart, nearly always with another letter.*

# %% [markdown]
# So a small code prevents copying, not overfitting. Our example is extreme: 26 images, and a new
# typeface, which alone would raise the error. More images, fewer weights, early
# stopping, noise or a penalty ([the next
# chapter](07_overcomplete.ipynb)) can help.
#
# You will also read that this model "maximises the probability of the data". With Gaussian noise of
# a fixed variance, squared error is the negative log-likelihood of an image *given its code*, up to
# constants. But without a distribution of codes there is no probability of an image. [Variational
# autoencoders](10_variational.ipynb) have one.
#
# ## What can go wrong
#
# - **Reading single numbers of a code.** They are arbitrary, in deep networks even more so.
# - **An unfair PCA.** Subtract the mean of the training images and fit PCA on the same images as
#   the network.
#
# ## Key takeaways
#
# 1. Undercomplete: the code is smaller than the input, so it cannot simply copy.
# 2. Linear layers and squared error give PCA: the same error, the same flat space, other axes.
# 3. Hidden layers bend the flat space and reach a lower error with as many numbers.
# 4. A small code does not prevent overfitting: one number was enough to learn an alphabet by heart.

# %% [markdown]
# ## Exercises
#
# **1.** Give the linear autoencoder a *linear* hidden layer. Guess its error before you run it.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# longer = kerasae.build_undercomplete(
#     input_shape=shape, code_size=SIZE, hidden=(SIZE + 20,), activation="linear", loss="mse"
# )
# train(longer, few, TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=3e-3), progress=False)
# print(np.square(x_test - longer.predict(x_test, verbose=0)).sum(axis=(1, 2, 3)).mean())
# ```
#
# At best 13.9<!--pca-->, as PCA. A product of matrices is a matrix: depth without a nonlinear
# activation adds weights but no power.
#
# </details>
#
# **2.** With `tied=True` the kernel of the decoder is that of the encoder, transposed. How many
# weights does that save, and what becomes of the columns of the kernel in the linear case?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# tied = kerasae.build_undercomplete(
#     input_shape=shape, code_size=SIZE, hidden=(), loss="mse", tied=True
# )
# config = TrainConfig(epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE)
# train(tied, images, config, progress=False)
# columns = kerasae.encoder(tied).get_layer("code").get_weights()[0]
# print(tied.count_params(), "instead of", linear.count_params())
# print("from orthonormal:", np.abs(columns.T @ columns - np.eye(SIZE)).max())
# ```
#
# 24,334<!--given--> weights instead of 47,854<!--given-->, about half. The columns become nearly
# orthonormal. We never asked for this, but the best solution has it: encoder and decoder together
# are a projection.
#
# </details>
#
# **3.** `variances` says how much of the image each turned number carries. Compare it with PCA.
#
# <details><summary>Solution</summary>
#
# ```python
# vectors = sample.reshape(len(sample), -1)
# print((variances / vectors.var(axis=0).mean()).round(3)[:5])
# print(PCA(5, svd_solver="full").fit(vectors).explained_variance_ratio_.round(3))
# ```
#
# Both print each number's share of the total variance, and they nearly agree. `variances` is per
# pixel, so it is divided by the mean variance of a pixel. The linear autoencoder has found the same
# directions, and `decorrelate_code` has sorted them.
#
# </details>
#
# **4.** Walk along the one number in 40 equal steps. What lies between two letters?
#
# <details><summary>Solution</summary>
#
# ```python
# dial = np.linspace(codes.min(), codes.max(), 40)[:, None]
# walk = kerasae.decoder(dialled).predict(dial, verbose=0)
# plots.plot_samples(np.clip(walk, 0, 1), columns=10)
# ```
#
# Between two letters lie mixtures of the two neighbours, often no letter at all: the loss asks for
# letters only at the 26 learned values.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [The next chapter](07_overcomplete.ipynb): a code as large as the image, or larger. And
# [Fidelity](../docs/fidelity.md), rows 1 and 2: both networks of this chapter, trained for longer.
#
# **Papers**
#
# - K. Pearson (1901), *On Lines and Planes of Closest Fit to Systems of Points in Space*,
#   Philosophical Magazine 2: PCA.
# - P. Baldi and K. Hornik (1989), *Neural Networks and Principal Component Analysis: Learning from
#   Examples Without Local Minima*, Neural Networks 2.
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol (2010), *Stacked Denoising
#   Autoencoders*, Journal of Machine Learning Research 11: tied weights.
#
# Full run: MNIST (Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0). Fast mode: UCI *Optical
# Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, CC BY 4.0), from scikit-learn.
# Letters: [free fonts](../kerasae/data/drawn/fonts.json) under the SIL Open Font License,
# Apache-2.0 or MIT, or in the public domain.
