"""The person who is asked about calls that nobody knows of: he looks into the ledger, and says what he found."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from dataclasses import dataclass, field

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.effects import Decision, EffectList, EffectView, ListEffects
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.session import SessionView

from . import ledger
from .processes import World

NAME = "the person"
_GIVES_UP = 0.3


@dataclass
class Person:
    """Answers what the platform reports as unknown. ``decisions`` is what he said of each thing."""

    world: World
    decisions: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    async def look(self) -> None:
        """Answer everything that waits now."""
        try:
            waiting = await effects(self.world, status="unknown")
        except HoldfastError:
            return  # nobody answers just now; he looks again soon
        for effect in waiting:
            await self._answer(effect)

    async def _answer(self, effect: EffectView) -> None:
        what = what_of(effect)
        receipt = await asyncio.to_thread(ledger.booked, self.world.ledger_url, effect.key)
        if receipt is not None:
            decision = Decision(id=effect.key, action="settle", text=receipt, by=NAME)
        elif random.Random(f"{what}/person").random() < _GIVES_UP:
            decision = Decision(id=effect.key, action="give_up", by=NAME)
        else:
            decision = Decision(id=effect.key, action="retry", by=NAME)
        try:
            await self.world.wire.update(effect.session, "decide", decision, SessionView)
        except HoldfastError:
            return  # as above; or the session does not wait for it yet
        self.decisions[what].append(decision.action)


async def effects(world: World, session: str = "", status: str = "") -> list[EffectView]:
    """The platform's own ledger, as its users see it."""
    asked = ListEffects.model_validate({"session": session, "status": status, "limit": 5_000})
    return list((await world.wire.activity(names.LIST_EFFECTS, asked, EffectList)).effects)


def what_of(effect: EffectView) -> str:
    """What a call does, from its arguments."""
    return str(json.loads(effect.arguments)["what"])
