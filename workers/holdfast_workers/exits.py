"""How a command ends: its exit codes, and errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from holdfast_workflows.contracts.errors import BadInput, HoldfastError

OK: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130


@contextmanager
def one_line_errors() -> Generator[None]:
    """Turn an error of ours into one line on standard error and an exit code: 2 for bad input, else 1."""
    try:
        yield
    except HoldfastError as error:
        sys.stderr.write(f"holdfast: {error}\n")
        raise SystemExit(BAD_INPUT if isinstance(error, BadInput) else FAILED) from None
