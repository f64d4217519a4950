"""Memories: stores, search, lifecycle and the outbox of changes."""

from .base import Collection, Counts, Embedder, Filter, MemoryStore, Record, Scored, Vector
from .memories import Memories
from .opening import make_memories, upgrade_memories
from .outbox.changes import Change, FactDraft, TurnDraft

__all__ = [
    "Change",
    "Collection",
    "Counts",
    "Embedder",
    "FactDraft",
    "Filter",
    "Memories",
    "MemoryStore",
    "Record",
    "Scored",
    "TurnDraft",
    "Vector",
    "make_memories",
    "upgrade_memories",
]
