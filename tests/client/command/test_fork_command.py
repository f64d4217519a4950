"""``holdfast fork`` shows both outcomes, and ``holdfast case save`` writes a case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest

from holdfast import Session, TurnNotEnded
from holdfast.testing import Reply, Request, call, say

from ..conftest import Running
from .test_command import holdfast


def script(request: Request) -> Reply:
    """Look, then answer; another model looks elsewhere, too."""
    if request.results == 0:
        return call("look", {"at": "it"})
    if "other" not in request.model:
        return say("Seen.")
    return call("look", {"at": "more"}) if request.results == 1 else say("Seen more.")


async def test_a_fork_is_shown_side_by_side_and_a_session_saved_as_a_case(
    running: Running, tmp_path: Path
) -> None:
    async with running(script) as environment:
        session = await environment.client.start("helper", "Look at it.")
        await session.wait()
        code, out, _ = await holdfast(environment, "fork", session.id, "--model", "openai:other")
        assert code == 0
        rows = {line.partition("  ")[0].strip(): line.split()[1:] for line in out.splitlines()}
        assert rows["model"] == ["openai:scripted", "openai:other"]
        assert "1 recorded result, 1 made" in out
        assert 'look(at="more"): made' in out
        assert out.index("Seen.") < out.index("Seen more.")
        code, out, _ = await holdfast(
            environment,
            "case",
            "save",
            session.id,
            "--name",
            "seen",
            "--judge",
            "",
            "--folder",
            str(tmp_path),
        )
        assert code == 0
        case = json.loads((tmp_path / "seen.json").read_text())
        assert (case["agent"], case["expected"], case["seq"]) == ("helper", "Seen.", 2)
        assert [each["kind"] for each in case["expectations"]] == ["status", "judge"]
        code, _, error = await holdfast(environment, "fork", session.id, "--at", "9")
        assert (code, "no turn has a step 9" in error) == (2, True)


async def test_a_fork_is_named_before_its_end_is_awaited(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(_self: Session, *, timeout: float | None = None) -> NoReturn:  # noqa: ASYNC109 # as the method
        raise TurnNotEnded

    monkeypatch.setattr(Session, "comparison", killed)
    async with running(script) as environment:
        session = await environment.client.start("helper", "Look at it.")
        await session.wait()
        _, out, error = await holdfast(environment, "fork", session.id)
        assert out == ""
        assert f"holdfast show {session.id}-fork-" in error
