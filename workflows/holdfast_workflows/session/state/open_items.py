"""The items of the session's inbox: what waits for a person now, with the answers that were given."""

from collections.abc import Iterable

from holdfast_workflows.contracts.control.inbox import Answer, InboxItem
from holdfast_workflows.contracts.session.steps import ActInput


class OpenItems:
    """Items by id. Those that a wait was interrupted for are kept, and the wait continues with them."""

    def __init__(self, kept: Iterable[InboxItem] = (), answers: Iterable[Answer] = ()) -> None:
        self._open: dict[str, InboxItem] = {}
        self._kept = {item.id: item for item in kept}
        self._answers = {answer.id: answer for answer in answers}
        self.calls: dict[str, tuple[ActInput, tuple[str, ...]]] = {}
        """Calls that wait for approval, with the arguments that rules look at, by the item's id."""
        self.signing = 0
        """Answers that a worker signs now."""

    def open(self, item: InboxItem) -> bool:
        """Add an item; False if it continues one that was kept, with its answers and its deadline."""
        kept = self._kept.pop(item.id, None)
        self._open[item.id] = kept or item
        return kept is None

    def close(self, id: str, *, keep: bool = False) -> None:
        """Remove an item; ``keep`` it for a wait that is about to continue."""
        item = self._open.pop(id)
        if keep:
            self._kept[id] = item

    def kept(self, id: str) -> InboxItem | None:
        """Return an item that an interrupted wait has left."""
        return self._kept.get(id)

    def clear(self) -> None:
        """Remove what was kept, since its turn has ended."""
        self._kept.clear()
        self._answers.clear()

    def discard(self, id: str) -> None:
        """Remove an item that was kept."""
        self._kept.pop(id, None)

    def __getitem__(self, id: str) -> InboxItem:
        return self._open[id]

    def __bool__(self) -> bool:
        return bool(self._open)

    def update(self, item: InboxItem) -> None:
        """Replace an open item."""
        self._open[item.id] = item

    def give(self, answer: Answer) -> None:
        """Store the answer for the coroutine that waits for it."""
        self._answers[answer.id] = answer

    def answered(self, id: str) -> bool:
        """Whether an item has its final answer."""
        return id in self._answers

    def take(self, id: str) -> Answer | None:
        """Remove and return an item's answer, if it has one."""
        return self._answers.pop(id, None)

    def id_of(self, id: str) -> str:
        """Return the id of an open item, given that id or the key of its call.

        Only the key's last part is used: the rest is the session's id, which differs in a replay.
        """
        if id in self._open:
            return id
        seq = id.rpartition("-")[2]
        found = (f"{kind}-{seq}" for kind in ("approval", "ticket"))
        return next((each for each in found if each in self._open), f"effect-{seq}")

    @property
    def unanswered(self) -> tuple[InboxItem, ...]:
        """Open items without an answer."""
        return tuple(item for item in self._open.values() if item.id not in self._answers)

    @property
    def carried(self) -> tuple[InboxItem, ...]:
        """Items for the next run."""
        return (*self._kept.values(), *self._open.values())

    @property
    def carried_answers(self) -> tuple[Answer, ...]:
        """Answers for the next run."""
        return tuple(self._answers.values())
