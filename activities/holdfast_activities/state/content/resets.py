"""Separate logs for what a reset of a session removed, which can still be read and erased."""

from typing import cast

from sqlalchemy import delete, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts.operations.resets import AsideInput, AsideResult, aside

from ..encryption.cipher import CLEAR, Cipher
from ..log.rows import decode, identifier
from ..setup.tables import LogTable, ManifestTable, SessionTable, TurnTable
from ..setup.transactions import Transactions


class ResetStore:
    """Logs of the parts of sessions that a reset removed, named by ``contracts.operations.resets.aside``."""

    def __init__(self, transactions: Transactions, cipher: Cipher = CLEAR) -> None:
        self._transactions = transactions
        self._cipher = cipher

    async def set_aside(self, request: AsideInput) -> AsideResult:
        """Move what is beyond a reset's point into a separate log; without such rows no log is made.

        The result's ``seq`` is the first number that no row of the session has, in any of its logs.
        """
        id = identifier(request.session)
        async with self._transactions.begin() as db:
            # An update without a change locks the row, so that concurrent resets run one after the other.
            here = col(SessionTable.session) == id
            await db.exec(update(SessionTable).where(here).values(version=SessionTable.version))
            row = (await db.exec(select(SessionTable).where(here))).one_or_none()
            last, turn = await _last(db, id) or 0, await self._last_turn(db, id)
            logs = 0
            while (used := await _last(db, aside(id, logs + 1))) is not None:
                logs, last = logs + 1, max(last, used)
            seq = col(LogTable.seq)
            removed = (
                (LogTable, or_(seq >= request.seq, seq.in_(request.open))),
                (ManifestTable, col(ManifestTable.seq) >= request.seq),
                (TurnTable, col(TurnTable.turn) >= request.turn),
            )
            moved = 0
            for table, beyond in removed:
                mine = update(table).where(col(table.session) == id, beyond)
                moved += (await db.exec(mine.values(session=aside(id, logs + 1)))).rowcount
            return AsideResult(
                seq=max(last, request.seq - 1, row.seq if row else 0) + 1,
                # A turn is in the log before it is stored, so its number may be higher than the stored ones.
                turns=max(row.turns if row else 0, turn),
                version=row.version if row else 0,
                logs=logs + 1 if moved else logs,
            )

    async def sweep(self, session: str, start: int, stop: int) -> None:
        """Remove rows with ``start <= seq < stop`` that calls of the old run wrote after the reset."""
        id = identifier(session)
        async with self._transactions.begin() as db:
            for table in (LogTable, ManifestTable):
                late = col(table.seq) >= start, col(table.seq) < stop
                await db.exec(delete(table).where(col(table.session) == id, *late))

    async def _last_turn(self, db: AsyncSession, name: str) -> int:
        """The turn of a log's last entry; 0 without entries."""
        number = col(LogTable.seq)
        last = select(LogTable).where(col(LogTable.session) == name).order_by(number.desc()).limit(1)
        row = (await db.exec(last)).first()
        [entry] = decode(name, [(row.seq, row.body)], self._cipher) if row else [None]
        return entry.turn if entry else 0


async def _last(db: AsyncSession, name: str) -> int | None:
    """The last number of a log; None if there is no log of that name."""
    found = (await db.exec(select(func.max(LogTable.seq)).where(col(LogTable.session) == name))).one()
    last = cast("int | None", found)  # max() may be NULL, which its type does not show
    if last is None:
        for table in (TurnTable, ManifestTable):
            if (await db.exec(select(table.session).where(col(table.session) == name).limit(1))).first():
                return 0
    return last
