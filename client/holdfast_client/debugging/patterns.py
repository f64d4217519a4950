"""Patterns of a period, compared with the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.patterns import PatternPage, Patterns, ReadPatterns, changes


class PatternMethods:
    """The part of ``Client`` that reports patterns."""

    _requests: Requests

    async def patterns(
        self,
        period: timedelta = timedelta(hours=24),
        *,
        until: datetime | None = None,
        agent: str = "",
        tenant: str = "",
    ) -> Patterns:
        """Return how turns, model calls and tool calls went: counts, durations, errors; and what changed since the period before.

        Args:
            period: Its length, at most 31 days.
            until: Its end; now by default.
            agent: Only sessions of this agent.
            tenant: Only sessions of this tenant.

        Raises:
            BadInput: The period is not between a minute and 31 days.
        """
        if not timedelta(minutes=1) <= period <= timedelta(days=31):
            raise BadInput(f"period={period} must be between a minute and 31 days")
        end = (until or datetime.now(UTC)).timestamp()
        length = period.total_seconds()
        ask = ReadPatterns(since=end - length, until=end, agent=agent, tenant=tenant)
        earlier = ask.model_copy(update={"since": end - 2 * length, "until": end - length})
        now = await self._requests.activity(names.READ_PATTERNS, ask, PatternPage)
        before = await self._requests.activity(names.READ_PATTERNS, earlier, PatternPage)
        return Patterns(
            since=ask.since,
            until=ask.until,
            patterns=now.patterns,
            before=before.patterns,
            changes=changes(now.patterns, before.patterns) if before.patterns else (),
            cut=now.cut or before.cut,
        )
