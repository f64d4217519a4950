"""Child sessions: what a parent gives to one, and what it gets back.

A child costs its parent a constant number of bytes: texts are in the log and passed by reference.
"""

import hashlib
from typing import Final, Literal

from ..agent.budget import Allowance, Budget, Spending
from ..base import Contract
from ..control.identity import Principal
from ..permissions.rules import Level
from ..session.entries import Usage

ChildStatus = Literal["done", "failed", "cancelled"]
Join = Literal["all", "first", "quorum"]
"""``all`` waits for every child, ``first`` for one that is done, ``quorum`` for several; the others are cancelled."""


_LONGEST_KEY: Final = 150


class Parent(Contract):
    """The place of a child session in its tree, given by the session or workflow that starts it."""

    session: str
    """The id of the session, team or fleet that starts the child."""
    root: str
    """The id of the tree's first session; the tree shares its account and its board."""
    depth: int
    """1 for a child of the root."""
    call: str = ""
    """The key of the tool call for which the child works; empty without one."""
    untrusted: str = ""
    """The first source of untrusted content that the parent has read; empty if it has read none."""
    budget: Budget | None = None
    """What the parent had left in steps, tool calls and seconds when it started the child."""
    allowance: Allowance | None = None
    """The accounts of the sessions above that have limits; the child's model calls are charged to them as well."""
    levels: tuple[Level, ...] = ()
    """Rules of the parent that also apply to the child's calls."""
    principal: Principal | None = None
    """Who started the root; None without an identity provider. The grant says the same, signed."""
    grant: str = ""
    """A worker's signature that the child may act for the principal; empty without an identity provider."""


def child_id(key: str, number: int = 0) -> str:
    """Return the id of the child for the call with ``key``: of the task at ``number`` if it has several."""
    if len(key) > _LONGEST_KEY:  # a child's id is part of the keys of its own calls
        key = f"{key[:_LONGEST_KEY]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    return f"{key}.{number}" if number else key


class ChildRequest(Contract):
    """A session to start for a tool call. The text of its message is stored under ``ref``."""

    text: str
    """The message's beginning, first for people."""
    id: str
    agent: str
    ref: str
    size: int = 0
    fallbacks: tuple[str, ...] = ()
    """Agents that get the message, in order, if the one before fails."""


class Children(Contract):
    """The sessions that a tool call needs before it has a result."""

    requests: tuple[ChildRequest, ...]
    join: Join = "all"
    quorum: int = 1
    timeout: float | None = None
    """Seconds for each attempt of each child; None for no limit."""
    max_steps: int | None = None


class ChildOutcome(Contract):
    """How a child session ended. Its reply is at ``reply_seq`` in the log of the session ``id``."""

    id: str
    agent: str
    status: ChildStatus
    reply_seq: int = 0
    error_code: str = ""
    error: str = ""
    """The error's beginning."""
    usage: Usage = Usage()
    spending: Spending = Spending()
    """Its steps and tool calls, with those of its own children; zero if it was cancelled."""
    tried: tuple[str, ...] = ()
    """Agents that failed before ``agent``, each with its error's code: ``researcher: model_unavailable``."""
