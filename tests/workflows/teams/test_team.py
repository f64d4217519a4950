"""Teams without a model of their own: pipelines, parallel teams and debates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from holdfast import (
    Agent,
    App,
    Budget,
    ChildFailed,
    Debate,
    Delegate,
    Handoff,
    InvalidDeclaration,
    Parallel,
    Permissions,
    Pipeline,
    Session,
    Stage,
    Team,
    deny,
)
from holdfast.testing import Reply, Request, call, failed, say
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ...support import Gate, Report, eventually
from ..conftest import Running, Start

ONCE = RetryPolicy(attempts=1)


def agent(name: str, *tools: Any, **options: Any) -> Agent[Any]:
    return Agent(name, model=f"openai:{name}", tools=tools, model_retry=ONCE, **options)


def app(*teams: Team[Any], **options: Any) -> App:
    return App(agents=[agent("a"), agent("b"), agent("c"), agent("spare")], teams=teams, **options)


def asked(request: Request) -> str:
    """The task that an agent was given."""
    return str(request.messages[-1]["content"])


def model(seen: list[tuple[str, str]] | None = None, **replies: Reply) -> Callable[[Request], Reply]:
    """A model of each agent: by default it says its name."""

    def answer(request: Request) -> Reply:
        if seen is not None:
            seen.append((request.model, asked(request)))
        return replies.get(request.model, say(f"{request.model} did it"))

    return answer


async def has_sessions(it: Running, session: Session, wanted: set[tuple[str, str]]) -> None:
    """Wait until these sessions of a team, by agent and status, are in the list."""

    async def there() -> bool:
        listed = [each async for each in it.holdfast.client.sessions()]
        return wanted <= {(each.agent, each.status) for each in listed if each.id.startswith(session.id)}

    await eventually(there)


async def test_each_stage_of_a_pipeline_gets_the_result_of_the_one_before(start: Start) -> None:
    seen: list[tuple[str, str]] = []
    team = Pipeline("line", stages=["a", Stage("b", task="Shorten: {previous}"), "c"])
    async with start(model(seen), app(team)) as it:
        assert await it.holdfast.client.run("line", "Write a poem") == "c did it"
    assert [name for name, _ in seen] == ["a", "b", "c"]
    assert [seen[0][1], seen[1][1]] == ["Write a poem", "Shorten: a did it"]
    assert "Write a poem" in seen[2][1]
    assert "b did it" in seen[2][1]


async def test_a_text_that_looks_like_a_template_is_not_filled_in(start: Start) -> None:
    seen: list[tuple[str, str]] = []
    team = Pipeline("line", stages=["a", Stage("b", task="{previous} / {request}")])
    async with start(model(seen, a=say("{request} {previous}")), app(team)) as it:
        await it.holdfast.client.run("line", "secret")
    assert seen[1][1] == "{request} {previous} / secret"


async def test_a_pipeline_ends_with_the_error_of_a_failed_stage(start: Start) -> None:
    seen: list[tuple[str, str]] = []
    async with start(model(seen, b=failed(400)), app(Pipeline("line", stages=["a", "b", "c"]))) as it:
        with pytest.raises(ChildFailed, match="b failed"):
            await it.holdfast.client.run("line", "Go")
    assert [name for name, _ in seen] == ["a", "b"]


async def test_a_failed_stage_goes_to_its_fallback_agent(start: Start) -> None:
    team = Pipeline("line", stages=["a", Stage("b", fallbacks=["spare"])])
    async with start(model(b=failed(400)), app(team)) as it:
        assert await it.holdfast.client.run("line", "Go") == "spare did it"


async def test_the_agents_of_a_parallel_team_work_at_the_same_time(start: Start) -> None:
    both = Gate()

    async def answer(request: Request) -> Reply:
        if request.model == "c":
            return say("c combined: " + asked(request))
        both.left.append(request.model)
        if len(both.left) == 2:
            both.opened.set()
        await both.opened.wait()
        return say(f"{request.model} did it")

    team = Parallel("pair", agents=["a", "b"], combine="c")
    async with start(answer, app(team)) as it:
        reply = await it.holdfast.client.run("pair", "Go")
    assert reply.startswith("c combined")
    assert "## a\n\na did it" in reply
    assert "## b\n\nb did it" in reply


async def test_a_parallel_team_replies_with_the_results_that_it_has(start: Start) -> None:
    async with start(model(a=failed(400)), app(Parallel("pair", agents=["a", "b"]))) as it:
        reply = await it.holdfast.client.run("pair", "Go")
    assert "b did it" in reply
    assert "(no reply: error: a failed" in reply


async def test_a_parallel_team_fails_if_every_agent_fails(start: Start) -> None:
    script = model(a=failed(400), b=failed(400))
    async with start(script, app(Parallel("pair", agents=["a", "b"]))) as it:
        with pytest.raises(ChildFailed, match="no agent of the team"):
            await it.holdfast.client.run("pair", "Go")


async def test_the_first_reply_of_a_parallel_team_cancels_the_others(start: Start) -> None:
    gate = Gate()

    async def answer(request: Request) -> Reply:
        if request.model == "a":
            gate.entered.set()
            await gate.opened.wait()
        await gate.arrived()
        return say(f"{request.model} did it")

    team = Parallel("race", agents=["a", "b"], join="first", combine="c")
    async with start(answer, app(team)) as it:
        session = await it.holdfast.client.start_task("race", "Go")
        assert (await session.result()).text == "c did it"
        await has_sessions(it, session, {("a", "cancelled"), ("b", "closed")})
        gate.opened.set()


async def test_the_sides_of_a_debate_read_each_other_and_the_judge_answers(start: Start) -> None:
    seen: list[tuple[str, str]] = []
    team = Debate("court", sides=["a", "b"], judge="c", rounds=2)
    async with start(model(seen), app(team)) as it:
        assert await it.holdfast.client.run("court", "Tea or coffee?") == "c did it"
    assert sorted(name for name, _ in seen) == ["a", "a", "b", "b", "c"]
    second = [task for name, task in seen if name == "a"][1]
    assert "## b, round 1\n\nb did it" in second
    verdict = seen[-1][1]
    assert "Tea or coffee?" in verdict
    assert "## a, round 2" in verdict


async def test_a_team_is_a_tool_of_an_agent_and_a_stage_of_a_team(start: Start) -> None:
    line = Pipeline("line", stages=["a", "b"])
    lead = agent("lead", Delegate(line))
    outer = Pipeline("outer", stages=[lead, "c"])

    def answer(request: Request) -> Reply:
        if request.model == "lead" and not request.results:
            return call("delegate_to_line", {"task": "Do it"})
        return say("It is done: " + asked(request) if request.model == "lead" else f"{request.model} did it")

    made = App(agents=[agent("a"), agent("b"), agent("c"), lead], teams=[line, outer])
    async with start(answer, made) as it:
        session = await it.holdfast.client.start_task(outer, "Go")
        assert (await session.result()).text == "c did it"
        await has_sessions(
            it, session, {(each, "closed") for each in ("outer", "lead", "line", "a", "b", "c")}
        )


async def test_a_team_has_the_output_of_its_last_agent(start: Start) -> None:
    last = agent("last", output_type=Report)
    team: Pipeline[Report] = Pipeline("line", stages=["a", last])
    made = App(agents=[agent("a"), last], teams=[team])
    async with start(model(last=say('{"title": "Tea", "points": ["hot"]}')), made) as it:
        assert await it.holdfast.client.run(team, "Go") == Report(title="Tea", points=["hot"])


async def test_a_conversation_with_a_team_takes_each_message_as_a_request(start: Start) -> None:
    seen: list[tuple[str, str]] = []
    async with start(model(seen), app(Pipeline("line", stages=["a"]))) as it:
        session = await it.holdfast.client.start("line", "One")
        await session.wait()
        await session.send("Two")
    assert seen == [("a", "One"), ("a", "Two")]


async def test_an_instruction_during_the_run_reaches_the_next_stage(start: Start) -> None:
    gate, seen = Gate(), list[tuple[str, str]]()

    async def answer(request: Request) -> Reply:
        seen.append((request.model, asked(request)))
        if request.model == "a":
            gate.entered.set()
            await gate.opened.wait()
        return say(f"{request.model} did it")

    async with start(answer, app(Pipeline("line", stages=["a", "b"]))) as it:
        session = await it.holdfast.client.start("line", "Go")
        await gate.arrived()
        await session.steer("In French, please")
        gate.opened.set()
        assert (await session.wait()).text == "b did it"
    assert "In French, please" in seen[1][1]


async def test_the_budget_of_a_team_holds_for_its_agents(start: Start) -> None:
    used = say("A draft.").but(input_tokens=900, output_tokens=100)
    team = Pipeline("line", stages=["a", "b", "c"], budget=Budget(tokens=5_000))
    async with start(model(a=used, b=used.but(input_tokens=4_000)), app(team)) as it:
        session = await it.holdfast.client.start_task("line", "Go")
        with pytest.raises(ChildFailed, match="c failed: The budget"):
            await session.result()
        accounts = await it.holdfast.client.budgets(prefix=f"run:{session.id}")
    assert [(each.account, each.tokens) for each in accounts] == [(f"run:{session.id}", 5_100)]


async def test_rules_apply_to_the_tools_of_a_team(start: Start) -> None:
    rules = Permissions(rules=(deny("delegate_to_b", reason="not today"),))
    team = Pipeline("line", stages=["a", "b"], permissions=rules)
    async with start(model(), app(team)) as it:
        with pytest.raises(ChildFailed, match="not today"):
            await it.holdfast.client.run("line", "Go")


async def test_the_history_of_a_team_does_not_contain_its_texts(start: Start) -> None:
    long = say("word " * 20_000)
    async with start(model(a=long), app(Pipeline("line", stages=["a", "b"]))) as it:
        session = await it.holdfast.client.start_task("line", "Go")
        await session.result()
        handle = it.holdfast.temporal.get_workflow_handle(session.id)
        history = await handle.fetch_history()
        assert sum(event.ByteSize() for event in history.events) < 60_000


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: app(Pipeline("line", stages=["a", "bb"])), "No agent 'bb'"),
        (lambda: app(Pipeline("a", stages=["b"])), "name of another team or agent"),
        (lambda: app(Pipeline("line", stages=[])), "give a list of 1 to"),
        (lambda: app(Parallel("pair", agents=["a"])), "give a list of 2 to"),
        (lambda: app(Debate("court", sides=["a", "b"], judge="c", rounds=0)), "rounds"),
        (
            lambda: app(Parallel("p", agents=[Stage("a", timeout=1), "b"], join="first")),
            "fallbacks or timeout",
        ),
        (
            lambda: App(
                agents=[agent("x", Handoff("line")), agent("a")], teams=[Pipeline("line", stages=["a"])]
            ),
            "use Delegate",
        ),
    ],
)
def test_a_team_that_cannot_work_is_refused(make: Callable[[], App], problem: str) -> None:
    with pytest.raises(InvalidDeclaration, match=problem):
        make()
