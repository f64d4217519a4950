"""Checks and set-up before a worker serves."""
