"""``holdfast chat`` on a terminal: an input line at the bottom, text above it."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from holdfast.testing import Environment, call, say, unauthorized
from holdfast_client.command.common.wrapping import wrapped
from holdfast_workflows.contracts.agent.budget import Budget

from ...support import always, eventually
from ..conftest import Running
from .terminal import CTRL_C, CTRL_D, ENTER, UP, Terminal, terminal
from .test_command import where
from .test_operations import LOOKING, POST, waiting


@asynccontextmanager
async def chatting(
    environment: Environment, home: Path, *words: str, columns: int = 80
) -> AsyncGenerator[Terminal]:
    variables = {"XDG_STATE_HOME": str(home)}
    command = (*where(environment), "chat", *words)
    async with terminal(*command, columns=columns, environment=variables) as chat:
        await chat.until("\n>")
        yield chat


def above_input(chat: Terminal) -> list[str]:
    """The lines of the screen above the status and the input line."""
    lines = [line for line in chat.lines if line]
    assert lines[-1].startswith(">")
    return lines[:-2]


@pytest.mark.parametrize("columns", [80, 50])
async def test_text_is_wrapped_at_words_above_the_input_line(
    running: Running, tmp_path: Path, columns: int
) -> None:
    text = "- " + "Every word of this answer stays whole. " * 6 + "\n\nThe end, without a newline"
    async with (
        running([say(text)]) as environment,
        chatting(environment, tmp_path, "helper", columns=columns) as chat,
    ):
        chat.type(f"Tell me.{ENTER}")
        await chat.until("turn 1 done")
        await chat.until("idle · ")
        shown = above_input(chat)
        first = shown.index("> Tell me.")
        assert "idle · /help, /quit" in chat.lines
        answer = shown[shown.index(next(line for line in shown if line.startswith("- "))) : -1]
        assert first < len(shown) - len(answer)
        answer = answer[: answer.index("The end, without a newline") + 1]
        assert answer[0].startswith("- Every word")
        assert all(line.startswith("  ") for line in answer[1:-1])
        assert answer[-1] == "The end, without a newline"
        assert " ".join(line.strip() for line in answer) == " ".join(text.split())
        assert max(map(len, answer)) < columns


async def test_a_pause_during_a_step_is_announced_and_the_input_stays_open(
    running: Running, tmp_path: Path
) -> None:
    async with (
        running([call("dig"), say("never")]) as environment,
        chatting(environment, tmp_path, "helper") as chat,
    ):
        chat.type(f"Dig.{ENTER}")
        await chat.until("dig: spade")
        chat.type(f"/pause{ENTER}")
        await chat.until("pausing after this step")
        chat.type(f"/cancel no more holes{ENTER}")
        await chat.until("cancelling: the turn ends when its running tools have ended")
        await chat.until("turn 1 cancelled")
        await chat.until("no more holes")


async def test_ctrl_c_explains_then_leaves_and_the_printed_command_comes_back(
    running: Running, tmp_path: Path
) -> None:
    async with running([call("dig"), say("never")]) as environment:
        async with chatting(environment, tmp_path, "helper", columns=250) as chat:
            chat.type(f"Dig.{ENTER}")
            await chat.until("dig: spade")
            chat.type(CTRL_C)
            await chat.until("Ctrl-C again leaves; a running turn goes on")
            assert chat.process.returncode is None
            chat.type(CTRL_C)
            assert await chat.ended() == 0
            (info,) = [each async for each in environment.client.sessions(status="running") if each.message]
            command = f"holdfast {' '.join(where(environment))} chat helper --session {info.id}"
            assert f"continue with: {command}" in chat.lines
            assert f"  {command}" in chat.lines
        session = environment.client.session(info.id)
        assert (await session.view()).status == "running"
        async with chatting(environment, tmp_path, "helper", "--session", info.id) as chat:
            await chat.until("→ dig")
            chat.type(f"/cancel{ENTER}")
            await chat.until("turn 1 cancelled")
            chat.type(CTRL_D)
            assert await chat.ended() == 0


async def test_a_decision_is_asked_and_other_text_is_not_sent_as_a_message(
    running: Running, tmp_path: Path
) -> None:
    async with running(list(POST)) as environment, chatting(environment, tmp_path, "poster") as chat:
        chat.type(f"Post it.{ENTER}")
        await chat.until("decide: /confirm RESULT")
        chat.type(f"yes it is there{ENTER}")
        await chat.until("not sent: the turn waits for your decision")
        chat.type(f"confirm posted by hand{ENTER}")
        await chat.until("turn 1 done")
        (effect,) = await environment.client.effects()
        assert effect.result == "posted by hand"


async def test_a_budget_is_raised_when_the_chat_asks(running: Running, tmp_path: Path) -> None:
    async with running(list(LOOKING)) as environment:
        session = await waiting(environment, "helper", Budget(steps=2, when_spent="ask"))
        async with chatting(environment, tmp_path, "--session", session.id) as chat:
            await chat.until("decide: /raise tokens")
            chat.type(f"raise steps 3{ENTER}")
            await chat.until("turn 1 done")


async def test_earlier_input_is_recalled_and_kept_private(running: Running, tmp_path: Path) -> None:
    async with running(always(say("Yes."))) as environment:
        async with chatting(environment, tmp_path, "helper") as chat:
            chat.type(f"Remember me.{ENTER}")
            await chat.until("turn 1 done")
        history = tmp_path / "holdfast" / "chat_history"
        assert stat.S_IMODE(history.stat().st_mode) == 0o600
        async with chatting(environment, tmp_path, "helper") as chat:
            chat.type(UP)
            await eventually(lambda: _input_is(chat, "> Remember me."))


async def _input_is(chat: Terminal, text: str) -> bool:
    await asyncio.sleep(0)
    return [line for line in chat.lines if line][-1] == text


async def test_a_refused_request_is_shown_and_the_chat_goes_on(running: Running, tmp_path: Path) -> None:
    async with running([say("One.")]) as environment, chatting(environment, tmp_path, "helper") as chat:
        chat.type(f"/pause{ENTER}")
        await chat.until("send a message first")
        chat.type(f"Hi.{ENTER}")
        await chat.until("turn 1 done")
        chat.type(f"/steer left{ENTER}")
        await chat.until("The request has no effect")
        chat.type(f"/quit{ENTER}")
        assert await chat.ended() == 0


async def test_a_session_of_another_agent_is_refused_with_the_right_command(
    running: Running, tmp_path: Path
) -> None:
    async with running([say("One.")]) as environment:
        session = await environment.client.start("helper", "Hi!")
        await session.wait()
        words = (*where(environment), "chat", "quick", "--session", session.id)
        async with terminal(*words, columns=400, environment={"XDG_STATE_HOME": str(tmp_path)}) as chat:
            assert await chat.ended() == 2
            assert f"chat helper --session {session.id}`" in chat.text


@pytest.mark.parametrize(("variables", "red"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_no_color_is_respected(
    running: Running, tmp_path: Path, variables: dict[str, str], red: bool
) -> None:
    async with running(always(unauthorized())) as environment:
        variables = {"XDG_STATE_HOME": str(tmp_path), **variables}
        async with terminal(*where(environment), "chat", "helper", environment=variables) as chat:
            await chat.until("\n>")
            chat.type(f"Hi.{ENTER}")
            await chat.until("check the API key")
            colours = {cell.fg for row in chat.screen.buffer.values() for cell in row.values()}
            assert ("red" in colours) is red
            assert red or colours == {"default"}


async def test_watch_wraps_text_at_words(running: Running) -> None:
    text = "Every word of this answer stays whole. " * 6
    async with running([call("dig"), say(text)]) as environment:
        session = await environment.client.start("helper", "Tell me.")
        async with terminal(*where(environment), "watch", session.id) as shown:
            await shown.until("dig: spade")
            await session.cancel()
            await session.send("Again.", wait=False)
            await shown.until("turn 2 done")
            await session.close()
            assert await shown.ended() == 0
            answer = [line for line in shown.lines if "whole" in line]
            assert " ".join(answer) == text.strip()


@pytest.mark.parametrize("pieces", [1, 3, 1_000])
def test_wrapping_gives_the_same_lines_however_the_text_arrives(pieces: int) -> None:
    text = "1. One two three four five six seven eight\nnine\n" + "x" * 45 + " 日本語日本語日本語日本語 end"
    lines: list[str] = []
    tail = ""
    for at in range(0, len(text), pieces):
        *done, tail = wrapped(tail + text[at : at + pieces], 20)
        lines += done
    assert [*lines, tail] == [
        "1. One two three", "   four five six", "   seven eight", "nine", "x" * 20, "x" * 20,
        "xxxxx", "日本語日本語日本語日", "本語 end",
    ]  # fmt: skip
