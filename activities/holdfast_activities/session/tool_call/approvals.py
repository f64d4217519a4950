"""Approvals of calls: sign what people are asked and what they answer, and check it when the call runs."""

import secrets
from collections.abc import Mapping
from typing import Any

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.inbox.canonical import canonical, digest
from holdfast_activities.inbox.signing import is_genuine, signed
from holdfast_activities.inbox.verification import SKEW, Case, RunningCall, problem
from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state.coordination.approvals import Use
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.control.approvals import Approval, SignedAnswer
from holdfast_workflows.contracts.errors import ApprovalInvalid, NothingToDo, SettingsInvalid, UnknownAgent
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.permissions.values import values_of
from holdfast_workflows.contracts.session.approvals import (
    AnswerSigned,
    OpenApproval,
    OpenedApproval,
    SignAnswer,
)
from holdfast_workflows.contracts.session.steps import ActInput
from holdfast_workflows.contracts.text.unicode import preview

from ..common.agents import LiveAgents
from ..common.failures import reports_failures
from .request import asked_for


def keys_of(state: State) -> SigningKeys:
    """The deployment's keys.

    Raises:
        SettingsInvalid: This worker has none.
    """
    if state.keys is None:
        raise SettingsInvalid("approvals are signed; set HOLDFAST_SIGNING_KEY")
    return state.keys


class Approvals:
    """Signs approvals and answers."""

    def __init__(self, state: State, agents: LiveAgents) -> None:
        self._state = state
        self._agents = agents

    @activity.defn(name=names.OPEN_APPROVAL)
    @reports_failures
    async def open_approval(self, request: OpenApproval) -> OpenedApproval:
        """Sign what people are asked about a call."""
        call = request.call
        text = canonical(call.arguments or (await asked_for(self._state, call)).arguments)
        approval = Approval(
            id=request.id,
            session=call.session,
            tenant=call.tenant,
            agent=call.agent,
            call=names.call_key(call.session, call.seq),
            tool=call.name,
            digest=digest(text),
            requester=request.requester,
            approvers=request.approvers,
            escalation=request.escalation,
            quorum=request.quorum,
            second_person=request.second_person,
            use_within=request.use_within,
            nonce=secrets.token_hex(16),
            reason=request.reason,
            steered_by=request.steered_by,
        )
        return OpenedApproval(
            approval=signed(approval, keys_of(self._state)), arguments=preview(text, INLINE_TEXT)
        )

    @activity.defn(name=names.SIGN_ANSWER)
    @reports_failures
    async def sign_answer(self, request: SignAnswer) -> AnswerSigned:
        """Sign a permission or a delegation; edited arguments must fit the tool."""
        keys, now = keys_of(self._state), clock.now()
        if not is_genuine(request.approval, keys):
            raise ApprovalInvalid("the question is not signed by this deployment")
        if now > request.deadline + SKEW:
            raise NothingToDo(f"{request.approval.id} is past its deadline")
        agreed, values = request.digest, dict[str, Any]()
        if request.arguments:
            values = values_of(await self._read(request.call, request.arguments), request.judged)
            agreed = digest(canonical(request.arguments))
        answer = SignedAnswer(
            nonce=request.approval.nonce,
            action="delegate" if request.action == "delegate" else "approve",
            principal=request.principal,
            by=request.by,
            at=now,
            owners=request.owners,
            deadline=request.deadline,
            digest=agreed,
            to=request.to,
        )
        return AnswerSigned(answer=signed(answer, keys), values=values)

    async def _read(self, call: ActInput, arguments: str) -> Mapping[str, Any]:
        """Edited arguments as the tool reads them."""
        agent = await self._agents.get(call.digest)
        binding = agent.binding(call.name)
        if binding is None:
            raise UnknownAgent(f"this worker does not have the tool {call.name!r} yet", retryable=True)
        return binding.validate(arguments)


async def check(state: State, request: ActInput, spec: ToolSpec, arguments: str) -> Use | None:
    """Check that a call is allowed; return the use of its approval, None if it needs none.

    ``arguments`` are those that the tool will get.

    Raises:
        ApprovalInvalid: It needs an approval, and has none that is valid for it now.
    """
    proof = request.approval
    if proof is None:
        if spec.approval == "ask":
            raise ApprovalInvalid(f"{request.name} needs an approval and has none")
        return None
    # The number of the request: after a reset its key may be that of an earlier call.
    key = names.call_key(request.session, request.seq)
    call = RunningCall(
        request.session, request.tenant, request.agent, key, request.name, digest(canonical(arguments))
    )
    use = Use(nonce=proof.approval.nonce, call=key)
    used = await state.approvals.used(use)
    wrong = problem(Case(proof, call, keys_of(state), clock.now(), used=used))
    repeated = request.again or request.resets or activity.info().attempt > 1
    if not wrong and used and not repeated:
        wrong = "it was used already"
    if wrong:
        activity.logger.warning("%s was not made: %s", key, wrong)
        raise ApprovalInvalid(wrong)
    return use
