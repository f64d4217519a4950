"""Start, find and list fleets."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack, overload

from holdfast_client import messages
from holdfast_client.agents import DeclaredAgent, name_and_shape
from holdfast_client.operations import listing
from holdfast_client.reply import Output
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_client.requests.starting import check
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.output import OutputShape, output_spec
from holdfast_workflows.contracts.control.access import owner_for
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.sessions import ListSessions, query
from holdfast_workflows.contracts.permissions.rules import Permissions
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.fleets import FleetStart

from . import fleet_items, fleet_requests
from .fleet import Fleet

T = TypeVar("T")

_STATUS: Final[Mapping[str, Literal["ended", "failed", "cancelled"]]] = {
    "closed": "ended",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""The status of a fleet by that of its workflow in the server's index."""

_LONGEST_ID = 160
"""Characters of a fleet's id: those of its sessions begin with it."""


@public
class FleetOptions(TypedDict, total=False):
    """Options of fleets.

    Attributes:
        id: The fleet's id; by default random, after the agent's name. The same id again is the same fleet.
        message: The message for each item, in which ``{name}`` stands for the item's field of that name, and
            ``{item}`` for an item that is a text. By default a text is the message itself, an object's
            field ``message`` is, and otherwise the object as JSON.
        concurrency: How many items run at once, 1 to 500; 10 by default.
        budget: The tokens and dollars that all items may use together. When they are used up, the fleet pauses.
        max_steps: The maximum number of model calls per item; the agent's limit by default.
        tenant: The tenant that the sessions run for.
        user: The id of the user that the sessions are with.
        permissions: Rules on the sessions' tool calls; they can only narrow those of the agent, tenant and app.
        priority: 1 (first) to 5; the order of work that waits for workers. 4 by default, after conversations.
        weight: The share of busy workers relative to other tenants, or fleets without one; 1 by default.
        heartbeat_timeout: As for a session; 5 by default.
        continue_as_new_after: History events after which the fleet continues as a new run.
    """

    id: str | None
    message: str | None
    concurrency: int
    budget: Budget | None
    max_steps: int | None
    tenant: str
    user: str
    permissions: Permissions | None
    priority: int | None
    weight: float | None
    heartbeat_timeout: float
    continue_as_new_after: int


@public
@dataclass(frozen=True)
class FleetInfo:
    """A fleet in a list.

    Attributes:
        id: The fleet's id.
        agent: Its agent.
        tenant: Its tenant; empty if none.
        user: Its user; empty if none.
        status: ``running``, also while it is paused, or ``ended``, ``failed`` or ``cancelled``.
        started: When its newest run began.
        ended: When it ended; None while it runs.
    """

    id: str
    agent: str
    tenant: str
    user: str
    status: Literal["running", "ended", "failed", "cancelled"]
    started: datetime
    ended: datetime | None


@public
class Fleets:
    """Starts and finds fleets: one agent over many items. Made by ``client.fleets``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    @overload
    async def start(
        self,
        agent: DeclaredAgent[T],
        items: fleet_items.Items,
        *,
        output_type: None = None,
        **options: Unpack[FleetOptions],
    ) -> Fleet[T]: ...

    @overload
    async def start(
        self,
        agent: str | DeclaredAgent,
        items: fleet_items.Items,
        *,
        output_type: type[T],
        **options: Unpack[FleetOptions],
    ) -> Fleet[T]: ...

    @overload
    async def start(
        self,
        agent: str | DeclaredAgent,
        items: fleet_items.Items,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[FleetOptions],
    ) -> Fleet: ...

    async def start(
        self,
        agent: str | DeclaredAgent,
        items: fleet_items.Items,
        *,
        output_type: OutputShape | None = None,
        **options: Unpack[FleetOptions],
    ) -> Fleet[Any]:
        """Store the items, then start a session for each of them, a few at a time.

        Args:
            agent: The agent, or its name. The agent itself gives ``result.output`` its type.
            items: Texts or objects: a list, an iterator, an async iterator, or the path of a file with one JSON
                text or object on each line. An object's field ``id`` identifies its result.
            output_type: The type or JSON schema of final replies; the agent's own by default.
            options: See ``FleetOptions``.

        Raises:
            UnknownAgent: The workers serve no such agent.
            BadInput: An item has no message or the id of another one, or their number is 0 or too high.
            MessageTooLarge: An item is over its limit.
        """
        return await _start(self._requests, agent, items, output_type=output_type, **options)

    async def list(
        self,
        *,
        agent: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
        limit: int | None = None,
    ) -> AsyncGenerator[FleetInfo]:
        """Yield the matching fleets, newest first. A new fleet may appear after about a second."""
        if self._requests.grants is None:
            found = listing.sessions(self._requests, query(agent, tenant, user, None, fleets=True), limit)
        else:
            with bad_input():
                request = ListSessions(agent=agent, tenant=tenant or "", user=user, fleets=True)
            found = listing.permitted(self._requests, request, limit)
        async for each in found:
            yield FleetInfo(
                each.id, each.agent, each.tenant, each.user, _STATUS.get(each.status, "running"),
                each.started, each.ended,
            )  # fmt: skip

    @overload
    def get(self, id: str, *, agent: DeclaredAgent[T]) -> Fleet[T]: ...

    @overload
    def get(self, id: str, *, agent: None = None) -> Fleet: ...

    def get(self, id: str, *, agent: DeclaredAgent[Any] | None = None) -> Fleet[Any]:
        """Return a handle for the fleet of that id, without a request."""
        shape = None if agent is None else name_and_shape(agent, None)[1]
        return Fleet(self._requests, messages.checked_id(id), output=Output(shape))


@known_options("fleets.start")
async def _start(
    requests: Requests,
    agent: str | DeclaredAgent,
    items: fleet_items.Items,
    *,
    output_type: OutputShape | None = None,
    id: str | None = None,
    message: str | None = None,
    concurrency: int = 10,
    budget: Budget | None = None,
    tenant: str = "",
    user: str = "",
    priority: int | None = None,
    weight: float | None = None,
    max_steps: int | None = None,
    permissions: Permissions | None = None,
    heartbeat_timeout: float = 5.0,
    continue_as_new_after: int = 6_000,
) -> Fleet[Any]:
    check(id, tenant, user, budget, max_steps)
    _check(id, budget)
    name, shape = name_and_shape(agent, output_type)
    tenant, user = owner_for(await requests.principal(), tenant, user)
    fleet = messages.session_id(f"fleet-{name}") if id is None else messages.checked_id(id)
    with bad_input():
        start = FleetStart(
            agent=name,
            tenant=tenant,
            user=user,
            concurrency=concurrency,
            budget=budget,
            output=None if output_type is None else output_spec(output_type),
            max_steps=max_steps,
            permissions=permissions,
            heartbeat_timeout=heartbeat_timeout,
            continue_as_new_after=continue_as_new_after,
        )
    chunks = await fleet_items.store(requests, fleet, items, message)
    start = start.model_copy(update={"chunks": chunks})
    await fleet_requests.start(requests, fleet, start, priority=priority, weight=weight)
    started = Fleet(requests, fleet, output=Output(shape))
    await started.opened()
    return started


def _check(id: str | None, budget: Budget | None) -> None:
    if id is not None and len(id) > _LONGEST_ID:
        raise BadInput(f"the id of a fleet has {len(id)} characters; at most {_LONGEST_ID}")
    given = budget.model_dump(exclude_defaults=True) if budget else {}
    if other := ", ".join(name for name in given if name not in {"tokens", "dollars"}):
        raise BadInput(f"a fleet's budget has tokens or dollars, which all items share; leave out {other}")
