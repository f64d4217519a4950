"""Places of agents that become free: by the end of a turn, or because a session no longer runs one."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities import clock
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.teams.routing import Routing

_STALE: Final = 60.0
"""Seconds after which the server is asked whether a session still needs its place."""

_SWEEP: Final = 10.0
"""Seconds between searches for such places."""

_WAKE: Final = 2.0
"""Seconds for a signal. A session that misses it asks again later."""

_STATUS: Final = SearchAttributeKey.for_keyword(names.ATTRIBUTE_STATUS)

_HELD: Final = frozenset({None, "starting", "running", "waiting"})
"""Statuses of a session that keeps its place. One that waits for a person, or is paused, gives it up."""


class Places:
    """Frees places, and wakes the sessions that get them."""

    def __init__(self, registry: Registry, state: State) -> None:
        self._state = state
        self.limits: dict[str, Routing] = {
            name: spec.routing for name, spec in registry.agents.items() if spec.routing is not None
        }
        self._swept = 0.0

    async def finish(self, session: str, status: str) -> None:
        """Free a session's place at the end of its turn."""
        woken = await self._state.assignments.finish([session], status, self.limits, clock.now())
        await self.wake(woken)

    async def move(self, session: str, agent: str, *, failed: bool) -> None:
        """Give a session that goes on with another agent a place of that one; empty for an agent without places.

        ``failed``: the agent before could not serve it.
        """
        status = "failed" if failed else "cancelled"
        await self.finish(session, status)
        if agent:
            await self._state.assignments.claim_next(session, agent, clock.now())

    async def wake(self, sessions: Sequence[str]) -> None:
        """Tell sessions that wait that they have a place."""
        if sessions:
            await asyncio.gather(*(_signal(activity.client(), session) for session in sessions))

    async def sweep(self, client: Client) -> None:
        """Free the places of sessions that have ended without freeing them, or that wait for a person."""
        if time.monotonic() - self._swept < _SWEEP:
            return
        self._swept, now = time.monotonic(), clock.now()
        stale = [row.session for row in await self._state.assignments.stale(now - _STALE)]
        if not stale:
            return
        held = await asyncio.gather(*(_holds(client, session) for session in stale))
        await self._state.assignments.checked(
            [session for session, holds in zip(stale, held, strict=True) if holds], now
        )
        over = [session for session, holds in zip(stale, held, strict=True) if not holds]
        await self.wake(await self._state.assignments.finish(over, "cancelled", self.limits, now))


async def _signal(client: Client, session: str) -> None:
    try:
        async with asyncio.timeout(_WAKE):
            await client.get_workflow_handle(session).signal("place_free")
    except (RPCError, TimeoutError) as error:
        activity.logger.debug("session %s was not woken: %s", session, error)


async def _holds(client: Client, session: str) -> bool:
    """Whether a session runs a turn, or waits for a place; also if the server does not answer."""
    try:
        found = await client.get_workflow_handle(session).describe()
    except RPCError as error:
        return error.status != RPCStatusCode.NOT_FOUND
    running = found.status == WorkflowExecutionStatus.RUNNING
    return running and found.typed_search_attributes.get(_STATUS) in _HELD
