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
# # Denoising
#
# *Section: applications, denoising task.* A camera in the dark, an old scan, a bad line: noise is
# the oldest enemy of images, and there are good filters against it that need no training. This
# chapter trains denoising autoencoders for digits and for photographs, and lets them compete with
# those filters under fair rules. One of the two competitions is easy to win. The other is not.
#
# **You will be able to**
#
# - train a denoiser that takes corrupted images in and is compared with clean ones;
# - tune Gaussian, median, total-variation and non-local-means filters as carefully as the network;
# - measure on noisy inputs, choose on validation images, and report test images once;
# - say what happens when the noise is stronger, weaker or of another kind than in training;
# - clean a whole photograph with a network that was trained on small pieces of others.

# %% [markdown]
# ## The idea
#
# Someone took a clean image $x$ and gave us a noisy one, $\tilde x$. Of all functions of $\tilde x$
# the one with the least squared error is the **mean of all clean images that may be behind it**,
# $\mathbb{E}[x \mid \tilde x]$. A filter says what clean images are like in general: smooth
# (Gaussian), flat with few edges (total variation), full of repetitions (non-local means). A
# **denoising autoencoder** learns it from examples:
#
# $$\min_{f, g} \; \mathbb{E} \left[ \ell \left( x, \, g(f(\tilde x)) \right) \right],$$
#
# $$\tilde x = \text{clip}(x + \sigma \varepsilon), \quad \varepsilon \sim \mathcal{N}(0, 1).$$
#
# The corruption goes *in*, the clean image is the *target*. A code that is smaller than the image
# helps, but is not what forces the network to learn: copying the input no longer pays.

# %%
import dataclasses
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae.data import photograph

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from scipy.ndimage import gaussian_filter, median_filter
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, PHOTO_EPOCHS = (14, 2) if FAST else (8, 8)

# %% [markdown]
# ## The data
#
# MNIST, in fast mode the small digits of scikit-learn. Validation and test images get their noise
# **once**, from a fixed seed, so that everybody cleans the same pictures.

# %%
LEVEL = 0.5
if FAST:
    images = kerasae.load_images("digits", image_size=16)
else:
    images = kerasae.load_images("mnist", limit=8000)
shape = images.image_shape
held, test = images.validation[:300], images.test[:1000]
rng = np.random.default_rng(0)
noisy_held = np.clip(held + rng.normal(0, LEVEL, held.shape), 0, 1).astype(np.float32)
noisy_test = np.clip(test + rng.normal(0, LEVEL, test.shape), 0, 1).astype(np.float32)
print(images.summary())
display(plots.plot_samples(np.stack([test[:10], noisy_test[:10]]), labels=["clean", "noisy"]))
display(
    Markdown(
        f"*Ten test images without and with noise of a standard deviation of {LEVEL}, half of the "
        f"way from black to white, clipped as a file would. The noisy images have "
        f"{evaluation.psnr(test, noisy_test):.1f} dB.*"
    )
)

# %% [markdown]
# ## The model
#
# `build_denoising` puts a layer of noise in front of the encoder of another builder. It draws new
# noise in each training step and rests at inference.

# %%
frame = {"base": "convolutional", "input_shape": shape, "hidden": (16, 32), "code_size": 64}
if FAST:  # dense layers learn sooner
    frame |= {"base": "undercomplete", "hidden": (256,)}
keras.utils.set_random_seed(0)
denoiser = kerasae.build_denoising(corruption="gaussian", level=LEVEL, **frame)
display(plots.plot_architecture(denoiser))

# %% [markdown]
# *The dashed layer in front is there in training only. Feed noisy images to the finished model;
# nothing is added to them.*
#
# ## Training
#
# `train` validates on noisy images too, with noise that its seed fixes. So `val_loss` tells how
# well noise is removed, and not how well clean images are copied, as Keras's `evaluate` does. The
# weights of the last epoch are kept.

# %%
config = TrainConfig(
    epochs=EPOCHS,
    batch_size=64 if FAST else 32,
    learning_rate=3e-3,
    keep="last",
    jit_compile=False,
)
history = train(denoiser, images, config, progress=False)
display(plots.plot_history(history.history))
on_noisy = evaluation.psnr(held, denoiser.predict(noisy_held, verbose=0))
on_clean = evaluation.psnr(held, denoiser.predict(held, verbose=0))
assert on_clean > on_noisy
display(
    Markdown(
        f"*Both curves are of noisy images. "
        f"On validation images the model has {on_noisy:.1f} dB if it is fed noisy ones, and "
        f"{on_clean:.1f} dB if it is fed clean ones. Only the first number is about denoising. "
        f"Reporting the second is the best-known mistake with these models.*"
    )
)

# %% [markdown]
# ## Filters, tuned as carefully
#
# Each filter has a strength: the standard deviation of the blur in pixels, the side of the median's
# window in pixels, the weight of flatness in total variation, and for non-local means `h`, the
# difference of two patches at which they no longer count as alike. A filter with a bad strength is
# easy to beat, and a strength that was tuned on test images is a small fraud in the other
# direction. So: try several on the noisy *validation* images, keep the best, and touch test images
# afterwards.
#
# Non-local means can also be told the `sigma` of the noise. Not here: clipping has cut off the
# negative half of the noise wherever an image is black, and told the 0.5 of before, the filter
# comes out worse, as the last lines check. With the photographs below, where little is clipped, it
# is told.

# %%
filters = {
    "Gaussian blur": lambda x, s: gaussian_filter(x, (s, s, 0)),
    "median": lambda x, s: median_filter(x, (s, s, 1)),
    "total variation": lambda x, s: denoise_tv_chambolle(x, s, channel_axis=-1),
    "non-local means": lambda x, s: denoise_nl_means(
        x, patch_size=5, patch_distance=6, h=s, channel_axis=-1
    ).reshape(x.shape),
}
strengths = {
    "Gaussian blur": (0.5, 0.75, 1.0, 1.25, 1.5, 2.0),
    "median": (3, 5, 7),
    "total variation": (0.05, 0.1, 0.15, 0.2, 0.4, 0.8),
    "non-local means": (0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
}
meaning = ("standard deviation", "side of the window", "weight", "h")
few = slice(None, 100) if FAST else slice(None)
tuning = {}
for name, clean in filters.items():
    tuning[name] = {}
    for s in strengths[name]:
        result = np.stack([clean(x, s) for x in noisy_held[few]]).clip(0, 1)
        tuning[name][s] = evaluation.psnr(held[few], result.astype(np.float32))
best = {name: max(curve, key=curve.get) for name, curve in tuning.items()}

figure, grid = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained", sharey=True)
for axes, what, (name, curve) in zip(grid, meaning, tuning.items(), strict=True):
    axes.plot(list(curve), list(curve.values()), "o-", color=plots.ORANGE)
    axes.plot(best[name], curve[best[name]], "o", mfc="none", mec=plots.INK, ms=11)
    axes.axhline(on_noisy, color=plots.BLUE, lw=1.2, ls="--")
    axes.set_title(name, fontsize=10)
    axes.set_xlabel(what, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
grid[0].set_ylabel("PSNR in dB, validation")
plt.show()
assert on_noisy > max(max(curve.values()) for curve in tuning.values())
ends = {name for name, curve in tuning.items() if best[name] in (min(curve), max(curve))}
assert FAST or ends <= {"median"}
aware = {"h": best["non-local means"], "sigma": LEVEL, "patch_size": 5, "patch_distance": 6}
result = np.stack([denoise_nl_means(x, channel_axis=-1, **aware) for x in noisy_held[few]])
worse = evaluation.psnr(held[few], result.reshape(held[few].shape).clip(0, 1).astype(np.float32))
assert worse < max(tuning["non-local means"].values())

# %% [markdown]
# *Quality over the strength of each filter, on noisy validation images; the circle is the one to
# keep, the dashed line the network. Every filter has its best strength: less leaves noise, more
# takes the digit away as well. If the best lies at an end of the range, widen the range; only the
# median cannot, since a window of 3 is the smallest that it has.*

# %% [markdown]
# ## The result on test images

# %%
cleaned = {"noisy": noisy_test}
for name, clean in filters.items():
    result = np.stack([clean(x, best[name]) for x in noisy_test])
    cleaned[name] = result.clip(0, 1).astype(np.float32)
cleaned["denoiser"] = denoiser.predict(noisy_test, verbose=0)
scores = {
    name: (evaluation.psnr(test, x), evaluation.ssim(test[:200], x[:200]))
    for name, x in cleaned.items()
}
display(
    plots.plot_samples(
        np.stack([test[:10], *(x[:10] for x in cleaned.values())]), labels=["clean", *cleaned]
    )
)
lines = "\n".join(f"| {name} | {psnr:.1f} | {ssim:.2f} |" for name, (psnr, ssim) in scores.items())
display(Markdown(f"| | PSNR in dB | SSIM |\n|---|---|---|\n{lines}"))
second = max((name for name in scores if name != "denoiser"), key=lambda name: scores[name][0])
assert scores["denoiser"][0] > scores[second][0] + 1
display(
    Markdown(
        f"*Ten test digits and what each method makes of their noisy versions, and the table. The "
        f"network wins by {scores['denoiser'][0] - scores[second][0]:.1f} dB against the best "
        f"filter, {second}. No wonder: it knows that there are digits, and the filters do not. "
        f"Where hardly anything can be seen, it paints the most likely digit, and "
        f"sometimes that is another one than was there.*"
    )
)

# %% [markdown]
# ## An experiment: the level of noise in training
#
# In training the level is a hyperparameter; later the world decides. Three models, one argument
# apart, each tried on validation images with noise from weak to strong.

# %%
levels = {LEVEL: denoiser}
for level in (0.25, 1.0):
    keras.utils.set_random_seed(0)
    levels[level] = kerasae.build_denoising(corruption="gaussian", level=level, **frame)
    train(levels[level], images, config, progress=False)
unit = np.random.default_rng(2).normal(size=held.shape)
curves = {f"trained at {level:g}": {} for level in sorted(levels)}
curves["no cleaning"] = {}
for sigma in (0.1, 0.25, 0.5, 0.75, 1.0):
    given = np.clip(held + sigma * unit, 0, 1).astype(np.float32)
    for level, model in levels.items():
        guess = model.predict(given, verbose=0)
        curves[f"trained at {level:g}"][sigma] = evaluation.psnr(held, guess)
    curves["no cleaning"][sigma] = evaluation.psnr(held, given)
display(
    plots.plot_curves(
        curves,
        xlabel="standard deviation of the noise in the input",
        ylabel="PSNR in dB, noisy validation",
    )
)
weak, strong = curves["trained at 0.25"], curves["trained at 1"]
assert weak[0.25] > strong[0.25]
assert strong[1.0] > weak[1.0]
none = curves["no cleaning"][0.1]
assert FAST or none > max(curve[0.1] for name, curve in curves.items() if "trained" in name)
display(
    Markdown(
        f"*Quality over the noise that is really there. Near its own level each model is the best "
        f"of the three: at 1.0 the one trained there leads with {strong[1.0]:.1f} against "
        f"{weak[1.0]:.1f} dB, at 0.25 it trails with {strong[0.25]:.1f} against {weak[0.25]:.1f} "
        f"dB, since it has learnt not to believe its input. And where there is hardly any "
        f"noise, the best denoiser may be none: look at the left end of the line of no cleaning, "
        f"{none:.1f} dB.*"
    )
)

# %% [markdown]
# ## An experiment: another kind of noise
#
# Salt and pepper: a share of the pixels is black or white, the others are untouched. A median
# filter was made for this.

# %%
SHARE = 0.4
keras.utils.set_random_seed(0)
peppered = kerasae.build_denoising(corruption="salt_and_pepper", level=SHARE, **frame)
train(peppered, images, config, progress=False)
chance = np.random.default_rng(3)
salted = {}
for split, x in (("validation", held), ("test", test)):
    drawn = chance.random(x.shape)
    salted[split] = np.where(drawn < SHARE / 2, 0, np.where(drawn > 1 - SHARE / 2, 1, x))
    salted[split] = salted[split].astype(np.float32)
windows = {s: median_filter(salted["validation"], (1, s, s, 1)) for s in (3, 5, 7)}
window = max(windows, key=lambda s: evaluation.psnr(held, windows[s]))
kinds = {}
for kind, x in (("Gaussian", noisy_test), ("salt and pepper", salted["test"])):
    size = best["median"] if kind == "Gaussian" else window
    kinds[kind] = {
        "noisy": x,
        "median": median_filter(x, (1, size, size, 1)),
        "trained on Gaussian": denoiser.predict(x, verbose=0),
        "trained on salt and pepper": peppered.predict(x, verbose=0),
    }
names = list(kinds["Gaussian"])
table = {name: [evaluation.psnr(test, kinds[kind][name]) for kind in kinds] for name in names}
lines = "\n".join(f"| {name} | {a:.1f} | {b:.1f} |" for name, (a, b) in table.items())
shown = kinds["salt and pepper"]
display(
    plots.plot_samples(
        np.stack([test[:10], *(x[:10] for x in shown.values())]), labels=["clean", *shown]
    )
)
display(Markdown(f"| PSNR in dB on | Gaussian noise | salt and pepper |\n|---|---|---|\n{lines}"))
own, other = table["trained on salt and pepper"][1], table["trained on Gaussian"][1]
back, home = table["trained on salt and pepper"][0], table["trained on Gaussian"][0]
assert own > table["noisy"][1] + 3
assert FAST or (own - other < 1 and home - back > 3)
display(
    Markdown(
        f"*Salt and pepper, a share of {SHARE:.0%}, and the three answers. The network "
        f"that was trained for it reaches {own:.1f} dB, the one trained on Gaussian noise "
        f"{other:.1f} dB, the median filter {table['median'][1]:.1f} dB. What was learnt on strong "
        f"Gaussian noise carries over almost whole. The reverse does not: on Gaussian noise the "
        f"network of salt and pepper, in whose training a grey pixel was always a true one, has "
        f"{back:.1f} against {home:.1f} dB. Train on the noise that you expect.*"
    )
)

# %% [markdown]
# ## Photographs
#
# Digits are a home game. Photographs can show anything, and here there are only five to learn from,
# cut into pieces; a flower is the validation image, and a cat, never seen before, is the test. The
# noise is weaker, 0.1.
#
# The network is another, too: a **spatial** code at half the resolution with as many values as it
# likes, and residual blocks around it. It is no bottleneck. The noise alone keeps it from copying.

# %%
SIGMA, SIDE = 0.1, 64
photos = kerasae.load_images("photos", image_size=SIDE)
rng = np.random.default_rng(0)
noisy_photos = {
    split: np.clip(x + rng.normal(0, SIGMA, x.shape), 0, 1).astype(np.float32)
    for split, x in (("validation", photos.validation[::4]), ("test", photos.test))
}
clean_photos = {"validation": photos.validation[::4], "test": photos.test}
net = {
    "base": "convolutional",
    "level": SIGMA,
    "hidden": (16,) if FAST else (32,),
    "code_size": 16 if FAST else 32,
    "residual": 1 if FAST else 2,
    "code": "spatial",
    "loss": "mse",
}
# Pieces of 32 by 32: the same pixels, four times as many examples.
pieces = photos.train.reshape(-1, 2, 32, 2, 32, 3).swapaxes(2, 3).reshape(-1, 32, 32, 3)
pieces = pieces[: 600 if FAST else None]
print(photos.summary())
held_out = {photos.source_names[int(photos.sources[s][0])] for s in ("validation", "test")}
print("held out:", ", ".join(sorted(held_out)))

# %% [markdown]
# Five photographs have few colours. A second model gets the same pieces with their colour channels
# in random order, and half of them as negatives: nobody would take such photographs, but noise
# looks the same in them. The validation image shall say whether that helps.

# %%
order = np.argsort(rng.random((len(pieces), 3)), axis=1)
mixed = np.take_along_axis(pieces, order[:, None, None, :], axis=-1)
mixed = np.where(rng.random((len(pieces), 1, 1, 1)) < 0.5, mixed, 1 - mixed)
photo_config = TrainConfig(
    epochs=PHOTO_EPOCHS,
    batch_size=8 if FAST else 16,
    learning_rate=5e-3 if FAST else 2e-3,
    flip=True,
    keep="last",
)
trained, on_validation = {}, {}
for name, x in (("colours as they are", pieces), ("colours mixed", mixed.astype(np.float32))):
    keras.utils.set_random_seed(0)
    small = kerasae.build_denoising(input_shape=(32, 32, 3), **net)
    train(
        small,
        dataclasses.replace(photos, train=x, validation=photos.validation[:16, :32, :32]),
        photo_config,
        progress=False,
    )
    # The same weights in a model for larger images: convolutions do not care.
    trained[name] = kerasae.build_denoising(input_shape=(SIDE, SIDE, 3), **net)
    trained[name].set_weights(small.get_weights())
    guess = trained[name].predict(noisy_photos["validation"], verbose=0)
    on_validation[name] = evaluation.psnr(clean_photos["validation"], guess.clip(0, 1))
    print(f"{name:20} {on_validation[name]:.1f} dB on the flower")
chosen = max(on_validation, key=on_validation.get)
display(
    Markdown(
        f"*On the flower, whose colours none of the five training photographs has, the model that "
        f"took colours as they are reaches {on_validation['colours as they are']:.1f} dB, the one "
        f"with mixed colours {on_validation['colours mixed']:.1f} dB. Which colours five "
        f"photographs happen to have is no law of nature, and a network that takes it for one "
        f"fails elsewhere. The validation image tells in time, and decides: we go on with "
        f"{chosen}.*"
    )
)

# %% [markdown]
# The filters are tuned on the same pieces of the flower. Non-local means also gets the true
# `sigma`, which it can use here.

# %%
photo_filters = {
    **filters,
    "non-local means": lambda x, s: denoise_nl_means(
        x, patch_size=5, patch_distance=6, h=s, sigma=SIGMA, channel_axis=-1
    ),
}
photo_strengths = {
    "Gaussian blur": (0.75, 1.0, 1.25, 1.5),
    "median": (3, 5, 7),
    "total variation": (0.05, 0.08, 0.1, 0.15),
    "non-local means": (0.02, 0.04, 0.06, 0.08),
}
photo_best = {}
for name, clean in photo_filters.items():
    curve = {}
    for s in photo_strengths[name]:
        result = np.stack([clean(x, s) for x in noisy_photos["validation"]])
        curve[s] = evaluation.psnr(clean_photos["validation"], result.clip(0, 1).astype(np.float32))
    photo_best[name] = max(curve, key=curve.get)

cat = photograph("chelsea")[:, :450].astype(np.float32) / 255  # even sides; see below
cat = cat[60:210, 110:280] if FAST else cat  # in fast mode the face alone
noisy_cat = np.clip(cat + rng.normal(0, SIGMA, cat.shape), 0, 1).astype(np.float32)
large = kerasae.build_denoising(input_shape=cat.shape, **net)
large.set_weights(trained[chosen].get_weights())
whole = {"noisy": noisy_cat}
for name, clean in photo_filters.items():
    whole[name] = clean(noisy_cat, photo_best[name]).clip(0, 1).astype(np.float32)
whole["denoiser"] = large.predict(noisy_cat[None], verbose=0)[0].clip(0, 1)
ratings = {
    name: (evaluation.psnr(cat[None], x[None]), evaluation.ssim(cat[None], x[None]))
    for name, x in whole.items()
}
lines = "\n".join(
    f"| {name} | {photo_best.get(name, '')} | {psnr:.2f} | {ssim:.3f} |"
    for name, (psnr, ssim) in ratings.items()
)
display(Markdown(f"| the cat | strength | PSNR in dB | SSIM |\n|---|---|---|---|\n{lines}"))

figure, grid = plt.subplots(2, 3, figsize=(7, 4.9), layout="constrained")
pictures = {"clean": cat, **whole}
del pictures["median"]
for axes, (name, picture) in zip(grid.ravel(), pictures.items(), strict=True):
    plots.show_image(axes, picture if FAST else picture[60:200, 110:270])
    title = f"{name}, {ratings[name][0]:.1f} dB" if name in ratings else name
    axes.set_title(title, fontsize=10)
plt.show()
rival = max(photo_filters, key=lambda name: ratings[name][0])
lead = ratings["denoiser"][0] - ratings[rival][0]
assert ratings["denoiser"][0] > ratings["noisy"][0] + 1
display(
    Markdown(
        f"*An eye of the cat and the fur around it, from a picture of {cat.shape[0]} by "
        f"{cat.shape[1]} pixels, cleaned in one piece. The network reaches "
        f"{ratings['denoiser'][0]:.2f} dB, the best filter, {rival}, {ratings[rival][0]:.2f} dB: "
        f"{'a lead' if lead > 0 else 'a deficit'} of {abs(lead):.2f} dB. Look at the fur and at "
        f"the flat parts: the blur smears and leaves speckles, total variation leaves blotches, "
        f"non-local means combs the fur flat, and the network keeps more of the fur, and speckles "
        f"with it.*"
    )
)

# %% [markdown]
# That is the honest state of a small network after minutes on a few photographs: in the range of
# filters that need no training and no data (fast mode trains for seconds, and falls short of
# them). With hundreds of photographs, more layers and hours of
# training, networks of this kind leave the filters behind by a decibel or more (Zhang and others
# 2017), and the filters have no way to follow.

# %%
odd = noisy_cat[:, :-1]
large = kerasae.build_denoising(input_shape=odd.shape, **net)
large.set_weights(trained[chosen].get_weights())
shifted = large.predict(odd[None], verbose=0).clip(0, 1)
off = evaluation.psnr(cat[None, :, :-1], shifted)
assert off < ratings["denoiser"][0]
display(
    Markdown(
        f"One trap on the way to other sizes. Cut off a single column, and the same network falls "
        f"from {ratings['denoiser'][0]:.2f} to {off:.2f} dB. At a width that its stride of two "
        f"does not divide, the layers pad on both sides in place of one, and the grid of the code "
        f"comes to lie half a step beside the one of training. Pad or cut pictures to a multiple "
        f"of the stride."
    )
)

# %% [markdown]
# ## What can go wrong
#
# **Evaluating on clean inputs.** See above: it measures copying.
#
# **Filters with default strengths.** A baseline that was not tuned is not a baseline. Tune it on
# validation images, and say what you chose.
#
# **Tuning on test images**, of the filters or of the network. It flatters whoever has more knobs.
#
# **New noise in each evaluation.** Draw the noise of validation and test images once, with a seed;
# draw that of training images anew in each step.
#
# **Noise that nobody clipped, or that was clipped twice.** Clipping at black and white moves
# the mean of dark pixels up. A filter cannot know; a network learns it, if training clips as well.
#
# **PSNR as the only judge.** The mean of all possible images is what it rewards, and that is
# smooth.
#
# **Invented detail.** A denoiser paints what was likely. Where an image is evidence, a likely
# detail is a wrong one.

# %% [markdown]
# ## Key takeaways
#
# 1. A denoiser sees corrupted images and is compared with clean ones; the noise, not the
# bottleneck, prevents the copy.
# 2. Measure on noisy inputs, beside filters that were tuned on validation images.
# 3. On images of one kind a small network beats general filters by far. On photographs, with little
#    data, it is one of them.
# 4. Train with the level and the kind of noise that you expect.
# 5. Convolutions with a spatial code clean images of any size that the stride divides.

# %% [markdown]
# ## Exercises
#
# **1.** How large is the fraud? Choose the strength of non-local means for the digits on the *test*
# images, and compare with the honest choice.
#
# <details><summary>Solution</summary>
#
# ```python
# clean = filters["non-local means"]
# cheat = {}
# for s in strengths["non-local means"]:
#     result = np.stack([clean(x, s) for x in noisy_test[:200]]).clip(0, 1).astype(np.float32)
#     cheat[s] = evaluation.psnr(test[:200], result)
# honest = best["non-local means"]
# print(f"honest: strength {honest}, {cheat[honest]:.2f} dB")
# print(f"tuned on test: strength {max(cheat, key=cheat.get)}, {max(cheat.values()):.2f} dB")
# ```
#
# With a single knob and many images, nothing or next to nothing. It grows with the number of knobs
# and with the smallness of the test set; with a network that is stopped at its best test epoch it
# is no longer small.
#
# </details>
#
# **2.** Clean twice: feed the denoiser its own output. Does it get better?
#
# <details><summary>Solution</summary>
#
# ```python
# once = cleaned["denoiser"]
# twice = denoiser.predict(once, verbose=0)
# for name, x in (("once", once), ("twice", twice)):
#     print(f"{name:6} {evaluation.psnr(test, x):.1f} dB")
# display(plots.plot_samples(np.stack([once[:10], twice[:10]]), labels=["once", "twice"]))
# ```
#
# No. The first output is the mean of what is possible; to the model it looks like an image with
# other noise than it knows, and more certainty cannot come from nothing.
#
# </details>
#
# **3.** Average the denoiser with the best filter. Is the mean of both better than each?
#
# <details><summary>Solution</summary>
#
# ```python
# for share in (0.0, 0.25, 0.5, 1.0):
#     x = (1 - share) * whole["denoiser"] + share * whole[rival]
#     print(f"{share:.0%} of {rival}: {evaluation.psnr(cat[None], x[None]):.2f} dB")
# ```
#
# On the photograph often yes: the two make different mistakes, and part of them cancels. (To report
# such a number, choose the share on the flower.)
#
# </details>
#
# **4.** Features from noise: a linear probe on the codes of the denoiser, beside one on the pixels.
#
# <details><summary>Solution</summary>
#
# ```python
# few = 1000
# sets = {
#     "pixels": (images.train[:few], test),
#     "codes": tuple(
#         np.asarray(kerasae.encoder(denoiser)(x)) for x in (images.train[:few], test)
#     ),
# }
# for name, (a, b) in sets.items():
#     wrong = evaluation.linear_probe(
#         a, images.train_labels[:few], b, images.test_labels[: len(test)], l2=1e-2
#     )
#     print(f"{name:7} {wrong:.1%} wrong")
# ```
#
# To undo noise the encoder has to know strokes, and strokes tell digits apart: this was the first
# purpose of denoising autoencoders.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Convolutional autoencoders](09_convolutional.ipynb): the best linear denoiser, as one more
# mark.
# - [Neural inpainting](15_inpainting.ipynb): the same idea, where the place of the damage is known.
#
# **Papers**
#
# - P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol (2008), *Extracting and Composing Robust
#   Features with Denoising Autoencoders*, ICML; with I. Lajoie (2010), *Stacked Denoising
#   Autoencoders*, Journal of Machine Learning Research 11.
# - K. Zhang, W. Zuo, Y. Chen, D. Meng and L. Zhang (2017), *Beyond a Gaussian Denoiser: Residual
#   Learning of Deep CNN for Image Denoising*, IEEE Transactions on Image Processing 26.
# - L. I. Rudin, S. Osher and E. Fatemi (1992), *Nonlinear Total Variation Based Noise Removal
#   Algorithms*, Physica D 60; A. Chambolle (2004), *An Algorithm for Total Variation Minimization
#   and Applications*, Journal of Mathematical Imaging and Vision 20.
# - A. Buades, B. Coll and J.-M. Morel (2005), *A Non-Local Algorithm for Image Denoising*, CVPR.
# - K. Dabov, A. Foi, V. Katkovnik and K. Egiazarian (2007), *Image Denoising by Sparse 3-D
#   Transform-Domain Collaborative Filtering*, IEEE Transactions on Image Processing 16: BM3D, the
#   strongest of the classical filters, which is not in scikit-image.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn. The photographs are shipped with scikit-learn and
# scikit-image (china by danielbuechele and flower by vultilion: CC BY 2.0; chelsea the cat by
# Stéfan van der Walt, and coffee: CC0; astronaut and rocket: public domain; motorcycle: Middlebury
# Stereo 2014).
