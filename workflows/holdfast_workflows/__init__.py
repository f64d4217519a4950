"""Decisions only, deterministic: the agent session, and the contracts all rooms share."""
