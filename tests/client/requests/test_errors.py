"""What becomes of the errors of Temporal's client."""

import pytest
from temporalio.service import RPCError, RPCStatusCode

from holdfast_client.requests.errors import translate
from holdfast_workflows.contracts.errors import ServiceError, SessionBusy, TemporalUnreachable


def test_a_connection_that_broke_is_a_server_that_cannot_be_reached() -> None:
    # So says the SDK's core of a server that was killed in the middle of a request.
    broken = RPCError("transport error", RPCStatusCode.UNKNOWN, b"")
    assert isinstance(translate(broken), TemporalUnreachable)
    other = RPCError("something else", RPCStatusCode.UNKNOWN, b"")
    assert type(translate(other)) is ServiceError


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            RPCStatusCode.RESOURCE_EXHAUSTED,
            "limit on number of concurrent in-flight updates has been reached (10)",
        ),
        (RPCStatusCode.UNAVAILABLE, "workflow update was aborted"),
    ],
)
def test_an_update_that_the_server_has_no_room_for_is_a_busy_session(
    status: RPCStatusCode, said: str
) -> None:
    # Not a server that cannot be reached, which the remedy would be to start.
    busy = translate(RPCError(said, status, b""), "s-1", by_worker=True)
    assert isinstance(busy, SessionBusy)
    assert "send it again with the same id" in str(busy)
