"""The state database: sessions, turns, specs and texts, and the stores of everything else.

All but the log is off the hot path and goes through SQLModel.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Insert, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from holdfast_activities import clock
from holdfast_activities.signing.keys import SigningKeys
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.errors import VersionConflict
from holdfast_workflows.contracts.evaluation.forks import stored_digest
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Status
from holdfast_workflows.contracts.session.steps import SettleInput, TurnRecord
from holdfast_workflows.contracts.text.unicode import clean, dump_json

from .audit.heads import signer
from .audit.store import AuditLog
from .base import Log
from .content.erasing import Eraser
from .content.figures import FigureStore
from .content.manifests import ManifestStore
from .content.patterns import PatternStore
from .content.replies import ReplyStore
from .content.resets import ResetStore
from .content.token_calibration import CalibrationStore
from .coordination.approvals import ApprovalUses
from .coordination.assignments import AssignmentStore
from .coordination.boards import BoardStore
from .coordination.breakers import BreakerStore
from .coordination.budgets import BudgetStore
from .coordination.costs import CostStore
from .coordination.effects import EffectLedger
from .coordination.outbox import OutboxQueue
from .coordination.quotas import QuotaStore
from .coordination.rates import RateStore
from .coordination.scope import Scope
from .encryption.cipher import CLEAR, Cipher
from .encryption.reencryption import Reencryption
from .log.rows import identifier
from .retention.orphans import OrphanStore
from .retention.removing import ENDED, RetentionStore
from .retention.rules import RetentionRules
from .setup.identity import Identity
from .setup.tables import SessionTable, SpecTable, TextTable, TurnTable
from .setup.transactions import Transactions
from .setup.vacuum import vacuum

if TYPE_CHECKING:
    from .verification.repairing import Repairs

_TURN_CONTENT = ("request", "reply", "error")
"""The columns of a turn that are encrypted."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session's snapshot as stored. ``version`` counts its changes; times are seconds since 1970, UTC."""

    session: str
    agent: str
    digest: str
    tenant: str
    status: str
    seq: int
    turns: int
    version: int
    usage: Usage
    created: float
    updated: float
    user: str = ""


class State:
    """The state database, in SQLite or PostgreSQL.

    Every method raises StateUnavailable if the database does not answer, and BadInput for an id that
    cannot be a key: empty, or with NUL or lone surrogates. Other text is stored as ``contracts.text``
    describes: content exactly, the rest cleaned.
    """

    def __init__(
        self,
        transactions: Transactions,
        log: Log,
        identity: Identity,
        app: str,
        keys: SigningKeys | None = None,
        cipher: Cipher = CLEAR,
    ) -> None:
        self._transactions = transactions
        self.cipher = cipher
        self.identity = identity
        self.log = log
        self.keys = keys
        scope = Scope.of(app)
        self.audit = AuditLog(log, transactions, signer(keys))
        self.effects = EffectLedger(transactions, self.audit, cipher)
        self.approvals = ApprovalUses(transactions)
        self.assignments = AssignmentStore(transactions, scope)
        self.budgets = BudgetStore(log, transactions, scope, app)
        self.costs = CostStore(transactions, app)
        self.breakers = BreakerStore(transactions, scope)
        self.rates = RateStore(transactions, scope)
        self.quotas = QuotaStore(transactions, scope)
        self.boards = BoardStore(transactions, scope, cipher)
        self.replies = ReplyStore(transactions, cipher)
        self.manifests = ManifestStore(transactions, cipher)
        self.patterns = PatternStore(transactions, cipher)
        self.outbox = OutboxQueue(transactions, app, cipher)
        self.calibration = CalibrationStore(transactions)
        self.erasing = Eraser(transactions, scope, app)
        self.retention = RetentionStore(transactions, self.audit, scope)
        self.retention_rules = RetentionRules(transactions)
        self.figures = FigureStore(transactions)
        self.orphans = OrphanStore(transactions)
        self.resets = ResetStore(transactions, cipher)

    def reencryption(self, cipher: Cipher) -> Reencryption:
        """Encrypting the content again, by a cipher that also reads clear content."""
        return Reencryption(self._transactions, cipher)

    def repairs(self) -> "Repairs":
        """Repairs of sessions by their histories."""
        from .verification.repairing import Repairs  # only operators need it

        return Repairs(self, self._transactions)

    async def ping(self) -> None:
        """Raise StateUnavailable unless the database answers and accepts writes."""
        await self.identity.touch(self._transactions)

    async def verify(self) -> None:
        """Raise StateReplaced if this is no longer the database that was opened."""
        await self.identity.verify(self._transactions)

    async def save_spec(self, digest: str, body: str) -> None:
        """Store a compiled agent spec (JSON) under its digest. Repeating this is harmless."""
        await self._transactions.write(self._insert_spec(digest, body))

    def _insert_spec(self, digest: str, body: str) -> Insert:
        digest = stored_digest(digest)
        stored = self.cipher.encrypt(clean(body), "spec.body", identifier(digest))
        return self._transactions.insert(SpecTable, {"digest": digest, "body": stored})

    async def load_spec(self, digest: str) -> str | None:
        """The spec of that digest."""
        digest = stored_digest(digest)
        row = await self._transactions.get(SpecTable, identifier(digest))
        return self.cipher.decrypt(row.body, "spec.body", digest) if row else None

    async def pinned(self, agents: Sequence[str]) -> dict[str, int]:
        """The number of unfinished sessions of these agents, by the digest of their spec."""
        unfinished = (
            select(SessionTable.digest, func.count())
            .where(
                col(SessionTable.agent).in_(agents),
                col(SessionTable.status).not_in(ENDED),
                col(SessionTable.erased) == 0,
            )
            .group_by(col(SessionTable.digest))
        )
        async with self._transactions.begin() as db:
            return dict((await db.exec(unfinished)).all())

    async def open_session(
        self,
        session: str,
        agent: str,
        digest: str,
        tenant: str,
        user: str = "",
        *,
        spec: str = "",
        status: Status = "starting",
    ) -> bool:
        """Create the session's row at version 0; False if it exists. An erased session starts again.

        A ``spec`` is stored under the digest in the same transaction.
        """
        now = clock.now()
        row = SessionTable(
            session=identifier(session),
            agent=clean(agent),
            digest=clean(stored_digest(digest)),
            tenant=clean(tenant),
            user=clean(user),
            status=status,
            seq=0,
            turns=0,
            version=0,
            created=now,
            updated=now,
            **Usage().model_dump(),
        )
        values = row.model_dump()
        # An erased session's row is empty, so another session may start under its id.
        erased = col(SessionTable.erased) > 0
        async with self._transactions.begin() as db:
            if spec:
                await db.exec(self._insert_spec(digest, spec))
            opened = await db.exec(self._transactions.upsert(SessionTable, values, values, erased))
            return opened.rowcount > 0

    async def load_session(self, session: str) -> SessionRow | None:
        """The session's snapshot; None if it was erased."""
        row = await self._transactions.get(SessionTable, identifier(session))
        if row is None or row.erased:
            return None
        return SessionRow(**_with_usage(row.model_dump(exclude={"erased"})))

    async def knows(self, session: str) -> bool:
        """Whether the session ever started in this database, even if it was erased since."""
        return await self._transactions.get(SessionTable, identifier(session)) is not None

    async def settle_turn(self, change: SettleInput) -> int:
        """Write a turn and the snapshot in one transaction; return the new version, ``change.version + 1``.

        Repeating the same change is harmless: it changes nothing and returns the same version. A turn that is
        written again for the same version, with a later end, replaces the first. Raises VersionConflict if the
        stored version is otherwise not ``change.version``, or the session was never opened.
        """
        snapshot = _snapshot(change)
        turn = (
            None if change.turn is None else self._turn_row(change.session, change.turn, change.version + 1)
        )
        async with self._transactions.begin() as db:
            # Optimistic lock: of two writers that read the same version, the second changes no row.
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
                await _take_repeated(db, change, snapshot, turn)
            elif turn is not None:
                values = turn.model_dump()
                await db.exec(self._transactions.upsert(TurnTable, values, values))
        return change.version + 1

    async def load_turns(self, session: str, first: int = 1, count: int | None = None) -> list[TurnRecord]:
        """The session's turns in order, from ``first`` on."""
        own = select(TurnTable).where(
            col(TurnTable.session) == identifier(session), col(TurnTable.turn) >= first
        )
        rows = await self._transactions.all(own.order_by(col(TurnTable.turn)).limit(count))
        return [self._record(row) for row in rows]

    async def load_turn(self, session: str, turn: int) -> TurnRecord | None:
        """A turn that has ended."""
        row = await self._transactions.get(TurnTable, (identifier(session), turn))
        return None if row is None else self._record(row)

    async def store_text(self, session: str, id: str, text: str) -> str:
        """Store a large text and return its reference. An existing text of the same id stays."""
        body = self.cipher.encrypt(dump_json(text), "text.body", identifier(session), identifier(id))
        values = {"session": session, "id": id, "body": body}
        await self._transactions.write(self._transactions.insert(TextTable, values))
        return id

    async def load_text(self, session: str, ref: str) -> str | None:
        """The text of a reference."""
        row = await self._transactions.get(TextTable, (identifier(session), identifier(ref)))
        return json.loads(self.cipher.decrypt(row.body, "text.body", session, ref)) if row else None

    async def texts_after(self, session: str, prefix: str, after: str, limit: int) -> list[tuple[str, str]]:
        """The session's texts whose ids begin with a prefix and come after an id, in the order of their ids."""
        wanted = _texts(session, prefix).where(col(TextTable.id) > after)
        rows = await self._transactions.all(wanted.order_by(col(TextTable.id)).limit(limit))
        decrypt = self.cipher.decrypt
        return [(row.id, json.loads(decrypt(row.body, "text.body", row.session, row.id))) for row in rows]

    async def count_texts(self, session: str, prefix: str) -> int:
        """The number of the session's texts whose ids begin with a prefix."""
        counted = select(func.count()).select_from(_texts(session, prefix).subquery())
        return await self._transactions.one(counted) or 0

    async def append_audit(self, *records: AuditRecord) -> None:
        """Append records to the audit log; a record that is there already is not written again."""
        await self.audit.append(records)

    async def store_turns(self, session: str, turns: Sequence[TurnRecord]) -> None:
        """Store turns of a session that are missing; existing ones stay."""
        async with self._transactions.begin() as db:
            for turn in turns:
                row = self._turn_row(identifier(session), turn, 0).model_dump()
                await db.exec(self._transactions.insert(TurnTable, row))

    def _turn_row(self, session: str, turn: TurnRecord, version: int) -> TurnTable:
        values = turn.model_dump(exclude={"usage"}) | turn.usage.model_dump()
        plain: dict[str, Any] = {
            name: clean(value) if isinstance(value, str) else value for name, value in values.items()
        }
        for name in _TURN_CONTENT:
            plain[name] = self.cipher.encrypt(plain[name], f"turn.{name}", session, turn.turn)
        return TurnTable(session=session, version=version, **plain)

    def _record(self, row: TurnTable) -> TurnRecord:
        values = row.model_dump(exclude={"session", "version"})
        for name in _TURN_CONTENT:
            values[name] = self.cipher.decrypt(values[name], f"turn.{name}", row.session, row.turn)
        return TurnRecord(**_with_usage(values))

    async def vacuum(self) -> int:
        """Release unused storage of the database; return the bytes of a SQLite file, 0 for PostgreSQL."""
        return await vacuum(self._transactions.engine)

    async def close(self) -> None:
        """Finish waiting writes and close every connection."""
        await self.log.close()
        await self._transactions.close()


def _texts(session: str, prefix: str) -> SelectOfScalar[TextTable]:
    begins = func.substr(col(TextTable.id), 1, len(prefix)) == prefix
    return select(TextTable).where(col(TextTable.session) == identifier(session), begins)


def _snapshot(change: SettleInput) -> dict[str, Any]:
    return {
        "agent": clean(change.agent),
        "digest": clean(stored_digest(change.digest)),
        "tenant": clean(change.tenant),
        "status": clean(change.status),
        "seq": change.seq,
        "turns": change.turns,
        "version": change.version + 1,
        **change.usage.model_dump(),
    }


def _with_usage(values: dict[str, Any]) -> dict[str, Any]:
    """A row's values, with those of its usage as one."""
    return values | {"usage": Usage(**{name: values.pop(name) for name in Usage.model_fields})}


async def _take_repeated(
    db: AsyncSession, change: SettleInput, snapshot: dict[str, Any], turn: TurnTable | None
) -> None:
    """Accept a change whose first write went unanswered; otherwise raise VersionConflict.

    A turn that ended in a lost workflow task ends again, perhaps later and otherwise. Its later end replaces the first.
    """
    session = await db.get(SessionTable, change.session, with_for_update=True)
    if session is None or session.erased:
        raise VersionConflict(f"session {change.session} is not in the state database")
    if turn is not None:
        stored = await db.get(TurnTable, (change.session, turn.turn))
        if stored is not None and stored.version == turn.version:
            if turn.ended >= stored.ended:
                await db.merge(turn)
                if session.version == turn.version:
                    session.sqlmodel_update(snapshot)
            return
    elif session.model_dump(include=set(snapshot)) == snapshot:
        return
    raise VersionConflict(
        f"session {change.session} is at version {session.version}, the change is for version {change.version}"
    )
