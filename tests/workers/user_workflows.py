"""A workflow as a user writes it, in a module of its own since the sandbox imports that anew."""

from __future__ import annotations

from temporalio import workflow


@workflow.defn
class Where:
    """Tells where it runs."""

    @workflow.run
    async def run(self) -> bool:
        """Whether this is the sandbox."""
        return workflow.unsafe.in_sandbox()
