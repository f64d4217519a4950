"""Which memories a legal hold protects."""

from holdfast_activities.memory.base import Record
from holdfast_activities.memory.maintenance.lifecycle import Held
from holdfast_activities.state.retention.holds import HoldStore
from holdfast_workflows.contracts.agent.memory import scope_of


async def held_memories(holds: HoldStore) -> Held:
    """Return the test of a memory: its tenant, its user or its session is under hold."""
    found = await holds.list()
    tenants = {hold.tenant for hold in found if hold.kind == "tenant"}
    users = {(hold.tenant, scope_of("user", user=hold.subject)) for hold in found if hold.kind == "user"}
    sessions = await holds.sessions() if found else frozenset[tuple[str, str]]()

    def held(tenant: str, record: Record) -> bool:
        return tenant in tenants or (tenant, record.scope) in users or (tenant, record.session) in sessions

    return held
