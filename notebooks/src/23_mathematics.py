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
# # The mathematics
#
# *Section: references, the paper on linear and nonlinear autoencoders.* What can be proved about
# autoencoders, and what cannot. Each statement comes with a derivation short enough to follow, and
# with a computation that would fail if the statement were wrong.
#
# **You will be able to**
#
# - derive all critical points of the linear autoencoder, and say how high each of them lies;
# - prove that one of them is the minimum and all others are saddles, and count the ways down;
# - recognise a saddle in a loss curve;
# - say what a nonlinearity gains, what it gives up, and what no width of network can buy;
# - read a Boolean autoencoder as clustering, and a denoising autoencoder as the slope of a density.

# %% [markdown]
# ## The idea
#
# An autoencoder with $n$ inputs and a code of $p < n$ values is a pair of maps, $f$ and $g$. It is
# judged by its mean error over $m$ images:
#
# $$E(f, g) = \frac{1}{m} \sum_{t=1}^{m} \Delta \left( x_t, g(f(x_t)) \right)$$
#
# Three choices make all the difference: which maps are allowed, which distance $\Delta$, and what
# else is asked of them. Pierre Baldi's paper of 2012, which this chapter follows, walks through
# the extremes. With linear maps and squared distance everything can be solved. With arbitrary
# Boolean maps and the number of wrong bits the problem is clustering, and hard. What we train in
# practice lies between the two.

# %%
import itertools
import os

import kerasae
from kerasae import TrainConfig, evaluation, plots, train

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

# %matplotlib inline

FAST = os.environ.get("KERASAE_FAST") == "1"
P = 5 if FAST else 6  # code size on images
rng = np.random.default_rng(0)

# %% [markdown]
# ## The data
#
# Images where the theory should hold for real data, MNIST at half its size or in fast mode the
# digits of scikit-learn; and later points in the plane, since proofs like to be drawn. The mean
# image is subtracted, which the textbooks do, too: then no bias is needed.

# %%
images = kerasae.load_images("digits") if FAST else kerasae.load_images("mnist", image_size=14)
mean = images.train.mean(axis=0)
centred = kerasae.Images(
    train=images.train - mean, validation=images.validation - mean, test=images.test - mean
)
X = centred.train.reshape(len(centred.train), -1).astype(float)  # (m, n)
m, n = X.shape
S = X.T @ X / m  # the covariance
eigenvalues, U = np.linalg.eigh(S)
eigenvalues, U = eigenvalues[::-1], U[:, ::-1]  # in descending order
print(images.summary())

figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
axes.bar(range(1, 21), eigenvalues[:20], color=[plots.ORANGE] * P + [plots.MUTED] * (20 - P))
axes.set(xlabel="number of the eigenvalue, by size", ylabel="variance", xticks=[1, 5, 10, 15, 20])
axes.spines[["top", "right"]].set_visible(False)
plt.show()
display(
    Markdown(
        f"*The first 20 of {n} eigenvalues of the covariance matrix $\\Sigma$ of the images; a "
        f"code of {P} values will be able to keep the orange ones. Everything below is written in "
        f"these numbers. All together they sum to {eigenvalues.sum():.2f}, the squared error of "
        f"whoever paints the mean image.*"
    )
)

# %% [markdown]
# ## The model
#
# The linear autoencoder, one call. Write $B$ for the encoder, $p \times n$, and $A$ for the
# decoder, $n \times p$, so that an image becomes $ABx$.

# %%
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(
    input_shape=images.image_shape, code_size=P, hidden=(), loss="mse"
)
display(plots.plot_architecture(model))

# %% [markdown]
# *Two matrices and nothing between them. The product $AB$ has rank $p$ at most, which is the whole
# restriction.*
#
# ## Error and gradient
#
# With $\Sigma = \frac{1}{m} \sum_t x_t x_t^T$ the squared error is
#
# $$E(A, B) = \frac{1}{m} \sum_t \lVert x_t - A B x_t \rVert^2
# = \mathrm{tr} \left[ (I - AB) \, \Sigma \, (I - AB)^T \right]$$
#
# since $\lVert v \rVert^2 = \mathrm{tr}(v v^T)$. The images have vanished: the error depends on
# them through $\Sigma$ only, and so does everything that gradient descent will ever do. Its
# derivatives are
#
# $$\frac{\partial E}{\partial A} = -2 (I - AB) \Sigma B^T$$
#
# $$\frac{\partial E}{\partial B} = -2 A^T (I - AB) \Sigma$$
#
# Is that right? Let Keras take one plain gradient step on the real images and compare. (Keras
# stores transposed matrices, and its loss is the mean over the pixels, hence the $n$.)

# %%
before = [w.astype(float) for w in model.get_weights()]  # B^T, bias, A^T, bias
B, A = before[0].T, before[2].T
R = np.eye(n) - A @ B
error = np.trace(R @ S @ R.T)
gradients = {"A": -2 * R @ S @ B.T, "B": -2 * A.T @ R @ S}
start = model.get_weights()
model.compile(keras.optimizers.SGD(1.0), loss="mse", jit_compile=False)
loss = float(model.train_on_batch(centred.train, centred.train))
after = model.get_weights()
steps = {"A": (after[2] - before[2]).T, "B": (after[0] - before[0]).T}
for name, gradient in gradients.items():
    np.testing.assert_allclose(steps[name], -gradient / n, rtol=1e-2, atol=2e-5)
assert np.isclose(error / n, loss, rtol=1e-3)
print(f"error by the formula {error:.4f}, by Keras {n * loss:.4f}")
model.set_weights(start)

# %% [markdown]
# ## Where the gradient is zero
#
# Suppose $A$ has full rank and $\Sigma$ is invertible. Set $\partial E / \partial B$ to zero, and
# $B$ is the pseudoinverse:
#
# $$A^T (I - AB) \Sigma = 0 \;\Rightarrow\; B = (A^T A)^{-1} A^T
# \;\Rightarrow\; AB = P_A$$
#
# with $P_A$ the orthogonal projection on the columns of $A$. At a critical point, then, the network
# projects. Now set $\partial E / \partial A$ to zero and multiply by $A^T$ from the right:
#
# $$(I - P_A) \Sigma B^T A^T = 0 \;\Rightarrow\; \Sigma P_A = P_A \Sigma P_A = P_A \Sigma$$
#
# (the middle term is symmetric, so the outer ones are transposes of each other, and equal). A
# projection that commutes with $\Sigma$ maps its eigenspaces to themselves. If the eigenvalues
# differ, $P_A$ projects on *some* $p$ of the eigenvectors: there is a set $I$ of $p$ indices and
# any invertible matrix $C$ with
#
# $$A = U_I C, \quad B = C^{-1} U_I^T$$
#
# $$E = \sum_{i \notin I} \lambda_i$$
#
# The matrix $C$ is free: the code may be written in any coordinates, and the error does not see
# it. If $A$ has a lower rank, the same holds with a smaller set.
#
# ## Which way is down
#
# Take a critical point that misses a larger eigenvalue: some $i \in I$ and $j \notin I$ with
# $\lambda_j > \lambda_i$. Turn $u_i$ a little towards $u_j$. A projection on $\cos(s) \, u_i +
# \sin(s) \, u_j$ keeps the variance $\lambda_i \cos^2 s + \lambda_j \sin^2 s$, so
#
# $$E(s) = E(0) - (\lambda_j - \lambda_i) \sin^2 s$$
#
# which falls whichever way one turns. So it was no minimum. Each such pair is one independent way
# down, and only $I = \{1, \dots, p\}$ has none: **there is one minimum, up to $C$, and everything
# else is a saddle**. This is the theorem of Baldi and Hornik.
#
# Now the test. Four dimensions, a code of two, and eigenvalues 8, 4, 2 and 1: six critical points
# of full rank and five of lower rank, down to all zeros. For each, compute the error, the gradient
# and all eigenvalues of the matrix of second derivatives, whose negative ones are the ways down.
# Where $r < p$ indices are used, every unused unit of the code and every unused eigenvector make
# one more: $(p - r)(n - r)$.

# %%
spectrum = np.array([8.0, 4.0, 2.0, 1.0])
size, units = len(spectrum), 2
turn = np.linalg.qr(rng.normal(size=(size, size)))[0]  # eigenvectors in general position
sigma = turn @ np.diag(spectrum) @ turn.T
basis = np.eye(2 * size * units)
d_a = basis[:, : size * units].reshape(-1, size, units)
d_b = basis[:, size * units :].reshape(-1, units, size)

points = {}
for rank in (2, 1, 0):
    for chosen in itertools.combinations(range(size), rank):
        mix = rng.normal(size=(rank, rank)) + 2 * np.eye(rank)  # any C will do
        a, b = np.zeros((size, units)), np.zeros((units, size))
        a[:, :rank] = turn[:, chosen] @ mix
        b[:rank] = np.linalg.inv(mix) @ turn[:, chosen].T
        rest = np.eye(size) - a @ b
        # E(A + t d_a, B + t d_b): first and second derivatives in t, for all pairs of directions.
        first = d_a @ b + a @ d_b
        slope = -2 * np.einsum("kab,bc,ac->k", first, sigma, rest)
        bent = np.einsum("iap,jpb,bc,ac->ij", d_a, d_b, sigma, rest)
        hessian = 2 * np.einsum("iab,bc,jac->ij", first, sigma, first) - 2 * (bent + bent.T)
        curvatures = np.linalg.eigvalsh(hessian)
        down = int((curvatures < -1e-6 * curvatures.max()).sum())
        missed = [j for j in range(size) if j not in chosen]
        pairs = sum(spectrum[j] > spectrum[i] for i in chosen for j in missed)
        height = np.trace(rest @ sigma @ rest.T)
        assert np.abs(slope).max() < 1e-9
        assert np.isclose(height, spectrum[missed].sum())
        assert down == pairs + (units - rank) * (size - rank)
        points[chosen] = (height, down)
assert [chosen for chosen, (_, down) in points.items() if down == 0] == [(0, 1)]

figure, axes = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
for chosen, (height, down) in points.items():
    colour = plots.GREEN if down == 0 else (plots.MUTED, plots.ORANGE, plots.BLUE)[len(chosen)]
    axes.plot(down, height, "o", color=colour, ms=9)
    label = "{" + ", ".join(f"{spectrum[i]:.0f}" for i in chosen) + "}"
    axes.annotate(label, (down, height), (8, -3), textcoords="offset points", fontsize=9)
axes.set(
    xlabel="ways down: negative eigenvalues of the Hessian",
    ylabel="error at the critical point",
    xlim=(-0.4, 9),
    ylim=(0, 16.5),
)
axes.spines[["top", "right"]].set_visible(False)
plt.show()
display(
    Markdown(
        f"*All {len(points)} kinds of critical points, each named by the eigenvalues that it "
        f"keeps: two (blue, and green the minimum), one (orange), or none (grey). Every gradient "
        f"is zero, every height is the sum of the eigenvalues left out, and the number of ways "
        f"down is the predicted one, for all of them. Only {{8, 4}} has none. See also that a good "
        f"error is no guarantee: {{8, 2}} lies just {points[0, 2][0] - points[0, 1][0]:.0f} above "
        f"the minimum, and is a saddle.*"
    )
)

# %% [markdown]
# ## The landscape, drawn
#
# The smallest autoencoder there is has one input and one code value: $E(a, b) = (1 - ab)^2$ for
# data of variance 1. It has a saddle at zero and a valley of minima, $ab = 1$, along which $C$
# acts. The second smallest that can be drawn has two inputs, one code value, and **tied** weights,
# $B = A^T = w^T$. Tying removes $C$ but for its sign, and turns the zero from a saddle into a peak.

# %%
line = np.linspace(-1.6, 1.6, 121)
first, second = np.meshgrid(line, line)
plane = np.stack([first, second], axis=-1)
variances = np.array([1.0, 0.45])
scalar = (1 - first * second) ** 2
kept = (plane**2 * variances).sum(-1)  # w^T S w
tied = variances.sum() - 2 * kept + (plane**2).sum(-1) * kept

rate, paths = 0.02, {0: [], 1: []}
for k in range(8):
    angle = np.pi / 2 + 0.08 * (k - 3.5)  # close to the way to a saddle
    w = 0.1 * np.array([np.cos(angle), np.sin(angle) * (1 if k % 2 else -1)])
    v = np.array([-1.2, 1.2]) + 0.06 * (k - 3.5)
    trails = ([v], [w])
    for _ in range(600):
        rest = 1 - v[0] * v[1]
        v = v + 2 * rate * rest * v[::-1]
        kept_w = w @ (variances * w)
        w = w + rate * (4 * variances * w - 2 * kept_w * w - 2 * (w @ w) * variances * w)
        trails[0].append(v)
        trails[1].append(w)
    for which in paths:
        paths[which].append(np.array(trails[which]))

figure = plt.figure(figsize=(8.4, 7.4), layout="constrained")
names = (("encoder b", "decoder a"), ("weight $w_1$", "weight $w_2$"))
flat_points = (([(0, 0)], []), ([(0, 1), (0, -1)], [(1, 0), (-1, 0)]))  # saddles, minima
for which, (title, surface) in enumerate(
    [("untied, one input", scalar), ("tied, two inputs", tied)]
):
    axes = figure.add_subplot(2, 2, 1 + which, projection="3d")
    axes.plot_surface(
        first,
        second,
        np.minimum(surface, 3),
        cmap="viridis_r",
        vmin=0,
        vmax=3,
        rcount=60,
        ccount=60,
    )
    axes.set(xlabel=names[which][0], ylabel=names[which][1], zlim=(0, 3), title=title)
    axes.set_zlabel("error")
    axes.view_init(52, -62)
    axes.set_box_aspect(None, zoom=0.86)
    axes = figure.add_subplot(2, 2, 3 + which)
    levels = np.linspace(0, 3, 25)
    axes.contourf(
        first, second, np.minimum(surface, 3), levels=levels, cmap="viridis_r", alpha=0.75
    )
    for path in paths[which]:
        axes.plot(*path.T, color="white", lw=1.2)
        axes.plot(*path[-1], "o", color=plots.ORANGE, ms=5)
    saddles, minima = flat_points[which]
    for point in saddles:
        axes.plot(*point, "x", color=plots.RED, ms=9, mew=2)
    for point in minima:
        axes.plot(*point, "+", color=plots.INK, ms=12, mew=2)
    axes.set(xlabel=names[which][0], ylabel=names[which][1], aspect="equal")
plt.show()
for path in paths[1]:
    np.testing.assert_allclose(np.abs(path[-1]), [1, 0], atol=2e-2)
for path in paths[0]:
    np.testing.assert_allclose(path[-1].prod(), 1, atol=1e-2)

# %% [markdown]
# *Above: the error over the weights, cut off at 3; yellow is low, dark is high. Below: the same
# from above, with paths of gradient descent (white) to where they end (orange); red crosses are
# saddles. Left: two valleys of equally good weights, and between them a pass, the saddle at zero.
# Right: a peak at zero, two hollows (black) and two passes. Neither surface is convex, and still
# neither has a hollow that is not as deep as every other one: wherever a path ends, the error is
# the same.*
#
# ## Training: leaving saddles
#
# From near zero, gradient descent sees a saddle first. It finds the steepest way, picks up the
# largest eigenvalue, and comes to the next saddle: the loss curve is a staircase whose steps are
# known beforehand. Left, starts that lie next to each of the six critical points above; right, the
# images, from tiny weights, with the exact gradient.

# %%
STEPS = 900 if FAST else 700
curves, ends = {}, []
for chosen in itertools.combinations(range(size), units):
    a = turn[:, chosen] + 1e-5 * rng.normal(size=(size, units))
    b = turn[:, chosen].T + 1e-5 * rng.normal(size=(units, size))
    record = []
    for _ in range(400):
        rest = np.eye(size) - a @ b
        record.append(np.trace(rest @ sigma @ rest.T))
        a, b = a + 0.04 * rest @ sigma @ b.T, b + 0.04 * a.T @ rest @ sigma
    curves[chosen] = record
    ends.append(record[-1])
np.testing.assert_allclose(ends, spectrum[units:].sum(), rtol=1e-3)

a, b = 1e-9 * rng.normal(size=(n, P)), 1e-9 * rng.normal(size=(P, n))
rate, stairs = 0.05 / eigenvalues[0], []
for _ in range(STEPS):
    rest_a = a @ (b @ S)
    stairs.append(eigenvalues.sum() - 2 * np.trace(rest_a) + np.sum((a.T @ a) * (b @ S @ b.T)))
    down_a, down_b = S @ b.T - rest_a @ b.T, a.T @ S - a.T @ rest_a
    a, b = a + 2 * rate * down_a, b + 2 * rate * down_b
levels = eigenvalues.sum() - np.concatenate([[0], np.cumsum(eigenvalues[:P])])

figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6), layout="constrained")
for (chosen, record), colour in zip(
    curves.items(),
    (plots.GREEN, plots.BLUE, plots.ORANGE, plots.RED, plots.MUTED, plots.INK),
    strict=True,
):
    label = "{" + ", ".join(f"{spectrum[i]:.0f}" for i in chosen) + "}"
    left.plot(record, color=colour, label=label)
left.legend(frameon=False, fontsize=8, title="starts near", title_fontsize=8)
left.set(xlabel="step", ylabel="error", ylim=(2, 13))
for level in levels:
    right.axhline(level, color=plots.MUTED, ls=":", lw=1)
right.plot(stairs, color=plots.BLUE)
drops, inner = -np.diff(stairs), levels[1:-1]
slow = [  # where the curve is slowest, between two falls
    t
    for t in range(1, len(drops) - 1)
    if drops[t - 1] > drops[t] <= drops[t + 1]
    and 0.9 * levels[-1] + 0.1 * levels[-2] < stairs[t] < 0.9 * levels[0] + 0.1 * levels[1]
]
right.plot(slow, [stairs[t] for t in slow], "o", color=plots.ORANGE, ms=5)
right.set(xlabel="step", ylabel="squared error of an image")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
line_of = [int(np.abs(inner - stairs[t]).argmin()) for t in slow]
off = max(abs(stairs[t] / inner[k] - 1) for t, k in zip(slow, line_of, strict=True))
assert len(set(line_of)) == len(slow) >= P - (2 if FAST else 1)  # each line but the outer ones
assert off < (0.08 if FAST else 0.03)
assert stairs[-1] < 1.01 * levels[-1]
assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(stairs))
display(
    Markdown(
        f"*Left: each start rests at the height of its critical point. {{8, 4}} is the minimum and "
        f"stays; the others are saddles, which are left in the end, some by way of another saddle, "
        f"and all come to {spectrum[units:].sum():.0f}. Right: dotted lines are the heights "
        f"$\\sum_{{i > k}} \\lambda_i$ for $k = 0$ to {P}, computed from the eigenvalues alone. "
        f"The curve goes from the first to the last, and on its way it is slowest at {len(slow)} "
        f"places (orange), each within {off:.1%} of a line: one eigenvalue at a time, the largest "
        f"first. Where neighbouring eigenvalues differ clearly it rests there; where they are "
        f"close, a mere bend is left. A plateau in a loss curve may be a saddle, not the end.*"
    )
)

# %% [markdown]
# Nothing here needs small weights or exact gradients in practice. From the usual random start, with
# mini-batches and Adam, the same minimum is reached.

# %%
config = TrainConfig(
    epochs=15 if FAST else 12,
    batch_size=32 if FAST else 128,
    learning_rate=3e-2 if FAST else 1e-2,
    jit_compile=not FAST,
)
keras.utils.set_random_seed(0)
model = kerasae.build_undercomplete(
    input_shape=images.image_shape, code_size=P, hidden=(), loss="mse"
)
history = train(model, centred, config, progress=False).history
display(plots.plot_history(history))
rebuilt = model.predict(centred.test, verbose=0) + mean
quality = evaluation.psnr(images.test, np.clip(rebuilt, 0, 1))
display(plots.plot_reconstructions(images.test, np.clip(rebuilt, 0, 1), count=10, gain=1))

# %%
encoder_kernel, _, decoder_kernel, _ = model.get_weights()
B, A = encoder_kernel.T.astype(float), decoder_kernel.T.astype(float)
R = np.eye(n) - A @ B
minimum = eigenvalues[P:].sum()
excess = np.trace(R @ S @ R.T) / minimum - 1
away = A @ B - U[:, :P] @ U[:, :P].T
off = np.trace(away @ S @ away.T) / eigenvalues.sum()
slack = B - np.linalg.pinv(A)
loose = np.trace(slack @ S @ slack.T) / np.trace(B @ S @ B.T)
mixing = U[:, :P].T @ A  # the matrix C
mixed = np.linalg.norm(mixing - np.diag(np.diag(mixing))) / np.linalg.norm(mixing)
facts = {
    f"error above the minimum of {minimum:.3f}": excess,
    "$ABx$ against the projection of $x$, share of the variance": off,
    "$Bx$ against $(A^T A)^{-1} A^T x$, share of the code's": loose,
}
facts = {name: "below 0.01%" if v < 1e-4 else f"{v:.2%}" for name, v in facts.items()}
facts["trace of $AB$, to be $p$"] = f"{np.trace(A @ B):.3f}"
facts["$C = U_p^T A$, free: off-diagonal part"] = f"{mixed:.0%}"
lines = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
display(Markdown(f"| what the theorem says of the trained model | found |\n|---|---:|\n{lines}"))
assert excess < 0.02
assert max(off, loose) < 0.02
assert abs(np.trace(A @ B) - P) < 0.2
display(
    Markdown(
        f"*Above: loss, then ten test digits, their reconstructions and the difference (grey is "
        f"none, black is too dark, white is too bright); {quality:.1f} dB PSNR, which is little, "
        f"and the most that {P} linear numbers can do. The table: on images, the product of the "
        f"trained matrices is the projection on the first {P} eigenvectors and the encoder the "
        f"pseudoinverse of the decoder; the columns of the decoder are not eigenvectors, as $C$ is "
        f"left to chance. (On images, since a pixel that never varies leaves its weights where "
        f"they were: there $\\Sigma$ is singular.)*"
    )
)

# %% [markdown]
# ### A neuron that does the same
#
# Take one code value and tied weights, $y = w^T x$, and look at the gradient for a single image:
# $(x - y w) \, y$ plus a term that vanishes as $\lVert w \rVert$ comes to 1. The first part is
# Oja's rule of 1982: strengthen a connection when both of its ends are active together (Hebb), and
# forget in proportion. So a model neuron, with no backward pass, learns the first eigenvector.

# %%
w = 0.1 * rng.normal(size=n) / np.sqrt(n)
for step, t in enumerate(np.tile(rng.permutation(m)[:20_000], 8 if FAST else 2)):
    y = w @ X[t]
    w = w + 0.02 / (1 + step / 1000) / eigenvalues[0] * y * (X[t] - y * w)
alike = abs(w @ U[:, 0]) / np.linalg.norm(w)
assert alike > 0.9
assert 0.8 < np.linalg.norm(w) < 1.2
print(f"length {np.linalg.norm(w):.3f}, cosine with the first eigenvector {alike:.4f}")

# %% [markdown]
# ## What a nonlinearity changes
#
# With hidden layers the reconstructions no longer lie in a plane. They lie on a curved surface of
# dimension $p$, the image of the decoder: the **manifold view**. If the data lie near such a
# surface, the code becomes a coordinate on it, and the error is the distance to it. Here are
# points near a curve in the plane, a code of one value, and hidden layers of growing width. All
# else is equal; three seeds each.

# %%
COUNT = 6000 if FAST else 12_000
along = rng.uniform(0, 1, COUNT)
angle, radius = 1.5 * np.pi * along, 0.35 + 0.65 * along
curve = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
curve = (curve + 0.03 * rng.normal(size=curve.shape)).astype(np.float32).reshape(-1, 1, 2, 1)
snail = kerasae.Images(train=curve[1000:], validation=curve[:500], test=curve[500:1000])
drawn_config = TrainConfig(
    epochs=6 if FAST else 20, batch_size=50, learning_rate=1e-2, jit_compile=False
)
widths, seeds = ((0, 32), 1) if FAST else ((0, 3, 32), 3)
losses, nets = {}, {}
for width in widths:
    losses[width] = []
    for seed in range(seeds):
        keras.utils.set_random_seed(seed)
        net = kerasae.build_undercomplete(
            input_shape=(1, 2, 1),
            code_size=1,
            hidden=(width, width) if width else (),
            activation="tanh",
            loss="mse",
        )
        train(net, snail, drawn_config, progress=False)
        losses[width].append(2 * net.evaluate(snail.validation, snail.validation, verbose=0))
        if losses[width][-1] == min(losses[width]):
            nets[width] = net

figure, grid = plt.subplots(1, len(widths), figsize=(8.6, 3.2), layout="constrained", sharey=True)
cloud = snail.test[:, 0, :, 0]
for axes, width in zip(grid, widths, strict=True):
    encode, decode = kerasae.encoder(nets[width]), kerasae.decoder(nets[width])
    code = np.asarray(encode(snail.test))
    path = np.asarray(decode(np.linspace(code.min(), code.max(), 400)[:, None]))[:, 0, :, 0]
    back = np.asarray(decode(code))[:, 0, :, 0]
    for one, other in zip(cloud[:120], back, strict=False):
        axes.plot(*zip(one, other, strict=True), color=plots.BLUE, lw=0.7, alpha=0.6)
    axes.plot(*cloud.T, ".", color=plots.MUTED, ms=3)
    axes.plot(*path.T, color=plots.ORANGE, lw=2)
    axes.set_title(f"hidden: {f'{width}, {width}' if width else 'none'}", fontsize=10)
    axes.set(xlabel="$x_1$", aspect="equal")
    axes.spines[["top", "right"]].set_visible(False)
grid[0].set_ylabel("$x_2$")
plt.show()
rows = "\n".join(
    f"| {width or 'none (linear)'} | " + ", ".join(f"{v:.4f}" for v in sorted(values)) + " |"
    for width, values in losses.items()
)
display(Markdown(f"| units of each hidden layer | squared error, each seed |\n|---|---|\n{rows}"))
flat = np.linalg.eigvalsh(np.cov(snail.validation[:, 0, :, 0].T))[0]
assert min(losses[32]) < 0.3 * min(losses[0])
assert 0.9 < min(losses[0]) / flat < 1.15
display(
    Markdown(
        f"*Grey: data. Orange: all that the decoder can paint. Blue: from a point to its "
        f"reconstruction. The line of the linear model is the first principal axis, and its error "
        f"is the smaller eigenvalue, {flat:.3f}, for every seed. With width the orange curve "
        f"learns to bend, and the error comes close to that of the noise across the curve, "
        f"{0.03**2:.4f}. Where there are several seeds, compare them: linear models agree, "
        f"nonlinear ones need not. The theorem about minima is gone, and with it the certainty.*"
    )
)

# %% [markdown]
# ### Universal approximation, and a circle
#
# A network with one wide hidden layer can approximate any continuous function on a bounded set as
# closely as one likes (Cybenko 1989; Hornik, Stinchcombe and White 1989). Is an autoencoder of
# sufficient width then always good? No: the theorem says that a network can follow a continuous
# map *if there is one*. Take a circle and a code of one value. A circle is one-dimensional. But let
# $f$ be any continuous encoder, and compare opposite points:
#
# $$h(\theta) = f(\theta) - f(\theta + \pi)$$
#
# $$h(\theta + \pi) = -h(\theta)$$
#
# So $h$ changes its sign and is zero somewhere: two opposite points have one code, hence one
# reconstruction, and it is at least one radius away from one of them. No width, depth or training
# can help (the case of one dimension of the theorem of Borsuk and Ulam). Train a wide network, and
# find the two points by bisection.

# %%
turns = rng.uniform(0, 2 * np.pi, COUNT)
ring = np.stack([np.cos(turns), np.sin(turns)], -1).astype(np.float32).reshape(-1, 1, 2, 1)
circle = kerasae.Images(train=ring[1000:], validation=ring[:500], test=ring[500:1000])
worst = {}
for code_size in (1, 2):
    keras.utils.set_random_seed(0)
    net = kerasae.build_overcomplete if code_size == 2 else kerasae.build_undercomplete
    extra = {"regularizer": None} if code_size == 2 else {}
    net = net(
        input_shape=(1, 2, 1),
        code_size=code_size,
        hidden=(64, 64),
        loss="mse",
        **extra,
    )
    train(net, circle, drawn_config, progress=False)
    dense = np.linspace(0, 2 * np.pi, 2001)
    around = np.stack([np.cos(dense), np.sin(dense)], -1).astype(np.float32)[:, None, :, None]
    painted = np.asarray(net(around))[:, 0, :, 0]
    misses = np.linalg.norm(painted - around[:, 0, :, 0], axis=1)
    worst[code_size] = float(misses.max())
    if code_size == 1:
        encode, paths = kerasae.encoder(net), painted
        codes = np.asarray(encode(around))[:, 0]
        low, high, net1 = 0.0, np.pi, net
for _ in range(40):
    middle = (low + high) / 2
    three = np.array([low, middle])[:, None] + [0, np.pi]
    ends = np.stack([np.cos(three), np.sin(three)], -1).astype(np.float32).reshape(4, 1, 2, 1)
    value = np.asarray(encode(ends))[:, 0]
    same = np.sign(value[0] - value[1]) == np.sign(value[2] - value[3])
    low, high = (middle, high) if same else (low, middle)
pair = ends[2:, 0, :, 0]
both = np.asarray(net1(ends[2:]))[:, 0, :, 0]
gaps = np.linalg.norm(pair - both, axis=1)
assert gaps.max() > 0.97
assert worst[2] < 0.4

figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.5), layout="constrained")
left.plot(*around[:, 0, :, 0].T, color=plots.MUTED, lw=3, alpha=0.5, label="circle")
left.plot(*paths.T, ".", color=plots.ORANGE, ms=2, label="reconstructions")
for point, image in zip(pair, both, strict=True):
    left.plot(*zip(point, image, strict=True), "o-", color=plots.RED, ms=5, lw=1)
left.legend(frameon=False, fontsize=8, loc="upper right")
left.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", xlim=(-1.2, 1.9), ylim=(-1.2, 1.3))
half = len(dense) // 2
right.plot(dense[: half + 1], codes[: half + 1], color=plots.BLUE, label="$f(\\theta)$")
right.plot(dense[: half + 1], codes[half:], color=plots.GREEN, label="$f(\\theta + \\pi)$")
right.axvline(middle, color=plots.RED, lw=1, ls=":")
right.set(xlabel="angle $\\theta$", ylabel="code", xticks=[0, np.pi / 2, np.pi])
right.set_xticklabels(["0", "π/2", "π"])
right.legend(frameon=False, fontsize=8)
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
display(
    Markdown(
        f"*Right: the codes of opposite points, as the angle goes half way round; the two lines "
        f"must cross, and do at the dotted line. Left: those two points (red) have practically one "
        f"reconstruction, which is {gaps.max():.2f} away from the farther one; the bound says at "
        f"least 1. The network tears the circle open at one place and is good elsewhere. Orange "
        f"dots are the reconstructions of {len(dense):,} points of equal distance; in the tear "
        f"they hurry back round the circle in few steps. With a code of two values the largest "
        f"error is {worst[2]:.3f}.*"
    )
)

# %% [markdown]
# The same holds for images. The rotations of an object form a circle, so a code that is to follow
# them without a tear needs two values, although one would be enough to *name* the angle.
#
# ## The other extreme: Boolean codes are clusters
#
# Now let $x$ be bits, the code $p$ bits, encoder and decoder any functions at all, and $\Delta$ the
# number of wrong bits. There are only $K = 2^p$ codes. Given the encoder, the images with one code
# form a cluster, and the best that the decoder can paint for it is the majority of each bit. Given
# the decoder, the best encoder picks the nearest of its $K$ pictures. To do both in turn is
# $k$-means with another distance. The error can never rise, and there are finitely many decoders,
# so at some round nothing changes any more. Where does it stand still?

# %%
bits = (images.train[:3000] > 0.5).reshape(min(m, 3000), -1).astype(float)
BITS, MOST, STARTS = 4, 200, 6 if FAST else 12
falls, painters = [], []
for _ in range(STARTS):
    pictures = bits[rng.choice(len(bits), 2**BITS, replace=False)]
    fall = []
    for _ in range(MOST):
        wrong = bits.sum(1)[:, None] + pictures.sum(1) - 2 * bits @ pictures.T
        nearest = wrong.argmin(axis=1)  # the encoder
        fall.append(wrong.min(axis=1).mean())
        counts = np.bincount(nearest, minlength=2**BITS)[:, None]
        votes = np.eye(2**BITS)[nearest].T @ bits
        before = pictures
        pictures = np.where(counts > 0, 2 * votes > counts, pictures).astype(float)  # the decoder
        if np.array_equal(pictures, before):
            break
    assert np.array_equal(pictures, before)  # it has come to a standstill
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(fall))
    falls.append(fall)
    painters.append(pictures)
best = int(np.argmin([fall[-1] for fall in falls]))
finals = np.array([fall[-1] for fall in falls])
spread = finals.max() / finals.min() - 1
assert len(np.unique(finals.round(6))) > 1

display(
    plots.plot_samples(
        painters[best].reshape(2, 2 ** (BITS - 1), *images.image_shape).astype(float)
    )
)
figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
for k, fall in enumerate(falls):
    axes.plot(
        range(1, len(fall) + 1), fall, color=plots.GREEN if k == best else plots.MUTED, lw=1.2
    )
    axes.plot(len(fall), fall[-1], "o", color=plots.GREEN if k == best else plots.MUTED, ms=4)
axes.set(xlabel="round", ylabel="wrong bits per image")
axes.spines[["top", "right"]].set_visible(False)
plt.show()
display(
    Markdown(
        f"*Above: the {2**BITS} pictures of the best decoder, one for each code of {BITS} bits. "
        f"Below: wrong bits, of {n}, from {STARTS} random starts, each to the dot where nothing "
        f"changes any more, after {min(map(len, falls))} to {max(map(len, falls))} rounds. Every "
        f"curve falls, and they end at different heights, {finals.min():.2f} to "
        f"{finals.max():.2f} ({spread:.0%} apart): local minima, which the linear case does not "
        f"have. To find the best clustering is NP-hard when the number of clusters may grow. "
        f"Training the most nonlinear autoencoder is a hard problem, not only a hard-looking one.*"
    )
)

# %% [markdown]
# ## What a denoising autoencoder knows
#
# So far a small code did the work. Now let the code be as large as you like, and the input noisy:
# $\tilde{x} = x + \sigma \varepsilon$. The best reconstruction in squared error is the conditional
# mean, and there is an exact formula for it. With $p_\sigma$ the density of noisy data,
#
# $$r(\tilde{x}) = \mathbb{E}[x \mid \tilde{x}]
# = \frac{\int x \, \mathcal{N}(\tilde{x}; x, \sigma^2 I) \, p(x) \, dx}{p_\sigma(\tilde{x})}$$
#
# $$\sigma^2 \nabla p_\sigma(\tilde{x})
# = \int (x - \tilde{x}) \, \mathcal{N}(\tilde{x}; x, \sigma^2 I) \, p(x) \, dx$$
#
# Divide the second by $p_\sigma$ and compare:
#
# $$r(\tilde{x}) - \tilde{x} = \sigma^2 \, \nabla \log p_\sigma(\tilde{x})$$
#
# The step from a noisy point to its reconstruction is the **score**, the slope of the log density,
# times $\sigma^2$. It points to where data are more likely. For small $\sigma$ it is the score of
# the data themselves, up to $o(\sigma^2)$: the result of Alain and Bengio, who show the same for
# contractive autoencoders. For a Gaussian it takes a line to check: the best linear denoiser is
# $\Sigma (\Sigma + \sigma^2 I)^{-1}$, the score is $-(\Sigma + \sigma^2 I)^{-1} x$.

# %%
noisy = sigma + 0.3**2 * np.eye(size)
np.testing.assert_allclose(
    sigma @ np.linalg.inv(noisy) - np.eye(size), -(0.3**2) * np.linalg.inv(noisy), atol=1e-12
)

# %% [markdown]
# For a network the test is a density whose score is known: three bumps. And the experiment is the
# one hyperparameter of the matter, the noise `level`. The densities cannot be read off the
# training; the model sees points and noise, nothing else.

# %%
bumps = np.array([[0.0, 0.75], [-0.65, -0.4], [0.65, -0.4]])
points = bumps[rng.integers(0, 3, 20_000)] + 0.2 * rng.normal(size=(20_000, 2))
points = points.astype(np.float32).reshape(-1, 1, 2, 1)
bumpy = kerasae.Images(train=points[1000:], validation=points[:500], test=points[500:1000])
LEVELS = (0.2, 0.5) if FAST else (0.1, 0.2, 0.3, 0.5)
score_config = TrainConfig(
    epochs=4 if FAST else 20, batch_size=100, learning_rate=1e-2, jit_compile=False
)
denoisers, misfit = {}, {"score of the noisy data": {}, "score of the data": {}}
for level in LEVELS:
    keras.utils.set_random_seed(0)
    denoisers[level] = kerasae.build_denoising(
        base="overcomplete",
        level=level,
        clip=False,
        input_shape=(1, 2, 1),
        code_size=32,
        hidden=(64,),
        regularizer=None,
        loss="mse",
    )
    train(denoisers[level], bumpy, score_config, progress=False)
    probe = bumpy.test[:, 0, :, 0] + level * rng.normal(size=(500, 2))  # where noisy data are
    moved = denoisers[level].predict(probe.reshape(-1, 1, 2, 1), verbose=0)[:, 0, :, 0] - probe
    for name, blur in (("score of the noisy data", level), ("score of the data", 0.0)):
        variance = 0.2**2 + blur**2
        away = bumps - probe[:, None]  # (500, 3, 2)
        weights = np.exp(-(away**2).sum(-1) / (2 * variance))
        weights /= weights.sum(axis=1, keepdims=True)
        score = (weights[..., None] * away).sum(axis=1) / variance
        gap = np.square(moved / level**2 - score).sum() / np.square(score).sum()
        misfit[name][level] = float(np.sqrt(gap))
exact, small = misfit["score of the noisy data"], misfit["score of the data"]
assert max(exact.values()) < 0.5
assert all(exact[level] < small[level] for level in LEVELS if level > 0.1)
assert small[LEVELS[-1]] > 1.5 * exact[LEVELS[-1]]
display(
    plots.plot_curves(
        misfit, xlabel="noise level", ylabel="relative error of (r(x) - x) / level²", log_x=True
    )
)
display(
    Markdown(
        f"*The error of the learnt field, against two candidates. At the levels "
        f"{', '.join(map(str, LEVELS))} it misses the score of the noisy data by "
        f"{', '.join(f'{v:.0%}' for v in exact.values())}; the score of the data themselves by "
        f"{', '.join(f'{v:.0%}' for v in small.values())}, more and more as the noise grows. Very "
        f"small noise has a price of its own: the steps to be learnt are small beside it.*"
    )
)

# %%
level, ticks = 0.2, np.linspace(-1.35, 1.35, 13)
mesh = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
variance = 0.2**2 + level**2
away = bumps - mesh[:, None]
weights = np.exp(-(away**2).sum(-1) / (2 * variance))
density = weights.sum(axis=1)
score = (weights[..., None] * away).sum(axis=1) / variance / density[:, None]
learnt = denoisers[level].predict(mesh.astype(np.float32).reshape(-1, 1, 2, 1), verbose=0)
learnt = (learnt[:, 0, :, 0] - mesh) / level**2
near = density > 0.02 * density.max()

fine = np.linspace(-1.5, 1.5, 80)
shifts = np.stack(np.meshgrid(fine, fine), -1)[..., None, :] - bumps
height = np.exp(-(shifts**2).sum(-1) / (2 * variance)).sum(-1)
walkers = rng.uniform(-1.3, 1.3, (300, 2))
for _ in range(200):  # Langevin: half a step along the score, and noise
    pull = denoisers[level](walkers.astype(np.float32).reshape(-1, 1, 2, 1))
    pull = (np.asarray(pull)[:, 0, :, 0] - walkers) / level**2
    walkers = walkers + 0.01 * pull + np.sqrt(0.02) * rng.normal(size=walkers.shape)
figure, grid = plt.subplots(1, 3, figsize=(8.8, 3.2), layout="constrained", sharey=True)
for axes, field, title in zip(
    grid, (score, learnt), ("score, by the formula", "score, learnt from points"), strict=False
):
    axes.contourf(fine, fine, height, levels=8, cmap="Blues", alpha=0.6)
    axes.quiver(*mesh[near].T, *field[near].T, color=plots.INK, scale=90, width=0.008)
    axes.set_title(title, fontsize=10)
grid[2].plot(*walkers.T, ".", color=plots.ORANGE, ms=4)
grid[2].plot(*bumps.T, "+", color=plots.INK, ms=9)
grid[2].set_title("300 walkers that follow it", fontsize=10)
for axes in grid:
    axes.set(xlabel="$x_1$", aspect="equal", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
grid[0].set_ylabel("$x_2$")
plt.show()
cosine = (score * learnt).sum(1) / np.linalg.norm(score, axis=1) / np.linalg.norm(learnt, axis=1)
agreement = float(np.median(cosine[near]))
assert agreement > 0.9
display(
    Markdown(
        f"*Level {level}, with the density of the noisy data in blue, the darker the higher. Both "
        f"fields point uphill to the three bumps (median cosine {agreement:.3f}). On the right, "
        f"points from a uniform start that followed the learnt field, with some noise at each "
        f"step, have become a sample of the noisy data.*"
    )
)

# %% [markdown]
# The last panel is the seed of diffusion models: denoisers for many noise levels, and a walk from
# large noise to small. An autoencoder without a narrow code has learnt a density, without ever
# computing one.

# %% [markdown]
# ## What can go wrong
#
# **Reading the theorem as one about training time.** No local minima does not mean fast. Near a
# saddle the gradient is small, and close eigenvalues make the last directions slow.
#
# **Reading it as one about deep networks.** It covers two linear layers and squared error. Deeper
# *linear* networks have no bad local minima either (Kawaguchi 2016), but flat saddles, where the
# second derivatives show no way down. With nonlinear units there is no such theorem.
#
# **Taking the code for the components.** The product $AB$ is determined, the factors are not.
#
# **Universal approximation as a guarantee.** It speaks of existence. It says nothing about how
# wide, whether training finds it, how it does on new images, or whether a continuous solution
# exists.
#
# **The score where there are no data.** The field is right where the noisy training points lie. Far
# out, the network was never asked, and its arrows mean nothing.

# %% [markdown]
# ## Key takeaways
#
# 1. Linear autoencoder: every critical point projects on eigenvectors; its error is the sum of the
#    eigenvalues left out; all but one are saddles.
# 2. The solution is unique as a map and free as a code: $C$ cancels.
# 3. Gradient descent learns eigenvalues one by one, the largest first; plateaus are saddles.
# 4. Nonlinear decoders bend the plane to a manifold; certainty about minima is the price, and
#    topology is a limit that no width removes.
# 5. With Boolean units the problem is clustering, with local minima and NP-hard in general.
# 6. A denoising autoencoder moves a point by $\sigma^2$ times the score.

# %% [markdown]
# ## Exercises
#
# **1.** Add a penalty $\mu (\lVert A \rVert^2 + \lVert B \rVert^2)$ to the error. It can no longer
# be indifferent to $C$. Find by gradient descent what $A$ and $B$ look like at the minimum, for the
# four eigenvalues of the chapter.
#
# <details><summary>Solution</summary>
#
# ```python
# mu = 0.3
# a, b = 0.1 * rng.normal(size=(size, units)), 0.1 * rng.normal(size=(units, size))
# for _ in range(20_000):
#     rest = np.eye(size) - a @ b
#     a, b = a + 0.01 * (rest @ sigma @ b.T - mu * a), b + 0.01 * (a.T @ rest @ sigma - mu * b)
# print("A - B^T:", np.abs(a - b.T).max().round(4))
# print("squared singular values of A:", np.square(np.linalg.svd(a)[1]).round(4))
# print("1 - mu / eigenvalue:         ", 1 - mu / spectrum[:units])
# ```
#
# The weights tie themselves, $B = A^T$, and each component is shrunk to $1 - \mu / \lambda_i$, so
# that an eigenvalue below $\mu$ is given up altogether. Now $C$ can only be a rotation (Kunin,
# Bloom, Goeva and Seed 2019).
#
# </details>
#
# **2.** Sanger's rule gives every unit only what the units before it have left over:
# $\Delta B = \eta \, (y x^T - \mathrm{lower}(y y^T) B)$. Show that it finds the eigenvectors
# themselves, in order.
#
# <details><summary>Solution</summary>
#
# ```python
# rows = 0.1 * rng.normal(size=(3, size))
# samples = rng.multivariate_normal(np.zeros(size), sigma, 20_000)
# for t, x in enumerate(samples):
#     y = rows @ x
#     rows += 0.02 / (1 + t / 1000) * (np.outer(y, x) - np.tril(np.outer(y, y)) @ rows)
# print(np.abs(rows @ turn[:, :3]).round(2))  # close to the identity
# ```
#
# The lower triangle breaks the symmetry that leaves $C$ free.
#
# </details>
#
# **3.** The theorem wants eigenvalues that differ. Take 4, 4, 1 and 1. Compare two projections: on
# the first and the third eigenvector; and on a mixture of the two large ones together with a
# mixture of the two small ones. Is the gradient zero, and how many ways down are there?
#
# <details><summary>Solution</summary>
#
# ```python
# double = np.diag([4.0, 4.0, 1.0, 1.0])
# tilted = np.array([[0.6, 0.8, 0, 0], [0, 0, 0.6, 0.8]])
# for name, frame in {"eigenvectors 1, 3": np.eye(4)[[0, 2]], "mixed": tilted}.items():
#     a, b = frame.T, frame
#     rest = np.eye(4) - a @ b
#     slope = np.abs(rest @ double @ b.T).max()
#     first = d_a @ b + a @ d_b
#     bent = np.einsum("iap,jpb,bc,ac->ij", d_a, d_b, double, rest)
#     hessian = 2 * np.einsum("iab,bc,jac->ij", first, double, first) - 2 * (bent + bent.T)
#     print(name, "gradient", slope, "ways down", (np.linalg.eigvalsh(hessian) < -1e-9).sum())
# ```
#
# Both are critical points of the same height with one way down: within an eigenspace any basis
# will do. There are now infinitely many sets $I$, but still no local minimum that is not global.
#
# </details>
#
# **4.** Follow the denoiser without noise, `walkers = r(walkers)`, for 30 steps. Where do the
# points end, and why is this not a sample?
#
# <details><summary>Solution</summary>
#
# ```python
# still = rng.uniform(-1.3, 1.3, (200, 2)).astype(np.float32).reshape(-1, 1, 2, 1)
# r = denoisers[0.2]
# for _ in range(30):
#     still = np.asarray(r(still))
# ends = still[:, 0, :, 0]
# distance = np.linalg.norm(ends[:, None] - bumps, axis=-1).min(axis=1)
# own = np.median(np.linalg.norm(0.2 * rng.normal(size=(10_000, 2)), axis=1))
# print(f"median distance to the nearest bump {np.median(distance):.3f}, of data {own:.3f}")
# ```
#
# They climb to the peaks and stay there: fixed points of $r$ are where the score is zero. A sample
# must also be spread out, which the noise of the Langevin walk does.
#
# </details>

# %% [markdown]
# ## Where to read on
#
# - [The undercomplete autoencoder](06_undercomplete.ipynb): PCA and the linear case on MNIST, to
#   three digits. [Variational autoencoders](10_variational.ipynb): the other way to a density.
# - [`build_undercomplete`](../kerasae/builders/undercomplete.py) and
#   [`build_denoising`](../kerasae/builders/denoising.py).
#
# **Papers and books**
#
# - P. Baldi (2012), *Autoencoders, Unsupervised Learning, and Deep Architectures*, Proceedings of
#   Machine Learning Research 27: begin here. The framework, the linear and the Boolean case.
# - P. Baldi and K. Hornik (1989), *Neural Networks and Principal Component Analysis: Learning from
#   Examples Without Local Minima*, Neural Networks 2: the theorem, with proofs.
# - I. Goodfellow, Y. Bengio and A. Courville (2016), *Deep Learning*, chapter 14, MIT Press:
#   regularised autoencoders, the score, manifolds.
# - G. Alain and Y. Bengio (2014), *What Regularized Auto-Encoders Learn from the Data-Generating
#   Distribution*, Journal of Machine Learning Research 15.
# - P. Vincent (2011), *A Connection Between Score Matching and Denoising Autoencoders*, Neural
#   Computation 23.
# - J.-P. Briot, *Deep Learning Techniques for Music Generation*, lecture slides on autoencoders:
#   what a code is good for when the data are music.
# - E. Oja (1982), *A Simplified Neuron Model as a Principal Component Analyzer*, Journal of
#   Mathematical Biology 15; T. D. Sanger (1989), *Optimal Unsupervised Learning in a Single-Layer
#   Linear Feedforward Neural Network*, Neural Networks 2.
# - G. Cybenko (1989), *Approximation by Superpositions of a Sigmoidal Function*, Mathematics of
#   Control, Signals and Systems 2; K. Hornik, M. Stinchcombe and H. White (1989), *Multilayer
#   Feedforward Networks are Universal Approximators*, Neural Networks 2.
# - A. M. Saxe, J. L. McClelland and S. Ganguli (2014), *Exact Solutions to the Nonlinear Dynamics
#   of Learning in Deep Linear Neural Networks*, ICLR: the staircase.
# - K. Kawaguchi (2016), *Deep Learning without Poor Local Minima*, NeurIPS.
# - D. Kunin, J. Bloom, A. Goeva and C. Seed (2019), *Loss Landscapes of Regularized Linear
#   Autoencoders*, ICML.
#
# The digits are of MNIST (Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0), in fast mode of
# the UCI *Optical Recognition of Handwritten Digits* data set (E. Alpaydin and C. Kaynak,
# CC BY 4.0), as shipped with scikit-learn.
