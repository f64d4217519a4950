"""What becomes of the errors of Temporal's client."""

from temporalio.service import RPCError, RPCStatusCode

from holdfast_client.errors import translate
from holdfast_workflows.contracts.errors import ServiceError, TemporalUnreachable


def test_a_connection_that_broke_is_a_server_that_cannot_be_reached() -> None:
    # So says the SDK's core of a server that was killed in the middle of a request.
    broken = RPCError("transport error", RPCStatusCode.UNKNOWN, b"")
    assert isinstance(translate(broken), TemporalUnreachable)
    other = RPCError("something else", RPCStatusCode.UNKNOWN, b"")
    assert type(translate(other)) is ServiceError
