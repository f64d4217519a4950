"""Child sessions start for the principal of their parent; other starts are refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from holdfast import App, Delegate, InvalidCredential, NotPermitted
from holdfast.testing import Reply, Request, call, say
from holdfast_temporal.identity import signed_client
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control import assertions
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.control.verification import GrantStart, start_digest
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


async def refused(client: Client, workflow_type: str, given: object, queue: str, id: str) -> object:
    """The error that a workflow ends with."""
    with pytest.raises(WorkflowFailureError) as failed:
        await client.execute_workflow(workflow_type, given, id=id, task_queue=queue)
    return from_failure(failed.value)


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
            queue, id = it.environment.task_queue, f"child-{uuid4()}"
            assert isinstance(await refused(eve, names.WORKFLOW, given, queue, id), error)


async def test_a_client_cannot_sign_the_start_of_a_child_itself(guarding: Guarding) -> None:
    async with guarding(SCRIPT, TEAM) as it:
        signer, id = Signer(await grant(it, "eve")), f"child-{uuid4()}"
        parent = Parent(session="s", root="s", depth=1)
        start = StartInput(agent="worker", tenant="acme", user="ann", parent=parent)
        own = await signer.sign(
            assertions.Request(
                "start", it.environment.temporal.namespace, id, names.WORKFLOW, start_digest(start)
            )
        )
        signed = parent.model_copy(update={"grant": own.model_dump_json()})
        bare = parent.model_copy(update={"grant": own.assertion})
        for each in (signed, bare):
            given = start.model_copy(update={"parent": each})
            eve, queue = signed_client(it.environment.temporal, signer), it.environment.task_queue
            error = await refused(eve, names.WORKFLOW, given, queue, id)
            assert isinstance(error, InvalidCredential)


@workflow.defn(sandboxed=False)
class Foreign:
    """A workflow of another application in the namespace."""

    @workflow.run
    async def run(self, given: tuple[str, GrantStart]) -> str:
        """Ask the app's worker for a grant."""
        queue, ask = given
        grant: str = await workflow.execute_activity(
            names.GRANT_START,
            ask,
            result_type=str,
            task_queue=queue,
            start_to_close_timeout=timedelta(seconds=10),
        )
        return grant


async def test_a_workflow_of_another_queue_gets_no_grant(guarding: Guarding) -> None:
    async with guarding(SCRIPT, TEAM) as it:
        temporal, queue = it.environment.temporal, f"foreign-{uuid4()}"
        ann = Principal(id="ann", kind="user", tenant="acme")
        ask = (it.environment.task_queue, GrantStart(session="child", digest="any", principal=ann))
        async with Worker(temporal, task_queue=queue, workflows=[Foreign]):
            error = await refused(temporal, "Foreign", ask, queue, queue)
        assert isinstance(error, NotPermitted)
