"""Records and vectors for tests."""

from __future__ import annotations  # `Vector` is a name to type checkers only

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from holdfast_activities.memory import Collection, Record, Scored, Vector

DIMENSION = 8
COLLECTION = Collection("test-model", DIMENSION)
OTHER = Collection("other-model", DIMENSION)
"""Of the same length, so that only the name tells them apart."""


def vector(*numbers: float) -> Vector:
    """A vector of unit length that begins with these numbers; the rest are zeros."""
    made = np.zeros(DIMENSION, np.float32)
    made[: len(numbers)] = numbers
    return made / np.float32(np.linalg.norm(made))


def angle(degrees: float) -> Vector:
    """A vector at so many degrees from ``vector(1)``."""
    return vector(float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees))))


FACT = Record(id="", scope="tenant", kind="fact", text="", at=1_000.0)


def fact(id: str, words: str = "", vector: Vector | None = None, scope: str = "tenant") -> Record:
    """A fact that says its id."""
    return replace(FACT, id=id, text=f"text of {id}", words=words, vector=vector, scope=scope)


def turn(id: str, session: str, place: int) -> Record:
    """Something said at a place of a session."""
    return replace(FACT, id=id, kind="turn", text=f"said {id}", session=session, place=place)


def ids(found: Iterable[Record | Scored]) -> list[str]:
    """The ids of what was found, in its order."""
    return [each.record.id if isinstance(each, Scored) else each.id for each in found]


async def embed(texts: Sequence[str]) -> list[Vector]:
    """Another model's vectors: where a text of ``fact`` lies says how long it is."""
    await asyncio.sleep(0)
    return [angle(len(text)) for text in texts]
