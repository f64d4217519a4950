"""Teams and handoffs in a deployment with an identity provider."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, Handoff, Pipeline, SessionNotFound
from holdfast.testing import call, say
from holdfast_client import Client
from holdfast_workflows.contracts.names import call_key

from .conftest import Guarding


def agent(name: str, *tools: Handoff) -> Agent:
    return Agent(name, model="openai:scripted", tools=tools)


async def owners(client: Client, *sessions: str) -> list[tuple[str, str, str]]:
    views = [await client.session(id).view() for id in sessions]
    return [(view.tenant, view.user, view.started_by) for view in views]


async def test_a_team_and_its_agents_belong_to_the_user_who_started_it(guarding: Guarding) -> None:
    app = App(
        agents=[agent("writer"), agent("critic")], teams=[Pipeline("line", stages=["writer", "critic"])]
    )
    async with guarding([say("A draft."), say("Good.")], app) as it:
        ann = await it.client("ann")
        session = await ann.start("line", "Tea")
        assert (await session.wait()).text == "Good."
        writer = call_key(session.id, 3)
        assert await owners(ann, session.id, writer) == [("acme", "ann", "ann")] * 2
        for name in ("bob", "eve"):
            other = await it.client(name)
            for id in (session.id, writer):
                with pytest.raises(SessionNotFound):
                    await other.session(id).view()


async def test_a_session_that_was_handed_off_stays_its_users(guarding: Guarding) -> None:
    app = App(agents=[agent("triage", Handoff("billing")), agent("billing")])
    async with guarding([call("handoff_to_billing", {}), say("90 €.")], app) as it:
        ann = await it.client("ann")
        session = await ann.start("triage", "What do I owe?")
        assert (await session.wait()).text == "90 €."
        assert (await session.view()).agent == "billing"
        assert await owners(ann, session.id) == [("acme", "ann", "ann")]
        with pytest.raises(SessionNotFound):
            await (await it.client("bob")).session(session.id).view()
        audited = await (await it.client("auditor")).audit(session=session.id)
        [change] = [each.record for each in audited if each.record.action == "agent_changed"]
        assert (change.details["from"], change.details["to"]) == ("triage", "billing")
