"""What a stream tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from holdfast_client.reply import Reply
from holdfast_workflows.contracts.entries import Usage


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A turn began; ``text`` is the beginning of its message."""

    turn: int
    text: str
    kind: Literal["turn_started"] = field(default="turn_started", init=False)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The model said more: append ``text`` to what was shown of this step."""

    turn: int
    step: int
    text: str
    kind: Literal["text"] = field(default="text", init=False)


@dataclass(frozen=True, slots=True)
class TextRestart:
    """Forget what was shown of this step's text: it begins anew, since the model is asked again."""

    turn: int
    step: int
    attempt: int
    reason: str = ""
    kind: Literal["text_restart"] = field(default="text_restart", init=False)


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool call began; ``seq`` tells calls of the same name apart."""

    turn: int
    step: int
    seq: int
    name: str
    arguments: str
    kind: Literal["tool_started"] = field(default="tool_started", init=False)


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A tool that runs says how far it is, or is tried again."""

    turn: int
    name: str
    detail: str
    attempt: int = 1
    kind: Literal["tool_progress"] = field(default="tool_progress", init=False)


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool call ended; ``result`` is a preview, ``size`` the whole result's size in bytes."""

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
    """A turn ended; ``reply.error`` says why if it failed."""

    turn: int
    reply: Reply
    kind: Literal["turn_ended"] = field(default="turn_ended", init=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The turn waits on a timer, since nothing can be asked now; ``reason`` says why, and until when."""

    turn: int
    reason: str
    kind: Literal["waiting"] = field(default="waiting", init=False)


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """The turn waits for a person's decision; see ``Session.decide`` and ``Session.raise_budget``.

    ``about`` is ``effect`` (nobody knows whether a call happened), ``ask_human`` (no model answers)
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
    """Somebody decided what the turn waited for; ``action`` is ``confirm``, ``retry`` or ``give_up``."""

    turn: int
    id: str
    action: str
    text: str
    by: str
    kind: Literal["decided"] = field(default="decided", init=False)


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """A limit was reached, with what is done now, or the budget was raised; ``text`` says it in words."""

    turn: int
    step: int
    text: str
    raised: bool
    kind: Literal["budget"] = field(default="budget", init=False)


@dataclass(frozen=True, slots=True)
class FallbackUsed:
    """A last resort was tried, since no provider answers; ``text`` says what came of it."""

    turn: int
    step: int
    resort: str
    text: str
    kind: Literal["fallback"] = field(default="fallback", init=False)


@dataclass(frozen=True, slots=True)
class ModelChanged:
    """Another model answered than before; ``reason`` says why: what failed of the models that come first."""

    turn: int
    step: int
    model: str
    reason: str
    kind: Literal["model_changed"] = field(default="model_changed", init=False)


@dataclass(frozen=True, slots=True)
class Undone:
    """A call was taken back, since its turn was cancelled or failed; unless ``status`` is other than ``ok``."""

    turn: int
    step: int
    seq: int
    name: str
    status: str
    result: str
    kind: Literal["undone"] = field(default="undone", init=False)


@dataclass(frozen=True, slots=True)
class Recalled:
    """Memories were looked up for the turn: so many were found; ``away`` says that none could be looked up."""

    turn: int
    found: int
    text: str
    away: bool
    kind: Literal["recalled"] = field(default="recalled", init=False)


@dataclass(frozen=True, slots=True)
class Compacted:
    """The older part of the conversation was summed up, or, unless ``done``, could not be."""

    turn: int
    step: int
    text: str
    done: bool
    kind: Literal["compacted"] = field(default="compacted", init=False)


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The agent wrote its plan or its notes; the session's view has them whole."""

    turn: int
    step: int
    text: str
    kind: Literal["plan"] = field(default="plan", init=False)


@dataclass(frozen=True, slots=True)
class Status:
    """The session as a whole changed.

    ``status`` is the session's, or ``steered``, ``retrying`` (the model call failed and is
    tried again), or ``waiting_for_worker``.
    """

    status: str
    detail: str = ""
    kind: Literal["status"] = field(default="status", init=False)


StreamEvent = (
    TurnStarted
    | TextDelta
    | TextRestart
    | ToolStarted
    | ToolProgress
    | ToolEnded
    | StepEnded
    | TurnEnded
    | Waiting
    | NeedsPerson
    | Decided
    | BudgetChanged
    | FallbackUsed
    | ModelChanged
    | Undone
    | Recalled
    | Compacted
    | PlanChanged
    | Status
)
