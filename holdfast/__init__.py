"""The front door of Holdfast: declare agents and tools, and connect to where they run."""

from typing import TYPE_CHECKING

from holdfast_workflows.contracts.app import ToolContext
from holdfast_workflows.contracts.budget import BudgetSpec as Budget
from holdfast_workflows.contracts.circuits import TenantLimits
from holdfast_workflows.contracts.errors import (
    AllProvidersFailed,
    BadInput,
    BudgetExhausted,
    EffectUnknown,
    HoldfastError,
    InvalidDeclaration,
    LoopDetected,
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
    TurnNotEnded,
    UnknownAgent,
)
from holdfast_workflows.contracts.memory import MemorySpec as Memory
from holdfast_workflows.contracts.memory import Turn
from holdfast_workflows.contracts.resorts import CachedReply, ErrorReply, HandOff, SimplifiedReply
from holdfast_workflows.contracts.spec import RetrySpec

from .agent import Agent
from .app import App
from .memory import open_memory
from .tool import Tool, tool

if TYPE_CHECKING:
    from holdfast_client import connect

__all__ = [
    "Agent",
    "AllProvidersFailed",
    "App",
    "BadInput",
    "Budget",
    "BudgetExhausted",
    "CachedReply",
    "EffectUnknown",
    "ErrorReply",
    "HandOff",
    "HoldfastError",
    "InvalidDeclaration",
    "LoopDetected",
    "Memory",
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
    "SimplifiedReply",
    "StepLimitReached",
    "TemporalUnreachable",
    "TenantLimits",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "Turn",
    "TurnCancelled",
    "TurnNotEnded",
    "UnknownAgent",
    "connect",
    "open_memory",
    "tool",
]


def __getattr__(name: str) -> object:
    # Declaring agents needs no client, and Temporal's takes longer to import than all the rest.
    if name == "connect":
        from holdfast_client import connect

        return connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
