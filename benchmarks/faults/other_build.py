"""The command line of a build whose sessions take other decisions."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from holdfast_client.command.main import main
from holdfast_workers import own_workflows
from holdfast_workflows.contracts import names


@workflow.defn(name=names.WORKFLOW, sandboxed=False)
class Other:
    """It waits, where a session loads its agent."""

    @workflow.run
    async def run(self, *_: Any) -> None:
        """Wait."""
        await workflow.sleep(1)


if __name__ == "__main__":
    own_workflows.OWN_WORKFLOWS = (Other,)
    main()
