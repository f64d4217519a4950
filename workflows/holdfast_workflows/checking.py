"""The interceptor that validates the arguments of Holdfast's own handlers and activities."""

from collections.abc import Callable
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from .contracts import errors, names
from .contracts.control.assertions import HEADER
from .contracts.control.identity import Grant
from .identity import IdentityWorkflow, checks
from .identity.checks import Guard
from .inputs import UnknownNames, fitting
from .session.principal import acting, signalled
from .session.state.reporting import actions, metrics
from .tracing import Parents, TracedOutbound


class CheckedInputs(Interceptor):
    """For workers and replayers. The user's own workflows are not checked.

    With a guard, each request to Holdfast's workflows must also be of a principal who may make it.
    """

    def __init__(self, guard: Guard | None = None) -> None:
        self._guard = guard

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Check activities, which any client can start standalone."""
        return _CheckedActivity(next)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[WorkflowInboundInterceptor] | None:
        """Check one workflow."""
        if self._guard is None:
            return _Checked
        return type("_Guarded", (_Checked,), {"guard": self._guard})  # made by the SDK, without arguments


class _CheckedActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        if activity.info().activity_type in names.RESERVED:
            _check(input, input.fn)
        return await super().execute_activity(input)


class _Checked(WorkflowInboundInterceptor):
    guard: Guard | None = None

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self._parents = Parents()
        super().init(_CountedActions(TracedOutbound(outbound, self._parents)))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        self._parents.started()
        return await super().execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        handler = _method(input.signal, workflow.get_signal_handler)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - untyped in the SDK
        try:
            _check(input, handler)
        except ApplicationError as error:
            _record(input.signal, "refused")
            workflow.logger.warning("a signal was dropped: %s", error.details[0])
        else:
            _record(input.signal, "ok")
            self._parents.received(input.headers, *input.args[:1])
            with signalled(input.headers):
                await self.next.handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:  # noqa: A002
        if self.guard is not None and _is_ours():
            if workflow.info().workflow_type == names.IDENTITY_WORKFLOW:
                return _exchange(self.guard, input)
            checks.check(self.guard, "query", input.query, input.args, input.headers)
        handler = _method(input.query, workflow.get_query_handler)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - untyped in the SDK
        _check(input, handler)
        return await self.next.handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        try:
            self._validate(input)
        except ApplicationError:
            _record(input.update, "refused")
            raise

    def _validate(self, input: HandleUpdateInput) -> None:  # noqa: A002
        if self.guard is not None and _is_ours():
            checks.check(self.guard, "update", input.update, input.args, input.headers, input.id)
        elif HEADER in input.headers:
            # Its principal would be believed, and this worker cannot verify it.
            raise errors.to_failure(errors.NoIdentityProvider())
        self._check_update(input)
        with acting(input.headers):
            self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        # Again, for updates without a validator: an error of another type would fail the workflow task.
        self._check_update(input)
        self._parents.received(input.headers, *input.args[:1])
        try:
            with acting(input.headers):
                result = await self.next.handle_update_handler(input)
        except ApplicationError:
            _record(input.update, "failed")
            raise
        _record(input.update, "ok")
        return result

    def _check_update(self, given: HandleUpdateInput) -> None:
        _check(given, _method(given.update, workflow.get_update_handler))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - untyped in the SDK


class _CountedActions(WorkflowOutboundInterceptor):
    """Counts what a session has Temporal do, for the estimate of the bill."""

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        handle = super().start_activity(input)
        actions.started(handle, heartbeats=input.heartbeat_timeout is not None)
        return handle

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        actions.count()
        return super().start_local_activity(input)

    async def start_child_workflow(
        self,
        input: StartChildWorkflowInput,  # noqa: A002
    ) -> workflow.ChildWorkflowHandle[Any, Any]:
        actions.count(2)
        return await super().start_child_workflow(input)


def _record(operation: str, outcome: str) -> None:
    """Record a request to a session; one with an unknown name could have any."""
    if _is_ours():
        actions.count()
        session: object = workflow.instance()
        metrics.request(operation if hasattr(session, operation) else "unknown", outcome)


def _is_ours() -> bool:
    return isinstance(workflow.instance(), UnknownNames)


def _exchange(guard: Guard, given: HandleQueryInput) -> Grant:
    if given.query != "exchange":
        raise errors.to_failure(errors.InvalidCredential())
    try:
        (credential,) = fitting(IdentityWorkflow.exchange, given.args)
        return guard.exchange(credential)
    except errors.HoldfastError as error:
        raise errors.to_failure(error) from None


def _check(
    given: ExecuteActivityInput | HandleSignalInput | HandleQueryInput | HandleUpdateInput,
    handler: Callable[..., Any] | None,
) -> None:
    if handler is not None:
        try:
            given.args = fitting(handler, given.args)
        except errors.BadInput as error:
            raise errors.to_failure(error) from error


def _method(name: str, find: Callable[[str], object]) -> Callable[..., Any] | None:
    """Return the method of a handler; None for unknown names and users' workflows."""
    instance = workflow.instance()
    if not isinstance(instance, UnknownNames) or find(name) is None:
        return None
    # The SDK returns handlers without their signatures; ours are named like their methods.
    return getattr(type(instance), name, None)
