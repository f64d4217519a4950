"""``python -m benchmarks.services``: a service's throughput with more workers, while the core's worker stays as it is.

Sessions of one agent make calls in parallel that wait, as for another system. Their tool has a service queue, and each
of its workers makes few calls at once, so the workers are what is short. Sessions and model calls are the core
worker's, one process that runs through all measurements.
"""

import argparse
import asyncio
import json
import os
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast import Agent, App, ResultEntry, Session, connect, tool
from holdfast.testing import Reply, Request, ScriptedModel, call, say
from holdfast_client import Client
from holdfast_temporal import DevServer

from .steps.processes import Process, python

SLOTS: Final = 2
"""Calls that a worker of the service makes at once."""

CALL: Final = 0.1
"""Seconds that a call waits."""

BOUND: Final = 3.0
"""How many times the throughput of one worker that of four must be."""

_CALLS = 20  # of one session, in parallel
_LONGEST = 600.0  # seconds for a measurement
_COMMAND = "from holdfast_client.command.main import main; main()"


@tool(queue="search", trusted=True)
async def search(number: int) -> str:
    """Search, as a service that waits for another system.

    Args:
        number: Of the call.
    """
    await asyncio.sleep(CALL)
    return str(os.getpid())


app = App(agents=[Agent("core", model="openai:scripted", tools=[search])])


@dataclass(frozen=True)
class Measured:
    """Calls with one number of workers.

    Attributes:
        workers: Process ids that made calls.
        calls: Results.
        seconds: From the first call's beginning to the last one's end.
        core: The core worker's process, and its processor time in seconds.
    """

    workers: frozenset[str]
    calls: int
    seconds: float
    core: tuple[int, float]

    @property
    def rate(self) -> float:
        """Calls in a second."""
        return self.calls / self.seconds


def answer(request: Request) -> Reply:
    """Make all calls at once, then reply."""
    if request.results:
        return say("Done.")
    calls = [call("search", {"number": number}) for number in range(_CALLS)]
    return sum(calls[1:], start=calls[0])


async def measure(workers: list[int], sessions: int) -> dict[int, Measured]:
    """Measure each number of workers of the service, with one core worker."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-services-")))
        server = await stack.enter_async_context(DevServer(home, memory=True, ui=False))
        model = await stack.enter_async_context(ScriptedModel(answer))
        environment = {
            "HOLDFAST_TEMPORAL_ADDRESS": server.address,
            "HOLDFAST_HOME": str(home),
            "HOLDFAST_PROVIDERS": json.dumps({"openai": {"kind": "openai", "base_url": model.openai_url}}),
        }
        core = await _worker(stack, home / "core.log", **environment)
        client = await connect(server.address, task_queue="holdfast")
        found: dict[int, Measured] = {}
        for number in workers:
            async with AsyncExitStack() as service:
                for each in range(number):
                    more = {"HOLDFAST_QUEUES": "search", "HOLDFAST_MAX_CONCURRENT_ACTIVITIES": str(SLOTS)}
                    await _worker(service, home / f"service-{number}-{each}.log", **environment, **more)
                found[number] = await _run(client, sessions, core)
        return found


async def _worker(stack: AsyncExitStack, log: Path, **environment: str) -> Process:
    """A worker process that has started."""
    process = await stack.enter_async_context(
        python("-c", _COMMAND, "worker", "benchmarks.services:app", log=log, **environment)
    )
    async with asyncio.timeout(60):
        while b"worker started" not in log.read_bytes():  # noqa: ASYNC110, ASYNC240 # another process's file
            await asyncio.sleep(0.05)
    return process


async def _run(client: Client, sessions: int, core: Process) -> Measured:
    used = core.cpu()
    async with asyncio.timeout(_LONGEST):
        started = await asyncio.gather(*(client.start("core", "Go.") for _ in range(sessions)))
        await asyncio.gather(*(session.wait() for session in started))
        entries = [entry for session in started for entry in await _results(session)]
    begun = min(entry.at - entry.seconds for entry in entries)
    return Measured(
        workers=frozenset(entry.text for entry in entries),
        calls=len(entries),
        seconds=max(entry.at for entry in entries) - begun,
        core=(core.pid, core.cpu() - used),
    )


async def _results(session: Session) -> list[ResultEntry]:
    return [entry async for entry in session.log() if isinstance(entry, ResultEntry)]


def table(found: dict[int, Measured]) -> str:
    """The measurements as a table in markdown."""
    first = next(iter(found.values()))
    lines = [
        "| workers of the service | calls | s | calls/s | × | core worker: process, CPU s |",
        "|---:|---:|---:|---:|---:|---|",
    ]
    for number, each in found.items():
        pid, used = each.core
        lines.append(
            f"| {number} | {each.calls:,} | {each.seconds:.1f} | {each.rate:.1f} | {each.rate / first.rate:.2f} "
            f"| {pid}, {used:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and fail if four workers have less than three times the throughput of one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.services", description=__doc__)
    parser.add_argument("--sessions", type=int, default=20, help=f"sessions, of {_CALLS} calls each (20)")
    options = parser.parse_args()
    found = asyncio.run(measure([1, 2, 4], options.sessions))
    print(table(found))
    ratio = found[4].rate / found[1].rate
    if ratio < BOUND:
        raise SystemExit(f"four workers have {ratio:.2f} times the throughput of one; it must be {BOUND:g}")


if __name__ == "__main__":
    main()
