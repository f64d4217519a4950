"""One connection to a server, owned by a task: the ``mcp`` package binds a connection to the task that opens it."""

import asyncio
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

from mcp.client.client import Client
from mcp.client.session import ClientRequestContext, IncomingMessage
from mcp_types import (
    INVALID_REQUEST,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    Implementation,
    InputRequiredResult,
    PaginatedRequestParams,
    RequestParamsMeta,
    ToolListChangedNotification,
)
from pydantic import TypeAdapter

from holdfast_workflows.contracts.agent.mcp import McpServer
from holdfast_workflows.contracts.errors import McpAccessDenied, McpUnavailable, ToolError
from holdfast_workflows.contracts.text.unicode import preview

from .credentials import Resolved
from .elicitation import Inputs
from .failures import DENIED, EXCHANGE, NOT_DONE, Exchange, connection_lost, reason
from .http import http_streams
from .listing import MOST_LISTED, ListedTool
from .stdio import Streams, child_process, hung_up

R = TypeVar("R")

_RESULT = TypeAdapter[CallToolResult | InputRequiredResult](CallToolResult | InputRequiredResult)
_ROUNDS = 10
"""Times that a server may ask for input in one call."""
_PAUSE = 0.2
"""Seconds until a server that only wants to be asked again is asked again."""

_SAID = 4
"""Lines of error output in an error message."""
_SESSION_UNKNOWN = 404
_SERVER_ERROR = 500

_INFO = Implementation(name="holdfast", version="1")


class Lost(Exception):
    """The connection has ended; ``sent`` says whether the request may have reached the server."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class Busy(Lost):
    """The server answered with an HTTP error; the connection is still usable."""

    def __init__(self, why: str, *, sent: bool, retry_after: float | None) -> None:
        super().__init__(why, sent=sent)
        self.retry_after = retry_after


class Connection:
    """A connection that is open until ``close``, or until the server ends it."""

    def __init__(self, server: McpServer, resolved: Resolved) -> None:
        self.server = server
        self.resolved = resolved
        self.used = time.monotonic()
        self.users = 0
        self._tools: dict[str, ListedTool] | None = None
        self._listed = 0.0
        self._listing = asyncio.Lock()
        self._client: Client | None = None
        self._process: Process | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._errors = deque[str]()
        self._calls = set[Inputs]()
        self._owner = asyncio.create_task(self._own(), name=f"MCP server {server.name}")

    @property
    def alive(self) -> bool:
        if self._owner.done() or self._closing.is_set():
            return False
        return self._process is None or not hung_up(self._process)

    async def opened(self) -> None:
        """Wait until the connection is open.

        Raises:
            McpUnavailable: It cannot be opened, or not within the declared time.
            McpAccessDenied: The server refused the credentials.
        """
        await asyncio.wait([self._opened])
        self._opened.result()

    async def close(self) -> None:
        """Close the connection and end the server, if it is a child process."""
        self._closing.set()
        await asyncio.wait([self._owner])

    async def tools(self, most_age: float) -> Mapping[str, ListedTool]:
        """The server's tools by name, read at most so many seconds ago."""
        async with self._listing:
            if self._tools is None or time.monotonic() - self._listed > most_age:
                began = time.monotonic()
                self._tools = await self._list()
                self._listed = began
            return self._tools

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        meta: Mapping[str, Any],
        report: Callable[[str], None],
        inputs: Inputs,
    ) -> CallToolResult:
        """Call a tool; the result does not count if ``inputs.asked`` is set: a person has to answer first.

        Raises:
            Lost: The connection ended.
            MCPError: The server answered with an error.
        """

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            report(message or (f"{progress:g} of {total:g}" if total else f"{progress:g}"))

        params = CallToolRequestParams(
            name=tool, arguments=dict(arguments), _meta=cast("RequestParamsMeta", dict(meta))
        )
        for _ in range(_ROUNDS):
            request = CallToolRequest(params=params)
            result = await self._request(
                lambda client, request=request: client.session.send_request(  # type: ignore[misc]  # bound at once
                    request, _RESULT, progress_callback=on_progress
                ),
                inputs,
            )
            if isinstance(result, CallToolResult):
                return result
            answers = {key: inputs.answer_input(each) for key, each in (result.input_requests or {}).items()}
            if inputs.asked is not None:
                return CallToolResult(content=[])
            if not answers:
                await asyncio.sleep(_PAUSE)
            params = params.model_copy(
                update={"input_responses": answers or None, "request_state": result.request_state}
            )
        raise ToolError(f"the server asked for input more than {_ROUNDS} times")

    async def _request(self, send: Callable[[Client], Awaitable[R]], inputs: Inputs | None = None) -> R:
        if not self.alive or self._client is None:
            raise Lost("the connection has ended", sent=False)
        exchange = Exchange(inputs=inputs)
        request = asyncio.create_task(_sent(send(self._client), exchange))
        if inputs is not None:
            self._calls.add(inputs)
            request.add_done_callback(lambda _: self._calls.discard(inputs))
        try:
            await asyncio.wait([request, self._owner], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            request.cancel()  # tells the server, within bounds
            await asyncio.wait([request])
            raise
        if not request.done():
            # The transport is gone, so no answer will come.
            await asyncio.wait([request], timeout=1.0)
        if not request.done() or request.cancelled():
            request.cancel()
            raise Lost(self._why(), sent=True)
        error = request.exception()
        if error is None:
            return request.result()
        raise self._understood(error, exchange) from error

    def _understood(self, error: BaseException, exchange: Exchange) -> BaseException:
        """What a failed request means; the error itself if the server answered with it."""
        if exchange.error is not None:
            return Lost(self.resolved.redact(reason(exchange.error)), sent=exchange.sent)
        if connection_lost(error):
            return Lost(self._why(), sent=True)
        if exchange.status in DENIED:
            self._closing.set()
            return McpAccessDenied(f"server {self.server.name!r} answered with HTTP {exchange.status}")
        if exchange.status == _SESSION_UNKNOWN:
            self._closing.set()
            return Lost("the server has ended the session", sent=False)
        if exchange.status in NOT_DONE or exchange.status >= _SERVER_ERROR:
            why = f"server {self.server.name!r} answered with HTTP {exchange.status}"
            return Busy(why, sent=exchange.sent, retry_after=exchange.retry_after)
        return error

    async def _list(self) -> dict[str, ListedTool]:
        found: dict[str, ListedTool] = {}
        cursor: str | None = None
        while True:
            params = PaginatedRequestParams(cursor=cursor)
            page = await self._request(lambda client, at=params: client.session.list_tools(params=at))  # type: ignore[misc]  # bound at once
            for tool in page.tools:
                hints = tool.annotations.model_dump(by_alias=True) if tool.annotations else {}
                found[tool.name] = ListedTool.of(tool.name, tool.description or "", tool.input_schema, hints)
            cursor = page.next_cursor
            if cursor is None or len(found) >= MOST_LISTED:
                return found

    async def _own(self) -> None:
        exchange = Exchange()
        EXCHANGE.set(exchange)
        try:
            async with asyncio.timeout(self.server.connect_timeout) as limit:
                async with Client(
                    self._transport(),
                    cache=None,
                    client_info=_INFO,
                    elicitation_callback=self._on_elicitation,
                    message_handler=self._on_message,
                ) as client:
                    limit.reschedule(None)
                    self._client = client
                    self._opened.set_result(None)
                    await self._closing.wait()
        except BaseException as error:  # noqa: BLE001 - it is reported to the waiting calls
            if not self._opened.done():
                self._opened.set_exception(self._failed(error, exchange))
                self._opened.exception()  # retrieved, even if no call waits any more
            else:
                self._errors.append(reason(error))
        finally:
            self._client = None

    def _transport(self) -> Streams:
        if self.server.url:
            return http_streams(self.server, self.resolved)
        return child_process(self.server, self.resolved, self._errors, self._started, self._closing.set)

    def _started(self, process: Process) -> None:
        self._process = process

    def _failed(self, error: BaseException, exchange: Exchange) -> McpAccessDenied | McpUnavailable:
        where = f"server {self.server.name!r}"
        if exchange.status in DENIED:
            return McpAccessDenied(f"{where} answered with HTTP {exchange.status}")
        if isinstance(error, TimeoutError):
            why = f"not ready after {self.server.connect_timeout:g} s"
        else:
            cause = exchange.error or error
            why = f"HTTP {exchange.status}" if exchange.status else reason(cause)
        said = self._said()
        return McpUnavailable(
            self.resolved.redact(f"{where}: {why}{f': {said}' if said else ''}"),
            retry_after=exchange.retry_after,
        )

    def _why(self) -> str:
        said = self._said()
        return f"the connection ended{f': {said}' if said else ''}"

    def _said(self) -> str:
        """The last lines of the server's error output."""
        return preview(self.resolved.redact(" | ".join(list(self._errors)[-_SAID:])), 500)

    async def _on_elicitation(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult | ErrorData:
        inputs = EXCHANGE.get(Exchange()).inputs
        if inputs is None and len(self._calls) == 1:
            inputs = next(iter(self._calls))  # a pipe does not say to which call a question belongs
        if inputs is None:
            return ErrorData(
                code=INVALID_REQUEST,
                message="several calls are running, so it is not clear whose question this is",
            )
        return inputs.answer(params)

    async def _on_message(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._tools = None


async def _sent(request: Awaitable[R], exchange: Exchange) -> R:
    EXCHANGE.set(exchange)
    return await request
