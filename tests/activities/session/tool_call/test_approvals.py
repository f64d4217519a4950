"""A call that needs an approval runs once, as approved; with any other approval its function is not called."""

from __future__ import annotations

import random
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from holdfast import Tool, ToolContext, tool
from holdfast_activities.session.tool_call.approvals import Approvals
from holdfast_activities.signing.keys import SigningKeys
from holdfast_activities.state import State
from holdfast_activities.state.coordination.approvals import Use
from holdfast_workflows.contracts.control.approvals import Approval, ApprovedCall, SignedAnswer
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR
from holdfast_workflows.contracts.session.approvals import OpenApproval, SignAnswer
from holdfast_workflows.contracts.session.steps import ActInput

from .call_runner import ARGUMENTS, REPLY, SEQ, CallRunner

OWNERS = ("role:approver",)


def paying(made: list[str], effect: Any) -> Tool[..., Any]:
    @tool(effect=effect, approval="ask")
    async def pay(order: str, ctx: ToolContext) -> str:
        """Pay an order."""
        made.append(order)
        return f"paid {order}"

    return pay


async def approved(runner: CallRunner, *, seq: int = SEQ, **changes: Any) -> ApprovedCall:
    """The call at ``seq`` with an approval, signed by the activities."""
    runner.state.keys = runner.state.keys or SigningKeys.new()
    activities = Approvals(runner.state, agents=None)  # type: ignore[arg-type] # only edits need them
    run = ActivityEnvironment().run
    asked = ActInput(
        session=runner.session, agent="clerk", digest="", turn=1, step=1, seq=seq, reply=REPLY,
        call_id="c", name="pay", arguments=ARGUMENTS,
    )  # fmt: skip
    values: dict[str, Any] = {"requester": "carl", "approvers": OWNERS, "use_within": 600.0}
    opened = await run(
        activities.open_approval,
        OpenApproval(call=asked, id=f"approval-{seq}", **values | changes),
    )
    approval: Approval = opened.approval
    answer = await run(
        activities.sign_answer,
        SignAnswer(
            call=asked, approval=approval, action="approve", principal=LOCAL_OPERATOR, owners=OWNERS,
            deadline=4e9, digest=approval.digest,
        ),
    )  # fmt: skip
    return ApprovedCall(approval=approval, answers=(answer.answer,))


@pytest.mark.parametrize("effect", ["none", "idempotent", "once"])
async def test_a_call_runs_with_its_approval_and_not_without(state: State, session: str, effect: str) -> None:
    made: list[str] = []
    runner = CallRunner(state, session, paying(made, effect))
    refused = await runner.act("pay", seq=7)
    assert refused.status == "failed"
    assert "needs an approval" in refused.preview
    proof = await approved(runner)
    assert (await runner.act("pay", approval=proof)).preview == "paid 42"
    assert made == ["42"]


@pytest.mark.parametrize("effect", ["none", "idempotent", "once"])
async def test_a_used_approval_allows_neither_another_call_nor_the_same_again(
    state: State, session: str, effect: str
) -> None:
    made: list[str] = []
    runner = CallRunner(state, session, paying(made, effect))
    proof = await approved(runner)
    await runner.act("pay", approval=proof)
    await runner.act("pay", approval=proof)
    assert "was used for" in (await runner.act("pay", seq=9, approval=proof)).preview
    assert made == ["42"]


async def test_a_retry_is_the_same_use_of_an_approval(state: State, session: str) -> None:
    made: list[str] = []
    runner = CallRunner(state, session, paying(made, "idempotent"))
    proof = await approved(runner)
    await state.approvals.record(use_of(proof))  # the first attempt was lost after this
    assert (await runner.act("pay", approval=proof, again=True)).preview == "paid 42"
    assert made == ["42"]


async def test_the_use_is_recorded_with_the_claim_or_neither_is(state: State, session: str) -> None:
    made: list[str] = []
    runner = CallRunner(state, session, paying(made, "once"))
    proof = await approved(runner)
    await state.approvals.record(Use(proof.approval.nonce, "another-call"))
    result = await runner.act("pay", approval=proof)
    assert "was used for another-call already" in result.preview
    assert await state.effects.get(f"{session}-{SEQ}") is None
    assert made == []


async def test_no_mutated_approval_reaches_the_tool(state: State, session: str) -> None:
    """A sample, through the activity; the check itself is tested with ten thousand."""
    made: list[str] = []
    runner = CallRunner(state, session, paying(made, "idempotent"))
    rng = random.Random(8_785)
    for n in range(60):
        seq = SEQ + n % 50
        proof = await approved(runner, seq=seq, quorum=1)
        result = await runner.act("pay", seq=seq, approval=mutated(proof, rng))
        assert result.status == "failed", result
    assert made == []


def mutated(proof: ApprovedCall, rng: random.Random) -> ApprovedCall:
    part: Approval | SignedAnswer = proof.approval if rng.random() < 0.5 else proof.answers[0]
    name = rng.choice(
        [each for each, value in part if isinstance(value, (str, float, int)) and each != "action"]
    )
    value = getattr(part, name)
    new = f"{value}x" if isinstance(value, str) else value + 1 if not isinstance(value, bool) else not value
    changed = part.model_copy(update={name: new})
    if isinstance(changed, Approval):
        return proof.model_copy(update={"approval": changed})
    return proof.model_copy(update={"answers": (changed,)})


def use_of(proof: ApprovedCall) -> Use:
    return Use(proof.approval.nonce, proof.approval.call)
