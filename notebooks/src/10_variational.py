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
# # Variational autoencoders
#
# *Section: types based on functionality, variational autoencoders.* So far an encoder gave one code
# for an image, and what lay between two codes was nobody's business. A variational autoencoder
# (VAE) gives a whole *distribution* of codes, and makes all of them together fill a known space
# with few gaps. Draw a code from that space, decode it, and out comes an image that nobody has
# drawn.
#
# **You will be able to**
#
# - read the bound that a VAE maximises, and say what its two terms want;
# - draw a code with the reparameterisation, and see why it is needed;
# - generate images, walk through the plane of a code, and turn its knobs by hand;
# - trade reconstruction for regularity with `beta`, in nats;
# - recognise posterior collapse, measure it, and do something about it;
# - check the scale of the KL term in anybody's code, and report a likelihood that is one.

# %% [markdown]
# ## The idea
#
# Suppose images came about in two steps: first a code $z$ is drawn from a standard normal, the
# **prior** $p(z)$, then a decoder turns it into an image, $p(x|z)$. We would like to choose the
# decoder such that the images of the training set become likely. For that we need to know, for each
# image, which codes it may have come from. The encoder is a guess at just that: a normal
# distribution $q(z|x)$ with a mean and a variance for each value of the code. Whatever the guess,
#
# $$\log p(x) \;\ge\; -C(x) - K(x), \quad \text{where}$$
#
# $$C(x) = -\mathbb{E}_{z \sim q(z|x)} \left[ \log p(x|z) \right]$$
#
# is the **reconstruction cost**, and
#
# $$K(x) = \mathrm{KL} \left( q(z|x) \,\Vert\, p(z) \right)$$
#
# is the distance of the guess from the prior. The right side of the first line is the **evidence
# lower bound**, ELBO. Encoder and decoder are trained together to raise it; the loss is its
# negative, $C + K$. To keep $C$ low, codes must tell images apart. And $K$ charges for every nat
# (1.44 bits) by which a code says more than the prior does. Both are sums, over the pixels and over
# the code, in nats per image.

# %%
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, samplers, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.patches import Ellipse

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
EPOCHS, HIDDEN = (20, (128, 64)) if FAST else (12, (256, 128))

# %% [markdown]
# ## The data
#
# MNIST, in fast mode the small digits of scikit-learn. The decoder gives the probability of a white
# pixel, so an exact likelihood needs pixels that are black or white. `binarize=True` draws such
# pixels anew in each training step, each white with the probability that its grey value says. For
# the test images this is done once, with a seed.

# %%
if FAST:
    images = kerasae.load_images("digits", image_size=16)
else:
    images = kerasae.load_images("mnist", limit=10_000)
shape = images.image_shape
PIXELS = int(np.prod(shape))
rng = np.random.default_rng(0)
grey = images.test[:2000]
binary = (rng.random(grey.shape) < grey).astype(np.float32)
print(images.summary())
display(plots.plot_samples(np.stack([grey[:10], binary[:10]]), labels=["grey", "binary"]))

# %% [markdown]
# *Ten test images, and the binary ones drawn from them, on which likelihoods are measured.*
#
# ## The model
#
# A code of two values first: it is too short for good reconstructions, but it can be drawn on
# paper.

# %%
keras.utils.set_random_seed(0)
vae = kerasae.build_variational(input_shape=shape, code_size=2, hidden=HIDDEN, binarize=True)
display(plots.plot_architecture(vae))

# %% [markdown]
# *The encoder ends in two layers, mean and log variance; together they are the code's distribution
# (orange). Dashed layers act in training only: pixels are drawn, a code is drawn, and the negative
# bound is added to the loss. The two parameters of that last layer count training steps; nothing is
# learnt there. At inference the code is the mean.*
#
# ## Training
#
# `plot_history` shows the loss and its two parts.

# %%
config = TrainConfig(epochs=EPOCHS, batch_size=64, learning_rate=3e-3)
history = train(vae, images, config, progress=False).history
display(plots.plot_history(history))

# %% [markdown]
# *Above the loss, below its parts, all in nats per image. The reconstruction cost falls while the
# KL rises: the model buys better reconstructions with codes that say more. Pixels and codes are
# drawn in validation as in training, the same ones in each epoch.*
#
# **`val_loss` is the bound, with one draw for each image.** It serves to compare epochs. What to
# report is the bound of many draws, `evaluation.elbo`, or better the likelihood itself, estimated
# by importance sampling, `evaluation.negative_log_likelihood`. Keras's `evaluate` draws nothing:
# the decoder gets the mean, a good case, and the loss is no bound.

# %%
few = binary[:500]
bound = evaluation.elbo(vae, few, samples=10)
likelihood = evaluation.negative_log_likelihood(vae, few, samples=100 if FAST else 200)
mean_only = -float(
    np.mean(
        vae.get_layer("bound").log_likelihood(
            few, vae.get_layer("decoder")(kerasae.encoder(vae)(few))
        )
    )
)
print(f"On {len(few)} test images, in nats per image:")
print(f"{mean_only + bound.kl:6.1f}  mean as code, as in evaluate")
print(f"{-bound.elbo:6.1f}  drawn codes: -ELBO")
print(f"{likelihood:6.1f}  importance sampling: -log p(x)")
assert mean_only + bound.kl < -bound.elbo
assert likelihood < -bound.elbo

# %% [markdown]
# Three numbers for one model, on the same images. The first is no bound: nothing guarantees on
# which side of the truth it lies. The second is a bound, on the safe side. The third is closer to
# the truth, and on average still on the safe side.
#
# ## Drawing a code
#
# Training needs a random code, but a gradient cannot pass through a throw of dice. The way out is
# the **reparameterisation**: draw $\varepsilon$ from a standard normal, which depends on nothing,
# and compute
#
# $$z = \mu(x) + \sigma(x) \, \varepsilon$$
#
# which is a sum and a product, and has gradients for $\mu$ and $\sigma$. Here it is on the real
# codes of three test digits.

# %%
chosen = [int(np.flatnonzero(images.test_labels[: len(grey)] == d)[0]) for d in (0, 1, 6)]
mean, log_variance = (np.asarray(part) for part in vae.get_layer("encoder")(grey[chosen]))
sigma = np.exp(log_variance / 2)
noise = rng.standard_normal((150, 2))

figure, panels = plt.subplot_mosaic(
    [["noise", "codes", digit] for digit in ("a 0", "a 1", "a 6")],
    width_ratios=(3, 3, 1.1),
    figsize=(9.5, 4),
    layout="constrained",
)
left, right = panels["noise"], panels["codes"]
left.scatter(*noise.T, s=8, color=plots.MUTED)
left.set_title("noise: $\\varepsilon$ from the standard normal", fontsize=10)
colours = (plots.BLUE, plots.ORANGE, plots.GREEN)
near = 3 * sigma.max()  # half the width of each window on the right
for m, s, name, colour in zip(mean, sigma, ("a 0", "a 1", "a 6"), colours, strict=True):
    window = panels[name]
    for axes, dots in ((right, 2), (window, 4)):
        axes.scatter(*(m + s * noise).T, s=dots, color=colour, alpha=0.6, linewidths=0)
    right.annotate(name, m + 2 * s, color=colour, fontsize=11)
    window.plot(*m, "+", color=plots.INK, ms=9)
    for times in (1, 2):
        window.add_patch(Ellipse(m, *(2 * times * s), fill=False, color=plots.INK, lw=0.8))
    window.set(xlim=m[0] + near * np.array([-1, 1]), ylim=m[1] + near * np.array([-1, 1]))
    window.set(xticks=[], yticks=[], aspect="equal")
    window.set_title(name, fontsize=10, color=colour)
right.set_title("codes: $z = \\mu + \\sigma \\varepsilon$ of three digits", fontsize=10)
for axes in (left, right):
    for times in (1, 2):
        axes.add_patch(Ellipse((0, 0), 2 * times, 2 * times, fill=False, color=plots.MUTED, ls=":"))
    reach = max(3.2, float(np.abs(mean).max() + 3 * sigma.max()))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set(xlabel="first code value", ylabel="second code value")
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
assert sigma.max() < 1
display(
    Markdown(
        "*The same 150 draws of noise, as they are (left) and moved and shrunk by what the encoder "
        "said about three digits (middle). On the right the three patches through a lens, "
        f"{2 * near:.1f} wide: crosses are the means, ellipses one and two standard deviations. "
        "Dotted circles are those of the prior. Each digit has a patch of its own, with standard "
        f"deviations from {sigma.min():.2f} to {sigma.max():.2f}. A patch means: all of these "
        "codes may stand for this image, so all of them must decode to something like it. That is "
        "what closes gaps.*"
    )
)

# %% [markdown]
# ## Originals and reconstructions

# %%
reconstructions = vae.predict(grey, verbose=0)
psnr = evaluation.psnr(grey, reconstructions)
baseline = evaluation.psnr(grey, np.broadcast_to(images.train.mean(axis=0), grey.shape))
assert psnr > baseline + 1
display(plots.plot_reconstructions(grey, reconstructions, count=10, gain=1))
display(
    Markdown(
        f"*Test images, what their mean codes decode to, and the difference: black where the "
        f"output is too dark, white where it is too bright, mid-grey where there is none. "
        f"{psnr:.1f} dB PSNR, where the average digit has {baseline:.1f}. The edges are soft: the "
        f"decoder paints the average of all images that share a patch of the code.*"
    )
)

# %% [markdown]
# ## The plane of the code

# %%
codes = np.asarray(kerasae.encoder(vae)(grey))
display(plots.plot_codes(codes[:1000], labels=images.test_labels[:1000][: len(codes)]))
display(
    Markdown(
        "*The mean codes of test images, coloured by labels that the model never saw. They lie "
        "close together around zero, like the prior: the standard deviations of the two values "
        f"are {codes.std(axis=0)[0]:.1f} and {codes.std(axis=0)[1]:.1f}, where the prior has 1. "
        "Nothing holds the codes of a plain autoencoder there; they may lie anywhere and far "
        "apart.*"
    )
)

# %%
display(plots.plot_manifold(samplers.manifold(vae, size=12)))

# %% [markdown]
# *The same plane, decoded on a grid: the **manifold**. The grid is even in probability under the
# prior. Follow a row with your eyes: digits turn into one another, and hardly a place shows
# anything that is not at least nearly a digit.*
#
# ## New images
#
# For good samples two values are too few. The next model has sixteen. Beside it stands a plain
# autoencoder with the same layers and the same code, whose decoder is fed the same random codes.

# %%
keras.utils.set_random_seed(0)
vae16 = kerasae.build_variational(input_shape=shape, code_size=16, hidden=HIDDEN, binarize=True)
train(vae16, images, config, progress=False)
keras.utils.set_random_seed(0)
plain = kerasae.build_undercomplete(input_shape=shape, code_size=16, hidden=HIDDEN)
train(plain, images, config, progress=False)
normal = np.random.default_rng(0).standard_normal((20, 16))  # as `sample_prior` draws
display(
    plots.plot_samples(
        np.concatenate(
            [
                samplers.sample_prior(vae16, 20).reshape(2, 10, *shape),
                np.asarray(kerasae.decoder(plain)(normal)).clip(0, 1).reshape(2, 10, *shape),
            ]
        ),
        labels=["VAE", "", "plain", ""],
    )
)
spread = np.asarray(kerasae.encoder(plain)(grey)).std(axis=0)
display(
    Markdown(
        "*Decoded codes from the prior. The VAE paints digits and near-digits. The plain "
        "autoencoder was never told where its codes should lie; a value of its code has a "
        f"standard deviation of {spread.mean():.1f} on average, and random codes from the standard "
        "normal miss the places that its decoder knows.*"
    )
)
assert spread.mean() > 1.2

# %% [markdown]
# ## Knobs
#
# A slider for each value of the code. In an open notebook the next cell shows sliders to drag; in
# a page like this one a picture stands in for them, with a row for each slider.

# %%
informative = np.argsort(-evaluation.elbo(vae16, binary, samples=5).kl_per_dimension)[:6]
plots.latent_sliders(vae16, dimensions=sorted(informative.tolist()), steps=9)

# %% [markdown]
# *Six values of the code, those with the largest KL, each moved through the prior while the others
# rest at zero; "value 3" is number 3 of the code, counted from 0. In the middle column all values
# are zero, so it is the same picture in every row, and it is no digit but a dim grey smudge: there
# the regions of several digits meet. Further out some values move slant, width or thickness, others
# turn one digit into another. Nobody asked for these meanings, and in another run they are others.*
#
# The same from a real image: `samplers.traverse` starts at its code.

# %%
display(
    plots.plot_traversals(
        samplers.traverse(vae16, grey[0], dimensions=sorted(informative[:3].tolist()), steps=9),
        labels=[f"value {d}" for d in sorted(informative[:3].tolist())],
    )
)

# %% [markdown]
# *Three values of the code of one test image, numbered as above, each changed by up to three units
# to both sides; the middle column is the reconstruction.*
#
# ## An experiment: beta
#
# Multiply the KL by $\beta$. Below 1 the code may say more than the bound allows, above 1 less. The
# loss is then no longer a bound, but `evaluation.elbo` still measures the true one, whatever
# $\beta$ was in training.

# %%
betas = {1.0: vae16}
for beta in (0.1, 5.0):
    keras.utils.set_random_seed(0)
    betas[beta] = kerasae.build_variational(
        input_shape=shape, code_size=16, hidden=HIDDEN, binarize=True, beta=beta
    )
    train(betas[beta], images, config, progress=False)
measured = {beta: evaluation.elbo(betas[beta], binary, samples=5) for beta in sorted(betas)}
used = {beta: evaluation.active_units(model, grey) for beta, model in sorted(betas.items())}
lines = "\n".join(
    f"| {beta:g} | {-m.log_likelihood:.1f} | {m.kl:.1f} | {m.elbo:.1f} | {used[beta]} |"
    for beta, m in measured.items()
)
display(
    Markdown(
        "| beta | reconstruction cost, nats | KL, nats | ELBO, nats | active units of 16 |\n"
        f"|---|---|---|---|---|\n{lines}"
    )
)
display(
    plots.plot_samples(
        np.stack([samplers.sample_prior(betas[beta], 10) for beta in measured]),
        labels=[f"beta = {beta:g}" for beta in measured],
    )
)
rates = [m.kl for m in measured.values()]
assert rates == sorted(rates, reverse=True)
assert max(measured, key=lambda beta: measured[beta].elbo) == 1.0
display(
    Markdown(
        f"*The table: with a small beta the KL rises to {rates[0]:.1f} nats and reconstructions "
        f"are best; with a large one it falls to {rates[-1]:.1f}, with {used[5.0]} active units. "
        "The bound itself is best at 1, as it should be, since only there it is what was trained. "
        "The pictures: samples with beta = 0.1 fall apart, for the codes do not fill the prior; "
        "with beta = 5 they are smooth, and more alike.*"
    )
)

# %% [markdown]
# ## Posterior collapse
#
# The KL has a trivial minimum: zero, if the encoder says the same of every image. Then the code is
# noise, the decoder learns to ignore it, and nothing tells the encoder to begin again. It happens
# to single values of a code, which is harmless and even useful, since a code that is too large
# prunes itself. And it happens to all of them. The quickest way there is a slip of scale: take the
# *mean* cross-entropy over the pixels, as Keras does, and add the KL as a *sum*. That is a beta of
# as many as there are pixels.

# %%
keras.utils.set_random_seed(0)
collapsed = kerasae.build_variational(
    input_shape=shape, code_size=16, hidden=HIDDEN, binarize=True, beta=PIXELS
)
train(collapsed, images, config, progress=False)
dead = evaluation.elbo(collapsed, binary)
display(
    plots.plot_samples(
        np.stack(
            [
                grey[:10],
                vae16.predict(grey[:10], verbose=0),
                collapsed.predict(grey[:10], verbose=0),
            ]
        ),
        labels=["original", "beta = 1", f"beta = {PIXELS}"],
    )
)
units = evaluation.active_units(collapsed, grey)
assert units == 0
assert dead.kl < 0.5
display(
    Markdown(
        f"*Total collapse. Every image gets the same output, the average digit. KL {dead.kl:.3f} "
        f"nats, active units {units} of 16 (a unit is active if its mean varies over the images "
        "with a variance above 0.01). The loss looks fine: it went down and came to rest.*"
    )
)

# %% [markdown]
# The remedy for a wrong scale is the right one. But with the right scale, too, values of the code
# may give up early, when the decoder is still bad and a code not worth its nats. Two remedies keep
# them in the game: a **warm-up**, which raises beta from zero over the first epochs, and **free
# bits**, a number of nats that each value may use without being charged.

# %%
remedies = {
    "none": {},
    "warm-up": {"warmup_epochs": EPOCHS // 2},
    "free bits": {"free_bits": 0.5},
}
outcomes, busy, active = {}, {}, {}
for name, remedy in remedies.items():
    keras.utils.set_random_seed(0)
    model = kerasae.build_variational(
        input_shape=shape, code_size=32, hidden=HIDDEN, binarize=True, **remedy
    )
    train(model, images, config, progress=False)
    outcomes[name] = evaluation.elbo(model, binary, samples=5)
    busy[name] = int((outcomes[name].kl_per_dimension > 0.1).sum())
    active[name] = evaluation.active_units(model, grey)

figure, axes = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
for (name, m), colour in zip(
    outcomes.items(), (plots.MUTED, plots.BLUE, plots.ORANGE), strict=True
):
    axes.plot(range(1, 33), np.sort(m.kl_per_dimension)[::-1], "o-", ms=3, color=colour, label=name)
axes.set(xlabel="values of the code, by KL", ylabel="KL in nats")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
lines = "\n".join(
    f"| {name} | {active[name]} | {busy[name]} | {m.kl:.1f} | {-m.log_likelihood:.1f} "
    f"| {m.elbo:.1f} |"
    for name, m in outcomes.items()
)
display(
    Markdown(
        "| remedy | active units of 32 | with a KL above 0.1 nats | KL | reconstruction cost "
        f"| ELBO |\n|---|---|---|---|---|---|\n{lines}"
    )
)
winner = max(outcomes, key=lambda name: outcomes[name].elbo)
remedy_names = {"none": "no remedy", "warm-up": "the warm-up", "free bits": "free bits"}
assert busy["free bits"] > busy["none"] < busy["warm-up"]
display(
    Markdown(
        "*The KL of each of 32 values, sorted. Without a remedy the curve breaks off: "
        f"{busy['none']} values carry more than a tenth of a nat, with a warm-up "
        f"{busy['warm-up']}, with free bits {busy['free bits']}. (After so short a training the "
        "usual threshold for active units, a variance of 0.01, is too kind: it counts values that "
        "are only just moving. Look at the KL as well.) Whether it was worth it, the ELBO says: "
        f"here it is best with {remedy_names[winner]}. Values that are kept busy by decree need "
        "not make a model better.*"
    )
)

# %% [markdown]
# ## The scale of the KL term
#
# Well-known tutorials disagree about it, and few say so. Multiply each loss such that the KL stands
# alone, summed over the code, and it becomes clear which model was really trained. For a squared
# error that is a Gaussian of some standard deviation, since
# $-\log p(x|z) = \sum_i (x_i - \hat x_i)^2 / (2 \sigma^2) + \text{const}$.

# %%
size = 2  # of the code, as in most tutorials
recipes = [
    ("sum of cross-entropies + sum of KL", "Bernoulli", "1", "the bound"),
    (
        "sum of cross-entropies + mean of KL over the code",
        "Bernoulli",
        f"{1 / size:g}",
        "beta is one over the size of the code, by accident",
    ),
    (
        "mean of cross-entropies + sum of KL",
        "Bernoulli",
        f"{PIXELS}",
        "the collapse above",
    ),
    (
        "mean of squared errors + KL / pixels",
        f"Gaussian, sigma = {np.sqrt(1 / 2):.2f}",
        "1",
        "a bound, of a model that expects very noisy pixels",
    ),
    (
        "mean of squared errors + 0.00025 KL",
        f"Gaussian, sigma = {np.sqrt(0.00025 * PIXELS / 2):.2f}",
        "1",
        "a bound, and sigma depends on the size of the image",
    ),
]
lines = "\n".join("| " + " | ".join(row) + " |" for row in recipes)
display(Markdown(f"| loss | likelihood | beta | what it is |\n|---|---|---|---|\n{lines}"))

# %% [markdown]
# kerasae sums over everything, so that `beta=1` is the bound, whatever the size of image and code;
# `likelihood` and `sigma` say what an error costs.
#
# ## A VAE is not a GAN
#
# Both make images from noise, and both let you choose that noise. Otherwise they differ in what
# they are asked. A generative adversarial network (GAN) has a generator, which is much like our
# decoder, and a second network that tries to tell its images from real ones. The generator is
# rewarded for images that pass; how *likely* a real image is, it never has to say. So it may leave
# out kinds of images altogether, and what it does paint is sharp. A VAE has to explain *every*
# training image, which is why it covers them all and blurs where it is unsure; it comes with an
# encoder, a bound on the likelihood, and a training with one loss that goes down. A GAN has none of
# these unless they are added. That a VAE gives more control is true of the code: there is a known
# prior, and a code for each image. Of the quality of its pictures it is not true; for sharp
# photographs neither of the two is the first choice today.
#
# ## What can go wrong
#
# **The wrong scale.** See above. Print both parts of the loss in nats and ask whether they are
# sums.
#
# **Reporting the loss of `evaluate`.** It is taken with the mean code. Report the ELBO or the
# likelihood, on binary images if the decoder is a Bernoulli one; on grey images it is no likelihood
# at all.
#
# **A decoder that is too strong, or too noisy.** If it does without the code, it will. A large
# `sigma` says that pixels are noise, and then nothing is worth encoding.
#
# **Sampling from the prior of a model with a small beta.** Its codes lie elsewhere. Fit a density
# to them (`samplers.fit_mixture`) or train with beta = 1.
#
# **Reading meaning into single values.** Nothing in the bound makes one value of the code mean one
# thing; a larger beta favours it, at the price of blur.

# %% [markdown]
# ## Key takeaways
#
# 1. A VAE encodes to a distribution and is trained by a lower bound on the log likelihood. Its
#    negative, the loss, is reconstruction cost plus KL, both sums, in nats.
# 2. The reparameterisation moves the randomness out of the way of the gradient.
# 3. Codes fill most of the prior; that is why most samples and walks decode to something like a
#    digit. Gaps remain, where the regions of several digits meet.
# 4. Beta trades nats for reconstruction. Only at 1 the loss is the negative bound.
# 5. Collapse shows in the KL and in the active units, not in the loss. Check the scale first, then
#    use a warm-up or free bits.

# %% [markdown]
# ## Exercises
#
# **1.** Compute the KL of the 2-D model from mean and log variance yourself, and compare with
# `evaluation.elbo`.
#
# <details><summary>Solution</summary>
#
# ```python
# m, v = (np.asarray(part) for part in vae.get_layer("encoder")(few))
# kl = 0.5 * (np.exp(v) + m**2 - 1 - v).sum(axis=1).mean()
# print(kl, bound.kl)
# assert abs(kl - bound.kl) < 1e-2
# ```
#
# The same number: for two normal distributions the divergence has a closed form, and no code has to
# be drawn for it.
#
# </details>
#
# **2.** Make the plain autoencoder of this chapter generate, without training it again: fit a
# mixture of Gaussians to its training codes.
#
# <details><summary>Solution</summary>
#
# ```python
# train_codes = np.asarray(kerasae.encoder(plain)(images.train[:5000]))
# mixture = samplers.fit_mixture(train_codes, components=10)
# display(plots.plot_samples(samplers.sample_mixture(plain, mixture, 20), columns=10))
# ```
#
# Much better than from the standard normal. What the plain model lacked was not a decoder, but
# knowledge of where its codes lie (Ghosh and others 2020).
#
# </details>
#
# **3.** Walk from one digit to another, with the VAE and with the plain autoencoder.
#
# <details><summary>Solution</summary>
#
# ```python
# walks = np.stack([samplers.interpolate(m, grey[0], grey[1], steps=9) for m in (vae16, plain)])
# display(plots.plot_samples(walks, labels=["VAE", "plain"]))
# ```
#
# The VAE passes through digits. The plain one tends to fade the one image out and the other in,
# though less than its reputation says.
#
# </details>
#
# **4.** A Gaussian decoder whose sigma is learned: what does it come to, and what becomes of the
# KL?
#
# <details><summary>Solution</summary>
#
# ```python
# keras.utils.set_random_seed(0)
# learned = kerasae.build_variational(
#     input_shape=shape, code_size=16, hidden=HIDDEN, likelihood="gaussian_learned"
# )
# record = train(learned, images, config, progress=False).history
# print(f"sigma {record['sigma'][-1]:.3f}, KL {record['kl'][-1]:.1f} nats")
# ```
#
# Sigma settles at about the root-mean-square error of a pixel, far below the 0.71 of the recipe
# above, and the code is allowed more nats.
#
# </details>

# %% [markdown]
# ## What to read next
#
# - [`build_variational`](../kerasae/builders/variational.py): schedules, likelihoods, importance
#   weighting.
# - [Architectures](../docs/architectures.md): the equations of every builder, and what to set
#   first.
#
# **Papers**
#
# - D. P. Kingma and M. Welling (2014), *Auto-Encoding Variational Bayes*, ICLR.
# - D. J. Rezende, S. Mohamed and D. Wierstra (2014), *Stochastic Backpropagation and Approximate
#   Inference in Deep Generative Models*, ICML.
# - S. R. Bowman and others (2016), *Generating Sentences from a Continuous Space*, CoNLL: warm-up.
# - D. P. Kingma and others (2016), *Improved Variational Inference with Inverse Autoregressive
#   Flow*, NeurIPS: free bits.
# - Y. Burda, R. Grosse and R. Salakhutdinov (2016), *Importance Weighted Autoencoders*, ICLR:
#   active units, and the likelihood by importance sampling.
# - I. Higgins and others (2017), *beta-VAE: Learning Basic Visual Concepts with a Constrained
#   Variational Framework*, ICLR.
# - P. Ghosh and others (2020), *From Variational to Deterministic Autoencoders*, ICLR.
# - I. Goodfellow and others (2014), *Generative Adversarial Nets*, NeurIPS.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
