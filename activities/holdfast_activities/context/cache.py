"""The conversations a worker has at hand, so that a step reads only what is new."""

from collections import OrderedDict
from collections.abc import Sequence

from holdfast_activities.models.base import Fragment, Model
from holdfast_activities.state.base import Log
from holdfast_activities.state.log.reading import entries
from holdfast_workflows.contracts.errors import StateBehind
from holdfast_workflows.contracts.operations.resets import Abandoned
from holdfast_workflows.contracts.session.entries import Entry

from .builder import budget
from .conversation import Conversation
from .truncation import cap

_MAX_BYTES = 256_000_000
_MAX_SESSIONS = 2_000
_NEAR = 50  # numbers between two entries that are read together
_MOST_WAITING = 500_000


_Key = tuple[str, str, int, int]
"""A wire format, a provider, whose replies carry what is for it alone, the window that the conversation is kept to
(what a small one left out, a large one may show), and where the session went on after its last reset."""


class Conversations:
    """A cache by session, provider and window; the least recently used session goes first."""

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
    ) -> tuple[Conversation, dict[int, Entry]]:
        """The conversation before ``seq``, and with ``look_ahead`` what the log holds from ``seq`` on.

        Args:
            session: The session's id.
            model: Gives the wire format.
            seq: Where the next reply goes.
            new: Entries below ``seq`` that are not in the log yet.
            look_ahead: Whether an earlier attempt may have settled steps from ``seq`` on.
            summary: The number of the newest summary that counts; 0 for none.
            window: The agent's own window, where it is to be smaller than the model's.
            reference: Whether the agent has the tool that reads what a prompt leaves out of a text.
            settled: The number of an entry that was written for sure; 0 for none.
            abandoned: Parts of the log that resets have left behind, and late calls may still write to.

        Raises:
            StateBehind: The log was read and does not have that entry.
        """
        conversations = self._sessions.setdefault(session, {})
        self._sessions.move_to_end(session)
        since = abandoned[-1][1] if abandoned else 0
        key = (model.wire, model.provider, min(window or model.window, model.window), since)
        conversation = conversations.get(key)
        if conversation is None or conversation.position > seq:
            # Behind us: another attempt went further here.
            most = cap(budget(key[2]).tokens)
            conversation = Conversation(model, most, reference=reference, abandoned=abandoned)
            conversations[key] = conversation
        conversation.offer(new)
        start = conversation.missing(seq)
        ahead: dict[int, Entry] = {}
        # What is not read is at hand, and was in the log when it was taken in.
        behind = start is not None and start <= settled < seq
        if start is not None or look_ahead:
            stop = None if look_ahead else seq
            # One by one as they are read: a long log whole would fill the memory, and taking it in at once would
            # hold up every other session of this worker, and its heartbeats.
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
            await self._tell(session, conversation, summary)
        self._drop_idle(conversations)
        self._weigh(session)
        self._shrink()
        return conversation, ahead

    async def _tell(self, session: str, conversation: Conversation, summary: int) -> None:
        # Made beside the turn, it may stand anywhere: only who is told of it reads it.
        there = await self._log.read(session, summary, summary + 1)
        conversation.tell(summary, there[0] if there else None)

    async def behind(
        self, session: str, conversation: Conversation, sent: Sequence[Fragment], new: Sequence[Entry]
    ) -> list[Entry]:
        """The entries of the running turn that ``sent`` holds.

        Args:
            session: The session's id.
            conversation: Where ``sent`` comes from.
            sent: What a model was sent.
            new: Entries that are not in the log yet.
        """
        seqs = {fragment.seq for fragment in sent if fragment.seq >= conversation.turn_from}
        found = [entry for entry in new if entry.seq in seqs]
        for start, stop in _ranges(sorted(seqs - {entry.seq for entry in found})):
            found += [entry async for entry in entries(self._log, session, start, stop)]
        return sorted((entry for entry in found if entry.seq in seqs), key=lambda entry: entry.seq)

    def offer(self, session: str, entries: Sequence[Entry]) -> None:
        """Entries just settled here, so that the next step need not read them."""
        for conversation in self._sessions.get(session, {}).values():
            conversation.offer(entries)

    def forget(self, session: str) -> None:
        """Drop what is held of a session: it turned out not to be what the log holds."""
        self._sessions.pop(session, None)
        self._bytes -= self._sizes.pop(session, 0)

    def _drop_idle(self, conversations: dict[_Key, Conversation]) -> None:
        """A model that the session has turned away from is not kept up to date for ever."""
        for key in [key for key, each in conversations.items() if each.waiting > _MOST_WAITING]:
            del conversations[key]

    def _weigh(self, session: str) -> None:
        held = self._sessions.get(session)
        if held is None:  # forgotten while its log was read
            return
        size = sum(conversation.bytes for conversation in held.values())
        self._bytes += size - self._sizes.get(session, 0)
        self._sizes[session] = size

    def _shrink(self) -> None:
        while len(self._sessions) > 1 and (
            len(self._sessions) > _MAX_SESSIONS or self._bytes > self._max_bytes
        ):
            self.forget(next(iter(self._sessions)))


def _ranges(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges with all of these numbers: the turn's message may stand long before what else of it is sent."""
    ranges: list[tuple[int, int]] = []
    for seq in seqs:
        if ranges and seq - ranges[-1][1] < _NEAR:
            ranges[-1] = (ranges[-1][0], seq + 1)
        else:
            ranges.append((seq, seq + 1))
    return ranges
