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
# # Hyperparameters
#
# *Section: hyperparameters.* Four things are decided before training: the size of the code, the
# number of layers, the nodes in each, and the loss. This chapter turns one knob at a time, and
# then asks what the rule "between 0 and 1, take cross-entropy" really says.
#
# **You will be able to**
#
# - say what each of the four hyperparameters does to quality, size and time;
# - run a sweep that deserves belief: one change at a time, repeated seeds, validation images for
#   choosing, test images once;
# - choose between squared error and cross-entropy, and compare models that used different ones;
# - recognise a cross-entropy that was given targets outside of [0, 1].

# %% [markdown]
# ## The idea
#
# Training finds the weights. What it cannot find are the numbers that define the problem: they
# are set from outside, and judged by images that the training has not seen. There are two
# rules. **Change one thing at a time**, or you will not know what helped. **Choose by
# validation images, and look at the test images once, at the end.** Whoever tries twenty
# settings and reports the best *test* score has used the test images for training, only slowly;
# well-known tutorials do so by passing the test set as `validation_data`.
#
# Quality is given as PSNR in decibels, from the squared error over all pixels of all images:
# 3 dB more is half the error. Unlike the loss it means the same for every model.

# %%
import itertools
import os
import tempfile
import time

import kerasae
from kerasae import TrainConfig, plots, train
from kerasae.evaluation import psnr

import keras
import numpy as np
from IPython.display import Markdown, display
from sklearn.decomposition import PCA

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"

# %% [markdown]
# ## The data
#
# Handwritten digits, values in [0, 1]. A part of the training images is enough for sweeps, as
# long as all settings get the same part.

# %%
images = kerasae.load_images("digits" if FAST else "mnist", limit=None if FAST else 12_000)
print(images.summary())
size = int(np.prod(images.image_shape))
display(plots.plot_samples(images.train[:20], columns=10))
grey = float(np.mean((images.train > 0.1) & (images.train < 0.9)))
display(
    Markdown(
        f"*Twenty training images. {100 * grey:.0f} % of the pixel values lie between 0.1 and "
        f"0.9, neither near black nor near white; that will matter for the loss.*"
    )
)

# %% [markdown]
# ## The model
#
# One setting is the base, from which each sweep departs. The four hyperparameters are the four
# arguments of the builder.

# %%
BASE = {
    "code_size": 8 if FAST else 16,
    "hidden": (64, 32) if FAST else (128, 64),
    "loss": "mse",
}
config = TrainConfig(
    epochs=12 if FAST else 10,
    batch_size=64,
    learning_rate=8e-3 if FAST else 2e-3,
    jit_compile=not FAST,  # compiling takes longer than training when it is this short
)
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(input_shape=images.image_shape, **BASE)
display(plots.plot_architecture(model))

# %% [markdown]
# *The base model. The encoder has two hidden layers and narrows step by step, the decoder is its
# mirror. This shape is a habit, not a law: only the code has to be small.*

# %%
start = time.perf_counter()
history = train(model, images, config, progress=False)
base_seconds = time.perf_counter() - start
display(plots.plot_history(history.history))
rebuilt = np.clip(keras.ops.convert_to_numpy(model(images.validation)), 0, 1)
base_psnr = psnr(images.validation, rebuilt)
display(plots.plot_reconstructions(images.validation, rebuilt, count=10, gain=2))
display(
    Markdown(
        f"*Above: the loss of each epoch; the circle marks the one that `train` goes back to. "
        f"Training is short, and the curves still fall a little; for comparing settings that is "
        f"enough, as long as all get the same epochs. Below: ten validation images, their "
        f"reconstructions and the doubled differences (mid-grey: none). On all "
        f"{len(images.validation):,} validation images the base has **{base_psnr:.2f} dB**.*"
    )
)

# %% [markdown]
# ## The sweeps
#
# The next cell trains every setting: the base with other seeds, then one change at a time. It
# notes the quality on training and on validation images, the number of weights, and the seconds.
# The test images are not touched.

# %%
CODE_SIZES = (2, 4, 8, 16) if FAST else (2, 4, 8, 16, 32, 64)
LAYERS = {0: (), 1: (64,), 2: (64, 32)}
NODES = (16, 64, 256)
if not FAST:
    LAYERS = {0: (), 1: (128,), 2: (128, 64), 3: (128, 96, 64), 4: (128, 112, 96, 64)}
    NODES = (32, 64, 128, 256, 512)
SEEDS = (0, 1) if FAST else (0, 1, 2)

settings = [{**BASE, "seed": seed} for seed in SEEDS]
settings += [{**BASE, "code_size": n} for n in CODE_SIZES]
settings += [{**BASE, "hidden": hidden} for hidden in LAYERS.values()]
settings += [{**BASE, "hidden": (n, n // 2)} for n in NODES]
settings += [{**BASE, "loss": "binary_crossentropy"}]

trained = {(*BASE.values(), 0): (model, base_seconds)}
for setting in settings:
    key = (setting["code_size"], setting["hidden"], setting["loss"], setting.get("seed", 0))
    if key in trained:
        continue
    start = time.perf_counter()
    keras.utils.set_random_seed(key[3])
    each = kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=key[0], hidden=key[1], loss=key[2]
    )
    train(each, images, config, progress=False)
    trained[key] = (each, time.perf_counter() - start)

results = {}
for key, (each, seconds) in trained.items():
    known, unseen = images.train[:2000], images.validation
    results[key] = {
        "model": each,
        "training": psnr(known, np.clip(keras.ops.convert_to_numpy(each(known)), 0, 1)),
        "validation": psnr(unseen, np.clip(keras.ops.convert_to_numpy(each(unseen)), 0, 1)),
        "weights": each.count_params(),
        "seconds": seconds,
    }
size_of, shape_of, loss_of = BASE["code_size"], BASE["hidden"], BASE["loss"]
seeds = [results[size_of, shape_of, loss_of, seed]["validation"] for seed in SEEDS]
noise = max(seeds) - min(seeds)
display(
    Markdown(
        f"{len(results)} models were trained. The base with {len(SEEDS)} seeds came to "
        f"{', '.join(f'{value:.2f}' for value in seeds)} dB. The range of **{noise:.2f} dB** is "
        f"a yardstick: a difference of that size between two settings may be luck."
    )
)

# %% [markdown]
# ## Code size
#
# The first knob, and the strongest. PCA with as many components is the mark to beat: it is the
# best that a linear model can do.

# %%
pca = PCA(max(CODE_SIZES)).fit(images.train.reshape(-1, size))
centred = images.validation.reshape(-1, size) - pca.mean_
by_code = {part: {} for part in ("training", "validation")}
by_code["PCA, validation"] = {}
for n in CODE_SIZES:
    for part in ("training", "validation"):
        by_code[part][n] = results[n, shape_of, loss_of, 0][part]
    axes_of_n = pca.components_[:n]
    painted = np.clip(centred @ axes_of_n.T @ axes_of_n + pca.mean_, 0, 1)
    by_code["PCA, validation"][n] = psnr(
        images.validation, painted.reshape(images.validation.shape)
    )
figure = plots.plot_curves(by_code, xlabel="code size", ylabel="PSNR in dB", log_x=True)
display(figure)

small, large = CODE_SIZES[0], CODE_SIZES[-1]
steps = {
    n: by_code["validation"][n] - by_code["validation"][m]
    for m, n in itertools.pairwise(CODE_SIZES)
}
assert by_code["validation"][small] < by_code["validation"][size_of]
over_pca = {n: by_code["validation"][n] - by_code["PCA, validation"][n] for n in CODE_SIZES}
widest = max(over_pca, key=over_pca.get)
assert over_pca[widest] > 0.3
display(
    Markdown(
        f"*Quality over the code size. A smaller code compresses more: {size} values to {small} "
        f"is {size / small:.0f} : 1, to {large} it is {size / large:.1f} : 1. On validation "
        f"images each doubling gives "
        + ", ".join(f"{gain:+.1f} dB (to {n})" for n, gain in steps.items())
        + f". The network is furthest above PCA with a code of {widest}: "
        f"{over_pca[widest]:+.1f} dB; with {large} it is {over_pca[large]:+.1f} dB. "
        f"Where PCA has enough components, a short training and narrow hidden layers become the "
        f"limit. A hidden layer that is as narrow as the code is part of the bottleneck.*"
    )
)

# %% [markdown]
# "Best" is the wrong question here: more is always better, and the curve has no peak. The code
# size is a price. Take the smallest one whose reconstructions are good enough for you, or the
# one at which the next doubling gains less than it costs.

# %%
shown = {"original": images.validation[:10]}
for n in CODE_SIZES:
    some = results[n, shape_of, loss_of, 0]["model"](images.validation[:10])
    shown[f"code size {n}"] = np.clip(keras.ops.convert_to_numpy(some), 0, 1)
display(plots.plot_samples(np.stack(list(shown.values())), labels=list(shown)))

# %% [markdown]
# *The same ten validation images at each code size. Look down a column: first the class becomes
# right, then the shape, at last the thickness and the loose ends of the strokes.*
#
# ## Number of layers
#
# Depth is counted in hidden layers of the encoder; the decoder has as many.

# %%
by_depth = {
    part: {depth: results[size_of, hidden, loss_of, 0][part] for depth, hidden in LAYERS.items()}
    for part in ("training", "validation")
}
chosen_depth = max(by_depth["validation"], key=by_depth["validation"].get)
figure = plots.plot_curves(
    by_depth,
    xlabel="hidden layers of the encoder",
    ylabel="PSNR in dB",
    mark={"validation": chosen_depth},
)
display(figure)
first_layer = by_depth["validation"][1] - by_depth["validation"][0]
deeper = [by_depth["validation"][d] - by_depth["validation"][1] for d in LAYERS if d > 1]
assert first_layer > 0.3
assert max(deeper) < first_layer
rest = (
    f"The deeper nets are {-max(deeper):.2f} to {-min(deeper):.2f} dB below it"
    if max(deeper) < 0
    else f"The deeper nets lie between {min(deeper):+.2f} and {max(deeper):+.2f} dB of that"
)
display(
    Markdown(
        f"*Quality over depth, the best on validation images circled. The first hidden layer "
        f"makes the model nonlinear and brings {first_layer:.1f} dB. {rest}, with a noise of "
        f"{noise:.2f} dB. A deeper net can do more, but it is harder to train: it needs more "
        f"epochs, and here all get the same.*"
    )
)

# %% [markdown]
# ## Nodes per layer
#
# Two hidden layers, the second half as wide as the first.

# %%
by_width = {
    part: {n: results[size_of, (n, n // 2), loss_of, 0][part] for n in NODES}
    for part in ("training", "validation")
}
chosen_width = max(by_width["validation"], key=by_width["validation"].get)
figure = plots.plot_curves(
    by_width,
    xlabel="nodes of the first hidden layer",
    ylabel="PSNR in dB",
    log_x=True,
    mark={"validation": chosen_width},
)
display(figure)
rows = [
    f"| {n}, {n // 2} | {r['weights']:,} | {r['seconds']:.1f} | {r['training']:.2f} | "
    f"{r['validation']:.2f} | {r['training'] - r['validation']:.2f} |"
    for n in NODES
    for r in [results[size_of, (n, n // 2), loss_of, 0]]
]
head = "| nodes | weights | seconds | training, dB | validation, dB | gap, dB |"
display(Markdown("\n".join([head, "|---|---:|---:|---:|---:|---:|", *rows])))
thin, thick = NODES[0], NODES[-1]
gap = {n: by_width["training"][n] - by_width["validation"][n] for n in NODES}
assert by_width["validation"][thin] < by_width["validation"][chosen_width]
assert gap[thick] > gap[thin]
weights_of = {n: results[size_of, (n, n // 2), loss_of, 0]["weights"] for n in NODES}
display(
    Markdown(
        f"*Quality over width. From {thin} to {thick} nodes the weights grow "
        f"{weights_of[thick] / weights_of[thin]:.0f} times and the validation quality by "
        f"{by_width['validation'][thick] - by_width['validation'][thin]:.1f} dB. The gap between "
        f"training and validation grows from {gap[thin]:.2f} to {gap[thick]:.2f} dB: that is the "
        f"part that was learnt by heart. When the gap grows and the validation curve no longer "
        f"does, it is wide enough. (Gaps are taken before rounding. The seconds are rough: each "
        f"is of one run, compiling and whatever else the machine was doing included, so that a "
        f"smaller net may even take longer.)*"
    )
)

# %% [markdown]
# ## Loss: two measures of the same difference
#
# For a pixel with target $x$ and output $p$, the squared error is $(x - p)^2$, and the binary
# cross-entropy is $-x \log p - (1 - x) \log(1 - p)$.

# %%
p = np.linspace(0.01, 0.99, 99)
targets = (0.0, 0.5, 1.0)
formulas = {
    "squared error": [(x - p) ** 2 for x in targets],
    "cross-entropy, nats": [-x * np.log(p) - (1 - x) * np.log(1 - p) for x in targets],
}
for name, values in formulas.items():
    lines = {
        f"target {x:g}": dict(zip(p.tolist(), value.tolist(), strict=True))
        for x, value in zip(targets, values, strict=True)
    }
    figure = plots.plot_curves(lines, xlabel="output of the decoder", ylabel=name)
    for line in figure.axes[0].lines:
        line.set_marker("")
    figure.set_size_inches(6.6, 2.5)
    display(figure)

# %% [markdown]
# *Loss of one pixel over the output. Three things to see. Both are smallest where the output
# equals the target, also for grey: either one trains an autoencoder. Cross-entropy goes to
# infinity for a certain and wrong output, squared error stops at 1. And for a grey target
# cross-entropy never comes to 0: its floor is 0.69 nats at x = 0.5.*

# %%
bce = results[size_of, shape_of, "binary_crossentropy", 0]
mse = results[size_of, shape_of, "mse", 0]
x = np.clip(images.validation.astype(float), 1e-7, 1 - 1e-7)
floor = float(np.mean(-x * np.log(x) - (1 - x) * np.log(1 - x)))
reached = bce["model"].evaluate(images.validation, images.validation, verbose=0)
mse_loss = mse["model"].evaluate(images.validation, images.validation, verbose=0)
assert reached > floor
difference = bce["validation"] - mse["validation"]
rows = [
    "| trained with | its own loss | a perfect copy would have | PSNR, validation |",
    "|---|---:|---:|---:|",
    f"| squared error | {mse_loss:.4f} | 0 | {mse['validation']:.2f} dB |",
    f"| cross-entropy | {reached:.4f} nats | {floor:.4f} nats | {bce['validation']:.2f} dB |",
]
display(Markdown("\n".join(rows)))
assert abs(difference) < 2
display(
    Markdown(
        f"*The same data and the same network, two losses. {reached:.3f} is not worse than "
        f"{mse_loss:.4f}: the units differ, and {floor:.3f} of it is a floor that no model can "
        f"go below. In PSNR they differ by {difference:+.2f} dB before rounding, where seeds "
        f"alone make {noise:.2f}. PSNR is that of outputs clipped to [0, 1], here and in the "
        f"sweeps, and so a little better than the squared error of the table would give.*"
    )
)

# %% [markdown]
# ## When which? What "between 0 and 1" means
#
# The rule of thumb says: cross-entropy if the error lies between 0 and 1, squared error
# otherwise. What has to lie between 0 and 1 are the **pixel targets**, because cross-entropy
# takes each as a probability; and the decoder must end in a **sigmoid**, so that its outputs
# do too. kerasae couples the two: `loss="binary_crossentropy"` brings the sigmoid,
# `loss="mse"` a linear output.
#
# Standardised data, mean 0 and variance 1, break the rule. `train` looks at the values and refuses
# them where the loss is a cross-entropy; `model.fit` is Keras's own and takes what it gets. Watch
# what happens to both losses there.

# %%
mean, deviation = float(images.train.mean()), float(images.train.std())
standardised = kerasae.Images(
    train=(images.train - mean) / deviation,
    validation=(images.validation - mean) / deviation,
    test=(images.test - mean) / deviation,
)
outside = {}
for loss in ("mse", "binary_crossentropy"):
    keras.utils.set_random_seed(0)
    each = kerasae.build_undercomplete(
        input_shape=images.image_shape, code_size=size_of, hidden=shape_of, loss=loss
    )
    history = each.fit(
        standardised.train,
        standardised.train,
        validation_data=(standardised.validation, standardised.validation),
        batch_size=config.batch_size,
        epochs=config.epochs,
        verbose=0,
    )
    losses = history.history["val_loss"]
    output = keras.ops.convert_to_numpy(each(standardised.validation))
    outside[loss] = {
        "loss": min(losses),
        "pictures": np.clip(output * deviation + mean, 0, 1),
        "range": (output.min(), output.max()),
    }
scores = {loss: psnr(images.validation, each["pictures"]) for loss, each in outside.items()}
rows = {
    "original": images.validation,
    "squared error": outside["mse"]["pictures"],
    "cross-entropy": outside["binary_crossentropy"]["pictures"],
}
display(plots.plot_samples(np.stack([r[:10] for r in rows.values()]), labels=list(rows)))
low, high = float(standardised.train.min()), float(standardised.train.max())
assert outside["binary_crossentropy"]["loss"] < 0
assert scores["mse"] > scores["binary_crossentropy"] + 2
assert abs(scores["mse"] - mse["validation"]) < 2
display(
    Markdown(
        f"*Trained on standardised images, whose values reach from {low:.2f} to {high:.2f}, and "
        f"shown after undoing that. Squared error does not mind: {scores['mse']:.2f} dB. "
        f"Cross-entropy ends at a loss of {outside['binary_crossentropy']['loss']:.2f}. A "
        f"cross-entropy below 0 does not exist; the formula was only fed with 'probabilities' "
        f"that are none. It rewards pushing outputs to 0 and 1, whatever the grey, and the "
        f"sigmoid could not reach {low:.2f} or {high:.2f} anyway: "
        f"{scores['binary_crossentropy']:.2f} dB. `fit` raised no error. A negative loss is "
        f"the alarm.*"
    )
)

# %% [markdown]
# | | cross-entropy | squared error |
# |---|---|---|
# | targets | in [0, 1] | any real numbers |
# | output | sigmoid | linear |
# | good for | mostly black or white images, masks | photographs, standardised data, PCA |
# | treats a certain wrong pixel | very hard | gently |
# | least value | above 0 where pixels are grey | 0 |
# | as a likelihood | independent coin flips | Gaussian of fixed width |
#
# A squared error behind a sigmoid is possible as well, but where the sigmoid is saturated its
# gradient vanishes, and a pixel that is wrong and certain hardly learns. With cross-entropy that
# factor cancels: the gradient before the sigmoid is p − x.

# %% [markdown]
# ## Several knobs at once
#
# The learning rate and the batch size are knobs, too, and their best values depend on each other.
# Two knobs of three values are nine combinations, four knobs eighty-one; where there are many, one
# draws some at random, which wastes no trial on a knob that does not matter (Bergstra & Bengio
# 2012). `kerasae.sweep` does either, in a folder of its own: each setting is a run with a report,
# one that fails does not stop the others, and a search that was killed goes on. The command
# `kerasae sweep` is the same.

# %%
with tempfile.TemporaryDirectory() as folder:
    search = kerasae.sweep(
        "undercomplete",
        "digits" if FAST else "mnist",
        f"{folder}/search",
        {
            "learning_rate": kerasae.Between(3e-4, 3e-2, log=True),
            "batch_size": [32, 128],
            "code_size": [4, 16],
        },
        hyperparameters={"hidden": [64, 32], "loss": "mse"},
        config=TrainConfig(epochs=2 if FAST else 4, jit_compile=False),
        limit=600 if FAST else 3000,
        samples=3 if FAST else 8,
        measure="psnr",
        progress=False,
    )
display(search.plot())
head, rows = search.rows()
kept = [head.index(name) for name in ("learning_rate", "batch_size", "code_size", "PSNR, dB")]
lines = ["| learning rate | batch size | code size | PSNR, dB |", "|---:|---:|---:|---:|"]
lines += ["| " + " | ".join(row[i] for i in kept) + " |" for row in rows]
display(Markdown("\n".join(lines)))
best, worst = search.ranked[0], search.ranked[-1]
assert all(result.status == "done" for result in search.results)
display(
    Markdown(
        f"*{len(search.results)} settings drawn at random, each a line from its settings to its "
        f"PSNR on validation images; the bold one is the best, with {best.psnr:.2f} dB, the worst "
        f"has {worst.psnr:.2f} dB. Follow the bright lines back: an axis that they cross in one "
        f"place decides much, one that bright and dark lines cross alike decides little. These are "
        f"quick runs on few images; what they suggest is then trained in earnest.*"
    )
)

# %% [markdown]
# ## Choose, then test once
#
# Depth and width are taken from the circles above, the loss by validation PSNR; the code size is
# a price, and stays. These choices were made one at a time, so that their combination is a guess.
# It is trained once, with another seed, and then the test images are used for the first time.

# %%
width = max(chosen_width, NODES[len(NODES) // 2])
depth = max(1, chosen_depth)
hidden = tuple(int(v) for v in np.geomspace(width, width / 2, depth).round())
loss = "binary_crossentropy" if difference > noise else "mse"
keras.utils.set_random_seed(10)
final = kerasae.build_undercomplete(
    input_shape=images.image_shape, code_size=size_of, hidden=hidden, loss=loss
)
train(final, images, config, progress=False)
tested = {}
for name, each in {"base": model, "chosen": final}.items():
    tested[name] = psnr(images.test, np.clip(keras.ops.convert_to_numpy(each(images.test)), 0, 1))
edge = (
    f" The width of {chosen_width} lies at the edge of its sweep: the sweep was too narrow, and "
    f"a wider net might do better."
    if chosen_width in (NODES[0], NODES[-1])
    else ""
)
validated = psnr(
    images.validation, np.clip(keras.ops.convert_to_numpy(final(images.validation)), 0, 1)
)
display(
    Markdown(
        f"Chosen: `code_size={size_of}`, `hidden={hidden}`, `loss={loss!r}`. On validation images "
        f"it has {validated:.2f} dB; on the {len(images.test):,} **test images "
        f"{tested['chosen']:.2f} dB**, where the base has {tested['base']:.2f} dB. This is the "
        f"number to report, and the end of choosing.{edge}"
    )
)
assert tested["chosen"] > tested["base"] - 0.3

# %% [markdown]
# ## What can go wrong
#
# **Choosing by test images.** Not by intent, but by `validation_data=(x_test, x_test)` and early
# stopping on it. The score then says how well the luckiest of many settings did.
#
# **Comparing losses of different kinds.** A cross-entropy of 0.1 and a squared error of 0.01 say
# nothing about each other. Nor do a mean over pixels and a sum over pixels of the same error;
# frameworks differ in which they report. Compare PSNR, or the error in one fixed unit.
#
# **One seed.** In a table without repeated seeds nobody can tell an improvement from noise.
#
# **Unequal training.** A larger net learns more slowly. If the epochs are few, a sweep of depth
# measures speed, not ability.
#
# **A sweep that is too narrow.** If the winner lies at the edge of the sweep, as the width does in
# the full run, the best value may be outside.
#
# **More knobs than four.** Learning rate, batch size, epochs and activation matter as much, and
# their best values move with width and depth. Tune the learning rate first.

# %% [markdown]
# ## Key takeaways
#
# 1. The code size sets compression against quality. It has no best value, only a price.
# 2. The first hidden layer makes the difference to PCA. In so short a training further ones cost
#    quality.
# 3. Width helps until the gap between training and validation grows faster than the quality.
# 4. Cross-entropy wants targets in [0, 1] and a sigmoid; squared error takes any data. Their
#    values cannot be compared, PSNR can.
# 5. One change at a time, several seeds, validation for choosing, test once.

# %% [markdown]
# ## Exercises
#
# **1.** The learning rate is the fifth hyperparameter. Try a smaller and a larger one for the
# base, and choose by validation.
#
# <details><summary>Solution</summary>
#
# ```python
# import dataclasses
#
# by_rate = {config.learning_rate: base_psnr}
# for rate in (3e-4, 3e-2):
#     keras.utils.set_random_seed(0)
#     each = kerasae.build_undercomplete(input_shape=images.image_shape, **BASE)
#     other = dataclasses.replace(config, learning_rate=rate)
#     train(each, images, other, progress=False)
#     painted = np.clip(keras.ops.convert_to_numpy(each(images.validation)), 0, 1)
#     by_rate[rate] = psnr(images.validation, painted)
# figure = plots.plot_curves(
#     {"validation": by_rate}, xlabel="learning rate", ylabel="PSNR in dB", log_x=True
# )
# display(figure)
# ```
#
# Ten times too small costs more than another layer could bring; much too large is worse, or
# diverges. The best value lies in between and belongs to this net and these epochs.
#
# </details>
#
# **2.** The encoder need not get narrower. Turn `hidden` of the base around.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# each = kerasae.build_undercomplete(
#     input_shape=images.image_shape, code_size=size_of, hidden=shape_of[::-1], loss="mse"
# )
# train(each, images, config, progress=False)
# painted = np.clip(keras.ops.convert_to_numpy(each(images.validation)), 0, 1)
# print(each.count_params(), "weights", psnr(images.validation, painted), "dB")
# print(model.count_params(), "weights", base_psnr, "dB")
# ```
#
# The wide layer is best placed next to the image, which has the most values; on the other side it
# must live on what a narrow layer lets through. The difference is small.
#
# </details>
#
# **3.** Scale the standardised images back into [0, 1] by their least and largest value. Does
# cross-entropy work again?
#
# <details><summary>Solution</summary>
#
# ```python
# scaled = [(part - low) / (high - low) for part in (standardised.train, standardised.validation)]
# print(np.abs(scaled[0] - images.train).max())
# ```
#
# It does, and nothing need be trained to see it: shifting and scaling were the only difference,
# so that these are the images of the start. What matters is the range of the targets.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Undercomplete autoencoders](06_undercomplete.ipynb): why PCA is the mark to beat, and when a
#   small code is not enough to prevent learning by heart.
# - [`build_undercomplete`](../kerasae/builders/undercomplete.py), and
#   [which builder sets what first](../docs/architectures.md).
#
# **Papers and books**
#
# - P. Baldi and K. Hornik (1989), *Neural Networks and Principal Component Analysis: Learning from
#   Examples Without Local Minima*, Neural Networks 2.
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - J. Bergstra and Y. Bengio (2012), *Random Search for Hyper-Parameter Optimization*, Journal of
#   Machine Learning Research 13: what to do when there are many knobs.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, sections 6.2.2, 11.4 and
#   14.1, MIT Press.
#
# MNIST is by Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0. The small digits of fast mode are
# from the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
