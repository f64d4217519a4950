"""Deadlines and circuit breakers for stores and embedders."""
