"""Draws from a prior: indices one after the other, or values out of noise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike, NDArray

from kerasae import _arguments, _conditions
from kerasae.layers import AffineCoupling, CausalBlock
from kerasae.losses.diffusion import ddim_step
from kerasae.priors import _assembly, _scaling

__all__ = ["KINDS", "draw", "kind_of", "shape_of"]

KINDS = ("pixelcnn", "transformer", "flow", "diffusion")
INDEX_PRIORS = KINDS[:2]

_BATCH = 250  # codes of indices at a time
_VECTORS = 1000  # codes of values


def kind_of(prior: Any, argument: str = "prior") -> str:
    """Which of the builders made a prior.

    Raises:
        ValueError: If none did.
    """
    layers = {layer.name: layer for layer in getattr(prior, "layers", ())}
    if isinstance(prior, keras.Model) and "likelihood" in layers:
        network = layers.get(_assembly.NETWORK)
        if any(isinstance(layer, AffineCoupling) for layer in layers.values()):
            return "flow"
        if "noising" in layers:
            return "diffusion"
        if network is not None:
            step = any(isinstance(layer, CausalBlock) for layer in network.layers)
            return "transformer" if step else "pixelcnn"
    raise ValueError(
        f"`{argument}` must be a model of `kerasae.priors`, such as `priors.build_transformer` "
        f"makes. Received: {getattr(prior, 'name', type(prior).__name__)!r}"
    )


def shape_of(prior: keras.Model) -> tuple[int, ...]:
    """The shape of one code."""
    return tuple(int(side) for side in prior.inputs[0].shape[1:])


def labels_of(
    prior: keras.Model, labels: ArrayLike | None, count: int
) -> NDArray[np.float32] | None:
    """Label vectors of a prior, None of one that takes none.

    Raises:
        ValueError: If they do not fit, or the prior takes none.
    """
    condition = _conditions.condition_of(prior)
    if condition is not None:
        return _conditions.label_vectors("labels", labels, condition, count)
    if labels is not None:
        raise ValueError(
            "`labels` must be None for a prior that was built without `classes` or `attributes`. "
            f"Received: labels={labels!r:.60}"
        )
    return None


def draw(
    prior: keras.Model,
    count: int,
    *,
    labels: ArrayLike | None = None,
    temperature: float = 1.0,
    guidance: float = 1.0,
    steps: int = 50,
    known: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> NDArray[Any]:
    """Codes (count, *code_shape), int32 or float32; see `kerasae.priors.sample_codes`.

    Of indices the first `known.shape[1]` in reading order are those of `known`.
    """
    kind = kind_of(prior)
    count = _arguments.positive_int("count", count)
    temperature = _arguments.number("temperature", temperature, low=0.0, closed=True)
    guidance = _arguments.number("guidance", guidance, low=0.0, closed=True)
    steps = _arguments.positive_int("steps", steps)
    rng = np.random.default_rng(_arguments.seed(seed))
    vectors = labels_of(prior, labels, count)
    if guidance != 1.0 and (vectors is None or kind == "flow"):
        reason = "for a flow" if kind == "flow" else "for a prior without labels"
        raise ValueError(f"`guidance` must be 1 {reason}. Received: guidance={guidance:g}")
    parts: list[NDArray[Any]] = []
    size = _BATCH if kind in INDEX_PRIORS else _VECTORS
    for first in range(0, count, size):
        chosen = slice(first, min(first + size, count))
        told = None if vectors is None else vectors[chosen]
        number = chosen.stop - first
        if kind in INDEX_PRIORS:
            given = None if known is None else known[chosen]
            parts.append(_indices(prior, kind, number, told, temperature, guidance, given, rng))
        else:
            noise = rng.standard_normal((number, *shape_of(prior))).astype(np.float32)
            make = _of_flow if kind == "flow" else _of_noise
            options = () if kind == "flow" else (guidance, steps)
            parts.append(make(prior, noise * np.float32(temperature), told, *options))
    return np.concatenate(parts)


def _indices(
    prior: keras.Model,
    kind: str,
    count: int,
    labels: NDArray[np.float32] | None,
    temperature: float,
    guidance: float,
    known: NDArray[np.int64] | None,
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Indices in reading order, each drawn with the probabilities that those before give it."""
    shape = shape_of(prior)
    length = math.prod(shape)
    drawn = np.zeros((count, length), np.int32)
    begun = 0 if known is None else known.shape[1]
    if known is not None:
        drawn[:, :begun] = known
    guided = labels is not None and guidance != 1.0
    told = labels
    if guided and labels is not None:
        told = np.concatenate([labels, np.zeros_like(labels)])
    walk = _with_cache if kind == "transformer" else _as_a_whole
    twice = 2 if guided else 1
    for position, scores in walk(prior, drawn, told, shape, twice, begun):
        if position < begun:
            continue
        logits = scores.astype(np.float64)
        if guided:
            with_label, without = logits[:count], logits[count:]
            logits = without + guidance * (with_label - without)
        if temperature == 0:
            drawn[:, position] = logits.argmax(axis=-1)
        else:  # the largest of perturbed scores is a draw (Gumbel 1954)
            noise = rng.gumbel(size=logits.shape)
            drawn[:, position] = (logits / temperature + noise).argmax(axis=-1)
    return drawn.reshape(count, *shape)


def _as_a_whole(
    prior: keras.Model,
    drawn: NDArray[np.int32],
    labels: NDArray[np.float32] | None,
    shape: tuple[int, ...],
    twice: int,
    begun: int,
) -> Iterator[tuple[int, NDArray[Any]]]:
    """The scores at each position, by the whole network, which sees all that was drawn before."""
    network = prior.get_layer(_assembly.NETWORK)
    for position in range(begun, drawn.shape[1]):
        maps = np.concatenate([drawn.reshape(-1, *shape)] * twice)
        given = maps if labels is None else [maps, labels]
        scores = ops.convert_to_numpy(network(given, training=False))
        yield position, scores.reshape(len(maps), -1, scores.shape[-1])[:, position]


def _with_cache(
    prior: keras.Model,
    drawn: NDArray[np.int32],
    labels: NDArray[np.float32] | None,
    shape: tuple[int, ...],
    twice: int,
    begun: int,
) -> Iterator[tuple[int, NDArray[Any]]]:
    """The same of a transformer, by one position at a time; keys and values are kept."""
    network = prior.get_layer(_assembly.NETWORK)
    part = network.get_layer
    blocks = [layer for layer in network.layers if isinstance(layer, CausalBlock)]
    vectors = ops.convert_to_numpy(part("positions").vectors)  # (T, width)
    length, width = vectors.shape
    count = len(drawn) * twice
    told: Any = 0.0 if labels is None else ops.convert_to_numpy(part("label_embedding")(labels))
    size = (count, blocks[0].heads, length, width // blocks[0].heads)
    kept = [(ops.zeros(size), ops.zeros(size)) for _ in blocks]
    table = ops.convert_to_numpy(part("embedding").embeddings)
    for position in range(length):
        x = np.zeros((count, width), np.float32)
        if position:
            x = np.concatenate([table[drawn[:, position - 1]]] * twice)
        value = ops.convert_to_tensor((x + vectors[position] + told)[:, None].astype(np.float32))
        for i, block in enumerate(blocks):
            value, *cache = block.step(value, *kept[i], position)
            kept[i] = (cache[0], cache[1])
        scores = part("scores")(part("norm")(value))
        yield position, ops.convert_to_numpy(scores)[:, 0]


def _of_flow(
    prior: keras.Model, noise: NDArray[np.float32], labels: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Codes whose images under the flow are these."""
    steps = [layer for layer in prior.layers if isinstance(layer, AffineCoupling)]
    values: Any = ops.convert_to_tensor(noise.reshape(len(noise), -1))
    told = [] if labels is None else [ops.convert_to_tensor(labels)]
    for layer in reversed(steps):
        values = layer.inverse(values, *told)
    codes = ops.convert_to_numpy(values).reshape(noise.shape)
    return _scaling.unscaled(prior, codes)


def _of_noise(
    prior: keras.Model,
    noise: NDArray[np.float32],
    labels: NDArray[np.float32] | None,
    guidance: float,
    steps: int,
) -> NDArray[np.float32]:
    """Codes out of noise, by as many steps of the denoiser."""
    network = prior.get_layer(_assembly.NETWORK)
    wide = (1,) * (noise.ndim - 1)
    z: Any = ops.convert_to_tensor(noise)
    code: Any = z
    times = np.linspace(1.0, 0.0, steps + 1).astype(np.float32)
    for time, before in itertools.pairwise(times):
        found = _velocity(network, z, float(time), labels, guidance)
        now, then = (np.full((1, *wide), t, np.float32) for t in (time, before))
        z, code = ddim_step(z, found, now, then)
    return _scaling.unscaled(prior, ops.convert_to_numpy(code))


def _velocity(
    network: keras.Model,
    z: Any,
    time: float,
    labels: NDArray[np.float32] | None,
    guidance: float,
) -> Any:
    """What the network predicts; guided, it is moved away from what it would without the label."""
    times = ops.full((len(z), 1), time, "float32")
    if labels is None:
        return network([z, times], training=False)
    found = network([z, times, ops.convert_to_tensor(labels)], training=False)
    if guidance == 1.0:
        return found
    without = network([z, times, ops.zeros(labels.shape)], training=False)
    return without + guidance * (found - without)
