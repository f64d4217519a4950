"""What a person says of a call that nobody knows about, as the ledger has it.

While a turn waits for the decision, the turn takes it to the call's own activity. Afterwards, as where the
turn was cancelled or the session has ended, it goes into the ledger by itself.
"""

from typing import Literal

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.effects import DecideEffect, Decision, EffectStatus, EffectView
from holdfast_workflows.contracts.errors import NothingToDo
from holdfast_workflows.contracts.text import clean, preview

from ..common.failures import reports_failures

NOBODY_KNOWS = "nobody knows whether this call happened, and it was given up"

_IN_DOUBT: tuple[EffectStatus, ...] = ("claimed", "unknown")


def decided(row: EffectView, action: Literal["confirm", "give_up"], text: str, by: str) -> EffectView:
    """The row of a call after a person's word on it."""
    settle = action == "confirm"
    status: EffectStatus = "settled" if settle else "given_up"
    return row.model_copy(
        update={
            "status": status,
            "result": clean(preview(text if settle else NOBODY_KNOWS)),
            "by": clean(preview(f"person: {by}")) if by else "person",
            "settled": clock.now(),
        }
    )


def in_doubt(row: EffectView) -> EffectView | None:
    """The row of a call that its turn leaves without anybody's word; None where the ledger knows better."""
    return row.model_copy(update={"status": "unknown"}) if row.status in _IN_DOUBT else None


class ResolveEffect:
    """Takes decisions for which no turn waits any more."""

    def __init__(self, state: State) -> None:
        self._log = state.log
        self._effects = state.effects

    @activity.defn(name=names.DECIDE_EFFECT)
    @reports_failures
    async def decide_effect(self, request: DecideEffect) -> EffectView:
        """Settle a call, or give it up; the same said again is answered alike."""
        said = request.decision
        key = _key(request.session, said.id)
        found = await self._effects.get(key)
        if found is None or found[0].session != request.session:
            raise NothingToDo(f"the ledger of {request.session} has no call {preview(said.id)}")
        if said.action == "retry":
            raise NothingToDo(
                f"no turn waits for {key}, so nobody would do it again; settle it, or give it up"
            )
        row = decided(found[0], said.action, said.text, said.by)
        only = await self._open(found[0], ended=request.ended)
        now = await self._effects.mark(key, row.status, result=row.result, by=row.by, only=only)
        # An earlier attempt may have done it.
        if now is None or (now.status, now.by, now.result) != (row.status, row.by, row.result):
            raise NothingToDo(_standing(now or row, said))
        await self._undone(now)
        return now

    async def _open(self, row: EffectView, *, ended: bool) -> tuple[EffectStatus, ...]:
        """The statuses in which the call is a person's to decide: never while a turn may come back to it."""
        if ended:
            return _IN_DOUBT
        # Once the conversation has a result at its number, the turn has gone on. An undo has the number of
        # the call that it takes back, so while it is claimed the turn may be at it.
        settled = bool(await self._log.read(row.session, row.seq, row.seq + 1))
        if not settled:
            return ()
        return ("unknown",) if _taken_back(row) else _IN_DOUBT

    async def _undone(self, row: EffectView) -> None:
        """An undo that did happen has taken its call back."""
        original = _taken_back(row)
        if original and row.status == "settled":
            await self._effects.mark(original, "undone", result=row.result)


def _key(session: str, id: str) -> str:
    """The key of a call, which is named by it or as a waiting thing."""
    return f"{session}-{id.removeprefix('effect-')}" if id.startswith("effect-") else id


def _taken_back(row: EffectView) -> str:
    """The key of the call that this one takes back; empty for any other call."""
    original = names.call_key(row.session, row.seq)
    return original if row.key == names.undo_key(original) else ""


def _standing(row: EffectView, said: Decision) -> str:
    if row.status in _IN_DOUBT:
        return f"{row.key} is {row.status}, and its turn goes on: it says what waits for a person"
    by = f" by {row.by}" if row.by else ""
    return f"{row.key} is {row.status}{by}, so there is nothing to {said.action.replace('_', ' ')}"
