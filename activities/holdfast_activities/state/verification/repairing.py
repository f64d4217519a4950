"""Write what the state database lacks, as far as a session's history has it."""

from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import col

from holdfast_activities import clock
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, Usage, UserEntry
from holdfast_workflows.contracts.session.steps import TurnRecord
from holdfast_workflows.contracts.text.unicode import preview

from ..database import State
from ..log.extra_writes import effect_values
from ..log.rows import MAX_ROWS
from ..retention.removing import ENDED
from ..setup.tables import EffectTable, SessionTable
from ..setup.transactions import Transactions
from .comparing import compare, kept, stored_entries
from .expected import ExpectedEntry, ExpectedSession
from .findings import Finding

PARTLY = "[Only the beginning of this text could be restored.] "
"""Precedes a restored text of which the history has only a preview; the model reads it."""

_NO_ARGUMENTS = "{}"


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was written, and what is still wrong."""

    entries: int = 0
    turns: int = 0
    effects: int = 0
    row: bool = False
    left: tuple[Finding, ...] = ()


class Repairs:
    """Repairs sessions of a state database."""

    def __init__(self, state: State, transactions: Transactions) -> None:
        self._state = state
        self._transactions = transactions

    async def repair(self, expected: ExpectedSession, *, previews: bool, by: str) -> Repaired:
        """Repair a session whose workflow may run.

        Entries are all written or none: with some of them a session would answer from an incomplete log. With
        ``previews`` also those of which the history has only the beginning, marked as such.
        """
        expected = await kept(self._state, expected)
        before = await compare(self._state, expected)
        stored = await stored_entries(self._state, expected)
        missing = {seq: each for seq, each in expected.entries.items() if seq not in stored}
        if not before or (not previews and not all(each.whole for each in missing.values())):
            return Repaired(left=tuple(before))
        turns, effects = await self._missing_turns(expected), await self._missing_effects(expected)
        # Before the changes: a repair that is killed half way is repeated, and then finds less to do.
        await self._state.append_audit(_record(expected, (len(missing), len(turns), len(effects)), by))
        row = await self._row(expected)
        entries = [_entry(missing[seq]) for seq in sorted(missing)]
        for start in range(0, len(entries), MAX_ROWS):
            await self._state.log.settle(expected.session, entries[start : start + MAX_ROWS])
        settled = [await self._effect(expected, key) for key in effects]
        await self._turns(expected, turns)
        row = await self._snapshot(expected) or row
        left = tuple(await compare(self._state, expected))
        return Repaired(len(entries), len(turns), sum(settled), row, left)

    async def _row(self, expected: ExpectedSession) -> bool:
        return await self._state.open_session(
            expected.session,
            expected.agent,
            expected.digest,
            expected.tenant,
            expected.user,
            status="idle",
        )

    async def _effect(self, expected: ExpectedSession, key: str) -> bool:
        values = effect_values(expected.effects[key], self._state.cipher) | {"token": ""}
        return await self._transactions.write(self._transactions.insert(EffectTable, values)) > 0

    async def _missing_effects(self, expected: ExpectedSession) -> list[str]:
        return [key for key in expected.effects if await self._state.effects.get(key) is None]

    async def _missing_turns(self, expected: ExpectedSession) -> list[int]:
        stored = {turn.turn for turn in await self._state.load_turns(expected.session)}
        return sorted(set(expected.ended) - stored)

    async def _turns(self, expected: ExpectedSession, missing: list[int]) -> None:
        """Store the turns that are missing, from the history or made of the log."""
        if missing:
            log = await self._state.log.read(expected.session, 0)
            records = [
                expected.records.get(turn) or _turn(turn, expected.ended[turn], log) for turn in missing
            ]
            await self._state.store_turns(expected.session, records)

    async def _snapshot(self, expected: ExpectedSession) -> bool:
        """Bring the session's row to the history's version."""
        log = await self._state.log.read(expected.session, 0)
        turns = await self._state.load_turns(expected.session)
        usage = sum((turn.usage for turn in turns), Usage())
        ahead = col(SessionTable.version) < expected.version
        own = (col(SessionTable.session) == expected.session, col(SessionTable.erased) == 0)
        values = {
            "seq": log[-1].seq + 1 if log else 1,
            "turns": max((turn.turn for turn in turns), default=0),
            "version": expected.version,
            "updated": clock.now(),
            **usage.model_dump(),
        }
        changed = await self._transactions.write(update(SessionTable).where(*own, ahead).values(**values))
        if expected.status:
            stale = col(SessionTable.status).not_in(ENDED)
            ended = update(SessionTable).where(*own, stale).values(status=expected.status)
            changed += await self._transactions.write(ended)
        return changed > 0


def _entry(expected: ExpectedEntry) -> Entry:
    entry = expected.entry
    if expected.whole:
        return entry
    if isinstance(entry, ReplyEntry):
        calls = tuple(
            call if call.arguments else call.model_copy(update={"arguments": _NO_ARGUMENTS})
            for call in entry.calls
        )
        return entry.model_copy(update={"text": PARTLY + entry.text if entry.text else "", "calls": calls})
    return entry.model_copy(update={"text": PARTLY + entry.text})


def _turn(turn: int, status: str, log: list[Entry]) -> TurnRecord:
    """A turn made of its entries in the log."""
    own = [entry for entry in log if entry.turn == turn]
    replies = [entry for entry in own if isinstance(entry, ReplyEntry)]
    message = next((each for each in own if isinstance(each, UserEntry) and each.role == "message"), None)
    last = replies[-1] if replies and status == "done" else None
    times = [entry.at for entry in own if entry.at]
    return TurnRecord.model_validate(
        {
            "turn": turn,
            "status": status,
            "request": preview(message.text) if message else "",
            "reply": preview(last.text) if last else "",
            "reply_seq": last.seq if last else 0,
            "steps": len(replies),
            "usage": sum((reply.usage for reply in replies), Usage()),
            "started": min(times, default=0.0),
            "ended": max(times, default=0.0),
        }
    )


def _record(expected: ExpectedSession, missing: tuple[int, int, int], by: str) -> AuditRecord:
    now = clock.now()
    details = {name: str(each) for name, each in zip(("entries", "turns", "effects"), missing, strict=True)}
    return AuditRecord(
        id=f"repaired-{expected.session}-{now:.6f}",
        kind="operator",
        action="repaired",
        tenant=expected.tenant,
        session=expected.session,
        principal=by,
        details=details,
        at=now,
    )
