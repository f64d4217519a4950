"""The effect ledger: calls with effects, and people's answers about unknown outcomes."""

from typing import Literal

from ..agent.spec import Effect
from ..base import Contract
from ..control.inbox import Answer
from ..public import public

EffectStatus = Literal[
    "claimed", "waiting", "settled", "failed", "unknown", "given_up", "undoing", "undone", "undo_failed"
]


@public
class EffectView(Contract):
    """One call with an effect. ``arguments`` and ``result`` are previews; times are seconds since 1970.

    A call that is ``waiting`` has a ticket, which is its ``result``. ``by`` is who settled the call, or gave it up, if not the tool: ``probe`` or ``person``, with the person's name.
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
    """List the effects of a session in order, or of all sessions with a status."""

    session: str = ""
    status: EffectStatus | Literal[""] = ""
    limit: int = 500


class EffectList(Contract):
    """Effects in the order of their sessions and sequence numbers."""

    effects: tuple[EffectView, ...]
    unknown: bool = False
    """Whether the state database does not know the session."""


class DecideEffect(Contract):
    """Resolve a call for which no turn waits. ``ended``: the session has ended."""

    session: str
    answer: Answer
    ended: bool = False
