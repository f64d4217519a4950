"""Names that the server, the workers and the clients must agree on."""

from typing import Final

WORKFLOW: Final = "AgentWorkflow"
TASK_QUEUE: Final = "holdfast"

LOAD_AGENT: Final = "load_agent"
THINK: Final = "think"
SETTLE_TURN: Final = "settle_turn"
READ_LOG: Final = "read_log"
READ_TEXT: Final = "read_text"
STORE_TEXT: Final = "store_text"
LIST_AGENTS: Final = "list_agents"

RESERVED: Final = frozenset({LOAD_AGENT, THINK, SETTLE_TURN, READ_LOG, READ_TEXT, STORE_TEXT, LIST_AGENTS})
"""Activity types of Holdfast itself; no tool may take one, since a tool's name is its activity type."""


def call_key(session: str, seq: int) -> str:
    """The idempotency key of a call, from where its result goes: one call has one, wherever it runs."""
    return f"{session}-{seq}"


ATTRIBUTE_AGENT: Final = "HoldfastAgent"
ATTRIBUTE_TENANT: Final = "HoldfastTenant"
ATTRIBUTE_STATUS: Final = "HoldfastStatus"
ATTRIBUTE_COST: Final = "HoldfastCost"
ATTRIBUTE_TURNS: Final = "HoldfastTurns"
