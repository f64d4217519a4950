"""The check of activities that a client starts: who it is, and whether it may.

The tenant follows from the principal: an empty one is filled in, and another one is refused. The same holds for
the name of the person who acts.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from holdfast_workflows.contracts.agent.budget import ListBudgets
from holdfast_workflows.contracts.agent.memory import AddMemory, EraseInput
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.assertions import HEADER, Request, SignedRequest, digest_of, read
from holdfast_workflows.contracts.control.audit import ListAudit
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    InvalidCredential,
    NotPermitted,
    SessionNotFound,
    to_failure,
)
from holdfast_workflows.contracts.operations.content import StoredText, StoreText
from holdfast_workflows.contracts.operations.effects import DecideEffect
from holdfast_workflows.contracts.operations.retention import (
    AddHold,
    ListHolds,
    ListRetention,
    RemoveHold,
    SetRetention,
)
from holdfast_workflows.contracts.operations.sessions import ListSessions
from holdfast_workflows.contracts.teams.board import WriteBoard

from .acting import set_actor
from .owners import Owners
from .verifier import Verifier

_NOT_YET: Final = StoredText(ref="")

_OF_ALL: Final = (ListAudit, ListRetention, ListHolds, RemoveHold)
"""Requests on the records of all tenants, unless they name one."""


class CheckedActivities(Interceptor):
    """For workers with an identity provider."""

    def __init__(self, verifier: Verifier, owners: Owners) -> None:
        self._verifier = verifier
        self._owners = owners

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Check one activity before it runs."""
        return _Checked(next, self._verifier, self._owners)


class _Checked(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, verifier: Verifier, owners: Owners) -> None:
        super().__init__(following)
        self._verifier = verifier
        self._owners = owners

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        if info.workflow_id is None:
            try:
                answer = await self._check(info, input)
            except HoldfastError as error:
                raise to_failure(error) from error
            if answer is not None:
                return answer
        return await super().execute_activity(input)

    async def _check(self, info: activity.Info, given: ExecuteActivityInput) -> object | None:
        """Check a standalone activity and fill in its arguments; an answer replaces its run."""
        name = info.activity_type
        asked = given.args[0] if given.args and isinstance(given.args[0], Contract) else None
        session = getattr(asked, "session", "")
        try:
            principal = self._verifier.identify(
                Request("activity", info.namespace, info.activity_id, name, digest_of(given.args)),
                _signed(given),
                info.scheduled_time.timestamp(),
            )
        except (InvalidCredential, TypeError):
            raise SessionNotFound(session) if session else InvalidCredential from None
        signed = _signed(given)
        found = read(signed.assertion) if signed else None
        set_actor(principal, found.credential if found else "")
        if name in access.OF_SESSION and session:
            if answer := await self._of_session(principal, name, session, asked):
                return answer
        elif name in access.OF_TENANT:
            access.check(principal, access.OF_TENANT[name])
            self._for_budgets(principal, asked)
        elif name in access.OF_DEPLOYMENT or name in access.OF_SESSION:
            access.check_deployment(principal, (access.OF_DEPLOYMENT.get(name) or access.OF_SESSION[name]))
        else:
            raise NotPermitted(f"{name} runs in sessions only")
        if asked is not None:
            given.args = [await self._filled(principal, asked), *given.args[1:]]
        return None

    async def _of_session(
        self, principal: Principal, name: str, session: str, asked: Contract | None
    ) -> object | None:
        owner, operation = await self._owners.of(session), access.OF_SESSION[name]
        if isinstance(asked, StoreText):
            # A long first message is stored before its session starts, so there is no error to hide behind.
            access.check(principal, operation)
            try:
                access.check_session(principal, operation, session, owner or _claimed(principal))
            except HoldfastError:
                return StoredText(ref=_ref(principal, asked))
            return None
        if owner is None:
            raise SessionNotFound(session)
        access.check_session(principal, operation, session, owner)
        return None

    @staticmethod
    def _for_budgets(principal: Principal, asked: Contract | None) -> None:
        if isinstance(asked, ListBudgets) and principal.tenant:
            own = f"tenant:{principal.tenant}:"
            if asked.prefix and not asked.prefix.startswith(own):
                raise NotPermitted(f"your budgets begin with {own}")

    async def _filled(self, principal: Principal, asked: Contract) -> Contract:
        changes: dict[str, object] = {}
        if (tenant := _tenant_in(principal, asked)) is not None:
            changes["tenant"] = access.tenant_for(principal, tenant)
        match asked:
            case StoreText():
                changes["id"] = _ref(principal, asked)
            case ListBudgets() if principal.tenant:
                changes["prefix"] = asked.prefix or f"tenant:{principal.tenant}:"
            case AddMemory() | EraseInput() | WriteBoard() | SetRetention() | AddHold() | RemoveHold():
                changes["by"] = _named(principal, asked.by)
            case DecideEffect():
                by = _named(principal, asked.answer.by)
                changes["answer"] = asked.answer.model_copy(update={"by": by})
            case ListSessions() if access.reach(principal, "list") == "own":
                if asked.user not in {None, principal.id}:
                    raise NotPermitted("the user follows from the credential; leave it out")
                changes["user"] = principal.id
            case _:
                pass
        if isinstance(asked, EraseInput) and asked.kind == "session":
            owner = await self._owners.of(asked.id)
            if owner is None or (principal.tenant and owner[0] != principal.tenant):
                raise SessionNotFound(asked.id)
        return asked.model_copy(update=changes) if changes else asked


def _tenant_in(principal: Principal, asked: Contract) -> str | None:
    """The tenant that a request names; the principal's own, if it asks for the records of all."""
    tenant: str | None = getattr(asked, "tenant", None)
    everything = isinstance(asked, _OF_ALL) and tenant is None
    return principal.tenant or None if everything else tenant


def _named(principal: Principal, by: str) -> str:
    if by not in {"", principal.id}:
        raise NotPermitted("the name of who acts follows from the credential; leave `by` out")
    return principal.id


def _claimed(principal: Principal) -> access.Owner:
    return principal.tenant, principal.id


def _ref(principal: Principal, asked: StoreText) -> str:
    """The id of a text, with its sender, so that no other principal can store a text under it first."""
    sender = hashlib.sha256(f"{len(principal.tenant)}:{principal.tenant}{principal.id}".encode()).hexdigest()
    return f"{sender[:16]}-{asked.id}"[:200]


def _signed(given: ExecuteActivityInput) -> SignedRequest | None:
    payload = given.headers.get(HEADER)
    try:
        return SignedRequest.model_validate_json(payload.data) if payload else None
    except ValueError:
        return None
