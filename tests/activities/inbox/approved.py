"""A call with a valid approval of two people, for tests that change a part of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast_activities.inbox.canonical import canonical, digest
from holdfast_activities.inbox.signing import signed
from holdfast_activities.inbox.verification import Case, RunningCall
from holdfast_activities.signing.keys import SigningKeys
from holdfast_workflows.contracts.control.approvals import Approval, ApprovedCall, SignedAnswer
from holdfast_workflows.contracts.control.identity import Principal

NOW = 1_790_000_000.0
ARGUMENTS = '{"order": "o-7", "cents": 100, "note": ["für", 1.5, true, null]}'
ANN = Principal(id="ann", roles=("approver",), tenant="acme")
BOB = Principal(id="bob", roles=("user",))


class ApprovedCalls:
    """Makes approved calls, signed with one key. What a test changes is signed again."""

    def __init__(self) -> None:
        self.keys = SigningKeys.new()
        self.digest = digest(canonical(ARGUMENTS))

    def approval(self, **changes: Any) -> Approval:
        values: dict[str, Any] = {
            "id": "approval-7", "session": "s-1", "tenant": "acme", "agent": "helper", "call": "s-1-7",
            "tool": "pay", "digest": self.digest, "requester": "carl", "approvers": ("role:approver",),
            "escalation": (("bob",), ("role:operator",)), "quorum": 2, "second_person": True,
            "use_within": 3_600.0, "nonce": "a1b2c3", "reason": "pay asks",
        }  # fmt: skip
        return signed(Approval(**values | changes), self.keys)

    def answer(self, who: Principal = ANN, **changes: Any) -> SignedAnswer:
        values: dict[str, Any] = {
            "nonce": "a1b2c3", "action": "approve", "principal": who, "by": who.id, "at": NOW - 60,
            "owners": ("role:approver", "bob"), "deadline": NOW + 600, "digest": self.digest,
        }  # fmt: skip
        return signed(SignedAnswer(**values | changes), self.keys)

    def call(self, **changes: Any) -> RunningCall:
        values = {
            "session": "s-1", "tenant": "acme", "agent": "helper", "key": "s-1-7", "tool": "pay",
            "digest": self.digest,
        }  # fmt: skip
        return RunningCall(**values | changes)

    def case(
        self,
        approval: Approval | None = None,
        *answers: SignedAnswer,
        change: Callable[[ApprovedCall], ApprovedCall] = lambda proof: proof,
        now: float = NOW,
        used: bool = False,
        **call: Any,
    ) -> Case:
        given = answers or (self.answer(ANN), self.answer(BOB))
        proof = ApprovedCall(approval=approval or self.approval(), answers=given)
        return Case(change(proof), self.call(**call), self.keys, now, used=used)
