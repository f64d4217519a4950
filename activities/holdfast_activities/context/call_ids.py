"""Make the ids of tool calls unique within a conversation, and valid for its provider."""

from collections.abc import Sequence

from holdfast_activities.models.base import Model
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry

_LETTERS = "cdefghijklmnopqrstuvwxyz"


class CallIds:
    """Replaces duplicate ids and those of other providers.

    Some servers number the calls of each reply from the start, and refuse duplicates or ids of another server. A
    replacement is a letter and the sequence number of the call's result. All servers accept nine letters and digits.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        # Hashes, because the number of calls in a session is not limited.
        self._seen: set[int] = set()
        self._of_results: dict[int, str] = {}

    def begin(self) -> None:
        """Begin a turn; ``again`` is not called for earlier results."""
        self._of_results = {}

    def reply(self, entry: ReplyEntry) -> ReplyEntry:
        """Return a new reply with final ids."""
        if not entry.calls:
            return entry
        ids = [self._distinct(id, seq) for seq, id in enumerate(self._model.call_ids(entry), entry.seq + 1)]
        self._of_results.update(enumerate(ids, entry.seq + 1))
        return _with_ids(entry, ids)

    def again(self, entry: Entry) -> Entry:
        """Return an entry of the running turn, as it is in the log, with final ids."""
        if isinstance(entry, ResultEntry):
            return entry.model_copy(update={"call_id": self._of_results.get(entry.seq, entry.call_id)})
        if isinstance(entry, ReplyEntry):
            calls = enumerate(entry.calls, entry.seq + 1)
            return _with_ids(entry, [self._of_results.get(seq, call.id) for seq, call in calls])
        return entry

    def _distinct(self, id: str, seq: int) -> str:
        for candidate in (id, *(f"{letter}{seq:08d}" for letter in _LETTERS)):
            if candidate and hash(candidate) not in self._seen:
                self._seen.add(hash(candidate))
                return candidate
        return f"{seq:09d}"


def _with_ids(entry: ReplyEntry, ids: Sequence[str]) -> ReplyEntry:
    if ids == [call.id for call in entry.calls]:
        return entry
    calls = tuple(call.model_copy(update={"id": id}) for call, id in zip(entry.calls, ids, strict=True))
    return entry.model_copy(update={"calls": calls})
