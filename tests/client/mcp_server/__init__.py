"""An app as an MCP server, used by the client of the ``mcp`` package."""
