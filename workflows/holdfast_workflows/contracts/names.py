"""Names shared by the server, the workers and the clients."""

from typing import Final

WORKFLOW: Final = "AgentWorkflow"
TASK_QUEUE: Final = "holdfast"

LOAD_AGENT: Final = "load_agent"
THINK: Final = "think"
SETTLE_TURN: Final = "settle_turn"
READ_LOG: Final = "read_log"
READ_TEXT: Final = "read_text"
STORE_TEXT: Final = "store_text"
READ_TURN: Final = "read_turn"
LIST_AGENTS: Final = "list_agents"
LIST_SESSIONS: Final = "list_sessions"
VERIFY_SIGNAL: Final = "verify_signal"
LIST_EFFECTS: Final = "list_effects"
DECIDE_EFFECT: Final = "decide_effect"
LIST_BREAKERS: Final = "list_breakers"
SET_BREAKER: Final = "set_breaker"
LIST_BUDGETS: Final = "list_budgets"
LIST_COSTS: Final = "list_costs"
RECALL: Final = "recall"
REMEMBER_TURN: Final = "remember_turn"
COMPACT: Final = "compact"
READ_MANIFESTS: Final = "read_manifests"
SEARCH_MEMORY: Final = "search_memories"
ADD_MEMORY: Final = "add_memory"
FORGET_MEMORIES: Final = "forget_memories"
ERASE: Final = "erase"
MEMORY_STATS: Final = "memory_stats"
MIGRATE_MEMORY: Final = "migrate_memory"
MAINTAIN: Final = "maintain"
SET_ASIDE: Final = "set_aside"
NOTIFY: Final = "notify"
APPEND_AUDIT: Final = "append_audit"
OPEN_APPROVAL: Final = "open_approval"
SIGN_ANSWER: Final = "sign_answer"
GRANT_START: Final = "grant_start"
FIND_CHILD: Final = "find_child"
CANCEL_ORPHANS: Final = "cancel_orphans"
LIST_AUDIT: Final = "list_audit"
OBSERVE: Final = "observe_deployment"
ADJUST_MAINTENANCE: Final = "adjust_maintenance"
READ_TEAM_BOARD: Final = "read_team_board"
WRITE_TEAM_BOARD: Final = "write_team_board"
READ_TENANT_BOARD: Final = "read_tenant_board"
WRITE_TENANT_BOARD: Final = "write_tenant_board"
ROUTE_SESSION: Final = "route_session"
READ_AGENT_LOADS: Final = "read_agent_loads"
OPEN_FLEET: Final = "open_fleet"
GRANT_SCHEDULE: Final = "grant_schedule"
PREPARE_ITEMS: Final = "prepare_items"
FIND_OUTCOMES: Final = "find_outcomes"
READ_ITEMS: Final = "read_items"
PREPARE_FORK: Final = "prepare_fork"
LIST_RETENTION: Final = "list_retention"
SET_RETENTION: Final = "set_retention"
ADD_HOLD: Final = "add_hold"
REMOVE_HOLD: Final = "remove_hold"
LIST_HOLDS: Final = "list_holds"
READ_REMOVALS: Final = "read_removals"
READ_CONFIGURATION: Final = "read_configuration"
READ_DEBUG: Final = "read_debug"
READ_VALUES: Final = "read_values"
READ_PATTERNS: Final = "read_patterns"

DOCTOR: Final = "holdfast-doctor-"
"""With which the ids and the queues of the doctor's scratch sessions begin."""

BINDING_WORKFLOW: Final = "HoldfastQueue"
"""The type of the workflow whose memo has a queue's binding; it never runs."""

IDENTITY_WORKFLOW: Final = "HoldfastIdentity"
"""The type of the workflow whose query exchanges credentials; it only waits."""

MAINTENANCE_WORKFLOW: Final = "MaintenanceWorkflow"

FLEET_WORKFLOW: Final = "FleetWorkflow"

MONITOR_WORKFLOW: Final = "MonitorWorkflow"

OWN_WORKFLOWS: Final = frozenset({
    WORKFLOW, MAINTENANCE_WORKFLOW, IDENTITY_WORKFLOW, FLEET_WORKFLOW, MONITOR_WORKFLOW,
})  # fmt: skip
"""Holdfast's own workflow types."""


def queue_of(app: str) -> str:
    """Return the default task queue of an app."""
    return f"{TASK_QUEUE}-{app}" if app else TASK_QUEUE


def service_queue(task_queue: str, service: str) -> str:
    """Return the full name of an app's service queue; empty without a service."""
    return f"{task_queue}-{service}" if service else ""


def binding_id(task_queue: str) -> str:
    """Return the id of the workflow with a queue's binding."""
    return f"holdfast-queue-{task_queue}"


def identity_id(task_queue: str) -> str:
    """Return the id of the workflow that exchanges credentials on a queue."""
    return f"holdfast-identity-{task_queue}"


def maintenance_id(task_queue: str) -> str:
    """Return the id of a queue's maintenance schedule, with which its runs' ids begin."""
    return f"holdfast-maintenance-{task_queue}"


def backup_id(task_queue: str) -> str:
    """Return the id of the schedule of a queue's backups, with which its runs' ids begin."""
    return f"holdfast-backup-{task_queue}"


def monitor_id(task_queue: str) -> str:
    """Return the id of a queue's monitor schedule, with which its runs' ids begin."""
    return f"holdfast-monitor-{task_queue}"


RESERVED: Final = frozenset({
    LOAD_AGENT, THINK, SETTLE_TURN, READ_LOG, READ_TEXT, STORE_TEXT, READ_TURN, LIST_AGENTS, LIST_SESSIONS, VERIFY_SIGNAL,
    LIST_EFFECTS, DECIDE_EFFECT, LIST_BREAKERS, SET_BREAKER, LIST_BUDGETS, LIST_COSTS,
    RECALL, REMEMBER_TURN, COMPACT, READ_MANIFESTS, SEARCH_MEMORY, ADD_MEMORY, FORGET_MEMORIES,
    OBSERVE, ADJUST_MAINTENANCE,
    ERASE, MEMORY_STATS, MIGRATE_MEMORY, MAINTAIN, SET_ASIDE, NOTIFY, APPEND_AUDIT,
    OPEN_APPROVAL, SIGN_ANSWER, LIST_AUDIT, ROUTE_SESSION, READ_AGENT_LOADS,
    GRANT_START, FIND_CHILD, CANCEL_ORPHANS,
    READ_TEAM_BOARD, WRITE_TEAM_BOARD, READ_TENANT_BOARD, WRITE_TENANT_BOARD,
    GRANT_SCHEDULE, OPEN_FLEET, PREPARE_ITEMS, FIND_OUTCOMES, READ_ITEMS, PREPARE_FORK,
    LIST_RETENTION, SET_RETENTION, ADD_HOLD, REMOVE_HOLD, LIST_HOLDS, READ_REMOVALS,
    READ_CONFIGURATION, READ_DEBUG, READ_VALUES, READ_PATTERNS,
})  # fmt: skip
"""Holdfast's own activity types; tools cannot have these names, since a tool's name is its activity type."""


READ_MORE: Final = "read_more"
UPDATE_PLAN: Final = "update_plan"
WRITE_NOTES: Final = "write_notes"
SEARCH_TOOL: Final = "search_memory"
REMEMBER: Final = "remember"
FORGET: Final = "forget"
HAND_OVER: Final = "hand_over"

OWN_TOOLS: Final = frozenset({READ_MORE, UPDATE_PLAN, WRITE_NOTES, SEARCH_TOOL, REMEMBER, FORGET, HAND_OVER})
"""Tools that Holdfast gives to agents; users' tools cannot have these names."""

TRUSTED_TOOLS: Final = frozenset({UPDATE_PLAN, WRITE_NOTES, REMEMBER, FORGET, HAND_OVER})
"""Of these, the tools whose results are Holdfast's own text."""


BEGUN_TEXT: Final = "begun-"
DEBUG_TEXT: Final = "debug-"
INSTRUCTIONS_TEXT: Final = "instructions-"
WORKERS_TEXTS: Final = (BEGUN_TEXT, DEBUG_TEXT, INSTRUCTIONS_TEXT)
"""How the ids of texts begin that only workers store, in a session's own texts."""


def call_key(session: str, seq: int) -> str:
    """Return the idempotency key of the call whose result is at ``seq``."""
    return f"{session}-{seq}"


def undo_key(key: str) -> str:
    """Return the idempotency key of the call that undoes the call with ``key``."""
    return f"{key}-undo"


def run_account(session: str) -> str:
    """Return the account of a session; its sub-agents' sessions are charged to it as well."""
    return f"run:{session}"


def board_of(root: str, tenant: str, name: str = "") -> str:
    """Return the stored name of a board: the tenant's of that name, or that of the tree of session ``root``."""
    return f"tenant:{tenant}:{name}" if name else f"run:{root}"


def values_of(session: str) -> str:
    """Return the stored name of the board with the values of a session's tools; no board tool reaches it."""
    return f"values:{session}"


def tenant_account(tenant: str, day: str) -> str:
    """Return a tenant's account for one UTC day, such as 2026-01-31."""
    return f"tenant:{tenant}:{day}"


MEMO_MESSAGE: Final = "message"
"""The memo with the beginning of a session's first message, for lists."""

ATTRIBUTE_AGENT: Final = "HoldfastAgent"
ATTRIBUTE_TENANT: Final = "HoldfastTenant"
ATTRIBUTE_USER: Final = "HoldfastUser"
ATTRIBUTE_STATUS: Final = "HoldfastStatus"
ATTRIBUTE_WAITING: Final = "HoldfastWaiting"
ATTRIBUTE_COST: Final = "HoldfastCost"
ATTRIBUTE_TURNS: Final = "HoldfastTurns"
