"""Inputs, views and results of sessions, turns and steps."""
