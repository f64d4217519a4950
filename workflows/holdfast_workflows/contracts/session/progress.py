"""Progress of running activities: the details of their heartbeats."""

from ..base import Contract


class Partial(Contract):
    """Heartbeat details of a ``think`` activity while the model streams."""

    turn: int
    step: int
    seq: int
    text: str = ""
    steps: int = 0
    """Steps of this activity that are settled already."""
    tried: int = 0
    """Attempts of the model call that failed before this one."""


class ToolProgress(Contract):
    """Heartbeat details of a tool call, from ``ToolContext.heartbeat``."""

    name: str
    detail: str = ""
