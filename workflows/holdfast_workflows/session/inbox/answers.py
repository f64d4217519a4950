"""Answers to items of the inbox: who may give them, and what they change."""

from temporalio import workflow

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.control import forms
from holdfast_workflows.contracts.control.approvals import Approval
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal
from holdfast_workflows.contracts.control.inbox import Answer, InboxItem, may_answer
from holdfast_workflows.contracts.limits import INLINE_TEXT, MAX_NAME
from holdfast_workflows.contracts.text.unicode import preview, size

from .. import validators
from ..state.state import SessionState
from . import approvals, deadlines, handover, waits


def check(state: SessionState, answer: Answer, principal: Principal) -> None:
    """Check an answer; an open item must wait for it.

    Raises:
        ApplicationError: The answer is refused.
    """
    if state.ended:
        raise validators.refused(validators.closed(state))
    try:
        _check_form(answer)
        _check_action(_item(state, answer), answer, principal)
    except errors.HoldfastError as error:
        raise validators.refused(error) from error


def _item(state: SessionState, answer: Answer) -> InboxItem:
    waiting = {each.id: each for each in state.inbox.unanswered}
    id = state.inbox.id_of(answer.id)
    found = waiting.get(id)
    key = names.call_key(workflow.info().workflow_id, int(id.rpartition("-")[2])) if found else ""
    if found is None or answer.id not in {id, key}:
        now = ", ".join(waiting) or "nothing"
        raise errors.NothingToDo(
            f"nothing with the id {preview(answer.id)} waits for a person; waiting: {now}"
        )
    return found


def _check_form(answer: Answer) -> None:
    if size(answer.text) > INLINE_TEXT or size(answer.arguments) > INLINE_TEXT:
        raise errors.MessageTooLarge(f"an answer's text or arguments have at most {INLINE_TEXT:,} bytes")
    if len(answer.by) > MAX_NAME:
        raise errors.BadInput(f"the name in 'by' has at most {MAX_NAME} characters")
    handover.check_owners(answer.to)
    if answer.arguments and answer.action != "approve":
        raise errors.BadInput("only an approval can have arguments")


def _check_action(item: InboxItem, answer: Answer, principal: Principal) -> None:
    if not may_answer(item.owners, principal):
        raise errors.NotPermitted(f"{item.id} is answered by {', '.join(item.owners)}")
    if item.kind == "budget" and answer.action not in item.actions:
        raise errors.NothingToDo("a budget is raised with raise_budget; an answer can only give it up")
    if answer.action not in item.actions:
        raise errors.NothingToDo(f"{item.id} is answered with {', '.join(item.actions)}")
    if item.kind in {"ask_human", "elicitation"} and answer.action == "confirm" and not answer.text.strip():
        raise errors.NothingToDo("an answer needs a text")
    if item.form and answer.action == "confirm" and (problem := forms.problem(item.form, answer.text)):
        raise errors.BadInput(problem)
    if answer.action == "delegate" and not answer.to:
        raise errors.BadInput("a delegation names in 'to' who decides instead")
    if answer.action == "approve":
        _check_approver(item, answer, principal)


def _check_approver(item: InboxItem, answer: Answer, principal: Principal) -> None:
    approval = item.approval
    if approval is not None and approval.second_person and principal.id in _requesters(approval):
        raise errors.NotPermitted("a second person has to approve it, not the one whose message led to it")
    if principal.id in item.approved_by and not answer.arguments:
        raise errors.NothingToDo(f"{principal.id} has approved it; {item.quorum} different people have to")
    if answer.digest and answer.digest != item.digest:
        raise errors.NothingToDo("the arguments are not those that you have seen; look at them again")


def _requesters(approval: Approval) -> tuple[str, ...]:
    return (approval.requester, *approval.steered_by)


async def apply(state: SessionState, answer: Answer, principal: Principal) -> None:
    """Store an answer for what waits for it, or pass the item on to others.

    Raises:
        ApplicationError: The answer is refused.
    """
    # Again, since a validator does not know the principal of its update.
    check(state, answer, principal)
    by = answer.by if principal == LOCAL_OPERATOR else principal.id
    answer = answer.model_copy(update={"id": state.inbox.id_of(answer.id), "by": by})
    item = state.inbox[answer.id]
    if item.approval is not None and answer.action in {"approve", "delegate"}:
        item = await _signed(state, answer, principal)
        if answer.action == "approve" and len(item.approved_by) < item.quorum:
            so_far = f"{len(item.approved_by)} of {item.quorum} approvals, the last by {by or principal.id}"
            return waits.report(state, item, "approved", so_far)
    if answer.action != "delegate":
        _record(state, answer, by)
        return state.answer(answer)
    item = deadlines.delegated(item, answer.to)
    state.inbox.update(item)
    return waits.report(state, item, "delegated", f"{by or principal.id} → {', '.join(answer.to)}")


async def _signed(state: SessionState, answer: Answer, principal: Principal) -> InboxItem:
    """Return the item with the signed answer; changes of the item since then count."""
    try:
        signed = await approvals.sign(state, state.inbox[answer.id], answer, principal)
    except errors.HoldfastError as error:
        raise validators.refused(error) from error
    check(state, answer, principal)
    item = state.inbox[answer.id]
    if answer.action == "approve" and not answer.arguments and signed.answer.digest != item.digest:
        raise validators.refused(errors.NothingToDo("the arguments have been edited; look at them again"))
    item = approvals.with_answer(item, answer, signed)
    state.inbox.update(item)
    return item


def _record(state: SessionState, answer: Answer, by: str) -> None:
    """Record an answer, without its text, unless that is why a call was rejected."""
    reason = answer.text if answer.action == "reject" else ""
    edited = {"edited": "true"} if answer.arguments else {}
    # With the next activity, which is the call that waits for it.
    waits.record(state, state.inbox[answer.id], answer.action, reason, by=by or None, details=edited)
