"""Manifests of prompts."""

import builtins

from sqlmodel import col, select

from holdfast_workflows.contracts.session.manifests import Manifest

from ..encryption.cipher import CLEAR, Cipher
from ..log.rows import identifier
from ..setup.tables import ManifestTable
from ..setup.transactions import Transactions


class ManifestStore:
    """The manifests of prompts; the log writes them (``LogExtras.manifest``)."""

    def __init__(self, transactions: Transactions, cipher: Cipher = CLEAR) -> None:
        self._transactions = transactions
        self._cipher = cipher

    async def list(
        self, session: str, *, seq: int = 0, after: int = 0, limit: int = 200
    ) -> builtins.list[Manifest]:
        """Manifests of a session in order: those above ``after``, or only the one at ``seq``."""
        number = col(ManifestTable.seq)
        own = col(ManifestTable.session) == identifier(session)
        query = select(ManifestTable).where(own, number == seq if seq else number > after)
        return [self._read(row) for row in await self._transactions.all(query.order_by(number).limit(limit))]

    async def newest(self, session: str) -> Manifest | None:
        """The manifest of the session's last prompt."""
        query = select(ManifestTable).where(col(ManifestTable.session) == identifier(session))
        row = await self._transactions.one(query.order_by(col(ManifestTable.seq).desc()).limit(1))
        return None if row is None else self._read(row)

    def _read(self, row: ManifestTable) -> Manifest:
        body = self._cipher.decrypt(row.body, "manifest.body", row.session, row.seq)
        return Manifest.model_validate_json(body)
