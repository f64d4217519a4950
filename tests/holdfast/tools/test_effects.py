"""Declaring what a tool does to the world: its probe, its undo, and what is asked of them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from holdfast import Agent, EffectUnknown, InvalidDeclaration, Tool, ToolContext, tool

from ..support import context

MODEL = "openai:gpt-5-mini"


def pay(order: str, cents: int = 1) -> str:
    """Pay."""
    return f"paid {order} {cents}"


def paid(order: str, about: ToolContext) -> str | None:
    return f"{about.key} {order}" if order == "42" else None


@tool(effect="idempotent")
def refund(order: str, result: str = "") -> str:
    """Refund."""
    return f"refunded {order}"


def with_probe(probe: Any) -> Tool[..., Any]:
    return tool(effect="once", probe=probe)(pay)


def with_undo(undo: Any) -> Tool[..., Any]:
    return tool(effect="once", undo=undo)(pay)


async def test_a_probe_is_asked_with_those_arguments_it_takes() -> None:
    made = with_probe(paid)
    assert made.spec.probe
    assert await made.probe({"order": "42", "cents": 1}, context()) == "s1:1:0 42"
    assert await made.probe({"order": "43", "cents": 1}, context()) is None


async def test_a_probe_may_be_async_and_its_result_becomes_text() -> None:
    async def find(cents: int) -> list[int] | None:
        return [cents] if cents else None

    assert await with_probe(find).probe({"order": "42", "cents": 7}, context()) == "[7]"


async def test_without_a_probe_nobody_can_tell() -> None:
    with pytest.raises(EffectUnknown, match="'pay' has no probe"):
        await tool(effect="once")(pay).probe({}, context())


async def test_a_probe_that_answers_false_does_not_count_as_a_result() -> None:
    def find(order: str):  # type: ignore[no-untyped-def]  # as users write it who annotate nothing
        return order == "42"

    with pytest.raises(EffectUnknown, match="None if the call did not happen"):
        await with_probe(find).probe({"order": "1"}, context())


def says_yes_or_no(order: str) -> bool:
    return bool(order)


def wants_more(order: str, currency: str) -> str | None:
    return order + currency


def wants_any(**options: str) -> str | None:
    return str(options)


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (says_yes_or_no, "return the call's result"),
        (wants_more, "takes currency, which the tool does not"),
        (wants_any, "takes options"),
        ("paid", "use a function"),
    ],
)
def test_a_probe_that_cannot_be_asked_is_refused_with_the_remedy(probe: object, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        with_probe(probe)
    assert said in str(refused.value)


def test_a_tool_given_as_undo_is_hidden_from_the_model() -> None:
    agent = Agent("a", model=MODEL, tools=[with_undo(refund)])
    shown = {spec.name: spec.hidden for spec in agent.spec.tools}
    assert shown == {"pay": False, "refund": True, "read_more": False}
    assert agent.tools["pay"].spec.undo == "refund"
    assert not refund.spec.hidden


def test_a_tool_that_the_agent_has_anyway_stays_shown_as_an_undo() -> None:
    for undo in (refund, "refund"):
        agent = Agent("a", model=MODEL, tools=[with_undo(undo), refund])
        assert not agent.tools["refund"].spec.hidden


@tool
def look(order: str, cents: int, result: str, note: str = "") -> str:
    """Takes everything an undo may."""
    return order


@tool
def other_type(order: int) -> str:
    """The order, but a number."""
    return str(order)


@tool
def other_result(result: int) -> str:
    """The result, but a number."""
    return str(result)


@tool
def more(order: str, reason: str) -> str:
    """Wants what nobody has."""
    return order + reason


def test_an_undo_may_take_all_arguments_the_result_and_what_has_a_default() -> None:
    assert Agent("a", model=MODEL, tools=[with_undo(look)]).tools["look"].spec.hidden


@pytest.mark.parametrize(
    ("undo", "said"),
    [
        (other_type, "annotate both alike"),
        (other_result, "must be a str"),
        (more, "remove it or give it a default"),
        ("pay", "its own undo"),
        ("pay back", "letters, digits"),
        (3, "give a tool"),
    ],
)
def test_an_undo_that_cannot_be_called_is_refused_with_the_remedy(undo: object, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        with_undo(undo)
    assert said in str(refused.value)


def test_an_undo_by_name_has_to_be_among_the_agents_tools_and_fit() -> None:
    with pytest.raises(InvalidDeclaration, match="no tool has that name"):
        Agent("a", model=MODEL, tools=[with_undo("refund")])
    with pytest.raises(InvalidDeclaration, match="annotate both alike"):
        Agent("a", model=MODEL, tools=[with_undo("other_type"), other_type])


def test_an_undo_may_not_share_its_name_with_another_tool() -> None:
    @tool(name="refund")
    def another(order: str) -> str:
        """Another."""
        return order

    with pytest.raises(InvalidDeclaration, match="both named 'refund'"):
        Agent("a", model=MODEL, tools=[with_undo(refund), another])


@pytest.mark.parametrize("options", [{"probe": paid}, {"undo": "refund"}])
def test_what_has_no_effect_has_neither_probe_nor_undo(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration, match='set effect="once"'):
        tool(**options)(cast("Any", pay))


def pay_back(order: str) -> str:
    """Pay back."""
    return f"paid back {order}"


def test_an_undo_that_needs_an_approval_is_refused() -> None:
    asking = tool(effect="idempotent", approval="ask")(pay_back)
    with pytest.raises(InvalidDeclaration, match="an undo runs without a person"):
        Agent("a", model=MODEL, tools=[with_undo(asking)])
