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
# - draw new pictures by choosing codes, and check how new they are;
# - turn an autoencoder into a codec, and say when one is worth it;
# - train one, and recognise what it cannot do.
#
# Run the cells from top to bottom, and change things: you can always start again. Everything here
# comes with the package, so nothing is downloaded. Cells that only draw a picture are folded.

# %%
import kerasae
from kerasae import evaluation, plots, samplers
from kerasae_export import Codec, export_bundle

import keras
import numpy as np
from keras import layers

# %% [markdown]
# ## A letter in 32 numbers

# %%
letters = kerasae.load_images("letters")
model = kerasae.load_pretrained("letters-convolutional")
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)

fonts = np.unique(letters.sources["test"])
one_font = letters.sources["test"] == fonts[48]  # any test font will do
alphabet = letters.test[one_font][letters.test_labels[one_font].argsort()]

letter = alphabet[:1]
code = encoder.predict(letter, verbose=0)
print("pixels", letter.size, "-> numbers", code.size)
print(code.round(1))

# %% [markdown]
# These numbers are all that the decoder gets. I try nine values for number 26 and leave the rest
# alone. (26 is a number whose change is easy to see.) How far may I go? I go three standard
# deviations each way, measured on the training letters; at the ends the letter may break. **Your
# turn:** choose another number from 0 to 31, and run the cell again. It takes a few seconds.

# %%
number = 26
codes = encoder.predict(letters.train, verbose=0)
changed = np.repeat(code, 9, axis=0)
changed[:, number] += np.linspace(-3, 3, 9) * codes[:, number].std()
plots.plot_samples(decoder.predict(changed, verbose=0).clip(0, 1))

# %% [markdown]
# *The letter in the middle is drawn from its own code. The further from the middle, the bigger the
# change to that one number.*

# %% [markdown]
# `clip` cuts values below 0 and above 1: the last layer of this network has no limit of its own.

# %% [markdown]
# ## Between two letters
#
# A code is a list of numbers, so there are codes between any two codes. **Guess first:** what is
# half-way between an A and an R?

# %%
shares = np.linspace(0, 1, 10)[:, None, None, None]
faded = (1 - shares) * alphabet[0] + shares * alphabet[17]
drawn = samplers.interpolate(model, alphabet[0], alphabet[17], steps=10)
plots.plot_samples(np.stack([faded, drawn]), labels=["pixels mixed", "codes mixed"])

# %% [markdown]
# *Compare the rows. Mixed pixels show two letters, one over the other. Mixed codes give one letter
# at a time, except in the middle: not every code between two letters is a letter.*

# %% [markdown]
# It works better between fonts. Here the letter stays, and the typeface changes. The network has
# seen neither of the two.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
g = letters.test_labels == 6
thin, bold = (letters.test[g & (letters.sources["test"] == fonts[k])][0] for k in (38, 39))
plots.plot_samples(samplers.interpolate(model, thin, bold, steps=10))

# %% [markdown]
# *On the left an extra-light G, on the right an extra-bold italic one. Between them the strokes get
# thicker, step by step.*

# %% [markdown]
# ## Letters that never were
#
# Look at the codes of all training letters as a cloud of points, describe the cloud, and draw new
# points from it. Then decode them.

# %%
mixture = samplers.fit_mixture(codes, 40, seed=0)  # 40 Gaussians together describe the cloud
invented = samplers.sample_mixture(model, mixture, 20, seed=0)

flat = letters.train.reshape(len(letters.train), -1)
nearest = [np.square(flat - picture.ravel()).sum(axis=1).argmin() for picture in invented]
rows = [invented[:10], letters.train[nearest[:10]], invented[10:], letters.train[nearest[10:]]]
plots.plot_samples(np.stack(rows), labels=["invented", "nearest training letter"] * 2)

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
unseen = letters.test[np.random.default_rng(0).choice(len(letters.test), 200, replace=False)]
many = samplers.sample_mixture(model, mixture, 200, seed=0)
gaps = {
    name: np.mean([np.square(flat - picture.ravel()).sum(axis=1).min() for picture in pictures])
    for name, pictures in (("invented", many), ("unseen", unseen))
}
{**gaps, "train": len(letters.train)}

# %% [markdown]
# *Compare each invented letter with the one below it: the nearest of 5,746<!--train--> training
# letters. Some are close to theirs; the seventh and the eighth of the first row are failures.*

# %% [markdown]
# Are they new? Measure the squared error to the nearest training letter. For 200 invented letters
# it is 22.9<!--invented--> on average, for 200 real letters of unseen fonts 20.8<!--unseen-->. On
# average they are as far from the training letters as new fonts are. But failures are far from
# everything, too, and raise the average: distance alone does not make a good letter.

# %% [markdown]
# ## Send it
#
# A code is short, so it is a compressed picture. `export_bundle` turns the network into a
# **codec**: it converts both halves for phones and browsers, with small weights
# (`scheme="dynamic"`), and looks at 1,000<!--given--> letters (`calibration`) to see how finely the
# codes must be rounded. The codec then packs the rounded codes, about a byte for each number.
# `scratch` is a temporary folder.

# %%
folder = f"{scratch.name}/letters"
export_bundle(model, folder, scheme="dynamic", calibration=letters.train[:1000])
codec = Codec.load(folder)

picture = np.round(255 * alphabet[6]).astype(np.uint8)
data = codec.compress(picture)
received = codec.decompress(data)
print(f"{picture.size} pixels, a file of {len(data)} bytes")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
from io import BytesIO
from pathlib import Path

from PIL import Image

files = {}
for kind in ("PNG", "WebP"):
    files[kind] = BytesIO()
    options = {"quality": 0} if kind == "WebP" else {}
    Image.fromarray(picture[..., 0]).save(files[kind], kind, **options)
as_webp = np.asarray(Image.open(files["WebP"]).convert("L"))[..., None]
sizes = {"kerasae": len(data)} | {kind: len(file.getvalue()) for kind, file in files.items()}
quality = {
    kind: evaluation.psnr(picture[None], drawn[None])
    for kind, drawn in (("kerasae", received), ("WebP", as_webp))
}
decoder_size = Path(folder, "decoder.tflite").stat().st_size
print(f"the same letter as PNG: {sizes['PNG']} bytes, exact")
print(f"as WebP at its lowest quality: {sizes['WebP']} bytes, {quality['WebP']:.1f} dB")
print(f"ours: {sizes['kerasae']} bytes, {quality['kerasae']:.1f} dB")
print(f"the decoder that the receiver needs, sent once: {decoder_size:,} bytes")
plots.plot_samples(np.stack([picture, received, as_webp]) / 255, columns=3)

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
{"pays": decoder_size / (sizes["WebP"] - sizes["kerasae"])}

# %% [markdown]
# *Left: what was sent. Middle: what the receiver drew from 32 bytes<!--given-->. Right: the
# smallest WebP.*

# %% [markdown]
# Our file is smaller than the smallest WebP, and nearer to the original in decibels (dB):
# 10<!--given--> dB more means ten times less squared error. But the receiver needs the decoder,
# once. Against that WebP it pays off after about 2,000<!--~pays--> letters, if each goes into a
# file of its own. Each file also carries a checksum, so nearly all damage is noticed.

# %% [markdown]
# ## Train your own
#
# This is a whole autoencoder in plain Keras. `model`, which we have used so far, has the same
# layers. It was trained for 60 epochs, with a smoother activation than `relu`, and with squared
# error and no `sigmoid` at the end.


# %% tags=["ten-lines"]
def convolutional(code_size=32, channels=1):
    encoder = [
        layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),  # 14 x 14
        layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),  # 7 x 7
        layers.Flatten(),
        layers.Dense(code_size),
    ]
    decoder = [
        layers.Dense(7 * 7 * 64, "relu"),
        layers.Reshape((7, 7, 64)),
        layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu"),  # 14 x 14
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),  # 28 x 28
    ]
    encoder, decoder = keras.Sequential(encoder), keras.Sequential(decoder)
    model = keras.Sequential([keras.Input((28, 28, channels)), encoder, decoder])
    model.compile("adam", loss="binary_crossentropy")
    return model


# %% [markdown]
# Now train it, with a code of 12 numbers. The target of each picture is the picture itself: it is
# passed twice. Six epochs (`EPOCHS`) take about half a minute.

# %%
keras.utils.set_random_seed(0)
mine = convolutional(code_size=12)
history = mine.fit(
    letters.train,
    letters.train,
    batch_size=64,
    epochs=EPOCHS,
    validation_data=(letters.validation, letters.validation),
    verbose=0,
)
plots.plot_history(history.history)

# %% [markdown]
# *Follow the orange curve, on letters that are kept out of training. Both are still falling: six
# epochs are a start.*

# %%
shown = alphabet[:10]
plots.plot_samples(
    np.stack([shown, *(m.predict(shown, verbose=0).clip(0, 1) for m in (mine, model))]),
    labels=["original", "yours, 12 numbers", "ours, 32 numbers"],
)

# %% [markdown]
# *Compare the middle row with the last. Yours are blurrier: you have fewer numbers, and trained for
# six epochs. Exercise 1 changes the code alone.*

# %% [markdown]
# **A longer code can hold more of a picture, and makes a bigger file.**
#
# ## What can go wrong
#
# **Pictures of another kind.** The network was trained on white letters on black. It draws an
# answer for anything, and gives no warning. So measure the error, as below, and compare it with
# the error of letters: that is your warning.

# %%
emoji = kerasae.load_images("emoji", channels=1, image_size=28).test[:4]
strange = np.concatenate([1 - alphabet[2:5], emoji])
for name, pictures in {"this font": alphabet, "strange": strange}.items():
    outputs = model.predict(pictures, verbose=0).clip(0, 1)
    print(f"{name}: {evaluation.psnr(pictures, outputs):.1f} dB")
plots.plot_samples(np.stack([strange, outputs]), labels=["in", "out"])

# %% [markdown]
# *Each picture below is what comes back for the one above it. You read the black letters easily;
# the network has never seen any. Its error is far above that of a new font.*

# %% [markdown]
# For photographs of anything, the network must have learned what all photographs share. kerasae has
# such a codec: it cuts a photograph into small squares, and a linear autoencoder, trained on many
# photographs, gives each square a code. Its codes, too, are rounded and packed into bytes; the
# decoder comes with the package.

# %%
from skimage.data import chelsea

photo_codec = Codec.load()
cat = chelsea()[:256, 64:448]
data = photo_codec.compress(cat, target_bytes=2000)
print(f"{cat.size:,} values, {len(data):,} bytes")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import matplotlib.pyplot as plt

as_webp = [BytesIO() for _ in range(10)]
for quality, file in enumerate(as_webp):
    Image.fromarray(cat).save(file, "WebP", quality=quality)
nearest = min(as_webp, key=lambda file: abs(len(file.getvalue()) - len(data)))
webp = np.asarray(Image.open(nearest).convert("RGB"))
ours = photo_codec.decompress(data)
figure, panels = plt.subplots(1, 3, figsize=(12, 3))
titles = ["photograph"] + [
    f"{name}, {count:,} bytes, {evaluation.psnr(cat[None], picture[None]):.1f} dB"
    for name, count, picture in (
        ("kerasae", len(data), ours),
        ("WebP", len(nearest.getvalue()), webp),
    )
]
for axes, picture, title in zip(panels, [cat, ours, webp], titles, strict=True):
    plots.show_image(axes, picture / 255)
    axes.set_title(title)
plt.show()

# %% [markdown]
# *The photograph, our file, and WebP at the quality whose file is nearest in size. Look at the eyes
# and at the fur. One photograph proves little: chapter 17 takes more.*

# %% [markdown]
# ## Key takeaways
#
# 1. An autoencoder learns to repeat its input through a short code. It needs no labels.
# 2. The decoder sees the code and nothing else. What sets a picture apart must be in the code.
# 3. Codes can be changed, mixed and drawn at random: that makes new pictures.
# 4. It works for the kind of picture it was trained on. A large error warns you of others.
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
#     other = convolutional(code_size)
#     other.fit(letters.train, letters.train, batch_size=64, epochs=EPOCHS, verbose=0)
#     outputs = other.predict(letters.test, verbose=0)
#     print(code_size, round(evaluation.psnr(letters.test, outputs), 1), "dB")
#     display(plots.plot_samples(outputs[:10]))
# ```
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
# narrow = convolutional(code_size=12)
# narrow.fit(known, known, batch_size=64, epochs=EPOCHS, verbose=0)
# q, o = (letters.test[letters.test_labels == label] for label in (16, 14))
# for name, network in {"with Q": mine, "without Q": narrow}.items():
#     answers = {"Q": network.predict(q, verbose=0), "O": network.predict(o, verbose=0)}
#     print(name, evaluation.psnr(q, answers["Q"]), evaluation.psnr(o, answers["O"]))
#     display(plots.plot_samples(np.stack([q[:8], answers["Q"][:8]])))
# ```
#
# Compare the two lines. A code of 12 numbers may lose tails of the Q even if training had Qs, so
# only the difference between the lines comes from the missing Q. A large error often marks a
# picture unlike the training data, which is how autoencoders find anomalies (chapter
# [21](21_anomaly.ipynb)).
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
