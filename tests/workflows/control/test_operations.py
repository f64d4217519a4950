"""Too many at once, and operations in any order: each message is answered once, or refused with a reason."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import QueueFull
from holdfast_workflows.contracts.session.entries import UserEntry

from ..conftest import Start
from .operations import APP, KINDS, play, script

OPERATIONS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 999)), min_size=3, max_size=12)


@given(operations=OPERATIONS)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_whatever_is_done_to_a_session_each_message_is_answered_once(
    start: Start, operations: list[tuple[str, int]]
) -> None:
    async with start(script, APP) as it:
        assert (await play(it, operations)).problems == []


async def test_of_more_messages_than_may_wait_each_is_answered_once_or_refused(start: Start) -> None:
    async with start(script, APP) as it:
        session = await it.holdfast.client.start("clerk", "m0", continue_as_new_after=200)
        taken: dict[str, int] = {}

        async def send(text: str) -> None:
            with suppress(QueueFull):
                taken[text] = (await session.send(text, wait=False)).turn

        # As many as Temporal takes at once.
        for first in range(1, 161, 8):
            await asyncio.gather(*(send(f"m{2 * (first + n)}") for n in range(8)))
        assert len(set(taken.values())) == len(taken)
        replies = [await session.wait(turn, raise_on_error=False) for turn in list(taken.values())[-3:]]
        assert [reply.text for reply in replies] == [f"You said: {text}" for text in list(taken)[-3:]]
        log = await it.holdfast.state.log.read(session.id, 0)
        assert sorted(entry.text for entry in log if isinstance(entry, UserEntry)) == sorted(["m0", *taken])
