"""A bag-of-words embedder behind ``/v1/embeddings``: texts that share words are close."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from hashlib import blake2b

from ..replies.replies import Reply
from .requests import Request

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]] | Reply]

DIMENSION = 64
_WORD = re.compile(r"\w+")


def hashed(texts: Sequence[str]) -> list[list[float]]:
    """A vector for each text: each word adds 1 or -1 at one place, both chosen by its hash."""
    return [_vector(text) for text in texts]


def _vector(text: str) -> list[float]:
    made = [0.0] * DIMENSION
    for word in _WORD.findall(text.lower()) or [""]:
        digest = blake2b(word.encode("utf-8", "replace"), digest_size=2).digest()
        made[digest[0] % DIMENSION] += 1.0 if digest[1] % 2 else -1.0
    if not any(made):
        made[0] = 1.0  # words that cancel each other out still need a direction
    return made


def texts(request: Request) -> list[str]:
    """The texts to embed."""
    given: str | list[str] = request.json.get("input", [])
    return [given] if isinstance(given, str) else given


def answer(vectors: Sequence[Sequence[float]], request: Request) -> Reply:
    """The vectors in OpenAI form."""
    data = [{"object": "embedding", "index": place, "embedding": list(v)} for place, v in enumerate(vectors)]
    tokens = len(request.body) // 4
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "list", "data": data, "model": request.model, "usage": usage}
    return Reply(raw=json.dumps(whole).encode())
