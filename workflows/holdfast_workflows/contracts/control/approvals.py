"""Approvals of calls: what is asked, the signed answers, and the proof that a call's activity checks.

A worker signs each part with the deployment's key. Times are in seconds since 1970.
"""

from typing import Literal

from ..base import Contract
from ..public import public
from .identity import Principal


@public
class Approval(Contract):
    """What people are asked: may this call run with exactly these arguments.

    ``digest`` is the SHA-256 of the arguments as canonical JSON (RFC 8785), in hex. ``approvers`` are asked first, then
    each group in ``escalation``. ``nonce`` makes it unique: it allows one call, once.
    """

    id: str
    session: str
    tenant: str
    agent: str
    call: str
    """The key of the call."""
    tool: str
    digest: str
    requester: str
    """The principal whose message led to the call."""
    approvers: tuple[str, ...]
    escalation: tuple[tuple[str, ...], ...]
    quorum: int
    second_person: bool
    """Whether the requester may not approve."""
    use_within: float
    """Seconds after the last answer in which the call must begin."""
    nonce: str
    reason: str = ""
    steered_by: tuple[str, ...] = ()
    """Other principals whose words led to the call: by steering, or a note when a handover ended."""
    key: str = ""
    """The id of the key that has signed the other fields."""
    signature: str = ""


@public
class SignedAnswer(Contract):
    """One person's permission, or delegation ``to`` others, with what was the case at that time.

    ``digest`` is that of the arguments that the person has allowed.
    """

    nonce: str
    """Of the approval that it answers."""
    action: Literal["approve", "delegate"]
    principal: Principal
    by: str
    at: float
    owners: tuple[str, ...]
    """Who could answer."""
    deadline: float
    digest: str
    to: tuple[str, ...] = ()
    key: str = ""
    signature: str = ""


class ApprovedCall(Contract):
    """The proof that a call may run. ``arguments`` replace the model's, if an approver has edited them."""

    approval: Approval
    answers: tuple[SignedAnswer, ...]
    arguments: str = ""
