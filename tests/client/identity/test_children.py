"""Child sessions start for the principal of their parent; other starts are refused."""

from __future__ import annotations

from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError

from holdfast import App, Delegate, InvalidCredential, NotPermitted
from holdfast.testing import Reply, Request, call, say
from holdfast_temporal.identity import signed_client
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import from_failure
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.session.session import StartInput
from holdfast_workflows.contracts.teams.children import Parent

from ...workflows.teams.team import agent, by_agent
from .conftest import Guarded, Guarding
from .test_protections import Signer, grant

WORKER = agent("worker")
TEAM = App(agents=[agent("lead", tools=[Delegate(WORKER)]), WORKER])


def leads(request: Request) -> Reply:
    return say("Done.") if request.results else call("delegate_to_worker", {"task": "Go"})


SCRIPT = by_agent(lead=leads, worker=lambda _: say("Worked."))


async def delegated(it: Guarded) -> str:
    """The child of a session that ann has started."""
    session = await (await it.client("ann")).start("lead", "Go")
    await session.wait()
    [given] = [each async for each in session.log() if isinstance(each, ResultEntry)]
    assert given.text == "Worked."
    return f"{session.id}-{given.seq}"


async def test_a_child_belongs_to_who_started_its_parent(guarding: Guarding) -> None:
    async with guarding(SCRIPT, TEAM) as it:
        view = await (await it.client("ann")).session(await delegated(it)).view()
        assert (view.started_by, view.tenant, view.user) == ("ann", "acme", "ann")


async def test_a_start_that_only_claims_to_be_a_child_is_refused(guarding: Guarding) -> None:
    async with guarding(SCRIPT, TEAM) as it:
        child = it.environment.temporal.get_workflow_handle(await delegated(it))
        started = (await child.fetch_history()).events[0].workflow_execution_started_event_attributes
        [start] = await it.environment.temporal.data_converter.decode(started.input.payloads, [StartInput])
        eve = signed_client(it.environment.temporal, Signer(await grant(it, "eve")))
        claimed = StartInput(
            agent="worker", tenant="acme", user="ann", parent=Parent(session="s", root="s", depth=1)
        )
        other = start.model_copy(update={"agent": "lead"})
        for given, error in ((claimed, NotPermitted), (start, InvalidCredential), (other, InvalidCredential)):
            with pytest.raises(WorkflowFailureError) as failed:
                await eve.execute_workflow(
                    names.WORKFLOW, given, id=f"child-{uuid4()}", task_queue=it.environment.task_queue
                )
            assert isinstance(from_failure(failed.value), error)
