"""Erasure of sessions and tenants, and of data past its age.

A session's row is marked first: it locks out concurrent writes of the session. The emptied row stays, so
that every worker can see what to drop from its caches.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, update
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.resets import aside
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.text.unicode import clean

from ..coordination.scope import Scope
from ..log.rows import identifier
from ..retention.holds import HoldStore, held_row
from ..setup.tables import (
    AccountTable,
    AssignmentTable,
    BoardTable,
    CachedReplyTable,
    CostTable,
    EffectTable,
    LogTable,
    ManifestTable,
    OutboxTable,
    QuotaTable,
    ReservationTable,
    SessionTable,
    TextTable,
    TurnTable,
)
from ..setup.transactions import Transactions

_BY_SESSION: Final = (TextTable, TurnTable, ManifestTable, EffectTable, OutboxTable, AssignmentTable)
"""Tables of a session's content besides the log."""

_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("agent", "digest", "tenant", "user"), ""),
    **dict.fromkeys(("seq", "turns", "version"), 0),
    **Usage().model_dump(),
    "status": "erased",
    "created": 0.0,
    "updated": 0.0,
}

_ERASED = select(SessionTable.session).where(col(SessionTable.erased) > 0)

_DAY = len(":2026-01-31")

_HELD_BOARD = held_row(col(BoardTable.tenant), col(BoardTable.session))


class Eraser:
    """Erasure of sessions and tenants, and of data past its age."""

    def __init__(self, transactions: Transactions, scope: Scope, app: str = "") -> None:
        self._transactions = transactions
        self._app = app
        self._scope = scope
        self._holds = HoldStore(transactions)

    async def sessions(self, *, user: str = "", tenant: str, limit: int = 1_000) -> list[str]:
        """Sessions of a tenant, or of one of its users, whose content is not yet erased, ordered by id."""
        id = col(SessionTable.session)
        wanted = select(id).where(
            col(SessionTable.tenant) == clean(tenant), col(SessionTable.status) != _EMPTY["status"]
        )
        if user:
            wanted = wanted.where(col(SessionTable.user) == clean(user))
        return await self._transactions.all(wanted.order_by(id).limit(limit))

    async def begin(self, session: str, now: float) -> None:
        """Mark a session as being erased, and remove and refuse its outbox items.

        ``sessions`` still returns it, so an interrupted erasure is resumed.

        Raises:
            UnderHold: A hold protects it.
        """
        async with self._transactions.begin() as db:
            await self._holds.expect_none(session=identifier(session), db=db)
            await self._mark(db, session, now)
            await db.exec(delete(OutboxTable).where(col(OutboxTable.session) == session))

    async def session(self, session: str, now: float) -> int:
        """Erase a session's content, including cached replies of its agent and tenant.

        The row stays with its id and the time of erasure only; costs stay without their user. Returns the number of
        log entries erased.
        """
        id = identifier(session)
        async with self._transactions.begin() as db:
            await self._mark(db, id, now)
            return await erase_content(db, self._scope, id, derived=True)

    async def _mark(self, db: AsyncSession, id: str, now: float) -> None:
        row = _EMPTY | {"session": id, "erased": now}
        await db.exec(self._transactions.upsert(SessionTable, row, {"erased": now}))

    async def user(self, user: str, tenant: str) -> None:
        """Remove a user from the costs of sessions, also of those that are gone."""
        own = col(CostTable.user) == clean(user), col(CostTable.tenant) == clean(tenant)
        await self._transactions.write(update(CostTable).where(*own).values(user=""))

    async def tenant(self, tenant: str) -> None:
        """Erase a tenant's budget accounts, costs, cached replies and boards."""
        name = clean(tenant)
        account = col(AccountTable.account)
        holder = col(ReservationTable.account)
        prefix = self._scope.stored(names.tenant_account(name, ""))
        async with self._transactions.begin() as db:
            await db.exec(delete(AccountTable).where(_of_days(account, prefix)))
            await db.exec(delete(ReservationTable).where(_of_days(holder, prefix)))
            costs = and_(col(CostTable.tenant) == name, col(CostTable.app) == self._app)
            await db.exec(delete(CostTable).where(costs))
            await db.exec(delete(CachedReplyTable).where(_with_prefix(f"{name}/", "%/%/%")))
            boards = and_(col(BoardTable.tenant) == name, self._scope.own(col(BoardTable.board)))
            await db.exec(delete(BoardTable).where(boards))

    async def scrub(self) -> None:
        """Remove erased data from the database's files, where the database does not do so itself."""
        await self._transactions.scrub()

    async def since(self, at: float) -> list[str]:
        """Sessions erased at or after a time, for workers to drop from their caches."""
        wanted = (
            select(SessionTable.session)
            # The first condition selects the partial index.
            .where(col(SessionTable.erased) > 0, col(SessionTable.erased) >= at)
            .order_by(col(SessionTable.session))
        )
        return await self._transactions.all(wanted)

    async def prune(self, before: float) -> int:
        """Remove data older than ``before`` and writes that followed an erasure; the number of rows removed.

        Data with an age: cached replies, applied outbox items, reservations, places of quotas, ended turns of routed
        agents, versions of boards' entries that are not the present ones, and then removed entries. What a hold protects
        stays.
        """
        old = (
            delete(CachedReplyTable).where(col(CachedReplyTable.at) < before),
            delete(OutboxTable).where(col(OutboxTable.applied) > 0, col(OutboxTable.applied) < before),
            delete(ReservationTable).where(col(ReservationTable.until) < before),
            delete(QuotaTable).where(col(QuotaTable.at) < before),
            delete(BoardTable).where(col(BoardTable.at) < before, _superseded(), ~_HELD_BOARD),
            # Last of an entry, so that no older version is the present one again.
            delete(BoardTable).where(col(BoardTable.at) < before, col(BoardTable.size) == 0, ~_HELD_BOARD),
            delete(AssignmentTable).where(
                col(AssignmentTable.ended) > 0, col(AssignmentTable.ended) < before
            ),
            # A run that was active when its session was erased may have written since.
            *(delete(table).where(col(table.session).in_(_ERASED)) for table in (LogTable, *_BY_SESSION)),
        )
        # One transaction each, so that none blocks the log for long.
        return sum([await self._transactions.write(statement) for statement in old])


async def erase_content(db: AsyncSession, scope: Scope, id: str, *, derived: bool) -> int:
    """Erase the content of a session whose row is locked, and empty the row; return the number of log entries.

    ``derived`` also erases what others may use: its entries on tenants' boards, cached replies of its agent and tenant.
    """
    account = names.run_account(id)
    before = (await db.exec(select(SessionTable).where(col(SessionTable.session) == id))).one()
    entries = await db.exec(delete(LogTable).where(col(LogTable.session) == id))
    await erase_aside(db, id)
    for table in _BY_SESSION:
        await db.exec(delete(table).where(col(table.session) == id))
    # The board of its own tree, and its tools' values.
    own_boards = [scope.stored(name) for name in (names.board_of(id, ""), names.values_of(id))]
    boards: ColumnElement[bool] = col(BoardTable.board).in_(own_boards)
    if derived:
        boards = or_(boards, col(BoardTable.session) == id)
    await db.exec(delete(BoardTable).where(boards))
    own = or_(col(ReservationTable.holder) == id, col(ReservationTable.account) == account)
    await db.exec(delete(ReservationTable).where(own))
    await db.exec(delete(AccountTable).where(col(AccountTable.account) == account))
    if derived:
        await db.exec(update(CostTable).where(col(CostTable.session) == id).values(user=""))
    if before.agent and derived:
        prefix = _with_prefix(f"{before.tenant}/{before.agent}/", "%/%")
        await db.exec(delete(CachedReplyTable).where(prefix))
    await db.exec(update(SessionTable).where(col(SessionTable.session) == id).values(**_EMPTY))
    return entries.rowcount


async def erase_aside(db: AsyncSession, id: str) -> None:
    """Erase the logs that resets of a session set aside."""
    number, found = 1, 1
    while found:
        name, found = aside(id, number), 0
        for table in (LogTable, TurnTable, ManifestTable):
            found += (await db.exec(delete(table).where(col(table.session) == name))).rowcount
        number += 1


def _superseded() -> ColumnElement[bool]:
    """Whether a version of a board's entry is not the present one."""
    later = aliased(BoardTable)
    return exists().where(
        col(later.board) == col(BoardTable.board),
        col(later.key) == col(BoardTable.key),
        col(later.version) > col(BoardTable.version),
    )


def _of_days(account: Mapped[str], prefix: str) -> ColumnElement[bool]:
    """Whether only a day follows the prefix: tenants' names may contain colons."""
    size = len(prefix)
    return and_(func.substr(account, 1, size) == prefix, func.length(account) == size + _DAY - 1)


def _with_prefix(prefix: str, deeper: str) -> ColumnElement[bool]:
    """Whether a cached reply's digest starts with ``prefix`` and the rest is not ``deeper``: names may contain slashes."""
    digest, size = col(CachedReplyTable.digest), len(prefix)
    return and_(func.substr(digest, 1, size) == prefix, func.substr(digest, size + 1).not_like(deeper))
