"""The sandbox, a real one."""

from __future__ import annotations

import pytest

from holdfast_activities.tools.code.interpreter import Interpreter
from tests import sandbox


@pytest.fixture
async def interpreter() -> Interpreter:
    return await sandbox.needed()
