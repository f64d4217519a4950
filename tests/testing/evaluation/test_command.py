"""``holdfast eval`` in CI: results are saved, and a regression fails."""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from holdfast.testing import ScriptedModel, save_case
from holdfast.testing.evaluation import Case
from holdfast_client.command.main import invoke
from holdfast_workflows.contracts.evaluation.cases import ExpectCall

from .refunds import WORSE, script


async def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run ``holdfast eval`` in a thread of its own."""
    out, err = io.StringIO(), io.StringIO()

    def command() -> int:
        with redirect_stdout(out), redirect_stderr(err):
            try:
                return invoke(["eval", *map(str, arguments)])
            except SystemExit as ended:
                return int(ended.code or 0)

    code = await asyncio.to_thread(command)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.slow
async def test_a_worsened_prompt_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for order in (5, 10, 15):
        expected = ExpectCall(tool="refund", arguments={"cents": 100 + order})
        message = f"Refund order {order}."
        case = Case(name=f"c{order}", agent="clerk", message=message, reads="live", expectations=(expected,))
        save_case(case, tmp_path / "cases")
    (tmp_path / "new.md").write_text(WORSE)
    given = (tmp_path / "cases", "tests.testing.evaluation.refunds:app")
    async with ScriptedModel(script) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        code, out, error = await run(*given, "--save", tmp_path / "base.json")
        assert (code, "100%" in out) == (0, True), error
        code, out, error = await run(
            *given, "--instructions", tmp_path / "new.md", "--baseline", tmp_path / "base.json"
        )
        assert code == 1, error
        assert "worse than the baseline:\n  new: quality: changed by -1.000 [-1.000, -1.000]" in out
        assert 'call refund({"cents": 105}): {"order": "5", "cents": 106}' in out


async def test_a_missing_case_is_one_line(tmp_path: Path) -> None:
    code, _, error = await run(tmp_path, "tests.testing.evaluation.refunds:app")
    assert code == 2
    assert "no case in" in error
