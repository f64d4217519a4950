"""Inputs, messages and views of a session."""

from typing import Literal

from pydantic import Field

from ..agent.budget import Budget, Reservation, Spending
from ..agent.memory import PlanItem, RememberInput
from ..agent.spec import OutputSpec, PinnedSpec, ToolPolicy, WhenBusy
from ..base import Contract
from ..control.audit import Trail
from ..control.identity import Principal
from ..control.inbox import Answer, Handover, InboxItem
from ..control.notifications import Notification
from ..evaluation.forks import Fork, ForkSource
from ..limits import MAX_NAME
from ..operations.debugging import DebugMode
from ..operations.resets import Abandoned
from ..permissions.rules import Permissions
from ..problems import Problem
from ..public import public
from ..teams.children import Parent
from ..teams.routing import Route
from ..teams.views import TeamView
from .entries import Usage
from .scheduled import Scheduled
from .steps import NewEntry, StepView, TurnStatus

Status = Literal[
    "starting", "idle", "running", "paused", "waiting", "needs_person", "closed", "failed", "cancelled"
]
"""``waiting`` is on a timer, for a provider, a limit or a tool; ``needs_person`` is for a decision."""
Mode = Literal["conversation", "task"]


class Message(Contract):
    """A user message: ``text`` if small, else ``ref`` to the stored text, with a preview as ``text``.

    A message with the ``id`` of an earlier one is the same message.
    """

    # First, since the Temporal UI shows the beginning of an update's input.
    text: str
    id: str = Field(max_length=MAX_NAME)
    ref: str = Field(default="", max_length=MAX_NAME)
    size: int = 0
    when_busy: WhenBusy | None = None
    streaming: bool = False
    by: str = Field(default="", max_length=MAX_NAME)
    """The id of the principal that sent it. The session sets it, whatever the sender wrote."""


class Accepted(Contract):
    """The turn of an accepted message.

    ``remembers``: the session remembers turns after their end, so a client that wants a task's reply waits for
    the turn and not for the end of the workflow.
    """

    text: str = ""
    """The message's beginning, first for people: the Temporal UI shows the beginning of an update's result."""
    turn: int
    remembers: bool = False
    paused: bool = False
    """Whether the session is paused, so that the turn starts after a resume."""


@public
class TurnView(Contract):
    """A turn. A long ``reply`` is a preview; the whole text is at ``reply_seq`` in the log."""

    turn: int
    status: TurnStatus
    request: str = ""
    reply: str = ""
    reply_seq: int = 0
    reply_size: int = 0
    steps: int = 0
    usage: Usage = Usage()
    error: Problem | None = None
    started: float = 0.0
    ended: float = 0.0
    structured: bool = False
    """Whether the reply is JSON of the agent's output type."""
    by: str = ""
    """The id of the principal whose message began it; empty without an identity provider."""


EventKind = Literal[
    "turn_started",
    "step",
    "call_started",
    "call_ended",
    "turn_ended",
    "paused",
    "resumed",
    "steered",
    "closed",
    "waiting",
    "needs_person",
    "decided",
    "budget",
    "fallback",
    "undone",
    "recalled",
    "compacted",
    "plan",
    "model_changed",
    "agent_changed",
    "handover",
    "inbox",
    "permission",
    "routed",
    "child_started",
    "child_ended",
]


@public
class Event(Contract):
    """An event of a session, for followers. ``n`` counts up without gaps."""

    n: int
    kind: EventKind
    turn: int
    step: int = 0
    seq: int = 0
    name: str = ""
    call_id: str = ""
    text: str = ""
    size: int = 0
    status: str = ""
    usage: Usage | None = None
    at: float = 0.0
    arguments: str = ""
    """Of a call's start, and of an inline call's end: its arguments, if short."""
    seconds: float = 0.0
    """How long the step or the call took."""
    by: str = ""
    """The id of the principal whose request it was; empty without an identity provider."""
    session: str = ""
    """The child session that started or ended; ``name`` is its agent."""


@public
class SessionView(Contract):
    """A session's status, and its events from the requested one on."""

    session: str
    agent: str
    tenant: str = ""
    mode: Mode = "conversation"
    status: Status = "starting"
    turn: int = 0
    step: int = 0
    queued: int = 0
    seq: int = 0
    model: str = ""
    usage: Usage = Usage()
    active: tuple[str, ...] = ()
    """Names of the tool calls that run now."""
    inbox: tuple[InboxItem, ...] = ()
    """What waits for a person."""
    waiting_for: str = ""
    """Why the session waits on a timer, and until when."""
    user: str = ""
    plan: tuple[PlanItem, ...] = ()
    """The agent's plan, if it has a working memory."""
    notes: str = ""
    """The agent's scratchpad."""
    memory: str = ""
    """How many memories were recalled in this turn, or that the store is unavailable."""
    context: int = 0
    """How full the last prompt was; see ``StepView.context``."""
    budget: Budget | None = None
    """The run's present limits."""
    spending: Spending = Spending()
    handover: Handover | None = None
    """The person who handles the session instead of the agent, if one does."""
    last: TurnView | None = None
    events: tuple[Event, ...] = ()
    next_event: int = 0
    pausing: bool = False
    """Whether the session is paused but a step still runs."""
    started_by: str = ""
    """The id of the principal that started it; empty without an identity provider."""
    team: TeamView | None = None
    """Its child sessions; None if it has started none."""
    parent: str = ""
    """The session, team or fleet that started it; empty if a client did."""
    fork: ForkSource | None = None
    """The turn of another session that it takes again; None unless it is a fork."""
    debug: DebugMode | None = None
    """Debug mode, if it was turned on; its time may be over."""


class WaitTurn(Contract):
    """Wait at most ``seconds`` for a turn to end; then the running turn is returned."""

    turn: int
    seconds: float = 20.0


class FormerAgent(Contract):
    """The agent that made a call before a handoff: its spec, and the tool that undoes the call."""

    agent: str
    digest: str
    undo: str
    policy: ToolPolicy


class Undoable(Contract):
    """A settled call that is undone if its turn is cancelled or fails.

    ``reply`` is the number of the reply that asked for it, ``preview`` shows its arguments.
    """

    seq: int
    reply: int
    name: str
    call_id: str
    preview: str = ""
    arguments: str = ""
    """The arguments that the call was made with, if an approver has edited them."""
    made_by: FormerAgent | None = None
    """Set at a handoff; None for calls of the session's present agent."""


class TurnState(Contract):
    """A running turn, also carried by continue-as-new."""

    turn: int
    step: int = 0
    request: str = ""
    usage: Usage = Usage()
    invalid_steps: int = 0
    output_repairs: int = 0
    new: tuple[NewEntry, ...] = ()
    started: float = 0.0
    cancelled: str = ""
    """The reason for a requested cancellation."""
    reservation: Reservation | None = None
    waited_for_providers: float = 0.0
    """Seconds that the turn has waited since a provider last answered."""
    tried: int = 0
    """Attempts at the next step before the wait."""
    waited: float = 0.0
    """Seconds that the turn has waited for people."""
    final: bool = False
    model: str = ""
    fallback: int | None = None
    """The index of the next fallback, once the providers have failed."""
    warned: bool = False
    """Whether the model was warned about a loop."""
    trail: tuple[str, ...] = ()
    """Digests of the last calls with their results, for the loop detector."""
    effects: tuple[Undoable, ...] = ()
    """Settled calls of this turn that can be undone, in order."""
    problem: Problem | None = None
    """The error for which fallbacks are tried, or with which the turn ends."""
    ending: Literal["", "failed", "cancelled"] = ""
    """The turn's status once its effects are undone."""
    reply: str = ""
    """The text for the user when the turn has failed."""
    start: int = 0
    """The number of the turn's first entry in the log."""
    recalled: bool = False
    """Whether memories were looked up."""
    called: dict[str, int] = Field(default_factory=dict)
    """Calls of this turn that were permitted, by tool."""
    by: str = ""
    """The id of the principal whose message began it."""
    agents_failed: tuple[str, ...] = ()
    """Agents whose models did not answer in this turn."""
    handoffs: int = 0
    """Handoffs between agents in this turn."""
    unfinished: StepView | None = None
    """A step with calls that wait for people while the session continues as new."""


class CarriedState(Contract):
    """The state carried to the next run by continue-as-new; content stays in the log."""

    spec: PinnedSpec | None = None
    seq: int = 1
    turns: int = 0
    version: int = 0
    usage: Usage = Usage()
    queue: tuple[tuple[int, Message], ...] = ()
    running: TurnState | None = None
    steering: tuple[str, ...] = ()
    steered_by: tuple[str, ...] = ()
    """Principals whose steering the running turn, or the next one, reads."""
    paused: bool = False
    closing: bool = False
    streaming_until: float = 0.0
    recent: tuple[TurnView, ...] = ()
    seen: dict[str, int] = Field(default_factory=dict)
    """Turns of recent messages, by message id."""
    events: tuple[Event, ...] = ()
    next_event: int = 0
    budget: Budget | None = None
    spending: Spending = Spending()
    plan: tuple[PlanItem, ...] = ()
    notes: str = ""
    summary: int = 0
    """The number of the newest summary in the log."""
    memory: str = ""
    model: str = ""
    """The model that answered last."""
    unremembered: tuple[RememberInput, ...] = ()
    """Ended turns that are not remembered yet, in order."""
    abandoned: Abandoned = ()
    resets: int = 0
    removed: str = ""
    handover: Handover | None = None
    unsent: tuple[Notification, ...] = ()
    """Notifications that are not sent yet, in order."""
    next_spec: PinnedSpec | None = None
    """The spec to use after the running turn."""
    inbox: tuple[InboxItem, ...] = ()
    """Items whose waits continue in the next run."""
    answers: tuple[Answer, ...] = ()
    """Answers that are not used yet."""
    own_output: bool = False
    """Whether the output shape was given at the session's start instead of by the agent."""
    untrusted: str = ""
    """The first source of untrusted content that the session has read; empty if it has read none."""
    called: dict[str, int] = Field(default_factory=dict)
    """Calls that were permitted, by tool."""
    trail: Trail | None = None
    principal: Principal | None = None
    """Who started the session; None without an identity provider."""
    others: tuple[str, ...] = ()
    """Agents that a route ranked below the session's own, the best first."""
    team: TeamView | None = None
    """Its child sessions; None if it has started none."""
    children: int = 0
    """Child sessions that were started."""
    debug: DebugMode | None = None


class StartInput(Contract):
    """Start a session.

    The first message is an update, or ``message`` if the starter cannot send updates (a schedule, a workflow).
    The session continues as new after ``continue_as_new_after`` history events. ``heartbeat_timeout`` is the
    seconds without a heartbeat after which a worker counts as lost; calls send one every second.
    """

    agent: str = Field(default="", max_length=MAX_NAME)
    message: Message | None = None
    tenant: str = Field(default="", max_length=MAX_NAME)
    mode: Mode = "conversation"
    output: OutputSpec | None = None
    max_steps: int | None = None
    # A run must make progress before it ends.
    continue_as_new_after: int = Field(default=3_000, ge=10)
    # Heartbeats come every second; below two seconds healthy workers would count as lost.
    heartbeat_timeout: float = Field(default=8.0, ge=2, le=600)
    budget: Budget | None = None
    """Replaces the agent's budget."""
    account: str = ""
    """The account to charge; for a sub-agent's session its parent's."""
    carry: CarriedState | None = None
    user: str = Field(default="", max_length=MAX_NAME)
    """The user's id (not a name), for memories of scope ``user``."""
    permissions: Permissions | None = None
    """The session's own rules, which narrow those of its agent, tenant and app."""
    parent: Parent | None = None
    """The session's place in a tree; None for a session that a client started."""
    scheduled: Scheduled | None = None
    """The schedule that starts the session; its message is then a template."""
    route: Route | None = None
    """What the session's agent must be able to do, instead of ``agent``."""
    fork: Fork | None = None
    """The step of another session that the session takes again; its calls then have no effects."""


class TaskResult(Contract):
    """The result of a session that has ended: its last turn, with totals."""

    last: TurnView | None = None
    turns: int = 0
    usage: Usage = Usage()
    team: TeamView | None = None
    """Its child sessions; None if it has started none."""
    spending: Spending = Spending()
