"""A model that posts each item once, and reports the same usage for every call."""

from __future__ import annotations

import random

from holdfast.testing import Reply, Request, call, say

from .program import LAST_WORD
from .script import note

READ, WRITTEN = 300, 20
"""Tokens of each call."""

CALLS = 2
"""Model calls of each item."""

_SLOWEST = 0.3  # seconds until a reply


def script(request: Request) -> Reply:
    """Ask for one call, then answer."""
    note(request)
    delay = random.Random(f"{request.conversation}/{request.results}").uniform(0, _SLOWEST)
    reply = say(LAST_WORD) if request.results else call("post", {"what": request.conversation})
    return reply.but(delay=delay, input_tokens=READ, output_tokens=WRITTEN)
