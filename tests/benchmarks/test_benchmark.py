"""The benchmark makes every system do the same work, and counts it correctly."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from benchmarks import report
from benchmarks.cases import WATCHED, WORKLOADS, System, Workload, chosen
from benchmarks.histories import footprint
from benchmarks.measuring import Figures, Results, measure
from benchmarks.rig import Rig, rig
from benchmarks.targets import check

pytestmark = pytest.mark.timeout(180)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up() -> AsyncIterator[Rig]:
    async with rig() as started:
        yield started


@pytest.mark.asyncio(loop_scope="module")
async def test_every_system_makes_the_activities_it_should(up: Rig) -> None:
    work = Workload("2 steps", 2)
    floor = await footprint(up.temporal, await up.run("floor", work))
    assert floor.activities == Counter(ask_model=3, look=2)
    assert (floor.runs, floor.actions) == (1, 6)
    ordinary = await footprint(up.temporal, await up.run("ordinary", work))
    assert ordinary.activities["think"] == 3
    assert ordinary.activities["look"] == 2
    bursts = await footprint(up.temporal, await up.run("bursts", work))
    assert bursts.activities["think"] == 1
    assert "peek" not in bursts.activities
    work = Workload("1 step", 1, calls=8)
    assert (await footprint(up.temporal, await up.run("floor", work))).activities["look"] == 8
    assert (await footprint(up.temporal, await up.run("ordinary", work))).activities["look"] == 8
    assert "peek" not in (await footprint(up.temporal, await up.run("bursts", work))).activities


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_every_system_is_measured_in_turn_and_shown(up: Rig) -> None:
    measured: list[System] = []
    works = [
        replace(work, steps=2, repeat=1)
        for work in WORKLOADS
        if work.name in {"20 steps", "300 steps, large"}
    ]
    results = await measure(up, works, 1, lambda _, system, __: measured.append(system))
    assert measured == [*WATCHED, "large results"]
    assert all(figures.bytes > 0 and figures.wall > 0 for figures in results.values())
    page = report.markdown(results, "python -m benchmarks", 1)
    assert all(f"| {work.name} |" in page for work in works)


def test_a_missed_target_is_reported() -> None:
    work = next(work for work in WORKLOADS if work.name == "100 steps")
    results: Results = {(work, system): _figures(10.0) for system in work.systems}
    results[work, "ordinary"] = _figures(30.0)
    missed = [target.name for target in check(results) if not target.met]
    assert "worker CPU at 100 steps, × floor" in missed
    assert "**fail**" in report.markdown(results, "python -m benchmarks", 1)


def test_quick_leaves_out_the_longest_work() -> None:
    assert {work.name for work in chosen(quick=False, only="")} - {
        work.name for work in chosen(quick=True, only="")
    } == {"1000 steps", "300 steps, large"}


def _figures(value: float) -> Figures:
    return Figures(value, value, value, value, value, value, value, 1, value)
