"""The events of a stream."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from holdfast_client.reply import Reply
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Usage


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A turn started; ``text`` is a preview of its message."""

    turn: int
    text: str
    kind: Literal["turn_started"] = field(default="turn_started", init=False)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """New text of the model: append ``text`` to the text of this step."""

    turn: int
    step: int
    text: str
    kind: Literal["text"] = field(default="text", init=False)


@dataclass(frozen=True, slots=True)
class TextRestart:
    """Discard this step's text so far: the model is called again."""

    turn: int
    step: int
    attempt: int
    reason: str = ""
    kind: Literal["text_restart"] = field(default="text_restart", init=False)


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool call started; ``seq`` identifies it among calls of the same name."""

    turn: int
    step: int
    seq: int
    name: str
    arguments: str
    kind: Literal["tool_started"] = field(default="tool_started", init=False)


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A running tool reported progress, or is retried."""

    turn: int
    name: str
    detail: str
    attempt: int = 1
    kind: Literal["tool_progress"] = field(default="tool_progress", init=False)


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool call ended; ``result`` is a preview, ``size`` the full result's size in bytes."""

    turn: int
    step: int
    seq: int
    name: str
    status: str
    result: str
    size: int
    kind: Literal["tool_ended"] = field(default="tool_ended", init=False)


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A model call ended; the deltas since its start, or its last restart, add up to ``text``."""

    turn: int
    step: int
    text: str
    usage: Usage
    kind: Literal["step_ended"] = field(default="step_ended", init=False)


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn ended; ``reply.error`` is set if it failed or was cancelled."""

    turn: int
    reply: Reply
    kind: Literal["turn_ended"] = field(default="turn_ended", init=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The turn waits on a timer; ``reason`` says why, and until when."""

    turn: int
    reason: str
    kind: Literal["waiting"] = field(default="waiting", init=False)


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """The turn waits for a person's decision; see ``Session.resolve`` and ``Session.raise_budget``.

    ``about`` is ``effect`` (the outcome of a call is unknown), ``ask_human`` (no model answers)
    or ``budget`` (a limit is reached); ``since`` is in seconds since 1970.
    """

    turn: int
    id: str
    about: Literal["effect", "ask_human", "budget"]
    what: str
    since: float
    kind: Literal["needs_person"] = field(default="needs_person", init=False)


@dataclass(frozen=True, slots=True)
class Decided:
    """A pending decision was resolved; ``action`` is ``confirm``, ``retry`` or ``give_up``."""

    turn: int
    id: str
    action: str
    text: str
    by: str
    kind: Literal["decided"] = field(default="decided", init=False)


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """A budget limit was reached, or the budget was raised; ``text`` describes it."""

    turn: int
    step: int
    text: str
    raised: bool
    kind: Literal["budget"] = field(default="budget", init=False)


@dataclass(frozen=True, slots=True)
class FallbackUsed:
    """A fallback was tried because no provider answers; ``text`` is the outcome."""

    turn: int
    step: int
    fallback: str
    text: str
    kind: Literal["fallback"] = field(default="fallback", init=False)


@dataclass(frozen=True, slots=True)
class ModelChanged:
    """Another model answered than before; ``reason`` says why the preferred models failed."""

    turn: int
    step: int
    model: str
    reason: str
    kind: Literal["model_changed"] = field(default="model_changed", init=False)


@dataclass(frozen=True, slots=True)
class Undone:
    """A call was undone after its turn failed or was cancelled; undoing failed unless ``status`` is ``ok``."""

    turn: int
    step: int
    seq: int
    name: str
    status: str
    result: str
    kind: Literal["undone"] = field(default="undone", init=False)


@dataclass(frozen=True, slots=True)
class Recalled:
    """Memories were searched for the turn; ``away``: the memory store was unavailable."""

    turn: int
    found: int
    text: str
    away: bool
    kind: Literal["recalled"] = field(default="recalled", init=False)


@dataclass(frozen=True, slots=True)
class Compacted:
    """The older part of the conversation was summarised; it failed unless ``done``."""

    turn: int
    step: int
    text: str
    done: bool
    kind: Literal["compacted"] = field(default="compacted", init=False)


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The agent changed its plan or notes; the session's view has the full text."""

    turn: int
    step: int
    text: str
    kind: Literal["plan"] = field(default="plan", init=False)


@dataclass(frozen=True, slots=True)
class Status:
    """The session as a whole changed.

    ``status`` is the session's, or ``steered``, ``retrying`` (a failed model call is retried), or ``waiting_for_worker``.
    """

    status: str
    detail: str = ""
    kind: Literal["status"] = field(default="status", init=False)


StreamEvent = (
    TurnStarted | TextDelta | TextRestart | ToolStarted | ToolProgress | ToolEnded | StepEnded | TurnEnded
    | Waiting | NeedsPerson | Decided | BudgetChanged | FallbackUsed | ModelChanged | Undone | Recalled
    | Compacted | PlanChanged | Status
)  # fmt: skip

for each in get_args(StreamEvent):
    public(each)
