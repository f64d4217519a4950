"""Turns on a terminal: how each one ended, and what was said and done in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console

from ..common import printing

if TYPE_CHECKING:
    from holdfast_workflows.contracts.session.entries import Entry
    from holdfast_workflows.contracts.session.session import Event, TurnView

_STYLES: Final = {"failed": "bold red", "cancelled": "bold magenta"}


class Turns:
    """Prints the entries of a log under a line for each turn."""

    def __init__(
        self, console: Console, turns: Iterable[TurnView], events: Iterable[Event] = (), *, full: bool
    ) -> None:
        self._console = console
        self._turns = sorted(turns, key=lambda turn: turn.turn)
        self._full = full
        self._rules: dict[int, Event] = {}
        self._decisions: dict[str, list[Event]] = {}
        for each in events:
            if each.kind == "permission":
                self._rules[each.seq] = each
            elif each.kind == "decided":
                # The number of the call is the last part of the item's id: approval-7.
                self._decisions.setdefault(each.call_id.rpartition("-")[2], []).append(each)

    def add(self, entry: Entry) -> None:
        """Print an entry, after the turns up to its own."""
        self._begin(entry.turn)
        match entry.kind:
            case "user":
                role = {"message": "user"}.get(entry.role, entry.role)
                self._print(f"{role}: {self._text(entry.text)}", 2)
            case "reply":
                cost = printing.money(entry.usage)
                self._print(f"step {entry.step} · {entry.model} · {entry.seconds:.1f} s · {cost}", 2, "dim")
                if entry.text:
                    self._print(self._text(entry.text), 4)
                for call in entry.calls:
                    self._print(self._text(f"→ {printing.call(call.name, call.arguments)}"), 4)
            case "result":
                status = "" if entry.status == "ok" else f" {entry.status}"
                took = f" {entry.seconds:.1f} s" if entry.seconds >= _SLOW else ""
                if rule := self._rules.get(entry.seq):
                    self._print(f"{rule.status} by a rule: {rule.text}", 4, "dim")
                for each in self._decisions.get(str(entry.seq), ()):
                    self._print(self._text(decision(each)), 4, "dim")
                self._print(f"← {entry.name}{status}{took}: {self._text(entry.text)}", 4, "dim")
            case "summary":
                covered = f"summary of entries {entry.start:,} to {entry.stop - 1:,}"
                self._print(f"{covered}: {self._text(entry.text)}", 2, "dim")
            case "memory":
                self._print(f"memory: {self._text(entry.text)}", 2, "dim")

    def end(self) -> None:
        """Print the turns that have no entries."""
        self._begin(1 << 62)

    def _begin(self, last: int) -> None:
        while self._turns and self._turns[0].turn <= last:
            turn = self._turns.pop(0)
            self._console.print()
            self._print(summary(turn), 0, _STYLES.get(turn.status, "bold"))
            if reason := ending(turn):
                self._print(reason, 2, _STYLES.get(turn.status, "").removeprefix("bold "))

    def _text(self, text: str) -> str:
        from holdfast_workflows.contracts.text.unicode import preview

        return text if self._full else preview(text)

    def _print(self, text: str, indent: int, style: str = "") -> None:
        printing.indented(self._console, text, indent, style)


def decision(event: Event) -> str:
    """Return what a person decided about a call."""
    said = f": {event.text}" if event.text else ""
    return f"{event.name or 'a person'} decided: {event.status.replace('_', ' ')}{said}"


_SLOW: Final = 0.05
"""Seconds; a call that took less is listed without its time."""


def summary(turn: TurnView) -> str:
    """Return a turn's status, times, steps and cost in one line."""
    took = [f"{turn.ended - turn.started:.1f} s"] if turn.ended else []
    used = [printing.count(turn.steps, "step"), printing.money(turn.usage)] if turn.steps else []
    return " · ".join(
        (f"turn {turn.turn} {turn.status}", *filter(None, [_clock(turn.started)]), *took, *used)
    )


def _clock(seconds: float) -> str:
    """Return a local time, with its date unless it is today; empty for 0."""
    at = printing.when(seconds)
    return at.removeprefix(f"{datetime.now().astimezone():%Y-%m-%d} ")


def ending(turn: TurnView) -> str:
    """Return why a turn failed, or by whom it was cancelled; empty for others."""
    from holdfast_workflows.contracts.problems import error_of

    if turn.error is None:
        return ""
    if turn.status == "cancelled" and turn.error.code == "turn_cancelled":
        return f"cancelled {turn.error.detail}".strip()
    return printing.sentence(error_of(turn.error))
