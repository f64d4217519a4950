"""The workflow of each task queue whose query exchanges a credential. A query is not recorded in the history."""

from typing import Any

from temporalio import workflow

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.control.identity import Credential, Grant

from ..inputs import UnknownNames


@workflow.defn(name=names.IDENTITY_WORKFLOW, sandboxed=False)
class IdentityWorkflow(UnknownNames):
    """Waits, so that a worker answers its query."""

    @workflow.run
    async def run(self, *_given: Any) -> None:
        """Wait for ever."""
        await workflow.wait_condition(lambda: False)

    @workflow.query(description="Exchange a credential for an assertion.")
    def exchange(self, given: Credential) -> Grant:
        """Refuse: a worker with an identity provider answers in its interceptor."""
        raise errors.to_failure(errors.NoIdentityProvider())
