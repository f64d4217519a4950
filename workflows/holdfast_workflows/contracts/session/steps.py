"""Inputs and results of a turn's activities; small, whatever the length of the conversation."""

from typing import Any, Literal

from pydantic import Field

from ..agent.budget import Allowance, Reservation, Spent
from ..agent.spec import Effect, OutputSpec, PinnedSpec
from ..base import Contract
from ..control.approvals import ApprovedCall
from ..control.assertions import SignedStart
from ..control.audit import AuditRecord
from ..control.identity import Principal
from ..control.inbox import OpenTicket
from ..evaluation.forks import Fork, ForkSource
from ..operations.resets import Abandoned
from ..permissions.rules import Permissions, Quota
from ..problems import Problem
from ..teams.children import ChildOutcome, Children, Parent
from ..tools.a2a import RemoteTask
from .entries import Finish, ResultStatus, Usage
from .scheduled import Scheduled

TurnStatus = Literal["queued", "running", "done", "failed", "cancelled"]


class LoadInput(Contract):
    """Load an agent's spec from the worker's registry and pin it."""

    session: str
    agent: str
    tenant: str = ""
    output: OutputSpec | None = None
    user: str = ""
    first_run: str = ""
    """The session's first run; another run that loads the agent was reset to its beginning."""
    again: bool = False
    """Whether a running session loads the newest spec."""
    handoff: bool = False
    """Whether the session goes on with this agent instead of another one."""
    failed: bool = False
    """Whether that is because the other one's models do not answer."""
    routed: bool = False
    """Whether the turns of the other one are counted."""
    output_of: str = ""
    """The digest of the spec whose output shape is kept, if that was given at the session's start."""
    permissions: Permissions | None = None
    """The session's own rules on tool calls."""
    identity: SignedStart | None = None
    """The session's first start, to be verified; None where it has no identity header."""
    settings: bool = False
    """Whether the start sets limits: a budget or steps."""
    account: str = ""
    """The account that the start names, instead of the session's own."""
    scheduled: Scheduled | None = None
    """The schedule that starts the session."""
    scheduled_at: float = 0.0
    start_digest: str = ""
    """Of the start of a scheduled session or a fork, without its grant."""
    parent: Parent | None = None
    """The session's place in a tree; None for a session that a client started."""
    fork: Fork | None = None
    """The step of another session that the session takes again."""


class LoadResult(Contract):
    """The pinned spec, and the position of a session that existed before.

    ``seq`` is its next free sequence number, ``turns`` its number of turns, ``version`` its snapshot's.
    """

    spec: PinnedSpec
    seq: int = 1
    turns: int = 0
    version: int = 0
    used: int = 0
    """After a reset to the beginning: the last turn number ever used; ``turns`` counts those before the reset point."""
    abandoned: Abandoned = ()
    resets: int = 0
    appends_audit: bool = False
    """Whether the worker has the activity that appends audit records."""
    principal: Principal | None = None
    """Who started the session; None without an identity provider."""
    values: dict[str, str] = Field(default_factory=dict)
    """What a scheduled message may name."""
    owner: tuple[str, str] = ("", "")
    """The tenant and user that follow from the principal."""


class NewEntry(Contract):
    """An entry that the next ``think`` writes to the log.

    It is a text (``text``, or ``ref`` to a stored one), or the outcome of a call (``call_id`` and ``name``) that no
    activity could write.
    """

    seq: int
    kind: Literal["message", "steer", "repair", "failed", "cancelled", "denied"]
    text: str = ""
    ref: str = ""
    call_id: str = ""
    name: str = ""
    turn: int = 0


ThinkMode = Literal["steps", "final", "person", "read"]
"""``steps`` calls the model, and again while it asks only for inline tools; ``final`` calls it without tools;
``person`` writes a person's answer instead; ``read`` calls no model and returns the steps in the log."""


class ThinkInput(Contract):
    """One model call, or several inline steps.

    ``seq`` is the first number the reply may take. With ``streaming`` a client follows the session, so partial
    text is sent in heartbeats.
    """

    session: str
    agent: str
    digest: str
    turn: int
    step: int
    seq: int
    tenant: str = ""
    user: str = ""
    new: tuple[NewEntry, ...] = ()
    mode: ThinkMode = "steps"
    max_steps: int = 1
    streaming: bool = False
    again: bool = False
    """Whether an earlier activity for this step was lost, so that the log may have part of it."""
    allowance: Allowance | None = None
    """The run's account, if it has limits in tokens or dollars."""
    reservation: Reservation | None = None
    """The reservation that the step before made for this call."""
    calls_left: int | None = None
    """Tool calls left in the budget; inline steps end when they are used."""
    keep_room_for_final: bool = False
    """Whether to keep budget for a last call."""
    model: str = ""
    """The model to call instead of the agent's own."""
    fallback: int | None = None
    """The index of the fallback that gives the reply: a cached or a simplified one."""
    tried: int = 0
    """Attempts at this step before the wait."""
    answer: str = ""
    """In mode ``person``: the answer."""
    summary: int = 0
    """The number of the newest valid summary in the log; 0 for none."""
    settled: int = 0
    """The number of the newest reply in the log; 0 for none. A log without it is an older copy."""
    abandoned: Abandoned = ()
    """Parts of the log that were set aside by resets; prompts leave them out."""
    judged: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The arguments that rules look at, by tool; their validated values are returned."""
    named: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The paths of arguments, by tool, of which rules ask whether the user named them."""
    scheduled: tuple[str, ...] = ()
    """Inline tools that do not run inline."""
    audit: tuple[AuditRecord, ...] = ()
    """Records to append before the model is called."""
    root: str = ""
    """The first session of the tree, if it is another one."""
    fork: ForkSource | None = None
    """Of a fork: where the results of inline tools are recorded."""


class Wait(Contract):
    """A wait on a timer, before the session tries again."""

    seconds: float
    reason: str
    kind: Literal["breaker", "limit", "effect", "state", "remote"]
    error_code: str = ""
    """The error with which the turn ends if it may not wait any longer."""
    tried: int = 0
    """Attempts before the wait; waiting does not change the count."""
    nap: float | None = None
    """Seconds after which to try early, since the cause may end before ``seconds``."""


class CallView(Contract):
    """A call as the workflow sees it.

    Arguments that are long, or that no activity needs, are left out, with a ``preview`` for people; the log has
    them. ``done`` calls have a result: an inline
    tool ran, or the call was invalid.
    """

    id: str
    name: str
    seq: int
    arguments: str = ""
    preview: str = ""
    done: bool = False
    status: ResultStatus | Literal[""] = ""
    result: str = ""
    size: int = 0
    digest: str = ""
    """Of the name and arguments, for loop detection; empty if ``arguments`` are whole."""
    result_digest: str = ""
    seconds: float = 0.0
    """How long an inline tool ran."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Validated arguments that rules look at; one that is too long is left out."""
    named: tuple[str, ...] = ()
    """Paths whose values the user has written in a message."""


class StepView(Contract):
    """A settled model call. A long ``text`` is a preview of ``size`` bytes."""

    seq: int
    finish: Finish
    text: str = ""
    size: int = 0
    calls: tuple[CallView, ...] = ()
    usage: Usage = Usage()
    model: str = ""
    seconds: float = 0.0
    output_problem: str = ""
    reservation: Reservation | None = None
    """The reservation for the next call, made with this step."""
    context: int = 0
    """The size of the prompt before truncation, in percent of its budget without instructions and tools; 0 below
    half."""
    instead: str = ""
    """Why earlier models of the agent's list did not answer; empty for the first."""


class ThinkResult(Contract):
    """The steps taken; none if the activity was cancelled, has to ``wait``, or the budget is ``spent``.

    ``wait`` and ``failed`` concern the step after these; a failure of the first step fails the activity.
    ``unanswered`` is the usage of model calls without a reply.
    """

    decided: tuple[str, ...] = ()
    """For people who read the history, so it comes first: a line for each step, and why no further one was taken."""
    steps: tuple[StepView, ...]
    wait: Wait | None = None
    spent: Spent | None = None
    failed: Problem | None = None
    unanswered: Usage = Usage()


ActMode = Literal["call", "retry", "confirm", "give_up", "refuse", "undo"]
"""``call`` runs the tool; ``retry`` runs it although the outcome of an earlier attempt is unknown; ``confirm``
writes a person's result; ``give_up`` writes that the outcome is unknown; ``refuse`` writes that the call was not
made; ``undo`` undoes the call."""

DECISIONS = frozenset({"confirm", "give_up", "refuse"})
"""Modes that settle a call without its tool."""


class ToolQuestion(Contract):
    """What a tool server asks of a person before it carries a call out: access, or input that fits ``form``."""

    kind: Literal["consent", "elicitation"]
    what: str
    digest: str = ""
    """Of the question, by which its answer is found when the server asks again."""
    form: dict[str, Any] = Field(default_factory=dict)


class ToolInput(Contract):
    """A person's answer to the question with that digest: JSON."""

    question: str
    text: str


class ActInput(Contract):
    """One tool call.

    ``seq`` is the number of its result, ``reply`` that of the reply that asked for it. ``again``: an earlier activity for this call was lost.
    """

    session: str
    agent: str
    digest: str
    turn: int
    step: int
    seq: int
    reply: int
    call_id: str
    name: str
    key: str = ""
    """Its idempotency key; empty for ``call_key(session, seq)``."""
    tenant: str = ""
    arguments: str = ""
    again: bool = False
    mode: ActMode = "call"
    text: str = ""
    """With ``confirm``: the result, written by a person."""
    ref: str = ""
    """With ``confirm``: the stored result, instead of ``text``."""
    late: Effect | Literal[""] = ""
    """The tool's effect, if the call had a ticket."""
    by: str = ""
    """The person who decided, with ``retry``, ``confirm`` and ``give_up``."""
    undecided: bool = False
    """With ``give_up``: the turn was cancelled. A person may still resolve the call."""
    user: str = ""
    resets: int = 0
    """Number of logs that resets have set aside; one of them may have the call."""
    since: int = 0
    """The first number after the last reset."""
    permitted: str = ""
    """The rule, or the person, that permitted the call."""
    quotas: tuple[Quota, ...] = ()
    """Counted permissions in which the call takes a place before it runs."""
    judged: tuple[str, ...] = ()
    """The arguments by which the call was permitted."""
    judged_digest: str = ""
    """The digest of their values; the call does not run with others."""
    untrusted: bool = False
    """Whether untrusted content was read before the call."""
    inputs: tuple[ToolInput, ...] = ()
    """What people answered to the tool server's questions about the call."""
    elsewhere: bool = False
    """Whether a worker without the agent had the call before. Such workers now fail the attempt, so that the server
    offers it to others; a new activity could go to the same worker again."""
    audit: tuple[AuditRecord, ...] = ()
    """Records to append before the tool is called."""
    approval: ApprovedCall | None = None
    """The proof that people allow the call, if it needs one."""
    children: tuple[ChildOutcome, ...] = ()
    """How the child sessions ended that the call needed."""
    remote: RemoteTask | None = None
    """The task of a remote agent that the call waits for."""
    root: str = ""
    """The first session of the tree, if it is another one."""
    fork: ForkSource | None = None
    """Of a fork: where results are recorded. The call has no effect."""


class ActResult(Contract):
    """The settled outcome of a call. ``size`` is the result's size in bytes.

    With ``wait`` (try again later) or ``unknown`` (the call may have happened) nothing is settled.
    """

    status: ResultStatus = "ok"
    preview: str = ""
    size: int = 0
    seconds: float = 0.0
    digest: str = ""
    wait: Wait | None = None
    unknown: bool = False
    asks: ToolQuestion | None = None
    """What a person has to answer before the call is made; it was not made."""
    children: Children | None = None
    """Child sessions that the call needs before it has a result."""
    ticket: OpenTicket | None = None
    """The call's result comes later."""
    remote: RemoteTask | None = None
    """With ``wait`` or ``asks``: the task of a remote agent that the call waits for."""
    used_up: str = ""
    """The quota without a place for the call, which did not run."""


class TurnRecord(Contract):
    """A turn as the state database stores it."""

    turn: int
    status: TurnStatus
    request: str = ""
    reply: str = ""
    reply_seq: int = 0
    steps: int = 0
    usage: Usage = Usage()
    error_code: str = ""
    error: str = ""
    started: float = 0.0
    ended: float = 0.0


class SettleInput(Contract):
    """Write a turn and the session's snapshot.

    ``version`` is the snapshot's version before this change. ``new`` has entries that no ``think`` has written,
    since the turn failed or was cancelled; they are written first.
    """

    session: str
    agent: str
    digest: str
    tenant: str = ""
    version: int
    status: str
    seq: int
    turns: int
    usage: Usage
    turn: TurnRecord | None = None
    new: tuple[NewEntry, ...] = ()
    audit: tuple[AuditRecord, ...] = ()
    routed: bool = False
    """Whether the turn has a place of its agent, which becomes free."""
