"""Exit codes of all commands; the list for users is in ``docs/cli.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .errors import HoldfastError

OK: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
UNAVAILABLE: Final = 3
NOT_FOUND: Final = 4
INTERRUPTED: Final = 130


def code_of(error: HoldfastError) -> int:
    """Return the exit code for an error."""
    from . import errors  # it imports Temporal

    if isinstance(error, errors.SessionNotFound | errors.UnknownAgent):
        return NOT_FOUND
    if isinstance(error, errors.BadInput):
        return BAD_INPUT
    unavailable = isinstance(error, errors.ServiceError | errors.StateUnavailable)
    return UNAVAILABLE if unavailable else FAILED
