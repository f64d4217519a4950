"""Manifests of prompts."""

import builtins

from sqlmodel import col, select

from holdfast_workflows.contracts.session.manifests import Manifest

from ..log.rows import identifier
from ..setup.tables import ManifestTable
from ..setup.transactions import Transactions


class ManifestStore:
    """The manifests of prompts; the log writes them (``LogExtras.manifest``)."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def list(
        self, session: str, *, seq: int = 0, after: int = 0, limit: int = 200
    ) -> builtins.list[Manifest]:
        """Manifests of a session in order: those above ``after``, or only the one at ``seq``."""
        number = col(ManifestTable.seq)
        own = col(ManifestTable.session) == identifier(session)
        query = select(ManifestTable.body).where(own, number == seq if seq else number > after)
        bodies = await self._transactions.all(query.order_by(number).limit(limit))
        return [Manifest.model_validate_json(body) for body in bodies]

    async def newest(self, session: str) -> Manifest | None:
        """The manifest of the session's last prompt."""
        query = select(ManifestTable.body).where(col(ManifestTable.session) == identifier(session))
        body = await self._transactions.one(query.order_by(col(ManifestTable.seq).desc()).limit(1))
        return None if body is None else Manifest.model_validate_json(body)
