"""The person who is asked about calls that nobody knows of: he looks into the ledger, and says what he found."""

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
from holdfast_workflows.contracts.effects import EffectView
from holdfast_workflows.contracts.errors import HoldfastError

from . import ledger
from .processes import World

NAME = "the person"
_GIVES_UP = 0.3
_WHAT = re.compile(r"chaos-\d+-\d+/\d/\w+")


@dataclass
class Person:
    """Answers the sessions that wait for a person.

    Attributes:
        world: Where they are.
        decisions: What he said of each thing.
        unlisted: What a session asked about while the platform's ledger did not call it unknown.
    """

    world: World
    decisions: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list[str]))
    unlisted: list[str] = field(default_factory=list[str])

    async def look(self) -> None:
        """Answer everything that waits now."""
        try:
            waiting = [each.id async for each in self.world.client.sessions(status="needs_person")]
            for id in waiting:
                await self._answer(id)
        except HoldfastError:
            return  # nobody answers just now, or it was answered already; he looks again soon

    async def _answer(self, id: str) -> None:
        session = self.world.client.session(id)
        waiting = [each for each in (await session.view()).pending_decisions if each.kind == "effect"]
        rows = {each.key: each.status for each in await session.effects()}
        for each in waiting:
            [what] = _WHAT.findall(each.what)
            key = names.call_key(id, int(each.id.rpartition("-")[2]))
            receipt = await asyncio.to_thread(ledger.booked, self.world.ledger_url, key)
            action = _choice(what, receipt)
            await session.resolve(each.id, action, text=receipt or "", by=NAME)
            self.decisions[what].append(action)
            status = rows.get(key, "no row")
            if status != "unknown":
                self.unlisted.append(f"{what}: {status}")


def _choice(what: str, receipt: str | None) -> Literal["confirm", "retry", "give_up"]:
    """What happened is settled; what did not is done after all, or given up."""
    if receipt is not None:
        return "confirm"
    return "give_up" if random.Random(f"{what}/person").random() < _GIVES_UP else "retry"


async def reported(world: World, sessions: set[str]) -> Mapping[str, EffectView]:
    """What the platform's ledger says of the calls of some sessions."""
    rows = [each for id in sorted(sessions) for each in await world.client.session(id).effects()]
    return {what_of(each): each for each in rows}


def what_of(effect: EffectView) -> str:
    """What a call does, from its arguments."""
    return str(json.loads(effect.arguments)["what"])
