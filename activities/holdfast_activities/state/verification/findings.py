"""What a check of the state database found."""

from dataclasses import dataclass, field
from typing import Literal

Fault = Literal[
    "unreadable", "invalid", "reply_missing", "spec_missing",
    "audit",
]  # fmt: skip
"""``unreadable``: content cannot be decrypted; ``invalid``: it is not what a worker writes; ``reply_missing``: a
turn's reply is not in the log; ``spec_missing``: the agent of an open session is not in the database; ``audit``: the
audit log was changed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of a session, or of the database without one."""

    fault: Fault
    detail: str
    session: str = ""


@dataclass
class Contents:
    """What was read, and what is wrong with it."""

    sessions: int = 0
    rows: int = 0
    entries: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
