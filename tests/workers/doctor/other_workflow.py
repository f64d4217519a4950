"""A workflow that takes other decisions than a session, under its name."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from holdfast_workflows.contracts import names


@workflow.defn(name=names.WORKFLOW, sandboxed=False)
class Different:
    """It waits, where a session loads its agent."""

    @workflow.run
    async def run(self, *_: Any) -> None:
        await workflow.sleep(1)
