"""Forks of sessions, their comparison, and cases made of sessions."""
