"""One list of what waits for people in all sessions."""

from __future__ import annotations

from holdfast import InboxItem
from holdfast.testing import say

from ...support import eventually
from ..conftest import Running


async def test_the_inbox_lists_the_items_of_all_sessions(running: Running) -> None:
    async with running([say("Hi.")]) as holdfast:
        client = holdfast.client
        acme = await client.start("helper", tenant="acme")
        other = await client.start("helper")
        for session, to in ((acme, "ann"), (other, "bob")):
            await session.hand_over("by hand", to=to)
            await session.send("Hello", wait=False)

        found: tuple[InboxItem, ...] = tuple[InboxItem, ...]()

        async def both() -> bool:
            nonlocal found
            found = await client.inbox()
            return len(found) == 2

        await eventually(both)  # the list of sessions is a second late
        assert [each.session for each in found] == [acme.id, other.id]  # by their deadlines
        assert [each.owners for each in found] == [("ann",), ("bob",)]
        assert [each.session for each in await client.inbox(tenant="acme")] == [acme.id]
        assert [each.session for each in await client.inbox(owner="bob")] == [other.id]
        assert await client.inbox(kind="approval") == ()
        assert len(await client.inbox(kind="handover", limit=1)) == 1

        await client.session(acme.id).answer(found[0].id, "confirm", text="Hello.")
        await client.session(acme.id).wait()
        assert [each.session for each in await client.inbox()] == [other.id]


async def test_an_item_of_a_paused_session_is_listed(running: Running) -> None:
    async with running([]) as holdfast:
        session = await holdfast.client.start("helper")
        await session.hand_over()
        await session.send("Hello", wait=False)

        async def listed() -> bool:
            return bool(await holdfast.client.inbox())

        await eventually(listed)
        await session.pause()
        await eventually(listed)
