"""The check of an approval when its call is about to run.

Nothing of what the workflow says is believed that the signatures do not cover.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from holdfast_activities.signing.keys import SigningKeys
from holdfast_workflows.contracts.control.approvals import Approval, ApprovedCall, SignedAnswer
from holdfast_workflows.contracts.control.inbox import may_answer

from .signing import is_genuine

SKEW = 60.0
"""Seconds by which the clocks of two workers may differ."""


@dataclass(frozen=True, slots=True)
class RunningCall:
    """The call that is about to run. ``digest`` is that of the arguments that the tool will get."""

    session: str
    tenant: str
    agent: str
    key: str
    tool: str
    digest: str


@dataclass(frozen=True, slots=True)
class Case:
    """What is checked. ``used``: the call has begun before under this approval, and is made again."""

    proof: ApprovedCall
    call: RunningCall
    keys: SigningKeys
    now: float
    used: bool = False

    @property
    def approval(self) -> Approval:
        return self.proof.approval

    @property
    def permissions(self) -> list[SignedAnswer]:
        return [answer for answer in self.proof.answers if answer.action == "approve"]


def _genuine(case: Case) -> str:
    genuine = is_genuine(case.approval, case.keys) and all(
        is_genuine(answer, case.keys) for answer in case.proof.answers
    )
    return "" if genuine else "a signature is not valid"


def _same_call(case: Case) -> str:
    approval, call = case.approval, case.call
    given = (approval.session, approval.tenant, approval.agent, approval.call, approval.tool)
    now = (call.session, call.tenant, call.agent, call.key, call.tool)
    return "" if given == now else "it is for another call"


def _same_arguments(case: Case) -> str:
    wrong = any(answer.digest != case.call.digest for answer in case.permissions)
    return "it is for other arguments" if wrong else ""


def _answers_this(case: Case) -> str:
    wrong = any(answer.nonce != case.approval.nonce for answer in case.proof.answers)
    return "an answer is to another question" if wrong else ""


def _owners_asked(case: Case) -> str:
    """Owners are those of the approval, of its escalation, or others to whom one of them delegated."""
    asked = {*case.approval.approvers, *chain(*case.approval.escalation)}
    for answer in case.proof.answers:
        if not asked.issuperset(answer.owners):
            return "an answer is from people who were not asked"
        asked.update(answer.to)
    return ""


def _eligible(case: Case) -> str:
    wrong = any(not may_answer(answer.owners, answer.principal) for answer in case.proof.answers)
    return "an answer is from a person who may not give it" if wrong else ""


def _tenant(case: Case) -> str:
    wrong = any(answer.principal.tenant not in ("", case.approval.tenant) for answer in case.proof.answers)
    return "an answer is from another tenant" if wrong else ""


def _second_person(case: Case) -> str:
    approval = case.approval
    own = approval.second_person and any(
        answer.principal.id in (approval.requester, *approval.steered_by) for answer in case.permissions
    )
    return "the requester may not approve it" if own else ""


def _quorum(case: Case) -> str:
    people = {answer.principal.id for answer in case.permissions}
    return "" if len(people) >= max(1, case.approval.quorum) else "too few people have approved it"


def _in_time(case: Case) -> str:
    late = any(not 0 < answer.at <= answer.deadline + SKEW for answer in case.proof.answers)
    return "an answer came after the deadline" if late else ""


def _fresh(case: Case) -> str:
    if case.used:
        return ""
    last = max((answer.at for answer in case.permissions), default=0.0)
    if last > case.now + SKEW:
        return "an answer is from the future"
    return "it has expired" if case.now > last + case.approval.use_within else ""


CHECKS: Sequence[Callable[[Case], str]] = (
    _genuine,
    _same_call,
    _same_arguments,
    _answers_this,
    _owners_asked,
    _eligible,
    _tenant,
    _second_person,
    _quorum,
    _in_time,
    _fresh,
)
"""Each returns what is wrong, or an empty text."""


def problem(case: Case, checks: Sequence[Callable[[Case], str]] = CHECKS) -> str:
    """Why the call may not run; empty if it may."""
    return next(filter(None, (check(case) for check in checks)), "")
