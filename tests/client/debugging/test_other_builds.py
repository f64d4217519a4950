"""Traces of histories in which another build has written fields in another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from temporalio.api.common.v1 import Payload

from holdfast.testing.replaying import load_history
from holdfast_temporal.histories.fetching import Run
from holdfast_temporal.histories.messages import within

from .test_traces import HISTORIES, traced

SHAPES: Final = ("approved-1", "budget_finish", "debugged", "delegated", "inline_stopped", "routed")
OTHERS: Final[tuple[Any, ...]] = (None, "x", 1.5, ["x"], {"x": {"x": 1}})
DEPTHS: Final = 5


def changed(value: Any, depth: int, other: Any) -> Any:
    """A JSON value in which everything at a depth is another one."""
    if depth == 0:
        return other
    if isinstance(value, dict):
        return {name: changed(each, depth - 1, other) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]  # JSON
    if isinstance(value, list):
        return [changed(each, depth - 1, other) for each in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value


def histories() -> Iterator[tuple[str, Run]]:
    """Recorded runs in which all payloads are changed at one depth."""
    for name in SHAPES:
        run = Run("s", name, tuple(load_history(HISTORIES / f"{name}.json").events))
        payloads = [each for event in run.events for each in within(event, Payload)]
        found = [(each, each.data) for each in payloads if each.metadata.get("encoding") == b"json/plain"]
        for depth in range(DEPTHS):
            for other in OTHERS:
                for payload, data in found:
                    payload.data = json.dumps(changed(json.loads(data), depth, other)).encode()
                yield f"{name}, depth {depth}: {other}", run


def test_a_trace_does_without_values_of_an_unknown_shape() -> None:
    failed: list[str] = []
    for what, run in histories():
        try:
            assert traced(run).runs == 1
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            failed.append(f"{what}: {error!r}")
    assert not failed
