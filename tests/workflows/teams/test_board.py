"""Boards in runs: what one agent writes another one reads, and a conflict is a result that the model can act on."""

from __future__ import annotations

import json

import pytest

from holdfast import Agent, App, BadInput, Board, BoardConflict, InvalidDeclaration, ResultEntry, tool
from holdfast.testing import Reply, call, say
from holdfast.testing.server.requests import Seen

from ..conftest import Start


def app(*boards: Board) -> App:
    return App(
        agents=[
            Agent(name, model="openai:scripted", tools=list(boards) or [Board()])
            for name in ("writer", "critic")
        ]
    )


def write(text: str, version: int, key: str = "plan", name: str = "write_board") -> Reply:
    return call(name, {"key": key, "text": text, "version": version})


def results(request: Seen) -> list[str]:
    messages = json.loads(request.body)["messages"]
    return [each["content"] for each in messages if each["role"] == "tool"]


async def test_a_model_resolves_a_conflict_with_a_write_of_a_person(start: Start) -> None:
    script = [write("Draft.", 0), say("Drafted."), write("Mine.", 1), write("Both.", 2), say("Merged.")]
    async with start(script, app()) as it:
        session = await it.holdfast.client.start("writer", "Plan.")
        await session.wait()
        board = session.board
        theirs = await board.write("plan", "Theirs.", version=1, by="ann")
        assert (theirs.version, theirs.agent) == (2, "person:ann")
        await session.send("Go on.")
        conflict, merged = results(it.model.requests[-1])[1:]
        assert "not written" in conflict
        assert "version=2" in conflict
        assert "Theirs." in conflict
        assert merged == "written: plan is at version 3"
        [row] = await board.list()
        assert (row.key, row.version, row.agent, row.session, row.text) == (
            "plan",
            3,
            "writer",
            session.id,
            "",
        )
        assert [each.text for each in await board.versions("plan")] == ["Both.", "Theirs.", "Draft."]
        statuses = [entry.status async for entry in session.log() if isinstance(entry, ResultEntry)]
        assert statuses == ["ok", "failed", "ok"]
        with pytest.raises(BoardConflict):
            await board.write("plan", "Late.", version=2)
        with pytest.raises(BadInput):
            await board.write("a key with spaces", "x")


async def test_a_board_with_a_name_is_one_for_the_sessions_of_a_tenant(start: Start) -> None:
    script = [
        write("12 euros", 0, "prices/acme", "write_prices"),
        say("Noted."),
        *(
            reply
            for _ in range(2)
            for reply in (
                call("list_prices", {}),
                call("read_prices", {"keys": ["prices/acme"]}),
                say("Read."),
            )
        ),
    ]
    async with start(script, app(Board("prices"))) as it:
        client = it.holdfast.client
        await (await client.start("writer", "Note it.", tenant="acme")).wait()
        await (await client.start("critic", "Read it.", tenant="acme")).wait()
        listed, read = results(it.model.requests[-1])
        assert "prices/acme: version 1 by writer" in listed
        assert "8 characters" in listed
        assert "12 euros" in read
        await (await client.start("critic", "Read it.", tenant="other")).wait()
        listed, read = results(it.model.requests[-1])
        assert "no such entries" in listed
        assert "12 euros" not in read
        entry = await client.board("prices", tenant="acme").read("prices/acme")
        assert entry is not None
        assert entry.text == "12 euros"
        assert await client.board("prices", tenant="other").read("prices/acme") is None


def test_the_name_of_a_board_cannot_lead_to_another_tenants() -> None:
    from pydantic import ValidationError

    from holdfast_workflows.contracts.teams.board import ReadBoard

    with pytest.raises(ValidationError, match="board"):
        ReadBoard(board="b:prices", tenant="a")


def test_a_board_without_write_has_no_tool_that_writes() -> None:
    assert [spec.name for spec in Board(write=False).specs] == ["list_board", "read_board"]


def test_a_tool_with_the_name_of_a_boards_tool_is_refused() -> None:
    @tool
    async def read_board() -> str:
        """Read it."""
        return ""

    with pytest.raises(InvalidDeclaration, match="two tools named 'read_board'"):
        Agent("a", model="openai:m", tools=[Board(), read_board])
    with pytest.raises(InvalidDeclaration, match="reserved"):
        Board("log")
