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
# # Vector-quantised codes
#
# An image as a list of words. What writes words can now write images.

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell"]
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA = {"source": "digits", "image_size": 28} if FAST else {"source": "mnist", "limit": 30_000}
PIECES, EPOCHS, SEEDS, READ, COUNT = (30, 1, 1, 1, 10) if FAST else (None, 4, 2, 2, 500)

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import kerasae
from kerasae import plots, priors

import matplotlib.pyplot as plt
import numpy as np

vq = kerasae.load_pretrained("mnist-vector-quantized")
writer = kerasae.load_pretrained("mnist-vector-quantized-prior")
encoder, decoder = kerasae.encoder(vq), kerasae.decoder(vq)
pages = priors.sample_codes(writer, 3, labels=[2, 3, 5], temperature=0.7, seed=0)
blank = np.asarray(encoder(np.zeros((1, 28, 28, 1), "float32")))

colours = plt.cm.gist_rainbow(np.random.default_rng(0).permutation(128) / 127)[:, :3]
rows = []
for page in pages:
    colour = colours[page].repeat(4, axis=0).repeat(4, axis=1)
    begun = np.stack([np.where(np.arange(7)[:, None] < n, page, blank[0]) for n in range(8)])
    pictures = np.clip(decoder(begun), 0, 1)
    shown = [np.where(np.arange(28)[:, None, None] < 4 * n, colour, 0.93) for n in range(8)]
    rows += [np.stack(shown), pictures.repeat(3, axis=-1)]
plots.plot_samples(np.stack(rows))

# %% [markdown]
# *Follow a pair of rows from left to right. Above, a language model writes words, seven at a time;
# each colour is a word. Below, a decoder draws what is written so far.*

# %% [markdown]
# **You will be able to**
#
# - read the code of an image as words of a codebook;
# - train through a step that has no slope, in one line;
# - build both quantisers, FSQ and VQ, and say which one wins;
# - train a language model over words, and let it draw.
#
# ## The idea
#
# Sender and receiver own the same numbered list of ingredients of pictures. Then an image can be
# sent as a list of numbers. A **vector-quantised autoencoder** learns such a list, the
# **codebook**. The encoder makes a small map of vectors. Each is replaced by the nearest entry of
# the codebook, and the code is the map of their numbers. We call these numbers words.

# %%
import kerasae
from kerasae import evaluation, plots, priors
from kerasae.layers import FiniteScalarQuantizer, VectorQuantizer

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers, ops
from skimage import data

# %% [markdown]
# **Your turn, a few seconds.** Put in your year of birth, or a telephone number. `temperature` says
# how daring the writer is. Try 0.3<!--given-->, then 1.5<!--given-->: expect plain digits, then
# scribbles.

# %%
number, temperature, seed = "1984", 0.7, 0

vq = kerasae.load_pretrained("mnist-vector-quantized")
writer = kerasae.load_pretrained("mnist-vector-quantized-prior")
wanted = 3 * [int(digit) for digit in number]
drawn = priors.sample(writer, vq, len(wanted), labels=wanted, temperature=temperature, seed=seed)
plots.plot_samples(drawn, columns=len(number))

# %% [markdown]
# *Three draws of each digit, the first ones, not the best.*

# %% [markdown]
# ## Forty-nine words
#
# `vq` is an autoencoder of digits with 128 entries, `writer` the language model. Look at a code,
# and change one word.

# %%
encoder, decoder = kerasae.encoder(vq), kerasae.decoder(vq)
digits = kerasae.load_images(**DATA)
image = digits.test[:1]
words = np.array(encoder(image))
print(words[0])

changed = words.copy()
changed[0, 3, 3] = 35
pictures = np.clip(decoder(np.concatenate([words, changed])), 0, 1)
plots.plot_samples(np.concatenate([image, pictures]))

# %% [markdown]
# *Left the image, in the middle what 49 words draw, right after one word was changed. Look at the
# middle of the digit: only its neighbourhood is drawn anew.*

# %% [markdown]
# That is the whole code. A word is one of 128, or seven bits: 343<!--fixed--> bits in all, in place
# of 784<!--given--> bytes. What does a word mean? Average the pixels around all places where it was
# chosen.

# %% jupyter={"source_hidden": true} tags=["hide-input"]
test = digits.test[:2000]
maps = encoder.predict(test, verbose=0)
padded = np.pad(test, ((0, 0), (4, 4), (4, 4), (0, 0)))
pieces = []
for word in np.argsort(-np.bincount(maps.ravel(), minlength=128))[:72]:
    places = np.argwhere(maps == word)[:400]
    around = [padded[n, 4 * i : 4 * i + 12, 4 * j : 4 * j + 12] for n, i, j in places]
    pieces.append(np.mean(around, axis=0) if around else np.zeros((12, 12, 1)))
plots.plot_samples(np.stack(pieces), columns=18)

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell", "numbers"]
{"fixed": 7 * words.size}

# %% [markdown]
# *Look for the beginning of a stroke, a bend, a corner. The most frequent words, each the mean
# of 12 x 12 pixels around its places: a dictionary that nobody wrote.*

# %% [markdown]
# ## Rounding has no slope
#
# Choosing an entry is a step, like rounding. Its slope is zero nearly everywhere, so no gradient
# reaches the encoder. The answer is one line: `x + ops.stop_gradient(ops.round(x) - x)`. The value
# is the rounded one, since both `x` cancel. The gradient is 1, because `stop_gradient` hides the
# bracket. This is the **straight-through** estimator.
#
# With it you need no codebook. Let the encoder make three numbers between -2 and 2 at each place,
# and round them: 5 x 5 x 5 = 125 words. That is **finite scalar quantisation** (FSQ). We train it
# for four epochs (`EPOCHS`) on pieces of photographs, 32 x 32 pixels, none of a cat.

# %%
photos = kerasae.load_images("photos", limit=PIECES)
x = photos.train.reshape(-1, 2, 32, 2, 32, 3).swapaxes(2, 3).reshape(-1, 32, 32, 3)
half = {"strides": 2, "padding": "same", "activation": "relu"}

keras.utils.set_random_seed(0)
picture = h = keras.Input((None, None, 3))
for filters in (32, 64):
    h = layers.Conv2D(filters, 3, **half)(h)
h = layers.BatchNormalization()(layers.Conv2D(3, 1)(h))  # so that all levels are in use
v = 2 * ops.tanh(h)  # three numbers between -2 and 2
q = v + ops.stop_gradient(ops.round(v) - v)  # -2, -1, 0, 1 or 2
h = layers.Conv2D(64, 3, padding="same", activation="relu")(q)
h = layers.Conv2DTranspose(32, 3, **half)(h)
fsq = keras.Model(picture, layers.Conv2DTranspose(3, 4, strides=2, padding="same")(h))

# Compiling (`jit_compile`) would take longer than it saves in nets as small as these.
rate = keras.optimizers.schedules.CosineDecay(3e-3, EPOCHS * -(-len(x) // 16))
fsq.compile(keras.optimizers.Adam(rate), loss="mse", jit_compile=False)
fsq.fit(x, x, batch_size=16, epochs=EPOCHS, verbose=0)
print(f"{fsq.count_params():,} weights, {len(x):,} pieces of photographs")

# %% [markdown]
# No layer knows the size of the picture, so it takes a photograph of 300 x 448 pixels.

# %%
cat = (data.chelsea()[None, :, :448] / 255).astype("float32")
outputs = {"original": cat, "FSQ": np.clip(fsq(cat), 0, 1)}
vectors = np.asarray(keras.Model(picture, q)(cat)).reshape(-1, 3)
kinds = np.unique(vectors.round(), axis=0)
psnr = evaluation.psnr(cat, outputs["FSQ"])
print(f"{len(vectors):,} words of {len(kinds)} kinds, {psnr:.1f} dB")

# %% [markdown]
# ## A codebook that is learned
#
# The older way, VQ-VAE, learns its entries. Two losses pull entries and vectors together; the last
# line you know.


# %% tags=["ten-lines"]
class Quantizer(layers.Layer):  # what stands between encoder and decoder of a VQ-VAE
    def __init__(self, entries=512, channels=64, commitment=0.25):
        super().__init__()
        self.codebook = self.add_weight(shape=(entries, channels), initializer="random_normal")
        self.commitment = commitment

    def call(self, x):  # (batch, rows, columns, channels)
        flat = ops.reshape(x, (-1, x.shape[-1]))
        # |x - c|^2 without |x|^2, which is the same for every entry
        products = ops.matmul(flat, ops.transpose(self.codebook))
        nearest = ops.argmin(ops.sum(self.codebook**2, axis=1) - 2 * products, axis=1)
        q = ops.reshape(ops.take(self.codebook, nearest, axis=0), ops.shape(x))
        self.add_loss(ops.mean((q - ops.stop_gradient(x)) ** 2))  # moves the entries
        self.add_loss(self.commitment * ops.mean((x - ops.stop_gradient(q)) ** 2))  # the encoder
        return x + ops.stop_gradient(q - x)  # value: q; gradient: as if it were x


# %% [markdown]
# Now the same network with 128 entries of 16 numbers. **Guess first:** how many of them will it use
# for the cat?

# %%
your_guess = 128

keras.utils.set_random_seed(0)
down = [layers.Conv2D(filters, 3, **half) for filters in (32, 64)]
code = [layers.Conv2D(16, 1), layers.BatchNormalization(), Quantizer(128, 16)]
up = [layers.Conv2D(64, 3, padding="same", activation="relu")]
up += [layers.Conv2DTranspose(32, 3, **half)]
up += [layers.Conv2DTranspose(3, 4, strides=2, padding="same")]
plain = keras.Sequential([keras.Input((None, None, 3)), *down, *code, *up])
plain.compile(keras.optimizers.Adam(rate), loss="mse", jit_compile=False)
plain.fit(x, x, batch_size=16, epochs=EPOCHS, verbose=0)

outputs["VQ"] = np.clip(plain(cat), 0, 1)
psnr_plain = evaluation.psnr(cat, outputs["VQ"])
vectors = np.asarray(keras.Sequential([*down, *code])(cat)).reshape(-1, 16)
used = np.unique(vectors.round(4), axis=0)
print(f"your guess {your_guess}, true value {len(used)}")
print(f"{psnr_plain:.1f} dB")

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell", "numbers"]
{"used": len(used), "kinds": len(kinds), "psnr": psnr, "plain": psnr_plain}

# %% [markdown]
# FSQ draws the cat with 72<!--kinds--> kinds of words at 25.6<!--psnr--> dB, the codebook with
# 51<!--used--> at 26.3<!--plain--> dB. Other pictures use others. But an entry that is nearest to
# no vector of any batch gets no gradient, so it never moves: it lies **idle**. `VectorQuantizer` of
# kerasae has two remedies.
#
# - **Running means**: an entry moves to the mean of the vectors that chose it. No loss is needed.
# - **Restarts**: an entry that is hardly ever chosen is put onto a vector of the batch.
#
# ## Which one wins?
#
# Count bits and decibels. If word $k$ has the share $p_k$, a word costs $-\sum_k p_k \log_2 p_k$
# bits on average. Two to that power is the **perplexity**: how many words are in use, so to speak.
# The same layers, pieces and epochs as above, two seeds each (`SEEDS`):

# %%
nets, table = {}, {}
for name, seed in [(name, seed) for name in ("VQ", "FSQ") for seed in range(SEEDS)]:
    keras.utils.set_random_seed(seed)
    down = [layers.Conv2D(filters, 3, **half) for filters in (32, 64)]
    down += [layers.Conv2D(16 if name == "VQ" else 3, 1), layers.BatchNormalization()]
    down += [VectorQuantizer(128) if name == "VQ" else FiniteScalarQuantizer((5, 5, 5))]
    up = [layers.Conv2D(64, 3, padding="same", activation="relu")]
    up += [layers.Conv2DTranspose(32, 3, **half)]
    up += [layers.Conv2DTranspose(3, 4, strides=2, padding="same")]
    net = nets[name] = keras.Sequential([keras.Input((None, None, 3)), *down, *up])
    net.compile(keras.optimizers.Adam(rate), loss="mse", jit_compile=False)
    net.fit(x, x, batch_size=16, epochs=EPOCHS, verbose=0)

    vectors = np.asarray(keras.Sequential(down)(cat))[0].round(4)
    _, counts = np.unique(vectors.reshape(8400, -1), axis=0, return_counts=True)
    share = counts / 8400
    bits = -(share * np.log2(share)).sum()
    table[name, seed] = bits, evaluation.psnr(cat, np.clip(net(cat), 0, 1))
    print("{:3} {:.2f} bits a word, {:.2f} dB".format(name, *table[name, seed]))

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell", "numbers"]
means = {name: np.mean([table[name, seed] for seed in range(SEEDS)], axis=0) for name in nets}
{
    "vq_bits": float(means["VQ"][0]),
    "vq": float(means["VQ"][1]),
    "fsq_bits": float(means["FSQ"][0]),
    "fsq": float(means["FSQ"][1]),
}

# %% jupyter={"source_hidden": true} tags=["hide-input"]
outputs["VQ, running means and restarts"] = np.clip(nets["VQ"](cat), 0, 1)
outputs["VQ, by losses"] = outputs["VQ"]
names = ("original", "FSQ", "VQ, by losses", "VQ, running means and restarts")
figure, panels = plt.subplots(2, 2, figsize=(9.2, 6.4), dpi=72, layout="constrained")
for axes, name in zip(panels.ravel(), names, strict=True):
    axes.imshow(outputs[name][0])
    axes.set_title(name, fontsize=11)
    axes.set_axis_off()
plt.show()

# %% [markdown]
# *Compare the eyes, whose green is lost, and the fur on the forehead. Each 4 x 4 pixels are one
# word. No training picture showed a cat.*

# %% [markdown]
# **VQ wins**, with both remedies: 27.2<!--vq--> dB against 25.8<!--fsq--> dB, for
# 4.16<!--vq_bits--> bits a word against 4.08<!--fsq_bits-->. Its entries go where the vectors are,
# while the grid of FSQ stays the same. But that is one small network, trained for a minute, with a
# small codebook. FSQ takes two lines, has nothing to learn and nothing to restart, and its paper
# finds it as good as VQ with codebooks of thousands of words. So: VQ with both remedies for a small
# codebook; for a large one FSQ, which is simpler.
#
# ## A language model over words
#
# Words at random are no text. A **prior** is a language model over them: it reads line by line and
# predicts the next word. Yours is a recurrent network (GRU) that reads 27,000 digits twice
# (`READ`).

# %%
text = encoder.predict(digits.train, verbose=0).reshape(-1, 49)
before = np.pad(text[:, :-1], ((0, 0), (1, 0)), constant_values=128)  # 128 stands for "begin"

keras.utils.set_random_seed(0)
yours = keras.Sequential([keras.Input((None,), dtype="int32")])
yours.add(layers.Embedding(129, 32))
yours.add(layers.GRU(128, return_sequences=True))
yours.add(layers.Dense(128))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
yours.compile(keras.optimizers.Adam(5e-3), loss=loss, jit_compile=False)
yours.fit(before, text, batch_size=256, epochs=READ, verbose=0)
print(f"{yours.count_params():,} weights, {text.size:,} words")

# %% [markdown]
# To draw, ask for the chances of the next word, throw dice, write it down, and go on. The network
# gives logarithms of chances; adding Gumbel noise to them and taking the largest is such a throw.

# %%
rng = np.random.default_rng(0)
page = np.full((12, 50), 128)
for place in range(49):
    chances = yours.predict_on_batch(page[:, :49])[:, place]
    page[:, place + 1] = np.argmax(chances + rng.gumbel(size=chances.shape), axis=1)

anywhere = rng.choice(maps.ravel(), (12, 7, 7))
rows = {"words at random": decoder(anywhere)}
rows["your writer"] = decoder(page[:, 1:].reshape(-1, 7, 7))
plots.plot_samples(np.clip(np.stack(list(rows.values())), 0, 1), labels=list(rows))

# %% [markdown]
# *Compare the rows. The decoder is the same. Above, words are as frequent as in real digits, but in
# no order; below, your writer puts them in order.*

# %% [markdown]
# `writer` is a transformer instead of a GRU, and has read all digits five times, in half an hour.
# How much better is it? What can be predicted need not be sent, so we count bits again. **Guess
# first:** 49 words have 343<!--fixed--> bits. How many must the transformer still send?

# %%
your_guess = 300

new = encoder.predict(digits.test[:COUNT], verbose=0)
told = np.pad(new.reshape(-1, 49)[:, :-1], ((0, 0), (1, 0)), constant_values=128)
ideal = {
    "a table for each place": priors.static_bits(text.reshape(-1, 7, 7), new, 128).mean(),
    "your writer": yours.evaluate(told, new.reshape(-1, 49), verbose=0) * 49 / np.log(2),
    "transformer": priors.bits(writer, new).mean(),
}
for name, bits in ideal.items():
    print(f"{name}: {bits:.0f} bits")
print("your guess:", your_guess)

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["remove-cell", "numbers"]
{name: float(bits) for name, bits in zip(("static", "gru", "best"), ideal.values(), strict=True)}

# %% [markdown]
# A table of how frequent each word is at each place leaves 184<!--static--> bits, your writer
# 126<!--gru--> bits, the transformer 102<!--best--> bits. The better a model predicts, the better
# it compresses.
#
# ## A digit that was only begun
#
# The transformer gets the first two lines of a real digit, 14 words, and finishes it: four times,
# with other dice.

# %%
tops = digits.test[:12]
ends = priors.complete(writer, vq, np.tile(tops, (4, 1, 1, 1)), keep=2 / 7, seed=0)
rows = np.concatenate([tops, ends]).reshape(5, 12, 28, 28, 1)
plots.plot_samples(rows, labels=["original", "1", "2", "3", "4"])

# %% [markdown]
# *Look down a column: one beginning, four ends. Where the beginning leaves it open, other digits
# come out.*

# %% [markdown]
# ## What can go wrong
#
# - **An idle codebook.** Count the entries in use, not those that you paid for.
# - **Perplexity as quality.** It only counts words. Compare decibels, too.
# - **A decoder taken too early.** `kerasae.decoder` holds a copy of the codebook. Take it after
#   training.
# - **Comparing words of two programs.** An encoder in 8<!--given--> bits sometimes chooses a
#   neighbour: another word, nearly the same picture.
#
# ## Key takeaways
#
# 1. A vector-quantised code is a map of words, the numbers of entries in a codebook.
# 2. `x + stop_gradient(q - x)` trains through a step without a slope.
# 3. At 128 words, VQ with running means and restarts beats FSQ. FSQ is simpler.
# 4. A language model over the words draws new images, finishes begun ones, and compresses.
#
# ## Exercises
#
# **1.** What does a wrong word cost? Replace every word by the second nearest.
#
# <details><summary>Solution</summary>
#
# ```python
# codebook = np.asarray(vq.get_layer("quantizer").codebook)
# vectors = kerasae.encoder(vq, tail=False).predict(digits.test[:100], verbose=0)
# apart = np.square(vectors[..., None, :] - codebook).sum(axis=-1)
# for rank in (0, 1, 2):
#     chosen = np.argsort(apart, axis=-1)[..., rank].astype("int32")
#     output = decoder.predict(chosen, verbose=0).clip(0, 1)
#     print(rank, evaluation.psnr(digits.test[:100], output))
# ```
#
# Rank 0 is the nearest: 24.1<!--given--> dB. With the second everywhere 21.6<!--given--> dB are
# left, with the third 20.0<!--given-->.
#
# </details>
#
# **2.** Build FSQ with seven numbers of two levels each, -1 and 1: 128 words. Which lines change?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# picture = h = keras.Input((None, None, 3))
# for filters in (32, 64):
#     h = layers.Conv2D(filters, 3, **half)(h)
# v = ops.tanh(layers.BatchNormalization()(layers.Conv2D(7, 1)(h)))
# q = v + ops.stop_gradient(ops.sign(v) - v)
# h = layers.Conv2D(64, 3, padding="same", activation="relu")(q)
# h = layers.Conv2DTranspose(32, 3, **half)(h)
# signs = keras.Model(picture, layers.Conv2DTranspose(3, 4, strides=2, padding="same")(h))
# signs.compile(keras.optimizers.Adam(rate), loss="mse", jit_compile=False)
# signs.fit(x, x, batch_size=16, epochs=EPOCHS, verbose=0)
# print(f"{evaluation.psnr(cat, np.clip(signs(cat), 0, 1)):.1f} dB")
# ```
#
# Three: seven numbers, `tanh` without its factor, and `sign` in place of `round`. It reaches
# 22.7<!--given--> dB: as many words, but all of them at the ends.
#
# </details>
#
# **3.** Restarts put entries onto vectors of a batch, often onto common ones. Are there twins among
# the 128 entries of VQ? Merge the closest pairs.
#
# <details><summary>Solution</summary>
#
# ```python
# net = nets["VQ"]
# codebook = ops.convert_to_numpy(net.layers[4].codebook)
# before_it = np.asarray(keras.Sequential(net.layers[:4])(cat))
# paint = keras.Sequential(net.layers[5:])
# indices = np.square(before_it[..., None, :] - codebook).sum(axis=-1).argmin(axis=-1)
# apart = np.square(codebook[:, None] - codebook).sum(axis=-1)
# apart[np.diag_indices(128)] = np.inf
# for merged in range(33):
#     if merged % 16 == 0:
#         bits = np.log2(evaluation.codebook_perplexity(indices, 128))
#         psnr = evaluation.psnr(cat, np.clip(paint(codebook[indices]), 0, 1))
#         print(f"{merged} merged: {bits:.2f} bits a word, {psnr:.2f} dB")
#     one, other = np.unravel_index(apart.argmin(), apart.shape)
#     indices[indices == other] = one
#     apart[other] = apart[:, other] = np.inf
# ```
#
# Yes: merging 16<!--given--> pairs costs 0.06<!--given--> dB. With 32<!--given--> it costs
# 0.6<!--given--> dB: those were no twins.
#
# </details>
#
# **4.** The writer can also read. Which of the ten labels makes the words of a digit cheapest?
#
# <details><summary>Solution</summary>
#
# ```python
# some = new[:100]
# cost = np.stack([priors.bits(writer, some, labels=k) for k in range(10)])
# print((cost.argmin(axis=0) == digits.test_labels[:100][: len(some)]).mean())
# ```
#
# By Bayes' rule: with ten equally likely labels, the likeliest is the one under which the words are
# cheapest. 95<!--given--> of 100<!--given--> are
# right; chance would be 10<!--given-->.
#
# </details>
#
# **5.** A page has lines: the word above is seven places back. Let your writer see it, too.
#
# <details><summary>Solution</summary>
#
# ```python
# above, told_above = (
#     np.pad(some[:, :-7], ((0, 0), (7, 0)), constant_values=128)
#     for some in (text, new.reshape(-1, 49))
# )
# keras.utils.set_random_seed(0)
# inputs = [keras.Input((None,), dtype="int32") for _ in range(2)]
# h = layers.Concatenate()([layers.Embedding(129, 32)(each) for each in inputs])
# h = layers.GRU(128, return_sequences=True)(h)
# better = keras.Model(inputs, layers.Dense(128)(h))
# better.compile(keras.optimizers.Adam(5e-3), loss=loss, jit_compile=False)
# better.fit([before, above], text, batch_size=256, epochs=READ, verbose=0)
# bits = better.evaluate([told, told_above], new.reshape(-1, 49), verbose=0) * 49 / np.log(2)
# print(f"{bits:.0f} bits")
# ```
#
# 118<!--given--> bits in place of 126. A transformer sees all words before.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Anomaly detection](21_anomaly.ipynb). More ways to quantise: [Quantisers](../docs/quantizers.md);
# more priors: [Conditions and priors](../docs/generation.md).
#
# **Papers**
#
# - Y. Bengio and others (2013), *Estimating or Propagating Gradients Through Stochastic Neurons for
#   Conditional Computation*, arXiv 1308.3432: straight through.
# - A. van den Oord and others (2017), *Neural Discrete Representation Learning*, NIPS: VQ-VAE.
# - P. Dhariwal and others (2020), *Jukebox: A Generative Model for Music*, arXiv 2005.00341:
#   restarts.
# - P. Esser and others (2021), *Taming Transformers for High-Resolution Image Synthesis*, CVPR.
# - F. Mentzer and others (2024), *Finite Scalar Quantization: VQ-VAE Made Simple*, ICLR.
#
# MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode digits of scikit-learn
# (E. Alpaydin and C. Kaynak, CC BY 4.0). Photographs of scikit-image and scikit-learn ([what they
# are](../docs/data.md)).
