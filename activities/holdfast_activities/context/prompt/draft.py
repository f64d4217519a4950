"""A prompt while strategies shorten it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from holdfast_activities.models.base import Fragment
from holdfast_workflows.contracts.session.entries import Entry

from .prompt_parts import PromptPart, Reason, tokens_of


@dataclass(frozen=True, slots=True)
class TurnContext:
    """The facts about a conversation that strategies need; numbers are sequence numbers, 0 for none.

    Attributes:
        task: The message that the running turn answers.
        memory: The memories recalled for it.
        newest: Start of the newest step.
        entries: Entries that may be cut.
        refit: Returns an entry in at most so many tokens, if possible.
        summary: The newest summary.
        summary_stop: The first entry that the summary does not cover.
        working: The plan and the notes, each with the number of the reply that wrote it.
    """

    task: int
    memory: int
    newest: int
    entries: Mapping[int, Entry]
    refit: Callable[[Entry, int], Fragment]
    summary: PromptPart | None = None
    summary_stop: int = 0
    working: Sequence[tuple[int, PromptPart]] = ()

    def keeps(self, piece: PromptPart) -> bool:
        """Whether a part is never left out because of its age."""
        return piece.leads or piece.seq in (self.task, self.memory) or piece.seq >= self.newest


@dataclass(slots=True)
class Draft:
    """The parts to send, in order, and those left out. Limits are estimated tokens.

    ``limit`` binds. ``goal`` is the size to shorten to once ``limit`` is exceeded. ``share`` is then the maximum of
    the running turn's message.
    """

    context: TurnContext
    pieces: list[PromptPart]
    limit: int
    goal: int
    share: int
    left_out: list[tuple[PromptPart, Reason]] = field(default_factory=list[tuple[PromptPart, Reason]])
    tokens: int = 0

    def __post_init__(self) -> None:
        self.tokens = tokens_of(self.pieces)

    def units(self) -> Iterator[list[int]]:
        """Yield positions that stay together: a reply with its results, or any other part alone."""
        unit: list[int] = []
        for at, piece in enumerate(self.pieces):
            if unit and piece.fragment.kind != "result":
                yield unit
                unit = []
            unit.append(at)
        if unit:
            yield unit

    def find(self, seq: int) -> int | None:
        """Return the position of an entry."""
        return next((i for i, piece in enumerate(self.pieces) if seq and piece.seq == seq), None)

    def recent(self, tokens: int) -> int:
        """Return the position from which the newest parts take at most ``tokens`` together."""
        for at in range(len(self.pieces), 0, -1):
            tokens -= self.pieces[at - 1].tokens
            if tokens < 0:
                return at
        return 0

    def put(self, at: int, fragment: Fragment, reason: Reason) -> None:
        """Replace a part's fragment if the new one is shorter."""
        piece = self.pieces[at]
        if fragment.tokens < piece.tokens:
            self.tokens -= piece.tokens - fragment.tokens
            self.pieces[at] = piece.cut(fragment, reason)

    def shorten(self, at: int, tokens: int, reason: Reason) -> None:
        """Cut a part to at most ``tokens`` if its entry is available."""
        piece = self.pieces[at]
        entry = self.context.entries.get(piece.seq)
        if piece.tokens > tokens and entry is not None:
            self.put(at, self.context.refit(entry, tokens), reason)

    def leave_out(self, positions: Collection[int], reason: Reason) -> None:
        self.left_out += [(self.pieces[i], reason) for i in sorted(positions)]
        self.drop(positions)

    def drop(self, positions: Collection[int]) -> None:
        """Remove parts that others replace."""
        gone = set(positions)
        self.pieces = [piece for i, piece in enumerate(self.pieces) if i not in gone]
        self.tokens = tokens_of(self.pieces)

    def lead(self, piece: PromptPart, at: int = 0) -> None:
        """Insert a part before the conversation."""
        self.pieces.insert(at, piece)
        self.tokens += piece.tokens
