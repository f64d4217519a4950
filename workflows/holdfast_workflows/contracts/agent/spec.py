"""An agent as data: compiled from its declaration, pinned in its sessions."""

from typing import Any, Literal, cast

from pydantic import Field

from ..base import Contract
from ..limits import QUEUE_TIMEOUT
from ..permissions.rules import Level, Permissions
from ..public import public
from ..teams.routing import Routing
from ..teams.team import TeamSpec
from .approvals import Approvals
from .budget import Budget
from .declared import Declared
from .fallbacks import Fallback
from .memory import Memory
from .pii import PersonalData

Effect = Literal["none", "idempotent", "once"]
WhenBusy = Literal["queue", "reject", "interrupt"]


@public
class RetryPolicy(Declared):
    """Retries by Temporal. Delays are in seconds."""

    attempts: int = 3
    first_delay: float = 1.0
    max_delay: float = 30.0
    backoff: float = 2.0
    adaptive: bool = True
    """Whether attempts and delays follow the operation's recent outcomes, within ``limits.MORE_ATTEMPTS`` and
    ``limits.SLOWER``; a single attempt stays single."""


MEMORY_RETRY = RetryPolicy(attempts=5, first_delay=0.1, max_delay=5.0)
MODEL_RETRY = RetryPolicy(attempts=3, first_delay=1.0, max_delay=30.0)
TOOL_RETRY = RetryPolicy(attempts=2, first_delay=0.5, max_delay=10.0)


@public
class McpTool(Contract):
    """The MCP server's tool behind a ToolSpec. ``digest`` is that of its description, schema and hints when pinned."""

    server: str
    tool: str
    digest: str


@public
class BoardTool(Contract):
    """The board behind a ToolSpec: that of the session's tree without a name, else the tenant's of that name."""

    operation: Literal["list", "read", "write"]
    board: str = ""


@public
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
    """Whether the tool has a probe that finds out whether a call happened."""
    undo: str = ""
    """The tool that undoes a call of this one when its turn is cancelled or fails."""
    hidden: bool = False
    """Whether the model does not see the tool, since it only undoes calls of other tools."""
    breaker: bool = True
    """Whether failures of the tool open its circuit breaker."""
    approval: Literal["", "ask"] = ""
    """``ask`` if each call waits for a person's approval."""
    allow_repeats: bool = False
    """Whether repeated calls with the same result are intended (polling)."""
    secrets: tuple[str, ...] = ()
    """References to the secrets that the tool may read."""
    trusted: bool = False
    """Whether its results are as trusted as the agent's instructions; others make the session untrusted."""
    mcp: McpTool | None = None
    """The tool of an MCP server that a call reaches; None for a function."""
    board: BoardTool | None = None
    """The board that a call reads or writes; None for a function."""
    queue: str = ""
    """The service queue whose workers run its calls, without the app's; empty for the agent's."""
    queue_timeout: float = QUEUE_TIMEOUT
    """Seconds that a call waits for a worker of its queue."""
    handoff: str = ""
    """The agent with which the session goes on after a call; empty for other tools."""

    @property
    def defaults(self) -> dict[str, Any]:
        """The arguments' default values that JSON can express."""
        found = cast("dict[str, Any]", self.parameters.get("properties") or {})
        schemas = {
            name: cast("dict[str, Any]", each) for name, each in found.items() if isinstance(each, dict)
        }
        return {name: each["default"] for name, each in schemas.items() if "default" in each}


@public
class OutputSpec(Contract):
    """The shape a final reply must have. ``json_schema`` is a JSON schema."""

    name: str
    json_schema: dict[str, Any]
    repairs: int = 2


@public
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
    """Seconds that a turn may wait in all while no provider can be called. None means
    ``limits.DEFAULT_MAX_WAIT`` without fallbacks, and no wait with them."""
    memory: Memory | None = None
    """Memory beyond its sessions; None for no memory."""
    working_memory: bool = False
    """Whether it has a plan and a scratchpad."""
    compact_at: float = 0.75
    """The part of the prompt's budget above which older entries are summarized."""
    approvals: Approvals | None = None
    """Who answers what its sessions ask people, and by when; None for the defaults."""
    links: tuple[str, ...] = ()
    """Hosts that replies may link to after untrusted content was read; ``*.host`` with subdomains, ``*`` for any."""
    pii: PersonalData | None = None
    """Personal data that its models see as tokens."""
    dynamic_instructions: bool = False
    """Whether a function of the worker's code makes the instructions of each turn; ``instructions`` is then empty."""
    permissions: Permissions | None = None
    """The agent's own rules on its tool calls; those of its app and tenant apply, too."""
    routing: Routing | None = None
    """What it can do, for requests that name no agent; None if it is not routed to."""
    team: TeamSpec | None = None
    """The plan of a team, which takes the place of a model; ``models`` is then empty."""
    queue: str = ""
    """The service queue whose workers run its model and tool calls, without the app's; empty for the app's queue."""
    queue_timeout: float = QUEUE_TIMEOUT
    """Seconds that a call waits for a worker of its queue."""


class ToolPolicy(Contract):
    """The part of a tool's spec by which the workflow schedules it."""

    timeout: float = 60.0
    retry: RetryPolicy = TOOL_RETRY
    effect: Effect = "none"
    undo: str = ""
    approval: Literal["", "ask"] = ""
    allow_repeats: bool = False
    trusted: bool = False
    hidden: bool = False
    handoff: str = ""
    queue: str = ""
    """The full name of the service queue of its calls; empty for that of the session."""
    queue_timeout: float = QUEUE_TIMEOUT


class PinnedSpec(Contract):
    """The part of an agent's spec that its sessions' workflows keep; the state database has the rest by ``digest``."""

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
    """Number of the agent's models; one step may call each of them."""
    model_timeout: float = 120.0
    model_retry: RetryPolicy = MODEL_RETRY
    tools: dict[str, ToolPolicy] = Field(default_factory=dict)
    budget: Budget | None = None
    fallbacks: tuple[Fallback, ...] = ()
    max_wait: float = 3_600.0
    weight: float = 1.0
    """The tenant's share when tenants compete for workers."""
    memory: Memory | None = None
    working_memory: bool = False
    compact_at: float = 0.75
    approvals: Approvals | None = None
    delegates: bool = False
    """Whether it has tools that give tasks to other agents."""
    notifies: bool = False
    """Whether the app has targets for notifications."""
    has_output: bool = False
    """Whether final replies are JSON of an output type."""
    levels: tuple[Level, ...] = ()
    """Rules on tool calls, the outermost level first; empty without any."""
    scheduled: tuple[str, ...] = ()
    """Inline tools that have to be permitted call by call, so they are activities of their own."""
    routed: bool = False
    """Whether its turns are counted, since requests are routed to it."""
    queue: str = ""
    """The full name of the service queue of its model and tool calls; empty for that of the session."""
    queue_timeout: float = QUEUE_TIMEOUT
