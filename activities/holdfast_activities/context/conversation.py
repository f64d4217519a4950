"""A session's conversation as a worker holds it: fragments ready to be joined into a prompt."""

from collections import deque
from collections.abc import Iterable, Mapping

from holdfast_activities.models.base import Fragment, Model
from holdfast_workflows.contracts.entries import Entry, ReplyEntry, ResultEntry

_SLIDE_TO = 0.75
"""How full the window is after it slid: far enough that the prompt's beginning then stays
the same for many steps, which is what providers' prompt caches want."""

_NO_RESULT = "no result: the call was not carried out"


class Conversation:
    """The fragments of one session for one wire format, in order, up to ``position``.

    Entries may be offered ahead of their turn; they are taken in when every number
    before them is known. ``ceiling`` bounds what is sent, whatever the budget, after a
    provider found it too long.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._fragments: deque[Fragment] = deque()
        self._offered: dict[int, Entry] = {}
        self._owed: dict[int, tuple[str, str]] = {}
        self._task: Fragment | None = None
        self.ceiling: int | None = None
        self.position = 1
        self.tokens = 0
        self.bytes = 0

    def offer(self, entries: Iterable[Entry]) -> None:
        """Entries that are settled, or will be before anybody relies on them."""
        for entry in entries:
            if entry.seq >= self.position:
                self._offered[entry.seq] = entry

    @property
    def waiting(self) -> int:
        """How many entries were offered that it has not taken in."""
        return len(self._offered)

    def missing(self, upto: int) -> int | None:
        """Take in what was offered below ``upto``; the first number that has to be read, if any."""
        while self.position < upto and self.position in self._offered:
            self._take(self._offered.pop(self.position))
            self.position += 1
        return self.position if self.position < upto else None

    def complete(self, upto: int, entries: Iterable[Entry]) -> None:
        """Take in a range that was read from the log; numbers that are not there stay unused."""
        # A second attempt on this worker may have got further while the log was read.
        found = {entry.seq: entry for entry in entries if self.position <= entry.seq < upto}
        for seq in [seq for seq in self._offered if seq < upto]:
            found.setdefault(seq, self._offered.pop(seq))
        for seq in sorted(found):
            self._take(found[seq])
        self.position = max(self.position, upto)

    def within(self, budget: int) -> list[Fragment]:
        """The newest fragments that fit into ``budget`` tokens, replies and their results together.

        The message that the running turn answers is always there, first if it would have
        been left out. Calls that never got a result are given one that says so: providers
        refuse a conversation in which one is missing.
        """
        self._fill()
        if self.ceiling is not None:
            budget = min(budget, self.ceiling)
        if self.tokens > budget:
            self._slide(int(budget * _SLIDE_TO))
        kept = list(self._fragments)
        if self._task and (not kept or kept[0].seq > self._task.seq):
            kept.insert(0, self._task)
        return kept

    def alone(self) -> list[Fragment]:
        """Only the message that the running turn answers."""
        return [self._task] if self._task else list(self._fragments)[-1:]

    @property
    def turn_from(self) -> int:
        """The number of the message that the running turn answers; the position if there is none."""
        return self.position if self._task is None else self._task.seq

    def replace(self, fragments: Mapping[int, Fragment]) -> None:
        """Put other fragments in the place of those with these numbers."""
        for i, before in enumerate(self._fragments):
            after = fragments.get(before.seq, before)
            self._fragments[i] = after
            self.tokens += after.tokens - before.tokens
            self.bytes += len(after.data) - len(before.data)
        if self._task is not None:
            self._task = fragments.get(self._task.seq, self._task)

    def _take(self, entry: Entry) -> None:
        if isinstance(entry, ResultEntry):
            if self._owed.pop(entry.seq, None) is None:
                return
        else:
            self._fill()
        fragment = self._model.fragment(entry)
        self._add(fragment)
        if isinstance(entry, ReplyEntry):
            self._owed = {entry.seq + 1 + i: (call.id, call.name) for i, call in enumerate(entry.calls)}
        elif entry.kind == "user" and entry.role == "message":
            self._task = fragment

    def _fill(self) -> None:
        for seq, (call_id, name) in sorted(self._owed.items()):
            entry = ResultEntry(seq=seq, call_id=call_id, name=name, text=_NO_RESULT, status="cancelled")
            self._add(self._model.fragment(entry))
        self._owed = {}

    def _add(self, fragment: Fragment) -> None:
        self._fragments.append(fragment)
        self.tokens += fragment.tokens
        self.bytes += len(fragment.data)

    def _begins_amid_a_turn(self) -> bool:
        """Whether a reply of an earlier turn would come first, which some providers refuse."""
        first = self._fragments[0]
        return first.kind == "reply" and self._task is not None and first.seq < self._task.seq

    def _slide(self, target: int) -> None:
        """Leave out the oldest, a reply with all its results at a time; the newest stays in any case."""
        fragments = self._fragments
        while self.tokens > target or self._begins_amid_a_turn():
            size = 1
            while size < len(fragments) and fragments[size].kind == "result":
                size += 1
            if size >= len(fragments):
                return
            for _ in range(size):
                dropped = fragments.popleft()
                self.tokens -= dropped.tokens
                self.bytes -= len(dropped.data)
