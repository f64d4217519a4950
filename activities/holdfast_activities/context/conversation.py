"""A session's conversation as a worker holds it: pieces ready to be joined into a prompt."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from holdfast_activities.models.base import Fragment, Model
from holdfast_workflows.contracts.operations.resets import Abandoned
from holdfast_workflows.contracts.session.entries import (
    Entry,
    ReplyEntry,
    ResultEntry,
    SummaryEntry,
    UserEntry,
)

from .builder import TASK_SHARE, build
from .call_ids import CallIds
from .draft import Draft, PromptFacts, Scene
from .prompt_parts import Item, PromptPart, Reason, Tally, tokens_of
from .truncation import CAP, Truncations
from .working import Working

_ENTRY = 1_000  # characters that an entry counts for beside its text
_NO_RESULT = "no result: the call was not carried out"
_ONLY_MESSAGE = Reason("", "a simplified reply is made from the message alone")


class Conversation:
    """The pieces of one session for one wire format, in order, up to ``position``.

    Entries may be offered ahead of their turn; they are taken in when every number
    before them is known. What was cut or left out stays so, which keeps the prompt's
    beginning the same from step to step.

    Attributes:
        ceiling: Bounds what is sent, whatever the budget, after a provider found it too long.
        plain: Whether nothing that earlier replies carried goes back, after their provider refused it.
        position: The first number that is not taken in.
        tokens: What is sent takes, estimated.
        need: What would be sent if nothing had to be cut or left out takes.
        bytes: Of what is sent.
        summary: The number of the newest summary that it was told of.
    """

    def __init__(
        self, model: Model, cap: int = CAP, *, reference: bool = True, abandoned: Abandoned = ()
    ) -> None:
        """An empty conversation; the arguments are those of ``Forms``, and what is never taken in."""
        self._abandoned = abandoned
        self._forms = Truncations(model, cap, reference=reference)
        self._ids = CallIds(model)
        self._pieces: list[PromptPart] = []
        self._offered: dict[int, Entry] = {}
        self._owed: dict[int, tuple[str, str]] = {}
        # The running turn's message, what was recalled for it, and the newest step: only these may have to be cut.
        self._task = 0
        self._memory = 0
        self._newest = 0
        self._entries: dict[int, Entry] = {}
        self._unshared = False
        self._told: PromptFacts | None = None
        self._working = Working(self._forms)
        self._left = Tally()
        self._gone: list[tuple[int, int]] = []
        self._tally: Tally | None = None
        self.ceiling: int | None = None
        self.plain = False
        self.position = 1
        self.tokens = 0
        self.need = 0
        self.bytes = 0
        self.summary = 0

    # What is in the log.

    def offer(self, entries: Iterable[Entry]) -> None:
        """Entries that are settled, or will be before anybody relies on them."""
        for entry in entries:
            if entry.seq >= self.position and not self._is_abandoned(entry.seq):
                self._offered[entry.seq] = entry

    @property
    def waiting(self) -> int:
        """How much was offered that it has not taken in: characters, with some for each entry."""
        return sum(_ENTRY + len(entry.text) for entry in self._offered.values())

    def _is_abandoned(self, seq: int) -> bool:
        return any(start <= seq < stop for start, stop in self._abandoned)

    def missing(self, upto: int) -> int | None:
        """Take in what was offered below ``upto``; the first number that has to be read, if any."""
        while self.position < upto and self.position in self._offered:
            self._take(self._offered.pop(self.position))
            self.position += 1
        return self.position if self.position < upto else None

    def complete(self, upto: int, entries: Iterable[Entry]) -> None:
        """Take in a range that was read from the log; numbers that are not there stay unused."""
        # A second attempt on this worker may have got further while the log was read.
        found = {
            entry.seq: entry
            for entry in entries
            if self.position <= entry.seq < upto and not self._is_abandoned(entry.seq)
        }
        for seq in [seq for seq in self._offered if seq < upto]:
            found.setdefault(seq, self._offered.pop(seq))
        for seq in sorted(found):
            self._take(found[seq])
        self.position = max(self.position, upto)

    def tell(self, seq: int, entry: Entry | None) -> None:
        """The summary that counts from now on, from its number; None if the log has none there."""
        self.summary = seq
        if not isinstance(entry, SummaryEntry):
            return
        piece = self._forms.summary(entry)
        self._told = PromptFacts(piece, entry.stop)
        self._gone = [(seq, tokens) for seq, tokens in self._gone if seq >= entry.stop]
        kept = sum(p.taken for p in self._pieces if p.seq >= entry.stop and not p.written)
        self.need = piece.taken + kept + sum(tokens for _, tokens in self._gone)

    # What is sent.

    def within(self, limit: int, share: int | None = None) -> list[Fragment]:
        """What to send in at most ``limit`` tokens, replies and their results together; see ``build``.

        The message that the running turn answers is always there, first if it would have
        been left out. Calls that never got a result are given one that says so: providers
        refuse a conversation in which one is missing.

        Args:
            limit: Tokens, estimated.
            share: Tokens that the running turn's message may take where not everything fits.
        """
        self._fill()
        if self.ceiling is not None:
            limit = min(limit, self.ceiling)
        if self.tokens > limit or self._unshared:
            most = int(limit * TASK_SHARE) if share is None else min(share, limit)
            self._adopt(build(self._pieces, self._scene(), limit, most))
            self._unshared = False
        return [piece.fragment for piece in self._pieces]

    def without_extras(self) -> bool:
        """Send nothing from now on that earlier replies carried; whether that changes what is sent."""
        changed = not self.plain and any(piece.fragment.plain for piece in self._pieces)
        self.plain = self.plain or changed
        return changed

    def items(self) -> list[Item]:
        """What is sent, and what no longer is, as a manifest tells it."""
        if self._tally is None:
            self._tally = Tally()
            for piece in self._pieces:
                self._tally.shown(piece, "task" if piece.seq == self._task else piece.part)
        return [*self._tally.items(), *self._left.items()]

    def alone(self, limit: int) -> tuple[list[Fragment], list[Item]]:
        """Only the message that the running turn answers, and how that is told."""
        self._fill()
        at = next((i for i, piece in enumerate(self._pieces) if piece.seq == self._task), -1)
        tally = Tally()
        for piece in self._pieces[:at] + self._pieces[at + 1 if at >= 0 else len(self._pieces) :]:
            tally.left_out(piece, _ONLY_MESSAGE)
        limit = limit if self.ceiling is None else min(limit, self.ceiling)
        scene = replace(self._scene(), summary=None, written=())
        draft = build(self._pieces[at:][:1], scene, limit, limit)
        for piece in draft.pieces:
            tally.shown(piece, "task")
        return [piece.fragment for piece in draft.pieces], [*tally.items(), *self._left.items()]

    @property
    def turn_from(self) -> int:
        """The first number of the running turn; the position if there is none."""
        return self._memory or self._task or self.position

    def replace(self, entries: Mapping[int, Entry], reason: Reason) -> bool:
        """Send these instead of the entries with their numbers, no longer than those are; whether that differs."""
        changed = False
        for i, piece in enumerate(self._pieces):
            entry = entries.get(piece.seq)
            if entry is None or piece.written:
                continue
            fragment = self._forms.fitted(self._ids.again(entry), piece.tokens)
            if fragment.data != piece.fragment.data:
                self._pieces[i] = piece.cut(fragment, reason)
                changed = True
        if changed:
            self._entries.update({seq: entry for seq, entry in entries.items() if seq in self._entries})
            self._measure()
        return changed

    def _scene(self) -> Scene:
        newest = self._newest if self._newest > self._task else self._task
        return Scene(
            task=self._task,
            memory=self._memory,
            newest=newest or self.position,
            entries=self._entries,
            refit=self._forms.fitted,
            summary=self._told,
            written=self._working.written,
        )

    def _adopt(self, draft: Draft) -> None:
        for piece, reason in draft.left_out:
            if not piece.written:
                self._left.left_out(piece, reason)
                if self._told is None or piece.seq >= self._told.stop:
                    self._gone.append((piece.seq, piece.taken))
        self._pieces = draft.pieces
        self._measure()

    def _measure(self) -> None:
        self._tally = None
        self.tokens = tokens_of(self._pieces)
        self.bytes = sum(len(piece.fragment.data) for piece in self._pieces)

    # Taking entries in.

    def _take(self, entry: Entry) -> None:
        if isinstance(entry, SummaryEntry):
            return  # it counts only once it is told of, wherever it stands
        if isinstance(entry, ResultEntry):
            owed = self._owed.pop(entry.seq, None)
            if owed is None:
                return
            entry = entry.model_copy(update={"call_id": owed[0]})
            self._working.result(entry)
        else:
            self._fill()
        if isinstance(entry, ReplyEntry):
            entry = self._ids.reply(entry)
        piece = self._forms.piece(entry)
        if isinstance(entry, ReplyEntry):
            self._owed = {entry.seq + 1 + i: (call.id, call.name) for i, call in enumerate(entry.calls)}
            self._working.reply(entry)
            self._keep_entries(entry.seq)
        elif isinstance(entry, UserEntry) and entry.role == "message":
            self._begin(entry.seq)
        self._entries[entry.seq] = entry
        self._add(piece)

    def _begin(self, seq: int) -> None:
        """The turn of a message begins; what was recalled for it stands right before it."""
        last = self._pieces[-1] if self._pieces else None
        self._task = seq
        self._memory = last.seq if last is not None and last.part == "memory" else 0
        self._unshared = bool(self._memory)
        self._tally = None
        self._ids.begin()
        self._keep_entries(seq)

    def _keep_entries(self, newest: int) -> None:
        self._newest = newest
        self._entries = {
            seq: entry for seq, entry in self._entries.items() if seq in (self._task, self._memory)
        }

    def _fill(self) -> None:
        for seq, (call_id, name) in sorted(self._owed.items()):
            entry = ResultEntry(seq=seq, call_id=call_id, name=name, text=_NO_RESULT, status="cancelled")
            self._add(self._forms.piece(entry))
        self._owed = {}

    def _add(self, piece: PromptPart) -> None:
        self._pieces.append(piece)
        if self._tally is not None:
            self._tally.shown(piece, "task" if piece.seq == self._task else piece.part)
        self.tokens += piece.tokens
        self.bytes += len(piece.fragment.data)
        if self._told is None or piece.seq >= self._told.stop:
            self.need += piece.taken
