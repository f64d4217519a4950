"""SIGTERM and SIGHUP end a command as Ctrl-C does, so that it removes what it has begun."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final

from holdfast_workflows.contracts import exits

_ENDING: Final = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP

_received: list[int] = []


def prepare() -> None:
    """Handle the signals until a command has handlers of its own. One that is ignored, as by nohup, stays so."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def exit_code(code: int) -> int:
    """Return the code of the signal that interrupted the command, else the given one."""
    return 128 + _received[0] if code == exits.INTERRUPTED and _received else code


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    if callable(signal.getsignal(signal.SIGINT)):
        signal.raise_signal(signal.SIGINT)  # what runs has its own way to stop
    else:
        raise KeyboardInterrupt  # Ctrl-C is ignored, as in the background of a shell
