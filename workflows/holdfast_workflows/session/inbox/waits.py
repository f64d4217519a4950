"""Wait for a person: open an item, keep its times, return the answer."""

from collections.abc import Callable, Mapping

from temporalio import workflow

from holdfast_workflows.contracts.agent.approvals import Approvals
from holdfast_workflows.contracts.control.inbox import Answer, Handover, InboxItem
from holdfast_workflows.contracts.text.unicode import preview

from ..state import waiting
from ..state.reporting import metrics
from ..state.state import SessionState
from . import deadlines, handover, notifying

_PATCH = "inbox-deadlines"
"""Sessions that began to wait before items had deadlines go on waiting without one."""


_REMINDERS = 1_000
"""More than an item has reminders for one group of owners; it tells those of different groups apart."""


def _never() -> bool:
    return False


async def ask(
    state: SessionState,
    item: InboxItem,
    *,
    done: Callable[[], bool] = _never,
    interrupted: Callable[[], bool] = _never,
    seconds: float | None = None,
) -> Answer | None:
    """Wait like ``ask_item``, for the answer only."""
    return (await ask_item(state, item, done=done, interrupted=interrupted, seconds=seconds))[0]


async def ask_item(
    state: SessionState,
    item: InboxItem,
    *,
    done: Callable[[], bool] = _never,
    interrupted: Callable[[], bool] = _never,
    seconds: float | None = None,
) -> tuple[Answer | None, InboxItem]:
    """Wait for a person's answer to an item; return it with the item as it is then.

    None if the turn is cancelled, if ``done`` is true because nothing is asked any more, or if ``interrupted`` is true
    or ``seconds`` have passed. After an interruption the next call with the same id continues the wait.
    """
    _open(state, item)
    timed = item.kind == "approval" or workflow.patched(_PATCH)
    until = None if seconds is None else workflow.time() + seconds

    def ready() -> bool:
        return state.inbox.answered(item.id) or state.cancelled or done() or interrupted()

    while True:
        change = deadlines.next_change(state.inbox[item.id]) if timed else None
        times = [time for time in (change, until) if time is not None]
        left = max(0.0, min(times) - workflow.time()) if times else None
        if await waiting.wait_until(ready, left, _summary(item)):
            break
        if until is not None and workflow.time() >= until:
            break
        _change(state, item.id)
        if ready():
            break
    answer, item = state.inbox.take(item.id), state.inbox[item.id]
    keep = answer is None and not state.cancelled and not done()
    state.inbox.close(item.id, keep=keep)
    if not keep:
        notifying.closed(state, item, answer)
    state.resume_clock()
    waiting.show(state)
    return answer, item


def _summary(item: InboxItem) -> str:
    return f"waits for {'a ticket' if item.ticket else 'a person'}: {item.what}"


def _open(state: SessionState, item: InboxItem) -> None:
    policy = (state.spec.approvals if state.spec else None) or Approvals()
    item = deadlines.addressed(item, policy, workflow.time())
    where = {
        "session": workflow.info().workflow_id,
        "tenant": state.start.tenant,
        "agent": state.agent,
        "turn": state.turn.turn,
    }
    if state.inbox.open(item.model_copy(update=where)):
        state.emit("needs_person", item.what, name=item.kind, call_id=item.id)
        notifying.notify(state, state.inbox[item.id], "opened")
    state.pause_clock()
    waiting.show(state)


def _change(state: SessionState, id: str) -> None:
    """Remind the owners, ask the next ones, or end the wait."""
    item, now = state.inbox[id], workflow.time()
    if deadlines.reminder_due(item, now):
        item = deadlines.reminded(item, now)
        state.inbox.update(item)
        report(state, item, "reminder", ", ".join(item.owners))
        notifying.notify(state, item, "reminder", item.escalated * _REMINDERS + item.reminded)
    else:
        metrics.deadline_passed(item.kind)
        _escalate_or_end(state, item, now)
    waiting.show(state)


def _escalate_or_end(state: SessionState, item: InboxItem, now: float) -> None:
    if item.escalated < len(item.escalation):
        item = deadlines.escalated(item, now)
        state.inbox.update(item)
        report(state, item, "escalated", ", ".join(item.owners))
        notifying.notify(state, item, "escalated", item.escalated)
    else:
        end(state, item)


def end(state: SessionState, item: InboxItem) -> None:
    """Apply the policy's end to an item without an answer."""
    report(state, item, "expired", item.end)
    if item.end == "cancel":
        state.cancel_turn(f"there was no answer in time: {preview(item.what)}")
        state.stop_calls()
    else:
        if item.end == "hand_over" and state.handover is None:
            handover.begin(state, Handover(reason=f"there was no answer in time: {preview(item.what)}"))
        state.answer(deadlines.unanswered(item))


def report(state: SessionState, item: InboxItem, status: str, text: str) -> None:
    """Add an event about an open item."""
    state.emit("inbox", text, name=item.kind, call_id=item.id, status=status)
    if status != "reminder":
        record(state, item, status, text, by=None if status in {"approved", "delegated"} else "", now=True)


def record(
    state: SessionState,
    item: InboxItem,
    action: str,
    reason: str,
    *,
    by: str | None = None,
    now: bool = False,
    details: Mapping[str, str] | None = None,
) -> None:
    """Record in the audit log what happened to an item; ``by`` is who did it, by default the one who acts."""
    about = {"item": item.id, "kind": item.kind, "turn": str(item.turn), **(details or {})}
    if item.tool:
        about["tool"] = item.tool
    state.audit("approval", action, subject=item.call, reason=reason, details=about, by=by, now=now)
