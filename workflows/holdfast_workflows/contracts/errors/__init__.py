"""Every error that Holdfast raises on purpose.

    HoldfastError
    ├── BadInput                    refused at once, nothing started
    │   ├── UnknownAgent
    │   ├── InvalidDeclaration
    │   ├── MessageTooLarge
    │   ├── QueueFull
    │   ├── SessionBusy
    │   ├── SessionRunning
    │   ├── SessionClosed
    │   ├── NothingToDo
    │   ├── AppNotFound
    │   ├── AppBroken
    │   ├── SettingsInvalid
    │   ├── AppMismatch, DatabaseMismatch
    │   ├── BreakerUnknown
    │   ├── EmbeddingMismatch, EmbedderBroken
    │   └── InsecureConnection
    ├── ServiceError                Temporal or the workers cannot be reached
    │   ├── TemporalUnreachable
    │   ├── NoWorker
    │   ├── SessionNotFound
    │   ├── WorkerMissing
    │   ├── DevServerMissing
    │   ├── DevServerFailed
    │   ├── SearchAttributesMissing
    │   ├── BreakerOpen
    │   └── LimitReached
    ├── ModelError                  the provider's answer
    │   ├── ModelTransient          RateLimited
    │   ├── ModelRejected           ContextTooLong, ProviderQuota
    │   ├── ModelStopped            OutputCutOff, ContentFiltered, ModelRefused
    │   ├── MalformedReply          EmptyReply
    │   ├── AllProvidersFailed
    │   └── NoCachedReply
    ├── ToolFailed                  ToolArgumentsInvalid, ResultTooLarge, EffectUnknown
    │   └── ToolError               ResultNotText
    ├── OutputInvalid
    ├── StepLimitReached
    ├── BudgetExhausted
    ├── LoopDetected
    ├── TurnCancelled
    ├── TurnNotEnded
    ├── Unclassified
    ├── MemoryFailed                MemoryUnavailable
    ├── EmbeddingFailed
    └── StateError                  VersionConflict, StateNotMigrated, StateBehind
        └── StateUnavailable        StateReplaced

An error's docstring is its message, with the remedy. ``code`` is stable across releases
and is the ``type`` of the Temporal failure that carries it; ``retryable`` says whether
the same request may succeed later, ``kind`` what sort of failure it is, and ``fallback``
whether another provider may help where this one did not.
"""

from .base import KINDS, HoldfastError
from .failures import from_failure, to_failure, tree
from .memory import (
    EmbedderBroken,
    EmbeddingFailed,
    EmbeddingMismatch,
    MemoryFailed,
    MemoryUnavailable,
)
from .models import (
    AllProvidersFailed,
    ContentFiltered,
    ContextTooLong,
    EmptyReply,
    MalformedReply,
    ModelError,
    ModelRefused,
    ModelRejected,
    ModelStopped,
    ModelTransient,
    NoCachedReply,
    OutputCutOff,
    ProviderQuota,
    RateLimited,
)
from .requests import (
    AppBroken,
    AppMismatch,
    AppNotFound,
    BadInput,
    BreakerOpen,
    BreakerUnknown,
    DatabaseMismatch,
    DevServerFailed,
    DevServerMissing,
    InsecureConnection,
    InvalidDeclaration,
    LimitReached,
    MessageTooLarge,
    NothingToDo,
    NoWorker,
    QueueFull,
    SearchAttributesMissing,
    ServiceError,
    SessionBusy,
    SessionClosed,
    SessionNotFound,
    SessionRunning,
    SettingsInvalid,
    TemporalUnreachable,
    UnknownAgent,
    WorkerMissing,
)
from .runs import (
    BudgetExhausted,
    EffectUnknown,
    LoopDetected,
    OutputInvalid,
    ResultNotText,
    ResultTooLarge,
    StateBehind,
    StateError,
    StateNotMigrated,
    StateReplaced,
    StateUnavailable,
    StepLimitReached,
    ToolArgumentsInvalid,
    ToolError,
    ToolFailed,
    TurnCancelled,
    TurnNotEnded,
    Unclassified,
    VersionConflict,
)

__all__ = [
    "KINDS",
    "AllProvidersFailed",
    "AppBroken",
    "AppMismatch",
    "AppNotFound",
    "BadInput",
    "BreakerOpen",
    "BreakerUnknown",
    "BudgetExhausted",
    "ContentFiltered",
    "ContextTooLong",
    "DatabaseMismatch",
    "DevServerFailed",
    "DevServerMissing",
    "EffectUnknown",
    "EmbedderBroken",
    "EmbeddingFailed",
    "EmbeddingMismatch",
    "EmptyReply",
    "HoldfastError",
    "InsecureConnection",
    "InvalidDeclaration",
    "LimitReached",
    "LoopDetected",
    "MalformedReply",
    "MemoryFailed",
    "MemoryUnavailable",
    "MessageTooLarge",
    "ModelError",
    "ModelRefused",
    "ModelRejected",
    "ModelStopped",
    "ModelTransient",
    "NoCachedReply",
    "NoWorker",
    "NothingToDo",
    "OutputCutOff",
    "OutputInvalid",
    "ProviderQuota",
    "QueueFull",
    "RateLimited",
    "ResultNotText",
    "ResultTooLarge",
    "SearchAttributesMissing",
    "ServiceError",
    "SessionBusy",
    "SessionClosed",
    "SessionNotFound",
    "SessionRunning",
    "SettingsInvalid",
    "StateBehind",
    "StateError",
    "StateNotMigrated",
    "StateReplaced",
    "StateUnavailable",
    "StepLimitReached",
    "TemporalUnreachable",
    "ToolArgumentsInvalid",
    "ToolError",
    "ToolFailed",
    "TurnCancelled",
    "TurnNotEnded",
    "Unclassified",
    "UnknownAgent",
    "VersionConflict",
    "WorkerMissing",
    "from_failure",
    "to_failure",
    "tree",
]
