"""The ranking of agents: who is eligible, and in what order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast_activities.state.coordination.assignments import Load, Recent
from holdfast_activities.teams.routing.ranking import Candidate, Queue, capable, rank
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import NoCapableAgent
from holdfast_workflows.contracts.teams.routing import Cost, Routing

QUICK = Recent(done=20, failed=0, mean=1.0, p95=2.0)


def agent(name: str, *capabilities: str, cost: Cost = "standard", routed: bool = True) -> AgentSpec:
    routing = Routing(capabilities=capabilities, cost=cost) if routed else None
    return AgentSpec(name=name, instructions="", models=("openai:x",), routing=routing)


def candidate(name: str, cost: Cost = "standard") -> Candidate:
    return Candidate(name, Routing(capabilities=(), cost=cost), Queue("q", 1), QUICK)


def order(*candidates: Candidate, **loads: Load) -> list[str]:
    known = {each.agent: each for each in candidates}
    return [each.agent for each in rank(known, list(known), loads)]


def test_only_agents_with_every_capability_are_eligible() -> None:
    agents = [agent("a", "x", "y"), agent("b", "x"), agent("c", routed=False)]
    assert set(capable(agents, ["x", "y"])) == {"a"}
    assert set(capable(agents, [])) == {"a", "b"}


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        (["z"], "no agent has 'z'; known: x, y"),
        (["x", "y"], "no agent has 'x', 'y' together; a lacks 'y'"),
    ],
)
def test_the_error_names_what_is_missing(needed: list[str], message: str) -> None:
    with pytest.raises(NoCapableAgent, match=message):
        capable([agent("a", "x"), agent("b", "y")], needed)


def test_an_agent_over_the_most_cost_is_not_eligible() -> None:
    agents = [agent("dear", "x", cost="high"), agent("cheap", "x", cost="low")]
    assert set(capable(agents, ["x"], "standard")) == {"cheap"}
    with pytest.raises(NoCapableAgent, match="dear costs high; the request takes at most low"):
        capable(agents[:1], ["x"], "low")


def test_an_app_without_routing_is_told_how_to_declare_it() -> None:
    with pytest.raises(NoCapableAgent, match="declare Agent"):
        capable([agent("a", routed=False)], [])


def test_the_faster_agent_comes_first() -> None:
    slow = replace(candidate("a"), recent=replace(QUICK, mean=3.0))
    assert order(slow, candidate("b")) == ["b", "a"]


def test_load_moves_requests_to_a_slower_agent() -> None:
    slow = replace(candidate("slow"), recent=replace(QUICK, mean=1.9))
    assert order(candidate("fast"), slow, fast=Load(running=10)) == ["fast", "slow"]
    assert order(candidate("fast"), slow, fast=Load(running=20)) == ["slow", "fast"]


def test_waiting_requests_are_load_too() -> None:
    assert order(candidate("a"), candidate("b"), a=Load(waiting=1)) == ["b", "a"]


def test_failures_move_an_agent_back() -> None:
    flaky = replace(candidate("a"), recent=replace(QUICK, done=10, failed=10))
    assert order(flaky, candidate("b")) == ["b", "a"]


def test_the_cheaper_of_two_equal_agents_comes_first() -> None:
    assert order(candidate("a", "high"), candidate("b"), candidate("c", "low")) == ["c", "b", "a"]


def test_an_agent_with_open_breakers_comes_last() -> None:
    broken = replace(candidate("a"), breaker_seconds=0.0)
    slow = replace(candidate("b"), recent=replace(QUICK, mean=5.0))
    assert order(broken, slow) == ["b", "a"]


def test_the_backlog_of_a_task_queue_counts() -> None:
    behind = replace(candidate("a"), queue=Queue("q", 1, backlog_seconds=0.5))
    assert order(behind, candidate("b")) == ["b", "a"]


def test_an_agent_without_recent_turns_is_tried() -> None:
    new = replace(candidate("new"), recent=Recent())
    assert order(candidate("known"), new, known=Load(running=1)) == ["new", "known"]


def test_the_reasons_name_the_figures() -> None:
    known = {"a": candidate("a")}
    [ranked] = rank(known, ["a", "of another app"], {"a": Load(running=2, waiting=1)})
    assert (
        ranked.why == "2 running, 1 waiting, 20 of the last 20 done, mean 1.00 s, p95 2.00 s, cost standard"
    )
