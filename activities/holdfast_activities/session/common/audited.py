"""Audit records of what operators do by activities of their own."""

from collections.abc import Mapping

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.identity.acting import actor
from holdfast_workflows.contracts.control.audit import AuditKind, AuditRecord


def operated(
    action: str,
    *,
    kind: AuditKind = "operator",
    tenant: str = "",
    session: str = "",
    subject: str = "",
    reason: str = "",
    details: Mapping[str, str] | None = None,
    by: str | None = None,
) -> AuditRecord:
    """The record of an action of the running activity; the same for each of its attempts."""
    info = activity.info()
    run = info.workflow_run_id or info.activity_run_id or ""
    return AuditRecord(
        id=f"{info.activity_type}:{info.activity_id}:{run}:{action}",
        kind=kind,
        action=action,
        tenant=tenant,
        session=session,
        principal=actor() if by is None else by,
        subject=subject,
        reason=reason,
        details={name: value for name, value in (details or {}).items() if value},
        at=clock.now(),
    )
