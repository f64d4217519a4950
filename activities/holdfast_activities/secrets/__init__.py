"""Secrets: reading what a reference names."""
