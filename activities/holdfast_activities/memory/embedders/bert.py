"""The forward pass of a small BERT in numpy: token ids in, one unit vector for each text out."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float32]

HEADS = 12
_EPSILON = np.float32(1e-12)
_MASKED = np.float32(-1e9)  # added to the score of padding, so that nothing attends to it


class Bert:
    """BERT with mean pooling; ``words`` is the size of its vocabulary."""

    def __init__(self, weights: Mapping[str, Matrix]) -> None:
        """Raises KeyError if a weight is missing; the names are those of the file."""
        self._words = weights["embeddings.word_embeddings.weight"]
        # Every token has the first type, so its row is added to the positions.
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        self._places = weights["embeddings.position_embeddings.weight"] + kind
        self._norm = _Norm(weights, "embeddings.LayerNorm")
        layers = {name.split(".")[2] for name in weights if name.startswith("encoder.layer.")}
        self._layers = [_Layer(weights, f"encoder.layer.{number}") for number in sorted(layers, key=int)]
        self.words = len(self._words)
        self.longest = len(self._places)
        self.dimension = self._words.shape[1]

    def __call__(self, texts: Sequence[Sequence[int]]) -> Matrix:
        """Return a row of unit length for each text; texts of similar length waste least."""
        lengths = np.array([len(text) for text in texts])
        longest = int(lengths.max())
        ids = np.zeros((len(texts), longest), dtype=np.int64)
        for row, text in zip(ids, texts, strict=True):
            row[: len(text)] = text
        there = np.arange(longest) < lengths[:, None]
        unseen = None if there.all() else np.where(there, np.float32(0), _MASKED)[:, None, None, :]
        states = self._norm(self._words[ids] + self._places[:longest])
        for layer in self._layers:
            states = layer(states, unseen)
        means = np.einsum("nld,nl->nd", states, there.astype(np.float32)) / lengths[:, None]
        made: Matrix = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return made


class _Norm:
    def __init__(self, weights: Mapping[str, Matrix], name: str) -> None:
        self._scale = weights[f"{name}.weight"]
        self._shift = weights[f"{name}.bias"]

    def __call__(self, states: Matrix) -> Matrix:
        states = states - states.mean(axis=-1, keepdims=True)
        variance = np.einsum("...d,...d->...", states, states)[..., None] / np.float32(states.shape[-1])
        states /= np.sqrt(variance + _EPSILON)
        states *= self._scale
        states += self._shift
        return states


class _Dense:
    def __init__(self, weights: Mapping[str, Matrix], *names: str) -> None:
        """Combine the matrices of all names in one product."""
        self._weight = np.ascontiguousarray(np.concatenate([weights[f"{name}.weight"] for name in names]).T)
        self._bias = np.concatenate([weights[f"{name}.bias"] for name in names])

    def __call__(self, states: Matrix) -> Matrix:
        made: Matrix = states @ self._weight
        made += self._bias
        return made


class _Layer:
    def __init__(self, weights: Mapping[str, Matrix], name: str) -> None:
        own, out = f"{name}.attention.self", f"{name}.attention.output"
        self._three = _Dense(weights, f"{own}.query", f"{own}.key", f"{own}.value")
        self._joined = _Dense(weights, f"{out}.dense")
        self._joined_norm = _Norm(weights, f"{out}.LayerNorm")
        self._wide = _Dense(weights, f"{name}.intermediate.dense")
        self._narrow = _Dense(weights, f"{name}.output.dense")
        self._norm = _Norm(weights, f"{name}.output.LayerNorm")

    def __call__(self, states: Matrix, unseen: Matrix | None) -> Matrix:
        states = self._joined_norm(states + self._joined(self._attend(states, unseen)))
        return self._norm(states + self._narrow(_gelu(self._wide(states))))

    def _attend(self, states: Matrix, unseen: Matrix | None) -> Matrix:
        texts, length, width = states.shape
        # texts, tokens, three of them, heads, width of a head -> three of them, texts, heads, tokens, width
        split = self._three(states).reshape(texts, length, 3, HEADS, width // HEADS).transpose(2, 0, 3, 1, 4)
        queries, keys, values = split
        scores: Matrix = queries @ keys.swapaxes(-1, -2)
        scores *= np.float32((width // HEADS) ** -0.5)
        if unseen is not None:
            scores += unseen
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed: Matrix = scores @ values
        return mixed.transpose(0, 2, 1, 3).reshape(texts, length, width)


def _gelu(states: Matrix) -> Matrix:
    """``x * (1 + erf(x / √2)) / 2``; numpy has no erf, and this series (Abramowitz and Stegun 7.1.26) is exact
    to 1.5e-7, about what a float32 holds.
    """
    size = np.abs(states)
    size *= np.float32(0.5**0.5)
    step = 1 / (1 + np.float32(0.3275911) * size)
    series = step * np.float32(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(factor)
        series *= step
    np.square(size, out=size)
    np.negative(size, out=size)
    np.exp(size, out=size)
    series *= size
    # The error function is odd: 1 - series on the right, series - 1 on the left.
    half = np.where(states < 0, series, 2 - series)
    half *= states
    half *= np.float32(0.5)
    return half
