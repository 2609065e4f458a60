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
# A network fills holes in handwriting with what it knows about digits.

# %% tags=["remove-cell"] jupyter={"source_hidden": true, "outputs_hidden": true}
# %matplotlib inline
import os

FAST = os.environ.get("KERASAE_FAST") == "1"
DATA = "digits" if FAST else "mnist"
TRAINED, EPOCHS, FILLED = (400, 1, 20) if FAST else (8000, 5, 300)

# %% tags=["remove-input"] jupyter={"source_hidden": true}
import base64
import io

import kerasae

import numpy as np
from IPython.display import HTML
from PIL import Image

images = kerasae.load_images(DATA, image_size=28)
model = kerasae.load_pretrained("mnist-inpainting")

BLUE = np.array([0.18, 0.44, 0.87])
places = [(top, left) for top in range(15) for left in range(15)]
moving = np.zeros((225, 28, 28), bool)
for window, (top, left) in zip(moving, places, strict=True):
    window[top : top + 14, left : left + 14] = True
sheets = []
for digit in (5, 2, 8, 4):
    one = images.test[images.test_labels == digit][1]
    many = np.repeat(one[None], 225, axis=0)
    filled = kerasae.inpaint(model, many, moving)
    holed = np.where(moving[..., None], BLUE, many)
    pair = np.concatenate([holed, np.repeat(filled, 3, axis=-1)], axis=2)  # (225, 28, 56, 3)
    sheets.append(pair.reshape(15, 15, 28, 56, 3).swapaxes(1, 2).reshape(420, 840, 3))
sprite = Image.fromarray(np.round(255 * np.concatenate(sheets)).astype(np.uint8)).quantize(64)
buffer = io.BytesIO()
sprite.save(buffer, "PNG", optimize=True)
data = base64.b64encode(buffer.getvalue()).decode()
move = (
    "var b=this.getBoundingClientRect(),x=(event.clientX-b.left)/b.width*56%28,"
    "y=(event.clientY-b.top)/b.height*28,f=function(v){return Math.max(0,Math.min(14,"
    "Math.round(v-7)))},k=+(this.dataset.k||0);this.firstElementChild.style.transform="
    "'translate('+(-f(x)/15*100)+'%,'+(-(k*15+f(y))/60*100)+'%)'"
)
HTML(
    f'<div onpointermove="{move}" onpointerdown="this.dataset.k=(+(this.dataset.k||0)+1)%4;{move}" '
    'style="width:100%;max-width:560px;aspect-ratio:2;overflow:hidden;touch-action:none;'
    'cursor:crosshair"><img alt="A digit with a hole, and the filled digit" '
    f'src="data:image/png;base64,{data}" style="width:1500%;max-width:none;display:block;margin:0;'
    "padding:0;border-radius:0;image-rendering:pixelated;transform:translate(-46.6667%,-15%)"
    '"></div>'
)

# %% [markdown]
# *Move the blue hole with the mouse or a finger; tap for another digit. Right: the digit as the
# network completes it. It never sees what lies under the hole.*

# %% [markdown]
# **You will be able to**
#
# - train an inpainter, and tell it what is missing;
# - say where a network, and where a classical method, fills a hole better;
# - draw several answers where a single one would be a blur;
# - remove writing and an object from a photograph.
#
# ## Draw a hole
#
# A missing pixel is written as -1, a value that no pixel has. Black alone would not do: in a digit,
# black is an answer.
#
# **Your turn, a second:** draw a hole of your own with `#`; each sign is two by two pixels.
# `kerasae.inpaint` writes -1 there, runs the network, and puts every known pixel back. Try a hole
# that hides a digit entirely. `model` learned from 54,000<!--given--> digits of MNIST, each with a
# block of a quarter of its pixels cut out.

# %%
import kerasae
from kerasae import evaluation, plots, priors
from kerasae.data import photograph
from kerasae.masks import draw_masks

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers, ops
from matplotlib.colors import to_rgb
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt
from skimage.draw import polygon
from skimage.restoration import inpaint_biharmonic

# %%
images = kerasae.load_images(DATA, image_size=28)
model = kerasae.load_pretrained("mnist-inpainting")
drawing = """
    ..............
    ..............
    ..............
    ..............
    ..............
    ..##########..
    ..##########..
    ..##########..
    ..##########..
    ..............
    ..............
    ..............
    ..............
    ..............
"""
hole = np.array([[sign == "#" for sign in row] for row in drawing.split()])
hole = hole.repeat(2, axis=0).repeat(2, axis=1)  # 28 x 28
some = images.test[:10]
plots.plot_inpaintings(some, hole, kerasae.inpaint(model, some, hole))

# %% [markdown]
# *Compare the third row with the first. The last row is the difference: white where the filling is
# too bright, black where it is too dark.*
#
# <!-- live: fill -->

# %% [markdown]
# ## In plain Keras
#
# Training needs no labels: cut a hole into a good image, and ask for the whole image back. Errors
# in the hole count six times. The encoder sees two channels: the pixels, with zeros in the hole,
# and a map that is one where something is missing. `convolutional` is the network of [Chapter
# 0](00_start_here.ipynb).


# %% tags=["hide-input", "ten-lines"] jupyter={"source_hidden": true}
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


# %% tags=["ten-lines"]
class Masked(keras.Model):
    def __init__(self, code_size=128, hole_weight=6.0):
        super().__init__()
        self.encoder, self.decoder = convolutional(code_size, channels=2).layers
        self.hole_weight, self.seed = hole_weight, keras.random.SeedGenerator(0)
        self.compile("adam", loss="binary_crossentropy")

    def call(self, image, training=False):
        if training:  # a block of 14 x 14 at a place of its own in each image, a quarter of it
            corner = keras.random.randint((2, ops.shape(image)[0], 1, 1, 1), 0, 15, seed=self.seed)
            y, x = ops.arange(28)[:, None, None], ops.arange(28)[None, :, None]
            inside = [(corner[i] <= z) & (z < corner[i] + 14) for i, z in enumerate((y, x))]
            image = ops.where(inside[0] & inside[1], -1.0, image)  # a value that no pixel has
        self.hole = ops.cast(image[..., 0] < 0, "float32")  # the mask
        seen = ops.concatenate([ops.relu(image), ops.relu(-image)], axis=-1)  # pixels and mask
        return self.decoder(self.encoder(seen))

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        weight = 1 + (self.hole_weight - 1) * self.hole  # what is missing counts more
        return super().compute_loss(x, y, y_pred, weight, training)


# %% [markdown]
# While it trains, `call` cuts the holes, and keeps them for `compute_loss`, which weights them.
#
# We train it on 8,000<!--given--> digits for five epochs (`TRAINED`, `EPOCHS`). A second network
# has the same layers, but loses *words* instead of blocks, a quarter of the image, too. Both are
# tested on 300<!--given--> digits (`FILLED`).

# %%
x_train, test = images.train[:TRAINED], images.test[:FILLED]
keras.utils.set_random_seed(0)
blocks = Masked()
history = blocks.fit(x_train, x_train, batch_size=32, epochs=EPOCHS, verbose=0)

keras.utils.set_random_seed(0)
words = kerasae.build_masked(mask="text", mask_fraction=0.25)
history = words.fit(x_train, x_train, batch_size=32, epochs=EPOCHS, verbose=0)

# %% [markdown]
# ## What decides
#
# The rival is classical and needs no training. **Biharmonic** inpainting bends a thin plate so that
# it meets the border of the hole in value and slope. Give all three the same holes: blocks, strokes
# of a brush, and words, each a quarter of the image. **Guess first:** who wins in words?

# %%
names = ("plate", "trained on blocks", "trained on words")
kinds = ("block", "free_form", "text")
fills, masks = {}, {}
for kind in kinds:
    masks[kind] = m = draw_masks(kind, (28, 28), len(test), fraction=0.25, seed=1)
    plate = [inpaint_biharmonic(x, h, channel_axis=-1) for x, h in zip(test, m, strict=True)]
    given = np.where(m[..., None], np.float32(-1), test)  # -1 in the hole
    by_blocks = np.where(m[..., None], blocks.predict(given, verbose=0), test)
    by_words = kerasae.inpaint(words, test, m)
    fills[kind] = dict(zip(names, (np.clip(plate, 0, 1), by_blocks, by_words), strict=True))
    errors = [evaluation.hole_error(test, x, m) for x in fills[kind].values()]
    print(f"{kind:10}", *(f"{n} {e:.3f}  " for n, e in zip(names, errors, strict=True)))

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
block_errors, text_errors = (
    [float(evaluation.hole_error(test, x, masks[kind])) for x in fills[kind].values()]
    for kind in ("block", "text")
)
assert FAST or (block_errors[1] < block_errors[2] < block_errors[0])
assert FAST or (0.9 < text_errors[0] / text_errors[2] < 1.1 and text_errors[2] < text_errors[1])
{"block_plate": block_errors[0], "block_network": block_errors[1]}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
rows, labels = [], []
for kind in ("block", "text"):
    rows.append(np.where(masks[kind][:10, ..., None], BLUE, test[:10]))
    rows += [np.repeat(x[:10], 3, axis=-1) for x in fills[kind].values()]
    labels += [kind, *names]
plots.plot_samples(np.stack(rows), labels=labels)

# %% [markdown]
# *Above blocks, below words. In blocks the plate ends in grey; the network trained on blocks
# continues many strokes, and blurs others.*

# %% [markdown]
# In blocks the network trained on blocks has about half the error of the plate,
# 0.076<!--block_network--> against 0.135<!--block_plate-->. In words the plate, which has learned
# nothing, draws level with the network trained on words, and beats the other. Brush strokes lie
# between. **Train for the holes that will come.**
#
# All these holes have the same area, so it cannot be the area that decides. Sort the missing pixels
# by their distance from the nearest known one.

# %%
curves = {name: {} for name in names}
depth = np.stack([np.ceil(distance_transform_edt(h)) for kind in kinds for h in masks[kind]])
for name in names:
    wrong = np.concatenate([np.square(fills[kind][name] - test)[..., 0] for kind in kinds])
    for d in range(1, 7):
        curves[name][d] = wrong[depth == d].mean()
plots.plot_curves(curves, xlabel="pixels to the nearest known one", ylabel="squared error")

# %% [markdown]
# *On the left, one pixel from a known one, the plate is the best. Then it loses, and the network
# trained on blocks is far ahead. All three fill the same pixels, of all kinds of holes.*

# %% [markdown]
# It is the **thickness** of a hole. In thin holes smoothness is enough. Deep inside a thick one,
# only knowledge of the subject helps.
#
# ## The mask has to fit
#
# An inpainter does not find damage: somebody says where it is. White blocks lie over the digits
# now. `model` fills them, with masks that are shrunk or grown. A wrong mask leaves damage outside
# of itself, so measure the whole image (PSNR, in dB: more is closer). **Fill in:** how many dB does
# one pixel too small cost?

# %%
your_guess = 0.5  # dB

holes, fit, shown = masks["block"], {}, {}
damaged = np.where(holes[..., None], np.float32(1), test)
for pixels in (-2, -1, 0, 1, 2):
    change = binary_erosion if pixels < 0 else binary_dilation
    said = np.stack([change(h, iterations=abs(pixels)) if pixels else h for h in holes])
    filled = kerasae.inpaint(model, damaged, said)
    fit[pixels] = evaluation.psnr(test, filled)
    shown[f"{pixels:+} pixels: {fit[pixels]:.1f} dB"] = filled[:10]
print(f"your guess {your_guess} dB, true {fit[0] - fit[-1]:.1f} dB")
plots.plot_samples(np.stack([damaged[:10], *shown.values()]), labels=["damaged", *shown])

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
{"small": float(fit[0] - fit[-1]), "large": float(fit[0] - fit[1])}

# %% [markdown]
# *In the rows of negative numbers a white rim stays, and the network takes it for a stroke. Below,
# the masks are too large. Look at the 3, second from the right: it turns into something else.*

# %% [markdown]
# One pixel too small costs 9.2<!--small--> dB, one too large 1.5<!--large--> dB. **If in doubt,
# draw the mask larger.** (White on black is nearly the worst case.)
#
# ## One hole, many answers
#
# Cover the lower part of a digit, and there is no single right answer. A network that is trained on
# squared error or cross-entropy answers with the *mean* of all, and a mean is grey. To see the
# answers themselves, draw them. A transformer has learned which codes follow which in digits
# ([chapter 20](20_vector_quantized.ipynb); `vq` turns a digit into 7 x 7 codes and back). It keeps
# the upper codes and draws the rest. **Guess first:** how many different digits will you see in a
# row?

# %%
vq = kerasae.load_pretrained("mnist-vector-quantized")
prior = kerasae.load_pretrained("mnist-vector-quantized-prior")
digits = images.test[[36, 34, 25]]
copies = np.repeat(digits, 20, axis=0)
drawn = priors.complete(prior, vq, copies, keep=3 / 7, seed=0).reshape(3, 20, 28, 28, 1)

known = np.repeat(digits[:, None], 3, axis=-1)
known[:, :, 15:] = to_rgb(plots.BLUE)  # no code that is kept sees a pixel from here on
answers = np.concatenate([drawn.mean(axis=1, keepdims=True), drawn[:, :8]], axis=1)
plots.plot_samples(np.concatenate([known, np.repeat(answers, 3, axis=-1)], axis=1))

# %% [markdown]
# *From the left: what is known, the mean of 20 draws, and the first eight. Look for different
# digits in one row. Grey in the second column: the draws disagree there.*

# %% [markdown]
# Read the rows aloud: one upper half becomes a 2, a 3, an 8. Some draws are no digit at all.
#
# ## Writing on a photograph
#
# Half-transparent writing lies over a tenth of a cat. Letters are thin: a job for the plate. But
# look closely before you fill anything. The writing is white, with an opacity of 0.65<!--given-->,
# so a third of each pixel still shines through. If you know that, you can solve for it.
#
# **Your turn:** what do the letters look like if you think that it is 0.6<!--given-->?

# %%
cat = photograph("chelsea")[:, :448].astype("float32") / 255
mark = draw_masks("text", cat.shape[:2], 1, fraction=0.1, seed=3)[0][..., None]
marked = np.where(mark, 0.35 * cat + 0.65, cat)
marked = np.round(255 * marked) / 255  # as a file stores it

plate = np.clip(inpaint_biharmonic(marked, mark[..., 0], channel_axis=-1), 0, 1)
opacity = 0.65  # change me
solved = np.where(mark, (marked - opacity) / (1 - opacity), marked)
in_letters = {
    name: -10 * np.log10(np.square(x - cat)[mark[..., 0]].mean())
    for name, x in {"under writing": marked, "plate": plate, "solved": solved}.items()
}
print({name: f"{psnr:.1f} dB" for name, psnr in in_letters.items()})

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, grid = plt.subplots(2, 2, figsize=(7.6, 5.4), layout="constrained")
pictures = {"original": cat, "under writing": marked, "plate": plate, "solved": solved.clip(0, 1)}
for axes, (name, picture) in zip(grid.flat, pictures.items(), strict=True):
    plots.show_image(axes, picture[60:240, 90:360].astype("float32"))
    axes.set_title(name, fontsize=10)
plt.show()

# %% tags=["remove-cell", "numbers"] jupyter={"source_hidden": true, "outputs_hidden": true}
{f"{name.split()[-1]}_psnr": float(psnr) for name, psnr in in_letters.items()}

# %% [markdown]
# *Compare the eyes and the whiskers in the lower row. The plate smooths away what the letters
# covered; solving brings it back.*

# %% [markdown]
# Inside the letters, the PSNR is 8.5<!--writing_psnr--> dB under the writing,
# 26.2<!--plate_psnr--> dB with the plate, and 49.8<!--solved_psnr--> dB when solved: only rounding
# to bytes is lost.
#
# ## An object in the way
#
# Left of the rocket stands a mast. There is no photograph without it, so there is nothing to
# measure, only to look at.

# %%
scene = photograph("rocket")[60:412, 96:352].astype("float32") / 255
mast = np.zeros(scene.shape[:2], bool)
corners = np.array([(58, 98), (58, 112), (305, 112), (305, 70), (130, 89), (126, 98)])
mast[polygon(*corners.T)] = True
without = np.clip(inpaint_biharmonic(scene, mast, channel_axis=-1), 0, 1)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, grid = plt.subplots(1, 3, figsize=(6.4, 3.1), layout="constrained")
blue = np.where(mast[..., None], BLUE, scene)
for axes, picture in zip(grid, (scene, blue, without), strict=True):
    plots.show_image(axes, picture)
plt.show()

# %% [markdown]
# *Look for the mast on the right: faint smudges are left, near the lamps and in the sky. In the
# middle the mask, a little wider than the mast.*

# %% [markdown]
# Around the mast is smooth sky, so the plate is enough. A network pays off where what is missing
# has a *shape*.
#
# ## What can go wrong
#
# - **Black for missing.** The network takes it for content.
# - **Measuring the whole image** where the mask fits. Most of it was given.
# - **Validating without holes** measures a copy. `kerasae.train` cuts the same holes each time.
# - **Taking the filling for evidence.** It is a guess.
# - **Removing a mark that is not yours to remove.**
#
# ## Key takeaways
#
# 1. Cut holes in training, and tell the network at inference what is missing.
# 2. Train with the kind of holes that will come; keep every known pixel.
# 3. In thin holes a plate does as well, untrained. In thick ones only a network that knows the
#    subject does.
# 4. A mask that is too small can cost far more than one that is too large.
# 5. The best single answer is a mean. To see what may have been there, draw several.
# 6. What shines through is not missing: solve before you invent.

# %% [markdown]
# ## Exercises
#
# **1.** Give `blocks` a hole of zeros in place of -1. How large does the error become?
#
# <details><summary>Solution</summary>
#
# ```python
# holes = masks["block"][..., None]
# for value in (-1, 0):
#     given = np.where(holes, np.float32(value), test)
#     filled = np.where(holes, blocks.predict(given, verbose=0), test)
#     print(value, round(float(evaluation.hole_error(test, filled, masks["block"])), 4))
# ```
#
# 0.087<!--given--> in place of 0.076<!--given-->: the network believes that the digit is black
# there. It is no disaster only because most of a digit is black.
#
# </details>
#
# **2.** Find the opacity of the writing from `marked` and `mark` alone.
#
# <details><summary>Solution</summary>
#
# With the right opacity the letters leave no edge. So compare the pixels just inside the letters
# with those just outside.
#
# ```python
# inside = mark[..., 0] & ~binary_erosion(mark[..., 0], iterations=2)
# outside = binary_dilation(mark[..., 0], iterations=2) & ~mark[..., 0]
# for opacity in (0.5, 0.55, 0.6, 0.65, 0.7, 0.75):
#     tried = (marked - opacity) / (1 - opacity)
#     edge = tried[inside].mean() - marked[outside].mean()
#     print(opacity, f"edge {edge:+.3f}")
# ```
#
# The edge is nearest to zero at 0.65<!--given-->. A mark that is meant to protect a photograph must
# vary from place to place.
#
# </details>
#
# **3.** Train `Masked(hole_weight=1.0)`, and compare.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# even = Masked(hole_weight=1.0)
# even.fit(x_train, x_train, batch_size=32, epochs=EPOCHS, verbose=0)
# holes = masks["block"][..., None]
# filled = np.where(holes, even.predict(np.where(holes, np.float32(-1), test), verbose=0), test)
# for name, x in {"6": fills["block"]["trained on blocks"], "1": filled}.items():
#     print("weight", name, round(float(evaluation.hole_error(test, x, masks["block"])), 4))
# ```
#
# 0.076<!--given--> and 0.075<!--given-->: here the weight gains nothing (one seed). It comes from
# work on photographs. Test what you copy.
#
# </details>
#
# **4.** In blocks, take the plate within two pixels of a known one, and the network elsewhere. Does
# that help?
#
# <details><summary>Solution</summary>
#
# ```python
# deep = np.stack([binary_erosion(h, iterations=2) for h in masks["block"]])[..., None]
# both = np.where(deep, fills["block"]["trained on blocks"], fills["block"]["plate"])
# print(round(float(evaluation.hole_error(test, both, masks["block"])), 4))
# ```
#
# No, 0.083<!--given-->: at the border of a thick hole the network already knows more. In the plot
# of distances, the pixels next to known ones belong mostly to words, where the plate is good.
#
# </details>
#
# **5.** Build your own: a `Masked` that loses a band across the whole image, 7 rows high. Is it
# better at bands than `blocks`?
#
# <details><summary>Solution</summary>
#
# ```python
# class Bands(Masked):
#     def call(self, image, training=False):
#         if training:
#             top = keras.random.randint((ops.shape(image)[0], 1, 1, 1), 0, 22, seed=self.seed)
#             y = ops.arange(28)[:, None, None]
#             image = ops.where((top <= y) & (y < top + 7), -1.0, image)
#         return super().call(image)
#
#
# keras.utils.set_random_seed(0)
# bands = Bands()
# bands.fit(x_train, x_train, batch_size=32, epochs=EPOCHS, verbose=0)
# tops = np.random.default_rng(0).integers(0, 22, size=(len(test), 1, 1, 1))
# rows = np.arange(28)[:, None, None]
# lost = np.broadcast_to((tops <= rows) & (rows < tops + 7), test.shape)
# given = np.where(lost, np.float32(-1), test)
# for name, network in {"blocks": blocks, "bands": bands}.items():
#     filled = np.where(lost, network.predict(given, verbose=0), test)
#     print(name, round(float(evaluation.hole_error(test, filled, lost[..., 0])), 4))
# ```
#
# Yes: 0.041<!--given--> against 0.053<!--given-->. Train for the holes that will come.
#
# </details>

# %% [markdown]
# ## What to read next
#
# [Denoising](14_denoising.ipynb): damage whose place nobody knows. The builder:
# [`build_masked`](../kerasae/builders/masked.py).
#
# **Papers**
#
# - D. Pathak and others (2016), *Context Encoders: Feature Learning by Inpainting*, CVPR.
# - G. Liu and others (2018), *Image Inpainting for Irregular Holes Using Partial Convolutions*,
#   ECCV: the weight of 6.
# - S. B. Damelin and N. S. Hoang (2018), *On Surface Completion and Image Inpainting by Biharmonic
#   Functions*, International Journal of Mathematics and Mathematical Sciences.
# - P. Esser, R. Rombach and B. Ommer (2021), *Taming Transformers for High-Resolution Image
#   Synthesis*, CVPR.
#
# Data: MNIST (Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0), in fast mode UCI digits
# (E. Alpaydin and C. Kaynak, CC BY 4.0). Photographs of scikit-image: chelsea (CC0), rocket (public
# domain).
