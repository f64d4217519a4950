"""Stream events other than steps and tool calls: waits, decisions, budgets, memory."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast_workflows.contracts.session.session import Event, SessionView

from . import events as stream_events


def of_event(item: Event) -> stream_events.StreamEvent | None:
    """Return the stream event; None for steps, calls and turns."""
    match item.kind:
        case "decided":
            return stream_events.Decided(item.turn, item.call_id, item.status, item.text, item.name)
        case "budget":
            return stream_events.BudgetChanged(item.turn, item.step, item.text, item.status == "raised")
        case "fallback":
            return stream_events.FallbackUsed(item.turn, item.step, item.name, item.text)
        case "model_changed":
            return stream_events.ModelChanged(item.turn, item.step, item.name, item.text)
        case "undone":
            return stream_events.Undone(item.turn, item.step, item.seq, item.name, item.status, item.text)
        case _:
            return _in_mind(item)


def _in_mind(item: Event) -> stream_events.StreamEvent | None:
    """Return the stream event for memory, compaction or a plan."""
    match item.kind:
        case "recalled":
            return stream_events.Recalled(item.turn, item.size, item.text, item.status != "ok")
        case "compacted":
            return stream_events.Compacted(item.turn, item.step, item.text, item.status == "ok")
        case "plan":
            return stream_events.PlanChanged(item.turn, item.step, item.text)
        case _:
            return None


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
