"""A worker's cache of conversations, so that a step reads only new entries."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence

from holdfast_activities.models.base import Fragment, Model
from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts.agent.pii import PersonalData
from holdfast_workflows.contracts.errors import StateBehind
from holdfast_workflows.contracts.operations.resets import Abandoned
from holdfast_workflows.contracts.session.entries import Entry

from .conversation import Conversation
from .prompt.builder import budget
from .prompt.truncation import cap

_MAX_BYTES = 256_000_000
_MAX_SESSIONS = 2_000
_NEAR = 50  # maximum gap of numbers that are read together
_MAX_WAITING = 500_000  # characters

_Key = tuple[str, str, int, int]
"""Wire format, provider, context window, and where the session continued after its last reset."""


_ShownAs = tuple[PersonalData | None, bool, Collection[str] | None]
"""By what the agent's spec decides how entries are shown; another agent of the session may show them otherwise."""


class Conversations:
    """The least recently used session is dropped first."""

    def __init__(self, log: Log, *, max_bytes: int = _MAX_BYTES) -> None:
        self._log = log
        self._max_bytes = max_bytes
        self._sessions: OrderedDict[str, dict[_Key, Conversation]] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    async def upto(
        self,
        session: str,
        model: Model,
        seq: int,
        new: Sequence[Entry],
        *,
        look_ahead: bool,
        summary: int = 0,
        window: int | None = None,
        reference: bool = False,
        settled: int = 0,
        abandoned: Abandoned = (),
        trusted: Collection[str] | None = None,
        pii: PersonalData | None = None,
    ) -> tuple[Conversation, dict[int, Entry]]:
        """Return the conversation before ``seq``, and with ``look_ahead`` the log's entries from ``seq`` on.

        Args:
            session: Its id.
            model: Gives the wire format.
            seq: The number of the next reply.
            new: Entries below ``seq`` that are not in the log yet.
            look_ahead: An earlier attempt may have settled steps from ``seq`` on.
            summary: The number of the newest summary; 0 for none.
            window: The agent's context window, if smaller than the model's.
            reference: The agent has the tool that reads truncated texts.
            settled: The number of an entry that is known to be in the log; 0 for none.
            abandoned: Ranges of the log that resets have left behind.
            trusted: The tools whose results are not framed; None for all.
            pii: Personal data that is shown as tokens.

        Raises:
            StateBehind: The log does not have the settled entry.
        """
        limit = min(window or model.window, model.window)

        def begin() -> Conversation:
            most = cap(budget(limit).tokens)
            return Conversation(
                model, most, reference=reference, abandoned=abandoned, trusted=trusted, pii=pii
            )

        since = abandoned[-1][1] if abandoned else 0
        key = (model.wire, model.provider, limit, since)
        conversation = self._kept(session, key, seq, (pii, reference, trusted), begin)
        conversation.offer(new)
        start = conversation.missing(seq)
        ahead: dict[int, Entry] = {}
        # Entries that are not read are cached, so they were in the log.
        behind = start is not None and start <= settled < seq
        if start is not None or look_ahead:
            stop = None if look_ahead else seq
            # One by one: a long log would fill the memory, and adding it at once would block other sessions and
            # heartbeats.
            async for entry in entries(self._log, session, seq if start is None else start, stop):
                behind = behind and entry.seq != settled
                if entry.seq < seq:
                    conversation.complete(entry.seq + 1, [entry])
                else:
                    ahead[entry.seq] = entry
            if behind:
                self.forget(session)
                raise StateBehind(f"entry {settled} of session {session} is not in the log")
            conversation.complete(seq, [])
        if summary > conversation.summary:
            found = await self._log.read(session, summary, summary + 1)
            conversation.set_summary(summary, found[0] if found else None)
        self._shrink(session)
        return conversation, ahead

    def _kept(
        self, session: str, key: _Key, seq: int, shown_as: _ShownAs, begin: Callable[[], Conversation]
    ) -> Conversation:
        """The cached conversation, or a new one."""
        conversations = self._sessions.setdefault(session, {})
        self._sessions.move_to_end(session)
        kept = conversations.get(key)
        # Another attempt on this worker may have got further, or the session has another spec now.
        if kept is None or kept.position > seq or (kept.vault.pii, *kept.shown_as) != shown_as:
            kept = conversations[key] = begin()
        return kept

    async def sent_entries(
        self, session: str, conversation: Conversation, sent: Sequence[Fragment], new: Sequence[Entry]
    ) -> list[Entry]:
        """Return the running turn's entries in ``sent``. ``new`` are entries that are not in the log yet."""
        seqs = {fragment.seq for fragment in sent if fragment.seq >= conversation.turn_start}
        found = [entry for entry in new if entry.seq in seqs]
        for start, stop in _ranges(sorted(seqs - {entry.seq for entry in found})):
            found += [entry async for entry in entries(self._log, session, start, stop)]
        return sorted((entry for entry in found if entry.seq in seqs), key=lambda entry: entry.seq)

    def offer(self, session: str, entries: Sequence[Entry]) -> None:
        """Add entries that were just settled, so that the next step need not read them."""
        for conversation in self._sessions.get(session, {}).values():
            conversation.offer(entries)

    def forget(self, session: str) -> None:
        """Drop a session, because its log has changed."""
        self._sessions.pop(session, None)
        self._bytes -= self._sizes.pop(session, 0)

    def _shrink(self, session: str) -> None:
        """Measure a session again, then drop others until the cache is within its limits."""
        conversations = self._sessions.get(session)
        if conversations is not None:  # not forgotten while its log was read
            # A model that the session no longer uses is not kept up to date.
            for key in [key for key, each in conversations.items() if each.waiting > _MAX_WAITING]:
                del conversations[key]
            size = sum(conversation.bytes for conversation in conversations.values())
            self._bytes += size - self._sizes.get(session, 0)
            self._sizes[session] = size
        while len(self._sessions) > 1 and (
            len(self._sessions) > _MAX_SESSIONS or self._bytes > self._max_bytes
        ):
            self.forget(next(iter(self._sessions)))


def _ranges(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Return ranges that contain all numbers; the turn's message may stand long before the other entries."""
    ranges: list[tuple[int, int]] = []
    for seq in seqs:
        if ranges and seq - ranges[-1][1] < _NEAR:
            ranges[-1] = (ranges[-1][0], seq + 1)
        else:
            ranges.append((seq, seq + 1))
    return ranges
