"""What is told beside the steps of a turn: that it waits, and what was done about that."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast_workflows.contracts.session import Event, SessionView

from . import events as told


def of_event(item: Event) -> told.StreamEvent | None:
    """What an event tells beside the steps; None if it is of another kind."""
    match item.kind:
        case "decided":
            return told.Decided(item.turn, item.call_id, item.status, item.text, item.name)
        case "budget":
            return told.BudgetChanged(item.turn, item.step, item.text, item.status == "raised")
        case "fallback":
            return told.FallbackUsed(item.turn, item.step, item.name, item.text)
        case "model_changed":
            return told.ModelChanged(item.turn, item.step, item.name, item.text)
        case "undone":
            return told.Undone(item.turn, item.step, item.seq, item.name, item.status, item.text)
        case _:
            return _in_mind(item)


def _in_mind(item: Event) -> told.StreamEvent | None:
    """What an event tells of what the agent keeps in mind."""
    match item.kind:
        case "recalled":
            return told.Recalled(item.turn, item.size, item.text, item.status != "ok")
        case "compacted":
            return told.Compacted(item.turn, item.step, item.text, item.status == "ok")
        case "plan":
            return told.PlanChanged(item.turn, item.step, item.text)
        case _:
            return None


class Waits:
    """What a session waits for, told once, also to those who come late and to whom no event tells it."""

    def __init__(self) -> None:
        """It waits for nothing."""
        self._parked = (0, 0, "")
        self._asked: frozenset[tuple[str, float]] = frozenset()

    def news(self, view: SessionView) -> Iterator[told.StreamEvent]:
        """What it waits for now and did not at the last look."""
        # It wakes now and then to look, and goes on waiting for the same.
        parked = (view.turn, view.step, view.waiting_for)
        if view.waiting_for and parked != self._parked:
            self._parked = parked
            yield told.Waiting(view.turn, view.waiting_for)
        for each in view.pending_decisions:
            # What is asked again has the same id.
            if (each.id, each.since) not in self._asked:
                yield told.NeedsPerson(view.turn, each.id, each.kind, each.what, each.since)
        self._asked = frozenset((each.id, each.since) for each in view.pending_decisions)
