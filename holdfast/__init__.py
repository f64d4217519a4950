"""The front door of Holdfast: declare agents and tools, and connect to where they run."""

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
    "tool",
]
