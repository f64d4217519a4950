"""What is to become of memories: what waits in the outbox, and is applied to the store as often as need be."""

from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.memory import Trust


class TurnDraft(Contract):
    """Something that was said. ``place`` is its order within its session."""

    id: str
    scope: str
    text: str
    at: float
    speaker: str = ""
    session: str = ""
    place: int = 0
    trust: Trust = "user"
    importance: float = 0.5
    expires: float = 0.0


class FactDraft(Contract):
    """Something to hold true. ``replaces`` is the id of a fact that it contradicts, where that was seen."""

    id: str
    scope: str
    text: str
    at: float
    topic: str = ""
    session: str = ""
    importance: float = 0.5
    trust: Trust = "user"
    sources: tuple[str, ...] = ()
    replaces: str = ""
    expires: float = 0.0


class Again(Contract):
    """What was erased, to be erased once more: a session, a scope, or the whole tenant where neither is named.
    Only what was brought ``before`` that time, since others may have come there since.
    """

    before: float
    session: str = ""
    scope: str = ""


class Change(Contract):
    """Changes of one tenant's memories, under an id; applied twice, they are as applied once."""

    id: str
    tenant: str = ""
    at: float = 0.0
    turns: tuple[TurnDraft, ...] = ()
    facts: tuple[FactDraft, ...] = ()
    forget: tuple[str, ...] = ()
    """Ids of memories to forget."""
    within: tuple[str, ...] = ()
    """The scopes that what is forgotten has to be in; none for any. Looked at before the store is told."""
    again: Again | None = None
    """An erasure to go over; such a change has nothing else to do."""
