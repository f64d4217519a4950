"""The state database: the log, what is shared, and sessions, turns, specs and texts, off the hot path."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_activities import clock
from holdfast_workflows.contracts.entries import Usage
from holdfast_workflows.contracts.errors import VersionConflict
from holdfast_workflows.contracts.steps import SettleInput, TurnRecord
from holdfast_workflows.contracts.text import clean, dump_json

from .base import Log, SessionRow
from .coordination.shared_stores import SharedParts
from .log.rows import identifier
from .setup.identity import Identity, touch, verify
from .setup.tables import SessionTable, SpecTable, TextTable, TurnTable
from .setup.transactions import Transactions
from .shared import Shared

_ENDED = ("closed", "failed", "cancelled")


class Database:
    """A ``State`` on either database: SQLModel hides which, except for the log."""

    def __init__(self, transactions: Transactions, log: Log, identity: Identity, scope: str) -> None:
        self._transactions = transactions
        self._log = log
        self._identity = identity
        self._shared = SharedParts(log, transactions, scope)

    @property
    def identity(self) -> Identity:
        """See ``State.identity``."""
        return self._identity

    @property
    def log(self) -> Log:
        """See ``State.log``."""
        return self._log

    @property
    def shared(self) -> Shared:
        """See ``State.shared``."""
        return self._shared

    async def ping(self) -> None:
        """See ``State.ping``."""
        await touch(self._identity, self._transactions)

    async def verify(self) -> None:
        """See ``State.verify``."""
        await verify(self._identity, self._transactions)

    async def save_spec(self, digest: str, body: str) -> None:
        """See ``State.save_spec``."""
        await self._transactions.add_once(SpecTable(digest=identifier(digest), body=clean(body)))

    async def load_spec(self, digest: str) -> str | None:
        """See ``State.load_spec``."""
        async with self._transactions.begin() as db:
            row = await db.get(SpecTable, identifier(digest))
        return row.body if row else None

    async def pinned(self, agents: Sequence[str]) -> dict[str, int]:
        """See ``State.pinned``."""
        go_on = (
            select(SessionTable.digest, func.count())
            .where(
                col(SessionTable.agent).in_(agents),
                col(SessionTable.status).not_in(_ENDED),
                col(SessionTable.erased) == 0,
            )
            .group_by(col(SessionTable.digest))
        )
        async with self._transactions.begin() as db:
            return dict((await db.exec(go_on)).all())

    async def open_session(self, session: str, agent: str, digest: str, tenant: str, user: str = "") -> None:
        """See ``State.open_session``."""
        now = clock.now()
        row = SessionTable(
            session=identifier(session),
            agent=clean(agent),
            digest=clean(digest),
            tenant=clean(tenant),
            user=clean(user),
            status="starting",
            seq=0,
            turns=0,
            version=0,
            created=now,
            updated=now,
            **Usage().model_dump(),
        )
        values = row.model_dump()
        async with self._transactions.begin() as db:
            # An erased session's row holds nothing; under its id another session may begin.
            await db.exec(
                self._transactions.insert(SessionTable, values).on_conflict_do_update(
                    index_elements=["session"], set_=values, where=col(SessionTable.erased) > 0
                )
            )

    async def load_session(self, session: str) -> SessionRow | None:
        """See ``State.load_session``."""
        async with self._transactions.begin() as db:
            row = await db.get(SessionTable, identifier(session))
        if row is None or row.erased:
            return None
        values = row.model_dump(exclude={"erased"})
        usage = Usage(**{name: values.pop(name) for name in Usage.model_fields})
        return SessionRow(usage=usage, **values)

    async def knows(self, session: str) -> bool:
        """See ``State.knows``."""
        async with self._transactions.begin() as db:
            return await db.get(SessionTable, identifier(session)) is not None

    async def settle_turn(self, change: SettleInput) -> int:
        """See ``State.settle_turn``."""
        snapshot = _snapshot(change)
        turn = _turn_row(change)
        async with self._transactions.begin() as db:
            # The version in the condition is the lock: of two writers that read the same version,
            # the second finds it gone, in whatever order their statements reach the database.
            changed = await db.exec(
                update(SessionTable)
                .where(
                    col(SessionTable.session) == identifier(change.session),
                    col(SessionTable.version) == change.version,
                    col(SessionTable.erased) == 0,
                )
                .values(**snapshot, updated=clock.now())
            )
            if changed.rowcount == 0:
                await _check_repeated(db, change, snapshot, turn)
            elif turn is not None:
                await db.merge(turn)
        return change.version + 1

    async def load_turns(self, session: str) -> list[TurnRecord]:
        """See ``State.load_turns``."""
        async with self._transactions.begin() as db:
            rows = await db.exec(
                select(TurnTable)
                .where(col(TurnTable.session) == identifier(session))
                .order_by(col(TurnTable.turn))
            )
            return [_record(row) for row in rows]

    async def load_turn(self, session: str, turn: int) -> TurnRecord | None:
        """See ``State.load_turn``."""
        async with self._transactions.begin() as db:
            row = await db.get(TurnTable, (identifier(session), turn))
        return None if row is None else _record(row)

    async def store_text(self, session: str, id: str, text: str) -> str:
        """See ``State.store_text``."""
        await self._transactions.add_once(
            TextTable(session=identifier(session), id=identifier(id), body=dump_json(text))
        )
        return id

    async def load_text(self, session: str, ref: str) -> str | None:
        """See ``State.load_text``."""
        async with self._transactions.begin() as db:
            row = await db.get(TextTable, (identifier(session), identifier(ref)))
        return json.loads(row.body) if row else None

    async def close(self) -> None:
        """See ``State.close``."""
        await self._log.close()
        await self._transactions.close()


def _snapshot(change: SettleInput) -> dict[str, Any]:
    return {
        "agent": clean(change.agent),
        "digest": clean(change.digest),
        "tenant": clean(change.tenant),
        "status": clean(change.status),
        "seq": change.seq,
        "turns": change.turns,
        "version": change.version + 1,
        **change.usage.model_dump(),
    }


def _turn_row(change: SettleInput) -> TurnTable | None:
    if change.turn is None:
        return None
    values = change.turn.model_dump(exclude={"usage"}) | change.turn.usage.model_dump()
    plain: dict[str, Any] = {
        name: clean(value) if isinstance(value, str) else value for name, value in values.items()
    }
    return TurnTable(session=change.session, version=change.version + 1, **plain)


def _record(row: TurnTable) -> TurnRecord:
    values = row.model_dump(exclude={"session", "version"})
    usage = Usage(**{name: values.pop(name) for name in Usage.model_fields})
    return TurnRecord(usage=usage, **values)


async def _check_repeated(
    db: AsyncSession, change: SettleInput, snapshot: dict[str, Any], turn: TurnTable | None
) -> None:
    """Pass if this very change was written before: a second attempt whose first one did reach the database.

    Raises:
        VersionConflict: It was not.
    """
    session = await db.get(SessionTable, change.session)
    if session is None or session.erased:
        raise VersionConflict(f"session {change.session} is not in the state database")
    if turn is not None:
        # A turn is written once, so it tells even after later changes of the session.
        stored = await db.get(TurnTable, (change.session, turn.turn))
        if stored is not None and stored.model_dump() == turn.model_dump():
            return
    elif session.model_dump(include=set(snapshot)) == snapshot:
        return
    raise VersionConflict(
        f"session {change.session} is at version {session.version}, the change was made for {change.version}"
    )
