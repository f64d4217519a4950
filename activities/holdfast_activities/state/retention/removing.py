"""Removal of what is past its time, each session in one transaction that first locks the table of holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Delete, and_, delete, exists, false, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_activities import clock
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.operations.retention import ALL_TENANTS, CONTENT, Removed, RetentionKind

from ..audit.store import AuditLog
from ..content.erasing import erase_aside, erase_content
from ..coordination.scope import Scope
from ..log.extra_writes import HOUR
from ..log.rows import identifier
from ..setup.tables import (
    AccountTable,
    BoardTable,
    CostTable,
    EffectTable,
    HoldTable,
    LogTable,
    ManifestTable,
    RemovalTable,
    ReservationTable,
    SessionTable,
    TextTable,
    TurnTable,
)
from ..setup.transactions import Transactions
from .holds import HoldStore, held, held_row
from .rules import Rules

ENDED = ("closed", "failed", "cancelled")

ORPHAN = "orphan"
"""The kind of a removal's row that only notes since when texts have no session."""

UNFINISHED = "unfinished"
"""The kind of a removal's row that only notes that files and histories may still have what was removed."""

_DAY = len(":2026-01-31")

_AT_ONCE = 500
"""Sessions in one statement."""


@dataclass(frozen=True, slots=True)
class Due:
    """A session with something past its time. ``at`` is its last activity."""

    session: str
    tenant: str
    turns: int
    at: float


class RetentionStore:
    """Finds and removes what is past its time."""

    def __init__(self, transactions: Transactions, audit: AuditLog, scope: Scope) -> None:
        self._transactions = transactions
        self._audit = audit
        self._scope = scope
        self.holds = HoldStore(transactions)

    async def due(self, rules: Rules, now: float, after: Due | None = None, limit: int = 200) -> list[Due]:
        """Ended sessions with content to remove, and without a hold, the oldest first."""
        removable = (and_(_past(rules, kind, now), ~_removed(kind)) for kind in CONTENT)
        ended = col(SessionTable.status).in_(ENDED), col(SessionTable.erased) == 0
        return await self._page(after, limit, *ended, or_(*removable))

    async def idle(self, rules: Rules, now: float, after: Due | None = None, limit: int = 200) -> list[Due]:
        """Sessions that have been idle for too long, and have no hold, the oldest first."""
        idle = col(SessionTable.status) == "idle", col(SessionTable.erased) == 0
        return await self._page(after, limit, *idle, _past(rules, "idle", now))

    async def _page(self, after: Due | None, limit: int, *wanted: ColumnElement[bool]) -> list[Due]:
        at, id = col(SessionTable.updated), col(SessionTable.session)
        query = select(SessionTable).where(*wanted, ~held()).order_by(at, id).limit(limit)
        if after is not None:
            query = query.where(or_(at > after.at, and_(at == after.at, id > after.session)))
        rows = await self._transactions.all(query)
        return [Due(row.session, row.tenant, row.turns, row.updated) for row in rows]

    async def remove(self, session: str, rules: Rules, now: float) -> Sequence[RetentionKind]:
        """Remove what is past its time of one session; return its kinds.

        Nothing is removed if the session is not one that ``due`` returns any more.
        """
        async with self._transactions.begin() as db:
            await self._transactions.lock(db, HoldTable)
            wanted = select(SessionTable).where(
                col(SessionTable.session) == session,
                col(SessionTable.status).in_(ENDED),
                col(SessionTable.erased) == 0,
                ~held(),
            )
            row = (await db.exec(wanted.with_for_update())).one_or_none()
            if row is None:
                return ()
            # The update that empties the row changes the object, too.
            due = Due(session, row.tenant, row.turns, row.updated)
            kinds = await self._kinds(db, due, rules, now)
            for kind in kinds:
                await self._remove(db, session, kind, now)
                values = {"tenant": due.tenant, "at": now}
                removal = {"session": session, "kind": kind, **values}
                await db.exec(self._transactions.upsert(RemovalTable, removal, values))
            if kinds:
                note = {"session": session, "kind": UNFINISHED, "tenant": due.tenant, "at": now}
                await db.exec(self._transactions.upsert(RemovalTable, note, {"at": now}))
                await self._audit.append_in(db, [_record(due, kinds, now)])
            return kinds

    async def unfinished(self) -> list[tuple[str, bool]]:
        """Sessions whose removal has to be finished outside the database, and whether they are gone as a whole.

        Also those of a worker that was killed after the removal.
        """
        same = col(SessionTable.session) == col(RemovalTable.session)
        query = select(RemovalTable.session, SessionTable.erased).join(SessionTable, same)
        query = query.where(col(RemovalTable.kind) == UNFINISHED).order_by(col(RemovalTable.session))
        async with self._transactions.begin() as db:
            return [(session, erased > 0) for session, erased in await db.exec(query)]

    async def finish(self, sessions: Sequence[str], now: float) -> None:
        """Note that the removals of these sessions, made until ``now``, are finished."""
        note = col(RemovalTable.kind) == UNFINISHED, col(RemovalTable.at) <= now
        for start in range(0, len(sessions), _AT_ONCE):
            part = col(RemovalTable.session).in_(sessions[start : start + _AT_ONCE])
            await self._transactions.write(delete(RemovalTable).where(*note, part))

    async def _kinds(self, db: AsyncSession, due: Due, rules: Rules, now: float) -> tuple[RetentionKind, ...]:
        past: list[RetentionKind] = [kind for kind in CONTENT if due.at < rules.before(due.tenant, kind, now)]
        # An effect whose outcome is unknown waits for a person's decision.
        waits = col(EffectTable.session) == due.session, col(EffectTable.status) == "unknown"
        if "session" in past:
            if not (await db.exec(select(EffectTable.key).where(*waits).limit(1))).first():
                return ("session",)
            past.remove("session")
        done = select(RemovalTable.kind).where(
            col(RemovalTable.session) == due.session, col(RemovalTable.at) >= due.at
        )
        removed = set(await db.exec(done))
        return tuple(kind for kind in past if kind not in removed)

    async def _remove(self, db: AsyncSession, id: str, kind: RetentionKind, now: float) -> None:
        match kind:
            case "session":
                await erase_content(db, self._scope, id, derived=False)
                mark = update(SessionTable).where(col(SessionTable.session) == id)
                await db.exec(mark.values(erased=now))
            case "log":
                await db.exec(delete(LogTable).where(col(LogTable.session) == id))
                await erase_aside(db, id)
                boards = [self._scope.stored(name) for name in (names.board_of(id, ""), names.values_of(id))]
                await db.exec(delete(BoardTable).where(col(BoardTable.board).in_(boards)))
                # The figures of turns stay.
                turns = update(TurnTable).where(col(TurnTable.session) == id)
                await db.exec(turns.values(request="", reply="", reply_seq=0, error=""))
            case "texts":
                await db.exec(delete(TextTable).where(col(TextTable.session) == id))
            case "prompts":
                await db.exec(delete(ManifestTable).where(col(ManifestTable.session) == id))
            case "effects":
                known = col(EffectTable.status) != "unknown"
                await db.exec(delete(EffectTable).where(col(EffectTable.session) == id, known))
            case _:
                account = names.run_account(id)
                for table in (AccountTable, ReservationTable):
                    await db.exec(delete(table).where(col(table.account) == account))

    async def remove_days(self, rules: Rules, now: float) -> int:
        """Remove tenants' accounts of days, and costs, that are past their time; return their number."""
        account = col(AccountTable.account)
        day = func.substr(account, func.length(account) - _DAY + 2)
        ended = _day(rules.latest(("costs",), now))
        run = account.startswith(names.run_account(""))
        async with self._transactions.begin() as db:
            await self._transactions.lock(db, HoldTable)
            found = (await db.exec(select(AccountTable.account).where(~run, day < ended))).all()
            of_tenants = select(HoldTable.tenant).where(col(HoldTable.kind) == "tenant")
            holds = set(await db.exec(of_tenants))
            gone = [
                delete(AccountTable).where(account == each)
                for each in found
                if (tenant := _tenant(each)) not in holds
                and each[1 - _DAY :] < _day(rules.before(tenant, "costs", now))
            ]
            statements = (*gone, *await self._costs(db, rules, now))
            return sum([(await db.exec(each)).rowcount for each in statements])

    async def _costs(self, db: AsyncSession, rules: Rules, now: float) -> list[Delete]:
        """The statements that remove each tenant's costs that are past their time and under no hold."""
        tenant, hour = col(CostTable.tenant), col(CostTable.hour)
        latest = rules.latest(("costs",), now) // HOUR
        tenants = await db.exec(select(tenant).where(hour < latest).distinct())
        free = ~held_row(tenant, col(CostTable.session))
        return [
            delete(CostTable).where(tenant == each, hour < rules.before(each, "costs", now) // HOUR, free)
            for each in tenants
        ]

    async def settle(self, session: str, status: str, at: float, seen: float) -> bool:
        """Record the end of a session that could not write it itself, unless it was active since ``seen``."""
        row = col(SessionTable.session) == session, col(SessionTable.status).not_in(ENDED)
        same = col(SessionTable.updated) == seen, col(SessionTable.erased) == 0
        change = update(SessionTable).where(*row, *same).values(status=status, updated=max(at, seen))
        return await self._transactions.write(change) > 0

    async def reopen(self, session: str) -> None:
        """Record that a session of this id has begun again: from now on it is open, and lacks nothing of its own."""
        async with self._transactions.begin() as db:
            row = update(SessionTable).where(col(SessionTable.session) == session)
            await db.exec(row.values(status="starting", updated=clock.now()))
            own = col(RemovalTable.session) == session, col(RemovalTable.kind) != UNFINISHED
            await db.exec(delete(RemovalTable).where(*own))

    async def removed(self, session: str) -> list[Removed]:
        """What was removed of a session, in order of time."""
        notes = (ORPHAN, UNFINISHED)
        own = col(RemovalTable.session) == identifier(session), col(RemovalTable.kind).not_in(notes)
        query = select(RemovalTable).where(*own).order_by(col(RemovalTable.at), col(RemovalTable.kind))
        rows = await self._transactions.all(query)
        return [Removed.model_validate(row.model_dump(include={"kind", "at"})) for row in rows]


def _past(rules: Rules, kind: RetentionKind, now: float) -> ColumnElement[bool]:
    """Whether a session's content of a kind is past its time."""
    tenant, updated = col(SessionTable.tenant), col(SessionTable.updated)
    own = {each.tenant for each in rules.stored if each.kind == kind and each.tenant != ALL_TENANTS}
    wanted: list[ColumnElement[bool]] = [false()]
    wanted += [and_(tenant == each, updated < rules.before(each, kind, now)) for each in sorted(own)]
    rest = updated < rules.before(ALL_TENANTS, kind, now)
    return or_(*wanted, and_(rest, tenant.not_in(own)) if own else rest)


def _removed(kind: RetentionKind) -> ColumnElement[bool]:
    """Whether content of a kind was removed since the session's last activity."""
    return exists().where(
        col(RemovalTable.session) == col(SessionTable.session),
        col(RemovalTable.kind) == kind,
        col(RemovalTable.at) >= col(SessionTable.updated),
    )


def _record(due: Due, kinds: Sequence[RetentionKind], now: float) -> AuditRecord:
    return AuditRecord(
        id=f"retention:{due.session}:{','.join(kinds)}:{due.at}",
        kind="erasure",
        action="removed",
        tenant=due.tenant,
        session=due.session,
        reason="retention",
        details={"kinds": ", ".join(kinds)},
        at=now,
    )


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _tenant(account: str) -> str:
    """The tenant of a day's account, which the prefix of an app may precede."""
    return account[:-_DAY].partition("tenant:")[2]
