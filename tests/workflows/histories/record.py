"""Record the histories beside this file: ``python -m tests.workflows.histories.record``.

Each shape is a real run on a real server, driven by a scripted model. Record a shape
anew only when a decision was changed behind ``workflow.patched``: a history that is
replaced by one of today's code guards nothing that runs today.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHistory

from holdfast.app import App
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, failed, say
from holdfast_client import Session
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from ...support import Gate, make_app
from .approved import APPROVED
from .elicited import ELICITED
from .examined import EXAMINED
from .fleet import FLEET
from .guarded import GUARDED, HELD
from .permitted import PERMITTED
from .remembering import AWAY, REMEMBERING
from .remote import REMOTE
from .routed import ROUTED
from .served import SERVED
from .teamed import TEAMED
from .ticketed import TICKETED

FOLDER = Path(__file__).parent
_ROLL_OVER = 40  # events: three runs for the six steps of its shape

_NEUTRAL = {"identity": "recorder", "stackTrace": ""}

Script = list[Reply] | Callable[[Request], Reply]
Drive = Callable[[Environment, Gate], Awaitable[Session]]


async def plain(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Hello.")
    await session.wait(raise_on_error=False)
    await session.send("And again.")
    await session.close()
    return session


async def parallel(holdfast: Environment, _: Gate) -> Session:
    return await holdfast.client.start_task("helper", "Look left and right.")


async def pause_resume(holdfast: Environment, gate: Gate) -> Session:
    session = await holdfast.client.start_task("helper", "Hold, then look.")
    await gate.arrived()
    await session.pause()
    gate.opened.set()
    await until(lambda: settled(session, 1))
    await session.resume()
    return session


async def cancel_mid_tool(holdfast: Environment, gate: Gate) -> Session:
    session = await holdfast.client.start("helper", "Hold.")
    await gate.arrived()
    await session.cancel("enough")
    await session.close()
    return session


async def roll_over(holdfast: Environment, _: Gate) -> Session:
    return await holdfast.client.start_task("helper", "Look often.", continue_as_new_after=_ROLL_OVER)


async def output_repair(holdfast: Environment, _: Gate) -> Session:
    shape = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    return await holdfast.client.start_task("helper", "How many?", output_type=shape)


async def inline_pause(holdfast: Environment, gate: Gate) -> Session:
    session = await holdfast.client.start_task("helper", "Peek, linger, peek.")
    await gate.arrived()
    await session.pause()
    # The burst hears of it with its next sign of life, and then ends with this step.
    asyncio.get_running_loop().call_later(1.5, gate.opened.set)
    await until(lambda: settled(session, 2))
    await session.resume()
    return session


async def failed_turn(holdfast: Environment, _: Gate) -> Session:
    session = await holdfast.client.start("helper", "Hello.")
    await session.wait(raise_on_error=False)
    await session.close()
    return session


async def interrupt(holdfast: Environment, gate: Gate) -> Session:
    session = await holdfast.client.start("helper", "Hold.")
    await gate.arrived()
    await session.send("No, this.", when_busy="interrupt")
    await session.close()
    return session


def _looks(request: Request) -> Reply:
    return call("look", {"at": f"page {request.results}"}) if request.results < 6 else say("Read.")


def _peeks(request: Request) -> Reply:
    if request.results == 4:
        return say("Peeked.")
    return call("linger", {"name": "it"}) if request.results == 1 else call("peek", {"at": "it"})


def _held(request: Request) -> Reply:
    return say("This.") if b"No, this." in request.body else call("hold", {"name": "it"})


def _plain(gate: Gate) -> App:
    return make_app(gate, model_retry=RetryPolicy(attempts=2, first_delay=0.1))


_FREE: dict[str, tuple[Drive, Script]] = {
    "plain": (plain, [say("Hello."), say("Hello again.")]),
    "parallel": (parallel, [call("look", {"at": "left"}) + call("look", {"at": "right"}), say("Both.")]),
    "pause_resume": (pause_resume, [call("hold", {"name": "it"}), call("look", {"at": "it"}), say("Done.")]),
    "cancel_mid_tool": (cancel_mid_tool, [call("hold", {"name": "it"})]),
    "roll_over": (roll_over, _looks),
    "output_repair": (output_repair, [say("seven"), say('{"n": 7}')]),
    "inline_pause": (inline_pause, _peeks),
    "failed_turn": (failed_turn, [failed(400, "No such model.")]),
    "interrupt": (interrupt, _held),
}

SHAPES: dict[str, tuple[Drive, Script, Callable[[Gate], App]]] = {
    **{name: (drive, script, _plain) for name, (drive, script) in _FREE.items()},
    **GUARDED,
    **REMEMBERING,
    **PERMITTED,
    **ELICITED,
    **APPROVED,
    **ROUTED,
    **REMOTE,
    **TEAMED,
    **SERVED,
    **FLEET,
    **TICKETED,
    **EXAMINED,
}


async def settled(session: Session, steps: int) -> bool:
    """Whether a paused session has come to rest after so many steps."""
    view = await session.view()
    return view.step >= steps and not view.active


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110 # the session is in another process
            await asyncio.sleep(0.05)


async def runs(holdfast: Environment, session: str) -> AsyncIterator[WorkflowHistory]:
    """The histories of a session, one for each run, the last one first."""
    run: str | None = None
    while True:
        history = await holdfast.temporal.get_workflow_handle(session, run_id=run).fetch_history()
        yield history
        run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run:
            return


async def record(name: str) -> list[WorkflowHistory]:
    """Run a shape and return its histories, the first run first."""
    drive, script, app = SHAPES[name]
    gate = Gate()
    store = AWAY if name == "memory_away" else ""
    database = f"sqlite:///{HELD}?busy_seconds=0.05" if name == "ask_human_held" else None
    async with (
        ScriptedModel(script) as model,
        Environment.start(
            app(gate), model, memory_url=store, state_url=database, queues="" if name in SERVED else "*"
        ) as holdfast,
    ):
        session = await drive(holdfast, gate)
        async with asyncio.timeout(60):
            # The run of `cancel_lost_before` ends with the fault that the change mended.
            with suppress(*((WorkflowFailureError,) if name == "cancel_lost_before" else ())):
                await holdfast.temporal.get_workflow_handle(session.id).result()
            found = [history async for history in runs(holdfast, session.id)]
    return found[::-1]


def _neutral(found: dict[str, Any]) -> dict[str, Any]:
    """The same without what names the machine it was recorded on; replay does not read it."""
    return {name: _NEUTRAL.get(name, value) for name, value in found.items()}


def _write(name: str, histories: list[WorkflowHistory]) -> None:
    for number, history in enumerate(histories, 1):
        events = json.loads(history.to_json(), object_hook=_neutral)
        suffix = f"-{number}" if len(histories) > 1 else ""
        text = json.dumps(events, separators=(",", ":"), ensure_ascii=False)
        text = text.replace(socket.gethostname(), "machine")  # in the names of sticky queues
        (FOLDER / f"{name}{suffix}.json").write_text(text + "\n", "utf-8")


async def main(names: list[str]) -> None:
    """Record the shapes named, or all."""
    for name in names or list(SHAPES):
        histories = await record(name)
        _write(name, histories)
        sys.stdout.write(f"{name}: {', '.join(str(len(each.events)) for each in histories)} events\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
