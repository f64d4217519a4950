"""Who may do what: a table of roles and operations, and what each handler and activity is for.

A handler or activity without an entry is refused where the deployment has an identity provider.
"""

from collections.abc import Mapping
from typing import Final, Literal

from .. import names
from ..errors import NotPermitted, SessionNotFound
from .identity import Principal, Role

Operation = Literal[
    "start", "send", "settle", "steer", "view", "control", "cancel", "close", "raise_budget", "answer", "list", "agents",
    "effects", "breakers", "budgets", "memory_read", "memory_write", "erase", "maintain", "audit", "fork",
    "retention_read", "retention_write",
]  # fmt: skip

GRANTS: Final[Mapping[Role, frozenset[Operation]]] = {
    "user": frozenset({"start", "send", "settle", "steer", "view", "cancel", "close", "list", "agents"}),
    "approver": frozenset({"view", "list", "agents", "answer"}),
    "operator": frozenset({
        "view", "list", "agents", "control", "cancel", "close", "raise_budget", "answer", "settle", "effects", "breakers",
        "budgets", "memory_read", "memory_write", "erase", "maintain", "audit", "fork",
        "retention_read", "retention_write",
    }),
    "auditor": frozenset({
        "view", "list", "agents", "effects", "budgets", "memory_read", "audit", "retention_read",
    }),
}  # fmt: skip
"""What each role may do within its tenant. A principal of kind ``user`` has the role ``user`` for its own sessions only."""

UPDATES: Final[Mapping[str, Operation]] = {
    "send": "send", "settle": "settle", "steer": "steer", "pause": "control", "resume": "control", "repin": "control", "debug": "control",
    "cancel_turn": "cancel", "close": "close", "raise_budget": "raise_budget", "resolve": "answer",
    "answer": "answer", "hand_over": "control", "give_back": "answer", "wait_turn": "view",
    "retry_items": "send", "cancel_fleet": "cancel",
}  # fmt: skip
QUERIES: Final[Mapping[str, Operation]] = {
    "view": "view", "turn": "view", "intent": "view", "report": "view", "items": "view",
}  # fmt: skip
SIGNALS: Final[Mapping[str, Operation]] = {"post": "send", "watch": "view", "place_free": "send"}
STARTS: Final[Mapping[str, Operation]] = {
    names.WORKFLOW: "start", names.MAINTENANCE_WORKFLOW: "maintain", names.FLEET_WORKFLOW: "start",
    names.MONITOR_WORKFLOW: "maintain",
}  # fmt: skip

OF_SESSION: Final[Mapping[str, Operation]] = {
    names.READ_LOG: "view", names.READ_TEXT: "view", names.READ_TURN: "view", names.READ_MANIFESTS: "view",
    names.STORE_TEXT: "send", names.LIST_EFFECTS: "view", names.DECIDE_EFFECT: "control",
    names.READ_TEAM_BOARD: "view", names.WRITE_TEAM_BOARD: "send",
    names.READ_ITEMS: "view", names.PREPARE_FORK: "fork", names.READ_REMOVALS: "view",
    names.READ_CONFIGURATION: "control", names.READ_DEBUG: "control",
    names.READ_VALUES: "view",
}  # fmt: skip
"""Standalone activities on one session, named by ``session``; without one they need a principal of all tenants."""

OF_TENANT: Final[Mapping[str, Operation]] = {
    names.LIST_AGENTS: "agents", names.LIST_SESSIONS: "list", names.LIST_BUDGETS: "budgets",
    names.LIST_COSTS: "budgets", names.READ_PATTERNS: "budgets",
    names.SEARCH_MEMORY: "memory_read", names.ADD_MEMORY: "memory_write", names.FORGET_MEMORIES: "memory_write",
    names.GRANT_SCHEDULE: "start", names.ERASE: "erase", names.LIST_AUDIT: "audit",
    names.READ_TENANT_BOARD: "memory_read", names.WRITE_TENANT_BOARD: "memory_write",
    names.LIST_RETENTION: "retention_read", names.SET_RETENTION: "retention_write",
    names.LIST_HOLDS: "retention_read", names.ADD_HOLD: "retention_write", names.REMOVE_HOLD: "retention_write",
}  # fmt: skip
"""Standalone activities within one tenant, named by ``tenant``."""

OF_DEPLOYMENT: Final[Mapping[str, Operation]] = {
    names.LIST_BREAKERS: "breakers", names.SET_BREAKER: "breakers", names.MEMORY_STATS: "maintain",
    names.MIGRATE_MEMORY: "maintain", names.READ_AGENT_LOADS: "breakers",
    names.ADJUST_MAINTENANCE: "maintain",
}  # fmt: skip
"""Standalone activities on what all tenants share; they need a principal of all tenants."""

INTERNAL: Final = frozenset({
    names.LOAD_AGENT, names.THINK, names.SETTLE_TURN, names.RECALL, names.REMEMBER_TURN, names.COMPACT,
    names.MAINTAIN, names.SET_ASIDE, names.VERIFY_SIGNAL, names.NOTIFY, names.APPEND_AUDIT, names.OPEN_APPROVAL,
    names.SIGN_ANSWER, names.ROUTE_SESSION, names.OPEN_FLEET, names.PREPARE_ITEMS, names.FIND_OUTCOMES,
    names.OBSERVE, names.GRANT_START, names.FIND_CHILD, names.CANCEL_ORPHANS,
})  # fmt: skip
"""Activities that only workflows run; a client is refused, as it is for tools."""

Owner = tuple[str, str]
"""The tenant and the user of a session."""


def reach(principal: Principal, operation: Operation) -> Literal["none", "own", "tenant"]:
    """Return for which sessions a principal may do something."""
    for role in principal.roles:
        if operation in GRANTS[role] and (role != "user" or principal.kind != "user"):
            return "tenant"
    return "own" if "user" in principal.roles and operation in GRANTS["user"] else "none"


def check(principal: Principal, operation: Operation) -> None:
    """Check a principal's roles; NotPermitted if it may do this for no session."""
    if reach(principal, operation) == "none":
        raise _refused(operation)


def check_session(principal: Principal, operation: Operation, session: str, owner: Owner) -> None:
    """Check a request for one session.

    Raises:
        SessionNotFound: The principal may not even see it; the error is that of a session that does not exist.
        NotPermitted: It may see the session, but not do this.
    """
    if not _reaches(principal, "view", owner):
        raise SessionNotFound(session)
    if not _reaches(principal, operation, owner):
        raise _refused(operation)


def check_deployment(principal: Principal, operation: Operation) -> None:
    """Check a request on what all tenants share."""
    check(principal, operation)
    if principal.tenant or reach(principal, operation) != "tenant":
        raise NotPermitted("all tenants share this; it needs a principal of all tenants")


def tenant_for(principal: Principal, tenant: str) -> str:
    """Return the tenant that a principal acts for: its own, or the one it names, if it is of all tenants."""
    if principal.tenant and tenant in {"", principal.tenant}:
        return principal.tenant
    if tenant and (principal.tenant or not _of_all_tenants(principal)):
        raise NotPermitted("the tenant follows from the credential; leave it out")
    return tenant


def owner_for(principal: Principal, tenant: str, user: str) -> Owner:
    """Return the owner of a session that a principal starts. A user starts sessions as itself."""
    tenant = tenant_for(principal, tenant)
    if principal.kind != "user":
        return tenant, user
    if user not in {"", principal.id}:
        raise NotPermitted("the user follows from the credential; leave it out")
    return tenant, principal.id


def _of_all_tenants(principal: Principal) -> bool:
    """Whether it may name any tenant. A user without a tenant belongs to a deployment without tenants."""
    return not principal.tenant and (principal.kind != "user" or reach(principal, "audit") == "tenant")


def _reaches(principal: Principal, operation: Operation, owner: Owner) -> bool:
    tenant, user = owner
    if tenant != principal.tenant and not _of_all_tenants(principal):
        return False
    far = reach(principal, operation)
    return far == "tenant" or (far == "own" and user == principal.id)


def _refused(operation: Operation) -> NotPermitted:
    roles = ", ".join(role for role, granted in GRANTS.items() if operation in granted)
    return NotPermitted(f"{operation} needs one of the roles {roles}")
