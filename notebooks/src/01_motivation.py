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
# # Background and motivation: a cat, a dog, and no labels
#
# *Section: background and motivation.* Somebody hands you thousands of pictures of cats and dogs
# and has not written down which is which. What can a computer learn from them? And somebody at
# the end of a slow line wants to see them. Can what was learnt make them smaller? This chapter
# tries both, counts everything, and says where the answer is disappointing.
#
# **You will be able to**
#
# - say what unlabelled images can teach a network, and what they cannot;
# - get codes, neighbours and clusters from an autoencoder, and judge them with numbers;
# - tell what a few labels add, and why an autoencoder alone is no classifier;
# - count the bytes and seconds of an image on its way from a sender to a receiver, the decoder
#   included;
# - use principal component analysis (PCA) as the first answer, and as the mark to beat;
# - show that both ignore noise, and measure it without fooling yourself.
#
# ## The idea
#
# The usual way to tell cats from dogs is to show a network thousands of images, each with its
# label, and to correct it until it is right. Images are cheap. Labels are not: a person has to
# look at each image. But images alone hold a lot already. Neighbouring pixels are alike, fur has
# texture, sky is above. A short description, a **code**, that suffices to paint the image again
# must make use of all that. An autoencoder finds such a description by itself. The same
# description, sent in place of the pixels, is a compressed image: one answer to two problems.

# %%
import dataclasses
import os
import tempfile
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae_export import Codec, export_bundle
from kerasae_export.comparison import compare_files, compare_together
from kerasae_export.split import predict  # runs a model on images, batch by batch

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
SOURCE, PAIR = ("digits", ("1", "8")) if FAST else ("cifar10", ("cat", "dog"))
CODE_SIZE = 8 if FAST else 64
HIDDEN = (16, 32) if FAST else (32, 64)
BATCH, RATE = (16, 5e-3) if FAST else (32, 2e-3)
CONFIG = TrainConfig(epochs=20 if FAST else 8, batch_size=BATCH, learning_rate=RATE)

# %% [markdown]
# ## The data
#
# `of_classes` keeps two classes of a set and numbers them 0 and 1. The labels stay in the object,
# but until the section about labels they are used only to judge codes and to colour pictures.

# %%
images = kerasae.load_images(SOURCE).of_classes(PAIR)
print(images.summary())
zero, one = images.label_names
if FAST:
    origin = (
        "This is the fast mode: in place of cats and dogs there are two handwritten digits that "
        "are easily mistaken for each other at this size, 1 and 8. The story is the same, the "
        "figures are not."
    )
else:
    origin = (
        "These are the cats and dogs among *copies* of CIFAR-10. The copies were stored as JPEG, "
        "so they are not the original pixels, and figures measured on them are not figures of "
        "CIFAR-10."
    )
display(Markdown(origin))

figure, grid = plt.subplots(2, 10, figsize=(9, 2))
for axes, picture in zip(grid.flat, images.train, strict=False):
    plots.show_image(axes, picture)
plt.show()

# %% [markdown]
# *Twenty training images, as they come, without labels. Sort them into two heaps in your mind. You
# use what you know about the world; a program that has only these images does not know that
# there is anything to sort by.*

# %% [markdown]
# ## The first answer: PCA
#
# Before any network, take a method that is more than a century old. Principal component analysis
# finds the directions in which the images differ most, and describes an image by how far it goes
# in each. That is a code as well, with as many numbers as you ask for, and it takes seconds.

# %%
flat = {
    split: getattr(images, split).reshape(len(getattr(images, split)), -1)
    for split in ("train", "validation", "test")
}
shape = images.image_shape
most = min(256, len(flat["train"]) // 5, flat["train"].shape[1])
pca = PCA(
    most, svd_solver="randomized" if most < flat["train"].shape[1] else "full", random_state=0
).fit(flat["train"])

components = pca.components_[:8].reshape(8, *shape)
components = 0.5 + 0.5 * components / np.abs(components).max(axis=(1, 2, 3), keepdims=True)
figure, grid = plt.subplots(1, 9, figsize=(9, 1.4))
tiles = [pca.mean_.reshape(shape), *components]
names = ["mean", *(f"{share:.0%}" for share in pca.explained_variance_ratio_[:8])]
for axes, picture, name in zip(grid, tiles, names, strict=True):
    plots.show_image(axes, picture)
    axes.set_title(name, fontsize=9)
plt.show()

# %% [markdown]
# *The mean image and the first eight components, with their share of all variance; mid-grey
# changes nothing. The first ones are coarse, they say where it is light and where dark. None was
# asked to tell two kinds apart.*
#
# With more and more numbers of its code an image comes back better and better.

# %%
counts = [n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256) if n <= most]
example = pca.transform(flat["validation"][:1])
partial = [example[:, :n] @ pca.components_[:n] + pca.mean_ for n in counts]
figure, grid = plt.subplots(1, len(counts) + 1, figsize=(9, 1.4))
for axes, picture, name in zip(
    grid, [*partial, flat["validation"][0]], [*map(str, counts), "original"], strict=True
):
    plots.show_image(axes, picture.reshape(shape))
    axes.set_title(name, fontsize=9)
plt.show()

projected = pca.transform(flat["test"])[:, :CODE_SIZE]
pca_images = np.clip(projected @ pca.components_[:CODE_SIZE] + pca.mean_, 0, 1)
pca_images = pca_images.reshape(images.test.shape)
pca_quality = evaluation.psnr(images.test, pca_images)
mean_quality = evaluation.psnr(
    images.test, np.broadcast_to(images.train.mean(axis=0), images.test.shape)
)
assert pca_quality > mean_quality + 3

# %% [markdown]
# *One held-out image from the first 1, 2, 4, ... numbers of its code. The coarse comes first, the
# details last. Count how many numbers it takes until you know what it is.*

# %% [markdown]
# ## The autoencoder
#
# PCA adds up fixed pictures. An autoencoder may do more: its layers bend. This one has
# convolutions around a code of as many numbers as PCA gets. (Its activation, GELU, and the batch
# size were chosen by the validation loss.)

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_convolutional(
    input_shape=shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse", activation="gelu"
)
display(plots.plot_architecture(model))

# %% [markdown]
# *The network, drawn from its layers: encoder in blue, code in orange, decoder in green. The next
# chapters take it apart. Here only the waist matters.*

# %%
history = train(model, images, CONFIG, progress=False)
display(plots.plot_history(history.history))

# %% [markdown]
# *Loss of each epoch, on images that the network learns from and on others. `train` returns to the
# circled epoch.*

# %%
outputs = np.clip(predict(model, images.test), 0, 1)
quality = evaluation.psnr(images.test, outputs)
shown = slice(0, 7)
display(
    plots.plot_samples(
        np.stack([images.test[shown], pca_images[shown], outputs[shown]]),
        labels=["original", f"PCA, {CODE_SIZE}", f"autoencoder, {CODE_SIZE}"],
    )
)
assert quality > mean_quality + 2
gain = round(quality, 2) - round(pca_quality, 2)
colour = (
    ""
    if FAST
    else " Look at the colours as well: the green meadow of the first image comes back green from "
    "PCA and brown from the network."
)
verdict = (
    "The network is ahead" if gain > 0.1 else "The network is behind" if gain < -0.1 else "A draw"
)
display(
    Markdown(
        f"*Held-out images, and what {CODE_SIZE} numbers keep of them. On {len(images.test):,} "
        f"test images PCA has {pca_quality:.2f} dB, the autoencoder {quality:.2f} dB; "
        f"the mean image has {mean_quality:.2f} dB. {verdict}, by {abs(gain):.2f} dB.{colour} On "
        f"small sets and with little training PCA is a serious opponent, and it takes no tuning: "
        f"always measure it first.*"
    )
)

# %% [markdown]
# ## What the codes know: neighbours
#
# Codes can be compared. For some test images, here are the training images with the nearest codes.

# %%
encoder = kerasae.encoder(model)
codes = {
    split: predict(encoder, getattr(images, split)) for split in ("train", "validation", "test")
}
queries = [int(np.flatnonzero(images.test_labels == label)[k]) for k in (0, 1) for label in (0, 1)]
index = NearestNeighbors(n_neighbors=6).fit(codes["train"])
found = index.kneighbors(codes["test"][queries], return_distance=False)
right = [
    int((images.train_labels[row] == images.test_labels[q]).sum())
    for q, row in zip(queries, found, strict=True)
]
display(
    plots.plot_samples(
        np.stack(
            [
                np.stack([images.test[q], *images.train[row]])
                for q, row in zip(queries, found, strict=True)
            ]
        ),
        labels=[
            f"{images.label_names[images.test_labels[q]]}: {n} of 6"
            for q, n in zip(queries, right, strict=True)
        ],
    )
)
vote = evaluation.neighbourhood_accuracy(codes["test"], images.test_labels, n_neighbors=9)
display(
    Markdown(
        f"*In each row a test image, then its six neighbours; the name is that of the test "
        f"image, the number says how many neighbours share it. Neighbours look alike in shape, "
        f"tone and place. Whether they are the same kind of thing is another matter: a vote of "
        f"the nine nearest other test images names the right kind for {vote:.0%} of them, where a "
        f"coin has 50%.*"
    )
)

# %% [markdown]
# ## What the codes know: clusters
#
# Two kinds of image, so we ask k-means for two groups of codes. It is told nothing else.

# %%
groups = KMeans(2, n_init=10, random_state=0).fit(codes["train"])
members = groups.predict(codes["test"])
agreement = float((members == images.test_labels).mean())
agreement = max(agreement, 1 - agreement)
tones = [float(images.test[members == group].mean()) for group in (0, 1)]
rng = np.random.default_rng(0)
picked = [rng.choice(np.flatnonzero(members == group), 7, replace=False) for group in (0, 1)]
display(
    plots.plot_samples(
        np.stack([images.test[chosen] for chosen in picked]), labels=["group A", "group B"]
    )
)
display(
    plots.plot_codes(
        codes["test"],
        labels=images.test_labels,
        class_names=images.label_names,
        images=images.test,
        thumbnail=0.07,
    )
)
found_kinds = (
    "The groups have little to do with the two kinds"
    if agreement < 0.65
    else "The groups have something to do with the two kinds, which differ in many of their pixels"
)
display(
    Markdown(
        f"*Above: images of the two groups. Below: the codes in the plane of their two main "
        f"directions, coloured afterwards by the labels that the network never saw. The mean "
        f"tones of the groups are {255 * tones[0]:.0f} and {255 * tones[1]:.0f} of 255. With the "
        f"best naming of the groups, {agreement:.0%} of the test images are in the group of "
        f"their kind; a coin has 50%. {found_kinds}.*"
    )
)

# %% [markdown]
# That is what the training asked for. To paint an image again, the network has to know what
# covers many pixels: background, light, pose. Ears and noses are few pixels. **An autoencoder does
# not classify by itself.** It has no notion of the question, and nothing in its loss says which
# differences matter to you.
#
# ## What a few labels add
#
# Now somebody looks at a few images. With their labels, a linear classifier (logistic regression)
# is trained on the codes; the encoder stays as it is. How many labels does it take, and how far
# does it get? The same classifier on the codes of PCA stands beside it. With all labels, we also
# let the encoder learn on, from its weights as they are: `build_classifier`.

# %%
DRAWS = 10
numbers = [5, 20, 50 if FAST else 200]
pca_codes = {split: pca.transform(flat[split])[:, :CODE_SIZE] for split in ("train", "test")}
curves = {"codes of the autoencoder": codes, "codes of PCA": pca_codes}
by_class = [np.flatnonzero(images.train_labels == label) for label in (0, 1)]
draws = {
    n: [
        np.concatenate([rng.choice(rows, n, replace=False) for rows in by_class])
        for _ in range(DRAWS)
    ]
    for n in numbers
}
everyone = len(images.train) // 2
draws[everyone] = [np.arange(len(images.train))]
accuracy = {
    name: {
        n: [
            1
            - evaluation.linear_probe(
                kind["train"][rows],
                images.train_labels[rows],
                kind["test"],
                images.test_labels,
                l2=0.01,
            )
            for rows in chosen
        ]
        for n, chosen in draws.items()
    }
    for name, kind in curves.items()
}

keras.utils.set_random_seed(0)
tuned = kerasae.build_classifier(encoder, classes=2)
tuned.fit(images.train, images.train_labels, batch_size=BATCH, epochs=10 if FAST else 5, verbose=0)
with_all = tuned.evaluate(images.test, images.test_labels, verbose=0)[1]

figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
for (name, results), colour in zip(accuracy.items(), (plots.BLUE, plots.ORANGE), strict=True):
    xs = list(results)
    axes.plot(xs, [np.mean(v) for v in results.values()], "o-", color=colour, label=name)
    axes.fill_between(
        xs,
        [min(v) for v in results.values()],
        [max(v) for v in results.values()],
        color=colour,
        alpha=0.15,
        linewidth=0,
    )
axes.plot([everyone], [with_all], "s", color=plots.GREEN, label="encoder tuned with the labels")
axes.axhline(0.5, color=plots.INK, linewidth=1, linestyle="--", label="a coin")
axes.set(xscale="log", xlabel="labels of each kind (log scale)", ylabel="share right, test images")
axes.set_xticks([*numbers, everyone], [str(n) for n in [*numbers, everyone]])
axes.minorticks_off()
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
axes.spines[["top", "right"]].set_visible(False)
plt.show()
ours = {n: float(np.mean(v)) for n, v in accuracy["codes of the autoencoder"].items()}
theirs = {n: float(np.mean(v)) for n, v in accuracy["codes of PCA"].items()}
display(
    Markdown(
        f"*Mean of {DRAWS} draws of labels, the band from the worst to the best draw. All labels "
        f"can be drawn in one way only: that the bands close there says nothing. With "
        f"{numbers[0]} labels of each kind the codes tell {zero} from {one} in "
        f"{ours[numbers[0]]:.0%} of the cases, with {numbers[-1]} in {ours[numbers[-1]]:.0%}, "
        f"with all in {ours[everyone]:.0%} (PCA: {theirs[everyone]:.0%}). When all labels may "
        f"change the encoder, too, it is {with_all:.0%}.*"
    )
)
assert ours[everyone] > 0.52
assert ours[everyone] > ours[numbers[0]] - 0.02

# %% [markdown]
# Read this curve without hope or prejudice. Cats and dogs differ in details, and codes that were
# made for painting hold few of them. With a handful of labels a classifier on such codes is hardly
# better than a coin, and with all of them it is still weak. Even an encoder that all labels may
# change ends close to the codes of PCA; with this many test images a point or two may be luck.
# Where kinds differ in most of their pixels, few labels go further: with digits it is measured in
# [chapter 4](04_properties.ipynb).
#
# ## The slow line
#
# The second half of the story needs no labels at all. An image has to go over a line of 9,600 bits
# a second, as a satellite beacon or a modem of the nineties has. The sender encodes, the line
# carries the code, the receiver paints. `export_bundle` makes the codec from the trained model:
# rounding, entropy coding, a file format. See [Start here](00_start_here.ipynb) for each step.

# %%
LINK = 9600  # bits a second
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
bundle = export_bundle(model, Path(scratch.name) / "bundle", calibration=images.train)
codec = Codec.load(bundle)
pixels = np.floor(images.test * 255 + 0.5).astype(np.uint8)

chosen = queries[0]
data = codec.compress(pixels[chosen])
received = codec.decompress(data)
display(plots.plot_journey(pixels[chosen], codec.unpack(data).symbols, data, received, link=LINK))
raw = pixels[chosen].size
assert len(data) < raw / 3
display(
    Markdown(
        f"*One held-out image on its way: {raw:,} bytes of pixels, {CODE_SIZE} whole numbers, a "
        f"file of {len(data)} bytes of which every bit is drawn, and the image that is painted "
        f"from them. Over this line the pixels take {8 * raw / LINK:.2f} s, the file "
        f"{8 * len(data) / LINK:.3f} s.*"
    )
)

# %% [markdown]
# The pixels are not what anybody would send, though. PNG, JPEG and WebP exist. A fair comparison
# gives them the same images, and the lowest quality that is still as good as ours.

# %%
single = compare_files(list(pixels[:200]), codec)
together = compare_together(list(pixels[:1000]), codec)
drawn = [dataclasses.replace(entry, pictures=entry.pictures[:5]) for entry in single]
display(plots.plot_comparison(drawn, together, link=LINK))

alone = {entry.codec: entry for entry in single}
stream = {entry.codec: entry for entry in together}
size = {name: entry.bytes / entry.images for name, entry in alone.items()}
size_stream = {name: entry.bytes / entry.images for name, entry in stream.items()}
once = sum((bundle / name).stat().st_size for name in ("decoder.tflite", "manifest.json"))
saved = size["WebP"] - size["kerasae"]
assert saved > 0
break_even = int(float(f"{once / saved:.2g}"))  # two digits: the sizes are no surer than that
stream_saved = size_stream["WebP"] - size_stream["kerasae"]
stream_text = (
    f"In one stream WebP needs {size_stream['WebP']:.1f} bytes an image and ours "
    f"{size_stream['kerasae']:.1f}"
    + (
        f", and it takes about {int(float(f'{once / stream_saved:.2g}')):,} images."
        if stream_saved > 0.05
        else ": there the codec never pays."
    )
)
ahead = alone["WebP"].psnr - alone["kerasae"].psnr
finer = (
    f" WebP goes no lower: its smallest files are {ahead:.1f} dB better than ours."
    if alone["WebP"].setting == "quality 0"
    else ""
)
display(
    Markdown(
        f"*Upper part: the same images from each codec. Lower part: bytes for one image, with "
        f"the seconds on the line. One file each, PNG needs {size['PNG']:,.0f} bytes, JPEG "
        f"{size['JPEG']:,.0f}, WebP {size['WebP']:,.0f} ({alone['WebP'].psnr:.1f} dB), ours "
        f"{size['kerasae']:.0f} ({alone['kerasae'].psnr:.1f} dB).{finer}*"
    )
)
display(
    Markdown(
        f"**What the pictures do not show: the decoder.** The receiver must have it, "
        f"{once:,} bytes, which is {8 * once / LINK:.0f} s on this line. It is sent once. Against "
        f"one WebP file an image, the codec has paid for it after about {break_even:,} images. "
        f"{stream_text}"
    )
)

# %% [markdown]
# So the transfer pays where many small images of one kind go over a slow line, at a quality that is
# good enough for a first look. These images are blurred; nobody would call them photographs. For a
# few large pictures take WebP.
#
# ## Ignoring noise
#
# A code of few numbers cannot hold noise, which is different in every image. So a noisy image
# should come back with less noise. To measure it, the *noisy* image has to be the input and the
# *clean* one the yardstick. (Some well-known tutorials feed the clean image, or compare with
# the noisy one, and measure something else.)

# %%
sigma = 0.3 if FAST else 0.2
noisy = images.test + sigma * rng.standard_normal(images.test.shape).astype(np.float32)
noisy_codes = pca.transform(noisy.reshape(len(noisy), -1))[:, :CODE_SIZE]
from_pca = np.clip(noisy_codes @ pca.components_[:CODE_SIZE] + pca.mean_, 0, 1).reshape(noisy.shape)
from_model = np.clip(predict(model, noisy), 0, 1)
noise_scores = {
    "noisy image": evaluation.psnr(images.test, np.clip(noisy, 0, 1)),
    "PCA": evaluation.psnr(images.test, from_pca),
    "autoencoder": evaluation.psnr(images.test, from_model),
}
display(
    plots.plot_samples(
        np.stack([images.test[:7], np.clip(noisy[:7], 0, 1), from_pca[:7], from_model[:7]]),
        labels=["clean", *(f"{name}\n{score:.1f} dB" for name, score in noise_scores.items())],
    )
)
assert noise_scores["PCA"] > noise_scores["noisy image"] + 1
assert noise_scores["autoencoder"] > noise_scores["noisy image"]
display(
    Markdown(
        f"*Clean test images, the same with noise (standard deviation {sigma:g}), and what PCA and "
        f"the autoencoder make of the noisy ones, all compared with the clean ones. Most of the "
        f"noise is gone in both: {noise_scores['noisy image']:.1f} dB become "
        f"{noise_scores['PCA']:.1f} dB with PCA and {noise_scores['autoencoder']:.1f} dB with the "
        f"autoencoder; clean images have {pca_quality:.1f} dB and {quality:.1f} dB. "
        f"The fine details are gone, too. Neither was trained to remove noise; a network that is "
        f"trained for it does better (chapters [9](09_convolutional.ipynb) and "
        f"[14](14_denoising.ipynb)).*"
    )
)

# %% [markdown]
# ## An experiment: the code size
#
# Two more networks, which differ from ours in `code_size` only, beside the curve of PCA. The
# picture shows what there is to choose from, so it is drawn with validation images.

# %%
others = {CODE_SIZE: (model, codes)}
for code_size in (CODE_SIZE // 4, CODE_SIZE * (2 if FAST else 4)):
    keras.utils.set_random_seed(0)
    other = kerasae.build_convolutional(
        input_shape=shape, code_size=code_size, hidden=HIDDEN, loss="mse", activation="gelu"
    )
    train(other, images, CONFIG, progress=False)
    half = kerasae.encoder(other)
    others[code_size] = (
        other,
        {split: predict(half, getattr(images, split)) for split in ("train", "validation")},
    )
sizes = sorted(others)
held_out = pca.transform(flat["validation"])
pca_curve = {
    n: evaluation.psnr(
        images.validation,
        np.clip(held_out[:, :n] @ pca.components_[:n] + pca.mean_, 0, 1).reshape(-1, *shape),
    )
    for n in counts
}
ae_curve = {
    n: evaluation.psnr(images.validation, np.clip(predict(others[n][0], images.validation), 0, 1))
    for n in sizes
}
probes = {
    n: 1
    - evaluation.linear_probe(
        others[n][1]["train"],
        images.train_labels,
        others[n][1]["validation"],
        images.validation_labels,
        l2=0.01,
    )
    for n in sizes
}
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.plot(list(pca_curve), list(pca_curve.values()), "o-", color=plots.ORANGE, label="PCA")
axes.plot(sizes, [ae_curve[n] for n in sizes], "s-", color=plots.BLUE, label="autoencoder")
axes.set(xscale="log", xlabel="numbers in the code (log scale)", ylabel="PSNR in dB, validation")
axes.set_xticks(counts, [str(n) for n in counts])
axes.minorticks_off()
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
behind = {n: round(pca_curve[n], 2) - round(ae_curve[n], 2) for n in sizes}
rows = "\n".join(
    f"| {n} | {pca_curve[n]:.2f} | {ae_curve[n]:.2f} | {behind[n]:.2f} | {probes[n]:.0%} |"
    for n in sizes
)
display(
    Markdown(
        f"| code size | PCA, dB | autoencoder, dB | PCA ahead by, dB | share right, validation |\n"
        f"|---|---|---|---|---|\n{rows}"
    )
)
assert FAST or min(behind.values()) > 0
assert ae_curve[sizes[0]] < ae_curve[sizes[-1]]
assert pca_curve[sizes[0]] < pca_curve[sizes[-1]]

# %% [markdown]
# *Quality over the size of the code. More numbers, better pictures, for both. In the full run PCA
# is ahead at every size: by little up to 64 numbers, by much with 256. There the network does not
# keep up; most likely its training is too short. PCA would be exact with as many numbers as an
# image has values. The last column is the share of validation images that a linear classifier on
# the code of the autoencoder, trained with all labels, names rightly.*

# %% [markdown]
# ## What can go wrong
#
# **Believing that clusters are classes.** k-means always finds groups. That you hoped for cats and
# dogs does not make them so. Colour a plot by labels only to check.
#
# **Counting labels twice.** If you choose the regularisation, the layer or the epochs by labelled
# validation images, these labels have been used, too. "Ten labels" that were tuned on a thousand
# are a thousand and ten. Here one strength was fixed beforehand.
#
# **Forgetting the decoder, the container, or the quality.** A ratio like "75 to 1" against raw
# pixels says nothing. Count the frame of every file and the decoder, and compare at the same
# quality with what people would use otherwise.
#
# **No baseline.** An autoencoder that is behind PCA with as many numbers is not trained enough, or
# not needed. In the full run that is true of the network of this chapter: whoever wants nothing but
# these pictures should take PCA. Eight epochs on a few thousand images are little; more epochs,
# more images and a larger network are what to try. That networks can get ahead of PCA is shown in
# chapters [5](05_hyperparameters.ipynb) and [6](06_undercomplete.ipynb), on digits.

# %% [markdown]
# ## Key takeaways
#
# 1. Images without labels are enough to learn codes, neighbours and compression.
# 2. They are not enough to classify. Codes hold what covers many pixels; classes may hang on few.
# 3. A few labels on top of codes do not go far where kinds differ in details, as cats and dogs do.
#    Where they differ in most pixels it is another matter: see [chapter 4](04_properties.ipynb).
# 4. Encode, send, rebuild: worth it for many small images of one kind over a slow line, with the
#    decoder counted.
# 5. PCA is the first answer to all of this. Measure it beside every autoencoder.
# 6. Codes that are short ignore noise, and fine details with it.

# %% [markdown]
# ## Exercises
#
# **1.** How many components does PCA need for the PSNR of the autoencoder?
#
# <details><summary>Solution</summary>
#
# ```python
# target = ae_curve[CODE_SIZE]
# for n in range(1, most + 1):
#     rebuilt = np.clip(held_out[:, :n] @ pca.components_[:n] + pca.mean_, 0, 1)
#     if evaluation.psnr(images.validation, rebuilt.reshape(-1, *shape)) >= target:
#         break
# print(n, "components,", CODE_SIZE, "numbers in the code")
# ```
#
# The ratio of the two is what the bends in the layers are worth here: below 1, they cost more than
# they brought.
#
# </details>
#
# **2.** Try a pair that is easier, or at least differs in its background: airplane and truck, or
# the digits 0 and 1. How well do k-means groups agree with the labels now?
#
# <details><summary>Solution</summary>
#
# ```python
# easy = kerasae.load_images(SOURCE).of_classes(("0", "1") if FAST else ("airplane", "truck"))
# keras.utils.set_random_seed(0)
# easy_model = kerasae.build_convolutional(
#     input_shape=shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse", activation="gelu"
# )
# train(easy_model, easy, CONFIG, progress=False)
# easy_codes = predict(kerasae.encoder(easy_model), easy.test)
# easy_groups = KMeans(2, n_init=10, random_state=0).fit_predict(easy_codes)
# share = (easy_groups == easy.test_labels).mean()
# print(f"{max(share, 1 - share):.0%}, before {agreement:.0%}")
# ```
#
# Whatever comes out, it says how far the two kinds differ in what covers many pixels, and nothing
# about how clever the network is.
#
# </details>
#
# **3.** Measure the noise section in the wrong way: compare the reconstruction of noisy images with
# the noisy images. What would you conclude?
#
# <details><summary>Solution</summary>
#
# ```python
# wrong = evaluation.psnr(np.clip(noisy, 0, 1), from_model)
# print(f"{wrong:.1f} dB against the noisy images, {noise_scores['autoencoder']:.1f} dB in truth")
# ```
#
# The number is low, for a good reason: the noise is missing in the output. Whoever takes it for
# the quality would train until the noise comes back, too.
#
# </details>
#
# **4.** After how many images has the decoder been paid for if the line is twice as fast?
#
# <details><summary>Solution</summary>
#
# ```python
# for link in (LINK, 2 * LINK):
#     print(link, "about", break_even, "images,", f"{8 * once / link:.1f} s for the decoder")
# ```
#
# The same number: both sides of the account are bytes. Only the seconds shrink. On a fast line
# nobody waits, and the effort is better spent elsewhere.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Introduction](02_introduction.ipynb): how such a network is trained, from the first step.
# - [Structures](03_structures.ipynb): what happens in each layer.
# - [`build_convolutional`](../kerasae/builders/convolutional.py) and
#   [`build_classifier`](../kerasae/applications/classification.py): the models of this chapter.
#
# **Papers and books**
#
# - K. Pearson (1901), *On Lines and Planes of Closest Fit to Systems of Points in Space*,
#   Philosophical Magazine 2: PCA.
# - P. Baldi and K. Hornik (1989), *Neural Networks and Principal Component Analysis: Learning from
#   Examples Without Local Minima*, Neural Networks 2: a linear autoencoder is PCA.
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313: where deep autoencoders leave PCA behind.
# - P. Baldi (2012), *Autoencoders, Unsupervised Learning, and Deep Architectures*, Proceedings of
#   Machine Learning Research 27.
# - A. Krizhevsky (2009), *Learning Multiple Layers of Features from Tiny Images*, technical report,
#   University of Toronto: CIFAR-10, of which the full run uses lossy copies.
#
# In fast mode the digits are a copy of the test set of the UCI *Optical Recognition of Handwritten
# Digits* data set (E. Alpaydin and C. Kaynak, CC BY 4.0), as shipped with scikit-learn.
