"""Declaring agents and apps."""

from __future__ import annotations

import dataclasses
from collections.abc import Set
from typing import Annotated, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from holdfast import Agent, App, InvalidDeclaration, Memory, RetryPolicy, tool
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.names import OWN_TOOLS


@tool
def look(x: int) -> int:
    """Look."""
    return x


@tool
def read_more(x: int) -> int:
    """Read more."""
    return x


@tool(name="look")
def look_again(x: int) -> int:
    """Look again."""
    return x


class Report(BaseModel):
    """A report."""

    title: str


@dataclasses.dataclass
class Row:
    n: int


class Pair(TypedDict):
    a: int


class Tree(BaseModel):
    children: list[Tree] = []


MODEL = "openai:gpt-5-mini"


def test_an_agent_compiles_to_plain_data() -> None:
    agent = Agent("a", model=[MODEL, "anthropic:c"], instructions="Do.", tools=[look], max_steps=9)
    assert agent.spec.models == (MODEL, "anthropic:c")
    assert agent.spec.tools[0] == look.spec
    assert agent.spec.max_steps == 9
    assert AgentSpec.model_validate_json(agent.spec.model_dump_json()) == agent.spec


@pytest.mark.parametrize(
    ("options", "added"),
    [
        ({}, set[str]()),
        ({"tools": [look]}, {"read_more"}),
        ({"working_memory": True}, {"read_more", "update_plan", "write_notes"}),
        ({"memory": Memory()}, {"read_more", "search_memory", "remember", "forget"}),
        ({"handover": True}, {"read_more", "hand_over"}),
        ({"memory": Memory(), "working_memory": True, "handover": True, "tools": [look]}, OWN_TOOLS),
    ],
)
def test_an_agent_is_given_the_tools_for_what_it_was_declared_with(
    options: dict[str, Any], added: Set[str]
) -> None:
    agent = Agent("a", model=MODEL, **options)
    assert {spec.name for spec in agent.spec.tools} - {"look"} == added
    assert set(agent.tools) <= {"look"}


def test_what_an_agent_remembers_is_part_of_its_spec() -> None:
    agent = Agent("a", model=MODEL, memory=Memory(scopes=("user",), limit=3), compact_at=0.5)
    assert agent.spec.memory == Memory(scopes=("user",), limit=3)
    assert agent.spec.compact_at == 0.5
    assert not agent.spec.working_memory


def test_defaults_are_those_of_the_contract() -> None:
    assert Agent("a", model=MODEL).spec == AgentSpec(name="a", instructions="", models=(MODEL,))


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (Report, "Report"),
        (Row, "Row"),
        (Pair, "Pair"),
        (Tree, "Tree"),
        ({"type": "object", "title": "My answer!", "properties": {}}, "My_answer"),
        ({"type": "object"}, "output"),
    ],
)
def test_output_takes_types_and_schemas(shape: Any, name: str) -> None:
    output = Agent("a", model=MODEL, output_type=shape).spec.output
    assert output is not None
    assert output.name == name
    assert output.json_schema["type"] == "object"


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (int, "as a field"),
        (list[int], "as a field"),
        ({"type": "array"}, "as a field"),
        ({}, "as a field"),
        ({"type": "object", "properties": 3}, "not a JSON schema"),
        ({"type": "object", "default": object()}, "not plain JSON"),
        (object, "as a field"),
        (Agent, "no JSON schema"),
    ],
)
def test_output_that_has_no_object_schema_is_refused(shape: Any, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        Agent("a", model=MODEL, output_type=shape)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "my agent"}, "letters, digits"),
        ({"model": []}, "no model"),
        ({"model": ""}, "provider:model"),
        ({"model": "gpt-5"}, "provider:model"),
        ({"model": [MODEL, MODEL]}, "twice"),
        ({"tools": [look, look_again]}, "two tools named 'look'"),
        ({"tools": [print]}, "put @tool above"),
        ({"max_steps": 0}, "max_steps=0"),
        ({"max_steps": True}, "max_steps=True"),
        ({"max_tokens": 0}, "max_tokens=0"),
        ({"temperature": 2.5}, "temperature=2.5"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"context_window": 10}, "context_window=10"),
        ({"max_inline_steps": 0}, "max_inline_steps=0"),
        ({"max_inline_seconds": 0}, "max_inline_seconds=0"),
        ({"max_repairs": -1}, "max_repairs=-1"),
        ({"when_busy": "drop"}, "queue, reject, interrupt"),
        ({"model_timeout": -1}, "model_timeout=-1"),
        ({"model_retry": RetryPolicy(attempts=0)}, "attempts=0"),
        ({"tools": [read_more]}, "of a built-in tool"),
        ({"memory": True}, "give memory=Memory(…)"),
        ({"memory": Memory(scopes=())}, "no scopes"),
        ({"memory": Memory(model="small")}, "provider:model"),
        ({"memory": Memory(expires_days=0)}, "expires_days=0"),
        ({"compact_at": 0}, "compact_at=0"),
    ],
)
def test_an_agent_that_cannot_work_is_refused_with_the_remedy(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        Agent(**cast("Any", {"name": "a", "model": MODEL} | options))
    assert said in str(refused.value)


@given(st.text(max_size=70))
def test_a_name_is_accepted_only_if_every_provider_accepts_it(name: str) -> None:
    fits = 0 < len(name) <= 64 and name.isascii() and all(c.isalnum() or c in "_-" for c in name)
    try:
        Agent(name, model=MODEL)
    except InvalidDeclaration:
        assert not fits
    else:
        assert fits


def test_an_app_gives_workers_its_agents_and_their_tools() -> None:
    one, two = Agent("one", model=MODEL, tools=[look]), Agent("two", model=MODEL, tools=[look_again])
    registry = App(agents=[one, two]).registry()
    assert registry.agents == {"one": one.spec, "two": two.spec}
    assert registry.tools["one"]["look"] is look
    assert registry.tools["two"]["look"] is look_again


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        ([], "no agents"),
        ([Agent("a", model=MODEL), Agent("a", model=MODEL)], "two agents are named 'a'"),
        (["a"], "'a', which is not an Agent"),
    ],
)
def test_an_app_that_cannot_work_is_refused_with_the_remedy(agents: list[object], said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        App(agents=cast("Any", agents))
    assert said in str(refused.value)


def test_instructions_that_utf8_cannot_encode_are_made_safe() -> None:
    agent = Agent("a", model="openai:m", instructions="be \ud800 kind\x00")
    assert agent.spec.instructions == "be \ufffd kind\ufffd"


def _many(count: int) -> list[Any]:
    def made(place: int) -> Any:
        def look(x: int) -> int:
            """Look."""
            return x

        return tool(name=f"look_{place}")(look)

    return [made(place) for place in range(count)]


@pytest.mark.parametrize(
    "model", ["openai:m", "azure:m", "pydantic-ai:openai:m", ("anthropic:m", "openai:m")]
)
def test_more_tools_than_openai_takes_are_refused_with_the_counts(model: Any) -> None:
    with pytest.raises(InvalidDeclaration, match=r"has 129 tools .* takes at most 128"):
        Agent("a", model=model, tools=_many(128))  # and the one that reads what was cut


def test_as_many_tools_as_openai_takes_and_more_for_others_are_fine() -> None:
    assert len(Agent("a", model="openai:m", tools=_many(127)).spec.tools) == 128
    assert len(Agent("a", model="anthropic:m", tools=_many(200)).spec.tools) == 201


def test_a_description_longer_than_openai_takes_is_refused_by_its_length() -> None:
    def long(x: int) -> int:
        return x

    long.__doc__ = "Look. " * 200
    made = tool(long)
    with pytest.raises(InvalidDeclaration, match=r"'long' has a description of 1,200 characters"):
        Agent("a", model="openai:m", tools=[made])
    assert Agent("a", model="anthropic:m", tools=[made]).spec.tools


def grosse(größe: int) -> int:  # noqa: PLC2401 - the name is the test
    """Measure."""
    return größe


def lengthy(x23456789012345678901234567890123456789012345678901234567890123456: int) -> int:
    """Measure."""
    return x23456789012345678901234567890123456789012345678901234567890123456


@pytest.mark.parametrize("function", [grosse, lengthy])
def test_a_parameter_that_anthropic_cannot_name_is_refused(function: Any) -> None:
    with pytest.raises(
        InvalidDeclaration, match=r"parameter '.*' has a name that Anthropic refuses; use 1 to 64"
    ):
        tool(function)


def test_a_parameter_whose_schema_is_not_one_is_refused() -> None:
    def measure(x: Annotated[int, Field(json_schema_extra={"exclusiveMinimum": True})]) -> int:
        """Measure."""
        return x

    with pytest.raises(InvalidDeclaration, match="parameters of tool 'measure' make is not a JSON schema"):
        tool(measure)
