"""A session is reset to each of its events in turn; each continues, and every effect is booked once.

Temporal takes the ends of workflow tasks, and refuses the events between them.
"""

from __future__ import annotations

import asyncio

import pytest

from ...kills.ledger import Ledger
from ..conftest import Start
from .reset_sweep import Fate, app, finished, refused, reset_to, tasks
from .resets import script

AT_ONCE = 3


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("default:Cannot find activity to cancel")  # the SDK, on a busy machine
async def test_a_session_reset_to_any_of_its_events_goes_on_and_repeats_no_effect(start: Start) -> None:
    async with Ledger() as ledger, start(script, app(ledger)) as it:
        count, room = len(await tasks(it, await finished(it))), asyncio.Semaphore(AT_ONCE)

        async def one(task: int) -> Fate | None:
            async with room:
                return await reset_to(it, ledger, task)

        fates = await asyncio.gather(*map(one, range(count)))
        tried, wrong = await refused(it, ledger)
    assert [fate for fate in fates if fate is not None and fate.complaints] == []
    assert sum(fate is not None for fate in fates) > 8
    assert tried > 30
    assert wrong == []
