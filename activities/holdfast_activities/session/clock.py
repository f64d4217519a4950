"""The clocks that calls go by."""

import sys
import time


def steady() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine is suspended."""
    # macOS counts on in its monotonic clock's raw form only; there, and on Windows, it is the best there is.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()
