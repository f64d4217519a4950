"""The memory store that is embedded in the worker: rows in SQLite or PostgreSQL, searched by numpy."""

from .postgres import open_postgres
from .store import EmbeddedStore, open_embedded

__all__ = ["EmbeddedStore", "open_embedded", "open_postgres"]
