"""Changes of memories, stored in the outbox until they are applied."""

from holdfast_workflows.contracts.agent.memory import Trust
from holdfast_workflows.contracts.base import Contract


class _Draft(Contract):
    id: str
    scope: str
    text: str
    at: float
    session: str = ""
    importance: float = 0.5
    trust: Trust = "user"
    expires: float = 0.0


class TurnDraft(_Draft):
    """A turn to store. ``place`` is its order within the session."""

    speaker: str = ""
    place: int = 0


class FactDraft(_Draft):
    """A fact to store. ``replaces`` is the id of a fact that it contradicts, if known."""

    topic: str = ""
    sources: tuple[str, ...] = ()
    replaces: str = ""


class Again(Contract):
    """An erasure to repeat: a session, a scope, or the whole tenant. Only what was stored ``before`` that time."""

    before: float
    session: str = ""
    scope: str = ""


class Change(Contract):
    """Changes of one tenant's memories. Applying it is idempotent."""

    id: str
    tenant: str = ""
    at: float = 0.0
    turns: tuple[TurnDraft, ...] = ()
    facts: tuple[FactDraft, ...] = ()
    forget: tuple[str, ...] = ()
    """Ids of memories to forget."""
    within: tuple[str, ...] = ()
    """The scopes that ``forget`` is limited to; empty for all. Checked before the store is changed."""
    again: Again | None = None
    """An erasure to repeat; such a change has no other content."""
