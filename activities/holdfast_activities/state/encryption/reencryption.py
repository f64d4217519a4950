"""Encrypting stored content by the present primary key, in batches, while workers run.

A row is changed only if it is still as it was read. Rows that already have the primary key are skipped, so an
interrupted run continues where it was.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, tuple_, update
from sqlmodel import SQLModel, col, select

from holdfast_workflows.contracts.errors import DecryptionFailed, KeyUnknown

from ..setup.tables import (
    BoardTable,
    CachedReplyTable,
    EffectTable,
    LogTable,
    ManifestTable,
    OutboxTable,
    SpecTable,
    TextTable,
    TurnTable,
)
from ..setup.transactions import Transactions
from .cipher import ENCRYPTED, Cipher

BATCH: Final = 200

CONTENT: Final[tuple[tuple[type[SQLModel], tuple[str, ...], tuple[str, ...]], ...]] = (
    (LogTable, ("session", "seq"), ("body",)),
    (TextTable, ("session", "id"), ("body",)),
    (TurnTable, ("session", "turn"), ("request", "reply", "error")),
    (SpecTable, ("digest",), ("body",)),
    (EffectTable, ("key",), ("arguments", "result")),
    (CachedReplyTable, ("digest",), ("body",)),
    (BoardTable, ("board", "key", "version"), ("body",)),
    (ManifestTable, ("session", "seq"), ("body",)),
    (OutboxTable, ("id",), ("body", "answer", "error")),
)
"""Tables with their key and the columns that are encrypted."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a batch did. ``unreadable`` rows have a missing key or were changed; they stay as they are."""

    table: str
    rewritten: int
    unreadable: int


class Reencryption:
    """Encrypts content again; ``cipher`` reads clear content, too."""

    def __init__(self, transactions: Transactions, cipher: Cipher) -> None:
        self._transactions = transactions
        self._cipher = cipher

    async def remaining(self) -> int:
        """The number of rows with content that the primary key did not encrypt."""
        return sum([await self._count(table, self._old(table, names)) for table, _, names in CONTENT])

    async def using(self, key: str) -> int:
        """The number of rows with content that a key encrypted."""
        prefix = f"{ENCRYPTED}{key}:"
        return sum(
            [
                await self._count(table, or_(*(_begins(table, name, prefix) for name in names)))
                for table, _, names in CONTENT
            ]
        )

    async def run(self) -> AsyncGenerator[Progress]:
        """Rewrite all rows that need it; yields after each batch."""
        for table, keys, names in CONTENT:
            after: tuple[Any, ...] | None = None
            while rows := await self._batch(table, keys, names, after):
                after = tuple(getattr(rows[-1], name) for name in keys)
                yield await self._rewrite(table, keys, names, rows)

    async def _count(self, table: type[SQLModel], which: ColumnElement[bool]) -> int:
        return await self._transactions.one(select(func.count()).select_from(table).where(which)) or 0

    async def _batch(
        self,
        table: type[SQLModel],
        keys: tuple[str, ...],
        names: tuple[str, ...],
        after: tuple[Any, ...] | None,
    ) -> list[Any]:
        columns = [getattr(table, name) for name in keys]
        query = select(table).where(self._old(table, names)).order_by(*columns).limit(BATCH)
        if after is not None:
            query = query.where(tuple_(*columns) > after)
        return list(await self._transactions.all(query))

    def _old(self, table: type[SQLModel], names: tuple[str, ...]) -> ColumnElement[bool]:
        current = self._cipher.current
        return or_(*(~_begins(table, name, current) & (getattr(table, name) != "") for name in names))

    async def _rewrite(
        self, table: type[SQLModel], keys: tuple[str, ...], names: tuple[str, ...], rows: list[Any]
    ) -> Progress:
        short = table.__name__.removesuffix("Table").lower()
        rewritten = unreadable = 0
        async with self._transactions.begin() as db:
            for row in rows:
                key = [getattr(row, name) for name in keys]
                before = {name: getattr(row, name) for name in names}
                try:
                    after = {
                        name: self._cipher.encrypt(
                            self._cipher.decrypt(text, f"{short}.{name}", *key), f"{short}.{name}", *key
                        )
                        for name, text in before.items()
                    }
                except (DecryptionFailed, KeyUnknown):
                    unreadable += 1
                    continue
                same = [col(getattr(table, name)) == value for name, value in zip(keys, key, strict=True)]
                same += [col(getattr(table, name)) == text for name, text in before.items()]
                rewritten += (await db.exec(update(table).where(*same).values(**after))).rowcount
        return Progress(short, rewritten, unreadable)


def _begins(table: type[SQLModel], name: str, prefix: str) -> ColumnElement[bool]:
    return func.substr(getattr(table, name), 1, len(prefix)) == prefix
