"""The effect ledger: calls with effects, and people's decisions about unknown outcomes."""

from typing import Literal

from ..agent.spec import Effect
from ..base import Contract

EffectStatus = Literal[
    "claimed", "settled", "failed", "unknown", "given_up", "undoing", "undone", "undo_failed"
]


class EffectView(Contract):
    """One call with an effect, as the ledger holds it. ``arguments`` and ``result`` are previews, times
    seconds since 1970; ``by`` says who settled it, or gave it up, at ``settled`` if it was not the tool:
    ``probe`` or ``person``, with the name that was given.
    """

    key: str
    session: str
    seq: int
    turn: int
    agent: str
    tenant: str
    tool: str
    effect: Effect
    status: EffectStatus
    arguments: str = ""
    result: str = ""
    by: str = ""
    claimed: float = 0.0
    settled: float = 0.0


class ListEffects(Contract):
    """Ask for a session's effects in order, or with no session for those of all that have a status."""

    session: str = ""
    status: EffectStatus | Literal[""] = ""
    limit: int = 500


class EffectList(Contract):
    """Effects in the order of their sessions and sequence numbers."""

    effects: tuple[EffectView, ...]
    unknown: bool = False
    """Whether the state database has no row of the session that was asked for."""


class Decision(Contract):
    """A person's answer to a pending decision.

    ``id`` is the pending decision's, or the key of its call. ``confirm``: it happened, and ``text`` is its result (for ``ask_human``,
    the answer to the user). ``retry``: do it again. ``give_up``: go on without it.
    """

    id: str
    action: Literal["confirm", "retry", "give_up"]
    text: str = ""
    by: str = ""


class DecideEffect(Contract):
    """Resolve a call that no turn waits for any more. ``ended``: the session has ended."""

    session: str
    decision: Decision
    ended: bool = False


class PendingDecision(Contract):
    """Something that waits for a person's decision."""

    id: str
    kind: Literal["effect", "ask_human", "budget"]
    what: str
    since: float = 0.0
