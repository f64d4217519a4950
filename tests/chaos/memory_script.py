"""A model that answers anything, and draws one fact from every turn."""

from __future__ import annotations

import json
import re

from holdfast.testing import Reply, Request, say

from .script import note

MARK = re.compile(r"user: (mark-\d+-\d+)\b")
"""What the turn's message begins with, as those see it who are to draw facts from the turn."""


def fact(mark: str) -> str:
    """What is drawn from the turn of a mark."""
    return f"The user said {mark}."


def script(request: Request) -> Reply:
    """A fact of the turn, if that is what is asked for; else a word."""
    note(request)
    text = request.body.decode()
    drawn = MARK.search(text) if "You keep the memory of an assistant" in text else None
    if drawn is None:
        return say("Noted.")
    return say(json.dumps([{"text": fact(drawn[1]), "importance": 0.5, "said_by": "user"}]))
