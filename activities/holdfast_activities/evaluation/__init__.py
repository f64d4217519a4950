"""Forks: the step to take again, the copy of the log, and recorded results instead of calls."""
