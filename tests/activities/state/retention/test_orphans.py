"""Texts of sessions that never began are removed after a while."""

from holdfast_activities.state import State

from .ended import NOW, ended


async def test_texts_without_a_session_are_removed_when_they_are_old(state: State, session: str) -> None:
    never, later = f"{session}-never", f"{session}-later"
    await ended(state, session, tenant=session, days=1)
    for each in (never, later):
        await state.store_text(each, "m", "long")

    async def found(now: float, before: float) -> set[str]:
        return {each for each in await state.orphans.find(now, before) if each.startswith(session)}

    assert await found(NOW, NOW) == set()  # they may have been stored a moment ago
    assert await found(NOW + 5, NOW + 1) == {never, later}
    await ended(state, later, tenant=session, days=1)
    assert await found(NOW + 6, NOW + 1) == {never}
    assert not await state.orphans.remove(later)
    assert await state.orphans.remove(never)
    assert await state.load_text(never, "m") is None
    assert await state.load_text(session, "t") is not None
    assert await found(NOW + 7, NOW + 1) == set()
    assert await state.retention.removed(never) == []
