"""Memories in backups."""
