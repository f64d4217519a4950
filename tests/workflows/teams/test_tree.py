"""Views of a team: its tree with all costs, its events, and the current details."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from holdfast import (
    Agent,
    App,
    BadInput,
    ChildEnded,
    ChildStarted,
    Client,
    Delegate,
    FanOut,
    Pipeline,
    Session,
    SessionTree,
)
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.session.entries import Usage

from ...support import Gate, eventually
from ..conftest import Start
from .team import Script, agent, by_agent, hold_tool


def team(gate: Gate | None = None) -> App:
    """A lead that delegates to an editor, which fans out to writers."""
    writer = Agent("writer", model="openai:gpt-4o", tools=[hold_tool(gate)] if gate else [])
    editor = Agent("editor", model="openai:gpt-4.1", tools=[FanOut(writer)])
    lead = Agent("lead", model="openai:gpt-5-mini", tools=[Delegate(editor)])
    return App(agents=[lead, editor, writer])


def scripts(writer: Script) -> Script:
    """The replies of the team's models, which have a price."""
    models: dict[str, Script | list[Reply]] = {
        "gpt-5-mini": list(LEAD),
        "gpt-4.1": list(EDITOR),
        "gpt-4o": writer,
    }
    return by_agent(**models)


LEAD = [call("delegate_to_editor", {"task": "Write a book."}), say("Here it is.")]
EDITOR = [call("fan_out_to_writer", {"tasks": ["One.", "Two."]}), say("Edited.")]


async def whole(session: Session, size: int) -> SessionTree:
    """The session's tree once the list has all its sessions as they ended."""
    found: SessionTree | None = None

    async def listed() -> bool:
        nonlocal found
        found = await session.tree()
        others = (part for _, part in found.walk() if part is not found)
        return found.size == size and found.session.turns > 0 and all(part.session.ended for part in others)

    await eventually(listed)
    assert found is not None
    return found


async def test_a_tree_has_every_session_under_the_one_that_started_it(start: Start) -> None:
    async with start(scripts(lambda _: say("Written.")), team()) as it:
        session = await it.holdfast.client.start("lead", "A book, please.")
        await session.wait()
        tree = await whole(session, 4)
        assert [(depth, part.session.agent, part.session.message) for depth, part in tree.walk()] == [
            (0, "lead", "A book, please."),
            (1, "editor", "Write a book."),
            (2, "writer", "One."),
            (2, "writer", "Two."),
        ]
        [editor] = tree.children
        child = it.holdfast.client.session(editor.children[0].session.id)
        assert (await child.tree()).session.id == session.id
        assert tree.part(editor.session.id) == editor
        views = [await it.holdfast.client.session(part.session.id).view() for _, part in tree.walk()]
        assert [view.parent for view in views] == ["", session.id, editor.session.id, editor.session.id]
        spent = sum((view.usage for view in views), Usage())
        lead = views[0]
        assert lead.team is not None
        assert (lead.team.running, lead.team.ended, lead.team.uncounted) == ((), 3, 0)
        assert lead.usage + lead.team.usage == spent
        assert tree.cost == pytest.approx(spent.cost)
        assert spent.cost > lead.usage.cost > 0


async def test_a_pipeline_is_the_root_of_the_sessions_of_its_stages(start: Start) -> None:
    line = Pipeline("line", stages=["first", "second"])
    script = by_agent(first=[say("One.")], second=[say("Two.")])
    async with start(script, App(agents=[agent("first"), agent("second")], teams=[line])) as it:
        session = await it.holdfast.client.start_task("line", "Go")
        assert (await session.result()).text == "Two."
        tree = await whole(session, 3)
        assert [(depth, part.session.agent) for depth, part in tree.walk()] == [
            (0, "line"),
            (1, "first"),
            (1, "second"),
        ]
        team = (await session.view()).team
        assert team is not None
        assert team.ended == 2


async def test_a_failed_session_of_the_tree_has_its_error_and_its_usage_counts(start: Start) -> None:
    def fails(_: Request) -> Reply:
        return say("", finish="length")

    lead, worker = agent("lead", tools=[Delegate("worker")]), agent("worker")
    script = by_agent(lead=[call("delegate_to_worker", {"task": "Go"}), say("No.")], worker=fails)
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait()
        [failed] = (await whole(session, 2)).children
        assert failed.session.status == "failed"
        assert "cut off" in failed.error
        used = (await it.holdfast.client.session(failed.session.id).view()).usage
        view = await session.view()
        assert view.team is not None
        assert view.team.usage == used
        assert used.input_tokens > 0


async def test_a_follower_sees_children_start_and_end_and_the_details_show_those_that_run(
    start: Start,
) -> None:
    gate = Gate()

    def writer(request: Request) -> Reply:
        return say("Written.") if request.results else call("hold")

    async with start(scripts(writer), team(gate)) as it:
        session = await it.holdfast.client.start("lead", "A book, please.")
        await gate.arrived()
        started = await _first(session)
        editor = it.holdfast.client.session(started.session)

        async def both() -> bool:
            running = (await editor.view()).team
            return running is not None and {each.text for each in running.running} == {"One.", "Two."}

        await eventually(both)
        details = await _details(it.holdfast.client, editor.id)
        assert "- child sessions: 2 running" in details
        assert "- writer runs since" in details
        gate.opened.set()
        events = [event async for event in session.stream()]
        [ended] = [event for event in events if isinstance(event, ChildEnded)]
        assert (ended.session, ended.agent, ended.status, ended.seq) == (
            started.session,
            "editor",
            "done",
            started.seq,
        )
        view = await session.view()
        assert view.team is not None
        assert ended.usage == view.team.usage
        details = await _details(it.holdfast.client, session.id)
        assert "- child sessions: 3 ended" in details
        assert f"**editor** (`{started.session}`) done" in details


async def _first(session: Session) -> ChildStarted:
    async with asyncio.timeout(30):
        async for event in session.stream():
            if isinstance(event, ChildStarted):
                return event
    raise AssertionError("no child started")


async def _details(client: Client, session: str) -> str:
    handle: Any = client.temporal.get_workflow_handle(session)
    found: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return found.current_details


async def test_a_tree_of_no_sessions_cannot_be_asked_for(start: Start) -> None:
    async with start([say("Hi.")], App(agents=[agent("lead")])) as it:
        session = await it.holdfast.client.start("lead", "Hi")
        await session.wait()
        with pytest.raises(BadInput, match="limit"):
            await session.tree(limit=0)
        tree = await session.tree()
        assert (tree.size, tree.session.id, tree.children, tree.cut) == (1, session.id, (), False)
        assert (await session.view()).team is None
