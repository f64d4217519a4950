"""Lists of audit records."""

from datetime import datetime
from typing import Literal, TypedDict

from holdfast_workflows.contracts.control.audit import AuditKind, ListAudit
from holdfast_workflows.contracts.public import public


@public
class AuditFilter(TypedDict, total=False):
    """Which records to list.

    ``tenant=""`` is the chain of sessions without a tenant; None, the default, is all chains. ``since`` is included,
    ``until`` is not. ``limit`` is 100 by default.
    """

    session: str
    tenant: str | None
    principal: str
    kind: AuditKind | Literal[""]
    since: datetime | None
    until: datetime | None
    limit: int


def request(wanted: AuditFilter) -> ListAudit:
    """The request for records."""
    since, until = _seconds(wanted.get("since")), _seconds(wanted.get("until"))
    return ListAudit.model_validate({**wanted, "since": since, "until": until})


def _seconds(time: datetime | None) -> float:
    return time.timestamp() if time else 0.0
