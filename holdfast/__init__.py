"""The front door of Holdfast: declare agents and tools, and connect to where they run."""

from typing import TYPE_CHECKING

from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.budget import Budget as Budget
from holdfast_workflows.contracts.agent.fallbacks import AskHuman, CachedReply, ErrorReply, SimplifiedReply
from holdfast_workflows.contracts.agent.memory import Memory as Memory
from holdfast_workflows.contracts.agent.memory import MemoryTurn
from holdfast_workflows.contracts.agent.spec import RetryPolicy
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
from holdfast_workflows.contracts.operations.breakers import TenantLimits

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
    "AskHuman",
    "BadInput",
    "Budget",
    "BudgetExhausted",
    "CachedReply",
    "EffectUnknown",
    "ErrorReply",
    "HoldfastError",
    "InvalidDeclaration",
    "LoopDetected",
    "Memory",
    "MemoryTurn",
    "MessageTooLarge",
    "ModelError",
    "NoWorker",
    "OutputInvalid",
    "QueueFull",
    "RetryPolicy",
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
