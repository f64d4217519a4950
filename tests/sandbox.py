"""The sandbox of code tools. Without it tests are skipped, unless HOLDFAST_REQUIRE_SANDBOX is set."""

from __future__ import annotations

import os

import pytest

from holdfast import SandboxUnavailable
from holdfast_activities.tools.code.interpreter import Interpreter
from holdfast_activities.tools.code.tool import CodeRuns
from holdfast_workflows.contracts.tools.code import CodeSettings

# Read at import, since a fixture removes these variables.
_REQUIRED = bool(os.environ.get("CI") or os.environ.get("HOLDFAST_REQUIRE_SANDBOX"))
_found: list[Interpreter | str] = []


async def needed() -> Interpreter:
    """The interpreter in a sandbox that holds; skips or fails the test if there is none."""
    if not _found:
        try:
            _found.append(await CodeRuns(CodeSettings()).checked())
        except SandboxUnavailable as error:
            _found.append(error.detail)
    made = _found[0]
    if isinstance(made, Interpreter):
        return made
    if _REQUIRED:
        pytest.fail(f"no sandbox: {made}")
    pytest.skip(f"no sandbox: {made}")
