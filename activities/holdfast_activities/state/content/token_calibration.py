"""Token estimate ratios of models."""

from sqlmodel import select

from ..log.rows import identifier
from ..setup.tables import CalibrationTable
from ..setup.transactions import Transactions


class CalibrationStore:
    """The correction of token estimates for each model, learned from the providers' figures."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def load(self) -> dict[str, float]:
        """The ratio of each model."""
        async with self._transactions.begin() as db:
            return {row.model: row.ratio for row in await db.exec(select(CalibrationTable))}

    async def save(self, model: str, ratio: float) -> None:
        """Store the ratio of a model."""
        values = {"model": identifier(model), "ratio": ratio}
        async with self._transactions.begin() as db:
            await db.exec(
                self._transactions.insert(CalibrationTable, values).on_conflict_do_update(
                    index_elements=["model"], set_={"ratio": ratio}
                )
            )
