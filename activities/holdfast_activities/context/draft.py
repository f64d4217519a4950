"""A prompt while it is made to fit: what strategies work on."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from holdfast_activities.models.base import Fragment
from holdfast_workflows.contracts.session.entries import Entry

from .prompt_parts import PromptPart, Reason, tokens_of

Refit = Callable[[Entry, int], Fragment]
"""An entry in at most so many tokens, if that can be."""


@dataclass(frozen=True, slots=True)
class PromptFacts:
    """A summary, and the number of the first entry that it does not cover."""

    piece: PromptPart
    stop: int


@dataclass(frozen=True, slots=True)
class Scene:
    """What of a conversation must be known to shorten it.

    ``task`` is the number of the message that the running turn answers, ``memory`` of what was recalled for it,
    ``newest`` that from which on the newest step stands; 0 for none. ``entries`` are those that may be
    cut, ``summary`` the newest one, and ``written`` the plan and notes by the number of the reply that wrote them.
    """

    task: int
    memory: int
    newest: int
    entries: Mapping[int, Entry]
    refit: Refit
    summary: PromptFacts | None = None
    written: Sequence[tuple[int, PromptPart]] = ()

    def keeps(self, piece: PromptPart) -> bool:
        """Whether a piece is never the one to leave out, old as it is."""
        return piece.written or piece.seq in (self.task, self.memory) or piece.seq >= self.newest


@dataclass(slots=True)
class Draft:
    """Pieces in the order they are sent in, and those that are no longer. Limits are in estimated tokens.

    ``limit`` binds; ``goal`` is what it is shortened to once it has to be; ``share`` is the most that the
    running turn's message takes then.
    """

    scene: Scene
    pieces: list[PromptPart]
    limit: int
    goal: int
    share: int
    left_out: list[tuple[PromptPart, Reason]] = field(default_factory=list[tuple[PromptPart, Reason]])
    tokens: int = 0

    def __post_init__(self) -> None:
        self.tokens = tokens_of(self.pieces)

    def units(self) -> Iterator[list[int]]:
        """Positions that belong together: a reply and all its results, or any other piece by itself."""
        unit: list[int] = []
        for at, piece in enumerate(self.pieces):
            if unit and piece.fragment.kind != "result":
                yield unit
                unit = []
            unit.append(at)
        if unit:
            yield unit

    def find(self, seq: int) -> int | None:
        """The position of an entry; None if it is not there."""
        return next((i for i, piece in enumerate(self.pieces) if seq and piece.seq == seq), None)

    def recent(self, tokens: int) -> int:
        """The position from which on the newest pieces take so many tokens together, at most."""
        for at in range(len(self.pieces), 0, -1):
            tokens -= self.pieces[at - 1].tokens
            if tokens < 0:
                return at
        return 0

    def put(self, at: int, fragment: Fragment, reason: Reason) -> None:
        """Send a piece in a shorter form."""
        piece = self.pieces[at]
        if fragment.tokens < piece.tokens:
            self.tokens -= piece.tokens - fragment.tokens
            self.pieces[at] = piece.cut(fragment, reason)

    def shorten(self, at: int, tokens: int, reason: Reason) -> None:
        """Send a piece in at most so many tokens, where its entry is at hand."""
        piece = self.pieces[at]
        entry = self.scene.entries.get(piece.seq)
        if piece.tokens > tokens and entry is not None:
            self.put(at, self.scene.refit(entry, tokens), reason)

    def leave_out(self, positions: Collection[int], reason: Reason) -> None:
        """Send some pieces no longer, and say why."""
        self.left_out += [(self.pieces[i], reason) for i in sorted(positions)]
        self.drop(positions)

    def drop(self, positions: Collection[int]) -> None:
        """Take some pieces out that others take the place of."""
        gone = set(positions)
        self.pieces = [piece for i, piece in enumerate(self.pieces) if i not in gone]
        self.tokens = tokens_of(self.pieces)

    def lead(self, piece: PromptPart, at: int = 0) -> None:
        """Put a text before the conversation."""
        self.pieces.insert(at, piece)
        self.tokens += piece.tokens
