"""Commands that serve agents to programs of other makers: by A2A, by MCP."""
