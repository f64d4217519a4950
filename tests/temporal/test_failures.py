from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter
from temporalio.exceptions import ApplicationError, CancelledError

from holdfast_temporal import data_converter
from holdfast_workflows.contracts.errors import ContextTooLong, from_failure, to_failure
from holdfast_workflows.contracts.text import redaction

HALF = "bad \ud800 text \x00"
CLEAN = "bad \ufffd text \ufffd"


def convert(error: BaseException) -> tuple[Failure, BaseException]:
    failure = Failure()
    converter = data_converter.failure_converter
    converter.to_failure(error, data_converter.payload_converter, failure)
    failure = Failure.FromString(failure.SerializeToString())
    return failure, converter.from_failure(failure, data_converter.payload_converter)


def test_an_exception_with_a_lone_surrogate_stays_what_it_is() -> None:
    error = ApplicationError(
        HALF, {"x": HALF}, type="code", non_retryable=True, next_retry_delay=timedelta(seconds=3)
    )
    with pytest.raises(ApplicationError) as caught:
        raise error
    failure, back = convert(caught.value)
    assert failure.message == CLEAN
    assert failure.application_failure_info.non_retryable
    assert "in test_an_exception" in failure.stack_trace
    assert isinstance(back, ApplicationError)
    assert (back.type, back.next_retry_delay) == ("code", timedelta(seconds=3))
    assert back.details == ({"x": HALF},)


def test_the_sdks_own_converter_fails_on_it() -> None:
    with pytest.raises((ValueError, TypeError)):
        DefaultFailureConverter().to_failure(
            ApplicationError(HALF, non_retryable=True), data_converter.payload_converter, Failure()
        )


def test_every_cause_is_cleaned_and_kept() -> None:
    error = RuntimeError("outer")
    error.__cause__ = ValueError(HALF)
    failure, _ = convert(error)
    assert failure.cause.message == CLEAN
    assert failure.cause.application_failure_info.type == "ValueError"


def test_the_exception_itself_is_not_changed() -> None:
    error = ValueError(HALF)
    convert(error)
    assert error.args == (HALF,)


def test_a_type_and_a_cancellation_with_such_text_can_be_sent() -> None:
    failure, _ = convert(ApplicationError("m", type=HALF))
    assert failure.application_failure_info.type == CLEAN
    failure, back = convert(CancelledError(HALF))
    assert failure.message == CLEAN
    assert isinstance(back, CancelledError)


def test_a_stack_trace_that_cannot_be_sent_is_left_out() -> None:
    namespace: dict[str, object] = {}
    exec(compile("def fail():\n    raise ValueError('here')", "caf\udce9.py", "exec"), namespace)
    fail = namespace["fail"]
    assert callable(fail)
    with pytest.raises(ValueError, match="here") as caught:
        fail()
    failure, _ = convert(caught.value)
    assert failure.message == "here"


def test_a_huge_message_and_a_deep_stack_are_cut() -> None:
    def deep(levels: int) -> None:
        if levels == 0:
            raise ValueError("x" * 5_000_000)
        (deep if levels % 2 else shallow)(levels - 1)

    def shallow(levels: int) -> None:
        deep(levels)

    with pytest.raises(ValueError, match="x") as caught:
        deep(200)
    failure, _ = convert(caught.value)
    assert failure.ByteSize() < 40_000


def test_our_own_errors_come_back_as_themselves() -> None:
    _, back = convert(to_failure(ContextTooLong(f"200,000 tokens {HALF}")))
    assert isinstance(from_failure(back), ContextTooLong)


def test_a_failure_is_small_enough_for_the_server_to_show() -> None:
    with pytest.raises(ApplicationError) as caught:
        _fail()
    failure, _ = convert(caught.value)
    assert 3_000 < failure.ByteSize() <= 4_096, "the server's limit"
    assert failure.message == "outer"
    assert failure.cause.message == "ä" * 500
    assert failure.cause.stack_trace.startswith("…")
    assert failure.cause.stack_trace.rstrip().endswith("raise ValueError(text)")


def _fail() -> None:
    try:
        _deep(40, "ä" * 500)
    except ValueError as cause:
        raise ApplicationError("outer") from cause


def _deep(frames: int, text: str) -> None:
    if frames:
        (_deep if frames % 2 else _deeper)(frames - 1, text)
    raise ValueError(text)


def _deeper(frames: int, text: str) -> None:
    # In turn with the other, since a trace tells frames that repeat only once.
    _deep(frames, text)


def test_a_failure_holds_no_secret_in_message_details_trace_or_cause() -> None:
    redaction.learn("v4lue-of-a-tool")
    error = ApplicationError("cannot use v4lue-of-a-tool", {"x": ["v4lue-of-a-tool"]}, 7)
    error.__cause__ = KeyError("v4lue-of-a-tool")
    failure, back = convert(error)
    redaction.forget("v4lue-of-a-tool")
    assert b"v4lue" not in failure.SerializeToString()
    assert failure.message == "cannot use [redacted:secret]"
    assert failure.cause.message == "'[redacted:secret]'"
    assert isinstance(back, ApplicationError)
    assert back.details == ({"x": ["[redacted:secret]"]}, 7)


def test_an_ordinary_failure_is_sent_as_it_is() -> None:
    failure, back = convert(ApplicationError("no seat left", {"row": 7, "password": 3}))
    assert failure.message == "no seat left"
    assert isinstance(back, ApplicationError)
    assert back.details == ({"row": 7, "password": 3},)
