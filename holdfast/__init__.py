"""The front door of Holdfast: declare agents and tools, and connect to where they run."""

from typing import TYPE_CHECKING

from holdfast_workflows.contracts.app import ToolContext
from holdfast_workflows.contracts.errors import (
    BadInput,
    HoldfastError,
    InvalidDeclaration,
    MessageTooLarge,
    ModelError,
    NoWorker,
    OutputInvalid,
    QueueFull,
    ServiceError,
    SessionBusy,
    SessionClosed,
    SessionNotFound,
    StepLimitReached,
    TemporalUnreachable,
    ToolError,
    ToolFailed,
    TurnCancelled,
    UnknownAgent,
)
from holdfast_workflows.contracts.spec import RetrySpec

from .agent import Agent
from .app import App
from .tool import Tool, tool

if TYPE_CHECKING:
    from holdfast_client import connect

__all__ = [
    "Agent",
    "App",
    "BadInput",
    "HoldfastError",
    "InvalidDeclaration",
    "MessageTooLarge",
    "ModelError",
    "NoWorker",
    "OutputInvalid",
    "QueueFull",
    "RetrySpec",
    "ServiceError",
    "SessionBusy",
    "SessionClosed",
    "SessionNotFound",
    "StepLimitReached",
    "TemporalUnreachable",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "TurnCancelled",
    "UnknownAgent",
    "connect",
    "tool",
]


def __getattr__(name: str) -> object:
    # Declaring agents needs no client, and Temporal's takes longer to import than all the rest.
    if name == "connect":
        from holdfast_client import connect

        return connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
