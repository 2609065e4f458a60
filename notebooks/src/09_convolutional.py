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
# # Convolutional autoencoders
#
# *Section: types based on functionality, convolutional autoencoders.* The same small filters at
# every position of the image: few weights, any size, and features that do not care where they are.
# On this frame the chapter builds two tools, one that removes noise and one that fills in missing
# parts, and measures them the way such tools have to be measured.
#
# **You will be able to**
#
# - explain from parameter counts why dense layers do not scale with the image and convolutions do;
# - choose between a dense and a spatial code, and between transposed convolutions and resizing;
# - train a denoiser and judge it on *noisy* inputs, beside baselines that cost nothing;
# - train an inpainter and judge it *inside* the holes;
# - name the mistake that makes a denoiser in a tutorial look better, or worse, than it is.

# %% [markdown]
# ## The idea
#
# A dense unit has a weight of its own for each pixel. Move the digit by two pixels, and other
# weights are in charge, which have to learn the same thing again. A convolutional unit looks
# through a window of, say, 3 by 3 pixels, and slides it over the image with the same nine weights
# everywhere. With a stride of two it takes every second position only, so that the map it makes has
# half the height and width. A few such layers make the encoder; **transposed** convolutions, which
# paint a window for each position, make the way back.

# %%
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae.masks import draw_masks

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from scipy.ndimage import median_filter
from sklearn.linear_model import Ridge

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, COLOUR_EPOCHS, CHANNELS = (20, 7, 4) if FAST else (6, 8, 2)

# %% [markdown]
# ## The data
#
# MNIST for the tools; fast mode takes the small digits of scikit-learn. Test images are used for
# the final numbers only.

# %%
if FAST:
    images = kerasae.load_images("digits", image_size=16)
else:
    images = kerasae.load_images("mnist", limit=7000)
shape, test = images.image_shape, images.test[:2000]
print(images.summary())
display(plots.plot_samples(test[:20], columns=10))

# %% [markdown]
# *Twenty test images.*
#
# ## The model
#
# `hidden` names the filters of each layer; every layer halves the sides. `code="spatial"` keeps a
# map of positions, `code="dense"` flattens the last map into one vector.

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_convolutional(
    input_shape=shape, hidden=(16, 32), code="spatial", code_size=CHANNELS
)
display(plots.plot_architecture(model))

# %% [markdown]
# *The convolutional model. Towards the code the maps get smaller and thicker; the code itself
# (orange) is thin again, and still has rows and columns. Look at the parameters: the layers do not
# know how large the image is.*
#
# ## Why convolutions scale
#
# Build real models for larger and larger images and count their weights. The dense one has a single
# hidden layer of 256 units and a code of 32; the convolutional ones have three layers.

# %%
sides = (16, 32, 64, 128) if FAST else (16, 32, 64, 128, 256)
families = {
    "dense layers": lambda side: kerasae.build_undercomplete(
        input_shape=(side, side, 1), hidden=(256,), code_size=32
    ),
    "convolutions, dense code": lambda side: kerasae.build_convolutional(
        input_shape=(side, side, 1), hidden=(16, 32, 64), code="dense", code_size=32
    ),
    "convolutions, spatial code": lambda side: kerasae.build_convolutional(
        input_shape=(side, side, 1), hidden=(16, 32, 64), code="spatial", code_size=4
    ),
}
counts = {name: [build(side).count_params() for side in sides] for name, build in families.items()}
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, values), colour in zip(
    counts.items(), (plots.ORANGE, plots.GREEN, plots.BLUE), strict=True
):
    axes.plot(sides, values, "o-", color=colour, label=name)
axes.set(xscale="log", yscale="log", xlabel="side of the image in pixels", ylabel="parameters")
axes.set_xticks(sides, [str(side) for side in sides])
axes.minorticks_off()
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
dense_count, _, spatial_count = (values[-1] for values in counts.values())
assert len(set(counts["convolutions, spatial code"])) == 1
display(
    Markdown(
        "*Parameters over the side of the image; both axes are logarithmic. Dense layers grow "
        f"with the number of pixels: at {sides[-1]} by {sides[-1]} they have {dense_count:,} "
        f"weights. The convolutional model with a spatial code has {spatial_count:,} at every "
        "size, the line at the bottom. A dense code behind convolutions brings the growth back, "
        "since its layer sees the whole last map.*"
    )
)

# %% [markdown]
# ## Training

# %%
config = TrainConfig(epochs=EPOCHS, batch_size=64 if FAST else 32, learning_rate=3e-3)
history = train(model, images, config, progress=False)
display(plots.plot_history(history.history))
keras.utils.set_random_seed(0)
codes_size = int(np.prod(model.get_layer("encoder").output_shape[1:]))
dense = kerasae.build_undercomplete(input_shape=shape, hidden=(256,), code_size=codes_size)
_ = train(dense, images, config, progress=False)

# %% [markdown]
# *Cross-entropy of the convolutional model. Grey pixels give it a floor above zero, so read the
# shape of the curve, not its height.*

# %%
reconstructions = model.predict(test, verbose=0)
plain_psnr = evaluation.psnr(test, reconstructions)
baseline = evaluation.psnr(test, np.broadcast_to(images.train.mean(axis=0), test.shape))
assert plain_psnr > baseline + 2
display(plots.plot_reconstructions(test, reconstructions, count=10))

step = 2 if FAST else 3
moved = np.roll(test, (step, -step), axis=(1, 2))
shifted = {
    name: [evaluation.psnr(x, m.predict(x, verbose=0)) for x in (test, moved)]
    for name, m in (("dense", dense), ("convolutional", model))
}
falls = {name: pair[0] - pair[1] for name, pair in shifted.items()}
assert falls["convolutional"] < falls["dense"]
display(
    Markdown(
        f"*Originals, reconstructions and four times their difference: black where the "
        f"reconstruction is too dark, white where it is too bright, mid-grey where there is none. "
        f"On {len(test):,} test images the convolutional model reaches {plain_psnr:.1f} dB; the "
        f"average digit has {baseline:.1f}.*\n\nDoes it matter that the filters are the same "
        f"everywhere? Move all test images down and to the left by {step} pixels each, as no "
        f"training image was, and compare with a dense model that has as large a code, "
        f"{codes_size} values. The dense one falls "
        f"from {shifted['dense'][0]:.1f} to {shifted['dense'][1]:.1f} dB, the convolutional one "
        f"from {shifted['convolutional'][0]:.1f} to {shifted['convolutional'][1]:.1f}."
    )
)

# %% [markdown]
# ## Noise
#
# `build_denoising` puts a layer in front of any builder's encoder. In training it adds new noise to
# each image in each step, and the loss compares the output with the *clean* image. At inference it
# does nothing: the noise is then in the input already.
#
# How good is a denoiser? Corrupt the test images once, with a fixed seed; feed the **noisy** ones;
# compare with the clean ones. And put beside it what can be had without training a denoiser:
#
# - nothing: the noisy image itself;
# - a median filter, which takes the middle of each 3 by 3 window;
# - the best *linear* map from noisy to clean images, fitted on the training images (ridge
#   regression, its strength chosen on validation images);
# - the plain autoencoder from above, which has never seen noise.

# %%
LEVEL = 0.5
rng = np.random.default_rng(0)
noisy = {
    split: np.clip(x + rng.normal(0, LEVEL, x.shape), 0, 1).astype(np.float32)
    for split, x in (("train", images.train), ("validation", images.validation), ("test", test))
}
keras.utils.set_random_seed(0)
denoiser = kerasae.build_denoising(
    base="convolutional",
    corruption="gaussian",
    level=LEVEL,
    input_shape=shape,
    hidden=(16, 32),
    code_size=64,
)
display(plots.plot_architecture(denoiser))
history = train(denoiser, images, config, progress=False)

maps = {}
for alpha in (10.0, 100.0, 1000.0):
    ridge = Ridge(alpha=alpha).fit(
        noisy["train"].reshape(len(images.train), -1), images.train.reshape(len(images.train), -1)
    )
    guess = ridge.predict(noisy["validation"].reshape(len(images.validation), -1))
    maps[alpha] = (
        np.square(np.clip(guess, 0, 1) - images.validation.reshape(guess.shape)).mean(),
        ridge,
    )
_, ridge = min(maps.values(), key=lambda pair: pair[0])

cleaned = {
    "noisy": noisy["test"],
    "median filter": median_filter(noisy["test"], size=(1, 3, 3, 1)),
    "plain autoencoder": model.predict(noisy["test"], verbose=0),
    "best linear map": np.clip(ridge.predict(noisy["test"].reshape(len(test), -1)), 0, 1)
    .reshape(test.shape)
    .astype(np.float32),
    "denoiser": denoiser.predict(noisy["test"], verbose=0),
}
scores = {name: evaluation.psnr(test, x) for name, x in cleaned.items()}
display(
    plots.plot_samples(
        np.stack([test[:10], *(x[:10] for x in cleaned.values())]), labels=["clean", *cleaned]
    )
)

# %% [markdown]
# *The diagram shows the noise layer dashed: it works in training only. Below it ten test digits,
# their noisy versions, and four ways to clean them. The median filter cannot tell a stroke from
# noise where a stroke is as thin as its window. The linear map smears. The denoiser paints digits.*

# %%
figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
colours = [plots.MUTED] * (len(scores) - 1) + [plots.BLUE]
bars = axes.barh(list(scores), list(scores.values()), color=colours)
axes.bar_label(bars, fmt="%.1f dB", padding=3)
axes.invert_yaxis()
axes.margins(x=0.15)
axes.set(xlabel="PSNR in dB against the clean test images, noisy inputs")
axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert max(scores, key=scores.get) == "denoiser"
clean_psnr = evaluation.psnr(test, denoiser.predict(test, verbose=0))
display(
    Markdown(
        f"*Everything measured on noisy inputs. The denoiser reaches {scores['denoiser']:.1f} dB; "
        f"the mark to beat is not the noisy image ({scores['noisy']:.1f} dB) but the linear map "
        f"({scores['best linear map']:.1f} dB).*\n\n**The well-known mistake** is to evaluate on "
        "clean inputs. Many tutorials train a denoiser and then report the loss of `evaluate`, or "
        f"show its outputs, for images without noise. Fed clean images, ours has {clean_psnr:.1f} "
        "dB. That number is about copying, not about denoising. `val_loss` of `fit` is such a "
        "number too, since there the noise layer rests in validation; that of `train` is taken on "
        "noisy images."
    )
)

# %% [markdown]
# ## Missing parts
#
# `build_masked` cuts a hole into each training image and asks for the whole one. A missing pixel
# is written as -1, a value that no pixel has, so that the encoder knows what is missing and what is
# black. `kerasae.inpaint` does the same with your image and your mask, and keeps every known pixel.

# %%
keras.utils.set_random_seed(0)
filler = kerasae.build_masked(
    input_shape=shape, hidden=(16, 32), code_size=64, mask="block", mask_fraction=0.2
)
train(filler, images, config, progress=False)

masks = draw_masks("block", shape[:2], len(test), fraction=0.2, seed=1)
inpainted = kerasae.inpaint(filler, test, masks)
hole = masks[..., None]
average = np.broadcast_to(images.train.mean(axis=0), test.shape)
filled = {
    "black": np.where(hole, np.float32(0), test),
    "average digit": np.where(hole, average, test),
    "plain autoencoder": np.where(hole, model.predict(np.where(hole, 0, test), verbose=0), test),
    "inpainter": inpainted,
}
holes = {name: evaluation.hole_error(test, x, masks) for name, x in filled.items()}
display(plots.plot_inpaintings(test, masks, inpainted, count=10))
for name, error in holes.items():
    print(f"{error:.4f} mean squared error inside the holes: {name}")
assert min(holes, key=holes.get) == "inpainter"
display(
    Markdown(
        "*Holes in blue, how they were filled, and the difference. Strokes are carried on from "
        "both sides; where a whole part is gone, the model paints the average of what might have "
        "been there, which is grey. "
        f"Inside the holes the squared error is {holes['inpainter']:.4f}, against "
        f"{holes['average digit']:.4f} for the average digit.*"
    )
)

# %% [markdown]
# The error is taken inside the holes only. Taken over the whole image it would look several times
# as good, for everybody, since the known pixels are known. The plain autoencoder takes a black hole
# for a black part of the digit, and copies it. To fill holes a model must have seen some.

# %% [markdown]
# ## An experiment: two ways up
#
# Each layer of the decoder has to double rows and columns. A **transposed convolution** of stride 2
# paints overlapping windows: with a window of 3, some pixels get one contribution in each
# direction, others two. **Resizing** repeats each pixel and then convolves with stride 1: every
# pixel is made in the same way. One argument, `upsampling`, is all that differs.
#
# To see the pattern, feed something that has none. The models learn from colour pictures, lossy
# copies of those of CIFAR-10 (in fast mode crops of seven photographs); then both get a perfectly
# flat grey image.

# %%
if FAST:
    colour = kerasae.load_images("photos", image_size=32, limit=300)
else:
    colour = kerasae.load_images("cifar10", limit=3000)
print(colour.summary())
flat = np.full((1, *colour.image_shape), 0.5, np.float32)
patterns, results = {}, {}
for upsampling in ("transposed", "resize"):
    keras.utils.set_random_seed(0)
    up = kerasae.build_convolutional(
        input_shape=colour.image_shape,
        hidden=(16, 32),
        code="spatial",
        code_size=8,
        loss="mse",
        upsampling=upsampling,
    )
    for when in ("before", "after"):
        if when == "after":
            train(
                up,
                colour,
                TrainConfig(epochs=COLOUR_EPOCHS, batch_size=32, learning_rate=2e-3),
                progress=False,
            )
        grey = up.predict(flat, verbose=0)[0, 8:-8, 8:-8]  # without the border
        patterns[upsampling, when] = grey - grey.mean(axis=(0, 1))
    results[upsampling] = (
        up.count_params(),
        evaluation.psnr(colour.test, np.clip(up.predict(colour.test, verbose=0), 0, 1)),
        up.predict(colour.test[:8], verbose=0),
    )

figure, grid = plt.subplots(1, 4, figsize=(8.5, 2.5), layout="constrained")
gain = 0.4 / max(np.abs(p).max() for p in patterns.values())
spreads = {key: float(p.std()) for key, p in patterns.items()}
for axes, (key, pattern) in zip(grid, patterns.items(), strict=True):
    plots.show_image(axes, 0.5 + gain * pattern)
    axes.set_title(f"{key[0]}, {key[1]}\nspread {spreads[key]:.4f}", fontsize=9)
plt.show()
for when in ("before", "after"):
    assert spreads["resize", when] < 1e-4 < spreads["transposed", when]
display(
    Markdown(
        "*What becomes of a flat grey image, before and after training: deviations from the mean, "
        f"enlarged {gain:.1f} times. Spread is their standard deviation, where pixels go from 0 "
        "to 1. Transposed convolutions weave a chequered pattern before they have learnt anything, "
        "and some of it is still there afterwards. Resizing makes no pattern at all: where "
        "everything around is equal, every pixel is made in the same way.*"
    )
)

# %%
display(
    plots.plot_samples(
        np.stack([colour.test[:8], *(np.clip(r[2], 0, 1) for r in results.values())]),
        labels=["original", *results],
    )
)
gap = results["resize"][1] - results["transposed"][1]
display(
    Markdown(
        f"*Test images and both reconstructions. With equal weights ({results['resize'][0]:,} "
        f"parameters each) they reach {results['transposed'][1]:.2f} dB (transposed) and "
        f"{results['resize'][1]:.2f} dB (resize): a difference of {abs(gap):.2f} dB. Patterns show "
        f"first in smooth parts, such as a sky. Resizing costs about four times the arithmetic of "
        f"its layer, since it convolves at the full size.*"
    )
)

# %% [markdown]
# In the full run the row of the transposed model has wrong colours, too: a red fire engine comes
# out beige, and grass brown. Do not put that down to the layer. It is one run, with one seed and
# few epochs, in which red and green were hardly told apart; only more seeds and longer training
# could tell whether the layer has a part in it. The difference in PSNR contains this error of
# colour as well, so it is no measure of the pattern alone.
#
# ## What can go wrong
#
# **Clean inputs in the evaluation.** See above. It holds for holes just as for noise.
#
# **No baseline.** "The noise is gone" is true of a grey image, too. Compare with the best linear
# map; a network that does not beat it has learnt nothing that needs a network. After a short
# training the margin is small. With most of MNIST and fifty epochs it grows to three decibels (row
# 13 of [Fidelity](../docs/fidelity.md)).
#
# **Training on one draw of the noise.** A fixed noisy copy of the training set can be learnt by
# heart. New noise in each step cannot.
#
# **A code without a view.** With a spatial code, a position sees only what the kernels reach. If
# the hole is larger than that, its middle cannot be filled from anywhere: use a dense code, or more
# layers.
#
# **Noise of another kind.** A denoiser learns *its* noise. Exercise 2 measures what it does to
# another.

# %% [markdown]
# ## Key takeaways
#
# 1. Convolutions use the same weights at every position: their number does not depend on the size
#    of the image, as long as the code is spatial.
# 2. Strides make maps smaller; transposed convolutions or resizing make them larger again.
# 3. A denoiser is trained on noisy inputs and clean targets, and measured on noisy inputs.
# 4. An inpainter has to know which pixels are missing, and is measured inside the holes.
# 5. A result needs a baseline: the linear map, the median filter, the average image.

# %% [markdown]
# ## Exercises
#
# **1.** Odena and others recommend kernels whose size the stride divides. Take `kernel_size=4` with
# transposed convolutions, untrained, and look at the flat image.
#
# <details><summary>Solution</summary>
#
# ```python
# for kernel_size in (3, 4):
#     keras.utils.set_random_seed(0)
#     up = kerasae.build_convolutional(
#         input_shape=colour.image_shape,
#         hidden=(16, 32),
#         code="spatial",
#         code_size=8,
#         loss="mse",
#         kernel_size=kernel_size,
#     )
#     grey = up.predict(flat, verbose=0)[0, 8:-8, 8:-8]
#     print(kernel_size, f"{(grey - grey.mean(axis=(0, 1))).std():.4f}")
# ```
#
# Now each pixel gets equally many contributions, yet not the same ones: even and odd pixels meet
# different weights of the kernel. A pattern remains; only resizing is free of it from the start.
#
# </details>
#
# **2.** Give the denoiser salt and pepper in place of Gaussian noise: a fifth of the pixels black
# or white. Compare it with the median filter.
#
# <details><summary>Solution</summary>
#
# ```python
# chance = np.random.default_rng(1).random(test.shape)
# peppered = np.where(chance < 0.1, 0, np.where(chance > 0.9, 1, test)).astype(np.float32)
# for name, x in {
#     "noisy": peppered,
#     "median filter": median_filter(peppered, size=(1, 3, 3, 1)),
#     "denoiser": denoiser.predict(peppered, verbose=0),
# }.items():
#     print(f"{name:14} {evaluation.psnr(test, x):.1f} dB")
# ```
#
# The median filter was made for this noise and has caught up; how far depends on the size of the
# images. The denoiser carries over to some degree, since clipped strong noise has many black and
# white pixels, too.
#
# </details>
#
# **3.** Holes of another shape: fill strokes (`"free_form"`) with the model that has only seen
# blocks, and compare with the average digit.
#
# <details><summary>Solution</summary>
#
# ```python
# strokes = draw_masks("free_form", shape[:2], len(test), fraction=0.2, seed=2)
# guessed = kerasae.inpaint(filler, test, strokes)
# mean_filled = np.where(strokes[..., None], average, test)
# print("inpainter    ", evaluation.hole_error(test, guessed, strokes))
# print("average digit", evaluation.hole_error(test, mean_filled, strokes))
# display(plots.plot_inpaintings(test, strokes, guessed, count=8))
# ```
#
# It works, since what it has learnt is digits, not holes. Thin strokes are the easier task: a known
# pixel is never far away.
#
# </details>
#
# **4.** Train a denoiser at a quarter of the noise (`level=0.125`) and use it on the noise of this
# chapter.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# weak = kerasae.build_denoising(
#     base="convolutional", level=LEVEL / 4, input_shape=shape, hidden=(16, 32), code_size=64
# )
# train(weak, images, config, progress=False)
# weak_psnr = evaluation.psnr(test, weak.predict(noisy["test"], verbose=0))
# print(f"{weak_psnr:.1f} dB, against {scores['denoiser']:.1f} dB")
# ```
#
# It falls short: it trusts its input too much. The level in training should be that of the noise to
# come, or a little above.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Variational autoencoders](10_variational.ipynb): codes from which new images can be drawn.
# - [`build_convolutional`](../kerasae/builders/convolutional.py),
#   [`build_denoising`](../kerasae/builders/denoising.py) and
#   [`build_masked`](../kerasae/builders/masked.py).
#
# **Papers**
#
# - J. Masci, U. Meier, D. Cireşan and J. Schmidhuber (2011), *Stacked Convolutional Auto-Encoders
#   for Hierarchical Feature Extraction*, ICANN.
# - P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio and P.-A. Manzagol (2010), *Stacked Denoising
#   Autoencoders*, Journal of Machine Learning Research 11.
# - D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell and A. A. Efros (2016), *Context Encoders:
#   Feature Learning by Inpainting*, CVPR.
# - A. Odena, V. Dumoulin and C. Olah (2016), *Deconvolution and Checkerboard Artifacts*, Distill.
# - J. T. Springenberg, A. Dosovitskiy, T. Brox and M. Riedmiller (2015), *Striving for Simplicity:
#   The All Convolutional Net*, ICLR workshop: strides in place of pooling.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), the colour
# pictures lossy copies of images of CIFAR-10 (A. Krizhevsky 2009, *Learning Multiple Layers of
# Features from Tiny Images*). In fast mode the digits are of the UCI *Optical Recognition of
# Handwritten Digits* data set (E. Alpaydin and C. Kaynak, CC BY 4.0), as shipped with scikit-learn,
# and the colour pictures crops of photographs shipped with scikit-learn and scikit-image (china by
# danielbuechele and flower by vultilion: CC BY 2.0; chelsea and coffee: CC0; astronaut and rocket:
# public domain; motorcycle: Middlebury Stereo 2014).
