"""What is told beside the steps of a turn: that it waits, and what was done about that."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast_workflows.contracts.session import Event, SessionView

from . import events as stream_events


def of_event(item: Event) -> stream_events.StreamEvent | None:
    """What an event tells beside the steps; None if it is of another kind."""
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
    """What an event tells of what the agent keeps in mind."""
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
    """What a session waits for, told once, also to those who come late and to whom no event tells it."""

    def __init__(self) -> None:
        self._waiting_for = (0, 0, "")
        self._pending: frozenset[tuple[str, float]] = frozenset()

    def changes(self, view: SessionView) -> Iterator[stream_events.StreamEvent]:
        """What it waits for now and did not at the last look."""
        # It wakes now and then to look, and goes on waiting for the same.
        current = (view.turn, view.step, view.waiting_for)
        if view.waiting_for and current != self._waiting_for:
            self._waiting_for = current
            yield stream_events.Waiting(view.turn, view.waiting_for)
        for each in view.pending_decisions:
            # What is asked again has the same id.
            if (each.id, each.since) not in self._pending:
                yield stream_events.NeedsPerson(view.turn, each.id, each.kind, each.what, each.since)
        self._pending = frozenset((each.id, each.since) for each in view.pending_decisions)
