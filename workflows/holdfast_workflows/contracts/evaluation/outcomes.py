"""Outcomes: what an agent did from a step of a turn on, and two of them side by side."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from ..base import Contract
from ..problems import Problem
from ..public import public
from ..session.entries import Entry, ReplyEntry, ResultEntry, ResultStatus, Usage

TurnEnd = Literal["queued", "running", "done", "failed", "cancelled"]


@public
class OutcomeCall(Contract):
    """A tool call and how it ended.

    ``source`` is ``tool`` if it was made; ``recorded`` calls got the result of the other session, ``fenced`` ones were not
    made.
    """

    name: str
    arguments: str
    status: ResultStatus | Literal[""] = ""
    source: Literal["tool", "recorded", "fenced"] = "tool"


@public
class Outcome(Contract):
    """What an agent did from a step of a turn to its end.

    ``seconds`` is the time of its model calls: recorded results take none, so the time of tools cannot be compared.
    """

    session: str
    turn: int
    status: TurnEnd = "running"
    text: str = ""
    error: Problem | None = None
    models: tuple[str, ...] = ()
    steps: int = 0
    calls: tuple[OutcomeCall, ...] = ()
    usage: Usage = Usage()
    seconds: float = 0.0


@public
class Comparison(Contract):
    """The same step of a turn in a session and in a fork of it."""

    original: Outcome
    fork: Outcome

    @property
    def new_calls(self) -> tuple[OutcomeCall, ...]:
        """Calls that only the fork asked for."""
        return _without(self.fork.calls, self.original.calls)

    @property
    def missing_calls(self) -> tuple[OutcomeCall, ...]:
        """Calls that only the original asked for."""
        return _without(self.original.calls, self.fork.calls)


def outcome_of(
    entries: Iterable[Entry],
    *,
    session: str,
    turn: int,
    status: TurnEnd,
    error: Problem | None = None,
) -> Outcome:
    """Sum up the entries of a turn from a step on."""
    replies: list[ReplyEntry] = []
    results: dict[int, ResultEntry] = {}
    for entry in entries:
        if entry.turn == turn and isinstance(entry, ReplyEntry):
            replies.append(entry)
        elif entry.turn == turn and isinstance(entry, ResultEntry):
            results[entry.seq] = entry
    calls: list[OutcomeCall] = []
    for reply in replies:
        for seq, call in enumerate(reply.calls, reply.seq + 1):
            found = results.get(seq)
            made = OutcomeCall(name=call.name, arguments=call.arguments)
            ended = {"status": found.status, "source": found.source} if found else {}
            calls.append(made.model_copy(update=ended))
    usage = sum((reply.usage for reply in replies), Usage())
    return Outcome(
        session=session,
        turn=turn,
        status=status,
        text=replies[-1].text if replies and status == "done" else "",
        error=error,
        models=tuple(dict.fromkeys(reply.model for reply in replies)),
        steps=len(replies),
        calls=tuple(calls),
        usage=usage,
        seconds=round(sum(reply.seconds for reply in replies), 4),
    )


def _without(calls: Iterable[OutcomeCall], others: Iterable[OutcomeCall]) -> tuple[OutcomeCall, ...]:
    left = Counter((call.name, call.arguments) for call in others)
    found: list[OutcomeCall] = []
    for call in calls:
        key = call.name, call.arguments
        if left[key]:
            left[key] -= 1
        else:
            found.append(call)
    return tuple(found)
