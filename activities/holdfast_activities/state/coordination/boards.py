"""Boards: entries with versions. A write adds a version; of two writers of the same version one succeeds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, func, tuple_
from sqlalchemy.orm import QueryableAttribute, defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import BoardConflict, BoardFull
from holdfast_workflows.contracts.limits import MAX_BOARD_ENTRIES
from holdfast_workflows.contracts.teams.board import BoardEntry
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from ..encryption.cipher import CLEAR, Cipher
from ..log.rows import identifier
from ..setup.tables import BoardTable
from ..setup.transactions import Transactions
from .scope import Scope

_SHOWN = 1_500
"""Characters of the present text in a conflict; an error's detail is limited."""


@dataclass(frozen=True, slots=True)
class BoardWrite:
    """An entry to write over its version ``over``; 0 for a new one. ``call`` is the key of the call that writes it."""

    board: str
    key: str
    text: str
    over: int
    call: str
    tenant: str = ""
    session: str = ""
    agent: str = ""


class _NotWritten(Exception):
    """The write is refused; its transaction is undone."""


class BoardStore:
    """The boards of all teams and tenants, shared by all workers."""

    def __init__(self, transactions: Transactions, scope: Scope, cipher: Cipher = CLEAR) -> None:
        self._transactions = transactions
        self._scope = scope
        self._cipher = cipher

    async def entries(self, board: str, prefix: str = "") -> list[BoardEntry]:
        """The entries of a board ordered by key, without their texts."""
        name = self._name(board)
        begins = func.substr(col(BoardTable.key), 1, len(prefix)) == prefix
        wanted = select(BoardTable).where(_present(name, begins), col(BoardTable.size) > 0)
        # The texts may be large, and are not shown.
        query = wanted.options(defer(cast("QueryableAttribute[Any]", BoardTable.body))).order_by(
            col(BoardTable.key)
        )
        return [_without_text(row) for row in await self._transactions.all(query)]

    async def read(self, board: str, keys: Sequence[str]) -> dict[str, BoardEntry]:
        """The present versions of entries, by key; a removed one has no text."""
        name = self._name(board)
        wanted = select(BoardTable).where(_present(name, col(BoardTable.key).in_(keys)))
        return {row.key: self._entry(row) for row in await self._transactions.all(wanted)}

    async def versions(self, board: str, key: str, limit: int = 1) -> list[BoardEntry]:
        """The newest versions of an entry, the newest first."""
        query = _versions(self._name(board), identifier(key)).limit(limit)
        return [self._entry(row) for row in await self._transactions.all(query)]

    async def written_by(self, board: str, key: str, call: str) -> BoardEntry | None:
        """The version of an entry that a call has written."""
        query = _versions(self._name(board), identifier(key)).where(col(BoardTable.call) == identifier(call))
        row = await self._transactions.one(query.limit(1))
        return None if row is None else self._entry(row)

    async def write(self, write: BoardWrite) -> BoardEntry:
        """Write an entry; repeating the same call is harmless.

        Raises:
            BoardConflict: The entry is not at the version that the writer read; the detail has its text.
            BoardFull: The board has no room for another entry.
        """
        name, key = self._name(write.board), identifier(write.key)
        made = BoardTable(
            board=name,
            key=key,
            version=write.over + 1,
            body=self._cipher.encrypt(dump_json(write.text), "board.body", name, key, write.over + 1),
            size=len(write.text),
            tenant=clean(write.tenant),
            session=clean(write.session),
            agent=clean(write.agent),
            call=identifier(write.call),
            at=clock.now(),
        )
        try:
            async with self._transactions.begin() as db:
                # The insert comes first: its key is the lock for which a second writer waits.
                added = await db.exec(self._transactions.insert(BoardTable, made.model_dump()))
                made = await _checked(db, made, added=added.rowcount > 0)
        except _NotWritten:
            raise self._conflict(write, await self.versions(write.board, key)) from None
        return self._entry(made)

    def _name(self, board: str) -> str:
        return self._scope.stored(identifier(board))

    def _entry(self, row: BoardTable) -> BoardEntry:
        body = self._cipher.decrypt(row.body, "board.body", row.board, row.key, row.version)
        return _without_text(row).model_copy(update={"text": json.loads(body)})

    def _conflict(self, write: BoardWrite, present: list[BoardEntry]) -> BoardConflict:
        if not present:
            return BoardConflict(f"not written: there is no entry {write.key!r}; write it with version=0")
        [now] = present
        if not now.size:
            return BoardConflict(
                f"not written: {now.agent} removed {now.key!r}; write it with version={now.version}"
            )
        return BoardConflict(
            f"not written: {now.key!r} is at version {now.version} by {now.agent}, not at {write.over}. "
            f"Merge its text with yours, and write that with version={now.version}. Its text "
            f"({now.size:,} characters): {now.text[:_SHOWN]}"
        )


def _present(board: str, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a row is the present version of an entry."""
    key, version = col(BoardTable.key), col(BoardTable.version)
    newest = select(key, func.max(version)).where(col(BoardTable.board) == board, which).group_by(key)
    return and_(col(BoardTable.board) == board, tuple_(key, version).in_(newest))


def _versions(board: str, key: str) -> SelectOfScalar[BoardTable]:
    wanted = select(BoardTable).where(col(BoardTable.board) == board, col(BoardTable.key) == key)
    return wanted.order_by(col(BoardTable.version).desc())


async def _checked(db: AsyncSession, made: BoardTable, *, added: bool) -> BoardTable:
    """The row of the write, if it was added over the version that the writer read, or by an earlier attempt."""
    versions = _versions(made.board, made.key)
    if not added:
        own = (await db.exec(versions.where(col(BoardTable.call) == made.call))).first()
        if own is None:
            raise _NotWritten
        return own
    newest = [row.version for row in await db.exec(versions.limit(2))]
    if newest != [made.version, made.version - 1][: min(made.version, 2)]:
        raise _NotWritten
    if made.version == 1:
        there = select(func.count()).where(
            _present(made.board, col(BoardTable.board) == made.board), col(BoardTable.size) > 0
        )
        if (await db.exec(there)).one() > MAX_BOARD_ENTRIES:
            raise BoardFull(f"{MAX_BOARD_ENTRIES:,} entries")
    return made


def _without_text(row: BoardTable) -> BoardEntry:
    return BoardEntry(
        key=row.key,
        version=row.version,
        size=row.size,
        agent=row.agent,
        session=row.session,
        at=row.at,
    )
