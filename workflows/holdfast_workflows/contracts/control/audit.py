"""Audit records: what was decided or done, by whom. The state database chains them by hashes, per tenant."""

from typing import Literal

from ..base import Contract
from ..public import public

AuditKind = Literal["permission", "approval", "effect", "budget", "operator", "erasure"]


@public
class AuditRecord(Contract):
    """One entry of the audit log, before it has a place in its tenant's chain.

    ``id`` is unique and the same for every attempt to write the record, so a retry writes it once. ``at`` is in
    seconds since 1970. ``details`` never contains content: values are ids, names, digests and numbers.
    """

    id: str
    kind: AuditKind
    action: str
    """What happened, in a word: ``deny``, ``approved``, ``settled``, ``raised``, ``closed``, ``erased``."""
    tenant: str = ""
    session: str = ""
    principal: str = ""
    """The id of the principal that acted; empty if the system did."""
    subject: str = ""
    """What it concerns: a call's key, an account, a workflow's id."""
    reason: str = ""
    """The rule, or the reason that was given."""
    details: dict[str, str] = {}
    at: float = 0.0


class AppendAudit(Contract):
    """Append records to the audit log."""

    records: tuple[AuditRecord, ...]


class Trail(Contract):
    """Audit records of a session that are not known to be written yet, and how many it has ever made.

    ``at_once`` is whether its workers have the activity that appends records.
    """

    records: tuple[AuditRecord, ...] = ()
    made: int = 0
    at_once: bool = False


@public
class AuditEntry(Contract):
    """A record in its tenant's chain, with its number and its hash in hexadecimal."""

    n: int
    hash: str
    record: AuditRecord


class ListAudit(Contract):
    """List the newest records that fit all that is given; times are in seconds since 1970."""

    session: str = ""
    tenant: str | None = None
    principal: str = ""
    kind: AuditKind | Literal[""] = ""
    since: float = 0.0
    until: float = 0.0
    limit: int = 100


class AuditList(Contract):
    """Records in the order of their times."""

    entries: tuple[AuditEntry, ...]
