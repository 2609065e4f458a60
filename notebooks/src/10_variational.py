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
# # Variational autoencoders
#
# Choose two numbers, and get a digit that nobody wrote.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA = "digits" if FAST else "mnist"
LIMIT, EPOCHS, DRAWS = (1500, 2, 50) if FAST else (None, 10, 200)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import samplers

import keras
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

plane = kerasae.load_pretrained("mnist-variational-plane")
tiles = samplers.manifold(plane, size=20)[..., 0]  # (20, 20, 28, 28), all equally likely

turn = np.linspace(0, 2 * np.pi, 201)
circle = 0.5 + 0.36 * np.stack([np.cos(turn), np.sin(turn)], axis=1)  # in shares of the picture
decoder = keras.Model(plane.get_layer("decoder").inputs, plane.get_layer("decoder").outputs[0])
stops = circle[:200:10]
walk = decoder.predict(norm.ppf(stops), verbose=0)[..., 0]

figure = plt.figure(figsize=(7, 8.1))
upper, lower = figure.add_axes([0, 0.14, 1, 0.86]), figure.add_axes([0, 0, 1, 0.13])
upper.imshow(tiles.swapaxes(1, 2).reshape(560, 560), cmap="gray", extent=(0, 1, 0, 1))
upper.plot(*circle.T, color="#e8710a", lw=2.5)
upper.plot(*stops.T, "o", color="#e8710a", ms=5)
upper.plot(*stops[0], "o", color="#e8710a", ms=12)
strip = walk.reshape(2, 10, 28, 28).swapaxes(1, 2).reshape(56, 280)
lower.imshow(strip, cmap="gray", aspect="auto")
for axes in (upper, lower):
    axes.set_axis_off()
plt.show()

# %% [markdown]
# *Follow the orange loop anticlockwise from the large dot: below are its 20 stops. All of these
# digits were drawn by a network that was given two numbers each.*

# %% [markdown]
# **You will be able to**
#
# - draw new images from random numbers, and say what an ordinary decoder lacks;
# - write the loss of a variational autoencoder, and read it in nats;
# - report a number that really is a likelihood;
# - recognise posterior collapse, which the loss curve hides.
#
# ## The idea
#
# An ordinary encoder turns an image into a point. What its decoder draws between those points was
# never trained. A **variational autoencoder** (VAE) changes two things:
#
# 1. The encoder answers with a *patch*: a mean and a standard deviation for each number of the
#    code. In training, the decoder gets a random point of it, so *every* point of the patch must
#    give the image back.
# 2. All patches are pulled towards one known cloud, the standard normal distribution: the
#    **prior**.
#
# The patches crowd together, and few gaps are left. So a random point of the prior will do as a
# code.

# %%
import warnings

import kerasae
from kerasae import evaluation, plots, samplers, train

import keras
import numpy as np
from keras import layers, ops

# %% [markdown]
# ## Throw the dice
#
# `decoder` is the second half of `plane`, the title picture's network, which comes with the
# package. It saw 54,000<!--training--> handwritten digits (MNIST).

# %%
seed = 0  # change me
start, end = (-1.5, -1.5), (1.5, 1.5)  # change me

random_points = np.random.default_rng(seed).standard_normal((20, 2))
straight_line = np.linspace(start, end, 10)
points = np.concatenate([random_points, straight_line])
plots.plot_samples(decoder.predict(points, verbose=0), columns=10)

# %% [markdown]
# *Two rows of random points, then ten steps along a line. A few digits lie between two.*

# %% [markdown]
# **Your turn, two seconds each:** change `seed` for twenty other digits. Then walk from (-2, 1) to
# (2, 1). Expect one digit to turn into another by way of others.
#
# <!-- live: plane -->

# %% [markdown]
# ## Would any decoder do?
#
# `letters-convolutional` is an ordinary autoencoder of capital letters. **Guess first:** what does
# its decoder draw from random codes, with the mean and the standard deviation of its own codes?

# %%
letters = kerasae.load_images("letters", limit=LIMIT)
ordinary = kerasae.load_pretrained("letters-convolutional")
codes = kerasae.encoder(ordinary).predict(letters.train, verbose=0)
normal = np.random.default_rng(0).standard_normal((12, 32))
rows = {
    "test letter": letters.test[30:42],
    "rebuilt": ordinary.predict(letters.test[30:42], verbose=0),
    "random code": kerasae.decoder(ordinary).predict(
        codes.mean(axis=0) + codes.std(axis=0) * normal, verbose=0
    ),
}
plots.plot_samples(np.clip(np.stack(list(rows.values())), 0, 1), labels=list(rows))

# %% [markdown]
# *Compare the last two rows. The decoder that rebuilds new typefaces so well turns random codes
# into pieces of letters.*

# %% [markdown]
# ## The whole network in plain Keras
#
# Two steps make it variational: drawing a code, and adding `kl`, the pull towards the
# prior.


# %% tags=["ten-lines"]
class Variational(keras.Model):
    def __init__(self, code_size=2):
        super().__init__()
        dense = layers.Dense
        self.encoder = keras.Sequential([layers.Flatten(), dense(256, "relu"), dense(128, "relu")])
        self.mean, self.log_variance = dense(code_size), dense(code_size)
        self.decoder = keras.Sequential([dense(128, "relu"), dense(256, "relu"), dense(784)])
        self.seed = keras.random.SeedGenerator(0)
        self.compile("adam")

    def call(self, image, training=False):
        x = self.encoder(image)
        code = mean = self.mean(x)
        log_variance = self.log_variance(x)
        if training:  # draw a code: the noise is outside, so the gradient reaches mean and variance
            noise = keras.random.normal(ops.shape(mean), seed=self.seed)
            code = mean + ops.exp(log_variance / 2) * noise
        logits = ops.reshape(self.decoder(code), ops.shape(image))
        bce = image * ops.softplus(-logits) + (1 - image) * ops.softplus(logits)
        kl = (ops.exp(log_variance) + mean**2 - 1 - log_variance) / 2
        # Both are sums, over the pixels and over the code. Only the batch is averaged.
        self.add_loss(ops.mean(ops.sum(bce, axis=(1, 2, 3)) + ops.sum(kl, axis=1)))
        return ops.sigmoid(logits)


# %% [markdown]
# A random draw has no gradient. So the noise $\varepsilon$ is drawn outside, and the code is
# $z = \mu + \sigma \varepsilon$: the **reparameterisation**.
#
# Train it on one capital letter in 221<!--typefaces--> typefaces, each of them seen 20 times an
# epoch. Then ask its decoder for a map.

# %%
letter = "R"  # change me
chosen = letters.train[letters.train_labels == ord(letter) - ord("A")]

keras.utils.set_random_seed(0)
mine = Variational(code_size=2)
mine.fit(np.repeat(chosen, 20, axis=0), batch_size=64, epochs=EPOCHS, verbose=0)

across, down = (norm.ppf((np.arange(n) + 0.5) / n) for n in (12, 7))  # equally likely tiles
points = np.stack(np.meshgrid(across, -down), axis=-1).reshape(-1, 2)
drawn = ops.convert_to_numpy(ops.sigmoid(mine.decoder(points)))
plots.plot_manifold(drawn.reshape(7, 12, 28, 28, 1))

# %% [markdown]
# *Look down the left edge, then along the top: bold becomes light, and upright becomes slanted. No
# label said so. On the right, rare typefaces share tiles, and blur.*

# %% [markdown]
# **Your turn, half a minute:** another `letter`. Expect weight and slant again, in other
# directions: nothing ties them to an axis.
#
# ## Patches, not points
#
# Back to the digits. The encoder gives two means, and the logarithms of two variances.

# %%
images = kerasae.load_images(DATA, image_size=28)
x_test = images.test[:2000]
mean, log_variance = plane.get_layer("encoder").predict(x_test, verbose=0)
sigma = np.exp(log_variance / 2)
print(f"mean of the first digit {mean[0]}, standard deviations {sigma[0]}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
from matplotlib.patches import Ellipse

noise = np.random.default_rng(0).standard_normal((7, 2))
three = [int(np.flatnonzero(images.test_labels == digit)[0]) for digit in (0, 1, 6)]
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.6, 4.3), width_ratios=(1, 1.35), layout="constrained"
)
for m, s in zip(mean[:600], sigma[:600], strict=False):
    left.add_patch(Ellipse(m, *(4 * s), color="0.7", alpha=0.5, lw=0))
rows = []
for index, colour in zip(three, (plots.BLUE, plots.ORANGE, plots.GREEN), strict=True):
    left.add_patch(Ellipse(mean[index], *(4 * sigma[index]), color=colour))
    left.plot(*mean[index], "o", ms=16, mfc="none", mec=colour, mew=2)
    draws = decoder.predict(mean[index] + sigma[index] * noise, verbose=0)
    rows.append(np.concatenate([x_test[[index]], draws])[..., 0])
for radius in (1, 2):
    left.add_patch(Ellipse((0, 0), 2 * radius, 2 * radius, fill=False, color=plots.INK, ls=":"))
left.set(xlim=(-3.6, 3.6), ylim=(-3.6, 3.6), aspect="equal")
left.set(xlabel="first number", ylabel="second number")
left.spines[["top", "right"]].set_visible(False)
right.imshow(np.stack(rows).swapaxes(1, 2).reshape(84, 224), cmap="gray")
right.set(xticks=[14, 126], xticklabels=["test digit", "drawn from its patch"], yticks=[])
right.tick_params(length=0)
for row, colour in enumerate((plots.BLUE, plots.ORANGE, plots.GREEN)):
    right.plot([1, 1], [28 * row + 2, 28 * row + 26], color=colour, lw=4)
plt.show()

# %% [markdown]
# *Left: patches of 600 test digits, out to two standard deviations. Dotted: two and one of the
# prior. Right: random points from three patches all decode to nearly the same picture.*

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert FAST or sigma.max() < 1
{"typefaces": len(chosen), "training": len(images.train)}

# %% [markdown]
# ## The bound
#
# Suppose that images arise in two steps: draw a code $z$ from the prior $p(z)$, then pixels from
# the decoder, $p(x|z)$. Training images should be probable, but $p(x)$ is an integral over all
# codes. The patch $q(z|x)$ says where to look, and for any patch,
#
# $$\log p(x) \;\ge\; \mathbb{E}_{z \sim q(z|x)} \left[ \log p(x|z) \right]
# - \mathrm{KL} \left( q(z|x) \,\Vert\, p(z) \right).$$
#
# The right side is the **evidence lower bound** (ELBO); the loss is its negative. `bce` is the cost
# of the pixels, given the code. `kl` is the price of the code: how much more the patch says than
# the prior, in nats (one is 1.44<!--given--> bits).
#
# The 400 tiles of the title picture are equally likely, so pointing at one costs
# $\ln 400 = 6.0$ nats. **Guess first:** how many nats does the encoder spend on a test digit?

# %%
your_guess = 3.0

binary = (np.random.default_rng(0).random(x_test.shape) < x_test).astype("float32")[:500]
bound = evaluation.elbo(plane, binary, samples=10)
print(f"your guess {your_guess} nats, true {bound.kl:.1f} nats")
print(f"like one of {np.exp(bound.kl):,.0f} equally likely tiles")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
{"tiles": float(np.exp(bound.kl))}

# %% [markdown]
# A patch is like one of 1,300<!--~tiles--> equally likely tiles, and the network saw
# 54,000<!--training--> digits. So on average dozens of patches overlap in a spot.
#
# ## A number to report
#
# `bce` is a likelihood only if pixels are black or white, so `binary` was drawn from grey images.
# Three numbers for one model, in nats per image:

# %%
code = kerasae.encoder(plane)(binary)
outputs = plane.get_layer("decoder")(code)
no_noise = -ops.convert_to_numpy(plane.get_layer("bound").log_likelihood(binary, outputs)).mean()
likelihood = evaluation.negative_log_likelihood(plane, binary, samples=DRAWS)
print(f"{no_noise + bound.kl:6.1f}  the mean as the code: what Keras's evaluate gives")
print(f"{-bound.elbo:6.1f}  drawn codes: the negative ELBO")
print(f"{likelihood:6.1f}  importance sampling: an estimate of -log p(x)")

# %% [markdown]
# The first leaves out the noise, and is no bound. The second is. The third is closer to the
# truth, and on average still above it. Report the second or the third.
#
# ## Sixteen numbers
#
# `mnist-variational` has sixteen. Does it draw new digits, or training digits that it has learned
# by heart?

# %%
better = kerasae.load_pretrained("mnist-variational")
digits = samplers.sample_prior(better, 10, seed=1)
flat = images.train.reshape(len(images.train), -1)
distances = np.square(flat).sum(1) - 2 * digits.reshape(10, -1) @ flat.T
nearest = images.train[distances.argmin(axis=1)]
plots.plot_samples(np.stack([digits, nearest]), labels=["drawn", "nearest training digit"])

# %% [markdown]
# *Compare each digit with the one below, its nearest neighbour among all training digits. None of
# these is a copy. Some are no digit at all: gaps remain.*

# %% [markdown]
# Sliders for the five numbers with the largest KL; on a page, a row of pictures for each.

# %%
busy = np.argsort(-evaluation.elbo(better, binary).kl_per_dimension)[:5]
plots.latent_sliders(better, x_test[0], dimensions=sorted(busy.tolist()))

# %% [markdown]
# *Each row moves one number of a test digit's code, and leaves the others alone. Towards the ends
# it often becomes another digit.*

# %% [markdown]
# ## Posterior collapse
#
# The `kl` has a trivial minimum, 0: the encoder says the same of every image. Then the code is
# noise, and the decoder learns to ignore it. This is **posterior collapse**.
#
# The quickest way there is a slip of scale. Keras's loss `binary_crossentropy` is a *mean* over the
# pixels. Add the *sum* `kl` to it, and multiply everything by the number of pixels: that is our
# loss with a factor $\beta$ before `kl`. Which one?

# %%
your_beta = 1.0
true_beta = 28 * 28

config = kerasae.TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=2e-3)
shared = {"input_shape": (28, 28, 1), "code_size": 16, "likelihood": "bernoulli"}
keras.utils.set_random_seed(0)
vae = kerasae.build_variational(**shared)
train(vae, letters, config, progress=False)
keras.utils.set_random_seed(0)
dead = kerasae.build_variational(beta=true_beta, **shared)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    dead_history = train(dead, letters, config, progress=False).history
print(f"your beta {your_beta:g}, true beta {true_beta}")
for name, model in {"VAE": vae, "dead": dead}.items():
    parts = evaluation.elbo(model, letters.test)
    active = evaluation.active_units(model, letters.test)
    print(f"{name:5} KL {parts.kl:.3f} nats, {active} of 16 numbers active")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
shown = letters.test[:8]
rows = {"original": shown, "VAE": vae.predict(shown, verbose=0)}
rows["beta = 784"] = dead.predict(shown, verbose=0)
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.6, 2.7), width_ratios=(1, 2.3), layout="constrained"
)
left.plot(range(1, EPOCHS + 1), np.array(dead_history["loss"]) / true_beta, color=plots.ORANGE)
left.set(xlabel="epoch", ylabel="loss, mean over pixels")
left.spines[["top", "right"]].set_visible(False)
grid = np.stack(list(rows.values()))[..., 0]  # (3, 8, 28, 28)
right.imshow(grid.swapaxes(1, 2).reshape(3 * 28, 8 * 28), cmap="gray")
right.set_yticks([14, 42, 70], list(rows))
right.set_xticks([])
right.tick_params(length=0)
plt.show()

# %% [markdown]
# *Left: a loss that looks like many others. Right, last row: every letter becomes the same smudge,
# the mean of all.*

# %% [markdown]
# So print the KL. A number is **active** if its mean varies over the images (variance above
# 0.01<!--given-->). `train` looks for collapse and warns; the warning is in `said`.
#
# With the right scale, single numbers can still give up early. A **warm-up** helps, in which
# $\beta$ grows from 0 (exercise 4).
#
# Below $\beta = 1$ information in the code is cheap, above it is expensive. Only at 1 is the loss
# the negative bound. Recipes in use differ:
#
# | loss | pixels | $\beta$ |
# |---|---|---|
# | sum of cross-entropies + sum of KL | binary | 1 |
# | sum of cross-entropies + *mean* of KL, two numbers | binary | 0.5<!--given--> |
# | *mean* of cross-entropies + sum of KL | binary | 784 |
# | mean of squared errors + KL / 784 | very noisy, $\sigma = 0.71$ | 1 |
# | mean of squared errors + 0.00025<!--given--> KL | noisy, $\sigma = 0.31$ | 1 |
#
# ## Beside a GAN
#
# A generative adversarial network (GAN) draws from random numbers, too: sharply, since its images
# must pass as real, but it may leave some kinds out. A VAE must explain *every* image, and blurs
# where it is unsure. In return it has an encoder, and control over the code. For sharp photographs,
# diffusion models are used today, many of them on the codes of a VAE.
#
# ## What can go wrong
#
# - **A mean where a sum belongs.** Print both parts in nats.
# - **Drawing from the prior after a small $\beta$.** The codes lie elsewhere.
# - **Reading a meaning into single numbers.** Another seed, other meanings.
#
# ## Key takeaways
#
# 1. A VAE encodes an image as a patch of codes, and pulls all patches towards one known prior.
# 2. So most random codes decode to new images.
# 3. The loss is the negative of a bound: `bce` plus `kl`, both sums, in nats.
# 4. Report the ELBO, or a likelihood by importance sampling.
# 5. Collapse hides from the loss. Look at the KL and the active numbers.

# %% [markdown]
# ## Exercises
#
# **1.** Compute the KL of `plane` from means and log variances.
#
# <details><summary>Solution</summary>
#
# ```python
# m, v = plane.get_layer("encoder").predict(binary, verbose=0)
# print((0.5 * (np.exp(v) + m**2 - 1 - v)).sum(axis=1).mean(), bound.kl)
# ```
#
# The same number: between two normal distributions the KL has a closed form.
#
# </details>
#
# **2.** Turn the network in plain Keras into an ordinary autoencoder, without noise and `kl`. Draw
# its map of the letter.
#
# <details><summary>Solution</summary>
#
# ```python
# code_layer = [layers.Flatten(), *(layers.Dense(n, "relu") for n in (256, 128)), layers.Dense(2)]
# pixels = [layers.Dense(784, "sigmoid"), layers.Reshape((28, 28, 1))]
# encode = keras.Sequential([keras.Input((28, 28, 1)), *code_layer])
# decode = keras.Sequential([*(layers.Dense(n, "relu") for n in (128, 256)), *pixels])
# other = keras.Sequential([encode, decode])
# other.compile("adam", loss="binary_crossentropy")
# again = np.repeat(chosen, 20, axis=0)
# other.fit(again, again, batch_size=64, epochs=EPOCHS, verbose=0)
# own = encode.predict(chosen, verbose=0)
# spots = own.mean(axis=0) + own.std(axis=0) * points
# plots.plot_manifold(decode.predict(spots, verbose=0).reshape(7, 12, 28, 28, 1))
# ```
#
# Much the same map: two numbers and one letter leave little room for gaps. But you had to look up
# where its codes lie, near (26, -8) in our run. With 32 numbers even that was not enough, as
# `ordinary` showed.
#
# </details>
#
# **3.** Make `ordinary` draw: fit a mixture of Gaussians to its codes.
#
# <details><summary>Solution</summary>
#
# ```python
# mixture = samplers.fit_mixture(codes, components=10)
# plots.plot_samples(samplers.sample_mixture(ordinary, mixture, 20), columns=10)
# ```
#
# Better. What the network lacked was not a decoder, but knowledge of where its codes lie.
# [Chapter 12](12_image_generation.ipynb) goes on from here.
#
# </details>
#
# **4.** Train `vae` with 32 numbers, with and without a warm-up. Which ELBO is better?
#
# <details><summary>Solution</summary>
#
# ```python
# for warmup in (0, EPOCHS // 2):
#     keras.utils.set_random_seed(0)
#     model = kerasae.build_variational(
#         warmup_epochs=warmup, **shared | {"code_size": 32}
#     )
#     train(model, letters, config, progress=False)
#     parts = evaluation.elbo(model, letters.test)
#     print(warmup, (parts.kl_per_dimension > 0.1).sum(), f"ELBO {parts.elbo:.1f}")
# ```
#
# The warm-up, in our run by 2.4 nats: more numbers stay in use. After so short a training, that
# says something about training, not about the bound.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Chapter 12](12_image_generation.ipynb): better samples.
# [`build_variational`](../kerasae/builders/variational.py): free bits and other likelihoods.
#
# **Papers**
#
# - D. P. Kingma and M. Welling (2014), *Auto-Encoding Variational Bayes*.
# - D. J. Rezende and others (2014), *Stochastic Backpropagation and Approximate Inference in Deep
#   Generative Models*.
# - S. Bowman and others (2016), *Generating Sentences from a Continuous Space*: warm-up.
# - Y. Burda and others (2016), *Importance Weighted Autoencoders*.
# - P. Ghosh and others (2020), *From Variational to Deterministic Autoencoders*.
#
# MNIST: Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0. Fast mode: UCI *Optical Recognition of
# Handwritten Digits* (E. Alpaydin and C. Kaynak, CC BY 4.0). Letters: [free
# fonts](../kerasae/data/drawn/fonts.json), OFL, Apache-2.0, MIT or public domain.
