"""Errors of MCP servers and their tools."""

from .requests import BadInput
from .runs import ToolFailed


class McpToolsInvalid(BadInput, code="mcp_tools_invalid"):
    """The MCP server's tools cannot be offered to the model; choose tools with MCPServer(allow=[…]) or deny=[…], or another prefix."""


class McpUnavailable(ToolFailed, code="mcp_unavailable", retryable=True):
    """The MCP server cannot be reached; check its command or URL, or let sessions start without it by MCPServer(optional=True)."""


class McpSessionLost(ToolFailed, code="mcp_session_lost", retryable=True):
    """The connection to the MCP server was lost during the call; the next attempt connects again."""


class McpToolChanged(ToolFailed, code="mcp_tool_changed", retryable=False):
    """The MCP server has changed or removed the tool since the session began, so it was not called; review it with `holdfast mcp tools`, then accept it with `holdfast repin`."""


class McpAccessDenied(ToolFailed, code="mcp_access_denied", retryable=False):
    """The MCP server refused the credentials; renew them, or have the user give consent again."""
