"""Permissions: rules on tool calls as data, and their evaluation, which is pure and never raises."""
