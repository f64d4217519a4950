"""Extras of a log write, in the same transaction to save one of their own.

A charge records what a model call used and reserves budget for the next; effects record what a tool call
did; a cached reply serves equal prompts. Money is counted in millionths of a US dollar, so that sums are
exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import Entry
from holdfast_workflows.contracts.session.manifests import Manifest

MICROS = 1_000_000
"""Millionths in a dollar."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens and millionths of a dollar."""

    tokens: int = 0
    micros: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that an account may spend and reserve; None for no limit."""

    tokens: int | None = None
    micros: int | None = None


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What model calls cost, or the part of it that a tool takes; ``tool`` is empty for the rest.

    A call is counted in the part without a tool. ``unpriced_tokens`` are those of a model without a known price.
    """

    model: str
    tool: str = ""
    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    unpriced_tokens: int = 0
    micros: int = 0


@dataclass(frozen=True, slots=True)
class CostOwner:
    """Whose cost it is. The state database knows the session's user."""

    session: str
    agent: str = ""
    tenant: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """A change of the accounts that one session's model calls are charged to.

    ``holder`` is the session; its one reservation on all ``accounts`` is replaced. ``spent`` is added to every
    account even beyond its limit. ``reservation``, by default nothing, is made on all accounts or on none;
    it expires at ``until`` (seconds since 1970). ``costs`` are counted for ``owner``, whether or not anything is limited.
    """

    holder: str
    accounts: dict[str, Limit]
    spent: Amount = Amount()
    reservation: Amount = Amount()
    until: float = 0.0
    owner: CostOwner | None = None
    costs: tuple[ModelCost, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account after a charge. ``held`` is the sum of all reservations that have not expired."""

    account: str
    limit: Limit
    spent: Amount
    held: Amount


@dataclass(frozen=True, slots=True)
class Charged:
    """The outcome of a charge: ``refused_by`` is the first account without room for the reservation."""

    refused_by: AccountState | None = None


@dataclass(frozen=True, slots=True)
class CachedReplyRow:
    """A cached reply under the digest of its prompt; ``body`` is the ReplyEntry as JSON."""

    digest: str
    body: str
    at: float


@dataclass(frozen=True, slots=True)
class LogExtras:
    """What to write in the log's transaction. An effect replaces its row unless that is settled.

    ``audit`` is appended to the audit log, each record once. The outcome of an effect is recorded without it.
    """

    charge: Charge | None = None
    effects: Sequence[EffectView] = ()
    cached: CachedReplyRow | None = None
    manifest: Manifest | None = None
    audit: Sequence[AuditRecord] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """The entries now stored at the numbers, and the outcome of the charge."""

    entries: list[Entry]
    charged: Charged = field(default_factory=Charged)
