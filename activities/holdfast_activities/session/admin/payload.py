"""Pages of activity results that fit one payload."""

from collections.abc import Iterable
from typing import TypeVar

from holdfast_workflows.contracts.base import Contract
from holdfast_workflows.contracts.limits import MAX_PAYLOAD
from holdfast_workflows.contracts.text.unicode import dump_json, size

C = TypeVar("C", bound=Contract)


def fitting(items: Iterable[C]) -> tuple[C, ...]:
    """Return the first items that fit one payload; at least one."""
    found: list[C] = []
    left = MAX_PAYLOAD
    for item in items:
        left -= size(dump_json(item.model_dump(mode="json", exclude_defaults=True)))
        if found and left < 0:
            break
        found.append(item)
    return tuple(found)
