"""A memory store whose content is encrypted: texts, speakers, topics and words here, vectors in the store below.

What must be found is kept as keyed hashes: each term of a memory, and its topic. The database shows how often
memories of one tenant share a term, but not the term. Hashes differ between tenants and between keys, so a search
asks for the hashes of all keys until old memories have been encrypted again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from holdfast_activities.state.encryption.cipher import ENCRYPTED, KeyCipher
from holdfast_workflows.contracts.text.unicode import clean

from ..base import Collection, Counts, Embed, Filter, Names, Ranking, Record, Records, Scored, Vector
from ..embedded.store import EmbeddedStore

TEXT: Final = "memory.text"
_CONTENT: Final = ("text", "speaker", "topic", "words")
"""What is encrypted of a record, besides its vector."""

_WORDS, _TOPIC = "words", "topic"


class EncryptedStore:
    """A ``MemoryStore`` on an embedded store, which encrypts vectors by the same cipher."""

    def __init__(self, store: EmbeddedStore, cipher: KeyCipher) -> None:
        self._store = store
        self._cipher = cipher

    @property
    def name(self) -> str:
        return self._store.name

    async def collection(self) -> Collection | None:
        return await self._store.collection()

    async def begin(self, collection: Collection) -> None:
        await self._store.begin(collection)

    async def indexing(self) -> int:
        return await self._store.indexing()

    async def set_indexing(self, version: int) -> None:
        await self._store.set_indexing(version)

    async def put(self, tenant: str, records: Sequence[Record]) -> None:
        await self._store.put(tenant, [self._encrypted(tenant, each) for each in records])

    async def get(self, tenant: str, ids: Sequence[str]) -> Records:
        return self._all(tenant, await self._store.get(tenant, ids))

    async def list(self, tenant: str, wanted: Filter, *, after: str = "", limit: int = 100) -> Records:
        found: Records = []
        for each in self._filters(tenant, wanted):
            found += await self._store.list(tenant, each, after=after, limit=limit)
        found.sort(key=lambda record: record.id)
        return self._all(tenant, found[: max(0, limit)])

    async def around(self, tenant: str, places: Sequence[tuple[str, int]], reach: int = 1) -> Records:
        return self._all(tenant, await self._store.around(tenant, places, reach))

    async def by_words(self, tenant: str, terms: Sequence[str], wanted: Filter, limit: int) -> Ranking:
        hashes = [each for term in terms for each in self._hashes(_WORDS, tenant, term)]
        found: Ranking = []
        for each in self._filters(tenant, wanted):
            found += await self._store.by_words(tenant, hashes, each, limit)
        return self._best(tenant, found, limit)

    async def by_vector(self, tenant: str, vector: Vector, wanted: Filter, limit: int) -> Ranking:
        found: Ranking = []
        for each in self._filters(tenant, wanted):
            found += await self._store.by_vector(tenant, vector, each, limit)
        return self._best(tenant, found, limit)

    async def touch(self, tenant: str, ids: Sequence[str], now: float) -> None:
        await self._store.touch(tenant, ids, now)

    async def reword(self, tenant: str, words: Mapping[str, str]) -> None:
        def change(record: Record) -> Record:
            clear = self._clear(tenant, record)
            return self._encrypted(tenant, replace(clear, words=words[record.id]))

        await self._store.rewrite(tenant, [*words], change)

    async def delete(self, tenant: str, ids: Sequence[str]) -> int:
        return await self._store.delete(tenant, ids)

    async def erase(self, tenant: str, wanted: Filter | None = None) -> int:
        if wanted is None:
            return await self._store.erase(tenant)
        return sum([await self._store.erase(tenant, each) for each in self._filters(tenant, wanted)])

    async def tenants(self) -> Names:
        return await self._store.tenants()

    async def counts(self) -> Counts:
        return await self._store.counts()

    async def migrate(self, collection: Collection, embed: Embed) -> int:
        """The texts to embed are read by record, since the store has them encrypted for their tenant."""
        return await self._store.migrate(collection, embed, self._text)

    async def optimise(self) -> int:
        return await self._store.optimise()

    async def close(self) -> None:
        await self._store.close()

    async def encrypt_again(self, tenant: str, after: str, limit: int) -> tuple[str, int]:
        """Encrypt the next records of a tenant by the primary key; return the last id and how many were changed.

        The id is empty after the last record.
        """
        page = await self._store.list(tenant, Filter(superseded=True), after=after, limit=limit)
        old = [each.id for each in page if not each.text.startswith(self._cipher.current)]
        if old:
            await self._store.rewrite(
                tenant, old, lambda record: self._encrypted(tenant, self._clear(tenant, record))
            )
        return (page[-1].id if len(page) == limit else ""), len(old)

    async def using(self, key: str) -> int:
        """The number of records that a key encrypted."""
        return await self._store.count_texts(f"{ENCRYPTED}{key}:")

    def _encrypted(self, tenant: str, record: Record) -> Record:
        content = {name: clean(getattr(record, name)) for name in _CONTENT}
        words = [self._hashes(_WORDS, tenant, term)[0] for term in content["words"].split(" ") if term]
        return replace(
            record,
            text=self._cipher.encrypt(json.dumps(content), TEXT, tenant, record.id),
            speaker="",
            topic=self._hashes(_TOPIC, tenant, content["topic"])[0] if record.topic else "",
            # Sorted, since the order of the terms says more than their number.
            words=" ".join(sorted(words)),
        )

    def _clear(self, tenant: str, record: Record) -> Record:
        content = self._read(record.text, tenant, record.id)
        return record if content is None else replace(record, **content)

    def _read(self, text: str, tenant: str, id: str) -> dict[str, Any] | None:
        """The content of a text; None for a clear one."""
        clear = self._cipher.decrypt(text, TEXT, tenant, id)
        return json.loads(clear) if text.startswith(ENCRYPTED) else None

    def _text(self, text: str, tenant: str, id: str) -> str:
        content = self._read(text, tenant, id)
        return text if content is None else str(content["text"])

    def _all(self, tenant: str, found: Sequence[Record]) -> Records:
        return [self._clear(tenant, each) for each in found]

    def _best(self, tenant: str, found: Ranking, limit: int) -> Ranking:
        found.sort(key=lambda hit: -hit.score)
        return [Scored(self._clear(tenant, hit.record), hit.score) for hit in found[: max(0, limit)]]

    def _hashes(self, kind: str, tenant: str, text: str) -> tuple[str, ...]:
        """The hashes of a text, by the primary key first; of clear records also the text."""
        return self._cipher.hashes(clean(text), kind, tenant)

    def _filters(self, tenant: str, wanted: Filter) -> tuple[Filter, ...]:
        """The filters to ask the store for: one for each hash of the topic."""
        if not wanted.topic:
            return (wanted,)
        return tuple(replace(wanted, topic=each) for each in self._hashes(_TOPIC, tenant, wanted.topic))
