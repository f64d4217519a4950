"""What a raw search of the files finds, with encryption and without."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from holdfast import Agent, App, Memory, ToolError, tool
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer

from .keys import write_keys

CANARY = "canary-52871-canary"


@tool
async def look_up(what: str) -> str:
    """Look something up."""
    if what.startswith("broken"):
        raise ToolError(f"cannot look up {what}")
    return f"found {what}"


@asynccontextmanager
async def a_finished_run(folder: Path, keys: str) -> AsyncGenerator[None]:
    """A run whose message, arguments, results, errors and reply have the canary; its servers end with the block."""
    agent = Agent(
        "clerk", model="openai:gpt-test", instructions=f"Be {CANARY}.", tools=[look_up], memory=Memory()
    )
    replies = [
        call("look_up", {"what": f"broken {CANARY}"}),
        call("look_up", {"what": CANARY}),
        say(f"It is {CANARY}."),
    ]
    async with (
        DevServer(folder, ui=False) as server,
        ScriptedModel(replies) as model,
        Environment.start(
            App(agents=[agent]),
            model,
            server=server.address,
            state_url=f"sqlite:///{folder}/state.db",
            memory_url=f"sqlite:///{folder}/memory.db",
            keys=keys,
        ) as holdfast,
    ):
        session = await holdfast.client.start("clerk", f"Find {CANARY}.", user="u1")
        reply = await session.wait()
        assert reply.text == f"It is {CANARY}."
        yield


def files_with(folder: Path, text: str) -> set[str]:
    """The names of the files that contain a text, as UTF-8."""
    return {each.name for each in folder.iterdir() if each.is_file() and text.encode() in each.read_bytes()}


@pytest.mark.parametrize("encrypted", [True, False])
async def test_the_text_of_a_run_is_in_no_file_with_encryption(tmp_path: Path, encrypted: bool) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_keys(tmp_path / "keys", "k1")
    async with a_finished_run(folder, f"file:{tmp_path}/keys" if encrypted else ""):
        pass
    found = {name.removesuffix("-wal").removesuffix("-shm") for name in files_with(folder, CANARY)}
    assert found == (set() if encrypted else {"temporal.db", "state.db", "memory.db"})
    # Nor is any of its words, such as a term of the index.
    assert bool(files_with(folder, "52871")) is not encrypted
