"""Operations on a session in any order, and what must hold afterwards: each message answered once, or refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.service import RPCError

from holdfast import Agent, App, HoldfastError
from holdfast.testing import Reply, Request, call, say
from holdfast_client import Session
from holdfast_workflows.contracts.session.entries import UserEntry

from ..conftest import Running
from .resets import COMPLETED, events, read, reset

KINDS = (
    "send", "send", "send", "interrupt", "reject", "post", "steer", "pause", "resume", "cancel",
    "reset", "drop", "close", "wait",
)  # fmt: skip
"""``reset`` has the server apply again what came after the point, ``drop`` has not."""

APP = App(agents=[Agent("clerk", model="openai:scripted", tools=[read])])

_STEERED = "(aside)"
_LONG = 90.0


def script(request: Request) -> Reply:
    """Repeat the last message's words, some after a tool call; what was steered is no message."""
    lines = [
        (at, line)
        for at, message in enumerate(request.messages)
        if message.get("role") == "user"
        for line in str(message["content"]).splitlines()
        if line.startswith("m")
    ]
    at, text = lines[-1]
    taken = any(message.get("role") == "tool" for message in request.messages[at:])
    if int(text[1:]) % 2 and not taken:
        return call("read", {"what": text}).but(delay=0.02)
    return say(f"You said: {text}").but(delay=0.02)


# The server ends a task so when it is reset, and when a message came in as the session completed: it asks again.
_HARMLESS = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
}


@dataclass
class Played:
    """A session with what is known of its messages: the turn that each accepted one was given.

    Attributes:
        dropped: Texts that a reset has dropped.
        problems: What must not be.
    """

    it: Running
    session: Session
    accepted: dict[str, int] = field(default_factory=dict[str, int])
    dropped: set[str] = field(default_factory=set[str])
    posted: set[str] = field(default_factory=set[str])
    resets: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list[str])
    number: int = 0

    async def do(self, kind: str, pick: int) -> None:
        """One operation; a refusal is one of ours, and leaves no trace."""
        try:
            async with asyncio.timeout(_LONG):
                await self._do(kind, pick)
        except HoldfastError:
            self.refused += 1
        except TimeoutError:
            self.problems.append(f"{kind} had no answer")

    async def _do(self, kind: str, pick: int) -> None:
        match kind:
            case "send" | "interrupt" | "reject":
                when = {"send": None, "interrupt": "interrupt", "reject": "reject"}[kind]
                text = self._text()
                reply = await self.session.send(text, when_busy=when, wait=False)  # type: ignore[arg-type]
                self.accepted[text] = reply.turn
            case "post":
                text = self._text()
                handle = self.it.holdfast.temporal.get_workflow_handle(self.session.id)
                self.posted.add(text)
                with suppress(RPCError):  # it has ended
                    await handle.signal("post", {"id": text, "text": text})
            case "steer":
                await self.session.steer(_STEERED)
            case "pause":
                await self.session.pause()
            case "resume":
                await self.session.resume()
            case "cancel":
                await self.session.cancel("by the test")
            case "close":
                await self.session.close()
            case "reset" | "drop":
                await self._reset(pick, reapply=kind == "reset")
            case _:
                await asyncio.sleep(pick / 5_000)

    def _text(self) -> str:
        self.number += 1
        return f"m{self.number}"

    async def _reset(self, pick: int, *, reapply: bool) -> None:
        history = await events(self.it, self.session.id)
        points = [event.event_id for event in history if event.event_type == COMPLETED]
        if not points:
            return
        point = points[pick % len(points)]
        self.resets += 1
        if not reapply:
            kept = str([event for event in history if event.event_id < point])
            self.dropped |= {text for text in self.accepted if f'\\"{text}\\"' not in kept}
            self.dropped |= self.posted
        with suppress(RPCError):  # some points cannot be reset to, or another run has begun
            await reset(self.it, self.session.id, point, reapply=reapply)

    async def ended(self) -> None:
        """Let the session come to rest."""
        async with asyncio.timeout(_LONG):
            while True:
                with suppress(HoldfastError):
                    view = await self.session.view()
                    if view.status == "paused":
                        await self.session.resume()
                    elif view.status in {"idle", "closed", "failed", "cancelled"} and not view.queued:
                        return
                await asyncio.sleep(0.05)

    async def judge(self) -> list[str]:
        """What is not as it must be."""
        await self._judge_answers()
        await self._judge_log()
        await self._judge_tasks()
        return self.problems

    async def _judge_answers(self) -> None:
        numbers = list(self.accepted.values())
        if self.resets == 0 and len(set(numbers)) != len(numbers):
            self.problems.append(f"turns were given twice: {numbers}")
        for text, turn in self.accepted.items():
            view = None
            with suppress(HoldfastError):
                view = await self.session._requests.turn(self.session.id, turn)
            if view is None:
                # Applied again by a reset it may have another turn by now; the log tells.
                if self.resets == 0 and turn > max(numbers) - 20:
                    self.problems.append(f"{text} has no turn {turn}")
            elif text in self.dropped:
                continue
            elif view.request != text:
                self.problems.append(f"turn {turn} of {text} is {view.request}'s")
            elif view.status == "done" and view.reply != f"You said: {text}":
                self.problems.append(f"{text} was answered {view.reply!r}")
            elif view.status not in {"done", "cancelled"}:
                self.problems.append(f"{text} ended as {view.status}, {view.error}")

    async def _judge_log(self) -> None:
        late = await abandoned(self.it, self.session.id)
        log = await self.it.holdfast.state.log.read(self.session.id, 0)
        log = [entry for entry in log if not any(start <= entry.seq < stop for start, stop in late)]
        said = [entry.text for entry in log if isinstance(entry, UserEntry) and entry.role == "message"]
        if len(set(said)) != len(said):
            self.problems.append(f"messages are in the log twice: {said}")
        for text in self.accepted.keys() - self.dropped:
            if text not in said:
                self.problems.append(f"{text} was accepted and is not in the log")

    async def _judge_tasks(self) -> None:
        for event in await events(self.it, self.session.id):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                failed = event.workflow_task_failed_event_attributes
                if failed.cause not in _HARMLESS:
                    self.problems.append(f"a workflow task failed: {failed.failure.message}")


async def abandoned(it: Running, session: str) -> list[tuple[int, int]]:
    """The parts of the log that resets have left behind, as the history has them; calls may still write there."""
    found: list[tuple[int, int]] = []
    asked: dict[int, str] = {}
    for event in await events(it, session):
        scheduled = event.activity_task_scheduled_event_attributes
        ended = event.activity_task_completed_event_attributes
        started = event.workflow_execution_started_event_attributes
        if scheduled.activity_type.name in {"set_aside", "load_agent"}:
            asked[event.event_id] = scheduled.input.payloads[0].data.decode()
        if ended.scheduled_event_id in asked:
            given = json.loads(asked[ended.scheduled_event_id])
            result = json.loads(ended.result.payloads[0].data)
            found += [(start, stop) for start, stop in result.get("abandoned", ())]
            if "turn" in given and not given.get("stop"):
                found.append((given["seq"], result["seq"]))
        if started.input.payloads:
            carried: dict[str, Any] = json.loads(started.input.payloads[0].data).get("carry") or {}
            found += [(start, stop) for start, stop in carried.get("abandoned", ())]
    return found


async def play(
    it: Running, operations: Sequence[tuple[str, int]], *, continue_as_new_after: int = 60
) -> Played:
    """Do these operations to a new session, and judge what came of them."""
    session = await it.holdfast.client.start("clerk", "m0", continue_as_new_after=continue_as_new_after)
    played = Played(it, session, accepted={"m0": 1})
    for kind, pick in operations:
        await played.do(kind, pick)
    await played.ended()
    await played.judge()
    return played
