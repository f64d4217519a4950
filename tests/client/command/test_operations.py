"""The commands for effects, budgets and breakers, and decisions in a chat."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from holdfast.testing import Environment, call, say
from holdfast_client import NeedsPerson, Session
from holdfast_workflows.contracts.agent.budget import Budget

from ..conftest import Running
from .test_command import holdfast, lines, start, where

POST = [call("post", {"what": "it"}), say("Done.")]
LOOKING = [call("look", {"at": "one"}), call("look", {"at": "two"}), say("Seen.")]


async def waiting(
    environment: Environment, agent: str, budget: Budget | None = None, *, task: bool = False
) -> Session:
    """Start a session and return it once it waits for a person."""
    begin = environment.client.start_task if task else environment.client.start
    session = await begin(agent, "Go.", budget=budget)
    async with asyncio.timeout(30):
        async for event in session.stream():
            if isinstance(event, NeedsPerson):
                return session
    raise AssertionError("the session did not wait")


async def printed_command(environment: Environment, session: Session, word: str) -> list[str]:
    """Return the command with that word that ``show`` prints."""
    code, out, _ = await holdfast(environment, "show", session.id)
    assert code == 0
    assert "waits for a person" in out
    commands = [line.strip() for line in out.splitlines() if line.strip().startswith("holdfast ")]
    return shlex.split(next(command for command in commands if word in command))[1:]


async def test_the_commands_that_show_prints_resolve_the_decision(running: Running) -> None:
    async with running(list(POST)) as environment:
        session = await waiting(environment, "poster")
        code, out, _ = await holdfast(environment, "effects", "--status", "unknown")
        assert code == 0
        assert out.count(f"{session.id}-") == 1
        assert f"holdfast show {session.id}\n" in out
        words = await printed_command(environment, session, "confirm")
        code, out, _ = await holdfast(environment, *words, "--by", "Ann")
        assert (code, out.split()[-1]) == (0, "confirm")
        assert (await session.wait()).text == "Done."
        _, out, _ = await holdfast(environment, "show", session.id)
        assert "Ann decided: confirm: result\n" in out
        _, out, _ = await holdfast(environment, "effects", session.id, "--json")
        (effect,) = lines(out)
        assert (effect["status"], effect["by"], effect["result"]) == (
            "settled",
            "person: Ann",
            "result",
        )
        code, _, err = await holdfast(environment, *words)
        assert (code, err.count("\n")) == (2, 1)
        _, out, _ = await holdfast(environment, "effects", "--status", "unknown")
        assert out == "There are no such effects.\n"
        code, _, _ = await holdfast(environment, "effects", "--status", "happy")
        assert code == 2


@pytest.mark.parametrize("task", [False, True], ids=["conversation", "task"])
async def test_an_unknown_effect_of_a_cancelled_turn_can_be_given_up(running: Running, *, task: bool) -> None:
    async with running(list(POST)) as environment:
        session = await waiting(environment, "poster", task=task)
        await session.cancel("no more")
        _, out, _ = await holdfast(environment, "effects", "--status", "unknown")
        hint = f"other unknown effects: holdfast answer {session.id} EFFECT confirm --text …|give-up"
        assert hint in out
        (unknown,) = await session.effects()
        words = ["answer", session.id, unknown.key, "give-up", "--by", "Ann"]
        assert (await holdfast(environment, *words))[0] == 0
        _, out, _ = await holdfast(environment, "effects", session.id)
        (row,) = [line for line in out.splitlines() if line.startswith(unknown.key)]
        when = datetime.fromtimestamp((await session.effects())[0].settled).astimezone()
        assert f"given_up  person: Ann {when:%Y-%m-%d %H:%M:%S}" in row


async def test_a_cancelled_task_has_ended_and_reports_why(running: Running) -> None:
    async with running(list(POST)) as environment:
        session = await waiting(environment, "poster", task=True)
        await session.cancel("no more")
        for words in (["pause", session.id], ["send", session.id, "Go on."], ["close", session.id]):
            code, _, err = await holdfast(environment, *words)
            assert (code, err.count("\n")) == (2, 1)
            assert "The session has ended" in err
            assert "no more" in err


async def test_an_interrupted_run_reports_that_the_task_continues(running: Running) -> None:
    async with running(list(POST)) as environment:
        id = f"r-{environment.task_queue}"
        process = await start(*where(environment), "run", "poster", "Go.", "--id", id)
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while "waits for a person" not in (await process.stderr.readline()).decode():
                pass
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
        assert process.returncode == 130
        assert f"{id} continues: `holdfast watch {id}`, or `holdfast cancel {id}`\n" in err.decode()
        assert (await environment.client.session(id).view()).status == "needs_person"


async def test_confirm_requires_a_text(running: Running) -> None:
    async with running(list(POST)) as environment:
        session = await waiting(environment, "poster")
        words = await printed_command(environment, session, "give-up")
        code, _, err = await holdfast(environment, *words[:-1], "confirm")
        assert (code, "--text" in err) == (2, True)
        assert (await session.view()).status == "needs_person"


async def test_a_budget_is_shown_and_raised(running: Running) -> None:
    async with running(list(LOOKING)) as environment:
        budget = Budget(steps=2, tokens=100_000, when_spent="ask")
        session = await waiting(environment, "helper", budget)
        command = await printed_command(environment, session, "--add-")
        assert command == ["budget", session.id, "--add-…"]
        code, out, _ = await holdfast(environment, "budget", session.id)
        assert code == 0
        steps = next(line for line in out.splitlines() if line.startswith("steps"))
        assert steps.split() == ["steps", "2", "2"]
        code, out, _ = await holdfast(environment, "budget", session.id, "--add-steps", "5", "--json")
        assert (code, lines(out)[0]["budget"]["steps"]) == (0, 7)
        assert (await session.wait()).text == "Seen."
        code, out, _ = await holdfast(environment, "budget", session.id, "--add-dollars", "1")
        assert code == 2
        code, out, _ = await holdfast(environment, "budgets", f"run:{session.id}")
        assert code == 0
        assert "100,000" in out
        _, out, _ = await holdfast(environment, "budgets", "run:nothing")
        assert out == "There are no such accounts.\n"


async def test_breakers_are_listed_opened_and_closed(running: Running) -> None:
    async with running([]) as environment:
        assert (await holdfast(environment, "breakers"))[:2] == (0, "No breaker has recorded a failure.\n")
        words = ("breaker", "open", "tool:look", "--for", "600", "--reason", "it lies")
        code, out, _ = await holdfast(environment, *words)
        assert code == 0
        for expected in ("tool:look", "open, manually", "it lies"):
            assert expected in out
        _, out, _ = await holdfast(environment, "breakers", "--json")
        assert [(each["name"], each["state"]) for each in lines(out)] == [("tool:look", "open")]
        _, out, _ = await holdfast(environment, "breaker", "close", "tool:look", "--json")
        assert lines(out)[0]["state"] == "closed"
        code, _, err = await holdfast(environment, "breaker", "open", "look")
        assert (code, err.count("\n")) == (2, 1)


class Chat:
    """A chat in a separate process, which reads one line at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.seen = ""

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def until(self, text: str) -> None:
        """Wait until the chat has shown a text since the last line."""
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            while text not in self.seen:
                line = await self._process.stdout.readline()
                assert line, self.seen
                self.seen += line.decode()
        self.seen = ""


@asynccontextmanager
async def chatting(environment: Environment, *words: str) -> AsyncGenerator[Chat]:
    process = await start(*where(environment), "chat", *words)
    try:
        yield Chat(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_chat_resolves_an_unknown_effect(running: Running) -> None:
    async with running(list(POST)) as environment, chatting(environment, "poster") as chat:
        chat.say("Post it.")
        await chat.until("waits for a person")
        chat.say("/confirm posted by hand")
        await chat.until("turn 1 done")
        (effect,) = await environment.client.effects()
        assert effect.result == "posted by hand"


async def test_a_chat_that_joins_can_raise_the_budget(running: Running) -> None:
    async with running(list(LOOKING)) as environment:
        session = await waiting(environment, "helper", Budget(steps=2, when_spent="ask"))
        async with chatting(environment, "--session", session.id) as chat:
            await chat.until("waits for a person")
            for wrong in ("/raise", "/raise time 5", "/raise steps many", "/retry"):
                chat.say(wrong)
            chat.say("/raise steps 3")
            await chat.until("turn 1 done")


async def test_a_run_without_a_terminal_reports_that_it_waits(running: Running) -> None:
    async with running(list(POST)) as environment:
        process = await start(*where(environment), "run", "poster", "Go.", "--json")
        assert process.stderr is not None
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = (await process.stderr.readline()).decode()
            assert "waits for a person" in line
            command = (await process.stderr.readline()).decode().strip()
            assert command.startswith("holdfast answer ")
            await holdfast(environment, *shlex.split(command)[1:])
            (document,) = lines((await process.stdout.read()).decode())
            assert (document["text"], await process.wait()) == ("Done.", 0)


async def test_cost_reports_what_models_cost_and_forecasts_the_day(running: Running) -> None:
    async with running([say("Hi.", input_tokens=1_000, output_tokens=50)]) as environment:
        assert "No model was called" in (await holdfast(environment, "cost"))[1]
        await (await environment.client.start("helper", "Hi.", tenant="acme")).wait()
        code, out, _ = await holdfast(environment, "cost", "--by", "agent", "--by", "model")
        assert code == 0
        assert re.search(r"helper +openai:scripted +0\.0000 +1 +1,000 +0 +50\n", out)
        assert "expected at its end (from the pace of today)" in out
        assert "1,050 tokens are of models without a price" in out
        code, out, _ = await holdfast(environment, "cost", "--by", "tenant", "--days", "2", "--json")
        (report,) = lines(out)
        assert [(row["tenant"], row["input_tokens"]) for row in report["rows"]] == [("acme", 1_000)]
        assert report["forecast"]["days"] == 0
        code, out, _ = await holdfast(environment, "cost", "--since", "2026-01-01", "--until", "2026-01-02")
        assert (code, out) == (0, "No model was called (2026-01-01 to 2026-01-02, UTC).\n")
        assert (await holdfast(environment, "cost", "--by", "moon"))[0] == 2
