"""One pass in which nothing may be lost or repeated, whatever goes wrong meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from holdfast_workflows.contracts.effects import EffectView

from . import ledger
from .driving import drive
from .histories import Told, histories, told
from .monkeys import meanwhile
from .oracle import judge, paid_twice, requests, unreported
from .person import Person, effects, what_of
from .processes import World
from .program import Program
from .report import Row

_LOOKS = 1.0  # seconds between two looks of the person


async def undertake(
    row: Row,
    up: World,
    runs: Sequence[Program],
    pause: Callable[[], float],
    strike: Callable[[], Awaitable[None]],
) -> list[Told]:
    """Drive the runs while something strikes and a person decides what nobody knows; then judge."""
    person = Person(up)
    async with meanwhile(pause, strike), meanwhile(lambda: _LOOKS, person.look):
        ends = await drive(up, runs)
    found = [told(each) for each in await histories(up.wire.temporal, [run.id for run in runs])]
    asked = requests(up.requests)
    account = ledger.account(up.ledger)
    judge(row, runs, ends, account, len(asked), person.decisions)
    row.forbid("replies paid twice", list(paid_twice(asked, found, runs)), len(asked))
    cut = [what for what in account.undelivered if "/" in what]
    row.counts["answers cut off"] = len(cut)
    reported = await _reported(up, {what.partition("/")[0] for what in cut})
    silent = [
        each for each in unreported(account, reported) if each.partition(":")[0] not in person.decisions
    ]
    row.forbid("unknown not reported", silent, len(cut))
    return found


async def _reported(up: World, sessions: set[str]) -> dict[str, EffectView]:
    """What the platform's ledger says of the calls of some sessions."""
    rows = [each for session in sorted(sessions) for each in await effects(up, session)]
    return {what_of(each): each for each in rows}
