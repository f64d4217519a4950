"""Permissions: their evaluation, and sessions that are bound by them."""
