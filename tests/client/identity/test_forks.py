"""A fork starts as a worker has prepared it, for the principal that asked for it; other starts are refused."""

from __future__ import annotations

from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError

from holdfast import InvalidCredential, NotPermitted
from holdfast.testing import say
from holdfast_client.requests.requests import Requests
from holdfast_temporal.identity import signed_client
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import from_failure
from holdfast_workflows.contracts.evaluation.forks import Fork, ForkSource, PreparedFork, PrepareFork
from holdfast_workflows.contracts.evaluation.starting import start_of
from holdfast_workflows.contracts.session.session import Message, StartInput

from .conftest import Guarded, Guarding
from .test_protections import Signer, grant


async def _session(it: Guarded) -> str:
    """A session of ann that has ended a turn."""
    session = await (await it.client("ann")).start("helper", "Hi")
    await session.wait()
    return session.id


async def _prepared(it: Guarded, who: str, session: str, fork: str) -> StartInput:
    """The start of a fork that a worker has prepared."""
    requests: Requests = (await it.client(who))._requests  # what the SDK does, in two parts
    ask = PrepareFork(session=session, fork=fork)
    return start_of(await requests.activity(names.PREPARE_FORK, ask, PreparedFork, session=session))


async def _started(it: Guarded, who: str, start: StartInput, id: str) -> object:
    """What a start that a client signs itself comes to: ``done``, or its error."""
    client = signed_client(it.environment.temporal, Signer(await grant(it, who)))
    try:
        await client.execute_workflow(names.WORKFLOW, start, id=id, task_queue=it.environment.task_queue)
    except WorkflowFailureError as error:
        return from_failure(error)
    return "done"


async def test_a_fork_starts_only_as_it_was_prepared(guarding: Guarding) -> None:
    async with guarding([say("Hello.")] * 3) as it:
        session, id = await _session(it), f"fork-{uuid4()}"
        start = await _prepared(it, "operator", session, id)
        assert start.fork is not None
        changed = {
            "account": "tenant:evil:2026-01-31",
            "mode": "conversation",
            "message": Message(text="Something else.", id="m-1"),
            "max_steps": 50,
            "fork": start.fork.model_copy(update={"untrusted": "", "digest": "0" * 24}),
        }
        for name, value in changed.items():
            forged = start.model_copy(update={name: value})
            assert isinstance(await _started(it, "operator", forged, id), InvalidCredential), name
        assert isinstance(await _started(it, "operator", start, f"fork-{uuid4()}"), InvalidCredential)
        assert await _started(it, "operator", start, id) == "done"


async def test_a_start_that_only_claims_to_be_a_fork_is_refused(guarding: Guarding) -> None:
    async with guarding([say("Hello.")] * 3) as it:
        session = await _session(it)
        prepared = await _prepared(it, "operator", session, "fork-1")
        assert prepared.fork is not None
        claimed = Fork(
            source=ForkSource(session=session, turn=1, seq=2), step=1, digest=prepared.fork.digest, start=1
        )
        for who in ("operator", "eve", "ann"):
            start = StartInput(agent="helper", tenant="acme", user="ann", mode="task", fork=claimed)
            assert isinstance(await _started(it, who, start, f"fork-{uuid4()}"), NotPermitted)


@pytest.mark.parametrize("thief", ["eve", "ann", "root"])
async def test_a_fork_that_was_prepared_for_another_principal_is_refused(
    guarding: Guarding, thief: str
) -> None:
    async with guarding([say("Hello.")] * 3) as it:
        id = f"fork-{uuid4()}"
        start = await _prepared(it, "operator", await _session(it), id)
        assert isinstance(await _started(it, thief, start, id), NotPermitted)
