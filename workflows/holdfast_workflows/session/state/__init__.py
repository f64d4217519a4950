"""The session's state, and what is derived from it."""
