"""The end of a process that has used Temporal's SDK."""

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process now, with everything written.

    The SDK's native threads run on while the interpreter takes itself apart, and now and then one
    of them ends the process by a segmentation fault (seen with 1.35.0 on Python 3.11.7): all was
    done, and the exit code says that it was not.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader has closed it
            stream.flush()
    os._exit(code)
