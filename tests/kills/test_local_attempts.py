"""A worker that is killed after it loaded or settled, before its workflow task is complete."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from typing import Any

import pytest

from holdfast.testing import say

from ..support import always
from ..workers.running import eventually
from .conftest import Make
from .wire import Wire
from .world import Handle, World, done, kill, polling, ready

pytestmark = pytest.mark.slow


def rows(world: World, table: str, session: str) -> list[dict[str, Any]]:
    """The rows of a session in a table of the state database."""
    with closing(sqlite3.connect(world.home / "state.db", timeout=20)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {table} WHERE session = ?", (session,))]


async def judge(world: World, handle: Handle, queue: str) -> None:
    """Let another worker end the session; it has one turn, stored as it ended."""
    async with world.worker(queue):
        result = await done(handle)
    assert result.last is not None
    assert (result.last.status, result.last.reply, result.turns) == ("done", "Posted.", 1)
    assert world.asked(handle.id) == {0: 1}
    assert [row["kind"] for row in world.log(handle.id)] == ["user", "reply"]
    (session,) = rows(world, "holdfast_session", handle.id)
    assert (session["status"], session["version"], session["turns"]) == ("closed", 1, 1)
    (turn,) = rows(world, "holdfast_turn", handle.id)
    assert (turn["status"], turn["ended"]) == ("done", result.last.ended)


async def test_a_session_whose_agent_was_loaded_by_a_killed_worker_goes_on(
    world: Make, task_queue: str
) -> None:
    async with world(always(say("Posted."))) as there:
        async with (
            Wire(there.address) as wire,
            there.worker(task_queue, wire.address) as worker,
        ):
            await ready(worker)
            await polling(there, task_queue)
            wire.hold()  # its polls have been sent, so it still gets the workflow task
            handle = await there.begin(task_queue, f"loaded-{uuid.uuid4().hex[:8]}")
            await eventually(lambda: len(rows(there, "holdfast_session", handle.id)) == 1)
            await kill(worker)
        await judge(there, handle, task_queue)


async def test_a_turn_that_was_settled_by_a_killed_worker_is_stored_once(
    world: Make, task_queue: str
) -> None:
    async with world(always(say("Posted."))) as there:
        async with (
            Wire(there.address) as wire,
            there.worker(task_queue, wire.address) as worker,
        ):
            await ready(worker)
            wire.hold_at(b"Posted.")  # the result of the model call, in the workflow task that ends the turn
            handle = await there.begin(task_queue, f"settled-{uuid.uuid4().hex[:8]}")
            await eventually(lambda: len(rows(there, "holdfast_turn", handle.id)) == 1)
            await kill(worker)
        await judge(there, handle, task_queue)
