"""A person's decision about a call of unknown outcome.

While a turn waits for the decision, the turn passes it to the call's activity. Later, when the turn was
cancelled or the session has ended, this activity writes it to the ledger.
"""

from typing import Literal

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.inbox import Answer
from holdfast_workflows.contracts.errors import NothingToDo
from holdfast_workflows.contracts.operations.effects import DecideEffect, EffectStatus, EffectView
from holdfast_workflows.contracts.text.unicode import clean, preview

from ..common.failures import reports_failures

GIVEN_UP = "it is unknown whether this call happened, and it was given up"

_IN_DOUBT: tuple[EffectStatus, ...] = ("claimed", "waiting", "unknown")


def decided(row: EffectView, action: Literal["confirm", "give_up"], text: str, by: str) -> EffectView:
    """The row of a call after a person's decision."""
    settle = action == "confirm"
    status: EffectStatus = "settled" if settle else "given_up"
    return row.model_copy(
        update={
            "status": status,
            "result": clean(preview(text if settle else GIVEN_UP)),
            "by": clean(preview(f"person: {by}")) if by else "person",
            "settled": clock.now(),
        }
    )


def in_doubt(row: EffectView) -> EffectView | None:
    """The row of a call that its turn leaves undecided; None if the ledger has its outcome."""
    return row.model_copy(update={"status": "unknown"}) if row.status in _IN_DOUBT else None


class ResolveEffect:
    """Applies decisions for which no turn waits."""

    def __init__(self, state: State) -> None:
        self._log = state.log
        self._effects = state.effects

    @activity.defn(name=names.DECIDE_EFFECT)
    @reports_failures
    async def decide_effect(self, request: DecideEffect) -> EffectView:
        """Settle a call or give it up. Repeating the same decision gives the same answer."""
        answer = request.answer
        key = _key(request.session, answer.id)
        found = await self._effects.get(key)
        if found is None or found[0].session != request.session:
            raise NothingToDo(f"the ledger of {request.session} has no call {preview(answer.id)}")
        if answer.action != "confirm" and answer.action != "give_up":
            raise NothingToDo(
                f"no turn waits for {key}, so it would not run again; confirm it, or give it up"
            )
        row = decided(found[0], answer.action, answer.text, answer.by)
        only = await self._open(found[0], ended=request.ended)
        now = await self._effects.mark(key, row.status, result=row.result, by=row.by, only=only)
        # An earlier attempt may have written the same decision.
        if now is None or (now.status, now.by, now.result) != (row.status, row.by, row.result):
            raise NothingToDo(_standing(now or row, answer))
        await self._undone(now)
        return now

    async def _open(self, row: EffectView, *, ended: bool) -> tuple[EffectStatus, ...]:
        """The statuses in which a person may decide; none while a turn may still continue the call."""
        if ended:
            return _IN_DOUBT
        # A result in the log means that the turn has continued. An undo has the number of the call
        # it undoes, so while it is claimed the turn may still be executing it.
        settled = bool(await self._log.read(row.session, row.seq, row.seq + 1))
        if not settled:
            return ()
        return ("unknown",) if _undone_key(row) else _IN_DOUBT

    async def _undone(self, row: EffectView) -> None:
        """Mark the original call of a settled undo as undone."""
        original = _undone_key(row)
        if original and row.status == "settled":
            await self._effects.mark(original, "undone", result=row.result)


def _key(session: str, id: str) -> str:
    """The key of a call, given by its key or as ``effect-…``."""
    return f"{session}-{id.removeprefix('effect-')}" if id.startswith("effect-") else id


def _undone_key(row: EffectView) -> str:
    """The key of the call that this one undoes; empty if it is not an undo."""
    original = names.call_key(row.session, row.seq)
    return original if row.key == names.undo_key(original) else ""


def _standing(row: EffectView, answer: Answer) -> str:
    if row.status in _IN_DOUBT:
        return f"{row.key} is {row.status}, and its turn goes on: it says what waits for a person"
    by = f" by {row.by}" if row.by else ""
    return f"{row.key} is {row.status}{by}, so there is nothing to {answer.action.replace('_', ' ')}"
