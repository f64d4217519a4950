"""The form of the offline analyst: a generator that asks for tool calls and is sent their results.

It keeps nothing between requests. Every request brings the whole conversation, so the
program is run from its start with the results there are, and what it asks for next is
the reply. It is deterministic: a request repeated after a crash gets the same reply.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from .words import Cell


@dataclass(frozen=True)
class Ask:
    """One reply: its text and its calls, by tool name and arguments."""

    say: str
    calls: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Answer:
    """One call's result."""

    text: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """The result as an object; empty if the tool reported a problem."""
        try:
            value = json.loads(self.text)
        except ValueError:
            return {}
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    @property
    def rows(self) -> list[list[Cell]]:
        """The rows of a query."""
        return cast("list[list[Cell]]", self.data.get("rows", []))


Program = Generator[Ask, list[Answer], str]


def reply(program: Program, results: Sequence[str]) -> Ask:
    """What the program says next, given the results so far; without calls it is its last word."""
    taken = 0
    try:
        ask = next(program)
        while len(results) - taken >= len(ask.calls):
            answers = [Answer(text) for text in results[taken : taken + len(ask.calls)]]
            taken += len(ask.calls)
            ask = program.send(answers)
    except StopIteration as end:
        return Ask(str(end.value), ())
    return ask


def ask(say: str, *calls: tuple[str, Mapping[str, Any]]) -> Generator[Ask, list[Answer], list[Answer]]:
    """Say something, make calls, and get their results."""
    return (yield Ask(say, calls))
