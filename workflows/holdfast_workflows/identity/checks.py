"""The checks of updates and queries by a worker with an identity provider.

They run in validators and queries, which no replay repeats, so they may look at the clock and at keys that change.
A request that fails them gets the error of a session that does not exist, unless its principal may see the session.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from temporalio import workflow
from temporalio.api.common.v1 import Payload

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.access import Operation, Owner
from holdfast_workflows.contracts.control.assertions import (
    Request,
    RequestKind,
    SignedRequest,
    SignedStart,
    digest_of,
)
from holdfast_workflows.contracts.control.identity import Credential, Grant, Principal

from ..session.principal import signed_request

_TABLES: Mapping[RequestKind, Mapping[str, Operation]] = {
    "update": access.UPDATES,
    "query": access.QUERIES,
}


class Guard(Protocol):
    """Verifies credentials and requests; made by a worker with an identity provider."""

    def exchange(self, credential: Credential) -> Grant:
        """Return a grant; InvalidCredential if the credential is not valid."""
        ...

    def identify(self, request: Request, signed: SignedRequest | None, at: float | None = None) -> Principal:
        """Return who makes a request ``at`` a time, by default now; InvalidCredential if that is not proven."""
        ...


@runtime_checkable
class Owned(Protocol):
    """A workflow that belongs to a tenant and a user."""

    @property
    def owner(self) -> Owner | None:
        """Its owner; None before the start has been verified."""
        ...

    @property
    def unverified(self) -> tuple[SignedStart, Owner] | None:
        """Its start, and the owner that this claims."""
        ...


def check(
    guard: Guard,
    kind: RequestKind,
    name: str,
    args: Sequence[object],
    headers: Mapping[str, Payload],
    id: str = "",
) -> None:
    """Check a request to the running workflow; raises the failure that its sender receives."""
    session = workflow.info().workflow_id
    try:
        principal = guard.identify(_request(kind, name, args, id), signed_request(headers))
        # An unknown name is refused by its handler, with its own error.
        access.check_session(principal, _TABLES[kind].get(name, "view"), session, _owner(guard))
    except errors.NotPermitted as error:
        raise errors.to_failure(error) from error
    except (errors.HoldfastError, TypeError) as error:
        raise errors.to_failure(errors.SessionNotFound(session)) from error


def start_request(start: SignedStart, workflow_id: str, workflow_type: str, namespace: str) -> Request:
    """Return the request that a start's proof is bound to."""
    return Request("start", namespace, workflow_id, workflow_type, start.digest)


def _request(kind: RequestKind, name: str, args: Sequence[object], id: str) -> Request:
    info = workflow.info()
    return Request(kind, info.namespace, info.workflow_id, name, digest_of(args), id)


def _owner(guard: Guard) -> Owner:
    instance = workflow.instance()
    if not isinstance(instance, Owned):
        return "", ""
    if instance.owner is not None:
        return instance.owner
    if instance.unverified is None:
        raise errors.InvalidCredential
    start, (tenant, user) = instance.unverified
    info = workflow.info()
    request = start_request(start, info.workflow_id, info.workflow_type, info.namespace)
    return access.owner_for(guard.identify(request, start.signed, start.at), tenant, user)
