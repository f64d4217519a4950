"""Entries whose session ended, or never began, without a trace in the state database.

A terminated session cannot write its end, so its row says that it is open for ever. A text that was stored for a
session that never began has no row at all.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from holdfast_activities.operations.retention.sweep import find
from holdfast_activities.state.database import State
from holdfast_activities.state.retention.removing import ENDED
from holdfast_activities.state.retention.rules import DAY
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.sessions import quoted

_SINCE = 7 * DAY
"""How far back to look for terminated sessions, and how long a text may wait for its session."""

_SOON = 300.0
"""Seconds in which a session that failed or was cancelled writes its end itself."""


@dataclass(frozen=True, slots=True)
class OrphanTask:
    """The task, for one worker."""

    state: State

    async def run(self, now: float) -> int:
        """Record ends and remove texts; return their number."""
        return await self._settle(now) + await self._remove(now)

    async def _settle(self, now: float) -> int:
        client, count = activity.client(), 0
        since, until = (datetime.fromtimestamp(at, UTC).isoformat() for at in (now - _SINCE, now - _SOON))
        query = (
            f"WorkflowType = '{names.WORKFLOW}' AND TaskQueue = {quoted(activity.info().task_queue)}"
            " AND ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed', 'Canceled')"
            f" AND CloseTime BETWEEN '{since}' AND '{until}'"
        )
        async for each in client.list_workflows(query):
            row = await self.state.load_session(each.id)
            if row is None or row.status in ENDED:
                continue
            found = await find(client, each.id)  # the newest run, which a reset may have made
            if found.ended is not None and each.close_time is not None:
                ended = await self.state.retention.settle(
                    row.session, found.ended, each.close_time.timestamp(), row.updated
                )
                count += ended
        return count

    async def _remove(self, now: float) -> int:
        count = 0
        for session in await self.state.orphans.find(now, now - _SINCE):
            # It may wait for a worker, or be a session of another database.
            if (await find(activity.client(), session)).ended is not None:
                count += await self.state.orphans.remove(session)
        return count
