"""Requests to a remote agent, and what their failures mean."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import httpx
from a2a.client import Client, ClientConfig, create_client
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    Task,
)
from a2a.utils.errors import A2AError

from holdfast_workflows.contracts.errors import A2aAccessDenied, ToolError, ToolFailed
from holdfast_workflows.contracts.text.redaction import redact_error
from holdfast_workflows.contracts.tools.a2a import A2aSettings

from .transport import Guarded

_DENIED = frozenset({401, 403})
_BUSY = frozenset({408, 429, 503})
_SERVER_ERROR = 500


class NotReached(Exception):
    """The agent has certainly not seen the request, and may see it later. ``after`` is in seconds, if known."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Unanswered(Exception):
    """The agent may have seen the request."""


class Remote:
    """A connection to an agent whose card has been read."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, message: Message) -> StreamResponse:
        """Send a message; the response is a task or a message. The agent does not wait for the task."""
        request = SendMessageRequest(
            message=message, configuration=SendMessageConfiguration(return_immediately=True)
        )
        with _understood():
            return await anext(aiter(self._client.send_message(request)))

    async def get(self, id: str) -> Task:
        """The task with its present state."""
        with _understood():
            return await self._client.get_task(GetTaskRequest(id=id, history_length=1))

    async def cancel(self, id: str) -> Task:
        """Cancel the task, and return it."""
        with _understood():
            return await self._client.cancel_task(CancelTaskRequest(id=id))

    async def find(self, context: str) -> Task | None:
        """The newest task of a context; None if the agent has none."""
        with _understood():
            found = await self._client.list_tasks(ListTasksRequest(context_id=context, page_size=1))
        return found.tasks[0] if found.tasks else None


@asynccontextmanager
async def reached(settings: A2aSettings) -> AsyncGenerator[Remote]:
    """Read the agent's card, and connect to it by a binding that both know.

    Raises:
        NotReached: The connection failed, or the agent is busy.
        A2aAccessDenied: It refused the credentials.
        ToolError: There is no agent at the URL, or it has no binding over HTTP.
        EgressRefused: A URL or an address is refused.
    """
    async with httpx.AsyncClient(transport=Guarded(settings)) as http:
        config = ClientConfig(
            streaming=False,
            polling=True,
            httpx_client=http,
            supported_protocol_bindings=["JSONRPC", "HTTP+JSON"],
        )
        try:
            with _understood():
                client = await create_client(settings.url, client_config=config)
        except Unanswered as error:
            raise NotReached(str(error)) from error
        except ValueError as error:
            raise ToolError(f"the card at {settings.url} cannot be used: {error}") from error
        yield Remote(client)


@contextmanager
def _understood() -> Generator[None]:
    """Raise what a failure means."""
    try:
        yield
    except A2AError as error:
        raise _meaning(error) from error


def _meaning(error: A2AError) -> Exception:
    why = redact_error(str(error))
    match error.__cause__:
        case httpx.ConnectError() as cause:
            return NotReached(redact_error(str(cause)))
        case httpx.HTTPStatusError() as cause:
            return _refused(cause.response, why)
        case httpx.RequestError() as cause:
            return Unanswered(redact_error(str(cause)))
        case ToolFailed() as cause:
            return cause
        case _:
            # The agent's own answer, or one that cannot be read.
            return ToolError(f"the agent refused the request: {why}")


def _refused(response: httpx.Response, why: str) -> Exception:
    status = response.status_code
    if status in _DENIED:
        return A2aAccessDenied(f"HTTP {status}")
    if status in _BUSY:
        after = response.headers.get("retry-after", "")
        return NotReached(f"the agent answered with HTTP {status}", float(after) if after.isdigit() else None)
    if status >= _SERVER_ERROR:
        return Unanswered(f"the agent answered with HTTP {status}")
    return ToolError(f"the agent refused the request with HTTP {status}: {why}")
