"""A schedule of Temporal, made of the options of ``client.schedule``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
)

from holdfast_client import shares
from holdfast_client.requests.requests import start_options
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.schedules import Overlap
from holdfast_workflows.contracts.session.session import StartInput

OVERLAPS: Final[dict[Overlap, ScheduleOverlapPolicy]] = {
    "skip": ScheduleOverlapPolicy.SKIP,
    "buffer_one": ScheduleOverlapPolicy.BUFFER_ONE,
    "buffer_all": ScheduleOverlapPolicy.BUFFER_ALL,
    "cancel_other": ScheduleOverlapPolicy.CANCEL_OTHER,
    "allow_all": ScheduleOverlapPolicy.ALLOW_ALL,
}

_SHORTEST: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Timing:
    """When tasks start: by ``cron`` in a time zone, or ``every`` so often."""

    cron: str | None
    every: timedelta | None
    time_zone: str
    overlap: Overlap
    jitter: timedelta
    catch_up: timedelta

    def check(self) -> None:
        """Check the options that the server does not.

        Raises:
            BadInput: One is invalid.
        """
        if (self.cron is None) == (self.every is None):
            raise BadInput("a schedule has either cron or every")
        if self.every is not None and self.every < _SHORTEST:
            raise BadInput(f"every={self.every} is too short; the minimum is a second")
        if self.cron is not None and len(self.cron.split()) != 5:
            raise BadInput(f"cron={self.cron!r} has not five fields: minute, hour, day, month, weekday")
        if self.overlap not in OVERLAPS:
            raise BadInput(f"overlap={self.overlap!r}; use one of {', '.join(OVERLAPS)}")
        if self.jitter < timedelta() or self.catch_up <= timedelta():
            raise BadInput("jitter is at least 0 seconds, and catch_up more than 0")

    @property
    def when(self) -> str:
        """The cron expression, or the interval in seconds."""
        return self.cron or (f"every {self.every.total_seconds():g} s" if self.every else "")


def schedule_of(
    id: str, timing: Timing, start: StartInput, queue: str, state: ScheduleState, share: dict[str, Any]
) -> Schedule:
    """The schedule of Temporal."""
    options = start_options(id, start, shares.of(start.tenant, **share), queue)
    for of_requests in ("id_conflict_policy", "id_reuse_policy"):
        del options[of_requests]
    attributes = options.pop("search_attributes")
    return Schedule(
        action=ScheduleActionStartWorkflow(
            names.WORKFLOW, start, typed_search_attributes=attributes, **options
        ),
        spec=ScheduleSpec(
            cron_expressions=[timing.cron] if timing.cron else [],
            intervals=[ScheduleIntervalSpec(every=timing.every)] if timing.every else [],
            jitter=timing.jitter or None,
            time_zone_name=timing.time_zone,
        ),
        policy=SchedulePolicy(overlap=OVERLAPS[timing.overlap], catchup_window=timing.catch_up),
        state=state,
    )
