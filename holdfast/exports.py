"""The modules that define the public names; each is imported at first use, so that ``import holdfast`` is cheap."""

from typing import Final

_MODULES: Final = {
    "holdfast_activities.memory.library": "OpenMemory",
    "holdfast_client.agents": "DeclaredAgent",
    "holdfast_client.client": "Client connect",
    "holdfast_client.debugging.imported": "ImportedSession open_bundle",
    "holdfast_client.debugging.spans": "Span Trace TurnTrace",
    "holdfast_client.evaluation.methods": "ForkOptions",
    "holdfast_client.operations.auditing": "AuditFilter",
    "holdfast_client.operations.stored.boards": "BoardClient",
    "holdfast_client.operations.stored.erasing": "Erased",
    "holdfast_client.operations.listing": "SessionInfo",
    "holdfast_client.operations.maintenance": "MaintenanceClient MaintenanceRun",
    "holdfast_client.operations.stored.memory": "MemoryClient",
    "holdfast_client.operations.monitor": "MonitorClient",
    "holdfast_client.operations.stored.retention": "HoldClient RetentionClient",
    "holdfast_client.operations.trees": "SessionTree",
    "holdfast_client.reply": "Reply",
    "holdfast_client.requests.starting": "ConversationOptions RunOptions SessionOptions StartOptions",
    "holdfast_client.schedules.schedules": "ScheduleOptions Schedules",
    "holdfast_client.session": "Session",
    "holdfast_client.stream.events": """
        AgentChanged BudgetChanged ChildEnded ChildStarted Compacted Decided FallbackUsed HandedOver
        ModelChanged NeedsPerson PermissionDecided PlanChanged Recalled Routed Status StepEnded
        StreamEvent TextDelta TextRestart ToolEnded ToolProgress ToolStarted TurnEnded TurnStarted
        Undone Waiting
    """,
    "holdfast_client.teams.fleet": "Fleet",
    "holdfast_client.teams.fleet_result": "FleetResult",
    "holdfast_client.teams.fleets": "FleetInfo FleetOptions Fleets",
    "holdfast_workflows.contracts.agent.app": "InstructionsContext ToolContext",
    "holdfast_workflows.contracts.agent.approvals": "Approvals",
    "holdfast_workflows.contracts.agent.budget": "Budget BudgetAccount Spending",
    "holdfast_workflows.contracts.agent.fallbacks": """
        AskHuman CachedReply ErrorReply OtherAgent SimplifiedReply
    """,
    "holdfast_workflows.contracts.agent.mcp": "CredentialsContext",
    "holdfast_workflows.contracts.agent.memory": """
        MaintenanceReport Memory MemoryStats MemoryTurn MemoryView MigrateResult PlanItem TaskReport
    """,
    "holdfast_workflows.contracts.agent.pii": "PersonalData",
    "holdfast_workflows.contracts.agent.spec": "AgentSpec BoardTool McpTool OutputSpec RetryPolicy ToolSpec",
    "holdfast_workflows.contracts.control.approvals": "Approval SignedAnswer",
    "holdfast_workflows.contracts.control.audit": "AuditEntry AuditRecord",
    "holdfast_workflows.contracts.control.inbox": "Handover InboxItem OpenTicket",
    "holdfast_workflows.contracts.control.notifications": "Apprise Webhook",
    "holdfast_workflows.contracts.control.secrets": "Secret",
    "holdfast_workflows.contracts.errors": """
        A2aAccessDenied AllAgentsBusy AllProvidersFailed AppBroken AppMismatch AppNotFound
        ApprovalInvalid AuditBroken BackupDamaged BackupFailed BackupMissing BackupUnreadable BadInput
        BoardConflict BoardFull BreakerOpen BreakerUnknown BudgetExhausted ChildFailed ChildTimedOut
        ClearRefused ContentFiltered ContentRemoved ContextTooLong DatabaseMismatch DecryptionFailed
        DevServerFailed DevServerMissing EffectUnknown EgressRefused EmbedderBroken EmbeddingFailed
        EmbeddingMismatch EmptyReply EncryptionError HandoverUnanswered HoldfastError
        InsecureConnection InstructionsFailed InvalidCredential InvalidDeclaration KeyInUse KeyUnknown
        KeysInvalid KeysMissing LifespanFailed LimitReached LoopDetected MalformedReply
        McpAccessDenied McpSessionLost McpToolChanged McpToolsInvalid McpUnavailable
        MemoriesNotBackedUp MemoriesNotEmpty MemoryFailed
        MemoryUnavailable MessageTooLarge ModelError ModelRefused ModelRejected ModelStopped
        ModelTransient ModelUnpriced NoCachedReply NoCapableAgent NoIdentityProvider NoWorker
        NotPermitted NothingToDo NotificationFailed OutputCutOff OutputInvalid PortTaken ProviderQuota
        QueueFull QueueUnserved RateLimited ResultNotText ResultTooLarge SandboxUnavailable
        ScheduleNotFound SearchAttributesMissing SecretMissing ServiceError SessionBusy SessionClosed
        SessionNotFound SessionRunning SettingsInvalid StateBehind StateDamaged StateError StateInUse StateNotEmpty
        StateNotMigrated StateReplaced StateUnavailable StepLimitReached TemporalUnreachable
        ToolArgumentsInvalid ToolError ToolFailed TurnCancelled TurnNotEnded Unclassified UnderHold
        UnknownAgent VersionConflict WorkerMissing
    """,
    "holdfast_workflows.contracts.evaluation.cases": """
        Case CaseSource ExpectAtMost ExpectCall ExpectFunction ExpectJudge ExpectOutput ExpectStatus
        ExpectText
    """,
    "holdfast_workflows.contracts.evaluation.forks": "ForkSource",
    "holdfast_workflows.contracts.evaluation.outcomes": "Comparison Outcome OutcomeCall",
    "holdfast_workflows.contracts.operations.breakers": "BreakerView TenantLimits",
    "holdfast_workflows.contracts.operations.content": "AgentInfo",
    "holdfast_workflows.contracts.operations.costs": "CostForecast CostReport CostRow",
    "holdfast_workflows.contracts.operations.debugging": "DebugMode DebugRecord",
    "holdfast_workflows.contracts.operations.effects": "EffectView",
    "holdfast_workflows.contracts.operations.monitor": """
        MonitorAnalysis MonitorChange MonitorReport Recommendation
    """,
    "holdfast_workflows.contracts.operations.patterns": "Pattern Patterns",
    "holdfast_workflows.contracts.operations.retention": "Hold Removed RetentionRule",
    "holdfast_workflows.contracts.operations.schedules": "ScheduleRun ScheduleView",
    "holdfast_workflows.contracts.permissions.rules": "Condition Permissions Rule",
    "holdfast_workflows.contracts.problems": "Problem",
    "holdfast_workflows.contracts.session.entries": """
        MemoryEntry RecalledMemory ReplyEntry ResultEntry SummaryEntry ToolCall Usage UserEntry
    """,
    "holdfast_workflows.contracts.session.manifests": "Manifest ManifestItem",
    "holdfast_workflows.contracts.session.session": "Event SessionView TurnView",
    "holdfast_workflows.contracts.teams.agent_loads": "AgentLoad",
    "holdfast_workflows.contracts.teams.board": "BoardEntry",
    "holdfast_workflows.contracts.teams.fleets": "FleetError FleetReport",
    "holdfast_workflows.contracts.teams.routing": "Route Router Routing When",
    "holdfast_workflows.contracts.teams.team": "TeamMember TeamSpec",
    "holdfast_workflows.contracts.teams.views": "ChildView TeamView",
    "holdfast_workflows.contracts.tools.session_values": "SessionValue SessionValues",
    "holdfast_workflows.contracts.tools.tickets": "Ticket",
    ".agent": "Agent",
    ".app": "App",
    ".tools.client_tool": "client_tool",
    ".tools.code_tool": "CodeTool",
    ".tools.http_tool": "HttpTool",
    ".tools.mcp_server": "MCPServer",
    ".memory": "open_memory",
    ".permissions": "Argument allow arg ask called deny untrusted",
    ".teams.a2a": "A2AAgent",
    ".teams.board": "Board",
    ".teams.delegate": "Delegate FanOut TeamTool",
    ".teams.handoff": "Handoff",
    ".teams.team": "Debate Parallel Pipeline Stage Team TeamOptions",
    ".tools.tool": "Tool tool",
}

HOME: Final = {name: module for module, names in _MODULES.items() for name in names.split()}
"""The module of each name."""
