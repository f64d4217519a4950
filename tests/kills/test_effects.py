"""Workers that die during an effect: it happens once or a person is asked; it is undone once."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest

from holdfast.testing import Reply, Request, call, failed, say
from holdfast_client import Session

from ..support import eventually
from ..workers.running import eventually as seen
from .conftest import Make, Script
from .wire import Wire
from .world import Handle, World, done, kill, ready

APP = "tests.kills.careful:app"


def calling(tool: str, what: str) -> Script:
    """A model that asks for one call and accepts any result."""
    return lambda request: call(tool, {"what": what}) if request.results == 0 else say("Done.")


async def until_it_dies(world: World, queue: str) -> Handle:
    """Start a run whose tool kills the worker."""
    async with world.worker(queue, app=APP) as worker:
        await ready(worker)
        handle = await world.begin(queue, f"dies-{uuid.uuid4().hex[:8]}")
        assert await worker.ended() == 9
    return handle


async def rows(session: Session) -> list[tuple[str, str, str]]:
    """Return the effect ledger's rows: tool, status, by whom."""
    return [(row.tool, row.status, row.by) for row in await session.effects()]


@pytest.mark.parametrize(
    ("when", "by"), [pytest.param("before", "", marks=pytest.mark.slow), ("after", "probe")]
)
async def test_the_probe_decides_whether_a_lost_call_is_repeated(
    world: Make, task_queue: str, when: str, by: str
) -> None:
    async with world(calling("pay", when)) as there:
        handle = await until_it_dies(there, task_queue)
        assert there.ledger.of(handle.id) == ([] if when == "before" else ["after"])
        async with there.worker(task_queue, app=APP):
            await done(handle)
            assert there.ledger.tried(handle.id) == 1
            assert await rows(await there.session(handle)) == [("pay", "settled", by)]
            assert [row["text"] for row in there.log(handle.id) if row["kind"] == "result"] == ["receipt 1"]


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
async def test_without_a_probe_a_person_is_asked_and_nothing_repeated(
    world: Make, task_queue: str, when: str
) -> None:
    async with world(calling("send", when)) as there:
        handle = await until_it_dies(there, task_queue)
        async with there.worker(task_queue, app=APP):
            session = await there.session(handle)

            async def asked() -> bool:
                return bool((await session.view()).inbox)

            await eventually(asked)
            assert await rows(session) == [("send", "unknown", "")]
            before = there.ledger.tried(handle.id)
            waiting = (await session.view()).inbox[0]
            await session.answer(
                waiting.id, "retry" if when == "before" else "confirm", text="sent", by="ann"
            )
            await done(handle)
            assert await rows(session) == [("send", "settled", "" if when == "before" else "person: ann")]
        assert (before, there.ledger.tried(handle.id)) == ((0, 1) if when == "before" else (1, 1))


async def test_a_settled_call_that_was_not_reported_is_not_repeated(world: Make, task_queue: str) -> None:
    async with world(calling("send", "never")) as there:
        async with Wire(there.address) as wire, there.worker(task_queue, wire.address, APP) as worker:
            await ready(worker)
            there.ledger.answering.clear()
            handle = await there.begin(task_queue, f"untold-{uuid.uuid4().hex[:8]}")
            await seen(lambda: there.ledger.tried(handle.id) == 1)
            # From here on the worker can write its log, but not report to the server.
            wire.hold()
            there.ledger.answering.set()
            await seen(lambda: [row["kind"] for row in there.log(handle.id)][2:] == ["result"])
            await kill(worker)
        async with there.worker(task_queue, app=APP):
            await done(handle)
            assert await rows(await there.session(handle)) == [("send", "settled", "")]
        assert there.ledger.tried(handle.id) == 1


def reserving_and_failing(request: Request) -> Reply:
    """A model that reserves two things and then fails."""
    if request.results < 2:
        return call("reserve", {"what": f"seat {request.results}"})
    return failed(400, "No.")


@pytest.mark.slow
async def test_undo_continues_after_a_kill_and_undoes_each_call_once(world: Make, task_queue: str) -> None:
    async with world(reserving_and_failing) as there:
        async with there.worker(task_queue, app=APP) as worker:
            await ready(worker)
            handle = await there.begin(task_queue, f"undo-{uuid.uuid4().hex[:8]}", mode="conversation")
            assert await worker.ended() == 9
        async with there.worker(task_queue, app=APP):
            session = await there.session(handle)
            assert (await session.wait(raise_on_error=False)).status == "failed"
            assert await rows(session) == [("reserve", "undone", ""), ("reserve", "undone", "")]
        booked = [what for key, what in there.ledger.effects.items() if key.startswith(handle.id)]
        # In reverse order; the interrupted undo was attempted twice under one key.
        assert booked == ["seat 0", "seat 1", "undid seat 1", "undid seat 0"]
        assert sorted(Counter(there.ledger.attempts).values()) == [1, 1, 1, 2]
