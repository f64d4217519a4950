"""The App of the run, and the script of its model. Files in a folder switch faults on."""

import asyncio
import itertools
import os
import time
from pathlib import Path

from temporalio import workflow

from holdfast import Agent, App, Approvals, EffectUnknown, MCPServer, Memory, TenantLimits, tool
from holdfast.testing import Reply, Request, call, say

FAULTS = "BENCH_FAULTS"
"""The variable with the folder."""

THRIFTY = "thrifty"
"""The tenant with a budget."""

THRIFTY_TOKENS = 150_000
MODEL = "openai:scripted"
SLOW = 32.0
"""Seconds of a slow model's reply: over the 30 of the alert."""

READ = 6_000
"""Characters of a large result: several fill the context window of the agent ``reader``."""

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
    if not on("tool leaks"):
        _held.clear()
    return f"seen: {what}"


@tool
async def ask(what: str) -> str:
    """Ask another system.

    Args:
        what: What for.
    """
    if on("tool fails") and next(_calls) % 3 == 0:  # never five times in a row, or its breaker opens
        raise RuntimeError("the other system is down")
    return f"found: {what}"


@tool
async def keep(what: str) -> str:
    """Keep something in memory, as a cache without a limit does.

    Args:
        what: What.
    """
    if on("tool leaks"):
        _held.append(os.urandom(4_000_000))
    return f"kept: {what}"


@tool
async def compute(what: str) -> str:
    """Compute something.

    Args:
        what: What.
    """
    if on("tool blocks"):
        time.sleep(1.5)  # noqa: ASYNC251 # this is the fault
    return f"computed: {what}"


@tool
async def hang(what: str) -> str:
    """Take long.

    Args:
        what: What with.
    """
    await asyncio.sleep(45)  # for longer than the windows of the rules
    return what


@tool
async def read(what: str, page: int) -> str:
    """Read a page.

    Args:
        what: What of.
        page: Its number.
    """
    return f"page {page}: " + "lamps, chairs, tables " * (READ // 22)


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


@workflow.defn(sandboxed=False)
class Busy:
    """A workflow whose code computes for long in each of its tasks."""

    @workflow.run
    async def run(self) -> None:
        """Compute."""
        for _ in range(4):
            time.sleep(1.2)  # noqa: ASYNC251 # this is the fault; two seconds would be taken for a deadlock
            await workflow.sleep(0.01)


def script(request: Request) -> Reply:
    """Call the tool that the message names, then answer."""
    slow = SLOW if on("model slow") and b'"slow"' in request.body else 0.0
    name = request.conversation.split()[0]
    if request.results >= (8 if name == "read" else 1):
        return say("Done.", delay=slow)
    arguments = {"what": request.conversation[:200]}
    if name == "read":
        return call(name, {**arguments, "page": request.results})
    return call(name, arguments).but(delay=slow)


_TOOLS = [look, ask, keep, compute, hang, pay, refund]

app = App(
    name="bench",
    agents=[
        Agent("support", model=MODEL, tools=_TOOLS),
        Agent("slow", model="openai:slow", tools=[look]),
        Agent("expensive", model="openai:expensive", tools=[look]),
        Agent("hasty", model="spare:scripted", tools=[look], max_wait=1),
        Agent("patient", model="spare:scripted", tools=[look], max_wait=900),
        Agent("reader", model=MODEL, tools=[read], context_window=6_000),
        Agent("impatient", model=MODEL, tools=[refund], approvals=Approvals(deadline=5)),
        Agent("mindful", model=MODEL, tools=[look], memory=Memory(facts=False)),
        Agent("clerk", model=MODEL, tools=[MCPServer("desk", url="http://127.0.0.1:1/mcp")]),
    ],
    workflows=[Stuck, Busy],
    tenants={THRIFTY: TenantLimits(tokens_per_day=THRIFTY_TOKENS)},
)
