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
# # Neural inpainting
#
# *Section: applications, neural inpainting.* A scratch, a watermark, a mast in front of the sky: a
# part of an image is missing or unwanted, and something plausible shall take its place. The network
# learns it by losing parts of good images and having to paint them again. This chapter fills
# holes in digits and photographs, beside a classical method that needs no training at all.
#
# **You will be able to**
#
# - train an inpainter, and tell it at inference, by a mask, what is missing;
# - blend: keep every known pixel, and measure inside the hole only;
# - say from the thickness of a hole whether a network or a classical method will fill it better;
# - remove a watermark and an unwanted object from a photograph;
# - recognise a mask that does not fit, and the damage that it does.

# %% [markdown]
# ## The idea
#
# Cut a hole $M$ into a training image $x$, show the network the rest, and compare what it
# paints with the whole image, most of all in the hole:
#
# $$\min_{f, g} \; \frac{1}{D} \sum_i w_i \, \ell \left( x_i, \, g(f(\tilde x))_i \right),$$
#
# $$w_i = \begin{cases} 6 & i \in M \\ 1 & \text{elsewhere} \end{cases}$$
#
# What should stand in the hole of the input $\tilde x$? White or black pixels, says many a
# description. But black is a colour: a network that gets a black square cannot know whether
# something is missing, or whether it is night. Here a missing pixel is written as -1, a value that
# no pixel has, so that one array holds the image *and* the mask.
#
# At inference the **known pixels are kept**: the result is the network's output inside the mask,
# and the given image everywhere else.

# %%
import dataclasses
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae.data import photograph
from kerasae.masks import draw_masks

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from scipy.ndimage import binary_dilation, binary_erosion
from skimage.draw import polygon
from skimage.restoration import inpaint_biharmonic

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, PHOTO_EPOCHS = (15, 2) if FAST else (8, 10)

# %% [markdown]
# ## The data
#
# MNIST, in fast mode the small digits of scikit-learn. `draw_masks` cuts the holes: rectangles
# anywhere, strokes of a brush, or words. True means missing. The masks of the test images are drawn
# once, with a seed.

# %%
if FAST:
    images = kerasae.load_images("digits", image_size=16)
else:
    images = kerasae.load_images("mnist", limit=8000)
shape, test = images.image_shape, images.test[:300]
FRACTION = 0.2
kinds = ("block", "free_form", "text")
masks = {kind: draw_masks(kind, shape[:2], len(test), fraction=FRACTION, seed=1) for kind in kinds}
print(images.summary())
grid = np.stack([np.where(masks[kind][:10, ..., None], 0.5, test[:10]) for kind in kinds])
display(plots.plot_samples(np.concatenate([test[None, :10], grid]), labels=["original", *kinds]))

# %% [markdown]
# *Ten test images, and the three kinds of holes, grey here: blocks, strokes and words. Each takes a
# fifth of the pixels, and still they are not equally hard: see how far it is from the middle of a
# hole to the nearest known pixel.*
#
# ## The model

# %%
options = {"input_shape": shape, "hidden": (16, 32), "code_size": 64, "mask_fraction": FRACTION}
keras.utils.set_random_seed(0)
model = kerasae.build_masked(mask="block", **options)
display(plots.plot_architecture(model))

# %% [markdown]
# *The dashed layer cuts holes, in training only. The stem splits what comes in: what is known, with
# zeros in the hole, and a map that is one where something is missing. The encoder sees both.*
#
# ## Training
#
# `train` validates on images with holes that its seed fixes, so here `val_loss` means what it says.

# %%
config = TrainConfig(epochs=EPOCHS, batch_size=64 if FAST else 32, learning_rate=3e-3)
history = train(model, images, config, progress=False)
display(plots.plot_history(history.history))

# %% [markdown]
# *The weighted cross-entropy on training and validation images, both with holes. It has a floor
# above zero, since pixels are grey.*

# %% [markdown]
# ## Originals and fillings
#
# Beside the network stand the average digit, and **biharmonic** inpainting, the classical method of
# scikit-image: it bends a smooth surface such that it meets the border of the hole in value
# and slope, like a thin plate. It knows nothing of digits, and it has no strength to tune.

# %%
average = np.broadcast_to(images.train.mean(axis=0), test.shape)
fillings = {}
for kind, holes in masks.items():
    plate = [inpaint_biharmonic(x, m, channel_axis=-1) for x, m in zip(test, holes, strict=True)]
    fillings[kind] = {
        "average digit": np.where(holes[..., None], average, test),
        "biharmonic": np.stack(plate).clip(0, 1).astype(np.float32),
        "network": kerasae.inpaint(model, test, holes),
    }
display(plots.plot_inpaintings(test, masks["block"], fillings["block"]["network"], count=10))
display(
    plots.plot_samples(
        np.stack([fillings["block"][name][:10] for name in ("biharmonic", "average digit")]),
        labels=["biharmonic", "average digit"],
    )
)
errors = {
    kind: {name: evaluation.hole_error(test, x, masks[kind]) for name, x in filled.items()}
    for kind, filled in fillings.items()
}
names = list(errors["block"])
lines = "\n".join(
    f"| {name} | " + " | ".join(f"{errors[kind][name]:.4f}" for kind in kinds) + " |"
    for name in names
)
display(
    Markdown(
        f"| squared error inside the holes | {' | '.join(kinds)} |\n|---|---|---|---|\n{lines}"
    )
)
assert errors["block"]["network"] < min(errors["block"][n] for n in names if n != "network")
display(
    Markdown(
        f"*Holes in blue, the network's filling, the differences (grey where there is none, white "
        f"where the filling is too bright, black where it is too dark), and the two rivals. The "
        f"thin plate carries on what it meets at the border, and ends in grey; the network carries "
        f"on strokes and closes loops. In blocks its error is {errors['block']['network']:.4f}, "
        f"that of the plate {errors['block']['biharmonic']:.4f}.*"
    )
)

# %% [markdown]
# ## Keep what is known
#
# The network paints the *whole* image, the known part as well. Taking its output as it is throws
# away pixels that were never in doubt.

# %%
holes = masks["block"]
given = np.where(holes[..., None], np.float32(-1), test)
raw = model.predict(given, verbose=0)
blended = fillings["block"]["network"]
whole = {name: evaluation.psnr(test, x) for name, x in (("raw output", raw), ("blended", blended))}
display(
    plots.plot_samples(
        np.stack([test[:10], raw[:10], blended[:10]]), labels=["original", "raw output", "blended"]
    )
)
assert whole["blended"] > whole["raw output"]
assert np.array_equal(blended[~holes], test[~holes])
share = np.square(raw - test).sum(where=~holes[..., None]) / np.square(raw - test).sum()
display(
    Markdown(
        f"*The raw output is smoother everywhere. Of its squared error {share:.0%} lies where "
        f"nothing was missing. Keeping the known pixels lifts the PSNR of the whole images from "
        f"{whole['raw output']:.1f} to {whole['blended']:.1f} dB, and costs one line. It can "
        f"leave a seam at the border of the hole, which is a reason to train with a larger weight "
        f"in the hole, not to give up known pixels.*"
    )
)

# %% [markdown]
# ## An experiment: what holes to train with
#
# `mask` is the hyperparameter that matters. A second model sees words in place of blocks; both
# fill all three kinds. And how do they fare as holes grow?

# %%
keras.utils.set_random_seed(0)
scribbler = kerasae.build_masked(mask="text", **options)
train(scribbler, images, config, progress=False)
for kind in kinds:
    errors[kind]["network, words"] = evaluation.hole_error(
        test, kerasae.inpaint(scribbler, test, masks[kind]), masks[kind]
    )
names = {"biharmonic": plots.MUTED, "network": plots.BLUE, "network, words": plots.ORANGE}
figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
for i, (name, colour) in enumerate(names.items()):
    heights = [errors[kind][name] for kind in kinds]
    label = "network, trained on blocks" if name == "network" else name
    label = "network, trained on words" if "words" in name else label
    bars = axes.bar(np.arange(3) + 0.27 * (i - 1), heights, width=0.25, color=colour, label=label)
    axes.bar_label(bars, fmt="%.3f", fontsize=8)
axes.set_xticks(range(3), kinds)
axes.set(xlabel="holes to fill", ylabel="squared error in the holes")
axes.legend(frameon=False)
axes.margins(y=0.25)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert errors["block"]["network"] < errors["block"]["network, words"]
assert errors["text"]["network, words"] < errors["text"]["network"]
assert FAST or min(errors["free_form"], key=errors["free_form"].get) == "network, words"
assert FAST or min(errors["text"], key=errors["text"].get) == "biharmonic"

# %% [markdown]
# *Error inside holes of three kinds. Of the two networks each is the better one at the holes it was
# trained with. Strokes are thin like words, and there the network of words is the best of the
# three. In words some known pixel is always near, and the thin plate, which has learnt nothing, is
# ahead of both networks, if only by a little of the one that was trained on them.*

# %%
sizes = (0.05, 0.1, 0.2, 0.35, 0.5)
some = test[:100]
growth = {"average digit": {}, "biharmonic": {}, "network": {}}
for fraction in sizes:
    cut = draw_masks("block", shape[:2], len(some), fraction=fraction, seed=2)
    plate = [inpaint_biharmonic(x, m, channel_axis=-1) for x, m in zip(some, cut, strict=True)]
    results = {
        "average digit": np.where(cut[..., None], average[: len(some)], some),
        "biharmonic": np.stack(plate).clip(0, 1).astype(np.float32),
        "network": kerasae.inpaint(model, some, cut),
    }
    for name, x in results.items():
        growth[name][fraction] = evaluation.hole_error(some, x, cut)
display(
    plots.plot_curves(
        growth, xlabel="share of the image in the hole", ylabel="squared error in the hole"
    )
)
assert growth["network"][0.35] < growth["biharmonic"][0.35]
assert FAST or all(growth["network"][f] < growth["biharmonic"][f] for f in sizes)
display(
    Markdown(
        f"*Error over the size of a block. The thin plate is at its best in small holes "
        f"({growth['biharmonic'][0.05]:.3f}), and even there behind the network "
        f"({growth['network'][0.05]:.3f}), which leads at every size. So it is not the share of "
        f"the image that decides between the two, but the thickness of the hole: a fifth of the "
        f"image in words is the plate's, in one block the network's. At half of the image the "
        f"plate has {growth['biharmonic'][0.5]:.3f}, the average digit "
        f"{growth['average digit'][0.5]:.3f} and the network {growth['network'][0.5]:.3f}. The "
        f"network was trained at {FRACTION:.0%}; beyond that it gets worse, too: what cannot be "
        f"known becomes grey.*"
    )
)

# %% [markdown]
# ## The mask is given, and has to fit
#
# An inpainter does not find damage. Somebody has to say where it is: a person with a brush, a known
# watermark, a detector. What if the mask is a little too small or too large? Here white blocks lie
# over the digits, and the mask is shrunk or grown by some pixels.

# %%
damaged = np.where(holes[..., None], np.float32(1), test)
fit = {"network": {}, "biharmonic": {}}
shown = {}
for pixels in (-2, -1, 0, 1, 2):
    change = binary_erosion if pixels < 0 else binary_dilation
    said = np.stack([change(m, iterations=abs(pixels)) if pixels else m for m in holes])
    result = kerasae.inpaint(model, damaged, said)
    fit["network"][pixels] = evaluation.psnr(test, result)
    plate = [
        inpaint_biharmonic(x, m, channel_axis=-1) if m.any() else x
        for x, m in zip(damaged[:100], said[:100], strict=True)
    ]
    plate = np.stack(plate).clip(0, 1).astype(np.float32)
    fit["biharmonic"][pixels] = evaluation.psnr(test[:100], plate)
    if pixels in (-1, 0, 1):
        name = {-1: "1 too small", 0: "mask fits", 1: "1 too large"}[pixels]
        shown[name] = result[:10]
display(plots.plot_samples(np.stack([damaged[:10], *shown.values()]), labels=["damaged", *shown]))
display(
    plots.plot_curves(
        fit, xlabel="pixels by which the mask is too large", ylabel="PSNR in dB, whole image"
    )
)
assert fit["network"][0] - fit["network"][-1] > fit["network"][0] - fit["network"][1]
display(
    Markdown(
        f"*White blocks, filled with masks that are too small, right, or too large; the curve of "
        f"the network is of {len(test)} test images, that of the thin plate of the first 100, so "
        f"compare their shapes and not their heights. One pixel too "
        f"small costs {fit['network'][0] - fit['network'][-1]:.1f} dB: a white rim stays, and the "
        f"network takes it for a stroke and carries it on. One pixel too large costs "
        f"{fit['network'][0] - fit['network'][1]:.1f} dB. If in doubt, paint the mask larger.*"
    )
)

# %% [markdown]
# ## A watermark on a photograph
#
# Now photographs. A dense code is out of place for them; a **spatial** one treats all parts
# alike and works at any size, as long as the network sees beyond the border of the hole. The model
# trains on pieces of four photographs; a flower is kept for validation, the cat for the test, and
# the rocket for later.
#
# It gets **one colour channel at a time**, as the thin plate does, and half of them as negatives.
# Otherwise it would learn the colours of four photographs by heart, and paint the next one with
# them.

# %%
SIDE = 48
photos = kerasae.load_images("photos", image_size=SIDE)
sources = np.array([photos.source_names[int(i)] for i in photos.sources["train"]])
pieces = photos.train[sources != "rocket"]
pieces = pieces[:160] if FAST else pieces
planes = np.moveaxis(pieces, -1, 1).reshape(-1, SIDE, SIDE, 1)
rng = np.random.default_rng(0)
planes = np.where(rng.random((len(planes), 1, 1, 1)) < 0.5, planes, 1 - planes)
held = np.moveaxis(photos.validation[::8], -1, 1).reshape(-1, SIDE, SIDE, 1)
photos = dataclasses.replace(photos, train=planes.astype(np.float32), validation=held)
net = {
    "mask": "block",
    "mask_fraction": 0.25,
    "code": "spatial",
    "hidden": (16, 32) if FAST else (24, 48, 64),
    "code_size": 32 if FAST else 64,
    "residual": 0 if FAST else 1,
    "upsampling": "resize",
    "loss": "mse",
}
keras.utils.set_random_seed(0)
small = kerasae.build_masked(input_shape=photos.image_shape, **net)
record = train(
    small,
    photos,
    TrainConfig(epochs=PHOTO_EPOCHS, batch_size=16, learning_rate=2e-3, flip=True),
    progress=False,
)
print(f"{len(planes):,} planes of {', '.join(sorted(set(sources) - {'rocket'}))}")
print(f"weighted squared error on the flower: {record.history['val_loss'][0]:.4f} after an epoch,")
print(f"{min(record.history['val_loss']):.4f} in the best of {PHOTO_EPOCHS}")

# %%
cat = photograph("chelsea").astype(np.float32)[:, :448] / 255
mark = draw_masks("text", cat.shape[:2], 1, fraction=0.1, seed=3)[0]
marked = np.where(mark[..., None], 0.35 * cat + 0.65, cat)  # half-transparent white writing
large = kerasae.build_masked(input_shape=(*cat.shape[:2], 1), **net)
large.set_weights(small.get_weights())
border = binary_dilation(mark, iterations=3) & ~mark
filled = kerasae.inpaint(large, np.moveaxis(marked, -1, 0)[..., None], mark)
removed = {
    "biharmonic": inpaint_biharmonic(marked, mark, channel_axis=-1).clip(0, 1),
    "network": np.moveaxis(filled[..., 0], 0, -1),
}
flat = np.where(mark[..., None], marked[border].mean(axis=0), marked)
watermark = {"flat colour": evaluation.hole_error(cat[None], flat[None].astype(np.float32), mark)}
for name, x in removed.items():
    watermark[name] = evaluation.hole_error(cat[None], x[None].astype(np.float32), mark)
figure, grid = plt.subplots(2, 2, figsize=(6.8, 4.8), layout="constrained")
pictures = {"original": cat, "with a watermark": marked, **removed}
for axes, (name, picture) in zip(grid.ravel(), pictures.items(), strict=True):
    plots.show_image(axes, picture)
    note = f", error {watermark[name]:.4f}" if name in watermark else ""
    axes.set_title(f"{name}{note}", fontsize=10)
plt.show()
assert watermark["biharmonic"] < watermark["flat colour"]
display(
    Markdown(
        f"*Writing over a tenth of the cat, and two ways to remove it. Inside the letters the "
        f"squared error is {watermark['biharmonic']:.4f} for the thin plate and "
        f"{watermark['network']:.4f} for the network, {watermark['flat colour']:.4f} for one flat "
        f"colour. Better here: {min(removed, key=lambda name: watermark[name])}. "
        f"Strokes are narrow, known pixels are near, and fur and blur are smooth: this is the home "
        f"ground of the classical method. In the filling of the network letters can still be "
        f"read, and green runs out of an eye.*"
    )
)

# %% [markdown]
# The writing was half-transparent, and the fillings have not used what shines through: to the mask
# a pixel is known or missing. Removing the marks of others may not be yours to do; ask who owns the
# picture.
#
# ## An unwanted object
#
# Left of the rocket stands a mast. There is no original without it, so there is nothing to
# measure, only to look at. That is the usual case, and a reason to have measured before.

# %%
scene = photograph("rocket").astype(np.float32)[60:412, 96:352] / 255
mast = np.zeros(scene.shape[:2], bool)
corners = np.array([(58, 98), (58, 112), (305, 112), (305, 70), (130, 89), (126, 98)])
mast[polygon(*corners.T)] = True
tall = kerasae.build_masked(input_shape=(*scene.shape[:2], 1), **net)
tall.set_weights(small.get_weights())
filled = kerasae.inpaint(tall, np.moveaxis(scene, -1, 0)[..., None], mast)
pictures = {
    "original": scene,
    "mask": np.where(mast[..., None], np.array([0.18, 0.44, 0.87]), scene),
    "biharmonic": inpaint_biharmonic(scene, mast, channel_axis=-1).clip(0, 1),
    "network": np.moveaxis(filled[..., 0], 0, -1),
}
figure, grid = plt.subplots(1, 4, figsize=(8, 3.1), layout="constrained")
for axes, (name, picture) in zip(grid, pictures.items(), strict=True):
    plots.show_image(axes, picture)
    axes.set_title(name, fontsize=10)
plt.show()

# %% [markdown]
# *The mask is a little wider than the mast, since a mask that is too small is the worse mistake.
# The thin plate carries the smooth sky across the hole, and hardly a trace is left. The network
# leaves a bar in the shape of the mask, too blue at the top and dark at the foot (after the seconds
# of fast mode a grey one). It learnt on busy pieces, where such an error is small beside all
# others; an eye that looks at a plain sky sees nothing else. Where the surroundings are smooth and
# the hole is narrow, take the classical method. A network that is to beat it needs many
# photographs, not four.*
#
# ## What can go wrong
#
# **Black or white for missing.** The network takes it for content. Use a value that no pixel has,
# or a mask as a further channel.
#
# **Throwing known pixels away.** Blend. And measure inside holes: over the whole image every method
# looks good, since most pixels were given.
#
# **Validating without holes.** `fit(x, x, validation_data=(x, x))` validates a copy. `train` cuts
# holes for validation, the same ones each time.
#
# **A mask that is too small.** What remains of the damage is taken for truth and carried on.
#
# **Holes larger than the reach of the kernels.** In a spatial code a position sees a window. If
# that window holds nothing but hole, the network fills in its average colour.
#
# **Asking for sharpness.** The squared error rewards the mean of what may have been there. Where
# much is possible, the mean is a blur; papers add an adversarial loss, which paints something
# sharp and possibly wrong.
#
# **Taking the filling for evidence.** It is a guess that looks like a photograph.

# %% [markdown]
# ## Key takeaways
#
# 1. Cut holes in training, weight them more, and tell the network at inference what is missing.
# 2. Keep the known pixels; measure inside the hole.
# 3. Train with the kind and the size of holes that will come.
# 4. Thin holes in smooth images are filled better by a thin plate, without any training. Large
#    holes in images of one kind are the network's.
# 5. A mask that is too large costs little, one that is too small costs much.

# %% [markdown]
# ## Exercises
#
# **1.** Black for missing: give the model a hole of zeros in place of -1, and keep the known
# pixels. How large does the error become?
#
# <details><summary>Solution</summary>
#
# ```python
# black = np.where(holes[..., None], np.float32(0), test)
# painted = np.where(holes[..., None], model.predict(black, verbose=0), test)
# print(f"-1 in the hole: {evaluation.hole_error(test, blended, holes):.4f}")
# print(f"0 in the hole:  {evaluation.hole_error(test, painted, holes):.4f}")
# ```
#
# Much larger: the network believes that the digit is black there, and copies the black.
#
# </details>
#
# **2.** Fill twice: give the model its own filling as a known image, without a hole. Does it change
# anything?
#
# <details><summary>Solution</summary>
#
# ```python
# again = np.where(holes[..., None], model.predict(blended, verbose=0), test)
# print(f"once:  {evaluation.hole_error(test, blended, holes):.4f}")
# print(f"twice: {evaluation.hole_error(test, again, holes):.4f}")
# ```
#
# It gets no better, and as a rule a little worse: the second pass has nothing new to go on.
#
# </details>
#
# **3.** What is the weight of the hole for? Train with `hole_weight=1`.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# even = kerasae.build_masked(mask="block", hole_weight=1.0, **options)
# train(even, images, config, progress=False)
# filled = kerasae.inpaint(even, test, holes)
# print(f"weight 6: {errors['block']['network']:.4f}")
# print(f"weight 1: {evaluation.hole_error(test, filled, holes):.4f}")
# ```
#
# The difference is small on digits: to fill a hole the network has to understand the rest anyway.
# With weight 1 it spends more of itself on pixels that are then thrown away.
#
# </details>
#
# **4.** The best of both: fill with the thin plate where a known pixel is near, with the network
# elsewhere. Is that better on blocks?
#
# <details><summary>Solution</summary>
#
# ```python
# deep = np.stack([binary_erosion(m, iterations=2) for m in holes])
# both = np.where(deep[..., None], blended, fillings["block"]["biharmonic"])
# for name, x in (("network", blended), ("both", both)):
#     print(f"{name:8} {evaluation.hole_error(test, x, holes):.4f}")
# ```
#
# Not on digits: even beside the border the network knows more. On photographs, where the plate is
# strong, the mixture is worth a try; choose its width on validation images.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Denoising](14_denoising.ipynb): damage whose place nobody knows.
# - [`build_masked`](../kerasae/builders/masked.py) and
#   [`draw_masks`](../kerasae/applications/masks.py).
#
# **Papers**
#
# - D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell and A. A. Efros (2016), *Context Encoders:
#   Feature Learning by Inpainting*, CVPR.
# - G. Liu, F. A. Reda, K. J. Shih, T.-C. Wang, A. Tao and B. Catanzaro (2018), *Image Inpainting
# for Irregular Holes Using Partial Convolutions*, ECCV.
# - J. Yu, Z. Lin, J. Yang, X. Shen, X. Lu and T. S. Huang (2019), *Free-Form Image Inpainting with
#   Gated Convolution*, ICCV.
# - M. Bertalmio, G. Sapiro, V. Caselles and C. Ballester (2000), *Image Inpainting*, SIGGRAPH: the
#   word, and the first method that carries lines into holes.
# - S. B. Damelin and N. S. Hoang (2018), *On Surface Completion and Image Inpainting by Biharmonic
#   Functions: Numerical Aspects*, International Journal of Mathematics and Mathematical Sciences.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn. The photographs are shipped with scikit-learn and
# scikit-image (china by danielbuechele and flower by vultilion: CC BY 2.0; chelsea the cat by
# Stéfan van der Walt, and coffee: CC0; astronaut and rocket: public domain; motorcycle: Middlebury
# Stereo 2014).
