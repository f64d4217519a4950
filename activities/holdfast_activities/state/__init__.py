"""The state database: logs, sessions, turns, specs and large texts, in SQLite or PostgreSQL."""

from .base import Log
from .database import SessionRow, State
from .encryption.cipher import Cipher, cipher_of
from .setup.migrate import is_empty, upgrade
from .setup.opening import open_state

__all__ = ["Cipher", "Log", "SessionRow", "State", "cipher_of", "is_empty", "open_state", "upgrade"]
