"""Requests of workflows to workers with an identity provider: to verify a signal, and to sign a child's start."""

from ..base import Contract
from .access import Owner
from .assertions import SignedRequest, digest_of
from .identity import Principal


class VerifyInput(Contract):
    """Verify the sender of a signal that a session of ``owner`` received ``at`` a time."""

    name: str
    digest: str
    session: str
    at: float
    owner: Owner = ("", "")
    signed: SignedRequest | None = None


class GrantStart(Contract):
    """Vouch that the session with this id starts for the principal. ``digest`` is that of its start without a grant."""

    session: str
    digest: str
    principal: Principal


def start_digest(start: Contract) -> str:
    """Return the digest of a session's start, for the grant that it carries."""
    parent = getattr(start, "parent", None)
    return digest_of(
        [start.model_copy(update={"parent": parent and parent.model_copy(update={"grant": ""})})]
    )
