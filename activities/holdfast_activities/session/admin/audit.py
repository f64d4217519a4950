"""Activities of the audit log."""

from temporalio import activity

from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.audit import AppendAudit, AuditList, ListAudit

from ..common.failures import reports_failures

_MOST = 500  # maximum records in one result, so that it fits a payload


class Audit:
    """Append to the audit log, and list it."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.APPEND_AUDIT)
    @reports_failures
    async def append_audit(self, request: AppendAudit) -> int:
        """Append records, each once; return how many were given."""
        await self._state.append_audit(*request.records)
        return len(request.records)

    @activity.defn(name=names.LIST_AUDIT)
    @reports_failures
    async def list_audit(self, ask: ListAudit) -> AuditList:
        """List the newest records that fit."""
        wanted = ask.model_copy(update={"limit": min(ask.limit, _MOST)})
        return AuditList(entries=tuple(await self._state.audit.list(wanted)))
