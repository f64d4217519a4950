"""Read every row with content: it must decrypt, and be what a worker writes. Rows must agree with each other."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import and_, exists, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import EncryptionError
from holdfast_workflows.contracts.operations.resets import aside
from holdfast_workflows.contracts.session.manifests import Manifest
from holdfast_workflows.contracts.text.unicode import preview

from ..database import State
from ..encryption.cipher import CLEAR, Cipher
from ..encryption.reencryption import CONTENT
from ..log.rows import decode
from ..retention.removing import ENDED
from ..setup.tables import BoardTable, LogTable, ManifestTable, SessionTable, SpecTable, TextTable, TurnTable
from .findings import Contents, Finding

_PAGE: Final = 100
_ASIDE: Final = aside("", 0)[:-1]
"""In the names of logs that resets have set aside, which begin in the middle of a turn."""
_MOST: Final = 100
"""Findings of one kind in a table: more of them have one cause."""


def _entry(row: Any, body: str) -> None:
    [entry] = decode(row.session, [(row.seq, body)], CLEAR)
    if entry.seq != row.seq:
        raise ValueError(f"the entry says that it is {entry.seq}")


_READ: Final[Mapping[type[SQLModel], Callable[[Any, str], object]]] = {
    LogTable: _entry,
    SpecTable: lambda _, body: AgentSpec.model_validate_json(body),
    TextTable: lambda _, body: json.loads(body),
    BoardTable: lambda _, body: json.loads(body or '""'),
    ManifestTable: lambda _, body: Manifest.model_validate_json(body),
}
"""How a worker reads the column ``body`` of a table; it raises ValueError for what it cannot read."""


async def check_contents(state: State) -> Contents:
    """Check all rows as they are at one moment.

    Raises:
        StateUnavailable: The database did not answer.
    """
    found = Contents()
    async with state.audit.snapshot() as db:
        for table, keys, names in CONTENT:
            await _table(db, state.cipher, (table, keys, names), found)
        found.sessions = await _agreement(db, found)
    return found


async def _table(
    db: AsyncSession,
    cipher: Cipher,
    content: tuple[type[SQLModel], tuple[str, ...], tuple[str, ...]],
    found: Contents,
) -> None:
    table, keys, names = content
    bad = 0
    async for row in _rows(db, table, keys):
        found.rows += 1
        found.entries += table is LogTable
        finding = _problem(cipher, table, row, keys, names)
        if finding is not None:
            bad += 1
            if bad <= _MOST:
                found.findings.append(finding)
    if bad > _MOST:
        found.findings.append(Finding("invalid", f"{bad:,} rows of {_name(table)} in all"))


def _problem(
    cipher: Cipher, table: type[SQLModel], row: Any, keys: Sequence[str], names: Sequence[str]
) -> Finding | None:
    short, key = _name(table), [getattr(row, name) for name in keys]
    where = f"{short} {' '.join(map(str, key))}"
    session = str(getattr(row, "session", ""))
    try:
        for name in names:
            body = cipher.decrypt(getattr(row, name), f"{short}.{name}", *key)
            if name == "body" and (read := _READ.get(table)):
                read(row, body)
    except EncryptionError as error:
        return Finding("unreadable", f"{where}: {error.detail or error}", session)
    except (ValueError, TypeError, KeyError) as error:  # ValidationError is a ValueError
        return Finding("invalid", f"{where}: {preview(str(error))}", session)
    return None


async def _rows(db: AsyncSession, table: type[SQLModel], keys: Sequence[str]) -> AsyncGenerator[Any]:
    columns, after = [getattr(table, name) for name in keys], None
    while True:
        query = select(table).order_by(*columns).limit(_PAGE)
        page = (await db.exec(query if after is None else query.where(tuple_(*columns) > after))).all()
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        after = tuple(getattr(page[-1], name) for name in keys)
        db.expunge_all()


async def _agreement(db: AsyncSession, found: Contents) -> int:
    """Compare turns with the log and sessions with specs; return the number of sessions."""
    entry, any_entry = aliased(LogTable), aliased(LogTable)
    own = and_(col(entry.session) == col(TurnTable.session), col(entry.seq) == col(TurnTable.reply_seq))
    # Retention removes the log of a session as a whole.
    kept = exists().where(col(any_entry.session) == col(TurnTable.session))
    lost = select(TurnTable.session, TurnTable.turn, TurnTable.reply_seq).where(
        col(TurnTable.reply_seq) > 0, kept, ~exists().where(own), ~col(TurnTable.session).contains(_ASIDE)
    )
    for session, turn, seq in (await db.exec(lost.limit(_MOST))).all():
        found.findings.append(
            Finding("reply_missing", f"the reply {seq:,} of turn {turn:,} is not in the log", session)
        )
    spec = exists().where(col(SpecTable.digest) == col(SessionTable.digest))
    unserved = select(SessionTable.session, SessionTable.digest).where(
        col(SessionTable.erased) == 0,
        col(SessionTable.status).not_in(ENDED),
        col(SessionTable.digest) != "",
        ~spec,
    )
    for session, digest in (await db.exec(unserved.limit(_MOST))).all():
        found.findings.append(Finding("spec_missing", f"its agent's spec {digest} is missing", session))
    ids = select(SessionTable.session).where(col(SessionTable.erased) == 0)
    return len((await db.exec(ids)).all())


def _name(table: type[SQLModel]) -> str:
    return table.__name__.removesuffix("Table").lower()
