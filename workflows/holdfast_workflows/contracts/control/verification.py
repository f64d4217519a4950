"""Requests of workflows to verify what is recorded without a check: a signal."""

from ..base import Contract
from .access import Owner
from .assertions import SignedRequest


class VerifyInput(Contract):
    """Verify the sender of a signal that a session of ``owner`` received ``at`` a time."""

    name: str
    digest: str
    session: str
    at: float
    owner: Owner = ("", "")
    signed: SignedRequest | None = None
