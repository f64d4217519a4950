"""Activities of retention: its rules, legal holds, and what was removed of a session."""

from dataclasses import dataclass

from temporalio import activity

from holdfast_activities.session.common.audited import operated
from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.retention import (
    AddHold,
    Hold,
    HoldList,
    ListHolds,
    ListRetention,
    ReadRemovals,
    RemovalList,
    RemoveHold,
    RetentionList,
    RetentionRule,
    SetRetention,
)


@dataclass(frozen=True, slots=True)
class RetentionRequests:
    """The requests. Changes are in the audit log."""

    state: State

    @activity.defn(name=names.LIST_RETENTION)
    @reports_failures
    async def list_retention(self, ask: ListRetention) -> RetentionList:
        """List the rules."""
        return RetentionList(rules=(await self.state.retention_rules.load()).of(ask.tenant))

    @activity.defn(name=names.SET_RETENTION)
    @reports_failures
    async def set_retention(self, request: SetRetention) -> RetentionRule:
        """Set or remove a rule; return the one that applies now."""
        days = "default" if request.reset else "never" if request.days is None else f"{request.days:g} days"
        details = {"kind": request.kind, "kept": days, "by": request.by}
        await self.state.append_audit(operated("retention_set", tenant=request.tenant, details=details))
        await self.state.retention_rules.set(request)
        return (await self.state.retention_rules.load()).rule(request.tenant, request.kind)

    @activity.defn(name=names.ADD_HOLD)
    @reports_failures
    async def add_hold(self, request: AddHold) -> Hold:
        """Place a hold."""
        hold = await self.state.retention.holds.add(request)
        await self._record("held", hold, request.reason, request.by)
        return hold

    @activity.defn(name=names.REMOVE_HOLD)
    @reports_failures
    async def remove_hold(self, request: RemoveHold) -> Hold:
        """Remove a hold."""
        holds = self.state.retention.holds
        # Before the change: an attempt that is interrupted in between is repeated.
        for hold in await holds.list(request.tenant):
            if hold.id == request.id:
                await self._record("hold_removed", hold, request.reason, request.by)
        return await holds.remove(request.id, request.tenant)

    @activity.defn(name=names.LIST_HOLDS)
    @reports_failures
    async def list_holds(self, ask: ListHolds) -> HoldList:
        """List holds."""
        return HoldList(holds=tuple(await self.state.retention.holds.list(ask.tenant)))

    @activity.defn(name=names.READ_REMOVALS)
    @reports_failures
    async def read_removals(self, ask: ReadRemovals) -> RemovalList:
        """Return what was removed of a session."""
        return RemovalList(removed=tuple(await self.state.retention.removed(ask.session)))

    async def _record(self, action: str, hold: Hold, reason: str, by: str) -> None:
        record = operated(
            action,
            tenant=hold.tenant,
            session=hold.subject if hold.kind == "session" else "",
            subject=f"{hold.kind} {hold.subject}".strip(),
            reason=reason,
            details={"hold": hold.id, "by": by},
        )
        await self.state.append_audit(record)
