"""Effects, breakers and budgets in the state database, through activities outside any session."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import ValidationError

from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.budget import BudgetAccount, BudgetList, ListBudgets
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.breakers import (
    BreakerList,
    BreakerView,
    ListBreakers,
    SetBreaker,
)
from holdfast_workflows.contracts.operations.effects import (
    DecideEffect,
    Decision,
    EffectList,
    EffectStatus,
    EffectView,
    ListEffects,
)
from holdfast_workflows.contracts.text.unicode import preview

from . import content


async def effects(
    requests: Requests, session: str = "", status: EffectStatus | Literal[""] = "", limit: int = 500
) -> tuple[EffectView, ...]:
    """A session's effects, or those of all sessions.

    Raises:
        SessionNotFound: The session has none and the server does not know it.
        StateBehind: The session has begun, but the workers' database has no record of it.
    """
    request = ListEffects(session=session, status=status_of(status), limit=limit)
    found = await requests.activity(names.LIST_EFFECTS, request, EffectList, session=session)
    if session and not (found.effects or status):
        await requests.describe(session)
    if found.unknown:
        await content.expect_fresh(requests, session)
    return found.effects


async def decide_effect(requests: Requests, session: str, decision: Decision, *, ended: bool) -> EffectView:
    """Record a person's decision on a call that no turn waits for."""
    request = DecideEffect(session=session, decision=decision, ended=ended)
    return await requests.activity(names.DECIDE_EFFECT, request, EffectView, session=session)


def status_of(text: str) -> EffectStatus | Literal[""]:
    """An effect's status by its name; empty for any.

    Raises:
        BadInput: The name is unknown.
    """
    known: dict[str, EffectStatus] = {each: each for each in get_args(EffectStatus)}
    if not text:
        return ""
    if text not in known:
        raise BadInput(f"{text!r} is not an effect status; valid values are {', '.join(known)}")
    return known[text]


async def breakers(requests: Requests) -> tuple[BreakerView, ...]:
    """Return the breakers that have recorded a failure."""
    return (await requests.activity(names.LIST_BREAKERS, ListBreakers(), BreakerList)).breakers


async def set_breaker(
    requests: Requests, name: str, state: Literal["open", "closed"], seconds: float, reason: str
) -> BreakerView:
    """Open or close a breaker manually."""
    try:
        request = SetBreaker(name=name, state=state, seconds=seconds, reason=reason)
    except ValidationError as error:
        raise BadInput(preview(str(error))) from error
    return await requests.activity(names.SET_BREAKER, request, BreakerView)


async def budgets(requests: Requests, prefix: str = "", limit: int = 100) -> tuple[BudgetAccount, ...]:
    """Return the accounts with a prefix."""
    request = ListBudgets(prefix=prefix, limit=limit)
    return (await requests.activity(names.LIST_BUDGETS, request, BudgetList)).budgets
