"""Schedule the session's activities: timeouts, retries and summaries.

``heartbeat_timeout`` is in seconds; without a heartbeat for so long a worker counts as lost.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, FailureError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import (
    CompactInput,
    CompactResult,
    RecallInput,
    RecallResult,
    RememberInput,
    RememberResult,
)
from holdfast_workflows.contracts.agent.spec import MEMORY_RETRY, PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.agent.spec import RetryPolicy as RetrySettings
from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.control.audit import AppendAudit, AuditRecord
from holdfast_workflows.contracts.control.notifications import Notification
from holdfast_workflows.contracts.control.verification import VerifyInput
from holdfast_workflows.contracts.limits import MORE_ATTEMPTS, QUEUE_NOTICE, SHOWN_CHARS
from holdfast_workflows.contracts.operations.resets import AsideInput, AsideResult
from holdfast_workflows.contracts.session.approvals import (
    AnswerSigned,
    OpenApproval,
    OpenedApproval,
    SignAnswer,
)
from holdfast_workflows.contracts.session.steps import (
    DECISIONS,
    ActInput,
    ActResult,
    LoadInput,
    LoadResult,
    SettleInput,
    ThinkInput,
    ThinkResult,
)
from holdfast_workflows.contracts.teams.routed import RouteInput, RouteResult
from holdfast_workflows.contracts.text.unicode import preview

R = TypeVar("R")

_LOCAL_LOAD = 2.0
_LOCAL_SETTLE = 1.0
"""Seconds of a local attempt, for which the first step, or the reply, waits. The heartbeat timeout is also that of
workflow tasks, so an attempt ends well within it."""

_TO_WRITE = 15.0
"""Seconds to write a reply, or a result of up to 16 MiB."""

_TO_CLASSIFY = 120.0
"""Seconds to choose an agent, with a model call that finds out what the message needs."""

_TOO_LARGE = ["PayloadsTooLarge"]
_NEVER_AGAIN = [
    *_TOO_LARGE,
    # The workflow handles a lost worker: it uses none of the call's attempts, and the call is
    # scheduled again at once.
    "TemporalTimeout:Heartbeat",
]
_MEMORY_RETRY = MEMORY_RETRY.model_copy(update={"adaptive": False})


def _retry(first: float, longest: float, attempts: int, never: Sequence[str] | None = None) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=timedelta(seconds=first),
        maximum_interval=timedelta(seconds=longest),
        maximum_attempts=attempts,
        non_retryable_error_types=never,
    )


_READ_RETRY = _retry(0.1, 5, 20)
_SETTLE_RETRY = _retry(0.2, 30, 30)
_ONCE = RetryPolicy(maximum_attempts=1)
_NOTIFY_RETRY = _retry(1, 300, 12)  # about half an hour
_UNTIL_THERE = _retry(0.2, 30, 0)  # until the database answers
_ELSEWHERE_RETRY = _retry(0.1, 2, 60, _NEVER_AGAIN)


def attempts(policy: ToolPolicy) -> RetrySettings:
    """Return the retries of a tool; none for one whose effect must never be repeated."""
    return policy.retry.model_copy(update={"attempts": 1}) if policy.effect == "once" else policy.retry


def most_attempts(spec: RetrySettings) -> int:
    """Return the attempts that are scheduled at most; the activity may end them earlier."""
    return spec.attempts + MORE_ATTEMPTS if spec.adaptive and spec.attempts > 1 else spec.attempts


def _policy(spec: RetrySettings, never: Sequence[str] = _NEVER_AGAIN) -> RetryPolicy:
    policy = _retry(spec.first_delay, spec.max_delay, most_attempts(spec), never)
    return replace(policy, backoff_coefficient=spec.backoff)


def _start(
    activity: str,
    given: Contract,
    result_type: type[R],
    seconds: float,
    retry: RetryPolicy,
    summary: str,
    *,
    spec: PinnedSpec | None = None,
    heartbeat_timeout: float | None = None,
    wait_cancelled: bool = False,
    queue: str | None = None,
    within: float | None = None,
) -> workflow.ActivityHandle[R]:
    """Start an activity with a timeout in ``seconds``; with ``spec`` it has the tenant's fairness weight.

    ``queue`` is a service queue, by default the agent's. A worker has to take the activity ``within`` these seconds.
    """
    if queue is None:
        queue = spec.queue if spec else ""
    kinds = workflow.ActivityCancellationType
    return workflow.start_activity(
        activity,
        given,
        result_type=result_type,
        task_queue=queue or None,
        schedule_to_start_timeout=None if within is None else timedelta(seconds=within),
        start_to_close_timeout=timedelta(seconds=seconds),
        heartbeat_timeout=None if heartbeat_timeout is None else timedelta(seconds=heartbeat_timeout),
        retry_policy=retry,
        cancellation_type=kinds.WAIT_CANCELLATION_COMPLETED if wait_cancelled else kinds.TRY_CANCEL,
        summary=summary or None,
        # The rest of the priority is inherited from the workflow.
        priority=Priority(fairness_weight=spec.weight) if spec and spec.weight != 1.0 else Priority.default,
    )


async def _try_locally(
    activity: str, given: Contract, result_type: type[R], seconds: float, summary: str
) -> R | None:
    """Make one short attempt on this worker, within the workflow task that runs anyway.

    Return None if the attempt failed and an ordinary activity may succeed.

    Raises:
        HoldfastError: The activity failed finally.
    """
    try:
        result: R = await workflow.start_local_activity(
            activity,
            given,
            result_type=result_type,
            schedule_to_close_timeout=timedelta(seconds=seconds),
            retry_policy=_ONCE,
            summary=summary,
        )
    except FailureError as error:
        # The SDK wraps no failure of a local activity in ActivityError.
        if isinstance(error, CancelledError):
            raise asyncio.CancelledError from error
        if isinstance(error, ApplicationError) and error.non_retryable:
            raise errors.from_failure(error) or errors.HoldfastError(f"{activity}: {error}") from error
        return None
    return result


async def load_agent(load: LoadInput, heartbeat_timeout: float) -> LoadResult:
    """Pin the agent's spec.

    Raises:
        HoldfastError: The agent cannot be loaded.
    """
    seconds = min(_LOCAL_LOAD, heartbeat_timeout / 2)
    local = await _try_locally(names.LOAD_AGENT, load, LoadResult, seconds, f"load {load.agent}")
    if local is not None:
        return local
    try:
        # A few statements without heartbeats: its timeout detects a lost worker.
        return await _start(names.LOAD_AGENT, load, LoadResult, heartbeat_timeout, _READ_RETRY, load.agent)
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise asyncio.CancelledError from error
        raise typed(error, errors.HoldfastError) from error


async def route(ask: RouteInput, heartbeat_timeout: float) -> RouteResult:
    """Choose the session's agent.

    Raises:
        HoldfastError: No agent can serve it.
    """
    about = preview(ask.about, SHOWN_CHARS)
    try:
        return await _start(
            names.ROUTE_SESSION,
            ask,
            RouteResult,
            _TO_CLASSIFY,
            _READ_RETRY,
            about,
            heartbeat_timeout=heartbeat_timeout,
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise asyncio.CancelledError from error
        raise typed(error, errors.HoldfastError) from error


async def verify(request: VerifyInput, heartbeat_timeout: float) -> str:
    """Return the id of the principal that sent a signal.

    Raises:
        HoldfastError: It may not send it, or did not.
    """
    seconds = min(_LOCAL_LOAD, heartbeat_timeout / 2)
    local = await _try_locally(names.VERIFY_SIGNAL, request, str, seconds, f"verify {request.name}")
    if local is not None:
        return local
    try:
        return await _start(names.VERIFY_SIGNAL, request, str, heartbeat_timeout, _READ_RETRY, request.name)
    except ActivityError as error:
        raise typed(error, errors.HoldfastError) from error


def think(
    spec: PinnedSpec, step: ThinkInput, about: str, heartbeat_timeout: float, within: float | None = None
) -> workflow.ActivityHandle[ThinkResult]:
    """Start a model call, or several inline steps."""
    # Lost workers are detected by heartbeats, so this must only be long enough for every model call.
    # A prompt that was too long, or filtered, is changed and sent once more.
    longest = 2 * spec.model_timeout * spec.models + _TO_WRITE
    if spec.has_inline:
        longest += spec.max_inline_seconds + max(tool.timeout for tool in spec.tools.values())
    return _start(
        names.THINK,
        step,
        ThinkResult,
        longest,
        _policy(spec.model_retry),
        f"step {step.step} · {about}" if about else f"step {step.step}",
        spec=spec,
        heartbeat_timeout=heartbeat_timeout,
        wait_cancelled=True,
        queue="" if step.mode == "read" else None,  # every worker can read the log
        within=within,
    )


def act(
    spec: PinnedSpec,
    policy: ToolPolicy,
    call: ActInput,
    summary: str,
    heartbeat_timeout: float,
    within: float | None = None,
) -> workflow.ActivityHandle[ActResult]:
    """Start a tool call; its activity type is the tool's own name."""
    # A decision needs only the ledger, so it does not depend on the service's workers.
    service = call.mode not in DECISIONS
    return _start(
        call.name,
        call,
        ActResult,
        # The activity itself ends a tool that takes too long, and reports it to the model.
        policy.timeout + _TO_WRITE,
        _ELSEWHERE_RETRY if call.elsewhere else _policy(attempts(policy)),
        summary,
        spec=spec,
        heartbeat_timeout=heartbeat_timeout,
        wait_cancelled=True,
        queue=policy.queue if service else "",
        within=within if service else None,
    )


def open_approval(request: OpenApproval, heartbeat_timeout: float) -> workflow.ActivityHandle[OpenedApproval]:
    """Start signing what people are asked about a call."""
    about, seconds = f"{request.id}: {request.call.name}", max(heartbeat_timeout, _TO_WRITE)
    return _start(names.OPEN_APPROVAL, request, OpenedApproval, seconds, _SETTLE_RETRY, about)


async def sign_answer(request: SignAnswer, heartbeat_timeout: float) -> AnswerSigned:
    """Sign a person's permission or delegation."""
    about, seconds = f"{request.approval.id}: {request.action}", max(heartbeat_timeout, _TO_WRITE)
    return await _start(names.SIGN_ANSWER, request, AnswerSigned, seconds, _READ_RETRY, about)


def set_aside(request: AsideInput, heartbeat_timeout: float) -> workflow.ActivityHandle[AsideResult]:
    """Start setting aside the old run's writes after a reset."""
    summary = f"reset to before entry {request.seq:,}"
    seconds = max(heartbeat_timeout, _TO_WRITE)
    return _start(names.SET_ASIDE, request, AsideResult, seconds, _UNTIL_THERE, summary)


async def append_audit(records: tuple[AuditRecord, ...], heartbeat_timeout: float) -> None:
    """Append records to the audit log, however long the state database is away."""
    request, about = AppendAudit(records=records), ", ".join(record.action for record in records[:3])
    seconds = min(_LOCAL_SETTLE, heartbeat_timeout / 2)
    if await _try_locally(names.APPEND_AUDIT, request, int, seconds, f"audit {about}") is None:
        await _start(names.APPEND_AUDIT, request, int, heartbeat_timeout, _UNTIL_THERE, about)


async def settle_turn_locally(change: SettleInput, heartbeat_timeout: float) -> int | None:
    """Write a turn and the session's snapshot like ``settle_turn``; None if the attempt failed.

    Raises:
        HoldfastError: The state database refuses the change.
    """
    seconds = min(_LOCAL_SETTLE, heartbeat_timeout / 2)
    return await _try_locally(names.SETTLE_TURN, change, int, seconds, f"settle {_changed(change)}")


def settle_turn(change: SettleInput, heartbeat_timeout: float) -> workflow.ActivityHandle[int]:
    """Start writing a turn and the session's snapshot; the result is the snapshot's version."""
    return _start(names.SETTLE_TURN, change, int, heartbeat_timeout, _SETTLE_RETRY, _changed(change))


def notify(notification: Notification) -> workflow.ActivityHandle[None]:
    """Start sending a notification to people."""
    summary = f"{notification.event}: {notification.what}"
    return _start(names.NOTIFY, notification, type(None), 60.0, _NOTIFY_RETRY, summary)


def _changed(change: SettleInput) -> str:
    return f"turn {change.turn.turn} {change.turn.status}" if change.turn else change.status


def recall(
    spec: PinnedSpec, request: RecallInput, shown: str, heartbeat_timeout: float
) -> workflow.ActivityHandle[RecallResult]:
    """Start a search for memories relevant to a message."""
    # One or two queries without heartbeats, and a turn waits for it.
    retry, summary = _policy(_MEMORY_RETRY), f"memories for: {shown}"
    return _start(
        names.RECALL,
        request,
        RecallResult,
        heartbeat_timeout,
        retry,
        summary,
        spec=spec,
        within=min(QUEUE_NOTICE, spec.queue_timeout) if spec.queue else None,
    )


def remember(
    spec: PinnedSpec, request: RememberInput, heartbeat_timeout: float
) -> workflow.ActivityHandle[RememberResult]:
    """Start remembering an ended turn."""
    return _start(
        names.REMEMBER_TURN,
        request,
        RememberResult,
        _one_call(spec),
        _SETTLE_RETRY,
        f"turn {request.turn}",
        spec=spec,
        heartbeat_timeout=heartbeat_timeout,
    )


def compact(
    spec: PinnedSpec, request: CompactInput, heartbeat_timeout: float
) -> workflow.ActivityHandle[CompactResult]:
    """Start summarizing the older part of the conversation."""
    return _start(
        names.COMPACT,
        request,
        CompactResult,
        _one_call(spec),
        # In the background a lost worker is a failed attempt like any other.
        _policy(spec.model_retry, _TOO_LARGE),
        f"entries below {request.upto:,}",
        spec=spec,
        heartbeat_timeout=heartbeat_timeout,
    )


def _one_call(spec: PinnedSpec) -> float:
    """Return the seconds that a background activity with one model call may take."""
    return spec.model_timeout * spec.models + _TO_WRITE


def typed(error: ActivityError, otherwise: type[errors.HoldfastError]) -> errors.HoldfastError:
    """Return the error of a failed activity; an unknown one becomes ``otherwise`` with its text."""
    found = errors.from_failure(error)
    if found is not None:
        return found
    cause = error.cause
    return otherwise(f"{error.activity_type}: {cause or error}")
