"""The inbox of all sessions: what waits for people, each with its deadline."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from typing import Final

from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_client.requests.waiting import NO_EVENTS
from holdfast_workflows.contracts.control.inbox import InboxItem, ItemKind
from holdfast_workflows.contracts.errors import NotPermitted, SessionClosed, SessionNotFound
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.operations.sessions import ListSessions, query, quoted
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.session import SessionView, Status

from . import effects, listing

_AT_ONCE = 8

_STATUSES: Final[tuple[Status, ...]] = ("needs_person", "paused")
"""A paused session may wait for a person, too."""


class InboxMethods:
    """The part of ``Client`` that lists what waits."""

    _requests: Requests

    async def inbox(
        self,
        *,
        kind: ItemKind | None = None,
        agent: str | None = None,
        tenant: str | None = None,
        owner: str | None = None,
        limit: int | None = None,
    ) -> tuple[InboxItem, ...]:
        """Return what waits for people in all sessions, the item with the next deadline first.

        Effects of unknown outcome for which no turn waits are included, without a deadline. Answer an item with
        ``client.session(item.session)``. A new item may be missing for a second.

        Args:
            kind: Only items of this kind.
            agent: Only sessions of this agent.
            tenant: Only sessions of this tenant.
            owner: Only items that this person or role (``role:approver``) may answer.
            limit: Most items, and most sessions that are asked.
        """
        return await _inbox(self._requests, kind, agent, tenant, owner, limit)

    async def tickets(
        self, *, agent: str | None = None, tenant: str | None = None, limit: int | None = None
    ) -> tuple[InboxItem, ...]:
        """Return the calls of all sessions that wait for a result, the one with the next deadline first.

        Give it with ``client.session(item.session).settle(item.id, …)``. A new ticket may be missing for a second.
        """
        return await _inbox(self._requests, "ticket", agent, tenant, None, limit)


async def _inbox(
    requests: Requests,
    kind: ItemKind | None,
    agent: str | None,
    tenant: str | None,
    owner: str | None,
    limit: int | None,
) -> tuple[InboxItem, ...]:
    """Return the items that match, the one with the next deadline first."""
    found = await _open(requests, agent, tenant, limit)
    if kind in (None, "effect"):
        waiting = {(item.session, item.id) for item in found}
        for row in await _unknown_effects(requests):
            if (row.session, f"effect-{row.seq}") not in waiting and _matches(row, agent, tenant):
                found.append(_unknown(row))
    wanted = [
        item
        for item in found
        if (kind is None or item.kind == kind) and (owner is None or owner in item.owners)
    ]
    wanted.sort(key=lambda item: (item.deadline or math.inf, item.since))
    return tuple(wanted[:limit])


async def _open(
    requests: Requests, agent: str | None, tenant: str | None, limit: int | None
) -> list[InboxItem]:
    """The open items of running sessions."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def items(session: str) -> tuple[InboxItem, ...]:
        async with free:
            try:
                return (await requests.query(session, "view", NO_EVENTS, SessionView)).inbox
            except (SessionNotFound, SessionClosed, NotPermitted):
                return ()  # it has ended since, or it is another tenant's

    sessions = [each.id async for each in _sessions(requests, agent, tenant, limit)]
    return [item for found in await asyncio.gather(*map(items, sessions)) for item in found]


async def _sessions(
    requests: Requests, agent: str | None, tenant: str | None, limit: int | None
) -> AsyncGenerator[listing.SessionInfo]:
    """The sessions of this queue that may wait for a person; others may have no workers, which have to answer."""
    for status in _STATUSES:
        if requests.grants is not None:
            with bad_input():
                request = ListSessions(agent=agent, tenant=tenant or "", status=status)
            found = listing.permitted(requests, request, limit)
        else:
            wanted = query(agent, tenant, None, status)
            found = listing.sessions(
                requests, f"{wanted} AND TaskQueue = {quoted(await requests.queue())}", limit
            )
        async for each in found:
            yield each


def _matches(row: EffectView, agent: str | None, tenant: str | None) -> bool:
    return agent in (None, row.agent) and tenant in (None, row.tenant)


async def _unknown_effects(requests: Requests) -> tuple[EffectView, ...]:
    try:
        return await effects.effects(requests, status="unknown")
    except NotPermitted:
        return ()  # only operators and auditors see the effects of all sessions


def _unknown(row: EffectView) -> InboxItem:
    """An unknown effect for which no turn waits: it can be confirmed or given up at any time."""
    return InboxItem(
        id=row.key,
        kind="effect",
        what=f"it is unknown whether {descriptions.call(row.tool, row.arguments)} happened",
        since=row.claimed,
        session=row.session,
        tenant=row.tenant,
        agent=row.agent,
        turn=row.turn,
        owners=("role:operator",),
        actions=("confirm", "give_up"),
        tool=row.tool,
        call=row.key,
        arguments=row.arguments,
    )
