"""The events of a stream: pydantic models, distinguished by ``kind``."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from holdfast_client.reply import JsonText, Reply
from holdfast_workflows.contracts.control.inbox import ItemKind
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.text.unicode import cleaned

JsonObject = Annotated[dict[str, Any], PlainSerializer(cleaned, return_type=dict[str, Any], when_used="json")]
"""A JSON object whose JSON form has U+FFFD for NUL and lone surrogates."""


class _StreamEvent(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str = ""
    """Opaque; ``session.stream(after=event.id)`` continues after this event, in any process."""


class TurnStarted(_StreamEvent):
    """A turn started; ``text`` is a preview of its message."""

    kind: Literal["turn_started"] = "turn_started"
    turn: int
    text: JsonText


class TextDelta(_StreamEvent):
    """New text of the model: append ``text`` to the text of this step."""

    kind: Literal["text"] = "text"
    turn: int
    step: int
    text: JsonText


class TextRestart(_StreamEvent):
    """Discard this step's text so far: the model is called again."""

    kind: Literal["text_restart"] = "text_restart"
    turn: int
    step: int
    attempt: int
    reason: JsonText = ""


class ToolStarted(_StreamEvent):
    """A tool call started; ``seq`` identifies it among calls of the same name.

    ``arguments`` is empty and ``invalid_arguments`` has the model's text if that is not a JSON object.
    """

    kind: Literal["tool_started"] = "tool_started"
    turn: int
    step: int
    seq: int
    name: JsonText
    arguments: JsonObject
    invalid_arguments: JsonText = ""


class ToolProgress(_StreamEvent):
    """A running tool reported progress, or is retried."""

    kind: Literal["tool_progress"] = "tool_progress"
    turn: int
    name: JsonText
    detail: JsonText
    attempt: int = 1


class ToolEnded(_StreamEvent):
    """A tool call ended; ``result`` is a preview, ``size`` the full result's size in bytes."""

    kind: Literal["tool_ended"] = "tool_ended"
    turn: int
    step: int
    seq: int
    name: JsonText
    status: JsonText
    result: JsonText
    size: int


class StepEnded(_StreamEvent):
    """A model call ended; the deltas since its start, or its last restart, add up to ``text``."""

    kind: Literal["step_ended"] = "step_ended"
    turn: int
    step: int
    text: JsonText
    usage: Usage


class TurnEnded(_StreamEvent):
    """A turn ended; ``reply.error`` is set if it failed or was cancelled."""

    kind: Literal["turn_ended"] = "turn_ended"
    turn: int
    reply: Reply


class Waiting(_StreamEvent):
    """The turn waits on a timer; ``reason`` says why, and until when."""

    kind: Literal["waiting"] = "waiting"
    turn: int
    reason: JsonText


class NeedsPerson(_StreamEvent):
    """The turn waits for a person: ``Session.answer(event.item_id, …)``, ``approve``, ``reject`` or ``raise_budget``.

    ``about`` is the item's kind: ``approval`` (a call needs one), ``effect`` (the outcome of a call is unknown),
    ``ask_human`` (no model answers), ``budget`` (a limit is reached), ``handover``, ``consent``, ``elicitation`` or ``ticket``.
    ``since`` and ``deadline`` are in seconds since 1970.
    """

    kind: Literal["needs_person"] = "needs_person"
    turn: int
    item_id: JsonText
    about: ItemKind
    what: JsonText
    since: float
    deadline: float = 0.0


class Decided(_StreamEvent):
    """A person answered an item of the inbox; ``action`` is one of its actions."""

    kind: Literal["decided"] = "decided"
    turn: int
    item_id: JsonText
    action: JsonText
    text: JsonText
    by: JsonText


class BudgetChanged(_StreamEvent):
    """A budget limit was reached, or the budget was raised; ``text`` describes it."""

    kind: Literal["budget"] = "budget"
    turn: int
    step: int
    text: JsonText
    raised: bool


class FallbackUsed(_StreamEvent):
    """A fallback was tried because no provider answers; ``text`` is the outcome."""

    kind: Literal["fallback"] = "fallback"
    turn: int
    step: int
    fallback: JsonText
    text: JsonText


class ModelChanged(_StreamEvent):
    """Another model answered than before; ``reason`` says why the preferred models failed."""

    kind: Literal["model_changed"] = "model_changed"
    turn: int
    step: int
    model: JsonText
    reason: JsonText


class Undone(_StreamEvent):
    """A call was undone after its turn failed or was cancelled; undoing failed unless ``status`` is ``ok``."""

    kind: Literal["undone"] = "undone"
    turn: int
    step: int
    seq: int
    name: JsonText
    status: JsonText
    result: JsonText


class PermissionDecided(_StreamEvent):
    """A rule allowed or denied a call, or had a person asked: ``action`` is ``allow``, ``deny`` or ``ask``."""

    kind: Literal["permission"] = "permission"
    turn: int
    step: int
    seq: int
    name: JsonText
    action: JsonText
    rule: JsonText


class Routed(_StreamEvent):
    """An agent was chosen for the session. ``by`` is where its required capabilities come from."""

    kind: Literal["routed"] = "routed"
    turn: int
    agent: JsonText
    by: JsonText
    reasons: JsonText


class Recalled(_StreamEvent):
    """Memories were searched for the turn; ``away``: the memory store was unavailable."""

    kind: Literal["recalled"] = "recalled"
    turn: int
    found: int
    text: JsonText
    away: bool


class Compacted(_StreamEvent):
    """The older part of the conversation was summarised; it failed unless ``done``."""

    kind: Literal["compacted"] = "compacted"
    turn: int
    step: int
    text: JsonText
    done: bool


class PlanChanged(_StreamEvent):
    """The agent changed its plan or notes; the session's view has the full text."""

    kind: Literal["plan"] = "plan"
    turn: int
    step: int
    text: JsonText


class HandedOver(_StreamEvent):
    """A person handles the session from now on (``begun``), or the agent does again (``ended``)."""

    kind: Literal["handover"] = "handover"
    turn: int
    status: JsonText
    reason: JsonText = ""
    by: JsonText = ""


class AgentChanged(_StreamEvent):
    """The session goes on with another agent, after a handoff or as a fallback; ``failed``: it could not."""

    kind: Literal["agent_changed"] = "agent_changed"
    turn: int
    step: int
    agent: JsonText
    reason: JsonText = ""
    failed: bool = False


class ChildStarted(_StreamEvent):
    """A tool call started the session ``session`` of another agent, which ``Client.session`` follows."""

    kind: Literal["child_started"] = "child_started"
    turn: int
    step: int
    seq: int
    session: JsonText
    agent: JsonText
    task: JsonText


class ChildEnded(_StreamEvent):
    """A child session ended, as ``done``, ``failed`` or ``cancelled``; ``usage`` includes its own children."""

    kind: Literal["child_ended"] = "child_ended"
    turn: int
    step: int
    seq: int
    session: JsonText
    agent: JsonText
    status: JsonText
    error: JsonText = ""
    usage: Usage = Usage()
    seconds: float = 0.0


class Status(_StreamEvent):
    """The session as a whole changed.

    ``status`` is the session's, or ``steered``, ``retrying`` (a failed model call is retried), or ``waiting_for_worker``.
    """

    kind: Literal["status"] = "status"
    status: JsonText
    detail: JsonText = ""


StreamEvent = Annotated[
    TurnStarted | TextDelta | TextRestart | ToolStarted | ToolProgress | ToolEnded | StepEnded | TurnEnded
    | Waiting | NeedsPerson | Decided | BudgetChanged | FallbackUsed | ModelChanged | AgentChanged | Undone | HandedOver | PermissionDecided | Routed
    | Recalled
    | Compacted | PlanChanged | ChildStarted | ChildEnded | Status,
    Field(discriminator="kind"),
]  # fmt: skip
"""Any event; ``TypeAdapter(StreamEvent)`` reads its JSON."""

KINDS: tuple[type[_StreamEvent], ...] = get_args(get_args(StreamEvent)[0])
"""The class of each kind of event."""

for each in KINDS:
    public(each)
