"""A support agent of a bookshop: its database, tools, agents, HTTP API and tests."""
