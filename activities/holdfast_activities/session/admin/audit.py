"""Activities of the audit log."""

from temporalio import activity

from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.audit import AppendAudit

from ..common.failures import reports_failures


class Audit:
    """Append to the audit log."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.APPEND_AUDIT)
    @reports_failures
    async def append_audit(self, request: AppendAudit) -> int:
        """Append records, each once; return how many were given."""
        await self._state.append_audit(*request.records)
        return len(request.records)
