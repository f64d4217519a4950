"""Errors of tools, turns and the state database."""

from .base import HoldfastError


class ToolFailed(HoldfastError):
    """The tool failed."""

    code = "tool_failed"
    kind = "tool"
    retryable = True


class ToolArgumentsInvalid(ToolFailed):
    """The model kept calling tools with arguments that do not fit; simplify the tool's signature or describe its arguments better."""

    code = "tool_arguments_invalid"
    retryable = False


class ResultTooLarge(ToolFailed):
    """The tool's result is over 16 MiB; return a part, a summary, or the name of a file."""

    code = "result_too_large"
    retryable = False


class ToolError(ToolFailed):
    """The tool reported that this call cannot succeed; the model gets the reason, and the call is not retried."""

    code = "tool_error"
    retryable = False


class ResultNotText(ToolError):
    """The tool's result cannot be written as JSON; return text, numbers, lists, dicts or pydantic models."""

    code = "result_not_text"


class EffectUnknown(ToolFailed):
    """It is unknown whether the call happened, so it is not repeated; decide with `holdfast resolve`, or give the tool a probe."""

    code = "effect_unknown"
    retryable = False


class OutputInvalid(HoldfastError):
    """The model did not produce output that fits the schema, even after being told what is wrong; simplify the schema or use a stronger model."""

    code = "output_invalid"
    kind = "malformed_output"


class StepLimitReached(HoldfastError):
    """The turn used all its steps; raise Agent(max_steps=…) or send a message to go on."""

    code = "step_limit"


class BudgetExhausted(HoldfastError):
    """The budget is used up; raise it with `holdfast budget`, then send a message to go on."""

    code = "budget_exhausted"
    kind = "quota"


class LoopDetected(HoldfastError):
    """The model repeats itself without getting on, even after being told; change the instructions or the tools, or say @tool(allow_repeats=True) where repeating is meant."""

    code = "loop_detected"


class TurnCancelled(HoldfastError):
    """The turn was cancelled."""

    code = "turn_cancelled"


class TurnNotEnded(HoldfastError):
    """The turn did not end in the time it was given; it goes on, so wait for it again or cancel it."""

    code = "turn_not_ended"
    kind = "transient"
    retryable = True


class Unclassified(HoldfastError):
    """Something failed in a way that Holdfast does not know; the detail has its words."""

    code = "unclassified"
    kind = "unknown"
    retryable = True


class StateError(HoldfastError):
    """The state database did not do what was asked."""

    code = "state"
    kind = "transient"
    retryable = True


class VersionConflict(StateError):
    """Another writer changed the session since it was read; read it again and repeat the change."""

    code = "version_conflict"
    kind = "permanent"
    retryable = False


class StateUnavailable(StateError):
    """The state database cannot be reached; check HOLDFAST_STATE_URL and that it is up."""

    code = "state_unavailable"


class StateNotMigrated(StateError):
    """The state database does not have the tables of this version yet; run `holdfast state upgrade`."""

    code = "state_not_migrated"
    kind = "permanent"
    retryable = False


class StateReplaced(StateUnavailable):
    """The state database is not the one this worker opened: it was deleted, replaced, or another server answers; put the right one back, and restart the worker."""

    code = "state_replaced"


class StateBehind(StateError):
    """The state database lacks what this session's history says was written: it is an older copy; put the newer one back, or start a new session."""

    code = "state_behind"
    kind = "permanent"
    retryable = False
