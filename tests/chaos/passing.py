"""One pass with injected faults, in which nothing may be lost or repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from . import ledger
from .driving import drive
from .fault_injection import repeat_in_background
from .histories import Timeline, histories, timeline
from .oracle import judge, paid_twice, requests, unreported
from .person import Person, reported
from .processes import World
from .program import EFFECTS, Program
from .report import Row

_LOOKS = 1.0  # seconds between two looks of the person


async def undertake(
    row: Row,
    up: World,
    runs: Sequence[Program],
    pause: Callable[[], float],
    inject: Callable[[], Awaitable[None]],
) -> list[Timeline]:
    """Drive the runs while faults are injected and a person resolves unknown calls; then judge."""
    person = Person(up)
    async with repeat_in_background(pause, inject), repeat_in_background(lambda: _LOOKS, person.look):
        ends = await drive(up, runs)
    found = [
        timeline(each) for each in await histories(up.session_requests.temporal, [run.id for run in runs])
    ]
    asked = requests(up.requests)
    account = ledger.account(up.ledger)
    judge(row, runs, ends, account, len(asked), person.decisions)
    row.forbid("replies paid twice", list(paid_twice(asked, found, runs)), len(asked))
    cut = [what for what in account.undelivered if EFFECTS[what.rpartition("/")[2]] == "once"]
    row.counts["answers cut off"] = len(cut)
    rows = await reported(up, {what.partition("/")[0] for what in cut})
    row.forbid("unknown not reported", list(unreported(cut, rows, person.decisions)), len(cut))
    row.forbid("asked about and not listed", person.unlisted, int(row.counts["decisions"]))
    return found
