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
# How can a digit change, and still be a digit? Ask the encoder.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA, COUNT, EPOCHS, WALKS = ("digits", 1000, 4, 1) if FAST else ("mnist", 12_000, 8, 3)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import TrainConfig, plots, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import eigh

images = kerasae.load_images(DATA, image_size=28, limit=COUNT)
x_test, test_labels = images.test[:2000], images.test_labels[:2000]
config = TrainConfig(epochs=EPOCHS, batch_size=128, learning_rate=5e-3, jit_compile=False)
models = {}
for strength in (0, 0.3, 1):
    keras.utils.set_random_seed(0)
    models[strength] = kerasae.build_contractive(code_size=256, weight=strength / 784)
    train(models[strength], images, config, progress=False)

starts = [(0, 0), (14, 1), (17, 0)][:WALKS]  # a test image, and the direction in which it sets out
figure, grid = plt.subplots(len(starts), 19, figsize=(11, 2.1), squeeze=False)
for strength, places in {1: range(9), 0: range(10, 19)}.items():
    model = models[strength]
    encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
    kernel = model.get_layer("encoder").get_layer("code").get_weights()[0]
    for row, (digit, direction) in zip(grid, starts, strict=True):
        for sign in (-1, 1):
            z, heading = x_test[[digit]], None
            for step in range(13):
                h = np.asarray(encoder(z))
                if step % 3 == 0:
                    axes = row[places[4 + sign * step // 3]]
                    axes.imshow(z[0, ..., 0], cmap="gray", vmin=0, vmax=1)
                jacobian = (kernel * (h * (1 - h))).T
                U = eigh(jacobian @ jacobian.T, subset_by_index=(244, 254))[1]
                V = U.T[::-1] @ jacobian
                V = V / np.linalg.norm(V, axis=1, keepdims=True)
                heading = sign * V[direction] if heading is None else V.T @ (V @ heading)
                heading = heading / np.linalg.norm(heading)
                z = np.clip(z + heading.reshape(z.shape), 0, 1).astype("float32")
                z = np.asarray(decoder(encoder(z)))
for axes in grid.ravel():
    axes.set(xticks=[], yticks=[], frame_on=False)
for axes in grid[:, [4, 14]].ravel():  # where the walks start
    axes.set_frame_on(True)
    axes.spines[:].set(color=plots.ORANGE, linewidth=2)
grid[0, 4].set_title("contractive", fontsize=11)
grid[0, 14].set_title("the same, without the penalty", fontsize=11)
plt.subplots_adjust(0, 0, 1, 0.9, 0.03, 0.03)
plt.show()

# %% [markdown]
# *Start at the middle of each half, and go left or right. Each network walks from a test digit
# along a direction that its own encoder answers to. One mostly passes through digits, the other
# through fragments.*

# %% [markdown]
# **You will be able to**
#
# - say what the Jacobian of an encoder is, and compute it;
# - train with the contractive penalty, and name its price;
# - walk from digit to digit along the directions that an encoder keeps;
# - compare codes without being fooled by their units;
# - tell contraction from denoising, its close relative.
#
# ## The idea
#
# Brighten one pixel of a handwritten 3. It is still the same 3, and its code should hardly change.
# Bend a stroke, and it becomes *another* 3: the code must change, or the decoder could not draw it.
# There are hundreds of changes of the first kind and only a few of the second.
#
# How much the code answers is the **Jacobian** $J$ of the encoder: a table that says how much each
# number of the code changes when a pixel changes, $\partial h_j / \partial x_i$. A
# **contractive autoencoder** asks for a small one:
#
# $$\min_{f, g} \; \frac{1}{N} \sum_n \ell(x_n, g(f(x_n))) + \lambda \, \lVert J(x_n) \rVert^2,
# \qquad \lVert J \rVert^2 = \sum_{i, j} \left( \frac{\partial h_j}{\partial x_i} \right)^2$$
#
# The penalty wants a code that never moves. The reconstruction needs one that moves wherever images
# differ. What is left are the changes that are worth it.

# %%
import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import numpy as np
from keras import layers, ops
from scipy.linalg import eigh
from sklearn.linear_model import RidgeClassifier

# %% [markdown]
# ## Take a walk
#
# `models[1]` was trained with $\lambda = 1$, `models[0]` without a penalty. Both have one layer of
# 256 sigmoids, $h = \operatorname{sigmoid}(W^\top x + b)$. By the chain rule $\partial h_j /
# \partial x_i = h_j (1 - h_j) \, W_{ij}$: a slope, times the weights.
#
# The singular vectors of the Jacobian are pictures: the changes that the code answers to most, in
# order. We leave out the first (you will see why), set out along one of the next eleven, decode,
# and go on in the nearest of the new directions.
#
# **Your turn, seconds:** try another `digit` and `direction`. Then walk with `models[0]`.

# %%
digit, direction = 8, 2  # change me: a test image, and a number from 0 to 10
walker = models[1]

kernel = walker.get_layer("encoder").get_layer("code").get_weights()[0]  # (784, 256)
encoder, decoder = kerasae.encoder(walker), kerasae.decoder(walker)
walks = []
for sign in (-1, 1):
    z, heading, frames = x_test[[digit]], None, []
    for _ in range(21):
        frames.append(z[0])
        h = np.asarray(encoder(z))
        jacobian = (kernel * (h * (1 - h))).T  # (256, 784)
        U = eigh(jacobian @ jacobian.T, subset_by_index=(244, 254))[1]  # all but the strongest
        V = U.T[::-1] @ jacobian  # singular vectors 2 to 12
        V = V / np.linalg.norm(V, axis=1, keepdims=True)
        heading = sign * V[direction] if heading is None else V.T @ (V @ heading)
        heading = heading / np.linalg.norm(heading)
        z = np.clip(z + heading.reshape(z.shape), 0, 1).astype("float32")
        z = np.asarray(decoder(encoder(z)))
    walks.append(np.stack(frames[::2]))
plots.plot_samples(np.stack(walks), labels=["one way", "the other"])

# %% [markdown]
# *Both rows start at the same digit, a three. One way leads to a five, the other to a seven.*

# %% [markdown]
# Nobody told the network about slants, loops or bars. It has been asked to rebuild digits, and to
# answer to as little as possible. Rifai and others (2012) turned such walks into a method for
# drawing new digits.
#
# ## In plain Keras
#
# The penalty has a closed form for one layer of sigmoids. The decoder uses the weights of the
# encoder, transposed (**tied weights**).


# %% tags=["ten-lines"]
class Contractive(keras.Model):
    def __init__(self, code_size=256, weight=1e-4):
        super().__init__()
        self.encoder = layers.Dense(code_size, "sigmoid")
        self.bias = self.add_weight(shape=(784,), initializer="zeros")
        self.weight = weight
        self.compile("adam", loss="binary_crossentropy")

    def call(self, image):
        code = self.encoder(ops.reshape(image, (-1, 784)))
        kernel = self.encoder.kernel  # (784, code_size)
        # The Jacobian of a sigmoid layer is kernel * slope: its squared norm has a closed form.
        slope = code * (1 - code)
        norm = ops.matmul(slope**2, ops.sum(kernel**2, axis=0))
        self.add_loss(self.weight * ops.mean(norm))
        # Tied weights: the decoder is the encoder's kernel, transposed.
        pixels = ops.sigmoid(ops.matmul(code, ops.transpose(kernel)) + self.bias)
        return ops.reshape(pixels, (-1, 28, 28, 1))


# %% [markdown]
# **Your turn:** the paper sums the cross-entropy over the pixels, Keras takes the mean. So
# `weight` is $\lambda / 784$. Three epochs show the trade already.

# %%
strength = 3  # change me: lambda

keras.utils.set_random_seed(0)
mine = Contractive(weight=strength / 784)
mine.fit(images.train, images.train, batch_size=64, epochs=3, verbose=0)
code = mine.encoder(x_test.reshape(-1, 784))
norm = ops.matmul((code * (1 - code)) ** 2, ops.sum(mine.encoder.kernel**2, axis=0))
print(f"{evaluation.psnr(x_test, mine.predict(x_test, verbose=0)):.1f} dB")
print(f"norm of the Jacobian {float(ops.mean(norm**0.5)):.2f}")

# %% [markdown]
# ## Check the Jacobian
#
# Trust no formula that you can test. Move an image a little along a direction, by a step of
# 0.001<!--given-->, and see how far its code moves. **Fill in** the quotient: it must be the
# singular value of that direction.

# %%
step = 0.001
h = np.asarray(encoder(x_test[:1]))
parts = np.linalg.svd((kernel * (h * (1 - h))).T, full_matrices=False)
change = parts.Vh[0].reshape(x_test[:1].shape)
moved = np.asarray(encoder(x_test[:1] + step * change))

your_value = 0.0  # the length of moved - h, divided by the step
print(f"your value {your_value:.2f}, true value {parts.S[0]:.2f}")

# %% [markdown]
# ## How many directions are left?
#
# The 256 singular values add up, squared, to the squared norm. **Guess first:** without a penalty,
# how many of the 256 directions make up 90 %<!--given--> of it? And with $\lambda = 1$?

# %%
your_guess = 128, 64
few = x_test[:20]
spectra, needed, norms, quality = {}, {}, {}, {}
for strength, model in models.items():
    kernel = model.get_layer("encoder").get_layer("code").get_weights()[0]
    h = np.asarray(kerasae.encoder(model)(few))
    jacobians = (kernel * (h * (1 - h))[:, None]).swapaxes(1, 2)
    squares = np.linalg.eigvalsh(jacobians @ jacobians.swapaxes(1, 2))[:, ::-1]
    spectra[strength] = squares.clip(0) ** 0.5
    shares = squares.cumsum(axis=1)
    needed[strength] = ((shares / shares[:, -1:]) < 0.9).sum(axis=1).mean() + 1
    norms[strength] = np.sqrt(shares[:, -1]).mean()
    quality[strength] = evaluation.psnr(x_test, model.predict(x_test, verbose=0))
    print(f"lambda {strength:3}: {quality[strength]:.1f} dB, norm {norms[strength]:.1f}, ", end="")
    print(f"{needed[strength]:.0f} directions")
print("your guess:", your_guess)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
colours = dict(zip(models, (plots.MUTED, plots.ORANGE, plots.BLUE), strict=True))
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for strength, values in spectra.items():
    mean = values.mean(axis=0)
    axes.plot(np.arange(1, 257), mean, color=colours[strength], label=f"lambda = {strength}")
axes.set(xlabel="direction, by strength", ylabel="singular value", xlim=(0, 80), ylim=(0, None))
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# *Look at the tails: the penalty takes most from the weak directions. Drawn are the strongest
# 80<!--given-->.*

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
{
    "many": needed[0],
    "left": needed[1],
    "loose": norms[0],
    "tight": norms[1],
    "sharp": quality[0],
    "soft": quality[1],
}

# %% [markdown]
# Without a penalty about 41<!--many--> of the 256 directions make up 90 %<!--given--> of the
# squared norm, with it 21<!--left-->. The norm falls from 8.1<!--loose--> to 4.3<!--tight-->.
# The price is softer strokes: 19.5<!--sharp--> dB fall to 17.8<!--soft--> dB. How much may it
# cost? Say so beforehand, and take the largest $\lambda$ that keeps to it on *validation* images.
#
# Compare norms only between codes of the same kind: divide a code by ten, let the decoder multiply
# by ten, and the norm is a tenth, for nothing. Sigmoids and tied weights close this way out here.
#
# ## Does the code ignore noise?
#
# Train a linear classifier on the codes of clean images, and ask it about noisy ones. A relative
# competes: the same network as a **denoising** autoencoder, without the penalty.

# %%
keras.utils.set_random_seed(0)
denoising = kerasae.build_denoising(base="contractive", level=0.3, code_size=256, weight=0.0)
train(denoising, images, config, progress=False)
rivals = {"no penalty": models[0], "denoising": denoising}
rivals |= {f"contractive, {strength}": models[strength] for strength in (0.3, 1)}

grain = np.random.default_rng(0).normal(size=x_test.shape)
noisy = np.clip(x_test + 0.3 * grain, 0, 1).astype("float32")
errors = {}
for name, model in rivals.items():
    encoder = kerasae.encoder(model)
    known, clean, spoilt = (np.asarray(encoder(x)) for x in (images.train, x_test, noisy))
    shift = (spoilt - clean).mean(axis=0)  # what noise does to all codes alike
    probe = RidgeClassifier().fit(known, images.train_labels)
    tried = (clean, spoilt, spoilt - shift)
    errors[name] = [100 * (1 - probe.score(h, test_labels)) for h in tried]
    print(f"{name:17} clean {errors[name][0]:.1f} %, noisy {errors[name][1]:.1f} %, ", end="")
    print(f"without the shift {errors[name][2]:.1f} %")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
strict, plain = errors["contractive, 1"], errors["no penalty"]
{
    "plain": plain[1],
    "strict": strict[1],
    "relative": errors["denoising"][1],
    "plain_left": plain[2],
    "strict_left": strict[2],
}

# %% [markdown]
# The strict network seems to fail: 75 %<!--strict--> errors on noisy images, and 67 %<!--plain-->
# without a penalty. But noise is cut off at black, so it brightens the background, and that moves
# *all* codes the same way. Take this one shift away, and 24 %<!--strict_left--> are left, against
# 49 %<!--plain_left-->. (You must know the noise for this: we measured the shift on these images.)
#
# Brightness is also the direction that we left out of the walks: look below. The decoder draws a
# black ground with negative weights, and the encoder has to use the same ones. On the 200 darkest
# pixels the mean weight is negative in 100 %<!--negative--> of the units.
#
# The denoising network was trained on this very noise, and does best as it is: 46 %<!--relative-->.
# Its *code* moves too, for its decoder can clean up as well. The contractive ones have never seen
# noise.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
kernel = models[1].get_layer("encoder").get_layer("code").get_weights()[0]
h = np.asarray(kerasae.encoder(models[1])(x_test[:8]))
first = np.linalg.svd((kernel * (h * (1 - h))[:, None]).swapaxes(1, 2), full_matrices=False).Vh
figure, grid = plt.subplots(3, 8, figsize=(8, 3.1), layout="constrained")
rows = ("digit", "first direction", "second")
for i, row in enumerate(grid):
    row[0].set_ylabel(rows[i], rotation=0, ha="right", va="center")
    for j, axes in enumerate(row):
        picture = x_test[j] if i == 0 else first[j, i - 1] * np.sign(first[j, i - 1].sum())
        look = {"cmap": "gray"} if i == 0 else {"cmap": "RdBu", "vmin": -0.15, "vmax": 0.15}
        axes.imshow(picture.reshape(28, 28), **look)
        axes.set(xticks=[], yticks=[], frame_on=False)
plt.show()
dark = images.train.mean(axis=0).reshape(784).argsort()[:200]  # pixels

# %% [markdown]
# *Blue is more ink, red is less. Along the first direction the whole background becomes brighter.
# Along the second, strokes move: blue on one side, red on the other.*

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
{"negative": 100 * (kernel[dark].mean(axis=0) < 0).mean()}

# %% [markdown]
# ## What can go wrong
#
# - **A linear code, weights not tied.** The code shrinks, the decoder multiplies, and the penalty
#   is gone at no cost.
# - **The scale of the weight.** Sum or mean over the pixels: a factor of 784 here.
# - **Too much.** With a large $\lambda$ all codes are nearly equal, and each output is the mean
#   image.
# - **Choosing $\lambda$ by test images**, or by the table above. Use validation images.
# - **One training.** With four times as many steps and the same $\lambda$, our walks changed less,
#   and for most digits the first direction was no longer brightness.
# - **One number for robustness.** Look at what moved: here most of it was one shift.
#
# ## Key takeaways
#
# 1. The Jacobian of an encoder says how much its code answers to small changes.
# 2. A contractive autoencoder keeps it small. The reconstruction defends a few directions:
#    brightness, and those along which digits turn into other digits.
# 3. One layer of sigmoids has a closed form; singular vectors show the directions.
# 4. Denoising is a relative: it prescribes a finite noise, and asks for steady outputs, not codes.
#
# ## Exercises
#
# **1.** Look at the directions one step at a time: add $t$ times the second one to a test digit,
# for $t$ from -5 to 5, without a decoder.
#
# <details><summary>Solution</summary>
#
# ```python
# change = first[:4, 1].reshape(4, 28, 28, 1)
# rows = [x_test[:4] + t * change for t in np.linspace(-5, 5, 9)]
# plots.plot_samples(np.stack(rows, axis=1).clip(0, 1))
# ```
#
# Strokes shift and bend a little, and shadows appear. A straight line soon leaves the digits; the
# walk decodes at each step, and stays.
#
# </details>
#
# **2.** Build the loophole. Take an autoencoder with a linear code, multiply the weights of its
# code by 0.1<!--given--> and those that read it by 10. What happens to output and norm?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# linear = kerasae.build_undercomplete(code_size=16, hidden=(), loss="mse")
# before = linear.predict(few, verbose=0), evaluation.jacobian_norm(linear, few[:2])
# for half, name, factor in (("encoder", "code", 0.1), ("decoder", "pixels", 10.0)):
#     layer = linear.get_layer(half).get_layer(name)
#     layer.set_weights([factor * layer.get_weights()[0], layer.get_weights()[1]])
# after = linear.predict(few, verbose=0), evaluation.jacobian_norm(linear, few[:2])
# print(f"norm {before[1]:.3f} -> {after[1]:.3f}")
# assert np.allclose(before[0], after[0], atol=1e-4)
# ```
#
# The norm is a tenth, the output is the same: the penalty is satisfied on paper.
#
# </details>
#
# **3.** Untie it. Change `Contractive` so that the decoder has a dense layer of its own. At the
# same `weight`, what happens to the norm and to the quality?
#
# <details><summary>Solution</summary>
#
# ```python
# class Untied(Contractive):
#     def __init__(self, code_size=256, weight=1e-4):
#         super().__init__(code_size, weight)
#         self.bias.trainable = False  # of the old decoder
#         self.decoder = layers.Dense(784, "sigmoid")
#
#     def call(self, image):
#         code = self.encoder(ops.reshape(image, (-1, 784)))
#         norm = ops.matmul((code * (1 - code)) ** 2, ops.sum(self.encoder.kernel**2, axis=0))
#         self.add_loss(self.weight * ops.mean(norm))
#         return ops.reshape(self.decoder(code), (-1, 28, 28, 1))
#
#
# for kind in (Contractive, Untied):
#     keras.utils.set_random_seed(0)
#     model = kind(weight=3 / 784)
#     model.fit(images.train, images.train, batch_size=64, epochs=3, verbose=0)
#     code = model.encoder(x_test.reshape(-1, 784))
#     norm = ops.matmul((code * (1 - code)) ** 2, ops.sum(model.encoder.kernel**2, axis=0))
#     quality = evaluation.psnr(x_test, model.predict(x_test, verbose=0))
#     print(f"{kind.__name__:11} {quality:.1f} dB, norm {float(ops.mean(norm**0.5)):.2f}")
# ```
#
# Untied, the norm is much lower at nearly the same quality: the encoder shrinks its weights, and
# the decoder enlarges its own. A lower norm is not always a calmer code.
#
# </details>
#
# **4.** For two hidden layers there is no cheap closed form. Train with `penalty="stochastic"`,
# which compares the codes of an image and of a copy with a little noise.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# deep = kerasae.build_contractive(
#     code_size=50, hidden=(100,), activation="tanh", penalty="stochastic", weight=0.1 / 784
# )
# short = TrainConfig(epochs=3, batch_size=64, learning_rate=2e-3, jit_compile=False)
# print(train(deep, images, short, progress=False).history["jacobian"])
# print(f"norm on test images: {evaluation.jacobian_norm(deep, few[:4]):.3f}")
# ```
#
# The encoder is called twice for each image. One draw of noise is a poor estimate for one image,
# and a good one over many steps.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Denoising](14_denoising.ipynb): the relative, in full. [Sparse autoencoders](08_sparse.ipynb):
# another way to keep a large code from copying. [Fidelity](../docs/fidelity.md), row 12: the
# setting of the paper, which we reach in part.
#
# **Papers**
#
# - S. Rifai, P. Vincent, X. Muller, X. Glorot and Y. Bengio (2011), *Contractive Auto-Encoders:
#   Explicit Invariance During Feature Extraction*.
# - S. Rifai, Y. N. Dauphin, P. Vincent, Y. Bengio and X. Muller (2011), *The Manifold Tangent
#   Classifier*: the directions, put to use.
# - S. Rifai, Y. Bengio, Y. N. Dauphin and P. Vincent (2012), *A Generative Process for Sampling
#   Contractive Auto-Encoders*: the walk.
# - G. Alain and Y. Bengio (2014), *What Regularized Auto-Encoders Learn from the Data-Generating
#   Distribution*: denoising and contraction with little noise.
#
# MNIST: Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0. Fast mode: UCI *Optical Recognition of
# Handwritten Digits* (E. Alpaydin and C. Kaynak, CC BY 4.0).
