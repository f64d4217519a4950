"""The conversation of a session in the cache of a worker: parts ready to be joined into a prompt."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from holdfast_activities.models.base import Fragment, Model
from holdfast_workflows.contracts.agent.pii import PersonalData
from holdfast_workflows.contracts.operations.resets import Abandoned
from holdfast_workflows.contracts.session.entries import (
    Entry,
    ReplyEntry,
    ResultEntry,
    SummaryEntry,
    UserEntry,
)

from .call_ids import CallIds
from .prompt.builder import TASK_SHARE, build
from .prompt.draft import Draft, TurnContext
from .prompt.prompt_parts import Item, PromptPart, Reason, Tally, tokens_of
from .prompt.truncation import CAP, Truncations
from .untrusted.links import Links
from .untrusted.vault import Vault
from .working_memory import WorkingMemory

_ENTRY_CHARS = 1_000  # added for each offered entry
_NO_RESULT = "no result: the call was not carried out"
_ONLY_MESSAGE = Reason("", "a simplified reply is made from the message alone")


class Conversation:
    """The parts of one session for one wire format, in order, up to ``position``.

    Entries may be offered early; they are added when all numbers before them are known. What was cut or left out
    stays so, which keeps the prompt's beginning the same from step to step.

    Attributes:
        ceiling: Limits what is sent, after a provider found it too long; estimated tokens.
        plain: The ``extra`` of earlier replies is not sent, after the provider refused it.
        position: The first number that was not added.
        tokens: Estimated size of what is sent.
        need: Estimated size of the complete conversation.
        bytes: Size of what is sent.
        summary: Number of the newest summary.
        links: The links that were read.
        vault: The personal data that is shown as tokens.
        shown_as: ``reference`` and ``trusted``, by which the parts were made.
    """

    def __init__(
        self,
        model: Model,
        cap: int = CAP,
        *,
        reference: bool = True,
        abandoned: Abandoned = (),
        trusted: Collection[str] | None = None,
        pii: PersonalData | None = None,
    ) -> None:
        """``cap``, ``reference``, ``trusted``: see ``Truncations``; ``abandoned``: ranges of the log that are ignored.

        ``pii`` is shown as tokens.
        """
        self.shown_as = (reference, trusted)
        self._abandoned = abandoned
        self._truncations = Truncations(model, cap, reference=reference, trusted=trusted)
        self._ids = CallIds(model)
        self.links = Links()
        self.vault = Vault(pii)
        self._pieces: list[PromptPart] = []
        self._offered: dict[int, Entry] = {}
        self._open_calls: dict[int, tuple[str, str]] = {}
        # The running turn's message, its memories and the newest step: only these are cut by entry.
        self._task = 0
        self._memory = 0
        self._newest = 0
        self._entries: dict[int, Entry] = {}
        self._memories_are_new = False
        self._summary_part: PromptPart | None = None
        self._covered = 0
        self._working = WorkingMemory(self._truncations)
        self._left_out = Tally()
        self._left_out_tokens: list[tuple[int, int]] = []
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
        """Take entries that are in the log, or will be before the conversation is used."""
        for entry in entries:
            if entry.seq >= self.position and not self._is_abandoned(entry.seq):
                self._offered[entry.seq] = entry

    @property
    def waiting(self) -> int:
        """Size of the entries that were offered but not added, in characters."""
        return sum(_ENTRY_CHARS + len(entry.text) for entry in self._offered.values())

    def _is_abandoned(self, seq: int) -> bool:
        return any(start <= seq < stop for start, stop in self._abandoned)

    def missing(self, upto: int) -> int | None:
        """Add offered entries below ``upto``; return the first number that has to be read, if any."""
        while self.position < upto and self.position in self._offered:
            self._take(self._offered.pop(self.position))
            self.position += 1
        return self.position if self.position < upto else None

    def complete(self, upto: int, entries: Iterable[Entry]) -> None:
        """Add entries that were read from the log up to ``upto``; missing numbers are unused."""
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

    def set_summary(self, seq: int, entry: Entry | None) -> None:
        """Set the newest summary; ``entry`` is None if the log has none at ``seq``."""
        self.summary = seq
        if not isinstance(entry, SummaryEntry):
            return
        hidden = entry.model_copy(update={"text": self.vault.hidden(entry.text)})
        self._summary_part, self._covered = self._truncations.summary(hidden), entry.stop
        self._left_out_tokens = [(seq, tokens) for seq, tokens in self._left_out_tokens if seq >= entry.stop]
        shown = sum(p.taken for p in self._pieces if p.seq >= entry.stop and not p.leads)
        self.need = self._summary_part.taken + shown + sum(tokens for _, tokens in self._left_out_tokens)

    # What is sent.

    def within(self, limit: int, share: int | None = None) -> list[Fragment]:
        """Return what to send in at most ``limit`` estimated tokens; see ``build``.

        The running turn's message is always included. Calls without a result get a placeholder, because
        providers refuse a conversation in which one is missing. ``share`` is the maximum of the message if not
        everything fits.
        """
        self._close_calls()
        if self.ceiling is not None:
            limit = min(limit, self.ceiling)
        if self.tokens > limit or self._memories_are_new:
            most = int(limit * TASK_SHARE) if share is None else min(share, limit)
            self._adopt(build(self._pieces, self._context(), limit, most))
            self._memories_are_new = False
        return [piece.fragment for piece in self._pieces]

    def without_extras(self) -> bool:
        """Stop sending the ``extra`` of earlier replies; return whether that changes what is sent."""
        changed = not self.plain and any(piece.fragment.plain for piece in self._pieces)
        self.plain = self.plain or changed
        return changed

    def items(self) -> list[Item]:
        """Return the rows of the manifest."""
        if self._tally is None:
            self._tally = Tally()
            for piece in self._pieces:
                self._tally.sent(piece, "task" if piece.seq == self._task else piece.part)
        return [*self._tally.items(), *self._left_out.items()]

    def alone(self, limit: int) -> tuple[list[Fragment], list[Item]]:
        """Return only the running turn's message, with the rows of the manifest."""
        self._close_calls()
        task = [piece for piece in self._pieces if piece.seq == self._task][:1]
        tally = Tally()
        for piece in self._pieces:
            if piece.seq != self._task:
                tally.left_out(piece, _ONLY_MESSAGE)
        limit = limit if self.ceiling is None else min(limit, self.ceiling)
        draft = build(task, replace(self._context(), summary=None, working=()), limit, limit)
        for piece in draft.pieces:
            tally.sent(piece, "task")
        return [piece.fragment for piece in draft.pieces], [*tally.items(), *self._left_out.items()]

    @property
    def turn_start(self) -> int:
        """The first number of the running turn; the position if no turn is running."""
        return self._memory or self._task or self.position

    def replace(self, entries: Mapping[int, Entry], reason: Reason) -> bool:
        """Replace entries by others that are not longer; return whether that changes what is sent."""
        changed = False
        entries = {seq: self.vault.hide(entry) for seq, entry in entries.items()}
        for i, piece in enumerate(self._pieces):
            entry = entries.get(piece.seq)
            if entry is None or piece.leads:
                continue
            fragment = self._truncations.fitted(self._ids.again(entry), piece.tokens)
            if fragment.data != piece.fragment.data:
                self._pieces[i] = piece.cut(fragment, reason)
                changed = True
        if changed:
            self._entries.update({seq: entry for seq, entry in entries.items() if seq in self._entries})
            self._measure()
        return changed

    def _context(self) -> TurnContext:
        return TurnContext(
            task=self._task,
            memory=self._memory,
            newest=max(self._newest, self._task) or self.position,
            entries=self._entries,
            refit=self._truncations.fitted,
            summary=self._summary_part,
            summary_stop=self._covered,
            working=self._working.parts,
        )

    def _adopt(self, draft: Draft) -> None:
        for piece, reason in draft.left_out:
            if not piece.leads:
                self._left_out.left_out(piece, reason)
                if piece.seq >= self._covered:
                    self._left_out_tokens.append((piece.seq, piece.taken))
        self._pieces = draft.pieces
        self._measure()

    def _measure(self) -> None:
        self._tally = None
        self.tokens = tokens_of(self._pieces)
        self.bytes = sum(len(piece.fragment.data) for piece in self._pieces)

    # Adding entries.

    def _take(self, entry: Entry) -> None:
        if isinstance(entry, SummaryEntry):
            return  # used only through ``set_summary``
        if isinstance(entry, ResultEntry):
            call = self._open_calls.pop(entry.seq, None)
            if call is None:
                return
            entry = entry.model_copy(update={"call_id": call[0]})
            self._working.result(entry)
        else:
            self._close_calls()
        self.links.take(entry, untrusted=self._truncations.is_untrusted(entry))
        entry = self.vault.hide(entry)
        if isinstance(entry, ReplyEntry):
            entry = self._ids.reply(entry)
        piece = self._truncations.piece(entry)
        if isinstance(entry, ReplyEntry):
            self._open_calls = {
                seq: (call.id, call.name) for seq, call in enumerate(entry.calls, entry.seq + 1)
            }
            self._working.reply(entry)
            self._begin_step(entry.seq)
        elif isinstance(entry, UserEntry) and entry.role == "message":
            self._begin_turn(entry.seq)
        self._entries[entry.seq] = entry
        self._add(piece)

    def _begin_turn(self, seq: int) -> None:
        """Begin the turn of a message; its memories stand right before it."""
        last = self._pieces[-1] if self._pieces else None
        self._task = seq
        self._memory = last.seq if last is not None and last.part == "memory" else 0
        self._memories_are_new = bool(self._memory)
        self._tally = None
        self._ids.begin()
        self._begin_step(seq)

    def _begin_step(self, seq: int) -> None:
        self._newest = seq
        self._entries = {n: entry for n, entry in self._entries.items() if n in (self._task, self._memory)}

    def _close_calls(self) -> None:
        for seq, (call_id, name) in sorted(self._open_calls.items()):
            entry = ResultEntry(seq=seq, call_id=call_id, name=name, text=_NO_RESULT, status="cancelled")
            self._add(self._truncations.piece(entry))
        self._open_calls = {}

    def _add(self, piece: PromptPart) -> None:
        self._pieces.append(piece)
        if self._tally is not None:
            self._tally.sent(piece, "task" if piece.seq == self._task else piece.part)
        self.tokens += piece.tokens
        self.bytes += len(piece.fragment.data)
        if piece.seq >= self._covered:
            self.need += piece.taken
