"""``python -m benchmarks.fairness``: how long one tenant waits while another tenant's runs fill the queue.

One tenant's many runs fill the queue of a worker with a few slots. Then another tenant starts a few runs. Their
wait for the model call is measured in seconds and in model calls that are made before. The same few runs are
measured alone, with the other tenant's runs, and with them under one tenant, as in a queue without fairness.
"""

import argparse
import asyncio
import tempfile
import uuid
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client as TemporalClient

from holdfast import Agent, App
from holdfast.testing import Environment, Reply, Request, ScriptedModel, say
from holdfast_client import shares
from holdfast_temporal import DevServer
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.session import Message, StartInput

SLOTS: Final = 8
"""Activities that the worker carries out at once."""

MODEL: Final = 0.5
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
        calls: Model calls that were made before, of whomever.
        seconds: From the run's start to its model call.
    """

    calls: float
    seconds: float


async def waits(
    server: str,
    *,
    others: int,
    runs: int,
    fair: bool = True,
    slots: int = SLOTS,
    takes: float = MODEL,
    late: bool = True,
) -> Waits:
    """What one tenant's runs wait.

    Args:
        server: The address of a Temporal server.
        others: How many runs of the other tenant were queued before.
        runs: How many of the tenant's own are queued then.
        fair: Whether the tenants have separate shares of the queue.
        slots: Activities that the worker carries out at once.
        takes: Seconds that a model call takes.
        late: Whether the tenant's own come when the worker is at work on the others. If not, it
            finds all of them when it starts: then the order of model calls owes nothing to time.
    """
    asked: list[tuple[str, float]] = []
    clock = asyncio.get_running_loop().time

    def answer(request: Request) -> Reply:
        asked.append((request.conversation, clock()))
        return say("Done.", delay=takes)

    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(ScriptedModel(answer))
        holdfast = await stack.enter_async_context(
            Environment.start(_app, model, server=server, worker=False, graceful_seconds=0)
        )
        temporal, queue = holdfast.temporal, holdfast.task_queue
        await asyncio.gather(*_started(temporal, queue, "many" if fair else "", ["many"] * others))
        await stack.enter_async_context(asyncio.timeout(_LONGEST))
        worker, few = holdfast.worker(max_concurrent_activities=slots), "few" if fair else ""
        if late:
            await stack.enter_async_context(worker)
            await _until_decided(temporal, queue)
        before, began = len(asked), clock()
        own = [f"few {number}" for number in range(runs)]
        ids = await asyncio.gather(*_started(temporal, queue, few, own))
        if not late:
            await stack.enter_async_context(worker)
        await asyncio.gather(*(holdfast.client.session(id).result() for id in ids))
    waited = [(place, at - began) for place, (who, at) in enumerate(asked[before:]) if who in own]
    assert len(waited) == runs, f"{len(waited)} of {runs} runs asked the model"
    return Waits(median(place for place, _ in waited), median(at for _, at in waited))


def _started(temporal: TemporalClient, queue: str, tenant: str, prompts: list[str]) -> list[Awaitable[str]]:
    """Runs about to be started, without waiting for a worker to take them."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(prompt: str) -> str:
        id = uuid.uuid4().hex
        task = StartInput(agent="clerk", mode="task", message=Message(id="first", text=prompt))
        async with room:
            await temporal.start_workflow(
                names.WORKFLOW, task, id=id, task_queue=queue, priority=shares.of(tenant)
            )
        return id

    return [one(prompt) for prompt in prompts]


async def _until_decided(temporal: TemporalClient, queue: str) -> None:
    """Wait until each run that was started has made its first decision, so that what is queued are activities."""
    request = DescribeTaskQueueRequest(
        namespace=temporal.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        report_stats=True,
    )
    describe = temporal.workflow_service.describe_task_queue
    while (await describe(request)).stats.approximate_backlog_count:  # noqa: ASYNC110  # no event tells it
        await asyncio.sleep(0.2)


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
                "next to the many": await waits(at, others=others, runs=runs),
                "next to the many, without fairness": await waits(at, others=others, runs=runs, fair=False),
            }


def main() -> None:
    """Measure, print, and fail if one tenant's runs hold up the other's for longer than they may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("--others", type=int, default=5_000, help="runs of the tenant with many (5,000)")
    parser.add_argument("--runs", type=int, default=100, help="runs of the tenant with few (100)")
    options = parser.parse_args()
    found = asyncio.run(measure(options.others, options.runs))
    print(table(found))
    ratio = found["next to the many"].seconds / found["alone"].seconds
    if ratio > BOUND:
        raise SystemExit(f"the median wait is {ratio:.2f} times that alone; it must be at most {BOUND:g}")


if __name__ == "__main__":
    main()
