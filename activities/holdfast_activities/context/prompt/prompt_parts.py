"""The parts of a prompt, and the count of what was sent, cut and left out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from holdfast_activities.models.base import Fragment
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.manifests import ManifestItem, Part, Shown


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a part is not shown whole. ``strategy`` is empty if it is cut even when everything fits."""

    strategy: str
    why: str


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A part of the conversation as it is sent. Counts are estimated tokens.

    ``full`` is the size of the whole text, ``taken`` the size when the part was added. ``short`` is a cut version of
    a long entry. It is not serialised, because few are used.
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
        return self.fragment.tokens

    @property
    def leads(self) -> bool:
        """Whether it stands before the conversation: a summary, or the plan or notes repeated."""
        return self.part in {"summary", "plan"}

    def cut(self, fragment: Fragment, reason: Reason) -> "PromptPart":
        return replace(self, fragment=fragment, reason=reason, short=None)


@dataclass(slots=True)
class Item:
    """One row of a manifest, in estimated tokens before calibration."""

    part: Part
    shown: Shown
    tokens: int = 0
    saved: int = 0
    start: int = 0
    stop: int = 0
    count: int = 1
    reason: Reason | None = None

    def listed(self, ratio: float) -> ManifestItem:
        """Return the calibrated row. Rounded down, so that the rows of a prompt within its budget are within it too."""
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


class Tally:
    """Counts parts by kind, form and reason, so that the cost of a manifest does not grow with the conversation."""

    def __init__(self) -> None:
        self._items: dict[tuple[Part, Shown, Reason | None], Item] = {}

    def sent(self, piece: PromptPart, part: Part) -> None:
        saved = max(0, piece.full - piece.tokens) if piece.reason else 0
        self._add(part, "cut" if piece.reason else "whole", piece.reason, piece.seq, piece.tokens, saved)

    def left_out(self, piece: PromptPart, reason: Reason) -> None:
        self._add(piece.part, "left_out", reason, piece.seq, 0, piece.full)

    def _add(
        self, part: Part, shown: Shown, reason: Reason | None, seq: int, tokens: int, saved: int
    ) -> None:
        key = (part, shown, reason)
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = Item(part, shown, start=seq, count=0, reason=reason)
        item.tokens += tokens
        item.saved += saved
        item.start = min(item.start, seq)
        item.stop = max(item.stop, seq + 1)
        item.count += 1

    def items(self) -> list[Item]:
        """Return a copy of the counts."""
        return [replace(item) for item in self._items.values()]


def tokens_of(pieces: Iterable[PromptPart]) -> int:
    """Return the tokens of parts together."""
    return sum(piece.fragment.tokens for piece in pieces)
