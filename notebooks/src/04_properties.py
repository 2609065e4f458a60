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
# # Properties: data-specific, unsupervised, lossy
#
# *Section: properties.* Three words appear in most introductions to autoencoders. This chapter
# measures all three, and begins with a network that sees faces everywhere.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
STEPS, READER = (120, "digits-convolutional") if FAST else (1500, "mnist-undercomplete")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import TrainConfig, plots, train

import keras
import numpy as np

kinds = {
    "faces": kerasae.load_images("faces", image_size=28),
    "nonfaces": kerasae.load_images("nonfaces", image_size=28),
    "digits": kerasae.load_images("digits" if FAST else "mnist", image_size=28),
    "scenes": kerasae.load_images(
        "photos" if FAST else "cifar10", image_size=28, channels=1, limit=5_000
    ),
}
models = {}
for name, each in kinds.items():
    batch = 8 if len(each.train) < 200 else 64
    config = TrainConfig(
        epochs=max(1, STEPS * batch // len(each.train)),
        batch_size=batch,
        learning_rate=1e-2,
        flip=name != "digits",  # a mirrored face is a face, a mirrored digit is no digit
        jit_compile=False,
    )
    keras.utils.set_random_seed(0)
    models[name] = kerasae.build_undercomplete(
        input_shape=(28, 28, 1), code_size=32, hidden=(), loss="mse", tied=True
    )
    train(models[name], each, config, progress=False)

picks = {"faces": [0, 1], "nonfaces": [1, 2], "digits": [1, 2], "scenes": [0, 2]}
columns = np.concatenate([kinds[name].test[chosen] for name, chosen in picks.items()])
rows = {"original": columns}
for name, model in models.items():
    rows[f"trained on {name}"] = np.clip(model.predict(columns, verbose=0), 0, 1)
plots.plot_samples(np.stack(list(rows.values())), labels=list(rows))

# %% [markdown]
# *Look at the 0 in the second row: the network trained on faces sees a face in it. Four networks
# of the same design reconstruct the same test images.*

# %% [markdown]
# **You will be able to**
#
# - measure how far a network depends on its training images;
# - use codes that were learned without labels, and compare them with raw pixels and PCA;
# - compare a learned codec with PNG, zip and LZMA by file size;
# - say what it would cost to make an autoencoder lossless.
#
# ## The idea
#
# A general compressor such as zip exploits repetition in any bytes and restores them exactly. An
# autoencoder is different in three ways. It is **data-specific**: it has learned what its
# training images have in common. It is **unsupervised**: the image is its own target, so no label
# is needed. (Because of that target it is also called self-supervised.) And it is **lossy**: a
# code smaller than the image cannot hold every image.
#
# The three belong together. A network with 32 numbers for an image spends them on what varies among
# its own images, labelled or not. What varies in other ways has little place in the code.
#
# Quality is measured in decibels (PSNR): 10<!--given--> dB more is a tenth of the squared error.

# %%
import tempfile
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae_export import Codec, export_bundle
from kerasae_export.evaluation.coders import ArchiveCoder, PillowCoder

import keras
import numpy as np
from sklearn.decomposition import PCA

# %% [markdown]
# ## The networks
#
# In plain Keras (`from keras import layers`), an autoencoder looks like this.
#
# ```python
# def undercomplete(code_size=32):
#     encoder = [
#         layers.Flatten(),
#         layers.Dense(128, "relu"),
#         layers.Dense(64, "relu"),
#         layers.Dense(code_size),  # the bottleneck: 784 pixels become 32 numbers
#     ]
#     decoder = [
#         layers.Dense(64, "relu"),
#         layers.Dense(128, "relu"),
#         layers.Dense(784, "sigmoid"),  # each pixel between 0 and 1
#         layers.Reshape((28, 28, 1)),
#     ]
#     encoder, decoder = keras.Sequential(encoder), keras.Sequential(decoder)
#     model = keras.Sequential([keras.Input((28, 28, 1)), encoder, decoder])
#     model.compile("adam", loss="binary_crossentropy")
#     return model  # model.fit(images, images): the input is its own target
# ```
#
# `kerasae.build_undercomplete` builds this network from the layer sizes you give. This chapter uses
# it in two ways:
#
# - with `hidden=()`, so the four `relu` layers are gone, and no `sigmoid`: two linear layers, which
#   can become PCA at best ([chapter 6](06_undercomplete.ipynb));
# - with `hidden=(256, 128)` and squared error, trained on MNIST: it comes with the package.
#
# ## A network that sees faces
#
# There are only 72 faces to train on, so we take the linear one. With `tied=True` the decoder uses
# the encoder's weights, transposed. `kinds` holds the four data sets of the title picture and
# `models` its four networks. Each trains for about 1,500<!--given--> steps (`STEPS`).

# %%
faces = kerasae.load_images("faces", image_size=28)
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(
    input_shape=(28, 28, 1), code_size=32, hidden=(), loss="mse", tied=True
)
config = TrainConfig(epochs=STEPS * 8 // 72, batch_size=8, learning_rate=1e-2, flip=True)
train(model, faces, config, progress=False)

guests = kinds["digits"].test[:10]  # change the kind
answers = np.clip(model.predict(guests, verbose=0), 0, 1)
plots.plot_samples(np.stack([guests, answers]), labels=["shown", "answered"])

# %% [markdown]
# *Ten digits, and what the network trained on faces makes of them. Its decoder can only add up 32
# patterns. The speckle is probably left over from its random starting weights.*

# %% [markdown]
# **Your turn, half a minute:** show it `"scenes"`, `"nonfaces"` and `"faces"`. Then train with
# `code_size=4`. What happens to the digits?
#
# ## Data-specific
#
# Nonfaces are pieces of background from the same photographs as the faces. Scenes are small
# photographs of animals and vehicles. How well does each network do on each kind?

# %%
scores = {}
for column, each in kinds.items():
    unseen = each.test[:1000]
    for row, model in models.items():
        outputs = np.clip(model.predict(unseen, verbose=0), 0, 1)
        scores[row, column] = evaluation.psnr(unseen, outputs)

# %% [markdown]
# **Guess first:** which network is best on nonfaces: the one trained on nonfaces, or the one
# trained on scenes? The first has seen 72 images, the second 4,500 of another kind.

# %%
your_guess = "nonfaces"
best = max(models, key=lambda name: scores[name, "nonfaces"])
print(f"your guess: {your_guess}, {scores[your_guess, 'nonfaces']:.1f} dB")
print(f"true:       {best}, {scores[best, 'nonfaces']:.1f} dB")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import matplotlib.pyplot as plt

names = list(kinds)
matrix = np.array([[scores[row, column] for column in names] for row in names])
lost = matrix.max(axis=0) - matrix
figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
picture = axes.imshow(lost, cmap="Oranges", vmin=0, vmax=12, aspect="auto")
for i, j in np.ndindex(lost.shape):
    weight, colour = "bold" if i == j else None, "white" if lost[i, j] > 7 else plots.INK
    text = f"{matrix[i, j]:.1f} dB"
    axes.text(j, i, text, ha="center", va="center", weight=weight, color=colour)
axes.set_xticks(range(4), names)
axes.set_yticks(range(4), names)
axes.set(xlabel="tested on", ylabel="trained on")
figure.colorbar(picture, label="dB below the best of the column")
plt.show()

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert scores["faces", "faces"] > scores["nonfaces", "faces"] + 0.5
home = scores["digits", "digits"]
assert home > max(scores[name, "digits"] for name in names if name != "digits") + 1

# %% [markdown]
# *Read down a column: there the images are the same and only the network differs. The palest cell
# of a column is the best; bold marks each network on its own kind.*

# %% [markdown]
# A network trained only on digits does well on digits, and badly on everything else. The network
# trained on scenes has learned smooth areas and edges, which most photographs share. On nonfaces it
# beats the network that was trained on only a few of them, as the matrix shows. On faces the
# network trained on faces stays narrowly ahead. The networks also differ in how many images they
# saw; exercise 1 takes that apart.
#
# ## Unsupervised
#
# No labels have been used so far. What is such a code good for when labels come along later? Take
# the second network above (`READER` is `"mnist-undercomplete"`, with a code of 32 numbers), and
# give a linear classifier a few labelled images: as codes, as raw pixels, or as 32 principal
# components (PCA, from 10,000 training images).

# %%
written = kerasae.load_images("digits" if FAST else "mnist")
reader = kerasae.load_pretrained(READER)
encoder = kerasae.encoder(reader)
size = encoder.output_shape[-1]
known, unseen = (part.reshape(len(part), -1) for part in (written.train, written.test))
pca = PCA(size, random_state=0).fit(known[:10_000])
features = {
    "codes": [encoder.predict(part, verbose=0) for part in (written.train, written.test)],
    "PCA codes": [pca.transform(known), pca.transform(unseen)],
    "raw pixels": [known, unseen],
}

# %% [markdown]
# The labelled images are drawn three times, the same number of each digit. `linear_probe` scales
# all features to a standard deviation of 1. Its penalty `l2` is the same for all and fixed
# beforehand, since tuning it would take more labels.

# %%
labels, counts = written.train_labels, (10, 20, 50, 100, 200, 500, 1000)
accuracy = {name: {count: [] for count in counts} for name in features}
for count in counts:
    for draw in range(3):
        order = np.random.default_rng(draw).permutation(len(labels))
        few = np.concatenate([order[labels[order] == d][: count // 10] for d in range(10)])
        for name, (train_x, test_x) in features.items():
            error = evaluation.linear_probe(
                train_x[few], labels[few], test_x, written.test_labels, l2=0.01
            )
            accuracy[name][count].append(100 * (1 - error))
plots.plot_curves(
    accuracy, xlabel="labelled training images", ylabel="test accuracy in %", log_x=True
)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
mean = {name: {n: np.mean(values) for n, values in each.items()} for name, each in accuracy.items()}
for count in (counts[0], counts[-1]):
    values = ", ".join(f"{name} {each[count]:.1f} %" for name, each in mean.items())
    print(f"{count:,} labels: {values}")

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
lead = {count: mean["codes"][count] - mean["raw pixels"][count] for count in counts}
assert FAST or lead[10] > 0
assert FAST or lead[1000] < lead[10]

# %% [markdown]
# *Start at the left, where one image of each digit is labelled: the codes lead. The bands show
# three draws. From 20 labels on codes and pixels overlap, and on the right the lines meet.*

# %% [markdown]
# Labels have to tell the classifier which pixels matter. The code knew some of that before: with
# ten labels it is ahead. From 50 labels on the lead is small. With enough labels, the classifier
# learns this itself. PCA did worse here. (A likely reason is the scaling: it makes PCA's weak
# components as loud as the strong ones.)
#
# ## Lossy
#
# Now the bytes. `export_bundle` turns the same autoencoder into a codec. It gets 1,000 test digits,
# and so do three lossless programs: PNG as one mosaic, zip and LZMA (the method of 7z) as one
# archive. (Lossy rivals, JPEG and WebP, are in chapters [1](01_motivation.ipynb) and
# [17](17_codec.ipynb).)

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
bundle = export_bundle(reader, Path(scratch.name) / "bundle", calibration=written.train[:2000])
codec = Codec.load(bundle)
pixels = np.round(written.test[:1000] * 255).astype(np.uint8)
stream = codec.compress_many(list(pixels))
received = np.stack(codec.decompress_many(stream))

lossless = {
    "PNG": PillowCoder("PNG"),
    "zip": ArchiveCoder("zip"),
    "LZMA": ArchiveCoder("LZMA (7z)"),
}
sizes = {name: len(coder.encode_many(list(pixels))) for name, coder in lossless.items()}
sizes["autoencoder"] = len(stream)
for name, count in sizes.items():
    print(f"{name:12}{count / len(pixels):6.1f} bytes an image")
equal = np.mean((received == pixels).all(axis=(1, 2, 3)))
print(f"autoencoder: {evaluation.psnr(pixels / 255, received / 255):.1f} dB, {equal:.0%} equal")
plots.plot_reconstructions(pixels / 255, received / 255, count=9, gain=1)

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
for coder in lossless.values():
    data = coder.encode_many(list(pixels))
    back = np.stack(coder.decode_many(data, len(pixels), pixels[0].shape))
    assert np.array_equal(back, pixels)
assert sizes["autoencoder"] < min(sizes[name] for name in lossless) / 2

# %% [markdown]
# *The last row is what was lost, mostly at the edges: the middle row is blurred. The programs
# return every pixel; the autoencoder uses far fewer bytes, but none of these copies is exact.*

# %% [markdown]
# **What would lossless cost?** Send the **residual** as well, original minus reconstruction, packed
# by LZMA. The receiver adds the two. Both are whole numbers from 0 to 255. A difference below 0
# wraps around at 256, and the sum wraps back, so the pixels come back exactly.

# %%
residual = pixels - received  # uint8, modulo 256
print("exact:", np.array_equal(received + residual, pixels))
rest = len(lossless["LZMA"].encode_many(list(residual)))
print(f"LZMA alone:      {sizes['LZMA'] / len(pixels):6.1f} bytes an image")
print(f"code + residual: {(len(stream) + rest) / len(pixels):6.1f} bytes an image")

weight = sum((bundle / name).stat().st_size for name in ("decoder.tflite", "manifest.json"))
saved = (sizes["LZMA"] - len(stream)) / len(pixels)
print(f"decoder: {weight:,} bytes, paid for after about {weight / saved:,.0f} images")

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
assert np.array_equal(received + residual, pixels)
assert len(stream) + rest > sizes["LZMA"]

# %% [markdown]
# The detour costs more than twice what LZMA needs alone: this network leaves small errors nearly
# everywhere, and they are expensive to correct. That holds for this network with LZMA; networks
# made for lossless coding can beat PNG. And count the decoder: for these 1,000<!--given--> images,
# code and decoder together are about twice what LZMA needs.
#
# ## What can go wrong
#
# - **Reading the matrix along a row.** "The network of faces does better on X than on faces" may
#   only say that X is easier.
# - **Foreign images without a warning.** A network takes any image of the right shape. A much
#   larger error than on known images is a hint; on similar images, such as nonfaces, there is none.
# - **Too easy a contrast.** Digits against photographs is too easy. Faces against background of the
#   same photographs is harder: same camera, same light.
#
# ## Key takeaways
#
# 1. Data-specific: a network draws everything with what it has learned from its own images.
# 2. Trained on one narrow kind, it does badly elsewhere; trained on varied images, less so.
# 3. Unsupervised: here the autoencoder's codes helped with ten labels and scaled PCA did not; with
#    many labels the lead is gone.
# 4. Lossy: far fewer bytes than PNG, zip or LZMA once the decoder is there, and no exact copy.
# 5. Sending the residual makes this codec lossless, and its gain is gone.

# %% [markdown]
# ## Exercises
#
# **1.** Are scenes good training images because they are varied, or because they are many? Train on
# as many scenes as there are faces.
#
# <details><summary>Solution</summary>
#
# ```python
# scenes = kinds["scenes"]
# few = kerasae.Images(train=scenes.train[:72], validation=scenes.validation, test=scenes.test)
# keras.utils.set_random_seed(0)
# poor = kerasae.build_undercomplete(
#     input_shape=(28, 28, 1), code_size=32, hidden=(), loss="mse", tied=True
# )
# train(poor, few, config, progress=False)
# for name, each in kinds.items():
#     outputs = np.clip(poor.predict(each.test[:1000], verbose=0), 0, 1)
#     print(name, scores["scenes", name], evaluation.psnr(each.test[:1000], outputs))
# ```
#
# Each line gives first the network of all scenes, then the one of 72. Where they are close, the
# number of images mattered little; where the second falls behind, variety alone was not enough.
#
# </details>
#
# **2.** Pack the test images of the other kinds with LZMA. Is LZMA data-specific?
#
# <details><summary>Solution</summary>
#
# ```python
# for name, each in kinds.items():
#     unseen = np.round(each.test[:1000] * 255).astype(np.uint8)
#     print(name, len(lossless["LZMA"].encode_many(list(unseen))) / len(unseen), "of 784 bytes")
# ```
#
# The gain depends on the images, the result never does: every image comes back exactly.
#
# </details>
#
# **3.** Export the codec with `step_loss=1.0`, so that rounding the code may cost 1<!--given--> dB.
# What becomes of code, residual and their sum?
#
# <details><summary>Solution</summary>
#
# ```python
# coarse = Codec.load(
#     export_bundle(
#         reader, Path(scratch.name) / "coarse", calibration=written.train[:2000], step_loss=1.0
#     )
# )
# shorter = coarse.compress_many(list(pixels))
# again = np.stack(coarse.decompress_many(shorter))
# longer = len(lossless["LZMA"].encode_many(list(pixels - again)))
# print(len(shorter) / 1000, longer / 1000, "before:", len(stream) / 1000, rest / 1000)
# ```
#
# The code gets shorter and the residual longer: what the code leaves out, the residual must carry.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Hyperparameters](05_hyperparameters.ipynb), [evaluation](../docs/architectures.md#evaluation) and
# [the codec](../docs/codec.md).
#
# **Papers and books**
#
# - G. Alain and Y. Bengio (2016), *Understanding Intermediate Layers Using Linear Classifier
#   Probes*, arXiv 1610.01644.
# - J. Ziv and A. Lempel (1977), *A Universal Algorithm for Sequential Data Compression*, IEEE
#   Transactions on Information Theory 23: the root of zip and LZMA.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapter 14, MIT Press.
#
# Faces and nonfaces: a subset of *Labeled Faces in the Wild* (G. B. Huang, M. Mattar, H. Lee and
# E. Learned-Miller 2012) that scikit-image ships, without a stated licence, for research. MNIST:
# Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0. Scenes: CIFAR-10 (A. Krizhevsky 2009), here as
# lossy JPEG copies, in grey. Fast mode: photographs from scikit-learn and scikit-image (china by
# danielbuechele and flower by vultilion: CC BY 2.0; chelsea and coffee: CC0; astronaut and rocket:
# public domain; motorcycle: Middlebury Stereo 2014) and UCI *Optical Recognition of Handwritten
# Digits* (E. Alpaydin and C. Kaynak, CC BY 4.0).
