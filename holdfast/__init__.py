"""The public API: declare agents, tools and apps; start, follow and operate their sessions.

sync       the client without async
testing    the test kit
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from .exports import HOME

if TYPE_CHECKING:
    from holdfast_activities.memory.library import OpenMemory
    from holdfast_client.agents import DeclaredAgent
    from holdfast_client.client import Client, connect
    from holdfast_client.debugging.imported import ImportedSession, open_bundle
    from holdfast_client.debugging.spans import Span, Trace, TurnTrace
    from holdfast_client.evaluation.methods import ForkOptions
    from holdfast_client.operations.auditing import AuditFilter
    from holdfast_client.operations.listing import SessionInfo
    from holdfast_client.operations.maintenance import MaintenanceClient, MaintenanceRun
    from holdfast_client.operations.monitor import MonitorClient
    from holdfast_client.operations.stored.boards import BoardClient
    from holdfast_client.operations.stored.erasing import Erased
    from holdfast_client.operations.stored.memory import MemoryClient
    from holdfast_client.operations.stored.retention import HoldClient, RetentionClient
    from holdfast_client.operations.trees import SessionTree
    from holdfast_client.reply import Reply
    from holdfast_client.requests.starting import (
        ConversationOptions,
        RunOptions,
        SessionOptions,
        StartOptions,
    )
    from holdfast_client.schedules.schedules import ScheduleOptions, Schedules
    from holdfast_client.session import Session
    from holdfast_client.stream.events import (
        AgentChanged,
        BudgetChanged,
        ChildEnded,
        ChildStarted,
        Compacted,
        Decided,
        FallbackUsed,
        HandedOver,
        ModelChanged,
        NeedsPerson,
        PermissionDecided,
        PlanChanged,
        Recalled,
        Routed,
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
    from holdfast_client.teams.fleet import Fleet
    from holdfast_client.teams.fleet_result import FleetResult
    from holdfast_client.teams.fleets import FleetInfo, FleetOptions, Fleets
    from holdfast_workflows.contracts.agent.app import InstructionsContext, ToolContext
    from holdfast_workflows.contracts.agent.approvals import Approvals
    from holdfast_workflows.contracts.agent.budget import Budget, BudgetAccount, Spending
    from holdfast_workflows.contracts.agent.fallbacks import (
        AskHuman,
        CachedReply,
        ErrorReply,
        OtherAgent,
        SimplifiedReply,
    )
    from holdfast_workflows.contracts.agent.mcp import CredentialsContext
    from holdfast_workflows.contracts.agent.memory import (
        MaintenanceReport,
        Memory,
        MemoryStats,
        MemoryTurn,
        MemoryView,
        MigrateResult,
        PlanItem,
        TaskReport,
    )
    from holdfast_workflows.contracts.agent.pii import PersonalData
    from holdfast_workflows.contracts.agent.spec import (
        AgentSpec,
        BoardTool,
        McpTool,
        OutputSpec,
        RetryPolicy,
        ToolSpec,
    )
    from holdfast_workflows.contracts.control.approvals import Approval, SignedAnswer
    from holdfast_workflows.contracts.control.audit import AuditEntry, AuditRecord
    from holdfast_workflows.contracts.control.inbox import Handover, InboxItem, OpenTicket
    from holdfast_workflows.contracts.control.notifications import Apprise, Webhook
    from holdfast_workflows.contracts.control.secrets import Secret
    from holdfast_workflows.contracts.errors import (
        A2aAccessDenied,
        AllAgentsBusy,
        AllProvidersFailed,
        AppBroken,
        AppMismatch,
        AppNotFound,
        ApprovalInvalid,
        AuditBroken,
        BackupDamaged,
        BackupFailed,
        BackupMissing,
        BackupUnreadable,
        BadInput,
        BoardConflict,
        BoardFull,
        BreakerOpen,
        BreakerUnknown,
        BudgetExhausted,
        ChildFailed,
        ChildTimedOut,
        ClearRefused,
        ContentFiltered,
        ContentRemoved,
        ContextTooLong,
        DatabaseMismatch,
        DecryptionFailed,
        DevServerFailed,
        DevServerMissing,
        EffectUnknown,
        EgressRefused,
        EmbedderBroken,
        EmbeddingFailed,
        EmbeddingMismatch,
        EmptyReply,
        EncryptionError,
        HandoverUnanswered,
        HoldfastError,
        InsecureConnection,
        InstructionsFailed,
        InvalidCredential,
        InvalidDeclaration,
        KeyInUse,
        KeysInvalid,
        KeysMissing,
        KeyUnknown,
        LifespanFailed,
        LimitReached,
        LoopDetected,
        MalformedReply,
        McpAccessDenied,
        McpSessionLost,
        McpToolChanged,
        McpToolsInvalid,
        McpUnavailable,
        MemoriesNotBackedUp,
        MemoriesNotEmpty,
        MemoryFailed,
        MemoryUnavailable,
        MessageTooLarge,
        ModelError,
        ModelRefused,
        ModelRejected,
        ModelStopped,
        ModelTransient,
        ModelUnpriced,
        NoCachedReply,
        NoCapableAgent,
        NoIdentityProvider,
        NothingToDo,
        NotificationFailed,
        NotPermitted,
        NoWorker,
        OutputCutOff,
        OutputInvalid,
        PortTaken,
        ProviderQuota,
        QueueFull,
        QueueUnserved,
        RateLimited,
        ResultNotText,
        ResultTooLarge,
        SandboxUnavailable,
        ScheduleNotFound,
        SearchAttributesMissing,
        SecretMissing,
        ServiceError,
        SessionBusy,
        SessionClosed,
        SessionNotFound,
        SessionRunning,
        SettingsInvalid,
        StateBehind,
        StateDamaged,
        StateError,
        StateInUse,
        StateNotEmpty,
        StateNotMigrated,
        StateReplaced,
        StateUnavailable,
        StepLimitReached,
        TemporalUnreachable,
        ToolArgumentsInvalid,
        ToolError,
        ToolFailed,
        TurnCancelled,
        TurnNotEnded,
        Unclassified,
        UnderHold,
        UnknownAgent,
        VersionConflict,
        WorkerMissing,
    )
    from holdfast_workflows.contracts.evaluation.cases import (
        Case,
        CaseSource,
        ExpectAtMost,
        ExpectCall,
        ExpectFunction,
        ExpectJudge,
        ExpectOutput,
        ExpectStatus,
        ExpectText,
    )
    from holdfast_workflows.contracts.evaluation.forks import ForkSource
    from holdfast_workflows.contracts.evaluation.outcomes import Comparison, Outcome, OutcomeCall
    from holdfast_workflows.contracts.operations.breakers import BreakerView, TenantLimits
    from holdfast_workflows.contracts.operations.content import AgentInfo
    from holdfast_workflows.contracts.operations.costs import CostForecast, CostReport, CostRow
    from holdfast_workflows.contracts.operations.debugging import DebugMode, DebugRecord
    from holdfast_workflows.contracts.operations.effects import EffectView
    from holdfast_workflows.contracts.operations.monitor import (
        MonitorAnalysis,
        MonitorChange,
        MonitorReport,
        Recommendation,
    )
    from holdfast_workflows.contracts.operations.patterns import Pattern, Patterns
    from holdfast_workflows.contracts.operations.retention import Hold, Removed, RetentionRule
    from holdfast_workflows.contracts.operations.schedules import ScheduleRun, ScheduleView
    from holdfast_workflows.contracts.permissions.rules import Condition, Permissions, Rule
    from holdfast_workflows.contracts.problems import Problem
    from holdfast_workflows.contracts.session.entries import (
        MemoryEntry,
        RecalledMemory,
        ReplyEntry,
        ResultEntry,
        SummaryEntry,
        ToolCall,
        Usage,
        UserEntry,
    )
    from holdfast_workflows.contracts.session.manifests import Manifest, ManifestItem
    from holdfast_workflows.contracts.session.session import Event, SessionView, TurnView
    from holdfast_workflows.contracts.teams.agent_loads import AgentLoad
    from holdfast_workflows.contracts.teams.board import BoardEntry
    from holdfast_workflows.contracts.teams.fleets import FleetError, FleetReport
    from holdfast_workflows.contracts.teams.routing import Route, Router, Routing, When
    from holdfast_workflows.contracts.teams.team import TeamMember, TeamSpec
    from holdfast_workflows.contracts.teams.views import ChildView, TeamView
    from holdfast_workflows.contracts.tools.session_values import SessionValue, SessionValues
    from holdfast_workflows.contracts.tools.tickets import Ticket

    from .agent import Agent
    from .app import App
    from .memory import open_memory
    from .permissions import Argument, allow, arg, ask, called, deny, untrusted
    from .teams.a2a import A2AAgent
    from .teams.board import Board
    from .teams.delegate import Delegate, FanOut, TeamTool
    from .teams.handoff import Handoff
    from .teams.team import Debate, Parallel, Pipeline, Stage, Team, TeamOptions
    from .tools.client_tool import client_tool
    from .tools.code_tool import CodeTool
    from .tools.http_tool import HttpTool
    from .tools.mcp_server import MCPServer
    from .tools.tool import Tool, tool

_SUBMODULES: Final = ("sync", "testing")

__all__ = [
    "A2AAgent", "A2aAccessDenied", "Agent", "AgentChanged", "AgentInfo", "AgentLoad", "AgentSpec",
    "AllAgentsBusy", "AllProvidersFailed", "App", "AppBroken", "AppMismatch", "AppNotFound", "Apprise",
    "Approval", "ApprovalInvalid", "Approvals", "Argument", "AskHuman", "AuditBroken", "AuditEntry",
    "AuditFilter", "AuditRecord", "BackupDamaged", "BackupFailed", "BackupMissing", "BackupUnreadable",
    "BadInput", "Board", "BoardClient", "BoardConflict", "BoardEntry", "BoardFull", "BoardTool",
    "BreakerOpen", "BreakerUnknown", "BreakerView", "Budget", "BudgetAccount", "BudgetChanged",
    "BudgetExhausted", "CachedReply", "Case", "CaseSource", "ChildEnded", "ChildFailed", "ChildStarted",
    "ChildTimedOut", "ChildView", "ClearRefused", "Client", "CodeTool", "Compacted", "Comparison",
    "Condition", "ContentFiltered", "ContentRemoved", "ContextTooLong", "ConversationOptions",
    "CostForecast", "CostReport", "CostRow", "CredentialsContext", "DatabaseMismatch", "Debate",
    "DebugMode", "DebugRecord", "Decided", "DeclaredAgent", "DecryptionFailed", "Delegate",
    "DevServerFailed", "DevServerMissing", "EffectUnknown", "EffectView", "EgressRefused",
    "EmbedderBroken", "EmbeddingFailed", "EmbeddingMismatch", "EmptyReply", "EncryptionError", "Erased",
    "ErrorReply", "Event", "ExpectAtMost", "ExpectCall", "ExpectFunction", "ExpectJudge",
    "ExpectOutput", "ExpectStatus", "ExpectText", "FallbackUsed", "FanOut", "Fleet", "FleetError",
    "FleetInfo", "FleetOptions", "FleetReport", "FleetResult", "Fleets", "ForkOptions", "ForkSource",
    "HandedOver", "Handoff", "Handover", "HandoverUnanswered", "Hold", "HoldClient", "HoldfastError",
    "HttpTool", "ImportedSession", "InboxItem", "InsecureConnection", "InstructionsContext",
    "InstructionsFailed", "InvalidCredential", "InvalidDeclaration", "KeyInUse", "KeyUnknown",
    "KeysInvalid", "KeysMissing", "LifespanFailed", "LimitReached", "LoopDetected", "MCPServer",
    "MaintenanceClient", "MaintenanceReport", "MaintenanceRun", "MalformedReply", "Manifest",
    "ManifestItem", "McpAccessDenied", "McpSessionLost", "McpTool", "McpToolChanged", "McpToolsInvalid",
    "McpUnavailable", "MemoriesNotBackedUp", "MemoriesNotEmpty", "Memory", "MemoryClient",
    "MemoryEntry", "MemoryFailed", "MemoryStats",
    "MemoryTurn", "MemoryUnavailable", "MemoryView", "MessageTooLarge", "MigrateResult", "ModelChanged",
    "ModelError", "ModelRefused", "ModelRejected", "ModelStopped", "ModelTransient", "ModelUnpriced",
    "MonitorAnalysis", "MonitorChange", "MonitorClient", "MonitorReport", "NeedsPerson",
    "NoCachedReply", "NoCapableAgent", "NoIdentityProvider", "NoWorker", "NotPermitted", "NothingToDo",
    "NotificationFailed", "OpenMemory", "OpenTicket", "OtherAgent", "Outcome", "OutcomeCall",
    "OutputCutOff", "OutputInvalid", "OutputSpec", "Parallel", "Pattern", "Patterns",
    "PermissionDecided", "Permissions", "PersonalData", "Pipeline", "PlanChanged", "PlanItem",
    "PortTaken", "Problem", "ProviderQuota", "QueueFull", "QueueUnserved", "RateLimited", "Recalled",
    "RecalledMemory", "Recommendation", "Removed", "Reply", "ReplyEntry", "ResultEntry",
    "ResultNotText", "ResultTooLarge", "RetentionClient", "RetentionRule", "RetryPolicy", "Route",
    "Routed", "Router", "Routing", "Rule", "RunOptions", "SandboxUnavailable", "ScheduleNotFound",
    "ScheduleOptions", "ScheduleRun", "ScheduleView", "Schedules", "SearchAttributesMissing", "Secret",
    "SecretMissing", "ServiceError", "Session", "SessionBusy", "SessionClosed", "SessionInfo",
    "SessionNotFound", "SessionOptions", "SessionRunning", "SessionTree", "SessionValue",
    "SessionValues", "SessionView", "SettingsInvalid", "SignedAnswer", "SimplifiedReply", "Span",
    "Spending", "Stage", "StartOptions", "StateBehind", "StateDamaged", "StateError", "StateInUse", "StateNotEmpty",
    "StateNotMigrated", "StateReplaced", "StateUnavailable", "Status", "StepEnded", "StepLimitReached",
    "StreamEvent", "SummaryEntry", "TaskReport", "Team", "TeamMember", "TeamOptions", "TeamSpec",
    "TeamTool", "TeamView", "TemporalUnreachable", "TenantLimits", "TextDelta", "TextRestart", "Ticket",
    "Tool", "ToolArgumentsInvalid", "ToolCall", "ToolContext", "ToolEnded", "ToolError", "ToolFailed",
    "ToolProgress", "ToolSpec", "ToolStarted", "Trace", "TurnCancelled", "TurnEnded", "TurnNotEnded",
    "TurnStarted", "TurnTrace", "TurnView", "Unclassified", "UnderHold", "Undone", "UnknownAgent",
    "Usage", "UserEntry", "VersionConflict", "Waiting", "Webhook", "When", "WorkerMissing", "allow",
    "arg", "ask", "called", "client_tool", "connect", "deny", "open_bundle", "open_memory", "tool",
    "untrusted",
]  # fmt: skip


if not TYPE_CHECKING:  # type checkers know the names, and with this would accept any other

    def __getattr__(name: str) -> object:
        if name in _SUBMODULES:
            return import_module(f"{__name__}.{name}")
        if name not in HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(HOME[name], __name__), name)
        setattr(sys.modules[__name__], name, found)
        return found


def __dir__() -> list[str]:
    return [*__all__, *_SUBMODULES]
