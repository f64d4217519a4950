"""The interceptor that finds out what each activity works for."""

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from holdfast_activities import clock
from holdfast_workflows.contracts.operations.debugging import DebugRecord
from holdfast_workflows.contracts.session.trace_ids import TraceHeader

from .recorder import Recorder
from .work import HEADER, RECORDER, work_on

_NONE = TraceHeader()

Keep = Callable[[str, DebugRecord], Awaitable[None]]
"""Writes a record of debug mode."""


class AtWork(Interceptor):
    """For workers, with a recorder if they trace. Its place is behind the check of inputs."""

    def __init__(self, recorder: Recorder | None = None, keep: Keep | None = None) -> None:
        self._recorder = recorder
        self._keep = keep

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap one activity."""
        return _AtWork(next, self._recorder, self._keep)


class _AtWork(ActivityInboundInterceptor):
    def __init__(
        self, following: ActivityInboundInterceptor, recorder: Recorder | None, keep: Keep | None
    ) -> None:
        super().__init__(following)
        self._recorder = recorder
        self._keep = keep

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        # An activity has a task of its own, so its context needs no reset.
        header = TraceHeader.read(input.headers) or _NONE
        if header.debug and activity.info().workflow_id is None:
            # A client's own header: it may not turn debug mode on this way.
            header = header.model_copy(update={"debug": 0.0})
        if self._recorder is not None:
            RECORDER.set(self._recorder)
            HEADER.set(header)
        work_on(input.args[0] if input.args else None)
        if header.debug > clock.now():
            from holdfast_activities.debugging.keeping import recorded  # few sessions need it

            return await recorded(self._keep, lambda: super(_AtWork, self).execute_activity(input))
        return await super().execute_activity(input)
