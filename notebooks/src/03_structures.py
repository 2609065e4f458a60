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
# # Structures: encoder, code, decoder
#
# *Section: structures.* An autoencoder has three parts. In this chapter they are taken out and put
# on the table. One image goes through, and after each layer we look at what is there.
#
# **You will be able to**
#
# - name the three parts, and say for each layer what goes in, what comes out, and how many
#   parameters it has, by calculation rather than by trust;
# - work out one value of a convolution and one place of the code with NumPy;
# - read a code as numbers and as a picture, and know what cannot be read from it;
# - run a decoder on its own, with codes that no encoder has made;
# - say why the two halves are the models that get deployed, and deploy them.
#
# ## The idea
#
# The **encoder** takes an image and makes it smaller, layer by layer, until a few numbers are
# left. These are the **code**; other names are *bottleneck* and *latent representation*. The
# **decoder** takes the code and makes it larger, until it has the shape of an image. Both halves
# are ordinary networks. Only training needs them as one, since the error is measured at the far
# end and has to travel back through the decoder into the encoder. After training they can part,
# and often must: the encoder belongs where images are made, the decoder where they are seen.

# %%
import os
import tempfile
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, samplers, train
from kerasae_export.conversion import Converter
from kerasae_export.litemodel import LiteModel
from kerasae_export.split import predict  # runs a model on images, batch by batch

import ipywidgets
import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
HIDDEN = (16, 32) if FAST else (16, 32, 64)
CODE_SIZE = 16
EPOCHS = 25 if FAST else 6

# %% [markdown]
# ## The data

# %%
images = kerasae.load_images("digits" if FAST else "mnist")
print(images.summary())

figure, grid = plt.subplots(1, 10, figsize=(9, 1.3))
for axes, picture in zip(grid, images.train, strict=False):
    plots.show_image(axes, picture)
plt.show()

# %% [markdown]
# *Ten training images. The networks of this chapter see them without labels.*

# %% [markdown]
# ## The model
#
# The builder makes a convolutional autoencoder. Convolutions keep the picture a picture, so that
# there is something to look at in the layers. Each one halves height and width, rounded up (7
# becomes 4); `hidden` says how many channels it has.

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_convolutional(
    input_shape=images.image_shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse"
)
display(plots.plot_architecture(model))

# %% [markdown]
# *The model, drawn from its layers. A block is as wide as the picture or the vector, and as thick
# as the channels are many. The columns give the shape that leaves the layer and its parameters.
# Look at the waist, and then at the parameters of the two dense layers: the code, and the one that
# follows it.*
#
# The three parts are ordinary Keras models, and they can be taken out. They share their weights
# with the whole; nothing is copied.

# %%
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
for name, part in (("encoder", encoder), ("decoder", decoder), ("whole", model)):
    print(f"{name}: {part.input_shape[1:]} to {part.output_shape[1:]}, {part.count_params():,}")
assert encoder.count_params() + decoder.count_params() == model.count_params()
sample = images.test[:3]
assert np.allclose(
    predict(decoder, predict(encoder, sample)),
    predict(model, sample),
    atol=1e-5,
)

# %% [markdown]
# ## Training
#
# The two halves are trained together, as in the chapter before.

# %%
config = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=3e-3)
history = train(model, images, config, progress=False)
display(plots.plot_history(history.history))

# %%
outputs = np.clip(predict(model, images.test), 0, 1)
psnr = evaluation.psnr(images.test, outputs)
mean_image = np.broadcast_to(images.train.mean(axis=0), images.test.shape)
baseline = evaluation.psnr(images.test, mean_image)
assert psnr > baseline + 2
display(plots.plot_reconstructions(images.test, outputs, count=7, gain=1))
display(
    Markdown(
        f"*Above: the loss of each epoch, on training and validation images; the circle marks the "
        f"epoch that `train` goes back to. Below: held-out images, their reconstructions and the "
        f"differences (mid-grey: none). The quality on "
        f"{len(images.test):,} test images is {psnr:.2f} dB; the mean image has "
        f"{baseline:.2f} dB.*"
    )
)

# %% [markdown]
# ## The encoder, layer by layer
#
# Here is what every layer of the encoder gives for one image. `plot_activations` runs the image
# through the model and draws what it finds.

# %%
image = images.test[4]
inside = [layer.name for layer in encoder.layers if layer.name != "image"]
display(plots.plot_activations(model, image, layers=("image", *inside)))

# %% [markdown]
# *From top to bottom: the image; feature maps, each smaller than the one before, with more
# channels; the last maps as one long vector, drawn in rows of 128; and the code. In the first maps
# you still see the digit: some channels answer to edges on one side of the stroke, others to the
# stroke itself. Further down a map has few positions, and each says something about a large part of
# the image. Black squares are units that the activation function has set to 0.*
#
# **A value by hand.** A channel of the first convolution multiplies a piece of the image with its
# 3 by 3 weights, adds them up, adds a bias and sets negative results to 0 (ReLU). Take the
# position with the highest value, and do it in NumPy.

# %%
first = encoder.get_layer("encode_1")
kernel, bias = first.get_weights()  # (3, 3, 1, channels), (channels,)
maps = predict(keras.Model(encoder.inputs, first.output), image[None])
row, column, channel = np.unravel_index(maps[0].argmax(), maps[0].shape)
padded = np.pad(image, ((0, 1), (0, 1), (0, 0)))  # "same" padding of an even side, stride 2
patch = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
products = patch[..., 0] * kernel[..., 0, channel]
value = max(0.0, products.sum() + bias[channel])
assert np.isclose(value, maps[0, row, column, channel], rtol=1e-4)

figure, grid = plt.subplots(1, 3, figsize=(6.5, 2.4))
largest = np.abs([kernel[..., 0, channel], products]).max()
plots.show_image(grid[0], patch)
for axes, numbers in zip(grid[1:], (kernel[..., 0, channel], products), strict=True):
    axes.imshow(numbers, cmap="RdBu_r", vmin=-largest, vmax=largest)
for axes, numbers, title in zip(
    grid,
    (patch[..., 0], kernel[..., 0, channel], products),
    ("piece of the image", f"weights of channel {channel}", "products"),
    strict=True,
):
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=10)
    for y, x in np.ndindex(3, 3):
        dark = numbers[y, x] < 0.5 if axes is grid[0] else abs(numbers[y, x]) > 0.6 * largest
        text = f"{numbers[y, x]:.2f}".replace("-0.00", "0.00")
        axes.text(
            x, y, text, ha="center", va="center", fontsize=8, color="white" if dark else "black"
        )
plt.show()
display(
    Markdown(
        f"*Nine pixels, nine weights, nine products. Their sum is {products.sum():.3f}; with the "
        f"bias of {round(float(bias[channel]), 3) + 0.0:.3f} it is {value:.3f}, which is what "
        f"Keras has in channel {channel} at row {row}, column {column}. The map is this sum at "
        f"every second position.*"
    )
)

# %% [markdown]
# **Parameters by hand.** A convolution has a 3 by 3 kernel for each pair of input and output
# channel, and a bias for each output channel, and uses them everywhere in the image. A dense layer
# has a weight for each pair of input and output, and a bias for each output. That is all.

# %%
flat = encoder.get_layer("flatten").output.shape[1]
rows, into = [], images.image_shape[-1]
for i, channels in enumerate(HIDDEN, start=1):
    layer = encoder.get_layer(f"encode_{i}")
    assert layer.count_params() == 3 * 3 * into * channels + channels
    rows.append(
        f"| encode_{i} | 3 · 3 · {into} · {channels} + {channels} | {layer.count_params():,} |"
    )
    into = channels
code_layer = encoder.get_layer("code")
assert code_layer.count_params() == flat * CODE_SIZE + CODE_SIZE
rows.append(f"| code | {flat} · {CODE_SIZE} + {CODE_SIZE} | {code_layer.count_params():,} |")
display(Markdown("\n".join(["| layer | calculation | parameters |", "|---|---|---:|", *rows])))
dense = code_layer.count_params() + decoder.get_layer("decode_1").count_params()
display(
    Markdown(
        f"The two dense layers, `code`, which turns maps into a short vector, and `decode_1`, "
        f"which turns it into maps again, hold {dense:,} of the {model.count_params():,} "
        f"parameters, {dense / model.count_params():.0%}. All convolutions share the rest."
    )
)

# %% [markdown]
# ## The code
#
# What is left of the image is a list of numbers. Here it is, for the image above and for two
# others: one with the same label, and one with another.

# %%
codes = predict(encoder, images.test)
label = images.test_labels[4]
same = next(i for i in range(5, len(codes)) if images.test_labels[i] == label)
other = next(i for i in range(5, len(codes)) if images.test_labels[i] != label)
print("code of the image:")
for part in np.round(codes[4], 2).reshape(2, -1):
    print(*part)

spread = np.abs(codes[[4, same, other]]).max()
figure, grid = plt.subplots(3, 3, figsize=(9, 4.2), width_ratios=[1, 1, 5], layout="constrained")
for axes_row, index in zip(grid, (4, same, other), strict=True):
    plots.show_image(axes_row[0], images.test[index])
    axes_row[0].set_ylabel(f"label {images.test_labels[index]}", fontsize=9)
    axes_row[1].imshow(codes[index].reshape(4, 4), cmap="RdBu_r", vmin=-spread, vmax=spread)
    axes_row[1].set(xticks=[], yticks=[])
    axes_row[2].bar(range(CODE_SIZE), codes[index], color=plots.ORANGE)
    axes_row[2].axhline(0, color=plots.INK, linewidth=0.6)
    axes_row[2].set(xticks=range(CODE_SIZE), ylim=(-1.1 * spread, 1.1 * spread), ylabel="value")
    axes_row[2].spines[["top", "right"]].set_visible(False)
grid[0, 1].set_title("as a picture", fontsize=10)
grid[0, 2].set_title("as numbers", fontsize=10)
grid[2, 2].set_xlabel("place in the code")
plt.show()

near = float(np.linalg.norm(codes[4] - codes[same]))
far = float(np.linalg.norm(codes[4] - codes[other]))
typical = float(np.linalg.norm(codes[:150] - codes[150:300], axis=-1).mean())
display(
    Markdown(
        f"*Three images, their codes as a picture of 4 by 4 (blue is negative, red positive, "
        f"white is 0), and as bars. The distance of the first code to the second is {near:.1f}, "
        f"to the third {far:.1f}; two images drawn at random are {typical:.1f} apart. What the "
        f"single numbers stand for cannot be read: nobody asked the network to keep them apart, "
        f"and with another random seed each place means something else. The order of the places, "
        f"and with it the 4 by 4 picture, is arbitrary.*"
    )
)

# %% [markdown]
# The code is computed by the simplest of all layers: a matrix times the last maps, plus a bias.

# %%
weights, offset = code_layer.get_weights()
last_maps = predict(keras.Model(encoder.inputs, encoder.get_layer("flatten").output), image[None])
assert np.allclose(last_maps @ weights + offset, codes[4], atol=1e-3)
raw, kept = image.size, CODE_SIZE
display(
    Markdown(
        f"From {raw} numbers to {kept}: **{raw / kept:.0f} to 1**. As 32-bit numbers the code "
        f"takes {4 * kept} bytes and the raw image {raw}. [Start here](00_start_here.ipynb) shows "
        f"how rounding and entropy coding make it much smaller again."
    )
)

# %% [markdown]
# ## The decoder, layer by layer
#
# The decoder sees the code and nothing else. It does not know which image it came from.

# %%
outside = [layer.name for layer in decoder.layers if layer.name != "code"]
display(plots.plot_activations(model, image, layers=("code", *outside)))

# %% [markdown]
# *The way back, from the code at the top to the picture at the bottom. A dense layer makes many
# numbers of the few; they are laid out as small maps; transposed convolutions double height and
# width, each time with fewer channels, until one channel is left: the picture. The maps are not
# those of the encoder in reverse; nothing in the training asks for that. Even the shapes mirror
# only roughly: halving rounds up (28, 14, 7, 4), doubling does not round down (4, 8, 16, 32), and
# so `crop` cuts off what is too much, on the right and at the bottom. Where a layer has negative
# values, as the linear `pixels` may, 0 is drawn in mid-grey. The last row is the picture itself and
# is drawn as one: what is below 0 is black, what is above 1 white.*

# %% [markdown]
# ## The decoder on its own
#
# A decoder takes any list of numbers. It need not come from an encoder. First we turn one place
# of the code at a time, three standard deviations down and up, and leave the others as they are.

# %%
train_codes = predict(encoder, images.train[:5000])
deviations = train_codes.std(axis=0)
steps = np.linspace(-3, 3, 7)
turned = samplers.traverse(
    model, image, dimensions=range(6), steps=7, span=3.0, deviations=deviations
)
display(plots.plot_traversals(turned, labels=[f"place {i}" for i in range(6)], values=list(steps)))

# %% [markdown]
# *A row for each of the first six places, a column for each distance from the code of the image,
# which is the middle column. The numbers at the top are these distances, in standard deviations,
# and not the values themselves. Small turns bend, thicken or tilt the digit. Large ones lead to
# another digit or to nothing that anybody would write. Few places have a meaning that you could put
# into words, and most of them change several things at once.*
#
# If you run this notebook yourself, you can turn them by hand. In a page that does not run, the
# picture above shows the same.

# %%
sliders = ipywidgets.interact(
    lambda place, change: plots.plot_samples(
        samplers.traverse(
            model, image, dimensions=[place], steps=3, span=change, deviations=deviations
        )[0]
    ),
    place=ipywidgets.IntSlider(0, 0, CODE_SIZE - 1),
    change=ipywidgets.FloatSlider(1.5, min=0.5, max=4.0, step=0.5),
)
# %% [markdown]
# *Left, middle, right: the place turned down, left as it is, and turned up, by so many standard
# deviations as the lower slider says.*
#
# Now codes that no image has: zeros, the mean of two codes, and random numbers with the mean and
# spread that real codes have in each place.

# %%
rng = np.random.default_rng(1)
middle = train_codes.mean(axis=0)
made = {
    "code of the image": codes[4],
    "all zeros": np.zeros(CODE_SIZE),
    "mean of two codes": (codes[4] + codes[other]) / 2,
    "random, usual spread": rng.normal(middle, deviations),
    "random, spread x 4": rng.normal(middle, 4 * deviations),
}
invented = np.clip(predict(decoder, np.stack(list(made.values()))), 0, 1)
figure, grid = plt.subplots(1, 6, figsize=(9, 1.9))
for axes, picture, name in zip(grid, [image, *invented], ["image", *made], strict=True):
    plots.show_image(axes, picture)
    axes.set_title(name.replace(", ", ",\n").replace("of ", "of\n"), fontsize=8)
plt.show()

# %% [markdown]
# *The decoder answers every code with a picture, and never says that a code is unusual. In the full
# run zeros, a code that no image has, give a picture that is nearly black. The mean of two codes
# gives a blur that is neither of the two digits. Random numbers with the usual spread give a pale
# stroke that might be a digit, with four times the spread strokes too thick and too bright. Between
# and beside real codes there are places that the decoder was not trained on. So a plain autoencoder
# is a poor generator of images; the [variational](10_variational.ipynb) one is made for that.*

# %% [markdown]
# ## The halves are what gets deployed
#
# The sender needs the encoder, the receiver the decoder, and neither needs the other, the loss,
# the optimiser or this library. A `Converter` makes files that run with TF Lite on a phone. Here
# are both halves, in 32-bit numbers and in 8-bit numbers. Also in 8 bits a file has more than one
# byte a parameter. Each output of a dense layer has a scale and a zero point for its weights, a
# bias of 32 bits, and a scale and a zero point for that: 28 bytes together. The decoder feels it
# most, since `decode_1` has as many outputs as the last maps have values.

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
folder = Path(scratch.name)
few = images.train[:200]
calibration = {"encoder": few, "decoder": predict(encoder, few)}
rows, files = [], {}
with Converter() as converter:
    for name, part in (("encoder", encoder), ("decoder", decoder)):
        for scheme in ("float32", "int8"):
            path = folder / f"{name}-{scheme}.tflite"
            converter.convert(part, path, scheme=scheme, calibration=calibration[name])
            files[name, scheme] = LiteModel(path.read_bytes())
            rows.append(
                f"| {name} | {scheme} | {part.count_params():,} | {path.stat().st_size:,} | "
                f"{part.input_shape[1:]} to {part.output_shape[1:]} |"
            )
header = "| half | numbers | parameters | bytes of the file | from, to |\n|---|---|---:|---:|---|"
display(Markdown("\n".join([header, *rows])))

# %%
few_test = images.test[:100]
quality = {"Keras": evaluation.psnr(few_test, outputs[:100])}
for scheme in ("float32", "int8"):
    sent = files["encoder", scheme].run(few_test)  # at the sender
    shown = files["decoder", scheme].run(sent)  # at the receiver
    quality[scheme] = evaluation.psnr(few_test, np.clip(shown, 0, 1))
assert abs(quality["float32"] - quality["Keras"]) < 0.01
assert quality["int8"] > quality["Keras"] - 1.5
display(
    Markdown(
        f"The two files of a scheme, one after the other, do what the whole model does: "
        f"{quality['Keras']:.2f} dB with Keras, {quality['float32']:.2f} dB with 32-bit files, "
        f"{quality['int8']:.2f} dB with 8-bit files, on {len(few_test)} test images."
    )
)

# %% [markdown]
# ## An experiment: what the code looks like
#
# One hyperparameter changes: `code="spatial"` in place of `"dense"`. The code is then not a list
# but a small picture: each position has been computed from its own part of the image, with weights
# that are the same everywhere. `code_size` counts the channels at each position, and is chosen so
# that the code has 16 numbers again.

# %%
positions = int(np.prod([-(-side // 2 ** len(HIDDEN)) for side in images.image_shape[:2]]))
keras.utils.set_random_seed(0)
spatial = kerasae.build_convolutional(
    input_shape=images.image_shape,
    code_size=CODE_SIZE // positions,
    hidden=HIDDEN,
    loss="mse",
    code="spatial",
)
train(spatial, images, config, progress=False)
kinds = {"dense": model, "spatial": spatial}
shapes = {name: kerasae.encoder(kind).output_shape[1:] for name, kind in kinds.items()}
assert all(np.prod(shape) == CODE_SIZE for shape in shapes.values())
scores = {
    name: evaluation.psnr(images.validation, np.clip(predict(kind, images.validation), 0, 1))
    for name, kind in kinds.items()
}

figure, grid = plt.subplots(2, 5, figsize=(9, 3.8))
changes = {}
for axes_row, (name, kind) in zip(grid, kinds.items(), strict=True):
    code = predict(kerasae.encoder(kind), image[None])
    usual = predict(kerasae.encoder(kind), images.train[:1000]).std(axis=0)
    before = predict(kerasae.decoder(kind), code)[0]
    plots.show_image(axes_row[0], before)
    for axes, place in zip(axes_row[1:], (1, 5, 9, 14), strict=True):
        moved = code.reshape(-1).copy()
        moved[place] += 2 * usual.reshape(-1)[place]
        after = predict(kerasae.decoder(kind), moved.reshape(code.shape))[0]
        change = np.abs(after - before)[..., 0]
        changes[name, place] = float((change > 0.1 * change.max()).mean())
        axes.imshow(change, cmap="magma", vmin=0, vmax=change.max())
        axes.set(xticks=[], yticks=[])
    axes_row[0].set_ylabel(f"{name}, {shapes[name]}", fontsize=9)
for axes, title in zip(
    grid[0], ("reconstruction", *(f"number {n} changed" for n in (1, 5, 9, 14))), strict=True
):
    axes.set_title(title, fontsize=9)
plt.show()
reach = {n: np.mean([changes[n, place] for place in (1, 5, 9, 14)]) for n in kinds}
assert reach["spatial"] < reach["dense"]
assert spatial.count_params() < model.count_params()
display(
    Markdown(
        f"*Where the picture changes (bright) when one number of the code is moved by two "
        f"standard deviations; each panel has its own scale. A pixel is reached if it changes by "
        f"more than a tenth of the largest change. A number of the dense code reaches "
        f"{reach['dense']:.0%} of the pixels, a number of the spatial code "
        f"{reach['spatial']:.0%}, those around its position. The spatial model has "
        f"{spatial.count_params():,} parameters, the dense one {model.count_params():,}. With 16 "
        f"numbers each, the validation quality is {scores['dense']:.2f} dB (dense) and "
        f"{scores['spatial']:.2f} dB (spatial).*"
    )
)
assert scores["dense"] > scores["spatial"]

# %% [markdown]
# A dense code can use what it knows about whole digits, and wins on small images that all show one
# thing. A spatial code knows no size: the same weights work on an image of any height and width,
# which is why codecs for photographs have one.

# %% [markdown]
# ## What can go wrong
#
# **Halves that do not belong together.** A code can only be read by the decoder that was trained
# with the encoder. To another one, even of the same shape and trained on the same images, it is a
# foreign language. Bundles carry an identity, and a `.kae` file names the one that it needs.
#
# **Meaning read into places of the code.** It is tempting to call place 3 "slant" after one look
# at a traversal. Look at many images, and at another seed, before you believe it.
#
# **Parameters and code confused.** A network with many parameters can have a tiny code. What is
# sent for each image is the code; the parameters are sent once.
#
# **A decoder with a side door.** A connection from a layer of the encoder straight to the decoder
# makes beautiful reconstructions, and is no compression: the receiver would have to be sent that
# layer, too. Segmentation networks have such connections, codecs must not.

# %% [markdown]
# ## Key takeaways
#
# 1. Encoder, code, decoder: three parts, trained as one, used as two models.
# 2. Every layer is a sum of products, a bias and a simple function; you can check it by hand.
# 3. The code is all that the decoder knows. It is small by design, and its places have no names.
# 4. A convolution uses its few weights everywhere, a dense layer has one for each pair of values.
#    The numbers of parameters follow from that.
# 5. The decoder makes a picture of any code, sensible or not.
# 6. A dense code describes the image as a whole, a spatial code describes it part by part.

# %% [markdown]
# ## Exercises
#
# **1.** How many parameters has the layer that makes vectors into maps, `decode_1`? Work it out,
# then ask the model.
#
# <details><summary>Solution</summary>
#
# ```python
# layer = decoder.get_layer("decode_1")
# print(CODE_SIZE * flat + flat, layer.count_params())
# ```
#
# A weight for each pair of a code's number and a unit, and a bias for each unit.
#
# </details>
#
# **2.** Swap the halves of two models that differ in the seed only. What does the decoder of one
# make of the codes of the other?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(1)
# twin = kerasae.build_convolutional(
#     input_shape=images.image_shape, code_size=CODE_SIZE, hidden=HIDDEN, loss="mse"
# )
# short = TrainConfig(epochs=max(1, EPOCHS // 4), batch_size=64, learning_rate=3e-3)
# train(twin, images, short, progress=False)
# foreign = predict(kerasae.decoder(twin), codes[:8])
# own = predict(twin, images.test[:8])
# display(plots.plot_samples(np.concatenate([images.test[:8], own, foreign]), columns=8))
# ```
#
# Originals, the twin's own reconstructions, and what its decoder makes of the first model's codes:
# strokes, but not those of the image.
#
# </details>
#
# **3.** Set one number of the code to 0 for all test images, one number after the other. Which one
# is missed most?
#
# <details><summary>Solution</summary>
#
# ```python
# losses = []
# for place in range(CODE_SIZE):
#     without = codes[:1000].copy()
#     without[:, place] = 0
#     rebuilt = np.clip(predict(decoder, without), 0, 1)
#     losses.append(evaluation.psnr(images.test[:1000], rebuilt))
# print(np.round(losses, 2), "against", round(psnr, 2))
# print("missed most:", int(np.argmin(losses)), "least:", int(np.argmax(losses)))
# ```
#
# All are missed, some more than others. 0 is only a fair choice where the mean of a place is near
# 0; repeat it with the mean of each place.
#
# </details>
#
# **4.** Draw all layers of the spatial model for one image. Where is the digit still visible?
#
# <details><summary>Solution</summary>
#
# ```python
# display(plots.plot_activations(spatial, image, maps=6))
# ```
#
# In every layer, and even in the code you can guess where the strokes are: positions keep
# their places.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Properties](04_properties.ipynb): what such a structure can do, and what it cannot.
# - [`build_convolutional`](../kerasae/builders/convolutional.py): the builder of this chapter.
# - [The convolutional chapter](09_convolutional.ipynb).
#
# **Papers and books**
#
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313: the figure with encoder, code and decoder that all others follow.
# - J. Masci, U. Meier, D. Ciresan and J. Schmidhuber (2011), *Stacked Convolutional Auto-Encoders
#   for Hierarchical Feature Extraction*, ICANN.
# - V. Dumoulin and F. Visin (2016), *A Guide to Convolution Arithmetic for Deep Learning*, arXiv
#   1603.07285: shapes, strides and transposed convolutions.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapters 9 and 14, MIT Press.
#
# The full run uses MNIST (Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0). In fast mode the
# digits are a copy of the test set of the UCI *Optical Recognition of Handwritten Digits* data set
# (E. Alpaydin and C. Kaynak, CC BY 4.0), as shipped with scikit-learn.
