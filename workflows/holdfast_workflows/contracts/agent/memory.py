"""What is remembered beyond a session's window: how an agent declares it, and how it is asked for."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from ..base import Contract
from ..session.entries import Usage
from .budget import Allowance
from .declared import Declared

ScopeKind = Literal["session", "agent", "user", "tenant"]
MemoryKind = Literal["turn", "episode", "fact"]
"""``turn``: a message or a reply, word for word; ``episode``: what a session was about,
drawn together from its turns; ``fact``: what is held true beyond its session."""
Trust = Literal["operator", "user", "agent", "tool"]
"""Who a memory goes back to. None of them is an instruction to the model."""

FLOOR = 0.3
"""The least relevance, from 0 to 1, at which a memory is recalled."""
MOST = 10
"""Memories that one recall gives at most."""


class Memory(Declared):
    """What an agent remembers and recalls.

    ``scopes`` is where it looks; ``keep`` where what is said goes: to the user if the session has one,
    else to the session. ``facts`` has a model draw facts from every turn after its reply has gone
    out, at the cost of one call of ``model`` (the agent's last one by default).
    """

    scopes: tuple[ScopeKind, ...] = ("session", "user", "agent", "tenant")
    keep: ScopeKind = "user"
    facts: bool = True
    model: str = ""
    limit: int = Field(default=MOST, ge=1, le=MOST)
    floor: float = Field(default=FLOOR, ge=0.0, le=1.0)
    expires_days: float | None = None
    """Days after which turns and episodes are forgotten; facts stay until they decay."""


class MemoryView(Contract):
    """A memory as people and models see it. Times are seconds since 1970, UTC.

    ``score`` is its relevance from 0 to 1 and ``why`` what it was made of, in words; both are only
    there where it was searched for. ``superseded_by`` is the id of the fact that took its place.
    """

    id: str
    text: str
    kind: MemoryKind = "fact"
    scope: str = ""
    speaker: str = ""
    at: float = 0.0
    session: str = ""
    importance: float = 0.5
    trust: Trust = "user"
    sources: tuple[str, ...] = ()
    topic: str = ""
    superseded_by: str = ""
    expires: float = 0.0
    score: float = 0.0
    why: str = ""


class MemoryTurn(Declared):
    """Something that was said, as ``Memory.add`` takes it.

    ``at`` is when; a time without a zone is UTC. The same ``id`` twice is the same memory; without one it
    is made from the rest. Turns of a ``session`` are found by their neighbours, too, so give them in order.
    """

    text: str
    speaker: str = ""
    at: datetime | float | None = None
    session: str = ""
    id: str = ""


def scope_of(kind: ScopeKind, *, session: str = "", agent: str = "", user: str = "") -> str:
    """The name of a scope, such as ``user:42``; empty for a scope that the session lacks, such as its user."""
    if kind == "tenant":
        return "tenant"
    name = {"session": session, "agent": agent, "user": user}[kind]
    return f"{kind}:{name}" if name else ""


# The activities of a session.


class RecallInput(Contract):
    """Look up what bears on a message, and write it to the log at ``seq``.

    ``text`` is the message if small, else it is behind ``ref``.
    """

    session: str
    agent: str
    digest: str
    seq: int
    turn: int
    tenant: str = ""
    user: str = ""
    text: str = ""
    ref: str = ""


class RecallResult(Contract):
    """How many memories are at ``seq`` in the log now; none, and no entry, where nothing was relevant."""

    found: int = 0


class RememberInput(Contract):
    """Keep a turn that has ended: its log entries are those with ``start <= seq < stop``."""

    session: str
    agent: str
    digest: str
    turn: int
    start: int
    stop: int
    tenant: str = ""
    user: str = ""
    allowance: Allowance | None = None
    """The run's own account, which the drawing of facts is charged to."""
    resets: int = 0
    """Resets before the turn ended: what was remembered of a turn of the same number before them is another's."""


class RememberResult(Contract):
    """What was kept. ``pending`` says that the memory store is away and that it will be applied later."""

    turns: int = 0
    facts: int = 0
    usage: Usage = Usage()
    pending: bool = False


class CompactInput(Contract):
    """Sum up the older part of a session's conversation in an entry of its log at ``seq``.

    Covers entries below ``upto``; what is summed up already is in the entry ``before`` (0 for none).
    """

    session: str
    agent: str
    digest: str
    seq: int
    upto: int
    turn: int
    step: int
    before: int = 0
    tenant: str = ""
    model: str = ""
    """The model whose window it is for, instead of the agent's first."""
    allowance: Allowance | None = None


class CompactResult(Contract):
    """What the summary covers; ``to`` is 0 where nothing was worth summing up, and no entry is there."""

    start: int = 0
    to: int = 0
    before: int = 0
    """Tokens, estimated, of what is covered."""
    after: int = 0
    """Tokens of the summary."""
    how: Literal["", "extract", "model"] = ""
    usage: Usage = Usage()


# Working memory, kept in the workflow.

PlanStatus = Literal["todo", "doing", "done", "dropped"]


class PlanItem(Contract):
    """One thing to do."""

    text: str = Field(min_length=1, max_length=200)
    status: PlanStatus = "todo"


class Plan(Contract):
    """What ``update_plan`` is called with: the whole plan, which takes the place of the one before."""

    items: tuple[PlanItem, ...] = Field(max_length=30)


class Notes(Contract):
    """What ``write_notes`` is called with: the whole scratchpad, which takes the place of the one before."""

    text: str = Field(max_length=1_500)


# What people ask of the memories.


class MemoryQuery(Contract):
    """Search memories, or list them where ``text`` is empty.

    ``scopes`` are names such as ``user:42``; none means all of the tenant. ``after`` is the last id
    of the page before.
    """

    tenant: str = ""
    text: str = ""
    scopes: tuple[str, ...] = ()
    kinds: tuple[MemoryKind, ...] = ()
    superseded: bool = False
    """Whether to list what other facts have taken the place of, too."""
    limit: int = Field(default=50, ge=1, le=500)
    floor: float = FLOOR
    after: str = ""


class MemoryPage(Contract):
    """Memories, best first where they were searched for, else in order of their ids."""

    memories: tuple[MemoryView, ...] = ()
    more: bool = False


class AddMemory(Contract):
    """A fact that a person gives. The same ``id`` twice is the same memory."""

    id: str
    text: str = Field(min_length=1, max_length=4_000)
    scope: str
    tenant: str = ""
    topic: str = ""
    importance: float = Field(default=0.7, ge=0.0, le=1.0)
    expires: float = 0.0
    by: str = ""


class ForgetMemories(Contract):
    """Forget memories by their ids."""

    ids: tuple[str, ...]
    tenant: str = ""


EraseKind = Literal["session", "user", "tenant"]


class EraseInput(Contract):
    """Erase all that is held of a session, a user of a tenant, or a tenant: memories and what waits to become
    one, log, summaries, manifests, texts, effects, accounts, kept replies, and what workers have in their caches.
    """

    kind: EraseKind
    id: str = ""
    """The session or the user; empty for the tenant itself."""
    tenant: str = ""
    by: str = ""


class EraseResult(Contract):
    """What was erased. ``sessions`` are the first thousand ids, for who deletes their workflows' histories, too."""

    memories: int = 0
    entries: int = 0
    sessions: tuple[str, ...] = ()
    more: bool = False
    """Whether there were more sessions: ask again."""


class MemoryStats(Contract):
    """What the memory store holds. ``model`` and ``dimension`` are of the vectors; empty and 0 for words only."""

    store: str = ""
    model: str = ""
    dimension: int = 0
    tenants: int = 0
    turns: int = 0
    episodes: int = 0
    facts: int = 0
    superseded: int = 0
    waiting: int = 0
    """Changes that wait in the outbox for the store, and erasures that are gone over once more."""
    bytes: int = 0


MaintenanceTask = Literal["outbox", "expire", "consolidate", "optimise", "prune"]
TASKS: tuple[MaintenanceTask, ...] = ("outbox", "expire", "consolidate", "optimise", "prune")
"""In their order. ``outbox`` applies what waits, ``expire`` removes what is past its time or has decayed,
``consolidate`` draws the turns of ended sessions together, ``optimise`` gives storage back, ``prune`` removes
kept replies, manifests, settled outbox rows and spent accounts past their age."""


class MaintainInput(Contract):
    """One run of maintenance."""

    tasks: tuple[MaintenanceTask, ...] = TASKS


class TaskReport(Contract):
    """What one task did: how many things it touched, or why it failed."""

    task: MaintenanceTask
    count: int = 0
    seconds: float = 0.0
    error: str = ""


class MaintenanceReport(Contract):
    """What a run of maintenance did; a task that failed did not stop the rest."""

    tasks: tuple[TaskReport, ...] = ()


class MigrateInput(Contract):
    """Embed all memories again with this worker's embedder."""

    confirm: bool = True


class MigrateResult(Contract):
    """How many memories have new vectors, of which model."""

    memories: int = 0
    model: str = ""
    dimension: int = 0
