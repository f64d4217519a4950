"""Each way in which a command fails: its exit code, and the one remedy that its line names."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.testing import Environment, say, unauthorized

from ...support import always
from ..conftest import Running
from .terminal import terminal
from .test_command import holdfast, where

Row = tuple[str, int, str]
"""The words, the exit code, and the remedy."""

_USAGE: tuple[Row, ...] = (
    ("run", 2, "See `holdfast run --help`"),
    ("run helper", 2, "See `holdfast run --help`"),
    ("chat", 2, "give an AGENT to start a session, or --session to continue one"),
    ("no-such-command", 2, "See `holdfast --help`"),
    ("breaker shut", 2, "See `holdfast breaker --help`"),
    ("sessions --no-such-option", 2, "See `holdfast sessions --help`"),
    ("sessions --status happy", 2, "is not one of 'starting', 'idle', 'running'"),
    ("sessions --limit none", 2, "See `holdfast sessions --help`"),
    ("send s hello --timeout soon", 2, "give a number with s, m, h or d, like 15m"),
    ("prompt s first", 2, "give a number, or turn and step like 2.3"),
    ("maintain schedule --every soon", 2, "give a number with s, m, h or d, like 15m"),
    ("patterns --for 99999999999d", 2, "is longer than 100 years"),
    ("probe --port 99999", 2, "'--port'"),
    ("maintain schedule --every 1s", 2, "the minimum is 0:01:00"),
    ("memory erase user ann", 2, "confirm it with --yes"),
    ("memory erase everything ann --yes", 2, "is not one of 'session', 'user', 'tenant'"),
    ("maintain run everything", 2, "valid values are outbox"),
    ("memory search hives --kind idea", 2, "Input should be 'turn', 'episode' or 'fact'"),
    ("run helper hello --output /no/such/file", 2, "give the path of a JSON schema"),
    ("run helper hello --output /dev/null", 2, "give the path of a JSON schema"),
    ("breaker open look", 2, "use `provider:<name>`, `tool:<name>` or `memory:<name>`"),
    ("breaker open tool:look --for 1e12", 2, "less than or equal to 31622400"),
    ("answer s x confirm", 2, "confirm needs a text (`--text`)"),
)

_UNKNOWN = "list the sessions with `holdfast sessions`"
_MISSING: tuple[Row, ...] = (
    ("run nobody hello", 4, "use one of the names in the detail"),
    ("chat nobody", 4, "use one of the names in the detail"),
    *(
        (words, 4, _UNKNOWN)
        for words in (
            "show x", "watch x", "send x hello", "pause x", "resume x", "steer x left", "cancel x", "close x",
            "repin x", "budget x", "budget x --add-steps 3", "prompt x", "prompt x 2.3", "effects x",
            "answer x y retry", "chat --session x", "chat helper --session x",
        )
    ),
)  # fmt: skip

_ENDED = "start a new one"
_CLOSED: tuple[Row, ...] = (
    *(
        (words, 2, _ENDED)
        for words in (
            "send s hello", "pause s", "resume s", "steer s left", "cancel s", "close s", "repin s",
            "budget s --add-steps 3", "answer s y retry",
        )
    ),
    ("chat --session s", 2, "chat helper`"),
    ("prompt s 9.9", 2, "`holdfast prompt` lists them"),
    ("answer s s-9 give-up", 2, "see the state with `holdfast show`"),
)  # fmt: skip


async def check(environment: Environment, rows: tuple[Row, ...], session: str = "s") -> None:
    wrong: list[str] = []
    for words, code, remedy in rows:
        typed = [session if word == "s" else word.replace("s-9", f"{session}-9") for word in words.split()]
        ended, out, err = await holdfast(environment, *typed)
        if (ended, out, err.count("\n")) != (code, "", 1) or remedy not in err:
            wrong.append(f"{words}: exit {ended}, {out}{err}")
        if "validation error" in err or "pydantic" in err:
            wrong.append(f"{words}: {err}")
    assert not wrong, "\n".join(wrong)


async def test_wrong_usage_and_missing_names_are_answered_with_a_remedy(running: Running) -> None:
    async with running([]) as environment:
        await check(environment, (*_USAGE, *_MISSING))


async def test_requests_to_an_ended_session_are_answered_with_a_remedy(running: Running) -> None:
    async with running([say("Done.")]) as environment:
        task = await environment.client.start_task("helper", "Go.")
        await task.result()
        await check(environment, _CLOSED, task.id)


async def test_a_failed_turn_names_the_session_and_the_remedy(running: Running) -> None:
    async with running(always(unauthorized())) as environment:
        code, _, err = await holdfast(environment, "run", "helper", "Hi!")
        assert (code, err.count("\n")) == (1, 1)
        assert err.startswith("holdfast: helper-")
        assert "check the API key, the model's name and the base URL" in err


@pytest.mark.parametrize(
    ("options", "code", "remedy"),
    [
        (("--address", "127.0.0.1:1"), 3, "start one with `holdfast dev`"),
        (("--address", "localhost"), 2, "is not host:port, such as 127.0.0.1:7233"),
        (("--namespace", "nowhere"), 2, "HOLDFAST_NAMESPACE, or --namespace"),
        (("--task-queue", "nobody"), 3, "start one with `holdfast worker module:app`"),
    ],
)
async def test_a_missing_service_is_one_remedy_on_a_terminal(
    running: Running, options: tuple[str, ...], code: int, remedy: str, tmp_path: Path
) -> None:
    async with running([], worker=False) as environment:
        words = (*where(environment), *options, "agents")
        async with terminal(*words, environment={"XDG_STATE_HOME": str(tmp_path)}) as shown:
            assert await shown.ended() == code
            assert shown.lines[0].startswith("holdfast: ")
            assert remedy in " ".join(shown.text.split())


async def test_a_failure_wraps_between_words_and_keeps_commands_whole(running: Running) -> None:
    async with running([]) as environment, terminal(*where(environment), "show", "nowhere") as shown:
        assert await shown.ended() == 4
        assert [line for line in shown.lines if line] == [
            "holdfast: No session has that id, or your credential does not let you see it;",
            "list the sessions with `holdfast sessions`. (nowhere)",
        ]
