"""Errors of tools, turns and the state database."""

from .base import HoldfastError


class ToolFailed(HoldfastError, code="tool_failed", kind="tool", retryable=True):
    """The tool failed."""


class ToolArgumentsInvalid(ToolFailed, code="tool_arguments_invalid", retryable=False):
    """The model repeatedly called tools with invalid arguments; simplify the tool's signature or describe its arguments better."""


class ResultTooLarge(ToolFailed, code="result_too_large", retryable=False):
    """The tool's result is over 16 MiB; return a part, a summary, or the name of a file."""


class ToolError(ToolFailed, code="tool_error", retryable=False):
    """The tool rejected this call; the model receives the reason and the call is not retried."""


class EgressRefused(ToolError, code="egress_refused"):
    """The egress guard of an HTTP tool refused the request; use an allowed URL, or change HttpTool(allow=…) or private=… as the detail says."""

    rule: str = ""


class ResultNotText(ToolError, code="result_not_text"):
    """The tool's result cannot be written as JSON; return text, numbers, lists, dicts or pydantic models."""


class QueueUnserved(HoldfastError, code="queue_unserved", kind="transient", retryable=True, fallback=True):
    """No worker of the service queue took the call in time; start `holdfast worker module:app --queue NAME`, or more of them, or raise queue_timeout."""


class EffectUnknown(ToolFailed, code="effect_unknown", retryable=False):
    """The outcome of the call is unknown, so it is not repeated; resolve it with `holdfast answer`, or give the tool a probe."""


class ApprovalInvalid(ToolError, code="approval_invalid"):
    """The call was not made, because the approval that it came with is not valid for it; ask for approval again."""


class BoardConflict(ToolError, code="board_conflict"):
    """The entry of the board has changed since it was read; merge the present text with yours, and write that with its version."""


class BoardFull(ToolError, code="board_full"):
    """The board has no room for another entry; remove some, or put several texts into one."""


class InstructionsFailed(HoldfastError, code="instructions_failed", kind="tool", retryable=True):
    """The agent's instructions function failed; fix the error in the detail, then send a message to continue."""


class OutputInvalid(HoldfastError, code="output_invalid", kind="malformed_output"):
    """The model did not produce output that fits the schema, even after it received the errors; simplify the schema or use a stronger model."""


class StepLimitReached(HoldfastError, code="step_limit"):
    """The turn used all its steps; raise Agent(max_steps=…), or send a message to continue."""


class BudgetExhausted(HoldfastError, code="budget_exhausted", kind="quota"):
    """The budget is used up; raise it with `holdfast budget`, then send a message to continue."""


class LoopDetected(HoldfastError, code="loop_detected"):
    """The model repeats the same calls without progress, even after a warning; change the instructions or the tools, or declare @tool(allow_repeats=True) if repeats are intended."""


class TurnCancelled(HoldfastError, code="turn_cancelled"):
    """The turn was cancelled."""


class TurnNotEnded(HoldfastError, code="turn_not_ended", kind="transient", retryable=True):
    """The turn did not end in time and still runs; wait for it again, or cancel it."""

    session: str = ""
    turn: int = 0


class HandoverUnanswered(HoldfastError, code="handover_unanswered"):
    """The person who handles the session gave no reply; send the message again, or give the session back with `holdfast give-back`."""


class NotificationFailed(HoldfastError, code="notification_failed", kind="transient", retryable=True):
    """A notification was not sent; check the target in App(notifications=…), and its secret."""


class Unclassified(HoldfastError, code="unclassified", kind="unknown", retryable=True):
    """An unknown error occurred; see the detail for its message."""


class StateError(HoldfastError, code="state", kind="transient", retryable=True):
    """The state database failed."""


class VersionConflict(StateError, code="version_conflict", kind="permanent", retryable=False):
    """The session was changed since it was read; read it again and repeat the change."""


class StateUnavailable(StateError, code="state_unavailable"):
    """The state database cannot be reached; check HOLDFAST_STATE_URL and that the database runs."""


class StateNotMigrated(StateError, code="state_not_migrated", kind="permanent", retryable=False):
    """The state database lacks tables of this version; run `holdfast state upgrade`."""


class StateReplaced(StateUnavailable, code="state_replaced"):
    """The state database was deleted or replaced since this worker opened it, or another server answers; restore it and restart the worker."""


class AuditBroken(StateError, code="audit_broken", kind="permanent", retryable=False):
    """The audit log was changed by something other than a worker; keep the state database as it is, and run `holdfast audit verify`."""


class StateBehind(StateError, code="state_behind", kind="permanent", retryable=False):
    """The state database lacks entries that this session has written, so it is an older copy; restore the newer copy, or start a new session."""


class StateNotEmpty(StateError, code="state_not_empty", kind="permanent", retryable=False):
    """The state database has content, which a restore would mix with the backup's; restore into an empty database or a new file."""


class MemoriesNotEmpty(StateError, code="memories_not_empty", kind="permanent", retryable=False):
    """The memory store has other memories than the backup, and a restore would mix them; name an empty store in HOLDFAST_MEMORY_URL, or keep its memories with `holdfast restore --only state`."""


class MemoriesNotBackedUp(StateError, code="memories_not_backed_up", kind="permanent", retryable=False):
    """The state database was backed up, and the memories were not; check the memory store, or set HOLDFAST_BACKUP_MEMORIES=false if it has backups of its own."""


class StateInUse(StateError, code="state_in_use"):
    """Another process has the file store open, or restores the database; stop that process or wait for it, or use SQLite or PostgreSQL, which serve several."""


class StateDamaged(StateError, code="state_damaged", kind="permanent", retryable=False):
    """The file store is damaged, and without what is missing acknowledged writes would be lost; put the file that the detail names back from a copy of the folder."""


class BackupFailed(StateError, code="backup_failed"):
    """A backup could not be written; check the folder, its free space and its permissions."""


class BackupMissing(StateError, code="backup_missing", kind="permanent", retryable=False):
    """There is no good backup; make one with `holdfast backup`, or name another folder."""


class BackupDamaged(StateError, code="backup_damaged", kind="permanent", retryable=False):
    """A backup is damaged or incomplete, so nothing of it was restored; use an older one."""


class BackupUnreadable(StateError, code="backup_unreadable", kind="permanent", retryable=False):
    """A newer version of Holdfast made the backup; restore it with that version."""


class ContentRemoved(HoldfastError, code="content_removed"):
    """Retention removed content that the session needs, so it cannot continue; start a new session."""
