"""Stream events of one session event: tool calls, decisions, budgets, memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import Event
from holdfast_workflows.contracts.text import model_json

from . import events as stream_events

_EVENTS: Final[dict[str, Callable[[Event], stream_events.StreamEvent]]] = {
    "decided": lambda e: stream_events.Decided(
        turn=e.turn, item_id=e.call_id, action=e.status, text=e.text, by=e.name
    ),
    "budget": lambda e: stream_events.BudgetChanged(
        turn=e.turn, step=e.step, text=e.text, raised=e.status == "raised"
    ),
    "fallback": lambda e: stream_events.FallbackUsed(turn=e.turn, step=e.step, fallback=e.name, text=e.text),
    "model_changed": lambda e: stream_events.ModelChanged(
        turn=e.turn, step=e.step, model=e.name, reason=e.text
    ),
    "agent_changed": lambda e: stream_events.AgentChanged(
        turn=e.turn, step=e.step, agent=e.name, reason=e.text, failed=e.status != "ok"
    ),
    "handover": lambda e: stream_events.HandedOver(turn=e.turn, status=e.status, reason=e.text, by=e.name),
    "undone": lambda e: stream_events.Undone(
        turn=e.turn, step=e.step, seq=e.seq, name=e.name, status=e.status, result=e.text
    ),
    "permission": lambda e: stream_events.PermissionDecided(
        turn=e.turn, step=e.step, seq=e.seq, name=e.name, action=e.status, rule=e.text
    ),
    "routed": lambda e: stream_events.Routed(turn=e.turn, agent=e.name, by=e.status, reasons=e.text),
    "recalled": lambda e: stream_events.Recalled(
        turn=e.turn, found=e.size, text=e.text, away=e.status != "ok"
    ),
    "compacted": lambda e: stream_events.Compacted(
        turn=e.turn, step=e.step, text=e.text, done=e.status == "ok"
    ),
    "child_started": lambda e: stream_events.ChildStarted(
        turn=e.turn, step=e.step, seq=e.seq, session=e.session, agent=e.name, task=e.text
    ),
    "child_ended": lambda e: stream_events.ChildEnded(
        turn=e.turn,
        step=e.step,
        seq=e.seq,
        session=e.session,
        agent=e.name,
        status=e.status,
        error=e.text,
        usage=e.usage or Usage(),
        seconds=e.seconds,
    ),
    "plan": lambda e: stream_events.PlanChanged(turn=e.turn, step=e.step, text=e.text),
}


def of_event(event: Event) -> stream_events.StreamEvent | None:
    """Return the stream event; None for steps, calls and turns."""
    make = _EVENTS.get(event.kind)
    return make(event) if make else None


def call_started(event: Event, arguments: str) -> stream_events.ToolStarted:
    """Return the start of a call, given the arguments as the model wrote them."""
    try:
        parsed: Any = model_json.parse(arguments) if arguments else {}
    except (ValueError, RecursionError):
        parsed = None
    valid = isinstance(parsed, dict)
    return stream_events.ToolStarted(
        turn=event.turn,
        step=event.step,
        seq=event.seq,
        name=event.name,
        arguments=cast("dict[str, Any]", parsed) if valid else {},
        invalid_arguments="" if valid else arguments,
    )


def call_ended(event: Event) -> stream_events.ToolEnded:
    """Return the end of a call."""
    return stream_events.ToolEnded(
        turn=event.turn,
        step=event.step,
        seq=event.seq,
        name=event.name,
        status=event.status,
        result=event.text,
        size=event.size,
    )
