"""The memory store: a memory is written, found and erased."""

from __future__ import annotations

import time
import uuid
from typing import Final

from holdfast_activities.memory.outbox.changes import Change, FactDraft

from ..examined import Examined
from ..findings import Finding, failed, ok, skipped

_TENANT: Final = "holdfast-doctor"
_LOOK: Final = "look at the store of HOLDFAST_MEMORY_URL and at the embedder of HOLDFAST_EMBEDDINGS"


async def check(examined: Examined) -> Finding:
    """Use a scope and a tenant of the check's own."""
    settings = examined.settings
    if not (
        settings.memory()
        or settings.embeddings
        or any(each.memory for each in examined.registry.agents.values())
    ):
        return skipped("no agent has a memory, and no store is set")
    memory = await examined.memory()
    word, scope, now = f"marigold{uuid.uuid4().hex[:8]}", f"session:{uuid.uuid4().hex}", time.time()
    draft = FactDraft(id=uuid.uuid4().hex, text=f"The doctor planted {word}.", scope=scope, at=now)
    try:
        await memory.apply(Change(id=uuid.uuid4().hex, tenant=_TENANT, at=now, facts=(draft,)))
        found = await memory.search(f"What did the doctor plant: {word}?", tenant=_TENANT, scopes=[scope])
    finally:
        erased = await memory.erase(_TENANT, scope=scope)
    if not any(word in each.text for each in found):
        return failed("a memory was written and is not found", _LOOK)
    left = await memory.search(word, tenant=_TENANT, scopes=[scope])
    if left or not erased:
        return failed("a memory is still found after it was erased", _LOOK)
    return ok("a memory was written, found and erased")
