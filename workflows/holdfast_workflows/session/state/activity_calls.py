"""Schedule the session's activities: timeouts, retries and summaries.

``heartbeat_timeout`` is in seconds; without a heartbeat for so long a worker counts as lost.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeout

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
from holdfast_workflows.contracts.limits import MORE_ATTEMPTS
from holdfast_workflows.contracts.operations.resets import AsideInput, AsideResult
from holdfast_workflows.contracts.session.session import Partial
from holdfast_workflows.contracts.session.steps import (
    ActInput,
    ActResult,
    LoadInput,
    LoadResult,
    SettleInput,
    ThinkInput,
    ThinkResult,
)

_LOST_WORKERS = 5

_RECORD_SECONDS = 15.0  # to write a result of up to 16 MiB
_TO_WRITE = 15.0

_TOO_LARGE = ["PayloadsTooLarge"]
_NEVER_AGAIN = [
    *_TOO_LARGE,
    # The workflow handles a lost worker: it uses none of the call's attempts, and the call is
    # scheduled again at once.
    "TemporalTimeout:Heartbeat",
]
_MEMORY_RETRY = MEMORY_RETRY.model_copy(update={"adaptive": False})
_READ_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=0.1), maximum_interval=timedelta(seconds=5), maximum_attempts=20
)
_SETTLE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=30), maximum_attempts=30
)

_ELSEWHERE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=0.1),
    maximum_interval=timedelta(seconds=2),
    maximum_attempts=60,
    non_retryable_error_types=_NEVER_AGAIN,
)


def attempts(policy: ToolPolicy) -> RetrySettings:
    """The retries of a tool; none for one whose effect must never be repeated."""
    return policy.retry.model_copy(update={"attempts": 1}) if policy.effect == "once" else policy.retry


def most_attempts(spec: RetrySettings) -> int:
    """How many attempts are scheduled at most; the activity ends them earlier as the last outcomes advise."""
    return spec.attempts + MORE_ATTEMPTS if spec.adaptive and spec.attempts > 1 else spec.attempts


def _policy(spec: RetrySettings, never: Sequence[str] = _NEVER_AGAIN) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=timedelta(seconds=spec.first_delay),
        maximum_interval=timedelta(seconds=spec.max_delay),
        backoff_coefficient=spec.backoff,
        maximum_attempts=most_attempts(spec),
        non_retryable_error_types=never,
    )


def _share(spec: PinnedSpec) -> Priority:
    """The tenant's fairness weight; the rest of the priority is inherited from the workflow."""
    return Priority.default if spec.weight == 1.0 else Priority(fairness_weight=spec.weight)


async def load_agent(load: LoadInput, heartbeat_timeout: float) -> LoadResult:
    """Pin the agent's spec."""
    loaded: LoadResult = await workflow.execute_activity(
        names.LOAD_AGENT,
        load,
        result_type=LoadResult,
        # A single statement without heartbeats: this timeout detects a lost worker.
        start_to_close_timeout=timedelta(seconds=heartbeat_timeout),
        retry_policy=_READ_RETRY,
        summary=load.agent,
    )
    return loaded


def think(
    spec: PinnedSpec, step: ThinkInput, prompt_tokens: int, heartbeat_timeout: float
) -> workflow.ActivityHandle[ThinkResult]:
    """Start a model call, or several inline steps."""
    # Lost workers are detected by heartbeats, so this must only be long enough for every model call.
    # A prompt that was too long, or filtered, is changed and sent once more.
    longest = 2 * spec.model_timeout * spec.models + _TO_WRITE
    if spec.has_inline:
        longest += spec.max_inline_seconds + max(tool.timeout for tool in spec.tools.values())
    summary = f"{step.agent} · step {step.step}"
    if prompt_tokens:
        summary = f"{summary} · {prompt_tokens:,} tokens before"
    return workflow.start_activity(
        names.THINK,
        step,
        result_type=ThinkResult,
        start_to_close_timeout=timedelta(seconds=longest),
        heartbeat_timeout=timedelta(seconds=heartbeat_timeout),
        retry_policy=_policy(spec.model_retry),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
        priority=_share(spec),
    )


def act(
    spec: PinnedSpec, policy: ToolPolicy, call: ActInput, summary: str, heartbeat_timeout: float
) -> workflow.ActivityHandle[ActResult]:
    """Start a tool call; its activity type is the tool's own name."""
    return workflow.start_activity(
        call.name,
        call,
        result_type=ActResult,
        # The activity itself ends a tool that takes too long, and reports it to the model.
        start_to_close_timeout=timedelta(seconds=policy.timeout + _RECORD_SECONDS),
        heartbeat_timeout=timedelta(seconds=heartbeat_timeout),
        retry_policy=_ELSEWHERE_RETRY if call.elsewhere else _policy(attempts(policy)),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary or None,
        priority=_share(spec),
    )


async def set_aside(request: AsideInput, heartbeat_timeout: float) -> AsideResult:
    """Set aside the old run's writes after a reset; retried until the database answers."""
    result: AsideResult = await workflow.execute_activity(
        names.SET_ASIDE,
        request,
        result_type=AsideResult,
        start_to_close_timeout=timedelta(seconds=max(heartbeat_timeout, _TO_WRITE)),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=30)
        ),
        summary=f"reset to before entry {request.seq:,}",
    )
    return result


async def settle_turn(change: SettleInput, heartbeat_timeout: float) -> int:
    """Write a turn and the session's snapshot; returns the snapshot's version."""
    version: int = await workflow.execute_activity(
        names.SETTLE_TURN,
        change,
        result_type=int,
        start_to_close_timeout=timedelta(seconds=heartbeat_timeout),
        retry_policy=_SETTLE_RETRY,
        summary=f"turn {change.turn.turn}" if change.turn else change.status,
    )
    return version


def recall(
    spec: PinnedSpec, request: RecallInput, shown: str, heartbeat_timeout: float
) -> workflow.ActivityHandle[RecallResult]:
    """Start a search for memories relevant to a message."""
    return workflow.start_activity(
        names.RECALL,
        request,
        result_type=RecallResult,
        # One or two queries without heartbeats, and a turn waits for it.
        start_to_close_timeout=timedelta(seconds=heartbeat_timeout),
        retry_policy=_policy(_MEMORY_RETRY),
        summary=f"memories for: {shown}",
        priority=_share(spec),
    )


def remember(
    spec: PinnedSpec, request: RememberInput, heartbeat_timeout: float
) -> workflow.ActivityHandle[RememberResult]:
    """Start remembering an ended turn."""
    return workflow.start_activity(
        names.REMEMBER_TURN,
        request,
        result_type=RememberResult,
        start_to_close_timeout=timedelta(seconds=_one_call(spec)),
        heartbeat_timeout=timedelta(seconds=heartbeat_timeout),
        retry_policy=_SETTLE_RETRY,
        summary=f"turn {request.turn}",
        priority=_share(spec),
    )


def compact(
    spec: PinnedSpec, request: CompactInput, heartbeat_timeout: float
) -> workflow.ActivityHandle[CompactResult]:
    """Start summarizing the older part of the conversation."""
    return workflow.start_activity(
        names.COMPACT,
        request,
        result_type=CompactResult,
        start_to_close_timeout=timedelta(seconds=_one_call(spec)),
        heartbeat_timeout=timedelta(seconds=heartbeat_timeout),
        # In the background a lost worker is a failed attempt like any other.
        retry_policy=_policy(spec.model_retry, _TOO_LARGE),
        summary=f"entries below {request.upto:,}",
        priority=_share(spec),
    )


def _one_call(spec: PinnedSpec) -> float:
    """Seconds that a background activity with one model call may take."""
    return spec.model_timeout * spec.models + _TO_WRITE


def worker_lost(error: ActivityError) -> bool:
    """Whether the call ended because its worker stopped answering, not by its own failure."""
    cause: Any = error.cause
    return isinstance(cause, ActivityTimeout) and cause.type == TimeoutType.HEARTBEAT


def may_lose_more(lost: int) -> bool:
    """Whether to schedule a call again after ``lost`` workers were lost with it.

    A lost worker uses none of the call's attempts, but a call that kills its workers must end. If a worker is
    killed every three seconds, one call does lose four in a row.
    """
    return lost < _LOST_WORKERS


def tried(error: ActivityError) -> int:
    """Return the failed attempts of a model call before its worker was lost, from the last heartbeat."""
    cause: Any = error.cause
    details: Sequence[Any] = cause.last_heartbeat_details
    return Partial.model_validate(details[0]).tried if details else 0


def typed(error: ActivityError, otherwise: type[errors.HoldfastError]) -> errors.HoldfastError:
    """Return the error of a failed activity; an unknown one becomes ``otherwise`` with its text."""
    found = errors.from_failure(error)
    if found is not None:
        return found
    cause = error.cause
    return otherwise(f"{error.activity_type}: {cause or error}")
