"""``holdfast tree``, ``holdfast board``, and what ``holdfast show`` prints of a team."""

from __future__ import annotations

from holdfast import Agent, App, Board, Delegate
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer

from ....support import eventually
from ....workflows.teams.team import agent, by_agent
from ..test_command import holdfast, lines

PRICE = {"key": "prices/acme", "text": "12 [euros]", "version": 0}


def team() -> App:
    writer = agent("writer", tools=[Board()])
    lead = Agent("lead", model="openai:lead", tools=[Delegate(writer)])
    return App(agents=[lead, writer])


async def test_a_team_is_shown_with_its_tree_and_its_board(server: DevServer) -> None:
    script = by_agent(
        lead=[call("delegate_to_writer", {"task": "Note the [price]."}), say("Noted.")],
        writer=[call("write_board", PRICE), say("Done.")],
    )
    async with (
        ScriptedModel(script) as model,
        Environment.start(team(), model, server=server.address) as environment,
    ):
        session = await environment.client.start("lead", "Note it.")
        await session.wait()

        async def listed() -> bool:
            return (await session.tree()).size == 2

        await eventually(listed)
        code, out, _ = await holdfast(environment, "tree", session.id)
        assert code == 0
        first, message, child, task, total = out.splitlines()
        assert first.startswith(f"lead {session.id} · idle · ")
        assert message.endswith("Note it.")
        assert f"writer {session.id}-" in child
        assert task.endswith("Note the [price].")
        assert total.startswith("2 sessions · $")

        _, out, _ = await holdfast(environment, "tree", session.id, "--json")
        parts = lines(out)
        assert [(each["depth"], each["agent"], each["error"]) for each in parts] == [
            (0, "lead", ""),
            (1, "writer", ""),
        ]
        code, shown, _ = await holdfast(environment, "show", session.id)
        assert code == 0
        assert f"writer {parts[1]['id']}" in shown
        code, shown, _ = await holdfast(environment, "show", parts[1]["id"])
        assert f"works for {session.id}: holdfast tree {session.id}" in shown

        code, out, _ = await holdfast(environment, "board", parts[1]["id"])
        assert code == 0
        assert out.splitlines()[1].split()[:4] == ["prices/acme", "1", "10", "writer"]
        assert await holdfast(environment, "board", session.id, "prices/acme") == (0, "12 [euros]\n", "")
        _, out, _ = await holdfast(environment, "board", session.id, "prices/acme", "--versions", "--json")
        assert [(each["version"], each["text"]) for each in lines(out)] == [(1, "12 [euros]")]
        code, _, err = await holdfast(environment, "board", session.id, "missing")
        assert (code, "no entry 'missing'" in err) == (2, True)
        assert (await holdfast(environment, "board", "prices", "--named"))[:2] == (
            0,
            "There are no such entries.\n",
        )
