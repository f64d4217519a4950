"""The exit of a process that has used Temporal's SDK."""

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """Flush all output and exit without the interpreter's shutdown.

    The SDK's native threads still run during the shutdown, and sometimes one of them ends the process with a
    segmentation fault (seen with 1.35.0 on Python 3.11.7), so that the exit code is wrong.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader has closed it
            stream.flush()
    os._exit(code)
