"""A support agent of a bookshop: its database, tools, agents and tests."""
