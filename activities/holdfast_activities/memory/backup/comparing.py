"""Whether a store has the memories of a backup."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

import numpy as np

from holdfast_activities.state.backup.memories import Pages
from holdfast_activities.state.encryption.cipher import Cipher

from ..base import Filter, MemoryStore, Record
from .rows import from_row

_CLOSE: Final = 2e-3
"""By how much a number of a vector may differ: stores round or normalise them."""

_PAGE: Final = 500

Vectors = Literal["same", "present", "ignored"]
"""What is expected of vectors: that they are those of the backup, that each memory has one, or nothing."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A store compared with a backup: its memories, those that the backup has, and those that are the same in both."""

    stored: int
    expected: int
    same: int

    @property
    def equal(self) -> bool:
        """Whether it has all memories of the backup and no others."""
        return self.stored == self.expected == self.same

    @property
    def begun(self) -> bool:
        """Whether it has nothing but memories of the backup."""
        return self.stored == self.same


async def records(pages: Pages, cipher: Cipher) -> AsyncGenerator[tuple[str, list[Record]]]:
    """Yield the memories of a backup in batches of one tenant."""
    async for page in pages():
        found = [from_row(row, cipher) for row in page]
        for tenant, some in groupby(found, lambda each: each[0]):
            yield tenant, [record for _, record in some]


async def compare(store: MemoryStore, pages: Pages, cipher: Cipher, vectors: Vectors) -> Contents:
    """Compare a store with a backup, memory by memory."""
    expected = same = 0
    async for tenant, some in records(pages, cipher):
        there = {each.id: each for each in await store.get(tenant, [each.id for each in some])}
        expected += len(some)
        same += sum(each == there.get(each.id) and _fits(each, there[each.id], vectors) for each in some)
    return Contents(await count(store), expected, same)


async def count(store: MemoryStore) -> int:
    """Count the memories of a store one by one: counts of some servers include replaced ones."""
    found = 0
    for tenant in await store.tenants():
        after: str | None = ""
        while after is not None:
            page = await store.list(tenant, Filter(superseded=True), after=after, limit=_PAGE)
            found += len(page)
            after = page[-1].id if page else None
    return found


def _fits(expected: Record, found: Record, vectors: Vectors) -> bool:
    if vectors == "ignored":
        return True
    if vectors == "present" or expected.vector is None or found.vector is None:
        return (found.vector is None) == (vectors == "same" and expected.vector is None)
    return expected.vector.shape == found.vector.shape and bool(
        np.allclose(expected.vector, found.vector, rtol=0, atol=_CLOSE)
    )


def missing(expected: Sequence[Record], there: Sequence[Record]) -> list[Record]:
    """Return the expected memories that a store does not have."""
    ids = {each.id for each in there}
    return [each for each in expected if each.id not in ids]
