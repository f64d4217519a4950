"""Handoffs: the arguments of the tools with which an agent hands a session off to another agent."""

from pydantic import Field

from ..base import Contract
from ..text.model_json import Reader


class HandoffSettings(Contract):
    """The agent that goes on with the session."""

    agent: str


class Handoff(Contract):
    """Arguments of a handoff."""

    reason: str = Field(default="", max_length=2_000)


HANDOFF = Reader(Handoff)
"""Reader of the arguments of a handoff."""
