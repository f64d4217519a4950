"""A Temporal server that skips the time in which a session only waits."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio.testing import WorkflowEnvironment

from holdfast_temporal import Connection, binary, ensure_search_attributes

_ENABLED = ("--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true")


@asynccontextmanager
async def skipping_server(connection: Connection | None = None) -> AsyncGenerator[WorkflowEnvironment]:
    """The embedded server in memory, with a clock per session.

    Temporal's older test server has neither standalone activities nor search attributes.
    """
    async with await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=(connection or Connection()).converter(),
        dev_server_existing_path=str(binary.find()),
        dev_server_extra_args=_ENABLED,
    ) as environment:
        await ensure_search_attributes(environment.client)
        yield environment
