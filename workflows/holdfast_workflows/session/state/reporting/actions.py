"""A count of the billable actions of a turn, as Temporal Cloud counts them.

Counted are requests, activities with their heartbeats, local activities, child sessions, timers and changes of search
attributes. Retries of activities are not known to the workflow, so it is an estimate.
"""

from typing import Any

from temporalio import workflow

_HEARTBEAT = 1.0
"""Seconds between heartbeats of an activity."""


def count(number: int = 1) -> None:
    """Count actions of the present session; nothing in other workflows."""
    session = workflow.instance()
    if isinstance(session, Counting):
        session.actions += number


def started(handle: workflow.ActivityHandle[Any], *, heartbeats: bool) -> None:
    """Count an activity, and its heartbeats once it has ended."""
    count()
    if heartbeats:
        began = workflow.time()
        handle.add_done_callback(lambda _: count(int((workflow.time() - began) / _HEARTBEAT)))


class Counting:
    """A workflow whose actions are counted."""

    actions = 1
    """Since the last turn ended; at first the start of the run."""
