"""Validation of start options, and the start request."""

from __future__ import annotations

from typing import Any, TypedDict

from holdfast_client import messages
from holdfast_client.agents import AnyAgent, name_and_shape
from holdfast_client.reply import Output
from holdfast_client.session import Session
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.output import OutputShape, output_spec
from holdfast_workflows.contracts.agent.spec import WhenBusy
from holdfast_workflows.contracts.control.access import owner_for
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.permissions.rules import Permissions
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.session import Mode, StartInput
from holdfast_workflows.contracts.teams.routing import Route
from holdfast_workflows.contracts.text.unicode import clean

from .errors import bad_input
from .requests import Requests

_FIRST = "first"
_ROLL = "continue_as_new_after"
_ROUTED = "routed"

_HEARTBEAT_TIMEOUT = 5.0
"""Seconds; a call resumes about one second later after its worker was killed."""


@public
class StartOptions(TypedDict, total=False):
    """Options of every session start.

    Attributes:
        id: The session's id; by default random, after the agent's name. Starting the same id again returns the same session,
            running or ended, and takes the first message once.
        tenant: The tenant the session runs for.
        user: The id of the user the session is with; memories of the user belong to it.
        max_steps: The maximum number of model calls per turn; the agent's limit by default.
        budget: What the session may use in total; the agent's budget by default.
        permissions: Rules on the session's tool calls; they can only narrow those of its agent, tenant and app.
        priority: 1 (first) to 5; the order of work that waits for workers. 3 by default.
        weight: The tenant's share of busy workers relative to other tenants, 0.001 to 1,000; 1 by
            default. It applies per task, so give all sessions of a tenant the same weight.
        heartbeat_timeout: Seconds without a heartbeat after which a model or tool call is given to
            another worker, 2 to 600; 5 by default. It is most of the delay after a killed worker.
            Set more for tools that block the worker's event loop.
    """

    id: str | None
    tenant: str
    user: str
    max_steps: int | None
    budget: Budget | None
    permissions: Permissions | None
    priority: int | None
    weight: float | None
    heartbeat_timeout: float


@public
class RunOptions(StartOptions, total=False):
    """Options of ``run``.

    Attributes:
        timeout: Seconds to wait for the task's end; no limit by default.
    """

    timeout: float | None


@public
class SessionOptions(StartOptions, total=False):
    """Options of sessions that are not awaited at once.

    Attributes:
        streaming: Publish text in small pieces from the start, for ``stream``.
        continue_as_new_after: History events after which the session continues as a new run.
    """

    streaming: bool
    continue_as_new_after: int | None


@public
class ConversationOptions(SessionOptions, total=False):
    """Options of conversations.

    Attributes:
        when_busy: What the first message does if the session exists and is running a turn.
    """

    when_busy: WhenBusy | None


@known_options("start")
async def start(
    requests: Requests,
    mode: Mode,
    agent: AnyAgent,
    text: str | None,
    *,
    output_type: OutputShape | None = None,
    when_busy: WhenBusy | None = None,
    streaming: bool = False,
    continue_as_new_after: int | None = None,
    id: str | None = None,
    tenant: str = "",
    user: str = "",
    max_steps: int | None = None,
    budget: Budget | None = None,
    permissions: Permissions | None = None,
    priority: int | None = None,
    weight: float | None = None,
    heartbeat_timeout: float = _HEARTBEAT_TIMEOUT,
) -> Session[Any]:
    """Start a session or find it."""
    check(id, tenant, user, budget, max_steps)
    name, shape, route = _asked_for(agent, output_type, text)
    tenant, user = owner_for(await requests.principal(), tenant, user)
    session, message = messages.session_id(name or _ROUTED) if id is None else messages.checked_id(id), None
    if text is not None or mode == "task":
        # A fixed id, so that a repeated start sends the same message.
        message = await messages.prepare(
            requests, session, text or "", id=_FIRST, when_busy=when_busy, streaming=streaming
        )
    roll: dict[str, Any] = {} if continue_as_new_after is None else {_ROLL: continue_as_new_after}
    with bad_input():
        request = StartInput(
            agent=name,
            tenant=tenant,
            user=user,
            mode=mode,
            output=None if output_type is None else output_spec(output_type),
            message=message,
            max_steps=max_steps,
            budget=budget,
            permissions=permissions,
            heartbeat_timeout=heartbeat_timeout,
            route=route,
            **roll,
        )
    accepted = await requests.start(session, request, priority=priority, weight=weight)
    lingers = mode == "task" and accepted is not None and accepted.remembers
    turn = accepted.turn if accepted else None
    return Session(requests, session, turn, streaming=streaming, lingers=lingers, output=Output(shape))


def _asked_for(
    agent: AnyAgent, output_type: OutputShape | None, text: str | None
) -> tuple[str, OutputShape | None, Route | None]:
    """Return the agent's name, empty for a route, the output type, and the route."""
    if not isinstance(agent, Route):
        return (*name_and_shape(agent, output_type), None)
    if agent.router and text is None:
        raise BadInput(f"router {agent.router!r} finds out what a message needs; give the first message")
    return "", output_type, agent


def check(id: object, tenant: str, user: str, budget: object, max_steps: object) -> None:
    """Check what every start takes; raises BadInput."""
    if isinstance(max_steps, int) and max_steps < 1:
        raise BadInput(f"max_steps={max_steps} must be at least 1; leave it out for the agent's limit")
    for name, value in (("tenant", tenant), ("user", user)):
        if not messages.is_text(value):
            raise BadInput(f"{name}={value!r} must be a str; leave it out for no {name}")
    messages.expect_opaque(id=id, tenant=tenant, user=user)
    # Stored unchanged: a replaced character could make it the name of another tenant or user.
    if clean(tenant) != tenant or clean(user) != user:
        raise BadInput("a tenant or a user contains NUL or a lone surrogate")
    if budget is not None:
        _check_budget(budget)


def _check_budget(budget: object) -> None:
    """Refuse what is not a Budget, and limits of 0, which would stop the first call of every turn."""
    if not isinstance(budget, Budget):
        raise BadInput(f"budget={budget!r} must be made by Budget(…)")
    given = budget.model_dump(include={"tokens", "dollars", "steps", "tool_calls", "seconds"})
    limits = {name: limit for name, limit in given.items() if limit is not None}
    if not limits or min(limits.values()) <= 0:
        raise BadInput(f"a budget has at least one limit, and each is more than 0: {limits}")
    if (budget.when_spent == "degrade") != bool(budget.cheaper):
        raise BadInput('a budget with when_spent="degrade" names the model in cheaper, and no other does')
