"""What a prompt is made of: an entry of the log in the form it is sent in, and the count of what was sent how."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from holdfast_activities.models.base import Fragment
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.manifests import ManifestItem, Part, Shown


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not shown whole. ``strategy`` is empty for what is cut whether the rest fits or not."""

    strategy: str
    why: str


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A part of the conversation as it is sent. All counts are tokens, estimated.

    ``seq`` is its entry's number. ``full`` is what the whole text would take, ``taken`` what it took when it was
    taken in, and ``short`` the entry with less text to fall back on, if it is long; few need it, so it is not serialised.
    """

    seq: int
    fragment: Fragment
    part: Part
    full: int
    taken: int
    short: Entry | None = None
    reason: Reason | None = None

    @property
    def tokens(self) -> int:
        """What it takes as it is sent."""
        return self.fragment.tokens

    @property
    def written(self) -> bool:
        """Whether it stands before the conversation: a summary, or the plan written out again."""
        return self.part in {"summary", "plan"}

    def cut(self, fragment: Fragment, reason: Reason) -> "PromptPart":
        """The piece in a shorter form."""
        return replace(self, fragment=fragment, reason=reason, short=None)


@dataclass(slots=True)
class _Count:
    tokens: int = 0
    saved: int = 0
    start: int = 0
    stop: int = 0
    count: int = 0


class Tally:
    """Pieces counted by what they are and how they are shown, so that a manifest costs the same at any length."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Part, Shown, Reason | None], _Count] = {}

    def shown(self, piece: PromptPart, part: Part) -> None:
        """Count a piece that is sent."""
        cut = piece.reason is not None
        self._add(
            (part, "cut" if cut else "whole", piece.reason),
            piece.seq,
            piece.tokens,
            max(0, piece.full - piece.tokens) if cut else 0,
        )

    def left_out(self, piece: PromptPart, reason: Reason) -> None:
        """Count a piece that is not."""
        self._add((piece.part, "left_out", reason), piece.seq, 0, piece.full)

    def _add(self, key: tuple[Part, Shown, Reason | None], seq: int, tokens: int, saved: int) -> None:
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count(start=seq)
        count.tokens += tokens
        count.saved += saved
        count.start = min(count.start, seq)
        count.stop = max(count.stop, seq + 1)
        count.count += 1

    def items(self) -> Iterator["Item"]:
        """The counts as they stand."""
        for (part, shown, reason), count in self._counts.items():
            yield Item(part, shown, count.tokens, count.saved, count.start, count.stop, count.count, reason)


@dataclass(frozen=True, slots=True)
class Item:
    """A manifest's item in estimated tokens, before any ratio."""

    part: Part
    shown: Shown
    tokens: int
    saved: int = 0
    start: int = 0
    stop: int = 0
    count: int = 1
    reason: Reason | None = None

    def listed(self, ratio: float) -> ManifestItem:
        """As the manifest has it; rounded down, so that the parts of a prompt within its budget are within it, too."""
        return ManifestItem(
            part=self.part,
            shown=self.shown,
            tokens=int(self.tokens * ratio),
            saved=int(self.saved * ratio),
            start=self.start,
            stop=self.stop,
            count=self.count,
            why=self.reason.why if self.reason else "",
        )


def tokens_of(pieces: Iterable[PromptPart]) -> int:
    """What they take together."""
    return sum(piece.fragment.tokens for piece in pieces)
