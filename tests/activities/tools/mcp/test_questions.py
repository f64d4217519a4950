"""Calls that need a person first: consent of the user, and input that a server asks for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast import BadInput, CredentialsContext, InboxItem, MCPServer, Session
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.control.forms import problem
from holdfast_workflows.contracts.session.entries import ResultEntry

from ....npm_servers import npm_server
from ....support import eventually
from .support import app_with, notes, over_http, recorded


async def of_user(about: CredentialsContext) -> Mapping[str, str]:
    return {"Authorization": f"Bearer of-{about.user}"}


async def waiting(session: Session) -> InboxItem:
    """The item that a person has to answer, once there is one."""

    async def asked() -> bool:
        return bool((await session.view()).inbox)

    await eventually(asked)
    [item] = (await session.view()).inbox
    return item


async def results(session: Session) -> list[tuple[str, str]]:
    return [(entry.status, entry.text) async for entry in session.log() if isinstance(entry, ResultEntry)]


@asynccontextmanager
async def calling(
    server: DevServer, declared: MCPServer, tool: str, arguments: Mapping[str, Any]
) -> AsyncGenerator[Session]:
    """A session whose model calls a tool."""
    script = [call(tool, dict(arguments)), say("Done.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(app_with(declared), model, server=server.address) as holdfast,
    ):
        yield await holdfast.client.start("clerk", "Go on", user="ann")


@pytest.mark.parametrize("effect", ["once", "idempotent"])
async def test_a_call_without_consent_waits_and_is_made_once_it_is_given(
    server: DevServer, tmp_path: Path, effect: Any
) -> None:
    (tmp_path / "tokens").write_text("of-ann")
    async with over_http(tmp_path) as (url, _):
        declared = MCPServer("notes", url=url, credentials=of_user, effects={"add": effect})
        async with calling(server, declared, "notes__count", {}) as first:
            assert (await first.wait()).text == "Done."
        async with calling(server, declared, "notes__add", {"text": "milk"}) as session:
            (tmp_path / "tokens").write_text("")
            item = await waiting(session)
            assert item.kind == "consent"
            assert "HTTP 401" in item.what
            (tmp_path / "tokens").write_text("of-ann")
            await session.answer(item.id, "retry", by="ann")
            assert (await session.wait()).text == "Done."
            [(status, text)] = await results(session)
            assert (status, text.split(" as ")[0]) == ("ok", "added 'milk'")
        assert len(recorded(tmp_path, "add")) == 1


async def test_a_refused_consent_is_a_result_that_the_model_reads(server: DevServer, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("of-ann")
    async with over_http(tmp_path) as (url, _):
        declared = MCPServer("notes", url=url, credentials=of_user)
        async with calling(server, declared, "notes__add", {"text": "milk"}) as session:
            (tmp_path / "tokens").write_text("")
            item = await waiting(session)
            await session.answer(item.id, "give_up", text="Ann does not want that")
            assert (await session.wait()).text == "Done."
            assert await results(session) == [("failed", "error: not run: Ann does not want that")]
            assert "unknown" not in [row.status for row in await session.effects()]


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_servers_question_is_answered_through_the_inbox_by_its_schema(
    server: DevServer, tmp_path: Path, transport: str
) -> None:
    async with over_http(tmp_path) as (url, _):
        declared = notes(tmp_path) if transport == "stdio" else MCPServer("notes", url=url)
        async with calling(server, declared, "notes__paint", {"what": "the door"}) as session:
            item = await waiting(session)
            assert item.kind == "elicitation"
            assert "Which colour for the door?" in item.what
            assert set(item.form["properties"]) == {"colour", "shade"}
            for wrong in ("red", '{"colour": "blue", "shade": 1}', '{"colour": "red", "shade": 10}'):
                with pytest.raises(BadInput):
                    await session.answer(item.id, "confirm", text=wrong)
            await session.answer(item.id, "confirm", text='{"colour": "red", "shade": 3}', by="ann")
            assert (await session.wait()).text == "Done."
            assert await results(session) == [("ok", "the door is red 3")]
    assert len(recorded(tmp_path, "painted")) == 1


@pytest.mark.slow
async def test_a_question_of_a_server_from_npm_is_answered(server: DevServer) -> None:
    declared = MCPServer("everything", command=[*npm_server("server-everything"), "stdio"])
    async with calling(server, declared, "everything__trigger-elicitation-request", {}) as session:
        item = await waiting(session)
        assert item.kind == "elicitation"
        assert item.form["required"]
        await session.answer(item.id, "confirm", text='{"name": "Ann", "check": true}')
        assert (await session.wait()).text == "Done."
        [(status, text)] = await results(session)
        assert status == "ok"
        assert "Ann" in text


FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "age": {"type": "integer", "minimum": 18},
        "plan": {"type": "string", "oneOf": [{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]},
        "days": {"type": "array", "items": {"enum": ["mon", "tue"]}, "maxItems": 1},
        "sure": {"type": "boolean"},
    },
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('{"name": "Ann", "age": 30, "plan": "a", "days": ["mon"], "sure": true}', ""),
        ("yes", "must be a JSON object with name, age"),
        ("[]", "must be a JSON object"),
        ("{}", "'name' is missing"),
        ('{"name": "A"}', "at least 2 characters"),
        ('{"name": "Ann", "age": 17}', "at least 18"),
        ('{"name": "Ann", "age": true}', "of type integer"),
        ('{"name": "Ann", "age": "30"}', "of type integer"),
        ('{"name": "Ann", "plan": "c"}', "one of a, b"),
        ('{"name": "Ann", "days": ["sun"]}', "may contain mon, tue"),
        ('{"name": "Ann", "days": ["mon", "tue"]}', "at most 1 items"),
        ('{"name": "Ann", "sure": 1}', "of type boolean"),
        ('{"name": "Ann", "admin": true}', "no field 'admin'"),
    ],
)
def test_an_answer_that_does_not_fit_the_form_is_refused_with_the_reason(answer: str, why: str) -> None:
    assert why in problem(FORM, answer) if why else problem(FORM, answer) == ""
