"""Memories as users and models see them."""

from typing import TypeAlias

from holdfast_workflows.contracts.agent.memory import MemoryView

from .base import Record

Views: TypeAlias = list[MemoryView]
"""An alias for classes that have a method ``list``, which hides the type."""

_FIELDS = MemoryView.model_fields.keys() - {"score", "why"}


def view(record: Record, score: float = 0.0, why: str = "") -> MemoryView:
    """Convert a record, without the fields that only stores need."""
    return MemoryView(score=score, why=why, **{name: getattr(record, name) for name in _FIELDS})
