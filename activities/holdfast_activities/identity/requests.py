"""Activities of identity: what a workflow cannot verify, and lists limited to a principal's sessions."""

from __future__ import annotations

from temporalio import activity

from holdfast_activities.session.common.failures import reports_failures
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import MaintainInput
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.assertions import Request, SignedStart
from holdfast_workflows.contracts.control.identity import Principal
from holdfast_workflows.contracts.control.verification import GrantStart, VerifyInput
from holdfast_workflows.contracts.errors import InvalidCredential, NoIdentityProvider, NotPermitted
from holdfast_workflows.contracts.evaluation.forks import Fork
from holdfast_workflows.contracts.evaluation.starting import fork_digest
from holdfast_workflows.contracts.operations.schedules import schedule_digest
from holdfast_workflows.contracts.operations.sessions import ListSessions, SessionPage, listed, query, quoted
from holdfast_workflows.contracts.session.scheduled import Scheduled
from holdfast_workflows.contracts.session.session import StartInput
from holdfast_workflows.contracts.session.steps import LoadInput
from holdfast_workflows.contracts.teams.children import Parent
from holdfast_workflows.contracts.teams.fleets import OpenFleet

from .acting import acting
from .verifier import WORKER, Verifier


def _child(namespace: str, session: str, digest: str) -> str:
    return f"child:{namespace}:{session}:{digest}"


def _forked(namespace: str, session: str, digest: str) -> str:
    return f"fork:{namespace}:{session}:{digest}"


def _bound(scheduled: Scheduled, digest: str) -> str:
    return f"schedule:{scheduled.schedule}:{digest}"


class IdentityRequests:
    """Verifies starts and signals, and lists sessions."""

    def __init__(self, verifier: Verifier | None) -> None:
        self._verifier = verifier

    @activity.defn(name=names.VERIFY_SIGNAL)
    @reports_failures
    async def verify_signal(self, ask: VerifyInput) -> str:
        """Return the id of the principal that sent a signal; empty without an identity provider."""
        if self._verifier is None:
            return ""
        info = activity.info()
        request = Request("signal", info.namespace, ask.session, ask.name, ask.digest)
        principal = self._verifier.identify(request, ask.signed, ask.at)
        access.check_session(principal, access.SIGNALS[ask.name], ask.session, ask.owner)
        return principal.id

    @activity.defn(name=names.LIST_SESSIONS)
    @reports_failures
    async def list_sessions(self, ask: ListSessions) -> SessionPage:
        """List the sessions of this task queue. Another queue's may claim a tenant that nothing has verified."""
        found = activity.client().list_workflows(
            f"{query(ask.agent, ask.tenant or None, ask.user, ask.status, ask.root, fleets=ask.fleets)}"
            f" AND TaskQueue = {quoted(activity.info().task_queue)}",
            page_size=ask.limit,
            next_page_token=bytes.fromhex(ask.after) or None,
        )
        await found.fetch_next_page()
        rows = [await listed(each) for each in found.current_page or ()]
        return SessionPage(sessions=tuple(rows), next=(found.next_page_token or b"").hex())

    @activity.defn(name=names.GRANT_START)
    @reports_failures
    async def grant_start(self, ask: GrantStart) -> str:
        """Return a grant by which a session can start for its parent's principal."""
        if self._verifier is None:
            raise NoIdentityProvider
        info = activity.info()
        if not info.is_local:  # any workflow of the namespace could have scheduled it
            raise NotPermitted("only the worker of the parent session signs the start of a child session")
        return self._verifier.sign(ask.principal, _child(info.namespace, ask.session, ask.digest), "")

    def started(self, load: LoadInput) -> tuple[Principal | None, LoadInput]:
        """Return who starts a session, and the start with its owner; None without an identity provider.

        Raises:
            InvalidCredential: The start is not proven.
            NotPermitted: The principal may not start it.
        """
        principal, (tenant, user) = self._starter(load)
        if principal is None:
            return None, load
        return principal, load.model_copy(update={"tenant": tenant, "user": user})

    def _starter(self, load: LoadInput) -> tuple[Principal | None, access.Owner]:
        if self._verifier is None or load.again:
            return None, ("", "")
        if load.parent is not None:
            principal = self._child(load.parent, load.identity)
            return principal, (load.tenant, load.user)  # the grant is for the whole start
        if load.fork is not None:
            return self._forking(load, load.fork), (load.tenant, load.user)
        principal = self._scheduled(load) or self._start(load.identity, names.WORKFLOW)
        access.check(principal, "start")
        owner = access.owner_for(principal, load.tenant, load.user)
        self._expect_limits(principal, settings=load.settings)
        if load.account:
            access.check_deployment(principal, "budgets")  # it may be any tenant's
        return principal, owner

    def opened(self, request: OpenFleet) -> tuple[Principal | None, access.Owner]:
        """Return who starts a fleet, and its owner; None without an identity provider.

        Raises:
            InvalidCredential: The start is not proven.
            NotPermitted: The principal may not start it.
        """
        if self._verifier is None:
            return None, (request.tenant, request.user)
        principal = self._start(request.identity, names.FLEET_WORKFLOW)
        access.check(principal, "start")
        self._expect_limits(principal, settings=request.settings)
        return principal, access.owner_for(principal, request.tenant, request.user)

    def granted(self, start: StartInput) -> str:
        """Sign that a schedule's sessions may act for the principal that makes the schedule.

        Raises:
            NotPermitted: The principal may not start them.
        """
        if self._verifier is None or start.scheduled is None:
            return ""
        principal, credential = acting()
        owner = access.owner_for(principal, start.tenant, start.user)
        if owner != (start.tenant, start.user):
            raise NotPermitted("the tenant and the user follow from the credential")
        self._expect_limits(principal, settings=(start.budget, start.max_steps) != (None, None))
        if start.account or start.parent is not None:
            raise NotPermitted("a schedule's sessions have an account of their own")
        return self._verifier.sign(principal, _bound(start.scheduled, schedule_digest(start)), credential)

    def forked(self, session: str, start: StartInput) -> str:
        """Return a grant for the start of a fork that the running activity has prepared for its principal."""
        if self._verifier is None:
            return ""
        principal, credential = acting()
        statement = _forked(activity.info().namespace, session, fork_digest(start))
        return self._verifier.sign(principal, statement, credential)

    def _forking(self, load: LoadInput, fork: Fork) -> Principal:
        """Return who starts a fork, exactly as a worker has prepared it for the same principal.

        A client can put anything into a start: another spec, or a message for a session of its own.
        """
        principal, info = self._start(load.identity, names.WORKFLOW), activity.info()
        access.check(principal, "fork")
        if self._verifier is None or load.identity is None or info.workflow_id is None or not fork.grant:
            raise NotPermitted("only a worker prepares a fork; use `holdfast fork` or session.fork(…)")
        statement = _forked(info.namespace, info.workflow_id, load.start_digest)
        granted = self._verifier.signed_for(fork.grant, statement, load.identity.at)
        if (granted.id, granted.tenant) != (principal.id, principal.tenant):
            raise NotPermitted("the fork was prepared for another principal")
        return principal

    def _scheduled(self, load: LoadInput) -> Principal | None:
        """Return for whom the session of a schedule acts; None for other sessions."""
        if load.scheduled is None or self._verifier is None:
            return None
        if not load.session.startswith(f"{load.scheduled.schedule}-"):
            raise InvalidCredential
        return self._verifier.signed_for(load.scheduled.grant, _bound(load.scheduled, load.start_digest))

    def _child(self, parent: Parent, start: SignedStart | None) -> Principal:
        """Return for whom a child session acts, by the grant of its parent's worker.

        A client can sign starts itself, so its signature is not enough: the grant is a statement of a worker.
        """
        info = activity.info()
        if self._verifier is None:
            return WORKER
        if start is None or info.workflow_id is None or not parent.grant:
            raise NotPermitted("only another session can start a child session")
        statement = _child(info.namespace, info.workflow_id, start.digest)
        return self._verifier.signed_for(parent.grant, statement, start.at)

    @staticmethod
    def _expect_limits(principal: Principal, *, settings: bool) -> None:
        """Refuse limits that a user gives."""
        if settings and principal.kind == "user" and access.reach(principal, "raise_budget") != "tenant":
            raise NotPermitted("a user's session has the limits of its agent; leave budget and max_steps out")

    def maintained(self, request: MaintainInput) -> None:
        """Check who started a run of maintenance, unless its schedule did.

        Raises:
            InvalidCredential: The start is not proven.
            NotPermitted: The principal may not start it.
        """
        if self._verifier is not None and not request.scheduled:
            principal = self._start(request.identity, names.MAINTENANCE_WORKFLOW)
            access.check_deployment(principal, "maintain")

    def _start(self, start: SignedStart | None, workflow: str) -> Principal:
        info = activity.info()
        if self._verifier is None:
            return WORKER
        if start is None or info.workflow_id is None:
            raise InvalidCredential
        request = Request("start", info.namespace, info.workflow_id, workflow, start.digest)
        return self._verifier.identify(request, start.signed, start.at)
