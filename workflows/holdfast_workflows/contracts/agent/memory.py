"""Memory beyond a session: an agent's declaration, activities, and requests of operators."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from ..base import Contract
from ..control.assertions import SignedStart
from ..public import public
from ..session.entries import Usage
from .budget import Allowance
from .declared import Declared

ScopeKind = Literal["session", "agent", "user", "tenant", "team"]
MemoryKind = Literal["turn", "episode", "fact"]
"""``turn``: words said in a session; ``episode``: a summary of an ended session; ``fact``: a statement that holds
beyond its session."""
Trust = Literal["operator", "user", "agent", "tool"]
"""The origin of a memory. No memory is an instruction to the model."""

FLOOR = 0.3
"""The lowest relevance, from 0 to 1, at which a memory is recalled."""
MOST = 10
"""Most memories of one recall."""


@public
class Memory(Declared):
    """What an agent remembers and recalls.

    ``scopes`` are searched. Turns are stored in scope ``keep``, or in the session's without a user. The scope ``team`` is
    that of the tree's first session. With ``facts``
    every turn costs one call of ``model`` (by default the agent's last) after its reply, to extract facts.
    """

    scopes: tuple[ScopeKind, ...] = ("session", "user", "agent", "tenant")
    keep: ScopeKind = "user"
    facts: bool = True
    model: str = ""
    limit: int = Field(default=MOST, ge=1, le=MOST)
    floor: float = Field(default=FLOOR, ge=0.0, le=1.0)
    expires_days: float | None = None
    """Days until turns and episodes are forgotten; facts stay until they decay."""


@public
class MemoryView(Contract):
    """A memory as people and models see it. Times are seconds since 1970, UTC.

    Search results have ``score``, the relevance from 0 to 1, and ``why``, its explanation. ``superseded_by`` is the
    id of the fact that replaced it.
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


@public
class MemoryTurn(Declared):
    """Words that were said, for ``Memory.add``.

    A time ``at`` without a zone is UTC. Turns with the same ``id`` are the same memory; the default id is made from
    the other fields. Give turns of a ``session`` in order, since a search also uses their neighbours.
    """

    text: str
    speaker: str = ""
    at: datetime | float | None = None
    session: str = ""
    id: str = ""


def scope_of(kind: ScopeKind, *, session: str = "", agent: str = "", user: str = "", root: str = "") -> str:
    """Return the name of a scope, such as ``user:42``; empty if the session lacks it.

    The scope ``team`` is that of the tree's first session, ``root``, or of the session itself.
    """
    if kind == "tenant":
        return "tenant"
    if kind == "team":
        return scope_of("session", session=root or session)
    name = {"session": session, "agent": agent, "user": user}[kind]
    return f"{kind}:{name}" if name else ""


# The activities of a session.


class RecallInput(Contract):
    """Look up memories for a message (``text``, or ``ref`` to it), and write them to the log at ``seq``."""

    session: str
    agent: str
    digest: str
    seq: int
    turn: int
    tenant: str = ""
    user: str = ""
    text: str = ""
    ref: str = ""
    root: str = ""
    """The first session of the tree, if it is another one."""


class RecallResult(Contract):
    """The number of memories in the log's entry; without relevant memories there is no entry."""

    found: int = 0
    untrusted: bool = False
    """Whether one of them came from untrusted content."""


class RememberInput(Contract):
    """Remember an ended turn: the log entries with ``start <= seq < stop``."""

    session: str
    agent: str
    digest: str
    turn: int
    start: int
    stop: int
    tenant: str = ""
    user: str = ""
    allowance: Allowance | None = None
    """The run's account, to which the extraction of facts is charged."""
    resets: int = 0
    """Number of resets before the turn ended; a turn of the same number before them is another one."""
    untrusted: bool = False
    """Whether the session had read untrusted content, so that what the agent said and the facts are untrusted."""
    root: str = ""
    """The first session of the tree, if it is another one."""


class RememberResult(Contract):
    """What was stored. ``pending``: the memory store is unavailable and the changes wait in the outbox."""

    turns: int = 0
    facts: int = 0
    usage: Usage = Usage()
    pending: bool = False


class CompactInput(Contract):
    """Summarize the conversation below ``upto`` in an entry of the log at ``seq``.

    ``before`` is the number of the summary before (0 for none).
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
    """The model whose context window counts instead of the first model's."""
    allowance: Allowance | None = None


class CompactResult(Contract):
    """The entries covered; ``to`` is 0 if no summary was written."""

    start: int = 0
    to: int = 0
    before: int = 0
    """Estimated tokens of the entries covered."""
    after: int = 0
    """Tokens of the summary."""
    how: Literal["", "extract", "model"] = ""
    usage: Usage = Usage()


# Working memory, kept in the workflow.

PlanStatus = Literal["todo", "doing", "done", "dropped"]


@public
class PlanItem(Contract):
    """One item of a plan."""

    text: str = Field(min_length=1, max_length=200)
    status: PlanStatus = "todo"


class Plan(Contract):
    """Arguments of ``update_plan``: the whole plan."""

    items: tuple[PlanItem, ...] = Field(max_length=30)


class Notes(Contract):
    """Arguments of ``write_notes``: the whole scratchpad."""

    text: str = Field(max_length=1_500)


# Requests of people.


class MemoryQuery(Contract):
    """Search memories, or list them if ``text`` is empty.

    ``scopes`` are names such as ``user:42``, by default all of the tenant. ``after`` is the last id of the page
    before.
    """

    tenant: str = ""
    text: str = ""
    scopes: tuple[str, ...] = ()
    kinds: tuple[MemoryKind, ...] = ()
    superseded: bool = False
    """Whether to include facts that others have replaced."""
    limit: int = Field(default=50, ge=1, le=500)
    floor: float = FLOOR
    after: str = ""


class MemoryPage(Contract):
    """Memories: search results best first, lists by id."""

    memories: tuple[MemoryView, ...] = ()
    more: bool = False


class AddMemory(Contract):
    """Add a fact. Facts with the same ``id`` are the same memory."""

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
    """Erase all data of a session, a user of a tenant, or a tenant, in the databases and in workers' caches."""

    kind: EraseKind
    id: str = ""
    """The session or the user; empty for the tenant itself."""
    tenant: str = ""
    by: str = ""
    check: bool = False
    """Whether only to check that the client may erase it."""


class EraseResult(Contract):
    """What was erased. ``sessions`` are the first thousand ids, for deleting their histories."""

    memories: int = 0
    entries: int = 0
    sessions: tuple[str, ...] = ()
    more: bool = False
    """Whether there were more sessions, which another request returns."""


@public
class MemoryStats(Contract):
    """Contents of the memory store. ``model`` and ``dimension`` are those of its vectors, if it has any."""

    store: str = ""
    model: str = ""
    dimension: int = 0
    tenants: int = 0
    turns: int = 0
    episodes: int = 0
    facts: int = 0
    superseded: int = 0
    waiting: int = 0
    """Changes in the outbox, and erasures that will be checked again."""
    bytes: int = 0


MaintenanceTask = Literal[
    "outbox", "expire", "consolidate", "optimise", "prune", "audit", "retention", "orphans", "vacuum", "logs",
    "backup",
]  # fmt: skip
TASKS: tuple[MaintenanceTask, ...] = ("outbox", "expire", "consolidate", "optimise", "prune")
"""In order. ``outbox`` applies waiting changes, ``expire`` removes expired and decayed memories, ``consolidate``
writes episodes of ended sessions, ``optimise`` frees storage of the memory store, ``prune`` removes old cached
replies and outbox rows. A request for all of these is one for ``EVERY_TASK``: schedules that exist rely on it."""

EVERY_TASK: tuple[MaintenanceTask, ...] = (
    "outbox", "expire", "consolidate", "orphans", "retention", "prune", "optimise", "vacuum", "logs", "audit",
)  # fmt: skip
"""In order. ``orphans`` records the end of terminated sessions and removes texts of sessions that never began,
``retention`` closes idle sessions and removes content of ended ones, ``vacuum`` releases unused storage of the state
database, ``logs`` removes old log files, ``audit`` exports the heads of the audit log. Workers tell the workflow which tasks they have, so a task can be added here.
``backup`` has a schedule of its own."""


class MaintainInput(Contract):
    """One run of maintenance; without tasks, only which tasks the worker has."""

    tasks: tuple[MaintenanceTask, ...] = TASKS
    identity: SignedStart | None = None
    """The start of the run that does it; set by its workflow."""
    scheduled: bool = False
    """Whether a schedule started the run; set by its workflow."""


@public
class TaskReport(Contract):
    """The rows that a task changed, or why it failed."""

    task: MaintenanceTask
    count: int = 0
    seconds: float = 0.0
    error: str = ""


@public
class MaintenanceReport(Contract):
    """The tasks of a maintenance run; a failed one does not stop the others."""

    tasks: tuple[TaskReport, ...] = ()
    known: tuple[str, ...] = ()
    """The tasks that the worker has, for a request without tasks."""


class MigrateInput(Contract):
    """Embed every memory again with the worker's embedder."""

    confirm: bool = True


@public
class MigrateResult(Contract):
    """The number of memories with new vectors, and their model."""

    memories: int = 0
    model: str = ""
    dimension: int = 0
