"""Principals: who acts, as proven by credentials."""

from typing import Final, Literal

from pydantic import Field

from ..base import Contract
from ..limits import MAX_NAME
from ..public import public

PrincipalKind = Literal["user", "service", "operator"]
Role = Literal["user", "approver", "operator", "auditor"]
"""``user`` starts and talks to sessions; ``approver`` answers requests for approval; ``operator`` controls sessions
and the deployment; ``auditor`` reads everything of its tenant, the audit log included, and changes nothing."""


@public
class Principal(Contract):
    """A user, service or operator, taken from verified credentials and never from a message or a model.

    ``tenant`` is the only tenant that it may act for; empty for every tenant.
    """

    id: str = Field(max_length=MAX_NAME)
    kind: PrincipalKind = "user"
    roles: tuple[Role, ...] = ()
    tenant: str = Field(default="", max_length=MAX_NAME)


LOCAL_OPERATOR: Final = Principal(
    id="local", kind="operator", roles=("user", "approver", "operator", "auditor")
)
"""The principal of every request where the deployment has no identity provider."""


class Credential(Contract):
    """A credential to exchange: an API key, or a token of the identity provider. It is sent in a query only."""

    value: str = Field(repr=False)


class Grant(Contract):
    """What a worker gives for a credential: an assertion and its proof key, until ``expires``.

    ``now`` is the worker's time, by which the client corrects its own.
    """

    principal: Principal
    assertion: str = Field(repr=False)
    proof_key: str = Field(repr=False)
    now: float
    expires: float
