"""Translation of the errors of Temporal's client."""

import pytest
from temporalio.client import ActivityFailureError
from temporalio.exceptions import TimeoutError, TimeoutType
from temporalio.service import RPCError, RPCStatusCode

from holdfast_client.requests.errors import translate
from holdfast_workflows.contracts.errors import ServiceError, SessionBusy, TemporalUnreachable


def test_a_broken_connection_is_an_unreachable_server() -> None:
    # The SDK's error when a server is killed during a request.
    broken = RPCError("transport error", RPCStatusCode.UNKNOWN, b"")
    assert isinstance(translate(broken), TemporalUnreachable)
    other = RPCError("something else", RPCStatusCode.UNKNOWN, b"")
    assert type(translate(other)) is ServiceError


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            RPCStatusCode.RESOURCE_EXHAUSTED,
            "limit on number of concurrent in-flight updates has been reached (10)",
        ),
        (RPCStatusCode.UNAVAILABLE, "workflow update was aborted"),
    ],
)
def test_too_many_updates_are_a_busy_session(status: RPCStatusCode, message: str) -> None:
    # Not an unreachable server, whose remedy is to start it.
    busy = translate(RPCError(message, status, b""), "s-1", by_worker=True)
    assert isinstance(busy, SessionBusy)
    assert "send it again with the same id" in str(busy)


def test_a_request_that_hangs_in_a_worker_says_where_to_look() -> None:
    late = TimeoutError(
        "activity ScheduleToClose timeout", type=TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[]
    )
    found = translate(ActivityFailureError(cause=late))
    assert type(found) is ServiceError
    assert "see its log, and whether the state database answers" in str(found)
