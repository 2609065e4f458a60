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
# # Background and motivation
#
# *Section: background and motivation.*

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
import os
import tempfile

scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
FAST = os.environ.get("KERASAE_FAST") == "1"
SOURCE, NAME, CODE_SIZE = "digits" if FAST else "mnist", "mnist-deep", 30
EPOCHS, LINK, CLUSTERS = (20, 9600, 30) if FAST else (5, 9600, 100)
PET_EPOCHS, PET_BATCH = (10, 16) if FAST else (3, 32)
PAIR_SOURCE, PAIR = ("digits", ("1", "8")) if FAST else ("cifar10", ("cat", "dog"))

# %% tags=["remove-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import plots

import numpy as np
from sklearn.decomposition import PCA

images = kerasae.load_images(SOURCE, image_size=28)
deep = kerasae.load_pretrained(NAME)
flat = images.train.reshape(len(images.train), -1)
shape = images.test.shape

pca = PCA(CODE_SIZE, svd_solver="full").fit(flat)
pca_codes = pca.transform(images.test.reshape(len(images.test), -1))
from_pca = np.clip(pca.inverse_transform(pca_codes).reshape(shape), 0, 1)
from_deep = np.clip(deep.predict(images.test, verbose=0), 0, 1)

one_of_each = [int(np.flatnonzero(images.test_labels == label)[4]) for label in range(10)]
plots.plot_samples(
    np.stack([pictures[one_of_each] for pictures in (images.test, from_pca, from_deep)]),
    labels=["original", f"PCA, {CODE_SIZE} numbers", f"autoencoder, {CODE_SIZE} numbers"],
)

# %% [markdown]
# *Look at the last two rows. Both were drawn from 30 numbers instead of 784 pixels. The middle row
# is PCA, the best linear method in squared error; the last row is an autoencoder.*

# %% [markdown]
# **Two problems start this subject.**
#
# 1. *You have photographs of cats and dogs, and nobody has written down which is which.* Labels
#    cost time and money; photographs are free. What can a program learn from images alone?
# 2. *You have a picture and a slow line.* Can you send something shorter, from which the receiver
#    can draw the picture again?
#
# One idea helps with both: a short list of numbers from which the image can be drawn again, called
# its **code**. An **autoencoder** is a network that learns to make such codes: it is trained to
# reproduce its own input. In this chapter you see how good that is, where it helps, and where it
# does not.
#
# **You will be able to**
#
# - compare an autoencoder with principal component analysis (PCA), the baseline you should always
#   measure first;
# - use codes to find similar images, and to name thousands of images with a hundred labels;
# - send an image over a slow line and count every byte, the decoder's too.
#
# ## Load a good autoencoder
#
# This one is deep, with layers of 1000, 500 and 250 units around a code of 30 numbers. It has
# learned from MNIST, 60,000 handwritten digits, and never saw a label. Training it takes a while,
# so we load it. Names in capitals are settings, `shape` is that of the test images, and
# `one_of_each` are the numbers of the ten digits of the title. `SOURCE` is `"mnist"`, `NAME` is
# `"mnist-deep"`.

# %%
import kerasae
from kerasae import TrainConfig, plots, train
from kerasae_export import Codec, export_bundle
from kerasae_export.comparison import compare_files

import keras
import numpy as np
from keras import layers
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

# %%
images = kerasae.load_images(SOURCE, image_size=28)
deep = kerasae.load_pretrained(NAME)
encoder, decoder = kerasae.encoder(deep), kerasae.decoder(deep)

codes = encoder.predict(images.test, verbose=0)
print("images", images.test.shape, "-> codes", codes.shape)

# %% [markdown]
# **Your turn.** Change one number of a code and draw the image again. The next cell adds 15 to
# number 0, which goes from about -18 to 19 over the test images. Try other numbers, or `-15`.

# %%
changed = codes[:10].copy()
changed[:, 0] += 15
plots.plot_samples(
    np.stack([decoder.predict(c, verbose=0) for c in (codes[:10], changed)]),
    labels=["code as it is", "number 0 plus 15"],
)

# %% [markdown]
# *Compare each digit with the one below it. Some strokes get thinner, some break, and the loops of
# the two sixes change. One number acts in many places at once.*

# %% [markdown]
# ## The baseline: PCA
#
# Principal component analysis is more than a century old. It finds the directions in which the
# images differ most and describes an image by its position along them. That is a code too, and it
# takes seconds to compute. The error is the squared difference, summed over the pixels of an image.
#
# **Guess first.** The autoencoder needs 30 numbers. How many does PCA need to be as good? Write
# your guess into the first line.

# %%
guess = 60

flat = images.train.reshape(len(images.train), -1)
test = images.test.reshape(len(images.test), -1)
pca = PCA(svd_solver="full").fit(flat)
positions = pca.transform(test)

counts = [n for n in (2, 4, 8, 15, 30, 60, 90, 120, 150, 180) if n < flat.shape[1]]
pca_error = {n: np.square(positions[:, n:]).sum(axis=1).mean() for n in counts}
rebuilt = deep.predict(images.test, verbose=0).reshape(test.shape)
deep_error = np.square(test - rebuilt).sum(axis=1).mean()

plots.plot_curves(
    {"PCA": pca_error, f"autoencoder, {CODE_SIZE} numbers": float(deep_error)},
    xlabel="numbers in the code of PCA",
    ylabel="squared error",
)

# %%
left_out = np.square(positions).mean(axis=0)[::-1].cumsum()[::-1]  # error without the rest
needed = int((left_out > deep_error).sum())
print(f"squared error with {CODE_SIZE} numbers: autoencoder {deep_error:.2f}, ", end="")
print(f"PCA {left_out[CODE_SIZE]:.2f}")
print(f"numbers that PCA needs: your guess {guess}, actual {needed}")

# %% [markdown]
# PCA can only add up fixed pictures. The autoencoder's layers are nonlinear, so it can follow
# curves: the way handwriting really varies. Without the nonlinear functions, an autoencoder can
# at best equal PCA in squared error (chapter [6](06_undercomplete.ipynb)).
#
# ## Train one yourself
#
# Here is such a network in plain Keras, smaller than ours. The input is also the target.


# %% tags=["ten-lines"]
def undercomplete(code_size=32):
    encoder = [
        layers.Flatten(),
        layers.Dense(128, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(code_size),  # the bottleneck: 784 pixels become 32 numbers
    ]
    decoder = [
        layers.Dense(64, "relu"),
        layers.Dense(128, "relu"),
        layers.Dense(784, "sigmoid"),  # each pixel between 0 and 1
        layers.Reshape((28, 28, 1)),
    ]
    encoder, decoder = keras.Sequential(encoder), keras.Sequential(decoder)
    model = keras.Sequential([keras.Input((28, 28, 1)), encoder, decoder])
    model.compile("adam", loss="binary_crossentropy")
    return model  # model.fit(images, images): the input is its own target


# %% [markdown]
# Five epochs (`EPOCHS`) take under a minute. Where will it land between the two?

# %%
keras.utils.set_random_seed(0)
mine = undercomplete(code_size=30)
mine.fit(images.train, images.train, batch_size=128, epochs=EPOCHS, verbose=0)
mine_error = np.square(test - mine.predict(test.reshape(shape), verbose=0).reshape(test.shape))
print("your autoencoder: error", round(float(mine_error.sum(axis=1).mean()), 2))

# %% [markdown]
# **Your turn:** set `code_size` to 2, then to 100, and write down the errors.
#
# Even five epochs leave PCA behind. More layers, more units and a hundred more epochs make the
# rest of the difference. Always keep PCA as the baseline: on small sets, or with too little
# training, it often wins, as chapter [5](05_hyperparameters.ipynb) shows.
#
# ## Problem one: many names from few labels
#
# Images whose codes are close should look alike. For five of the digits, here are the test images
# with the nearest codes; the other five look much the same.

# %%
distances = np.linalg.norm(codes[:, None] - codes[one_of_each][None], axis=-1)
nearest = distances.argsort(axis=0)[:10, 2:7].T
plots.plot_samples(images.test[nearest], labels=[str(label) for label in range(2, 7)])

# %% [markdown]
# *Read each row from the left: the first image is the query, then come its nine nearest
# neighbours. The network was never told what a digit is.*

# %% [markdown]
# So group the codes with k-means: it looks for 100 centres (`CLUSTERS`) and gives each code to the
# nearest one. Look at one image of each group, and say what it is. That label names the whole
# group. You look at 100 images; the program names all the others.

# %%
groups = KMeans(CLUSTERS, n_init=1, random_state=0).fit(encoder.predict(images.train, verbose=0))
centres = groups.transform(encoder.predict(images.train, verbose=0)).argmin(axis=0)
labels_you_give = images.train_labels[centres]

named = labels_you_give[groups.predict(codes)]
right = (named == images.test_labels).mean()
print(f"{CLUSTERS} labels name {len(named):,} images; {right:.1%} of them correctly")

places = pca.transform(flat)[:, :CODE_SIZE]  # the same with PCA
by_pca = KMeans(CLUSTERS, n_init=1, random_state=0).fit(places)
named = images.train_labels[by_pca.transform(places).argmin(axis=0)]
right = (named[by_pca.predict(positions[:, :CODE_SIZE])] == images.test_labels).mean()
print(f"with PCA in place of the autoencoder: {right:.1%}")

# %% [markdown]
# Labelling one image per group is enough to name more than nine in ten test images correctly. The
# codes of the autoencoder beat those of PCA here too, but the gap is smaller than for
# reconstruction.

# %% [markdown]
# **Your turn:** let your own network name them. Put `encoder = mine.layers[0]` and `codes =
# encoder.predict(images.test, verbose=0)` above that cell, and run it again.
#
# **Now cats and dogs.** The same steps, on small photographs, with a small convolutional network
# (chapter [9](09_convolutional.ipynb)).

# %%
pets = kerasae.load_images(PAIR_SOURCE).of_classes(PAIR)
keras.utils.set_random_seed(0)
model = kerasae.build_convolutional(
    input_shape=pets.image_shape, code_size=64, hidden=(32, 64), loss="mse", activation="gelu"
)
config = TrainConfig(epochs=PET_EPOCHS, batch_size=PET_BATCH, learning_rate=2e-3)
train(model, pets, config, progress=False)
pet_codes = {
    "train": kerasae.encoder(model).predict(pets.train, verbose=0),
    "test": kerasae.encoder(model).predict(pets.test, verbose=0),
}

# %%
groups = KMeans(CLUSTERS, n_init=1, random_state=0).fit(pet_codes["train"])
centres = groups.transform(pet_codes["train"]).argmin(axis=0)
named = pets.train_labels[centres][groups.predict(pet_codes["test"])]
print(f"{CLUSTERS} labels: {(named == pets.test_labels).mean():.1%} correct; a coin flip gets 50 %")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
queries = [int(np.flatnonzero(pets.test_labels == label)[k]) for k in (0, 1) for label in (0, 1)]
gaps = [np.linalg.norm(pet_codes["train"] - pet_codes["test"][q], axis=1) for q in queries]
rows = [
    np.stack([pets.test[q], *pets.train[gap.argsort()[:7]]])
    for q, gap in zip(queries, gaps, strict=True)
]
plots.plot_samples(np.stack(rows), labels=[pets.label_names[pets.test_labels[q]] for q in queries])

# %% [markdown]
# *The first image of each row is the query. The others are its neighbours, and many are the other
# animal. Colours and backgrounds are what neighbours share, more than the animal.*

# %% [markdown]
# The codes are hardly better than a coin. A likely reason: a digit's shape determines most of its
# pixels, but what makes an animal a cat covers few, and the loss barely rewards getting them right.
# One success and one failure prove no rule, only this: **codes can save labels, and you have to
# measure whether they do.**
#
# ## Problem two: the slow line
#
# A satellite modem sends 9,600<!--given--> bits a second (`LINK`). **Your own five-epoch network**,
# not the deep one, becomes a codec: `export_bundle` converts both halves for phones, and the codec
# rounds the codes and packs them (chapter [17](17_codec.ipynb) takes it apart).
#
# **Guess first:** how many bytes will one digit take? As 784 raw pixels it takes 784.

# %%
halves = tuple(mine.layers)  # encoder and decoder
folder = export_bundle(halves, f"{scratch.name}/bundle", calibration=images.train[:1000])
codec = Codec.load(folder)
digit = np.round(255 * images.test[one_of_each[3]]).astype(np.uint8)

data = codec.compress(digit)
received = codec.decompress(data)
plots.plot_journey(digit, codec.unpack(data).symbols, data, received, link=LINK)

# %% [markdown]
# *Follow the image from left to right: pixels, whole numbers, every bit of the file, and the image
# that the receiver draws. It is an easy one: the average, in the table below, is worse.*

# %% [markdown]
# Few people would send raw pixels, so compare with what they would use: 200 test digits, one file
# each, at the lowest quality that is at least as good as ours. Quality is in decibels (dB): ten
# more are a tenth of the squared error. WebP goes no lower. In files as small as these, much is
# header: on larger pictures the others gain.

# %%
pixels = list(np.round(255 * images.test[:200]).astype(np.uint8))
for entry in compare_files(pixels, codec):
    size = entry.bytes / entry.images
    print(f"{entry.codec:8} {size:6.0f} bytes {8 * size / LINK:6.3f} s {entry.psnr:6.1f} dB")
decoder_size = (folder / "decoder.tflite").stat().st_size
print(f"decoder: {decoder_size:,} bytes, sent once, {8 * decoder_size / LINK:.0f} s")

# %% [markdown]
# **Do not forget the decoder.** The receiver must have it. Against WebP it pays only after
# thousands of images (divide its bytes by the bytes saved per image), and WebP's are better. So the
# codec is for very many small images of one kind, and a receiver who accepts this quality. For a
# few large photographs take WebP, or the photo codec of chapter [0](00_start_here.ipynb).
#
# ## What can go wrong
#
# - **Counting labels.** If you choose the code size with labelled images, you have used those
#   labels, too.
# - **No baseline.** An autoencoder behind PCA may be trained badly or overfitted, have a bug, or
#   not be needed. Without PCA you would not notice.
#
# ## Key takeaways
#
# 1. A code is a short list of numbers from which an image can be drawn again.
# 2. A deep autoencoder can beat PCA by far at the same number of values. Measure both.
# 3. Codes can save labels: 100 were enough for digits, and of no use for cats and dogs.
# 4. Encode, send, decode: worth it for many small images of one kind on a slow line.
#
# ## Exercises
#
# **1.** A short code has little room for noise. Add noise to the test images and compare the output
# with the *clean* images, for PCA and for the autoencoder. Which ignores the noise better?
#
# <details><summary>Solution</summary>
#
# ```python
# noise = np.random.default_rng(0).normal(0, 0.2, test.shape).astype(np.float32)
# noisy = np.clip(test + noise, 0, 1)
# part = PCA(CODE_SIZE, svd_solver="full").fit(flat)
# outputs = {
#     "noisy": noisy,
#     "PCA": part.inverse_transform(part.transform(noisy)),
#     "autoencoder": deep.predict(noisy.reshape(shape), verbose=0).reshape(test.shape),
# }
# for name, output in outputs.items():
#     print(name, round(float(np.square(test - output).sum(axis=1).mean()), 1))
# ```
#
# Both remove part of the noise, though they were never shown any. A network that is trained for it
# does far better: chapter [14](14_denoising.ipynb).
#
# </details>
#
# **2.** How many labels do you need? Try 10, 30 and 300 groups on the digits.
#
# <details><summary>Solution</summary>
#
# ```python
# train_codes = encoder.predict(images.train, verbose=0)
# for number in (10, 30, 300):
#     k = KMeans(number, n_init=1, random_state=0).fit(train_codes)
#     names = images.train_labels[k.transform(train_codes).argmin(axis=0)]
#     print(number, (names[k.predict(codes)] == images.test_labels).mean().round(3))
# ```
#
# Ten groups are not the ten digits: some digits share one, others have two.
#
# </details>
#
# **3.** Group the raw pixels in place of the codes. (It takes a minute.)
#
# <details><summary>Solution</summary>
#
# ```python
# k = KMeans(CLUSTERS, n_init=1, random_state=0).fit(flat)
# names = images.train_labels[k.transform(flat).argmin(axis=0)]
# print((names[k.predict(test)] == images.test_labels).mean().round(3))
# ```
#
# Compare with what the chapter printed for 100 groups of codes, 92.3 %, and of PCA, about 87 %.
#
# </details>
#
# ## What to read next
#
# [Introduction](02_introduction.ipynb): how such a network learns, from the first step.
#
# **Papers**
#
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313: the deep autoencoder of this chapter.
# - P. Baldi and K. Hornik (1989), *Neural Networks and Principal Component Analysis*, Neural
#   Networks 2.
# - K. Pearson (1901), *On Lines and Planes of Closest Fit to Systems of Points in Space*.
#
# Data: MNIST (Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0); lossy copies of CIFAR-10 (A.
# Krizhevsky, 2009); in fast mode digits of the UCI set by E. Alpaydin and C. Kaynak, CC BY 4.0.
