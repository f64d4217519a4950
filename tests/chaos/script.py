"""The scripted model's side: the next step of the program that the first message names."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

from holdfast.testing import Reply, Request, call, say

from .program import LAST_WORD, STEPS, program

_SLOWEST = 0.3  # seconds until a reply

WITNESS = "CHAOS_REQUESTS"
"""The variable that names the file where every request is recorded."""


def note(request: Request, **more: object) -> None:
    """Record a request and its time, and its span if its worker traces."""
    line = {"at": time.time(), "run": request.conversation, "step": request.results, **more}
    if sent := request.headers.get("traceparent"):
        line["span"] = sent.split("-")[2]
    with Path(os.environ[WITNESS]).open("a") as file:
        file.write(json.dumps(line) + "\n")


def reply(request: Request) -> Reply:
    """What the model says at this step."""
    planned = program(request.conversation)
    delay = random.Random(f"{planned.id}/{request.results}").uniform(0, _SLOWEST)
    if request.results == STEPS:
        return say(LAST_WORD, delay=delay)
    what = planned.what(request.results)
    return call(planned.tools[request.results], {"what": what}).but(delay=delay)


def script(request: Request) -> Reply:
    """A model without faults."""
    note(request)
    return reply(request)
