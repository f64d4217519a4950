"""A stream on a terminal: text as it comes, tool calls as they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from ..operations.effects import to_type
from .printing import count, money, sentence, shown

if TYPE_CHECKING:
    from holdfast_client.reply import Reply
    from holdfast_client.stream.events import StreamEvent
    from holdfast_workflows.contracts.session.steps import TurnStatus


class Screen:
    """Prints the events of a stream one after the other; a terminal cannot take back what it showed."""

    def __init__(self, console: Console, *, requests: bool = False, session: str = "") -> None:
        """Print to a console; ``requests`` prints the users' messages too, and what ``session`` waits
        for is printed with the commands that decide it.
        """
        self._console = console
        self._session = session
        self._requests = requests
        self._inside = False

    def show(self, event: StreamEvent) -> None:
        """Print one event."""
        from holdfast_client.stream import events as stream_events  # it imports Temporal

        if isinstance(event, stream_events.TextDelta):
            self._console.print(shown(event.text), end="", markup=False)
            self._inside = not event.text.endswith("\n")
        elif isinstance(event, stream_events.StepEnded):
            self.end()
        elif isinstance(event, stream_events.TurnEnded):
            self._line(_summary(event.reply))
            if event.reply.error is not None:
                self._line(sentence(event.reply.error), _COLOUR[event.reply.status])
        elif isinstance(event, stream_events.TurnStarted):
            if self._requests:
                self._line(f"turn {event.turn}: {event.text}", "bold")
        elif isinstance(event, stream_events.NeedsPerson):
            self._line(f"? waits for a person: {event.what}", "bold yellow")
            for command in to_type(self._session, event.id, event.about) if self._session else ():
                self._line(f"  {command}")
        elif line := _tool_or_status(event) or _model_line(event) or _wait_line(event) or _memory_line(event):
            self._line(line)

    def end(self) -> None:
        """Begin a new line if the last one is not complete."""
        if self._inside:
            self._console.print()
            self._inside = False

    def _line(self, text: str, style: str = "dim") -> None:
        self.end()
        self._console.print(f"[{style}]{escape(shown(text))}[/]")


def _tool_or_status(event: StreamEvent) -> str:
    """Return the line for a tool or status event; empty for others."""
    match event.kind:
        case "tool_started":
            return f"→ {event.name} {event.arguments}".rstrip()
        case "tool_progress":
            again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            return f"  {event.name}{again}: {event.detail}"
        case "tool_ended":
            return f"← {event.name} {event.status}: {event.result}"
        case "status":
            is_shown = event.status in _SHOWN_STATUSES
            return " ".join((event.status.replace("_", " "), event.detail)).strip() if is_shown else ""
        case _:
            return ""


def _model_line(event: StreamEvent) -> str:
    """Return the line for a retried or changed model; empty for others."""
    match event.kind:
        case "text_restart":
            return "… forget that, the model is asked again" + (f": {event.reason}" if event.reason else "")
        case "model_changed":
            return f"{event.model} answers: {event.reason}"
        case _:
            return ""


def _wait_line(event: StreamEvent) -> str:
    """Return the line for a wait, decision, budget, fallback or undo; empty for others."""
    match event.kind:
        case "waiting":
            return f"… waits: {event.reason}"
        case "decided":
            return f"{event.by or 'unknown'} decided: {event.action.replace('_', ' ')} {event.text}".strip()
        case "budget":
            return f"budget: {event.text}"
        case "fallback":
            return f"fallback {event.fallback}: {event.text}"
        case "undone":
            return f"↶ {event.name} undone, {event.status}: {event.result}"
        case _:
            return ""


def _memory_line(event: StreamEvent) -> str:
    """Return the line for memory, compaction or a plan; empty for others."""
    match event.kind:
        case "recalled":
            return f"memory: {event.text}" if event.found or event.away else ""
        case "compacted":
            return f"summed up: {event.text}"
        case "plan":
            return f"plan: {event.text}"
        case _:
            return ""


def _summary(reply: Reply) -> str:
    steps = count(reply.steps, "step")
    return f"turn {reply.turn} {reply.status} · {steps} · {reply.seconds:.1f} s · {money(reply.usage)}"


_COLOUR: dict[TurnStatus, str] = {"failed": "red", "cancelled": "yellow"}

_SHOWN_STATUSES = frozenset({
    "steered", "retrying", "waiting_for_worker", "paused", "closed", "failed", "cancelled"
})  # fmt: skip
