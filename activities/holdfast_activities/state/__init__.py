"""The state database: logs, sessions, turns, specs and large texts, in SQLite or PostgreSQL."""

from .base import Log, SessionRow, State
from .migrate import is_empty, upgrade
from .opening import open_state

__all__ = ["Log", "SessionRow", "State", "is_empty", "open_state", "upgrade"]
