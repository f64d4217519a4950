"""Do the work and measure it: processor time of the processes, then the histories."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import median

from .cases import System, Worker, Workload
from .histories import footprint
from .rig import Rig

_IDLE = 10.0  # seconds of polling before the memory of an idle worker is read


@dataclass(frozen=True)
class Figures:
    """The figures of one system at one workload; all but the last three are per step.

    Attributes:
        wall: Milliseconds from the client's start to the reply.
        worker: Milliseconds of the worker's processor time.
        server: Milliseconds of the server's processor time.
        events: History events.
        bytes: History bytes.
        actions: Billed actions.
        rate: Steps per second.
        runs: Runs of one workflow id; more than one after continue-as-new.
        memory: The worker's resident megabytes at the end.
    """

    wall: float
    worker: float
    server: float
    events: float
    bytes: float
    actions: float
    rate: float
    runs: float
    memory: float


Results = dict[tuple[Workload, System], Figures]


@dataclass(frozen=True)
class Idle:
    """A worker without work: seconds from process start to first poll, and resident megabytes 10 s later."""

    start: float
    memory: float


async def measure_idle(rig: Rig, rounds: int, report: Callable[[Worker, int], None]) -> dict[Worker, Idle]:
    """Start a worker of each system ``rounds`` times, one at a time; medians. ``report`` runs before each."""
    samples: dict[Worker, list[Idle]] = defaultdict(list)
    for number in range(rounds):
        for name in rig.commands:
            report(name, number)
            began = time.perf_counter()
            async with rig.start(name) as process:
                await rig.polls(name, process)
                start = time.perf_counter() - began
                await asyncio.sleep(_IDLE)
                samples[name].append(Idle(start, process.memory()))
    return {
        name: Idle(median(each.start for each in found), median(each.memory for each in found))
        for name, found in samples.items()
    }


async def measure(
    rig: Rig, workloads: Sequence[Workload], rounds: int, report: Callable[[Workload, System, int], None]
) -> Results:
    """Do every workload in rounds, with the systems in turn; medians. ``report`` runs before each sample."""
    samples: dict[tuple[Workload, System], list[Figures]] = defaultdict(list)
    await _warm_up(rig, workloads)
    for number in range(rounds):
        for work in workloads:
            for system in work.systems if number < work.rounds else ():
                report(work, system, number)
                samples[work, system].append(await _sample(rig, work, system))
    return {key: _median(found) for key, found in samples.items()}


async def _warm_up(rig: Rig, workloads: Sequence[Workload]) -> None:
    """Let every worker do its first imports and connections."""
    systems: dict[System, None] = dict.fromkeys(system for work in workloads for system in work.systems)
    for system in systems:
        await rig.run(system, Workload("warm-up", 10))


async def _sample(rig: Rig, work: Workload, system: System) -> Figures:
    worker, server = rig.worker(system), rig.server
    before, began = (worker.cpu(), server.cpu()), time.perf_counter()
    ids: list[str] = []
    for _ in range(work.repeat):
        ids += await asyncio.gather(*(rig.run(system, work) for _ in range(work.at_once)))
    took = time.perf_counter() - began
    cpu = (worker.cpu() - before[0], server.cpu() - before[1])
    memory = worker.memory()
    footprints = [await footprint(rig.temporal, id) for id in ids[:5]]
    steps = work.steps * len(footprints)
    return Figures(
        wall=took * 1e3 / work.total_steps,
        worker=cpu[0] * 1e3 / work.total_steps,
        server=cpu[1] * 1e3 / work.total_steps,
        events=sum(each.events for each in footprints) / steps,
        bytes=sum(each.bytes for each in footprints) / steps,
        actions=sum(each.actions for each in footprints) / steps,
        rate=work.total_steps / took,
        runs=max(each.runs for each in footprints),
        memory=memory,
    )


def _median(samples: Sequence[Figures]) -> Figures:
    values = {field.name: median(getattr(each, field.name) for each in samples) for field in fields(Figures)}
    return Figures(**values)
