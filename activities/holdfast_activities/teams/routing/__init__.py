"""Choosing an agent for a session: what is known about agents, their ranking, the activity that routes."""
