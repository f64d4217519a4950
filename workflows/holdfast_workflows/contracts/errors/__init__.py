"""Every error that Holdfast raises on purpose.

    HoldfastError
    ├── BadInput            refused at once, nothing started
    │       UnknownAgent, InvalidDeclaration, MessageTooLarge, QueueFull, SessionBusy, SessionRunning, UnderHold,
    │       SessionClosed, NothingToDo, AppNotFound, AppBroken, AppMismatch, DatabaseMismatch,
    │       SettingsInvalid, PortTaken, BreakerUnknown, EmbeddingMismatch, EmbedderBroken, InsecureConnection,
    │       InvalidCredential, NotPermitted, NoIdentityProvider, KeysInvalid, KeyInUse,
    │       McpToolsInvalid, ScheduleNotFound
    ├── ServiceError        Temporal or the workers cannot be reached
    │       TemporalUnreachable, NoWorker, SessionNotFound, WorkerMissing, DevServerMissing,
    │       DevServerFailed, SearchAttributesMissing, SandboxUnavailable, BreakerOpen, LimitReached
    ├── ModelError          the provider's answer
    │   ├── ModelTransient  RateLimited
    │   ├── ModelRejected   ContextTooLong, ProviderQuota
    │   ├── ModelStopped    OutputCutOff, ContentFiltered, ModelRefused
    │   ├── MalformedReply  EmptyReply
    │   └── ModelUnpriced, AllProvidersFailed, NoCachedReply
    ├── ToolFailed          ToolArgumentsInvalid, ResultTooLarge, EffectUnknown
    │   ├── ToolError       ResultNotText, EgressRefused, ApprovalInvalid, BoardConflict, BoardFull, ChildFailed, ChildTimedOut
    │   └── McpUnavailable, McpSessionLost, McpToolChanged, McpAccessDenied, A2aAccessDenied
    ├── SecretMissing, LifespanFailed, InstructionsFailed, OutputInvalid, StepLimitReached, ContentRemoved, BudgetExhausted, LoopDetected, TurnCancelled, TurnNotEnded
    ├── MemoryFailed        MemoryUnavailable
    ├── EmbeddingFailed
    ├── EncryptionError     KeysMissing, KeyUnknown, DecryptionFailed, ClearRefused
    ├── StateError          VersionConflict, StateNotMigrated, StateBehind, AuditBroken, StateNotEmpty,
    │       StateInUse, StateDamaged, BackupFailed, BackupMissing, BackupDamaged, BackupUnreadable,
    │       MemoriesNotEmpty, MemoriesNotBackedUp
    │   └── StateUnavailable  StateReplaced
    └── Unclassified

An error's docstring is its message: what is wrong, then what to do. ``code`` is stable across releases and is
the ``type`` of the Temporal failure that carries the error. ``retryable`` says whether the same request may
succeed later, ``kind`` what sort of failure it is, and ``fallback`` whether another provider may help.
"""

from .a2a import *  # noqa: F403 - the modules are one namespace
from .base import *  # noqa: F403
from .encryption import *  # noqa: F403
from .failures import *  # noqa: F403
from .mcp import *  # noqa: F403
from .memory import *  # noqa: F403
from .models import *  # noqa: F403
from .requests import *  # noqa: F403
from .runs import *  # noqa: F403
from .teams import *  # noqa: F403
