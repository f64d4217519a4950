"""Setting aside what a reset of a session left behind: under a name of its own it can still be read, and erased."""

from sqlalchemy import ColumnElement, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_workflows.contracts.resets import AsideInput, AsideResult, aside

from .rows import identifier
from .tables import LogTable, ManifestTable, SessionTable, TurnTable
from .transactions import Transactions


class ResetShelf:
    """See ``Resets``."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def set_aside(self, request: AsideInput) -> AsideResult:
        """See ``Resets.set_aside``."""
        id = identifier(request.session)
        async with self._transactions.begin() as db:
            # Writing the row as it is locks it: of two that set aside at once one waits for the other.
            here = col(SessionTable.session) == id
            await db.exec(update(SessionTable).where(here).values(version=SessionTable.version))
            row = (await db.exec(select(SessionTable).where(here))).one_or_none()
            last = await _last(db, id)
            logs = 0
            while (used := await _last(db, aside(id, logs + 1))) is not None:
                logs, last = logs + 1, max(last or 0, used)
            seq, turn = col(LogTable.seq), col(TurnTable.turn)
            gone: ColumnElement[bool] = or_(seq >= request.seq, seq.in_(request.open))
            to = aside(id, logs + 1)
            moved = await db.exec(
                update(LogTable).where(col(LogTable.session) == id, gone).values(session=to)
            )
            await db.exec(
                update(ManifestTable)
                .where(col(ManifestTable.session) == id, col(ManifestTable.seq) >= request.seq)
                .values(session=to)
            )
            await db.exec(
                update(TurnTable).where(col(TurnTable.session) == id, turn >= request.turn).values(session=to)
            )
            return AsideResult(
                seq=max(last or 0, request.seq - 1, row.seq if row else 0) + 1,
                turns=row.turns if row else 0,
                version=row.version if row else 0,
                logs=logs + 1 if moved.rowcount else logs,
            )


async def _last(db: AsyncSession, session: str) -> int | None:
    """The last number of a log; None if it is empty."""
    return (await db.exec(select(func.max(LogTable.seq)).where(col(LogTable.session) == session))).one()
