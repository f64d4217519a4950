"""Inputs and results of the activities of a turn; small and of constant size."""

from typing import Literal

from .base import Contract
from .budget import Allowance, Reservation, Spent
from .entries import Finish, ResultStatus, Usage
from .problems import Problem
from .resets import Abandoned
from .spec import OutputSpec, PinnedSpec

TurnStatus = Literal["queued", "running", "done", "failed", "cancelled"]


class LoadInput(Contract):
    """Load an agent's spec from the worker's registry and pin it."""

    session: str
    agent: str
    tenant: str = ""
    output: OutputSpec | None = None
    user: str = ""
    first_run: str = ""
    """The run that the session began with; another that loads the agent was reset to its beginning."""
    again: bool = False
    """Whether the session goes on, and only its spec is to be the newest."""
    output_of: str = ""
    """The digest of the spec whose output shape is kept, where that was given at the session's start."""


class LoadResult(Contract):
    """The pinned spec, and where a session that existed before goes on.

    ``seq`` is its next free sequence number, ``turns`` how many it had, ``version`` its
    snapshot's.
    """

    spec: PinnedSpec
    seq: int = 1
    turns: int = 0
    version: int = 0
    used: int = 0
    """After a reset to the beginning: the last turn that was ever used; ``turns`` are those before it."""
    abandoned: Abandoned = ()
    resets: int = 0


class NewEntry(Contract):
    """Something the workflow decided that is not in the log yet; the next ``think`` writes it.

    A user message or steering (``text``, or ``ref`` where it was stored before), or the
    outcome of a call whose activity could not write it (``call_id`` and ``name``).
    """

    seq: int
    kind: Literal["message", "steer", "repair", "failed", "cancelled"]
    text: str = ""
    ref: str = ""
    call_id: str = ""
    name: str = ""
    turn: int = 0


class ThinkInput(Contract):
    """One model call, or a burst of them.

    ``seq`` is the first number the reply may take. ``burst`` is how many steps this
    activity may take while only inline tools are asked for; 0 asks nobody and tells what is settled. ``watched`` says that
    somebody reads along, so partial text is worth its heartbeats.
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
    max_steps: int = 1
    streaming: bool = False
    again: bool = False
    """Whether an earlier activity for this step was lost, so the log may hold part of it."""
    allowance: Allowance | None = None
    """The run's own account, if it has limits in tokens or dollars."""
    reservation: Reservation | None = None
    """What the step before reserved for this call."""
    calls_left: int | None = None
    """Tool calls the budget leaves; a burst ends when its inline tools have used them."""
    keep_room_for_final: bool = False
    """Whether room for a last call is to be left in the budget."""
    final: bool = False
    """Whether this is the last call, without tools: the model answers with what it has."""
    model: str = ""
    """The model to ask instead of the agent's own."""
    fallback: int | None = None
    """The last resort that this is, by its place in the agent's list; a cached or simplified reply."""
    tried: int = 0
    """Attempts at this step that were made before it was parked."""
    answer: str = ""
    """A person's answer, which stands in the log where the model's would have."""
    summary: int = 0
    """The number of the newest summary in the log that counts; 0 for none."""
    settled: int = 0
    """The number of the newest reply that was written to the log; 0 for none. A log without it is an older copy."""
    abandoned: Abandoned = ()
    """Parts of the log that resets of the session have left behind: no prompt has them."""


class Wait(Contract):
    """Why nothing can be done for so many seconds; the session waits on a timer and tries again."""

    seconds: float
    reason: str
    kind: Literal["breaker", "limit", "effect", "state"]
    error_code: str = ""
    """The error that the turn ends with when its patience is used up."""
    tried: int = 0
    """Attempts that were made until then; waiting uses none and forgets none."""
    nap: float | None = None
    """Seconds after which to try already, since what stands in the way may go away before its time."""


class CallView(Contract):
    """A call as the workflow sees it.

    ``arguments`` is the text if small, else empty, with a ``preview``, and in the log. ``done`` is true when
    the result is settled already: an inline tool that ran, or a call refused as invalid.
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
    """Of the name and arguments, so that a repeated call is seen."""
    result_digest: str = ""


class StepView(Contract):
    """A settled model call. ``text`` is whole if small, else a preview (``size`` tells)."""

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
    """What was reserved for the next call when this step was settled."""
    context: int = 0
    """How full the prompt was before anything was cut or left out, in percent of what instructions and tools
    leave of its budget; 0 below half."""
    instead: str = ""
    """Why the models before it in the agent's order did not answer; empty for the first."""


class ThinkResult(Contract):
    """The steps taken; at least one unless the activity was asked to yield before the first was done,
    has to wait (``park``), or the next call has no budget (``spent``). ``park`` and ``failed`` are of the step
    after these; one that failed with none before it is the activity's failure. ``unanswered`` is what model
    calls used that ended without a reply: they broke off, or were cancelled.
    """

    steps: tuple[StepView, ...]
    wait: Wait | None = None
    spent: Spent | None = None
    failed: Problem | None = None
    unanswered: Usage = Usage()


ActMode = Literal["call", "retry", "confirm", "give_up", "undo"]
"""What an ``act`` does: carry out the call; carry it out though an earlier attempt's outcome is
unknown; write what a person says came of it; say that nobody knows; take the call back."""


class ActInput(Contract):
    """One tool call.

    ``key`` is its stable idempotency key; ``seq`` where its result goes; ``reply`` the
    sequence number of the reply that asked for it, ``index`` its place there; ``again``
    whether an earlier activity for this call was lost.
    """

    session: str
    agent: str
    digest: str
    turn: int
    step: int
    seq: int
    reply: int
    index: int
    call_id: str
    name: str
    key: str
    tenant: str = ""
    arguments: str = ""
    again: bool = False
    mode: ActMode = "call"
    text: str = ""
    """With ``confirm``: the result, in the words of the person who found out."""
    by: str = ""
    """Who decided, with ``retry``, ``confirm`` and ``give_up``."""
    undecided: bool = False
    """With ``give_up``: nobody said so, the turn was cancelled. A person may decide it afterwards."""
    user: str = ""
    resets: int = 0
    """Logs that resets have set aside: this call may have been made in one of them."""
    since: int = 0
    """The first number after the last reset."""
    elsewhere: bool = False
    """A worker without the agent was asked before. Those that lack it fail the attempt, so that the server
    offers it to others; a new activity would be given to the same worker again."""


class ActResult(Contract):
    """The settled outcome of a call. ``size`` is the result's size in bytes.

    Nothing is settled with ``park`` (the call is to be tried again later) and ``unknown`` (a
    call that must not be repeated, of which nobody knows whether it happened).
    """

    status: ResultStatus = "ok"
    preview: str = ""
    size: int = 0
    seconds: float = 0.0
    digest: str = ""
    wait: Wait | None = None
    unknown: bool = False


class TurnRecord(Contract):
    """What the state database keeps of a turn."""

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

    ``version`` is the snapshot's version before this change; the change makes it
    ``version + 1``. ``new`` goes into the log first: what no ``think`` has written,
    since the turn failed or was cancelled.
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
