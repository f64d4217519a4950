"""The status of each item, and the report."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from temporalio import workflow

from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.errors import BudgetExhausted
from holdfast_workflows.contracts.teams.children import ChildOutcome
from holdfast_workflows.contracts.teams.fleets import (
    LETTERS,
    MOST_ATTEMPTS,
    FleetError,
    FleetItems,
    FleetReport,
    FleetStart,
    FleetState,
    FleetStatus,
    ItemStatus,
    item_session,
)
from holdfast_workflows.contracts.text.unicode import plain_markdown

from ...session.state.budget_limits import OF_PARENT, OF_TENANT

_LETTER = {status: letter for letter, status in LETTERS.items()}

_MOST_ERRORS = 20
"""Kinds of errors in the report; the rest is counted with the last one's code."""

_OTHERS = "other"
_NO_MORE = f"no attempts left, of {MOST_ATTEMPTS}"


class Fleet:
    """The state of a fleet. An item is its place, from 0."""

    def __init__(self, start: FleetStart) -> None:
        before = start.carry or FleetState()
        self.start = start
        self.fleet = workflow.info().workflow_id
        total = sum(each.count for each in start.chunks)
        self._statuses = list(before.statuses or _LETTER["pending"] * total)
        self._attempts = [int(each) for each in before.attempts or "0" * total]
        self._counts = Counter(LETTERS[each] for each in self._statuses)
        self._next, self._taken = 0, set[int]()
        self._errors = {each.code: each for each in before.errors}
        self._first = [sum(each.count for each in start.chunks[:place]) for place in range(len(start.chunks))]
        self.usage = before.usage
        self.budget: Budget | None = before.budget or start.budget
        self.paused, self.spent = before.paused, before.spent
        self.cancelled = before.cancelled
        self.opened = before.opened
        self.started = before.started or workflow.time()
        self.ended = 0.0

    @property
    def whole(self) -> bool:
        """Whether there is a status and an attempt for each item; a client may have sent others."""
        total = sum(each.count for each in self.start.chunks)
        return len(self._statuses) == len(self._attempts) == total

    def count(self, status: ItemStatus) -> int:
        """Return how many items have a status."""
        return self._counts[status]

    def of_status(self, status: ItemStatus) -> list[int]:
        """Return the items with a status, in order."""
        return [place for place, each in enumerate(self._statuses) if LETTERS[each] == status]

    def session(self, place: int) -> str:
        """Return the session of an item's last attempt; of the first one, if it has not begun."""
        return item_session(self.fleet, place, max(1, self._attempts[place]))

    def next_session(self, place: int) -> str:
        """Return the session of an item's next attempt."""
        return item_session(self.fleet, place, self._attempts[place] + 1)

    # Items that begin and end.

    def following(self, most: int) -> tuple[int, list[int]]:
        """Return the next pending items of one chunk, with the chunk's place; they are not returned again."""
        found: list[int] = []
        chunk = -1
        for place in self._pending():
            of = self._chunk(place)
            if chunk not in {-1, of} or len(found) == most:
                break
            chunk = of
            found.append(place)
            self._next = place + 1
        self._taken.update(found)
        return chunk, found

    def _pending(self) -> Iterator[int]:
        for place in range(self._next, len(self._statuses)):
            if LETTERS[self._statuses[place]] == "pending" and place not in self._taken:
                yield place

    def _chunk(self, place: int) -> int:
        return bisect_right(self._first, place) - 1

    def within(self, chunk: int, place: int) -> int:
        """Return an item's place in its chunk."""
        return place - self._first[chunk]

    def begin(self, place: int) -> str:
        """Mark an item as running and return the session of this attempt."""
        self._taken.discard(place)
        self._attempts[place] += 1
        self._set(place, "running")
        return self.session(place)

    def end(self, place: int, outcome: ChildOutcome) -> None:
        """Mark an item as ended. One that found no budget left is pending again, and the fleet pauses."""
        self.usage = self.usage + outcome.usage
        if outcome.error_code == BudgetExhausted.code and _shared(outcome.error):
            again = not self.cancelled and self._attempts[place] < MOST_ATTEMPTS
            if again:
                self._set(place, "pending")
                self._next = 0
                self.spent = outcome.error
                return
        self._set(place, outcome.status)
        if outcome.status == "failed":
            self._note(outcome, self.session(place))

    def _note(self, outcome: ChildOutcome, session: str) -> None:
        known = outcome.error_code in self._errors or len(self._errors) < _MOST_ERRORS
        code = outcome.error_code if known else _OTHERS
        before = self._errors.get(code)
        self._errors[code] = FleetError(
            code=code,
            count=before.count + 1 if before else 1,
            message=outcome.error,
            session=session,
        )

    def _set(self, place: int, status: ItemStatus) -> None:
        self._counts[LETTERS[self._statuses[place]]] -= 1
        self._counts[status] += 1
        self._statuses[place] = _LETTER[status]

    # Requests.

    def retry(self) -> int:
        """Make the failed items pending again, and return how many have attempts left."""
        again = [place for place in self.of_status("failed") if self._attempts[place] < MOST_ATTEMPTS]
        for place in again:
            self._set(place, "pending")
        self._errors.clear()
        if left := self.of_status("failed"):
            session = self.session(left[0])
            self._errors[_OTHERS] = FleetError(
                code=_OTHERS, count=len(left), message=_NO_MORE, session=session
            )
        self._next = 0
        return len(again)

    def retryable(self) -> bool:
        """Whether a failed item has attempts left."""
        return any(self._attempts[place] < MOST_ATTEMPTS for place in self.of_status("failed"))

    def cancel(self) -> None:
        """Start no further items."""
        self.cancelled = True
        for place in self.of_status("pending"):
            self._set(place, "cancelled")

    # Views.

    @property
    def status(self) -> FleetStatus:
        """The fleet's status."""
        if self.ended:
            return "cancelled" if self.cancelled else "done"
        if self.cancelled:
            return "cancelling"
        if self.opened is None:
            return "starting"
        return "paused" if self.waits else "running"

    @property
    def waits(self) -> str:
        """Why no item is started; empty if the fleet is not paused."""
        return self.paused or self.spent

    def report(self) -> FleetReport:
        """Return how far the fleet is."""
        return FleetReport(
            fleet=self.fleet,
            agent=self.start.agent,
            status=self.status,
            reason="" if self.ended or self.cancelled else self.waits,
            total=len(self._statuses),
            **{status: self.count(status) for status in LETTERS.values()},
            retried=sum(max(0, each - 1) for each in self._attempts),
            usage=self.usage,
            budget=self.budget,
            errors=tuple(sorted(self._errors.values(), key=lambda each: -each.count)),
            tenant=self.opened.tenant if self.opened else self.start.tenant,
            user=self.opened.user if self.opened else self.start.user,
            started=self.started,
            ended=self.ended,
        )

    def items(self) -> FleetItems:
        """Return the state of each item."""
        return FleetItems(start=self.start.model_copy(update={"carry": None}), state=self.carried())

    def carried(self) -> FleetState:
        """Return the state for the next run."""
        return FleetState(
            statuses="".join(self._statuses),
            attempts="".join(map(str, self._attempts)),
            usage=self.usage,
            errors=tuple(self._errors.values()),
            paused=self.paused,
            spent=self.spent,
            cancelled=self.cancelled,
            budget=self.budget,
            started=self.started,
            opened=self.opened,
        )

    def details(self) -> str:
        """Return the report as a table for the Temporal UI."""
        report = self.report()
        rows = [f"| {status} | {self.count(status):,} |" for status in LETTERS.values()]
        reason = f": {plain_markdown(report.reason)}" if report.reason else ""
        failures = [
            f"- {each.count:,} × {each.code}: {plain_markdown(each.message)}" for each in report.errors
        ]
        head = f"**{report.status}**{reason}"
        return "\n".join([head, "", "| items | |", "|---|---|", *rows, "", *failures])


def _shared(error: str) -> bool:
    """Whether the limit that an item has reached is that of the fleet or of its tenant, and not the item's own."""
    return any(f"of {whose}" in error for whose in (OF_PARENT, OF_TENANT))
