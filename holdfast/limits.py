"""Checks of approvals, budgets, fallbacks, memories and tenants' limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast, get_args

from holdfast_workflows.contracts.agent.approvals import Approvals
from holdfast_workflows.contracts.agent.budget import Budget, WhenSpent
from holdfast_workflows.contracts.agent.fallbacks import (
    AskHuman,
    CachedReply,
    ErrorReply,
    Fallback,
    OtherAgent,
    SimplifiedReply,
)
from holdfast_workflows.contracts.agent.memory import Memory
from holdfast_workflows.contracts.control.identity import Role
from holdfast_workflows.contracts.control.inbox import ROLE
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_NAME
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.teams.routing import Routing
from holdfast_workflows.contracts.text.unicode import size

from . import declare

_CAPABILITY = re.compile(r"[\w.:-]{1,64}")
_LONGEST_RUN = 10 * 365 * 86_400.0
_LONGEST_DAYS = 36_500.0
_MOST_DOLLARS = 1_000_000_000.0
_MOST_TOKENS = 1_000_000_000_000
_FALLBACKS = (CachedReply, SimplifiedReply, AskHuman, OtherAgent, ErrorReply)


def budget(value: Budget | None, where: str) -> Budget | None:
    """Check a budget."""
    if value is None:
        return None
    declare.instance(value, Budget, "Budget", where)
    declare.optional_whole(value.tokens, f"{where}: tokens", 1, _MOST_TOKENS)
    _optional_amount(value.dollars, f"{where}: dollars", _MOST_DOLLARS)
    declare.optional_whole(value.steps, f"{where}: steps", 1)
    declare.optional_whole(value.tool_calls, f"{where}: tool_calls", 1)
    _optional_amount(value.seconds, f"{where}: seconds", _LONGEST_RUN)
    if value.when_spent not in get_args(WhenSpent):
        raise InvalidDeclaration(
            f"{where}: when_spent={value.when_spent!r} must be one of {', '.join(get_args(WhenSpent))}"
        )
    figures = (value.tokens, value.dollars, value.steps, value.tool_calls, value.seconds)
    if all(figure is None for figure in figures):
        raise InvalidDeclaration(
            f"{where} limits nothing; give tokens, dollars, steps, tool_calls or seconds, or leave it out"
        )
    if (value.when_spent == "degrade") != bool(value.cheaper):
        raise InvalidDeclaration(
            f'{where}: when_spent="degrade" and cheaper="provider:model" belong together; give both or neither'
        )
    if value.cheaper:
        declare.model(value.cheaper, f"{where}: cheaper")
    return value


def routing(value: Routing | None, where: str) -> Routing | None:
    """Check what an agent can do."""
    if value is None:
        return None
    declare.instance(value, Routing, "Routing", f"{where}: routing")
    capabilities(value.capabilities, f"{where}: Routing")
    return value


def capabilities(given: Sequence[str], where: str) -> None:
    """Check names of capabilities."""
    for name in given:
        if not _CAPABILITY.fullmatch(name):
            raise InvalidDeclaration(
                f"{where}: the capability {name!r} is not a name; use 1 to 64 letters, digits, '_', '.', ':' and '-'"
            )


def approvals(value: Approvals | None, where: str) -> Approvals | None:
    """Check who answers what sessions ask people."""
    if value is None:
        return None
    where = f"{where}: approvals"
    declare.instance(value, Approvals, "Approvals", where)
    declare.number(value.deadline, f"{where}: deadline", 1, _LONGEST_RUN)
    for group in (value.approvers, *value.escalation):
        for name in group:
            role = name.removeprefix(ROLE)
            if not name or len(name) > MAX_NAME or (name != role and role not in get_args(Role)):
                raise InvalidDeclaration(
                    f"{where}: {name!r} is not the id of a person or a role; roles are "
                    f"{', '.join(f'{ROLE}{each}' for each in get_args(Role))}"
                )
    return value


def fallbacks(values: Sequence[object], where: str) -> tuple[Fallback, ...]:
    """Check that each fallback can be reached."""
    for value in values:
        if not isinstance(value, _FALLBACKS):
            raise InvalidDeclaration(
                f"{where}: fallbacks has {value!r}; use {', '.join(kind.__name__ for kind in _FALLBACKS)}"
            )
        _check_fallback(value, where)
    if any(isinstance(value, ErrorReply) for value in values[:-1]):
        raise InvalidDeclaration(f"{where}: ErrorReply always ends the turn; put it last in fallbacks")
    return cast("tuple[Fallback, ...]", tuple(values))


def max_wait(value: float | timedelta | None, where: str) -> float | None:
    """Check the seconds that a turn may wait; 0 is valid."""
    return 0.0 if value == 0 else None if value is None else declare.seconds(value, where)


def memory(value: object, where: str) -> Memory | None:
    """Check an agent's memory."""
    if value is None:
        return None
    if not isinstance(value, Memory):
        raise InvalidDeclaration(f"{where}: memory={value!r}; give memory=Memory(…), or leave it out")
    if not value.scopes:
        raise InvalidDeclaration(f"{where}: memory has no scopes; name some, or leave them out for all")
    if value.model:
        declare.model(value.model, f"{where}: memory")
    _optional_amount(value.expires_days, f"{where}: memory: expires_days", _LONGEST_DAYS)
    return value


def tenants(values: Mapping[str, TenantLimits]) -> dict[str, TenantLimits]:
    """Check the limits of tenants."""
    for name, given in values.items():
        where = f"App(tenants=…): tenant {name!r}"
        if not name or len(name) > MAX_NAME:
            raise InvalidDeclaration(f'{where} has an invalid name; use 1 to {MAX_NAME} characters, or "*"')
        declare.instance(given, TenantLimits, "TenantLimits", where)
        declare.optional_whole(given.tokens_per_day, f"{where}: tokens_per_day", 1, _MOST_TOKENS)
        _optional_amount(given.dollars_per_day, f"{where}: dollars_per_day", _MOST_DOLLARS)
        declare.optional_whole(given.requests_per_minute, f"{where}: requests_per_minute", 1)
        declare.optional_whole(given.tokens_per_minute, f"{where}: tokens_per_minute", 1, _MOST_TOKENS)
        # Temporal's bounds for a fairness weight.
        declare.number(given.weight, f"{where}: weight", 0.001, 1_000)
    return dict(values)


def _check_fallback(value: Fallback, where: str) -> None:
    if isinstance(value, CachedReply):
        declare.seconds(value.max_age, f"{where}: CachedReply: max_age")
    elif isinstance(value, SimplifiedReply) and value.model:
        declare.model(value.model, f"{where}: SimplifiedReply: model")
    elif isinstance(value, ErrorReply) and not 0 < size(value.text) <= INLINE_TEXT:
        raise InvalidDeclaration(f"{where}: the text of ErrorReply must have 1 to {INLINE_TEXT:,} bytes")


def _optional_amount(value: float | None, what: str, most: float) -> None:
    declare.optional_number(value, what, 0.000_001, most)  # a limit of 0 would refuse the first call
