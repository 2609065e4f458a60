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
# # Key takeaways, checked
#
# *Sections: key takeaways; properties; references.* Introductions to autoencoders end with a list
# of sentences to remember. They are short, they are repeated everywhere, and some of them are only
# half true. Here is the usual list once more, and beside each sentence a measurement, made anew in
# this chapter by a short run.
#
# **You will be able to**
#
# - say which of the usual statements hold, which hold in part, and which do not;
# - name, for each of them, an experiment that decides it, and run it in a minute;
# - correct the most frequent mix-up, dropout and sparsity;
# - answer twelve questions on the whole subject;
# - choose what to read next.

# %% [markdown]
# ## The idea
#
# A statement such as "autoencoders are lossy" is a prediction. If it is true, something can be
# measured that would come out differently if it were false. So for each statement this chapter
# asks:
# *what would I see?* It trains small models, quickly, and looks. The numbers are smaller than what
# patient training reaches; they only have to be clear enough to decide. Verdicts come in three
# kinds:
# **holds**, **in part**, and **no**. At the end they stand together in one table.

# %%
import dataclasses
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, samplers, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from sklearn.cluster import KMeans

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
CODE_SIZE, HIDDEN, FEW = (8, (64, 32), 50) if FAST else (16, (256, 128), 100)
verdicts = []  # (statement, verdict, evidence, chapter)
yes, partly, no = "**holds**", "**in part**", "**no**"

# %% [markdown]
# ## The data
#
# Handwritten digits, the middle 20 by 20 pixels of MNIST or in fast mode the digits of
# scikit-learn; and three kinds of images that no model of this chapter is trained on.

# %%
if FAST:
    images = kerasae.load_images("digits")
else:
    images = kerasae.load_images("mnist", limit=6000)
    middle = {
        split: getattr(images, split)[:, 4:-4, 4:-4] for split in ("train", "validation", "test")
    }
    images = dataclasses.replace(images, **middle)
shape = images.image_shape
PIXELS = int(np.prod(shape))
test, labels = images.test[:2000], images.test_labels[:2000]
kinds = {
    "digits": test,
    "inverted digits": 1 - test,
    "gravel": kerasae.load_images("textures", image_size=shape[0], limit=200).test,
    "faces": kerasae.load_images("faces", image_size=shape[0]).test,
}
print(images.summary())

# %% [markdown]
# ## The model
#
# One plain undercomplete autoencoder is the yardstick of the chapter.

# %%
base = {"input_shape": shape, "code_size": CODE_SIZE, "hidden": HIDDEN, "loss": "mse"}
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(**base)
display(plots.plot_architecture(model))

# %% [markdown]
# *The yardstick, drawn from its layers: everything that is said about an image has to pass through
# the orange bar.*
#
# ## Training

# %%
fast_steps = {"jit_compile": False} if FAST else {}
EPOCHS, RATE = (10, 5e-3) if FAST else (12, 3e-3)
config = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=RATE, **fast_steps)
history = train(model, images, config, progress=False).history
display(plots.plot_history(history))
rebuilt = np.clip(model.predict(test, verbose=0), 0, 1)
quality = evaluation.psnr(test, rebuilt)
mean_quality = evaluation.psnr(test, np.broadcast_to(images.train.mean(axis=0), test.shape))
display(plots.plot_reconstructions(test, rebuilt, count=10, gain=1))
assert quality > mean_quality + 0.8
display(
    Markdown(
        f"*Above the loss of each epoch; below ten test digits, what {CODE_SIZE} numbers keep of "
        f"them, and the difference: grey is none, black is too dark, white is too bright. "
        f"{quality:.1f} dB PSNR, where the mean digit has {mean_quality:.1f} dB.*"
    )
)

# %% [markdown]
# ## "Unsupervised: reconstruct the input by reducing its dimension"
#
# No label was used above, so far so good. Three checks go further. Is the reduction of dimension
# needed? Train a linear model with a code twice as large as the image. Does the word
# "unsupervised" mean that one can *classify* without labels, as the usual motivation has it? Let
# $k$-means form ten groups of codes, and give each the name that suits it best; then compare with a
# linear classifier on the same codes that was told some labels. And is the code as short as it can
# be, "the lowest possible compressed structure"? Round it.

# %%
keras.utils.set_random_seed(0)
copying = kerasae.build_overcomplete(
    input_shape=shape, code_size=2 * PIXELS, regularizer=None, tied=True, loss="mse"
)
train(copying, images, config, progress=False)
copied = {name: np.clip(copying.predict(x, verbose=0), 0, 1) for name, x in kinds.items()}
copy_quality = {name: evaluation.psnr(x, copied[name]) for name, x in kinds.items()}

encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)
codes = {
    "train": np.asarray(encoder(images.train[:2000])),
    "test": np.asarray(encoder(test)),
}
groups = KMeans(10, n_init=5, random_state=0).fit_predict(codes["test"])
grouped = sum(np.bincount(labels[groups == g]).max() for g in range(10)) / len(labels)
told = {}
for count in (100, len(codes["train"])):
    wrong = evaluation.linear_probe(
        codes["train"][:count], images.train_labels[:count], codes["test"], labels, l2=1e-2
    )
    told[count] = 1 - wrong
step = codes["train"].std(axis=0) / 4
bits = evaluation.code_rate(codes["test"], step)
rounded = np.asarray(decoder(np.round(codes["test"] / step) * step))
rounded_quality = evaluation.psnr(test, np.clip(rounded, 0, 1))
assert copy_quality["digits"] > quality + 3
assert grouped < told[len(codes["train"])]
assert bits < 32 * CODE_SIZE / 4
assert quality - rounded_quality < 1
verdicts += [
    (
        "Autoencoders are unsupervised and learn from unlabelled data",
        yes,
        f"{quality:.1f} dB without a label; the input is the target, so better: self-supervised",
        "[2](02_introduction.ipynb)",
    ),
    (
        "They work by reducing the dimension",
        partly,
        f"a code of {2 * PIXELS} values, larger than the image, reaches "
        f"{copy_quality['digits']:.1f} dB: reduction is one constraint of several",
        "[7](07_overcomplete.ipynb)",
    ),
    (
        "So images can be classified without labels",
        partly,
        f"groups of codes are right for {grouped:.0%} *after* all labels named them; 100 labels "
        f"give {told[100]:.0%}, {len(codes['train']):,} give {told[len(codes['train'])]:.0%}: "
        f"codes save labels, they do not replace them",
        "[1](01_motivation.ipynb), [4](04_properties.ipynb)",
    ),
    (
        "The code is the lowest possible compressed structure",
        no,
        f"rounded and entropy-coded, {32 * CODE_SIZE} bits become {bits:.0f}, and "
        f"{quality:.1f} dB become {rounded_quality:.1f}",
        "[0](00_start_here.ipynb), [16](16_export.ipynb)",
    ),
]
by_labels = ", ".join(f"{share:.1%} with {n} labels" for n, share in told.items())
print(f"copy {copy_quality['digits']:.1f} dB; groups {grouped:.1%}; {by_labels}; {bits:.0f} bits")

# %% [markdown]
# ## "Data-specific and lossy"

# %%
outputs = {name: np.clip(model.predict(x, verbose=0), 0, 1) for name, x in kinds.items()}
scores = {name: evaluation.psnr(x, outputs[name]) for name, x in kinds.items()}
grid = np.stack(
    [np.concatenate([source[name][:3] for name in kinds]) for source in (kinds, outputs, copied)]
)
display(plots.plot_samples(grid, labels=["input", f"code of {CODE_SIZE}", f"code of {2 * PIXELS}"]))
exact = float((np.round(255 * rebuilt) == np.round(255 * test)).all(axis=(1, 2, 3)).mean())
foreign = max(score for name, score in scores.items() if name != "digits")
assert scores["digits"] > foreign + 1
assert min(copy_quality.values()) > foreign + 1
assert exact < 0.01
verdicts += [
    (
        "Autoencoders are data-specific",
        yes,
        f"digits {scores['digits']:.1f} dB, foreign images at most {foreign:.1f} dB; but a copying "
        f"model does {min(copy_quality.values()):.1f} dB or better on all: it is the bottleneck, "
        f"not the name",
        "[4](04_properties.ipynb)",
    ),
    (
        "They are lossy",
        yes,
        f"{exact:.0%} of the test images come back exactly; what a residual that repairs it would "
        f"cost is measured in chapter 4",
        "[4](04_properties.ipynb)",
    ),
]
lines = "\n".join(f"| {k} | {scores[k]:.1f} | {copy_quality[k]:.1f} |" for k in kinds)
display(
    Markdown(
        f"| PSNR in dB | code of {CODE_SIZE} | code of {2 * PIXELS} |\n|---|---:|---:|\n{lines}\n\n"
        "*Three images each of digits, inverted digits, gravel and faces; what the yardstick makes "
        "of them, and what the copying model makes of them. The yardstick paints digits into "
        "everything. The copying model, trained on the same digits, returns them all.*"
    )
)

# %% [markdown]
# ## An experiment: "the hyperparameters are code size, layers, nodes and loss"
#
# Four hyperparameters, says the usual list. Change one at a time, the rest as in the yardstick, and
# one more that the list leaves out: the learning rate.

# %%
changes = {
    "code size": [{"code_size": CODE_SIZE // 4}, {"code_size": 2 * CODE_SIZE}],
    "learning rate": [{"learning_rate": RATE / 100}, {"learning_rate": 3 * RATE}],
    "loss": [{"loss": "binary_crossentropy"}],
    "layers": [{"hidden": ()}, {"hidden": (*HIDDEN, HIDDEN[-1] // 2)}],
    "nodes per layer": [{"hidden": tuple(n // 4 for n in HIDDEN)}],
}
if FAST:
    changes = {name: options[:1] for name, options in list(changes.items())[:3]}
start = evaluation.psnr(images.validation, model.predict(images.validation, verbose=0).clip(0, 1))
ranges = {}
for name, options in changes.items():
    ranges[name] = [start]
    for option in options:
        rate = option.get("learning_rate", RATE)
        sweep = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=rate, **fast_steps)
        keras.utils.set_random_seed(0)
        other = kerasae.build_undercomplete(**{**base, **option})
        train(other, images, sweep, progress=False)
        found = np.asarray(other(images.validation)).clip(0, 1)
        ranges[name].append(evaluation.psnr(images.validation, found))
        if name == "loss":
            crossed = other

figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
for row, (name, values) in enumerate(reversed(ranges.items())):
    listed = name != "learning rate"
    colour = plots.BLUE if listed else plots.ORANGE
    axes.plot([min(values), max(values)], [row, row], color=colour, lw=5, alpha=0.35)
    axes.plot(values, [row] * len(values), "o", color=colour, ms=6)
axes.axvline(start, color=plots.MUTED, ls="--", lw=1)
axes.set_yticks(range(len(ranges)), list(reversed(ranges)))
axes.set(xlabel="PSNR on validation images in dB", ylim=(-0.6, len(ranges) - 0.4))
axes.spines[["top", "right"]].set_visible(False)
plt.show()
widths = {name: max(values) - min(values) for name, values in ranges.items()}
assert widths["learning rate"] > 1
assert widths["code size"] > widths["loss"]
grey = np.clip(test.astype(float), 1e-7, 1 - 1e-7)
floor = float(-(grey * np.log(grey) + (1 - grey) * np.log(1 - grey)).mean())
cross_quality = evaluation.psnr(test, np.asarray(crossed(test)))
assert floor > 0.005
verdicts += [
    (
        "The hyperparameters are code size, layers, nodes and loss",
        partly,
        f"the learning rate, not on the list, moves {widths['learning rate']:.1f} dB; code size "
        f"{widths['code size']:.1f}, loss {widths['loss']:.1f}",
        "[5](05_hyperparameters.ipynb)",
    ),
    (
        "Binary cross-entropy for values between 0 and 1, else squared error",
        partly,
        f"pixels are between 0 and 1, and both work: {cross_quality:.1f} dB and {quality:.1f} dB; "
        f"on grey pixels a *perfect* reconstruction still costs {floor:.3f} nats",
        "[5](05_hyperparameters.ipynb)",
    ),
]
display(
    Markdown(
        "*Each dot is a trained model; the dashed line is the yardstick; orange is not on the "
        "usual list. Ranges depend on how far one dares to turn each knob, so do not read them as "
        "a ranking. Read them as a warning: "
        f"a learning rate that is off by a factor of a hundred costs {widths['learning rate']:.1f} "
        "dB, and whoever compares two architectures with one learning rate for both may be "
        "comparing learning rates.*"
    )
)

# %% [markdown]
# ## "Undercomplete needs no regularisation; overcomplete is the opposite"
#
# A small code rules out the copy. Does it rule out learning by heart? Train the yardstick on few
# images, for as many steps as before, and keep the last epoch.

# %%
repeats = len(images.train) // FEW
few = kerasae.Images(
    train=np.tile(images.train[:FEW], (repeats, 1, 1, 1)),
    validation=images.validation,
    test=images.test,
)
keras.utils.set_random_seed(0)
narrow = kerasae.build_undercomplete(**base)
last = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=RATE, keep="last", **fast_steps)
train(narrow, few, last, progress=False)
seen = evaluation.psnr(images.train[:FEW], np.asarray(narrow(images.train[:FEW])).clip(0, 1))
unseen = evaluation.psnr(test, np.asarray(narrow(test)).clip(0, 1))
noise = np.random.default_rng(0).random((200, *shape)).astype(np.float32)
through = {
    "undercomplete": evaluation.psnr(noise, np.asarray(model(noise)).clip(0, 1)),
    "overcomplete": evaluation.psnr(noise, np.asarray(copying(noise)).clip(0, 1)),
}
assert seen > unseen + 2
assert through["overcomplete"] > through["undercomplete"] + 2
verdicts += [
    (
        "An undercomplete autoencoder needs no regularisation",
        partly,
        f"it cannot copy, but it learns by heart: from {FEW} images, {seen:.1f} dB on them and "
        f"{unseen:.1f} dB on others",
        "[6](06_undercomplete.ipynb)",
    ),
    (
        "An overcomplete one without regulariser only copies",
        yes,
        f"even noise comes back: {through['overcomplete']:.1f} dB, against "
        f"{through['undercomplete']:.1f} dB through the small code",
        "[7](07_overcomplete.ipynb)",
    ),
]
print(f"{FEW} images: {seen:.1f} dB on them, {unseen:.1f} dB on others")

# %% [markdown]
# ## "Sparse: neurons are randomly dropped"
#
# This one is a mix-up. Units that are switched off *at random*, *in training*, are dropout. Units
# that are silent *because of the image*, also *afterwards*, are sparsity. Train one of each.

# %%
UNITS, K = (128, 10) if FAST else (500, 25)  # more units than pixels
sparse_codes = {}
for penalty, option in {"topk": {"k": K}, "dropout": {"rate": 0.5}}.items():
    keras.utils.set_random_seed(0)
    other = kerasae.build_sparse(
        input_shape=shape, code_size=UNITS, penalty=penalty, tied=True, loss="mse", **option
    )
    train(other, images, config, progress=False)
    reader = kerasae.encoder(other)
    sparse_codes[penalty] = np.asarray(reader(test))
    assert np.array_equal(sparse_codes[penalty], np.asarray(reader(test)))  # nothing is random
    through[penalty] = evaluation.psnr(noise, np.asarray(other(noise)).clip(0, 1))

figure, grid = plt.subplots(2, 1, figsize=(8.4, 3.8), layout="constrained", sharex=True)
colours = plt.get_cmap("viridis").with_extremes(bad="white")
for axes, (name, found) in zip(grid, sparse_codes.items(), strict=True):
    values = np.ma.masked_equal(np.abs(found[:25, :100]), 0)
    drawn = axes.imshow(values, cmap=colours, vmin=0, aspect="auto", interpolation="nearest")
    figure.colorbar(drawn, ax=axes, label="size")
    axes.set(ylabel="test image", yticks=[0, 12, 24])
    axes.set_title({"topk": "sparse: the k largest", "dropout": "dropout"}[name], fontsize=10)
grid[1].set_xlabel("unit of the code (the first 100)")
plt.show()
at_work = {name: float((found != 0).mean()) for name, found in sparse_codes.items()}
assert at_work["topk"] < 0.2
assert at_work["dropout"] > 0.9
assert through["topk"] < through["overcomplete"] - 2
verdicts += [
    (
        "Overcomplete is exactly the opposite of undercomplete",
        partly,
        f"of the *size*, nearly (equal or larger); of what is learnt, no: with {UNITS} units, {K} "
        f"of them allowed, noise comes back with {through['topk']:.1f} dB only",
        "[7](07_overcomplete.ipynb)",
    ),
    (
        "In a sparse autoencoder, neurons are dropped at random",
        no,
        f"that is dropout, whose codes are dense afterwards ({at_work['dropout']:.0%} of the units "
        f"at work); in a sparse one {at_work['topk']:.0%} are, and the image chooses which",
        "[8](08_sparse.ipynb)",
    ),
]
display(
    Markdown(
        f"*Size of the code's values for 25 test images, after training; white is exactly zero, "
        f"and each panel has a scale of its own. Above, {at_work['topk']:.0%} of the units are at "
        f"work, others for other images. Below, after training with dropout, "
        f"{at_work['dropout']:.0%}: nothing is dropped any more. Both models give the same code "
        f"each time they are asked.*"
    )
)

# %% [markdown]
# ## "Convolutional: can remove noise and reconstruct missing parts"
#
# That there are convolutions in both halves is true by construction; it can be read off the layers.
# That they remove noise is another matter. Two models, equal but for their training: one has seen
# clean images, one has been asked to clean noisy ones. Both get noisy test images, and are compared
# with the clean ones. Then both get test images with a black hole in the middle, which neither of
# them has been trained to fill.

# %%
small = kerasae.Images(
    train=images.train[:3000], validation=images.validation[:500], test=images.test
)
frame = {
    "input_shape": shape,
    "hidden": (8, 16) if FAST else (16, 32),
    "code_size": 16,
    "code": "spatial",
}
conv_config = TrainConfig(epochs=6, batch_size=32, learning_rate=5e-3)
LEVEL = 0.4
keras.utils.set_random_seed(0)
plain = kerasae.build_convolutional(**frame, loss="mse")
train(plain, small, conv_config, progress=False)
keras.utils.set_random_seed(0)
cleaner = kerasae.build_denoising(base="convolutional", level=LEVEL, **frame, loss="mse")
train(cleaner, small, conv_config, progress=False)
rng = np.random.default_rng(0)
noisy = np.clip(test + rng.normal(0, LEVEL, test.shape), 0, 1).astype(np.float32)
cleaned = {
    "noisy": noisy,
    "trained on clean": np.asarray(plain.predict(noisy, verbose=0)).clip(0, 1),
    "trained to clean": np.asarray(cleaner.predict(noisy, verbose=0)).clip(0, 1),
}
clean_scores = {name: evaluation.psnr(test, x) for name, x in cleaned.items()}
side = shape[0] // 4
hole = np.zeros(shape[:2], bool)
hole[shape[0] // 2 - side : shape[0] // 2 + side, shape[1] // 2 - side : shape[1] // 2 + side] = (
    True
)
pierced = np.where(hole[..., None], 0, test).astype(np.float32)
filled = {
    "pierced": pierced,
    "trained on clean": np.asarray(plain.predict(pierced, verbose=0)).clip(0, 1),
    "trained to clean": np.asarray(cleaner.predict(pierced, verbose=0)).clip(0, 1),
}
hole_scores = {
    name: -10 * np.log10(evaluation.hole_error(test, x, hole)) for name, x in filled.items()
}
convolutions = {
    half: sum("Conv" in type(layer).__name__ for layer in plain.get_layer(half).layers)
    for half in ("encoder", "decoder")
}
display(
    plots.plot_samples(
        np.stack([x[:10] for x in (*cleaned.values(), *filled.values(), test)]),
        labels=[*cleaned, *filled, "original"],
    )
)
assert min(convolutions.values()) >= 2
assert clean_scores["trained to clean"] > clean_scores["trained on clean"] + 0.2
verdicts += [
    (
        "A convolutional autoencoder has convolutions in encoder and decoder",
        yes,
        f"{convolutions['encoder']} and {convolutions['decoder']} of them, counted",
        "[9](09_convolutional.ipynb)",
    ),
    (
        "It can remove noise and fill missing parts",
        partly,
        f"if trained to: noisy {clean_scores['noisy']:.1f} dB become "
        f"{clean_scores['trained to clean']:.1f}; trained on clean images, "
        f"{clean_scores['trained on clean']:.1f}. In a hole that neither was trained to fill, "
        f"black has {hole_scores['pierced']:.1f} dB, and what they paint "
        f"{hole_scores['trained to clean']:.1f} and {hole_scores['trained on clean']:.1f}",
        "[9](09_convolutional.ipynb), [15](15_inpainting.ipynb)",
    ),
]
display(
    Markdown(
        "*PSNR against the clean images, from top to bottom: "
        + ", ".join(f"{name} {score:.1f} dB" for name, score in clean_scores.items())
        + ". Below these, the images with a hole; PSNR inside the hole: "
        + ", ".join(f"{name} {score:.1f} dB" for name, score in hole_scores.items())
        + ". Convolutions suit images; what they mend is decided by the training.*"
    )
)

# %% [markdown]
# ## "Variational: generative, with significant control"
#
# Three checks. Is a code drawn between encoder and decoder? Do draws from the prior decode to
# digits, and those of the yardstick not? And control: if the values of the code were knobs with a
# meaning, one of them should tell something important, such as which digit it is.

# %%
keras.utils.set_random_seed(0)
vae = kerasae.build_variational(
    input_shape=shape, code_size=CODE_SIZE, hidden=HIDDEN, likelihood="bernoulli"
)
train(vae, images, config, progress=False)
twice = [np.asarray(vae(test[:100], training=True)) for _ in range(2)]
trembling = float(np.abs(twice[0] - twice[1]).mean())
calm = float(np.abs(np.asarray(vae(test[:100])) - np.asarray(vae(test[:100]))).max())
normal = np.random.default_rng(0).standard_normal((20, CODE_SIZE))
made = {
    "variational": samplers.sample_prior(vae, 20),
    "yardstick": np.asarray(kerasae.decoder(model)(normal)).clip(0, 1),
}
display(
    plots.plot_samples(
        np.concatenate([x.reshape(2, 10, *shape) for x in made.values()]),
        labels=["variational", "", "yardstick", ""],
    )
)
vae_codes = [np.asarray(kerasae.encoder(vae)(x)) for x in (images.train[:1000], test)]
reached = [
    1
    - evaluation.linear_probe(
        vae_codes[0][:, knobs], images.train_labels[:1000], vae_codes[1][:, knobs], labels, l2=1e-2
    )
    for knobs in [[d] for d in range(CODE_SIZE)] + [list(range(CODE_SIZE))]
]
one_knob, all_knobs = max(reached[:-1]), reached[-1]
mean, log_variance = (np.asarray(part) for part in vae.get_layer("encoder")(test))
spread = {  # of all codes that the images may get
    "variational": float(np.sqrt(mean.var() + np.exp(log_variance).mean())),
    "yardstick": float(codes["test"].std()),
}
assert calm == 0 < trembling
assert one_knob < all_knobs - 0.1
assert 0.6 < spread["variational"] < 1.6
verdicts += [
    (
        "A VAE is generative; a code is drawn between encoder and decoder",
        yes,
        f"most of its draws above can be read as digits, few of the yardstick's; in training two "
        f"passes differ by {trembling:.3f} a pixel; deployed by {calm:.0f}: then the code is the "
        f"mean",
        "[10](10_variational.ipynb), [12](12_image_generation.ipynb)",
    ),
    (
        "It gives significant control over the latent distribution",
        partly,
        f"of the *distribution*, yes (spread of codes {spread['variational']:.2f}, prior 1); of "
        f"*meaning*, no: the best single value tells the "
        f"digit in {one_knob:.0%} of the cases, all together in {all_knobs:.0%}",
        "[10](10_variational.ipynb)",
    ),
]
display(
    Markdown(
        f"*Codes from the standard normal, decoded by both models. Most draws of the variational "
        f"one can be read as digits, most of the yardstick's are scribbles. "
        f"Nobody ever told the yardstick where its codes should lie; "
        f"their standard deviation is {spread['yardstick']:.1f}. The best single value of the "
        f"variational code names the digit in {one_knob:.0%} of the cases, where a guess would in "
        f"about 10%.*"
    )
)

# %% [markdown]
# ## The table

# %%
head = "| statement | verdict | evidence, from this run | more in chapter |\n|---|---|---|---|"
lines = "\n".join("| " + " | ".join(row) + " |" for row in verdicts)
counts = {mark: sum(verdict == mark for _, verdict, *_ in verdicts) for mark in (yes, partly, no)}
assert len(verdicts) == 16
assert min(counts.values()) >= 2
display(Markdown(f"{head}\n{lines}"))
display(
    Markdown(
        f"*Of {len(verdicts)} usual statements {counts[yes]} hold, {counts[partly]} hold in part, "
        f"and {counts[no]} do not. Most of those in the middle are not wrong but unfinished: they "
        "name a property without saying what it comes from.*"
    )
)

# %% [markdown]
# ## Quiz
#
# Answer first, then unfold.
#
# 1. What is the target in the training of an autoencoder, and what follows for labels?
# 2. Why can a code of eight numbers not hold every image of 64 pixels, although each number is
#   real?
# 3. A colleague's model has a test error of almost zero. What do you ask before you congratulate?
# 4. How do you prove, without looking at the loss, that a model copies?
# 5. What does a linear autoencoder with squared error find, and what does it leave to chance?
# 6. Which of these is a sparse autoencoder: half of the units are dropped in each step; each image
#    activates twenty of a thousand units?
#
# <details><summary>Answers to 1 to 6</summary>
#
# 1. The input itself. No labels are needed; "self-supervised" is the exact word.
# 2. In theory one real number could hold everything; but a *continuous* decoder that was trained on
#    digits can only paint a surface of eight dimensions, and numbers of finite precision hold a
#    finite number of bits.
# 3. How large the code is, and whether there is a regulariser: perhaps it copies. Then, whether the
#    test images were used to choose anything.
# 4. Feed it something foreign, such as noise. If that comes back, it copies.
# 5. The subspace of the leading principal components. Which axes the code has within it.
# 6. The second. The first is dropout, which leaves the code dense after training.
#
# </details>
#
# 7. A denoiser that `fit` has trained reports a wonderful `val_loss`. Why does that say little?
# 8. Someone adds a *mean* squared error over pixels and a KL *summed* over the code. What will
#   happen?
# 9. Where are the codes of a plain autoencoder, and why does that matter for making images?
# 10. What does a codec need besides encoder and decoder?
# 11. On which images do you choose the code size, and on which do you report?
# 12. Your model reconstructs faces at 25 dB and landscapes at 18 dB. Is that proof that it is
#     data-specific?
#
# <details><summary>Answers to 7 to 12</summary>
#
# 7. Keras takes it on clean inputs, since the noise rests in validation: it measures copying.
# 8. The KL is far too strong beside a mean, by a factor of the number of pixels: the code collapses
#    unless beta makes up for it.
# 9. Anywhere: nothing holds them near a known distribution. Codes drawn from a standard normal miss
#    them; fit a density first, or train a variational model.
# 10. Rounding, a table or density for the entropy coder, a frame with sizes, a checksum, and the
#     same decoder on both sides.
# 11. Validation images for every choice; test images once, at the end.
# 12. No: landscapes may be harder for everybody. Compare with a model of landscapes on the same
# images.
#
# </details>

# %% [markdown]
# ## What can go wrong
#
# **Short sentences.** "Autoencoders denoise", "VAEs disentangle", "sparse means dropped": each
# leaves out the condition under which it is true. Ask for the condition.
#
# **One run, one seed, one data set.** The verdicts here rest on digits and on short training. They
# were chosen to be so clear that a second seed does not change them; for finer questions repeat
# runs, and show the spread ([chapter 5](05_hyperparameters.ipynb)).
#
# **Evidence that cannot fail.** "The loss went down" supports anything. A check is worth something
# if you can say beforehand what would have refuted you.

# %% [markdown]
# ## Key takeaways
#
# 1. An autoencoder learns from unlabelled data by repeating its input under a constraint. The
#    constraint, a small code, sparsity, noise, a prior, is what makes it learn.
# 2. It is data-specific and lossy because of the constraint, not by nature.
# 3. Code size, layers, nodes and loss are hyperparameters; so are learning rate, epochs and the
#    strength of the constraint. Choose by validation images.
# 4. Undercomplete: smaller code. Overcomplete: equal or larger, and in need of a regulariser.
# 5. Sparse: few units per image, chosen by the image. Dropout is something else.
# 6. Convolutions fit images of any size; they denoise if trained to.
# 7. A VAE draws its code in training, fills its prior, and so can generate.

# %% [markdown]
# ## Exercises
#
# **1.** "Autoencoders ignore noise." Feed noisy digits to the yardstick, which was never trained on
# noise, and compare its output with the clean digits.
#
# <details><summary>Solution</summary>
#
# ```python
# for level in (0.1, 0.4):
#     damaged = np.clip(test + rng.normal(0, level, test.shape), 0, 1).astype(np.float32)
#     out = np.asarray(model(damaged)).clip(0, 1)
#     print(level, evaluation.psnr(test, damaged), evaluation.psnr(test, out))
# ```
#
# In part again: the bottleneck throws away what does not look like a digit, so that strong noise
# gets weaker. With weak noise the loss of the bottleneck is larger than the noise.
#
# </details>
#
# **2.** "Smaller codes mean more compression." Keep the code size and change the step of the
# rounding. Draw quality over bits.
#
# <details><summary>Solution</summary>
#
# ```python
# points = {}
# for part in (0.25, 0.5, 1, 2):
#     width = part * codes["train"].std(axis=0)
#     again = np.asarray(decoder(np.round(codes["test"] / width) * width)).clip(0, 1)
#     points[float(evaluation.code_rate(codes["test"], width))] = evaluation.psnr(test, again)
# display(plots.plot_curves({"one code size": points}, xlabel="bits", ylabel="PSNR in dB"))
# ```
#
# One model, many rates: the number of values is not the number of bits.
#
# </details>
#
# **3.** Draw the code of one image several times, as in training, and look at what the decoder of
# the VAE makes of the draws. Which parts tremble?
#
# <details><summary>Solution</summary>
#
# ```python
# draws = np.stack([np.asarray(vae(test[:8], training=True)) for _ in range(3)])
# rows = np.concatenate([test[None, :8], draws, 3 * draws.std(axis=0, keepdims=True)])
# display(plots.plot_samples(rows.clip(0, 1), labels=["original", "1", "2", "3", "spread x 3"]))
# ```
#
# Mostly the edges of strokes: where exactly a line ends is what the code leaves open.
#
# </details>

# %% [markdown]
# ## References, and what each is good for
#
# **Papers, books and lectures of the subject's reading list**
#
# - P. Baldi (2012), [*Autoencoders, Unsupervised Learning, and Deep
#   Architectures*](http://proceedings.mlr.press/v27/baldi12a/baldi12a.pdf), Proceedings of Machine
#   Learning Research 27. For the mathematics: the linear case solved, the Boolean case, clustering
#   and hardness. [Chapter 23](23_mathematics.ipynb) walks through it with code.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), [*Deep Learning*, chapter
#   14](https://www.deeplearningbook.org/contents/autoencoders.html), MIT Press. For the best
#   overview in twenty pages: undercomplete, regularised, stochastic, manifolds.
# - J.-P. Briot, [*Deep Learning Techniques for Music Generation*, the lecture on
#   autoencoders](http://www-desir.lip6.fr/~briot/cours/unirio2/Slides/dlmg-4-autoencoder.pdf). For
#   an application that is not an image: codes of melodies, and how to make new ones.
#   [Chapter 22](22_sequences.ipynb) does it.
# - On the way it also points to an introduction to t-SNE (read it together with [chapter
#   11](11_dimensionality_reduction.ipynb), which shows how such maps mislead), to an article on
#   types of autoencoders, and to a video on variational autoencoders by Arxiv Insights, for a first
#   intuition.
#
# **Some originals**
#
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313: deep autoencoders work, and how far beyond PCA.
# - P. Vincent and others (2010), *Stacked Denoising Autoencoders*, Journal of Machine Learning
#   Research 11: noise as the constraint.
# - A. Makhzani and B. Frey (2013), *k-Sparse Autoencoders*, arXiv 1312.5663: sparsity in one line.
# - N. Srivastava and others (2014), *Dropout*, Journal of Machine Learning Research 15: what
#   dropout is.
# - J. Masci and others (2011), *Stacked Convolutional Auto-Encoders for Hierarchical Feature
#   Extraction*, ICANN.
# - D. P. Kingma and M. Welling (2014), *Auto-Encoding Variational Bayes*, ICLR: the VAE.
# - D. Bank, N. Koenigstein and R. Giryes (2020), *Autoencoders*, arXiv 2003.05991: a survey.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak, CC BY
# 4.0), as shipped with scikit-learn. The gravel is a CC0 photograph, the faces a subset of *Labeled
# Faces in the Wild* (G. B. Huang and others), without a stated licence, for research; both ship
# with scikit-image.
