"""Scripts with a provider's limits: tokens in a prompt, requests per minute."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b

from ..replies.faults import Answer
from ..replies.replies import Reply, failed, rate_limited
from .requests import Request

_TOKEN = re.compile(rb"[A-Za-z]{1,5}|\d{1,3}|[^\sA-Za-z\d]")


def count_tokens(body: bytes) -> int:
    """Count tokens: pieces of words and figures, and the bytes of other characters."""
    return sum(1 for _ in _TOKEN.finditer(body))


class TokenLimit:
    """A script that refuses prompts of more than ``limit`` tokens, by ``count_tokens``.

    ``refused`` counts refusals by the prompt's digest. A client that never repeats a refused
    prompt leaves no count over 1.
    """

    def __init__(self, script: Answer, limit: int) -> None:
        """``script`` for prompts of up to ``limit`` tokens."""
        self.refused = Counter[str]()
        self._script = script
        self._limit = limit

    def __call__(self, request: Request) -> Reply:
        """The answer to a request."""
        tokens = count_tokens(request.body)
        if tokens <= self._limit:
            reply = self._script(request)
            return reply if reply.input_tokens is not None else replace(reply, input_tokens=tokens)
        self.refused[blake2b(request.body, digest_size=16).hexdigest()] += 1
        message = f"prompt is too long: {tokens} tokens > {self._limit} maximum"
        return replace(failed(400, message, code="context_length_exceeded"), fault="too_long")


class RateLimit:
    """A script that takes so many requests per minute, refilled evenly, and reports the rest in headers."""

    def __init__(self, script: Answer, requests: int, clock: Callable[[], float] = time.time) -> None:
        """``script`` for up to ``requests`` requests per minute and at once; ``clock`` is in seconds since 1970."""
        self._script = script
        self._most = requests
        self._clock = clock
        self._left = float(requests)
        self._at = clock()

    def __call__(self, request: Request) -> Reply:
        """The answer to a request."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._most / 60)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            reply = self._script(request)
        else:
            wait = (1 - self._left) * 60 / self._most
            exact = math.ceil(wait * 1_000) if request.wire == "openai" else None
            reply = replace(rate_limited(math.ceil(wait), ms=exact), fault="limited")
        return replace(reply, headers={**self._headers(request, now), **reply.headers})

    def _headers(self, request: Request, now: float) -> Mapping[str, str]:
        full = (self._most - self._left) * 60 / self._most
        left = str(int(self._left))
        if request.wire == "openai":
            duration = f"{int(full // 60)}m{full % 60:.3f}s" if full >= 60 else f"{full:.3f}s"
            return {
                "x-ratelimit-limit-requests": str(self._most),
                "x-ratelimit-remaining-requests": left,
                "x-ratelimit-reset-requests": duration,
            }
        return {
            "anthropic-ratelimit-requests-limit": str(self._most),
            "anthropic-ratelimit-requests-remaining": left,
            "anthropic-ratelimit-requests-reset": f"{datetime.fromtimestamp(now + full, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        }
