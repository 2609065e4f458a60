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
# # Start here
#
# *Section: objectives.*

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import os
import tempfile

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS = 1 if FAST else 6
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")

# %% tags=["remove-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import plots

import numpy as np

letters = kerasae.load_images("letters")
model = kerasae.load_pretrained("letters-convolutional")
word, styles = "KERASAE", (39, 13, 16)
fonts = np.unique(letters.sources["test"])
rows = []
for style in styles:
    of_font = letters.sources["test"] == fonts[style]
    drawn = letters.test[of_font][letters.test_labels[of_font].argsort()]
    drawn = drawn[[ord(letter) - ord("A") for letter in word]]
    rows += [drawn, model.predict(drawn, verbose=0).clip(0, 1)]
plots.plot_samples(np.stack(rows), labels=["a font", "redrawn from 32 numbers"] * len(styles))

# %% [markdown]
# *Compare the rows in pairs. The network has never seen these fonts. It was given 32 numbers for
# each letter, and drew the letter from them.*

# %% [markdown]
# An **autoencoder** is a network that learns to describe a picture in a few numbers, and to draw
# the picture again from these numbers. Nobody tells it what a letter is. It is shown pictures, and
# compares what it draws with what it was shown.
#
# It has two halves. The **encoder** turns a picture into a short list of numbers, the **code**. The
# **decoder** turns a code into a picture. In the next few minutes you play with both. Then you send
# a letter as a file of a few bytes, and train an autoencoder of your own.
#
# **You will be able to**
#
# - say what encoder, code and decoder are, and use each of them;
# - draw new pictures by choosing codes;
# - turn an autoencoder into a codec, and say when one is worth it;
# - train one, and recognise what it cannot do.
#
# Run the cells from top to bottom, and change things: nothing can break. Everything here comes with
# the package, so nothing is downloaded.

# %%
import kerasae
from kerasae import TrainConfig, plots, samplers, train
from kerasae_export import Codec, CorruptBitstreamError, export_bundle

import keras
import numpy as np

# %% [markdown]
# ## A letter in 32 numbers

# %%
letters = kerasae.load_images("letters")
model = kerasae.load_pretrained("letters-convolutional")
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)

fonts = np.unique(letters.sources["test"])
one_font = letters.sources["test"] == fonts[48]
alphabet = letters.test[one_font][letters.test_labels[one_font].argsort()]

letter = alphabet[:1]
code = encoder.predict(letter, verbose=0)
print("pixels", letter.size, "-> numbers", code.size)
print(code.round(1))

# %% [markdown]
# These numbers are all that the decoder gets. I try nine values for number 26 and leave the rest
# alone. I picked 26 because it changes a lot, and font 48 because any test font will do: the
# network has seen none of them. At the ends I go further than any number printed above, to see
# where the letter breaks. `clip` cuts values below 0 and above 1: the last layer has no limit of
# its own. **Your turn:** choose another number from 0 to 31, and run the cell again. It takes a
# second.

# %%
changed = np.repeat(code, 9, axis=0)
changed[:, 26] += np.linspace(-12, 12, 9)
plots.plot_samples(decoder.predict(changed, verbose=0).clip(0, 1))

# %% [markdown]
# *The letter in the middle is drawn from its own code. The further from the middle, the more I
# changed one number of it.*

# %% [markdown]
# ## Between two letters
#
# A code is a list of numbers, so there are codes between any two codes. **Guess first:** what is
# half-way between an A and an R?

# %%
plots.plot_samples(samplers.interpolate(model, alphabet[0], alphabet[17], steps=10))

# %% [markdown]
# *Follow the row from left to right. In the middle both letters shine through: not every code
# between two letters is a letter.*

# %% [markdown]
# It works better between fonts. Here the letter stays, and the typeface changes. The network has
# seen neither of the two.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
g = letters.test_labels == 6
thin, bold = (letters.test[g & (letters.sources["test"] == fonts[k])][0] for k in (38, 39))
plots.plot_samples(samplers.interpolate(model, thin, bold, steps=10))

# %% [markdown]
# *On the left an extra-light G, on the right an extra-bold italic one. Between them the strokes
# get thicker and the letter leans over, step by step.*

# %% [markdown]
# ## Letters that never were
#
# Look at the codes of all training letters as a cloud of points, describe the cloud by 40 Gaussians
# (a **mixture**), and draw new points from it. Then decode them.

# %%
codes = encoder.predict(letters.train, verbose=0)
mixture = samplers.fit_mixture(codes, 40, seed=0)
plots.plot_samples(samplers.sample_mixture(model, mixture, 40, seed=0), columns=10)

# %% [markdown]
# *Forty invented letters. Change the seed for forty others. Some are failures, many look like
# letters of a font that you might have seen.*

# %% [markdown]
# ## Send it
#
# A code is short, so it is a compressed picture. `export_bundle` turns the network into a
# **codec**, and `Codec.load` opens it. Both halves are converted for phones and browsers, with
# small weights (`scheme="dynamic"`). A thousand letters (`calibration`) show how finely the codes
# must be rounded before they are packed into bytes. `scratch` is a temporary folder.

# %%
folder = f"{scratch.name}/letters"
export_bundle(model, folder, scheme="dynamic", calibration=letters.train[:1000])
codec = Codec.load(folder)

picture = np.round(255 * alphabet[6]).astype(np.uint8)
data = codec.compress(picture)
received = codec.decompress(data)
print(f"{picture.size} pixels, a file of {len(data)} bytes:", data.hex(" "))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
from io import BytesIO
from pathlib import Path

from PIL import Image

sizes = {}
for kind in ("PNG", "WebP"):
    file = BytesIO()
    Image.fromarray(picture[..., 0]).save(file, kind, **({"quality": 0} if kind == "WebP" else {}))
    sizes[kind] = len(file.getvalue())
decoder_size = Path(folder, "decoder.tflite").stat().st_size
print(
    f"the same letter as PNG: {sizes['PNG']} bytes; as WebP at its lowest quality: {sizes['WebP']}"
)
print(f"the decoder that the receiver needs, sent once: {decoder_size:,} bytes")
plots.plot_samples(np.stack([picture, received]) / 255, columns=2)

# %% [markdown]
# *Left: what was sent. Right: what the receiver drew. The whole file is printed above.*

# %% [markdown]
# The receiver needs the decoder, once. So such a codec pays off when you send many small pictures
# of one kind: here after about 2,000<!--given--> letters, if each is a file of its own, and against
# the smallest WebP, whose quality is not the same. Each file carries a checksum, so nearly all
# damage is noticed. Here I flip one bit:

# %%
damaged = bytearray(data)
damaged[8] ^= 1  # one bit

try:
    codec.decompress(bytes(damaged))
except CorruptBitstreamError as error:
    print(error)

# %% [markdown]
# ## Train your own
#
# This is a whole convolutional autoencoder in plain Keras (`from keras import layers`; [other
# architectures](../docs/ten_lines.md) are as short):
#
# ```python
# def convolutional(code_size=32, channels=1):
#     encoder = [
#         layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),  # 14 x 14
#         layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),  # 7 x 7
#         layers.Flatten(),
#         layers.Dense(code_size),
#     ]
#     decoder = [
#         layers.Dense(7 * 7 * 64, "relu"),
#         layers.Reshape((7, 7, 64)),
#         layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu"),  # 14 x 14
#         layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),  # 28 x 28
#     ]
#     encoder, decoder = keras.Sequential(encoder), keras.Sequential(decoder)
#     model = keras.Sequential([keras.Input((28, 28, channels)), encoder, decoder])
#     model.compile("adam", loss="binary_crossentropy")
#     return model
# ```
#
# `model`, which we have used so far, has the same layers. It was trained for 60 epochs, with a
# smoother activation than `relu`, with the squared error (`"mse"`), and without the `sigmoid`.
#
# You train a smaller one: `build_convolutional` builds it with 16 and 32 channels in place of 32
# and 64, and a code of 12 numbers. The target of each picture is the picture itself. `train` is
# Keras's `fit` with a learning rate that falls to zero; six epochs (`EPOCHS`) take about half a
# minute.

# %%
keras.utils.set_random_seed(0)
mine = kerasae.build_convolutional(
    input_shape=letters.image_shape, code_size=12, hidden=(16, 32), loss="mse"
)
config = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=3e-3)
history = train(mine, letters, config, progress=False)
plots.plot_history(history.history)

# %% [markdown]
# *Look at the gap: on unseen fonts the loss stays above that of the training letters. Both flatten
# as the learning rate (below) goes to zero.*

# %%
shown = alphabet[:10]
plots.plot_samples(
    np.stack([shown, *(m.predict(shown, verbose=0).clip(0, 1) for m in (mine, model))]),
    labels=["original", "yours, 12 numbers", "ours, 32 numbers"],
)

# %% [markdown]
# *Compare the middle row with the last. Yours are blurrier, for three reasons: fewer numbers, a
# smaller network, shorter training. Exercise 1 changes the code alone.*

# %% [markdown]
# **A longer code gives a sharper picture and a bigger file.**
#
# ## What can go wrong
#
# **Pictures of another kind.** The network was trained on white letters on black. It draws an
# answer for anything, and gives no warning. You get one if you compute the error, and compare it
# with the error of pictures of the kind that it knows (exercise 3).

# %%
emoji = kerasae.load_images("emoji", channels=1, image_size=28).test[:4]
strange = np.concatenate([1 - alphabet[2:5], emoji])
plots.plot_samples(
    np.stack([strange, model.predict(strange, verbose=0).clip(0, 1)]), labels=["in", "out"]
)

# %% [markdown]
# *Each picture below is what comes back for the one above it. You read the black letters easily;
# the network has never seen any. A C and a D shine through, in blots.*

# %% [markdown]
# For photographs of anything, the network must have learned what all photographs share. kerasae has
# such a codec: it cuts a photograph into small squares, and a linear autoencoder, trained on many
# photographs, gives each square a code. It packs codes into bytes as before.

# %%
from skimage.data import chelsea

photo_codec = Codec.load()
cat = chelsea()[:256, 64:448]
data = photo_codec.compress(cat, target_bytes=2000)
print(f"{cat.size:,} values, {len(data):,} bytes")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import matplotlib.pyplot as plt

as_jpeg = [BytesIO() for _ in range(1, 40)]
for quality, file in enumerate(as_jpeg, start=1):
    Image.fromarray(cat).save(file, "JPEG", quality=quality)
nearest = min(as_jpeg, key=lambda file: abs(len(file.getvalue()) - len(data)))
jpeg = np.asarray(Image.open(nearest))
figure, panels = plt.subplots(1, 3, figsize=(12, 3))
titles = ["photograph", f"kerasae, {len(data):,} bytes", f"JPEG, {len(nearest.getvalue()):,} bytes"]
for axes, picture, title in zip(
    panels, [cat, photo_codec.decompress(data), jpeg], titles, strict=True
):
    plots.show_image(axes, picture / 255)
    axes.set_title(title)
plt.show()

# %% [markdown]
# *The photograph, our file, and the smallest JPEG. Look at the eyes and at the fur. JPEG is an easy
# rival at this size: chapter 17 takes WebP and AVIF, and more photographs.*

# %% [markdown]
# ## Key takeaways
#
# 1. An autoencoder learns to repeat its input through a short code. It needs no labels.
# 2. The decoder sees the code and nothing else. What is not in the code is lost.
# 3. Codes can be changed, mixed and drawn at random: that makes new pictures.
# 4. It works for the kind of picture it was trained on. Only the error tells you about others.
#
# ## Exercises
#
# **1.** Train with `code_size=2` and with `code_size=64`. What can it still draw from two numbers?
#
# <details><summary>Solution</summary>
#
# ```python
# for code_size in (2, 64):
#     keras.utils.set_random_seed(0)
#     other = kerasae.build_convolutional(
#         input_shape=letters.image_shape, code_size=code_size, hidden=(16, 32), loss="mse"
#     )
#     train(other, letters, config, progress=False)
#     display(plots.plot_samples(other.predict(letters.test[:10], verbose=0).clip(0, 1)))
# ```
#
# From two numbers it draws blurred shapes: how much ink there is, and roughly where. With 64 the
# fonts differ, too.
#
# </details>
#
# **2.** Do arithmetic with letters. Take the code of a bold B, subtract that of a thin B, and add
# half of the difference to a thin K.
#
# <details><summary>Solution</summary>
#
# ```python
# b, k = (letters.test[letters.test_labels == label] for label in (1, 10))
# order = b.mean(axis=(1, 2, 3)).argsort()
# thin_b, bold_b, thin_k = encoder.predict(
#     np.stack([b[order[0]], b[order[-1]], k[order[0]]]), verbose=0
# )
# bolder = thin_k + 0.5 * (bold_b - thin_b)
# plots.plot_samples(decoder.predict(np.stack([thin_k, bolder]), verbose=0).clip(0, 1))
# ```
#
# The K gets bolder. One example does not prove that "bold" is a direction among the codes; try
# other letters.
#
# </details>
#
# **3.** Train without the letter Q, and look at what becomes of a Q.
#
# <details><summary>Solution</summary>
#
# ```python
# known = letters.train[letters.train_labels != 16]
# keras.utils.set_random_seed(0)
# narrow = kerasae.build_convolutional(
#     input_shape=letters.image_shape, code_size=12, hidden=(16, 32), loss="mse"
# )
# narrow.fit(known, known, batch_size=64, epochs=EPOCHS, verbose=0)
# q = letters.test[letters.test_labels == 16][:8]
# plots.plot_reconstructions(q, narrow.predict(q, verbose=0).clip(0, 1), count=8)
# ```
#
# It comes back as an O, or nearly. But a network with a code of 12 numbers that did see Q may lose
# some tails, too: compare with `mine.predict(q, verbose=0)` before you blame the missing Q. A large
# error often marks a picture unlike the training data, which is how autoencoders find anomalies
# (chapter [21](21_anomaly.ipynb)).
#
# </details>
#
# ## What to read next
#
# [Background and motivation](01_motivation.ipynb): what codes are good for, measured.
#
# **Papers**
#
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - P. Baldi (2012), *Autoencoders, Unsupervised Learning, and Deep Architectures*, PMLR 27.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapter 14, MIT Press.
#
# Data: letters of free fonts and emoji ([what they are](../docs/data.md)); the cat is a CC0
# photograph by Stéfan van der Walt, shipped with scikit-image.
