"""What a call needs before it has a result: a person who answers a tool server's question, or a remote agent."""

from contextvars import ContextVar
from typing import Final

from holdfast_workflows.contracts.errors import ToolFailed
from holdfast_workflows.contracts.session.steps import ActResult, ToolQuestion, Wait
from holdfast_workflows.contracts.tools.a2a import RemoteTask

REMOTE: Final[ContextVar[RemoteTask | None]] = ContextVar("REMOTE", default=None)
"""The task of a remote agent that the present call waits for, once it is known."""


class Needed(ToolFailed, retryable=False):
    """The call has to be made again, once its session has what ``result`` names."""

    def __init__(self, what: str, result: ActResult) -> None:
        super().__init__(what)
        self.result = result


class InputNeeded(Needed):
    """The tool needs a person's answer before this call, or for the ``remote`` task of the call."""

    def __init__(self, question: ToolQuestion, remote: RemoteTask | None = None) -> None:
        super().__init__(question.what, ActResult(asks=question, remote=remote))


class StillRunning(Needed):
    """The remote agent works on the task; it is looked at again after ``seconds``."""

    def __init__(self, remote: RemoteTask, seconds: float, reason: str) -> None:
        wait = Wait(seconds=seconds, reason=reason, kind="remote")
        super().__init__(reason, ActResult(wait=wait, remote=remote))
