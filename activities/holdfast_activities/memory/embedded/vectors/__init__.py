"""Cached vectors, exact search, and embedding everything again."""
