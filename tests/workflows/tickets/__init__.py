"""Calls whose result comes later."""
