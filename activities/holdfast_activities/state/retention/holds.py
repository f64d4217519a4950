"""Legal holds.

Placing a hold and removing content both lock the table of holds first. So a removal either sees the
hold, or has ended before the hold is placed.
"""

import builtins

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import BadInput, UnderHold
from holdfast_workflows.contracts.operations.retention import AddHold, Hold
from holdfast_workflows.contracts.text.unicode import clean

from ..log.rows import identifier
from ..setup.tables import HoldTable, SessionTable
from ..setup.transactions import Transactions


class HoldStore:
    """Places, lists and removes holds."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def add(self, request: AddHold) -> Hold:
        """Place a hold and return it; one of the same id stays as it is.

        Raises:
            BadInput: The session is not in the database, or is of another tenant; or the id has another hold.
        """
        values = {"id": identifier(request.id), "kind": request.kind, "at": clock.now()}
        texts = {"subject": request.subject, "tenant": request.tenant, "reason": request.reason}
        values |= {name: clean(text) for name, text in {**texts, "by": request.by}.items()}
        async with self._transactions.begin() as db:
            await self._transactions.lock(db, HoldTable)
            if request.kind == "session":
                values["tenant"] = await _tenant(db, request)
            await db.exec(self._transactions.insert(HoldTable, values))
            row = (await db.exec(select(HoldTable).where(col(HoldTable.id) == request.id))).one()
            held = _hold(row)
        if (held.kind, held.subject, held.tenant) != (values["kind"], values["subject"], values["tenant"]):
            raise BadInput(f"hold {request.id!r} exists and protects something else; give another id")
        return held

    async def remove(self, id: str, tenant: str | None = None) -> Hold:
        """Remove a hold and return it.

        Raises:
            BadInput: There is no such hold.
        """
        own = [col(HoldTable.id) == identifier(id)]
        own += [] if tenant is None else [col(HoldTable.tenant) == clean(tenant)]
        async with self._transactions.begin() as db:
            await self._transactions.lock(db, HoldTable)
            row = (await db.exec(select(HoldTable).where(*own))).one_or_none()
            if row is None:
                raise BadInput(f"there is no hold {id!r}; `holdfast hold list` lists them")
            await db.exec(delete(HoldTable).where(*own))
            return _hold(row)

    async def list(self, tenant: str | None = None) -> builtins.list[Hold]:
        """The holds of a tenant, or all, the oldest first."""
        wanted = select(HoldTable).order_by(col(HoldTable.at), col(HoldTable.id))
        if tenant is not None:
            wanted = wanted.where(col(HoldTable.tenant) == clean(tenant))
        return [_hold(row) for row in await self._transactions.all(wanted)]

    async def sessions(self) -> frozenset[tuple[str, str]]:
        """The tenant and the id of each session that a hold protects, also of erased ones if it names them."""
        query = select(SessionTable).where(held()) if (holds := await self.list()) else None
        rows = [] if query is None else await self._transactions.all(query)
        named = ((hold.tenant, hold.subject) for hold in holds if hold.kind == "session")
        return frozenset({*((row.tenant, row.session) for row in rows), *named})

    async def expect_none(
        self, *, tenant: str = "", user: str = "", session: str = "", db: AsyncSession | None = None
    ) -> None:
        """Check that no hold protects anything of a session; without one, of a user or a tenant.

        In the transaction ``db`` no hold can be placed until it ends.

        Raises:
            UnderHold: A hold does.
        """
        if db is None:
            async with self._transactions.begin() as own:
                return await _expect_none(own, clean(tenant), clean(user), clean(session))
        await self._transactions.lock(db, HoldTable)
        return await _expect_none(db, clean(tenant), clean(user), clean(session))


async def _expect_none(db: AsyncSession, tenant: str, user: str, session: str) -> None:
    hold, row = HoldTable, SessionTable
    overlaps: ColumnElement[bool]
    if session:
        overlaps = exists().where(col(row.session) == session, _protects(hold, row))
    elif user:
        own = and_(col(hold.kind) == "user", col(hold.subject) == user)
        one = exists().where(col(row.user) == user, _protects(hold, row))
        overlaps = and_(col(hold.tenant) == tenant, or_(col(hold.kind) == "tenant", own, one))
    else:
        overlaps = col(hold.tenant) == tenant
    found = (await db.exec(select(hold).where(overlaps).limit(1))).one_or_none()
    if found is not None:
        raise UnderHold(f"hold {found.id} on {found.kind} {found.subject or found.tenant!r}: {found.reason}")


def held() -> ColumnElement[bool]:
    """Whether a hold protects a row of the table of sessions."""
    return exists().where(_protects(HoldTable, SessionTable))


def held_row(tenant: Mapped[str], session: Mapped[str]) -> ColumnElement[bool]:
    """Whether a hold protects a row with these columns: its tenant's, or its session's."""
    row = aliased(SessionTable)
    of_tenant = exists().where(col(HoldTable.kind) == "tenant", col(HoldTable.tenant) == tenant)
    return or_(of_tenant, exists().where(col(row.session) == session, _protects(HoldTable, row)))


def _protects(hold: type[HoldTable], row: type[SessionTable]) -> ColumnElement[bool]:
    # Ids of the sessions that a session starts begin with its own, and the number of the call.
    subject = col(hold.subject)
    began = func.substr(col(row.session), 1, func.length(subject) + 1) == subject + "-"
    return and_(
        col(hold.tenant) == col(row.tenant),
        or_(
            col(hold.kind) == "tenant",
            and_(col(hold.kind) == "user", subject == col(row.user)),
            and_(col(hold.kind) == "session", or_(subject == col(row.session), began)),
        ),
    )


async def _tenant(db: AsyncSession, request: AddHold) -> str:
    """The tenant of the session that a hold is for."""
    wanted = select(SessionTable).where(col(SessionTable.session) == clean(request.subject))
    row = (await db.exec(wanted)).one_or_none()
    if row is None or row.erased:
        raise BadInput(f"session {request.subject!r} is not in the state database")
    if request.tenant not in {"", row.tenant}:
        raise BadInput(f"session {request.subject!r} is not of tenant {request.tenant!r}")
    return row.tenant


def _hold(row: HoldTable) -> Hold:
    return Hold.model_validate(row.model_dump())
