"""The ids of calls as a conversation sends them: those that its provider gave, once each, and else our own."""

from collections.abc import Sequence

from holdfast_activities.models.base import Model
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry

_LETTERS = "cdefghijklmnopqrstuvwxyz"


class CallIds:
    """Makes the ids of one conversation distinct, and its provider's own.

    Servers number the calls of each reply anew, and refuse ids that come twice or that
    another server made. An id of our own is a letter and the number of the call's result
    in the log: nine letters and digits, which every server takes.
    """

    def __init__(self, model: Model) -> None:
        """No call yet."""
        self._model = model
        # Hashes, since a session has calls without end.
        self._seen: set[int] = set()
        self._of_results: dict[int, str] = {}

    def begin(self) -> None:
        """A turn begins: results of earlier ones are not asked for again."""
        self._of_results = {}

    def reply(self, entry: ReplyEntry) -> ReplyEntry:
        """A reply that is taken in, with the ids of its calls."""
        if not entry.calls:
            return entry
        ids = [
            self._distinct(id, entry.seq + 1 + index) for index, id in enumerate(self._model.call_ids(entry))
        ]
        self._of_results.update({entry.seq + 1 + index: id for index, id in enumerate(ids)})
        return _with_ids(entry, ids)

    def again(self, entry: Entry) -> Entry:
        """An entry of the running turn as the log has it, with the ids that it was taken in with."""
        if isinstance(entry, ResultEntry):
            id = self._of_results.get(entry.seq, entry.call_id)
            return entry if id == entry.call_id else entry.model_copy(update={"call_id": id})
        if isinstance(entry, ReplyEntry):
            ids = [
                self._of_results.get(entry.seq + 1 + index, call.id) for index, call in enumerate(entry.calls)
            ]
            return _with_ids(entry, ids)
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
