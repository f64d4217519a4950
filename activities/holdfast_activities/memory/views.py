"""Memories as users and models see them."""

from typing import TypeAlias

from holdfast_workflows.contracts.agent.memory import MemoryView

from .base import Record

Views: TypeAlias = list[MemoryView]
"""An alias for classes that have a method ``list``, which hides the type."""


def view(record: Record, score: float = 0.0, why: str = "") -> MemoryView:
    """Convert a record, without the fields that only stores need."""
    return MemoryView(
        id=record.id,
        text=record.text,
        kind=record.kind,
        scope=record.scope,
        speaker=record.speaker,
        at=record.at,
        session=record.session,
        importance=record.importance,
        trust=record.trust,
        sources=record.sources,
        topic=record.topic,
        superseded_by=record.superseded_by,
        expires=record.expires,
        score=score,
        why=why,
    )
