"""What token estimates are multiplied by, for each model."""

from sqlmodel import select

from ..log.rows import identifier
from ..setup.tables import CalibrationTable
from ..setup.transactions import Transactions


class CalibrationStore:
    """See ``Ratios``."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def load(self) -> dict[str, float]:
        """See ``Ratios.load``."""
        async with self._transactions.begin() as db:
            return {row.model: row.ratio for row in await db.exec(select(CalibrationTable))}

    async def save(self, model: str, ratio: float) -> None:
        """See ``Ratios.save``."""
        values = {"model": identifier(model), "ratio": ratio}
        async with self._transactions.begin() as db:
            await db.exec(
                self._transactions.insert(CalibrationTable, values).on_conflict_do_update(
                    index_elements=["model"], set_={"ratio": ratio}
                )
            )
