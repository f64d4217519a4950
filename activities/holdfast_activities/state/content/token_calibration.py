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
        return {row.model: row.ratio for row in await self._transactions.all(select(CalibrationTable))}

    async def save(self, model: str, ratio: float) -> None:
        """Store the ratio of a model."""
        values = {"model": identifier(model), "ratio": ratio}
        await self._transactions.write(self._transactions.upsert(CalibrationTable, values, {"ratio": ratio}))
