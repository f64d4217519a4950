"""Prepare turns that programs add: assign ids, times and places."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

from holdfast_workflows.contracts.agent.memory import MemoryTurn

from .base import Filter, MemoryStore, Record
from .maintenance.lifecycle import pages
from .outbox.changes import TurnDraft


async def turn_drafts(
    store: MemoryStore, tenant: str, scope: str, turns: Sequence[MemoryTurn], now: float
) -> list[TurnDraft]:
    """Return drafts in the order of the turns. An existing turn keeps its place and time; new ones are appended."""
    ids = [turn.id or _id(turn, scope) for turn in turns]
    there = {record.id: record for record in await store.get(tenant, ids)}
    following: dict[str, int] = {}
    drafts: list[TurnDraft] = []
    for id, turn in zip(ids, turns, strict=True):
        known = there.get(id)
        if known is None and turn.session not in following:
            following[turn.session] = await _following(store, tenant, turn.session)
        place = following[turn.session] if known is None else known.place
        if known is None and turn.session:
            following[turn.session] += 1
        drafts.append(_draft(id, scope, turn, place, known, now))
    return drafts


async def _following(store: MemoryStore, tenant: str, session: str) -> int:
    last = -1
    if session:
        async for page in pages(store, tenant, Filter(session=session, kinds=("turn",))):
            last = max(last, *(turn.place for turn in page))
    return last + 1


def _draft(id: str, scope: str, turn: MemoryTurn, place: int, known: Record | None, now: float) -> TurnDraft:
    return TurnDraft(
        id=id,
        scope=scope,
        text=turn.text,
        at=seconds(turn.at) if turn.at is not None else known.at if known is not None else now,
        speaker=turn.speaker,
        session=turn.session,
        place=place,
    )


def seconds(at: datetime | float) -> float:
    """Convert a time to seconds since 1970; a datetime without a zone is UTC."""
    if isinstance(at, datetime):
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return float(at)


def _id(turn: MemoryTurn, scope: str) -> str:
    at = "" if turn.at is None else repr(seconds(turn.at))
    given = "\0".join((scope, turn.session, turn.speaker, at, turn.text))
    return f"turn:{blake2b(given.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
