"""Agents as tools of an MCP server. Importing it takes half a second: the ``mcp`` package."""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

from holdfast_client.client import Client
from holdfast_client.requests.tracing import continued
from holdfast_client.serving.callers import Callers
from holdfast_client.session import Session
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.operations.content import AgentInfo
from holdfast_workflows.contracts.problems import problem_of
from holdfast_workflows.contracts.text.unicode import dump_json

from .progress import Progress

KEY = "holdfast/idempotency-key"
"""In a call's ``_meta``: calls with the same key are the same task."""
SESSION = "holdfast/session"
"""In a result's ``_meta``: the id of the task's session."""

_CANCELLING = 15.0
"""Seconds for a cancelled task to end its tools."""

_INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string", "minLength": 1, "description": "What the agent shall do."}},
    "required": ["message"],
    "additionalProperties": False,
}

Context = ServerRequestContext[Any, Any]


class AgentServer:
    """An MCP server whose tools are the agents of a task queue."""

    def __init__(
        self,
        client: Client | Callers,
        *,
        tenant: str = "",
        user: str = "",
        agents: tuple[str, ...] = (),
    ) -> None:
        """Serve the named agents, or all. Tasks run for ``tenant`` and ``user``, or as their callers."""
        self._client = client
        self._tenant = tenant
        self._user = user
        self._only = agents
        self.server: Server[Any] = Server("holdfast", on_list_tools=self._list, on_call_tool=self._call)

    async def _client_of(self, context: Context) -> Client:
        if isinstance(self._client, Client):
            return self._client
        return await self._client.client(_headers(context).get("authorization", ""))

    async def _list(self, context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        try:
            agents = await self._agents(await self._client_of(context))
        except HoldfastError as error:
            raise MCPError(_SERVICE, str(error), _problem(error)) from error
        return ListToolsResult(tools=[_tool(agent) for agent in agents])

    async def _agents(self, client: Client) -> list[AgentInfo]:
        return [each for each in await client.agents() if not self._only or each.name in self._only]

    async def _call(
        self, context: Context, call: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """Run the task of a call; its failure is a result, with the error's code in the structured content."""
        try:
            client = await self._client_of(context)
            agent = next((each for each in await self._agents(client) if each.name == call.name), None)
            if agent is None:
                raise MCPError(INVALID_PARAMS, f"no agent is named {call.name!r}")
            # What the call's _meta names is active already, and counts before the headers.
            with continued(_headers(context)):
                session = await client.start_task(
                    agent.name,
                    _message(call.arguments or {}),
                    id=await self._id(client, agent.name, context.meta),
                    tenant=self._tenant,
                    user=self._user,
                    streaming=_wants_progress(context),
                )
        except HoldfastError as error:
            return _failed(error, "")
        return await self._finish(context, agent, session)

    async def _finish(self, context: Context, agent: AgentInfo, session: Session) -> CallToolResult:
        following = asyncio.create_task(_follow(context, session)) if _wants_progress(context) else None
        try:
            reply = await session.result()
        except HoldfastError as error:
            return _failed(error, session.id)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True), suppress(HoldfastError):
                await session.cancel("cancelled by the MCP client", timeout=_CANCELLING)
            raise
        finally:
            if following is not None:
                following.cancel()
        structured = reply.output if agent.output_schema is not None else None
        return CallToolResult(
            content=[TextContent(type="text", text=reply.text)],
            structured_content=structured,
            _meta={SESSION: session.id},
        )

    async def _id(self, client: Client, agent: str, meta: Mapping[str, Any] | None) -> str:
        """The session's id: the same for calls of the same caller with the same key."""
        key = (meta or {}).get(KEY)
        if not isinstance(key, str) or not key:
            return f"mcp-{agent}-{uuid.uuid4().hex[:12]}"
        caller = [self._tenant, self._user]
        if isinstance(self._client, Callers):
            principal = await client.whoami()
            caller = [principal.tenant, principal.id]
        named = dump_json([*caller, agent, key])
        return f"mcp-{agent}-{hashlib.sha256(named.encode()).hexdigest()[:24]}"


_SERVICE = -32_000
"""JSON-RPC's code for an error of the server."""


def _tool(agent: AgentInfo) -> Tool:
    return Tool(
        name=agent.name,
        description=agent.description or f"Give a task to the agent {agent.name}.",
        input_schema=_INPUT,
        output_schema=agent.output_schema,
    )


def _message(arguments: Mapping[str, Any]) -> str:
    message = arguments.get("message")
    if not isinstance(message, str) or not message.strip() or set(arguments) != {"message"}:
        raise MCPError(INVALID_PARAMS, "the arguments are one text: message")
    return message


def _headers(context: Context) -> Mapping[str, str]:
    """The headers of the HTTP request; none over standard input."""
    return context.request.headers if context.request else {}


def _wants_progress(context: Context) -> bool:
    return "progress_token" in (context.meta or {})


async def _follow(context: Context, session: Session) -> None:
    async def report(count: float, message: str) -> None:
        await context.session.report_progress(count, None, message)

    with suppress(HoldfastError):  # the result reports what went wrong
        await Progress(report).follow(session)


def _failed(error: HoldfastError, session: str) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=str(error))],
        structured_content={"error": _problem(error)},
        is_error=True,
        _meta={SESSION: session} if session else None,
    )


def _problem(error: HoldfastError) -> dict[str, Any]:
    return problem_of(error).model_dump(mode="json")
