"""Checks of error handling, memory, performance and recovery: on a scratch deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from temporalio.client import Client

from holdfast import Agent, App, Memory
from holdfast_activities.state import open_state
from holdfast_activities.state.coordination.breaker import BreakerRule
from holdfast_temporal import DevServer, connect
from holdfast_workers import own_workflows
from holdfast_workers.doctor.checks import breakers, kill, performance
from holdfast_workers.doctor.checks.all import CHECKS
from holdfast_workers.doctor.examination import Check, examine
from holdfast_workers.doctor.examined import Options
from holdfast_workers.doctor.scratch import deployment
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.operations.breakers import BreakerView
from holdfast_workflows.contracts.operations.sessions import query

from ...activities.state.test_processes import go, process
from .conftest import Examining, run
from .other_workflow import Different


async def test_a_breaker_opens_and_recovers_and_an_open_one_is_named(examining: Examining) -> None:
    found = await run(examining(), "breakers")
    assert (found.status, "after 5 failures" in found.text) == ("ok", True)
    examined = examining()
    async with examined.opened():
        assert await (await examined.state()).breakers.load() == []  # the scratch breaker is gone
        view = BreakerView(name="provider:openai", state="open", until=9e9, reason="down")
        store = (await examined.state()).breakers
        await store.set(view.model_copy(update={"name": "doctor:other"}))
        assert (await run(examining(), "breakers")).status == "ok"  # another doctor runs at the same time
        await store.set(view)
    found = await run(examining(), "breakers")
    assert (found.status, "provider:openai (down)" in found.text) == ("warning", True)


async def test_no_breaker_is_opened_in_a_file_store_that_a_worker_has_open(
    examining: Examining, tmp_path: Path
) -> None:
    url = f"file:{tmp_path / 'store'}"
    state = await open_state(url)
    await state.close()
    with process("append.py", url, "s", 0, 1_000_000, "mine") as owner:
        go(owner)
        found = await run(examining(state_url=url), "breakers")
        owner.kill()
    assert (found.status, "has the file store open" in found.text) == ("skipped", True)


async def test_breakers_that_do_not_open_fail(examining: Examining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "_RULE", BreakerRule(failures=100))
    assert (await run(examining(), "breakers")).status == "failed"


async def test_a_failing_provider_is_retried(examining: Examining, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await run(examining(), "retries")).status == "ok"
    monkeypatch.setattr(deployment, "_RETRY", RetryPolicy(attempts=1, adaptive=False))
    found = await run(examining(), "retries")
    assert (found.status, "error model_transient, by 1 calls" in found.text) == ("failed", True)


async def test_a_dead_provider_is_replaced(examining: Examining, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await run(examining(), "fallbacks")).status == "ok"
    alone: Mapping[str, tuple[str, ...]] = {"fallback": ("down:scratch",)}
    monkeypatch.setattr(deployment, "_MODELS", alone)
    assert (await run(examining(), "fallbacks")).status == "failed"


async def test_a_worker_below_the_floor_fails(examining: Examining) -> None:
    assert (await run(examining(options=Options(floor=0.01)), "performance")).status == "ok"
    found = await run(examining(options=Options(floor=1e9)), "performance")
    assert (found.status, "less than 1e+09" in found.text) == ("failed", True)


async def test_a_slow_server_is_named(examining: Examining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "_SLOW", {"Temporal": 60.0, "the state database": 0.0})
    found = await run(examining(), "latency")
    assert (found.status, found.text.startswith("the state database answers in")) == ("warning", True)


async def test_a_memory_is_written_found_and_erased_and_a_dead_store_fails(examining: Examining) -> None:
    app = App(name="remembers", agents=[Agent("clerk", model="openai:x", instructions="", memory=Memory())])
    assert (await run(examining(), "memory")).status == "skipped"
    found = await run(examining(app), "memory")
    assert (found.status, found.text) == ("ok", "a memory was written, found and erased")
    assert (
        await run(examining(app, memory_url="postgresql://x:y@127.0.0.1:9/z"), "memory")
    ).status == "failed"


async def test_the_scratch_sessions_leave_nothing_behind(examining: Examining, server: DevServer) -> None:
    examined = examining()
    async with (
        examined.opened(),
        deployment.scratch(await examined.client(), examined.settings, examined.folder) as made,
    ):
        assert (await made.run("steady")).said == "I am fit."
        client = await connect(server.address)
        left = [each async for each in client.list_workflows(f"TaskQueue = '{made.queue}'")]
        listed = [each.id async for each in client.list_workflows(query())]
    assert [each.id for each in left if each.status is not None and each.status.name == "RUNNING"] == []
    assert [id for id in listed if id.startswith(names.DOCTOR)] == []  # also while the server deletes it


async def test_a_scratch_worker_that_loses_its_server_does_not_end_the_doctor(
    examining: Examining, server: DevServer
) -> None:
    examined = examining()
    client = await Client.connect(server.address, namespace="no-such-namespace")
    async with (
        asyncio.timeout(60),
        deployment.placed(client, examined.folder) as made,
        deployment.serving(made, examined.settings),
    ):
        [worker] = [each for each in asyncio.all_tasks() if each.get_name() == deployment.TASK]
        await asyncio.wait([worker])
        assert worker.exception() is not None


async def test_a_build_that_decides_differently_fails(
    examining: Examining, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined = examining()
    assert (await run(examined, "replays")).text.endswith("has no sessions yet")
    monkeypatch.setattr(deployment.Scratch, "_delete", _keep)
    queue = ""
    examined = examining()
    async with (
        examined.opened(),
        deployment.scratch(await examined.client(), examined.settings, examined.folder) as made,
    ):
        await made.run("steady")
        queue = made.queue
    same = await run(examining(task_queue=queue), "replays")
    assert (same.status, same.text.startswith("1 sessions with")) == ("ok", True)
    monkeypatch.setattr(own_workflows, "OWN_WORKFLOWS", (Different,))
    found = await run(examining(task_queue=queue), "replays")
    assert (found.status, "1 of 1 sessions are decided differently" in found.text) == ("failed", True)


async def _keep(self: deployment.Scratch, id: str) -> None:
    """Leave the history, to be replayed."""


@pytest.mark.slow
async def test_a_killed_workers_sessions_are_answered_by_another_one(
    examining: Examining, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await run(examining(), "kill")
    assert (found.status, "all 6 sessions were answered" in found.text) == ("ok", True)
    monkeypatch.setattr(kill, "_WORKERS", 1)
    (drill,) = (check for check in CHECKS if check.name == "kill")
    alone = Check(drill.name, drill.area, drill.run, seconds=12.0)
    examined = examining()
    async with examined.opened():
        (found,) = [result async for result in examine(examined, [alone])]
    assert (found.status, found.text) == ("failed", "no result in 12 s")
