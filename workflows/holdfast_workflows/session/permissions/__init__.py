"""Permissions of a session: every call is decided here before it is scheduled."""
