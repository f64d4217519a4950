"""Text that UTF-8 cannot hold, through a real server; and what happens without our converter."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker

HALF = "half \ud800 and NUL \x00"
_QUICK = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=3)


class Tools:
    """Activities that count how often they run."""

    def __init__(self) -> None:
        self.runs = 0

    @activity.defn
    async def echo(self, text: str) -> str:
        """What it was given."""
        self.runs += 1
        return text

    @activity.defn
    async def fail(self) -> None:
        """Fail for good, with such text in the message."""
        self.runs += 1
        raise ApplicationError(HALF, type="bad", non_retryable=True)


@workflow.defn(sandboxed=False)
class Speak:
    """Takes such text through an activity and back."""

    @workflow.run
    async def run(self) -> str:
        """What came back."""
        back: str = await workflow.execute_activity(
            "echo", HALF, result_type=str, start_to_close_timeout=timedelta(seconds=5), retry_policy=_QUICK
        )
        return back


@workflow.defn(sandboxed=False)
class Fail:
    """Calls the activity that fails."""

    @workflow.run
    async def run(self) -> None:
        """Fail with it."""
        await workflow.execute_activity(
            "fail", start_to_close_timeout=timedelta(seconds=5), retry_policy=_QUICK
        )


def worker(client: Client, task_queue: str, tools: Tools) -> Worker:
    return Worker(client, task_queue=task_queue, workflows=[Speak, Fail], activities=[tools.echo, tools.fail])


def unprotected(client: Client) -> Client:
    """The same server by the SDK's own converter."""
    return Client(client.service_client, data_converter=pydantic_data_converter)


async def task_failed(handle: WorkflowHandle[Speak, str]) -> bool:
    """Whether a workflow task of that run has failed."""
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return any([event.event_type == failed async for event in handle.fetch_history_events()])


async def test_such_text_goes_through_workflow_and_activity_unchanged(
    client: Client, task_queue: str
) -> None:
    async with asyncio.timeout(60), worker(client, task_queue, Tools()):
        assert await client.execute_workflow(Speak.run, id=task_queue, task_queue=task_queue) == HALF


async def test_without_our_converter_the_run_hangs_on_failing_tasks(client: Client, task_queue: str) -> None:
    plain = unprotected(client)
    async with asyncio.timeout(60), worker(plain, task_queue, Tools()):
        handle = await plain.start_workflow(Speak.run, id=task_queue, task_queue=task_queue)
        while not await task_failed(handle):  # noqa: ASYNC110 # the server sets no event of ours
            await asyncio.sleep(0.02)
        await handle.terminate()


async def test_an_error_that_must_not_be_retried_is_not(client: Client, task_queue: str) -> None:
    tools = Tools()
    async with asyncio.timeout(60), worker(client, task_queue, tools):
        with pytest.raises(WorkflowFailureError) as caught:
            await client.execute_workflow(Fail.run, id=task_queue, task_queue=task_queue)
    assert tools.runs == 1
    assert isinstance(caught.value.cause, ActivityError)
    failure = caught.value.cause.cause
    assert isinstance(failure, ApplicationError)
    assert (failure.message, failure.type) == ("half \ufffd and NUL \ufffd", "bad")


async def test_without_our_converter_it_is_retried(client: Client, task_queue: str) -> None:
    tools, plain = Tools(), unprotected(client)
    async with asyncio.timeout(60), worker(plain, task_queue, tools):
        with pytest.raises(WorkflowFailureError):
            await plain.execute_workflow(Fail.run, id=task_queue, task_queue=task_queue)
    assert tools.runs == 3
