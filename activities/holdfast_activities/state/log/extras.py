"""What rides with a write of the log: in the same transaction, so that it costs none of its own.

Charges settle what a model call used and reserve what the next one may use; effects note
what a call did to the world; a reply is kept for those who ask the same. Money is counted
in millionths of a US dollar, so that sums are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast_workflows.contracts.context import Manifest
from holdfast_workflows.contracts.effects import EffectView
from holdfast_workflows.contracts.entries import Entry

MICROS = 1_000_000
"""Millionths in a dollar."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens and millionths of a dollar."""

    tokens: int = 0
    micros: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """The most an account may spend and hold; None for no limit."""

    tokens: int | None = None
    micros: int | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """A change of the accounts that one holder's model calls are charged to.

    Attributes:
        holder: Whose hold it is: a session. It has one hold on all these accounts, which is replaced.
        accounts: Each account's limit by its name.
        spent: What was used and is now spent on every account; counted whatever the limits are.
        hold: What to reserve for the next call; granted on all accounts or on none. Nothing
            (the default) gives back what was held.
        until: When the hold lapses if nobody renews it, in seconds since 1970.
    """

    holder: str
    accounts: dict[str, Limit]
    spent: Amount = Amount()
    reservation: Amount = Amount()
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as it stands after a charge. ``held`` is that of all holders whose hold has not lapsed."""

    account: str
    limit: Limit
    spent: Amount
    held: Amount


@dataclass(frozen=True, slots=True)
class Charged:
    """What became of a charge: ``refused_by`` is the first account without room for the hold, if any."""

    refused_by: AccountState | None = None


@dataclass(frozen=True, slots=True)
class CachedReplyRow:
    """A reply kept under the digest of its prompt; ``body`` is the ReplyEntry as JSON."""

    digest: str
    body: str
    at: float


@dataclass(frozen=True, slots=True)
class LogExtras:
    """What to write in the log's transaction. An effect replaces the row of its key, but a settled one stays."""

    charge: Charge | None = None
    effects: Sequence[EffectView] = ()
    cached: CachedReplyRow | None = None
    manifest: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What is now stored at the entries' numbers, and what became of the charge."""

    entries: list[Entry]
    charged: Charged = field(default_factory=Charged)
