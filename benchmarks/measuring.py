"""Doing the work and taking the figures: processor time from outside, histories afterwards."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import median

from .cases import System, Workload
from .histories import footprint
from .rig import Rig


@dataclass(frozen=True)
class Figures:
    """The figures of one system at one workload; all but the last three are per step.

    Attributes:
        wall: Milliseconds from the client's start to its answer, over all steps.
        worker: Milliseconds of the worker's processor time.
        server: Milliseconds of the server's.
        events: History events.
        bytes: History bytes.
        actions: Actions that a cloud bills.
        rate: Steps per second.
        runs: Runs in the chain of one workflow; more than one after a roll-over.
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


async def measure(
    rig: Rig, workloads: Sequence[Workload], rounds: int, tell: Callable[[Workload, System, int], None]
) -> Results:
    """Do every workload in rounds, the systems alternating within each; the median of the rounds.

    Args:
        rig: What to work with.
        workloads: What to do.
        rounds: How often.
        tell: Called before each sample.
    """
    samples: dict[tuple[Workload, System], list[Figures]] = defaultdict(list)
    await _warm_up(rig, workloads)
    for number in range(rounds):
        for work in workloads:
            for system in work.systems if number < work.rounds else ():
                tell(work, system, number)
                samples[work, system].append(await _sample(rig, work, system))
    return {key: _median(found) for key, found in samples.items()}


async def _warm_up(rig: Rig, workloads: Sequence[Workload]) -> None:
    """Let every worker load what it loads once."""
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
    left = [await footprint(rig.temporal, id) for id in ids[:5]]
    seen = work.steps * len(left)
    return Figures(
        wall=took * 1e3 / work.total_steps,
        worker=cpu[0] * 1e3 / work.total_steps,
        server=cpu[1] * 1e3 / work.total_steps,
        events=sum(each.events for each in left) / seen,
        bytes=sum(each.bytes for each in left) / seen,
        actions=sum(each.actions for each in left) / seen,
        rate=work.total_steps / took,
        runs=max(each.runs for each in left),
        memory=memory,
    )


def _median(samples: Sequence[Figures]) -> Figures:
    values = {field.name: median(getattr(each, field.name) for each in samples) for field in fields(Figures)}
    return Figures(**values)
