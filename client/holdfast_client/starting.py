"""Starting a session: from what its user says to what is sent."""

from __future__ import annotations

from typing import TypedDict

from pydantic import ValidationError

from holdfast_workflows.contracts.budget import Budget
from holdfast_workflows.contracts.declared import known_options
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.output import OutputShape, output_spec
from holdfast_workflows.contracts.session import Mode, StartInput
from holdfast_workflows.contracts.spec import WhenBusy
from holdfast_workflows.contracts.text import clean, preview

from . import messages
from .session import Session
from .wire import Wire

_FIRST = "first"

_SILENCE = 5.0
"""Seconds; a call's recovery after a kill is this and about one more. The contract's own default is for those
who start the workflow by hand, and stays."""


class StartOptions(TypedDict, total=False):
    """What every start may say, of a conversation and of a task; ``Client.start`` tells what it means."""

    id: str | None
    tenant: str
    user: str
    max_steps: int | None
    budget: Budget | None
    priority: int | None
    weight: float | None
    heartbeat_timeout: float


@known_options("start")
async def start(
    wire: Wire,
    mode: Mode,
    agent: str,
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
    priority: int | None = None,
    weight: float | None = None,
    heartbeat_timeout: float = _SILENCE,
) -> Session:
    """Start a session, or find it."""
    _check(agent, tenant, user, budget)
    session = messages.new_id("s") if id is None else messages.checked_id(id)
    message = None
    if text is not None:
        # Its id is fixed, so that the same start sent twice is one message.
        message = await messages.prepare(
            wire, session, text, id=_FIRST, when_busy=when_busy, streaming=streaming
        )
    more = {"continue_as_new_after": continue_as_new_after} if continue_as_new_after is not None else {}
    try:
        request = StartInput(
            agent=agent,
            tenant=tenant,
            user=user,
            mode=mode,
            output=None if output_type is None else output_spec(output_type),
            message=message,
            max_steps=max_steps,
            budget=budget,
            heartbeat_timeout=heartbeat_timeout,
            **more,
        )
    except ValidationError as error:
        raise BadInput(preview(str(error))) from error
    accepted = await wire.start(session, request, priority=priority, weight=weight)
    turn = accepted.turn if accepted else None
    lingers = mode == "task" and accepted is not None and accepted.remembers
    return Session(wire, session, turn, streaming=streaming, lingers=lingers)


def _check(agent: str, tenant: str, user: str, budget: Budget | None) -> None:
    if not agent:
        raise BadInput("the agent's name is empty")
    # They are stored as they are: with something in place of a character one may be another's.
    if clean(tenant) != tenant or clean(user) != user:
        raise BadInput("a tenant or a user holds NUL or half of a surrogate pair")
    if budget is not None and not _is_budget(budget):
        raise BadInput(f"budget={budget!r} must be made by Budget(…)")
    if budget is not None:
        _check_limits(budget)


def _is_budget(value: object) -> bool:
    return isinstance(value, Budget)


def _check_limits(budget: Budget) -> None:
    """A budget that can be kept: a limit of nothing would stop the first call of every turn."""
    given = budget.model_dump(include={"tokens", "dollars", "steps", "tool_calls", "seconds"})
    limits = {name: limit for name, limit in given.items() if limit is not None}
    if not limits or min(limits.values()) <= 0:
        raise BadInput(f"a budget has at least one limit, and each is more than 0: {limits}")
    if (budget.when_spent == "degrade") != bool(budget.cheaper):
        raise BadInput('a budget with when_spent="degrade" names the model in cheaper, and no other does')
