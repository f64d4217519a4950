"""The App of the run, and the script of its model. Files in a folder switch faults on."""

import asyncio
import itertools
import os
import time
from pathlib import Path

from temporalio import workflow

from holdfast import Agent, App, EffectUnknown, tool
from holdfast.testing import Reply, Request, call, failed, say

FAULTS = "BENCH_FAULTS"
"""The variable with the folder."""

MODEL = "openai:scripted"
SLOW = 32.0
"""Seconds of a slow model's reply: over the 30 of the alert."""

_held: list[bytes] = []
_calls = itertools.count()


def on(fault: str) -> bool:
    """Whether a fault is switched on."""
    return (Path(os.environ[FAULTS]) / fault).exists()


@tool
async def look(what: str) -> str:
    """Look at something.

    Args:
        what: What at.
    """
    if on("tool fails") and next(_calls) % 3 == 0:  # never five times in a row, or its breaker opens
        raise RuntimeError("the other system is down")
    if on("tool leaks"):
        _held.append(os.urandom(2_000_000))
    if on("tool blocks"):
        time.sleep(1.5)  # noqa: ASYNC251 # this is the fault
    return f"seen: {what}"


@tool
async def hang(what: str) -> str:
    """Take long.

    Args:
        what: What with.
    """
    await asyncio.sleep(20)
    return what


@tool(effect="once")
async def pay(what: str) -> str:
    """Pay for something.

    Args:
        what: What for.
    """
    raise EffectUnknown("the bank closed the connection after the order was sent")


@tool(approval="ask")
async def refund(what: str) -> str:
    """Give money back.

    Args:
        what: What for.
    """
    return f"refunded {what}"


@workflow.defn(sandboxed=False)
class Stuck:
    """A workflow whose tasks fail while the fault is on."""

    @workflow.run
    async def run(self) -> None:
        """Fail, as a defect does."""
        if on("workflow fails"):
            raise ValueError("a defect of the workflow's code")


def script(request: Request) -> Reply:
    """Call the tool that the message names, then answer."""
    if on("model dead"):
        return failed(503, "The provider is down.")
    slow = SLOW if on("model slow") else 0.0
    if request.results:
        return say("Done.", delay=slow)
    name = request.conversation.split()[0]
    return call(name, {"what": request.conversation}).but(delay=slow)


app = App(
    name="bench",
    agents=[
        Agent("support", model=MODEL, tools=[look, hang, pay, refund], max_wait=1),
        Agent("patient", model=MODEL, tools=[look], max_wait=900),
    ],
    workflows=[Stuck],
)
