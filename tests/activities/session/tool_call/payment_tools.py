"""Tools with effects whose author counts what they do.

They have no breaker unless a test is about it: the tests on PostgreSQL share the database's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from holdfast import Tool, ToolContext, tool


@dataclass
class PaymentTools:
    """What happens in the world: every payment, by key, as often as it is made."""

    paid: list[str] = field(default_factory=list[str])
    refunded: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    asked: list[str] = field(default_factory=list[str])
    contexts: list[ToolContext] = field(default_factory=list[ToolContext])

    def pay(
        self,
        instead: Callable[[], Awaitable[object]] | None = None,
        *,
        probe: Callable[[], str | None] | None = None,
        **options: Any,
    ) -> Tool[..., Any]:
        """A tool ``pay``; ``instead`` comes after the payment was made, and what it returns is the result."""

        def ask(order: str, ctx: ToolContext) -> str | None:
            self.asked.append(ctx.key)
            assert probe is not None
            return probe()

        chosen: dict[str, Any] = {"effect": "once", "breaker": False, "probe": ask if probe else None}

        @tool(**(chosen | options))
        async def pay(order: str, ctx: ToolContext) -> object:
            """Pay.

            Args:
                order: What for.
            """
            self.paid.append(ctx.key)
            self.contexts.append(ctx)
            return f"paid {order}" if instead is None else await instead()

        return pay

    def refund(self, instead: Callable[[], Awaitable[str]] | None = None, **options: Any) -> Tool[..., Any]:
        """A tool ``refund`` to undo it with."""

        chosen: dict[str, Any] = {"effect": "idempotent", "breaker": False}

        @tool(**(chosen | options))
        async def refund(order: str, result: str, ctx: ToolContext) -> str:
            """Refund."""
            self.refunded.append((order, result, ctx.key))
            return f"refunded {order}" if instead is None else await instead()

        return refund


async def never() -> object:
    """Take longer than anybody waits."""
    await asyncio.Event().wait()
    return None
