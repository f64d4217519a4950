"""The client without async."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from holdfast.testing import call, say
from holdfast_client import client, session, sync
from holdfast_client.operations.stored import memory
from holdfast_client.portal import Portal
from holdfast_client.stream.events import TextDelta, TurnEnded
from holdfast_client.teams import fleet, fleets
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
    with sync.connect(address, task_queue=task_queue) as holdfast:
        talk = holdfast.start("helper", "Say one.", tenant="acme")
        assert shown(list(talk.stream())) == "One."
        assert talk.send("Say two.").text == "Two."
        assert [entry.text for entry in talk.log()] == ["Say one.", "One.", "Say two.", "Two."]
        assert talk.view().status == "idle"
        for event in talk.stream(turn=1):
            if isinstance(event, TextDelta):
                break
        assert holdfast.run("helper", "Write.", output_type=Report) == Report(title="Bees", points=[])
        assert "helper" in {agent.name for agent in holdfast.agents()}
        talk.send("Dig.", wait=False)
        assert talk.pause().status == "paused"
        assert talk.cancel("enough").status == "cancelled"
        assert talk.resume().status == "idle"
        assert talk.close().turn == 3
        events = list(holdfast.session(talk.id).watch())
        assert not any(isinstance(event, TurnEnded) and event.turn < 3 for event in events)
        with pytest.raises(SessionNotFound):
            holdfast.session("nowhere").view()
        assert talk.id in repr(talk)


def test_connecting_to_a_missing_server_fails_in_bounded_time() -> None:
    with pytest.raises(TemporalUnreachable):
        sync.connect("127.0.0.1:1")


@pytest.mark.parametrize(
    ("blocking", "waiting"),
    [
        (sync.Client, client.Client),
        (sync.Session, session.Session),
        (sync.MemoryClient, memory.MemoryClient),
        (sync.Fleets, fleets.Fleets),
        (sync.Fleet, fleet.Fleet),
    ],
)
def test_sync_classes_have_the_async_methods_and_parameters(blocking: type, waiting: type) -> None:
    def methods(of: type) -> dict[str, list[str]]:
        public = {name: getattr(of, name) for name in dir(of) if not name.startswith("_")}
        return {
            name: list(inspect.signature(value).parameters) if callable(value) else []
            for name, value in public.items()
        }

    own = {"close"} if blocking is sync.Client else set[str]()
    asynchronous = {"temporal", "without_waiting"} if waiting is client.Client else set[str]()
    assert {name: given for name, given in methods(blocking).items() if name not in own} == {
        name: given for name, given in methods(waiting).items() if name not in asynchronous
    }


def test_closing_twice_is_harmless() -> None:
    portal = Portal()
    portal.close()
    portal.close()
