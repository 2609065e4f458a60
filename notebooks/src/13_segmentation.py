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
# *Section: applications, semantic segmentation.* A car that drives itself has to know of every
# pixel whether it is road, pavement or pedestrian. The network for it has the shape of an
# autoencoder, an encoder that makes the image small and a decoder that makes it large again. But
# what comes out is not the image: it is a class for each pixel.
#
# **You will be able to**
#
# - turn an encoder and a decoder into a segmentation network, and say what the *skips* are for;
# - balance classes that differ a hundredfold in size, and leave out pixels that nobody could name;
# - tell pixel accuracy from mean intersection over union, and know which flatters;
# - compare SegNet's pooling masks with U-Net's concatenation;
# - read overlays and a confusion matrix, and break a network with a dark picture.

# %% [markdown]
# ## The idea
#
# The encoder halves the image stage by stage. What it gains is context: a position of the code sees
# a large part of the scene, enough to tell a road from a grey wall. What it loses is place: a pole
# of two pixels does not survive three halvings. The decoder finds its way back to full size, and
# **skips** tell it what the code has forgotten:
#
# - **U-Net** puts the encoder's maps beside the decoder's, at each size (*concatenation*);
# - **SegNet** passes on only *where* each maximum was when it was pooled (*pooling masks*), two
#   bits in place of a number.
#
# The last layer gives each pixel one number for each class, and the loss is the cross-entropy,
#
# $$-\frac{1}{n} \sum_{p} w_{y_p} \log \text{softmax}(g(f(x))_p)_{y_p},$$
#
# over the $n$ pixels $p$ whose class $y_p$ is known. Labels are needed here. The shape is that of
# an autoencoder, the training is not.

# %%
import dataclasses
import os
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, HIDDEN = (8, (8, 16)) if FAST else (8, (12, 24, 48))

# %% [markdown]
# ## The data
#
# CamVid: 701 pictures from a car in Cambridge, with eleven classes, at half of the size at which
# SegNet was published, 180 by 240. In fast mode streets that kerasae draws itself. Pixels that the
# annotators could not name have a label of their own, which is *ignored*: they count neither in the
# loss nor in any measure.

# %%
if FAST:
    full = kerasae.load_images("streets", image_size=(32, 48), limit=160)
else:
    full = kerasae.load_images("camvid", image_size=(180, 240))
names, ignored = full.label_names, full.ignored_class
print(full.summary())
print(", ".join(names))
print(f"ignored: {names[ignored]}, {np.mean(full.train_labels == ignored):.1%} of the pixels")

# %% [markdown]
# To train in minutes, the experiments of this chapter shrink the pictures of CamVid once more, to a
# third. **Images are averaged, labels are not**: the mean of road, class 3, and tree, class 5,
# would be pavement, class 4. A label map takes the middle pixel of each block.

# %%
if FAST:
    images = full
else:
    small = {}
    for split in ("train", "validation", "test"):
        x = getattr(full, split)
        n, height, width, channels = x.shape
        blocks = x.reshape(n, height // 3, 3, width // 3, 3, channels)
        small[split] = blocks.mean(axis=(2, 4), dtype=np.float32)
        small[f"{split}_labels"] = getattr(full, f"{split}_labels")[:, 1::3, 1::3]
    images = dataclasses.replace(full, **small)
print(images.summary())

counts = np.array([np.sum(images.train_labels == c) for c in range(images.classes)])
shares = counts / counts.sum()
weights = evaluation.median_frequency_weights(images.train_labels, images.classes, ignored)
order = np.argsort(-shares)
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
bars = axes.bar([names[c] for c in order], 100 * shares[order], color=plots.BLUE)
axes.bar_label(bars, [f"{weights[c]:.1f}" for c in order], fontsize=9)
axes.set(ylabel="% of the pixels, training (log scale)", xlabel="class", yscale="log")
axes.tick_params(axis="x", rotation=30)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert shares.max() > 10 * shares.min()
display(
    Markdown(
        f"*How many pixels each class has; the axis is logarithmic. {names[order[0]].capitalize()} "
        f"has {shares.max() / shares.min():.0f} times as many as {names[order[-1]]}. The numbers "
        f"on the bars are weights by median frequency, which make up for it in the loss. They are "
        f"not quite in the order of the bars: the share that counts there is taken over the "
        f"pictures in which a class occurs, so what is rare but large weighs less than what is "
        f"everywhere and small.*"
    )
)

# %% [markdown]
# ## The model

# %%
shared = {
    "input_shape": images.image_shape,
    "classes": images.classes,
    "ignored_class": ignored,
    "hidden": HIDDEN,
    "convolutions": 1,
}
keras.utils.set_random_seed(0)
unet = kerasae.build_segmentation(skips="concat", class_weights=weights, **shared)
display(plots.plot_architecture(unet))

# %% [markdown]
# *A small U-Net. Pooling halves the maps (blue), transposed convolutions double them (green), and
# the lines that bypass the code are the skips. The last layer has as many channels as there are
# classes.*
#
# ## Training
#
# Half of the pictures are mirrored in each epoch, label maps with them: streets have no handedness
# that matters here.

# %%
config = TrainConfig(epochs=EPOCHS, batch_size=8, learning_rate=5e-3, flip=True, keep="last")
record = train(unet, images, config, progress=False).history
display(plots.plot_history(record))

# %% [markdown]
# *Weighted cross-entropy. So short a training has not come to rest; it is enough to compare.*
#
# ## Two measures, and a model that knows nothing
#
# **Pixel accuracy** is the share of pixels in the right class. **Intersection over union** (IoU) is
# counted for each class: the pixels that are labelled *and* predicted so, divided by those that are
# either. Its mean over classes is mIoU, in which a pedestrian weighs as much as the road.
#
# The mark to beat is a model without eyes: for each *position* the class that is most frequent
# there in the training images.

# %%
at_position = np.stack([np.mean(images.train_labels == c, axis=0) for c in range(images.classes)])
blind = np.broadcast_to(at_position.argmax(axis=0), images.test_labels.shape)
found = unet.predict(images.test, batch_size=16, verbose=0).argmax(-1)
scores = {
    name: evaluation.segmentation_scores(images.test_labels, x, images.classes, ignored)
    for name, x in (("no eyes", blind), ("U-Net", found))
}
display(
    plots.plot_segmentations(
        images.test[::9],
        images.test_labels[::9],
        found[::9],
        names=names,
        ignored_class=ignored,
        count=4,
    )
)
lines = "\n".join(
    f"| {name} | {s.global_accuracy:.1%} | {s.class_average:.1%} | {s.mean_iou:.1%} |"
    for name, s in scores.items()
)
display(
    Markdown(
        f"| | pixel accuracy | mean accuracy of the classes | mIoU |\n|---|---|---|---|\n{lines}"
    )
)
assert scores["U-Net"].mean_iou > scores["no eyes"].mean_iou
behind = scores["U-Net"].global_accuracy < scores["no eyes"].global_accuracy
missed = sum(iou < 0.1 for iou in scores["no eyes"].iou)
display(
    Markdown(
        f"*Test pictures, true classes and predicted ones; hatched pixels are ignored. The model "
        f"without eyes names {scores['no eyes'].global_accuracy:.1%} of the pixels rightly, since "
        f"the sky is above and the road below. Its mIoU is {scores['no eyes'].mean_iou:.1%}: "
        f"{missed} of the {images.classes} classes have an IoU below a tenth. The network has an "
        f"mIoU of {scores['U-Net'].mean_iou:.1%} and names {scores['U-Net'].global_accuracy:.1%} "
        f"of the pixels rightly{', less than the model that does not look' if behind else ''}. "
        f"Accuracy flatters whoever knows the large classes; the mIoU does not.*"
    )
)

# %% [markdown]
# ## An experiment: what the decoder is told
#
# One argument, `skips`, and everything else as it was; and once more U-Net without weights for the
# classes. All are compared on *validation* images.

# %%
variants = {
    "none": {"skips": None, "class_weights": weights},
    "pooling": {"skips": "pooling", "class_weights": weights},
    "concat, no weights": {"skips": "concat", "class_weights": None},
}
models, curves = {"concat": unet}, {"concat": record["val_loss"]}
for name, variant in variants.items():
    keras.utils.set_random_seed(0)
    models[name] = kerasae.build_segmentation(**variant, **shared)
    curves[name] = train(models[name], images, config, progress=False).history["val_loss"]
maps = {
    name: model.predict(images.validation, batch_size=16, verbose=0).argmax(-1)
    for name, model in models.items()
}
held = {
    name: evaluation.segmentation_scores(images.validation_labels, x, images.classes, ignored)
    for name, x in maps.items()
}
rare = order[len(order) // 2 :]
table = "\n".join(
    f"| {name} | {models[name].count_params():,} | {s.global_accuracy:.1%} "
    f"| {s.class_average:.1%} | {s.mean_iou:.1%} | {np.nanmean(np.array(s.accuracy)[rare]):.1%} |"
    for name, s in held.items()
)
display(
    Markdown(
        "| skips | parameters | pixel accuracy | mean accuracy of the classes | mIoU "
        f"| accuracy of the rare half |\n|---|---|---|---|---|---|\n{table}"
    )
)
# Share of the right pixels among those that touch a border between classes.
labels = images.validation_labels
edge = np.zeros(labels.shape, bool)
edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
edge[:, :-1] |= labels[:, 1:] != labels[:, :-1]
edge[:, :, 1:] |= labels[:, :, 1:] != labels[:, :, :-1]
edge[:, :, :-1] |= labels[:, :, 1:] != labels[:, :, :-1]
counted = labels != ignored
on_edge = {name: np.mean((x == labels)[edge & counted]) for name, x in maps.items()}
display(
    plots.plot_curves(
        {n: dict(enumerate(c, start=1)) for n, c in curves.items() if "weights" not in n},
        xlabel="epoch",
        ylabel="validation loss",
    )
)
weighted, free = held["concat"], held["concat, no weights"]
masks, bare = held["pooling"], held["none"]
assert FAST or masks.mean_iou < bare.mean_iou + 0.01
assert free.global_accuracy > weighted.global_accuracy
assert on_edge["concat"] > on_edge["none"]
display(
    Markdown(
        f"*Validation loss of the three kinds of skips, and above it the table. Of pixels at a "
        f"border between two classes, {on_edge['none']:.0%} are right without skips, "
        f"{on_edge['pooling']:.0%} with pooling masks and {on_edge['concat']:.0%} with "
        f"concatenation, which tells of places. The masks gain next to nothing over no skips at "
        f"all (mIoU {masks.mean_iou:.1%} and {bare.mean_iou:.1%}, mean accuracy of the classes "
        f"{masks.class_average:.1%} and {bare.class_average:.1%}). But the networks are not of one "
        f"size: masks take the place of transposed convolutions, and leave "
        f"{models['pooling'].count_params():,} of {models['none'].count_params():,} parameters; "
        f"concatenation has {models['concat'].count_params():,}. "
        f"Without weights for the classes the pixel accuracy rises from "
        f"{weighted.global_accuracy:.1%} to {free.global_accuracy:.1%}, and the mean accuracy of "
        f"the classes goes from {weighted.class_average:.1%} to {free.class_average:.1%}: what is "
        f"rare is not worth an error any more.*"
    )
)

# %% [markdown]
# ## A longer training
#
# Minutes are too few for CamVid. The repository holds a model of the same kind, with wider layers,
# convolutions in its code and a Dice term in its loss, that `benchmarks/street_scenes.py` trained
# at 180 by 240 in five minutes on a GPU (about an hour on two cores); how this kind came about is
# told in row 9 of [the figures](../docs/fidelity.md). Here it is put to the test. (Fast mode, which
# has no data for it, goes on with the small U-Net.)

# %%
path = Path("models") / "street_scenes.keras"
final = unet if FAST else keras.saving.load_model(path)
found = final.predict(full.test, batch_size=8, verbose=0).argmax(-1)
result = evaluation.segmentation_scores(full.test_labels, found, full.classes, ignored)
pixels = np.array([np.mean(full.test_labels == c) for c in range(full.classes)])
rank = np.argsort(-np.array(result.iou))
figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
axes.bar(
    np.arange(len(rank)) - 0.2, np.array(result.iou)[rank], 0.38, color=plots.BLUE, label="IoU"
)
axes.bar(
    np.arange(len(rank)) + 0.2,
    np.array(result.accuracy)[rank],
    0.38,
    color=plots.ORANGE,
    label="accuracy (found pixels)",
)
axes.axhline(result.mean_iou, color=plots.BLUE, ls="--", lw=1)
axes.set_xticks(range(len(rank)), [names[c] for c in rank], rotation=30)
axes.set(xlabel="class", ylabel="share, test", ylim=(0, 1.08))
axes.legend(frameon=False, ncols=2, loc="upper right")
axes.spines[["top", "right"]].set_visible(False)
plt.show()
display(
    Markdown(
        f"*The {final.count_params():,} parameters on the test images: pixel accuracy "
        f"{result.global_accuracy:.1%}, mIoU **{result.mean_iou:.1%}** (dashed). Large, "
        f"textured areas are well known; {names[rank[-1]]} has an IoU of "
        f"{result.iou[rank[-1]]:.0%}. Where the orange bar is much longer than the blue one, a "
        f"class is found and at the same time seen where it is not, which is the price of the "
        f"weights.*"
    )
)

# %%
figure = plots.plot_segmentations(
    full.test[::40] if not FAST else full.test[5::9],
    full.test_labels[::40] if not FAST else full.test_labels[5::9],
    found[::40] if not FAST else found[5::9],
    names=names,
    ignored_class=ignored,
    count=4,
)
figure.set_dpi(72)  # photographs make large notebooks
display(figure)

# %% [markdown]
# *Four test pictures, evenly spaced, not chosen. Look at borders of small things, and at what
# happens inside the hatched, ignored parts: the network has an answer there, too, which nobody
# grades.*

# %%
matrix = evaluation.confusion_matrix(full.test_labels, found, full.classes, ignored)
rows = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
figure, axes = plt.subplots(figsize=(7.2, 6), layout="constrained")
picture = axes.imshow(rows, cmap="Blues", vmin=0, vmax=1)
known = list(names[: full.classes])
axes.set_xticks(range(full.classes), known, rotation=45, ha="right")
axes.set_yticks(range(full.classes), known)
axes.set(xlabel="predicted class", ylabel="true class")
for i in range(full.classes):
    for j in range(full.classes):
        if rows[i, j] >= 0.05:
            colour = "white" if rows[i, j] > 0.6 else plots.INK
            axes.text(j, i, f"{100 * rows[i, j]:.0f}", ha="center", va="center", color=colour)
figure.colorbar(picture, label="share of the true class")
plt.show()
wrong = rows - np.diag(np.diag(rows))
i, j = np.unravel_index(wrong.argmax(), wrong.shape)
display(
    Markdown(
        f"*What each class is taken for, in percent of its pixels; a perfect network has a dark "
        f"diagonal and nothing else. The largest confusion: {wrong[i, j]:.0%} of the "
        f"{known[i]} pixels are taken for {known[j]}.*"
    )
)

# %% [markdown]
# ## In the dark
#
# CamVid was filmed in daylight and at dusk. Multiply the test pictures by a factor, roughly as a
# shorter exposure would (a pixel is not proportional to the light, but to a power of it), and
# watch.

# %%
some = slice(None, None, 4)
exposure = {}
for factor in (1.0, 0.7, 0.5, 0.3, 0.15):
    seen = final.predict(factor * full.test[some], batch_size=8, verbose=0).argmax(-1)
    dark = evaluation.segmentation_scores(full.test_labels[some], seen, full.classes, ignored)
    exposure[factor] = dark
display(
    plots.plot_curves(
        {
            "pixel accuracy": {f: s.global_accuracy for f, s in exposure.items()},
            "mIoU": {f: s.mean_iou for f, s in exposure.items()},
        },
        xlabel="exposure, 1 as filmed",
        ylabel="share, test images",
    )
)
assert exposure[0.15].mean_iou < exposure[1.0].mean_iou
display(
    Markdown(
        f"*Both measures over the exposure. At 0.3 the mIoU falls from "
        f"{exposure[1.0].mean_iou:.0%} to {exposure[0.3].mean_iou:.0%}. A "
        f"person would still see the street. Nothing in the output warns: each pixel gets a class, "
        f"whatever the picture.*"
    )
)

# %% [markdown]
# ## What can go wrong
#
# **Reporting pixel accuracy alone.** A model without eyes may have more than half of it.
#
# **Scaling label maps like images.** The mean of two labels is a third class. Take the nearest.
#
# **Counting ignored pixels.** As a class of its own, "unlabelled" teaches the network to draw what
# annotators left out. Leave it out of the loss and of every measure.
#
# **Neighbouring frames in two splits.** Pictures of a video look alike. Split by sequence, or the
# test set has been seen. The usual split of CamVid, used here, does so in part only: by the names
# of its files one drive, 0001TP, is cut in two without a gap, its first half for training and its
# second for the test, and the validation pictures are a stretch of 0016E5, the rest of which is
# in training. Of the test pictures only those of Seq05VD are from a drive of their own.
#
# **mIoU by picture, averaged.** Benchmarks pool all pixels of the set first; averages over pictures
# are another number.
#
# **Choosing weights, skips or the epoch on test images.** Validation is for that.
#
# **A segmentation as evidence that a car may drive.** This one takes a share of the pedestrians for
# something else.

# %% [markdown]
# ## Key takeaways
#
# 1. A segmentation network is an encoder and a decoder with classes at the end. It needs labels.
# 2. The code knows what, the skips know where. Concatenation tells the decoder more than pooling
#    masks do, and costs more memory.
# 3. Weights for rare classes trade pixel accuracy for the small things.
# 4. Report mIoU with each class beside it, next to a model that does not look.
# 5. Outside of what it was trained on, a network fails without a word.

# %% [markdown]
# ## Exercises
#
# **1.** By hand: compute the IoU of one class from two boolean maps, and compare.
#
# <details><summary>Solution</summary>
#
# ```python
# counts_here = full.test_labels != ignored
# truth = (full.test_labels == rank[0]) & counts_here
# guess = (found == rank[0]) & counts_here
# iou = (truth & guess).sum() / (truth | guess).sum()
# print(f"{names[rank[0]]}: {iou:.4f}, {result.iou[rank[0]]:.4f}")
# assert abs(iou - result.iou[rank[0]]) < 1e-9
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
# there = final.predict(picked, batch_size=8, verbose=0)
# back = final.predict(picked[:, :, ::-1], batch_size=8, verbose=0)[:, :, ::-1]
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
# Less sure where it is wrong, which helps, and by far not unsure enough to rely on.
#
# </details>
#
# **4.** Train the small U-Net with `loss="dice"` and compare on validation images.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# dice = kerasae.build_segmentation(skips="concat", loss="dice", **shared)
# train(dice, images, config, progress=False)
# guess = dice.predict(images.validation, batch_size=16, verbose=0).argmax(-1)
# s = evaluation.segmentation_scores(images.validation_labels, guess, images.classes, ignored)
# print(f"cross-entropy, weighted: mIoU {held['concat'].mean_iou:.1%}")
# print(f"Dice:                    mIoU {s.mean_iou:.1%}")
# ```
#
# Dice is close to what the mIoU counts and needs no weights, but learns slowly at first. The
# model of the benchmark uses the sum of both.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Convolutional autoencoders](09_convolutional.ipynb): the frame, without labels.
# - [`build_segmentation`](../kerasae/builders/segmentation.py) and
#   [the benchmark](../benchmarks/street_scenes.py) that trained the larger model.
#
# **Papers**
#
# - V. Badrinarayanan, A. Kendall and R. Cipolla (2017), *SegNet: A Deep Convolutional
#   Encoder-Decoder Architecture for Image Segmentation*, IEEE Transactions on Pattern Analysis and
#   Machine Intelligence 39.
# - O. Ronneberger, P. Fischer and T. Brox (2015), *U-Net: Convolutional Networks for Biomedical
# Image Segmentation*, MICCAI.
# - J. Long, E. Shelhamer and T. Darrell (2015), *Fully Convolutional Networks for Semantic
#   Segmentation*, CVPR.
# - D. Eigen and R. Fergus (2015), *Predicting Depth, Surface Normals and Semantic Labels with a
#   Common Multi-Scale Convolutional Architecture*, ICCV: weights by median frequency.
# - F. Milletari, N. Navab and S.-A. Ahmadi (2016), *V-Net: Fully Convolutional Neural Networks for
#   Volumetric Medical Image Segmentation*, 3DV: the Dice loss.
#
# CamVid is by G. J. Brostow, J. Fauqueur and R. Cipolla (2009), *Semantic Object Classes in Video:
# A High-Definition Ground Truth Database*, Pattern Recognition Letters 30 (no licence stated; for
# research), in the selection and with the classes of the SegNet tutorial. The streets of fast mode
# are procedural, drawn by kerasae.
