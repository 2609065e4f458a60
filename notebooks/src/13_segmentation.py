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
# # Semantic segmentation
#
# A photograph of a street goes in, and each pixel gets a name: road, car, pedestrian. The network
# has the shape of an autoencoder, but it learns from labels.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA, SIZE = ("streets", (48, 64)) if FAST else ("camvid", (180, 240))
LIMIT, EPOCHS, SEEDS, SHORT = (48, 1, 1, 1) if FAST else (None, 3, 3, 4)
JIT = False if FAST else None  # None: as it is faster
SHOWN, SCENE = ([8, 24, 40], 24) if FAST else ([24, 120, 192], 192)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
from pathlib import Path

import kerasae
from kerasae import plots

import keras
import matplotlib.pyplot as plt
from IPython.display import display

full = kerasae.load_images(DATA, image_size=SIZE, limit=LIMIT)
names, ignored = full.label_names, full.ignored_class
if FAST:  # drawn streets, for which no trained network is shipped: an untrained one
    keras.utils.set_random_seed(0)
    network = kerasae.build_segmentation(
        input_shape=full.image_shape, classes=full.classes, ignored_class=ignored, hidden=(8, 16)
    )
else:
    network = keras.saving.load_model(Path("models") / "street_scenes.keras")
found = network.predict(full.test, batch_size=8, verbose=0).argmax(-1)
figure = plots.plot_segmentations(
    full.test[SHOWN], full.test_labels[SHOWN], found[SHOWN], names=names, ignored_class=ignored
)
figure.set_dpi(60)
display(figure)

# %% [markdown]
# *Compare the last two rows: what people marked, and what the network says about photographs that
# it has never seen. Hatched pixels have no label.*

# %% [markdown]
# **You will be able to**
#
# - turn an encoder and a decoder into a network that names each pixel;
# - show what the code knows and what the skips know, by cutting them off;
# - say what pixel accuracy hides, and what a mean over classes hides;
# - compare kinds of skips at equal weights, over several seeds;
# - give rare classes more weight, and name the price.

# %%
import dataclasses

import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import numpy as np
from IPython.display import display
from keras import layers

# %% [markdown]
# **Your turn, two seconds.** It gets dark: `light = 0.3` multiplies all pixels of a test picture by
# 0.3<!--given-->. You would still see the street. Run the cell, then search upwards for the value
# at which the road comes back.

# %%
light = 0.3

scene, truth = full.test[[SCENE, SCENE]], full.test_labels[[SCENE, SCENE]]
scene = scene * np.array([1, light], "float32")[:, None, None, None]
answer = network.predict(scene, verbose=0).argmax(-1)
right = [(a == t)[t != ignored].mean() for a, t in zip(answer, truth, strict=True)]
print(f"right pixels: {100 * right[0]:.0f} % as filmed, {100 * right[1]:.0f} % in the dark")
plots.plot_segmentations(scene, truth, answer, names=names, ignored_class=ignored)

# %% [markdown]
# *Compare the last row, left and right. In the dark every pixel still gets a name. No name on the
# map warns you.*

# %% [markdown]
# ## The code knows what, the skips know where
#
# The encoder halves the picture stage by stage. One position of the small code sees a large part of
# the scene, enough to tell a road from a grey wall. But a pole two pixels wide does not survive
# four halvings. So the decoder also gets **skips**: the encoder's maps at each larger size.
#
# You can test this by cutting. The encoder of our network returns the code and the skips, and the
# decoder takes both. Replace one of them by its mean over pictures and positions, and it says
# nothing about the picture any more. **Guess first:** what will the decoder draw from the code
# alone? And from the skips alone?

# %%
encoder, decoder = network.get_layer("encoder"), network.get_layer("decoder")
some = slice(None, None, 8)
code, *skips = encoder.predict(full.test[some], batch_size=8, verbose=0)
no_code = np.broadcast_to(code.mean(axis=(0, 1, 2)), code.shape)
no_skips = [np.broadcast_to(maps.mean(axis=(0, 1, 2)), maps.shape) for maps in skips]
given = {"code and skips": [code, *skips]}
given |= {"code only": [code, *no_skips], "skips only": [no_code, *skips]}
cut, cut_right = {}, {}
for name, parts in given.items():
    cut[name] = decoder.predict(parts, batch_size=8, verbose=0).argmax(-1)
    counted = full.test_labels[some] != ignored
    cut_right[name] = 100 * (cut[name] == full.test_labels[some])[counted].mean()
    print(f"{name:15} {cut_right[name]:.0f} % of the pixels are right")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
at = np.array(SHOWN) // 8
figure = plots.plot_segmentations(
    full.test[SHOWN], cut["code only"][at], cut["skips only"][at], names=names
)
for axes, name in zip(figure.axes[::3], ("photograph", "code only", "skips only"), strict=True):
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
figure.set_dpi(60)
display(figure)

# %% [markdown]
# *Middle: from the code alone, soft patches, with a car too many and hardly any sky. Below: from
# the skips alone, sharp outlines, and names that often make no sense.*

# %% [markdown]
# These are cuts in a network that was trained with all of its parts. They show what it relies on:
# the code alone is wrong more often than a model, below, that never looks. What a network can learn
# without skips comes below.
#
# ## The network in plain Keras
#
# The last layer gives each pixel a score for each class, and the largest score wins. This is a
# small **U-Net**: its decoder puts the encoder's maps beside its own (`Concatenate`).


# %% tags=["ten-lines"]
def segmentation(classes=8):  # of colour images, 64 x 96, without batch normalisation
    def block(x, filters):
        return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)

    image = x = keras.Input((64, 96, 3))
    skips = []
    for filters in (16, 32):
        x = block(x, filters)
        skips.append(x)  # kept for the decoder: where the edges are
        x = layers.MaxPooling2D(2)(x)
    x = block(x, 64)  # what is there
    for filters in (32, 16):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = layers.Concatenate()([x, skips.pop()])
        x = block(x, filters)
    model = keras.Model(image, layers.Conv2D(classes, 1)(x))  # a score for each class and pixel
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model  # model.fit(images, labels)


# %% [markdown]
# CamVid has 701 pictures, filmed from a car in Cambridge, in 11 classes. Our network saw them at
# 180 x 240 pixels, with wider layers, for an hour. Yours gets 64 x 96 and half a minute. Labels are
# needed here: `fit` takes images *and* classes. Pixels without a label have the class `ignored`,
# and count nowhere.

# %%
small = kerasae.load_images(DATA, image_size=(64, 96), limit=LIMIT)
keras.utils.set_random_seed(0)
yours = segmentation(classes=small.classes)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored)
yours.compile(keras.optimizers.Adam(3e-3), loss)
yours.fit(small.train, small.train_labels, batch_size=8, epochs=EPOCHS, verbose=0)
your_answer = yours.predict(small.test, verbose=0).argmax(-1)

# %% [markdown]
# ## What a score hides
#
# **Pixel accuracy** is the share of pixels with the right name. As a baseline, take a model that
# never looks: at each position of the picture it says the class that is most frequent there in the
# training pictures. **Guess first:** what share of the test pixels does it name rightly?

# %%
your_guess = 20  # percent

often = np.stack([np.mean(small.train_labels == c, axis=0) for c in range(small.classes)])
blind = np.broadcast_to(often.argmax(axis=0), small.test_labels.shape)
scores = {
    name: evaluation.segmentation_scores(truth, x, full.classes, ignored)
    for name, truth, x in (
        ("never looks", small.test_labels, blind),
        ("yours", small.test_labels, your_answer),
        ("the title's", full.test_labels, found),
    )
}
print(f"your guess {your_guess} %, true {100 * scores['never looks'].global_accuracy:.0f} %")

# %% [markdown]
# For each class, **intersection over union** (IoU) counts the pixels that are labelled *and*
# predicted so, and divides by those that are either. The mean over classes is **mIoU**. There a
# pedestrian weighs as much as the road.

# %%
for name, score in scores.items():
    accuracy, mean = 100 * score.global_accuracy, 100 * score.mean_iou
    print(f"{name:12} pixel accuracy {accuracy:.1f} %, mIoU {mean:.1f} %")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
best, rank = scores["the title's"], np.argsort(scores["the title's"].iou)
share = np.array([np.mean(full.test_labels[full.test_labels != ignored] == c) for c in rank])
figure, (axes, areas) = plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=[2, 1], sharey=True)
axes.barh(range(len(rank)), np.array(best.iou)[rank], color=plots.BLUE)
axes.plot(np.array(scores["never looks"].iou)[rank], range(len(rank)), "|", color="black", ms=12)
axes.axvline(best.mean_iou, color=plots.MUTED, linestyle="--")
axes.set_yticks(range(len(rank)), [names[c] for c in rank])
axes.set(xlabel="IoU on the test pictures", xlim=(0, 1))
areas.barh(range(len(rank)), 100 * share, color=plots.MUTED)
areas.set(xlabel="share of the pixels in %")
for panel in (axes, areas):
    panel.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
plt.show()

# %% [markdown]
# *Bars: our network. Black ticks: the model that never looks. Dashed: the mIoU. On the right, how
# many pixels a class has.*

# %% [markdown]
# The model that never looks names 59.9<!--blind--> % of the pixels rightly, because the sky is
# above and the road below. Its mIoU is 16.7<!--blind_miou--> %: it finds no pole, no pedestrian.
# Yours, after half a minute, is hardly better. The network of the title reaches 83.0<!--title--> %
# and 49.8<!--title_miou--> %. The second number shows the difference, but hides something, too: it
# is a mean of eleven classes, from 91<!--iou_best--> % for sky to 14<!--iou_worst--> % for fence.
#
# ## Rare classes, and three kinds of skips
#
# Road has 109<!--ratio--> times as many pixels as bicyclist. **Median-frequency weights** multiply
# the loss of a pixel by more, the rarer its class is. And there are three kinds of skips: none;
# U-Net's maps; and the **pooling masks** of SegNet, which tell the decoder only *where* in each 2 x
# 2 window the maximum was, two bits in place of a number.
#
# Compare fairly. All networks get about as many weights, and each is trained with three seeds
# (`SEEDS`), on pictures of 48 x 64 pixels, for four epochs (`SHORT`). That is short, so read
# differences, not heights. The judges are validation pictures.

# %%
tiny = kerasae.load_images(DATA, image_size=(48, 64), limit=LIMIT)
weights = evaluation.median_frequency_weights(tiny.train_labels, tiny.classes, ignored)
variants = {
    "no skips": {"skips": None, "hidden": (10, 20, 40), "class_weights": weights},
    "masks": {"skips": "pooling", "hidden": (14, 28, 56), "class_weights": weights},
    "maps": {"skips": "concat", "hidden": (8, 16, 32), "class_weights": weights},
    "maps, unweighted": {"skips": "concat", "hidden": (8, 16, 32)},
}
shared = {"input_shape": tiny.image_shape, "classes": tiny.classes, "ignored_class": ignored}
shared |= {"convolutions": 1, "learning_rate": 5e-3}
config = TrainConfig(epochs=SHORT, batch_size=8, learning_rate=5e-3, flip=True, keep="last")
config = dataclasses.replace(config, jit_compile=JIT)
runs = {}
for name, options in variants.items():
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        model = kerasae.build_segmentation(**shared, **options)
        train(model, tiny, dataclasses.replace(config, seed=seed), progress=False)
        runs[name, seed] = model.predict(tiny.validation, verbose=0).argmax(-1)
    print(f"{name:16} {model.count_params():,} weights")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
truth = tiny.validation_labels
border = np.zeros(truth.shape, bool)
for axis in (1, 2):
    step = np.diff(truth, axis=axis) != 0
    border |= np.pad(step, [(0, int(i == axis)) for i in range(3)])
    border |= np.pad(step, [(int(i == axis), 0) for i in range(3)])
counted = truth != ignored
held = {
    key: evaluation.segmentation_scores(truth, x, tiny.classes, ignored) for key, x in runs.items()
}
frequent = np.array([np.sum(truth == c) for c in range(tiny.classes)])
rare = np.argsort(frequent)[: tiny.classes // 2]
panels = {
    "pixel accuracy": {k: s.global_accuracy for k, s in held.items()},
    "mIoU": {k: s.mean_iou for k, s in held.items()},
    "pixels at a border": {k: (x == truth)[border & counted].mean() for k, x in runs.items()},
    "rare classes found": {k: np.nanmean(np.array(s.accuracy)[rare]) for k, s in held.items()},
}
figure, grid = plt.subplots(1, 4, figsize=(11, 2.6), sharey=True, layout="constrained")
for axes, (title, values) in zip(grid, panels.items(), strict=True):
    for (name, _), value in values.items():
        row = list(variants).index(name)
        axes.plot(100 * value, row, "o", color=plots.ORANGE if row == 3 else plots.BLUE, alpha=0.7)
    axes.set_title(title, fontsize=10)
    axes.set_yticks(range(4), list(variants))
    axes.set_xlabel("%")
    axes.grid(axis="x", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
grid[0].invert_yaxis()
plt.show()

# %% [markdown]
# *Each dot is one training. Compare rows two and three, masks and maps at equal weights. Orange:
# the same network as in the row above, without class weights.*

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
means = {
    (title, name): 100 * np.mean([v for (n, _), v in values.items() if n == name])
    for title, values in panels.items()
    for name in variants
}
never, ours = scores["never looks"], scores["the title's"]
shares = [np.mean(full.train_labels == c) for c in range(full.classes)]
{
    "blind": 100 * never.global_accuracy,
    "blind_miou": 100 * never.mean_iou,
    "title": 100 * ours.global_accuracy,
    "title_miou": 100 * ours.mean_iou,
    "iou_best": 100 * max(ours.iou),
    "iou_worst": 100 * min(ours.iou),
    "ratio": max(shares) / min(s for s in shares if s),
    "none_miou": means["mIoU", "no skips"],
    "masks_miou": means["mIoU", "masks"],
    "maps_miou": means["mIoU", "maps"],
    "masks_border": means["pixels at a border", "masks"],
    "maps_border": means["pixels at a border", "maps"],
    "weighted": means["pixel accuracy", "maps"],
    "free": means["pixel accuracy", "maps, unweighted"],
    "weighted_rare": means["rare classes found", "maps"],
    "free_rare": means["rare classes found", "maps, unweighted"],
}

# %% [markdown]
# Averaged over seeds, mIoU is 20.2<!--none_miou--> % without skips, 23.0<!--masks_miou--> % with
# masks and 25.7<!--maps_miou--> % with maps. At borders between classes, masks name
# 28<!--masks_border--> % of the pixels rightly, maps 34<!--maps_border--> %. But look at the dots:
# the worst run with maps is no better than most runs with masks. At borders, masks are no better
# than no skips.
#
# Weights for rare classes have a price. They raise the share of pixels of the rare classes that are
# found from 0.2<!--free_rare--> to 29<!--weighted_rare--> %, and lower the pixel accuracy from
# 66<!--free--> to 60<!--weighted--> %.
#
# ## What can go wrong
#
# - **Pixel accuracy alone.** A model that never looks may have more than half of it.
# - **Scaling label maps like images.** The mean of road, class 3, and tree, class 5, is pavement,
#   class 4. Take the nearest pixel.
# - **Neighbouring frames in two splits.** Pictures of a video look alike. The usual split of
#   CamVid, used here, cuts one drive in two, and takes the validation pictures from a drive that is
#   also in training. Only the test drive `Seq05VD` is one of its own.
# - **mIoU picture by picture.** Benchmarks pool all pixels first; an average over pictures is
#   another number.
# - **Choosing on test pictures.** Weights, skips and epochs are chosen on validation pictures.
# - **A score as a licence to drive.** Look up the pedestrians' bar in the picture above.
#
# ## Key takeaways
#
# 1. A segmentation network is an encoder and a decoder with classes at the end. It needs labels.
# 2. The code knows what is there, the skips know where.
# 3. Report the IoU of each class, beside a model that never looks.
# 4. Weights for rare classes trade pixel accuracy and borders for the small things.
# 5. Compare at equal weights and over seeds, or you compare sizes and luck.
# 6. Outside of what it was trained on, a network may fail without a warning.

# %% [markdown]
# ## Exercises
#
# **1.** By hand: compute the IoU of one class from two boolean maps, and compare.
#
# <details><summary>Solution</summary>
#
# ```python
# counts_here = full.test_labels != ignored
# labelled = (full.test_labels == rank[0]) & counts_here
# predicted = (found == rank[0]) & counts_here
# iou = (labelled & predicted).sum() / (labelled | predicted).sum()
# print(f"{names[rank[0]]}: {iou:.4f}, {best.iou[rank[0]]:.4f}")
# ```
#
# The same number. Ignored pixels have to be left out of the prediction as well.
#
# </details>
#
# **2.** Mirror the pictures, predict, mirror back, and average with the plain prediction before the
# `argmax`. Does the mIoU rise?
#
# <details><summary>Solution</summary>
#
# ```python
# picked = full.test[some]
# there = network.predict(picked, batch_size=8, verbose=0)
# back = network.predict(picked[:, :, ::-1], batch_size=8, verbose=0)[:, :, ::-1]
# for name, logits in (("plain", there), ("both", (there + back) / 2)):
#     s = evaluation.segmentation_scores(
#         full.test_labels[some], logits.argmax(-1), full.classes, ignored
#     )
#     print(f"{name:6} {s.mean_iou:.1%}")
# ```
#
# As a rule by a little, at twice the cost: two guesses with different mistakes.
#
# </details>
#
# **3.** How sure is the network where it is wrong? Compare the largest probability of right and of
# wrong pixels.
#
# <details><summary>Solution</summary>
#
# ```python
# chances = np.exp(there - there.max(axis=-1, keepdims=True))
# sure = 1 / chances.sum(axis=-1)
# truth = full.test_labels[some]
# good = (there.argmax(-1) == truth) & (truth != ignored)
# bad = (there.argmax(-1) != truth) & (truth != ignored)
# print(f"right: {sure[good].mean():.2f}, wrong: {sure[bad].mean():.2f}")
# ```
#
# Less sure where it is wrong, which helps, but far from unsure enough to rely on.
#
# </details>
#
# **4.** In plain Keras: take the skips out of `segmentation`. Three lines go; what else has to
# change? Train it as long, and compare.
#
# <details><summary>Solution</summary>
#
# ```python
# image = x = keras.Input(small.image_shape)
# for filters in (16, 32):
#     x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
#     x = layers.MaxPooling2D(2)(x)
# x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
# for filters in (32, 16):
#     x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
#     x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
# keras.utils.set_random_seed(0)
# bare = keras.Model(image, layers.Conv2D(small.classes, 1)(x))
# bare.compile(keras.optimizers.Adam(3e-3), loss)
# bare.fit(small.train, small.train_labels, batch_size=8, epochs=EPOCHS, verbose=0)
# for name, model in {"with skips": yours, "without": bare}.items():
#     guess = model.predict(small.validation, verbose=0).argmax(-1)
#     s = evaluation.segmentation_scores(small.validation_labels, guess, small.classes, ignored)
#     print(f"{name:12} {model.count_params():,} weights, mIoU {s.mean_iou:.1%}")
# ```
#
# Nothing else: the convolutions that follow take whatever channels come. But they have fewer
# weights now, so this comparison is not fair. Widen the layers until both have as many.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Convolutional autoencoders](09_convolutional.ipynb): the shape, without labels.
# - [`build_segmentation`](../kerasae/builders/segmentation.py) and
#   [the benchmark](../benchmarks/street_scenes.py) that trained the network of the title picture.
#
# **Papers**
#
# - V. Badrinarayanan, A. Kendall and R. Cipolla (2017), *SegNet: A Deep Convolutional
#   Encoder-Decoder Architecture for Image Segmentation*, IEEE Transactions on Pattern Analysis and
#   Machine Intelligence 39.
# - O. Ronneberger, P. Fischer and T. Brox (2015), *U-Net: Convolutional Networks for Biomedical
#   Image Segmentation*, MICCAI.
# - J. Long, E. Shelhamer and T. Darrell (2015), *Fully Convolutional Networks for Semantic
#   Segmentation*, CVPR.
# - D. Eigen and R. Fergus (2015), *Predicting Depth, Surface Normals and Semantic Labels with a
#   Common Multi-Scale Convolutional Architecture*, ICCV: weights by median frequency.
#
# CamVid is by G. J. Brostow, J. Fauqueur and R. Cipolla (2009), *Semantic Object Classes in Video:
# A High-Definition Ground Truth Database*, Pattern Recognition Letters 30 (no licence stated; for
# research), in the selection and with the classes of the SegNet tutorial. The streets of fast mode
# are procedural, drawn by kerasae.
