"""Tools and agents on service queues: where their calls run, and what a call without a worker comes to."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle

from holdfast import (
    Agent,
    App,
    ErrorReply,
    Memory,
    QueueUnserved,
    ResultEntry,
    Route,
    Routing,
    Session,
    Tool,
    tool,
)
from holdfast.testing import Request, call, failed, say
from holdfast_workflows.session.turn import service_queue

from ...support import eventually
from ..conftest import Running, Start


def answers(name: str, queue: str = "", timeout: float | None = None, **options: Any) -> Tool[..., Any]:
    """A tool on a service queue."""

    @tool(name=name, queue=queue, queue_timeout=timeout, trusted=True, **options)
    async def found() -> str:
        """Look something up."""
        return f"found by {name}"

    return found


def app(*tools: Tool[..., Any], **options: Any) -> App:
    return App(agents=[Agent("core", model="openai:m", tools=tools, **options)])


def handle(it: Running, session: Session) -> WorkflowHandle[Any, Any]:
    return it.holdfast.temporal.get_workflow_handle(session.id)


async def queues(it: Running, session: Session) -> dict[str, str]:
    """The queue of each activity of a session, without the start of its name."""
    scheduled = [
        event.activity_task_scheduled_event_attributes
        for event in (await handle(it, session).fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    base = it.holdfast.task_queue
    return {each.activity_type.name: each.task_queue.name.removeprefix(base) for each in scheduled}


async def results(session: Session) -> dict[str, str]:
    return {each.name: each.text async for each in session.log() if isinstance(each, ResultEntry)}


async def details(it: Running, session: Session) -> str:
    found: WorkflowMetadata = await handle(it, session).query("__temporal_workflow_metadata")
    return found.current_details


async def test_a_call_runs_on_its_tools_queue_which_other_workers_serve(start: Start) -> None:
    script = [call("search") + call("local"), say("Done.")]
    async with start(script, app(answers("search", "search"), answers("local")), queues="") as it:
        session = await it.holdfast.client.start("core", "Go.")

        async def local_ended() -> bool:
            return "local" in await results(session)

        await eventually(local_ended)
        assert "search" not in await results(session)
        async with it.holdfast.worker(queues="search"):
            assert (await session.wait()).text == "Done."
        assert await results(session) == {"search": "found by search", "local": "found by local"}
        assert await queues(it, session) == {"think": "", "local": "", "search": "-search"}


async def test_an_agents_queue_has_its_model_and_its_tools_but_not_those_of_other_queues(
    start: Start,
) -> None:
    tools = answers("search", "search"), answers("own")
    script = [call("search") + call("own"), say("Done.")]
    async with start(script, app(*tools, queue="research", memory=Memory())) as it:
        session = await it.holdfast.client.start("core", "Go.")
        assert (await session.wait()).text == "Done."
        await session.close()
        await session.result()
        found = await queues(it, session)
        assert found.get("settle_turn", "") == ""
        researched = {name for name, queue in found.items() if queue == "-research"}
        assert researched == {"recall", "think", "own", "remember_turn"}
        assert found["search"] == "-search"


async def test_the_core_agent_combines_the_results_of_services_of_which_some_fail(start: Start) -> None:
    @tool(queue="prices", retries=0)
    async def prices() -> str:
        """Look up prices."""
        raise RuntimeError("the price list is away")

    def combine(request: Request) -> Any:
        told = [str(each["content"]) for each in request.messages if each["role"] == "tool"]
        return say(" | ".join(told)) if told else call("search") + call("prices") + call("translate")

    tools = answers("search", "search"), prices, answers("translate", "translate", timeout=0.5)
    async with start(combine, app(*tools), queues="") as it, it.holdfast.worker(queues="search,prices"):
        reply = await (await it.holdfast.client.start("core", "Go.")).wait()
        search, priced, translated = reply.text.split(" | ")
        assert search == "found by search"
        assert "the price list is away" in priced
        queue = f"{it.holdfast.task_queue}-translate"
        assert translated == f"not run: no worker of queue {queue!r} took the call within 0.5 s"


async def test_a_wait_for_a_worker_is_shown_until_one_takes_the_call(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_queue, "QUEUE_NOTICE", 0.3)
    script = [call("search"), say("Done.")]
    async with start(script, app(answers("search", "search")), queues="") as it:
        session = await it.holdfast.client.start("core", "Go.")
        wait = f"no worker of queue '{it.holdfast.task_queue}-search' took the call within 0.3 s"

        async def shown() -> bool:
            return f"**waits**: {wait}" in (await details(it, session)).replace("\\", "")

        await eventually(shown)
        async with it.holdfast.worker(queues="search"):
            assert (await session.wait()).text == "Done."
        assert "**waits**" not in await details(it, session)
        assert await results(session) == {"search": "found by search"}


async def test_after_an_unserved_call_the_next_one_of_the_turn_waits_only_a_moment(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_queue, "QUEUE_NOTICE", 0.2)
    script = [call("search"), call("search"), say("Done.")]
    async with start(script, app(answers("search", "search", timeout=0.6)), queues="") as it:
        session = await it.holdfast.client.start("core", "Go.")
        await session.wait()
        told = [each.text async for each in session.log() if isinstance(each, ResultEntry)]
        assert [each.rpartition(" took the call ")[2] for each in told] == ["within 0.6 s", "within 0.2 s"]


async def test_a_turn_whose_agent_has_no_worker_fails_with_an_error_of_its_own(start: Start) -> None:
    lonely = app(queue="research", queue_timeout=0.3)
    async with start([say("Done.")], lonely, queues="") as it:
        session = await it.holdfast.client.start("core", "Go.")
        with pytest.raises(QueueUnserved, match=r"-research' took the call within 0\.3 s"):
            await session.wait()
        async with it.holdfast.worker(queues="research"):
            assert (await session.send("Again.")).text == "Done."


async def test_the_fallbacks_of_an_agent_apply_when_its_queue_has_no_worker(start: Start) -> None:
    lonely = app(queue="research", queue_timeout=0.3, fallbacks=[ErrorReply(text="Try later.")])
    async with start([], lonely, queues="") as it:
        session = await it.holdfast.client.start("core", "Go.")
        with pytest.raises(QueueUnserved):
            await session.wait()
        assert (await session.wait(raise_on_error=False)).text == "Try later."


@pytest.mark.parametrize("notice", [0.2, 60.0], ids=["shown", "not shown yet"])
async def test_a_cancel_ends_the_wait_for_a_worker(
    start: Start, monkeypatch: pytest.MonkeyPatch, notice: float
) -> None:
    monkeypatch.setattr(service_queue, "QUEUE_NOTICE", notice)
    async with start([call("search")], app(answers("search", "search")), queues="") as it:
        session = await it.holdfast.client.start("core", "Go.")

        async def waits() -> bool:
            now = await details(it, session)
            return "**waits**" in now if notice < 1 else "running now: `search`" in now

        await eventually(waits)
        reply = await session.cancel()
        assert reply.status == "cancelled"
        assert "**waits**" not in await details(it, session)


async def test_a_call_is_undone_on_the_queue_of_its_tool(start: Start) -> None:
    undone: list[str] = []

    @tool
    async def unbook() -> str:
        """Cancel the room."""
        undone.append("room")
        return "cancelled"

    @tool(effect="once", queue="rooms", undo=unbook)
    async def book() -> str:
        """Book a room."""
        return "booked"

    async with start([call("book"), failed(401)], app(book)) as it:
        session = await it.holdfast.client.start("core", "Go.")
        await session.wait(raise_on_error=False)
        assert undone == ["room"]
        assert (await queues(it, session))["unbook"] == "-rooms"


async def test_a_request_is_not_routed_to_an_agent_whose_service_has_no_worker(start: Start) -> None:
    help_only = Routing(capabilities=("help",))
    lab = Agent("lab", model="openai:m", routing=help_only, queue="lab")
    desk = Agent("desk", model="openai:m", routing=help_only)
    async with start([say("Hello.")], App(agents=[lab, desk]), queues="") as it:
        session = await it.holdfast.client.start(Route(capabilities=("help",)), "Help!")
        assert (await session.wait()).text == "Hello."
        assert (await session.view()).agent == "desk"


async def test_an_undo_waits_longer_for_a_worker_than_its_queue_timeout(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_queue, "QUEUE_NOTICE", 0.2)
    undo = answers("unbook", "rooms", timeout=0.2, effect="idempotent")

    @tool(effect="once", undo=undo)
    async def book() -> str:
        """Book a room."""
        return "booked"

    async with start([call("book"), failed(401)], app(book), queues="") as it:
        session = await it.holdfast.client.start("core", "Go.")

        async def waits() -> bool:
            return "**waits**" in await details(it, session)

        await eventually(waits)
        async with it.holdfast.worker(queues="rooms"):
            await session.wait(raise_on_error=False)
        assert [row.status for row in await session.effects()] == ["undone"]
