"""Approvals: ask people whether a call may run, and collect their signed answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.approvals import Approvals
from holdfast_workflows.contracts.control.approvals import ApprovedCall
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.control.inbox import Answer, InboxItem
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.approvals import (
    AnswerSigned,
    OpenApproval,
    OpenedApproval,
    SignAnswer,
)
from holdfast_workflows.contracts.session.steps import ActInput, CallView
from holdfast_workflows.contracts.text.unicode import digest, preview

from ..principal import principal
from ..state import activity_calls, continue_as_new, waiting
from ..state.state import SessionState
from . import waits

_PROGRESS = 20
"""Events that a run adds before it ends during a wait, so that short runs do not follow each other without end."""


@dataclass(frozen=True)
class Outcome:
    """What people decided about a call.

    ``proof`` goes with the call that may run. Without one the call is ``refused`` with a text for the model, or
    ``interrupted``: the session continues as new and asks on.
    """

    proof: ApprovedCall | None = None
    refused: str = ""
    cancelled: bool = False
    interrupted: bool = False
    edited: str = ""
    """Arguments that replace the model's; ``values`` are those that rules look at."""
    values: dict[str, Any] = field(default_factory=dict[str, Any])


Run = Callable[[workflow.ActivityHandle[OpenedApproval]], Awaitable[OpenedApproval]]
"""Waits for an activity that is cancelled with the turn."""


async def approve(
    state: SessionState, request: ActInput, call: CallView, reason: str, judged: tuple[str, ...], run: Run
) -> Outcome:
    """Wait for people's approval of a call; ``reason`` is why they are asked.

    ``judged`` are the arguments that the session's rules look at.
    """
    id = f"approval-{request.seq}"
    item = state.inbox.kept(id)
    if item is None:
        try:
            item = await _opened(state, request, call, id, reason, run)
        except errors.HoldfastError as error:
            return Outcome(refused=f"its approval could not be asked for: {error.detail or error}")
    state.inbox.calls[id] = request, judged
    began = workflow.info().get_current_history_length()

    def interrupted() -> bool:
        grown = workflow.info().get_current_history_length() - began
        return grown > _PROGRESS and not state.inbox.signing and continue_as_new.due(state)

    answer, item = await waits.ask_item(state, item, interrupted=interrupted)
    del state.inbox.calls[id]
    if answer is None and not state.cancelled:
        return Outcome(interrupted=True)
    await waiting.resumed_off_clock(state)
    if state.cancelled or answer is None:
        return Outcome(cancelled=True)
    if answer.action != "approve" or item.approval is None:
        why = f": {answer.text}" if answer.text else ""
        return Outcome(refused=f"{answer.by or 'a person'} did not approve the call{why}")
    counted = tuple(each for each in item.signed if each.action == "delegate" or each.digest == item.digest)
    proof = ApprovedCall(approval=item.approval, answers=counted, arguments=item.edited)
    return Outcome(proof=proof, edited=item.edited, values=item.values)


async def _opened(
    state: SessionState, request: ActInput, call: CallView, id: str, reason: str, run: Run
) -> InboxItem:
    policy = (state.spec.approvals if state.spec else None) or Approvals()
    opening = OpenApproval(
        call=request,
        id=id,
        requester=state.turn.by or principal().id,
        approvers=policy.approvers,
        escalation=policy.escalation,
        quorum=policy.quorum,
        second_person=policy.second_person,
        use_within=policy.use_within,
        reason=reason,
        steered_by=state.steered_by,
    )
    try:
        opened = await run(activity_calls.open_approval(opening, state.start.heartbeat_timeout))
    except ActivityError as error:
        raise activity_calls.typed(error, errors.ToolFailed) from error
    shown = descriptions.call(request.name, descriptions.given(call))
    return InboxItem(
        id=id,
        kind="approval",
        what=f"may {shown} run?",
        requester=opening.requester,
        tool=request.name,
        call=names.call_key(request.session, request.seq),
        arguments=opened.arguments,
        reason=reason,
        digest=opened.approval.digest,
        approval=opened.approval,
    )


async def sign(state: SessionState, item: InboxItem, answer: Answer, person: Principal) -> AnswerSigned:
    """Have a worker sign an approval or a delegation.

    Raises:
        HoldfastError: It refuses: edited arguments do not fit the tool, or the deadline has passed.
    """
    assert item.approval is not None
    call, judged = state.inbox.calls[item.id]
    request = SignAnswer(
        call=call,
        judged=judged,
        approval=item.approval,
        action=answer.action,
        principal=person,
        by=answer.by,
        owners=item.owners,
        deadline=item.deadline,
        digest=item.digest,
        arguments=answer.arguments,
        to=answer.to,
    )
    state.inbox.signing += 1
    try:
        return await activity_calls.sign_answer(request, state.start.heartbeat_timeout)
    except ActivityError as error:
        raise activity_calls.typed(error, errors.ToolFailed) from error
    finally:
        state.inbox.signing -= 1


def with_answer(item: InboxItem, answer: Answer, result: AnswerSigned) -> InboxItem:
    """Return the item with a signed answer. Edited arguments have to be approved by everybody again."""
    signed = result.answer
    changes: dict[str, object] = {"signed": (*item.signed, signed)}
    if answer.action == "approve" and signed.digest != item.digest:
        changes |= {
            "edited": answer.arguments,
            "values": result.values,
            "arguments": preview(answer.arguments, INLINE_TEXT),
            "digest": signed.digest,
            "approved_by": (signed.principal.id,),
        }
    elif answer.action == "approve":
        changes["approved_by"] = (*item.approved_by, signed.principal.id)
    return item.model_copy(update=changes)


def with_edits(call: CallView, asked: Outcome) -> CallView:
    """Return the call with the arguments of an approver, which the user has not named."""
    changes = {
        "arguments": asked.edited,
        "preview": "",
        "digest": digest(call.name, asked.edited),
        "values": asked.values,
        "named": (),
    }
    return call.model_copy(update=changes)
