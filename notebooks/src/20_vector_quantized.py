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
# # Vector-quantised codes
#
# *Beyond the section on types based on functionality: a code of words in place of numbers.* An
# image becomes a small map of indices into a dictionary. Such a code is short, exact, and the raw
# material of today's generative models.
#
# **You will be able to**
#
# - explain how a network is trained through a step that has no derivative;
# - say what the codebook's running means, the commitment and the restarts are for;
# - read perplexity, and notice a codebook that lies idle;
# - use finite scalar quantisation (FSQ), the simple alternative without a codebook to learn;
# - export indices, and know why they need more care than numbers.

# %% [markdown]
# ## The idea
#
# Suppose sender and receiver own the same numbered book of small pieces of pictures. Then an image
# can be sent as a list of numbers: piece 17, piece 3, piece 3, piece 41. A vector-quantised
# autoencoder (VQ-VAE) learns such a book, not of pixels but of vectors. The encoder makes a vector
# $v$ for each place of a coarse grid, and each is replaced by the nearest entry of the
# **codebook** $c_1, \dots, c_K$:
#
# $$ k = \arg\min_j \lVert v - c_j \rVert^2 $$
#
# and $v$ becomes $c_k$.
#
# The choice of the nearest is a staircase, so its slope is zero or not defined. Three tricks train
# the whole all the same:
#
# - **Straight through**: in the backward pass the decoder's gradient is handed to the encoder as if
#   the step were not there.
# - **Commitment**: a term $0.25 \cdot \lVert v - c_k \rVert^2$ keeps the encoder near the entries
#   that it uses.
# - **Running means**: an entry moves to the mean of the vectors that chose it, as in k-means, a
#   little at each step (an exponential moving average, EMA). It needs no gradient.

# %%
import os
import tempfile
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, train
from kerasae_export import Codec, export_bundle

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
if FAST:
    EPOCHS, HIDDEN, CODE_SIZE, ENTRIES, LEVELS = 12, (24,), 8, 32, (6, 5)
    DECAY = 0.97  # a short memory, since there are few steps
else:
    EPOCHS, HIDDEN, CODE_SIZE, ENTRIES, LEVELS = 10, (24, 32), 16, 128, (5, 5, 5)
    DECAY = 0.99

# %% [markdown]
# ## The data
#
# Small colour photographs: lossy JPEG copies of CIFAR-10; or in fast mode the small digits of
# scikit-learn.

# %%
images = kerasae.load_images("digits") if FAST else kerasae.load_images("cifar10", limit=8_000)
shape = images.image_shape
test = images.test[:1000]
print(images.summary())
display(plots.plot_samples(images.train[:20], columns=10))

# %% [markdown]
# *Twenty training images. Many small pieces of them are alike: an even ground, an upright edge, the
# end of a line. That is what a dictionary is good for.*

# %% [markdown]
# ## The model
#
# One call. Each convolution halves the sides; what is left is the grid of indices.

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_vector_quantized(
    input_shape=shape,
    code_size=CODE_SIZE,
    hidden=HIDDEN,
    codebook_size=ENTRIES,
    decay=DECAY,
)
display(plots.plot_architecture(model))
rows, columns = kerasae.encoder(model).output_shape[1:]
fixed = rows * columns * np.log2(ENTRIES)
display(
    Markdown(
        f"*The model. Between encoder and decoder sits the codebook of {ENTRIES} entries with "
        f"{CODE_SIZE} values each. What crosses are {rows} x {columns} indices of "
        f"{np.log2(ENTRIES):.0f} bits: {fixed:.0f} bits, whatever the entries look like.*"
    )
)

# %% [markdown]
# ## Training
#
# The history has two more numbers. `commitment` is how far the vectors are from their entries.
# `perplexity` is the number of entries in use: if $p_k$ is the share of entry $k$ in a batch, it is
# $\exp(-\sum_k p_k \ln p_k)$, which is $K$ if all are used alike and 1 if a single one is.

# %%
config = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=3e-3, jit_compile=False)
history = train(model, images, config, progress=False)
display(plots.plot_history(history.history))

# %% [markdown]
# *Loss, commitment and perplexity. Watch the last: it should rise and stay up. A perplexity that
# stays low or falls is a sign of trouble. A high one is not yet a sign of success, as the
# experiment below shows.*

# %%
encoder, decoder = kerasae.encoder(model), kerasae.decoder(model)  # after training, not before
maps = np.asarray(encoder(test))
rebuilt = np.clip(model.predict(test, verbose=0), 0, 1)
psnr = evaluation.psnr(test, rebuilt)
average = evaluation.psnr(test, np.broadcast_to(images.train.mean(axis=0), test.shape))
assert np.allclose(np.asarray(decoder(maps)), model(test, training=False), atol=1e-4)
assert psnr > average + 2
display(plots.plot_reconstructions(test, rebuilt, count=10))
display(
    Markdown(
        f"*Ten test images, decoded from {rows * columns} indices each, and the difference. "
        f"**{psnr:.2f} dB** on {len(test)} images; the average image would give {average:.2f}.*"
    )
)

# %% [markdown]
# ## One image by hand
#
# What the layer does can be done in four lines of NumPy: vectors, distances to all entries, the
# nearest, and the look-up.

# %%
vectors = np.asarray(kerasae.encoder(model, tail=False)(test[:1]))[0]
codebook = keras.ops.convert_to_numpy(model.get_layer("quantizer").codebook)
distances = np.square(vectors[:, :, None, :] - codebook).sum(axis=-1)  # (rows, columns, entries)
indices = distances.argmin(axis=-1)
looked_up = codebook[indices]  # (rows, columns, channels): what the decoder gets
assert np.array_equal(indices, maps[0])
first, second = np.sort(distances.reshape(-1, ENTRIES), axis=1)[:, :2].T
assert np.allclose(np.square(vectors - looked_up).sum(axis=-1).ravel(), first, atol=1e-5)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
plane = np.linalg.svd(codebook - codebook.mean(axis=0), full_matrices=False).Vh[:2].T
cloud = np.asarray(kerasae.encoder(model, tail=False)(test[:60])).reshape(-1, CODE_SIZE) @ plane
left.plot(*cloud.T, ".", color=plots.BLUE, ms=3, alpha=0.3, label="vectors of 60 images")
left.plot(*(codebook @ plane).T, "o", color=plots.ORANGE, ms=5, label="entries")
left.set(xlabel="first component", ylabel="second component")
left.legend(frameon=False, fontsize=9, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
right.plot(np.sqrt(first), np.sqrt(second), "o", color=plots.BLUE, ms=4)
edge = 1.05 * np.sqrt(second.max())
right.plot([0, edge], [0, edge], color=plots.MUTED, ls="--", lw=1)
right.set(xlabel="distance to the nearest entry", ylabel="to the second")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# *Left: vectors and entries, seen along the two main axes of the codebook; entries lie where
# vectors are. Right: each place of one image. Points near the dashed line have two entries at
# almost the same distance. Remember them: they will matter on the phone.*

# %% [markdown]
# ## The code, looked at
#
# Each index gets a colour. The colours mean nothing, except that the same colour is the same index.

# %%
display(plots.plot_code_maps(test, maps, size=ENTRIES))
used = len(np.unique(maps))
perplexity = evaluation.codebook_perplexity(maps, ENTRIES)
entropy = np.log2(perplexity) * rows * columns
assert used > ENTRIES / 2
display(
    Markdown(
        f"*Images and their codes. Even ground has few colours; edges and details have many. "
        f"Below: how often each entry is used on all test images. {used} of {ENTRIES} "
        f"occur, and the perplexity is {perplexity:.1f}. So an image does not cost {fixed:.0f} "
        f"bits but, with a table of frequencies, about {entropy:.0f}.*"
    )
)

# %% [markdown]
# What does an entry stand for? Take all places where it was chosen, and average the pixels around
# them.

# %%
stride = shape[0] // rows
padded = np.pad(test, ((0, 0), (stride, stride), (stride, stride), (0, 0)))
common = np.argsort(-np.bincount(maps.ravel(), minlength=ENTRIES))[: min(20, used)]
pieces = []
for entry in common:
    places = np.argwhere(maps == entry)[:500]
    around = [
        padded[n, stride * i : stride * (i + 3), stride * j : stride * (j + 3)]
        for n, i, j in places
    ]
    pieces.append(np.mean(around, axis=0))
display(plots.plot_samples(np.stack(pieces), columns=10))

# %% [markdown]
# *The most used entries, as the mean of what is seen at their places; the place itself is the
# middle third of each picture. Among photographs they are light and dark ground in a few tints,
# since so small a book spends itself on brightness before colour; among digits they are strokes of
# several slants. A dictionary that nobody wrote.*

# %% [markdown]
# ## An experiment: entries that nobody uses
#
# An entry that is far from all vectors is never the nearest, so it never moves, so it stays far
# away. Two remedies are at work here. At the first step all entries are put onto vectors of the
# first batch, so that none begins far away. And later come **restarts**: an entry whose use falls
# below a tenth of its fair share is put onto a vector of the current batch. What if we leave out
# the restarts, and what if the commitment is missing?
#
# The fourth model is **FSQ**. It has no codebook to learn. Each value of a short vector is squashed
# into a range and rounded to one of a few levels; all combinations are the entries. Nothing can
# die, and neither commitment nor running means are needed.

# %%
variants = {
    "VQ": None,
    "VQ, no restarts": {"restart": 0.0},
    "VQ, no commitment": {"commitment": 0.0},
    f"FSQ, levels {LEVELS}": {"quantizer": "fsq", "levels": LEVELS},
}
models, records = {"VQ": model}, {"VQ": history.history}
for name, options in variants.items():
    if options is None:
        continue
    keras.utils.set_random_seed(0)
    size = {} if "levels" in options else {"code_size": CODE_SIZE, "codebook_size": ENTRIES}
    models[name] = kerasae.build_vector_quantized(
        input_shape=shape, hidden=HIDDEN, decay=DECAY, **size, **options
    )
    records[name] = train(models[name], images, config, progress=False).history
fsq = list(models)[-1]

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
colours = (plots.BLUE, plots.RED, plots.GREEN, plots.ORANGE)
for (name, record), colour in zip(records.items(), colours, strict=True):
    axes.plot(range(1, EPOCHS + 1), record["perplexity"], ".-", color=colour, label=name)
axes.set(xlabel="epoch", ylabel="perplexity in training", ylim=(0, None))
axes.xaxis.get_major_locator().set_params(integer=True)
axes.legend(frameon=False, fontsize=9)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

outcome, lines = {}, []
counts = {name: int(np.prod(LEVELS)) if name == fsq else ENTRIES for name in models}
for name, other in models.items():
    found, count = np.asarray(kerasae.encoder(other)(test)), counts[name]
    outcome[name] = {
        "used": len(np.unique(found)),
        "perplexity": evaluation.codebook_perplexity(found, count),
        "psnr": evaluation.psnr(test, np.clip(other.predict(test, verbose=0), 0, 1)),
        "maps": found,
        "bits": np.log2(evaluation.codebook_perplexity(found, count)) * rows * columns,
        "epoch": int(np.argmin(records[name]["val_loss"])) + 1,
    }
    o = outcome[name]
    lines.append(
        f"| {name} | {o['epoch']} | {o['used']} of {count} | {o['perplexity']:.1f} "
        f"| {o['bits']:.0f} | {o['psnr']:.2f} |"
    )
head = (
    "| model | best epoch | entries used | perplexity | bits an image | PSNR, dB |\n"
    "|---|---:|---:|---:|---:|---:|"
)
display(Markdown("\n".join([head, *lines])))
idle, loose = outcome["VQ, no restarts"], outcome["VQ, no commitment"]
early = {name: records[name]["perplexity"][EPOCHS // 2 - 1] for name in outcome}
late = {name: records[name]["perplexity"][-1] for name in outcome}
rank = sorted(late.values(), reverse=True).index(late["VQ, no commitment"]) + 1
assert idle["perplexity"] < outcome["VQ"]["perplexity"]
assert outcome[fsq]["psnr"] > average + 2
display(
    Markdown(
        f"*Perplexity over the epochs, and test images at the end, with the weights of the best "
        f"epoch. Without restarts the codebook fills more slowly: half way through training the "
        f"perplexity is {early['VQ, no restarts']:.0f}, with them {early['VQ']:.0f}. In the end "
        f"{idle['used']} entries occur, with a perplexity of {idle['perplexity']:.1f}, and give "
        f"{idle['psnr']:.2f} dB for {idle['bits']:.0f} bits; with restarts it is "
        f"{outcome['VQ']['perplexity']:.1f}, {outcome['VQ']['psnr']:.2f} dB and "
        f"{outcome['VQ']['bits']:.0f} bits. FSQ has {outcome[fsq]['psnr']:.2f} dB for "
        f"{outcome[fsq]['bits']:.0f} bits, without any care.*"
    )
)
display(
    Markdown(
        f"*Without commitment the vectors may drift away from the entries that stand for them. Its "
        f"perplexity in training ends at {late['VQ, no commitment']:.0f}, number {rank} of the "
        f"four; but its validation loss was least after epoch {loose['epoch']}, and with the "
        f"weights of that epoch, which are kept, it uses {loose['used']} entries and has "
        f"{loose['psnr']:.2f} dB.*"
    )
)

# %% [markdown]
# So do not read perplexity as quality. It counts entries in use, not what they are good for.
# Restarts put entries onto vectors of the batch, hence often onto what is common, such as plain
# ground, and twins of one entry cost bits and gain little. Compare bits *and* decibels before you
# name a winner.

# %% [markdown]
# ## Indices on a phone
#
# Both models export like any other, and the bundle's code is a map of int32. There is one catch.
# Quantising a network to 8 bits moves its vectors a little. A *number* then changes a little. An
# *index* changes not at all, or into another one: that is what the points near the dashed line do.

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
folder = Path(scratch.name)
pixels = np.floor(test[:200] * 255 + 0.5).astype(np.uint8)
sent, lines = {}, []
for name in ("VQ", fsq):
    bundle = export_bundle(models[name], folder / name[:3].strip(), calibration=images.train[:3000])
    codec = Codec.load(bundle)
    side = codec.manifest.codec.group
    assert codec.manifest.encoder.output.dtype == "int32"
    lite = np.concatenate([codec.encode(image).reshape(1, rows, columns) for image in pixels])
    stream = codec.compress_many(pixels)
    received = np.stack(codec.decompress_many(stream)) / 255
    exact = np.clip(models[name].predict(test[:200], verbose=0), 0, 1)
    sent[name] = {
        "same": np.mean(lite == outcome[name]["maps"][:200]),
        "loss": evaluation.psnr(test[:200], exact) - evaluation.psnr(test[:200], received),
        "bits": 8 * len(stream) / len(pixels),
        "tables": codec.manifest.codec.qualities[0].classes,
        "table": np.log2(evaluation.codebook_perplexity(lite, counts[name])) * rows * columns,
    }
    s = sent[name]
    lines.append(
        f"| {name} | {s['same']:.1%} | {s['loss']:.2f} | {s['table']:.0f} | {s['bits']:.0f} |"
    )
head = (
    "| model | indices as in Keras | PSNR lost, dB | bits an image, by one table | as sent "
    "|\n|---|---:|---:|---:|---:|"
)
display(Markdown("\n".join([head, *lines])))
assert sent["VQ"]["same"] > 0.2
assert sent[fsq]["same"] > sent["VQ"]["same"] - 0.05
assert max(s["loss"] for s in sent.values()) < 0.6
display(
    Markdown(
        f"*Both as `int8` bundles. Of VQ {1 - sent['VQ']['same']:.1%} of the indices are others "
        f"than in Keras, of FSQ {1 - sent[fsq]['same']:.1%}. The pictures hardly suffer, since an "
        f"index flips where two entries do about the same, and twins do it at the least touch. One "
        f"table of frequencies would make {sent['VQ']['table']:.0f} bits of the indices of VQ. The "
        f"bundle has {sent['VQ']['tables']} tables; each square of {side} x {side} indices says "
        f"which one suits it best, and with that choice counted it is {sent['VQ']['bits']:.0f} "
        f"bits. But never compare two codes index by index, such as to find equal images, unless "
        f"one program made both. Once written to a file an index is exact: it decodes alike on "
        f"every device.*"
    )
)

# %% [markdown]
# ## Not yet a generator
#
# A code of words invites to write new sentences. Indices at random are no language, though.

# %%
shares = np.bincount(maps.ravel(), minlength=ENTRIES) / maps.size
rng = np.random.default_rng(0)
anywhere = rng.choice(ENTRIES, size=(10, rows, columns), p=shares).astype("int32")
at_place = np.stack([rng.permutation(maps[:, i, j])[:10] for i, j in np.ndindex(rows, columns)])
at_place = at_place.T.reshape(10, rows, columns).astype("int32")
display(
    plots.plot_samples(
        np.stack([np.asarray(decoder(anywhere)), np.asarray(decoder(at_place)), test[:10]]),
        labels=["random words", "words in place", "real images"],
    )
)

# %% [markdown]
# *Decoded maps: indices drawn by their overall frequency; for each place one that occurs there, but
# taken from another image each time; and real images. Pieces of pictures, and no picture. What
# makes one is how the words follow each other. A second model has to learn that, a transformer for
# instance, and the pair of both is how many image and sound generators work.*

# %% [markdown]
# ## What can go wrong
#
# **An idle codebook.** Look at the perplexity, on enough images: few indices cannot use many
# entries.
#
# **Halves that were taken too early.** The deployable encoder and decoder hold a *copy* of the
# codebook. Take them after training.
#
# **Scales of the commitment.** The paper's code divides the error by the variance of the pixels
# first, others sum where this library takes means. A commitment of 0.25 is not the same everywhere.
#
# **Comparing codebooks by size.** A code of 1,024 entries with a perplexity of 60 carries six bits,
# not ten.
#
# **A reload that restarts.** The running means belong to the state of training. Here they are
# weights and are saved; in a home-made layer they are easily forgotten, and training goes on from
# nonsense.
#
# **FSQ with too few levels.** Two or three levels for each value give its encoder little slope to
# learn from. Five or more, and fewer values, work better.

# %% [markdown]
# ## Key takeaways
#
# 1. A vector-quantised code is a map of indices into a codebook that both ends own.
# 2. Straight-through gradients, commitment and running means train through the choice of the
#    nearest.
# 3. Perplexity counts the entries in use, not what they are good for. Restarts put idle ones to
#    use.
# 4. FSQ rounds to a fixed grid: less machinery, and nothing that can die.
# 5. Indices are exact once written, but two encoders may choose differently between neighbours.

# %% [markdown]
# ## Exercises
#
# **1.** Measure the price of an index: replace every index by that of the second nearest entry, and
# decode.
#
# <details><summary>Solution</summary>
#
# ```python
# batch = np.asarray(kerasae.encoder(model, tail=False)(test[:100]))
# apart = np.square(batch[..., None, :] - codebook).sum(axis=-1)
# runner_up = np.argsort(apart, axis=-1)[..., 1].astype("int32")
# worse = np.clip(np.asarray(decoder(runner_up)), 0, 1)
# print(f"{evaluation.psnr(test[:100], rebuilt[:100]):.2f} dB with the nearest entries")
# print(f"{evaluation.psnr(test[:100], worse):.2f} dB with the second nearest")
# ```
#
# A flip at *every* place costs plenty; the few flips of the export, at places of doubt, do not.
#
# </details>
#
# **2.** How many bits do neighbours save? Compare the entropy of an index with its entropy once the
# index to its left is known.
#
# <details><summary>Solution</summary>
#
# ```python
# pairs = np.zeros((ENTRIES, ENTRIES))
# np.add.at(pairs, (maps[:, :, :-1].ravel(), maps[:, :, 1:].ravel()), 1)
# joint = pairs[pairs > 0] / pairs.sum()
# left_only = pairs.sum(axis=1)
# single = left_only[left_only > 0] / left_only.sum()
# both, one = -(joint * np.log2(joint)).sum(), -(single * np.log2(single)).sum()
# print(f"alone {np.log2(perplexity):.2f} bits, with its left neighbour known {both - one:.2f}")
# ```
#
# That is what a model of the code has to gain, for compression as for generation. (With few images
# the second number is too low: most pairs have been seen only once.)
#
# </details>
#
# **3.** Use half as many entries. What becomes of bits and quality?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# small = kerasae.build_vector_quantized(
#     input_shape=shape,
#     code_size=CODE_SIZE,
#     hidden=HIDDEN,
#     codebook_size=ENTRIES // 2,
#     decay=DECAY,
# )
# shorter = TrainConfig(epochs=EPOCHS // 2, batch_size=64, learning_rate=3e-3, jit_compile=False)
# train(small, images, shorter, progress=False)
# half = np.asarray(kerasae.encoder(small)(test))
# bits = np.log2(evaluation.codebook_perplexity(half, ENTRIES // 2)) * rows * columns
# print(f"{bits:.0f} bits, {evaluation.psnr(test, small.predict(test, verbose=0)):.2f} dB")
# ```
#
# About a bit less for each place, and a little quality. Doubling a codebook is an expensive way to
# gain decibels.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Variational autoencoders](10_variational.ipynb): a code of distributions, with a prior.
# - [A codec of your own](17_codec.ipynb): the other way to a code of few bits.
# - [`build_vector_quantized`](../kerasae/builders/vector_quantized.py): both quantisers.
#
# **Papers**
#
# - A. van den Oord, O. Vinyals and K. Kavukcuoglu (2017), *Neural Discrete Representation
#   Learning*, NIPS: VQ-VAE; its appendix has the running means.
# - A. Razavi, A. van den Oord and O. Vinyals (2019), *Generating Diverse High-Fidelity Images with
#   VQ-VAE-2*, NeurIPS.
# - P. Dhariwal and others (2020), *Jukebox: A Generative Model for Music*, arXiv 2005.00341:
#   restarts.
# - F. Mentzer, D. Minnen, E. Agustsson and M. Tschannen (2024), *Finite Scalar Quantization: VQ-VAE
#   Made Simple*, ICLR.
# - Y. Bengio, N. Léonard and A. Courville (2013), *Estimating or Propagating Gradients Through
#   Stochastic Neurons for Conditional Computation*, arXiv 1308.3432: straight through.
#
# The photographs are lossy JPEG copies of CIFAR-10 (A. Krizhevsky, 2009, *Learning Multiple Layers
# of Features from Tiny Images*); the digits of fast mode are of the UCI *Optical Recognition of
# Handwritten Digits* data set (E. Alpaydin and C. Kaynak, CC BY 4.0), as shipped with scikit-learn.
