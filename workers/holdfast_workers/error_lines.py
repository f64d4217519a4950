"""Errors of commands in one line, with their exit code."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from holdfast_workflows.contracts import exits

if TYPE_CHECKING:
    from holdfast_workflows.contracts.errors import HoldfastError  # it imports Temporal's client


@contextmanager
def one_line_errors(*, json: bool = False) -> Generator[None]:
    """Print a Holdfast error as one line on standard error and exit with its code.

    With ``json`` it is also a document on standard output, as of the commands that need no worker.
    """
    try:
        yield
    except Exception as error:
        from holdfast_workflows.contracts.errors import HoldfastError
        from holdfast_workflows.contracts.text.redaction import redact_error

        if not isinstance(error, HoldfastError):
            raise
        with suppress(OSError):  # a full disk must not change the exit code
            if json:
                sys.stdout.write(f"{json_text.dumps({'error': _document(error)})}\n")
            sys.stderr.write(f"holdfast: {' '.join(redact_error(str(error)).split())}\n")
        raise SystemExit(exits.code_of(error)) from None


@contextmanager
def worker_installed() -> Generator[None]:
    """Report a library missing from the ``worker`` extra in one line, with the remedy."""
    with one_line_errors():
        if find_spec("sqlmodel") is None:  # `dev` imports nothing of a worker itself
            raise _missing("sqlmodel")
        try:
            yield
        except ModuleNotFoundError as error:
            raise _missing(error.name) from None


def _document(error: HoldfastError) -> dict[str, Any]:
    from holdfast_workflows.contracts.text.redaction import redact_error

    retry = {"retryable": error.retryable, "retry_after": error.retry_after}
    return {"code": error.code, "message": redact_error(str(error)), "id": error.id, **retry}


def _missing(module: str | None) -> HoldfastError:
    from holdfast_workflows.contracts.errors import WorkerMissing

    return WorkerMissing(f"no module {module}")
