"""Processes that write to one tenant's chain and are killed: nothing is missing, and nothing is there twice."""

import itertools

import pytest

from holdfast_activities.state import open_state
from holdfast_activities.state.audit.verifying import verify
from holdfast_workflows.contracts.session.entries import UserEntry
from tests.activities.conftest import DATABASES
from tests.activities.state.test_processes import go, process, told

_COUNT = 200


@pytest.mark.parametrize("url", DATABASES, indirect=True)
async def test_killed_writers_leave_a_whole_chain_and_a_retry_completes_it(url: str, session: str) -> None:
    acknowledged = set[int]()
    # Three writers with records of their own; two are killed in the middle.
    with (
        process("audit.py", url, session, 0, _COUNT) as one,
        process("audit.py", url, session, 1_000, _COUNT) as two,
        process("audit.py", url, session, 2_000, _COUNT) as three,
    ):
        go(one, two, three)
        for killed, after in ((one, 30), (two, 70)):
            assert killed.stdout is not None
            lines = list(itertools.islice(killed.stdout, after))
            killed.kill()
            acknowledged |= told(lines + killed.stdout.readlines()).keys()
        acknowledged |= told(three.communicate(timeout=60)[0]).keys()
    state = await open_state(url)
    rows = await state.audit.rows(session, limit=3 * _COUNT)
    numbers = [int(row.id[1:]) for row in rows]
    assert 50 < len(numbers) < 3 * _COUNT
    assert acknowledged <= set(numbers)
    # A record is there exactly if the entry of its transaction is.
    entries = {entry.seq for entry in await state.log.read(session, 0) if isinstance(entry, UserEntry)}
    assert entries == {n for n in numbers if n % 2}
    with process("audit.py", url, session, 0, _COUNT) as again:
        go(again)
        assert len(told(again.communicate(timeout=60)[0])) == _COUNT
    again_ids = [row.id for row in await state.audit.rows(session, limit=3 * _COUNT)]
    assert again_ids[: len(rows)] == [row.id for row in rows]
    assert len(again_ids) == len(set(again_ids))
    assert set(again_ids) >= {f"r{n}" for n in range(_COUNT)}
    assert (await verify(state.audit, None, tenant=session)).findings == []
    await state.close()
