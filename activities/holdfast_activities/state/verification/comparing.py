"""Compare the state database with what a session's history says."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry
from holdfast_workflows.contracts.text.unicode import digest

from ..database import SessionRow, State
from ..log.reading import entries as log_entries
from ..retention.removing import ENDED
from .expected import ExpectedEntry, ExpectedSession
from .findings import Finding

_SHOWN = 10
"""Numbers in one finding."""


async def compare(state: State, expected: ExpectedSession) -> list[Finding]:
    """Return what is missing or different; the history must have been read before.

    Workers may run: they write before their histories say so. An erased session has nothing to compare.
    """
    id = expected.session
    row = await state.load_session(id)
    if row is None and await state.knows(id):
        return []
    expected = await kept(state, expected)
    stored = await stored_entries(state, expected)
    turns = {turn.turn for turn in await state.load_turns(id)}
    found = [*_of_row(row, expected), *_of_entries(stored, expected)]
    if gone := sorted(set(expected.ended) - turns):
        found.append(Finding("turn_missing", f"turns {_numbers(gone)} are not stored", id, repairable=True))
    lost = [key for key in expected.effects if await state.effects.get(key) is None]
    if lost:
        tools = ", ".join(sorted({expected.effects[key].tool for key in lost}))
        text = f"{len(lost):,} settled calls are not in the ledger ({tools})"
        found.append(Finding("effect_missing", text, id, repairable=True))
    return found


async def kept(state: State, expected: ExpectedSession) -> ExpectedSession:
    """What is expected without what retention has removed."""
    removed = {each.kind for each in await state.retention.removed(expected.session)}
    if "log" in removed:
        expected = replace(expected, entries={})
    return replace(expected, effects={}) if "effects" in removed else expected


async def stored_entries(state: State, expected: ExpectedSession) -> dict[int, Entry]:
    """The entries of the log at the numbers that the history knows."""
    if not expected.entries:
        return {}
    first, last = min(expected.entries), max(expected.entries)
    found = log_entries(state.log, expected.session, first, last + 1)
    return {entry.seq: entry async for entry in found if entry.seq in expected.entries}


def _of_row(row: SessionRow | None, expected: ExpectedSession) -> list[Finding]:
    id = expected.session
    if row is None:
        known = bool(expected.digest)  # otherwise its agent was never loaded, which writes the row
        return [Finding("session_missing", "it has no row", id, repairable=True)] if known else []
    if row.version < expected.version:
        text = f"its row is at version {row.version:,}, the history at {expected.version:,}"
        return [Finding("snapshot_behind", text, id, repairable=True)]
    if expected.status and row.status not in ENDED:
        text = f"its row says {row.status}, its workflow {expected.status}"
        return [Finding("status_stale", text, id, repairable=True)]
    return []


def _of_entries(stored: dict[int, Entry], expected: ExpectedSession) -> Iterable[Finding]:
    id = expected.session
    missing = sorted(set(expected.entries) - set(stored))
    if whole := [seq for seq in missing if expected.entries[seq].whole]:
        yield Finding("entry_missing", f"entries {_numbers(whole)} are not in the log", id, repairable=True)
    if partly := [seq for seq in missing if not expected.entries[seq].whole]:
        text = f"entries {_numbers(partly)} are not in the log; the history has only the beginning of their texts"
        yield Finding("entry_missing", text, id)
    different = [seq for seq, entry in stored.items() if not _agrees(entry, expected.entries[seq])]
    if different:
        yield Finding("entry_differs", f"entries {_numbers(different)} are not those of the history", id)


def _agrees(stored: Entry, expected: ExpectedEntry) -> bool:
    entry = expected.entry
    if stored.kind != entry.kind:
        return False
    if isinstance(entry, ReplyEntry) and isinstance(stored, ReplyEntry):
        calls = [(call.id, call.name) for call in entry.calls]
        same = [(call.id, call.name) for call in stored.calls] == calls
        return same and (not expected.whole or stored.text == entry.text)
    if isinstance(entry, ResultEntry) and isinstance(stored, ResultEntry):
        same = (stored.call_id, stored.name) == (entry.call_id, entry.name)
        return same and (not expected.digest or digest(stored.text) == expected.digest)
    return True


def _numbers(values: Sequence[int]) -> str:
    shown = ", ".join(f"{value:,}" for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN:,} more"
