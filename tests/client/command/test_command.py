"""The command line."""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing import Environment, call, say, unauthorized
from holdfast_client.command.common.printing import out, sentence
from holdfast_client.command.main import invoke
from holdfast_workflows.contracts.errors import HoldfastError, ModelRejected, ModelTransient

from ...support import always
from ..conftest import Running

Output = tuple[int, str, str]


async def holdfast(environment: Environment, *words: str) -> Output:
    """Run the command line in this process, in a thread of its own."""
    return await asyncio.to_thread(_invoke, *where(environment), *words)


def _invoke(*words: str) -> Output:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = invoke(words)
    return code, out.getvalue(), err.getvalue()


async def process(environment: Environment, *words: str, stdin: str = "") -> Output:
    """Run the command line as its users do."""
    process = await start(*where(environment), *words)
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def where(environment: Environment) -> tuple[str, ...]:
    address = environment.temporal.service_client.config.target_host
    return ("--address", address, "--task-queue", environment.task_queue)


async def start(*words: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    # Background processes ignore Ctrl-C, and their children would, too.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from holdfast_client.command import main; main()"
    )
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *words, stdin=pipe, stdout=pipe, stderr=pipe
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_run_prints_the_result_and_nothing_else(running: Running) -> None:
    async with running([say("Forty-two.")]) as environment:
        assert await process(environment, "run", "helper", "What is it?") == (0, "Forty-two.\n", "")


async def test_run_prints_json_with_the_structured_output(running: Running, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}')
    async with running([say('{"n": 42}')]) as environment:
        code, out, _ = await holdfast(
            environment, "run", "helper", "What is it?", "--json", "--output", str(schema)
        )
    (document,) = lines(out)
    assert code == 0
    assert document["output"] == {"n": 42}
    assert (document["status"], document["steps"], document["error"]) == ("done", 1, None)


async def test_a_failed_run_prints_one_line_and_exits_1(running: Running) -> None:
    async with running(always(unauthorized())) as environment:
        code, out, err = await holdfast(environment, "run", "helper", "Hi!")
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "check the API key" in err
        code, out, _ = await holdfast(environment, "run", "helper", "Hi!", "--json")
        assert code == 1
        assert lines(out)[0]["error"]["code"] == "model_rejected"


async def test_show_prints_why_the_last_turn_failed(running: Running) -> None:
    async with running(always(unauthorized())) as environment:
        session = await environment.client.start("helper", "Hi!")
        error = (await session.wait(raise_on_error=False)).error
        assert error is not None
        code, out, _ = await holdfast(environment, "show", session.id)
        last = out.splitlines()
        assert code == 0
        assert any(line.startswith("turn 1 failed · ") for line in last)
        (reason,) = [line for line in last if line.endswith(f" · error {error.id}")]
        assert "check the API key" in reason


def test_an_error_line_states_when_to_retry() -> None:
    error: HoldfastError = ModelTransient("503")
    error.id = "abc"
    assert sentence(error).endswith("error abc · try again later")
    error.retry_after = 61.0
    assert sentence(error).endswith("error abc · try again in 61 s")
    error = ModelRejected("401")
    error.id = "abc"
    assert sentence(error).endswith("error abc")


_MISSING = (
    ("show", "nowhere"),
    ("send", "nowhere", "Hi!"),
    ("run", "nobody", "Hi!"),
    ("prompt", "nowhere"),
    ("prompt", "nowhere", "2.3"),
    ("effects", "nowhere"),
)


async def test_a_missing_session_or_agent_exits_4(running: Running) -> None:
    async with running([]) as environment:
        for words in _MISSING:
            code, out, err = await holdfast(environment, *words)
            assert (code, out, err.count("\n")) == (4, "", 1)


async def test_a_missing_server_exits_3() -> None:
    code, out, err = await asyncio.to_thread(_invoke, "--address", "127.0.0.1:1", "sessions", "--json")
    assert code == 3
    assert lines(out)[0]["error"]["code"] == "temporal_unreachable"
    assert "holdfast dev" in err


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("sessions", "--no-such-option"), "sessions"),
        (("memory", "add", "Closed."), "memory add"),
        (("maintain", "schedule", "--every", "soon"), "maintain schedule"),
        (("breaker", "no-such-command"), "breaker"),
    ],
)
def test_a_usage_error_names_the_command_with_help(words: tuple[str, ...], command: str) -> None:
    code, _, err = _invoke(*words)
    assert (code, err.split("See ")[-1]) == (2, f"`holdfast {command} --help`.\n")


def test_a_value_of_another_kind_is_named_without_words_of_the_library() -> None:
    code, _, err = _invoke("cost", "--since", "yesterday")
    assert (code, err.split("'--since': ")[-1][:30]) == (2, "'yesterday' does not match the")


def test_the_list_of_commands_has_complete_sentences() -> None:
    listed = _invoke("--help")[1].partition("Commands:")[2]
    assert "..." not in listed


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("no-such-command",),
        ("sessions", "--no-such-option"),
        ("sessions", "--status", "happy"),
        ("chat",),
        ("run", "helper", "Hi!", "--output", "/no/such/file"),
    ],
)
async def test_bad_input_is_one_line_and_exits_2(running: Running, words: tuple[str, ...]) -> None:
    async with running([], worker=False) as environment:
        code, out, err = await holdfast(environment, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("holdfast: ")


async def test_a_session_is_shown_step_by_step(running: Running) -> None:
    script = [*(say(f"Peek {n}.") + call("peek", {"at": str(n)}) for n in range(3)), say("Done.")]
    async with running(script) as environment:
        session = await environment.client.start("quick", "Peek about.")
        await session.wait(raise_on_error=False)
        code, out, _ = await holdfast(environment, "show", session.id)
        assert code == 0
        for expected in ("Peek about.", "Peek 2.", "→ peek", "2: glimpsed", "Done.", "1 turn "):
            assert expected in out
        assert re.search(r"^turn 1 done · [\d: -]+ · [\d.]+ s · 4 steps · ", out, re.MULTILINE)
        code, out, _ = await holdfast(environment, "show", session.id, "--json")
        assert [entry["kind"] for entry in lines(out)] == [
            "turn",
            "user",
            *(["reply", "result"] * 3),
            "reply",
        ]


async def test_sessions_and_agents_are_listed(running: Running) -> None:
    async with running([say("Hello.")]) as environment:
        _, out, _ = await holdfast(environment, "agents", "--json")
        assert {agent["name"] for agent in lines(out)} == {"helper", "quick", "poster"}
        _, out, _ = await holdfast(environment, "agents")
        assert "helper" in out
        code, out, _ = await holdfast(environment, "sessions", "--tenant", environment.task_queue)
        assert (code, out) == (0, "There are no such sessions.\n")


def test_the_output_is_at_least_80_columns_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for columns, width in (("40", 80), ("120", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert out().width == width


async def test_send_pause_resume_cancel_and_close_work(running: Running) -> None:
    async with running([say("One."), call("dig"), say("never")]) as environment:
        session = await environment.client.start("helper", "Say one.")
        await session.wait(raise_on_error=False)
        code, out, _ = await holdfast(environment, "send", session.id, "Dig.", "--no-wait", "--json")
        assert (code, lines(out)[0]["turn"]) == (0, 2)
        for command in ("pause", "resume", "cancel", "close"):
            code, out, _ = await holdfast(environment, command, session.id)
            assert (code, out.startswith(session.id)) == (0, True)
        code, out, err = await holdfast(environment, "steer", session.id, "left")
        assert (code, err.count("\n")) == (2, 1)


async def test_chat_shows_text_and_tool_calls_and_takes_commands(running: Running) -> None:
    script = [say("Let me look. ") + call("look", {"at": "it"}), say("It is there."), say("Bye.")]
    async with running(script) as environment:
        code, out, _ = await process(environment, "chat", "helper", stdin="Is it there?\n/resume\nBye!\n")
    assert code == 0
    for expected in (
        "Let me look.",
        "→ look",
        "← look ok: it: seen",
        "It is there.",
        "Bye.",
        "turn 2 done",
    ):
        assert expected in out


async def test_chat_prints_json_lines(running: Running) -> None:
    async with running([say("Hello."), say("Bye.")]) as environment:
        code, out, _ = await process(environment, "chat", "helper", "--json", stdin="Hi!\nBye!\n")
    events = lines(out)
    assert code == 0
    assert [event["reply"]["text"] for event in events if event["kind"] == "turn_ended"] == ["Hello.", "Bye."]


async def test_chat_with_an_unknown_agent_lists_the_agents(running: Running) -> None:
    async with running([]) as environment:
        code, _, err = await process(environment, "chat", "nobody", stdin="Hi!\n")
    assert code == 4
    assert "helper" in err


async def test_watch_prints_the_running_turn(running: Running) -> None:
    async with running([call("dig"), say("never")]) as environment:
        session = await environment.client.start("helper", "Dig.")
        watching = await start(*where(environment), "watch", session.id)
        assert watching.stdout is not None
        seen: list[str] = []
        async with asyncio.timeout(60):
            while "dig: spade" not in "".join(seen[-1:]):
                seen.append((await watching.stdout.readline()).decode())
            await session.cancel("enough")
            await session.close()
            seen += (await watching.stdout.read()).decode().splitlines()
            assert await watching.wait() == 0
    for expected in ("turn 1: Dig.", "→ dig", "← dig cancelled", "turn 1 cancelled", "closed"):
        assert expected in "\n".join(seen)


async def test_control_characters_of_a_model_are_replaced(running: Running) -> None:
    async with running([say("red \x1b[31m and \x9b2J gone")]) as environment:
        _, out, _ = await holdfast(environment, "run", "helper", "Hi!")
    assert "\x1b" not in out
    assert "\x9b" not in out


def test_help_imports_neither_temporal_nor_pydantic() -> None:
    program = (
        "import sys; from holdfast_client.command.main import invoke; code = invoke(['--help'])\n"
        "heavy = {'temporalio', 'pydantic', 'sqlalchemy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "sessions" in done.stdout


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["--version"]) == 0
    assert capsys.readouterr().out.startswith("holdfast ")


COMMANDS = [
    "run", "chat", "send", "sessions", "show", "watch", "pause", "resume", "steer", "cancel", "close", "agents", "effects", "answer",
    "approve", "reject", "delegate", "budget", "budgets", "breakers", "breaker open", "breaker close", "audit show", "board", "tree",
]  # fmt: skip
ELSEWHERE = [["dev"], ["worker"], ["state", "upgrade"], ["audit", "verify"]]


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert invoke([*command.split(), "--help"]) == 0
        assert "--json" in capsys.readouterr().out


def test_the_cli_page_documents_every_command_and_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (Path(__file__).parents[3] / "docs/cli.md").read_text("utf-8")
    for words in [*(command.split() for command in COMMANDS), *ELSEWHERE]:
        assert invoke([*words, "--help"]) == 0
        options = re.findall(r"^ +(?:--wait / )?(--[a-z-]+)", capsys.readouterr().out, re.MULTILINE)
        rows = [line for line in page.splitlines() if f"`{' '.join(['holdfast', *words])}" in line]
        assert rows, words
        missing = {option for option in options if option not in "".join(rows)} - {"--help", "--json"}
        assert not missing, words
