"""The embedded memory store: one SQLite file, searched by numpy."""

from .store import EmbeddedStore, open_embedded

__all__ = ["EmbeddedStore", "open_embedded"]
