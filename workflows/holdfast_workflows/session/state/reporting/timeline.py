"""The running turn, or the last one, as lines with times for the current details.

Each event is formatted once, so rendering the details only joins lines. Of a long turn the first and the last
lines are kept.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.session import Event
from holdfast_workflows.contracts.text.unicode import plain_markdown, preview

_FIRST, _LAST = 8, 32
"""Lines that are kept from the beginning and from the end of a turn."""

_TEXT = 120
"""Characters of a text in a line."""

_REASON, _ERROR = 240, 400
"""Characters of the reason of a wait, whose last part is its end, and of an error."""

_WAITS = 8
"""Waits whose lines can still change: calls that run in parallel wait at the same time, and waits are repeated."""


class Timeline:
    """The lines of one turn. ``add`` takes the session's events in order."""

    _first: dict[int, tuple[int, str]]
    """The first lines with their steps, by the number of the event."""
    _last: dict[int, tuple[int, str]]
    _hidden: tuple[int, int] | None
    """The first and the last step that has lines between them."""
    _calls: dict[int, tuple[int, float, str]]
    """Running calls: event, start and arguments, by sequence number."""
    _children: dict[str, Event]
    """Starts of running child sessions, by session."""
    _waits: dict[str, Event]
    """The last waits, by their reason."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._clear()
        for event in events:
            if not self._first and event.step > 1:
                # The turn began in the run before this one.
                self._hidden = self._hidden or (1, event.step - 1)
            for reason in tuple(self._waits):
                self.wait_ended(reason, event.at)
            self._waits.clear()
            self.add(event)

    def _clear(self) -> None:
        self._first, self._last, self._calls = {}, {}, {}
        self._hidden, self._waits, self._children = None, {}, {}

    def add(self, event: Event, arguments: str = "") -> None:
        """Add an event; ``arguments`` are those of a call that had no event when it started."""
        match event.kind:
            case "turn_started":
                self._clear()  # the details have the turn's request
            case "call_started":
                self._calls[event.seq] = event.n, event.at, event.text
                self._put(event.n, event.step, _line(event.at, f"↳ {_call(event, event.text)} started"))
            case "call_ended":
                n, began, given = self._calls.pop(event.seq, (event.n, event.at - event.seconds, arguments))
                took = descriptions.duration(event.at - began)
                text = f"↳ {_call(event, given)} {event.status} · {took}: {_plain(event.text)}"
                self._put(n, event.step, _line(began, text))
            case "child_started":
                self._children[event.session] = event
                self._put(
                    event.n, event.step, _line(event.at, f"↳ {_child(event)} started: {_plain(event.text)}")
                )
            case "child_ended":
                start = self._children.pop(event.session, event)
                used = f" · {plain_markdown(descriptions.usage(event.usage))}" if event.usage else ""
                text = f"↳ {_child(event)} {event.status} · {descriptions.duration(event.seconds)}{used}"
                said = _plain(event.text or start.text)
                self._put(start.n, start.step, _line(start.at, f"{text}: {said}"))
            case "waiting":
                self._waits[event.text] = event
                if len(self._waits) > _WAITS:
                    del self._waits[next(iter(self._waits))]
                self._put(event.n, event.step, _line(event.at, f"waits: {_plain(event.text, _REASON)}"))
            case _:
                word = _WORDS[event.kind](event) if event.kind in _WORDS else event.kind
                line = _line(
                    event.at - event.seconds,
                    f"{word}: {_plain(event.text, _ERROR if event.status == 'failed' else _TEXT)}",
                )
                self._put(event.n, event.step, line)

    def wait_ended(self, reason: str, now: float) -> None:
        """Add to the line of a wait how long it took."""
        if (wait := self._waits.get(reason)) is not None:
            text = f"waited {descriptions.duration(now - wait.at)}: {_plain(reason, _REASON)}"
            self._put(wait.n, wait.step, _line(wait.at, text))

    def lines(self) -> list[str]:
        """Return the lines as a markdown list."""
        shown = [line for _, line in self._first.values()]
        if self._hidden is not None:
            first, last = self._hidden
            steps = f"step {first}" if first == last else f"steps {first:,} to {last:,}"
            shown.append(f"- … lines of {steps} are not shown")
        return shown + [line for _, line in self._last.values()]

    def _put(self, n: int, step: int, line: str) -> None:
        """Add a line, or replace that of the same number."""
        if n in self._first or (self._hidden is None and len(self._first) < _FIRST):
            self._first[n] = step, line
            return
        self._last[n] = step, line
        if len(self._last) > _LAST:
            gone, _ = self._last.pop(next(iter(self._last)))
            first, last = self._hidden or (gone, gone)
            self._hidden = min(first, gone), max(last, gone)


def clock(at: float) -> str:
    """Return the time of day in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def date(at: float) -> str:
    """Return the date and the time of day in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _line(at: float, text: str) -> str:
    # One level, since the Temporal UI shows the items of an inner list on one line.
    return f"- {clock(at)} {text.rstrip(': ')}"


_WORDS: dict[str, Callable[[Event], str]] = {
    "step": lambda event: f"**step {event.step}** · {_step(event)}",
    "turn_ended": lambda event: f"**turn {event.turn} {event.status}**",
    "needs_person": lambda event: "**waits for a person**",
    "decided": lambda event: f"{_plain(event.name) or 'a person'} decided: {event.status.replace('_', ' ')}",
    "fallback": lambda event: f"fallback {event.name}",
    "undone": lambda event: f"undo of {_code(event.name)} {event.status}",
    "model_changed": lambda event: f"model {_plain(event.name)}",
    "agent_changed": lambda event: f"handoff to {_plain(event.name)}",
    "recalled": lambda event: "memory",
    "handover": lambda event: f"handover {event.status}",
    "inbox": lambda event: f"{event.call_id}: {event.status}",
    "permission": lambda event: f"permission of {_code(event.name)}: **{event.status}**",
}
"""What an event is; events of other kinds are named by their kind."""


def _step(event: Event) -> str:
    usage = plain_markdown(descriptions.usage(event.usage)) if event.usage else ""
    ended = "" if event.status in {"stop", "tool_calls"} else event.status
    return " · ".join(filter(None, (descriptions.duration(event.seconds), _plain(event.name), usage, ended)))


def _call(event: Event, arguments: str) -> str:
    # Arguments of inline calls are not known after a continue-as-new.
    return _code(descriptions.call(event.name, arguments, _TEXT) if arguments else event.name)


def _child(event: Event) -> str:
    return f"**{_plain(event.name)}** ({_code(event.session)})"


def _code(text: str) -> str:
    """Format text as code. A model may have made it up, so backticks are removed."""
    return f"`{preview(text).replace('`', '')}`"


def _plain(text: str, most: int = _TEXT) -> str:
    """Escape text of users, models and tools, so that it cannot become a link, an image or markup."""
    return plain_markdown(preview(text, most))
