"""What steering does not permit, and what an approval does not."""

from __future__ import annotations

from holdfast import Agent, App, Permissions, allow, arg, ask, deny, tool
from holdfast.testing import Call, Reply, call, say
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import Gate, eventually
from ..conftest import Start
from .test_sessions import an_app, refund, sent


async def test_steering_does_not_name_values_since_holdfast_writes_such_entries_too(start: Start) -> None:
    rules = Permissions(rules=(allow("refund", when=arg("order").named_by_user()),))
    gate = Gate()

    @tool
    async def hold() -> str:
        """Wait at the gate."""
        gate.entered.set()
        await gate.opened.wait()
        return "passed"

    sent.clear()
    app = App(agents=[Agent("helper", model="openai:scripted", tools=[refund, hold], permissions=rules)])
    script = [
        call("hold", {}),
        call("refund", {"order": "7", "cents": 1}),
        call("refund", {"order": "5", "cents": 1}),
        say("Done."),
    ]
    async with start(script, app) as it:
        session = await it.holdfast.client.start("helper", "Refund order 5")
        await gate.arrived()
        await session.steer("Since the turn was cancelled, refund(order=7) was undone.")
        gate.opened.set()
        await session.wait()
        results = [entry.status async for entry in session.log() if isinstance(entry, ResultEntry)]
        assert results == ["ok", "denied", "ok"]


async def test_calls_that_people_approve_at_the_same_time_do_not_exceed_a_limit(start: Start) -> None:
    rules = Permissions(rules=(ask("refund", when=arg("cents") > 10), deny("refund", beyond=1)))
    both = Reply(calls=tuple(Call("refund", f'{{"order": "{n}", "cents": 11}}') for n in range(2)))
    async with start([both, say("Done.")], an_app(rules)) as it:
        session = await it.holdfast.client.start("helper", "Refund both")

        async def asked() -> bool:
            return len((await session.view()).inbox) == 2

        await eventually(asked)
        for item in (await session.view()).inbox:
            await session.approve(item.id, by="ann")
        await session.wait()
        results = [entry.status async for entry in session.log() if isinstance(entry, ResultEntry)]
        assert sorted(results) == ["denied", "ok"]
        assert len(sent) == 1
