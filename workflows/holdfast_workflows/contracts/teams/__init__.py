"""Contracts of teams: sessions that start other sessions."""
