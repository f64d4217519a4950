"""A namespace that is not ready for sessions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import RemoveSearchAttributesRequest

from holdfast_client import connect
from holdfast_temporal import DevServer, attributes
from holdfast_temporal import connect as connect_temporal
from holdfast_workflows.contracts.errors import SearchAttributesMissing, SettingsInvalid


async def test_a_namespace_without_our_search_attributes_starts_and_lists_nothing_and_says_so(
    tmp_path: Path, task_queue: str
) -> None:
    async with DevServer(tmp_path, memory=True, ui=False) as server, asyncio.timeout(60):
        temporal = await connect_temporal(server.address)
        await temporal.operator_service.remove_search_attributes(
            RemoveSearchAttributesRequest(namespace="default", search_attributes=list(attributes.TYPES))
        )
        client = await connect(temporal=temporal, task_queue=task_queue)
        with pytest.raises(SearchAttributesMissing):
            await client.start("support", "Hello?")
        with pytest.raises(SearchAttributesMissing):
            _ = [each async for each in client.sessions(tenant="acme")]


async def test_a_namespace_that_is_not_there_is_said(server: DevServer, task_queue: str) -> None:
    client = await connect(server.address, namespace="nowhere", task_queue=task_queue)
    async with asyncio.timeout(60):
        with pytest.raises(SettingsInvalid, match=r"HOLDFAST_NAMESPACE.*nowhere"):
            _ = [each async for each in client.sessions()]
        with pytest.raises(SettingsInvalid, match=r"HOLDFAST_NAMESPACE.*nowhere"):
            await client.session("s-1").view()
