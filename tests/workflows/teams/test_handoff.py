"""An agent hands its session off to another agent, which goes on with the same conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast import (
    Agent,
    App,
    Budget,
    Handoff,
    InvalidDeclaration,
    Memory,
    Permissions,
    Session,
    deny,
    tool,
)
from holdfast.testing import Reply, Request, call, failed, say
from holdfast_activities.context.untrusted.frames import framed
from holdfast_workflows.contracts.agent.spec import RetryPolicy
from holdfast_workflows.contracts.limits import MAX_HANDOFFS
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.session.session import Event

from ...support import Report, eventually, look, peek
from ..conftest import Running, Start
from ..limited import events

TO_BILLING = call("handoff_to_billing", {"reason": "an invoice"})


def agent(name: str, *tools: Any, **options: Any) -> Agent[Any]:
    """An agent whose requests are recognised by their model."""
    return Agent(name, model=f"openai:{name}", instructions=f"You are {name}.", tools=tools, **options)


def desk(**options: Any) -> App:
    """Triage hands off to billing, which hands back."""
    return App(
        agents=[agent("triage", Handoff("billing"), **options), agent("billing", Handoff("triage"), look)]
    )


def body(it: Running, number: int) -> Any:
    """The body of the model's request at an index."""
    return json.loads(it.model.requests[number].body)


def models(it: Running) -> list[str]:
    """The models that were asked, in order."""
    return [json.loads(each.body)["model"] for each in it.model.requests]


async def changes(session: Session) -> list[Event]:
    return await events(session, "agent_changed")


async def test_the_other_agent_answers_and_keeps_the_session(start: Start) -> None:
    async with start([TO_BILLING, say("It is 90 €."), say("Yes.")], desk()) as it:
        session = await it.holdfast.client.start("triage", "What do I owe?")
        assert (await session.wait()).text == "It is 90 €."
        assert (await session.send("Really?")).text == "Yes."
        assert models(it) == ["triage", "billing", "billing"]
        second = str(body(it, 1)["messages"])
        assert "You are billing." in second
        assert "You are triage." not in second
        assert "What do I owe?" in second
        assert (await session.view()).agent == "billing"
        [change] = await changes(session)
        assert (change.name, change.text, change.status) == ("billing", "an invoice", "ok")

        async def listed() -> bool:
            return session.id in [each.id async for each in it.holdfast.client.sessions(agent="billing")]

        await eventually(listed)  # the server lists with a delay


async def test_a_handoff_survives_a_continue_as_new(start: Start) -> None:
    script = [TO_BILLING, *(call("look", {"at": str(each)}) for each in range(8)), say("Done.")]
    async with start(script, desk()) as it:
        session = await it.holdfast.client.start("triage", "Go", continue_as_new_after=12)
        assert (await session.wait()).text == "Done."
        assert set(models(it)[1:]) == {"billing"}
        info = await it.holdfast.temporal.get_workflow_handle(session.id).describe()
        assert info.run_id != info.raw_description.workflow_execution_info.first_run_id


async def test_agents_cannot_pass_a_message_around_forever(start: Start) -> None:
    def model(request: Request) -> Reply:
        if f"refused: {MAX_HANDOFFS} handoffs" in str(request.messages):
            return say("I answer.")
        return call("handoff_to_billing" if request.model == "triage" else "handoff_to_triage", {})

    async with start(model, desk()) as it:
        session = await it.holdfast.client.start("triage", "Go")
        assert (await session.wait()).text == "I answer."
        assert len(await changes(session)) == MAX_HANDOFFS


async def test_of_two_handoffs_in_one_step_the_first_counts(start: Start) -> None:
    app = App(
        agents=[agent("triage", Handoff("billing"), Handoff("sales")), agent("billing"), agent("sales")]
    )
    async with start([TO_BILLING + call("handoff_to_sales", {}), say("Billing.")], app) as it:
        session = await it.holdfast.client.start("triage", "Go")
        assert (await session.wait()).text == "Billing."
        assert models(it)[-1] == "billing"
        results = [entry async for entry in session.log() if isinstance(entry, ResultEntry)]
        assert [each.status for each in results] == ["ok", "failed"]
        assert "another handoff" in results[1].text


async def test_an_agent_without_tools_can_go_on_with_a_conversation_that_has_calls(start: Start) -> None:
    """Providers refuse a conversation with calls if no tools are declared."""
    app = App(agents=[agent("triage", Handoff("billing")), agent("billing")])
    async with start([TO_BILLING, say("Hello.")], app) as it:
        session = await it.holdfast.client.start("triage", "Go")
        await session.wait()
        tools = body(it, -1)["tools"]
        assert [each["function"]["name"] for each in tools] == ["read_more"]


async def test_the_former_agents_calls_are_undone_when_the_turn_fails(start: Start) -> None:
    done: list[str] = []

    @tool(retries=0)
    async def unbook(what: str) -> str:
        """Take a booking back.

        Args:
            what: What was booked.
        """
        done.append(f"unbook {what}")
        return "free again"

    @tool(effect="idempotent", undo=unbook)
    async def book(what: str) -> str:
        """Book something.

        Args:
            what: What to book.
        """
        done.append(f"book {what}")
        return "booked"

    app = App(
        agents=[
            agent("triage", Handoff("billing"), book),
            agent("billing", model_retry=RetryPolicy(attempts=1)),
        ]
    )
    script = [call("book", {"what": "a room"}), TO_BILLING, failed(400)]
    async with start(script, app) as it:
        session = await it.holdfast.client.start("triage", "Go")
        assert (await session.wait(raise_on_error=False)).status == "failed"
        await eventually(lambda: _is(done, ["book a room", "unbook a room"]))


async def _is(found: list[str], wanted: list[str]) -> bool:
    return found == wanted


async def test_what_only_the_first_agent_trusts_is_framed_for_the_other(start: Start) -> None:
    @tool(trusted=True)
    async def rates() -> str:
        """Look the rates up."""
        return "five percent"

    app = App(agents=[agent("triage", Handoff("billing"), rates), agent("billing")])
    async with start([call("rates", {}), TO_BILLING, say("5 %.")], app) as it:
        session = await it.holdfast.client.start("triage", "Go")
        await session.wait()
        shown = [
            next(each["content"] for each in body(it, number)["messages"] if each["role"] == "tool")
            for number in (1, 2)
        ]
        assert shown[0] == "five percent"
        assert shown[1] == framed("five percent")


async def test_the_sessions_own_rules_apply_to_the_other_agent(start: Start) -> None:
    app = App(agents=[agent("triage", Handoff("billing"), look), agent("billing", peek)])
    rules = Permissions(rules=(deny("look"), deny("pee*")))
    async with start([TO_BILLING, call("peek", {"at": "it"}), say("I may not.")], app) as it:
        session = await it.holdfast.client.start("triage", "Go", permissions=rules)
        await session.wait()
        assert models(it) == ["triage", "billing", "billing"]
        results = [entry async for entry in session.log() if isinstance(entry, ResultEntry)]
        assert [(each.name, each.status) for each in results] == [
            ("handoff_to_billing", "ok"),
            ("peek", "denied"),
        ]


async def test_the_plan_and_the_budget_stay_those_of_the_session(start: Start) -> None:
    plan = {"items": [{"text": "find the invoice", "status": "doing"}]}
    app = App(
        agents=[
            agent("triage", Handoff("billing"), working_memory=True, budget=Budget(steps=4)),
            agent("billing", look, working_memory=True, budget=Budget(steps=50)),
        ]
    )
    script = [call("update_plan", plan), TO_BILLING, *(call("look", {"at": "x"}) for _ in range(9))]
    async with start(script, app) as it:
        session = await it.holdfast.client.start("triage", "Go")
        await session.wait(raise_on_error=False)
        assert "find the invoice" in str(body(it, 2)["messages"])
        assert (await session.view()).spending.steps == 4


async def test_the_turn_is_remembered_for_an_agent_with_memory(start: Start) -> None:
    def model(request: Request) -> Reply:
        return TO_BILLING if request.model == "triage" else say("Blue.")

    app = App(agents=[agent("triage", Handoff("billing")), agent("billing", memory=Memory())])
    async with start(model, app) as it:
        session = await it.holdfast.client.start("triage", "My colour is blue", user="ann")
        await session.wait()

        async def remembered() -> bool:
            found = await it.holdfast.client.memory.search("colour")
            return any("My colour is blue" in each.text for each in found)

        await eventually(remembered)
        assert (await session.send("What is my colour?")).text == "Blue."


async def test_a_person_can_refuse_a_handoff(start: Start) -> None:
    app = App(agents=[agent("triage", Handoff("billing", approval="ask")), agent("billing")])
    async with start([TO_BILLING, say("I stay.")], app) as it:
        session = await it.holdfast.client.start("triage", "Go")

        async def asked() -> bool:
            return bool((await session.view()).inbox)

        await eventually(asked)
        [item] = (await session.view()).inbox
        await session.reject(item.id, reason="not now")
        assert (await session.wait()).text == "I stay."
        assert (await session.view()).agent == "triage"


async def test_a_repinned_session_keeps_the_agent_it_was_handed_off_to(start: Start) -> None:
    async with start([TO_BILLING, say("Here."), say("Still here.")], desk()) as it:
        session = await it.holdfast.client.start("triage", "Go")
        await session.wait()
        assert (await session.repin()).agent == "billing"
        await session.send("And now?")
        assert models(it)[-1] == "billing"


@pytest.mark.parametrize(
    ("triage", "problem"),
    [
        (agent("triage", Handoff("biling")), "did you mean 'billing'"),
        (agent("triage", Handoff("triage")), "to the agent itself"),
        (agent("triage", Handoff("billing"), output_type=Report), "output_type"),
    ],
)
def test_a_handoff_that_cannot_work_is_refused_in_the_app(triage: Agent[Any], problem: str) -> None:
    with pytest.raises(InvalidDeclaration, match=problem):
        App(agents=[triage, agent("billing")])
