"""Translate filters to Weaviate's."""

from collections.abc import Sequence

from ..base import Filter as RecordFilter
from .library import Filter, FilterReturn
from .rows import NEVER, exact

EVERYTHING = Filter.by_property("ends").greater_than(-NEVER)
"""For requests that need a filter."""


def matching(wanted: RecordFilter, after: str = "") -> FilterReturn | None:
    """Return one filter; None if it matches everything. ``after``: only objects with a greater sort key."""
    found: list[FilterReturn] = []
    if wanted.scopes:
        found.append(Filter.by_property("scope").contains_any([exact(scope) for scope in wanted.scopes]))
    if wanted.kinds:
        found.append(Filter.by_property("kind").contains_any(list(wanted.kinds)))
    if wanted.session:
        found.append(Filter.by_property("session").equal(exact(wanted.session)))
    if wanted.topic:
        found.append(Filter.by_property("topic").equal(exact(wanted.topic)))
    if not wanted.superseded:
        found.append(Filter.by_property("superseded").equal(False))
    if wanted.before:
        found.append(Filter.by_property("at").less_than(float(wanted.before)))
    if wanted.expired:
        found.append(Filter.by_property("ends").less_or_equal(float(wanted.now)))
    elif wanted.now:
        found.append(Filter.by_property("ends").greater_than(float(wanted.now)))
    if after:
        found.append(Filter.by_property("key").greater_than(after))
    return Filter.all_of(found) if found else None


def near(places: Sequence[tuple[str, int]], reach: int) -> FilterReturn:
    """Return a filter for turns at most ``reach`` places away from one of ``places``."""
    wanted: dict[str, set[int]] = {}
    for session, place in places:
        wanted.setdefault(session, set()).update(range(place - reach, place + reach + 1))
    return Filter.by_property("kind").equal("turn") & Filter.any_of(
        [
            Filter.by_property("session").equal(exact(session))
            & Filter.by_property("place").contains_any(sorted(numbers))
            for session, numbers in wanted.items()
        ]
    )
