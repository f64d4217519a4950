"""Schedules: the check of what they start, their workers' grant, and the times that their messages name."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from temporalio import activity

from holdfast_activities.identity.requests import IdentityRequests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import BadInput, UnknownAgent
from holdfast_workflows.contracts.operations.schedules import GrantSchedule, ScheduleGrant, check_message
from holdfast_workflows.contracts.permissions import checking
from holdfast_workflows.contracts.session.scheduled import Scheduled

from .common.failures import reports_failures


class Schedules:
    """Checks the schedules that clients make."""

    def __init__(self, registry: Registry, identity: IdentityRequests) -> None:
        self._registry = registry
        self._identity = identity

    @activity.defn(name=names.GRANT_SCHEDULE)
    @reports_failures
    async def grant_schedule(self, request: GrantSchedule) -> ScheduleGrant:
        """Check the start of a schedule's sessions, and sign it."""
        start = request.start
        if start.scheduled is None or start.message is None:
            raise BadInput("the start is not a schedule's, or has no message")
        spec = self._registry.agents.get(start.agent)
        if spec is None:
            raise UnknownAgent(
                f"asked for {start.agent!r}; served: {', '.join(sorted(self._registry.agents))}"
            )
        if start.permissions is not None:
            tools = {tool.name: tool for tool in spec.tools}
            checking.check(start.permissions, tools, "the schedule's permissions")
        zone(start.scheduled.time_zone)
        check_message(start.message.text)
        return ScheduleGrant(grant=self._identity.granted(start))


def zone(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        BadInput: There is no such time zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"{name!r} is not a time zone; use a name such as Europe/Berlin") from None


def values_of(scheduled: Scheduled | None, at: float) -> dict[str, str]:
    """What the message of a scheduled session may name, in the schedule's time zone."""
    if scheduled is None:
        return {}
    local = datetime.fromtimestamp(at, UTC).astimezone(zone(scheduled.time_zone))
    return {
        "scheduled_at": local.isoformat(timespec="seconds"),
        "date": f"{local:%Y-%m-%d}",
        "time": f"{local:%H:%M}",
        "schedule": scheduled.schedule,
    }
