"""Inputs and results of the activities that sign approvals and answers."""

from typing import Any

from ..base import Contract
from ..control.approvals import Approval, SignedAnswer
from ..control.identity import Principal
from .steps import ActInput


class OpenApproval(Contract):
    """Sign what people are asked about a call; the fields are those of ``Approval``."""

    call: ActInput
    id: str
    requester: str
    approvers: tuple[str, ...]
    escalation: tuple[tuple[str, ...], ...] = ()
    quorum: int = 1
    second_person: bool = False
    use_within: float
    reason: str = ""
    steered_by: tuple[str, ...] = ()


class OpenedApproval(Contract):
    """A signed approval, with the canonical arguments as text for people, up to ``limits.INLINE_TEXT``."""

    approval: Approval
    arguments: str


class SignAnswer(Contract):
    """Sign a person's answer. ``arguments`` replace the call's, if given; ``digest`` is that of the present ones."""

    call: ActInput
    approval: Approval
    action: str
    principal: Principal
    by: str = ""
    owners: tuple[str, ...]
    deadline: float
    digest: str
    arguments: str = ""
    judged: tuple[str, ...] = ()
    """The arguments that the session's rules look at."""
    to: tuple[str, ...] = ()


class AnswerSigned(Contract):
    """A signed answer. ``values`` are the edited arguments that rules look at, as the tool reads them."""

    answer: SignedAnswer
    values: dict[str, Any] = {}
