"""Workflows that do what the sandbox is there to catch."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from temporalio import workflow


# Outside the sandbox like the session, so that the same runner decides about both.
@workflow.defn(sandboxed=False)
class AsksTheClock:
    """Decides by the clock of the machine."""

    @workflow.run
    async def run(self) -> str:
        return str(datetime.now(UTC))


@workflow.defn(sandboxed=False)
class RollsDice:
    """Decides by chance."""

    @workflow.run
    async def run(self) -> str:
        return str(random.random())
