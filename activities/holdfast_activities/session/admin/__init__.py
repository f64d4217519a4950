"""Standalone activities for clients and operators."""
