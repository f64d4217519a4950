"""``python -m benchmarks.fairness``: what one tenant waits while another's runs fill the queue.

A worker with a few slots finds everything queued when it starts. Waiting is measured in
the other work that the worker takes up before: how many model calls it makes before a
run's own. The same runs are made alone, beside the other tenant's, and beside them with
both as one tenant, which is what a queue without fairness does.
"""

import argparse
import asyncio
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Final

from temporalio.client import Client as TemporalClient

from holdfast import Agent, App
from holdfast.testing import Environment, ScriptedModel, say
from holdfast.testing.model import Reply, Request
from holdfast_client import shares
from holdfast_temporal import DevServer
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session import Message, StartInput

SLOTS: Final = 8
"""Activities that the worker carries out at once."""

MODEL: Final = 0.2
"""Seconds that a model call takes: what is short is the worker's slots, not the machine."""

BOUND: Final = 2.0
"""How many times longer a tenant may wait because of the other one."""

_AT_ONCE: Final = 40  # requests to start runs
_LONGEST: Final = 3_600.0  # seconds

_app = App(agents=[Agent("clerk", model="openai:scripted")])


@dataclass(frozen=True)
class Waits:
    """What the runs of the tenant with few of them waited, the median.

    Attributes:
        calls: Model calls that the worker made before, of whomever.
        seconds: From the worker's start to the run's model call.
    """

    calls: float
    seconds: float


async def waits(
    server: str, *, others: int, runs: int, fair: bool = True, slots: int = SLOTS, takes: float = MODEL
) -> Waits:
    """What one tenant's runs wait.

    Args:
        server: The address of a Temporal server.
        others: How many runs of the other tenant were queued before.
        runs: How many of the tenant's own are queued then.
        fair: Whether the queue is told of the tenants.
        slots: Activities that the worker carries out at once.
        takes: Seconds that a model call takes.
    """
    began, asked = 0.0, list[tuple[str, float]]()
    clock = asyncio.get_running_loop().time

    def answer(request: Request) -> Reply:
        asked.append((request.conversation, clock()))
        return say("Done.", delay=takes)

    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(ScriptedModel(answer))
        holdfast = await stack.enter_async_context(
            Environment.start(_app, model, server=server, worker=False, graceful_seconds=0)
        )
        queue = holdfast.task_queue
        tenants = {name: name if fair else "" for name in ("many", "few")}
        await _start(holdfast.temporal, queue, "many", others, tenants)
        ids = await _start(holdfast.temporal, queue, "few", runs, tenants)
        began = clock()
        async with asyncio.timeout(_LONGEST), holdfast.worker(max_concurrent_activities=slots):
            await asyncio.gather(*(holdfast.client.session(id).result() for id in ids))
    own = [(place, at - began) for place, (who, at) in enumerate(asked) if who == "few"]
    assert len(own) == runs, f"{len(own)} of {runs} runs asked the model"
    return Waits(median(place for place, _ in own), median(at for _, at in own))


async def _start(
    temporal: TemporalClient, queue: str, who: str, runs: int, tenants: Mapping[str, str]
) -> list[str]:
    """Start runs that nobody serves yet."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one() -> str:
        id = uuid.uuid4().hex
        task = StartInput(agent="clerk", mode="task", message=Message(id="first", text=who))
        async with room:
            await temporal.start_workflow(
                names.WORKFLOW, task, id=id, task_queue=queue, priority=shares.of(tenants[who])
            )
        return id

    return list(await asyncio.gather(*(one() for _ in range(runs))))


def table(found: Mapping[str, Waits]) -> str:
    """The measurements as a table in markdown."""
    alone = found["alone"]
    lines = ["| few runs | model calls before | s | × alone |", "|---|---:|---:|---:|"]
    for name, each in found.items():
        ratio = each.calls / alone.calls
        lines.append(f"| {name} | {each.calls:,.1f} | {each.seconds:.1f} | {ratio:.2f} |")
    return "\n".join(lines)


async def measure(others: int, runs: int) -> dict[str, Waits]:
    """All three, on a server of their own."""
    with tempfile.TemporaryDirectory(prefix="holdfast-fairness-") as home:
        async with DevServer(home, memory=True, ui=False) as server:
            at = server.address
            return {
                "alone": await waits(at, others=0, runs=runs),
                "beside the many": await waits(at, others=others, runs=runs),
                "beside the many, without fairness": await waits(at, others=others, runs=runs, fair=False),
            }


def main() -> None:
    """Measure, print, and fail if one tenant's runs hold up the other's for longer than they may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("--others", type=int, default=5_000, help="runs of the tenant with many (5,000)")
    parser.add_argument("--runs", type=int, default=100, help="runs of the tenant with few (100)")
    options = parser.parse_args()
    found = asyncio.run(measure(options.others, options.runs))
    print(table(found))
    ratio = found["beside the many"].seconds / found["alone"].seconds
    if ratio > BOUND:
        raise SystemExit(f"the median wait is {ratio:.2f} times that alone; it must be at most {BOUND:g}")


if __name__ == "__main__":
    main()
