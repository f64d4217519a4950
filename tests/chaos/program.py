"""What each run does, drawn from the seed, so that the expected result is known beforehand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = 5
"""Steps with a tool call; one more model call says the last word."""

ATTEMPTS = 3
REPAIRS = 3
"""With model faults: attempts of a model call, and successive steps with only invalid calls."""

SCOUTS = 8
"""Agents that work at once in a research team."""

LAST_WORD = "Done."

EFFECTS = {"peek": "none", "look": "none", "post": "idempotent", "charge": "once", "order": "once"}
"""The tools and what a call of each does to the world. ``peek`` is inline; ``order`` has a probe."""


@dataclass(frozen=True)
class Program:
    """One run: the tool of each step. ``id`` is the session's id and its first message."""

    id: str
    tools: tuple[str, ...]

    def what(self, step: int) -> str:
        """What the call of a step does, in words that no other call of any run has."""
        return f"{self.id}/{step}/{self.tools[step]}"

    def effects(self, kind: str) -> list[str]:
        """What all calls of a kind do."""
        return [self.what(step) for step, tool in enumerate(self.tools) if EFFECTS[tool] == kind]


def program(id: str) -> Program:
    """The run of that id; the id holds the seed, so it is drawn alike in every process."""
    return Program(id, tuple(random.Random(id).choices(list(EFFECTS), k=STEPS)))


def programs(seed: int, runs: int) -> list[Program]:
    """The runs of a seed."""
    return [program(f"chaos-{seed}-{number}") for number in range(runs)]


@dataclass(frozen=True)
class Expected:
    """The totals of an undisturbed pass: calls by kind of effect, and model requests."""

    calls: Counter[str]
    requests: int


def expected(drawn: Sequence[Program]) -> Expected:
    """Return the totals of the runs without faults."""
    calls = Counter(EFFECTS[tool] for each in drawn for tool in each.tools)
    return Expected(calls, len(drawn) * (STEPS + 1))
