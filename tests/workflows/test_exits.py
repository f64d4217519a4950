"""The exit code of each kind of error, as in the table of docs/cli.md."""

import pytest

from holdfast_workflows.contracts import exits
from holdfast_workflows.contracts.errors import (
    BadInput,
    HoldfastError,
    ModelRejected,
    NoWorker,
    ScheduleNotFound,
    SessionNotFound,
    StateUnavailable,
    TemporalUnreachable,
    UnknownAgent,
    WorkerMissing,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelRejected, exits.FAILED),
        (BadInput, exits.BAD_INPUT),
        (ScheduleNotFound, exits.BAD_INPUT),
        (TemporalUnreachable, exits.UNAVAILABLE),
        (NoWorker, exits.UNAVAILABLE),
        (StateUnavailable, exits.UNAVAILABLE),
        (WorkerMissing, exits.UNAVAILABLE),
        (SessionNotFound, exits.NOT_FOUND),
        (UnknownAgent, exits.NOT_FOUND),
    ],
)
def test_each_kind_of_error_has_its_code(error: type[HoldfastError], code: int) -> None:
    assert exits.code_of(error("What is wrong")) == code
