"""Storage of removed rows is released while others write."""

import asyncio

from holdfast_activities.state import State
from holdfast_activities.state.setup.location import SqliteLocation, locate
from holdfast_workflows.contracts.session.entries import UserEntry


async def test_a_vacuum_shrinks_the_file_while_others_write(state: State, url: str, session: str) -> None:
    await state.open_session(session, "a", "d", "acme")
    await state.log.settle(session, [UserEntry(seq=n, text="x" * 9_000) for n in range(1, 200)])
    await state.erasing.session(session, 5.0)
    await state.erasing.scrub()
    location = locate(url)
    before = location.path.stat().st_size if isinstance(location, SqliteLocation) else 0
    vacuum = asyncio.create_task(state.vacuum())
    for n in range(1, 20):
        await state.log.settle(f"{session}-2", [UserEntry(seq=n, text="y")])
    released = await vacuum
    assert len(await state.log.read(f"{session}-2", 0)) == 19
    if isinstance(location, SqliteLocation):
        assert released > 1_500_000
        assert location.path.stat().st_size < before / 2
    else:
        assert released == 0
