"""Output that cannot be written: a character is replaced, other errors are one line."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import pytest

from holdfast.testing import say

from ..conftest import Running
from .test_command import where

_LOST = "holdfast: the output could not be written: "
_NOWHERE = "--address 127.0.0.1:9 sessions"


async def command(words: str, shell: str = "", **environment: str) -> tuple[int, str, list[str]]:
    """Exit code, output and lines of standard error of the command line under a shell's redirections."""
    program = f"{shlex.quote(sys.executable)} -m tests.client.command.holdfast_command"
    process = await asyncio.create_subprocess_shell(
        f"bash -o pipefail -c {shlex.quote(f'{program} {words} {shell}')}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={**os.environ, **environment},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace").splitlines()


@pytest.mark.parametrize("words", ["--help", "--version", "memory --help"])
@pytest.mark.parametrize(
    ("shell", "reason"),
    [
        (">/dev/full", "No space left on device"),
        (">&-", "Bad file descriptor"),
        ("<&- >&-", "Bad file descriptor"),
        (">&- 2>/dev/full", None),
        (">/dev/full 2>&-", None),
    ],
)
async def test_lost_output_is_one_line_and_exits_1(words: str, shell: str, reason: str | None) -> None:
    code, out, err = await command(words, shell)
    assert (code, out, err) == (1, "", [_LOST + reason] if reason else [])


@pytest.mark.parametrize("shell", ["2>/dev/full", "2>&-", "2>&- <&-", "2>&- >&-", "2>/dev/full >/dev/full"])
@pytest.mark.parametrize(("words", "expected"), [("run --nonsense", 2), (_NOWHERE, 3)])
async def test_errors_that_cannot_be_printed_keep_the_exit_code(
    words: str, expected: int, shell: str
) -> None:
    assert await command(words, shell) == (expected, "", [])


async def test_a_json_error_on_a_full_disk_goes_to_standard_error() -> None:
    code, _, err = await command(f"{_NOWHERE} --json", ">/dev/full")
    assert code == 3
    assert len(err) == 1
    assert "No Temporal server answers" in err[0]


async def test_commands_work_where_the_encoding_is_ascii() -> None:
    code, out, _ = await command("--help", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (code, "doctor" in out) == (0, True)


@pytest.mark.slow
async def test_commands_tolerate_encodings_and_lost_output(running: Running) -> None:
    async with running([say("Grüße, 你好 🌍"), say("x" * 200_000)]) as made:
        session = await made.client.start("helper", "schau 你好", id="out-1")
        await session.wait(raise_on_error=False)
        place = " ".join(where(made))
        shown = f"{place} show out-1"
        for encoding in ("ascii", "latin-1", "cp437"):
            code, out, err = await command(shown, PYTHONIOENCODING=encoding)
            assert (code, err) == (0, [])
            assert "?? ?" in out
        code, out, err = await command(shown, PYTHONIOENCODING="utf-8")
        assert (code, err) == (0, [])
        assert "Grüße, 你好 🌍" in out
        await session.send("more")
        for words in (
            "show out-1 --full", "show out-1 --json", "sessions", "agents", "effects", "memory stats", "watch out-1",
        ):  # fmt: skip
            code, _, err = await command(f"{place} {words}", ">/dev/full")
            assert (code, err) == (1, [f"{_LOST}No space left on device"]), words
        code, _, err = await command(f"{place} show out-1 --full", "| head -c 1 >/dev/null")
        assert (code, err) == (1, [f"{_LOST}Broken pipe"])
        code, _, err = await command(f"{place} chat helper --json", ">/dev/full <<< hello")
        assert (code, err) == (1, [f"{_LOST}No space left on device"])
