import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.resilience.retrying import MIN_OUTCOMES, OUTCOMES, Retries, adapted, delay
from holdfast_workflows.contracts.agent.spec import MODEL_RETRY, RetryPolicy
from holdfast_workflows.contracts.errors import ModelRejected, ModelTransient, RateLimited, from_failure
from holdfast_workflows.contracts.limits import MORE_ATTEMPTS, SLOWER

OPERATION = "model:openai"
HISTORIES = st.lists(st.booleans(), max_size=OUTCOMES)
SPECS = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 20),
    first_delay=st.floats(0, 100),
    max_delay=st.floats(0, 1_000),
    backoff=st.floats(0.5, 10),
    adaptive=st.booleans(),
)


def history(failures: int, successes: int) -> list[bool]:
    return [False] * failures + [True] * successes


def with_history(outcomes: list[bool]) -> Retries:
    retries = Retries()
    for ok in outcomes:
        retries.note(OPERATION, ok)
    return retries


@given(SPECS, HISTORIES)
def test_no_history_moves_a_policy_past_its_bounds(spec: RetryPolicy, outcomes: list[bool]) -> None:
    policy = adapted(spec, outcomes)
    assert 1 <= policy.attempts <= spec.attempts + MORE_ATTEMPTS
    assert spec.first_delay <= policy.first_delay <= spec.first_delay * SLOWER
    assert policy.first_delay <= max(spec.first_delay, spec.max_delay)
    assert (policy.max_delay, policy.backoff) == (spec.max_delay, spec.backoff)
    if spec.attempts == 1 or not spec.adaptive:
        assert policy == spec


@given(SPECS, HISTORIES, st.integers(1, 100))
def test_no_delay_is_over_the_longest_or_far_from_the_declared(
    spec: RetryPolicy, outcomes: list[bool], attempt: int
) -> None:
    policy = adapted(spec, outcomes)
    seconds = delay(policy, attempt)
    assert 0 <= seconds <= spec.max_delay
    assert seconds >= 0.75 * min(spec.first_delay, spec.max_delay) - 1e-9


@given(st.floats(0.001, 59.9), SPECS, HISTORIES)
def test_a_retry_after_is_kept_within_five_percent(
    asked: float, spec: RetryPolicy, outcomes: list[bool]
) -> None:
    choice = with_history(outcomes).choose(OPERATION, spec, 1, RateLimited("later", retry_after=asked))
    assert asked <= choice.delay <= asked * 1.05 + 1e-9


def test_few_outcomes_and_mostly_good_ones_leave_it_as_declared() -> None:
    assert adapted(MODEL_RETRY, history(MIN_OUTCOMES - 1, 0)) == MODEL_RETRY
    assert adapted(MODEL_RETRY, history(16, 34)) == MODEL_RETRY


@pytest.mark.parametrize(
    ("failed", "attempts", "first_delay"),
    [(17, 4, (1.0, 1.1)), (25, 4, (1.8, 2.0)), (30, 5, (2.3, 2.5)), (44, 5, (3.8, 4.0)), (45, 2, (4.0, 4.0)), (50, 2, (4.0, 4.0))],
)  # fmt: skip
def test_the_more_fails_the_more_patience_until_it_is_of_no_use(
    failed: int, attempts: int, first_delay: tuple[float, float]
) -> None:
    policy = adapted(MODEL_RETRY, history(failed, 50 - failed))
    assert policy.attempts == attempts
    assert first_delay[0] <= policy.first_delay <= first_delay[1]


def test_only_the_last_fifty_outcomes_count_and_each_operation_has_its_own() -> None:
    retries = with_history(history(60, 50))
    retries.note("tool:refund", False)
    choice = retries.choose(OPERATION, MODEL_RETRY, 1, ModelTransient("503"))
    assert (choice.seen, choice.failed, choice.attempts) == (50, 0, 3)
    assert retries.choose("tool:refund", MODEL_RETRY, 1, ModelTransient("503")).failed == 1


def test_attempts_end_where_the_policy_says() -> None:
    retries = Retries()
    again = [retries.choose(OPERATION, MODEL_RETRY, n, ModelTransient("503")).again for n in (1, 2, 3, 4)]
    assert again == [True, True, False, False]


def test_what_cannot_help_is_not_tried_again() -> None:
    assert not Retries().choose(OPERATION, MODEL_RETRY, 1, ModelRejected("401")).again
    assert Retries().choose(OPERATION, MODEL_RETRY, 1, RateLimited("429", retry_after=59.9)).again
    assert not Retries().choose(OPERATION, MODEL_RETRY, 1, RateLimited("429", retry_after=60)).again


def test_calls_that_failed_together_do_not_come_again_together() -> None:
    delays = [delay(MODEL_RETRY, 2) for _ in range(200)]
    assert min(delays) < 1.7
    assert max(delays) > 2.3
    assert len(set(delays)) > 190


def test_the_failure_tells_temporal_and_the_reader_what_was_chosen(caplog: pytest.LogCaptureFixture) -> None:
    retries = with_history(history(25, 25))
    error = ModelTransient("503")
    with caplog.at_level(logging.WARNING):
        choice = retries.choose(OPERATION, MODEL_RETRY, 2, error)
        failure = retries.failure(error, choice)
    assert failure.next_retry_delay is not None
    assert failure.next_retry_delay.total_seconds() == pytest.approx(choice.delay, abs=0.001)
    assert not failure.non_retryable
    detail, retry = failure.details
    assert detail == "503"
    assert (retry["attempt"], retry["attempts"], retry["seen"], retry["failed"]) == (2, 4, 50, 25)
    [line] = caplog.records
    assert "attempt 2 of 4" in line.getMessage()
    assert vars(line)["retry"]["operation"] == OPERATION


def test_the_last_failure_ends_the_attempts_and_is_still_the_same_error() -> None:
    error = RateLimited("429", retry_after=90)
    retries = Retries()
    failure = retries.failure(error, retries.choose(OPERATION, MODEL_RETRY, 3, error))
    assert failure.non_retryable
    assert failure.next_retry_delay is None
    back = from_failure(failure)
    assert isinstance(back, RateLimited)
    assert (back.retryable, back.retry_after) == (True, 90)
