"""The models of a research team: a lead that plans and delegates, its scouts, a critic, and one that closes."""

from __future__ import annotations

import random
from dataclasses import replace

from holdfast.testing import Reply, Request, call, say

from .program import LAST_WORD, SCOUTS
from .script import note

REQUESTS = {"lead": 6 + 3 * SCOUTS + 1, "survey": 3 * SCOUTS + 2}
"""Model requests of an undisturbed run, by its agent or team."""

WRITTEN = 50
"""Tokens of each reply."""

_SLOWEST = 0.2  # seconds until a reply

_PLAN = {"items": [{"text": "ask the scouts", "status": "doing"}]}
_REVISED = {"items": [{"text": "ask the scouts", "status": "done"}, {"text": "review", "status": "doing"}]}


def effects(run: str) -> list[str]:
    """What a run does to the world: each scout's posting, and the order of the report."""
    return [f"{run}/scout-{number}/post" for number in range(SCOUTS)] + [f"{run}/report/order"]


def script(request: Request) -> Reply:
    """The next step of the agent that asks; its first message names the run."""
    run, _, task = request.conversation.partition(" ")
    delay = random.Random(f"{request.conversation}/{request.results}").uniform(0, _SLOWEST)
    read = len(request.body) // 4
    note(request, of=run, agent=request.model, tokens=read + WRITTEN)
    reply = _AGENTS[request.model](run, task, request.results)
    return replace(reply, input_tokens=read, output_tokens=WRITTEN, delay=delay)


def _lead(run: str, _: str, step: int) -> Reply:
    tasks = [f"{run} scout-{number}" for number in range(SCOUTS)]
    return (
        call("update_plan", _PLAN),
        call("fan_out_to_scout", {"tasks": tasks}),
        call("update_plan", _REVISED),
        call("delegate_to_critic", {"task": f"{run} critic"}),
        call("order", {"what": f"{run}/report/order"}),
        say(LAST_WORD),
    )[step]


def _scout(run: str, task: str, step: int) -> Reply:
    return (
        call("look", {"what": task}),
        call("post", {"what": f"{run}/{task}/post"}),
        say(f"{task} has found it."),
    )[step]


def _critic(_run: str, _task: str, _step: int) -> Reply:
    return say("Nothing is missing.")


def _closer(run: str, _task: str, step: int) -> Reply:
    return (call("order", {"what": f"{run}/report/order"}), say(LAST_WORD))[step]


_AGENTS = {"lead": _lead, "poor": _lead, "scout": _scout, "critic": _critic, "closer": _closer}
