"""Carrying out calls as a worker does, on a real state database and without a server."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import time
from typing import Any
from unittest.mock import patch

from temporalio.activity import ActivityCancellationDetails
from temporalio.common import RawValue
from temporalio.testing import ActivityEnvironment

from holdfast import Agent, App, Tool
from holdfast_activities import Activities
from holdfast_activities.models import Models
from holdfast_activities.resilience import Resilience
from holdfast_activities.session import activities as session_activities
from holdfast_activities.session.tool_call import process
from holdfast_activities.session.tool_call.ledger import Ledger
from holdfast_activities.state import State
from holdfast_temporal import data_converter
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.session.steps import ActInput, ActResult

WAIT = 20.0
"""Seconds; the bound of every wait here."""

REPLY = 1
SEQ = 2
ARGUMENTS = '{"order": "42"}'
LOST = "lost@" + process.here().replace(f"/{os.getpid()}/", f"/{2**22 + 1}/")
"""The token of a worker that is gone: no process has such a number."""

ALIVE = "alive@" + process.here().replace(f"/{os.getpid()}/", f"/{os.getppid()}/").rpartition("/")[0] + "/"
"""The token of a worker whose process runs, or stands still, and says nothing."""

ELSEWHERE = "elsewhere@another-machine/1/1"
"""The token of a worker of which only its own machine knows."""


class CallRunner:
    """One worker's activities for one session; calls stand in its reply 1, their results from 2 on."""

    def __init__(
        self, state: State, session: str, *tools: Tool[..., Any], ledger: type[Ledger] = Ledger
    ) -> None:
        self.state = state
        self.session = session
        self.tools = tools
        registry = App(agents=[Agent("clerk", model="openai:scripted", tools=tools)]).registry()
        self.spec = registry.agents["clerk"]
        self.resilience = Resilience(state)
        with patch.object(session_activities, "Ledger", ledger):
            self.activities = Activities(registry, state, Models({}), self.resilience)
        self.environment = ActivityEnvironment()
        self.environment.payload_converter = data_converter.payload_converter

    async def act(
        self, tool: str, *, seq: int = SEQ, attempt: int = 1, arguments: str = ARGUMENTS, **more: Any
    ) -> ActResult:
        """Carry out the call at ``seq``."""
        body = self.spec.model_dump_json()
        digest = hashlib.sha256(body.encode()).hexdigest()
        await self.state.save_spec(digest, body)
        await self.reply(*[tool] * max(seq, 60))  # unless it is there
        request = ActInput(
            session=self.session,
            agent="clerk",
            digest=digest,
            turn=1,
            step=1,
            seq=seq,
            reply=REPLY,
            call_id=f"call-{seq}",
            name=tool,
            key=names.call_key(self.session, seq),
            arguments=arguments,
            **more,
        )
        converter = self.environment.payload_converter
        self.environment.info = dataclasses.replace(ActivityEnvironment.default_info(), attempt=attempt)
        args = [RawValue(converter.to_payload(request))]
        carry_out = next(made for made in self.activities.all() if made.__name__ == "act")
        async with asyncio.timeout(WAIT):
            result: ActResult = await self.environment.run(carry_out, args)
        return result

    async def undo(self, tool: str, *, seq: int = SEQ, **more: Any) -> ActResult:
        """Take the call at ``seq`` back."""
        return await self.act(tool, seq=seq, mode="undo", arguments="", **more)

    def cancel(self, *, by_session: bool) -> None:
        """Cancel what runs: the session says so, or the worker stops."""
        details = ActivityCancellationDetails(cancel_requested=by_session, worker_shutdown=not by_session)
        self.environment.cancel(details)

    async def reply(self, *calls: str) -> None:
        """Put the reply that asks for the calls into the log."""
        asked = tuple(
            ToolCall(id=f"call-{SEQ + n}", name=name, arguments=ARGUMENTS) for n, name in enumerate(calls)
        )
        await self.state.log.settle(self.session, [ReplyEntry(seq=REPLY, turn=1, step=1, calls=asked)])

    async def claimed(
        self, tool: str, *, ago: float = 0.0, status: EffectStatus = "claimed", by: str = LOST
    ) -> None:
        """Have a worker, one that is gone, have claimed the call so many seconds ago."""
        row = EffectView(
            key=names.call_key(self.session, SEQ),
            session=self.session,
            seq=SEQ,
            turn=1,
            agent="clerk",
            tenant="",
            tool=tool,
            effect="once",
            status=status,
            claimed=time.time() - ago,
        )
        await self.state.effects.claim(row, by)

    async def row(self, key: str = "") -> EffectView:
        """The row of the call at 2, or of a key."""
        found = await self.state.effects.get(key or names.call_key(self.session, SEQ))
        assert found is not None
        return found[0]

    async def result(self) -> ResultEntry | None:
        """The result of that call in the log."""
        found = await self.state.log.read(self.session, SEQ, SEQ + 1)
        return found[0] if found and isinstance(found[0], ResultEntry) else None
