"""Which approvals were used, each for one call."""

from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from holdfast_activities import clock
from holdfast_workflows.contracts.errors import ApprovalInvalid

from ..log.rows import identifier
from ..setup.tables import ApprovalTable
from ..setup.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Use:
    """The use of an approval, by its nonce, for a call."""

    nonce: str
    call: str


class ApprovalUses:
    """Records the uses of approvals."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def used(self, use: Use) -> bool:
        """Whether the approval was used for this call before.

        Raises:
            ApprovalInvalid: It was used for another call.
        """
        row = await self._transactions.get(ApprovalTable, identifier(use.nonce))
        return row is not None and _same(row.call, use)

    async def record(self, use: Use) -> None:
        """Record a use in a transaction of its own; repeating it is harmless.

        Raises:
            ApprovalInvalid: The approval was used for another call.
        """
        async with self._transactions.begin() as db:
            await record_in(db, self._transactions, use)


async def record_in(db: AsyncSession, transactions: Transactions, use: Use) -> None:
    """Record a use in a transaction of the caller.

    Raises:
        ApprovalInvalid: The approval was used for another call.
    """
    values = {"nonce": identifier(use.nonce), "call": identifier(use.call), "used": clock.now()}
    await db.exec(transactions.insert(ApprovalTable, values))
    row = (await db.exec(select(ApprovalTable).where(col(ApprovalTable.nonce) == use.nonce))).one()
    _same(row.call, use)


def _same(call: str, use: Use) -> bool:
    if call != use.call:
        raise ApprovalInvalid(f"it was used for {call} already")
    return True
