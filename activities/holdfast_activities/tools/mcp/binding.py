"""One tool of a server, as a session pinned it."""

from collections.abc import Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from holdfast_activities.tools.questions import InputNeeded
from holdfast_workflows.contracts.agent.app import BEGIN, INPUTS, ToolContext
from holdfast_workflows.contracts.agent.mcp import CredentialsContext, McpServer
from holdfast_workflows.contracts.agent.spec import McpTool, ToolSpec
from holdfast_workflows.contracts.errors import (
    EffectUnknown,
    McpAccessDenied,
    McpSessionLost,
    McpToolChanged,
    ToolError,
    ToolFailed,
)

from .connection import Busy, Connection, Lost
from .credentials import Resolved, resolve
from .elicitation import Inputs, consent, consent_by_url
from .pool import Pool
from .results import text_of
from .schema import ArgumentSchema

KEY = "holdfast/idempotency-key"
"""The field of a call's ``_meta`` with its idempotency key."""


class McpBinding:
    """Calls a tool of a server; a ``ToolBinding``."""

    def __init__(self, spec: ToolSpec, pin: McpTool, server: McpServer, pool: Pool) -> None:
        self.spec = spec
        self._pin = pin
        self._server = server
        self._pool = pool
        self._schema = ArgumentSchema(spec.parameters)

    def validate(self, arguments: str) -> dict[str, Any]:
        return self._schema.read(arguments)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Call the tool, unless its server has changed it since it was pinned.

        Raises:
            ToolError: The server answered with an error.
            InputNeeded: The server, or the user's consent to it, needs a person first.
            McpToolChanged: Its description or schema is not the pinned one.
            McpUnavailable: The server cannot be reached, so the call was not made.
            McpSessionLost: The connection ended during the call, which may be repeated.
            EffectUnknown: It ended during a call that must not be repeated.
        """
        try:
            return await self._reach(arguments, context)
        except McpAccessDenied as error:
            if self._server.credentials is None:
                raise
            raise InputNeeded(consent(self._server.name, error.detail)) from error

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        raise EffectUnknown(f"tool {self.spec.name!r} has no probe")

    async def _reach(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Call the tool; once more if the server has certainly not seen the call."""
        resolved = await resolve(self._server, about(self._server, context))
        try:
            return await self._call(arguments, context, resolved)
        except Lost as first:
            if first.sent or isinstance(first, Busy):
                raise self._failed(first) from first
        # The server has not seen the call, for example since it was restarted.
        try:
            return await self._call(arguments, context, resolved)
        except Lost as again:
            raise self._failed(again) from again

    async def _call(self, arguments: Mapping[str, Any], context: ToolContext, resolved: Resolved) -> str:
        async with self._pool.connection(self._server, resolved) as connection:
            await self._expect_pinned(connection)
            BEGIN.get()()
            inputs = Inputs(self._server.name, INPUTS.get())
            meta = {KEY: context.key}
            try:
                result = await connection.call(self._pin.tool, arguments, meta, context.heartbeat, inputs)
            except MCPError as error:
                if question := inputs.asked or consent_by_url(self._server.name, error):
                    raise InputNeeded(question) from error
                raise ToolError(resolved.redact(error.message)) from error
            if inputs.asked is not None:
                raise InputNeeded(inputs.asked)
            return resolved.redact(_read(result, resolved))

    async def _expect_pinned(self, connection: Connection) -> None:
        """Refuse a tool that is not the one that the session pinned."""
        present = (await connection.tools(self._server.refresh)).get(self._pin.tool)
        if present is None or present.digest != self._pin.digest:
            change = "no longer has" if present is None else "has changed"
            raise McpToolChanged(
                f"server {self._server.name!r} {change} the tool {self._pin.tool!r} since this session began, so it "
                "was not called; an operator has to accept the change"
            )

    def _failed(self, lost: Lost) -> ToolFailed:
        if lost.sent and self.spec.effect == "once":
            return EffectUnknown(
                f"the connection to server {self._server.name!r} was lost during the call: {lost}"
            )
        after = lost.retry_after if isinstance(lost, Busy) else None
        return McpSessionLost(f"server {self._server.name!r}: {lost}", retry_after=after)


def about(server: McpServer, context: ToolContext) -> CredentialsContext[Any]:
    """The session for which a server's credentials are resolved."""
    return CredentialsContext(
        server=server.name,
        agent=context.agent,
        session=context.session,
        tenant=context.tenant,
        user=context.user,
        deps=context.deps,
    )


def _read(result: CallToolResult, resolved: Resolved) -> str:
    text = text_of(result)
    if result.is_error:
        raise ToolError(resolved.redact(text) or "the tool failed without a message")
    return text
