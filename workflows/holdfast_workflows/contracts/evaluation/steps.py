"""The steps of a session's turns in its log, and the place at which one of them begins."""

from dataclasses import dataclass, field

from ..errors import NothingToDo
from ..session.entries import Entry, ReplyEntry, SummaryEntry, UserEntry
from ..text.unicode import preview


@dataclass
class _Turn:
    start: int
    request: str = ""
    replies: dict[int, int] = field(default_factory=dict[int, int])
    """Numbers of its replies, by step."""
    last: int = 0


@dataclass(frozen=True)
class Place:
    """A step of ``turn``, which begins with the entry ``seq``; the turn's entries are from ``start`` to ``last``."""

    turn: int
    seq: int
    start: int
    last: int
    request: str


class Steps:
    """The steps of a log, entry by entry."""

    def __init__(self) -> None:
        self._turns: dict[int, _Turn] = {}

    def add(self, entry: Entry) -> None:
        """Read an entry; they come in order."""
        if isinstance(entry, SummaryEntry):
            return
        turn = self._turns.setdefault(entry.turn, _Turn(entry.seq))
        turn.last = max(turn.last, entry.seq)
        if isinstance(entry, UserEntry) and entry.role == "message":
            turn.request = preview(entry.text) or " "
        elif isinstance(entry, ReplyEntry):
            turn.replies[entry.step] = entry.seq

    def find(self, session: str, turn: int | None, step: int) -> Place:
        """Find a step: of the turn, or of the last turn that has it. A turn that has failed may also take its next step.

        Raises:
            NothingToDo: There is no such step.
        """
        for number in [turn] if turn is not None else sorted(self._turns, reverse=True):
            found = self._turns.get(number)
            if found is None or not found.request:
                continue
            seq = found.replies.get(step)
            if seq is None and step == len(found.replies) + 1:
                seq = found.last + 1
            if seq is not None:
                return Place(number, seq, found.start, found.last, found.request)
        where = f"turn {turn} has no" if turn is not None else "no turn has a"
        taken = ", ".join(
            f"turn {number}: {len(each.replies)}" for number, each in sorted(self._turns.items())
        )
        raise NothingToDo(f"{session}: {where} step {step}; steps taken are {taken or 'none'}")
