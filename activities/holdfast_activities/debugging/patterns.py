"""Patterns of a period: counts, durations and errors by agent, model and tool."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final

from temporalio import activity

from holdfast_activities.session.common.failures import reports_failures
from holdfast_activities.state.content.patterns import Case
from holdfast_activities.state.database import State
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.patterns import (
    Pattern,
    PatternKind,
    PatternPage,
    ReadPatterns,
    percentile,
)

_MOST: Final = 20_000
"""Turns, and model calls, that are read of one period."""

_HOUR: Final = 3_600.0


class PatternActivities:
    """The activity for patterns."""

    def __init__(self, state: State) -> None:
        self._state = state

    @activity.defn(name=names.READ_PATTERNS)
    @reports_failures
    async def read_patterns(self, ask: ReadPatterns) -> PatternPage:
        """Return the patterns of a period."""
        turns = await self._state.patterns.turns(ask, _MOST)
        models, tools, more = await self._state.patterns.calls(ask, _MOST)
        groups: tuple[tuple[PatternKind, Sequence[Case]], ...] = (
            ("agent", turns),
            ("model", models),
            ("tool", tools),
        )
        return PatternPage(
            patterns=tuple(pattern for kind, cases in groups for pattern in patterns_of(kind, cases, ask)),
            cut=more or len(turns) == _MOST,
        )


def patterns_of(kind: PatternKind, cases: Iterable[Case], ask: ReadPatterns) -> list[Pattern]:
    """Return a pattern for each name, the most frequent first."""
    by_name: dict[str, list[Case]] = {}
    for case in cases:
        by_name.setdefault(case.name, []).append(case)
    hours = max(1, ceil((ask.until - ask.since) / _HOUR))
    found: list[Pattern] = []
    for name, own in sorted(by_name.items(), key=lambda item: (-len(item[1]), item[0])):
        took = sorted(case.seconds for case in own)
        counts = Counter(int((case.at - ask.since) / _HOUR) for case in own)
        errors = Counter(case.error for case in own if case.error)
        found.append(
            Pattern(
                kind=kind,
                name=name,
                count=len(own),
                failed=sum(errors.values()),
                errors=dict(errors.most_common()),
                mean=sum(took) / len(took),
                min=took[0],
                max=took[-1],
                p50=percentile(took, 0.5),
                p95=percentile(took, 0.95),
                p99=percentile(took, 0.99),
                cost=sum(case.cost for case in own),
                tokens=sum(case.tokens for case in own),
                per_hour=tuple(counts[hour] for hour in range(hours)),
                slowest=max(own, key=lambda case: case.seconds).session,
            )
        )
    return found
