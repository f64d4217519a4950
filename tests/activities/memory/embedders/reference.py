"""The same model by the book: one text at a time, one head at a time, in float64, with the library's own erf."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_erf = np.vectorize(math.erf)


def embed(weights: Mapping[str, npt.NDArray[Any]], ids: Sequence[int]) -> Array:
    """The vector of one text."""

    def of(name: str) -> Array:
        return weights[name].astype(np.float64)

    def dense(states: Array, name: str) -> Array:
        made: Array = states @ of(f"{name}.weight").T + of(f"{name}.bias")
        return made

    def norm(states: Array, name: str) -> Array:
        mean, variance = states.mean(-1, keepdims=True), states.var(-1, keepdims=True)
        made: Array = (states - mean) / np.sqrt(variance + 1e-12) * of(f"{name}.weight")
        return made + of(f"{name}.bias")

    def attend(states: Array, name: str) -> Array:
        made = {part: dense(states, f"{name}.{part}") for part in ("query", "key", "value")}
        heads: list[Array] = []
        for start in range(0, 384, 32):
            query, key, value = (made[part][:, start : start + 32] for part in ("query", "key", "value"))
            scores = np.exp(query @ key.T / math.sqrt(32))
            heads.append(scores / scores.sum(-1, keepdims=True) @ value)
        return np.concatenate(heads, axis=-1)

    words = of("embeddings.word_embeddings.weight")[list(ids)]
    places = of("embeddings.position_embeddings.weight")[: len(ids)]
    states = norm(words + places + of("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
    for layer in (f"encoder.layer.{number}" for number in range(6)):
        mixed = dense(attend(states, f"{layer}.attention.self"), f"{layer}.attention.output.dense")
        states = norm(states + mixed, f"{layer}.attention.output.LayerNorm")
        wide = dense(states, f"{layer}.intermediate.dense")
        wide = 0.5 * wide * (1 + _erf(wide / math.sqrt(2)))
        states = norm(states + dense(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = states.mean(0)
    made: Array = mean / np.linalg.norm(mean)
    return made
