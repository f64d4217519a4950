"""The client SDK and the command line.

client, session   start, send, stream, watch, control
sync              the client without async
stream            events of a running session
command           the command line
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .client import Client, connect
    from .operations.listing import SessionInfo
    from .reply import Reply
    from .session import Session
    from .stream.events import (
        AgentChanged,
        BudgetChanged,
        Compacted,
        Decided,
        FallbackUsed,
        HandedOver,
        ModelChanged,
        NeedsPerson,
        PermissionDecided,
        PlanChanged,
        Recalled,
        Status,
        StepEnded,
        StreamEvent,
        TextDelta,
        TextRestart,
        ToolEnded,
        ToolProgress,
        ToolStarted,
        TurnEnded,
        TurnStarted,
        Undone,
        Waiting,
    )

__all__ = [
    "AgentChanged", "BudgetChanged", "Client", "Compacted", "Decided", "FallbackUsed", "HandedOver", "ModelChanged", "NeedsPerson",
    "PermissionDecided", "PlanChanged", "Recalled", "Reply", "Session", "SessionInfo", "Status", "StepEnded",
    "StreamEvent",
    "TextDelta", "TextRestart", "ToolEnded", "ToolProgress", "ToolStarted", "TurnEnded", "TurnStarted",
    "Undone", "Waiting", "connect",
]  # fmt: skip

_MODULES: Final = {
    "Client": "client",
    "connect": "client",
    "Reply": "reply",
    "Session": "session",
    "SessionInfo": "operations.listing",
}
"""Where names are defined that are not events."""


def __getattr__(name: str) -> object:
    # Imported at first use: --help must not import Temporal's client, which is slow.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'stream.events')}"), name)
