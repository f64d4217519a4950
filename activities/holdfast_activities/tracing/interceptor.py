"""The interceptor that finds out what each activity works for."""

from typing import Any

from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from holdfast_workflows.contracts.session.trace_ids import TraceHeader

from .recorder import Recorder
from .work import HEADER, RECORDER, work_on


class AtWork(Interceptor):
    """For workers, with a recorder if they trace. Its place is behind the check of inputs."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap one activity."""
        return _AtWork(next, self._recorder)


class _AtWork(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, recorder: Recorder | None) -> None:
        super().__init__(following)
        self._recorder = recorder

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        # An activity has a task of its own, so its context needs no reset.
        if self._recorder is not None:
            RECORDER.set(self._recorder)
            HEADER.set(TraceHeader.read(input.headers) or TraceHeader())
        work_on(input.args[0] if input.args else None)
        return await super().execute_activity(input)
