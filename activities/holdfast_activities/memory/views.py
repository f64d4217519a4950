"""Memories as people and models see them."""

from holdfast_workflows.contracts.memory import MemoryView

from .base import Record


def view(record: Record, score: float = 0.0, why: str = "") -> MemoryView:
    """A record without what only stores need."""
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
