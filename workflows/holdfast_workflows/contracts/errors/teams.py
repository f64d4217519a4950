"""Errors of child sessions."""

from .runs import ToolError


class ChildFailed(ToolError, code="child_failed"):
    """An agent that was given a task did not complete it; see the detail for what was tried, and `holdfast show` with the child's id."""


class ChildTimedOut(ChildFailed, code="child_timed_out"):
    """An agent that was given a task did not reply in time; raise Delegate(timeout=…), or give it less to do."""
