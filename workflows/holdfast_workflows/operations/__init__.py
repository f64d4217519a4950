"""Workflows that operate a deployment."""
