"""Input that cannot work, from whoever sends it: refused or failed at once, never a run that is stuck."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from holdfast import BadInput, HoldfastError
from holdfast.testing import say
from holdfast_workflows.contracts.names import WORKFLOW

from .conftest import Running, Start

TOO_LARGE: list[tuple[Any, ...]] = [
    ({"agent": "helper", "tenant": "t" * 100_000},),
    ({"agent": "a" * 100_000},),
    ({"agent": "helper", "continue_as_new_after": 1},),
    ({"agent": "helper", "message": {"id": "m", "text": "x" * 1_900_000}},),
    ({"agent": "helper", "message": {"id": "m" * 1_000_000, "text": "x"}},),
]


async def begin(it: Running, *args: Any) -> WorkflowHandle[Any, Any]:
    """Start the workflow as the Temporal UI or command line would."""
    return await it.holdfast.temporal.start_workflow(
        WORKFLOW, args=args, id=f"raw-{it.holdfast.task_queue}", task_queue=it.holdfast.task_queue
    )


@pytest.mark.parametrize(
    "given", [(), ({},), ({"agent": "nobody"},), ({"agent": 5},), ("text",), (None,), *TOO_LARGE]
)
async def test_a_start_that_cannot_work_fails_at_once(start: Start, given: tuple[Any, ...]) -> None:
    async with start([]) as it:
        handle = await begin(it, *given)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        assert isinstance(failed.value.cause, ApplicationError)


async def test_updates_and_signals_of_a_wrong_shape_leave_the_session_as_it_was(start: Start) -> None:
    async with start([say("Hello."), say("Still here.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait(raise_on_error=False)
        # Untyped, as the Temporal UI and other SDKs are.
        handle: Any = it.holdfast.temporal.get_workflow_handle(session.id)
        wrong: list[list[Any]] = [[], [{"wrong": 1}], [7]]
        for name in ("send", "steer", "wait_turn"):
            for arguments in wrong:
                with pytest.raises(WorkflowUpdateFailedError):
                    await handle.execute_update(name, args=arguments)
        for name in ("post", "watch"):
            for arguments in [*wrong, ["wrong"]]:
                await handle.signal(name, args=arguments)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("no_such_update")
        assert (await session.send("Are you there?")).text == "Still here."


async def test_the_client_refuses_names_and_ids_that_are_too_long(start: Start) -> None:
    async with start([say("Hello.")]) as it:
        with pytest.raises(BadInput):
            await it.holdfast.client.start("helper", "Hi", tenant="t" * 3_000_000)
        with pytest.raises(BadInput):
            await it.holdfast.client.start("helper", "Hi", continue_as_new_after=1)
        session = await it.holdfast.client.start("helper", "Hi")
        with pytest.raises(BadInput):
            await session.send("Hi", id="i" * 3_000_000)


async def test_an_output_schema_of_three_megabytes_is_refused_at_once(start: Start) -> None:
    schema = {"type": "object", "description": "d" * 3_000_000}
    async with start([]) as it:
        with pytest.raises(HoldfastError):
            await it.holdfast.client.run("helper", "Hi", output_type=schema)
