"""Audit records of a session, until an activity has written them.

A record travels with the next activity that writes: ``think``, a tool call or ``settle_turn``. It is kept until such
an activity has succeeded, and may be written by several: the audit log takes each record once.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from temporalio import workflow

from holdfast_workflows.contracts.control.audit import AuditKind, AuditRecord, Trail
from holdfast_workflows.contracts.text.unicode import digest, preview

from ...principal import principal

_MOST: Final = 500
"""Records that may wait while the state database is away; later ones are only counted."""

_LONGEST: Final = 500
"""Characters of a reason."""


@dataclass
class Handed:
    """Records on their way with an activity; ``written`` is set once it has succeeded."""

    records: tuple[AuditRecord, ...]
    written: bool = False


class AuditTrail:
    """Collects the session's audit records. ``due`` is whether some are to be written at once."""

    def __init__(self, carried: Trail | None, tenant: str) -> None:
        carried = carried or Trail()
        self._tenant = tenant
        self._records = {record.id: record for record in carried.records}
        self._made = carried.made
        self._in_flight = set[str]()
        self._urgent = bool(carried.records)
        self.at_once = carried.at_once

    def verified(self, tenant: str) -> None:
        """Take over the tenant that follows from the start's principal, for the records so far, too."""
        self._tenant = tenant
        for id, record in self._records.items():
            self._records[id] = record.model_copy(update={"tenant": tenant})

    def record(
        self,
        kind: AuditKind,
        action: str,
        *,
        subject: str = "",
        reason: str = "",
        details: Mapping[str, str] | None = None,
        by: str | None = None,
        now: bool = False,
    ) -> None:
        """Add a record. ``by`` is who acted, by default the principal of the running update or of the session.

        ``now``: do not wait for the next activity, which may be long in coming.
        """
        self._made += 1
        session, at = workflow.info().workflow_id, workflow.time()
        who = principal().id if by is None else by
        reason, given = preview(reason, _LONGEST), dict(details or {})
        if len(self._records) >= _MOST:
            workflow.logger.error(
                "audit records wait for the state database: %s %s is left out", kind, action
            )
            kind, action, given = "operator", "left_out", {"kind": kind, "action": action}
            self._records.popitem()
        # The number alone is not enough: after a reset of the workflow it is given again.
        mark = digest(kind, action, subject, reason, who, repr(at), repr(given))
        record = AuditRecord(
            id=f"{session}:{self._made}:{mark}",
            kind=kind,
            action=action,
            tenant=self._tenant,
            session=session,
            principal=who,
            subject=subject,
            reason=reason,
            details=given,
            at=at,
        )
        self._records[record.id] = record
        self._urgent = self._urgent or now

    @property
    def waiting(self) -> tuple[AuditRecord, ...]:
        """All records that are not known to be written."""
        return tuple(self._records.values())

    @property
    def due(self) -> bool:
        """Whether records are to be written by an activity of their own."""
        return self.at_once and self._urgent and bool(self._records.keys() - self._in_flight)

    @contextmanager
    def handing_over(self) -> Generator[Handed]:
        """Hand over the records that no other running activity has."""
        handed = Handed(tuple(r for r in self._records.values() if r.id not in self._in_flight))
        ids = {record.id for record in handed.records}
        self._in_flight |= ids
        try:
            yield handed
            if handed.written:
                self.written(handed.records)
        finally:
            self._in_flight -= ids

    def written(self, records: tuple[AuditRecord, ...]) -> None:
        """Remove records that were written."""
        for record in records:
            self._records.pop(record.id, None)
        self._urgent = self._urgent and bool(self._records)

    def carried(self) -> Trail | None:
        """The state for the next run."""
        trail = Trail(records=self.waiting, made=self._made, at_once=self.at_once)
        return None if trail == Trail() else trail
