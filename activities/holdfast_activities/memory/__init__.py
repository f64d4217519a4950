"""Memories: where they are kept, how they are found, what becomes of them."""

from .base import Collection, Counts, Embedder, Filter, MemoryStore, Record, Scored, Vector
from .changes import Change, FactDraft, TurnDraft

__all__ = [
    "Change",
    "Collection",
    "Counts",
    "Embedder",
    "FactDraft",
    "Filter",
    "MemoryStore",
    "Record",
    "Scored",
    "TurnDraft",
    "Vector",
]
