"""Erase again what was erased after a backup, when only its memories are restored.

The state database is newer than the backup then, and its audit log has the erasures. After a restore of both, nothing
in the deployment knows of them.
"""

from typing import Final

from holdfast_activities.state.database import State
from holdfast_workflows.contracts.agent.memory import scope_of
from holdfast_workflows.contracts.control.audit import ListAudit

from ..base import MemoryStore
from ..maintenance import lifecycle

_MOST: Final = 100_000

_MARGIN: Final = 600.0
"""Seconds: an erasure that was running when the backup was made may have removed what the backup has."""


async def erase_again(store: MemoryStore, state: State, at: float) -> int:
    """Erase what sessions, users and tenants lost since a backup made at a time; return how many memories.

    The store has nothing but the memories of the backup.
    """
    count, since = 0, at - _MARGIN
    entries = await state.audit.list(ListAudit(kind="erasure", since=since, limit=_MOST))
    done = {(each.record.tenant, each.record.subject) for each in entries}
    # The sessions of an erased user: their rows no longer say whose they were.
    tenants = {tenant for tenant, _ in done}
    for id in await state.erasing.since(since) if tenants else ():
        # Memories outlive the sessions that retention removes.
        if not any(each.kind == "session" for each in await state.retention.removed(id)):
            done |= {(tenant, f"session {id}") for tenant in tenants}
    for tenant, subject in sorted(done):
        kind, _, id = subject.partition(" ")
        if kind == "tenant":
            count += await store.erase(tenant)
        elif kind == "user":
            count += await lifecycle.erase(store, tenant, scope=scope_of("user", user=id))
        elif kind == "session":
            count += await lifecycle.erase_session(store, tenant, id)
    return count
