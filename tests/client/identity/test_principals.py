"""Principals: from credentials, stamped on what they do."""

from __future__ import annotations

import pytest

from holdfast import InvalidCredential, NoIdentityProvider, NotPermitted, SessionNotFound, connect
from holdfast.testing import say
from holdfast_temporal import DevServer

from ...support import always
from .conftest import PRINCIPALS, Guarding


async def test_a_user_starts_and_talks_as_itself(guarding: Guarding) -> None:
    async with guarding([say("Hello."), say("Again.")]) as it:
        ann = await it.client("ann")
        assert await ann.whoami() == PRINCIPALS["ann"]
        session = await ann.start("helper", "Hi")
        assert (await session.wait()).text == "Hello."
        assert (await session.send("And?")).text == "Again."
        view = await session.view()
        assert (view.tenant, view.user, view.started_by) == ("acme", "ann", "ann")
        assert view.last is not None
        assert view.last.by == "ann"
        assert [entry.text async for entry in session.log()] == ["Hi", "Hello.", "And?", "Again."]


async def test_another_tenants_session_looks_like_one_that_does_not_exist(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        session = await (await it.client("ann")).start("helper", "Hi")
        await session.wait()
        for name in ("eve", "bob", "nobody", ""):
            other = (await it.client(name)).session(session.id)
            with pytest.raises(SessionNotFound) as foreign:
                await other.view()
            with pytest.raises(SessionNotFound) as missing:
                await (await it.client("root")).session("no-such-session").view()
            assert str(foreign.value) == str(missing.value).replace("no-such-session", session.id)


async def test_an_unknown_key_is_refused_with_its_own_error(guarding: Guarding) -> None:
    async with guarding([]) as it:
        it.keys["ann"] = it.keys["ann"][:-1]
        with pytest.raises(InvalidCredential):
            await (await it.client("ann")).whoami()


async def test_a_tenant_or_user_that_differs_is_refused(guarding: Guarding) -> None:
    async with guarding([]) as it:
        ann = await it.client("ann")
        with pytest.raises(NotPermitted):
            await ann.start("helper", "Hi", tenant="evil")
        with pytest.raises(NotPermitted):
            await ann.start("helper", "Hi", user="bob")


async def test_a_credential_is_refused_where_the_workers_check_none(
    server: DevServer, task_queue: str
) -> None:
    client = await connect(server.address, task_queue=task_queue, credential="hk_unused")
    with pytest.raises(NoIdentityProvider, match=task_queue):
        await client.whoami()
