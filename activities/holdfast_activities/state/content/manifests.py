"""Manifests of prompts."""

import builtins

from sqlmodel import col, select

from holdfast_workflows.contracts.session.manifests import Manifest

from ..encryption.cipher import CLEAR, Cipher
from ..log.rows import identifier
from ..setup.tables import ManifestTable, SessionTable
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

    async def recent(self, limit: int) -> builtins.list[tuple[str, Manifest]]:
        """The newest manifests of all sessions, each with the session's agent."""
        same = col(SessionTable.session) == col(ManifestTable.session)
        query = select(SessionTable.agent, ManifestTable).join(ManifestTable, same)
        async with self._transactions.begin() as db:
            rows = (await db.exec(query.order_by(col(ManifestTable.at).desc()).limit(limit))).all()
        return [(agent, self._read(row)) for agent, row in rows]

    def _read(self, row: ManifestTable) -> Manifest:
        body = self._cipher.decrypt(row.body, "manifest.body", row.session, row.seq)
        return Manifest.model_validate_json(body)
