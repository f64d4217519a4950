"""What a check of the state database found."""

from dataclasses import dataclass, field
from typing import Literal

Fault = Literal[
    "unreadable", "invalid", "reply_missing", "spec_missing",
    "session_missing", "snapshot_behind", "status_stale", "entry_missing", "entry_differs", "turn_missing", "effect_missing",
]  # fmt: skip
"""Of the rows: ``unreadable``: content cannot be decrypted; ``invalid``: it is not what a worker writes;
``reply_missing``: a turn's reply is not in the log; ``spec_missing``: the agent of an open session is not in the
database. Of a session and its history: ``session_missing``: there is no row of it; ``snapshot_behind``: its row is
older; ``status_stale``: its workflow has ended; ``entry_missing``, ``turn_missing``, ``effect_missing``: the history
says that it was written; ``entry_differs``: another one was."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of a session, or of the database without one. ``repairable``: the history has what is missing."""

    fault: Fault
    detail: str
    session: str = ""
    repairable: bool = False


@dataclass
class Contents:
    """What was read, and what is wrong with it."""

    sessions: int = 0
    rows: int = 0
    entries: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
