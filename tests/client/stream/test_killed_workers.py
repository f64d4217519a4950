"""Streams and attempts when a worker is killed."""

from __future__ import annotations

import json
import signal
import uuid
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from temporalio.client import Client as TemporalClient

from holdfast import Agent, App, RetryPolicy
from holdfast.testing import Reply, Request, ScriptedModel, overloaded, say
from holdfast_client import connect
from holdfast_client.stream.events import StreamEvent, TextRestart, TurnEnded
from holdfast_temporal import DevServer
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.session.session import Message, StartInput

from ...support import eventually, shown
from ...workers.running import Running, started

STORY = "Once there was a bee. " * 200
OTHER = "In the beginning there was honey. " * 20
HEARTBEAT_TIMEOUT = 5.0  # seconds; a busy machine takes two seconds of silence for a lost worker

ATTEMPTS = 2

app = App(
    agents=[
        Agent(
            "helper",
            model="openai:scripted",
            model_retry=RetryPolicy(attempts=ATTEMPTS, first_delay=0.05, adaptive=False),
        )
    ]
)


@pytest.mark.slow
async def test_a_stream_never_mixes_attempts_when_its_worker_is_killed(
    server: DevServer, client: TemporalClient
) -> None:
    queue, id = f"test-{uuid.uuid4().hex}", f"s-{uuid.uuid4().hex}"
    async with ScriptedModel([say(STORY, pace=0.02), say(OTHER, pace=0.005)]) as model:
        worker = worker_of(server, model, queue)
        message = Message(id="first", text="Tell me.", streaming=True)
        await client.start_workflow(
            names.WORKFLOW,
            StartInput(agent="helper", message=message, heartbeat_timeout=HEARTBEAT_TIMEOUT),
            id=id,
            task_queue=queue,
            task_timeout=timedelta(seconds=HEARTBEAT_TIMEOUT),
        )
        session = (await connect(temporal=client, task_queue=queue)).session(id)
        events: list[StreamEvent] = []
        async with AsyncExitStack() as workers:

            async def start() -> Running:
                return await workers.enter_async_context(started("worker", "tests.support:app", **worker))

            first, killed = await start(), False
            async for event in session.stream(turn=1):
                events.append(event)
                text = shown(events)
                assert STORY.startswith(text) or OTHER.startswith(text)
                if len(text) > 200 and not killed:
                    first.signal(signal.SIGKILL)
                    await first.ended()
                    killed = True
                    await start()
    assert shown(events) == OTHER
    assert any(isinstance(event, TextRestart) for event in events)
    last = next(event for event in events if isinstance(event, TurnEnded))
    assert (last.reply.text, last.reply.status) == (OTHER, "done")


@pytest.mark.slow
async def test_attempts_that_failed_before_a_worker_was_killed_still_count(
    server: DevServer, client: TemporalClient
) -> None:
    queue = f"test-{uuid.uuid4().hex}"

    def script(request: Request) -> Reply:
        return say("never heard", delay=60.0) if request.number == ATTEMPTS else overloaded()

    async with ScriptedModel(script) as model, AsyncExitStack() as workers:
        worker = worker_of(server, model, queue)
        first = await workers.enter_async_context(started("worker", f"{__name__}:app", **worker))
        holdfast = await connect(temporal=client, task_queue=queue, timeout=60)
        session = await holdfast.start("helper", "Hi!", heartbeat_timeout=HEARTBEAT_TIMEOUT)
        handle = client.get_workflow_handle(session.id)

        async def hanging_attempt() -> bool:
            """Whether the hanging attempt has asked the model, and has sent a heartbeat."""
            pending = (await handle.describe()).raw_description.pending_activities
            beating = any(each.attempt == ATTEMPTS and each.HasField("heartbeat_details") for each in pending)
            return beating and len(model.requests) == ATTEMPTS

        await eventually(hanging_attempt)
        first.signal(signal.SIGKILL)
        await first.ended()
        await workers.enter_async_context(started("worker", f"{__name__}:app", **worker))
        with pytest.raises(HoldfastError):
            await session.wait()
    # The killed worker's attempt does not count, so there is one more.
    assert len(model.requests) == ATTEMPTS + 1


def worker_of(server: DevServer, model: ScriptedModel, queue: str) -> dict[str, str]:
    """Return the settings of a worker process."""
    return {
        "temporal_address": server.address,
        "task_queue": queue,
        "providers": json.dumps({"openai": {"kind": "openai", "base_url": model.openai_url}}),
    }
