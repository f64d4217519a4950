"""Reports of what model calls cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from holdfast_client.requests.errors import bad_input
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.costs import CostDimension, CostReport, ListCosts


class CostMethods:
    """The part of ``Client`` that reports costs."""

    _requests: Requests

    async def costs(
        self,
        by: CostDimension | Sequence[CostDimension] = "agent",
        *,
        since: date | None = None,
        until: date | None = None,
        agent: str = "",
        model: str = "",
        tool: str | None = None,
        tenant: str = "",
        user: str = "",
        session: str = "",
        limit: int = 100,
    ) -> CostReport:
        """Return what model calls cost, the most expensive rows first, and a forecast for the current day.

        Args:
            by: What the rows are: ``agent``, ``model``, ``tool``, ``tenant``, ``user``, ``session``, ``day``, ``hour``,
                or several of them.
            since: The first day (UTC), by default the last one.
            until: The last day (UTC), by default the current one.
            agent: Only costs of this agent.
            model: Only costs of this model.
            tool: Only the part of this tool; empty for what belongs to no tool.
            tenant: Only costs of this tenant.
            user: Only costs of this user.
            session: Only costs of this session.
            limit: The most rows, at most 500.

        Raises:
            BadInput: ``by``, a day or ``limit`` is invalid.
        """
        with bad_input():
            request = ListCosts(
                by=(by,) if isinstance(by, str) else tuple(by),
                since=since.isoformat() if since else "",
                until=until.isoformat() if until else "",
                agent=agent,
                model=model,
                tool=tool,
                tenant=tenant,
                user=user,
                session=session,
                limit=limit,
            )
        return await self._requests.activity(names.LIST_COSTS, request, CostReport)
