"""Session events, rebuilt from the log where they were dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, UserEntry
from holdfast_workflows.contracts.session.session import Event
from holdfast_workflows.contracts.text.unicode import preview, size

_NOWHERE = -1
"""The number of an event that did not come from the session."""


def from_log(entries: Iterable[Entry]) -> list[Event]:
    """Return the session events of log entries. Replies must have their full text."""
    return [event for entry in entries for event in _of(entry)]


def with_turn_ends(items: Sequence[Event], running: int) -> list[Event]:
    """Add a missing ``turn_ended`` for every turn followed by another; ``running`` is the turn before the items."""
    ended = {item.turn for item in items if item.kind == "turn_ended"}
    whole: list[Event] = []
    for item in items:
        if item.turn > running:
            if running and running not in ended:
                whole.append(Event(n=_NOWHERE, kind="turn_ended", turn=running, status="done"))
            running = item.turn
        whole.append(item)
    return whole


def _of(entry: Entry) -> Iterator[Event]:
    if isinstance(entry, UserEntry):
        if entry.role == "message":
            yield _event(entry, "turn_started", text=preview(entry.text))
        elif entry.role == "steer":
            yield _event(entry, "steered", text=preview(entry.text))
    elif isinstance(entry, ReplyEntry):
        yield _event(entry, "step", text=entry.text, status=entry.finish, usage=entry.usage)
        for place, call in enumerate(entry.calls, 1):
            yield _event(
                entry,
                "call_started",
                seq=entry.seq + place,
                name=call.name,
                call_id=call.id,
                text=preview(call.arguments),
                arguments=call.arguments,
            )
    elif isinstance(entry, ResultEntry):
        yield _event(
            entry,
            "call_ended",
            name=entry.name,
            call_id=entry.call_id,
            text=preview(entry.text),
            size=size(entry.text),
            status=entry.status,
        )


def _event(entry: Entry, kind: str, **rest: object) -> Event:
    place: dict[str, object] = {
        "n": _NOWHERE,
        "turn": entry.turn,
        "step": entry.step,
        "seq": entry.seq,
        "at": entry.at,
    }
    return Event.model_validate({**place, "kind": kind, **rest})
