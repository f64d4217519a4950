"""What an agent is, as data: compiled from the declaration, pinned in its sessions."""

from typing import Any, Literal

from pydantic import Field

from ..base import Contract
from .budget import Budget
from .declared import Declared
from .fallbacks import Fallback
from .memory import Memory

Effect = Literal["none", "idempotent", "once"]
WhenBusy = Literal["queue", "reject", "interrupt"]


class RetryPolicy(Declared):
    """A retry policy, carried out by Temporal. Delays in seconds."""

    attempts: int = 3
    first_delay: float = 1.0
    max_delay: float = 30.0
    backoff: float = 2.0
    adaptive: bool = True
    """Whether attempts and delays move with the last outcomes of the operation, within
    ``limits.MORE_ATTEMPTS`` and ``limits.SLOWER``; a policy of one attempt stays one."""


MEMORY_RETRY = RetryPolicy(attempts=5, first_delay=0.1, max_delay=5.0)
MODEL_RETRY = RetryPolicy(attempts=3, first_delay=1.0, max_delay=30.0)
TOOL_RETRY = RetryPolicy(attempts=2, first_delay=0.5, max_delay=10.0)


class ToolSpec(Contract):
    """A tool as the model and the workflow see it.

    ``parameters`` is a JSON schema of an object. ``timeout`` is in seconds, for one attempt.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    effect: Effect = "none"
    inline: bool = False
    timeout: float = 60.0
    retry: RetryPolicy = TOOL_RETRY
    probe: bool = False
    """Whether the tool can be asked if a call whose outcome is unknown has happened."""
    undo: str = ""
    """The tool that takes a call of this one back when its turn is cancelled or fails."""
    hidden: bool = False
    """Whether it is hidden from the model, since it only undoes other tools' calls."""
    breaker: bool = True
    """Whether failures of the tool open its circuit breaker."""
    allow_repeats: bool = False
    """Whether the same call with the same result, again and again, is how the tool is used (polling)."""


class OutputSpec(Contract):
    """The shape a final reply must have. ``json_schema`` is a JSON schema."""

    name: str
    json_schema: dict[str, Any]
    repairs: int = 2


class AgentSpec(Contract):
    """A whole agent. ``context_window`` and ``max_tokens`` are in tokens, ``*_timeout`` in seconds.

    ``models`` are ``provider:model`` names in order of preference.
    """

    name: str
    instructions: str
    models: tuple[str, ...]
    tools: tuple[ToolSpec, ...] = ()
    output: OutputSpec | None = None
    max_steps: int = 50
    max_tokens: int | None = None
    temperature: float | None = None
    context_window: int | None = None
    max_inline_steps: int = 8
    max_inline_seconds: float = 10.0
    max_repairs: int = 3
    when_busy: WhenBusy = "queue"
    model_timeout: float = 120.0
    model_retry: RetryPolicy = MODEL_RETRY
    description: str = ""
    budget: Budget | None = None
    fallbacks: tuple[Fallback, ...] = ()
    max_wait: float | None = None
    """Seconds a turn may wait in all while no provider can be called. None means
    ``limits.DEFAULT_MAX_WAIT`` without fallbacks, and no wait with them."""
    memory: Memory | None = None
    """Memory beyond its sessions; None for no memory."""
    working_memory: bool = False
    """Whether it has a plan and a scratchpad."""
    compact_at: float = 0.75
    """The part of the prompt's budget above which older entries are summarized."""


class ToolPolicy(Contract):
    """What the workflow needs to know of a tool to schedule it."""

    timeout: float = 60.0
    retry: RetryPolicy = TOOL_RETRY
    effect: Effect = "none"
    undo: str = ""
    allow_repeats: bool = False


class PinnedSpec(Contract):
    """What a session's workflow keeps of its agent; the whole spec is in the state database under ``digest``."""

    agent: str
    digest: str
    max_steps: int = 50
    max_repairs: int = 3
    output_repairs: int = 2
    max_inline_steps: int = 8
    max_inline_seconds: float = 10.0
    has_inline: bool = False
    when_busy: WhenBusy = "queue"
    model: str = ""
    models: int = 1
    """Number of the agent's models: one step may call each of them in turn."""
    model_timeout: float = 120.0
    model_retry: RetryPolicy = MODEL_RETRY
    tools: dict[str, ToolPolicy] = Field(default_factory=dict)
    budget: Budget | None = None
    fallbacks: tuple[Fallback, ...] = ()
    max_wait: float = 3_600.0
    weight: float = 1.0
    """The tenant's share where tenants compete for workers."""
    memory: Memory | None = None
    working_memory: bool = False
    compact_at: float = 0.75
