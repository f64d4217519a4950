"""Memories in Weaviate. Its client is imported when a store is opened."""

from .location import Location, parse
from .opening import open_weaviate

__all__ = ["Location", "open_weaviate", "parse"]
