"""A stream on a terminal: text as it arrives, and a line for each other event."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from ..inbox.answers import commands_to_answer
from .printing import call, columns, count, indented, money, sentence, shown
from .wrapping import wrapped

if TYPE_CHECKING:
    from holdfast_client.reply import Reply
    from holdfast_client.stream.events import Status, StreamEvent
    from holdfast_workflows.contracts.session.steps import TurnStatus

_LINES: Final = {
    "tool_ended": "← {0.name} {0.status}: {0.result}",
    "model_changed": "{0.model} answers: {0.reason}",
    "waiting": "… waits: {0.reason}",
    "budget": "budget: {0.text}",
    "fallback": "fallback {0.fallback}: {0.text}",
    "undone": "↶ {0.name} undone, {0.status}: {0.result}",
    "compacted": "summarised: {0.text}",
    "plan": "plan: {0.text}",
    "child_started": "⇉ {0.agent} ({0.session}) started: {0.task}",
    "child_ended": "⇇ {0.agent} ({0.session}) {0.status}: {0.error}",
}
"""The lines of events by kind."""

_COLOUR: Final[dict[TurnStatus, str]] = {"failed": "red", "cancelled": "magenta"}

_SHOWN_STATUSES: Final = frozenset(
    {"steered", "retrying", "waiting_for_worker", "paused", "closed", "failed", "cancelled"}
)


class Screen:
    """Prints the events of a stream in order. A terminal cannot remove what was printed.

    On a terminal lines wrap at words and are printed when they are complete; ``tail`` is the line that
    still grows.
    """

    def __init__(
        self,
        console: Console,
        *,
        messages: bool = False,
        session: str = "",
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a screen.

        ``messages`` prints the users' messages; ``session`` prints the commands that resolve its waits;
        ``changed`` is called when ``tail`` has changed.
        """
        self.tail = ""
        self._changed = changed
        self._console = console
        self._session = session
        self._messages = messages

    def show(self, event: StreamEvent) -> None:
        """Print one event."""
        match event.kind:
            case "text":
                self._write(shown(event.text))
            case "step_ended":
                self.end()
            case "turn_ended":
                self._line(_summary(event.reply))
                if event.reply.error is not None:
                    self._line(sentence(event.reply.error), _COLOUR[event.reply.status])
            case "turn_started":
                if self._messages:
                    self._line(f"turn {event.turn}: {event.text}", "bold")
            case "needs_person":
                self._line(f"? waits for a person: {event.what}", "bold magenta")
                for command in (
                    commands_to_answer(self._session, event.item_id, event.about) if self._session else ()
                ):
                    self.end()
                    self._console.print(
                        f"  {shown(command)}", style="dim", markup=False
                    )  # copied, so unwrapped
            case _:
                if line := _line(event, self._session):
                    self._line(line)

    def end(self) -> None:
        """Begin a new line if the last one is not complete."""
        line, self.tail = self.tail, ""
        if line:
            self._console.print(Text(line) if self._console.is_terminal else "")
            self._changed()

    def _write(self, text: str) -> None:
        if self._console.is_terminal:
            # One column less: a full line would move the cursor to the next one.
            *lines, self.tail = wrapped(self.tail + text, columns(self._console) - 1)
            for line in lines:
                self._console.print(Text(line))
            self._changed()
        else:
            self._console.print(text, end="", markup=False)
            self.tail = text.rpartition("\n")[2]

    def _line(self, text: str, style: str = "dim") -> None:
        self.end()
        indented(self._console, text, 0, style)


def _line(event: StreamEvent, session: str) -> str:
    """Return the line for an event; empty if it has none."""
    line = _LINES.get(event.kind, "").format(event)
    match event.kind:
        case "tool_started":
            line = f"→ {call(event.name, event.invalid_arguments or event.arguments)}"
        case "tool_progress":
            attempt = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            line = f"  {event.name}{attempt}: {event.detail}"
        case "text_restart":
            line = f"… text discarded, the model is called again: {event.reason}".removesuffix(": ")
        case "decided":
            line = f"{event.by or 'unknown'} decided: {event.action.replace('_', ' ')} {event.text}"
        case "recalled":
            line = f"memory: {event.text}" if event.found or event.away else ""
        case "status":
            line = _status_line(event, session) if event.status in _SHOWN_STATUSES else ""
        case _:
            pass
    return line.rstrip()


def _status_line(event: Status, session: str) -> str:
    resume = f"; resume with: holdfast resume {shlex.quote(session)}" if session else ""
    status = event.status.replace("_", " ") + (resume if event.status == "paused" else "")
    return f"{status} {event.detail}".rstrip()


def _summary(reply: Reply) -> str:
    steps = count(reply.steps, "step")
    return f"turn {reply.turn} {reply.status} · {steps} · {reply.seconds:.1f} s · {money(reply.usage)}"
