"""Tools whose functions workers provide.

contract_tool   a tool whose arguments are a contract
provided        makes the functions of HTTP tools
http            HTTP requests behind an egress guard
mcp             tools of MCP servers
"""
