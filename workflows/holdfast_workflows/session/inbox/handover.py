"""Hand a session over to a person, and take it back."""

from temporalio import workflow

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent import builtin_tools
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.control.inbox import ROLE, Handover, may_answer
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_NAME
from holdfast_workflows.contracts.session.steps import CallView
from holdfast_workflows.contracts.text.unicode import preview, size

from .. import validators
from ..state.state import SessionState

_SUMMARY_LINES = 8
"""Tool calls that a summary lists, the newest ones."""

_MOST_OWNERS = 20


def begin(state: SessionState, given: Handover) -> None:
    """Give the session to a person from its next step on."""
    state.handover = given.model_copy(update={"since": workflow.time()})
    state.emit("handover", given.reason, name=given.by, status="begun")


def end(state: SessionState, note: str, by: str) -> None:
    """Give the session back to the agent, which reads the note at its next step."""
    state.handover = None
    state.emit("handover", preview(note), name=by, status="ended")
    if note.strip():
        state.steer(f"A person has handled this conversation and gives it back to you. {note}", by)


def take(state: SessionState, call: CallView, status: str) -> None:
    """Hand the session over if the agent's own tool for it was called."""
    taken = state.handover is not None or state.start.fork is not None
    if call.name != names.HAND_OVER or status != "ok" or taken:
        return
    try:
        reason = builtin_tools.HAND_OVER.read(call.arguments).reason
    except (ValueError, RecursionError):
        reason = "the agent asks for a person"
    given = Handover(reason=reason, by=state.agent)
    begin(state, given)
    record(state, given, by="")


def check(state: SessionState, given: Handover) -> None:
    """Check a request to hand the session over.

    Raises:
        ApplicationError: The request is refused.
    """
    if state.ended:
        raise validators.refused(validators.closed(state))
    if state.handover is not None:
        raise validators.refused(errors.NothingToDo("the session is handed over already"))
    if size(given.reason) > INLINE_TEXT:
        raise validators.refused(errors.MessageTooLarge(f"a reason has at most {INLINE_TEXT:,} bytes"))
    try:
        check_owners(given.to)
    except errors.BadInput as error:
        raise validators.refused(error) from error


def check_owners(to: tuple[str, ...]) -> None:
    """Check the people and roles that an item or a session is given to.

    Raises:
        BadInput: They are too many, or a name is empty or too long.
    """
    if len(to) > _MOST_OWNERS or not all(0 < len(each) <= MAX_NAME for each in to):
        raise errors.BadInput(f"'to' names at most {_MOST_OWNERS} people or roles")


def check_back(state: SessionState, note: str) -> None:
    """Check a request to give the session back.

    Raises:
        ApplicationError: The request is refused.
    """
    if state.ended:
        raise validators.refused(validators.closed(state))
    if state.handover is None:
        raise validators.refused(errors.NothingToDo("the session is not handed over"))
    if size(note) > INLINE_TEXT:
        raise validators.refused(errors.MessageTooLarge(f"a note has at most {INLINE_TEXT:,} bytes"))


def check_person(state: SessionState, person: Principal) -> None:
    """Check who gives the session back: a person who was asked to reply, or an operator.

    Raises:
        ApplicationError: It may not.
    """
    asked = next((item.owners for item in state.inbox.unanswered if item.kind == "handover"), ())
    owners = asked or (state.handover.to if state.handover else ()) or (f"{ROLE}approver",)
    if not may_answer((*owners, f"{ROLE}operator"), person):
        raise validators.refused(errors.NotPermitted(f"the session is with {', '.join(owners)}"))


def record(state: SessionState, given: Handover, *, by: str | None = None) -> None:
    """Record a handover in the audit log; ``by`` is empty if no principal asked for it."""
    details = {"to": ", ".join(given.to), "by": given.by}
    details = {name: value for name, value in details.items() if value}
    state.audit("operator", "handed_over", reason=given.reason, details=details, by=by, now=by is None)


def summary(state: SessionState) -> str:
    """What the person needs to know: the request, what was done in this turn, plan and notes."""
    turn = state.turn
    calls = [event for event in state.events if event.kind == "call_ended" and event.turn == turn.turn]
    lines = [f"The user wrote: {turn.request}"]
    lines += [f"{each.name}: {each.status}, {preview(each.text, 120)}" for each in calls[-_SUMMARY_LINES:]]
    lines += [f"Plan, {item.status}: {item.text}" for item in state.plan]
    if state.notes:
        lines.append(f"Notes: {preview(state.notes)}")
    return "\n".join(lines)
