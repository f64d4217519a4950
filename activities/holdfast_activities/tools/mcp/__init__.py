"""MCP servers as tools: connections, tool lists, calls.

Import ``servers`` only in workers whose app has an MCP server: the ``mcp`` package takes half a second to load.
"""
