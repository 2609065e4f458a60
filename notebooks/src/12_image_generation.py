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
# # Image generation
#
# Draw a code from where real codes lie, decode it, and you have a new image.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
REPEATS, STEPS, COUNT, PARTS = (1, 4, 40, 1) if FAST else (80, 16, 2000, 20)
DATA = {"source": "digits", "image_size": 28} if FAST else {"source": "mnist", "limit": 20_000}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import math

import kerasae
from kerasae import plots

import keras
import numpy as np
from keras import ops

letters = kerasae.load_images("letters")
model = kerasae.load_pretrained("letters-convolutional")
prior = kerasae.load_pretrained("letters-convolutional-prior")
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
codes = encoder.predict(letters.train, verbose=0)
mean, deviation = codes.mean(axis=0), codes.std(axis=0)

# From noise and a letter to images, as one Keras model; the chapter builds the same.
network = prior.get_layer("network")
noise, label = keras.Input((32,)), keras.Input((26,))
z, film = noise, [noise]
for step in range(STEPS, 0, -1):
    angle, smaller = (math.pi / 2 * s / STEPS for s in (step, step - 1))
    time = ops.full_like(noise[:, :1], step / STEPS)
    blind = network([z, time, ops.zeros_like(label)])
    v = blind + 2 * (network([z, time, label]) - blind)
    code = math.cos(angle) * z - math.sin(angle) * v
    rest = math.sin(angle) * z + math.cos(angle) * v
    z = math.cos(smaller) * code + math.sin(smaller) * rest
    film.append(z)
images = [ops.clip(decoder(z * deviation + mean), 0, 1) for z in film[:: max(1, STEPS // 8)]]
movie = keras.Model([noise, label], images)
ready = keras.Model([noise, label], images[-1])

one_start = np.random.default_rng(4).standard_normal((1, 32)).astype("float32")
asked = np.eye(26, dtype="float32")[[0, 6, 17, 18]]
frames = movie([np.tile(one_start, (4, 1)), asked])
plots.plot_samples(np.stack(frames, axis=1))

# %% [markdown]
# *Follow each row from left to right. The same random smudge becomes an A, a G, an R and an S. A
# network made them up.*

# %% [markdown]
# **You will be able to**
#
# - generate images by drawing codes, and say where to draw them;
# - build a diffusion model over codes in plain Keras;
# - explain why random codes lie in a shell and not near the origin;
# - measure samples, and know what the measures miss.
#
# ## The idea
#
# A decoder turns any code into an image, but in training it has only seen codes of real images. So
# **to generate, draw codes from where real codes lie**. A model of that is called a **prior**.
#
# In a variational autoencoder ([chapter 10](10_variational.ipynb)) the prior is fixed first, and
# training pushes the codes towards it. Here we go the other way: we take a trained autoencoder, and
# learn a prior for its codes. Latent diffusion works like this, with larger networks, and a
# sentence where we have a letter.

# %%
import math

import kerasae
from kerasae import evaluation, plots, priors, samplers

import keras
import numpy as np
from keras import layers, ops

# %% [markdown]
# **Your turn; this takes a few seconds.** Put in your name, in capitals. Another `seed` gives other
# letters. `guidance` says how firmly each must look like its letter: try 0, which ignores the
# letter, then 6.

# %%
name, seed, guidance = "AUTOENCODER", 0, 2

letters = kerasae.load_images("letters")  # capitals of 308 typefaces
model = kerasae.load_pretrained("letters-convolutional")
prior = kerasae.load_pretrained("letters-convolutional-prior")
wanted = 3 * [ord(letter) - ord("A") for letter in name]
written = priors.sample(prior, model, len(wanted), labels=wanted, guidance=guidance, seed=seed)
plots.plot_samples(written, columns=len(name))

# %% [markdown]
# *Compare the rows: each letter is a draw of its own. These are the first draws, not the best.*

# %% [markdown]
# ## The right numbers, the wrong codes
#
# `model` is the autoencoder of [chapter 0](00_start_here.ipynb), with 32 numbers in its code. Take
# the codes of all training letters, and the mean and the standard deviation of each number. Now
# draw every number from a normal distribution with its own mean and deviation. **Guess first:**
# what will the decoder draw?

# %%
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
codes = encoder.predict(letters.train, verbose=0)
mean, deviation = codes.mean(axis=0), codes.std(axis=0)

rng = np.random.default_rng(0)
alone = mean + deviation * rng.standard_normal((13, 32), "float32")
rows = {"each number alone": decoder.predict(alone, verbose=0).clip(0, 1)}
for count in (1, PARTS):
    mixture = samplers.fit_mixture(codes, count)
    rows[f"{count} Gaussian{'s' * (count > 1)}"] = samplers.sample_mixture(model, mixture, 13)
rows["diffusion, guided"] = priors.sample(prior, model, 13, labels=range(13), guidance=2)
plots.plot_samples(np.stack(list(rows.values())), labels=list(rows))

# %% [markdown]
# *Read from top to bottom. The decoder is the same in all rows, and only the codes differ. The last
# row is also told which letter to draw.*

# %% [markdown]
# In the first row each number has the right mean and spread, yet the code is wrong: in a real code
# the numbers depend on each other. One Gaussian knows which of them rise together; 20 (`PARTS`)
# follow the cloud of codes more closely. The last row comes from a **diffusion model**, which we
# build below.
#
# With two numbers you can see it. Here is the code of a variational autoencoder of digits:

# %%
plane = kerasae.load_pretrained("mnist-variational-plane")
digits = kerasae.load_images(**DATA)
points = kerasae.encoder(plane).predict(digits.test[:2000], verbose=0)
drawn = samplers.manifold(plane, size=20, codes=points)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import matplotlib.pyplot as plt

figure, panels = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
shown = digits.test_labels[:2000]
panels[0].scatter(*points.T, s=4, c=plt.cm.tab10(shown))
for digit in range(10):
    middle = np.median(points[shown == digit], axis=0)
    box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": plt.cm.tab10(digit)}
    panels[0].text(*middle, str(digit), ha="center", va="center", bbox=box)
low, high = points.min(axis=0), points.max(axis=0)
panels[0].set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
panels[0].set_title("codes of test digits", fontsize=10)
plots.show_image(panels[1], drawn.transpose(0, 2, 1, 3, 4).reshape(20 * 28, -1, 1))
panels[1].set_aspect("auto")
panels[1].set_title("what the decoder draws there", fontsize=10)
plt.show()

# %% [markdown]
# *Find a cloud on the left, and look at the same place on the right: a clear digit. Between clouds
# the decoder answers, too.*

# %% [markdown]
# ## Build a prior
#
# A diffusion model is a denoiser. Mix a code $x$ with noise $e$:
#
# $$ z = \cos(\alpha)\, x + \sin(\alpha)\, e. $$
#
# The angle $\alpha$ goes from 0 degrees, the code, to 90, nothing but noise. The network sees $z$,
# the `time` (the angle as a share of 90 degrees), and the letter. It predicts
#
# $$ v = \cos(\alpha)\, e - \sin(\alpha)\, x, $$
#
# since $z$ and $v$ together give back the code, $x = \cos(\alpha) z - \sin(\alpha) v$, and the
# noise, $e = \sin(\alpha) z + \cos(\alpha) v$. First the data: every code 80 times (`REPEATS`),
# each time with other noise.

# %%
x = np.tile((codes - mean) / deviation, (REPEATS, 1))
told = np.tile(np.eye(26, dtype="float32")[letters.train_labels], (REPEATS, 1))
told[rng.random(len(told)) < 0.1] = 0  # now and then the network is not told the letter
time = rng.random((len(x), 1), "float32")
e = rng.standard_normal(x.shape, "float32")
cos, sin = np.cos(np.pi / 2 * time), np.sin(np.pi / 2 * time)
z, v = cos * x + sin * e, cos * e - sin * x

# %% [markdown]
# The network has three dense layers. Training takes about half a minute.

# %%
keras.utils.set_random_seed(0)
inputs = [keras.Input((32,)), keras.Input((1,)), keras.Input((26,))]
h = layers.Concatenate()(inputs)
for _ in range(3):
    h = layers.Dense(256, "silu")(h)
denoiser = keras.Model(inputs, layers.Dense(32)(h))

rate = keras.optimizers.schedules.CosineDecay(2e-3, len(x) // 256)
denoiser.compile(keras.optimizers.Adam(rate), loss="mse", steps_per_execution=20)
denoiser.fit([z, time, told], v, batch_size=256, verbose=0)
print(f"{denoiser.count_params():,} weights, {len(x):,} noisy codes")

# %% [markdown]
# To draw, start with noise and go back in 16 steps (`STEPS`). In each, ask for $v$, split $z$ into
# code and noise, and mix them again with a little less noise. **Guidance** moves $v$ away from the
# answer without a letter. The loop makes one Keras model, from noise and letter to image.

# %%
noise, label = keras.Input((32,)), keras.Input((26,))
z = noise
for step in range(STEPS, 0, -1):
    angle, smaller = (math.pi / 2 * s / STEPS for s in (step, step - 1))
    time = ops.full_like(noise[:, :1], step / STEPS)
    blind = denoiser([z, time, ops.zeros_like(label)])
    v = blind + 2 * (denoiser([z, time, label]) - blind)  # a guidance of 2
    code = math.cos(angle) * z - math.sin(angle) * v
    rest = math.sin(angle) * z + math.cos(angle) * v
    z = math.cos(smaller) * code + math.sin(smaller) * rest
yours = keras.Model([noise, label], ops.clip(decoder(z * deviation + mean), 0, 1))

starts, alphabet = rng.standard_normal((3, 32), "float32"), np.eye(26, dtype="float32")
made = yours([starts.repeat(26, axis=0), np.tile(alphabet, (3, 1))])
plots.plot_samples(np.asarray(made), columns=26)

# %% [markdown]
# *Three alphabets from your network; all letters of a row have one start. Look for what they share,
# such as thin strokes, and what not, such as the slant.*

# %% [markdown]
# ## The shell, not the origin
#
# A start is 32 numbers from the standard normal distribution. Its density is highest at the origin.
# **Guess:** how far from the origin is a typical start?

# %%
your_guess = 1.0
for size in (1, 2, 32, 784):
    distance = np.linalg.norm(rng.standard_normal((10_000, size)), axis=1)
    print(f"{size:3} numbers: distance {distance.mean():5.2f} +- {distance.std():.2f}", end=", ")
    print(f"between {distance.min():.2f} and {distance.max():.2f}")
print("your guess for 32:", your_guess)

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
lengths = np.linalg.norm(np.random.default_rng(1).standard_normal((10_000, 32)), axis=1)
assert lengths.min() > 2
{"shell": float(lengths.mean())}

# %% [markdown]
# In 32 dimensions draws lie in a **shell** at about 5.6<!--shell-->, nearly $\sqrt{32}$, from the
# origin. Near the origin the density is highest, but there is almost no room: a ball of half the
# radius has only $2^{-32}$ of the volume. So the start of highest density is never drawn. What
# would it give? `ready` is the network of the title picture. We shorten and lengthen three starts.

# %%
factors = np.array([0, 0.5, 1, 1.5, 2, 2.5, 3], "float32")
longer = (starts[:, None] * factors[:, None]).reshape(-1, 32)
rows = np.reshape(ready([longer, alphabet[[6] * 21]]), (3, 7, 28, 28, 1))
names = [f"{factor:g}" for factor in factors]
plots.plot_traversals(rows, labels=["", "", ""], values=names, xlabel="length of start")

# %% [markdown]
# *Look at length 0: all three starts give one plain G. At 1, in the shell, they differ. Far outside
# they break.*

# %% [markdown]
# So how do you walk between two starts? Half-way on a straight line you are at about 0.7<!--half-->
# of the radius, inside the shell. `samplers.slerp` walks on an arc, and stays in it. Take the
# middles of 200 pairs, and measure how much the letters vary.

# %%
first, last = rng.standard_normal((2, 200, 32), "float32")
arc = np.array([samplers.slerp(*pair, 0.5) for pair in zip(first, last, strict=True)], "float32")
middles = {"starts": first, "middle, straight": (first + last) / 2, "middle, arc": arc}
made = ready([np.concatenate(list(middles.values())), alphabet[[17] * 600]])
results = dict(zip(middles, np.reshape(made, (3, 200, 28, 28, 1)), strict=True))
for name, images in results.items():
    print(f"{name:17} standard deviation of a pixel {images.std(axis=0).mean():.3f}")

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
spread = {name: images.std(axis=0).mean() for name, images in results.items()}
assert spread["middle, straight"] < 0.9 * spread["starts"]
assert spread["middle, arc"] > 0.95 * spread["starts"]
radius = np.linalg.norm((first + last) / 2, axis=1).mean() / np.linalg.norm(first, axis=1).mean()
{"half": float(radius), "less": float(100 - 100 * spread["middle, straight"] / spread["starts"])}

# %% [markdown]
# The straight middles are plainer: their pixels vary 18 %<!--less--> less. On the arc, letters vary
# nearly as much as those of the starts.

# %%
corners = np.random.default_rng(0).standard_normal((60, 32), "float32")[[3, 46, 33, 35]]
steps = np.linspace(0, 1, 9)
top, bottom = ([samplers.slerp(*pair, t) for t in steps] for pair in (corners[:2], corners[2:]))
walk = [samplers.slerp(*pair, t) for t in steps for pair in zip(top, bottom, strict=True)]
plots.plot_samples(ready([np.array(walk, "float32"), alphabet[[17] * 81]]), columns=9)

# %% [markdown]
# *Walk from corner to corner: black italic, light italic, light, bold. The corners are chosen for
# contrast.*
#
# <!-- live: walk -->

# %% [markdown]
# ## Real or drawn?
#
# Half of these letters are real, from typefaces kept out of training. The others were drawn.
# **Guess** which, then open the answer.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
mix = np.random.default_rng(7)
which = mix.integers(0, 26, 16)
real = [letters.test[mix.choice(np.flatnonzero(letters.test_labels == k))] for k in which]
new = priors.sample(prior, model, 16, labels=which, guidance=2, seed=7)
order = mix.permutation(32)
plots.plot_samples(np.concatenate([real, new])[order], columns=8)

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
words = [["real", "drawn"][int(place >= 16)] for place in order]
assert words[:8] == ["drawn", "real", "real", "real", "drawn", "real", "real", "drawn"]

# %% [markdown]
# <details><summary>The answer, row by row</summary>
#
# drawn real real real drawn real real drawn<br>
# drawn drawn drawn drawn real drawn drawn real<br>
# drawn drawn real real real real drawn real<br>
# drawn real drawn drawn drawn real real real
#
# </details>
#
# ## Measure
#
# You cannot average an impression, so we use three numbers. They are computed on features, the
# inside of a small classifier of digits, as pixels punish a shifted stroke like a wrong one:
#
# - **Fréchet distance** between features of samples and of real test images: lower is better.
# - **Precision**, for quality: the share of samples that lie among real images.
# - **Recall**, for diversity: the share of real images that lie among samples.
#
# Compare priors for one autoencoder, a variational one of MNIST with 16 numbers.

# %%
classifier = keras.Sequential([keras.Input((28, 28, 1))])
for filters in (16, 32):
    classifier.add(layers.Conv2D(filters, 3, strides=2, activation="relu"))
classifier.add(layers.Flatten())
classifier.add(layers.Dense(32, "relu"))
features = keras.Sequential(classifier.layers)
classifier.add(layers.Dense(10, "softmax"))
classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
classifier.fit(digits.train, digits.train_labels, epochs=3, verbose=0)
right = classifier.evaluate(digits.validation, digits.validation_labels, verbose=0)[1]
print(f"the classifier is right on {right:.1%} of the validation digits")

# %%
vae = kerasae.load_pretrained("mnist-variational")
learned = kerasae.load_pretrained("mnist-variational-prior")
mixture = samplers.fit_mixture(kerasae.encoder(vae).predict(digits.train[:5000], verbose=0), PARTS)
classes = np.arange(COUNT) % 10
sets = {
    "real, training": digits.train[:COUNT],
    "normal distribution": samplers.sample_prior(vae, COUNT),
    f"{PARTS} Gaussians": samplers.sample_mixture(vae, mixture, COUNT),
    "diffusion": priors.sample(learned, vae, COUNT, labels=classes, steps=20),
    "guided by 3": priors.sample(learned, vae, COUNT, labels=classes, guidance=3, steps=20),
}
real = features.predict(digits.test[:COUNT], verbose=0)
scores = {}
for name, images in sets.items():
    drawn = features.predict(images, verbose=0)
    near = evaluation.sample_scores(real, drawn[: len(real)])
    scores[name] = (evaluation.frechet_distance(real, drawn), near.precision, near.recall)
    print("{:20}{:7.1f}  precision {:.2f}, recall {:.2f}".format(name, *scores[name]))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
rows = [images[:12] for name, images in sets.items()]
plots.plot_samples(np.stack(rows), labels=list(sets))

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
d, p, r = zip(*scores.values(), strict=True)
assert FAST or (d[1] > 2 * d[2] and d[1] > 2 * d[3] and p[4] > p[3] and r[4] < r[3])
{"normal": d[1], "diffused": d[3], "few": 100 * r[4], "many": 100 * r[3]}

# %% [markdown]
# *Compare the second row with the last two: some of its digits are none. The decoder is the same.*

# %% [markdown]
# This model's own prior is the normal distribution, but training matched the codes to it only in
# part: a learned prior brings the distance from 29.2<!--normal--> to 4.8<!--diffused-->. Guidance
# trades diversity for quality: recall falls from 71 %<!--many--> to 35 %<!--few-->. Its precision
# beats that of real images. That is a warning: its digits crowd where real ones are densest.
#
# Training images have the smallest distance of all. So a program that **copies** would win; look
# at nearest neighbours, as chapter 0 does.
#
# ## What can go wrong
#
# - **Showing the best samples.** Show the first ones, from a fixed seed.
# - **Comparing distances of different papers.** They depend on the features and the number.
# - **A prior for a poor decoder.** Samples are no sharper than reconstructions.
# - **Dogs.** Photographs need spatial codes ([chapter
#   20](20_vector_quantized.ipynb)) and more weights.
#
# ## Key takeaways
#
# 1. To generate, draw codes from where real codes lie. Elsewhere the decoder gives no warning.
# 2. A prior is fixed before training, as in a VAE, or learned afterwards for any autoencoder.
# 3. In many dimensions random codes lie in a shell. Walk along it.
# 4. Measure quality, diversity and copying separately.
#
# ## Exercises
#
# **1.** Predict the clean code $x$ in place of $v$. What changes in the loop?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# cleaner = keras.models.clone_model(denoiser)
# cleaner.compile(keras.optimizers.Adam(1e-3), loss="mse", steps_per_execution=20)
# noisy, share = cos * x + sin * e, np.arctan2(sin, cos) * 2 / np.pi
# cleaner.fit([noisy, share, told], x, batch_size=256, verbose=0)
#
# z = np.repeat(starts[:1], 26, axis=0)
# for step in range(STEPS, 0, -1):
#     angle, smaller = (math.pi / 2 * s / STEPS for s in (step, step - 1))
#     code = np.asarray(cleaner([z, np.full((26, 1), step / STEPS, "float32"), alphabet]))
#     rest = (z - math.cos(angle) * code) / math.sin(angle)
#     z = (math.cos(smaller) * code + math.sin(smaller) * rest).astype("float32")
# plots.plot_samples(decoder.predict(z * deviation + mean, verbose=0).clip(0, 1), columns=13)
# ```
#
# The code is the prediction itself, and the noise follows from $z$ and the code. It is not guided,
# so letters are less clean.
#
# </details>
#
# **2.** Finish a digit: keep the upper half of some test digits, and let a transformer over
# indices draw the rest.
#
# <details><summary>Solution</summary>
#
# ```python
# vq = kerasae.load_pretrained("mnist-vector-quantized")
# writer = kerasae.load_pretrained("mnist-vector-quantized-prior")
# tops = digits.test[:8]
# rows = [tops] + [priors.complete(writer, vq, tops, keep=0.5, seed=seed) for seed in range(3)]
# plots.plot_samples(np.stack(rows), labels=["original", "one way", "another", "a third"])
# ```
#
# The rest fits the upper half, but it may become another digit: the transformer was not told which.
#
# </details>
#
# **3.** Write all ten digits in the handwriting of one. `mnist-conditional` is an autoencoder that
# is told the digit, so the code only holds how it is written.
#
# <details><summary>Solution</summary>
#
# ```python
# hand = kerasae.load_pretrained("mnist-conditional")
# writers = digits.test[:5].repeat(10, axis=0)
# known = digits.test_labels[:5].repeat(10)
# as_others = samplers.change_label(hand, writers, known, np.tile(np.arange(10), 5))
# plots.plot_samples(as_others, columns=10)
# ```
#
# A row keeps slant and thickness, and the digit changes.
#
# </details>
#
# **4.** A copier takes training images and adds a little noise. Which of the three numbers does it
# fool?
#
# <details><summary>Solution</summary>
#
# ```python
# copies = digits.train[:COUNT] + rng.normal(0, 0.02, digits.train[:COUNT].shape)
# drawn = features.predict(copies.clip(0, 1), verbose=0)
# near = evaluation.sample_scores(real, drawn[: len(real)])
# print(evaluation.frechet_distance(real, drawn), near.precision, near.recall)
# ```
#
# Nearly like the first line of the table. Only the distance to the nearest training image gives it
# away.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Segmentation](13_segmentation.ipynb). More draws: [Samples](../docs/samples.md); more priors:
# [Conditions and priors](../docs/generation.md).
#
# **Papers**
#
# - J. Ho, A. Jain and P. Abbeel (2020), *Denoising Diffusion Probabilistic Models*, NeurIPS.
# - T. Salimans and J. Ho (2022), *Progressive Distillation for Fast Sampling of Diffusion Models*,
#   ICLR: predicting $v$.
# - J. Ho and T. Salimans (2021), *Classifier-Free Diffusion Guidance*, NeurIPS workshop.
# - R. Rombach and others (2022), *High-Resolution Image Synthesis with Latent Diffusion Models*,
#   CVPR.
# - P. Ghosh and others (2020), *From Variational to Deterministic Autoencoders*, ICLR: Gaussians.
# - T. Kynkäänniemi and others (2019), *Improved Precision and Recall Metric for Assessing
#   Generative Models*, NeurIPS.
# - T. White (2016), *Sampling Generative Networks*, arXiv 1609.04468: walks on an arc.
#
# Letters of free fonts ([what they are](../docs/data.md)); digits of MNIST (Y. LeCun, C. Cortes and
# C. J. C. Burges, CC BY-SA 3.0), in fast mode those of scikit-learn (E. Alpaydin and C. Kaynak, CC
# BY 4.0).
