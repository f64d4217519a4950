"""What all workers share through the state database: effects, accounts, breakers, rates, kept replies.

Each change is one short transaction that is right under any number of workers. None of
it is on the path of a step that goes well, but for the claim of a ``once`` call, which
has to be written before the call is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from holdfast_workflows.contracts.breakers import BreakerView
from holdfast_workflows.contracts.budget import BudgetAccount
from holdfast_workflows.contracts.context import Manifest
from holdfast_workflows.contracts.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.resets import AsideInput, AsideResult

from .log.extras import Charge, Charged


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a breaker opens: after ``failures`` in a row, for ``cooldown`` seconds, then for ``probes`` probes.

    A probe that has not reported after ``probe_seconds`` counts as lost and its place is free again.
    For ``doubt`` seconds after it opened, answers to calls that were under way have it probed at once.
    """

    failures: int = 5
    cooldown: float = 60.0
    probes: int = 3
    probe_seconds: float = 150.0
    doubt: float = 5.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What may be used per minute; None for no limit."""

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A part of a rate that one worker may use until ``until``; with nothing granted, ``wait`` seconds
    pass until asking again makes sense.
    """

    requests: float = 0.0
    tokens: float = 0.0
    until: float = 0.0
    wait: float = 0.0


class Effects(Protocol):
    """The effect ledger."""

    async def claim(self, effect: EffectView, token: str) -> tuple[EffectView, str]:
        """Write the claim of a call that is about to be made, unless its key is there already.

        Args:
            effect: The row, with status ``claimed``.
            token: Says who claims: a fresh one for each attempt.

        Returns:
            The row as stored, and whose claim it is: the caller's own token if the call is his to make.
        """
        ...

    async def reclaim(self, key: str, token: str, new_token: str) -> bool:
        """Take a claim over from ``token``, if it still has it and nothing is settled; one of many succeeds."""
        ...

    async def mark(
        self,
        key: str,
        status: EffectStatus,
        *,
        result: str | None = None,
        by: str = "",
        only: Sequence[EffectStatus] | None = None,
    ) -> EffectView | None:
        """Move an effect to a status, from one of ``only`` if they are given; a settled one moves only to
        ``undoing``, ``undone`` and ``undo_failed``. The row as it is now, None if there is none.
        """
        ...

    async def get(self, key: str) -> tuple[EffectView, str] | None:
        """The row of a key and whose claim it is."""
        ...

    async def list(self, session: str = "", status: str = "", limit: int = 500) -> list[EffectView]:
        """Effects in order of session and sequence number; all those of a session, or of a status."""
        ...


class Accounts(Protocol):
    """Budgets. Charges usually ride with the log; ``charge`` is for those that cannot."""

    def tenant(self, tenant: str, day: str) -> str:
        """A tenant's account for one UTC day, written as 2026-01-31; each app has its own."""
        ...

    async def charge(self, charge: Charge) -> Charged:
        """Settle and reserve in a transaction of its own."""
        ...

    async def list(self, prefix: str = "", limit: int = 100) -> list[BudgetAccount]:
        """Accounts whose name begins so, by name."""
        ...


class BreakerTable(Protocol):
    """Circuit breakers. ``now`` is in seconds since 1970; a breaker that was never seen is closed."""

    async def load(self) -> list[BreakerView]:
        """All breakers that ever saw a failure."""
        ...

    async def failed(
        self, name: str, rule: BreakerRule, now: float, *, probe: str = "", reason: str = ""
    ) -> BreakerView:
        """Count a failure; the last one of a row, or a failed ``probe``, opens the breaker."""
        ...

    async def succeeded(self, name: str, rule: BreakerRule, now: float, *, probe: str = "") -> BreakerView:
        """Forget the failures of a closed breaker; the last successful probe closes a half-open one, and one that
        opened just now turns half open.
        """
        ...

    async def probe(self, name: str, rule: BreakerRule, now: float, token: str) -> BreakerView | None:
        """Take one of the probes of a breaker whose cooldown is over; None if all are taken or it is not over."""
        ...

    async def release(self, name: str, token: str) -> None:
        """Free the place of a probe that ended without telling anything: it was cancelled, or never sent."""
        ...

    async def set(self, view: BreakerView) -> BreakerView:
        """Open or close a breaker by hand."""
        ...


class Rates(Protocol):
    """Rate limits shared by all workers: a bucket for each key, filled evenly over the minute."""

    async def lease(
        self, key: str, rate: Rate, requests: int, tokens: int, now: float, seconds: float
    ) -> Lease:
        """Take at least so much, and at most what is fair to take for ``seconds``."""
        ...

    async def give_back(self, key: str, rate: Rate, requests: float, tokens: float, now: float) -> None:
        """Return what was leased and not used; negative figures take what was used beyond it."""
        ...

    async def block(self, key: str, until: float) -> None:
        """Grant nothing before ``until``: the provider said so. A later block stays."""
        ...

    async def blocks(self, now: float) -> dict[str, float]:
        """Until when each key is blocked, of those that still are."""
        ...


class Replies(Protocol):
    """Replies kept under the digest of their prompts, for the last resort."""

    async def find(self, digest: str, since: float) -> str | None:
        """The reply's JSON if it is from ``since`` or later."""
        ...


class Manifests(Protocol):
    """The manifests of prompts; they are written with the log: see ``Riders.manifest``."""

    async def list(self, session: str, *, seq: int = 0, after: int = 0, limit: int = 200) -> list[Manifest]:
        """Those of a session in order, from the one above ``after`` on, or only the one at ``seq``."""
        ...

    async def newest(self, session: str) -> Manifest | None:
        """That of the session's last prompt."""
        ...


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A change of memories that was decided, and may wait for the store. ``body`` is a ``Change`` as JSON; it is
    empty once it has been applied, since what it says is then in the store, to be forgotten there.
    """

    id: str
    tenant: str
    session: str
    at: float
    body: str
    applied: float = 0.0
    """When it was; 0 while it waits."""
    error: str = ""
    """Why it could not be applied, the last time it was tried."""
    answer: str = ""
    """What is answered, as JSON, whenever it is asked for again."""


class Outbox(Protocol):
    """Changes of memories on their way to the store: none is lost, and each is decided once."""

    async def add(self, item: OutboxItem, *, until: float = 0.0) -> OutboxItem | None:
        """Keep a change; one of the same id stays as it is. It is the caller's to apply ``until`` a time.

        Returns:
            The item as stored; None if its session was erased, and nothing is kept of it.
        """
        ...

    async def get(self, id: str) -> OutboxItem | None:
        """The item of that id."""
        ...

    async def claim(self, now: float, seconds: float, limit: int = 50) -> list[OutboxItem]:
        """Items that wait, oldest first, for this caller to apply within so many seconds: others are not given them."""
        ...

    async def applied(self, id: str, now: float) -> bool:
        """It has been applied. False if it was erased meanwhile, and what was applied has to be, too."""
        ...

    async def failed(self, id: str, error: str, *, until: float = 0.0) -> None:
        """It could not be applied; it waits again, for whoever claims after ``until``."""
        ...

    async def forget(self, tenant: str, ids: Sequence[str], now: float) -> None:
        """Note that memories of a tenant were forgotten, and may not come back by a change that is applied again.

        It is known as long as changes that were applied are.
        """
        ...

    async def forgotten(self, tenant: str, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that were forgotten."""
        ...

    async def waiting(self) -> int:
        """How many wait."""
        ...

    async def erase(self, *, session: str = "", tenant: str | None = None) -> int:
        """Remove the items of a session, or of a tenant where one is given, whether they wait or not."""
        ...


class Ratios(Protocol):
    """By what token estimates are multiplied, for each model; learnt from what providers report."""

    async def load(self) -> dict[str, float]:
        """All that were learnt."""
        ...

    async def save(self, model: str, ratio: float) -> None:
        """Keep a model's."""
        ...


class Erasing(Protocol):
    """What a person has a right to have erased, and what is past its age."""

    async def sessions(self, *, user: str = "", tenant: str, limit: int = 1_000) -> list[str]:
        """Sessions of a user of a tenant, or of the tenant, whose content was not erased yet, in order of their ids."""
        ...

    async def begin(self, session: str, now: float) -> None:
        """Say that a session is being erased: what waits in the outbox is gone, and nothing more is kept of it there.

        It is still one of ``sessions``, so an erasure that is broken off is taken up again.
        """
        ...

    async def session(self, session: str, now: float) -> int:
        """Erase a session: log, summaries, manifests, texts, turns, effects, outbox items, holds and account, kept
        replies of its agent and tenant. Its row stays, emptied of everything but its id and when it was erased.
        How many log entries that were.
        """
        ...

    async def tenant(self, tenant: str) -> None:
        """Erase what is a tenant's beyond its sessions: its accounts and kept replies."""
        ...

    async def scrub(self) -> None:
        """Clear what was erased out of the database's files, as far as that is ours to do."""
        ...

    async def since(self, at: float) -> list[str]:
        """Sessions erased at or after a time, for workers to drop what they hold of them."""
        ...

    async def prune(self, before: float) -> int:
        """Remove kept replies, applied outbox items, manifests, holds and tenants' accounts of days before a time;
        and what was written of sessions after they were erased. How many rows that were.
        """
        ...


class Resets(Protocol):
    """What resets of sessions leave behind. Each has a log of its own, named by ``contracts.resets.aside``."""

    async def set_aside(self, request: AsideInput) -> AsideResult:
        """Move what is beyond a reset's point into a log of its own; where nothing is, no log is made.

        The result's ``seq`` is the first number that no row of the session has, in whichever log.
        """
        ...

    async def sweep(self, session: str, start: int, stop: int) -> None:
        """Remove what calls of the old run still wrote after its rows were set aside, with ``start <= seq < stop``."""
        ...


class Shared(Protocol):
    """All of it."""

    @property
    def manifests(self) -> Manifests: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def ratios(self) -> Ratios: ...

    @property
    def erasing(self) -> Erasing: ...

    @property
    def resets(self) -> Resets: ...

    @property
    def effects(self) -> Effects: ...

    @property
    def accounts(self) -> Accounts: ...

    @property
    def breakers(self) -> BreakerTable: ...

    @property
    def rates(self) -> Rates: ...

    @property
    def replies(self) -> Replies: ...
