"""One agent over many items."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from holdfast import App, Budget, Fleet, FleetReport, HoldfastError, UnknownAgent, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_client.teams import fleet_items
from holdfast_workflows.contracts.names import run_account

from ....support import WAIT, Gate, always
from ...conftest import Start
from ..team import agent, hold_tool


def text_of(request: Request) -> str:
    """The message that the model reads."""
    return str(next(each["content"] for each in request.messages if each["role"] == "user"))


def echo(request: Request) -> Reply:
    """A model that repeats the message."""
    return say(f"echo {text_of(request)}")


async def until(fleet: Fleet, **wanted: object) -> FleetReport:
    """Wait for a report with these values."""
    async with asyncio.timeout(WAIT):
        async for report in fleet.watch():
            if all(getattr(report, name) == value for name, value in wanted.items()):
                return report
    raise AssertionError(f"the fleet has ended without {wanted}")


async def test_every_item_is_done_once_and_its_result_is_in_order(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_items, "_CHUNK", 10)
    async with start(echo, App(agents=[agent("worker")])) as it:
        items = [f"item {n} {'x' * 5_000 * (n == 7)}" for n in range(25)]
        fleet = await it.holdfast.client.fleets.start("worker", items, concurrency=4)
        report = await fleet.wait(timeout=WAIT)
        assert (report.status, report.total, report.done) == ("done", 25, 25)
        results = [each async for each in fleet.results()]
        assert [each.text for each in results] == [f"echo {each}" for each in items]
        assert [each.id for each in results] == [str(n) for n in range(1, 26)]
        assert len(it.model.requests) == 25
        assert report.usage.output_tokens == sum(each.usage.output_tokens for each in results)


async def test_no_more_items_run_at_once_than_its_concurrency_allows(start: Start) -> None:
    running: set[str] = set()
    most: list[int] = []
    together = asyncio.Barrier(3)

    async def script(request: Request) -> Reply:
        running.add(text_of(request))
        most.append(len(running))
        await together.wait()
        running.discard(text_of(request))
        return say("Done.")

    async with start(script, App(agents=[agent("worker")])) as it:
        fleet = await it.holdfast.client.fleets.start("worker", map(str, range(12)), concurrency=3)
        await fleet.wait(timeout=WAIT)
        assert max(most) == 3


async def test_failed_items_are_reported_by_error_and_tried_again_after_the_end(start: Start) -> None:
    broken, asked = True, Counter[str]()

    def script(request: Request) -> Reply:
        asked[text_of(request)] += 1
        return say("", finish="length") if broken and "bad" in text_of(request) else echo(request)

    async with start(script, App(agents=[agent("worker")])) as it:
        fleet = await it.holdfast.client.fleets.start("worker", ["good", "bad 1", "bad 2"])
        report = await fleet.wait(timeout=WAIT)
        assert (report.done, report.failed) == (1, 2)
        assert [(each.code, each.count) for each in report.errors] == [("output_cut_off", 2)]
        failed = [each async for each in fleet.results(status="failed")]
        assert [each.error.code for each in failed if each.error] == ["output_cut_off"] * 2
        broken = False
        await fleet.retry()
        report = await fleet.wait(timeout=WAIT)
        assert (report.done, report.failed, report.retried, report.errors) == (3, 0, 2, ())
        assert [each.attempts async for each in fleet.results()] == [1, 2, 2]
        assert asked == {"good": 1, "bad 1": 2, "bad 2": 2}


async def test_a_paused_fleet_starts_no_item_until_it_is_resumed(start: Start) -> None:
    gate = Gate()

    async def script(request: Request) -> Reply:
        gate.entered.set()
        await gate.opened.wait()
        return echo(request)

    async with start(script, App(agents=[agent("worker")])) as it:
        fleet = await it.holdfast.client.fleets.start("worker", ["a", "b", "c"], concurrency=1)
        await gate.arrived()
        await fleet.pause("lunch")
        gate.opened.set()
        report = await until(fleet, done=1, running=0)
        assert (report.status, report.reason, report.pending) == ("paused", "lunch", 2)
        assert len(it.model.requests) == 1
        await fleet.resume()
        assert (await fleet.wait(timeout=WAIT)).done == 3


async def test_a_cancel_waits_until_the_calls_of_its_sessions_have_ended(start: Start) -> None:
    gate = Gate()
    app = App(agents=[agent("worker", tools=[hold_tool(gate)])])
    async with start(always(call("hold")), app) as it:
        fleet = await it.holdfast.client.fleets.start("worker", ["a", "b", "c"], concurrency=2)
        await until(fleet, running=2)
        await gate.arrived()
        report = await fleet.cancel("enough")
        assert (report.status, report.cancelled, report.running) == ("cancelled", 3, 0)
        calls = len(gate.left)
        used = [each.usage.output_tokens async for each in fleet.results()]
        assert report.usage.output_tokens == sum(used)
        assert calls == len(gate.left)


async def test_items_that_outlive_a_run_of_the_fleet_are_found_by_the_next_one(start: Start) -> None:
    gate, asked = Gate(), Counter[str]()
    app = App(agents=[agent("worker", tools=[hold_tool(gate)])])

    def script(request: Request) -> Reply:
        asked[text_of(request)] += 1
        return call("hold") if text_of(request) == "slow" and not request.results else echo(request)

    async with start(script, app) as it:
        items = ["slow", *map(str, range(30))]
        fleet = await it.holdfast.client.fleets.start(
            "worker", items, concurrency=5, continue_as_new_after=100
        )
        await until(fleet, done=30)
        runs = {
            (await it.holdfast.temporal.get_workflow_handle(fleet.id).describe()).run_id,
            (await it.holdfast.temporal.get_workflow_handle(f"{fleet.id}.1").describe()).parent_run_id,
        }
        gate.opened.set()
        report = await fleet.wait(timeout=WAIT)
        assert (report.done, report.retried) == (31, 0)
        assert asked == {"slow": 2, **dict.fromkeys(items[1:], 1)}
        assert len(runs) == 2


async def test_a_fleet_whose_budget_is_used_up_pauses_and_goes_on_when_it_is_raised(start: Start) -> None:
    final: list[bool] = []

    @tool
    async def look() -> str:
        """Look."""
        return "seen"

    def script(request: Request) -> Reply:
        final.append(not request.tools)
        return say("Done.", input_tokens=400, output_tokens=100)

    app = App(agents=[agent("worker", max_tokens=200, tools=[look], budget=Budget(steps=3))])
    async with start(script, app) as it:
        client = it.holdfast.client
        fleet = await client.fleets.start(
            "worker", map(str, range(8)), concurrency=2, budget=Budget(tokens=2_600)
        )
        report = await until(fleet, status="paused", running=0)
        assert 0 < report.done < 8
        assert report.done + report.pending == 8
        await fleet.raise_budget(tokens=20_000)
        report = await fleet.wait(timeout=WAIT)
        assert (report.done, report.failed) == (8, 0)
        assert not any(final), "an item was answered with what was left, instead of later"
        [account] = await client.budgets(prefix=run_account(fleet.id))
        assert account.tokens == report.usage.input_tokens + report.usage.output_tokens == 8 * 500


async def test_the_sessions_of_a_fleet_have_its_tenant_user_priority_and_rules(start: Start) -> None:
    @tool
    async def look() -> str:
        """Look."""
        return "seen"

    async with start(echo, App(agents=[agent("worker", tools=[look])])) as it:
        client = it.holdfast.client
        fleet = await client.fleets.start("worker", ["a"], tenant="acme", user="ann", weight=2.0)
        await fleet.wait(timeout=WAIT)
        [result] = [each async for each in fleet.results()]
        view = await client.session(result.session).view()
        assert (view.tenant, view.user, view.agent, view.mode) == ("acme", "ann", "worker", "task")
        described = await it.holdfast.temporal.get_workflow_handle(result.session).describe()
        assert described.raw_description.workflow_execution_info.priority.priority_key == 4
        assert described.raw_description.workflow_execution_info.priority.fairness_key == "acme"


async def test_a_fleet_is_not_among_the_sessions_whose_tools_a_new_worker_checks(start: Start) -> None:
    gate = Gate()
    app = App(agents=[agent("worker", tools=[hold_tool(gate)])])

    def script(request: Request) -> Reply:
        return echo(request) if request.results else call("hold")

    async with start(script, app) as it:
        fleet = await it.holdfast.client.fleets.start("worker", ["a"])
        await gate.arrived()
        assert list((await it.holdfast.state.pinned(["worker"])).values()) == [1]
        gate.opened.set()
        await fleet.wait(timeout=WAIT)


async def test_a_fleet_of_an_unknown_agent_fails_at_once(start: Start) -> None:
    async with start(echo, App(agents=[agent("worker")])) as it:
        with pytest.raises(UnknownAgent, match="'nobody'"):
            await it.holdfast.client.fleets.start("nobody", ["a"])


async def test_waiting_for_a_fleet_that_was_terminated_ends_with_an_error(start: Start) -> None:
    gate = Gate()
    app = App(agents=[agent("worker", tools=[hold_tool(gate)])])
    async with start(always(call("hold")), app) as it:
        fleet = await it.holdfast.client.fleets.start("worker", ["a"])
        await gate.arrived()
        await it.holdfast.temporal.get_workflow_handle(fleet.id).terminate()
        with pytest.raises(HoldfastError):
            await fleet.wait(timeout=WAIT)
        await it.holdfast.temporal.get_workflow_handle(f"{fleet.id}.1").cancel()
        gate.opened.set()


async def test_the_same_id_is_the_same_fleet(start: Start) -> None:
    async with start(echo, App(agents=[agent("worker")])) as it:
        fleets = it.holdfast.client.fleets
        options: dict[str, Any] = {"id": f"fleet-{it.holdfast.task_queue}"}
        first = await fleets.start("worker", ["a", "b"], **options)
        await first.wait(timeout=WAIT)
        again = await fleets.start("worker", ["a", "b"], **options)
        assert (await again.wait(timeout=WAIT)).done == 2
        assert len(it.model.requests) == 2
