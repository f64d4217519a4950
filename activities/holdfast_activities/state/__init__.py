"""The state database: logs, sessions, turns, specs and large texts, in SQLite or PostgreSQL."""

from .base import Log, SessionRow, State
from .migrate import upgrade
from .opening import open_state

__all__ = ["Log", "SessionRow", "State", "open_state", "upgrade"]
