"""An app as an MCP server: one tool per agent, one task per call."""
