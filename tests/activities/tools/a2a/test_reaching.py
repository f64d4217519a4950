"""Reaching a remote agent: refusals, credentials, the egress guard, and agents of Holdfast."""

from __future__ import annotations

import pytest

from holdfast import Agent, App
from holdfast.testing import say
from holdfast_temporal import DevServer

from ....a2a_servers.remote import remote_agent
from ....client.a2a_server.support import serving
from ....support import always
from ..mcp.support import free_port
from .support import asking, result


async def test_a_busy_agent_is_asked_again(server: DevServer) -> None:
    async with remote_agent(refuse=[503]) as remote, asking(server, remote.url, "Paint") as session:
        assert await result(session) == "done: Paint"
        assert len(remote.messages) == 1


async def test_refused_credentials_are_an_error_with_the_remedy(server: DevServer) -> None:
    async with remote_agent(refuse=[401]) as remote, asking(server, remote.url, "Paint") as session:
        assert "HTTP 401" in await result(session)
        assert remote.messages == []


async def test_credentials_are_filled_in_by_the_worker_and_stored_nowhere(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMOTE_TOKEN", "s3cret-of-the-remote")
    headers = {"Authorization": "Bearer ${env:REMOTE_TOKEN}"}
    async with (
        remote_agent() as remote,
        asking(server, remote.url, "Say s3cret-of-the-remote", headers=headers) as session,
    ):
        text = await result(session)
        assert {each["authorization"] for each in remote.headers} == {"Bearer s3cret-of-the-remote"}
        assert "s3cret-of-the-remote" not in text


async def test_a_card_leads_nowhere_else(server: DevServer) -> None:
    async with remote_agent() as other, remote_agent(elsewhere=other.url) as remote:
        async with asking(server, remote.url, "Paint") as session:
            assert "refused by rule 'allow_list'" in await result(session)
        assert other.messages == []
        async with asking(server, remote.url, "Paint", allow=[other.url]) as session:
            assert await result(session) == "done: Paint"
        assert len(other.messages) == 1


async def test_an_address_outside_the_declared_networks_is_refused(server: DevServer) -> None:
    async with remote_agent() as remote:
        async with asking(server, remote.url, "Paint", private="10.0.0.0/8") as session:
            assert "refused by rule" in await result(session)
        assert remote.messages == []


async def test_an_agent_that_is_away_fails_the_call_after_further_attempts(
    server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast_activities.tools.a2a.tool._AGAIN", (0.1, 0.1))
    async with asking(server, f"http://127.0.0.1:{free_port()}", "Paint") as session:
        assert "no connection to 127.0.0.1" in await result(session)


async def test_agents_of_holdfast_are_remote_agents_too(server: DevServer) -> None:
    app = App(agents=[Agent("painter", model="openai:scripted")])
    served = serving(server, app, always(say("Painted.")))
    async with served as it, asking(server, f"{it.url}/painter", "Paint") as session:
        assert await result(session) == "Painted."
