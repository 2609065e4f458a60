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
# *Section: structures.* An autoencoder has three parts. Here is one image on its way through all
# of them.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA = "digits" if FAST else "mnist"
COUNT, EPOCHS, LIVE_EPOCHS = (1294, 20, 10) if FAST else (20_000, 6, 2)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import kerasae
from kerasae import TrainConfig, plots, train

import keras
import matplotlib.pyplot as plt
import numpy as np

images = kerasae.load_images(DATA)
some = kerasae.Images(
    train=images.train[:COUNT], validation=images.validation[:1000], test=images.test
)
keras.utils.set_random_seed(0)
ours = kerasae.build_convolutional(
    input_shape=images.image_shape, code_size=16, hidden=(16, 32), loss="mse"
)
train(ours, some, TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=3e-3), progress=False)

value = images.test[4:5]
panels = [("image", value[0], plots.INK)]
for half, names, colour in (
    (kerasae.encoder(ours), ("encode_1", "encode_2", "code"), plots.BLUE),
    (kerasae.decoder(ours), ("grid", "decode_2", "pixels"), plots.GREEN),
):
    stages = keras.Model(half.input, [half.get_layer(name).output for name in names])
    found = [keras.ops.convert_to_numpy(stage) for stage in stages(value)]
    panels += [(name, stage[0], colour) for name, stage in zip(names, found, strict=True)]
    value = found[-1]

figure, grid = plt.subplots(
    1, 7, figsize=(10, 2.9), width_ratios=[4, 4, 2, 0.9, 2, 4, 4], layout="constrained"
)
for axes, (name, stage, colour) in zip(grid, panels, strict=True):
    axes.set(xticks=[], yticks=[])
    if name in ("image", "pixels"):
        plots.show_image(axes, np.clip(stage, 0, 1))
        title = f"{'image' if name == 'image' else 'reconstruction'}\n{stage.size} numbers"
    elif name == "code":
        largest = np.abs(stage).max()
        axes.imshow(stage[:, None], cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
        title, colour = f"code\n{stage.size} numbers", plots.ORANGE
    else:
        side, _, count = stage.shape
        tiles = np.pad(stage / stage.max(), ((0, 1), (0, 1), (0, 0)), constant_values=1)
        tiles = tiles.transpose(2, 0, 1).reshape(count // 4, 4, side + 1, side + 1)
        axes.imshow(tiles.swapaxes(1, 2).reshape(count // 4 * (side + 1), -1), cmap="gray")
        title = f"{count} maps\n{side} × {side}"
    axes.set_title(title, fontsize=10, color=colour)
    axes.spines[:].set_visible(False)
plt.show()

# %% [markdown]
# *Read from left to right. The encoder (blue headings) turns the image into maps and the maps into
# a code (orange heading). The decoder (green headings) sees nothing but the code.*

# %% [markdown]
# **You will be able to**
#
# - name the three parts, and read them in plain Keras;
# - calculate one value of a convolution, and the number of parameters of each layer;
# - read a code, and know what cannot be read from it;
# - run a decoder on its own, with codes that you have changed or chosen;
# - say why two halves belong together.
#
# ## The idea
#
# The **encoder** turns an image into a few numbers, the **latent code**. The first layers actually
# produce more numbers than the image has: 784 pixels become 3,136, then 1,568. Only the last layer
# squeezes, to 16. That narrow place is the **bottleneck**. The **decoder** makes an image from the
# code. Only training needs the two as one network, because the error is measured at the end and its
# gradient travels back through the decoder into the encoder. After training each can be used alone.
# For compression, the encoder goes to the sender and the decoder to the receiver.

# %%
import kerasae
from kerasae import evaluation, plots, samplers

import keras
import numpy as np

# %% [markdown]
# ## Three parts in plain Keras
#
# A convolution of stride 2 halves the height and the width. A **transposed convolution** of stride
# 2 doubles them: each value of a small map is multiplied by a 3 by 3 kernel, these patches are laid
# down two pixels apart, and where they overlap they are added up, over all channels. The code and
# the last layer have no activation, so they may be negative. (`DATA` is `"mnist"`; we train on the
# first 20,000 images, `COUNT`.)

# %%
images = kerasae.load_images(DATA)
x_train, x_test = images.train[:COUNT], images.test
small = x_train.shape[1] // 4  # 28 / 2 / 2 = 7
keras.utils.set_random_seed(1)

encoder = keras.Sequential([keras.Input(images.image_shape)], name="encoder")
encoder.add(keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"))
encoder.add(keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"))
encoder.add(keras.layers.Flatten())
encoder.add(keras.layers.Dense(16, name="code"))

decoder = keras.Sequential([keras.Input((16,))], name="decoder")
decoder.add(keras.layers.Dense(small * small * 32, activation="relu"))
decoder.add(keras.layers.Reshape((small, small, 32)))
decoder.add(keras.layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"))
decoder.add(keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same"))

yours = keras.Sequential([encoder, decoder])
yours.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
for half in (encoder, decoder):
    print(half.name, half.input_shape[1:], "to", half.output_shape[1:], half.count_params())

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
copy = kerasae.build_convolutional(
    input_shape=images.image_shape, code_size=16, hidden=(16, 32), loss="mse"
)
copy.set_weights(yours.get_weights())
assert np.allclose(copy(x_test[:4]), yours(x_test[:4]), atol=1e-5)

# %% [markdown]
# This is *your* network. Train it now, for two epochs (`LIVE_EPOCHS`). The halves are trained
# together. Beside it stands `ours`, the network of the title picture: the same layers from
# `kerasae.build_convolutional`, other random weights at the start, and six epochs.

# %%
yours.fit(x_train, x_train, batch_size=64, epochs=LIVE_EPOCHS, verbose=0)
for name, model in {"yours": yours, "ours": ours}.items():
    outputs = np.clip(model.predict(x_test, verbose=0), 0, 1)
    print(f"{name}: {evaluation.psnr(x_test, outputs):.1f} dB")

# %% [markdown]
# **Your turn, half a minute:** make the code 2 numbers, in `Dense(16, name="code")` and in
# `keras.Input((16,))`, train again, and expect several decibels (dB) less; 10<!--given--> dB less
# means ten times the squared error. Then go back to 16.
#
# ## The encoder
#
# From here on we use our network: `encoder` and `decoder` are now the halves of `ours`.
# `plot_activations` shows what each layer makes of one image.

# %%
image = x_test[4]
encoder, decoder = kerasae.encoder(ours), kerasae.decoder(ours)
plots.plot_activations(ours, image, layers=("image", "encode_1", "encode_2", "flatten", "code"))

# %% [markdown]
# *Going down, there are more maps, each coarser; eight of each layer are shown. In the first ones
# you still see the digit; some respond to an edge on one side of the stroke.*

# %% [markdown]
# **A convolution by hand.** A channel multiplies a 3 by 3 piece of the image with its 9 weights,
# adds up the products and a bias, and sets negative results to 0 (ReLU). Find the brightest spot
# and recompute it in NumPy. (With stride 2 and an even width, Keras pads only at the bottom and on
# the right: the last patch would stick out there by one pixel.)

# %%
first = encoder.get_layer("encode_1")
kernel, bias = first.get_weights()  # (3, 3, 1, channels), (channels,)
maps = keras.Model(encoder.input, first.output).predict(image[None], verbose=0)[0]
row, column, channel = np.unravel_index(maps.argmax(), maps.shape)

padded = np.pad(image[..., 0], ((0, 1), (0, 1)))  # padding="same", stride 2
patch = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
products = patch * kernel[..., 0, channel]
by_hand = max(0.0, products.sum() + bias[channel])
print(f"by hand {by_hand:.4f}, by Keras {maps[row, column, channel]:.4f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
assert np.isclose(by_hand, maps[row, column, channel], rtol=1e-4)
figure, grid = plt.subplots(1, 3, figsize=(6.5, 2.4))
weights = kernel[..., 0, channel]
largest = np.abs([weights, products]).max()
titles = ("piece of the image", f"weights of channel {channel}", "products")
for axes, numbers, title in zip(grid, (patch, weights, products), titles, strict=True):
    if axes is grid[0]:
        axes.imshow(numbers, cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(numbers, cmap="RdBu_r", vmin=-largest, vmax=largest)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=10)
    for y, x in np.ndindex(3, 3):
        dark = numbers[y, x] < 0.5 if axes is grid[0] else abs(numbers[y, x]) > 0.6 * largest
        text = f"{numbers[y, x]:.2f}".replace("-0.00", "0.00")
        colour = "white" if dark else "black"
        axes.text(x, y, text, ha="center", va="center", fontsize=8, color=colour)
plt.show()

# %% [markdown]
# *Nine pixels times nine weights are nine products. Add them up, add the bias (not drawn): one
# pixel of one map. Sliding along by two pixels gives the next.*

# %% [markdown]
# **Parameters by hand.** A convolution has a 3 by 3 kernel for each pair of input and output
# channel and a bias for each output channel, and uses them everywhere. A dense layer has one weight
# for each pair of input and output, and a bias for each output. Complete `your_value`.

# %%
flat = encoder.get_layer("flatten").output.shape[1]
your_value = flat * 16  # the layer `code`: what is missing?
print("encode_1:", 3 * 3 * 1 * 16 + 16, "by hand,", first.count_params(), "by Keras")
print("encode_2:", 3 * 3 * 16 * 32 + 32, "by hand,", encoder.get_layer("encode_2").count_params())
print("code:    ", your_value, "your value,", encoder.get_layer("code").count_params(), "true")

# %% [markdown]
# ## The code
#
# What is left of an image is 16 numbers. Take two images of the same digit and one of another.
# **Guess first:** in how many of the 16 places will the two sevens have the same sign? And the
# seven and the other digit? Write down two numbers, then look.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
codes = encoder.predict(x_test, verbose=0)
labels = images.test_labels
same = next(i for i in range(5, len(codes)) if labels[i] == labels[4])
other = next(i for i in range(5, len(codes)) if labels[i] != labels[4])
spread = np.abs(codes[[4, same, other]]).max()
figure, grid = plt.subplots(3, 2, figsize=(8, 3.9), width_ratios=[1, 5], layout="constrained")
for axes_row, index in zip(grid, (4, same, other), strict=True):
    plots.show_image(axes_row[0], x_test[index])
    axes_row[1].bar(range(16), codes[index], color=plots.ORANGE)
    axes_row[1].axhline(0, color=plots.INK, linewidth=0.6)
    distance = np.linalg.norm(codes[4] - codes[index])
    axes_row[1].set_title(f"distance to the first code: {distance:.1f}", fontsize=9, loc="left")
    axes_row[1].set(xticks=range(16), ylim=(-1.1 * spread, 1.1 * spread))
    axes_row[1].spines[["top", "right"]].set_visible(False)
grid[2, 1].set_xlabel("position in the code")
plt.show()

# %% [markdown]
# *Compare the signs, place by place. The two sevens agree in 12 places, the first seven and the six
# in 6. Three images prove nothing, but the distances above the bars say the same.*

# %% [markdown]
# You cannot tell from the bars what one number means. Nothing in the loss keeps the meanings apart,
# and their order is arbitrary: with another random seed each position means something else.
#
# ## The decoder
#
# The decoder does not know which image a code came from.

# %%
plots.plot_activations(ours, image, layers=("code", "decode_1", "grid", "decode_2", "pixels"))

# %% [markdown]
# *The way back: a dense layer turns 16 numbers into small maps, and transposed convolutions double
# them twice. They are not the encoder's maps in reverse order.*

# %% [markdown]
# ### A decoder on its own
#
# A decoder takes any 16 numbers. Move one number of the code and leave the others as they are.

# %%
codes = encoder.predict(x_test, verbose=0)
moved = samplers.traverse(
    ours, image, dimensions=range(5), steps=7, span=3.0, deviations=codes.std(axis=0)
)
rows = [f"number {i}" for i in range(5)]
plots.plot_traversals(
    moved, labels=rows, values=range(-3, 4), xlabel="standard deviations from its own value"
)

# %% [markdown]
# *The middle column is the reconstruction. Each row changes one number of the code, and with it
# several things at once, such as how wide a loop opens. Far out, strokes may break.*

# %% [markdown]
# Now walk from one image to another. The top row blends pixels. The bottom row blends codes, and
# the decoder draws each step.

# %%
start, end = x_test[4], x_test[12]  # change the 12
shares = np.linspace(0, 1, 9)[:, None, None, None]
fade = (1 - shares) * start + shares * end
walk = np.clip(samplers.interpolate(ours, start, end, steps=9), 0, 1)
plots.plot_samples(np.stack([fade, walk]), labels=["pixels", "code"])

# %% [markdown]
# *Look at the middle. The blended pixels show two legs, one over the other. Through the code there
# is one stroke, and it bends. Two different digits make a harder walk: try `x_test[8]`, a 3.*

# %% [markdown]
# ## Two halves belong together
#
# Your network and ours have the same layers and the same data, and reconstruct about equally well.
# So encode with one and decode with the other; in the labels the encoder comes first.

# %%
your_encoder, your_decoder = kerasae.encoder(yours), kerasae.decoder(yours)
eight = x_test[:8]
ways = {
    "original": eight,
    "ours, ours": decoder.predict(encoder.predict(eight, verbose=0), verbose=0),
    "yours, yours": your_decoder.predict(your_encoder.predict(eight, verbose=0), verbose=0),
    "ours, yours": your_decoder.predict(encoder.predict(eight, verbose=0), verbose=0),
    "yours, ours": decoder.predict(your_encoder.predict(eight, verbose=0), verbose=0),
}
plots.plot_samples(np.clip(np.stack(list(ways.values())), 0, 1), labels=list(ways))

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
right = evaluation.psnr(eight, np.clip(ways["yours, yours"], 0, 1))
assert right > evaluation.psnr(eight, np.clip(ways["ours, yours"], 0, 1)) + 3
assert right > evaluation.psnr(eight, np.clip(ways["yours, ours"], 0, 1)) + 3

# %% [markdown]
# *Compare the last two rows with the first: your decoder draws a 0 from our code of the 7. Each
# decoder fits only its own encoder.*

# %% [markdown]
# That is why a sender and a receiver need halves of the *same* training. [Chapter
# 16](16_export.ipynb) puts the halves on a phone.
#
# ## What can go wrong
#
# - **Halves of different trainings.** No error is raised; the images are just wrong.
# - **Reading a meaning into one number.** Look at many images, and at another seed, before you
#   call a number "slant".
# - **Confusing parameters and code.** A network with many parameters can have a tiny code. The code
#   is sent for every image, the parameters once.
# - **A shortcut into the decoder.** A connection from an encoder layer to the decoder makes
#   beautiful reconstructions, but the receiver needs what passes through it: that is code, too.
#
# ## Key takeaways
#
# 1. Encoder, code, decoder: trained as one, used as two.
# 2. Dense and convolutional layers add up products and a bias, and apply a simple function.
#    `Flatten` and `Reshape` only rearrange.
# 3. A convolution uses few weights everywhere; a dense layer has one for each pair of values.
# 4. The code is all that the decoder knows, and its positions have no names.
# 5. A decoder draws something for any code, and fits only its own encoder.

# %% [markdown]
# ## Exercises
#
# **1.** How many parameters does `decode_1`, the layer that turns the code back into maps, have?
#
# <details><summary>Solution</summary>
#
# ```python
# print(16 * flat + flat, decoder.get_layer("decode_1").count_params())
# ```
#
# 16 times 1,568 weights and 1,568 biases are 26,656: one weight per pair of a code value and a
# unit, and one bias per unit.
#
# </details>
#
# **2.** Set one number of the code to its mean for all test images, one number after the other.
# Which one is missed most?
#
# <details><summary>Solution</summary>
#
# ```python
# quality = []
# for position in range(16):
#     without = codes[:1000].copy()
#     without[:, position] = codes[:, position].mean()
#     rebuilt = np.clip(decoder.predict(without, verbose=0), 0, 1)
#     quality.append(evaluation.psnr(x_test[:1000], rebuilt))
# print(np.round(quality, 2), "missed most:", int(np.argmin(quality)))
# ```
#
# Every number matters, some more than others: compare the smallest value with the largest.
#
# </details>
#
# **3.** What does the decoder draw for a code of zeros, and for random numbers with the mean and
# spread of real codes?
#
# <details><summary>Solution</summary>
#
# ```python
# rng = np.random.default_rng(0)
# drawn = rng.normal(codes.mean(axis=0), codes.std(axis=0), size=(9, 16))
# made = decoder.predict(np.concatenate([np.zeros((1, 16)), drawn]), verbose=0)
# plots.plot_samples(np.clip(made, 0, 1), columns=10)
# ```
#
# The all-zero code gives no digit; few random ones do. Real codes fill only part of the space:
# their numbers depend on each other, which our draws ignore, and nothing in the loss makes the
# decoder draw digits elsewhere. The [variational](10_variational.ipynb) one asks for that.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Properties](04_properties.ipynb): what such a structure can do, and what it cannot.
#
# **Papers and books**
#
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - J. Masci, U. Meier, D. Ciresan and J. Schmidhuber (2011), *Stacked Convolutional Auto-Encoders
#   for Hierarchical Feature Extraction*, ICANN.
# - V. Dumoulin and F. Visin (2016), *A Guide to Convolution Arithmetic for Deep Learning*, arXiv
#   1603.07285.
#
# Full run: MNIST (Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0). Fast mode: UCI *Optical
# Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, CC BY 4.0), from scikit-learn.
