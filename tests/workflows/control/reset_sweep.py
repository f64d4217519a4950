"""Reset a finished session, and judge what follows from outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.service import RPCError

from holdfast import Agent, App, Session, ToolContext, tool
from holdfast.testing import replay
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry

from ...kills.ledger import Ledger, post
from ...support import WAIT, eventually
from ..conftest import Running
from .resets import COMPLETED, events, plan, reset

WORK = plan([("pay", "A"), ("mail", "B")], [("read", "C"), ("pay", "D")])
"""The first message; the second one is only answered."""

EFFECTS = ["A", "B", "D"]

_FIRST = 3


def app(ledger: Ledger) -> App:
    """An app whose effects are booked in a ledger outside, under the call's key."""

    @tool(effect="once")
    def pay(what: str, ctx: ToolContext) -> str:
        """Pay for something.

        Args:
            what: For what.
        """
        return post(ledger.url, ctx.key, what)

    @tool(effect="idempotent")
    def mail(what: str, ctx: ToolContext) -> str:
        """Send a mail.

        Args:
            what: About what.
        """
        return post(ledger.url, ctx.key, what)

    @tool
    async def read(what: str) -> str:
        """Read something.

        Args:
            what: What.
        """
        return f"{what}: read"

    return App(agents=[Agent("clerk", model="openai:scripted", tools=[pay, mail, read])])


@dataclass
class Fate:
    """What became of a session that was reset to the end of its ``task``-th workflow task."""

    task: int
    event: int
    complaints: tuple[str, ...] = ()


async def finished(it: Running) -> Session:
    """A session with two turns."""
    session = await it.holdfast.client.start("clerk", WORK, heartbeat_timeout=3)
    await session.wait(1)
    await session.send("thanks")
    return session


async def tasks(it: Running, session: Session) -> list[int]:
    """The start of a session's first workflow task, and the ends of all."""
    return [_FIRST, *(each.event_id for each in await events(it, session.id) if each.event_type == COMPLETED)]


def between_tasks(history: Sequence[HistoryEvent]) -> Iterator[HistoryEvent]:
    """The events to which Temporal takes no reset.

    Everything from a task's schedule to its end is one point; on a busy machine, an activity may end in between.
    """
    waits = False
    for event in history:
        if not waits:
            yield event
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            waits = True
        elif event.event_type == COMPLETED:
            waits = False


async def refused(it: Running, ledger: Ledger) -> tuple[int, list[str]]:
    """Try to reset a session to each event between workflow tasks; how many, and what was not refused, or changed it."""
    session, wrong = await finished(it), list[str]()
    others = list(between_tasks(await events(it, session.id)))
    for event in others:
        try:
            await reset(it, session.id, event.event_id, reapply=True)
        except RPCError:
            continue
        wrong.append(f"a reset to event {event.event_id}, {EventType.Name(event.event_type)}, was taken")
        break
    view = await session.view()
    if (view.turn, view.status, ledger.of(session.id)) != (2, "idle", EFFECTS):
        wrong.append(f"a refused reset has changed the session: {view}")
    return len(others), wrong


async def reset_to(it: Running, ledger: Ledger, task: int) -> Fate | None:
    """Run a session to its end, reset it as an operator does, and have it go on; None if it had fewer tasks."""
    session = await finished(it)
    found = await tasks(it, session)
    if task >= len(found):
        return None
    await reset(it, session.id, found[task], reapply=True)
    complaints = [each async for each in _complaints(it, ledger, session)]
    return Fate(task, found[task], tuple(complaints))


async def _complaints(it: Running, ledger: Ledger, before: Session) -> AsyncGenerator[str]:
    session = it.holdfast.client.session(before.id)
    for turn, text in ((1, "All done."), (2, "You said: thanks")):
        reply = await session.wait(turn, raise_on_error=False, timeout=WAIT)
        if (reply.status, reply.text) != ("done", text):
            yield f"turn {turn} ended {reply.status} with {reply.text!r}: {reply.error}"
    if (text := (await session.send("more", timeout=WAIT)).text) != "You said: more":
        yield f"a new message was answered {text!r}"
    if (booked := ledger.of(session.id)) != EFFECTS:
        yield f"the ledger has {booked}"

    async def agrees() -> bool:
        return not list(_log(await it.holdfast.state.log.read(session.id, 0)))

    # A call that was in flight at the reset's point may write once more, until its writes are swept.
    with suppress(TimeoutError):
        await eventually(agrees)
    for complaint in _log(await it.holdfast.state.log.read(session.id, 0)):
        yield complaint
    handle = it.holdfast.temporal.get_workflow_handle(session.id)
    history = await handle.fetch_history()
    await replay(history)
    stored = await it.holdfast.state.load_session(session.id)
    view = await session.view()
    if stored is None or (stored.turns, stored.seq) != (view.turn, view.seq):
        yield f"the snapshot is {stored}, the session at turn {view.turn} and entry {view.seq}"
    for each in [each async for each in session.turns()]:
        [entry] = await it.holdfast.state.log.read(session.id, each.reply_seq, each.reply_seq + 1)
        if entry.text != each.reply:
            yield f"turn {each.turn} replied {each.reply!r}, the log has {entry.text!r}"


def _log(entries: Sequence[Entry]) -> Iterator[str]:
    """List what is wrong with a log: each call has one result, and no turn is there twice."""
    results = {entry.seq: entry for entry in entries if isinstance(entry, ResultEntry)}
    wanted: dict[int, str] = {}
    for entry in entries:
        if isinstance(entry, ReplyEntry):
            wanted |= dict(enumerate((call.id for call in entry.calls), entry.seq + 1))
    if {seq: entry.call_id for seq, entry in results.items()} != wanted:
        yield f"the log has results {sorted(results)} for calls {sorted(wanted)}"
    said = [entry.text for entry in entries if entry.kind == "user"]
    if said != [WORK, "thanks", "more"]:
        yield f"the log has the messages {said}"
    finals = [entry.text for entry in entries if isinstance(entry, ReplyEntry) and not entry.calls]
    if finals != ["All done.", "You said: thanks", "You said: more"]:
        yield f"the log has the replies {finals}"
