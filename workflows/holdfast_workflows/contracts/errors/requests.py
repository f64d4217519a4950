"""Errors of invalid requests, and of services that do not answer."""

from .base import HoldfastError


class BadInput(HoldfastError, code="bad_input"):
    """The request is invalid."""


class UnknownAgent(BadInput, code="unknown_agent"):
    """The workers serve no agent of that name; use one of the names in the detail, or add the agent to the App and restart the worker."""


class NoCapableAgent(BadInput, code="no_capable_agent"):
    """No agent has all the capabilities that the request needs; ask for those of one agent, or add what the detail names to an agent's Routing(capabilities=[…])."""


class InvalidDeclaration(BadInput, code="invalid_declaration"):
    """The declaration of an agent, tool or app is invalid; change it as the detail says."""


class ScheduleNotFound(BadInput, code="schedule_not_found"):
    """There is no such schedule; list them with `holdfast schedule list`."""


class MessageTooLarge(BadInput, code="message_too_large"):
    """The message is too large; store it where a tool can read it and send its name."""


class QueueFull(BadInput, code="queue_full"):
    """Too many messages wait in this session; wait for a turn to end, then send again."""


class SessionBusy(BadInput, code="session_busy"):
    """A turn is running and this session refuses messages during a turn; wait for its end, or send with when_busy="queue" or "interrupt"."""


class SessionRunning(BadInput, code="session_running"):
    """A running session cannot be erased; close it and wait for its end, or erase with stop=True (`--stop`), which ends it at once."""


class UnderHold(BadInput, code="under_hold"):
    """A legal hold protects this data, so nothing was erased; see `holdfast hold list`, and remove the hold first."""


class SessionClosed(BadInput, code="session_closed"):
    """The session has ended; start a new one."""


class NothingToDo(BadInput, code="nothing_to_do"):
    """The request has no effect in the session's present state; see the state with `holdfast show`."""


class AppNotFound(BadInput, code="app_not_found"):
    """No App was found; name it as `module:attribute` and run from the folder that contains the module."""


class AppBroken(BadInput, code="app_broken"):
    """The App's module cannot be imported; fix the error in the detail."""


class LifespanFailed(HoldfastError, code="lifespan_failed"):
    """The App's lifespan raised an error, so the worker ends; fix the error in the detail."""


class SettingsInvalid(BadInput, code="settings_invalid"):
    """A setting is invalid; correct the HOLDFAST_… variable that the detail names."""


class SecretMissing(HoldfastError, code="secret_missing"):
    """A secret that is referenced has no value; set the variable, or write the file, that the detail names, for every worker."""


class PortTaken(BadInput, code="port_taken"):
    """The port cannot be used; stop the program that has it, or choose another port."""


class DatabaseMismatch(BadInput, code="database_mismatch"):
    """The task queue's sessions are in another state database; set HOLDFAST_STATE_URL to that database, or run `holdfast state bind` if it was moved on purpose."""


class AppMismatch(BadInput, code="app_mismatch"):
    """The task queue belongs to another app; give this app a name of its own with App(name=…), or run `holdfast state bind` if it replaces the other."""


class BreakerUnknown(BadInput, code="breaker_unknown"):
    """No breaker has that name; use `provider:<name>`, `tool:<name>` or `memory:<name>`, as listed by `holdfast breakers`."""


class InvalidCredential(BadInput, code="invalid_credential"):
    """The credential is missing, unknown, expired or revoked; give a valid API key or token as HOLDFAST_CREDENTIAL or connect(credential=…)."""


class NotPermitted(BadInput, code="not_permitted"):
    """Your roles do not permit this request; ask an operator for the role in the detail, and see yours with `holdfast whoami`."""


class NoIdentityProvider(BadInput, code="no_identity_provider"):
    """The workers have no identity provider, so they check no credentials; remove the credential, or set HOLDFAST_IDENTITY_API_KEYS or HOLDFAST_IDENTITY_JWKS for the workers."""


class InsecureConnection(BadInput, code="insecure_connection"):
    """The API key would be sent unencrypted; turn TLS on with HOLDFAST_TLS=true, or remove the key."""


class ServiceError(HoldfastError, code="service", kind="transient", retryable=True):
    """A service that Holdfast needs did not answer."""


class AllAgentsBusy(ServiceError, code="all_agents_busy", kind="rate_limit"):
    """Every agent that could serve the request is busy, and so is its queue; try again after the time in the detail, start more workers, or raise max_sessions or max_queue."""


class TemporalUnreachable(ServiceError, code="temporal_unreachable"):
    """No Temporal server answers at that address; start one with `holdfast dev`, or set HOLDFAST_TEMPORAL_ADDRESS."""


class NoWorker(ServiceError, code="no_worker"):
    """No worker answers on the task queue; start one with `holdfast worker module:app` and check HOLDFAST_TASK_QUEUE."""


class SessionNotFound(ServiceError, code="session_not_found", kind="permanent", retryable=False):
    """No session has that id, or your credential does not let you see it; list the sessions with `holdfast sessions`."""


class WorkerMissing(ServiceError, code="worker_missing", kind="permanent", retryable=False):
    """The packages that a worker needs are not installed; run `pip install "holdfast[worker]"`, or `"holdfast[dev]"` for `holdfast dev`."""


class SandboxUnavailable(ServiceError, code="sandbox_unavailable", kind="permanent", retryable=False):
    """This worker cannot make the sandbox that CodeTool needs, so no code is run; install bubblewrap, allow user namespaces, or remove the tool."""


class DevServerMissing(ServiceError, code="dev_server_missing", kind="permanent", retryable=False):
    """A part of `holdfast dev` is not installed; run `pip install "holdfast[dev]"`."""


class DevServerFailed(ServiceError, code="dev_server_failed"):
    """The embedded Temporal server failed; the reason is in its log."""


class SearchAttributesMissing(
    ServiceError, code="search_attributes_missing", kind="permanent", retryable=False
):
    """The namespace lacks search attributes and refuses to register them; run the command in the detail."""


class BreakerOpen(ServiceError, code="breaker_open", fallback=True):
    """The circuit breaker is open after repeated failures, so no request was sent; wait for its next probe, or close it with `holdfast breaker close`."""

    cause: str = ""
    """The code of the error that opened it, if waiting does not fix that error."""


class LimitReached(ServiceError, code="limit_reached", kind="rate_limit", fallback=True):
    """The configured rate limit is used up; wait until it allows the call, or raise the limit."""
