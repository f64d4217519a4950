"""How the session schedules its activities: one place for timeouts, retries and summaries.

``heartbeat_timeout`` is how many seconds an activity may give no sign of life before its worker
counts as lost and another repeats it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeout

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.limits import MORE_ATTEMPTS
from holdfast_workflows.contracts.memory import (
    CompactInput,
    CompactResult,
    RecallInput,
    RecallResult,
    RememberInput,
    RememberResult,
)
from holdfast_workflows.contracts.resets import AsideInput, AsideResult
from holdfast_workflows.contracts.session import Partial
from holdfast_workflows.contracts.spec import MEMORY_RETRY, PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.spec import RetryPolicy as RetrySettings
from holdfast_workflows.contracts.steps import (
    ActInput,
    ActResult,
    LoadInput,
    LoadResult,
    SettleInput,
    ThinkInput,
    ThinkResult,
)

_LOST_WORKERS = 5

_TO_SAY_SO = 15.0  # seconds; a result of megabytes has to be written, too
_TO_WRITE = 15.0

_TOO_LARGE = ["PayloadsTooLarge"]
_NEVER_AGAIN = [
    *_TOO_LARGE,
    # A lost worker is the workflow's to see: it takes none of the call's attempts, and the
    # call is scheduled anew at once.
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
    """The tenant's share; everything else of an activity's priority is its session's."""
    return Priority.default if spec.weight == 1.0 else Priority(fairness_weight=spec.weight)


async def load_agent(load: LoadInput, silence: float) -> LoadResult:
    """Pin the agent's spec."""
    loaded: LoadResult = await workflow.execute_activity(
        names.LOAD_AGENT,
        load,
        result_type=LoadResult,
        # One statement long, so it gives no sign of life: this is how its worker's loss is seen.
        start_to_close_timeout=timedelta(seconds=silence),
        retry_policy=_READ_RETRY,
        summary=load.agent,
    )
    return loaded


def think(
    spec: PinnedSpec, step: ThinkInput, prompt_tokens: int, silence: float
) -> workflow.ActivityHandle[ThinkResult]:
    """Start a model call, or a burst of them."""
    # A lost worker shows by its silence; this only ends what has no other end, so nothing may need longer.
    # A prompt that was found too long, or filtered, is changed and sent once more.
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
        heartbeat_timeout=timedelta(seconds=silence),
        retry_policy=_policy(spec.model_retry),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
        priority=_share(spec),
    )


def act(
    spec: PinnedSpec, policy: ToolPolicy, call: ActInput, summary: str, silence: float
) -> workflow.ActivityHandle[ActResult]:
    """Start a tool call; its activity type is the tool's own name."""
    return workflow.start_activity(
        call.name,
        call,
        result_type=ActResult,
        # The activity ends a tool that takes too long by itself, and can say so to the model.
        start_to_close_timeout=timedelta(seconds=policy.timeout + _TO_SAY_SO),
        heartbeat_timeout=timedelta(seconds=silence),
        retry_policy=_ELSEWHERE_RETRY if call.elsewhere else _policy(attempts(policy)),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary or None,
        priority=_share(spec),
    )


async def set_aside(request: AsideInput, silence: float) -> AsideResult:
    """Set aside what a reset has left behind; tried until the database answers."""
    result: AsideResult = await workflow.execute_activity(
        names.SET_ASIDE,
        request,
        result_type=AsideResult,
        start_to_close_timeout=timedelta(seconds=max(silence, _TO_WRITE)),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=30)
        ),
        summary=f"reset to before entry {request.seq:,}",
    )
    return result


async def settle_turn(change: SettleInput, silence: float) -> int:
    """Write a turn and the session's snapshot; returns the snapshot's version."""
    version: int = await workflow.execute_activity(
        names.SETTLE_TURN,
        change,
        result_type=int,
        start_to_close_timeout=timedelta(seconds=silence),
        retry_policy=_SETTLE_RETRY,
        summary=f"turn {change.turn.turn}" if change.turn else change.status,
    )
    return version


def recall(
    spec: PinnedSpec, request: RecallInput, shown: str, silence: float
) -> workflow.ActivityHandle[RecallResult]:
    """Start looking up what bears on a message."""
    return workflow.start_activity(
        names.RECALL,
        request,
        result_type=RecallResult,
        # A look-up or two long, so it gives no sign of life, and a turn waits for it.
        start_to_close_timeout=timedelta(seconds=silence),
        retry_policy=_policy(_MEMORY_RETRY),
        summary=f"memories for: {shown}",
        priority=_share(spec),
    )


def remember(
    spec: PinnedSpec, request: RememberInput, silence: float
) -> workflow.ActivityHandle[RememberResult]:
    """Start keeping a turn that has ended."""
    return workflow.start_activity(
        names.REMEMBER_TURN,
        request,
        result_type=RememberResult,
        start_to_close_timeout=timedelta(seconds=_one_call(spec)),
        heartbeat_timeout=timedelta(seconds=silence),
        retry_policy=_SETTLE_RETRY,
        summary=f"turn {request.turn}",
        priority=_share(spec),
    )


def compact(
    spec: PinnedSpec, request: CompactInput, silence: float
) -> workflow.ActivityHandle[CompactResult]:
    """Start summing up the older part of the conversation."""
    return workflow.start_activity(
        names.COMPACT,
        request,
        result_type=CompactResult,
        start_to_close_timeout=timedelta(seconds=_one_call(spec)),
        heartbeat_timeout=timedelta(seconds=silence),
        # Beside the turn a lost worker is a failed attempt like any other.
        retry_policy=_policy(spec.model_retry, _TOO_LARGE),
        summary=f"entries below {request.upto:,}",
        priority=_share(spec),
    )


def _one_call(spec: PinnedSpec) -> float:
    """Seconds that an activity with one model call beside the turn may take."""
    return spec.model_timeout * spec.models + _TO_WRITE


def worker_lost(error: ActivityError) -> bool:
    """Whether the call ended because its worker stopped answering, not by its own failure."""
    cause: Any = error.cause
    return isinstance(cause, ActivityTimeout) and cause.type == TimeoutType.HEARTBEAT


def may_lose_more(lost: int) -> bool:
    """Whether a call is scheduled anew though so many workers were lost with it before.

    A lost worker is not the call's failure and takes none of its attempts, but a call that kills
    workers must end. Where every third second a worker is killed, four in a row do happen to one.
    """
    return lost < _LOST_WORKERS


def tried(error: ActivityError) -> int:
    """How many attempts of a model call had failed when its worker was lost, as its last sign of life says."""
    cause: Any = error.cause
    said: Sequence[Any] = cause.last_heartbeat_details
    return Partial.model_validate(said[0]).tried if said else 0


def typed(error: ActivityError, otherwise: type[errors.HoldfastError]) -> errors.HoldfastError:
    """The error behind a failed activity; one that is not ours becomes ``otherwise`` with its text."""
    found = errors.from_failure(error)
    if found is not None:
        return found
    cause = error.cause
    return otherwise(f"{error.activity_type}: {cause or error}")
