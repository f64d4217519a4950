"""Exit codes of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from holdfast_workflows.contracts.errors import HoldfastError

FAILED: Final = 1
BAD_INPUT: Final = 2
UNREACHABLE: Final = 3
NOT_FOUND: Final = 4
INTERRUPTED: Final = 130


def code_of(error: HoldfastError) -> int:
    """Return the exit code for an error."""
    from holdfast_workflows.contracts import errors  # it imports Temporal

    if isinstance(error, errors.SessionNotFound | errors.UnknownAgent):
        return NOT_FOUND
    if isinstance(error, errors.BadInput):
        return BAD_INPUT
    return UNREACHABLE if isinstance(error, errors.ServiceError) else FAILED
