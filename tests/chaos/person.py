"""A simulated person who resolves calls with an unknown outcome by looking into the ledger."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.operations.effects import EffectView

from . import ledger
from .processes import World

NAME = "the person"
_GIVES_UP = 0.3
_WHAT = re.compile(r"chaos-\d+-\d+/\d/\w+")


@dataclass
class Person:
    """Answers the sessions that wait for a person.

    Attributes:
        world: The scenario's processes.
        decisions: The decisions by effect.
        unlisted: Effects a session asked about that are not `unknown` in the effect ledger.
    """

    world: World
    decisions: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list[str]))
    unlisted: list[str] = field(default_factory=list[str])

    async def look(self) -> None:
        """Resolve everything that waits now."""
        try:
            waiting = [each.id async for each in self.world.client.sessions(status="needs_person")]
            for id in waiting:
                await self._answer(id)
        except HoldfastError:
            return  # no worker, or resolved already: the next look tries again

    async def _answer(self, id: str) -> None:
        session = self.world.client.session(id)
        waiting = [each for each in (await session.view()).inbox if each.kind == "effect"]
        rows = {each.key: each.status for each in await session.effects()}
        for each in waiting:
            [what] = _WHAT.findall(each.what)
            key = names.call_key(id, int(each.id.rpartition("-")[2]))
            receipt = await asyncio.to_thread(ledger.booked, self.world.ledger_url, key)
            action = _choice(what, receipt)
            await session.answer(each.id, action, text=receipt or "", by=NAME)
            self.decisions[what].append(action)
            status = rows.get(key, "no row")
            if status != "unknown":
                self.unlisted.append(f"{what}: {status}")


def _choice(what: str, receipt: str | None) -> Literal["confirm", "retry", "give_up"]:
    """Confirm what happened; retry or give up what did not."""
    if receipt is not None:
        return "confirm"
    return "give_up" if random.Random(f"{what}/person").random() < _GIVES_UP else "retry"


async def reported(world: World, sessions: set[str]) -> Mapping[str, EffectView]:
    """Return the effect ledger's rows of some sessions, by effect."""
    rows = [each for id in sorted(sessions) for each in await world.client.session(id).effects()]
    return {what_of(each): each for each in rows}


def what_of(effect: EffectView) -> str:
    """Return the effect that a call's arguments name."""
    return str(json.loads(effect.arguments)["what"])
