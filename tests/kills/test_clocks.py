"""Workers with wrong clocks: stored times follow the Temporal server's clock."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast_activities import clock
from holdfast_activities.models.errors.errors import retry_after
from holdfast_client import connect
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.session import Message, StartInput

from ..support import eventually
from ..workers.running import Running
from .conftest import Make
from .test_effects import calling, rows
from .world import World, done, ready

APP = "tests.kills.skewed:app"
HOUR = 3_600

SKEW = """
import os, time
_right = time.time
time.time = lambda: _right() + float(os.environ["HOLDFAST_TEST_SKEW"])
"""
"""A `sitecustomize` module that shifts the clock of a process."""


@pytest.fixture
def skewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for PYTHONPATH that shifts the clock of a process."""
    (tmp_path / "sitecustomize.py").write_text(SKEW)
    return tmp_path


@asynccontextmanager
async def off_by(
    world: World, queue: str, seconds: float, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Running]:
    """Start a worker whose clock is ``seconds`` ahead."""
    with monkeypatch.context() as patched:
        patched.setenv("PYTHONPATH", str(folder))
        starting = world.worker(queue, app=APP, test_skew=str(seconds))
        running = await starting.__aenter__()
    try:
        yield await ready(running)
    finally:
        await starting.__aexit__(None, None, None)


@pytest.mark.parametrize("hours", [2, pytest.param(-2, marks=pytest.mark.slow)])
async def test_a_call_whose_worker_died_is_looked_up_in_time_though_the_clocks_differ(
    world: Make, task_queue: str, skewed: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    async with world(calling("pay", f"before {hours}")) as there:
        async with off_by(there, task_queue, hours * HOUR, skewed, monkeypatch) as worker:
            handle = await there.begin(task_queue, f"dies-{uuid.uuid4().hex[:8]}")
            assert await worker.ended() == 9
        async with there.worker(task_queue, app=APP):
            await done(handle)
            assert there.ledger.tried(handle.id) == 1
            assert await rows(await there.session(handle)) == [("pay", "settled", "")]


@pytest.mark.slow
@pytest.mark.parametrize("hours", [36, -36])
async def test_breakers_budgets_and_the_log_have_the_servers_time(
    world: Make, task_queue: str, skewed: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    tenant, id = f"t-{task_queue[-8:]}", f"opens-{uuid.uuid4().hex[:8]}"
    fails = f"fails_{task_queue[-12:]}".replace("-", "_")
    start = StartInput(agent="clerk", mode="task", message=Message(id="first", text=id), tenant=tenant)
    async with (
        world(calling(fails, "it")) as there,
        off_by(there, task_queue, hours * HOUR, skewed, monkeypatch),
    ):
        holdfast = await connect(temporal=there.client, task_queue=task_queue)
        handle = await there.client.start_workflow(names.WORKFLOW, start, id=id, task_queue=task_queue)

        async def opened() -> bool:
            return any(each.name == f"tool:{fails}" and each.opened for each in await holdfast.breakers())

        await eventually(opened)
        now = time.time()
        (breaker,) = [each for each in await holdfast.breakers() if each.name == f"tool:{fails}"]
        accounts = [each.account for each in await holdfast.budgets(prefix=f"tenant:{tenant}:")]
        await handle.terminate()
    assert (breaker.state, abs(breaker.opened - now) < 30) == ("open", True)
    assert abs(breaker.until - breaker.opened - 60) < 1
    days = {f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}" for at in (now, now - 60)}
    assert {account.removeprefix(f"tenant:{tenant}:") for account in accounts} <= days
    assert accounts
    written = [row["at"] for row in there.log(id) if row.get("at")]
    assert written
    assert max(abs(at - now) for at in written) < 60


@pytest.mark.parametrize("ahead", [7_200.0, -7_200.0, 0.3, 0.0])
def test_the_servers_time_is_known_from_the_activities_that_begin(ahead: float) -> None:
    server = clock._Server()
    assert abs(server.now() - time.time()) < 0.1, "before the first activity the machine's own clock is used"
    for late in (5.0, 0.02, 1.0):
        server.observe(time.time() + ahead - late)
    told = server.now() - time.time()
    assert abs(told - (ahead if abs(ahead) > 1 else 0.0)) < 0.1


def test_a_server_whose_clock_is_set_back_is_followed() -> None:
    server = clock._Server()
    server.observe(time.time() + HOUR)
    for _ in range(clock._KEPT):
        server.observe(time.time())
    assert abs(server.now() - time.time()) < 0.1


@pytest.mark.parametrize("wait", [{"retry-after": "Sat, 28 Nov 2026 12:00:30 GMT"}])
def test_a_retry_after_date_is_relative_to_the_responses_date(wait: dict[str, str]) -> None:
    assert retry_after({"date": "Sat, 28 Nov 2026 12:00:00 GMT", **wait}) == 30
    # Without a date the server's time is used; a wait is never negative.
    assert retry_after({"date": "no date", "retry-after": "Sat, 28 Nov 2020 12:00:30 GMT"}) == 0
