"""Rules of retention and legal holds, through activities of the workers."""

from __future__ import annotations

import builtins
from datetime import timedelta
from typing import Literal

from holdfast_client import messages
from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations import retention as contracts
from holdfast_workflows.contracts.public import public

_DAY = timedelta(days=1)


@public
class RetentionClient:
    """How long content is kept. Made by ``Client.retention``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def list(self, *, tenant: str | None = None) -> builtins.tuple[contracts.RetentionRule, ...]:
        """Return the rules that apply to a tenant, one for each kind.

        Without a tenant, return those for all tenants, then all that tenants have of their own.
        """
        request = contracts.ListRetention(tenant=tenant)
        found = await self._requests.activity(names.LIST_RETENTION, request, contracts.RetentionList)
        return found.rules

    async def set(
        self,
        kind: contracts.RetentionKind,
        keep: timedelta | Literal["never", "default"],
        *,
        tenant: str = contracts.ALL_TENANTS,
        by: str = "",
    ) -> contracts.RetentionRule:
        """Set how long content of a kind is kept; return the rule that applies now.

        Args:
            kind: ``session``, ``log``, ``texts``, ``prompts``, ``effects`` or ``costs``, after a session's end;
                ``idle`` for when an open session without activity is closed.
            keep: A time; ``never`` to remove it never, ``default`` to remove the rule.
            tenant: A tenant, empty for sessions without one; by default all without a rule of their own.
            by: Who sets it.

        Raises:
            BadInput: The kind is unknown, or the time is not from a moment to 100 years.
        """
        with bad_input():
            request = contracts.SetRetention.model_validate(
                {
                    "kind": kind,
                    "days": keep / _DAY if isinstance(keep, timedelta) else None,
                    "reset": keep == "default",
                    "tenant": tenant,
                    "by": by,
                }
            )
        return await self._requests.activity(names.SET_RETENTION, request, contracts.RetentionRule)


@public
class HoldClient:
    """Legal holds: what nothing removes, closes or erases. Made by ``Client.holds``."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def add(
        self,
        kind: contracts.HoldKind,
        subject: str = "",
        *,
        reason: str,
        tenant: str = "",
        by: str = "",
        id: str | None = None,
    ) -> contracts.Hold:
        """Place a hold.

        Args:
            kind: ``session``, with the sessions that it started; ``user`` or ``tenant``.
            subject: The id of the session or user; empty for a tenant.
            reason: Why; it is in the audit log.
            tenant: The tenant. A session's is known.
            by: Who places it.
            id: The hold's id; the same id again is the same hold.

        Raises:
            BadInput: The subject is missing, or a session is not in the state database.
        """
        if bool(subject) == (kind == "tenant"):
            raise BadInput("give the id of a session or user; for a tenant give only its name")
        with bad_input():
            request = contracts.AddHold(
                id=id or messages.new_id("h"), kind=kind, subject=subject, tenant=tenant, reason=reason, by=by
            )
        return await self._requests.activity(names.ADD_HOLD, request, contracts.Hold)

    async def list(self, *, tenant: str | None = None) -> builtins.tuple[contracts.Hold, ...]:
        """Return the holds of a tenant, or all, the oldest first."""
        request = contracts.ListHolds(tenant=tenant)
        return (await self._requests.activity(names.LIST_HOLDS, request, contracts.HoldList)).holds

    async def remove(
        self, id: str, *, reason: str, tenant: str | None = None, by: str = ""
    ) -> contracts.Hold:
        """Remove a hold and return it.

        Raises:
            BadInput: There is no such hold.
        """
        with bad_input():
            request = contracts.RemoveHold(id=id, reason=reason, tenant=tenant, by=by)
        return await self._requests.activity(names.REMOVE_HOLD, request, contracts.Hold)


async def removed(requests: Requests, session: str) -> tuple[contracts.Removed, ...]:
    """Return what retention removed of a session."""
    request = contracts.ReadRemovals(session=session)
    found = await requests.activity(names.READ_REMOVALS, request, contracts.RemovalList, session=session)
    return found.removed
