"""The client without async."""

from __future__ import annotations

import asyncio

import pytest

from holdfast.testing import call, say
from holdfast_client import sync
from holdfast_client.portal import Portal
from holdfast_client.stream.events import TextDelta, TurnEnded
from holdfast_workflows.contracts.errors import SessionNotFound, TemporalUnreachable

from ..support import Report, shown
from .conftest import Running


async def test_the_sync_client_runs_sessions(running: Running) -> None:
    script = [
        say("One."),
        say("Two."),
        say('{"title": "Bees", "points": []}'),
        call("dig"),
    ]
    async with running(script) as holdfast:
        address = holdfast.temporal.service_client.config.target_host
        await asyncio.to_thread(_use, address, holdfast.task_queue)


def _use(address: str, task_queue: str) -> None:
    with sync.connect(address, task_queue=task_queue) as client:
        session = client.start("helper", "Say one.", tenant="acme")
        assert shown(list(session.stream())) == "One."
        assert session.send("Say two.").text == "Two."
        assert [entry.text for entry in session.log()] == ["Say one.", "One.", "Say two.", "Two."]
        assert session.view().status == "idle"
        for event in session.stream(turn=1):
            if isinstance(event, TextDelta):
                break
        assert client.run("helper", "Write.", output_type=Report) == Report(title="Bees", points=[])
        assert "helper" in {agent.name for agent in client.agents()}
        session.send("Dig.", wait=False)
        assert session.pause().status == "paused"
        assert session.cancel("enough").status == "cancelled"
        assert session.resume().status == "idle"
        assert session.close().turn == 3
        events = list(client.session(session.id).watch())
        assert not any(isinstance(event, TurnEnded) and event.turn < 3 for event in events)
        with pytest.raises(SessionNotFound):
            client.session("nowhere").view()
        assert session.id in repr(session)


def test_connecting_to_a_missing_server_fails_in_bounded_time() -> None:
    with pytest.raises(TemporalUnreachable):
        sync.connect("127.0.0.1:1")


def test_closing_twice_is_harmless() -> None:
    portal = Portal()
    portal.close()
    portal.close()
