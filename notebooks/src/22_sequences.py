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
# # Sequences: a melody in one vector
#
# *Section: references, "Deep Learning Techniques for Music Generation".* Briot's lecture on
# autoencoders asks how they serve a real problem, and takes music. So does this chapter: a network
# listens to a short melody, keeps a few numbers, and sings it from memory. You will hear how well.
#
# **You will be able to**
#
# - write a melody as an array that a network can learn from;
# - build an autoencoder of whole sequences from LSTM or GRU cells, or from convolutions;
# - judge it by more than accuracy: against a baseline, in notes, and against the rules of the data;
# - walk from one melody to another, and draw new ones;
# - export such a model, with its fixed length, for a phone.

# %% [markdown]
# ## The idea
#
# A sequence comes one step after the other, and a network that reads it needs a memory. A recurrent
# cell has one: a state that each step updates. After the last step the state has seen everything,
# so a linear map of it can serve as the **code** of the whole sequence. The decoder is a second
# cell. It gets the code at every step, and nothing else, and each of its states is turned into one
# step of the output:
#
# $$h_t = \mathrm{cell}(x_t, h_{t+1}), \quad c = W h_1 + b$$
#
# $$s_t = \mathrm{cell}(c, s_{t-1}), \quad \hat{x}_t = \mathrm{softmax}(V s_t + d)$$
#
# The encoder reads backwards, from the last step to the first: then what it has read most recently
# is what the decoder must say first. The decoder is never told what it should have said so far.
# Whatever it gets right must have been in the code.

# %%
import itertools
import os
import tempfile
import time
from pathlib import Path

import kerasae
from kerasae import TrainConfig, evaluation, plots, samplers, train
from kerasae.sequences import melody_wave
from kerasae_export import convert_both
from kerasae_export.litemodel import LiteModel

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio, Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
LENGTH, COUNT, UNITS, CODE_SIZE, EPOCHS = (
    (12, 1500, 48, 24, 8) if FAST else (16, 10_000, 128, 48, 12)
)
STEP, RATE = 0.2, 8000  # seconds of a quaver, samples a second

# %% [markdown]
# ## The data
#
# The melodies are **procedural**: a program has drawn them from rules and a seed. No composer wrote
# them, and nobody would pay to hear them. In return there is no question of rights, there are as
# many as one wants, no two are alike, and the rules are known, so that it can be checked whether a
# network has found them:
#
# - each melody has one of twelve keys, is major or minor, and in 4/4 or 3/4;
# - all its notes are of the scale of its key;
# - bars repeat a rhythm, and a note sounds at the start of each bar.
#
# A melody is written as in Briot's lecture and in most systems for symbolic music: time runs in
# equal steps, here a quaver, and at each step there is exactly one of 27 symbols, one of 25
# pitches, `hold` (the note goes on), or `rest`. A step is a one-hot vector.

# %%
melodies = kerasae.load_sequences("melodies", length=LENGTH, limit=COUNT)
names = melodies.feature_names
print(melodies.summary())
kinds = [melodies.label_names[label] for label in melodies.test_labels[:4]]
display(plots.plot_piano_roll(melodies.test[:4], feature_names=names, names=kinds))

# %% [markdown]
# *Four test melodies as piano rolls: pitch upwards, time to the right. A blue stroke is a note with
# its holds, a grey one at the bottom a rest. See the rhythm come back in the second bar, after
# eight or after six steps.*
#
# ## Sound
#
# `melody_wave` turns each note into a fading sum of four sines. That is a poor instrument, but a
# small one.

# %%
wave = melody_wave(melodies.test[0], names, step=STEP, rate=RATE)
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
hiss = 1e-4 * np.random.default_rng(0).normal(size=wave.shape)  # so that no silence is perfect
axes.specgram(wave + hiss, NFFT=512, noverlap=384, Fs=RATE, cmap="magma", vmin=-110)
axes.set(xlabel="seconds", ylabel="frequency in Hz", ylim=(0, 3500))
plt.show()
display(Markdown("The first melody:"))
display(Audio(wave, rate=RATE, normalize=False))

# %% [markdown]
# *The sound of the first melody, taken apart into frequencies; the brighter, the louder. The lowest
# line is the melody of the piano roll, the lines above it are overtones, at two, three and four
# times its frequency. Press play to hear it (a preview that does not run scripts, such as GitHub's,
# shows no player).*
#
# ## The model

# %%
shape = melodies.sequence_shape
keras.utils.set_random_seed(0)
model = kerasae.build_recurrent(
    input_shape=shape, cell="lstm", hidden=(UNITS,), code_size=CODE_SIZE, loss=melodies.loss
)
display(plots.plot_architecture(model))
bits = LENGTH * np.log2(shape[1])
display(
    Markdown(
        f"*Blue: the cell that reads. Orange: {CODE_SIZE} numbers for the whole melody. Green: the "
        f"code is repeated for each of the {LENGTH} steps, a second cell runs over it, and one and "
        f"the same dense layer turns each state into probabilities of {shape[1]} symbols.*"
    )
)

# %% [markdown]
# ## Training
#
# The loss is the cross-entropy of the right symbol, in nats per step. And there is a trap: `hold`
# is by far the most frequent symbol, so that a model which always says "hold" is right quite often.
# The baseline has to know that.

# %%
config = TrainConfig(
    epochs=EPOCHS, batch_size=32 if FAST else 64, learning_rate=7e-3, jit_compile=False
)
histories, seconds, models = {}, {}, {"lstm": model}
begin = time.perf_counter()
histories["lstm"] = train(model, melodies, config, progress=False).history
seconds["lstm"] = time.perf_counter() - begin

truth = melodies.test.argmax(-1)
usual = melodies.train.mean(axis=0).argmax(-1)  # the most frequent symbol at each step
baseline = float((truth == usual).mean())
curves = {
    name: dict(enumerate(histories["lstm"][key], start=1))
    for name, key in (("training", "accuracy"), ("validation", "val_accuracy"))
}
display(plots.plot_history({k: v for k, v in histories["lstm"].items() if "loss" in k}))
display(
    plots.plot_curves(
        {**curves, "most frequent symbol": baseline},
        xlabel="epoch",
        ylabel="share of right symbols",
    )
)
begun, best = histories["lstm"]["val_accuracy"][0], max(histories["lstm"]["val_accuracy"])
assert best > baseline + 0.02
display(
    Markdown(
        f"*Loss, and below it the share of steps with the right symbol. The dashed line, "
        f"{baseline:.0%}, is where a network says what is usual at each step and the code says "
        f"nothing. After the first epoch validation is at {begun:.0%}, at its best at {best:.0%}. "
        f"The longer the melodies, the longer recurrent autoencoders rest near the dashed line "
        f"before they leave it; who stops there has trained a clock.*"
    )
)

# %% [markdown]
# ## An experiment: the cell
#
# Data, code size and training stay, and `cell` changes: an LSTM, a GRU, which has one gate less, or
# convolutions of stride 2, which have no memory at all and see all steps at once. With the
# convolutions the number of layers changes, too: they get two, each of which halves the length.

# %%
others = {"conv1d": (UNITS, UNITS)} if FAST else {"gru": (UNITS,), "conv1d": (UNITS, UNITS)}
for cell, hidden in others.items():
    keras.utils.set_random_seed(0)
    models[cell] = kerasae.build_recurrent(
        input_shape=shape, cell=cell, hidden=hidden, code_size=CODE_SIZE, loss=melodies.loss
    )
    begin = time.perf_counter()
    histories[cell] = train(models[cell], melodies, config, progress=False).history
    seconds[cell] = time.perf_counter() - begin
display(
    plots.plot_curves(
        {
            **{c: dict(enumerate(h["val_accuracy"], start=1)) for c, h in histories.items()},
            "most frequent symbol": baseline,
        },
        xlabel="epoch",
        ylabel="share of right symbols, validation",
    )
)
chosen = max(histories, key=lambda cell: max(histories[cell]["val_accuracy"]))
model = models[chosen]
lines = "\n".join(
    f"| {cell} | {models[cell].count_params():,} | {seconds[cell] / EPOCHS:.1f} "
    f"| {max(histories[cell]['val_accuracy']):.1%} |"
    for cell in models
)
display(
    Markdown(
        "| cell | weights | seconds per epoch, here | right symbols, validation |\n"
        f"|---|---:|---:|---:|\n{lines}"
    )
)
assert max(histories["conv1d"]["val_accuracy"]) > baseline
display(
    Markdown(
        f"*{len(models)} models, one code size. Of these, validation prefers **{chosen}**, and "
        f"that model goes on. Convolutions need no step to wait for the step before, so that an "
        f"epoch costs less, and on sequences of one fixed length they do well. What cells have in "
        f"return: the same weights for any length, so that the number of weights does not grow "
        f"with it, and a memory that can carry something across a long gap.*"
    )
)

# %% [markdown]
# ## Originals and reconstructions

# %%
rebuilt = model.predict(melodies.test, batch_size=len(melodies.test), verbose=0)
said = rebuilt.argmax(-1)
HOLD, REST = names.index("hold"), names.index("rest")
right = said == truth
onset = truth < HOLD  # a note begins
also = onset & (said < HOLD)
rhythm_truth, rhythm_said = (np.where(x < HOLD, -1, x) for x in (truth, said))
intervals = np.abs(said - truth)[also]
near = (intervals[intervals > 0] <= 2).mean()
measures = {
    "right symbols": right.mean(),
    "the same, always the most frequent symbol": baseline,
    "melodies without a mistake": right.all(axis=1).mean(),
    "a note, a hold or a rest where there was one": (rhythm_said == rhythm_truth).mean(),
    "beginnings of notes that are found again": also.sum() / onset.sum(),
    "of these, the right pitch": (intervals == 0).mean(),
    "of these, at most two semitones off": (intervals <= 2).mean(),
}
lines = "\n".join(f"| {name} | {value:.1%} |" for name, value in measures.items())
display(Markdown(f"| on {len(truth):,} test melodies | |\n|---|---:|\n{lines}"))
order = np.argsort(right.mean(axis=1))
shown = [*order[-2:], *order[len(order) // 2 : len(order) // 2 + 2]]
figure = plots.plot_piano_roll(
    melodies.test[shown],
    rebuilt[shown],
    feature_names=names,
    names=["among the best", "among the best", "typical", "typical"],
)
display(figure)
assert measures["right symbols"] > baseline + 0.02
display(
    Markdown(
        f"*Four test melodies (blue), sung again from {CODE_SIZE} numbers (orange); steps at "
        f"which something else sounds are shaded, so that one wrong pitch shades all steps that it "
        f"lasts. In the middle of the ranking "
        f"{right.mean(axis=1)[order[len(order) // 2]]:.0%} of the symbols are right. When "
        f"something begins, lasts or is silent is kept better than which pitch it is, and pitches "
        f"that are wrong are often near: {near:.0%} of the wrong ones are within two semitones. "
        f"One number never says all of this; compare the rows of the table.*"
    )
)

# %%
typical = shown[2]
for title, melody in (
    ("A typical melody:", melodies.test[typical]),
    ("Sung from memory:", rebuilt[typical]),
):
    display(Markdown(title))
    display(Audio(melody_wave(melody, names, step=STEP, rate=RATE), rate=RATE, normalize=False))

# %% [markdown]
# ## What the code knows
#
# Nobody told the network about major and minor, or about metre. Is it in the code? Linear probes
# try to read each of the two, and both together, off the code of a melody, and off the melody
# itself.

# %%
codes = {
    part: kerasae.encoder(model).predict(getattr(melodies, part), verbose=0)
    for part in ("train", "test")
}
inputs = {part: getattr(melodies, part).reshape(-1, LENGTH * shape[1]) for part in codes}
some = slice(0, 2000)
kind = np.array([name.split(", ") for name in melodies.label_names])  # mode and metre of each label
questions = {"mode": kind[:, 0], "metre": kind[:, 1], "both": np.array(melodies.label_names)}
probes = {}
for question, answers in questions.items():
    asked, tested = answers[melodies.train_labels], answers[melodies.test_labels]
    probes[question] = [
        evaluation.linear_probe(values["train"][some], asked[some], values["test"], tested, l2=1e-2)
        for values in (codes, inputs)
    ]
    frequent = max(set(answers), key=lambda answer: np.mean(asked == answer))
    probes[question].append(float(np.mean(tested != frequent)))
lines = "\n".join(
    f"| {question} | " + " | ".join(f"{error:.0%}" for error in errors) + " |"
    for question, errors in probes.items()
)
display(
    Markdown(
        "| error of a linear probe for | from the code | from the melody | by guessing |\n"
        f"|---|---:|---:|---:|\n{lines}"
    )
)
metre = kind[melodies.test_labels, 1]
display(plots.plot_codes(codes["test"][:1000], labels=metre[:1000]))
heights = (truth * onset).sum(1) / onset.sum(1)
axis = np.corrcoef(
    np.linalg.svd(codes["test"] - codes["test"].mean(0), full_matrices=False)[0][:, 0], heights
)
display(
    Markdown(
        f"*Codes of test melodies on their two principal axes, by metre. What varies most is not "
        f"the metre but the pitch: the first axis has a correlation of {abs(axis[0, 1]):.2f} with "
        f"the mean pitch of a melody. As for the question: of the metre, the probe gets "
        f"{1 - probes['metre'][0]:.0%} right from the code and {1 - probes['metre'][1]:.0%} from "
        f"the melody, where a guess gets {1 - probes['metre'][2]:.0%}; of the mode "
        f"{1 - probes['mode'][0]:.0%} and {1 - probes['mode'][1]:.0%}, where a guess gets "
        f"{1 - probes['mode'][2]:.0%}. What a linear map cannot read may still be there.*"
    )
)

# %% [markdown]
# So the answer is: the metre, in part, for a linear map; the mode not at all, neither from the code
# nor from the melody itself. (After the short training of fast mode the metre may be lost, too.)
#
# ## From one melody to another
#
# Take two codes, go from one to the other in equal steps, and decode. `samplers.interpolate` works
# on sequences as on images.

# %%
clear = order[-100:]  # melodies that the model knows well, and of them two that differ
first, second = clear[-1], clear[(truth[clear] != truth[clear[-1]]).sum(axis=1).argmax()]
walk = samplers.interpolate(model, melodies.test[first], melodies.test[second], steps=6)
titles = [f"{share:.0%} of the second" for share in np.linspace(0, 1, 6)]
display(plots.plot_piano_roll(walk, feature_names=names, names=titles))
moved = [(a.argmax(-1) != b.argmax(-1)).mean() for a, b in itertools.pairwise(walk)]
ends = (walk[0].argmax(-1) != walk[-1].argmax(-1)).mean()
assert max(moved) <= ends + 0.2
display(
    Markdown(
        f"*Two melodies, top left and bottom right, and four codes between them. Notes move, "
        f"appear and vanish, many at a time: from one panel to the next {min(moved):.0%} to "
        f"{max(moved):.0%} of the symbols change, where the ends differ in {ends:.0%}. A mean of "
        f"the two piano rolls would be no melody, but two at once.*"
    )
)

# %%
display(Markdown(f"The fourth panel, {titles[3]}:"))
between = melody_wave(walk[3], names, step=STEP, rate=RATE)
display(Audio(between, rate=RATE, normalize=False))

# %% [markdown]
# ## New melodies
#
# The model is deterministic, so its codes have no prior to draw from. A density is fitted to the
# training codes afterwards, as a mixture of Gaussians, and codes are drawn from it. Do the results
# obey rules that nobody has told the network? Two of them can be counted: all notes fit one of the
# twelve scales; and the rhythm repeats after a bar of eight or of six steps. For comparison, random
# melodies, in which every step is drawn by itself with the right frequencies.

# %%
mixture = samplers.fit_mixture(codes["train"], components=10)
drawn = samplers.sample_mixture(model, mixture, 500, seed=1)
rng = np.random.default_rng(0)
chances = melodies.train.mean(axis=0).cumsum(axis=-1)  # (length, features)
blind = (rng.random((500, LENGTH, 1)) > chances).sum(axis=-1).clip(max=REST)
sets = {"test melodies": truth[:500], "reconstructions": said[:500]}
sets |= {"drawn codes": drawn.argmax(-1), "random symbols": blind}

scale = np.array([0, 2, 4, 5, 7, 9, 11])
scales = [set((scale + key) % 12) for key in range(12)]
A3 = 9  # the lowest pitch, as a pitch class
counts = {}
for name, symbols in sets.items():
    rhythm = np.where(symbols < HOLD, -1, symbols)
    repeats = np.zeros(len(symbols), bool)
    for bar in (8, 6):
        repeats |= (rhythm[:, bar:] == rhythm[:, :-bar]).all(axis=1)
    within = [any(set((s[s < HOLD] + A3) % 12) <= notes for notes in scales) for s in symbols]
    variety = np.mean([len(set(s[s < HOLD])) for s in symbols])
    counts[name] = (np.mean(within), repeats.mean(), (symbols < HOLD).sum(1).mean(), variety)
known = {row.tobytes() for row in melodies.train.argmax(-1)}
new = np.mean([row.tobytes() not in known for row in sets["drawn codes"]])
lines = "\n".join(
    f"| {name} | {a:.0%} | {b:.0%} | {c:.1f} | {d:.1f} |" for name, (a, b, c, d) in counts.items()
)
display(
    Markdown(
        "| 500 of each | notes of one scale | rhythm repeats | notes in a melody "
        f"| different pitches |\n|---|---:|---:|---:|---:|\n{lines}"
    )
)
assert counts["test melodies"][:2] == (1, 1)
assert counts["drawn codes"][0] > counts["random symbols"][0]
titles = [f"drawn, {number}" for number in range(1, 5)]
display(plots.plot_piano_roll(drawn[:4], feature_names=names, names=titles))
display(
    Markdown(
        f"*Four melodies that nobody wrote, not even the program; {new:.0%} of the 500 are not "
        f"among the training melodies. The table says how good they are. Test melodies obey both "
        f"rules, all of them. Of the drawn ones {counts['drawn codes'][0]:.0%} keep to one scale, "
        f"of random symbols {counts['random symbols'][0]:.0%}; the rhythm repeats in "
        f"{counts['drawn codes'][1]:.0%} and {counts['random symbols'][1]:.0%}. So rules that "
        f"nobody wrote into the network are kept more often than by chance. Read the last column, "
        f"too: who uses few pitches keeps to a scale easily, and a network that is unsure repeats "
        f"a safe pitch.*"
    )
)

# %%
display(Markdown("A new one:"))
display(Audio(melody_wave(drawn[0], names, step=STEP, rate=RATE), rate=RATE, normalize=False))

# %% [markdown]
# ## Export, with a fixed length
#
# A deployed model takes melodies of exactly one length. Longer ones are cut into windows, shorter
# ones padded with rests. With LSTM or GRU the loop over the steps is unrolled into as many copies
# of the cell, which share their weights, so that the file grows with the length, a little.

# %%
scratch = tempfile.TemporaryDirectory(prefix="kerasae-")
exported, sample = [], melodies.test[:100]
variants = [("conv1d", "dynamic")]
if not FAST:
    variants += [("conv1d", "int8"), ("lstm", "dynamic")]
for cell, scheme in variants:
    path = convert_both(
        kerasae.encoder(models[cell]),
        kerasae.decoder(models[cell]),
        Path(scratch.name) / f"{cell}-{scheme}.tflite",
        scheme=scheme,
        calibration=melodies.train[:200],
    )
    encode = LiteModel(path.read_bytes(), signature="encode")
    sung = encode.sibling("decode").run(encode.run(sample)).argmax(-1)
    keras_says = models[cell].predict(sample, batch_size=len(sample), verbose=0).argmax(-1)
    same = float((sung == keras_says).mean())
    exported.append((cell, scheme, path.stat().st_size, same))
    assert scheme == "int8" or same > 0.9
lines = "\n".join(
    f"| {cell} | {scheme} | {4 * models[cell].count_params():,} | {size:,} | {same:.1%} |"
    for cell, scheme, size, same in exported
)
display(
    Markdown(
        "| cell | scheme | bytes of the weights in float32 | bytes of the file, both halves "
        f"| symbols as in Keras |\n|---|---|---:|---:|---:|\n{lines}"
    )
)

# %% [markdown]
# *Encoder and decoder in one TF Lite file, with two signatures. The last column compares what the
# file sings with what the Keras model sings, symbol by symbol. "dynamic" has weights of 8 bits and
# is the careful choice here. "int8" has 8 bits everywhere, probabilities included: where two
# symbols are about equally likely, rounding decides. Its file is no smaller, since the weights have
# 8 bits in both. In a recurrent cell rounding errors could go round the loop and grow; with
# "dynamic" they do no harm here, as the last row shows.*

# %% [markdown]
# ## What can go wrong
#
# **Feeding the decoder the truth.** Many sequence models get the true step $x_{t-1}$ as an input of
# step $t$ (teacher forcing). Right for a model that continues melodies, wrong for an autoencoder.
# How much can be said of the pitch of a note without any code, just by knowing the note before it?

# %%
follows = {}
for part in ("train", "test"):
    symbols = getattr(melodies, part).argmax(-1)
    when = np.maximum.accumulate(np.where(symbols < HOLD, np.arange(LENGTH), -1), axis=1)[:, :-1]
    pairs = (symbols[:, 1:] < HOLD) & (when >= 0)  # a note, and one before it
    before = np.take_along_axis(symbols, when.clip(0), axis=1)[pairs]
    follows[part] = (before, symbols[:, 1:][pairs])
table = np.zeros((HOLD, HOLD))
np.add.at(table, follows["train"], 1)
forced = float((table.argmax(axis=1)[follows["test"][0]] == follows["test"][1]).mean())
plain = float((table.sum(axis=0).argmax() == follows["test"][1]).mean())
print(f"right pitches, told the note before: {forced:.1%}; told nothing: {plain:.1%}")
assert forced > plain

# %% [markdown]
# With more of the past it would be more, and rhythm goes the same way. A decoder that is told the
# truth has little use for a code, and learns to ignore it.
#
# **Accuracy without a baseline.** See above: a clock that says "hold" scores well.
#
# **Giving up early.** Recurrent nets may rest near the baseline for many epochs.
#
# **Leaking pieces.** Real music is cut into windows that overlap. If windows of one piece are in
# training and in test, the test says nothing. Split by piece, better by composer.
#
# **Reading "new" as "good".** A sample that is in no training set may simply be wrong. Count rules
# if you have them; else ask listeners.
#
# **Distributions and drawing.** Each step is given as probabilities, independent of the others
# given the code. The largest of each was taken here. To draw each step by itself breaks up notes.

# %% [markdown]
# ## Key takeaways
#
# 1. A sequence becomes one vector: the last state of a cell that reads, or all positions of some
#    convolutions.
# 2. The decoder gets the code and nothing else; teacher forcing would make the code idle.
# 3. Compare with the most frequent symbol. Rhythm is easier than pitch.
# 4. Convolutions train faster at a fixed length; cells carry memory and take patience.
# 5. Between codes and in a density of codes lie new melodies, which obey the rules in part.
# 6. Exports have a fixed length.

# %% [markdown]
# ## Exercises
#
# **1.** How much room does a melody need? Train the convolutional model with a quarter
# of the code size, and compare the validation accuracy.
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# small = kerasae.build_recurrent(
#     input_shape=shape,
#     cell="conv1d",
#     hidden=(UNITS, UNITS),
#     code_size=CODE_SIZE // 4,
#     loss=melodies.loss,
# )
# history = train(small, melodies, config, progress=False).history
# print(CODE_SIZE // 4, max(history["val_accuracy"]))
# print(CODE_SIZE, max(histories["conv1d"]["val_accuracy"]))
# ```
#
# Less room, fewer right symbols, once both are trained for long enough to tell (fast mode does
# not): the code is all that the decoder knows.
#
# </details>
#
# **2.** Transpose a melody by a whole tone and encode both. Is there one direction in the code that
# means "higher"?
#
# <details><summary>Solution</summary>
#
# ```python
# low = melodies.test[np.where(onset, truth, 0).max(axis=1) < 23]
# pitches, rest = low[..., :HOLD], low[..., HOLD:]
# high = np.concatenate([np.roll(pitches, 2, axis=-1), rest], axis=-1)
# encoder = kerasae.encoder(model)
# shift = encoder.predict(high, verbose=0) - encoder.predict(low, verbose=0)
# mean = shift.mean(axis=0)
# cosines = shift @ mean / np.linalg.norm(shift, axis=1) / np.linalg.norm(mean)
# print(f"cosine of a shift with the mean shift: {cosines.mean():.2f}")
# ```
#
# Well above zero, below one: on average there is such a direction, but the code is curved, and a
# shift also depends on the melody.
#
# </details>
#
# **3.** Which steps are hard? Plot the share of right symbols against the step.
#
# <details><summary>Solution</summary>
#
# ```python
# by_step = {"model": dict(enumerate(right.mean(axis=0)))}
# by_step["most frequent symbol"] = dict(enumerate((truth == usual).mean(axis=0)))
# display(plots.plot_curves(by_step, xlabel="step", ylabel="share of right symbols"))
# ```
#
# Where a bar begins there is always a note, so that "hold" is never right and the pitch has to be
# known. The last step of a bar is often a hold.
#
# </details>
#
# **4.** `load_sequences("series")` has heartbeats. Train a convolutional model on normal ones, and
# find the strange ones by their error.
#
# <details><summary>Solution</summary>
#
# ```python
# series = kerasae.load_sequences("series", limit=300 if FAST else 2000)
# keras.utils.set_random_seed(0)
# watch = kerasae.build_recurrent(
#     input_shape=series.sequence_shape, cell="conv1d", hidden=(16, 32, 32), code_size=12
# )
# train(watch, series, TrainConfig(epochs=12, batch_size=16, learning_rate=3e-3), progress=False)
# again = watch.predict(series.test, batch_size=len(series.test), verbose=0)
# errors = np.square(again - series.test).mean(axis=(1, 2))
# normal = series.test_labels == 0
# print("AUROC", evaluation.auroc(errors[normal], errors[~normal]))
# display(plots.plot_series(series.test[:4], again[:4], step=1 / 64, unit="seconds"))
# ```
#
# 0.5 would be chance, and the short training of fast mode is not much better: the mean of all
# series is as much a trap as "hold" is. With more series and epochs the error finds many of them.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [`build_recurrent`](../kerasae/builders/recurrent.py): the three models in one screen of code,
#   and [`kerasae.sequences`](../kerasae/data/sequences.py): rules of the melodies, and their sound.
# - [Variational autoencoders](10_variational.ipynb): codes with a prior, from which to draw.
#
# **Papers and lectures**
#
# - J.-P. Briot, *Deep Learning Techniques for Music Generation*, lecture slides, the part on
#   autoencoders; and J.-P. Briot, G. Hadjeres and F. Pachet (2020), *Deep Learning Techniques for
#   Music Generation*, Springer: the book, with ways to represent music.
# - N. Srivastava, E. Mansimov and R. Salakhutdinov (2015), *Unsupervised Learning of Video
#   Representations using LSTMs*, ICML: this architecture.
# - I. Sutskever, O. Vinyals and Q. V. Le (2014), *Sequence to Sequence Learning with Neural
#   Networks*, NeurIPS: reading backwards.
# - S. Hochreiter and J. Schmidhuber (1997), *Long Short-Term Memory*, Neural Computation 9; K. Cho
#   and others (2014), *Learning Phrase Representations using RNN Encoder-Decoder*, EMNLP: the GRU.
# - G. Hadjeres, F. Pachet and F. Nielsen (2017), *DeepBach: a Steerable Model for Bach Chorales
#   Generation*, ICML: a symbol for holding a note.
# - A. Roberts, J. Engel, C. Raffel, C. Hawthorne and D. Eck (2018), *A Hierarchical Latent Vector
#   Model for Learning Long-Term Structure in Music*, ICML: the variational one, for 16 bars.
# - P. Ghosh and others (2020), *From Variational to Deterministic Autoencoders*, ICLR: drawing from
#   a density that is fitted afterwards.
#
# The melodies are drawn by this library, and free of anybody's rights.
