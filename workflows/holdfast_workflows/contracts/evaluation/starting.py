"""The start of a fork, as the worker that prepares it signs it and the client sends it."""

from ..control.assertions import digest_of
from ..session.session import StartInput
from .forks import PreparedFork


def start_of(found: PreparedFork) -> StartInput:
    """Return the start of a prepared fork."""
    return StartInput(
        agent=found.agent,
        tenant=found.tenant,
        user=found.user,
        mode="task",  # it ends with its turn
        max_steps=found.max_steps,
        budget=found.budget,
        permissions=found.permissions,
        fork=found.fork,
    )


def fork_digest(start: StartInput) -> str:
    """Return the digest of a fork's start, for the grant that it carries; empty for other starts."""
    if start.fork is None:
        return ""
    return digest_of([start.model_copy(update={"fork": start.fork.model_copy(update={"grant": ""})})])
