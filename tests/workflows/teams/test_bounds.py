"""What child sessions inherit, and what bounds them."""

from __future__ import annotations

from holdfast import App, Budget, Delegate, FanOut, Permissions, allow, deny, tool, untrusted
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.limits import MAX_DEPTH
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import look
from ..conftest import Running, Start
from .team import agent, by_agent, result


@tool(effect="once")
async def pay() -> str:
    """Pay."""
    return "paid"


@tool
async def refund() -> str:
    """Refund."""
    return "refunded"


async def child_results(it: Running, child: str) -> list[str]:
    """The statuses of a child's calls, with their tools."""
    log = it.holdfast.client.session(child).log()
    return [f"{each.name}: {each.status}" async for each in log if isinstance(each, ResultEntry)]


async def test_what_the_parent_may_not_do_its_children_may_not_do_either(start: Start) -> None:
    worker = agent("worker", tools=[pay, refund, look])
    own = Permissions(rules=(deny("refund"), allow("delegate_to_worker")), default="deny")
    lead = agent("lead", tools=[Delegate(worker), refund], permissions=own)
    script = by_agent(
        lead=[call("delegate_to_worker", {"task": "Go"}), say("Done.")],
        worker=[call("refund") + call("pay") + call("look", {"at": "it"}), say("Tried.")],
    )
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go", permissions=Permissions(rules=(deny("pay"),)))
        await session.wait()
        # The parent's list of allowed tools is about its own.
        made = await child_results(it, f"{session.id}-{(await result(session)).seq}")
        assert made == ["refund: denied", "pay: denied", "look: ok"]


async def test_children_of_a_session_that_has_read_untrusted_content_are_untrusted(start: Start) -> None:
    worker = agent("worker", tools=[pay], permissions=Permissions(rules=(deny("pay", when=untrusted()),)))
    lead = agent("lead", tools=[Delegate(worker), look])
    script = by_agent(
        lead=[call("look", {"at": "a page"}), call("delegate_to_worker", {"task": "Go"}), say("Done.")],
        worker=[call("pay"), say("Tried.")],
    )
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait()
        last = [each async for each in session.log() if isinstance(each, ResultEntry)][-1]
        assert await child_results(it, f"{session.id}-{last.seq}") == ["pay: denied"]


async def test_children_are_charged_to_the_budget_of_their_parent(start: Start) -> None:
    worker = agent("worker")
    lead = agent("lead", tools=[FanOut(worker)], budget=Budget(tokens=60_000))
    script = by_agent(
        lead=[call("fan_out_to_worker", {"tasks": ["a", "b"]}), say("Done.")], worker=lambda _: say("Worked.")
    )
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait()
        seq = (await result(session)).seq
        views = [
            await it.holdfast.client.session(f"{session.id}{end}").view()
            for end in ("", f"-{seq}.1", f"-{seq}.2")
        ]
        [account] = await it.holdfast.client.budgets(prefix=f"run:{session.id}")
        assert account.tokens == sum(view.usage.input_tokens + view.usage.output_tokens for view in views)
        assert account.held_tokens == 0


async def test_a_child_whose_parent_has_nothing_left_asks_no_model(start: Start) -> None:
    worker = agent("worker")
    lead = agent(
        "lead", tools=[Delegate(worker)], max_tokens=300, budget=Budget(tokens=5_000, when_spent="stop")
    )
    task = "word " * 5_000
    script = by_agent(lead=[call("delegate_to_worker", {"task": task}), say("Done.")])
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait(raise_on_error=False)
        assert "budget of the session that started this one" in (await result(session)).text
        assert not any(b'"worker"' in request.body for request in it.model.requests)


async def test_steps_and_calls_of_children_count_in_the_budget_of_their_parent(start: Start) -> None:
    worker = agent("worker", tools=[look])
    lead = agent("lead", tools=[Delegate(worker)], budget=Budget(steps=6, tool_calls=10))
    script = by_agent(
        lead=lambda request: say("Done.") if request.results else call("delegate_to_worker", {"task": "Go"}),
        worker=lambda request: (
            say("So far.")
            if request.json.get("tool_choice") == "none"
            else call("look", {"at": str(request.number)})
        ),
    )
    async with start(script, App(agents=[lead, worker])) as it:
        session = await it.holdfast.client.start("lead", "Go")
        await session.wait()
        spending = (await session.view()).spending
        # Of six steps the worker had four: its last one was its answer, and the lead's answer was the sixth.
        assert (await result(session)).text == "So far."
        assert (spending.steps, spending.tool_calls) == (6, 4)


async def test_agents_cannot_delegate_to_each_other_without_end(start: Start) -> None:
    ping, pong = agent("ping", tools=[Delegate("pong")]), agent("pong", tools=[Delegate("ping")])

    def bounce(request: Request) -> Reply:
        to = "pong" if b'"ping"' in request.body[:200] or request.json["model"] == "ping" else "ping"
        return say("Enough.") if request.results else call(f"delegate_to_{to}", {"task": "Go"})

    async with start(bounce, App(agents=[ping, pong])) as it:
        session = await it.holdfast.client.start("ping", "Go")
        assert (await session.wait()).text == "Enough."
        assert len(it.model.requests) == 2 * (MAX_DEPTH + 1)
