"""Forks of sessions, cases made of sessions, and their outcomes."""
