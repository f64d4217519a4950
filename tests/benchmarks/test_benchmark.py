"""The benchmark makes every system do the same work, and counts it correctly."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from benchmarks.steps import report
from benchmarks.steps.cases import STREAMING, WORKLOADS, System, Worker, Workload, chosen
from benchmarks.steps.histories import footprint
from benchmarks.steps.measuring import Figures, Idle, Results, measure, measure_idle
from benchmarks.steps.response_times import ResponseTime, measure_response_times
from benchmarks.steps.rig import Rig, rig
from benchmarks.steps.targets import check
from tests.support import eventually

_IDLE: dict[Worker, Idle] = {"floor": Idle(0.5, 66.0), "holdfast": Idle(1.0, 99.0)}

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
    inline = await footprint(up.temporal, await up.run("inline", work))
    assert inline.activities["think"] == 1
    assert "peek" not in inline.activities
    work = Workload("1 step", 1, calls=8)
    assert (await footprint(up.temporal, await up.run("floor", work))).activities["look"] == 8
    assert (await footprint(up.temporal, await up.run("ordinary", work))).activities["look"] == 8
    assert "peek" not in (await footprint(up.temporal, await up.run("inline", work))).activities


@pytest.mark.asyncio(loop_scope="module")
async def test_the_observed_worker_sends_spans(up: Rig) -> None:
    await up.run("ordinary, observed", Workload("2 steps", 2))

    async def sent() -> bool:
        return up.collector.received > 0

    await eventually(sent)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_observed_worker_counts_its_steps(up: Rig) -> None:
    await up.run("ordinary, observed", Workload("2 steps", 2))
    async with httpx.AsyncClient() as http:
        assert "holdfast_steps_total" in (await http.get(up.metrics())).text


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
    assert measured == [*STREAMING, "large results"]
    assert all(figures.bytes > 0 and figures.wall > 0 for figures in results.values())
    page = report.markdown(results, _IDLE, "python -m benchmarks", 1)
    assert all(f"| {work.name} |" in page for work in works)


def test_a_missed_target_is_reported() -> None:
    work = next(work for work in WORKLOADS if work.name == "100 steps")
    results: Results = {(work, system): _figures(10.0) for system in work.systems}
    results[work, "ordinary"] = _figures(30.0)
    missed = [target.name for target in check(results) if not target.met]
    assert "worker CPU at 100 steps, × floor" in missed
    assert "**fail**" in report.markdown(results, _IDLE, "python -m benchmarks", 1)


def test_quick_leaves_out_the_longest_work() -> None:
    assert {work.name for work in chosen(quick=False, only="")} - {
        work.name for work in chosen(quick=True, only="")
    } == {"1000 steps", "300 steps, large"}


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_idle_workers_have_a_start_time_and_a_memory(up: Rig) -> None:
    measured: list[Worker] = []
    idle = await measure_idle(up, 1, lambda worker, _: measured.append(worker))
    assert list(idle) == measured == ["floor", "floor, unsandboxed", "holdfast", "holdfast, observed"]
    assert all(each.start > 0 and each.memory > 0 for each in idle.values())


def test_idle_workers_are_rows_of_the_page() -> None:
    page = report.markdown({}, _IDLE, "python -m benchmarks", 1)
    assert "| floor | 0.50 | 66 |" in page
    assert "| holdfast | 1.00 (2.00×) | 99 (1.50×) |" in page


def _figures(value: float) -> Figures:
    return Figures(value, value, value, value, value, value, value, 1, value)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_response_times_are_measured_and_are_rows_of_the_page(up: Rig) -> None:
    times = await measure_response_times(up, 1, lambda _, __: None)
    assert len(times) == 3
    assert all(0 < each.seconds < 60 for each in times)
    page = report.markdown({}, _IDLE, "python -m benchmarks", 1, times)
    assert all(f"| {each.name} | {each.seconds:.2f} |" in page for each in times)


def test_a_slow_response_is_reported() -> None:
    page = report.markdown({}, _IDLE, "python -m benchmarks", 1, [ResponseTime("a start", 2.0, 1.0)])
    assert "| a start | 2.00 | ≤ 1 | **fail** |" in page


def test_short_sessions_have_targets() -> None:
    works = [work for work in WORKLOADS if work.name in {"1 step", "5 steps"}]
    results: Results = {(work, system): _figures(30.0) for work in works for system in work.systems}
    found = {target.name: target.met for target in check(results)}
    assert found == {
        "wall at 1 step, × floor": True,
        "wall at 5 steps, × floor": True,
        "wall of inline steps at 5 steps, ms": False,
    }
