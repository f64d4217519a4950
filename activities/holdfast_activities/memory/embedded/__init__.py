"""The embedded memory store: rows in SQLite or PostgreSQL, vector search by numpy."""

from .postgres.postgres import open_postgres
from .store import EmbeddedStore, open_embedded

__all__ = ["EmbeddedStore", "open_embedded", "open_postgres"]
