"""Stream events other than steps and tool calls: waits, decisions, budgets, memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from holdfast_workflows.contracts.session.session import Event, SessionView

from . import events as stream_events

_EVENTS: Final[dict[str, Callable[[Event], stream_events.StreamEvent]]] = {
    "decided": lambda e: stream_events.Decided(e.turn, e.call_id, e.status, e.text, e.name),
    "budget": lambda e: stream_events.BudgetChanged(e.turn, e.step, e.text, e.status == "raised"),
    "fallback": lambda e: stream_events.FallbackUsed(e.turn, e.step, e.name, e.text),
    "model_changed": lambda e: stream_events.ModelChanged(e.turn, e.step, e.name, e.text),
    "undone": lambda e: stream_events.Undone(e.turn, e.step, e.seq, e.name, e.status, e.text),
    "recalled": lambda e: stream_events.Recalled(e.turn, e.size, e.text, e.status != "ok"),
    "compacted": lambda e: stream_events.Compacted(e.turn, e.step, e.text, e.status == "ok"),
    "plan": lambda e: stream_events.PlanChanged(e.turn, e.step, e.text),
}


def of_event(event: Event) -> stream_events.StreamEvent | None:
    """Return the stream event; None for steps, calls and turns."""
    make = _EVENTS.get(event.kind)
    return make(event) if make else None


class Waits:
    """Emits each wait of a session once, from its view, so that late readers get it too."""

    def __init__(self) -> None:
        self._waiting_for = (0, 0, "")
        self._pending: frozenset[tuple[str, float]] = frozenset()

    def changes(self, view: SessionView) -> Iterator[stream_events.StreamEvent]:
        """Yield the waits that are new since the last view."""
        # A wait that is renewed for the same reason is emitted once.
        current = (view.turn, view.step, view.waiting_for)
        if view.waiting_for and current != self._waiting_for:
            self._waiting_for = current
            yield stream_events.Waiting(view.turn, view.waiting_for)
        for each in view.pending_decisions:
            # A repeated request has the same id.
            if (each.id, each.since) not in self._pending:
                yield stream_events.NeedsPerson(view.turn, each.id, each.kind, each.what, each.since)
        self._pending = frozenset((each.id, each.since) for each in view.pending_decisions)
