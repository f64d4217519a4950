"""A fleet and its sessions belong to who started it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from holdfast import App, Budget, Client, Fleet, NotPermitted, SessionNotFound
from holdfast.testing import say

from ...support import WAIT, always, eventually
from ...workflows.teams.team import agent
from .conftest import Guarding

APP = App(agents=[agent("worker")])

CALLS: dict[str, Callable[[Fleet[Any]], Awaitable[object]]] = {
    "report": lambda fleet: fleet.report(),
    "wait": lambda fleet: fleet.wait(timeout=5),
    "pause": lambda fleet: fleet.pause(),
    "resume": lambda fleet: fleet.resume(),
    "retry": lambda fleet: fleet.retry(),
    "cancel": lambda fleet: fleet.cancel(),
    "raise_budget": lambda fleet: fleet.raise_budget(tokens=5),
    "results": lambda fleet: anext(fleet.results()),
}


async def _lists(client: Client, fleet: Fleet[Any]) -> bool:
    return fleet.id in [each.id async for each in client.fleets.list()]


async def test_the_sessions_of_a_fleet_belong_to_who_started_it(guarding: Guarding) -> None:
    async with guarding(always(say("Done.")), APP) as it:
        ann = await it.client("ann")
        fleet = await ann.fleets.start("worker", ["a", "b"])
        report = await fleet.wait(timeout=WAIT)
        assert (report.done, report.tenant, report.user) == (2, "acme", "ann")
        [first, _] = [each async for each in fleet.results()]
        view = await ann.session(first.session).view()
        assert (view.started_by, view.tenant, view.user) == ("ann", "acme", "ann")


async def test_a_fleet_of_others_gives_the_same_error_as_one_that_does_not_exist(guarding: Guarding) -> None:
    async with guarding(always(say("Done.")), APP) as it:
        ann = await it.client("ann")
        fleet = await ann.fleets.start("worker", ["a"])
        await fleet.wait(timeout=WAIT)
        await eventually(lambda: _lists(ann, fleet))
        assert not await _lists(await it.client("eve"), fleet)
        assert not await _lists(await it.client("bob"), fleet)
        for name in ("eve", "bob"):
            other = await it.client(name)
            for call in CALLS.values():
                for id in (fleet.id, "missing"):
                    with pytest.raises(SessionNotFound):
                        await call(other.fleets.get(id))


async def test_a_user_gives_a_fleet_no_budget(guarding: Guarding) -> None:
    async with guarding(always(say("Done.")), APP) as it:
        ann = await it.client("ann")
        with pytest.raises(NotPermitted):
            await ann.fleets.start("worker", ["a"], budget=Budget(tokens=9_000))
