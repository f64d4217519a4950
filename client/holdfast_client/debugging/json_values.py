"""Values in the payloads of histories, which builds of other versions may have written differently."""

from __future__ import annotations

from typing import Any, cast


def object_of(value: object) -> dict[str, Any]:
    """Return an object; an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def objects_of(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, with an empty one for each other item; nothing for anything else."""
    return [object_of(each) for each in cast("list[object]", value)] if isinstance(value, list) else []


def number_of(value: object) -> float:
    """Return a number; 0 for anything else."""
    return value if isinstance(value, int | float) else 0
