"""Tools: typed functions, HTTP requests, programs, MCP servers, and what a client carries out."""
