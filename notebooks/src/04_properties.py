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
# # Properties: data-specific, unsupervised, lossy
#
# *Section: properties.* Three adjectives are attached to autoencoders in every introduction. This
# chapter puts a number to each: decibels lost on foreign images, accuracy from few labels, and
# bytes, down to the last one.
#
# **You will be able to**
#
# - measure how far a model depends on the kind of images it was trained on, and read such a matrix
#   the right way;
# - use codes that were learnt without labels to train a classifier with few of them, and compare
#   it fairly with raw pixels;
# - compare a learned codec with PNG, zip and LZMA byte for byte;
# - say what it would cost to make an autoencoder lossless, and why hardly anybody does.

# %% [markdown]
# ## The idea
#
# A general compressor such as zip looks for repetitions in any bytes whatever, and gives
# everything back. An autoencoder is the opposite in three ways. It has **learnt from data**: what
# it saw in training it describes briefly, everything else badly. It learnt **without labels**:
# the image is its own target, which is also called self-supervised, so that unlabelled images
# are of use. And it is **lossy**: a code that is smaller than the image cannot hold every image.
#
# These are three sides of one thing. The network spends few numbers on what varies among its
# images. That is why the numbers are informative, and why the rest is lost.

# %%
import os
import tempfile
from pathlib import Path

import kerasae
from kerasae import TrainConfig, plots, train
from kerasae.evaluation import linear_probe, psnr
from kerasae_export import Codec, export_bundle
from kerasae_export.evaluation.coders import ArchiveCoder, PillowCoder

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from sklearn.decomposition import PCA

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
SIZE, CODE_SIZE = 28, 16

# %% [markdown]
# ## The data
#
# Four kinds of images, all grey and of the same size: faces; pieces of background from the same
# photographs; handwritten digits; and scenes.

# %%
SCENES = "photos" if FAST else "CIFAR-10 copies"
kinds = {
    "faces": kerasae.load_images("faces", image_size=SIZE),
    "nonfaces": kerasae.load_images("nonfaces", image_size=SIZE),
    "digits": kerasae.load_images("digits" if FAST else "mnist", image_size=SIZE),
    SCENES: kerasae.load_images(
        "photos" if FAST else "cifar10", image_size=SIZE, channels=1, limit=5_000
    ),
}
for name, each in kinds.items():
    print(f"{name}: {len(each.train):,} training and {len(each.test):,} test images")
firsts = np.stack([each.train[:10] for each in kinds.values()])
display(plots.plot_samples(firsts, labels=list(kinds)))

# %% [markdown]
# *Ten training images of each kind. Faces and nonfaces are few, and the nonfaces have nothing in
# common but where they come from. In the full run the scenes are CIFAR-10 in a lossily compressed
# copy, in grey.*

# %% [markdown]
# ## The model
#
# One for each kind, all built alike. With so few faces the model has to be simple: one linear
# layer on each side, and both use the same weights (`tied`, see
# [chapter 6](06_undercomplete.ipynb)).

# %%
shape = (SIZE, SIZE, 1)
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(
    input_shape=shape, code_size=CODE_SIZE, hidden=(), loss="mse", tied=True
)
display(plots.plot_architecture(model))

# %% [markdown]
# *The model, drawn from its layers. The same drawing holds for all four: what will differ between
# them is the weights only, that is, what they have seen.*
#
# ## Training

# %%
STEPS = 160 if FAST else 1200
models = {}
for name, each in kinds.items():
    batch = 8 if len(each.train) < 200 else 64
    config = TrainConfig(
        epochs=max(1, STEPS * batch // len(each.train)),
        batch_size=batch,
        learning_rate=1e-2,
        flip=name != "digits",  # mirrored faces are faces, mirrored digits are not digits
        jit_compile=False,
    )
    keras.utils.set_random_seed(0)
    models[name] = kerasae.build_undercomplete(
        input_shape=shape, code_size=CODE_SIZE, hidden=(), loss="mse", tied=True
    )
    history = train(models[name], each, config, progress=False)
    if name == "faces":
        few_config = config
        display(plots.plot_history(history.history))

# %% [markdown]
# *Loss of the model of faces. With so few images the curves part early: what the training loss
# gains at the end is learnt by heart. `train` keeps the weights of the circled epoch.*
#
# ## Data-specific
#
# Now every model gets the test images of every kind.

# %%
columns = np.concatenate([each.test[:2] for each in kinds.values()])
shown = {"original": columns}
scores = {}
for trained, each_model in models.items():
    shown[f"trained on {trained}"] = np.clip(keras.ops.convert_to_numpy(each_model(columns)), 0, 1)
    for tested, each in kinds.items():
        unseen = each.test[:1000]
        rebuilt = np.clip(keras.ops.convert_to_numpy(each_model(unseen)), 0, 1)
        scores[trained, tested] = psnr(unseen, rebuilt)
display(plots.plot_samples(np.stack(list(shown.values())), labels=list(shown)))

# %% [markdown]
# *Two test images of each kind, and what the four models make of them. Look at the foreign ones:
# the model of faces finds eyes and cheeks in digits, the model of digits breaks a face into
# strokes. A decoder can only paint in its own vocabulary.*

# %%
names = list(kinds)
matrix = np.array([[scores[row, column] for column in names] for row in names])
lost = matrix.max(axis=0) - matrix
figure, axes = plt.subplots(figsize=(6.2, 3.9), layout="constrained")
picture = axes.imshow(lost, cmap="Oranges", vmin=0, vmax=max(10, lost.max()), aspect="auto")
for i in range(len(names)):
    for j in range(len(names)):
        weight = "bold" if i == j else None
        dark = lost[i, j] > 0.6 * max(10, lost.max())
        axes.text(
            j,
            i,
            f"{matrix[i, j]:.1f}",
            ha="center",
            va="center",
            weight=weight,
            color="white" if dark else plots.INK,
        )
axes.set_xticks(range(len(names)), names)
axes.set_yticks(range(len(names)), names)
axes.set(xlabel="tested on", ylabel="trained on")
figure.colorbar(picture, label="dB below the best of the column")
plt.show()
faces_home, faces_away = scores["faces", "faces"], scores["nonfaces", "faces"]
back_home, back_away = scores["nonfaces", "nonfaces"], scores["faces", "nonfaces"]
assert faces_home > faces_away + 1
assert scores["digits", "digits"] > max(scores[n, "digits"] for n in names if n != "digits") + 1
winner = max(names, key=lambda name: scores[name, "nonfaces"])
beaten = (
    f" The model of {winner} beats both with {scores[winner, 'nonfaces']:.1f} dB: it has seen "
    f"{len(kinds[winner].train):,} images, theirs only {len(kinds['nonfaces'].train)}."
    if winner != "nonfaces"
    else ""
)
display(
    Markdown(
        f"*PSNR in dB on test images, larger is better; the diagonal is bold. Read it by "
        f"columns: within a column the images are the same, and only the model differs. Along a "
        f"row the images differ, too, and some kinds are harder for everybody. "
        f"**Faces** come back with {faces_home:.1f} dB from their own model and with "
        f"{faces_away:.1f} dB from that of nonfaces, "
        f"{round(faces_home, 1) - round(faces_away, 1):.1f} dB less. "
        f"**The other way round**: nonfaces come back with {back_home:.1f} dB from their own model "
        f"and with {back_away:.1f} dB from that of faces.{beaten} Digits lose "
        f"{round(scores['digits', 'digits'], 1) - round(scores[SCENES, 'digits'], 1):.1f} dB with "
        f"the model of {SCENES}.*"
    )
)

# %% [markdown]
# Do not expect symmetry. A model of a narrow kind, such as digits or aligned faces, knows one thing
# well and everything else badly. A model of a mixed kind has learnt what all images share, smooth
# areas and edges, and does tolerably everywhere; with many images of all kinds it may even beat
# the home model of a kind that has only a few. JPEG takes this to its end: its basis was made for
# all photographs, so it needs no training and is best for none. zip has no kind at all.
#
# ### An experiment: the code size
#
# Is data-specificity a matter of the bottleneck? Change one hyperparameter and see.

# %%
home, away = {}, {}
for n in (4, CODE_SIZE, 64):
    for name, curve in (("faces", home), ("nonfaces", away)):
        each_model = models[name]
        if n != CODE_SIZE:
            keras.utils.set_random_seed(0)
            each_model = kerasae.build_undercomplete(
                input_shape=shape, code_size=n, hidden=(), loss="mse", tied=True
            )
            train(each_model, kinds[name], few_config, progress=False)
        unseen = kinds["faces"].test
        curve[n] = psnr(unseen, np.clip(keras.ops.convert_to_numpy(each_model(unseen)), 0, 1))
apart = {n: round(home[n], 1) - round(away[n], 1) for n in home}
narrower = min(apart[CODE_SIZE], apart[64]) < apart[4] - 0.3
verdict = "A larger code does not close the gap here."
if narrower and apart[64] <= apart[CODE_SIZE] < apart[4]:
    verdict = "A larger code narrows the gap: what it has room for, it need not know beforehand."
elif narrower and apart[64] < apart[4]:
    verdict = (
        "The gap is widest with the smallest code, but it does not shrink step by step, and it "
        "does not close."
    )
display(
    plots.plot_curves(
        {"trained on faces": home, "trained on nonfaces": away},
        xlabel="code size",
        ylabel="PSNR of test faces in dB",
        log_x=True,
    )
)
display(
    Markdown(
        "*Quality of test faces over the code size, from both models: "
        + "; ".join(f"with {n} values they are {apart[n]:.1f} dB apart" for n in apart)
        + f". {verdict} Look across as well: the model of nonfaces needs {CODE_SIZE} "
        f"values for {away[CODE_SIZE]:.1f} dB, and the model of faces has {home[4]:.1f} dB "
        f"with 4. Knowing the kind is worth numbers in the code.*"
    )
)

# %% [markdown]
# ## Unsupervised
#
# So far no label was used. What are such codes good for, if a task with labels comes along later?
# Here it is: a linear classifier of digits, trained on few labelled images, in one of three
# representations of the same images: raw pixels, the codes of PCA, and the codes of an
# autoencoder with hidden layers, which has seen all training images, without labels.

# %%
written = kerasae.load_images("digits") if FAST else kinds["digits"]
READ = 16 if FAST else 32
keras.utils.set_random_seed(0)
reader = kerasae.build_undercomplete(
    input_shape=written.image_shape,
    code_size=READ,
    hidden=(128, 64) if FAST else (512, 128),
    loss="binary_crossentropy",
)
train(
    reader,
    written,
    TrainConfig(
        epochs=15 if FAST else 8,
        batch_size=64 if FAST else 128,
        learning_rate=3e-3 if FAST else 2e-3,
        jit_compile=not FAST,
    ),
    progress=False,
)
encoder = kerasae.encoder(reader)
flat = {part: getattr(written, part).reshape(-1, 64 if FAST else 784) for part in ("train", "test")}
pca = PCA(READ).fit(flat["train"][:10_000])
features = {
    "codes": [encoder.predict(getattr(written, part), verbose=0) for part in flat],
    "PCA codes": [pca.transform(values) for values in flat.values()],
    "raw pixels": list(flat.values()),
}
figure = plots.plot_codes(
    features["codes"][1][:1000], labels=written.test_labels[:1000], method="tsne"
)
figure.set_size_inches(6.5, 4.6)
display(figure)

# %% [markdown]
# *Codes of test images, laid out in the plane by t-SNE. The labels only choose the colours. The
# autoencoder was never told that there are ten classes, and still most digits lie among their own
# kind. Distances between far groups mean nothing here.*

# %%
counts = (10, 20, 50, 100, 200, 500) if FAST else (10, 20, 50, 100, 200, 500, 1000)
labels = written.train_labels
accuracy = {name: {count: [] for count in counts} for name in features}
for count in counts:
    for draw in range(3):
        order = np.random.default_rng(draw).permutation(len(labels))
        some = [order[labels[order] == digit][: count // 10] for digit in range(10)]
        labelled = np.concatenate(some)
        for name, (known, unseen) in features.items():
            error = linear_probe(
                known[labelled], labels[labelled], unseen, written.test_labels, l2=0.01
            )
            accuracy[name][count].append(100 * (1 - error))
display(
    plots.plot_curves(
        accuracy,
        xlabel="labelled training images",
        ylabel="test accuracy in %",
        log_x=True,
    )
)
mean = {
    name: {count: float(np.mean(values)) for count, values in curve.items()}
    for name, curve in accuracy.items()
}
few, many = counts[0], counts[-1]
lead = {
    count: round(mean["codes"][count], 1) - round(mean["raw pixels"][count], 1) for count in counts
}
assert lead[few] > 0
assert lead[many] < lead[few]
display(
    Markdown(
        f"*Accuracy on all {len(written.test):,} test images over the number of labels, the mean "
        f"of three draws; the band shows the lowest and the highest. From {few} labels, one of "
        f"each digit, the codes give {mean['codes'][few]:.1f} %, raw pixels "
        f"{mean['raw pixels'][few]:.1f} %, PCA codes {mean['PCA codes'][few]:.1f} %. The lead of "
        f"codes over pixels shrinks from {lead[few]:+.1f} points to {lead[many]:+.1f} points with "
        f"{many:,} labels. Labels tell the classifier which of {flat['train'].shape[1]} pixels "
        f"matter; the code knew some of that before. It also threw something away, which counts "
        f"when there are labels enough to use it.*"
    )
)

# %% [markdown]
# ## Lossy
#
# At last the bytes. The autoencoder that has just read digits becomes a codec: `export_bundle`
# chooses the rounding of the codes and the tables of an entropy coder from training images, and
# converts both halves to 8-bit TF Lite files. On the other side stand three lossless programs:
# PNG, zip (DEFLATE), and LZMA, the method of 7z. All get the same test images, as 8-bit pixels,
# once one file each and once all at once: PNG as one mosaic, zip and LZMA as one archive.

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
bundle = Path(scratch.name) / "bundle"
export_bundle(reader, bundle, calibration=written.train[:2000])
codec = Codec.load(bundle)
pixels = np.floor(written.test[:1000] * 255 + 0.5).astype(np.uint8)
stream = codec.compress_many(list(pixels))
received = np.stack(codec.decompress_many(stream))
quality = psnr(pixels / 255, received / 255)

lossless = {
    "PNG": PillowCoder("PNG"),
    "zip": ArchiveCoder("zip"),
    "LZMA": ArchiveCoder("LZMA (7z)"),
}
together, alone = {"raw pixels": float(pixels[0].size)}, {"raw pixels": float(pixels[0].size)}
for name, coder in lossless.items():
    data = coder.encode_many(list(pixels))
    back = np.stack(coder.decode_many(data, len(pixels), pixels[0].shape))
    assert np.array_equal(back, pixels)  # lossless means: equal
    together[name] = len(data) / len(pixels)
    alone[name] = float(np.mean([len(coder.encode(image)) for image in pixels[:30]]))
together["autoencoder"] = len(stream) / len(pixels)
alone["autoencoder"] = float(np.mean([len(codec.compress(image)) for image in pixels[:30]]))
assert not np.array_equal(received, pixels)
equal = float(np.mean((received == pixels).all(axis=(1, 2, 3))))
display(plots.plot_reconstructions(pixels / 255, received / 255, count=10, gain=1))

figure, grid = plt.subplots(1, 2, figsize=(9, 2.6), layout="constrained", sharey=True)
for axes, (title, values) in zip(
    grid, {"one file each": alone, "all at once": together}.items(), strict=True
):
    colours = [plots.ORANGE if name == "autoencoder" else plots.BLUE for name in values]
    bars = axes.barh(list(values), list(values.values()), color=colours)
    axes.bar_label(bars, [f" {value:,.1f}" for value in values.values()], fontsize=9)
    axes.set(xlabel="bytes an image", title=title, xlim=(0, 1.2 * max(values.values())))
    axes.spines[["top", "right"]].set_visible(False)
grid[0].invert_yaxis()
plt.show()
cheapest = min(lossless, key=together.get)
assert together["autoencoder"] < together[cheapest] / 2
display(
    Markdown(
        f"*Above: what the receiver sees, and the difference (mid-grey: none). Below: what it "
        f"costs; orange is lossy. All at once the autoencoder takes "
        f"{together['autoencoder']:.1f} bytes an image, and the best lossless program, {cheapest}, "
        f"{together[cheapest]:.1f}. But the programs give back every pixel; the autoencoder "
        f"reaches {quality:.1f} dB, and "
        f"{100 * equal:.0f} % of its images are equal to the original. "
        f"More epochs would not repair that: the file is "
        f"{together[cheapest] / together['autoencoder']:.1f} times smaller than what the best "
        f"lossless program needs for these images.*"
    )
)

# %% [markdown]
# ### What lossless would cost
#
# Any lossy codec becomes lossless if one also sends the **residual**, the difference between
# original and reconstruction, packed by a lossless program. The receiver adds the two. With 8-bit
# pixels that wrap around at 256 nothing is rounded, so that it is exact.

# %%
residual = pixels - received  # uint8, modulo 256
assert np.array_equal(received + residual, pixels)
rows = [
    "| packed with | the images | the residual | code + residual | change |",
    "|---|---:|---:|---:|---|",
]
totals = {}
for name, coder in lossless.items():
    rest = len(coder.encode_many(list(residual))) / len(pixels)
    totals[name] = together["autoencoder"] + rest
    change = 100 * (totals[name] / together[name] - 1)
    rows.append(
        f"| {name} | {together[name]:.1f} | {rest:.1f} | {totals[name]:.1f} | {change:+.0f} % |"
    )
display(Markdown("\n".join(rows)))
empty = [(values == 0).reshape(len(values), -1) for values in (pixels, residual)]
silent = [float(np.mean(values)) for values in empty]
borders = [float(np.mean(np.sum(v[:, 1:] != v[:, :-1], axis=1))) for v in empty]
assert silent[0] > silent[1]
broken = (
    f", and in reading order zeros and other values change places {borders[0]:.0f} times in an "
    f"original and {borders[1]:.0f} times in a residual"
    if borders[0] < borders[1]
    else ""
)
plain, detour = min(together[name] for name in lossless), min(totals.values())
display(
    Markdown(
        f"*Bytes an image, all images at once. The best lossless way through the autoencoder costs "
        f"{detour:.1f} bytes, the best without it {plain:.1f}. A lossless program lives on "
        f"regularity, and the residual has less of it: {100 * silent[0]:.0f} % of the pixels of "
        f"the originals are exactly 0, of the residual {100 * silent[1]:.0f} %{broken}. Small "
        f"errors all along the strokes are nearly invisible and expensive to correct.*"
    )
)
assert detour > together["autoencoder"]

# %% [markdown]
# ### Who pays for the decoder?
#
# zip is on every machine. The decoder of an autoencoder must be sent once, and counts. With it goes
# the manifest, which says how to read a file.

# %%
weight = sum((bundle / name).stat().st_size for name in ("decoder.tflite", "manifest.json"))
saved = round(together[cheapest], 1) - round(together["autoencoder"], 1)
display(
    Markdown(
        f"Both together have {weight:,} bytes. At {saved:.1f} bytes saved an image against "
        f"{cheapest} they have paid for themselves after **about "
        f"{float(f'{weight / saved:.2g}'):,.0f} images**, provided that {quality:.1f} dB are good "
        f"enough."
    )
)

# %% [markdown]
# ## What can go wrong
#
# **Reading the matrix along a row.** "The model of faces does better on X than on faces" may only
# say that X is easier. Compare models on the same images.
#
# **Foreign images without a warning.** A model takes any image of the right shape and says nothing.
# Keep the reconstruction error of known images as a reference, and compare.
#
# **A test set that is not foreign enough, or too foreign.** Train and test crops of one photograph
# share pixels; digits against photographs is too easy a contrast. Faces against background of
# the same photographs is a fair one: same camera, same light.
#
# **Choosing with the labels that one claims not to have.** If code size, epochs or penalty are
# tuned with thousands of labels, "from 50 labels" is no longer true. Here the penalty of the
# classifier is the same for all, and was set beforehand.
#
# **Bytes without the container, or without the quality.** Entropy estimates are not files. Count
# files, and name the decibels beside them.

# %% [markdown]
# ## Key takeaways
#
# 1. Data-specific: images of a kind come back best from a model of that kind, unless that model had
#    few images to learn from. How badly a model does on others depends on how narrow its kind was.
# 2. Unsupervised: codes are learnt from images alone. With few labels they save labels; with many
#    the advantage shrinks.
# 3. Lossy: the autoencoder is far smaller than PNG, zip or LZMA because it throws away.
# 4. Sending the residual makes it lossless, and the gain is gone. If every pixel counts, take a
#    lossless program.
# 5. The decoder has to be on the other side already. Count it if it is not.

# %% [markdown]
# ## Exercises
#
# **1.** Does the model of scenes do well because it has seen many kinds, or because it has seen
# many images? Train it with as many images as there are faces.
#
# <details><summary>Solution</summary>
#
# ```python
# few = kinds[SCENES]
# count = len(kinds["faces"].train)
# few = kerasae.Images(train=few.train[:count], validation=few.validation[:100], test=few.test)
# keras.utils.set_random_seed(0)
# poor = kerasae.build_undercomplete(
#     input_shape=shape, code_size=CODE_SIZE, hidden=(), loss="mse", tied=True
# )
# train(poor, few, few_config, progress=False)
# for name, each in kinds.items():
#     unseen = each.test[:1000]
#     rebuilt = np.clip(keras.ops.convert_to_numpy(poor(unseen)), 0, 1)
#     print(f"{name}: {scores[SCENES, name]:.1f} dB, from {count}: {psnr(unseen, rebuilt):.1f}")
# ```
#
# Where the two numbers are close, it was the variety that helped and not the number. Even a few
# images of many kinds serve foreign kinds better than many images of one narrow kind: compare
# with the row of digits in the matrix.
#
# </details>
#
# **2.** Pack the test images of the other kinds with LZMA. Is zip or LZMA data-specific?
#
# <details><summary>Solution</summary>
#
# ```python
# for name, each in kinds.items():
#     unseen = np.floor(each.test[:1000] * 255 + 0.5).astype(np.uint8)
#     packed = len(lossless["LZMA"].encode_many(list(unseen))) / len(unseen)
#     print(f"{name}: {unseen[0].size} bytes raw, {packed:.0f} packed")
# ```
#
# The sizes differ much, since digits repeat themselves and photographs do not. But every image
# comes back exactly, whatever its kind: what is specific is the gain, never the result.
#
# </details>
#
# **3.** A coarser code: export the reader with `step_loss=1.0`, so that rounding may cost 1 dB.
# What becomes of code, residual and sum?
#
# <details><summary>Solution</summary>
#
# ```python
# other = Path(scratch.name) / "coarse"
# export_bundle(reader, other, calibration=written.train[:2000], step_loss=1.0)
# coarse = Codec.load(other)
# shorter = coarse.compress_many(list(pixels))
# again = np.stack(coarse.decompress_many(shorter))
# rest = len(lossless["LZMA"].encode_many(list(pixels - again)))
# print(len(shorter) / len(pixels), rest / len(pixels), (len(shorter) + rest) / len(pixels))
# ```
#
# The code gets shorter, the residual longer by more or less as much: bits that the code does not
# say must be said by the residual.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [Hyperparameters](05_hyperparameters.ipynb): what code size, depth, width and loss do.
# - [Evaluation](../docs/architectures.md#evaluation): `psnr`, `linear_probe` and the others.
# - [The codec](../docs/codec.md): how a bundle compresses.
#
# **Papers and books**
#
# - G. E. Hinton and R. R. Salakhutdinov (2006), *Reducing the Dimensionality of Data with Neural
#   Networks*, Science 313.
# - L. van der Maaten and G. Hinton (2008), *Visualizing Data using t-SNE*, Journal of Machine
#   Learning Research 9.
# - G. Alain and Y. Bengio (2016), *Understanding Intermediate Layers Using Linear Classifier
#   Probes*, arXiv 1610.01644.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapter 14, MIT Press.
# - J. Ziv and A. Lempel (1977), *A Universal Algorithm for Sequential Data Compression*, IEEE
#   Transactions on Information Theory 23: what zip and LZMA are built on.
#
# Faces and nonfaces are a subset of *Labeled Faces in the Wild* (G. B. Huang, M. Mattar, H. Lee and
# E. Learned-Miller 2012, *Learning to Align from Scratch*) that scikit-image ships, without a
# stated licence, for research. MNIST is by Y. LeCun, C. Cortes and C. Burges, CC BY-SA 3.0;
# CIFAR-10 is by A. Krizhevsky (2009, *Learning Multiple Layers of Features from Tiny Images*), here
# as JPEG copies. The fast mode uses photographs that scikit-learn and scikit-image ship (china by
# danielbuechele and flower by vultilion: CC BY 2.0; chelsea and coffee: CC0; astronaut and rocket:
# public domain; motorcycle: Middlebury Stereo 2014) and the digits of the UCI *Optical Recognition
# of Handwritten Digits* data set (E. Alpaydin and C. Kaynak, CC BY 4.0).
