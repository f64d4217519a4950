"""Requests to Temporal: time limits, retries, errors, waiting."""
