"""The effect ledger. Effects are settled in a log write; all other changes are here."""

import builtins
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from holdfast_activities import clock
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.text.unicode import clean

from ..audit.effects import effect_record
from ..audit.store import AuditLog
from ..encryption.cipher import CLEAR, Cipher
from ..log.extra_writes import EFFECT_CONTENT, FACTS, UNDO, effect_values
from ..log.rows import identifier
from ..setup.tables import UNSETTLED, EffectTable
from ..setup.transactions import Transactions
from .approvals import Use, record_in

_RECLAIMABLE = ("claimed", "waiting", "failed", "unknown")


class EffectLedger:
    """The effect ledger."""

    def __init__(self, transactions: Transactions, audit: AuditLog, cipher: Cipher = CLEAR) -> None:
        self._transactions = transactions
        self._cipher = cipher
        self._audit = audit

    async def claim(self, effect: EffectView, token: str, use: Use | None = None) -> tuple[EffectView, str]:
        """Write the claim of a call before the call is made. An existing row of the same key stays.

        ``effect`` has status ``claimed``; ``token`` is unique to the attempt. Returns the stored row and
        the token of its claim: the caller makes the call only if that is its own token. The ``use`` of the call's
        approval is recorded in the same transaction.

        Raises:
            ApprovalInvalid: The approval was used for another call.
        """
        values = effect_values(effect, self._cipher) | {"token": clean(token)}
        async with self._transactions.begin() as db:
            if use is not None:
                await record_in(db, self._transactions, use)
            await db.exec(self._transactions.insert(EffectTable, values))
            row = await _load(db, effect.key)
        # A row is never removed, so it existed before or is the new one.
        assert row is not None
        return self._view(row), row.token

    async def reclaim(self, key: str, token: str, new_token: str) -> bool:
        """Replace the claim of ``token``, if it still holds and is not settled. Only one of several callers succeeds."""
        # Optimistic lock: of two callers with the same token, the second changes no row.
        claim = (
            update(EffectTable)
            .where(
                col(EffectTable.key) == identifier(key),
                col(EffectTable.token) == clean(token),
                col(EffectTable.status).in_(_RECLAIMABLE),
            )
            .values(token=clean(new_token), status="claimed", claimed=clock.now())
        )
        return await self._transactions.write(claim) == 1

    async def mark(
        self,
        key: str,
        status: EffectStatus,
        *,
        result: str | None = None,
        by: str = "",
        only: Sequence[EffectStatus] | None = None,
    ) -> EffectView | None:
        """Change an effect's status, if the present one is in ``only`` (default: any that allows it).

        A settled effect changes only to ``undoing``, ``undone`` and ``undo_failed``. Returns the row as it is
        now, None if there is no such row.
        """
        values: dict[str, Any] = {"status": status}
        if result is not None:
            values["result"] = self._cipher.encrypt(clean(result), "effect.result", key)
        if by:
            values["by"] = clean(by)
        if status in ("settled", "given_up"):
            values["settled"] = clock.now()
        # The final statuses, as for effects in a log write.
        final = ("undone",) if status in UNDO else FACTS
        now = col(EffectTable.status)
        may = now.not_in(final) if only is None else now.in_(only)
        async with self._transactions.begin() as db:
            changed = await db.exec(
                update(EffectTable).where(col(EffectTable.key) == identifier(key), may).values(**values)
            )
            row = await _load(db, key)
            view = None if row is None else self._view(row)
            if view is not None and changed.rowcount and (record := effect_record(view, clock.now())):
                await self._audit.append_in(db, [record])
        return view

    async def get(self, key: str) -> tuple[EffectView, str] | None:
        """The row of a key and the token of its claim."""
        row = await self._transactions.get(EffectTable, identifier(key))
        return None if row is None else (self._view(row), row.token)

    async def list(self, session: str = "", status: str = "", limit: int = 500) -> builtins.list[EffectView]:
        """Effects ordered by session and sequence number, optionally of one session or status."""
        return [self._view(row) for row in await self._transactions.all(listing(session, status, limit))]

    def _view(self, row: EffectTable) -> EffectView:
        values = row.model_dump(exclude={"token"})
        for name in EFFECT_CONTENT:
            values[name] = self._cipher.decrypt(values[name], f"effect.{name}", row.key)
        return EffectView.model_validate(values)


def listing(session: str, status: str, limit: int) -> SelectOfScalar[EffectTable]:
    """The query that lists effects."""
    wanted = select(EffectTable).order_by(
        col(EffectTable.session), col(EffectTable.seq), col(EffectTable.key)
    )
    if session:
        wanted = wanted.where(col(EffectTable.session) == identifier(session))
    if status:
        wanted = wanted.where(col(EffectTable.status) == clean(status))
    if status not in ("", "settled"):
        # For the planner, which does not know the parameter when it chooses an index.
        wanted = wanted.where(text(UNSETTLED))
    return wanted.limit(limit)


async def _load(db: AsyncSession, key: str) -> EffectTable | None:
    return (await db.exec(select(EffectTable).where(col(EffectTable.key) == key))).one_or_none()
