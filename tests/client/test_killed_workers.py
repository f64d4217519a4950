"""Following a session whose worker is killed."""

from __future__ import annotations

import json
import signal
import uuid
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import Client as TemporalClient

from holdfast.testing.model import ScriptedModel, say
from holdfast_client import connect
from holdfast_client.stream.events import StreamEvent, TextRestart, TurnEnded
from holdfast_temporal import DevServer
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session import Message, StartInput

from ..workers.running import Running, started
from .support import shown

STORY = "Once there was a bee. " * 200
OTHER = "In the beginning there was honey. " * 20
SILENCE = 2.0  # seconds after which a killed worker's call is given to another


async def test_a_stream_whose_worker_is_killed_never_mixes_texts_and_ends_with_the_right_one(
    server: DevServer, client: TemporalClient
) -> None:
    queue, id = f"test-{uuid.uuid4().hex}", f"s-{uuid.uuid4().hex}"
    async with ScriptedModel([say(STORY, pace=0.02), say(OTHER, pace=0.005)]) as model:
        providers = {"openai": {"kind": "openai", "base_url": model.openai_url}}
        worker = {
            "temporal_address": server.address,
            "task_queue": queue,
            "providers": json.dumps(providers),
        }
        message = Message(id="first", text="Tell me.", watched=True)
        await client.start_workflow(
            names.WORKFLOW,
            StartInput(agent="helper", message=message, silence=SILENCE),
            id=id,
            task_queue=queue,
            task_timeout=timedelta(seconds=SILENCE),
        )
        session = (await connect(temporal=client, task_queue=queue)).session(id)
        events: list[StreamEvent] = []
        async with AsyncExitStack() as workers:

            async def start() -> Running:
                return await workers.enter_async_context(
                    started("worker", "tests.client.support:app", **worker)
                )

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
