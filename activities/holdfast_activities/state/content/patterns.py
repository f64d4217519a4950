"""What the state database says about turns, model calls and tool calls of a period."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, func, or_
from sqlalchemy.orm import load_only
from sqlmodel import col, select

from holdfast_workflows.contracts.limits import MAX_CALLS
from holdfast_workflows.contracts.operations.patterns import ReadPatterns
from holdfast_workflows.contracts.text.unicode import clean

from ..encryption.cipher import CLEAR, Cipher
from ..log.rows import BODY
from ..setup.tables import LogTable, ManifestTable, SessionTable, TurnTable
from ..setup.transactions import Transactions

_SESSIONS: Final = 50
"""Sessions in one statement."""

_LARGEST: Final = 65_536
"""Characters of an entry that is read: a result may have 16 MiB."""

_COLUMNS: Final[tuple[Any, ...]] = (
    TurnTable.session,
    TurnTable.started,
    TurnTable.ended,
    TurnTable.status,
    TurnTable.error_code,
    TurnTable.cost,
    TurnTable.input_tokens,
    TurnTable.output_tokens,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A turn, a model call or a tool call: when it ended, how long it took, how it ended, what it used, where."""

    name: str
    at: float
    seconds: float
    error: str = ""
    cost: float = 0.0
    tokens: int = 0
    session: str = ""


class PatternStore:
    """Reads turns and calls by their time."""

    def __init__(self, transactions: Transactions, cipher: Cipher = CLEAR) -> None:
        self._transactions = transactions
        self._cipher = cipher

    async def turns(self, ask: ReadPatterns, limit: int) -> list[Case]:
        """The turns that ended in the period, by agent, the newest first."""
        ended = col(TurnTable.ended)
        query = (
            select(SessionTable.agent, TurnTable)
            # The rest of a turn is its texts.
            .options(load_only(*_COLUMNS))
            .join(SessionTable, col(SessionTable.session) == col(TurnTable.session))
            .where(ended >= ask.since, ended < ask.until, *_owned(ask))
            .order_by(ended.desc())
            .limit(limit)
        )
        async with self._transactions.begin() as db:
            return [_turn(agent, turn) for agent, turn in await db.exec(query)]

    async def calls(self, ask: ReadPatterns, limit: int) -> tuple[list[Case], list[Case], bool]:
        """The model and tool calls of the period, by model and tool, and whether there were more."""
        at = col(ManifestTable.at)
        query = (
            select(ManifestTable.session, ManifestTable.seq)
            .join(SessionTable, col(SessionTable.session) == col(ManifestTable.session))
            .where(at >= ask.since, at < ask.until, *_owned(ask))
            .order_by(at.desc())
            .limit(limit)
        )
        async with self._transactions.begin() as db:
            found = list(await db.exec(query))
        ranges: dict[str, tuple[int, int]] = {}
        for session, seq in found:
            first, last = ranges.get(session, (seq, seq))
            ranges[session] = min(first, seq), max(last, seq)
        models: list[Case] = []
        tools: list[Case] = []
        sessions = list(ranges.items())
        for start in range(0, len(sessions), _SESSIONS):
            rows = await self._entries(sessions[start : start + _SESSIONS])
            # Decrypting and parsing thousands of entries would stop the worker's event loop.
            for session, entry in await asyncio.to_thread(self._read, rows):
                case = _case(session, entry)
                if ask.since <= case.at < ask.until:
                    (models if entry["kind"] == "reply" else tools).append(case)
        return models, tools, len(found) == limit

    async def _entries(self, ranges: Sequence[tuple[str, tuple[int, int]]]) -> list[tuple[str, int, str]]:
        session, seq = col(LogTable.session), col(LogTable.seq)
        wanted = [and_(session == id, seq >= first, seq <= last + MAX_CALLS) for id, (first, last) in ranges]
        query = select(LogTable.session, LogTable.seq, LogTable.body).where(
            or_(*wanted), func.length(col(LogTable.body)) <= _LARGEST
        )
        async with self._transactions.begin() as db:
            return list(await db.exec(query))

    def _read(self, rows: Sequence[tuple[str, int, str]]) -> list[tuple[str, dict[str, Any]]]:
        entries = ((id, json.loads(self._cipher.decrypt(body, BODY, id, seq))) for id, seq, body in rows)
        return [(id, entry) for id, entry in entries if entry["kind"] in {"reply", "result"}]


def _turn(agent: str, turn: TurnTable) -> Case:
    error = turn.error_code if turn.status == "failed" else ""
    took = max(0.0, turn.ended - turn.started)
    tokens = turn.input_tokens + turn.output_tokens
    return Case(agent, turn.ended, took, error, turn.cost, tokens, turn.session)


def _case(session: str, entry: dict[str, Any]) -> Case:
    if entry["kind"] == "reply":
        usage = entry["usage"]
        tokens = usage["input_tokens"] + usage["output_tokens"]
        return Case(entry["model"], entry["at"], entry["seconds"], "", usage["cost"], tokens, session)
    error = entry["status"] if entry["status"] in {"failed", "invalid"} else ""
    return Case(entry["name"], entry["at"], entry["seconds"], error, session=session)


def _owned(ask: ReadPatterns) -> list[Any]:
    owned: list[Any] = []
    if ask.agent:
        owned.append(col(SessionTable.agent) == clean(ask.agent))
    if ask.tenant:
        owned.append(col(SessionTable.tenant) == clean(ask.tenant))
    return owned
