"""What a declaration does not have is refused, with the nearest that it has; what travels ignores it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

import pytest
from pydantic import BaseModel

import holdfast
from holdfast import (
    Agent,
    App,
    AskHuman,
    BadInput,
    Budget,
    CachedReply,
    ErrorReply,
    InvalidDeclaration,
    Memory,
    MemoryTurn,
    RetryPolicy,
    SimplifiedReply,
    TenantLimits,
    tool,
)
from holdfast_client.requests import starting
from holdfast_temporal.converter import JSONConverter
from holdfast_workflows.contracts.agent.declared import Declared
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.session.session import StartInput
from holdfast_workflows.contracts.text.nearest import no_such


@pytest.mark.parametrize(
    ("declare", "given", "meant"),
    [
        (Budget, "step", "steps"),
        (Budget, "dollar", "dollars"),
        (Budget, "toolCalls", "tool_calls"),
        (Budget, "when-spent", "when_spent"),
        (TenantLimits, "dollar_per_day", "dollars_per_day"),
        (TenantLimits, "request_per_minute", "requests_per_minute"),
        (TenantLimits, "token_per_day", "tokens_per_day"),
        (Memory, "expire_days", "expires_days"),
        (Memory, "scope", "scopes"),
        (RetryPolicy, "attempt", "attempts"),
        (RetryPolicy, "maxdelay", "max_delay"),
        (CachedReply, "maxage", "max_age"),
        (SimplifiedReply, "models", "model"),
        (ErrorReply, "texts", "text"),
        (MemoryTurn, "speakr", "speaker"),
        (Agent, "modle", "model"),
        (Agent, "temp", "temperature"),
        (App, "agent", "agents"),
        (App, "tenant", "tenants"),
        (tool, "retry", "retries"),
        (tool, "time_out", "timeout"),
        (starting.start, "buget", "budget"),
        (holdfast.connect, "adress", "address"),
        (holdfast.open_memory, "embedding", "embeddings"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest(
    declare: Callable[..., Any], given: str, meant: str
) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        declare(**{given: 1})
    assert f"No field {given!r}; did you mean {meant!r}?" in str(refused.value)


def test_where_no_name_is_near_those_there_are_are_listed() -> None:
    with pytest.raises(InvalidDeclaration, match="No field 'colour'; known are cheaper, dollars"):
        cast("Any", Budget)(colour="red")
    with pytest.raises(InvalidDeclaration, match="No field 'after'; none are defined"):
        cast("Any", AskHuman)(after=3)
    assert no_such("field", ["x", "y"], ["a"]) == "No field 'x'; known are a. No field 'y'; known are a."


def test_everything_that_users_declare_refuses_unknown_fields() -> None:
    declarations: list[Any] = [
        *(Agent, App, holdfast.connect, holdfast.open_memory, tool),
        *(
            found
            for name in holdfast.__all__
            if inspect.isclass(found := getattr(holdfast, name)) and issubclass(found, Declared)
        ),
    ]
    assert len(declarations) > 10
    for declare in declarations:
        with pytest.raises(InvalidDeclaration, match="No field 'not_a_field'"):
            declare(not_a_field=1)


def test_every_contract_within_a_spec_refuses_unknown_fields() -> None:
    # Specs themselves are made by Agent, teams and tool, whose options are checked, or from a server's tool list.
    made_here = {"AgentSpec", "ToolSpec", "OutputSpec", "McpTool", "BoardTool", "TeamSpec", "TeamMember"}
    for contract in _contracts_of(AgentSpec, set()):
        if contract.__name__ not in made_here:
            with pytest.raises(InvalidDeclaration, match="No field 'not_a_field'"):
                cast("Any", contract)(not_a_field=1)


def _contracts_of(hint: Any, seen: set[Any]) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = set()
    if inspect.isclass(hint) and issubclass(hint, BaseModel) and hint not in seen:
        seen.add(hint)
        found.add(hint)
        for field in hint.model_fields.values():
            found |= _contracts_of(field.annotation, seen)
    for part in getattr(hint, "__args__", ()):
        found |= _contracts_of(part, seen)
    return found


def test_what_a_newer_build_wrote_is_read_without_its_unknown_fields() -> None:
    converter = JSONConverter()
    newer = {
        "agent": "a",
        "budget": {"steps": 3, "watts": 7},
        "not_known": {"to": "this build"},
    }
    read = converter.from_payload(converter.to_payload(newer), StartInput)
    assert read.budget == Budget(steps=3)
    spec = {"name": "a", "instructions": "", "models": ["m:m"], "model_retry": {"attempts": 2, "jitter": 1}}
    fallbacks = [{"kind": "cached", "max_age": 5, "shared": True}, {"kind": "ask_human", "to": "someone"}]
    stored = AgentSpec.model_validate({**spec, "fallbacks": fallbacks, "memory": {"facts": False, "x": 1}})
    assert stored.model_retry == RetryPolicy(attempts=2)
    assert stored.fallbacks == (CachedReply(max_age=5), AskHuman())


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: Budget(steps=cast("Any", "many")), "Budget: steps='many'"),
        (lambda: Memory(limit=50), "Memory: limit=50"),
        (lambda: RetryPolicy(attempts=cast("Any", 2.5)), "RetryPolicy: attempts=2.5"),
        (lambda: Agent("a", model="m:m", budget=cast("Any", {"steps": 5})), "must be made by Budget"),
        (lambda: Agent("a", model="m:m", model_retry=cast("Any", {})), "must be made by RetryPolicy"),
        (lambda: Agent("a", model="m:m", memory=cast("Any", {"facts": 1})), "give memory=Memory(…)"),
        (lambda: Agent("a", model="m:m", max_steps=cast("Any", "5")), "max_steps='5'"),
        (lambda: Agent("a", model="m:m", max_steps=cast("Any", 5.5)), "max_steps=5.5"),
        (lambda: Agent("a", model="m:m", max_wait=cast("Any", "1h")), "max_wait='1h'"),
        (lambda: Agent("a", model=cast("Any", [7])), "model 7"),
        (
            lambda: App(agents=[Agent("a", model="m:m")], tenants={"t": cast("Any", {})}),
            "must be made by TenantLimits",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_a_typed_error_that_names_it(
    declare: Callable[[], object], said: str
) -> None:
    with pytest.raises(BadInput) as refused:
        declare()
    assert said in str(refused.value)
