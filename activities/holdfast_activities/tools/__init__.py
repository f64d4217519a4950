"""Tools whose functions workers provide.

contract_tool   a tool whose arguments are a contract
provided        makes the functions of HTTP and code tools
http            HTTP requests behind an egress guard
code            programs in an operating-system sandbox
mcp             tools of MCP servers
"""
